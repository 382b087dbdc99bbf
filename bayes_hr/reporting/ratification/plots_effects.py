"""Figures of effects of ratification: classes, contrasts, countries, the permuted reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.plots import HOW_TO_READ, EffectRow, caterpillar, forest, truth_of
from bayes_hr.reporting.ratification.colours import colour_of
from bayes_hr.reporting.ratification.tables import switchers

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.checks.reference import PermutedReference
    from bayes_hr.reporting.ratification.content import RatificationContent as Content


def effect_rows(content: Content, estimand: str) -> list[EffectRow]:
    """Rows of a forest plot from the effects table and its draws."""
    table, draws = content.of(estimand), content.draws(estimand)
    rows = []
    for k, r in enumerate(table.itertuples()):
        label = content.row_name(r)
        told = f"{fmt.signed(r.mean, content.digits)}  [{fmt.interval(r.lb, r.ub, content.digits)}]"
        colour = colour_of(str(r.level), content.classes)
        truth = truth_of(content.truth, estimand, str(r.level), str(r.reference))
        rows.append(EffectRow(label, colour, draws[:, k], r.mean, r.lb, r.ub, told, truth))
    return rows


def effect_picture(content: Content, estimand: str, *, key: str, title: str) -> Picture:
    """Forest plot of one estimand."""
    rows = effect_rows(content, estimand)
    rope = (content.card.rope.lower, content.card.rope.upper)
    truth = "; black diamond: truth" if any(r.truth is not None for r in rows) else ""
    caption = f"{title}. {HOW_TO_READ} ({fmt.interval(*rope)}){truth}."
    alt = f"{title}. " + "; ".join(f"{r.label} {r.told}" for r in rows)
    xlabel = f"change in {fig.shortened(content.scale, 60)}"
    return Picture(key, forest(rows, rope=rope, xlabel=xlabel), caption, alt)


def country_pictures(content: Content) -> list[Picture]:
    """One figure per regime class: countries that ratify, sorted by total effect, all on the same scale."""
    found = switchers(content)
    inner = np.quantile(content.draws("total"), [0.25, 0.75], axis=0)
    levels = list(content.of("total")["level"])
    at = [levels.index(level) for level in found["level"]]
    found = found.assign(q25=inner[0, at], q75=inner[1, at], name=found["country"])
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
        colour=colour_of(label, content.classes),
        rope=(content.card.rope.lower, content.card.rope.upper),
        centre=float(tau[label]) if label in tau.index else None,
        limits=limits,
        title=f"{label} ({len(own)})",
        xlabel="total effect",
    )
    ends = own.iloc[[0, -1]]
    told = "; ".join(f"{r.country} {fmt.signed(r.mean, content.digits)}" for r in ends.itertuples())
    alt = (
        f"Total effects of the {len(own)} countries that ratify in class {label}; largest and smallest "
        f"mean: {told}."
    )
    number = content.classes.index(label)
    return Picture(f"fig-countries-{number}", figure, label, alt)


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
            colour = colour_of(str(row.level), content.classes) if row.level else fig.INK
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
