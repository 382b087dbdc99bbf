"""Cumulative logit: what differs from the probit of ``test_ordinal.py``; density and estimand by SciPy.

Tolerances as there.  Recovery from one simulated world: within 3 posterior SDs of the truth, seeds fixed.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from categories import (
    PYTHON,
    as_posterior,
    card_of,
    design_of,
    drawn_fit,
    natural,
    truth_draw,
    world,
)
from drawn import drawn_tree
from scipy import integrate, stats

import bayes_hr
from bayes_hr import fitting
from bayes_hr.calibration.truths import joint
from bayes_hr.cards import load_card
from bayes_hr.checks.log_densities import log_priors
from bayes_hr.checks.predictive import predictive_checks, prior_predictive, replicate
from bayes_hr.constants import LOGISTIC_SD
from bayes_hr.data.panel import Panel
from bayes_hr.data.worlds import ar1_errors
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.engines.gibbs import GibbsEngine
from bayes_hr.engines.nuts import NutsEngine, _shape_key
from bayes_hr.errors import InputError
from bayes_hr.estimands.probabilities import ALL_ROWS
from bayes_hr.forms import chosen_form, whitening_of
from bayes_hr.ordinal import (
    latent_autocorrelation,
    latent_residuals,
    log_probabilities,
    mean_residuals,
)
from bayes_hr.questions.citing import cite
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build
from bayes_hr.reporting.ratification import equations
from bayes_hr.reporting.ratification.content import gather
from bayes_hr.reporting.tables_model import priors_table
from bayes_hr.simulation import (
    ParameterDraw,
    innovations,
    linear_predictor,
    posterior_draws,
    prior_draws,
    simulate_outcome,
)

F = stats.logistic


def logit_design(k: int = 3) -> Any:
    return build(card_of("logit" if k == 2 else "ordered_logit"), simulated_panel(world(k)))


# ---------------------------------------------------------------- card and design


def test_priors_are_the_probits_in_residual_sds() -> None:
    logit, probit = card_of("ordered_logit"), card_of("ordered_probit")
    assert logit.priors == probit.priors, "the card says the same"
    assert (logit.outcome.scale, logit.outcome.centre) == (LOGISTIC_SD, 0.0)
    assert pytest.approx(F.std()) == LOGISTIC_SD
    assert logit.estimands == probit.estimands
    assert "log_gap" not in card_of("logit").priors
    ours, theirs = logit_design(), design_of()
    assert (ours.unit, ours.centre, ours.error.sigma) == (LOGISTIC_SD, 0.0, None)
    assert (ours.error.likelihood, ours.error.link) == ("ordered_logit", "logit")
    assert ours.error.cuts.first.values == pytest.approx((0.0, 1.5 * LOGISTIC_SD))
    assert ours.error.cuts.log_gap.values == pytest.approx((-0.5 + math.log(LOGISTIC_SD), 1.0))
    for a, b in zip(ours.population, theirs.population, strict=True):
        assert [p["sigma"] for p in a.each_prior] == pytest.approx(
            [LOGISTIC_SD * p["sigma"] for p in b.each_prior]
        )
    assert [p.typical for p in ours.groups[0].sd] == pytest.approx([LOGISTIC_SD, LOGISTIC_SD / 2])
    assert ours.groups[0].corr == theirs.groups[0].corr
    assert np.array_equal(ours.y, theirs.y)
    assert logit_design(2).error.likelihood == "ordered_logit", "both spellings are one model"


def test_a_card_may_change_its_link_and_travels() -> None:
    card = load_card("cat_torture_cirights")
    logit = card.replace(outcome={"likelihood": "ordered_logit"})
    assert logit.outcome.scale == LOGISTIC_SD
    assert logit.outcome.effect_scale == "latent logit scale"
    assert logit.replace() == logit
    assert logit.replace(outcome={"likelihood": "ordered_probit"}) == card
    design = logit_design()
    again = from_dataset(to_dataset(design), design.y, design.merge)
    assert again.error.cuts == design.error.cuts
    assert again.error.likelihood == "ordered_logit"
    assert _shape_key(design, "rows") != _shape_key(design_of(), "rows"), "no compiled probit is reused"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"error": {"kind": "ar1"}}, r'error.kind = "ar1".*"ordered_logit".*error = \{kind = "iid"\}'),
        (
            {"error": {"kind": "iid", "measurement_sd": "s"}},
            r'measurement_sd is not offered.*"ordered_logit"',
        ),
        ({"dynamics": {"lagged_outcome": True}}, r'lagged_outcome is not offered for.*"ordered_logit"'),
        ({"priors": {"sigma": "half_normal(1)"}}, r"priors.sigma: this model has no such parameter"),
        ({"priors": {"nu": "gamma(2, 0.1)"}}, r"priors.nu: this model has no such parameter"),
    ],
)
def test_cards_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        card_of("ordered_logit", **changes)


def test_refused_elsewhere() -> None:
    frame = world().frame
    panel = Panel.from_frame(frame, outcome="score")
    with pytest.raises(
        InputError, match=r'must have two categories.*3: 1, 2, 3. Use likelihood = "ordered_logit"'
    ):
        build(card_of("logit", population=[]), panel)
    with pytest.raises(InputError, match="distance has no ordered categories"):
        load_card("demo_convergence").replace(outcome={"likelihood": "logit"})
    with pytest.raises(InputError, match=r"exact only for Gaussian errors.*ordered_logit"):
        chosen_form(logit_design(), "integrated")
    assert chosen_form(logit_design(), "auto") == "rows"


def test_the_exact_engine_refuses_and_auto_takes_nuts(caplog: pytest.LogCaptureFixture) -> None:
    design = logit_design()
    asked = card_of("ordered_logit", fit={"engine": "gibbs"})
    with pytest.raises(
        InputError,
        match=r'card small: engine "gibbs" cannot fit it: a cumulative logit.*"ordered_probit".*"nuts"',
    ):
        fitting.with_engine(asked, design)
    settings = fitting.settings_of(asked)
    with pytest.raises(InputError, match='engine "gibbs" cannot fit this card'):
        GibbsEngine().sample(design, settings)
    with caplog.at_level(logging.INFO):
        assert fitting.with_engine(card_of("ordered_logit"), design).fit.engine == "nuts"
    assert "small: NUTS in place of the exact engine: a cumulative logit" in caplog.text
    assert fitting.with_engine(card_of(), design_of()).fit.engine == "gibbs"
    assert "PyMC" in cite(card_of("ordered_logit"), form="text")
    assert "PyMC" not in cite(card_of(), form="text")


# ---------------------------------------------------------------- the density


def category_logp(y: np.ndarray, eta: np.ndarray, cutpoints: np.ndarray) -> np.ndarray:
    edges, code = np.r_[-np.inf, cutpoints, np.inf], y.astype(int)
    return np.log(F.cdf(edges[code + 1] - eta) - F.cdf(edges[code] - eta))


@pytest.mark.parametrize("k", [2, 3, 5])
def test_density_of_the_row_model(k: int) -> None:
    """Likelihood, every prior, and every Jacobian of the sampler's coordinates."""
    from bayes_hr.pymc_models import build_model

    design, s = logit_design(k), LOGISTIC_SD
    model = build_model(design)
    rng = np.random.default_rng(k)
    point = {n: v + 0.3 * rng.normal(size=v.shape) for n, v in model.initial_point().items()}
    names = [*(t.name for t in design.population), "u_country", "cutpoint", "cut_first"]
    names += [f"sd_country_{t}" for t in ("intercept", "ratified")] + ["partial_country_10"]
    theta = natural(model, [*names, *(["log_gap"] if k > 2 else [])], point)
    gaps = np.atleast_1d(theta.get("log_gap", np.empty(0)))
    assert theta["cutpoint"] == pytest.approx(theta["cut_first"] + np.r_[0.0, np.cumsum(np.exp(gaps))])
    population = {t.name: np.ravel(theta[t.name]) for t in design.population}
    draw = ParameterDraw(
        population, {"country": theta["u_country"]}, 1.0, 0.0, None, cutpoints=theta["cutpoint"]
    )
    rows = category_logp(design.y, linear_predictor(design, draw), theta["cutpoint"])
    assert joint(design, draw) == pytest.approx(rows.sum()), "what calibration ranks"
    expected = rows.sum() + np.log(np.abs(np.diag(whitening_of(design).matrix))).sum()
    scale = {"beta": 2.0, "gamma": 0.5, "tau": 0.5, "year_effect": 0.5}
    expected += sum(stats.norm.logpdf(v, 0, s * scale[n]).sum() for n, v in population.items())
    for name, width in (("sd_country_intercept", 1.0), ("sd_country_ratified", 0.5)):
        expected += stats.halfnorm.logpdf(theta[name], 0, s * width) + np.log(theta[name])
    p = theta["partial_country_10"]
    expected += stats.beta.logpdf(p, 2, 2) + np.log(p * (1 - p))
    expected += sum(stats.norm.logpdf(v).sum() for n, v in point.items() if n.startswith("z_country"))
    expected += stats.norm.logpdf(theta["cut_first"], 0, 1.5 * s)
    expected += stats.norm.logpdf(gaps, -0.5 + np.log(s), 1).sum()
    assert float(model.compile_logp(mode=PYTHON)(point)) == pytest.approx(float(expected), rel=1e-7)


