"""Ordered and binary probit: card, design, density against SciPy, simulation and checks.

Tolerances. Log densities as in ``test_models.py`` (1e-7 relative). Averages over n simulated rows: four
standard errors.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from categories import IID, PYTHON, as_posterior, card_of, design_of, natural, truth_draw, world
from drawn import drawn_tree
from scipy import stats

from bayes_hr import simulate
from bayes_hr.cards import load_card
from bayes_hr.checks.log_densities import log_likelihood, log_priors
from bayes_hr.checks.predictive import predictive_checks, prior_predictive, replicate
from bayes_hr.data.panel import Panel
from bayes_hr.data.worlds import ar1_errors
from bayes_hr.design import CutPoints
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.engines.nuts import _shape_key
from bayes_hr.errors import InputError
from bayes_hr.estimands.ratification import ratification_estimands
from bayes_hr.forms import chosen_form, whitening_of
from bayes_hr.kernels import lag_one_autocorrelation
from bayes_hr.ordinal import latent_autocorrelation, latent_residuals, mean_residuals, normal_scores
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build
from bayes_hr.simulation import (
    ParameterDraw,
    innovations,
    linear_predictor,
    posterior_draws,
    prior_draws,
    simulate_outcome,
)


def panel_with(values: Any) -> Panel:
    frame = world().frame
    return Panel.from_frame(frame.assign(score=values(frame["score"])), outcome="score")


# ---------------------------------------------------------------- the card


def test_defaults_are_said_out_loud() -> None:
    card = card_of()
    assert (card.outcome.scale, card.outcome.centre) == (1.0, 0.0)
    assert card.priors["cut_first"] == "normal(0, 1.5)"
    assert card.priors["log_gap"] == "normal(-0.5, 1)"
    assert not {"alpha", "sigma", "rho", "nu"} & set(card.priors)
    assert card.estimands[-1] == "probability"
    assert card.rope.probability == 0.05
    assert "log_gap" not in card_of("probit").priors, "two categories have no gap"
    text = card.to_toml()
    assert "cut_first" in text
    again = card.replace()
    assert again == card


def test_a_card_may_change_its_likelihood() -> None:
    demo = load_card("demo_ratification")
    ordinal = demo.replace(outcome={"likelihood": "ordered_probit"}, error=IID)
    assert ordinal.estimands == (*demo.estimands, "probability")
    assert "cut_first" in ordinal.priors
    back = ordinal.replace(outcome={"likelihood": "gaussian"}, error={"kind": "ar1"})
    assert back.priors == demo.priors
    assert back.estimands == demo.estimands


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"error": {"kind": "ar1"}}, r'error.kind = "ar1".*error = \{kind = "iid"\}.*Gaussian outcome'),
        ({"error": {}}, r'the default is "ar1".*error = \{kind = "iid"\}'),
        (
            {"priors": {"sigma": "half_normal(1)"}},
            r"priors.sigma: this model has no such parameter.*cut_first",
        ),
        ({"priors": {"alpha": "normal(0, 1)"}}, r"priors.alpha: this model has no such parameter"),
        ({"priors": {"log_gap": "half_normal(1)"}}, r"priors.log_gap.*not offered here; use one of normal"),
        ({"rope": {"probability": 0.0}}, r"rope.probability"),
    ],
)
def test_cards_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        card_of(**changes)


def test_refused_elsewhere() -> None:
    with pytest.raises(InputError, match=r"priors.log_gap: this model has no such parameter"):
        card_of("probit", priors={"log_gap": "normal(0, 1)"})
    with pytest.raises(InputError, match=r'estimands: "probability" needs an ordinal outcome'):
        card_of("gaussian", estimands=["probability"])
    with pytest.raises(InputError, match="distance has no ordered categories"):
        load_card("demo_convergence").replace(outcome={"likelihood": "ordered_probit"})


# ---------------------------------------------------------------- the design


def test_codes_cut_points_and_scale() -> None:
    design = design_of()
    frame = world().frame
    assert design.error.likelihood == "ordered_probit"
    assert design.error.sigma is None
    assert design.error.rho is None
    assert isinstance(design.error.cuts, CutPoints)
    assert design.error.cuts.categories == (1, 2, 3)
    assert design.coords()["cut"] == ("1|2", "2|3")
    assert set(design.y) == {0.0, 1.0, 2.0}
    assert np.array_equal(design.y + 1, frame["score"])
    assert (design.unit, design.centre) == (1.0, 0.0)
    assert [t.name for t in design.population] == ["beta", "gamma", "tau", "year_effect"]
    assert design_of(2).error.likelihood == "ordered_probit", "both spellings are one model"
    assert design_of(2).coords()["cut"] == ("1|2",)


def test_priors_are_on_the_latent_scale_whatever_the_card_says() -> None:
    card = card_of(outcome={"name": "score", "likelihood": "ordered_probit", "scale": "sd", "centre": "mean"})
    design = build(card, simulated_panel(world()))
    assert (design.unit, design.centre) == (1.0, 0.0)
    assert str(design.term("tau").prior) == "normal(0, 0.5)"


@pytest.mark.parametrize("k", [2, 3])
def test_the_design_travels_with_its_fit(k: int) -> None:
    design = design_of(k)
    again = from_dataset(to_dataset(design), design.y, design.merge)
    assert again.error.cuts == design.error.cuts
    assert again.error.sigma is None
    assert again.coords() == design.coords()
    gaussian = build(load_card("demo_ratification"), simulated_panel(simulate.ratification(n_countries=12)))
    assert from_dataset(to_dataset(gaussian), gaussian.y, gaussian.merge).error.cuts is None


@pytest.mark.parametrize(
    ("values", "likelihood", "message"),
    [
        (lambda y: y + 0.5, "ordered_probit", r"must hold whole numbers, one for each category; it has 1.5"),
        (lambda y: np.arange(len(y)) % 13, "ordered_probit", r"has 13 different values.*at most 12"),
        (lambda y: y, "probit", r"must have two categories; the rows used have 3: 1, 2, 3.*ordered_probit"),
        (lambda y: np.where(world().frame["year"] < 2000, y, 2), "ordered_probit", r"has one value"),
    ],
)
def test_outcomes_that_are_refused(values: Any, likelihood: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(card_of(likelihood, population=[], where="year >= 2000"), panel_with(values))


def test_a_category_that_no_row_has_is_said() -> None:
    panel = panel_with(lambda y: np.where((y == 3) & (world().frame["year"] < 2000), 5, y))
    design = build(card_of(where="year >= 2000"), panel)
    assert design.error.cuts is not None
    assert design.error.cuts.categories == (1, 2, 3)
    assert "score: 5 in no row used; the model has no such category" in design.merge.notes
    assert not any("no row used" in note for note in design_of().merge.notes)


# ---------------------------------------------------------------- the density


def category_logp(y: np.ndarray, eta: np.ndarray, cutpoints: np.ndarray) -> float:
    edges = np.r_[-np.inf, cutpoints, np.inf]
    code = y.astype(int)
    return float(np.log(stats.norm.cdf(edges[code + 1] - eta) - stats.norm.cdf(edges[code] - eta)).sum())


@pytest.mark.parametrize("k", [2, 3, 5])
def test_density_of_the_row_model(k: int) -> None:
    """Likelihood, every prior, and every Jacobian of the sampler's coordinates."""
    from bayes_hr.pymc_models import build_model

    design = build(card_of("probit" if k == 2 else "ordered_probit"), simulated_panel(world(k)))
    model = build_model(design)
    rng = np.random.default_rng(k)
    point = {n: v + 0.3 * rng.normal(size=v.shape) for n, v in model.initial_point().items()}
    names = [*(t.name for t in design.population), "u_country", "cutpoint", "cut_first", "coefficient"]
    names += [f"sd_country_{t}" for t in ("intercept", "ratified")] + ["partial_country_10"]
    theta = natural(model, [*names, *(["log_gap"] if k > 2 else [])], point)
    gaps = np.exp(np.atleast_1d(theta.get("log_gap", np.empty(0))))
    assert theta["cutpoint"] == pytest.approx(theta["cut_first"] + np.r_[0.0, np.cumsum(gaps)])
    assert theta["cutpoint"].shape == (k - 1,)

    population = {t.name: np.ravel(theta[t.name]) for t in design.population}
    draw = ParameterDraw(population, {"country": theta["u_country"]}, 1.0, 0.0, None)
    expected = category_logp(design.y, linear_predictor(design, draw), theta["cutpoint"])
    for term in design.population:
        for value, prior in zip(population[term.name], term.each_prior, strict=True):
            expected += stats.norm.logpdf(value, prior["mu"], prior["sigma"])
    expected += np.log(np.abs(np.diag(whitening_of(design).matrix))).sum()
    for name, scale in (("sd_country_intercept", 1.0), ("sd_country_ratified", 0.5)):
        expected += stats.halfnorm.logpdf(theta[name], 0, scale) + np.log(theta[name])
    p = theta["partial_country_10"]
    expected += stats.beta.logpdf(p, 2, 2) + np.log(p * (1 - p))
    expected += sum(stats.norm.logpdf(v).sum() for n, v in point.items() if n.startswith("z_country"))
    expected += stats.norm.logpdf(theta["cut_first"], 0, 1.5) + stats.norm.logpdf(np.log(gaps), -0.5, 1).sum()
    found = model.compile_logp(mode=PYTHON)(point)
    assert float(found) == pytest.approx(float(expected), rel=1e-7)


