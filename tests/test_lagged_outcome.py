"""A lagged outcome: phi and the long run recovered, where countries start, and what it does not go with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from lagged_worlds import PHI, TAU, card_with, lagged_world, panel_of

import bayes_hr
from bayes_hr.api import Fit
from bayes_hr.cards import load_card
from bayes_hr.checks.dynamics import lagged_outcome, nickell_bias
from bayes_hr.design import rank_deficient
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.errors import InputError
from bayes_hr.estimands.long_run import long_run, long_run_effects
from bayes_hr.estimands.summary import EstimandDraws, effects_table
from bayes_hr.ratification_design import build, with_ratification_years


@cache
def fitted(years: int = 25, *, initial: bool = True) -> Fit:
    card = card_with(dynamics={"lagged_outcome": True, "initial_outcome": initial})
    return bayes_hr.fit(card, panel_of(lagged_world(years=years)), reference=0)


def phi_of(fit: Fit) -> pd.Series:
    return fit.effects("parameter").set_index("level").loc["phi"]


# What is found in worlds whose phi and effect are known


def test_phi_effect_and_long_run_are_recovered() -> None:
    fit = fitted()
    phi, effect = phi_of(fit), fit.effects("regime").iloc[0]
    # 2,400 rows: posterior SDs of .02 and .03; three of them, so that one seed in 400 would miss.
    assert abs(phi["mean"] - PHI) < 3 * phi["sd"] < 0.1
    assert abs(effect["mean"] - TAU) < 3 * effect["sd"] < 0.15
    lasting = fit.effects("long_run").iloc[0]
    assert lasting["lb"] < TAU / (1 - PHI) < lasting["ub"]
    assert lasting["lb"] > TAU, "the long run is not the first year"


def test_without_the_first_outcome_phi_is_too_large_and_with_it_it_is_not() -> None:
    """Seven years: where a country starts is much of what there is (Wooldridge 2005)."""
    without, with_first = (phi_of(fitted(7, initial=initial)) for initial in (False, True))
    assert without["mean"] - PHI > 3 * without["sd"]
    assert abs(with_first["mean"] - PHI) < 2.5 * with_first["sd"]


def test_the_nickell_bias_is_that_of_the_within_estimator() -> None:
    """4,000 countries, 20 years: Monte Carlo error .004; the approximation's own error is below .01."""
    rng, years = np.random.default_rng(3), 20
    level = rng.standard_normal(4_000)
    y = [level / (1 - PHI) + rng.standard_normal(4_000) / np.sqrt(1 - PHI**2)]
    for _ in range(years):
        y.append(PHI * y[-1] + level + rng.standard_normal(4_000))
    outcome = np.array(y)
    now, before = (v - v.mean(axis=0) for v in (outcome[1:], outcome[:-1]))
    within = (now * before).sum() / (before**2).sum()
    assert within - PHI == pytest.approx(nickell_bias(PHI, years), abs=0.012)
    assert within < PHI - 0.05


def test_a_lag_leaves_no_autocorrelation_and_no_lag_leaves_much() -> None:
    card = card_with(dynamics={}, estimands=["regime"])
    plain = bayes_hr.fit(card, panel_of(lagged_world()), reference=0)
    found = [
        next(c.status for c in fit.check().checks if c.name == "residual autocorrelation")
        for fit in (plain, fitted())
    ]
    assert found == ["REVIEW", "PASS"]


def test_student_t_errors_take_a_lag_too() -> None:
    frame = lagged_world(years=12, nu=2.0)
    short = {"chains": 2, "draws": 200, "tune": 200, "seed": 4}
    fits = [
        bayes_hr.fit(
            card_with(outcome={"name": "score", "likelihood": kind, "scale": 1.0, "centre": 0.0}, fit=short),
            panel_of(frame),
            reference=0,
        )
        for kind in ("student_t", "gaussian")
    ]
    robust, usual = (fit.effects("regime").iloc[0] for fit in fits)
    assert robust["lb"] < TAU < robust["ub"]
    assert robust["sd"] < 0.6 * usual["sd"], "heavy tails cost least squares its precision"
    phi = phi_of(fits[0])
    assert abs(phi["mean"] - PHI) < 3 * phi["sd"] < 0.1


# Columns and rows


def test_columns_are_the_year_before_and_the_first_one() -> None:
    frame = lagged_world(countries=6, years=8)
    frame = frame[~((frame["ccode"] == 2) & (frame["year"] == 1984))]
    card = card_with(where="year >= 1982", outcome={"name": "score", "scale": 1.0, "centre": 0.25})
    design = build(card, panel_of(frame))
    known = frame.set_index(["ccode", "year"])["score"]
    keys = list(zip(design.rows["ccode"], design.rows["year"], strict=True))
    assert min(year for _, year in keys) == 1982, "the first year has the outcome of 1981, before the filter"
    assert (2, 1985) not in keys, "the year after a gap has no lag"
    before = np.array([known[c, y - 1] for c, y in keys])
    np.testing.assert_allclose(design.term("phi").columns[:, 0], before - 0.25)
    first = np.array([known[c, 1981] for c, _ in keys])
    np.testing.assert_allclose(design.term("first_outcome").columns[:, 0], first - 0.25)
    steps = {s.reason: s.rows for s in design.merge.steps}
    assert steps["score of the year before missing"] == 1
    assert design.n == 6 * 6 - 2
    assert not rank_deficient(design)


def test_a_saved_design_keeps_the_lag() -> None:
    design = build(card_with(), panel_of(lagged_world(countries=6, years=8)))
    again = from_dataset(to_dataset(design), design.y, design.merge)
    for name in ("phi", "first_outcome", "alpha", "tau"):
        np.testing.assert_array_equal(again.term(name).matrix(), design.term(name).matrix())


