"""Cut-points that move over the years: mathematics, card, density by SciPy, simulation, estimands, report.

Tolerances.  Log densities and probabilities against a direct computation: 1e-7 relative, 1e-12.  Averages
over n simulated rows: four standard errors.  Nothing is sampled here (``test_moving_cuts_fits.py``).
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from categories import PYTHON, card_of, natural
from drawn import drawn_tree
from scipy import stats

import bayes_hr
from bayes_hr import fitting, simulate
from bayes_hr.api import Fit
from bayes_hr.calibration.quantities import quantities
from bayes_hr.calibration.truths import draw_truth, joint, with_outcome
from bayes_hr.cards import load_card, parse_card
from bayes_hr.checks.log_densities import log_priors
from bayes_hr.checks.predictive import predictive_checks, prior_predictive, replicate
from bayes_hr.cli import main
from bayes_hr.data.worlds import World
from bayes_hr.design import Design
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.engines.nuts import _shape_key
from bayes_hr.errors import InputError
from bayes_hr.estimands.probabilities import ALL_ROWS
from bayes_hr.estimands.standard import ALL_CUTS
from bayes_hr.estimands.truth import truth_table
from bayes_hr.moving_cuts import walk_basis, year_cutpoints
from bayes_hr.ordinal import categories, log_probabilities, mean_residuals
from bayes_hr.questions.choices import ratification_choices
from bayes_hr.questions.citing import cite
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build, with_ratification_years
from bayes_hr.reporting.ratification import equations, export
from bayes_hr.reporting.ratification.content import gather
from bayes_hr.reporting.tables_model import priors_table
from bayes_hr.simulation import (
    innovations,
    linear_predictor,
    posterior_draws,
    prior_draws,
    row_cutpoints,
    simulate_outcome,
)

F = {"probit": stats.norm, "logit": stats.logistic}
NO_YEARS = {"effects": "none"}


@cache
def moving_world(k: int = 4, n: int = 30) -> World:
    return simulate.ratification("moving_cut_points", n_countries=n, years=(1990, 2009), categories=k, seed=4)


def moving_card(likelihood: str = "ordered_probit", **changes: Any) -> Any:
    outcome = {"name": "score", "likelihood": likelihood, "cut_points": "by_year"}
    return card_of(likelihood, **{"outcome": outcome, "time": NO_YEARS, **changes})


@cache
def moving_design(k: int = 4, link: str = "probit") -> Design:
    return build(moving_card(link if k == 2 else f"ordered_{link}"), simulated_panel(moving_world(k)))


@cache
def moving_fit(k: int = 4) -> Fit:
    """A fit whose draws come from the prior."""
    card = moving_card("probit" if k == 2 else "ordered_probit", fit={"engine": "nuts"})
    panel, design = simulated_panel(moving_world(k)), moving_design(k)
    tree = drawn_tree(design)
    result = fitting.FitResult(tree, card, fitting._provenance(card, panel, design, tree))
    return Fit(result, truth=truth_table(moving_world(k).truth))


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


def test_choices_of_a_comparison_go_both_ways() -> None:
    ordinal, moving = card_of(), moving_card()
    to = ratification_choices(ordinal, True)["cut-points that move over the years"]
    assert ordinal.replace(**to).outcome.moving
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


# ---------------------------------------------------------------- simulation and checks


def test_simulated_categories_have_the_probabilities_of_their_year() -> None:
    design, rng = moving_design(), np.random.default_rng(1)
    draw = next(prior_draws(design, np.random.default_rng(5), 1))
    by_year = np.array(moving_world().truth.cutpoints_by_year)
    draw = replace(draw, cutpoints=by_year)
    eta = linear_predictor(design, draw)
    y = np.array([simulate_outcome(rng, design, draw) for _ in range(40)])
    edges = np.concatenate([np.full((20, 1), -np.inf), by_year, np.full((20, 1), np.inf)], axis=1)
    P = np.diff(stats.norm.cdf(edges[design.rows["year"] - 1990] - eta[:, None]), axis=1)
    for year in (1990, 2009):
        rows = design.rows["year"] == year
        for code in range(4):
            p = P[rows, code]
            error = np.sqrt((p * (1 - p)).sum() / 40) / rows.sum()
            assert (y[:, rows] == code).mean() == pytest.approx(p.mean(), abs=4 * error)
    shocks = innovations(rng, design, draw, y[0], eta)
    assert (shocks.mean(), shocks.std()) == pytest.approx((0, 1), abs=0.12)


def test_prior_draws_have_the_stated_spread() -> None:
    design = moving_design()
    drawn = list(prior_draws(design, np.random.default_rng(0), 2000))
    sd = np.array([d.sd_cuts["sd_cutpoint_shift"] for d in drawn])
    mean = np.array([d.cutpoints.mean(axis=1) for d in drawn if d.cutpoints is not None])
    steps = np.diff(mean, axis=1) / sd[:, None]
    assert steps.std() == pytest.approx(1, rel=0.02)
    assert np.abs(np.corrcoef(steps.T) - np.eye(19)).max() < 0.1, "steps are independent"
    assert mean.mean(axis=1).std() > 1, "cut_first and log_gap place the means"
    assert sd.mean() == pytest.approx(0.1 * np.sqrt(2 / np.pi), rel=0.05)
    table = prior_predictive(design, seed=1, draws=100)
    assert table.index[:4].tolist() == [f"share of category {c}" for c in range(1, 5)]


def test_truths_of_a_calibration_have_every_variable_and_quantity() -> None:
    design, rng = moving_design(), np.random.default_rng(3)
    truth = draw_truth(design, rng)
    tree = drawn_tree(design)["posterior"].dataset
    assert set(truth.values) == set(map(str, tree.data_vars))
    assert all(truth.values[n].shape == tree[n].shape[2:] for n in truth.values)
    assert truth.values["cutpoint_year"].mean(axis=0) == pytest.approx(truth.values["cutpoint"])
    ranked = quantities(design)
    labels = {q.label for q in ranked}
    assert {"sd_cutpoint_shift", "sd_gap_shift", "cutpoint_year[2009, 3|4]"} <= labels
    assert all(np.ndim(truth.values[q.variable][q.index]) == 0 for q in ranked if q.variable)
    assert np.isfinite(joint(with_outcome(design, truth, rng), truth.draw))
    assert {"sd_cutpoint_shift", "sd_gap_shift"} <= set(log_priors(design, tree))


def test_the_check_of_shares_by_year_sees_a_standard_that_moves() -> None:
    """Fixed cut-points at the true means, without years: shares of single years are missed, and said why."""
    moving = moving_design()
    fixed = build(card_of(time=NO_YEARS), simulated_panel(moving_world()))
    truth, found = moving_world(n=30).truth, {}
    for name, design, cut in (
        ("moving", moving, np.array(truth.cutpoints_by_year)),
        ("fixed", fixed, np.array(truth.cutpoints)),
    ):
        # Any parameters will do, if the outcome comes from them: the world's own path of the standard.
        draw = next(prior_draws(moving, np.random.default_rng(8), 1))
        outcome = replace(draw, cutpoints=np.array(truth.cutpoints_by_year))
        y = simulate_outcome(np.random.default_rng(9), moving, outcome)
        tree = drawn_tree(design)["posterior"].dataset.isel(chain=[0], draw=[0]).copy(deep=True)
        for term in design.population:
            tree[term.name].values[0, 0] = draw.population[term.name].reshape(term.shape)
        tree["u_country"].values[0, 0] = draw.groups["country"]
        tree["cutpoint_year" if name == "moving" else "cutpoint"].values[0, 0] = cut
        own = tree.isel(draw=np.zeros(60, int))
        checks = predictive_checks(replicate(replace(design, y=y), own, seed=1, draws=60))
        found[name] = next(c for c in checks if c.name == "year shares of categories")
    assert found["moving"].status == "PASS", found["moving"].text
    assert found["fixed"].status == "REVIEW", found["fixed"].text
    assert 'outcome.cut_points = "by_year"' in found["fixed"].advice
    assert "4 in 1990" in found["fixed"].table["level"].tolist()


# ---------------------------------------------------------------- the world


def test_the_truth_of_the_world_of_a_moving_standard() -> None:
    made = moving_world()
    truth = made.truth
    assert truth.cutpoints_by_year is not None
    by_year = truth.cutpoints_by_year.to_numpy()
    assert by_year.mean(axis=0) == pytest.approx(truth.cutpoints)
    assert by_year[-1] - by_year[0] == pytest.approx(np.linspace(0, 1.6, 3) * np.tanh(2))
    table = truth_table(truth).set_index(["estimand", "level", "reference"])["truth"]
    assert (table[["tau", "probability"]] == 0).all(), "no effect"
    assert table["standard", "3|4", "2009 - 1990"] == pytest.approx(by_year[-1, 2] - by_year[0, 2])
    assert table["standard", ALL_CUTS, "2009 - 1990"] == pytest.approx(np.diff(by_year[[0, -1]].mean(1))[0])
    assert table["cutpoint", "2|3", "1990"] == pytest.approx(by_year[0, 1] - by_year[:, 1].mean())
    assert json.loads(json.dumps(truth.to_dict()))["cutpoints_by_year"]["year"][0] == 1990
    trends = simulate.ratification("moving_cut_points", trends={"transition": 0.3}, seed=4).truth
    assert not (truth_table(trends)["estimand"] == "standard").any(), "classes have paths of their own"


def test_true_changes_of_probabilities_take_the_years_cut_points() -> None:
    made = simulate.ratification("moving_cut_points", n_countries=30, tau={"transition": 0.6}, seed=4)
    table = truth_table(made.truth).set_index(["estimand", "level", "reference"])["truth"]
    own = made.truth.rows.merge(made.truth.countries, on="ccode", validate="m:1")
    total, n = 0.0, 0
    for r in own[own["treated"] == 1].itertuples():
        cut = made.truth.cutpoints_by_year.loc[r.year, "3|4"]
        total += stats.norm.cdf(r.eta - cut) - stats.norm.cdf(r.eta - r.effect - cut)
        n += 1
    assert table["probability", ALL_ROWS, "P(y >= 4)"] == pytest.approx(total / n)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"categories": None},
            r"cut_drift = \(0.0, 1.6\) must be \(0.0, 0.0\) where there are no categories",
        ),
        ({"cut_drift": (4.0, -4.0)}, r"makes cut-points of 4 categories meet"),
        ({"cut_drift": 1.0}, r"cut_drift = 1.0 must be two finite numbers"),
    ],
)
def test_worlds_that_are_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate.ratification("moving_cut_points", **overrides)


# ---------------------------------------------------------------- estimands and report


@pytest.mark.parametrize("k", [2, 4])
def test_changes_of_probabilities_take_each_rows_own_year(k: int) -> None:
    fit, design = moving_fit(k), moving_design(k)
    estimand = next(e for e in fit.estimands if e.by == "probability")
    treated, regime = design.rows["treated"] == 1, design.rows["regime_class"]
    tau = design.term("tau")
    class_of = np.array([tau.coords["regime"].index(r) for r in regime])
    draw = next(posterior_draws(design, fit.data["posterior"].dataset, 1))
    b = draw.groups["country"][design.groups[0].index, 1]
    eta = linear_predictor(design, draw)
    without = eta - (draw.population["tau"][class_of] + b) * treated
    assert draw.cutpoints is not None
    own = draw.cutpoints[design.rows["year"] - 1990]
    edges = np.c_[np.full(design.n, -np.inf), own, np.full(design.n, np.inf)]
    P = [np.diff(stats.norm.cdf(edges - e[:, None]), axis=1) for e in (eta, without)]
    change = P[0] - P[1]
    for i, (level, event) in enumerate(zip(estimand.levels, estimand.references, strict=True)):
        rows = treated if level == ALL_ROWS else treated & (regime == level)
        category = int(event.rstrip(")").split()[-1]) - 1
        total = change[:, category:].sum(1) if ">=" in event else change[:, category]
        assert estimand.draws[0, 0, i] == pytest.approx(total[rows].mean(), abs=1e-12)


def test_moves_of_the_standard_against_a_direct_computation() -> None:
    fit = moving_fit()
    at = fit.data["posterior"]["cutpoint_year"].values
    table = fit.effects("standard").set_index("level")
    assert list(table.index) == ["1|2", "2|3", "3|4", ALL_CUTS]
    assert set(table["reference"]) == {"2009 - 1990"}
    assert table.loc["2|3", "mean"] == pytest.approx((at[:, :, -1, 1] - at[:, :, 0, 1]).mean())
    years = fit.effects("cutpoint").set_index(["level", "reference"])
    assert len(years) == 20 * 4
    assert years.loc[("3|4", "1995"), "mean"] == pytest.approx(
        (at[:, :, 5, 2] - at[:, :, :, 2].mean(2)).mean()
    )
    assert fit.draws("standard")["estimand"].values[0] == "standard: 1|2, 2009 - 1990"
    parameters = set(fit.effects("parameter")["level"])
    assert {"sd_cutpoint_shift", "sd_gap_shift", "cutpoint[3|4]"} <= parameters
    assert not any(p.startswith("cutpoint_year") for p in parameters)
    assert list(moving_fit(2).effects("standard")["level"]) == ["1|2"], "one cut-point is its own mean"


def test_report_save_and_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = moving_fit()
    saved = fit.save(tmp_path / "fit")
    page = (saved / "report.html").read_text("utf-8")
    for words in (
        'id="standard">A changing standard',
        "fig-standard",
        "such a common change is absorbed here",
        "Cut-points in each year",
        "yearly step of all cut-points",
        "but not in every year",
        "Classes have no years of their own",
        "years of all countries together",
        "moves of cut-points",
    ):
        assert words in page, words
    assert "cut-points do not move" not in page
    again = bayes_hr.load_fit(saved)
    pd.testing.assert_frame_equal(again.effects("standard"), fit.effects("standard"))
    assert {c.name for c in fit.check().checks} >= {"year shares of categories"}
    told = json.loads((saved / "summary.json").read_text("utf-8"))["effects"]
    assert {e["estimand"] for e in told} >= {"standard", "cutpoint"}
    content = gather(fit)
    assert len(export.frames(content)["cutpoints"]) == 80
    assert {"standard", "cutpoints"} <= {t.key for t in export.paper_tables(content)}
    assert "fig-standard" in {p.key for p in export.paper_pictures(content)}
    main(["summary", str(saved), "--by", "standard"])
    out, err = capsys.readouterr()
    assert not err
    assert "cut-point 3|4: 2009 - 1990" in out


def test_equations_say_how_cut_points_move() -> None:
    four, two = gather(moving_fit(4)), gather(moving_fit(2))
    lines = dict(equations.equations(four))
    assert "c_{t,j-1} < y^{*}_{it} \\le c_{t,j}" in lines["Its category"]
    assert "Their means" in lines
    assert r"s_w" in lines["Walk of all, h years from one to the next"]
    assert "Cut-points" not in lines
    assert "f(t)" not in lines["Linear predictor"]
    priors = equations.prior_equations(four)
    assert any(p.startswith("s_w \\sim") for p in priors)
    assert any(p.startswith("s_v \\sim") for p in priors)
    assert ("Cut-point of year t", r"c_{t} = c_1 + w_t") in equations.equations(two)
    assert not any(p.startswith("s_v") for p in equations.prior_equations(two))
    reasons = {row[1]: row[3] for row in priors_table(four).rows}
    assert "random walk" in reasons["sd_cutpoint_shift"]


def test_a_saved_card_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text(moving_card().to_toml(), encoding="utf-8")
    assert load_card(tmp_path / "card.toml") == moving_card()
    old = {k: v for k, v in card_of().model_dump(mode="json", exclude_none=True).items() if k != "outcome"}
    old["outcome"] = {"name": "score", "likelihood": "ordered_probit"}  # as fits before this option have it
    assert not parse_card(old, where="an older card").outcome.moving