def test_the_row_density_is_finite_far_out_and_so_is_its_gradient() -> None:
    """Against SciPy's log of the logistic, differences taken in the lower half by symmetry."""
    import pytensor
    import pytensor.tensor as pt

    from bayes_hr.pymc_models.ordinal import log_probability

    y, eta, cut = pt.dvector("y"), pt.dvector("eta"), pt.dvector("cut")
    value = log_probability(y, eta, cut, 3, "logit")
    gradients = [pytensor.grad(value.sum(), eta), pytensor.grad(value.sum(), cut)]
    f = pytensor.function([y, eta, cut], [value, *gradients], mode=PYTHON)
    far = np.array([-800.0, -60.0, -8.0, -1.0, 0.0, 1.0, 8.0, 60.0, 800.0])
    cuts = np.array([-0.5, 0.7])
    for code in range(3):
        codes = np.full(far.size, float(code))
        logp, by_eta, by_cut = f(codes, far, cuts)
        assert np.isfinite(np.r_[logp, by_eta, by_cut]).all()
        edges = np.r_[-np.inf, cuts, np.inf]
        low, high = edges[code] - far, edges[code + 1] - far
        low, high = np.where(low > 0, -high, low), np.where(low > 0, -low, high)
        upper = F.logcdf(high)
        exact = upper + np.log1p(-np.exp(F.logcdf(low) - upper))
        assert logp == pytest.approx(exact, rel=1e-9)
        assert log_probabilities(codes, far, cuts, "logit") == pytest.approx(exact, rel=1e-9)
        ahead, behind = (f(codes, far + step, cuts)[0] for step in (1e-5, -1e-5))
        assert by_eta == pytest.approx((ahead - behind) / 2e-5, rel=1e-5, abs=1e-5)


