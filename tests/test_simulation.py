"""Simulation, predictive checks and permutation, without any sampling.

Monte Carlo tolerances are four standard errors of the number of draws that each test states.
"""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_hr.cards import load_card
from bayes_hr.checks.predictive import predictive_checks, prior_predictive, replicate
from bayes_hr.checks.reference import dealt_from
from bayes_hr.data.worlds import World, ratification
from bayes_hr.design import Design
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.kernels import row_order
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build, with_ratification_years
from bayes_hr.simulation import (
    ParameterDraw,
    autoregressed,
    innovations,
    linear_predictor,
    posterior_draws,
    prior_draws,
    row_errors,
    simulate_errors,
)


@pytest.fixture(scope="module")
def world() -> World:
    return ratification("no_effect_trends", n_countries=40, years=(1985, 2014), seed=4)


@pytest.fixture(scope="module")
def design(world: World) -> Design:
    return build(load_card("demo_ratification"), simulated_panel(world))


def draw_of(design: Design, **changes: object) -> ParameterDraw:
    base = next(prior_draws(design, np.random.default_rng(1), 1))
    return ParameterDraw(**{**base.__dict__, **changes})  # type: ignore[arg-type]


def test_errors_have_the_exact_covariance_over_gaps() -> None:
    order = row_order(np.zeros(4, int), np.array([1990, 1991, 1994, 1995]))
    draw = ParameterDraw({}, {}, sigma=0.5, rho=0.8, nu=None)
    rng = np.random.default_rng(2)
    e = np.array([row_errors(rng, order, draw) for _ in range(20_000)])
    years = np.array([1990, 1991, 1994, 1995])
    exact = 0.25 / (1 - 0.64) * 0.8 ** np.abs(years[:, None] - years)
    assert np.abs(np.cov(e.T) - exact).max() < 4 * exact.max() * np.sqrt(2 / 20_000)


def test_autoregressed_is_the_recursion(design: Design) -> None:
    rng, first = np.random.default_rng(1), design.error.order.first
    coefficient, shocks = np.where(first, 0.0, 0.9), rng.standard_normal(first.size)
    expected = shocks.copy()
    for row in np.flatnonzero(~first):
        expected[row] += coefficient[row] * expected[row - 1]
    np.testing.assert_allclose(autoregressed(coefficient, shocks), expected, rtol=1e-12, atol=1e-12)


def test_student_t_gap_sums_yearly_shocks() -> None:
    """Variance of e_3 given e_0 = 0 at nu = 8 is sigma^2 nu/(nu-2) (1 + rho^2 + rho^4)."""
    order = row_order(np.zeros(2, int), np.array([1990, 1993]))
    draw = ParameterDraw({}, {}, sigma=1.0, rho=0.5, nu=8.0)
    rng = np.random.default_rng(3)
    e = np.array([row_errors(rng, order, draw) for _ in range(40_000)])
    shock = e[:, 1] - 0.5**3 * e[:, 0]
    assert shock.var() == pytest.approx(8 / 6 * (1 + 0.25 + 0.0625), rel=0.05)


def test_linear_predictor_and_innovations_undo_each_other(design: Design) -> None:
    draw = draw_of(design, rho=0.9, sigma=0.3)
    rng = np.random.default_rng(5)
    e = simulate_errors(rng, design, draw)
    shocks = innovations(rng, design, draw, e, np.zeros(design.n))
    assert shocks.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * design.n))
    eta = linear_predictor(design, draw)
    direct = sum(t.matrix() @ draw.population[t.name] for t in design.population)
    u = draw.groups["country"][design.groups[0].index]
    np.testing.assert_allclose(eta, direct + (design.groups[0].Z * u).sum(1))


def fake_posterior(design: Design, draw: ParameterDraw) -> xr.Dataset:
    """The same draw, 4 x 10 times."""
    data = {}
    for term in design.population:
        values = draw.population[term.name].reshape(term.shape)
        data[term.name] = (("chain", "draw", *term.dims), np.broadcast_to(values, (4, 10, *values.shape)))
    u = draw.groups["country"]
    data["u_country"] = (("chain", "draw", "country", "country_term"), np.broadcast_to(u, (4, 10, *u.shape)))
    for name in ("sigma", "rho"):
        data[name] = (("chain", "draw"), np.full((4, 10), getattr(draw, name)))
    return xr.Dataset(data)


def with_outcome(design: Design, y: np.ndarray) -> Design:
    from dataclasses import replace

    return replace(design, y=y)


