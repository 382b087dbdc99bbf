"""Tables of finished text, ready for HTML, LaTeX or a terminal, and what tables of effects share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.reporting import formats as fmt

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from bayes_hr.reporting.content import Content

TEXT: Final = "text"
NUMBER: Final = "number"
STATUS: Final = "status"
CODE: Final = "code"


@dataclass(frozen=True)
class Table:
    """A table of finished text.

    Attributes
    ----------
    key
        Identifier, for links and file names.
    caption
        What it shows.
    columns
        Title and kind (``text``, ``number``, ``status``, ``code``) of each column.
    rows
        Cells; the first of a row is its heading.
    note
        How to read it (may be empty).
    """

    key: str
    caption: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def effect_columns(ci_prob: float) -> tuple[tuple[str, str], ...]:
    """Columns that every table of effects has."""
    return (
        ("Mean", NUMBER),
        ("SD", NUMBER),
        (f"{fmt.percent(ci_prob)} interval", NUMBER),
        ("P(> 0)", NUMBER),
        ("P(negligible)", NUMBER),
    )


def effect_cells(row: Any, digits: int) -> tuple[str, ...]:
    """Cells of :func:`effect_columns`."""
    return (
        fmt.signed(row.mean, digits),
        fmt.number(row.sd, digits),
        fmt.interval(row.lb, row.ub, digits),
        fmt.probability(row.p_gt_0),
        fmt.probability(row.p_rope),
    )


def rope_note(content: Content) -> str:
    """What the columns mean."""
    rope = content.card.rope
    return (
        f"Unit: {content.scale}. P(> 0): probability of an effect above zero. P(negligible): probability "
        f"of an effect between {fmt.interval(rope.lower, rope.upper)} (region of practical equivalence)."
    )


def rank_interval(draws: NDArray[np.float64], prob: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interval of each country's rank, 1 = largest effect.

    Parameters
    ----------
    draws
        (draws, countries).
    prob
        Probability of the interval.
    """
    ranks = np.argsort(np.argsort(-draws, axis=1, kind="stable"), axis=1, kind="stable") + 1
    tail = (1 - prob) / 2
    lower, upper = np.quantile(ranks, [tail, 1 - tail], axis=0, method="nearest")
    return lower, upper


def coverage(truth: pd.DataFrame, names: Mapping[str, str], column: str = "estimand") -> str:
    """How many intervals cover the truth, by kind: what ``column`` holds -> what to call it."""
    told = [
        f"{int(own['covered'].sum())} of {len(own)} {name}"
        for key, name in names.items()
        if len(own := truth[truth[column] == key])
    ]
    return (
        f"{fmt.percent(float(truth['ci_prob'].iloc[0]))} intervals that cover the truth: {fmt.joined(told)}."
    )