def test_log_priors_of_cut_points() -> None:
    design = logit_design(4)
    posterior = drawn_tree(design)["posterior"].dataset.isel(chain=[0], draw=[0])
    posterior["cutpoint"] = (("chain", "draw", "cut"), np.array([[[-0.3, 0.9, 1.4]]]))
    found, s = log_priors(design, posterior), LOGISTIC_SD
    assert found["cut_first"][0, 0] == pytest.approx(stats.norm.logpdf(-0.3, 0, 1.5 * s))
    gaps = stats.norm.logpdf(np.log([1.2, 0.5]), -0.5 + np.log(s), 1).sum()
    assert found["log_gap"][0, 0] == pytest.approx(gaps)


# ---------------------------------------------------------------- residuals, simulation, checks


def test_latent_residuals_are_logistic_and_lie_in_their_category() -> None:
    rng = np.random.default_rng(0)
    eta = rng.normal(0, 3, 40_000)
    cut = np.array([-1.5, 0.2, 2.0])
    y = np.searchsorted(cut, eta + rng.logistic(size=eta.size)).astype(float)
    e = latent_residuals(rng, y, eta, cut, "logit")
    assert np.array_equal(np.searchsorted(cut, eta + e), y)
    assert stats.kstest(e, "logistic").pvalue > 0.01
    for score in (False, True):
        mean, information = mean_residuals(y, eta, cut, "logit", score=score)
        assert abs(mean.mean()) < 4 * mean.std() / 200
        assert mean.var() == pytest.approx(information.mean(), rel=0.03)


