"""The exact engine's densities, all effects integrated out, against dense normal densities of the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossed import crossed_design, group, prior, serial_covariance
from numpy.typing import NDArray
from scipy import stats

from bayes_hr.design import Design, PopulationTerm
from bayes_hr.engines import views
from bayes_hr.engines.collapsed import eliminate
from bayes_hr.engines.covariance import covariance, size
from bayes_hr.engines.crossed import Crossed
from bayes_hr.engines.gibbs import prepared_model, refusal
from bayes_hr.engines.hyper import Point

Array = NDArray[np.float64]
POINTS = [(0.4, 0.3, 0.6), (0.2, 0.5, -0.4), (0.7, 1e-3, 0.95)]


def with_controls(design: Design) -> Design:
    """Two controls: one that only varies over a state's years, and one that no unit's own columns span."""
    rng = np.random.default_rng(5)
    of_year = rng.standard_normal(int(design.serial.index.max()) + 1)[design.serial.index]
    columns = np.c_[of_year, rng.standard_normal(design.n)]
    names = {"covariate": ("of_year", "of_row")}
    term = PopulationTerm("gamma", ("covariate",), names, prior("normal(0.2, 0.7)"), columns)
    return replace(design, population=(*design.population, term))


def moments_of(
    design: Design, at: tuple[float, float, float], factors: list[Array], groups: list[int]
) -> tuple:
    """Mean and covariance of the rows with population, ``groups`` and unit-years integrated out."""
    sigma, sd, rho = at
    X = np.hstack([t.matrix() for t in design.population])
    priors = [p for t in design.population for p in t.each_prior]
    mean, scale = np.array([p["mu"] for p in priors]), np.array([p["sigma"] for p in priors])
    V = (X * scale**2) @ X.T + sigma**2 * np.eye(design.n)
    for g in groups:
        group = design.groups[g]
        same = group.index[:, None] == group.index
        Z = group.Z @ factors[g]
        V += np.where(same, Z @ Z.T, 0.0)
    if design.serial is not None:
        S = serial_covariance(design, sd, rho)[np.ix_(design.serial.index, design.serial.index)]
        V += design.serial.loading[:, None] * S * design.serial.loading
    return X @ mean, V


@pytest.mark.parametrize("at", POINTS)
@pytest.mark.parametrize("kind", ["serial", "signs", "controls", "no serial"])
def test_a_view_given_the_other_effects(kind: str, at: tuple[float, float, float]) -> None:
    design = crossed_design(serial=kind != "no serial", signs=kind == "signs")
    design = with_controls(design) if kind == "controls" else design
    model = prepared_model(design)
    assert isinstance(model, Crossed)
    rng = np.random.default_rng(2)
    theta = 0.3 * rng.standard_normal(model.gram.starts[-1])
    factors = [np.linalg.cholesky(np.cov(rng.standard_normal((9, len(g.terms))).T).reshape(len(g.terms), -1))
               for g in design.groups]  # fmt: skip
    start = model.start(rng).scales
    scales = replace(start, sigma=at[0], factors=tuple(factors), sd=at[1], rho=at[2])
    view = model.views[0]
    given = views.given(view, model.gram, theta)
    rest = views.reduced(view, given, model._variances(scales), design.n)
    point = Point(1.0, 0.0, (factors[view.top],), np.zeros(0), 0.0)
    found = eliminate(rest.products, point, view.prior)
    assert found is not None
    outer = design.groups[1]
    effects = theta[model.gram.part(1)].reshape(len(outer.levels), -1)
    mean, V = moments_of(design, at, factors, [0, 2])
    mean = mean + np.sum(outer.Z * effects[outer.index], axis=1)
    expected = stats.multivariate_normal.logpdf(design.y, mean, V)
    assert found.log_likelihood == pytest.approx(expected, rel=1e-8, abs=1e-7)


def test_gradient_in_a_views_covariance() -> None:
    design = crossed_design()
    model = prepared_model(design)
    assert isinstance(model, Crossed)
    rng = np.random.default_rng(0)
    state = model.step(rng, model.start(rng), (0, 100))
    for view in model.views:
        given = views.given(view, model.gram, state.theta)
        rest = views.reduced(view, given, model._variances(state.scales), design.n)
        group = design.groups[view.top]

        def both(x: Array, group=group, rest=rest, view=view) -> tuple[float, Array]:
            at = covariance(group, x)
            found = eliminate(rest.products, Point(1.0, 0.0, (at.factor,), np.zeros(0), 0.0), view.prior)
            assert found is not None
            return at.log_prior + found.log_likelihood, at.gradient + at.from_excess(views.excess(found))

        x = rng.normal(0.0, 0.5, size(group))
        numeric = [(both(x + 1e-5 * e)[0] - both(x - 1e-5 * e)[0]) / 2e-5 for e in np.eye(x.size)]
        np.testing.assert_allclose(both(x)[1], numeric, rtol=1e-6, atol=1e-6)


def test_no_row_is_in_the_chains_model() -> None:
    """What chains are given has no array of the rows' length, so rows inside the same cells cost no step."""
    model = prepared_model(crossed_design())
    assert isinstance(model, Crossed)
    assert model.n not in {a.shape[0] for a in (model.gram.D, model.gram.y, model.design.y)}
    assert all(g.Z.shape[0] == 0 for g in model.design.groups)


def test_unit_years_without_a_group_of_their_units_are_refused() -> None:
    design = crossed_design()
    assert refusal(design) is None
    without = replace(design, groups=design.groups[1:])
    assert "no group term has the units" in (refusal(without) or "")


def test_a_group_outside_the_first_view_is_not_collapsed_with_it() -> None:
    """A second group with the IGOs' levels has no effect in the states' view: its SD is drawn given them."""
    design = crossed_design()
    igos = design.groups[1]
    kinds = group("kind", igos.levels, igos.index, np.ones((design.n, 1)), ("level",), None)
    model, twice = prepared_model(design), prepared_model(replace(design, groups=(*design.groups, kinds)))
    assert isinstance(model, Crossed)
    assert isinstance(twice, Crossed)
    assert model._collapses()
    assert 3 in twice._rest
    assert not twice._collapses()