def test_predictive_checks_pass_on_the_models_own_data(design: Design) -> None:
    draw = draw_of(design, rho=0.8, sigma=0.3)
    y = linear_predictor(design, draw) + simulate_errors(np.random.default_rng(6), design, draw)
    own = with_outcome(design, y)
    checks = predictive_checks(replicate(own, fake_posterior(own, draw), seed=1, draws=40))
    assert {c.status for c in checks} == {"PASS"}, [c.text for c in checks]


def test_ignored_autocorrelation_asks_for_review(design: Design) -> None:
    draw = draw_of(design, rho=0.8, sigma=0.3)
    y = linear_predictor(design, draw) + simulate_errors(np.random.default_rng(6), design, draw)
    iid = ParameterDraw(draw.population, draw.groups, 0.5, 0.0, None)
    own = with_outcome(design, y)
    checks = {
        c.name: c for c in predictive_checks(replicate(own, fake_posterior(own, iid), seed=1, draws=40))
    }
    assert checks["residual autocorrelation"].status == "REVIEW"
    assert "ar1" in checks["residual autocorrelation"].advice


def test_heavy_tails_ask_for_review(design: Design) -> None:
    draw = draw_of(design, rho=0.8, sigma=0.3)
    heavy = ParameterDraw(draw.population, draw.groups, 0.3, 0.8, 2.5)
    y = linear_predictor(design, draw) + simulate_errors(np.random.default_rng(6), design, heavy)
    own = with_outcome(design, y)
    checks = {
        c.name: c for c in predictive_checks(replicate(own, fake_posterior(own, draw), seed=1, draws=40))
    }
    assert checks["tails"].status == "REVIEW"


def test_posterior_draws_are_spread_over_the_chains(design: Design) -> None:
    posterior = fake_posterior(design, draw_of(design))
    posterior["sigma"] = (("chain", "draw"), np.arange(40.0).reshape(4, 10))
    assert [d.sigma for d in posterior_draws(design, posterior, 4)] == [0.0, 13.0, 26.0, 39.0]


def test_prior_predictive_covers_the_simulated_world(design: Design) -> None:
    table = prior_predictive(design, seed=1, draws=100).dropna()
    assert (table["q05"] < table["q95"]).all()
    assert (table["observed"] < table["q95"]).all()


def test_rebuilt_design_is_the_same(design: Design) -> None:
    again = from_dataset(to_dataset(design), design.y, design.merge)
    for a, b in zip(design.population, again.population, strict=True):
        np.testing.assert_allclose(a.matrix(), b.matrix(), atol=1e-12)
        assert (a.name, a.coords, a.prior) == (b.name, b.coords, b.prior)
    np.testing.assert_array_equal(design.groups[0].Z, again.groups[0].Z)
    assert (design.unit, design.centre) == (again.unit, again.centre)


def test_own_ratification_years_give_the_same_design(design: Design, world: World) -> None:
    years = world.frame.groupby("ccode")["ratification_year"].first().to_numpy()
    same = with_ratification_years(design, years, 1)
    np.testing.assert_array_equal(design.term("tau").matrix(), same.term("tau").matrix())
    never = with_ratification_years(design, np.full(years.shape, np.nan), 1)
    assert never.groups[0].Z[:, 1].sum() == 0


@given(st.integers(0, 2**32 - 1), st.integers(2, 25))
@settings(max_examples=60, deadline=None)
def test_permutation_keeps_classes_and_feasibility(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    regime = rng.choice(["a", "b"], n)
    entry = np.where(rng.random(n) < 0.3, rng.integers(1990, 2000, n), -np.inf)
    year = np.where(rng.random(n) < 0.2, np.nan, np.fmax(rng.integers(1985, 2010, n), entry))
    dealt = year[dealt_from(rng, year, regime, entry)]
    for label in "ab":
        np.testing.assert_array_equal(np.sort(dealt[regime == label]), np.sort(year[regime == label]))
    assert np.all(np.isnan(dealt) | (dealt >= entry))


def test_permutation_is_uniform_over_what_is_feasible() -> None:
    """Three countries, one entered late: of 6 permutations 4 are feasible, each a quarter of the time."""
    year, entry = np.array([1988.0, 1995.0, 1999.0]), np.array([-np.inf, -np.inf, 1994.0])
    rng = np.random.default_rng(1)
    found: dict[tuple[float, ...], int] = {}
    for _ in range(4000):
        key = tuple(year[dealt_from(rng, year, np.array(["a"] * 3), entry)])
        found[key] = found.get(key, 0) + 1
    assert len(found) == 4
    assert max(abs(v / 4000 - 0.25) for v in found.values()) < 4 * np.sqrt(0.25 * 0.75 / 4000)
