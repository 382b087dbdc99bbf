"""A convergence panel of two states in two IGOs, small enough to write every matrix of its design down."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayes_hr.cards import ConvergenceCard, parse_card
from bayes_hr.convergence_design import build
from bayes_hr.data.panel import Panel
from bayes_hr.design import Design

TERMS = ("before", "before_slope", "during", "during_slope", "after", "after_slope")

# ccode, IGO, year, phase, entry, last, gap between score and mean; 2:B has no 2002, 20:A is out in 2001.
ROWS = [
    (2, "A", 2000, "before", 2001, 2002, 1.0),
    (2, "A", 2001, "during", 2001, 2002, 0.8),
    (2, "A", 2002, "during", 2001, 2002, 0.6),
    (2, "A", 2003, "after", 2001, 2002, 0.7),
    (2, "A", 2004, "after", 2001, 2002, 0.9),
    (2, "B", 2000, "during", 2000, 2003, -0.5),
    (2, "B", 2001, "during", 2000, 2003, -0.4),
    (2, "B", 2003, "during", 2000, 2003, -0.2),
    (20, "A", 2000, "during", 2000, 2003, -1.0),
    (20, "A", 2001, "gap", 2000, 2000, -1.3),
    (20, "A", 2002, "during", 2002, 2003, -1.2),
    (20, "A", 2003, "during", 2002, 2003, -1.1),
    (20, "B", 2001, "before", 2003, 2003, -0.4),
    (20, "B", 2002, "before", 2003, 2003, -0.3),
    (20, "B", 2003, "during", 2003, 2003, 0.2),
]
X = np.array(
    [
        [1, -0.1, 0, 0, 0, 0],
        [0, 0, 1, 0.0, 0, 0],
        [0, 0, 1, 0.1, 0, 0],
        [0, 0, 0, 0, 1, 0.1],
        [0, 0, 0, 0, 1, 0.2],
        [0, 0, 1, 0.0, 0, 0],
        [0, 0, 1, 0.1, 0, 0],
        [0, 0, 1, 0.3, 0, 0],
        [0, 0, 1, 0.0, 0, 0],
        [0, 0, 1, 0.0, 0, 0],
        [0, 0, 1, 0.1, 0, 0],
        [1, -0.2, 0, 0, 0, 0],
        [1, -0.1, 0, 0, 0, 0],
        [0, 0, 1, 0.0, 0, 0],
    ]
)
"""Level and slope of each phase, without the gap; k after re-entry counts from the latest entry."""


def frame_of() -> pd.DataFrame:
    columns = ["ccode", "igo", "year", "phase", "entry", "last", "gap_signed"]
    frame = pd.DataFrame(ROWS, columns=columns)
    frame["country"] = frame["ccode"].map({2: "United States", 20: "Canada"})
    frame["igo_name"] = frame["igo"].map({"A": "Alliance", "B": "Bank"})
    return frame.assign(igo_type=frame["igo"].map({"A": "political", "B": "economic"}))


def panel_of(**columns: Any) -> Panel:
    """The rows as a user's panel, with columns added or changed."""
    return Panel.from_frame(frame_of().assign(**columns), name="convergence", outcome="distance")


def card_of(**changes: Any) -> ConvergenceCard:
    base: dict[str, Any] = {
        "id": "small",
        "family": "convergence",
        "question": "Do states converge here?",
        "outcome": {"name": "distance", "scale": 1.0, "centre": 0.0},
    }
    card = parse_card({**base, **changes}, where="card small")
    assert isinstance(card, ConvergenceCard)
    return card


def design_of(panel: Panel | None = None, **changes: Any) -> Design:
    return build(card_of(**changes), panel or panel_of())
