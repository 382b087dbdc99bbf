"""The exact engine on crossed designs, against dense Gaussians from rows, exact joint draws, and NUTS.

A kernel that leaves its conditional as it is leaves the joint distribution of parameters and data as it is,
which can be drawn exactly (Geweke 2004, doi 10.1198/016214504000001132).  So each kernel starts at exact
joint draws, and moments after it are held against those before: pairs are independent, no autocorrelation is
left to estimate.  Tolerances: densities and moments are exact up to rounding (1e-7); z-scores of hundreds of
moments stay under 4.8.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
from crossed import crossed_design, prior, serial_covariance
from scipy.stats import multivariate_normal

from bayes_hr.design import Design, GroupTerm, PopulationTerm
from bayes_hr.engines import crossed, hmc, variances, views
from bayes_hr.engines.collapsed import Eliminated, eliminate
from bayes_hr.engines.covariance import covariance, size
from bayes_hr.engines.crossed import Crossed, Move, Scales, State, Trajectory
from bayes_hr.engines.gibbs import GibbsEngine, prepared_model
from bayes_hr.engines.gram import Gram, gram
from bayes_hr.engines.hyper import Point, correlation_factor, sd_and_correlation
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.engines.settings import SamplerSettings
from bayes_hr.engines.slices import Near
from bayes_hr.estimands.summary import diagnostics
from bayes_hr.forms import blocks_of

Z = 4.8
"""Largest z-score: of a thousand moments, one lies beyond by chance in 600 runs; seeds are fixed."""


# Designs


def taken(design: Design, rows: np.ndarray) -> Design:
    """The design with these rows, in this order."""
    serial = design.serial
    if serial is not None:
        serial = replace(serial, index=serial.index[rows], loading=serial.loading[rows])
    terms = [
        replace(t, columns=t.columns[rows]) if t.index is None else replace(t, index=t.index[rows])
        for t in design.population
    ]
    groups = [replace(g, index=g.index[rows], Z=g.Z[rows]) for g in design.groups]
    return replace(
        design, y=design.y[rows], population=tuple(terms), groups=tuple(groups), serial=serial, rows={}
    )


def with_controls(design: Design) -> Design:
    """Two rows for each dyad-year, a control that differs between them, and one that differs by IGO-year."""
    design = taken(design, np.repeat(np.arange(design.n), 2))
    rng = np.random.default_rng(9)
    by_igo = rng.standard_normal((9, 9))[design.groups[1].index, design.population[1].index]
    own = PopulationTerm(
        "gamma",
        ("control",),
        {"control": ("row", "igo_year")},
        None,
        np.c_[rng.standard_normal(design.n), by_igo],
        priors=(prior("normal(0.5, 1)"), prior("normal(0, 2)")),
    )
    y = design.y + 0.1 * rng.standard_normal(design.n)
    return replace(design, y=y, population=(*design.population, own))


def with_priors(design: Design, text: str) -> Design:
    """The design with this prior of every SD."""
    groups = tuple(replace(g, sd=(prior(text),) * len(g.terms)) for g in design.groups)
    serial = None if design.serial is None else replace(design.serial, sd=prior(text))
    return replace(design, groups=groups, serial=serial, error=replace(design.error, sigma=prior(text)))


CASES: dict[str, Callable[[], Design]] = {
    "all": crossed_design,
    "no state-years": lambda: crossed_design(serial=False, terms=4),
    "signs": lambda: crossed_design(signs=True, seed=3),
    "independent terms": lambda: crossed_design(correlated=False, terms=2, seed=5),
    "controls": lambda: with_controls(crossed_design(n_states=4, n_years=6, signs=True, seed=6)),
    "controls, no state-years": lambda: with_controls(crossed_design(serial=False, terms=2, seed=7)),
    "no dyads": lambda: replace(crossed_design(), groups=crossed_design().groups[:2]),
    "no IGOs": lambda: replace(crossed_design(), groups=crossed_design().groups[::2]),
    "half-t": lambda: with_priors(crossed_design(seed=8), "half_student_t(3, 0.4)"),
    "exponential": lambda: with_priors(crossed_design(seed=8, terms=2), "exponential(0.4)"),
}
POINTS = {
    "plain": (0.25, 0.3, 0.4, 0.8),
    "negative rho": (0.7, 1.5, 0.2, -0.7),
    "tiny": (0.3, 2e-3, 1e-3, 0.97),
}


def point(design: Design, sigma: float, size: float, sd: float, rho: float) -> Scales:
    """Hyperparameters at which groups' SDs are around ``size``."""
    rng, factors = np.random.default_rng(1), []
    for g in design.groups:
        q = len(g.terms)
        root = np.linalg.cholesky(np.atleast_2d(np.cov(rng.standard_normal((q, 9)))))
        factors.append(size * (root if g.corr is not None else np.diag(np.diag(root))))
    return Scales(sigma, tuple(factors), sd, rho)


