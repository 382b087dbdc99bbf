"""Outcomes with measurement error of known SD: density, draws, card, design, fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from country_years import country_years
from scipy import stats

import bayes_hr
from bayes_hr import measured
from bayes_hr.calibration.small_designs import small_design
from bayes_hr.cards import load_card, parse_card
from bayes_hr.design import Design
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.errors import InputError
from bayes_hr.fitting import with_engine
from bayes_hr.forms import chosen_form
from bayes_hr.pymc_models.build import build_model
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build
from bayes_hr.simulation import innovations, prior_draws, simulate_errors

DESIGN = country_years(5, 7, rho="uniform(-1, 1)", measured=True)


def covariance(design: Design, sigma: float, rho: float) -> np.ndarray:
    """Of the model's errors (n, n), from the definition."""
    unit, year = design.error.order.unit, design.rows["year"]
    apart = np.abs(year[:, None] - year[None, :])
    same = unit[:, None] == unit[None, :]
    return sigma**2 / (1 - rho**2) * np.where(same, rho**apart, 0.0)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.95])
def test_density_is_that_of_the_dense_covariance(rho: float) -> None:
    sd, r = DESIGN.error.measurement_sd, np.random.default_rng(1).standard_normal(DESIGN.n)
    assert sd is not None
    found = measured.log_density(r, sd, sigma=0.4, rho=rho, order=DESIGN.error.order)
    wanted = stats.multivariate_normal(np.zeros(DESIGN.n), covariance(DESIGN, 0.4, rho) + np.diag(sd**2))
    assert found == pytest.approx(wanted.logpdf(r), rel=1e-10)


def test_draws_of_the_errors_have_the_dense_mean_and_covariance() -> None:
    sd, rng = DESIGN.error.measurement_sd, np.random.default_rng(2)
    assert sd is not None
    r, K = rng.standard_normal(DESIGN.n), covariance(DESIGN, 0.4, 0.8)
    weight = K @ np.linalg.inv(K + np.diag(sd**2))
    mean, left = weight @ r, K - weight @ K
    draws = np.array([
        measured.draw_errors(rng, r, sd, sigma=0.4, rho=0.8, order=DESIGN.error.order) for _ in range(20_000)
    ])  # fmt: skip
    scale = np.sqrt(np.diag(left))
    np.testing.assert_allclose((draws.mean(axis=0) - mean) / scale, 0.0, atol=5 / np.sqrt(20_000))
    correlation = np.cov((draws / scale).T)
    np.testing.assert_allclose(correlation, left / np.outer(scale, scale), atol=7 / np.sqrt(20_000))


def test_simulated_errors_hold_the_measurement_and_innovations_take_it_off() -> None:
    sd, rng = DESIGN.error.measurement_sd, np.random.default_rng(3)
    assert sd is not None
    draw = replace(next(prior_draws(DESIGN, rng, 1)), sigma=0.3, rho=0.7)
    errors = np.array([simulate_errors(rng, DESIGN, draw) for _ in range(20_000)])
    wanted = np.diag(covariance(DESIGN, 0.3, 0.7)) + sd**2
    np.testing.assert_allclose(errors.var(axis=0), wanted, rtol=6 * np.sqrt(2 / 20_000))
    shocks = np.array([innovations(rng, DESIGN, draw, e, np.zeros(DESIGN.n)) for e in errors[:4000]])
    np.testing.assert_allclose(np.cov(shocks.T), np.eye(DESIGN.n), atol=6 / np.sqrt(4000))


def test_the_row_model_of_independent_errors_adds_the_variances() -> None:
    design = country_years(4, 5, measured=True)
    sd = design.error.measurement_sd
    model = build_model(design, "auto")
    assert sd is not None
    assert chosen_form(design, "auto") == "rows"
    with pytest.raises(InputError, match="integrated"):
        chosen_form(design, "integrated")
    observed = model.observed_RVs[0]
    sigma = model["sigma"]
    scale = observed.owner.op.dist_params(observed.owner)[1].eval({sigma: 0.5})
    np.testing.assert_allclose(scale, np.sqrt(0.25 + sd**2))


def test_a_design_travels_with_its_sds() -> None:
    back = from_dataset(to_dataset(DESIGN), DESIGN.y, DESIGN.merge)
    np.testing.assert_array_equal(back.error.measurement_sd, DESIGN.error.measurement_sd)
    without = replace(DESIGN, error=replace(DESIGN.error, measurement_sd=None))
    assert from_dataset(to_dataset(without), DESIGN.y, DESIGN.merge).error.measurement_sd is None


# ---------------------------------------------------------------- cards

WORLD = bayes_hr.simulate.ratification(measurement_sd=0.3, seed=4)
CARD = load_card("demo_ratification").replace(error={"measurement_sd": "score_sd"})


def test_the_card_names_the_column_and_the_small_design_keeps_it() -> None:
    panel = simulated_panel(WORLD)
    design = build(CARD, panel)
    assert design.error.measurement_sd is not None
    np.testing.assert_array_equal(
        design.error.measurement_sd,
        panel.frame.set_index(["ccode", "year"])["score_sd"].loc[
            list(zip(design.rows["ccode"], design.rows["year"], strict=True))
        ],
    )
    assert with_engine(CARD, design).fit.engine == "gibbs"
    small = small_design(CARD, panel, units=6, rows=5, seed=1).design
    assert small.error.measurement_sd is not None
    assert small.error.measurement_sd.shape == (small.n,)


@pytest.mark.parametrize(("value", "told"), [(0.0, "it is 0 in"), (-1.0, "it is -1 in")])
def test_an_sd_that_is_not_positive_is_refused_by_country_year(value: float, told: str) -> None:
    panel = simulated_panel(WORLD)
    frame = panel.frame.copy()
    row = frame.index[(frame["year"] == 1990)][3]
    frame.loc[row, "score_sd"] = value
    with pytest.raises(InputError, match=f"positive in every row; {told} {frame.loc[row, 'country']} 1990"):
        build(CARD, replace(panel, frame=frame))


def test_a_row_without_its_sd_is_dropped_and_counted() -> None:
    panel = simulated_panel(WORLD)
    frame = panel.frame.copy()
    frame.loc[frame.index[:7], "score_sd"] = np.nan
    whole, less = build(CARD, panel), build(CARD, replace(panel, frame=frame))
    steps = {s.reason: s.rows for s in less.merge.steps}
    assert steps["score_sd missing"] == 7
    assert less.n < whole.n


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"outcome": {"name": "y", "likelihood": "student_t"}}, "not offered for outcome.likelihood"),
        (
            {
                "outcome": {"name": "y", "likelihood": "probit"},
                "error": {"kind": "iid", "measurement_sd": "s"},
            },
            "not offered for outcome.likelihood",
        ),
        ({"family": "convergence", "outcome": {"name": "distance"}}, "not offered in a convergence card"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict, told: str) -> None:
    family = changes.get("family", "ratification")
    base = {
        "id": "x", "question": "Is this a question?", "family": family, "panel": "simulated",
        "outcome": {"name": "y"}, "error": {"measurement_sd": "s"},
    }  # fmt: skip
    if family == "ratification":
        base["treatment"] = {"name": "CAT"}
    with pytest.raises(InputError, match=told):
        parse_card({**base, **changes}, where="a card")
