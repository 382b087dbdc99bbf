"""A world whose scores are measured with AR(1) error, all of it normal, so that every posterior is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayes_hr.cards import Card, parse_card
from bayes_hr.data.panel import Panel
from bayes_hr.data.score_draws import ScoreDraws

TAU, LEVEL, SPREAD, SIGMA = 0.4, 0.0, 0.5, 0.3
"""Effect, mean, SD of countries and of the independent errors of the true score."""

ERROR_SD, ERROR_RHO = 0.6, 0.7
"""Of the measurement."""

PRIOR_ALPHA, PRIOR_TAU = 2.5, 0.5
"""SDs of the priors of level and effect, of mean 0."""


def card_of(**changes: Any) -> Card:
    """The true model, whose SDs are estimated; sections by ``changes``."""
    data = {
        "id": "measured",
        "question": "Does ratification change a score that is measured with error?",
        "family": "ratification",
        "panel": "ratification",
        "outcome": {"name": "score", "label": "score", "scale": 1.0, "centre": 0.0},
        "treatment": {"name": "treaty", "lag": 0},
        "groups": [{"name": "country", "terms": ["intercept"]}],
        "time": {"effects": "none"},
        "error": {"kind": "iid"},
        "estimands": ["regime"],
        "priors": {
            "alpha": f"normal(0, {PRIOR_ALPHA})",
            "tau": f"normal(0, {PRIOR_TAU})",
        },
        "fit": {"chains": 2, "draws": 160, "tune": 60, "seed": 3},
    }
    return parse_card(data | changes, where="test")


def _ar1(country: np.ndarray, year: np.ndarray, sd: float, rho: float) -> np.ndarray:
    apart = np.abs(year[:, None] - year[None, :])
    return np.where(country[:, None] == country[None, :], sd**2 * rho**apart, 0.0)


@dataclass(frozen=True)
class Measured:
    """One such world; ``error_sd`` is that of its measurement."""

    countries: int = 40
    years: int = 10
    seed: int = 1
    error_sd: float = ERROR_SD

    @cached_property
    def rows(self) -> pd.DataFrame:
        """``ccode, year, ratification_year, score``: the score as measured."""
        rng = np.random.default_rng(self.seed)
        code, year = (v.ravel() for v in np.mgrid[1 : self.countries + 1, 1990 : 1990 + self.years])
        joined = np.where(np.arange(self.countries) % 3, rng.integers(1992, 1998, self.countries), np.nan)
        frame = pd.DataFrame({"ccode": code, "year": year, "ratification_year": joined[code - 1]})
        treated = (frame["year"] >= frame["ratification_year"]).to_numpy(float)
        e = rng.multivariate_normal(np.zeros(len(frame)), self._given_effects(code))
        m = rng.multivariate_normal(np.zeros(len(frame)), self.error)
        return frame.assign(score=LEVEL + TAU * treated + e + m)

    @property
    def error(self) -> np.ndarray:
        """Covariance of the measurement errors (n, n)."""
        code, year = np.mgrid[1 : self.countries + 1, 1990 : 1990 + self.years]
        return _ar1(code.ravel(), year.ravel(), self.error_sd, ERROR_RHO)

    @staticmethod
    def _given_effects(code: np.ndarray) -> np.ndarray:
        own = code[:, None] == code[None, :]
        return SIGMA**2 * np.eye(code.size) + SPREAD**2 * own

    @cached_property
    def prior(self) -> tuple[np.ndarray, np.ndarray]:
        """Covariance of the true scores (n, n), and theirs with the effect (n,)."""
        code = self.rows["ccode"].to_numpy()
        x = (self.rows["year"] >= self.rows["ratification_year"]).to_numpy(float)
        V = self._given_effects(code) + PRIOR_ALPHA**2 + PRIOR_TAU**2 * np.outer(x, x)
        return V, PRIOR_TAU**2 * x

    @cached_property
    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (n,) and covariance (n, n) of the true scores given the measured ones."""
        V, _ = self.prior
        weight = np.linalg.solve(V + self.error, V).T
        return weight @ self.rows["score"].to_numpy(), V - weight @ V

    def effect_given(self, theta: np.ndarray) -> tuple[np.ndarray, float]:
        """Mean and SD of the effect given true scores (n,) or (n, m)."""
        V, c = self.prior
        weight = np.linalg.solve(V, c)
        return weight @ theta, float(np.sqrt(PRIOR_TAU**2 - c @ weight))

    def effect(self) -> tuple[float, float]:
        """Mean and SD of the effect given the measured scores: the right answer."""
        V, c = self.prior
        weight = np.linalg.solve(V + self.error, c)
        return float(weight @ self.rows["score"].to_numpy()), float(np.sqrt(PRIOR_TAU**2 - c @ weight))

    def panel(self) -> Panel:
        """Rows with the posterior mean of each score, and its SD."""
        mean, covariance = self.scores
        frame = self.rows.assign(score=mean, score_sd=np.sqrt(np.diag(covariance)))
        return Panel.from_frame(frame, outcome="score")

    def table(self, n: int, *, seed: int = 0) -> pd.DataFrame:
        """Draws of the true scores given the measured ones, wide."""
        rng = np.random.default_rng(seed)
        draws = rng.multivariate_normal(*self.scores, size=n).T
        columns = [f"draw_{k + 1}" for k in range(n)]
        return pd.concat([self.rows[["ccode", "year"]], pd.DataFrame(draws, columns=columns)], axis=1)

    def draws(self, n: int, *, seed: int = 0) -> ScoreDraws:
        """:meth:`table` as draws."""
        return ScoreDraws.from_frame(self.table(n, seed=seed))
