"""A simulated world of several treaties: countries that ratify three of them, with known effects."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from bayes_hr.cards import TreatiesCard, parse_card
from bayes_hr.data.panel import Panel

NAMES = ("A", "B", "C")
TAU = {"A": 0.6, "B": 0.0, "C": 0.3}
BY_CLASS = {("A", "transition"): 0.4, ("A", "stable autocracy"): -0.4}
"""Departures from a treaty's own effect; 0 elsewhere."""

CLASSES = ("stable autocracy", "transition")


@cache
def frame(countries: int = 60, seed: int = 3) -> pd.DataFrame:
    """Sixty countries over thirty years; each ratifies most treaties, in years of its own."""
    rng = np.random.default_rng(seed)
    rows = []
    for c in range(countries):
        regime, level = CLASSES[c % 2], rng.normal(0, 0.8)
        years = {t: float(rng.integers(1988, 2012)) if rng.uniform() < 0.85 else np.nan for t in NAMES}
        for year in range(1985, 2015):
            effect = sum((TAU[t] + BY_CLASS.get((t, regime), 0.0)) * (year - years[t] >= 1) for t in NAMES)
            score = level + 0.02 * (year - 2000) + effect + 0.3 * rng.standard_normal()
            since = {f"ratification_year_{t}": years[t] for t in NAMES}
            rows.append({"ccode": c + 1, "year": year, "score": score, "regime": regime, **since})
    return pd.DataFrame(rows)


def panel(rows: pd.DataFrame | None = None) -> Panel:
    return Panel.from_frame(frame() if rows is None else rows, outcome="score", name="treaties")


def card(**changes: Any) -> TreatiesCard:
    data: dict[str, Any] = {
        "schema_version": 1,
        "id": "many",
        "question": "Which of three treaties changes the score?",
        "family": "treaties",
        "outcome": {"name": "score", "likelihood": "gaussian", "scale": 1.0, "centre": 0.0},
        "treatment": {"names": list(NAMES), "lag": 1},
        "time": {"effects": "unpooled", "by": "all"},
        "error": {"kind": "iid"},
        "fit": {"chains": 4, "draws": 400, "tune": 600, "seed": 4},
    }
    found = parse_card({**data, **changes}, where="test")
    assert isinstance(found, TreatiesCard)
    return found