# All coefficients as one dense Gaussian, from rows


def columns(design: Design) -> np.ndarray:
    """(n, K) columns of population terms, groups and unit-years."""
    parts = [t.columns if t.index is None else np.eye(t.size)[t.index] for t in design.population]
    for g in design.groups:
        parts.append((np.eye(len(g.levels))[g.index][:, :, None] * g.Z[:, None]).reshape(design.n, -1))
    if design.serial is not None:
        own = np.eye(design.serial.order.first.size)[design.serial.index]
        parts.append(own * design.serial.loading[:, None])
    return np.hstack(parts)


def prior_covariance(design: Design, at: Scales) -> np.ndarray:
    """(K, K) of all coefficients."""
    scales = [p["sigma"] for t in design.population for p in t.each_prior]
    blocks = [np.diag(np.square(scales))]
    blocks += [
        np.kron(np.eye(len(g.levels)), F @ F.T) for g, F in zip(design.groups, at.factors, strict=True)
    ]
    if design.serial is not None:
        blocks.append(serial_covariance(design, at.sd, at.rho))
    return scipy.linalg.block_diag(*blocks)


def outcome(design: Design) -> np.ndarray:
    """y less the prior means' part."""
    means = np.array([p["mu"] for t in design.population for p in t.each_prior])
    return design.y - columns(design)[:, : means.size] @ means


def eliminated(
    model: Crossed, view: views.View, theta: np.ndarray, at: Scales
) -> tuple[views.Given, views.Variances, views.Reduced, Eliminated]:
    """What a step makes of a view at one point."""
    given, v = views.given(view, model.gram, theta), model._variances(at)
    rest = views.reduced(view, given, v, model.n)
    found = eliminate(rest.products, Point(1.0, 0.0, (at.factors[view.top],), np.zeros(0), 0.0), view.prior)
    assert found is not None
    return given, v, rest, found


@pytest.mark.parametrize("where", POINTS)
@pytest.mark.parametrize("name", CASES)
def test_density_of_a_view_is_that_of_the_dense_normal(name: str, where: str) -> None:
    design = CASES[name]()
    model, at, D = Crossed.of(design, blocks_of(design)), point(design, *POINTS[where]), columns(design)
    theta, C = np.random.default_rng(2).normal(0.0, 0.4, D.shape[1]), prior_covariance(design, at)
    assert len(model.views) == (1 if name == "no IGOs" else 2)
    for k, view in enumerate(model.views):
        _, v, _, found = eliminated(model, view, theta, at)
        out = np.setdiff1d(np.arange(D.shape[1]), view.own)
        V = D[:, view.own] @ C[np.ix_(view.own, view.own)] @ D[:, view.own].T + at.sigma**2 * np.eye(design.n)
        left = outcome(design) - D[:, out] @ theta[out]
        exact = multivariate_normal(np.zeros(design.n), V).logpdf(left)
        constant = (
            v.log_determinant if k else 0.0
        )  # of years that are not in the view: the same for all its moves
        assert found.log_likelihood - constant == pytest.approx(exact, rel=1e-9, abs=1e-7)