VARIANTS: dict[str, dict[str, Any]] = {
    "pooled years": {"time": {"effects": "pooled"}},
    "no years, no controls": {"time": {"effects": "none"}, "population": []},
    "pooled classes": {"treatment": {"name": "simulated treaty", "pooling": "partial"}},
    "intercepts only": {"groups": [{"name": "country", "terms": ["intercept"]}]},
    "centred, uncorrelated": {"groups": [{"name": "country", "centred": True, "correlated": False}]},
    "one class": {"estimands": ["regime", "average", "probability"]},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_density_and_probabilities_are_finite_for_every_variant(name: str) -> None:
    from bayes_hr.pymc_models import build_model

    frame = world().frame.drop(columns="regime") if name == "one class" else world().frame
    panel = Panel.from_frame(frame, outcome="score", treaty="simulated treaty")
    design = build(card_of(**VARIANTS[name]), panel)
    model = build_model(design)
    assert "alpha" not in model.named_vars
    assert "sigma" not in model.named_vars
    rng = np.random.default_rng(0)
    point = {n: v + 0.3 * rng.normal(size=v.shape) for n, v in model.initial_point().items()}
    value, gradient = model.compile_fn([model.logp(), model.dlogp()], mode=PYTHON)(point)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert (gradient != 0).all(), "every coordinate moves the density"
    tree = drawn_tree(design)
    found = ratification_estimands(
        tree["posterior"].dataset, tree["constant_data"].dataset, ("regime", "average", "probability")
    )
    assert np.isfinite(found[-1].draws).all()
    assert len(set(found[-1].levels)) == (1 if name == "one class" else 4)


def test_the_row_density_is_finite_far_out_and_so_is_its_gradient() -> None:
    """Against SciPy's log Phi, differences taken in the lower half by symmetry."""
    import pytensor
    import pytensor.tensor as pt

    from bayes_hr.pymc_models.ordinal import log_probability

    y, eta, cut = pt.dvector("y"), pt.dvector("eta"), pt.dvector("cut")
    value = log_probability(y, eta, cut, 3)
    outputs = [value, pytensor.grad(value.sum(), eta), pytensor.grad(value.sum(), cut)]
    f = pytensor.function([y, eta, cut], outputs, mode=PYTHON)
    far = np.array([-60.0, -30.0, -8.0, -1.0, 0.0, 1.0, 8.0, 30.0, 60.0])
    cuts = np.array([-0.5, 0.7])
    for code in range(3):
        logp, by_eta, by_cut = f(np.full(far.size, code), far, cuts)
        assert np.isfinite(np.r_[logp, by_eta, by_cut]).all()
        edges = np.r_[-np.inf, cuts, np.inf]
        low, high = edges[code] - far, edges[code + 1] - far
        low, high = np.where(low > 0, -high, low), np.where(low > 0, -low, high)
        upper = stats.norm.logcdf(high)
        assert logp == pytest.approx(upper + np.log1p(-np.exp(stats.norm.logcdf(low) - upper)), rel=1e-9)
        step = 1e-5
        ahead, behind = (f(np.full(far.size, code), far + s, cuts)[0] for s in (step, -step))
        assert by_eta == pytest.approx((ahead - behind) / (2 * step), rel=1e-5, abs=1e-6)


def test_rows_are_the_only_form() -> None:
    assert chosen_form(design_of(), "auto") == "rows"
    with pytest.raises(InputError, match=r"exact only for Gaussian errors.*ordered_probit"):
        chosen_form(design_of(), "integrated")
    assert _shape_key(design_of(3), "rows") != _shape_key(design_of(2), "rows"), "no compiled model is reused"
    assert log_likelihood(design_of(), xr.Dataset()) is None


def test_normal_scores_are_the_means_of_a_standard_normal_in_each_category() -> None:
    z = np.random.default_rng(0).normal(size=400_000)
    codes = np.searchsorted([-1.0, 0.4], z).astype(float)
    means = np.array([z[codes == k].mean() for k in range(3)])
    assert normal_scores(codes)[[codes.tolist().index(k) for k in range(3)]] == pytest.approx(means, abs=0.01)


def test_log_priors_of_cut_points() -> None:
    cut = np.array([[[-0.3, 0.9, 1.4]]])
    posterior = drawn_tree(design_of(4))["posterior"].dataset.isel(chain=[0], draw=[0])
    posterior["cutpoint"] = (("chain", "draw", "cut"), cut)
    found = log_priors(design_of(4), posterior)
    assert found["cut_first"][0, 0] == pytest.approx(stats.norm.logpdf(-0.3, 0, 1.5))
    assert found["log_gap"][0, 0] == pytest.approx(stats.norm.logpdf(np.log([1.2, 0.5]), -0.5, 1).sum())
    assert "sigma" not in found


# ---------------------------------------------------------------- simulation and checks


def test_simulated_categories_have_the_probabilities_of_the_definition() -> None:
    design, draw = truth_draw()
    assert draw.sigma == 1.0
    assert draw.cutpoints is not None
    eta = linear_predictor(design, draw)
    edges = np.r_[-np.inf, draw.cutpoints, np.inf]
    P = np.diff(stats.norm.cdf(edges[:, None] - eta[None, :]), axis=0)
    rng = np.random.default_rng(1)
    y = np.array([simulate_outcome(rng, design, draw) for _ in range(20)])
    for code in range(3):
        error = np.sqrt((P[code] * (1 - P[code])).sum() / 20) / design.n
        assert (y == code).mean() == pytest.approx(P[code].mean(), abs=4 * error)
    gaussian = replace(draw, cutpoints=None)
    assert np.std(simulate_outcome(rng, design, gaussian) - eta) == pytest.approx(1.0, abs=0.1)


def test_prior_and_posterior_draws_carry_cut_points() -> None:
    design = design_of(4)
    draws = [d.cutpoints for d in prior_draws(design, np.random.default_rng(0), 3000)]
    cut = np.array(draws)
    assert (np.diff(cut, axis=1) > 0).all()
    assert cut[:, 0].std() == pytest.approx(1.5, rel=0.06)
    assert np.log(np.diff(cut, axis=1)).mean() == pytest.approx(-0.5, abs=4 / np.sqrt(6000))
    tree = drawn_tree(design)
    assert tree["posterior"]["cutpoint"].dims == ("chain", "draw", "cut")
    assert tree["posterior"]["cut"].values.tolist() == ["1|2", "2|3", "3|4"]
    one = next(posterior_draws(design, tree["posterior"].dataset, 1))
    assert one.cutpoints == pytest.approx(tree["posterior"]["cutpoint"].values[0, 0])


def test_latent_residuals_are_standard_normal_and_lie_in_their_category() -> None:
    rng = np.random.default_rng(0)
    eta = rng.normal(0, 2, 40_000)
    cut = np.array([-1.0, 0.2, 1.5])
    y = np.searchsorted(cut, eta + rng.normal(size=eta.size)).astype(float)
    e = latent_residuals(rng, y, eta, cut)
    assert np.array_equal(np.searchsorted(cut, eta + e), y)
    assert stats.kstest(e, "norm").pvalue > 0.01
    far = latent_residuals(rng, np.array([0.0, 3.0]), np.array([40.0, -40.0]), cut)
    assert far == pytest.approx([-41.0, 41.5], abs=0.2), "tails far out lose no digits"
    mean, information = mean_residuals(y, eta, cut)
    drawn = np.mean([latent_residuals(rng, y, eta, cut) for _ in range(400)], axis=0)
    assert mean == pytest.approx(drawn, abs=5 * np.sqrt(1 / 400))
    assert mean.var() == pytest.approx(information.mean(), rel=0.03)
    far, known = mean_residuals(np.array([0.0, 3.0, 1.0]), np.array([40.0, -40.0, 300.0]), cut)
    assert far == pytest.approx([-41.02, 41.52, -299.8], abs=0.03)
    assert known == pytest.approx(0, abs=1e-6), "a category that is certain reveals nothing"


@pytest.mark.parametrize("rho", [0.0, 0.3, -0.3])
def test_latent_autocorrelation_is_that_of_the_latent_outcome(rho: float) -> None:
    """To first order: the error is of the order of rho squared; four standard errors of the score."""
    design, draw = truth_draw()
    eta, order = 0.5 * linear_predictor(design, draw), design.error.order
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        e = ar1_errors(rng, order.unit, design.rows["year"], rho, np.sqrt(1 - rho**2))
        y = np.searchsorted([-0.5, 0.8], eta + e).astype(float)
        found.append(latent_autocorrelation(y, eta, np.array([-0.5, 0.8]), order))
    assert np.mean(found) == pytest.approx(rho, abs=4 * np.std(found) / np.sqrt(8) + rho**2 / 2)
    assert np.std(found) < 0.1


def test_checks_pass_on_the_models_own_data() -> None:
    design, draw = truth_draw()
    replicates = replicate(design, as_posterior(draw, design), seed=1, draws=40)
    checks = {c.name: c for c in predictive_checks(replicates)}
    assert checks["tails"].status == "not applicable"
    assert checks["residual autocorrelation"].status == "PASS"
    assert checks["category shares"].status == "PASS"
    assert checks["category shares"].table["level"].tolist() == ["1", "2", "3"]
    assert checks["category shares"].table["observed"].sum() == pytest.approx(1)
    assert {"country mean", "country SD", "class-year mean"} <= set(checks)


def test_checks_see_persistence_and_wrong_cut_points() -> None:
    design, draw = truth_draw()
    eta, order = linear_predictor(design, draw), design.error.order
    latent = ar1_errors(np.random.default_rng(8), order.unit, design.rows["year"], 0.9, np.sqrt(1 - 0.9**2))
    assert draw.cutpoints is not None
    persistent = replace(design, y=np.searchsorted(draw.cutpoints, eta + latent).astype(float))
    found = predictive_checks(replicate(persistent, as_posterior(draw, design), seed=1, draws=20))
    by_name = {c.name: c for c in found}
    assert by_name["residual autocorrelation"].status == "REVIEW"
    assert "Gaussian outcome with AR(1)" in by_name["residual autocorrelation"].advice
    shocks = innovations(np.random.default_rng(0), persistent, draw, persistent.y, eta)
    seen = float(np.mean(by_name["residual autocorrelation"].table["observed"]))
    assert 0.05 < lag_one_autocorrelation(shocks, order) < 0.5, "categories hide much of the latent .9"
    assert seen > 0.7
    moved = replace(draw, cutpoints=draw.cutpoints + 0.4)
    wrong = predictive_checks(replicate(design, as_posterior(moved, design), seed=1, draws=20))
    assert next(c for c in wrong if c.name == "category shares").status == "REVIEW"


def test_prior_predictive_speaks_of_shares() -> None:
    found = prior_predictive(design_of(), seed=1, draws=60)
    assert found.index[:3].tolist() == [f"share of category {c}" for c in (1, 2, 3)]
    assert found["observed"].iloc[:3].sum() == pytest.approx(1)
    assert (found["q05"].iloc[0], found["q95"].iloc[0]) == (
        pytest.approx(0.1, abs=0.1),
        pytest.approx(0.9, abs=0.1),
    )
