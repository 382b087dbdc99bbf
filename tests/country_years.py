"""Small designs with one group term, of every family and kind of term, written out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayes_hr.data.merge import MergeReport
from bayes_hr.design import CutPoints, Design, ErrorStructure, GroupTerm, PopulationTerm, view
from bayes_hr.engines.settings import SamplerSettings
from bayes_hr.kernels import row_order
from bayes_hr.priors import Prior, parse_prior

TERMS = ("intercept", "ratified", "slope")
REGIMES = ("autocracy", "transition", "democracy")


def prior(text: str) -> Prior:
    return parse_prior(text, where="test")


def settings_of(**changes: Any) -> SamplerSettings:
    few = {"sampler": "nutpie", "form": "auto", "chains": 2, "draws": 100, "tune": 100, "seed": 3}
    return SamplerSettings(**{**few, "target_accept": 0.9, "cores": 1, **changes})


def country_years(
    n_groups: int = 7,
    n_years: int = 7,
    *,
    terms: int = 2,
    correlated: bool = True,
    rho: str | None = None,
    likelihood: str = "gaussian",
    categories: int = 3,
    years: str = "none",
    tau: str = "unpooled",
    sd: str = "half_normal(0.5)",
    sigma: str = "half_normal(0.7)",
    measured: bool = False,
    seed: int = 0,
) -> Design:
    """Countries with holes of one to three years; ``years`` and ``tau`` say how these are pooled."""
    rng = np.random.default_rng(seed)
    unit, year = np.divmod(np.arange(n_groups * n_years), n_years)
    kept = rng.random(unit.size) > 0.25
    kept[year == 0] = kept[year == n_years - 1] = True
    unit, year = unit[kept], year[kept]
    n, regime = unit.size, rng.integers(0, 3, n_groups)[unit]
    if years == "by class":
        regime = unit % 3  # a country is of one class
    else:
        regime[:3] = 0, 1, 2
    treated = (year >= rng.integers(1, n_years, n_groups)[unit]).astype(float)
    order, ordinal = row_order(unit, year), likelihood == "ordered_probit"
    Z = np.c_[np.ones(n), treated, (year - n_years / 2) / n_years][:, :terms]
    population = [
        PopulationTerm("gamma", ("covariate",), {"covariate": ("x",)}, prior("normal(0.3, 0.5)"),
                       rng.standard_normal((n, 1))),
        _tau(tau, treated[:, None] * np.eye(3)[regime]),
    ]  # fmt: skip
    if not ordinal:
        population.insert(0, PopulationTerm("alpha", (), {}, prior("normal(1, 0.8)"), np.ones((n, 1))))
    if years == "by class":
        labels = {"year": tuple(f"{r}: {1990 + y}" for r in REGIMES for y in range(n_years))}
        index = regime * n_years + year
        population.append(
            PopulationTerm("year_effect", ("year",), labels, prior("normal(0.1, 0.4)"), index=index)
        )
    elif years != "none":
        labels, pooled = {"year": tuple(range(1990, 1990 + n_years))}, years == "pooled"
        own = None if pooled else prior("normal(0, 0.4)")
        spread = prior(sd) if pooled else None
        population.append(PopulationTerm("year_effect", ("year",), labels, own, index=year, sd=spread))
    lkj = prior("lkj(2)") if correlated and terms > 1 else None
    nu = prior("gamma(4, 0.5)") if likelihood == "student_t" else None
    cuts = CutPoints(prior("normal(-0.3, 0.6)"), prior("normal(-0.2, 0.5)"), tuple(range(1, categories + 1)))
    return Design(
        y=rng.integers(0, categories, n).astype(float) if ordinal else 1.0 + rng.standard_normal(n),
        population=tuple(population),
        groups=(GroupTerm("country", tuple(range(100, 100 + n_groups)), unit, TERMS[:terms], Z,
                          (prior(sd),) * terms, lkj, (False,) * terms),),
        error=ErrorStructure(
            "ar1" if rho else "iid", likelihood, "country", order, None if ordinal else prior(sigma),
            prior(rho) if rho else None, nu, cuts if ordinal else None,
            rng.uniform(0.2, 0.9, n) if measured else None,
        ),
        rows={"ccode": unit + 100, "year": 1990 + year},
        unit=1.0,
        centre=0.0,
        standardised={},
        merge=MergeReport(n, (), n, n_groups, (1990, 1990 + n_years)),
        views=(view("country", unit),),
    )  # fmt: skip


def _tau(kind: str, columns: np.ndarray) -> PopulationTerm:
    own, spread = prior("normal(0.2, 0.5)"), prior("half_student_t(4, 0.4)")
    own_or_mean = {"unpooled": own, "mean": own, "zero": None}[kind]
    sd = None if kind == "unpooled" else spread
    return PopulationTerm("tau", ("regime",), {"regime": REGIMES}, own_or_mean, columns, sd=sd)
