"""The exact engine for country-years: density and conditionals against dense algebra, draws as a whole.

Tolerances.  Densities and products: 1e-8 relative (double precision, sums of some hundred terms).
Conditional draws are affine in their noise, so mean and covariance are read off exactly, 1e-8 as well.
Steps: one from a draw of prior, augmentation and outcome leaves their joint distribution as it was (Geweke
2004, doi 10.1198/016214504000001132; independent replicates as Gandy & Scott 2020, arXiv 2001.06465): means
of the differences before and after, |z| < 4.5 for some 55 functions a design, seeds fixed.  Posteriors
against NUTS on another density: |z| < 4 with Monte Carlo errors of both sides by ArviZ, 2,000 effective
draws on each side at least; 4,000 in the slow tests.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pytest
import xarray as xr
from country_years import country_years, settings_of
from scipy import special, stats

from bayes_hr.design import Design
from bayes_hr.engines import chains, probit
from bayes_hr.engines.cells import Cells, SparseRows, WeightedRows, by_level
from bayes_hr.engines.collapsed import Coefficients, eliminate
from bayes_hr.engines.country_year import CountryYear, State
from bayes_hr.engines.gibbs import GibbsEngine, refusal
from bayes_hr.engines.hyper import Point
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.engines.partitioned import partition
from bayes_hr.engines.slices import Here, Near
from bayes_hr.errors import InputError
from bayes_hr.priors import Prior
from bayes_hr.simulation import prior_draws, simulate_outcome

AR1 = "uniform(-1, 1)"
GAUSSIAN: dict[str, dict[str, Any]] = {
    "iid": {},
    "ar1": {"rho": AR1},
    "ar1, another range": {"rho": "uniform(-0.5, 0.9)", "years": "unpooled"},
    "independent terms": {"correlated": False, "rho": AR1},
    "one term": {"terms": 1},
    "one term, ar1": {"terms": 1, "rho": AR1, "sigma": "half_student_t(3, 0.6)"},
    "three terms": {"terms": 3, "rho": AR1},
    "pooled tau": {"tau": "zero", "rho": AR1},
    "pooled tau, mean": {"tau": "mean", "rho": AR1},
    "pooled tau and years": {"tau": "mean", "years": "pooled", "sd": "exponential(0.4)"},
    "years by class": {"years": "by class", "rho": AR1},
    "years by class, iid": {"years": "by class", "n_groups": 9},
    "years, half t": {"years": "unpooled", "sd": "half_student_t(3, 0.5)", "sigma": "exponential(0.8)"},
}


# ---------------------------------------------------------------- dense algebra, straight from rows


def log_prior(p: Prior, x: float) -> float:
    """Log density by SciPy."""
    v = p.values
    exact = {
        "half_normal": lambda: stats.halfnorm(scale=v[0]).logpdf(x),
        "exponential": lambda: stats.expon(scale=v[0]).logpdf(x),
        "half_student_t": lambda: np.log(2.0) + stats.t(v[0], scale=v[-1]).logpdf(x),
        "uniform": lambda: stats.uniform(v[0], v[-1] - v[0]).logpdf(x),
    }
    return float(exact[p.kind]())


class Dense:
    """A design at one point of its hyperparameters: every matrix written out."""

    def __init__(self, design: Design, x: np.ndarray) -> None:
        rest, error, group = iter(x), design.error, design.groups[0]
        self.log_prior, self.sigma, self.rho = 0.0, 1.0, 0.0
        if error.sigma is not None:
            self.sigma = float(np.exp(next(rest)))
            self.log_prior += log_prior(error.sigma, self.sigma) + np.log(self.sigma)
        if error.rho is not None:
            (low, high), share = error.rho.values, float(special.expit(next(rest)))
            self.rho = low + (high - low) * share
            self.log_prior += log_prior(error.rho, self.rho) + np.log((high - low) * share * (1 - share))
        q = len(group.terms)
        sd = np.array([next(rest) for _ in range(q)])
        self.log_prior += sum(log_prior(p, v) for p, v in zip(group.sd, sd, strict=True))
        lower = np.eye(q)
        if group.corr is not None:
            lower = self._correlations(rest, q, group.corr["eta"])
        self.group_covariance = np.diag(sd) @ lower @ lower.T @ np.diag(sd)
        mean, blocks, means, links = [], [], [], []
        for term in design.population:
            priors = term.each_prior or (None,) * term.size
            mean += [p["mu"] if p else 0.0 for p in priors]
            if term.sd is None:
                blocks.append(np.diag([p["sigma"] ** 2 for p in priors if p]))
                continue
            spread, v = next(rest), term.prior["sigma"] ** 2 if term.prior else 0.0
            self.log_prior += log_prior(term.sd, spread)
            blocks.append(spread**2 * np.eye(term.size) + v)
            means.append(v)
            links.append((len(mean) - term.size, term.size, v, term.prior["mu"] if term.prior else 0.0))
        self.X = np.hstack([t.matrix() for t in design.population])
        P, U, k = self.X.shape[1], len(group.levels), len(means)
        self.Z = np.zeros((design.n, U * q))
        for row, level in enumerate(group.index):
            self.Z[row, level * q : (level + 1) * q] = group.Z[row]
        self.mean = np.r_[mean, np.zeros(U * q), [m for *_, m in links]]
        self.V = np.zeros((P + U * q + k,) * 2)
        self.V[:P, :P] = _diagonal(blocks)
        self.V[P : P + U * q, P : P + U * q] = np.kron(np.eye(U), self.group_covariance)
        for at, (first, size, v, _) in enumerate(links, start=P + U * q):
            self.V[at, at] = v
            self.V[at, first : first + size] = self.V[first : first + size, at] = v
        self.design = np.c_[self.X, self.Z, np.zeros((design.n, k))]
        year, unit = design.rows["year"], design.error.order.unit
        apart = np.abs(year[:, None] - year)
        self.R = np.where(unit[:, None] == unit, self.sigma**2 / (1 - self.rho**2) * self.rho**apart, 0.0)
        if error.rho is None:
            self.R = self.sigma**2 * np.eye(design.n)
        self.y = design.y

    def _correlations(self, rest: Iterator[float], q: int, eta: float) -> np.ndarray:
        """Factor from partial correlations, independent Betas on (-1, 1)."""
        lower = np.eye(q)
        for i in range(1, q):
            for j in range(i):
                b, share = eta + (q - 2 - j) / 2, float(special.expit(next(rest)))
                self.log_prior += stats.beta(b, b).logpdf(share) + np.log(share * (1 - share))
                lower[i, j] = (2 * share - 1) * np.sqrt(1 - np.sum(lower[i, :j] ** 2))
            lower[i, i] = np.sqrt(1 - np.sum(lower[i, :i] ** 2))
        return lower

    @property
    def log_density(self) -> float:
        """Log prior and the multivariate normal log density of the outcome."""
        S = self.design @ self.V @ self.design.T + self.R
        return float(self.log_prior + stats.multivariate_normal(self.design @ self.mean, S).logpdf(self.y))

    def conditional(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of all coefficients given the outcome."""
        D, V = self.design, self.V
        gain = np.linalg.solve(D @ V @ D.T + self.R, D @ V).T
        return self.mean + gain @ (self.y - D @ self.mean), V - gain @ D @ V