def test_permuted_years_leave_the_lag_alone() -> None:
    design = build(card_with(), panel_of(lagged_world(countries=6, years=8)))
    moved = with_ratification_years(design, np.full(6, 1984.0), 0)
    np.testing.assert_array_equal(moved.term("phi").columns, design.term("phi").columns)
    np.testing.assert_array_equal(moved.term("tau").columns[:, 0], design.rows["year"] >= 1984)


def test_permuted_years_have_no_effect_to_find() -> None:
    found = fitted(7).permuted_reference(12, seed=2)
    assert found.reference is not None
    effect = found.reference.table.set_index("estimand").loc["tau"]
    assert effect["mean"] > 2 * abs(effect["permuted_mean"]) + effect["permuted_sd"]


# The long run


def test_the_long_run_is_a_ratio_and_draws_without_one_stand_at_the_end_of_their_side() -> None:
    phi = np.array([[0.5, 0.9, 1.0, 1.2]])
    found = long_run(np.array([[[0.1, -0.1]] * 4]).reshape(1, 4, 2), phi)
    np.testing.assert_allclose(found[0, :2], [[0.2, -0.2], [1.0, -1.0]])
    assert np.isfinite(found).all()
    assert (found[0, 2:, 0] > 1e4).all()
    assert (found[0, 2:, 1] < -1e4).all()


def test_the_table_has_its_median_and_no_mean_or_sd() -> None:
    rng = np.random.default_rng(0)
    phi = xr.Dataset({"phi": (("chain", "draw"), np.clip(0.95 + 0.05 * rng.standard_normal((2, 500)), 0, 2))})
    short = EstimandDraws(
        "tau", "regime", ("a",), ("",), ("",), 0.1 + 0.01 * rng.standard_normal((2, 500, 1))
    )
    made = long_run_effects(phi, [short])
    row = effects_table([made], scale="score", rope=(-0.1, 0.1)).iloc[0]
    assert row[["mean", "sd", "mcse_mean"]].isna().all()
    assert row["median"] == pytest.approx(np.median(made.draws))
    assert row[["lb", "ub", "p_gt_0", "ess_bulk", "r_hat"]].notna().all()
    share = float((phi["phi"] > 0.98).mean())
    assert row["note"] == f"median; P(phi > 0.98) = {share:.2f}"
    assert effects_table([short], scale="score", rope=(-0.1, 0.1))["mean"].notna().all()


# Checks and words


def check_of(phi: float, *, initial: bool) -> Any:
    rng = np.random.default_rng(0)
    draws = {"phi": (("chain", "draw"), phi + 0.005 * rng.standard_normal((2, 200)))}
    if initial:
        draws["first_outcome"] = draws["phi"]
    rows = xr.Dataset({"index_country": ("obs", np.repeat(np.arange(10), 21))})
    return lagged_outcome(xr.Dataset(draws), rows)


@pytest.mark.parametrize(
    ("phi", "initial", "status", "word"),
    [
        (0.9, True, "PASS", "-0.095"),
        (0.9, False, "REVIEW", "where a country started"),
        (0.985, True, "REVIEW", "random walk"),
    ],
)
def test_the_check_says_what_phi_rests_on(phi: float, initial: bool, status: str, word: str) -> None:
    found = check_of(phi, initial=initial)
    assert found.status == status
    assert word in found.text
    assert "21.0 years a country" in found.text
    assert bool(found.advice) == (status == "REVIEW")


def test_the_report_says_what_kind_of_effects_these_are(tmp_path: Path) -> None:
    text = fitted().report(tmp_path / "report.html").read_text()
    for told in ("Lagged outcome: short-run effects", "Nickell 1981", "Wooldridge 2005", 'id="long-run"'):
        assert told in text
    assert "share of last year" in text, "the reason of the prior of phi"
    assert "Independent errors: for comparison only" not in text
    table = text.split('id="table-long-run"')[1].split("</table>")[0]
    assert "Median" in table
    assert "Mean" not in table
    exported = fitted().export(tmp_path / "paper")
    assert pd.read_csv(exported / "long_run.csv")["mean"].isna().all()


# What does not go together


ORDINAL = {"name": "score", "likelihood": "ordered_probit"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"error": {}}, 'kind = "iid"'),
        ({"outcome": ORDINAL}, "gaussian"),
        ({"error": {"kind": "iid", "measurement_sd": "score_sd"}}, "Leave out one"),
        ({"dynamics": {"initial_outcome": True}, "estimands": ["regime"]}, "lagged_outcome = true"),
        ({"dynamics": {}}, "lagged_outcome = true"),
        ({"dynamics": {"lagged": True}}, "lagged_outcome"),
    ],
)
def test_what_a_lag_does_not_go_with_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        card_with(**changes)


def test_compressed_rows_take_no_lag() -> None:
    frame = lagged_world(countries=4, years=8).assign(ratified=lambda f: f["year"] >= f["ratification_year"])
    frame = frame.drop(columns="ratification_year").astype({"ratified": int})
    cells = bayes_hr.compress_chunks([frame], outcome="score", covariates=[])
    panel = bayes_hr.Panel.from_compressed(cells)
    with pytest.raises(InputError, match="lagged_outcome needs one outcome"):
        build(card_with(), panel)


def test_a_card_without_a_lag_is_as_it_was() -> None:
    card = load_card("cat_hrps_lagged")
    assert card.estimands[-1] == "long_run"
    without = card.replace(dynamics={"lagged_outcome": False})
    assert "phi" not in without.priors
    assert "long_run" not in without.estimands
    assert load_card("cat_hrps").dynamics.lagged_outcome is False
