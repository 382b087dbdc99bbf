"""Countries whose outcome depends on its own last year, with known phi and effect; and cards for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayes_hr.cards import Card, parse_card
from bayes_hr.data.panel import Panel

PHI, TAU = 0.6, 0.3


def lagged_world(
    *, countries: int = 100, years: int = 25, seed: int = 1, nu: float | None = None
) -> pd.DataFrame:
    """Years from 1980 on, half of the countries ratifying; each starts around the level it tends to.

    ``nu``: degrees of freedom of the shocks; None for normal ones.
    """
    rng = np.random.default_rng(seed)
    level = 0.5 * rng.standard_normal(countries)
    joined = np.where(
        np.arange(countries) % 2, np.nan, rng.integers(1980 + years // 4, 1980 + 3 * years // 4, countries)
    )
    y = level / (1 - PHI) + 0.5 / np.sqrt(1 - PHI**2) * rng.standard_normal(countries)
    rows = []
    for year in range(1980, 1980 + years):
        rows += [(c + 1, year, y[c], joined[c]) for c in range(countries)]
        shock = rng.standard_normal(countries) if nu is None else rng.standard_t(nu, countries)
        y = PHI * y + level + TAU * (year + 1 >= joined) + 0.5 * shock
    frame = pd.DataFrame(rows, columns=["ccode", "year", "score", "ratification_year"])
    return frame.sort_values(["ccode", "year"], ignore_index=True)


def card_with(**changes: Any) -> Card:
    """A card of one class with independent errors; sections replaced by ``changes``."""
    return parse_card(
        {
            "schema_version": 1,
            "id": "lagged",
            "question": "Does ratification change a score that persists?",
            "family": "ratification",
            "panel": "ratification",
            "outcome": {"name": "score", "likelihood": "gaussian", "scale": 1.0, "centre": 0.0},
            "treatment": {"name": "treaty", "lag": 0},
            "groups": [{"name": "country", "terms": ["intercept"]}],
            "time": {"effects": "none"},
            "error": {"kind": "iid"},
            "estimands": ["regime", "country", "average", "long_run"],
            "dynamics": {"lagged_outcome": True},
            "fit": {"chains": 4, "draws": 400, "tune": 300, "seed": 4},
            **changes,
        },
        where="test",
    )


def panel_of(frame: pd.DataFrame) -> Panel:
    return Panel.from_frame(frame, outcome="score")
