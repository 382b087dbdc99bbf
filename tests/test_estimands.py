"""Estimands against brute force on hand-made draws, and the effects table's columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from bayes_hr.constants import CI_PROB
from bayes_hr.data.worlds import ratification
from bayes_hr.estimands import ratification as r
from bayes_hr.estimands.contrasts import pairwise
from bayes_hr.estimands.parameters import hyperparameters
from bayes_hr.estimands.summary import COLUMNS, EstimandDraws, effects_table, interval
from bayes_hr.estimands.truth import beside_truth, truth_table

CLASSES = ["stable autocracy", "transition", "stable democracy"]


@pytest.fixture(scope="module")
def posterior() -> xr.Dataset:
    rng = np.random.default_rng(7)
    corr = np.broadcast_to(np.array([[1.0, 0.2], [0.2, 1.0]]), (4, 250, 2, 2))
    terms = ["intercept", "ratified"]
    return xr.Dataset(
        {
            "alpha": (("chain", "draw"), rng.normal(size=(4, 250))),
            "tau": (("chain", "draw", "regime"), rng.normal(size=(4, 250, 3))),
            "u_country": (("chain", "draw", "country", "country_term"), rng.normal(size=(4, 250, 4, 2))),
            "sd_country": (("chain", "draw", "country_term"), rng.random((4, 250, 2))),
            "corr_country": (("chain", "draw", "country_term", "country_term_bis"), corr + 0.0),
            "sigma": (("chain", "draw"), rng.random((4, 250))),
        },
        {"regime": CLASSES, "country": [2, 20, 200, 365], "country_term": terms, "country_term_bis": terms},
    )


@pytest.fixture(scope="module")
def rows() -> xr.Dataset:
    """USA switches, Canada always, the UK never, Russia switches; rows are not in country order."""
    frame = pd.DataFrame(
        {
            "ccode": [365, 365, 2, 2, 20, 20, 200, 200],
            "country_name": ["Russia", "Russia", "USA", "USA", "Canada", "Canada", "UK", "UK"],
            "regime_class": [*["transition"] * 2, *["stable democracy"] * 6],
            "ratification_year": [1987.0, 1987, 1994, 1994, 1980, 1980, np.nan, np.nan],
            "treated": [0.0, 1, 0, 1, 1, 1, 0, 0],
        }
    )
    return xr.Dataset({c: ("obs", frame[c].to_numpy(object if c[-1] in "es" else None)) for c in frame})


def test_country_facts_know_who_switches(rows: xr.Dataset) -> None:
    facts = r.country_facts(rows).set_index("ccode")
    assert facts["status"].to_dict() == {2: "switches", 20: "always", 200: "never", 365: "switches"}
    assert facts.loc[365, "regime"] == "transition"
    assert list(facts.index) == [2, 20, 200, 365], "order of the posterior's country coordinate"


def test_totals_and_averages_by_brute_force(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    facts = r.country_facts(rows)
    total, deviation = r.total_effects(posterior, facts)
    tau = posterior["tau"].sel(regime="transition").values
    b = posterior["u_country"].sel(country=365, country_term="ratified").values
    np.testing.assert_allclose(total[:, :, 3], tau + b)
    np.testing.assert_allclose(deviation[:, :, 3], b)
    average = r.average_effects(posterior, facts)
    assert average.levels == ("all countries", "switching countries")
    np.testing.assert_allclose(average.draws[:, :, 0], total.mean(2))
    np.testing.assert_allclose(average.draws[:, :, 1], (total[:, :, 0] + total[:, :, 3]) / 2)


def test_never_and_always_are_flagged(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    totals = r.country_effects(posterior, r.country_facts(rows))[0]
    notes = dict(zip(totals.levels, totals.notes, strict=True))
    assert notes["UK (200)"] == r.NEVER
    assert notes["Canada (20)"] == r.ALWAYS
    assert notes["USA (2)"] == notes["Russia (365)"] == ""


def test_class_without_switchers_says_so(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    notes = r.class_effects(posterior, r.country_facts(rows)).notes
    assert "from the prior" in notes[0]
    assert "from the prior" not in notes[1]


def test_contrasts_are_every_pair_with_transition_first(posterior: xr.Dataset) -> None:
    found = pairwise(CLASSES, posterior["tau"].values)
    pairs = list(zip(found.levels, found.references, strict=True))
    assert pairs == [
        ("transition", "stable democracy"),
        ("transition", "stable autocracy"),
        ("stable democracy", "stable autocracy"),
    ]
    np.testing.assert_allclose(
        found.draws[:, :, 1], posterior["tau"].values[:, :, 1] - posterior["tau"].values[:, :, 0]
    )


def test_hyperparameters_leave_out_constants(posterior: xr.Dataset) -> None:
    levels = hyperparameters(posterior).levels
    assert "corr_country[intercept, ratified]" in levels
    assert not any("intercept, intercept" in level for level in levels)
    assert not any(level.startswith(("u_", "tau")) for level in levels)


def test_effects_table_against_known_normal() -> None:
    """4,000 independent N(0.3, 1) draws: tolerances are four Monte Carlo standard errors."""
    draws = np.random.default_rng(3).normal(0.3, 1.0, (4, 1000, 1))
    made = EstimandDraws("tau", "regime", ("transition",), ("",), ("",), draws)
    row = effects_table([made], scale="score", rope=(-0.1, 0.1)).iloc[0]
    assert tuple(effects_table([made], scale="score", rope=(-0.1, 0.1)).columns) == COLUMNS
    assert row["mean"] == pytest.approx(0.3, abs=4 / np.sqrt(4000))
    assert row["p_gt_0"] == pytest.approx(stats.norm.cdf(0.3), abs=0.03)
    assert row["p_rope"] == pytest.approx(stats.norm.cdf(-0.2) - stats.norm.cdf(-0.4), abs=0.02)
    half = stats.norm.ppf(0.5 + CI_PROB / 2)
    assert row["lb"] == pytest.approx(0.3 - half, abs=0.1)
    assert row["ub"] == pytest.approx(0.3 + half, abs=0.1)
    assert row["r_hat"] < 1.01
    assert row["ess_bulk"] > 3000


def test_diagnostics_match_arviz() -> None:
    import arviz as az

    rng = np.random.default_rng(5)
    walk = np.cumsum(rng.normal(size=(4, 300, 2)), axis=1) * 0.05 + rng.normal(size=(4, 300, 2))
    made = EstimandDraws("tau", "regime", ("a", "b"), ("", ""), ("", ""), walk)
    ours = effects_table([made], scale="", rope=(-1.0, 1.0))
    theirs = az.summary(xr.Dataset({"x": (("chain", "draw", "k"), walk)}), round_to="none")
    tail = az.ess(xr.Dataset({"x": (("chain", "draw", "k"), walk)}), method="tail", prob=(0.055, 0.945))
    np.testing.assert_allclose(ours["ess_tail"], tail["x"].values, rtol=1e-6)
    for column in ("mean", "sd", "ess_bulk", "r_hat", "mcse_mean"):
        np.testing.assert_allclose(ours[column], theirs[column].to_numpy(float), rtol=1e-6)
    np.testing.assert_allclose(ours["lb"], theirs["eti89_lb"].to_numpy(float), rtol=1e-6)


def test_constant_draws_have_no_r_hat() -> None:
    made = EstimandDraws("tau", "regime", ("a",), ("",), ("",), np.ones((4, 100, 1)))
    assert effects_table([made], scale="", rope=(-1.0, 1.0))["r_hat"].isna().all()


def test_interval_is_equal_tailed() -> None:
    lower, upper = interval(np.arange(1001.0).reshape(1, 1001, 1), 0.9)
    assert (lower[0], upper[0]) == (pytest.approx(50.0), pytest.approx(950.0))


def test_truth_table_has_the_effects_tables_keys() -> None:
    world = ratification("transition_only", n_countries=20, years=(1990, 2001), seed=2)
    truth = truth_table(world.truth)
    got = truth.set_index(["estimand", "level", "reference"])["truth"]
    assert got["tau", "transition", ""] == 0.5
    assert got["contrast", "transition", "stable autocracy"] == 0.5
    first = world.truth.countries.iloc[0]
    assert got["total", f"{first.country} ({first.ccode})", ""] == first.effect
    effects = pd.DataFrame(
        {"estimand": ["tau"], "level": ["transition"], "reference": [""], "lb": [0.4], "ub": [0.6]}
    )
    assert beside_truth(effects, truth)["covered"].all()


def test_a_broken_draw_reaches_every_column() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 50, 1))
    draws[0, 0] = np.nan
    made = EstimandDraws("tau", "regime", ("a",), ("",), ("",), draws)
    row = effects_table([made], scale="", rope=(-1.0, 1.0)).iloc[0]
    assert row[["mean", "sd", "lb", "ub", "p_gt_0", "p_rope"]].isna().all()
