"""Rows of events within country-years: several in each, with two covariates of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayes_hr.cards import RatificationCard, load_card
from bayes_hr.data.merge import MergeReport
from bayes_hr.data.panel import Panel

COVARIATES = ("age", "income", "openness")


def events(n: int = 3_000, *, countries: int = 14, years: int = 12, seed: int = 0) -> pd.DataFrame:
    """``n`` rows in random country-years; ``openness`` is constant within each, the others are not."""
    rng = np.random.default_rng(seed)
    unit, year = rng.integers(0, countries, n), rng.integers(0, years, n)
    when = np.where(np.arange(countries) % 4 == 3, np.nan, 1993.0 + np.arange(countries) % 7)
    level = rng.normal(0, 0.5, countries)
    age, income = 40 + 9 * rng.standard_normal(n), rng.standard_normal(n) + 0.3 * unit
    openness = rng.standard_normal((countries, years))[unit, year]
    treated = 1990 + year - np.nan_to_num(when[unit], nan=9999) >= 1
    y = 1000 + level[unit] + 0.02 * age + 0.3 * income + 0.2 * openness + 0.4 * treated
    return pd.DataFrame(
        {
            "ccode": 100 + 5 * unit,
            "year": 1990 + year,
            "regime": np.array(["transition", "stable democracy"])[unit % 2],
            "ratification_year": when[unit],
            "age": age,
            "income": income,
            "openness": openness,
            "score": y + rng.normal(0, 0.7, n),
        }
    )


def card(**changes: object) -> RatificationCard:
    """Two classes, three controls that are not lagged, independent Gaussian errors."""
    few = {"chains": 2, "draws": 60, "tune": 60, "seed": 4}
    base = load_card("demo_ratification").replace(
        panel="ratification",
        population=[{"name": name, "lag": 0} for name in COVARIATES],
        priors={"gamma": "normal(0.2, 0.5)"},
        error={"kind": "iid"},
        time={"effects": "unpooled", "by": "all"},
        outcome={"name": "score", "scale": "sd", "centre": "mean"},
        fit=few,
    )
    found = base.replace(**changes)
    assert isinstance(found, RatificationCard)
    return found


def panel_of_rows(frame: pd.DataFrame) -> Panel:
    """Every event a row of a panel, which users cannot make: the reference that compression must equal."""
    frame = frame.assign(years_since=frame["year"] - frame["ratification_year"], country="x")
    return Panel("ratification", frame, MergeReport.of(len(frame), frame, ()), (), {"outcome": "score"})