@pytest.mark.parametrize("low", [-np.inf, -40.0, -2.0, -0.3])
def test_mean_residuals_are_integrals_over_the_category(low: float) -> None:
    cut = np.array([max(low, -60.0), max(low, -60.0) + 1.4])
    code = 0.0 if low == -np.inf else 1.0
    edges = (-200.0, cut[0]) if code == 0 else (cut[0], cut[1])
    P = integrate.quad(F.pdf, *edges, epsabs=0, limit=400)[0]
    for score in (False, True):
        moment = (lambda e: (2 * F.cdf(e) - 1) * F.pdf(e)) if score else (lambda e: e * F.pdf(e))
        exact = integrate.quad(moment, *edges, epsabs=0, limit=400)[0] / P
        for sign in (1.0, -1.0):
            own, code_own = (cut, code) if sign > 0 else (-cut[::-1], 2 - code)
            found, _ = mean_residuals(np.array([code_own]), np.zeros(1), own, "logit", score=score)
            assert found[0] == pytest.approx(sign * exact, rel=1e-6)


@pytest.mark.parametrize("rho", [0.0, 0.25, -0.25])
def test_latent_autocorrelation_is_that_of_the_latent_outcome(rho: float) -> None:
    """Errors that are logistic in every year, and a normal copula over years: to first order in rho."""
    design, draw = truth_draw(3, "logit")
    eta, order = 0.5 * linear_predictor(design, draw), design.error.order
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        z = ar1_errors(rng, order.unit, design.rows["year"], rho, np.sqrt(1 - rho**2))
        y = np.searchsorted([-0.9, 1.4], eta + F.ppf(stats.norm.cdf(z))).astype(float)
        found.append(latent_autocorrelation(y, eta, np.array([-0.9, 1.4]), order, "logit"))
    assert np.mean(found) == pytest.approx(rho, abs=4 * np.std(found) / np.sqrt(8) + rho**2 / 2)
    assert np.std(found) < 0.1


def test_simulated_categories_have_the_probabilities_of_the_definition() -> None:
    design, draw = truth_draw(3, "logit")
    assert draw.cutpoints is not None
    eta = linear_predictor(design, draw)
    edges = np.r_[-np.inf, draw.cutpoints, np.inf]
    P = np.diff(F.cdf(edges[:, None] - eta[None, :]), axis=0)
    rng = np.random.default_rng(1)
    y = np.array([simulate_outcome(rng, design, draw) for _ in range(20)])
    for code in range(3):
        error = np.sqrt((P[code] * (1 - P[code])).sum() / 20) / design.n
        assert (y == code).mean() == pytest.approx(P[code].mean(), abs=4 * error)
    shocks = innovations(rng, design, draw, design.y, eta)
    assert shocks.std() == pytest.approx(1.0, abs=0.08), "in residual SDs"


def test_checks_pass_on_the_models_own_data_and_see_persistence() -> None:
    design, draw = truth_draw(3, "logit")
    posterior = as_posterior(draw, design)
    checks = {c.name: c.status for c in predictive_checks(replicate(design, posterior, seed=1, draws=40))}
    assert (checks["residual autocorrelation"], checks["category shares"]) == ("PASS", "PASS")
    z = ar1_errors(np.random.default_rng(8), design.error.order.unit, design.rows["year"], 0.9, np.sqrt(0.19))
    latent = linear_predictor(design, draw) + F.ppf(stats.norm.cdf(z))
    assert draw.cutpoints is not None
    persistent = replace(design, y=np.searchsorted(draw.cutpoints, latent).astype(float))
    checks = {c.name: c.status for c in predictive_checks(replicate(persistent, posterior, seed=1, draws=20))}
    assert checks["residual autocorrelation"] == "REVIEW"


def test_priors_say_the_same_of_the_categories_as_the_probits() -> None:
    logit, probit = (prior_predictive(d, seed=1, draws=400) for d in (logit_design(), design_of()))
    assert logit.iloc[:3]["q50"].to_numpy() == pytest.approx(probit.iloc[:3]["q50"].to_numpy(), abs=0.07)
    cut = np.array([d.cutpoints for d in prior_draws(logit_design(4), np.random.default_rng(0), 3000)])
    assert cut[:, 0].std() == pytest.approx(1.5 * LOGISTIC_SD, rel=0.06)


