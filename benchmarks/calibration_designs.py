"""Seven designs of 30 groups and some 10 rows each, on which an engine is calibrated.

Their outcomes are not used: each world simulates its own from the priors.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayes_hr.data.merge import MergeReport
from bayes_hr.design import CutPoints, Design, ErrorStructure, GroupTerm, PopulationTerm, SerialTerm
from bayes_hr.kernels import row_order
from bayes_hr.priors import Prior, parse_prior

GROUPS, ROWS = 30, 10
CATEGORIES = ("none", "some", "much", "most")


def prior(text: str) -> Prior:
    return parse_prior(text, where="benchmark")


def _panel(*, gaps: bool, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Country, year and treatment of each row: it begins in a random year, in a sixth of them never."""
    rng = np.random.default_rng(seed)
    country, year, treated = [], [], []
    for c in range(GROUPS):
        years = np.sort(rng.choice(ROWS + 4, ROWS, replace=False)) if gaps else np.arange(ROWS)
        begins = 99 if c % 6 == 5 else rng.integers(1, ROWS)
        country += [c] * ROWS
        year += years.tolist()
        treated += (years >= begins).tolist()
    return np.array(country), np.array(year), np.array(treated, dtype=float)


def _design(
    *, ar1: bool = False, classes: tuple[int, ...] = (GROUPS,), sd: str = "half_normal(0.5)", seed: int = 0
) -> Design:
    """Country intercepts and slopes, correlated; an effect for each class of countries of these sizes."""
    country, year, treated = _panel(gaps=ar1, seed=seed)
    n, labels = country.size, tuple("abc"[: len(classes)])
    member = np.repeat(np.arange(len(classes)), classes)[country][:, None] == np.arange(len(classes))
    terms = [PopulationTerm("alpha", (), {}, prior("normal(0, 1)"), np.ones((n, 1)))]
    if len(classes) > 1:
        coords = {"term": tuple(f"regime: {c}" for c in labels[1:])}
        terms.append(
            PopulationTerm("beta", ("term",), coords, prior("normal(0, 1)"), member[:, 1:].astype(float))
        )
    columns = member * treated[:, None]
    terms.append(PopulationTerm("tau", ("regime",), {"regime": labels}, prior("normal(0, 0.5)"), columns))
    order = row_order(country, year)
    group = GroupTerm(
        "country",
        tuple(range(100, 100 + GROUPS)),
        country,
        ("intercept", "ratified"),
        np.stack([np.ones(n), treated], axis=1),
        (prior("half_normal(0.5)"), prior(sd)),
        prior("lkj(2)"),
        (False, False),
    )
    return Design(
        y=np.zeros(n),
        population=tuple(terms),
        groups=(group,),
        error=ErrorStructure(
            "ar1" if ar1 else "iid",
            "gaussian",
            "country",
            order,
            prior("half_normal(1)"),
            prior("uniform(-1, 1)") if ar1 else None,
            None,
        ),
        rows={"ccode": country + 100, "year": year},
        unit=1.0,
        centre=0.0,
        standardised={},
        merge=MergeReport(n, (), n, GROUPS, (0, int(year.max()))),
    )


def country_slopes() -> Design:
    """Country intercept and slope, independent errors."""
    return _design(seed=1)


def ar1() -> Design:
    """The same with AR(1) errors and gaps."""
    return _design(ar1=True, seed=2)


def small_class() -> Design:
    """Three classes, one of them with two countries; AR(1) errors."""
    return _design(ar1=True, classes=(14, 14, 2), seed=3)


def sd_near_zero() -> Design:
    """Slopes whose SD is some 50 times smaller than that of the errors."""
    return _design(sd="half_normal(0.02)", seed=4)


def ordered_probit() -> Design:
    """Four ordered categories: cut-points in place of the intercept, latent residual SD 1."""
    base = _design(seed=5)
    error = replace(
        base.error,
        likelihood="ordered_probit",
        sigma=None,
        cuts=CutPoints(prior("normal(0, 1)"), prior("normal(-0.5, 0.5)"), CATEGORIES),
    )
    return replace(base, population=base.population[1:], error=error)


def year_walk() -> Design:
    """Effects of the years of three classes as a random walk; AR(1) errors."""
    base = _design(ar1=True, classes=(14, 14, 2), seed=7)
    year, regime = base.rows["year"], np.repeat(np.arange(3), (14, 14, 2))[base.groups[0].index]
    years = tuple(range(int(year.max()) + 1))
    walk = PopulationTerm(
        "year_effect", ("regime", "year"), {"regime": ("a", "b", "c"), "year": years}, None,
        index=regime * len(years) + year, sd=prior("half_normal(0.3)"), walk=True,
    )  # fmt: skip
    return replace(base, population=(*base.population, walk), nuisance=("alpha", "beta", "year_effect"))


def crossed() -> Design:
    """States crossed by IGOs: levels and slopes of both, dyads, years, and AR(1) effects of state-years."""
    rng = np.random.default_rng(6)
    cells = []
    for state in range(GROUPS):
        igos = rng.choice(6, 3, replace=False)
        entry = {igo: rng.integers(1, 6) for igo in igos}
        chosen = rng.choice(3 * 8, ROWS, replace=False)
        cells += [(state, igos[k // 8], k % 8, entry[igos[k // 8]]) for k in chosen]
    state, igo, year, entry = np.array(sorted(cells)).T
    dyads, dyad = np.unique(state * 10 + igo, return_inverse=True)
    unit_years, at = np.unique(state * 100 + year, return_inverse=True)
    n, k, during = state.size, (year - entry) / 10.0, (year >= entry).astype(float)
    X = np.stack([1.0 - during, during, during * k], axis=1)
    names = ("before", "during", "during_slope")
    level, slope, spread = prior("normal(1, 1)"), prior("normal(0, 0.5)"), prior("half_normal(0.5)")
    years = PopulationTerm(
        "year_effect", ("year",), {"year": tuple(range(8))}, prior("normal(0, 0.3)"), index=year
    )

    def group(name: str, levels: tuple, index: np.ndarray, columns: tuple[int, ...]) -> GroupTerm:
        q = len(columns)
        corr = prior("lkj(2)") if q > 1 else None
        terms = tuple(names[c] for c in columns) if q > 1 else ("intercept",)
        Z = X[:, columns] if q > 1 else np.ones((n, 1))
        return GroupTerm(name, levels, index, terms, Z, (spread,) * q, corr, (False,) * q)

    return Design(
        y=np.zeros(n),
        population=(
            PopulationTerm("beta", ("term",), {"term": names}, None, X, priors=(level, level, slope)),
            years,
        ),
        groups=(
            group("state", tuple(range(GROUPS)), state, (1, 2)),
            group("igo", tuple("ABCDEF"), igo, (1, 2)),
            group("dyad", tuple(f"{d // 10}:{'ABCDEF'[d % 10]}" for d in dyads), dyad, (0,)),
        ),
        error=ErrorStructure("iid", "gaussian", "dyad", row_order(dyad, year), spread, None, None),
        rows={"ccode": state, "year": year},
        unit=1.0,
        centre=0.0,
        standardised={},
        merge=MergeReport(n, (), n, GROUPS, (0, 7)),
        nuisance=("year_effect",),
        serial=SerialTerm(
            "state_year",
            "state",
            at,
            row_order(unit_years // 100, unit_years % 100),
            np.ones(n),
            spread,
            prior("uniform(-1, 1)"),
        ),
    )


DESIGNS = {
    design.__name__: design
    for design in (country_slopes, ar1, crossed, small_class, sd_near_zero, ordered_probit, year_walk)
}
