"""Small designs with states crossed by IGOs, for tests of the engines: everything at once, gaps included."""

from __future__ import annotations

import numpy as np
from scipy.linalg import block_diag

from bayes_hr.data.merge import MergeReport
from bayes_hr.design import Design, ErrorStructure, GroupTerm, PopulationTerm, SerialTerm, view
from bayes_hr.engines.block_model import BlockModel
from bayes_hr.kernels import row_order
from bayes_hr.priors import Prior, parse_prior

TERMS = ("before", "before_slope", "during", "during_slope")


def prior(text: str) -> Prior:
    return parse_prior(text, where="test")


def crossed_design(
    n_states: int = 5,
    n_igos: int = 3,
    n_years: int = 8,
    *,
    terms: int = 3,
    serial: bool = True,
    signs: bool = False,
    correlated: bool = True,
    corr: str = "lkj(2)",
    seed: int = 0,
) -> Design:
    """Rows of dyads with random spells and holes; the outcome is noise around 1."""
    rng = np.random.default_rng(seed)
    cells = []
    for state in range(n_states):
        for igo in range(n_igos):
            start = rng.integers(0, 3)
            entry = rng.integers(start + 1, n_years - 1)
            years = np.arange(start, n_years)
            kept = years[rng.random(years.size) > 0.15]
            if rng.random() > 0.2:
                cells += [(state, igo, year, entry) for year in kept]
    state, igo, year, entry = np.array(cells).T
    state, igo = (np.unique(v, return_inverse=True)[1] for v in (state, igo))
    dyads, dyad = np.unique(state * 100 + igo, return_inverse=True)
    k = (year - entry) / 10.0
    X = np.stack([k < 0, (k < 0) * k, k >= 0, (k >= 0) * k], axis=1).astype(float)
    years, at = np.unique(year, return_inverse=True)
    level, slope, spread = prior("normal(1, 1.5)"), prior("normal(0, 0.5)"), prior("half_normal(0.5)")
    lkj = prior(corr)
    n = state.size
    groups = (
        group(
            "state",
            tuple(range(10, 11 + state.max())),
            state,
            X[:, :terms],
            TERMS,
            lkj if correlated else None,
        ),
        group("igo", tuple("ABCDEFGH"[: 1 + igo.max()]), igo, X[:, :2], TERMS, lkj),
        group("dyad", tuple(map(str, dyads)), dyad, np.ones((n, 1)), ("intercept",), None),
    )
    unit_years, index = np.unique(state * 1000 + year, return_inverse=True)
    loading = np.where(rng.random(n) < 0.5, -1.0, 1.0) if signs else np.ones(n)
    order = row_order(unit_years // 1000, unit_years % 1000)
    own = SerialTerm("state_year", "state", index, order, loading, spread, prior("uniform(-1, 1)"))
    return Design(
        y=1.0 + 0.3 * rng.standard_normal(n),
        population=(
            PopulationTerm("beta", ("term",), {"term": TERMS}, None, X, priors=(level, slope, level, slope)),
            PopulationTerm(
                "year_effect", ("year",), {"year": tuple(years.tolist())}, prior("normal(0, 0.3)"), index=at
            ),
        ),
        groups=groups,
        error=ErrorStructure("iid", "gaussian", "dyad", row_order(dyad, year), spread, None, None),
        rows={"ccode": state + 10, "year": year},
        unit=1.0,
        centre=0.0,
        standardised={},
        merge=MergeReport(n, (), n, n_states, (0, n_years)),
        nuisance=("year_effect",),
        serial=own if serial else None,
        views=(view("state", state),),
        headline=("beta", 3, "slope during"),
    )


def group(
    name: str, levels: tuple, index: np.ndarray, Z: np.ndarray, terms: tuple[str, ...], corr: Prior | None
) -> GroupTerm:
    q = Z.shape[1]
    sd = (prior("half_normal(0.5)"),) * q
    return GroupTerm(name, levels, index, terms[:q], Z, sd, corr, (False,) * q)


def effect_columns(model: BlockModel, factors: list[np.ndarray]) -> np.ndarray:
    """Columns (n, m) of all standardised group effects, in the kernels' order of groups."""
    parts = []
    for g, factor in zip(model.groups, factors, strict=True):
        scaled = g.Z @ factor
        for level in range(len(g.levels)):
            parts.append(np.where((g.index == level)[:, None], scaled, 0.0))
    return np.hstack(parts)


def serial_covariance(design: Design, sd: float, rho: float) -> np.ndarray:
    """Covariance (m, m) of the unit-years."""
    order = design.serial.order
    starts = np.flatnonzero(order.first)
    blocks = []
    for a, b in zip(starts, [*starts[1:], order.first.size], strict=True):
        years = np.cumsum(np.r_[0, order.gap[a + 1 : b]])
        blocks.append(sd**2 * float(rho) ** np.abs(years[:, None] - years))
    return block_diag(*blocks)
