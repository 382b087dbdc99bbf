"""A plain card of one treaty for simulated rows of the tests' own, in whatever way a test changes it."""

from __future__ import annotations

from typing import Any

from bayes_hr.cards import RatificationCard, parse_card


def plain_card(**changes: Any) -> RatificationCard:
    """Gaussian score, independent errors, four chains; sections are replaced whole."""
    data: dict[str, Any] = {
        "schema_version": 1,
        "id": "plain",
        "question": "Does ratification change a simulated score?",
        "family": "ratification",
        "panel": "ratification",
        "outcome": {"name": "score", "likelihood": "gaussian", "scale": 1.0, "centre": 0.0},
        "treatment": {"name": "treaty", "lag": 1},
        "error": {"kind": "iid"},
        "fit": {"chains": 4, "draws": 800, "tune": 400, "seed": 4},
    }
    found = parse_card({**data, **changes}, where="test")
    assert isinstance(found, RatificationCard)
    return found
