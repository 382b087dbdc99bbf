"""Cut-points that move over the years: mathematics, card, design, and density by SciPy.

Tolerances.  Log densities against a direct computation: 1e-7 relative.  Nothing is sampled here
(``test_moving_cuts_fits.py``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from categories import PYTHON, card_of, natural
from moving import NO_YEARS, F, moving_card, moving_design, moving_world
from scipy import stats

from bayes_hr import fitting
from bayes_hr.calibration.truths import joint
from bayes_hr.cards import load_card
from bayes_hr.design import Design
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.engines.nuts import _shape_key
from bayes_hr.errors import InputError
from bayes_hr.moving_cuts import year_cutpoints
from bayes_hr.ordinal import categories, log_probabilities, mean_residuals
from bayes_hr.questions.choices import ratification_choices
from bayes_hr.questions.citing import cite
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build, with_ratification_years
from bayes_hr.simulation import (
    linear_predictor,
    prior_draws,
    row_cutpoints,
)
from bayes_hr.walks import walk_basis

# ---------------------------------------------------------------- mathematics


def test_the_basis_is_a_random_walk_around_its_mean() -> None:
    years = (1990, 1991, 1994, 1995, 2000)
    B = walk_basis(years)
    assert B.shape == (5, 4)
    assert pytest.approx(0, abs=1e-12) == B.sum(axis=0)
    walk = np.minimum.outer(np.array(years) - 1990.0, np.array(years) - 1990.0)  # Brownian motion from 1990
    centre = np.eye(5) - 1 / 5
    assert pytest.approx(centre @ walk @ centre) == B @ B.T
    assert pytest.approx(np.diag(np.diag(B.T @ B)), abs=1e-10) == B.T @ B, "principal components"
    assert np.diff(np.square(B).sum(axis=0)).max() < 0, "from the slowest to the fastest"
    steps = np.diff(B, axis=0)
    assert np.square(steps).sum(axis=1) == pytest.approx(np.diff(years)), "variance of a step: its years"


def test_cut_points_of_a_year_are_in_order_and_average_to_their_means() -> None:
    rng = np.random.default_rng(1)
    cut, basis = np.array([-1.0, -0.9, 1.2]), walk_basis(tuple(range(20)))
    shift, log_gap = 0.3 * basis @ rng.normal(size=19), 0.4 * basis @ rng.normal(size=(19, 2))
    found = year_cutpoints(cut, shift, log_gap)
    assert (np.diff(found, axis=1) > 0).all()
    assert found.mean(axis=0) == pytest.approx(cut, abs=1e-12)
    assert found.mean(axis=1) == pytest.approx(cut.mean() + shift)
    ratio = np.diff(found, axis=1) / np.exp(log_gap)
    assert ratio == pytest.approx(np.broadcast_to(ratio[0], ratio.shape)), "logs of gaps move by the walk"
    turned = year_cutpoints(-cut[::-1], -shift, log_gap[:, ::-1])
    assert turned == pytest.approx(-found[:, ::-1]), "the scale turned round"
    only = year_cutpoints(cut, shift, 0 * log_gap)
    assert only == pytest.approx(cut + shift[:, None]), "all cut-points together: a year effect"
    assert year_cutpoints(cut[:1], shift, np.zeros((20, 0)))[:, 0] == pytest.approx(cut[0] + shift)


def test_cut_points_of_each_row_do_what_the_same_for_all_do() -> None:
    rng = np.random.default_rng(2)
    eta, cut = rng.normal(size=50), np.array([-0.5, 0.4])
    y = categories(eta + rng.normal(size=50), cut)
    rows = np.broadcast_to(cut, (50, 2))
    latent = np.linspace(-2, 2, 41)
    assert np.array_equal(categories(latent, cut), np.searchsorted(cut, latent))
    for link in F:
        assert log_probabilities(y, eta, rows, link) == pytest.approx(log_probabilities(y, eta, cut, link))
        for a, b in zip(mean_residuals(y, eta, rows, link), mean_residuals(y, eta, cut, link), strict=True):
            assert a == pytest.approx(b)
    moved = log_probabilities(y, eta, rows + np.linspace(0, 1, 50)[:, None])
    assert moved == pytest.approx(log_probabilities(y, eta - np.linspace(0, 1, 50), cut))


# ---------------------------------------------------------------- the card


def test_defaults_are_said_out_loud() -> None:
    card = moving_card()
    assert card.priors["sd_cutpoint_shift"] == card.priors["sd_gap_shift"] == "half_normal(0.1)"
    assert "year_effect" not in card.priors
    assert card.estimands[-1] == "standard"
    two = moving_card("probit")
    assert "sd_cutpoint_shift" in two.priors
    assert "sd_gap_shift" not in two.priors, "two categories have no gap"
    assert 'cut_points = "by_year"' in card.to_toml()
    assert card.replace() == card
    fixed = card.replace(outcome={"cut_points": "fixed"})
    assert fixed.estimands[-1] == "probability"
    assert "sd_cutpoint_shift" not in fixed.priors
    assert card_of().outcome.cut_points == "fixed"
    logit = build(moving_card("ordered_logit"), simulated_panel(moving_world()))
    assert logit.error.cuts is not None
    assert logit.error.cuts.walk is not None
    assert logit.error.cuts.walk.shift["sigma"] == pytest.approx(0.18138, rel=1e-5), "in residual SDs"
    assert str(logit.error.cuts.walk.gap) == "half_normal(0.1)", "a ratio has no unit"


@pytest.mark.parametrize(
    ("likelihood", "changes", "message"),
    [
        (
            "ordered_probit",
            {"time": {}},
            r'time.effects = "unpooled" \(the default is "unpooled"\) is not off',
        ),
        (
            "ordered_probit",
            {"time": {"effects": "pooled"}},
            r'Write time = \{effects = "none"\}, or take outc',
        ),
        ("gaussian", {}, r'outcome: cut_points = "by_year" is not offered for likelihood = "gaussian"'),
        ("probit", {"priors": {"sd_gap_shift": "half_normal(1)"}}, r"priors.sd_gap_shift: this model has no"),
        ("ordered_probit", {"priors": {"sd_cutpoint_shift": "normal(0, 1)"}}, r"priors.sd_cutpoint_shift"),
        ("ordered_probit", {"priors": {"year_effect": "normal(0, 1)"}}, r"priors.year_effect: this model"),
        ("ordered_probit", {"outcome": {"name": "score", "cut_points": "yearly"}}, r"outcome.cut_points"),
    ],
)
def test_cards_that_are_refused(likelihood: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        moving_card(likelihood, **changes)


def test_refused_elsewhere() -> None:
    with pytest.raises(InputError, match=r'"standard" needs outcome.cut_points = "by_year"'):
        card_of(estimands=["regime", "standard"])
    for name in ("demo_convergence", "many_treaties_hrps"):
        with pytest.raises(InputError, match='cut_points = "by_year" is not offered for likelihood'):
            load_card(name).replace(outcome={"cut_points": "by_year"})
    with pytest.raises(InputError, match=r"lagged_outcome is not offered for outcome.likelihood"):
        moving_card(dynamics={"lagged_outcome": True})
    with pytest.raises(
        InputError, match=r"rows of two years or more; all are of 2005. Take outcome.cut_points"
    ):
        build(moving_card(where="year == 2005"), simulated_panel(moving_world()))


def test_the_exact_engine_is_refused_and_auto_takes_nuts() -> None:
    card, design = moving_card(), moving_design()
    assert fitting.with_engine(card, design).fit.engine == "nuts"
    with pytest.raises(InputError, match=r'"gibbs" cannot fit it: cut-points that move.*"fixed".*"nuts"'):
        fitting.with_engine(card.replace(fit={"engine": "gibbs"}), design)


def test_the_engine_that_auto_takes_is_cited() -> None:
    assert "PyMC: a modern" in cite(moving_card(), form="text")
    assert "PyMC: a modern" not in cite(card_of(), form="text")


def test_a_comparison_holds_fixed_cut_points_beside_moving_ones() -> None:
    moving = moving_card()
    back = {k: v for k, v in ratification_choices(moving, True).items() if k.startswith("cut-points fixed")}
    assert [moving.replace(**v).time.by for v in back.values()] == ["regime", "all"]
    assert all(moving.replace(**v).time.effects == "unpooled" for v in back.values())


# ---------------------------------------------------------------- the design


@pytest.mark.parametrize("k", [2, 4])
def test_the_design_travels_with_its_fit(k: int) -> None:
    design = moving_design(k)
    cuts = design.error.cuts
    assert cuts is not None
    assert cuts.walk is not None
    assert cuts.walk.years == tuple(range(1990, 2010))
    assert np.array_equal(np.array(cuts.walk.years)[cuts.walk.index], design.rows["year"])
    assert (cuts.walk.gap is None) == (k == 2)
    again = from_dataset(to_dataset(design), design.y, design.merge)
    assert again.error.cuts == cuts
    assert again.error.cuts is not None
    assert again.error.cuts.walk is not None
    assert np.array_equal(again.error.cuts.walk.index, cuts.walk.index)
    assert again.coords()["year"] == cuts.walk.years
    dealt = with_ratification_years(design, np.full(len(design.groups[0].levels), 2000.0), 1)
    assert dealt.error.cuts is cuts
    late = replace(cuts, walk=replace(cuts.walk, index=cuts.walk.index[::-1].copy()))
    assert _shape_key(design, "rows") != _shape_key(
        replace(design, error=replace(design.error, cuts=late)), "rows"
    )


# ---------------------------------------------------------------- the density


def direct_logp(design: Design, eta: np.ndarray, by_year: np.ndarray, link: str) -> float:
    """Log likelihood with every row's own year's cut-points, row by row."""
    years = sorted(set(design.rows["year"].tolist()))
    out = 0.0
    for code, e, year in zip(design.y.astype(int), eta, design.rows["year"], strict=True):
        edges = np.r_[-np.inf, by_year[years.index(year)], np.inf]
        out += np.log(F[link].cdf(edges[code + 1] - e) - F[link].cdf(edges[code] - e))
    return out


def at_a_point(k: int, link: str) -> tuple[Design, Any, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Design, PyMC model, a point of its coordinates and the natural values there."""
    from bayes_hr.pymc_models import build_model

    design = moving_design(k, link)
    model, rng = build_model(design), np.random.default_rng(k)
    point = {n: v + 0.3 * rng.normal(size=v.shape) for n, v in model.initial_point().items()}
    names = [*(t.name for t in design.population), "u_country", "cutpoint", "cutpoint_year", "row_loglik"]
    names += ["sd_cutpoint_shift", *(["sd_gap_shift", "log_gap"] if k > 2 else [])]
    return design, model, point, natural(model, names, point)


