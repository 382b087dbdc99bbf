"""Figures that every question uses: densities with intervals in rows, and caterpillars of many levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.reporting import figures as fig

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

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


def truth_of(truth: pd.DataFrame | None, estimand: str, level: str, reference: str) -> float | None:
    """True value of an effect, if it is known."""
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


def forest(rows: list[EffectRow], *, rope: tuple[float, float], xlabel: str) -> Figure:
    """Densities with intervals, one row each, figures printed at the right."""
    height = 0.62 * len(rows) + 0.95
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, height)
        low, high = _range(rows, rope)
        band(axis, rope)
        for k, row in enumerate(reversed(rows)):
            _half_eye(axis, row, k, np.linspace(low, high, 200))
        axis.set_xlim(low, high)
        axis.set_ylim(-0.45, len(rows) - 0.1)
        axis.set_yticks(range(len(rows)), [fig.shortened(r.label, 40) for r in reversed(rows)])
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_xlabel(xlabel)
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


def band(axis: Axes, rope: tuple[float, float]) -> None:
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


def caterpillar(
    own: pd.DataFrame,
    *,
    colour: str,
    rope: tuple[float, float],
    centre: float | None,
    limits: tuple[float, float],
    title: str,
    xlabel: str,
) -> Figure:
    """Many levels with 50 and 89 % intervals, the first on top.

    Parameters
    ----------
    own
        Columns ``name, mean, lb, ub, q25, q75`` and perhaps ``truth``.
    colour, title, xlabel
        Of the figure.
    rope
        Band of negligible effects.
    centre
        A value that all are compared with, dashed; or None.
    limits
        What the horizontal axis must hold.
    """
    at = np.arange(len(own))[::-1]
    with fig.style():
        height = 0.165 * len(own) + 1.0
        figure, (axis,) = fig.new_figure(4.7, height, layout=None)
        figure.subplots_adjust(0.34, 0.55 / height, 0.985, 1 - 0.3 / height)
        band(axis, rope)
        if centre is not None:
            axis.axvline(centre, color=colour, lw=1, ls=(0, (4, 3)), zorder=1)
        _bars(axis, own, at, colour)
        axis.set_yticks(at, [fig.shortened(str(c), 26) for c in own["name"]], fontsize=8.2)
        axis.set_ylim(-0.8, len(own) - 0.2)
        pad = 0.03 * (limits[1] - limits[0])
        axis.set_xlim(limits[0] - pad, limits[1] + pad)
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x")
        axis.spines["left"].set_visible(False)
        axis.set_title(title, fontsize=11, color=colour, loc="left", fontweight="bold")
        axis.set_xlabel(xlabel)
    return figure


def _bars(axis: Axes, own: pd.DataFrame, at: NDArray[Any], colour: str) -> None:
    """Intervals, means and, if known, truths of the levels."""
    axis.hlines(at, own["lb"], own["ub"], color=colour, lw=0.9, zorder=2)
    axis.hlines(at, own["q25"], own["q75"], color=colour, lw=2.8, zorder=3)
    axis.plot(own["mean"], at, "o", ms=3.6, color="white", mec=colour, mew=1.1, zorder=4)
    if "truth" in own:
        axis.plot(own["truth"], at, "D", ms=3.2, color=fig.INK, zorder=5)
