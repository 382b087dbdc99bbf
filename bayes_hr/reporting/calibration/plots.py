"""The figure of a calibration: how far the ranks of each quantity are from uniform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bayes_hr.calibration.result import Calibration

COLUMNS: Final = 4
INSIDE: Final = "#0b5fa5"

BEYOND: Final = 2.5
"""How many half-widths of the band an axis shows at most."""


def ecdf_picture(found: Calibration) -> Picture:
    """ECDF of the ranks minus that of uniform ranks, with the simultaneous band: one small panel each."""
    out = found.table.loc[~found.table["in_band"], "quantity"].tolist()
    told = f"Out of band: {fmt.joined(out)}." if out else "Every line stays in its band."
    caption = (
        "How the ranks of the true values are distributed over the worlds, against uniform (0). Grey: the "
        f"band in which the whole line lies with probability {found.level:.4f} if the engine is calibrated; "
        "red: out of it. A line above 0 throughout: estimates too high (truths rank low); below: too low; "
        f"first above, then below: intervals too narrow; first below, then above: too wide. {told}"
    )
    alt = f"Small multiples of {len(found.table)} rank distributions over {found.worlds} worlds. {told}"
    with fig.style():
        return Picture("fig-ecdf", _small_multiples(found), caption, alt)


def _small_multiples(found: Calibration) -> Figure:
    lower, upper = found.ecdf_band()
    grid = np.linspace(0.0, 1.0, lower.size)
    rows = -(-len(found.table) // COLUMNS)
    height = 1.4 * rows + 0.65
    figure, axes = fig.new_figure(
        9.0, height, rows=rows, columns=COLUMNS, layout=None, sharex=True, sharey=True
    )
    # Margins by hand: the constrained layout takes seconds for this many axes.
    figure.subplots_adjust(0.075, 0.5 / height, 0.99, 1 - 0.25 / height, wspace=0.09, hspace=0.3)
    for axis, row in zip(axes, found.table.itertuples(), strict=False):
        axis.fill_between(grid, lower, upper, color=fig.GRID, lw=0)
        axis.axhline(0.0, color=fig.QUIET, lw=0.6)
        axis.plot(grid, found.ecdf(str(row.quantity)), color=INSIDE if row.in_band else fig.ALERT, lw=1.3)
        _dress(axis, str(row.quantity), inside=bool(row.in_band))
    axes[0].set_ylim(*_ends(found, BEYOND * float(np.max([upper, -lower]))))
    for spare in axes[len(found.table) :]:
        spare.set_axis_off()
    figure.text(0.53, 0.08 / height, f"rank of the truth among {found.ranked} draws, as a share", ha="center")
    figure.text(0.005, 0.5, "ECDF of the ranks − uniform", va="center", rotation=90)
    return figure


def _ends(found: Calibration, most: float) -> tuple[float, float]:
    """Ends of the common axis: a line far out of band is cut, so that the others can still be read."""
    reach = max(float(np.abs(found.ecdf(str(name))).max()) for name in found.table["quantity"])
    end = float(np.clip(1.1 * reach, most / BEYOND * 1.1, most))
    return -end, end


def _dress(axis: Axes, name: str, *, inside: bool) -> None:
    axis.set_title(fig.shortened(name, 32), fontsize=7.6, loc="left", color=fig.INK if inside else fig.ALERT)
    axis.set_xlim(0.0, 1.0)
    axis.set_xticks([0.0, 0.5, 1.0], ["0", ".5", "1"])
    axis.tick_params(labelsize=8, length=2)