@pytest.mark.parametrize(("k", "link"), [(2, "probit"), (4, "probit"), (3, "logit")])
def test_density_against_a_direct_computation(k: int, link: str) -> None:
    design, model, point, theta = at_a_point(k, link)
    basis = walk_basis(tuple(range(1990, 2010)))
    gap = theta["sd_gap_shift"] * (basis @ point["z_gap_shift"]) if k > 2 else np.zeros((20, 0))
    shift = theta["sd_cutpoint_shift"] * (basis @ point["z_cutpoint_shift"])
    by_year = year_cutpoints(theta["cutpoint"], shift, gap)
    assert theta["cutpoint_year"] == pytest.approx(by_year)
    population = {t.name: np.ravel(theta[t.name]) for t in design.population}
    draw = replace(
        next(prior_draws(design, np.random.default_rng(0), 1)),
        population=population, groups={"country": theta["u_country"]}, cutpoints=by_year,
    )  # fmt: skip
    eta = linear_predictor(design, draw)
    expected = direct_logp(design, eta, by_year, link)
    assert float(theta["row_loglik"]) == pytest.approx(expected, rel=1e-7)
    each = log_probabilities(design.y, eta, row_cutpoints(design, draw), link)
    assert float(each.sum()) == pytest.approx(expected, rel=1e-7)
    assert joint(design, draw) == pytest.approx(expected, rel=1e-7)

    # The walks' own part of the density: half-normal SDs with the Jacobian of their logs, standard normals.
    unit = design.unit
    own = stats.halfnorm.logpdf(theta["sd_cutpoint_shift"], 0, 0.1 * unit) + np.log(
        theta["sd_cutpoint_shift"]
    )
    own += stats.norm.logpdf(point["z_cutpoint_shift"]).sum()
    if k > 2:
        own += stats.halfnorm.logpdf(theta["sd_gap_shift"], 0, 0.1) + np.log(theta["sd_gap_shift"])
        own += stats.norm.logpdf(point["z_gap_shift"]).sum()
    free = [v for v in model.free_RVs if "cutpoint_shift" in v.name or "gap_shift" in v.name]
    values = [model.rvs_to_values[v] for v in free]
    assert {v.name.removesuffix("_log__") for v in values} >= {"sd_cutpoint_shift", "z_cutpoint_shift"}
    found = model.compile_fn(
        model.logp(vars=free), inputs=model.value_vars, mode=PYTHON, on_unused_input="ignore"
    )
    assert float(found(point)) == pytest.approx(float(own), rel=1e-7)


def test_a_standard_that_stands_still_is_the_limit() -> None:
    """With SDs of 1e-9 the density of the rows is that of fixed cut-points."""
    _, model, point, _ = at_a_point(4, "probit")
    still = {
        n: (np.full_like(v, np.log(1e-9)) if n.startswith("sd_") and "shift" in n else v)
        for n, v in point.items()
    }
    theta = natural(model, ["row_loglik", "cutpoint", "cutpoint_year"], still)
    assert theta["cutpoint_year"] == pytest.approx(np.tile(theta["cutpoint"], (20, 1)), abs=1e-6)
    from bayes_hr.pymc_models import build_model

    fixed = build_model(build(card_of(time=NO_YEARS), simulated_panel(moving_world())))
    there = {n: point[n] for n in fixed.initial_point()}
    assert natural(fixed, ["row_loglik"], there)["row_loglik"] == pytest.approx(theta["row_loglik"], rel=1e-7)
    value, gradient = model.compile_fn([model.logp(), model.dlogp()], mode=PYTHON)(point)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert (gradient != 0).all(), "every coordinate moves the density"
