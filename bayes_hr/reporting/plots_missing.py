"""The picture of missing values: variables by decades, with the share written in each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.data.merge_parts import missing_table
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayes_hr.data.merge import MergeReport

SHADES: Final = "Blues"
"""One hue from light to dark: read by its lightness alone, so by colour-blind readers and in print."""

_DARK: Final = 0.68
"""Share from which on a cell is too dark for dark text."""


def missing_picture(merge: MergeReport) -> Picture | None:
    """Shares of missing values by variable and decade; None if nothing is known or nothing is missing."""
    if not any(cell.missing for cell in merge.missing):
        return None
    table = missing_table(merge.missing)
    n, decades = table.shape
    with fig.style():
        figure, axes = fig.new_figure(min(2.6 + 0.62 * decades, 7.6), 0.75 + 0.36 * n)
        _draw(axes[0], table)
    caption = (
        "Share of rows in which a variable is missing, by decade, before any row is dropped for it. "
        "Darker: more is missing. Decades without rows are left out."
    )
    return Picture("fig-missing", figure, caption, f"{caption} {_in_words(table)}")


def _draw(axis: Axes, table: pd.DataFrame) -> None:
    shares = table.to_numpy(float)
    axis.pcolormesh(shares, cmap=SHADES, vmin=0, vmax=1, edgecolors="white", linewidth=2)
    size = min(9.0, 105 / shares.shape[1])  # what fits a cell of the widest figure
    for (row, column), share in np.ndenumerate(shares):
        ink = "white" if share >= _DARK else fig.INK
        axis.text(
            column + 0.5, row + 0.5, cell_text(share), ha="center", va="center", color=ink, fontsize=size
        )
    decades = [f"{decade}s" for decade in table.columns]
    axis.set_xticks(
        np.arange(len(decades)) + 0.5, decades, fontsize=9, rotation=90 if len(decades) > 9 else 0
    )
    axis.set_yticks(np.arange(shares.shape[0]) + 0.5, [fig.shortened(str(name)) for name in table.index])
    axis.invert_yaxis()
    axis.xaxis.tick_top()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def cell_text(share: float) -> str:
    """``0``, ``<1 %``, ``37 %``, ``>99 %``; never rounded to none or to all."""
    if share == 0:
        return "0"
    if share < 0.01:
        return f"<{fmt.percent(0.01)}"
    if 0.99 < share < 1:
        return f">{fmt.percent(0.99)}"
    return fmt.percent(round(share, 2))


def _in_words(table: pd.DataFrame) -> str:
    told = []
    for name, shares in table.iterrows():
        cells = [f"{decade}s {cell_text(s)}" for decade, s in shares.items() if s > 0]
        told.append(f"{name}: {', '.join(cells) or 'never missing'}.")
    return " ".join(told)
