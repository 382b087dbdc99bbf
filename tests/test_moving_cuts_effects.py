"""Cut-points that move over the years: simulation, checks, the world, estimands, report.

Tolerances.  Probabilities against a direct computation: 1e-12.  Averages over n simulated rows: four standard
errors.  Nothing is sampled here (``test_moving_cuts_fits.py``).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from categories import card_of, with_and_without
from drawn import drawn_tree
from moving import NO_YEARS, moving_card, moving_design, moving_fit, moving_world
from scipy import stats

import bayes_hr
from bayes_hr import simulate
from bayes_hr.calibration.quantities import quantities
from bayes_hr.calibration.truths import draw_truth, joint, with_outcome
from bayes_hr.cards import load_card, parse_card
from bayes_hr.checks.log_densities import log_priors
from bayes_hr.checks.predictive import predictive_checks, prior_predictive, replicate
from bayes_hr.cli import main
from bayes_hr.errors import InputError
from bayes_hr.estimands.probabilities import ALL_ROWS
from bayes_hr.estimands.standard import ALL_CUTS
from bayes_hr.estimands.truth import truth_table
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build
from bayes_hr.reporting.ratification import equations, export
from bayes_hr.reporting.ratification.content import gather
from bayes_hr.reporting.tables_model import priors_table
from bayes_hr.simulation import (
    innovations,
    linear_predictor,
    posterior_draws,
    prior_draws,
    simulate_outcome,
)

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
    draw = next(posterior_draws(design, fit.data["posterior"].dataset, 1))
    eta, without = with_and_without(design, draw)
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