def _diagonal(blocks: list[np.ndarray]) -> np.ndarray:
    out, at = np.zeros((sum(len(b) for b in blocks),) * 2), 0
    for b in blocks:
        out[at : at + len(b), at : at + len(b)] = b
        at += len(b)
    return out


def points(model: CountryYear) -> list[np.ndarray]:
    """Starts; one with a negative rho, one with a vanishing SD."""
    rng = np.random.default_rng(8)
    xs = [model.layout.start(rng, 0.5) for _ in range(4)]
    if model.design.error.rho is not None:
        xs[1][1], xs[2][1] = -2.0, 4.0
    xs[3][model.layout.scales] = 1e-7
    return xs


@pytest.mark.parametrize("name", GAUSSIAN)
def test_the_density_is_that_of_a_dense_multivariate_normal(name: str) -> None:
    design = country_years(**GAUSSIAN[name])
    model = CountryYear.of(design)
    for x in points(model):
        assert model.log_density(x) == pytest.approx(Dense(design, x).log_density, rel=1e-8)


def test_the_gaps_of_these_designs_are_of_several_years() -> None:
    gap = country_years().error.order.gap
    assert {0, 1, 2, 3} <= set(gap.tolist())


def test_outside_the_density_is_nothing() -> None:
    model = CountryYear.of(country_years(rho=AR1))
    for at, to in [(2, -0.1), (3, 0.0), (0, 800.0), (0, -800.0)]:
        x = points(model)[0]
        x[at] = to
        with np.errstate(all="ignore"):
            assert model.log_density(x) == -np.inf