# ---------------------------------------------------------------- estimands, report, recovery


@pytest.mark.parametrize("k", [2, 3])
def test_changes_of_probabilities_against_a_direct_computation(k: int) -> None:
    fit, design = drawn_fit(k, "logit"), logit_design(k)
    estimand = next(e for e in fit.estimands if e.by == "probability")
    treated, regime = design.rows["treated"] == 1, design.rows["regime_class"]
    class_of = np.array([design.term("tau").coords["regime"].index(r) for r in regime])
    draw = next(posterior_draws(design, fit.data["posterior"].dataset, 1))
    b = draw.groups["country"][design.groups[0].index, 1]
    eta = linear_predictor(design, draw)
    without = eta - (draw.population["tau"][class_of] + b) * treated
    assert draw.cutpoints is not None
    edges = np.r_[-np.inf, draw.cutpoints, np.inf]
    P = [np.diff(F.cdf(edges[:, None] - e), axis=0) for e in (eta, without)]
    for i, (level, event) in enumerate(zip(estimand.levels, estimand.references, strict=True)):
        rows = treated if level == ALL_ROWS else treated & (regime == level)
        category = int(event.rstrip(")").split()[-1]) - 1
        change = (P[0] - P[1])[category:].sum(0) if ">=" in event else (P[0] - P[1])[category]
        assert estimand.draws[0, 0, i] == pytest.approx(change[rows].mean(), abs=1e-12)
    assert len(estimand.levels) == 4 * (2 * k - 1), "three classes and all rows"


def test_report_save_and_words(tmp_path: Path) -> None:
    fit = replace(drawn_fit(3, "logit"), truth=None)
    assert set(fit.effects().groupby("estimand")["scale"].first()) == {"latent logit scale", "probability"}
    page = fit.report(tmp_path / "report.html").read_text("utf-8")
    for words in ("latent logit scale", "1.81 (π/√3) on the logit scale", "standard logistic", "P(y ≥ 2)"):
        assert words in page, words
    assert "probit" not in page
    again = bayes_hr.load_fit(fit.save(tmp_path / "fit"))
    assert again.effects().equals(fit.effects())
    assert {c.name for c in again.check().checks} >= {"category shares", "residual autocorrelation"}
    content = gather(fit)
    latex = [line for _, line in equations.equations(content)] + equations.prior_equations(content)
    assert r"e_{it} \sim \mathrm{Logistic}(0,\, 1)" in latex
    prior = {row[1]: row[2] for row in priors_table(content).rows}
    assert (prior["cut_first"], prior["log_gap"]) == ("Normal(0, 2.72)", "Normal(0.0954, 1)")


def test_recovery_of_a_logit_truth() -> None:
    card = card_of(
        "ordered_logit",
        time={"by": "all"},
        fit={"engine": "nuts", "chains": 2, "draws": 400, "tune": 400},
    )
    panel = simulated_panel(world())
    design = build(card, panel)
    draw = next(prior_draws(design, np.random.default_rng(11), 1))
    tau = np.array([0.0, 1.5, 0.5])
    draw = replace(draw, cutpoints=np.array([-0.8, 1.4]), population={**draw.population, "tau": tau})
    design = replace(design, y=simulate_outcome(np.random.default_rng(12), design, draw))
    posterior = fitting.run(card, panel, design, engine=NutsEngine()).tree["posterior"].dataset
    for name, truth in {**draw.population, "cutpoint": draw.cutpoints}.items():
        drawn = posterior[name].values.reshape(800, -1)
        off = (drawn.mean(axis=0) - np.ravel(truth)) / drawn.std(axis=0)
        assert (np.abs(off) < 3).all(), (name, off)
        assert np.sqrt(np.mean(off**2)) < 2
    u, truth = posterior["u_country"].values.reshape(800, -1), draw.groups["country"].ravel()
    lower, upper = np.quantile(u, [0.055, 0.945], axis=0)
    assert np.mean((lower < truth) & (truth < upper)) > 0.75