def test_leaves_far_larger_than_the_errors_are_no_division_by_zero() -> None:
    """Their share of the variance rounds to 1; the density still falls as the log of their SD."""
    design = crossed_design(serial=False)
    model, theta = Crossed.of(design, blocks_of(design)), np.zeros(columns(design).shape[1])
    values = []
    for sd in (1e9, 1e10):
        at = point(design, *POINTS["plain"])
        at = replace(at, factors=(*at.factors[:2], np.array([[sd]])))
        values.append(
            views.reduced(
                model.views[0], views.given(model.views[0], model.gram, theta), model._variances(at), model.n
            ).products.log_weights
        )
    assert values[0] - values[1] == pytest.approx(len(design.groups[2].levels) * np.log(10.0), rel=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_views_hold_what_they_should(name: str) -> None:
    """Together all coefficients, population coefficients in the first; controls of rows in no other."""
    design = CASES[name]()
    model = Crossed.of(design, blocks_of(design))
    D = columns(design)
    assert set(np.concatenate([v.own for v in model.views])) == set(range(D.shape[1]))
    P = sum(t.size for t in design.population)
    np.testing.assert_array_equal(model.views[0].wide, np.arange(P))
    for view in model.views[1:]:
        np.testing.assert_array_equal(view.wide, np.arange(2))  # the terms that vary by IGO
    assert all(np.unique(v.own).size == v.own.size for v in model.views)


@pytest.mark.parametrize("where", POINTS)
@pytest.mark.parametrize("name", CASES)
def test_gradient_from_the_excess_is_that_of_finite_differences(name: str, where: str) -> None:
    design = CASES[name]()
    model, at = Crossed.of(design, blocks_of(design)), point(design, *POINTS[where])
    rng = np.random.default_rng(2)
    theta = rng.normal(0.0, 0.4, model.gram.starts[-1])
    for view in model.views:
        group, own = design.groups[view.top], np.log(POINTS[where][1])
        x = rng.normal(0.0, 0.4, size(group))
        x[: len(group.terms)] += own

        def value(
            x: np.ndarray, view: views.View = view, group: GroupTerm = group
        ) -> tuple[float, Eliminated]:
            c = covariance(group, x)
            factors = tuple(
                c.factor if g is group else F for g, F in zip(design.groups, at.factors, strict=True)
            )
            found = eliminated(model, view, theta, replace(at, factors=factors))[3]
            return c.log_prior + found.log_likelihood, found

        c = covariance(group, x)
        gradient = c.gradient + c.from_excess(views.excess(value(x)[1]))
        numeric = [(value(x + h)[0] - value(x - h)[0]) / 2e-5 for h in 1e-5 * np.eye(x.size)]
        np.testing.assert_allclose(gradient, numeric, atol=2e-6 * max(1.0, np.abs(gradient).max()))


class Noise(np.random.Generator):
    """Gives the numbers that it was told, in turn."""

    def __init__(self, values: np.ndarray) -> None:
        super().__init__(np.random.PCG64(0))
        self.values, self.at = values, 0

    def standard_normal(self, size: int | tuple[int, ...] = ()) -> np.ndarray:
        count = int(np.prod(size))
        self.at += count
        return self.values[self.at - count : self.at].reshape(size)


@pytest.mark.parametrize("where", POINTS)
@pytest.mark.parametrize("name", CASES)
def test_a_draw_has_the_dense_conditional_mean_and_covariance(name: str, where: str) -> None:
    """A draw is linear in its noise: without any it is the mean, unit noises are the covariance's root."""
    design = CASES[name]()
    model, at, D = Crossed.of(design, blocks_of(design)), point(design, *POINTS[where]), columns(design)
    theta, C = np.random.default_rng(2).normal(0.0, 0.4, D.shape[1]), prior_covariance(design, at)
    for view in model.views:
        given, v, rest, found = eliminated(model, view, theta, at)

        def draw(
            values: np.ndarray, parts: tuple = (view, given, v, rest), found: Eliminated = found
        ) -> np.ndarray:
            noise = Noise(values)
            out = views.completed(*parts, found.draw(noise), rng=noise)
            assert noise.at == values.size
            return out

        total = found.half.size + len(view.units) * view.units[0].top.size + theta.size
        mean = draw(np.zeros(total))
        root = np.array([draw(e) for e in np.eye(total)]) - mean
        own, out = view.own, np.setdiff1d(np.arange(theta.size), view.own)
        np.testing.assert_array_equal(mean[out], theta[out])
        assert not root[:, out].any()
        left, prior_own = outcome(design) - D[:, out] @ theta[out], C[np.ix_(own, own)]
        cross = prior_own @ D[:, own].T
        V = D[:, own] @ cross + at.sigma**2 * np.eye(design.n)
        np.testing.assert_allclose(mean[own], cross @ np.linalg.solve(V, left), atol=1e-8)
        exact = prior_own - cross @ np.linalg.solve(V, cross.T)
        np.testing.assert_allclose(root[:, own].T @ root[:, own], exact, atol=1e-8 * exact.max())


# Kernels started at exact joint draws


def unchanged(before: np.ndarray, after: np.ndarray) -> None:
    """Means of paired moments (N, k) do not differ."""
    change = after - before
    spread = change.std(axis=0, ddof=1)
    moves = spread > 0
    assert not before[:, ~moves].any(), "only correlations of independent terms may stay"
    z = change.mean(axis=0)[moves] / (spread[moves] / np.sqrt(len(change)))
    assert np.abs(z).max() < Z, z


SD_PRIORS = ("half_normal(0.5)", "half_student_t(3, 0.5)", "exponential(0.5)")


@pytest.mark.parametrize("text", SD_PRIORS)
def test_sigma_given_the_sum_of_squares(text: str) -> None:
    rng, own = np.random.default_rng(0), prior(text)
    before, after = [], []
    for _ in range(3000):
        sigma, n = float(own.rvs(rng)), 4
        squares = sigma**2 * rng.chisquare(n)
        new = variances.draw_sd(rng, own, sigma, squares, n)
        for s, into in ((sigma, before), (new, after)):
            into.append([np.log(s), np.log(s) ** 2, s / (1 + s), np.exp(-s), np.log(s) * np.log(squares)])
    unchanged(np.array(before), np.array(after))


def test_sigma_has_the_density_on_a_grid() -> None:
    rng, own, n, squares = np.random.default_rng(1), prior("half_student_t(3, 0.5)"), 5, 0.6
    grid = np.linspace(-6.0, 4.0, 20_001)
    log = np.array([own.log_density(s)[0] for s in np.exp(grid)])
    log += grid - n * grid - 0.5 * squares * np.exp(-2 * grid)
    weight = np.exp(log - log.max())
    cdf, draws, sigma = np.cumsum(weight) / weight.sum(), [], 0.4
    for _ in range(6000):
        sigma = variances.draw_sd(rng, own, sigma, squares, n)
        draws.append(np.interp(np.log(sigma), grid, cdf))
    u = np.array(draws[::3])  # uniform, and three slices apart nearly independent
    for moment, mean, spread in ((u, 1 / 2, 1 / 12), (u**2, 1 / 3, 4 / 45), ((u > 0.95), 0.05, 0.05 * 0.95)):
        assert abs(np.mean(moment) - mean) < 4.5 * np.sqrt(1.5 * spread / u.size)


def a_group(text: str, q: int, *, correlated: bool) -> GroupTerm:
    names = ("a", "b", "c")[:q]
    lkj = prior("lkj(2)") if correlated else None
    sd, none = (prior(text),) * q, (False,) * q
    return GroupTerm("g", ("x",), np.zeros(1, int), names, np.ones((1, q)), sd, lkj, none)


def prior_factor(rng: np.random.Generator, group: GroupTerm) -> np.ndarray:
    """A draw of a group's covariance factor; partial correlations of an LKJ matrix are Betas."""
    sd, q = np.array([p.rvs(rng) for p in group.sd]), len(group.terms)
    if group.corr is None:
        return np.diag(sd)
    b = group.corr["eta"] + (q - 2 - np.tril_indices(q, -1)[1]) / 2.0
    share = np.clip(rng.beta(b, b), 1e-12, 1 - 1e-12)
    return sd[:, None] * correlation_factor(np.log(share / (1 - share)), q, group.corr["eta"])[0]


def moments_of(factor: np.ndarray, effects: np.ndarray) -> list[float]:
    """Of a covariance, and of it with its effects (levels, q)."""
    sd, corr = sd_and_correlation(factor)
    lower = corr[np.tril_indices(len(sd), -1)]
    w = np.linalg.solve(factor, effects.T)
    out = [*np.log(sd), *(sd / (0.5 + sd)), *lower, *lower**2, *np.log(np.sum(w**2, axis=1)), np.mean(w**2)]
    return [*out, *(np.log(sd) * np.log(np.sum(effects**2, axis=0)))]


@pytest.mark.parametrize("text", SD_PRIORS)
@pytest.mark.parametrize(("q", "correlated"), [(1, False), (2, True), (2, False), (3, True)])
def test_a_covariance_given_its_effects(text: str, q: int, correlated: bool) -> None:
    rng, group = np.random.default_rng(q), a_group(text, q, correlated=correlated)
    before, after = [], []
    for _ in range(350):
        factor = prior_factor(rng, group)
        effects = rng.standard_normal((5, q)) @ factor.T
        new = variances.draw_covariance(rng, group, factor, effects)
        before.append(moments_of(factor, effects))
        after.append(moments_of(new, effects))
    unchanged(np.array(before), np.array(after))


@pytest.mark.parametrize("text", SD_PRIORS)
def test_scales_given_the_standardised_effects(text: str) -> None:
    rng, priors = np.random.default_rng(3), (prior(text), prior(text))
    precision = np.array([[9.0, 4.0], [4.0, 6.0]])
    root = np.linalg.cholesky(precision)
    before, after = [], []
    for _ in range(2000):
        x = np.array([p.rvs(rng) for p in priors]) * rng.choice([-1.0, 1.0], 2)
        right = precision @ x + root @ rng.standard_normal(2)
        new = variances.draw_scales(rng, priors, x, precision, right)
        for s, into in ((x, before), (new, after)):
            bounded = s / (0.5 + np.abs(s))
            into.append(
                [*np.log(np.abs(s)), *bounded, *bounded**2, bounded.prod(), *(bounded * np.tanh(right))]
            )
    unchanged(np.array(before), np.array(after))


@pytest.mark.parametrize("text", SD_PRIORS)
def test_sd_and_rho_given_the_years(text: str) -> None:
    rng, design = np.random.default_rng(4), with_priors(crossed_design(3, 2, 6, seed=2), text)
    serial = design.serial
    starts = serial.order.first
    before, after = [], []
    for _ in range(350):
        sd, rho = float(serial.sd.rvs(rng)), float(serial.rho.rvs(rng))
        root = np.linalg.cholesky(serial_covariance(design, 1.0, rho))
        s = sd * root @ rng.standard_normal(starts.size)
        new = variances.draw_years(rng, serial, s, sd, rho)
        beside = np.mean((s[1:] * s[:-1])[~starts[1:]]) / np.mean(s**2)
        for (a, r), into in (((sd, rho), before), (new, after)):
            quadratic = np.sum(np.linalg.solve(np.linalg.cholesky(serial_covariance(design, a, r)), s) ** 2)
            own = [np.log(a), a / (0.5 + a), r, r**2, np.log(a * np.sqrt(1 - r**2)), r * beside]
            into.append([*own, np.log(a) * np.log(np.mean(s**2)), np.log(quadratic)])
    unchanged(np.array(before), np.array(after))


@pytest.mark.parametrize("rho", [0.9, -0.6, 1e-9, 0.999])
def test_precision_of_years_is_the_inverse_of_their_covariance(rho: float) -> None:
    design = crossed_design(seed=2)
    gap = design.serial.order.gap
    diagonal, beside, half = variances.year_precision(gap, 0.4, rho)
    exact = np.linalg.inv(serial_covariance(design, 0.4, rho))
    found = np.diag(diagonal) + np.diag(beside[1:], -1) + np.diag(beside[1:], 1)
    np.testing.assert_allclose(found, exact, atol=1e-9 * diagonal.max())
    assert half == pytest.approx(0.5 * np.linalg.slogdet(exact)[1], abs=1e-6)


ROOT = np.linalg.cholesky(np.array([[1.0, 1.8, 0.0], [1.8, 4.0, 0.0], [0.0, 0.0, 0.01]]))
PRECISION = np.linalg.inv(ROOT @ ROOT.T)


def normal_target(x: np.ndarray) -> tuple[float, np.ndarray, None]:
    return float(-0.5 * x @ PRECISION @ x), -PRECISION @ x, None


def skewed_target(x: np.ndarray) -> tuple[float, np.ndarray, None]:
    """Logarithms of gammas, of shape 0.5 and 3: a long tail to the left."""
    shape = np.array([0.5, 3.0])
    return float(np.sum(shape * x - np.exp(x))), shape - np.exp(x), None


@pytest.mark.parametrize("name", ["normal", "skewed"])
def test_a_trajectory_leaves_its_target_as_it_is(name: str) -> None:
    rng = np.random.default_rng(5)
    target, exact = {
        "normal": (normal_target, lambda: ROOT @ rng.standard_normal(3)),
        "skewed": (skewed_target, lambda: np.log(rng.gamma([0.5, 3.0]))),
    }[name]
    x = exact() * 0
    here, tuning = hmc.Here(x, *target(x)), hmc.Tuning.at(0.2, np.full(x.size, 0.3))
    for step in range(400):
        here, accept = hmc.move(rng, target, here, tuning)
        tuning = tuning.adapted(here.x, accept, step, 400)
    assert tuning.history == ()
    spread = np.std([exact() for _ in range(2000)], axis=0)
    assert (np.abs(np.log(tuning.scales / spread)) < np.log(2.0)).all()
    before, after, accepted = [], [], []
    for _ in range(2500):
        start = exact()
        here, accept = hmc.move(rng, target, hmc.Here(start, *target(start)), tuning)
        accepted.append(accept)
        for x, into in ((start, before), (here.x, after)):
            z = x / spread
            into.append([*z, *z**2, *z**3, *np.exp(-np.abs(z)), z[0] * z[1]])
    assert np.mean(accepted) > 0.6
    unchanged(np.array(before), np.array(after))


@pytest.mark.parametrize("text", SD_PRIORS)
def test_prior_of_the_collapsed_move_has_its_jacobian(text: str) -> None:
    """By finite differences of the hyperparameters that are read: too small a change for the joint tests."""
    design = with_priors(crossed_design(), text)
    model = Crossed.of(design, blocks_of(design))
    start, x = point(design, *POINTS["plain"]), np.array([-1.2, -0.7, -1.0, 0.9])

    def values(x: np.ndarray) -> np.ndarray:
        at = model._read(x, start)[0]
        return np.array([at.sigma, at.factors[2][0, 0], at.sd, at.rho])

    jacobian = [(values(x + h) - values(x - h)) / 2e-5 for h in 1e-5 * np.eye(x.size)]
    own = prior(text)
    exact = sum(own.log_density(v)[0] for v in values(x)[:3]) + np.linalg.slogdet(jacobian)[1] - np.log(2.0)
    assert model._read(x, start)[1] == pytest.approx(exact, abs=1e-7)


# The whole step


def joint_draw(
    rng: np.random.Generator, model: Crossed, design: Design, tuning: hmc.Tuning, *, small: bool
) -> State:
    """Hyperparameters and coefficients from their priors, with moves of a fixed tuning."""
    factors = tuple(prior_factor(rng, g) for g in design.groups)
    sigma, serial = float(design.error.sigma.rvs(rng)), design.serial
    scales = Scales(sigma, factors)
    logs = [np.log(sigma), *(np.log(factors[g][0, 0]) for g in model._rest)]
    if serial is not None:
        sd, rho = float(serial.sd.rvs(rng)), float(serial.rho.rvs(rng))
        scales = replace(scales, sd=sd, rho=rho)
        low, high = serial.rho.values
        logs += [np.log(sd * np.sqrt(1 - rho**2)), np.log((rho - low) / (high - rho))]
    tops = []
    for view in model.views:
        group, q = design.groups[view.top], len(design.groups[view.top].terms)
        x = variances._coordinates(group, factors[view.top])
        np.testing.assert_allclose(covariance(group, x).factor, factors[view.top], atol=1e-6)
        tops.append(Trajectory(x, replace(tuning, scales=np.r_[np.full(q, 0.5), np.full(x.size - q, 1.0)])))
    x = np.array(logs)
    near = Near(np.full(x.size, -1.0), 0.8 * np.eye(x.size))
    theta = scipy.linalg.block_diag(*map(_root, _blocks(design, scales))) @ rng.standard_normal(
        model.gram.starts[-1]
    )
    return State(theta, scales, tuple(tops), Move(x, near) if small else None)


def _blocks(design: Design, at: Scales) -> list[np.ndarray]:
    scales = np.array([p["sigma"] for t in design.population for p in t.each_prior])
    out = [
        scales,
        *(np.kron(np.eye(len(g.levels)), F) for g, F in zip(design.groups, at.factors, strict=True)),
    ]
    return [*out, serial_covariance(design, at.sd, at.rho)] if design.serial is not None else out


def _root(block: np.ndarray) -> np.ndarray:
    if block.ndim == 1:
        return np.diag(block)
    return block if not np.triu(block, 1).any() else np.linalg.cholesky(block)


def state_moments(design: Design, full: Gram, state: State, y: np.ndarray) -> list[float]:
    at, sigma = state.scales, state.scales.sigma
    error = np.mean((y - full.D @ state.theta) ** 2)
    scaled = state.theta[full.population] / full.prior_scale
    out = [np.log(sigma), np.log(sigma) ** 2, sigma / (0.5 + sigma), *scaled, *scaled**2]
    out += [np.log(error / sigma**2), np.log(sigma) * np.log(error), scaled[0] * np.tanh(np.mean(y))]
    for k, factor in enumerate(at.factors):
        effects = state.theta[full.part(k)].reshape(-1, len(factor))
        out += moments_of(factor, effects)
        out += list(np.mean(effects / (0.5 + np.abs(effects)), axis=0))
    if design.serial is not None:
        s = state.theta[full.part(len(at.factors))]
        w = np.linalg.solve(np.linalg.cholesky(serial_covariance(design, at.sd, at.rho)), s)
        out += [np.log(at.sd), at.sd / (0.5 + at.sd), at.rho, at.rho**2, np.log(np.mean(w**2))]
        out += [
            np.log(at.sd) * np.log(np.mean(s**2)),
            at.rho * np.tanh(np.mean(s[1:] * s[:-1]) / np.mean(s**2)),
        ]
    return out


def joint_z(design: Design, seed: int, replicates: int, steps: int) -> np.ndarray:
    """z-scores of moments along short runs of step and new outcome, each begun at a joint draw."""
    rng, full = np.random.default_rng(seed), gram(design)
    model = Crossed.of(design, blocks_of(design))
    small, changes = model._collapses(), []
    for _ in range(replicates):
        state = joint_draw(rng, model, design, hmc.Tuning.at(0.5, np.ones(1)), small=small)
        along = []
        for step in range(steps):
            y = full.D @ state.theta + state.scales.sigma * rng.standard_normal(design.n)
            own = replace(model, gram=replace(model.gram, g=full.D.T @ y, yy=float(y @ y)))
            if step == 0:
                first = state_moments(design, full, state, y)
            state = own.step(rng, state, None)
            along.append(state_moments(design, full, state, y))
        changes.append(np.mean(along, axis=0) - first)
    change = np.array(changes)
    assert (change.std(axis=0) > 0).all(), "nothing moves"
    return change.mean(axis=0) / (change.std(axis=0, ddof=1) / np.sqrt(replicates))


def tiny(text: str = "half_normal(0.5)", *, signs: bool = False, serial: bool = True) -> Design:
    design = crossed_design(4, 3, 6, terms=2, signs=signs, serial=serial, seed=2)
    return with_priors(design, text)


JOINT = {
    "collapsed": (0, tiny),
    "collapsed, half-t, signs": (1, lambda: tiny("half_student_t(3, 0.4)", signs=True)),
    "interwoven": (2, lambda: tiny(signs=True)),
    "interwoven, half-t": (3, lambda: tiny("half_student_t(3, 0.4)")),
    "interwoven, no state-years": (4, lambda: tiny("exponential(0.4)", serial=False)),
    "collapsed, controls": (5, lambda: with_controls(tiny())),
    "interwoven, controls": (6, lambda: with_controls(tiny())),
}


@pytest.mark.parametrize("name", [n for n in JOINT if "," in n and "no state" not in n])
def test_a_step_leaves_parameters_and_data_as_they_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seed, design = JOINT[name]
    if name.startswith("interwoven"):
        monkeypatch.setattr(crossed, "SMALL", 0)
    z = joint_z(design(), seed, 40, 3)
    assert np.abs(z).max() < Z, z


@pytest.mark.slow
@pytest.mark.parametrize("name", JOINT)
def test_a_step_leaves_parameters_and_data_as_they_are_in_long_runs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed, design = JOINT[name]
    if name.startswith("interwoven"):
        monkeypatch.setattr(crossed, "SMALL", 0)
    z = joint_z(design(), 100 + seed, 1500, 8)
    assert np.abs(z).max() < Z, z
    assert np.mean(z**2) < 2.0


# Posteriors


def settings(engine: str, **changes: int) -> SamplerSettings:
    own = {"chains": 4, "draws": 200, "tune": 200, "seed": 1, "cores": 1} | changes
    return SamplerSettings(engine, "auto", target_accept=0.95, **own)


@pytest.mark.slow
def test_posterior_is_that_of_nuts_on_the_hand_written_density(monkeypatch: pytest.MonkeyPatch) -> None:
    design = with_priors(crossed_design(6, 3, 8, terms=2, signs=True), "half_student_t(4, 0.4)")
    tree = NutsEngine("nutpie", "integrated").sample(
        design, settings("nutpie", draws=2500, tune=1000, cores=2)
    )
    assert tree.attrs["density"].startswith("hand-written")
    for small in (0, crossed.SMALL):  # interwoven, and collapsed
        monkeypatch.setattr(crossed, "SMALL", small)
        other = GibbsEngine().sample(design, settings("gibbs", draws=2500, tune=500))
        a, b = (t["posterior"].dataset for t in (other, tree))
        assert set(a.data_vars) == set(b.data_vars)
        for name in (
            "beta",
            "year_effect",
            "sigma",
            "rho",
            *(n for n in a.data_vars if n[:3] in {"sd_", "cor"}),
        ):
            x, y = (np.reshape(p[name].values, (*p[name].shape[:2], -1)) for p in (a, b))
            if name.startswith("corr"):
                x, y = x[:, :, 1:2], y[:, :, 1:2]
            for f in (np.asarray, np.square):
                own = [diagnostics(f(v)) for v in (x, y)]
                assert min(d["ess_bulk"].min() for d in own) > 300, name
                error = np.sqrt(sum(d["mcse_mean"] ** 2 for d in own))
                z = np.abs(f(x).mean((0, 1)) - f(y).mean((0, 1))) / error
                assert z.max() < 4.5, (name, small, z)


# Running it


def test_the_same_seed_gives_the_same_draws() -> None:
    design = tiny()
    a, b, c = (
        GibbsEngine()
        .sample(design, settings("gibbs", draws=5, tune=20, chains=2, seed=seed))["posterior"]
        .dataset
        for seed in (1, 1, 2)
    )
    assert a.equals(b)
    assert not a.equals(c)
    assert not np.array_equal(a["sigma"][0], a["sigma"][1])


def test_rows_only_add_up() -> None:
    """A hundred times the rows of the same cells: the same matrices a hundred times larger, nothing more."""
    design = with_controls(crossed_design())
    once = prepared_model(design)
    often = prepared_model(taken(design, np.tile(np.arange(design.n), 100)))
    for name in ("G", "g", "yy"):
        x, y = (getattr(m.gram, name) for m in (once, often))
        x, y = (v.toarray() if name == "G" else v for v in (x, y))
        np.testing.assert_allclose(y, 100 * x, rtol=1e-9, atol=1e-9 * np.abs(y).max())
    for own, more in zip(once.views, often.views, strict=True):
        for u, w in zip(own.units, more.units, strict=True):
            assert (u.S.shape, u.C.shape, u.R.shape) == (w.S.shape, w.C.shape, w.R.shape)
    sizes = [len(pickle.dumps(m)) for m in (once, often)]
    assert sizes[1] < 1.05 * sizes[0]