class Noise:
    """In place of a generator: the noise that the test decides."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.at = values, 0

    def standard_normal(self, shape: Any) -> np.ndarray:
        size = int(np.prod(shape))
        self.at += size
        return self.values[self.at - size : self.at].reshape(shape)


def flat(c: Coefficients) -> np.ndarray:
    return np.r_[c.population, c.effects.ravel(), c.means]


@pytest.mark.parametrize("name", GAUSSIAN)
def test_coefficients_are_drawn_from_their_joint_conditional(name: str) -> None:
    """With BLAS on all columns at once, and by part in the kernel."""
    design = country_years(**GAUSSIAN[name])
    model = CountryYear.of(design)
    for x in points(model)[:3]:
        point = model.layout.read(x)
        dense = eliminate(model.cells.at(point.rho), point, model.prior)
        assert dense is not None
        found, noise = [dense], [dense.half.size + dense.lower[:, 0].size]
        if model.partitioned is not None:
            parts = model.partitioned.parts
            found.append(model.partitioned.eliminate(point))
            noise.append(parts.shared.size + parts.position.size + dense.lower[:, 0].size)
            assert found[1].log_likelihood == pytest.approx(dense.log_likelihood, rel=1e-11)
        mean, covariance = Dense(design, x).conditional()
        for each, size in zip(found, noise, strict=True):
            centre = flat(each.draw(Noise(np.zeros(size))))
            columns = [flat(each.draw(Noise(e))) - centre for e in np.eye(size)]
            np.testing.assert_allclose(centre, mean, rtol=1e-8, atol=1e-9)
            np.testing.assert_allclose(np.transpose(columns) @ columns, covariance, rtol=1e-8, atol=1e-9)


def test_years_by_class_fall_into_parts() -> None:
    """One for each class, sharing the covariate; pooled terms tie all columns, and so have none."""
    for_classes = CountryYear.of(country_years(**GAUSSIAN["years by class"])).partitioned
    assert for_classes is not None
    assert for_classes.parts.part.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert for_classes.parts.shared.size < for_classes.parts.own.min()
    assert CountryYear.of(country_years(years="pooled")).partitioned is None


def test_columns_of_no_level_keep_their_prior() -> None:
    design = country_years(years="by class", n_years=5)
    year = design.population[-1]
    more = replace(year, coords={"year": (*year.coords["year"], "2050")})
    wider = replace(design, population=(*design.population[:-1], more))
    model = CountryYear.of(wider)
    assert model.partitioned is not None
    point = model.layout.read(points(model)[0])
    found, parts = model.partitioned.eliminate(point), model.partitioned.parts
    size = parts.shared.size + parts.position.size + model.cells.ZD.shape[1] * 2
    columns = np.array([flat(found.draw(Noise(e))) for e in np.eye(size)]) - flat(
        found.draw(Noise(np.zeros(size)))
    )
    at = model.prior.mean.size - 1
    assert np.linalg.norm(columns[:, at]) == pytest.approx(year.prior["sigma"])
    assert flat(found.draw(Noise(np.zeros(size))))[at] == pytest.approx(year.prior["mu"])


@pytest.mark.parametrize(
    "case", [{"likelihood": "ordered_probit"}, {"measured": True}, {"measured": True, "rho": AR1}], ids=str
)
def test_parts_with_another_outcome(case: dict[str, Any]) -> None:
    """As the rows are augmented at each draw: the density is that of the same cells, added up anew."""
    model = CountryYear.of(country_years(years="by class", n_years=9, **case))
    assert model.partitioned is not None
    assert model.rows is not None
    y = np.random.default_rng(7).standard_normal(model.design.n)
    point = model.layout.read(points(model)[0])
    dense = eliminate(model.cells.with_outcome(model.rows, y).at(point.rho), point, model.prior)
    found = model.partitioned.with_outcome(model.rows, y).eliminate(point)
    assert dense is not None
    assert found.log_likelihood == pytest.approx(dense.log_likelihood, rel=1e-11)
    assert found.log_likelihood != pytest.approx(model.partitioned.eliminate(point).log_likelihood, rel=1e-3)


def test_the_cheapest_partition() -> None:
    some = np.zeros((8, 9), dtype=bool)
    some[:, 0] = some[:4, 1:4] = some[4:, 4:8] = True
    part, shared, cost = partition(some, 2)
    assert part.tolist() == [0] * 4 + [1] * 4
    assert shared.tolist() == [0, 8], "a column that no level has is shared"
    assert cost < partition(np.ones_like(some), 2)[2]


# ---------------------------------------------------------------- products


def test_products_of_weighted_rows_and_of_another_outcome() -> None:
    design = country_years(years="unpooled")
    group, rng = design.groups[0], np.random.default_rng(2)
    X = np.hstack([t.matrix() for t in design.population])
    D, U = np.c_[X, design.y], len(group.levels)
    w, y = rng.gamma(2.0, size=design.n), rng.standard_normal(design.n)
    Z = by_level(group.Z, group.index, U)
    full = Z.toarray()

    def check(products: Any, w: np.ndarray, D: np.ndarray) -> None:
        ZZ = (full.T * w) @ full
        blocks = np.stack([ZZ[2 * g : 2 * g + 2, 2 * g : 2 * g + 2] for g in range(U)])
        np.testing.assert_allclose(products.ZZ, blocks, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(products.ZD.reshape(2 * U, -1), (full.T * w) @ D, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(products.DD, (D.T * w) @ D, rtol=1e-12, atol=1e-12)
        assert products.log_weights == pytest.approx(0.5 * np.log(w).sum())
        assert products.n == design.n

    weighted, ones = WeightedRows.of(group.Z, D, group.index, U), np.ones(design.n)
    check(weighted.at(w), w, D)
    check(
        CountryYear.of(design).cells.at(0.0), ones, np.c_[X, design.y - X @ CountryYear.of(design).prior.mean]
    )
    iid = Cells.of(group.Z, D, group.index, U, None)
    check(iid.with_outcome(SparseRows.of(Z, X, None), y).at(0.0), ones, np.c_[X, y])


@pytest.mark.parametrize("rho", [-0.4, 0.0, 0.9])
def test_another_outcome_of_autocorrelated_rows(rho: float) -> None:
    design = country_years(years="unpooled", rho=AR1)
    group, order = design.groups[0], design.error.order
    X, U = np.hstack([t.matrix() for t in design.population]), len(group.levels)
    y = np.random.default_rng(2).standard_normal(design.n)
    cells = Cells.of(group.Z, np.c_[X, design.y], group.index, U, order)
    rows = SparseRows.of(by_level(group.Z, group.index, U), X, order)
    found = cells.with_outcome(rows, y).at(rho)
    wanted = Cells.of(group.Z, np.c_[X, y], group.index, U, order).at(rho)
    for name in ("ZZ", "ZD", "DD"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-12, atol=1e-12)
    assert (found.log_weights, found.n) == (wanted.log_weights, wanted.n)


# ---------------------------------------------------------------- probit


def test_category_probabilities_are_scipys() -> None:
    rng = np.random.default_rng(1)
    gaps, eta = np.array([-0.4, 0.3]), rng.normal(0.0, 1.5, 200)
    y, edges = rng.integers(0, 4, 200).astype(float), probit.edges(np.array([-0.4, 0.3]))
    share = stats.norm.cdf(edges[y.astype(int) + 1] - eta) - stats.norm.cdf(edges[y.astype(int)] - eta)
    assert probit.log_likelihood(y, eta, gaps) == pytest.approx(np.log(share).sum(), rel=1e-10)
    binary = probit.log_likelihood(np.array([0.0, 1.0]), np.array([0.3, 0.3]), np.empty(0))
    assert binary == pytest.approx(stats.norm.logcdf(-0.3) + stats.norm.logcdf(0.3))
    far = probit.log_likelihood(np.array([0.0, 1.0, 2.0]), np.array([40.0, -40.0, -40.0]), np.array([0.0]))
    middle = stats.norm.logsf(40.0) + np.log1p(-np.exp(stats.norm.logsf(41.0) - stats.norm.logsf(40.0)))
    exact = stats.norm.logcdf(-40.0) + middle + stats.norm.logsf(41.0)
    assert far == pytest.approx(exact, rel=1e-10)


def test_the_latent_outcome_is_a_truncated_normal() -> None:
    rng, gaps, n = np.random.default_rng(3), np.array([-0.3]), 20_000
    edges = probit.edges(gaps)
    for k in range(3):
        for eta in (-40.0, -2.0, 0.4, 3.0, 40.0):
            z = probit.draw_latent(rng, np.full(n, float(k)), np.full(n, eta), gaps)
            assert np.all((z >= edges[k]) & (z <= edges[k + 1])), (k, eta)
            assert np.isfinite(z).all()
            if abs(eta) < 40:
                truth = stats.truncnorm(edges[k] - eta, edges[k + 1] - eta, loc=eta)
                mean, sd = truth.mean(), truth.std()
            else:  # far out, distances from the near edge are exponential with the rate of the density there
                mean, sd = _far(eta, edges[k], edges[k + 1])
            assert abs(z.mean() - mean) < 4.5 * sd / np.sqrt(n), (k, eta)
            assert z.std() == pytest.approx(sd, rel=0.05), (k, eta)


def _far(eta: float, low: float, high: float) -> tuple[float, float]:
    """Mean and SD of N(eta, 1) within an interval, by quadrature from the edge next to eta."""
    near = float(np.clip(eta, low, high))
    if near == eta:
        return eta, 1.0
    t = np.linspace(0.0, min(1.0, high - low), 200_001) * np.sign(near - eta)
    w = np.exp(-0.5 * ((near + t - eta) ** 2 - (near - eta) ** 2))
    mean = float(np.sum(w * t) / w.sum())
    return near + mean, float(np.sqrt(np.sum(w * (t - mean) ** 2) / w.sum()))


def test_cutpoints_are_in_order() -> None:
    gaps = np.log([0.5, 0.25])
    np.testing.assert_allclose(probit.cutpoints(0.4, gaps), [-0.4, 0.1, 0.35])
    assert probit.cutpoints(-1.0, np.empty(0)).tolist() == [1.0]


# ---------------------------------------------------------------- every conditional: joint distributions

STEPS: dict[str, dict[str, Any]] = {
    "iid": {"years": "pooled"},
    "ar1": {"rho": AR1, "tau": "mean"},
    "student_t": {"likelihood": "student_t", "tau": "mean"},
    "probit": {"likelihood": "ordered_probit", "categories": 2, "tau": "zero"},
    "ordered": {"likelihood": "ordered_probit", "tau": "mean"},
    "ordered, pooled years": {"likelihood": "ordered_probit", "years": "pooled", "terms": 1},
    "measured": {"measured": True},
    "measured, ar1": {"measured": True, "rho": AR1, "tau": "mean"},
}


def joint_draw(rng: np.random.Generator, model: CountryYear) -> tuple[State, np.ndarray]:
    """A state and an outcome from prior and model: coordinates, coefficients, augmentation, rows."""
    design, error, group = model.design, model.design.error, model.design.groups[0]
    x: list[float] = []
    if error.sigma is not None:
        x.append(float(np.log(error.sigma.rvs(rng))))
    if error.rho is not None:
        x.append(float(special.logit(rng.uniform())))
    x += [float(p.rvs(rng)) for p in group.sd]
    if group.corr is not None:
        x.append(float(special.logit(rng.beta(group.corr["eta"], group.corr["eta"]))))
    x += [float(t.sd.rvs(rng)) for t in design.population if t.sd is not None]
    point = model.layout.read(np.array(x))
    effects = rng.standard_normal((len(group.levels), len(group.terms))) @ point.factors[0].T
    means = np.array([model.prior.mean[s.start] + v * rng.standard_normal() for s, v in model.prior.pooled])
    b = model.prior.mean + model.prior.scale * rng.standard_normal(model.prior.mean.size)
    for (s, _), m, sd in zip(model.prior.pooled, means, point.pooled, strict=True):
        b[s] = m + sd * rng.standard_normal(s.stop - s.start)
    c = Coefficients(b, effects, means)
    nothing = Near(np.array(x), np.eye(len(x)))
    state = State(Here(np.array(x), np.nan, None), nothing, nothing, c)
    eta = model.X @ b + np.sum(group.Z * effects[group.index], axis=1)
    if error.cuts is not None:
        gaps = np.asarray(error.cuts.log_gap.rvs(rng, len(error.cuts.categories) - 2))
        latent = eta + rng.standard_normal(design.n)
        y = np.searchsorted(np.r_[0.0, np.cumsum(np.exp(gaps))], latent).astype(float)
        return replace(state, gaps=gaps, augmented=latent), y
    if error.nu is not None:
        nu = float(error.nu.rvs(rng))
        weights = rng.gamma(0.5 * nu, 2.0 / nu, design.n)
        e = point.sigma * rng.standard_normal(design.n) / np.sqrt(weights)
        return replace(state, nu=nu, augmented=weights), eta + e
    exact = eta + _errors(rng, design, point)
    if error.measurement_sd is not None:
        return replace(state, augmented=exact), exact + error.measurement_sd * rng.standard_normal(design.n)
    return state, exact


def _errors(rng: np.random.Generator, design: Design, point: Point) -> np.ndarray:
    """AR(1) year by year, whether there is a row or not."""
    first, year = int(design.rows["year"].min()), design.rows["year"]
    span = int(year.max()) - first + 1
    e = rng.standard_normal((len(design.groups[0].levels), span)) * point.sigma
    e[:, 0] /= np.sqrt(1.0 - point.rho**2)
    for t in range(1, span):
        e[:, t] += point.rho * e[:, t - 1]
    return e[design.error.order.unit, year - first]


def functions(model: CountryYear, state: State, y: np.ndarray) -> np.ndarray:
    """What is compared: parameters, their squares, their products with the rows."""
    c, point = state.coefficients, model.layout.read(state.here.x)
    named = model.layout.named(point)
    p = [np.ravel(named[k]) for k in named if not k.startswith("corr")]
    p += [named[k][0, 1:2] for k in named if k.startswith("corr")]
    p += [c.population, c.means, c.effects[0], c.effects[-1], [np.sum(c.effects**2)]]
    p += [np.log([state.nu])] if np.isfinite(state.nu) else []
    p += [state.gaps] if state.gaps is not None else []
    p += [np.log(state.here.x[model.layout.positive])]
    theta = np.concatenate([np.atleast_1d(v) for v in p])
    eta = model._eta(c)
    scale = state.here.x[0] if model.design.error.sigma is not None else 0.0
    fit = (y - eta) / np.exp(scale)
    more = [np.tanh(fit).sum(), np.log1p(fit**2).sum(), (y * eta).sum(), (eta**2).sum()]
    more += [np.sum(fit[1:] * fit[:-1] / (1 + fit[1:] ** 2))]
    if state.augmented is not None:
        more += [np.log1p(state.augmented**2).sum(), (state.augmented * np.tanh(fit)).sum()]
    return np.r_[theta, theta**2, theta * np.mean(y), more]


def joint_z(monkeypatch: pytest.MonkeyPatch, case: dict[str, Any], replicates: int) -> np.ndarray:
    """Z-scores of mean differences of the functions, a few steps after and before."""
    design, rng = country_years(6, 5, **case), np.random.default_rng(17)
    near: list[Near] = [Near(np.zeros(1), np.eye(1))]
    monkeypatch.setattr(CountryYear, "_near", lambda *_: near[0])
    model = CountryYear.of(design)
    d = model.layout.size
    positive = model.layout.positive
    near[0] = Near(np.where(positive, 0.4, 0.0), np.diag(np.where(positive, 0.3, 0.8)))
    differences = []
    for _ in range(replicates):
        state, y = joint_draw(rng, model)
        own = CountryYear.of(replace(design, y=y))
        if own.augments:
            state = replace(state, near=near[0])
        else:
            here = Here(state.here.x, *own._target(own._solver(None))(state.here.x))
            state = replace(state, here=here, near=near[0])
        before = functions(own, state, y)
        for _ in range(2):
            state = own.step(rng, state, None)
        differences.append(functions(own, state, y) - before)
    assert state.here.x.size == d
    D = np.array(differences)
    return np.asarray(D.mean(axis=0) / (D.std(axis=0, ddof=1) / np.sqrt(len(D)) + 1e-300))


@pytest.mark.parametrize("name", STEPS)
def test_steps_leave_the_joint_distribution_as_it_was(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    z = joint_z(monkeypatch, STEPS[name], 300)
    assert np.abs(z).max() < 4.5, z


def test_moves_of_gaps_and_scale_leave_the_joint_distribution_as_it_was() -> None:
    """Those without the latent outcome alone; a pooled term's mean that is fixed at 0 is no dimension."""
    rng = np.random.default_rng(23)
    model = CountryYear.of(country_years(3, 4, likelihood="ordered_probit", tau="zero"))
    differences = []
    for _ in range(600):
        state, y = joint_draw(rng, model)
        own = replace(model, design=replace(model.design, y=y))
        before = functions(own, state, y)
        for _ in range(3):
            state = own._probit(rng, state)
        differences.append(functions(own, state, y) - before)
    D = np.array(differences)
    z = D.mean(axis=0) / (D.std(axis=0, ddof=1) / np.sqrt(len(D)) + 1e-300)
    assert np.abs(z).max() < 4.5, z


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_steps_leave_the_joint_distribution_as_it_was_in_many(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    z = joint_z(monkeypatch, STEPS[name], 4000)
    assert np.abs(z).max() < 4.5, z


# ---------------------------------------------------------------- posteriors against NUTS

POSTERIORS: dict[str, dict[str, Any]] = {
    "iid": {},
    "ar1": {"rho": AR1},
    "student_t": {"likelihood": "student_t"},
    "ordered": {"likelihood": "ordered_probit"},
    "binary": {"likelihood": "ordered_probit", "categories": 2},
    "measured": {"measured": True},
    "measured, ar1": {"measured": True, "rho": AR1},
}
OVER = ("chain", "draw")


def with_outcome_of_its_own(design: Design, seed: int) -> Design:
    """An outcome from the model, so that nothing in the posterior is extreme."""
    rng = np.random.default_rng(seed)
    draw = replace(next(prior_draws(design, rng, 1)), sigma=0.5, rho=0.5 if design.error.rho else 0.0)
    if design.error.cuts is not None:
        draw = replace(draw, sigma=1.0)
    effects = {"country": 0.6 * rng.standard_normal(draw.groups["country"].shape)}
    return replace(design, y=simulate_outcome(rng, design, replace(draw, groups=effects)))


def compared(tree: xr.DataTree) -> xr.Dataset:
    """Everything that is not constant, the correlation once."""
    data = tree["posterior"].dataset
    if "corr_country" not in data:
        return data
    r = data["corr_country"].isel(country_term=0, country_term_bis=1, drop=True)
    return data.drop_vars("corr_country").drop_vars("country_term_bis").assign(r=r)


def assert_agree(a: xr.DataTree, b: xr.DataTree, least: int) -> None:
    """Means, SDs and two quantiles within Monte Carlo error, with so many effective draws on both sides."""
    one, two = compared(a), compared(b)
    assert set(one.data_vars) == set(two.data_vars)
    fewest = [float(az.ess(d).to_array().min()) for d in (one, two)]
    assert min(fewest) > least, fewest
    for summary, kwargs in [
        ("mean", {}),
        ("sd", {}),
        ("quantile", {"prob": 0.05}),
        ("quantile", {"prob": 0.95}),
    ]:
        for name in one.data_vars:
            values, errors = [], []
            for x in (one[name], two[name]):
                errors.append(az.mcse(x, method=summary, **kwargs).to_numpy())
                found = {"mean": x.mean(OVER), "sd": x.std(OVER, ddof=1)}.get(summary)
                values.append((x.quantile(kwargs["prob"], OVER) if found is None else found).to_numpy())
            z = np.abs(values[0] - values[1]) / np.hypot(*errors)
            assert np.max(z) < 4.0, (name, summary, kwargs, z)


@pytest.fixture(scope="module")
def both() -> tuple[Design, xr.DataTree, xr.DataTree]:
    """A design, its draws by the exact engine, and by NUTS on the hand-written density."""
    design = with_outcome_of_its_own(country_years(12, 14, rho=AR1), 5)
    gibbs = GibbsEngine().sample(design, settings_of(tune=400, draws=3_000, seed=11))
    return design, gibbs, NutsEngine().sample(design, settings_of(chains=3, tune=300, draws=1_000, seed=12))


def test_the_posterior_is_that_of_nuts(both: tuple[Design, xr.DataTree, xr.DataTree]) -> None:
    _, gibbs, nuts = both
    assert nuts.attrs["density"] == "hand-written, equal to the PyMC model"
    assert_agree(gibbs, nuts, 2_000)


def test_the_tree_is_that_of_nuts(both: tuple[Design, xr.DataTree, xr.DataTree], tmp_path: Path) -> None:
    design, gibbs, nuts = both
    assert set(gibbs.children) == set(nuts.children)
    for group in ("posterior", "observed_data", "constant_data"):
        mine, theirs = gibbs[group].dataset, nuts[group].dataset
        assert {n: (v.dims, v.dtype) for n, v in mine.data_vars.items()} == {
            n: (v.dims, v.dtype) for n, v in theirs.data_vars.items()
        }
        assert set(mine.coords) == set(theirs.coords)
        for name in set(mine.coords) - {"chain", "draw"}:
            assert mine[name].dtype == theirs[name].dtype
            assert mine[name].to_numpy().tolist() == theirs[name].to_numpy().tolist()
    assert set(gibbs["sample_stats"].dims) == set(nuts["sample_stats"].dims)
    assert (gibbs.attrs["engine"], gibbs.attrs["sampler"], nuts.attrs["engine"]) == ("gibbs", "gibbs", "nuts")
    assert np.array_equal(gibbs["observed_data"]["y"], design.y)
    gibbs.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")


@pytest.mark.slow
@pytest.mark.parametrize("name", POSTERIORS)
def test_the_posterior_is_that_of_nuts_on_the_row_model(name: str) -> None:
    design = with_outcome_of_its_own(country_years(12, 14, **POSTERIORS[name]), 5)
    gibbs = GibbsEngine().sample(design, settings_of(chains=4, tune=2_000, draws=8_000, cores=2))
    settings = settings_of(chains=4, tune=1_500, draws=8_000, cores=2, target_accept=0.97)
    nuts = NutsEngine("nutpie", "rows").sample(design, settings)
    assert nuts.attrs["form"] == "rows"
    # With a parameter for each row NUTS finds 2,300 effective draws where the exact engine finds 5,800.
    assert_agree(gibbs, nuts, 2_000 if name == "measured, ar1" else 4_000)


# ---------------------------------------------------------------- the engine's contract


@pytest.mark.parametrize("name", ["student_t", "ordered", "binary", "pooled"])
def test_names_and_dims_of_other_families(name: str) -> None:
    case = {**POSTERIORS, "pooled": {"tau": "mean", "years": "pooled"}}[name]
    design = country_years(**case)
    tree = GibbsEngine().sample(design, settings_of(tune=20, draws=10))
    found = {str(n): v.dims[2:] for n, v in tree["posterior"].data_vars.items()}
    expected: dict[str, tuple[str, ...]] = {
        "gamma": ("covariate",),
        "tau": ("regime",),
        "sd_country": ("country_term",),
        "corr_country": ("country_term", "country_term_bis"),
        "u_country": ("country", "country_term"),
    }
    if "likelihood" in case and "ordered" in case["likelihood"]:
        expected["cutpoint"] = ("cut",)
        labels = ["1|2", "2|3"] if name == "ordered" else ["1|2"]
        assert tree["posterior"]["cut"].to_numpy().tolist() == labels
        assert np.all(np.diff(tree["posterior"]["cutpoint"].to_numpy(), axis=2) > 0)
    else:
        expected |= {"alpha": (), "sigma": ()}
    expected |= {"nu": ()} if name == "student_t" else {}
    if name == "pooled":
        expected |= {"mu_tau": (), "sd_tau": (), "year_effect": ("year",), "sd_year_effect": ()}
    assert found == expected
    assert all(np.isfinite(v).all() for v in tree["posterior"].data_vars.values())


def test_an_interrupted_fit_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Steps of the engine; more of interruptions in test_chains.py."""
    monkeypatch.setattr(chains, "EVERY", 0.0)
    design = country_years(5, 5, likelihood="student_t")
    settings = settings_of(tune=60, draws=200)
    whole, taken, step = GibbsEngine().sample(design, settings), [0], CountryYear.step

    def counted(*args: Any) -> State:
        taken[0] += 1
        return step(*args)

    def stop(done: int, total: int) -> None:
        if done > 100:
            raise KeyboardInterrupt

    monkeypatch.setattr(CountryYear, "step", counted)
    with pytest.raises(KeyboardInterrupt):
        GibbsEngine(tmp_path / "under way").sample(design, settings, stop)
    assert 100 < taken[0] < 520
    again = GibbsEngine(tmp_path / "under way").sample(design, settings)
    xr.testing.assert_identical(again["posterior"].dataset, whole["posterior"].dataset)
    assert taken[0] == 521, "only the step that was not saved is taken again"


def test_what_is_not_exact_is_refused_by_name() -> None:
    design = country_years(likelihood="student_t", rho=AR1)
    assert refusal(design) is not None
    with pytest.raises(InputError, match=r'Student-t errors that are AR\(1\).*engine = "nuts"'):
        GibbsEngine().sample(design, settings_of())
    assert all(refusal(country_years(**case)) is None for case in (*GAUSSIAN.values(), *STEPS.values()))


@pytest.mark.parametrize("name", ["ar1", "ordered"])
def test_an_sd_next_to_zero_mixes(name: str) -> None:
    design = country_years(10, 6, **POSTERIORS[name])
    rng = np.random.default_rng(3)
    y = rng.standard_normal(design.n)
    design = replace(design, y=np.digitize(y, [-0.4, 0.5]).astype(float) if name == "ordered" else 1.0 + y)
    sd = GibbsEngine().sample(design, settings_of(tune=300, draws=500))["posterior"]["sd_country"]
    assert float(sd.quantile(0.05)) < 0.1
    assert float(az.ess(sd).min()) > 100
    assert float(az.rhat(sd).max()) < 1.05


def test_it_needs_neither_pymc_nor_arviz() -> None:
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
    code += "from country_years import country_years, settings_of; "
    code += "from bayes_hr.engines.gibbs import GibbsEngine; "
    code += "GibbsEngine().sample(country_years(5, 5), settings_of(tune=20, draws=5)); "
    code += "print([m for m in ('pymc', 'pytensor', 'nutpie', 'arviz') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
