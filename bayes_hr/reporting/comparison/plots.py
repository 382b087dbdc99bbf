"""The figure of a comparison: each effect under every choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from bayes_hr.checks.result import FAIL
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.plots import band

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bayes_hr.cards import Card

OWN: Final = "#0b5fa5"


class Beside(Protocol):
    """Estimates of a card made in several ways: the contract's table with ``choice`` and ``verdict``."""

    @property
    def card(self) -> Card:
        """The card."""

    @property
    def table(self) -> pd.DataFrame:
        """Effects, the way that is drawn in colour first."""


@dataclass(frozen=True)
class Wording:
    """What the ways are called: in titles, in the head of a column, and the first and others in a legend."""

    beside: str = "under each choice"
    column: str = "Choice"
    first: str = "as the card has it"
    others: str = "one thing changed"


def choices_picture(
    found: Beside, title: str, key: str, own: Sequence[tuple[str, pd.DataFrame]], *, words: Wording
) -> Picture:
    """Means and intervals of some effects (label, rows of the table), one panel each, one line a choice."""
    order = found.table["choice"].drop_duplicates().tolist()
    prob = fmt.percent(float(found.table["ci_prob"].iloc[0]))
    caption = (
        f"{title} {words.beside}: mean and {prob} interval. Blue: {words.first}; grey: {words.others}; red: "
        "verdict FAIL, do not read; no line: no such effect. Dashed: the mean of the blue line. Grey band: "
        "effects that are negligible."
    )
    told = "; ".join(
        f"{label}: {fmt.signed(rows['mean'].min(), 2)} to {fmt.signed(rows['mean'].max(), 2)}"
        for label, rows in own
    )
    with fig.style():
        figure = _panels(found, own, order)
    return Picture(key, figure, caption, f"{title}, means {words.beside}. {told}.")


def _panels(found: Beside, own: Sequence[tuple[str, pd.DataFrame]], order: Sequence[str]) -> Figure:
    columns = min(len(own), 3)
    lines = -(-len(own) // columns)
    rope = (found.card.rope.lower, found.card.rope.upper)
    figure, axes = fig.new_figure(
        9.2, lines * (0.2 * len(order) + 0.75), rows=lines, columns=columns, sharex=True, sharey=True
    )
    for axis, (label, rows) in zip(axes, own, strict=False):
        band(axis, rope)
        _lines(axis, rows, order)
        axis.set_title(fig.shortened(label, 40), fontsize=8.5, loc="left")
    axes[0].set_yticks(range(len(order)), [fig.shortened(c, 44) for c in reversed(order)])
    axes[0].set_ylim(-0.6, len(order) - 0.4)
    for axis in axes:
        axis.tick_params(axis="y", length=0, labelsize=8)
        axis.locator_params(axis="x", nbins=6)  # more would touch each other
        axis.spines["left"].set_visible(False)
    for spare in axes[len(own) :]:
        spare.set_axis_off()
    for last in axes[: len(own)][-columns:]:  # what stands above a spare place has the figures of its column
        last.tick_params(labelbottom=True)
    return figure


def _lines(axis: Axes, rows: pd.DataFrame, order: Sequence[str]) -> None:
    for row in rows.itertuples():
        at = len(order) - 1 - order.index(str(row.choice))
        first = row.choice == order[0]
        colour = fig.ALERT if row.verdict == FAIL else OWN if first else fig.QUIET
        axis.plot([row.lb, row.ub], [at, at], color=colour, lw=2.2 if first else 1.5, solid_capstyle="butt")
        axis.plot([row.mean], [at], "o", ms=4.5, mfc="white", mec=colour, mew=1.5)
        if first:
            axis.axvline(row.mean, color=OWN, lw=0.9, ls=(0, (4, 3)), zorder=1)
