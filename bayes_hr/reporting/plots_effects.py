"""Figures of effects: classes, contrasts, countries, the permuted reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.tables import switchers

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from bayes_hr.checks.reference import PermutedReference
    from bayes_hr.reporting.content import Content

    Array = NDArray[np.float64]

HOW_TO_READ: Final = (
    "Dot: mean; thick and thin line: 50 % and 89 % interval; curve: posterior density; grey band: effects "
    "that are negligible"
)


@dataclass(frozen=True)
class EffectRow:
    """One row of a forest plot: label, colour, draws, figures as printed, and the truth if it is known."""

    label: str
    colour: str
    draws: Array
    mean: float
    lb: float
    ub: float
    told: str
    truth: float | None = None


def effect_rows(content: Content, estimand: str) -> list[EffectRow]:
    """Rows of a forest plot from the effects table and its draws."""
    table, draws = content.of(estimand), content.draws(estimand)
    rows = []
    for k, r in enumerate(table.itertuples()):
        label = f"{r.level} − {r.reference}" if r.reference else str(r.level)
        told = f"{fmt.signed(r.mean, content.digits)}  [{fmt.interval(r.lb, r.ub, content.digits)}]"
        colour = fig.colour_of(str(r.level), content.classes)
        truth = _truth(content.truth, estimand, str(r.level), str(r.reference))
        rows.append(EffectRow(label, colour, draws[:, k], r.mean, r.lb, r.ub, told, truth))
    return rows


def _truth(truth: pd.DataFrame | None, estimand: str, level: str, reference: str) -> float | None:
    if truth is None:
        return None
    found = truth[
        (truth["estimand"] == estimand) & (truth["level"] == level) & (truth["reference"] == reference)
    ]
    return float(found["truth"].iloc[0]) if len(found) else None


def density(draws: Array, grid: Array) -> Array:
    """Kernel density on a grid, highest point 1 (1.3 times Silverman's bandwidth); 0 if draws do not vary."""
    sample = draws[:: max(len(draws) // 4000, 1)]
    spread = min(float(sample.std()), float(np.subtract(*np.quantile(sample, [0.75, 0.25]))) / 1.34)
    if spread <= 0:
        return np.zeros_like(grid)
    width = 1.2 * spread * len(sample) ** -0.2
    out = np.exp(-0.5 * ((grid[:, None] - sample[None, :]) / width) ** 2).sum(axis=1)
    return np.asarray(out / out.max())


def forest(rows: list[EffectRow], *, rope: tuple[float, float], unit: str) -> Figure:
    """Densities with intervals, one row each, figures printed at the right."""
    height = 0.62 * len(rows) + 0.95
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, height)
        low, high = _range(rows, rope)
        _band(axis, rope)
        for k, row in enumerate(reversed(rows)):
            _half_eye(axis, row, k, np.linspace(low, high, 200))
        axis.set_xlim(low, high)
        axis.set_ylim(-0.45, len(rows) - 0.1)
        axis.set_yticks(range(len(rows)), [fig.shortened(r.label, 40) for r in reversed(rows)])
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_xlabel(f"change in {fig.shortened(unit, 60)}")
        right = axis.secondary_yaxis("right")
        right.set_yticks(range(len(rows)), [r.told for r in reversed(rows)])
        right.tick_params(length=0)
        right.spines["right"].set_visible(False)
    return figure


def _range(rows: list[EffectRow], rope: tuple[float, float]) -> tuple[float, float]:
    ends = [np.quantile(r.draws, [0.004, 0.996]) for r in rows]
    known = [r.truth for r in rows if r.truth is not None]
    low = min([float(e[0]) for e in ends] + [rope[0] * 1.15, *known])
    high = max([float(e[1]) for e in ends] + [rope[1] * 1.15, *known])
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _band(axis: Axes, rope: tuple[float, float]) -> None:
    """Band of negligible effects, and zero."""
    axis.axvspan(*rope, color=fig.ROPE, lw=0, zorder=0)
    axis.axvline(0, color=fig.QUIET, lw=0.9, zorder=1)


def _half_eye(axis: Axes, row: EffectRow, at: float, grid: Array) -> None:
    curve = density(row.draws, grid)
    axis.fill_between(grid, at + 0.08, at + 0.08 + 0.6 * curve, color=row.colour, alpha=0.28, lw=0, zorder=2)
    inner = np.quantile(row.draws, [0.25, 0.75])
    axis.plot([row.lb, row.ub], [at, at], color=row.colour, lw=1.6, solid_capstyle="butt", zorder=3)
    axis.plot(inner, [at, at], color=row.colour, lw=4.5, solid_capstyle="butt", zorder=3)
    axis.plot([row.mean], [at], "o", ms=6.5, mfc="white", mec=row.colour, mew=1.8, zorder=4)
    if row.truth is not None:
        axis.plot([row.truth], [at], "D", ms=6.5, color=fig.INK, zorder=5)


def effect_picture(content: Content, estimand: str, *, key: str, title: str) -> Picture:
    """Forest plot of one estimand."""
    rows = effect_rows(content, estimand)
    rope = (content.card.rope.lower, content.card.rope.upper)
    truth = "; black diamond: truth" if any(r.truth is not None for r in rows) else ""
    caption = f"{title}. {HOW_TO_READ} ({fmt.interval(*rope)}){truth}."
    alt = f"{title}. " + "; ".join(f"{r.label} {r.told}" for r in rows)
    return Picture(key, forest(rows, rope=rope, unit=content.scale), caption, alt)


def country_pictures(content: Content) -> list[Picture]:
    """One figure per regime class: countries that ratify, sorted by total effect, all on the same scale."""
    found = switchers(content)
    inner = np.quantile(content.draws("total"), [0.25, 0.75], axis=0)
    levels = list(content.of("total")["level"])
    at = [levels.index(level) for level in found["level"]]
    found = found.assign(q25=inner[0, at], q75=inner[1, at])
    if content.truth is not None:
        truth = content.truth[content.truth["estimand"] == "total"].set_index("level")["truth"]
        found = found.assign(truth=truth.reindex(found["level"]).to_numpy())
    out = []
    for label in content.classes:
        own = found[found["regime"] == label]
        if len(own):
            out.append(_country_picture(content, own, label, (found["lb"].min(), found["ub"].max())))
    return out


def _country_picture(content: Content, own: pd.DataFrame, label: str, limits: tuple[float, float]) -> Picture:
    tau = content.of("tau").set_index("level")["mean"]
    figure = caterpillar(
        own,
        colour=fig.colour_of(label, content.classes),
        rope=(content.card.rope.lower, content.card.rope.upper),
        centre=float(tau[label]) if label in tau.index else None,
        limits=limits,
        title=f"{label} ({len(own)})",
    )
    ends = own.iloc[[0, -1]]
    told = "; ".join(f"{r.country} {fmt.signed(r.mean, content.digits)}" for r in ends.itertuples())
    alt = (
        f"Total effects of the {len(own)} countries that ratify in class {label}; largest and smallest "
        f"mean: {told}."
    )
    number = content.classes.index(label)
    return Picture(f"fig-countries-{number}", figure, label, alt)


def caterpillar(
    own: pd.DataFrame,
    *,
    colour: str,
    rope: tuple[float, float],
    centre: float | None,
    limits: tuple[float, float],
    title: str,
) -> Figure:
    """Countries of one class with 50 and 89 % intervals, largest effect on top."""
    at = np.arange(len(own))[::-1]
    with fig.style():
        height = 0.165 * len(own) + 1.0
        figure, (axis,) = fig.new_figure(4.7, height, layout=None)
        figure.subplots_adjust(0.34, 0.55 / height, 0.985, 1 - 0.3 / height)
        _band(axis, rope)
        if centre is not None:
            axis.axvline(centre, color=colour, lw=1, ls=(0, (4, 3)), zorder=1)
        axis.hlines(at, own["lb"], own["ub"], color=colour, lw=0.9, zorder=2)
        axis.hlines(at, own["q25"], own["q75"], color=colour, lw=2.8, zorder=3)
        axis.plot(own["mean"], at, "o", ms=3.6, color="white", mec=colour, mew=1.1, zorder=4)
        if "truth" in own:
            axis.plot(own["truth"], at, "D", ms=3.2, color=fig.INK, zorder=5)
        axis.set_yticks(at, [fig.shortened(str(c), 26) for c in own["country"]], fontsize=8.2)
        axis.set_ylim(-0.8, len(own) - 0.2)
        pad = 0.03 * (limits[1] - limits[0])
        axis.set_xlim(limits[0] - pad, limits[1] + pad)
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x")
        axis.spines["left"].set_visible(False)
        axis.set_title(title, fontsize=11, color=colour, loc="left", fontweight="bold")
        axis.set_xlabel("total effect")
    return figure


def reference_picture(reference: PermutedReference, content: Content) -> Picture:
    """Real estimates against the spread of permuted ones."""
    table = reference.table
    names = [_name(r) for r in table.itertuples()]
    at = np.arange(len(table))[::-1]
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 0.42 * len(table) + 1.1)
        axis.axvline(0, color=fig.QUIET, lw=0.9, zorder=1)
        centre, spread = table["permuted_mean"].to_numpy(float), table["permuted_sd"].to_numpy(float)
        axis.hlines(at, centre - 2 * spread, centre + 2 * spread, color="#c3c9d0", lw=11, zorder=2)
        axis.plot(centre, at, "|", ms=12, mew=2, color=fig.QUIET, zorder=3)
        for y, row in zip(at, table.itertuples(), strict=True):
            colour = fig.colour_of(str(row.level), content.classes) if row.level else fig.INK
            axis.plot([row.lb, row.ub], [y, y], color=colour, lw=1.6, zorder=4)
            axis.plot([row.mean], [y], "o", ms=6.5, mfc="white", mec=colour, mew=1.8, zorder=5)
        axis.set_yticks(at, [fig.shortened(n, 40) for n in names])
        axis.set_ylim(-0.7, len(table) - 0.3)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_xlabel(f"change in {fig.shortened(content.scale, 60)}")
    caption = (
        f"Real estimates (dot and 89 % interval) against {reference.n} refits with permuted ratification "
        "years (grey: mean of the permuted estimates and two standard deviations to each side)."
    )
    alt = "; ".join(
        f"{n}: real {fmt.signed(r.mean, content.digits)}, permuted "
        f"{fmt.signed(r.permuted_mean, content.digits)}"
        for n, r in zip(names, table.itertuples(), strict=True)
    )
    return Picture("fig-reference", figure, caption, alt)


def _name(row: Any) -> str:
    if not row.level:
        return str(row.estimand)
    return f"{row.level} − {row.reference}" if row.reference else str(row.level)
