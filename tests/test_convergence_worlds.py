"""Simulated convergence worlds: shape, and every number of the truth against the rows.

Tolerances: sums of a handful of doubles of size 1 agree to 1e-12; moments of n simulated units to five
standard errors.
"""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from bayes_hr import simulate
from bayes_hr.data.convergence_world_model import PARTS
from bayes_hr.data.convergence_world_settings import MODEL_WORLDS, SCORE_WORLDS, TERMS
from bayes_hr.data.convergence_world_truth import ESTIMANDS
from bayes_hr.data.igo_dyads import COLUMNS, ConvergenceOptions
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError
from bayes_hr.simulate import CONVERGENCE_WORLDS, ConvergenceWorld, ModelTruth, ScoreTruth, convergence

EXACT = 1e-12
KEY = ["ccode", "igo", "year"]


@pytest.fixture(scope="module")
def worlds() -> dict[str, ConvergenceWorld]:
    return {name: convergence(name, seed=3) for name in CONVERGENCE_WORLDS}


@pytest.mark.parametrize("name", CONVERGENCE_WORLDS)
def test_shape_is_realistic(worlds: dict[str, ConvergenceWorld], name: str) -> None:
    world = worlds[name]
    frame = world.frame
    assert list(frame.columns) == list(COLUMNS)
    assert frame[KEY].equals(frame[KEY].sort_values(KEY))
    assert not frame.duplicated(KEY).any()
    assert frame.notna().all(axis=None)
    assert frame["ccode"].min() >= 1001
    assert 2000 < len(frame) < 5000
    assert frame["igo"].nunique() == 8
    assert set(frame["igo_type"]) == {"political", "social", "economic"}
    assert (frame["n_others"] >= 5).all()
    phase = frame.groupby(["ccode", "igo"])["phase"].agg(set)
    assert 0.3 < phase.map(lambda s: "before" in s).mean() < 0.6
    assert 0.03 < phase.map(lambda s: "after" in s).mean() < 0.45
    assert frame.groupby(["ccode", "igo"])["founder"].first().mean() > 0.2
    assert frame.groupby(["ccode", "igo"])["left_censored"].first().mean() > 0.05
    assert world.merge.rows_used == len(frame)
    k = frame["k"]
    assert (k[frame["phase"] == "before"] < 0).all()
    assert (k[frame["phase"].isin(["during", "gap"])] >= 0).all()
    assert (k[frame["phase"] == "after"] > 0).all()


def test_default_world_is_demo_sized() -> None:
    world = convergence()
    frame = world.frame
    assert world.name == "kink_and_reversion"
    assert len(frame) == pytest.approx(3500, rel=0.1)
    assert frame["ccode"].nunique() == 60
    assert len(world.truth.exits) >= 25  # type: ignore[union-attr]
    assert (frame["distance"] > 0).all()
    assert world.truth.sign["kink_entry"] == -1
    assert world.truth.sign["slope_after"] == 1


def test_standard_size_covers_the_real_years() -> None:
    frame = convergence("null_model", size="standard").frame
    assert (frame["year"].min(), frame["year"].max()) == (1946, 2014)
    assert frame["ccode"].nunique() == 120
    assert frame["igo"].nunique() == 24
    assert 30_000 < len(frame) < 70_000
    assert (frame["distance"] < 0).mean() < 0.005
    small = convergence("null_model", n_states=44, n_igos=5, years=(1990, 2010), seed=1).frame
    assert small["year"].between(1990, 2010).all()
    assert small["igo"].nunique() <= 5
    assert small["ccode"].max() <= 1044


def test_same_seed_same_world() -> None:
    for name in ("kink", "pull"):
        one, same, other = (convergence(name, seed=seed) for seed in (4, 4, 5))
        for table in ("frame", "memberships", "scores"):
            assert getattr(one, table).equals(getattr(same, table))
        assert one.truth.to_dict(rows=True) == same.truth.to_dict(rows=True)
        assert not one.scores["score"].equals(other.scores["score"])


def test_memberships_know_nothing_of_scores(worlds: dict[str, ConvergenceWorld]) -> None:
    """Entries and exits are the same whatever the scores do, pull or no pull."""
    null = worlds["independent_states"]
    for name in ("pull", "global_compression", "entry_shift", "null_model"):
        assert worlds[name].memberships.equals(null.memberships)
    assert not worlds["pull"].scores.equals(null.scores)


@pytest.mark.parametrize("name", MODEL_WORLDS)
def test_distance_is_rebuilt_from_the_truth(worlds: dict[str, ConvergenceWorld], name: str) -> None:
    frame, truth = worlds[name].frame, worlds[name].truth
    assert isinstance(truth, ModelTruth)
    own = pd.Series(truth.beta) + truth.u_state.loc[frame["ccode"]].reset_index(drop=True)
    own = own + truth.u_igo.loc[frame["igo"]].reset_index(drop=True)
    phase = frame["phase"].replace("gap", "before")
    expected = np.empty(len(frame))
    for label in ("before", "during", "after"):
        inside = (phase == label).to_numpy()
        slope = own[f"{label}_slope"] * frame["k"].where(frame["phase"] != "gap", 0.0)
        expected[inside] = (own[label] + slope)[inside]
    np.testing.assert_allclose(truth.rows["phases"], expected, atol=EXACT)
    np.testing.assert_array_equal(truth.rows[KEY], frame[KEY])
    dyad = frame["ccode"].astype(str) + ":" + frame["igo"]
    np.testing.assert_array_equal(truth.rows["dyad"], truth.u_dyad[dyad])
    np.testing.assert_array_equal(truth.rows["year_effect"], truth.year_effect[frame["year"]])
    assert truth.rows.groupby(["ccode", "year"])["state_year"].nunique().eq(1).all()
    np.testing.assert_allclose(frame["distance"], truth.rows[list(PARTS)].sum(axis=1), atol=EXACT)
    np.testing.assert_allclose(frame["gap_signed"].abs(), frame["distance"].abs(), atol=EXACT)
    np.testing.assert_allclose(frame["score"] - frame["igo_mean"], frame["gap_signed"], atol=EXACT)


def test_expected_values_follow_from_the_parameters(worlds: dict[str, ConvergenceWorld]) -> None:
    beta = {
        "before": 2.0,
        "before_slope": 0.02,
        "during": 1.9,
        "during_slope": -0.1,
        "after": 1.5,
        "after_slope": 0.3,
    }
    world = convergence("kink", beta=beta, exit_rate=0.03, seed=2)
    frame, truth = world.frame, world.truth
    assert isinstance(truth, ModelTruth)
    jumps, spells = [], []
    for (ccode, igo), rows in frame[frame["phase"] == "after"].groupby(["ccode", "igo"]):
        own = {t: beta[t] + truth.u_state.loc[ccode, t] + truth.u_igo.loc[igo, t] for t in TERMS}
        spell = (rows["last"].iloc[0] - rows["entry"].iloc[0]) / 10
        jumps.append(own["after"] - (own["during"] + own["during_slope"] * spell))
        spells.append(spell)
    np.testing.assert_allclose(truth.exits["jump_exit"], jumps, atol=EXACT)
    expected = {
        "slope_before": 0.02,
        "slope_during": -0.1,
        "slope_after": 0.3,
        "kink_entry": -0.12,
        "kink_exit": 0.4,
        "jump_entry": -0.1,
        "jump_exit": np.mean(jumps),
    }
    assert list(truth.expected) == list(ESTIMANDS)
    assert truth.expected == pytest.approx(expected, abs=1e-9)
    assert truth.jump_exit_beta == pytest.approx(1.5 - 1.9 + 0.1 * np.mean(spells))
    assert truth.sign["kink_exit"] == 1
    state = truth.by_state().loc[1003]
    assert state["kink_entry"] == pytest.approx(
        -0.12 + truth.u_state.loc[1003, "during_slope"] - truth.u_state.loc[1003, "before_slope"]
    )
    assert truth.by_igo().loc["SIM02", "jump_entry"] == pytest.approx(
        -0.1 + truth.u_igo.loc["SIM02", "during"] - truth.u_igo.loc["SIM02", "before"]
    )
    null = worlds["null_model"].truth
    assert all(null.expected[name] == 0 for name in ESTIMANDS if name != "jump_exit")
    assert null.jump_exit_beta == 0  # type: ignore[union-attr]


def test_no_exit_no_jump_at_exit() -> None:
    truth = convergence("kink", exit_rate=0.0, seed=1).truth
    assert truth.expected["jump_exit"] is None
    assert truth.to_dict()["jump_exit_beta"] is None


def test_effects_have_the_stated_moments() -> None:
    n = 3000
    truth = convergence("null_model", n_states=n, n_igos=2, years=(1990, 2009), seed=1).truth
    assert isinstance(truth, ModelTruth)
    np.testing.assert_allclose(truth.u_state.std(), [*truth.sd_state.values()], rtol=5 / np.sqrt(2 * n))
    np.testing.assert_allclose(truth.u_state.corr(), truth.corr, atol=5 / np.sqrt(n))
    assert truth.u_dyad.std() == pytest.approx(truth.sd_dyad, rel=5 / np.sqrt(4 * n))
    assert truth.rows["error"].std() == pytest.approx(truth.sigma, rel=5 / np.sqrt(2 * len(truth.rows)))
    effect = truth.rows.pivot_table(index="ccode", columns="year", values="state_year")
    first, last = effect[1990].dropna(), effect[2009].dropna()
    for column in (first, last):
        assert column.std() == pytest.approx(truth.sd_state_year, rel=5 / np.sqrt(2 * len(column)))
    correlation = effect[2005].corr(effect[2004])
    assert correlation == pytest.approx(truth.rho, abs=5 * (1 - truth.rho**2) / np.sqrt(len(first)))
    assert truth.year_effect.mean() == pytest.approx(0, abs=EXACT)


def test_inclusive_distance_is_a_known_share_of_the_other(worlds: dict[str, ConvergenceWorld]) -> None:
    inclusive = worlds["inclusive_mean"]
    other = convergence("inclusive_mean", seed=3, options=ConvergenceOptions())
    frame, loo = inclusive.frame, other.frame
    n = frame["n_others"]
    np.testing.assert_array_equal(frame[KEY], loo[KEY])
    share = np.where(frame["phase"] == "during", n / (n + 1), 1.0)
    np.testing.assert_allclose(frame["distance"], share * loo["distance"], atol=EXACT)
    with_before = loo.groupby(["ccode", "igo"])["phase"].transform(lambda p: (p == "before").any())
    entries = loo[(loo["phase"] == "during") & (loo["year"] == loo["entry"]) & with_before]
    jump = -(entries["distance"] / (entries["n_others"] + 1)).mean()
    assert inclusive.truth.mechanical_jump == pytest.approx(jump)
    assert inclusive.truth.expected["jump_entry"] == inclusive.truth.mechanical_jump
    assert other.truth.mechanical_jump == 0
    assert other.truth.expected["jump_entry"] == 0


def test_truth_follows_the_settings_not_the_name() -> None:
    assert set(convergence("pull", pull_during=0.0).truth.expected.values()) == {0.0}
    assert convergence("independent_states", pull_during=0.05).truth.sign["kink_entry"] == -1
    long = convergence("pull", size="standard", n_igos=4)
    near = convergence("pull", size="standard", n_igos=4, options=ConvergenceOptions(window=(20, 20)))
    assert long.truth.sign["kink_entry"] is None
    assert near.truth.sign["kink_entry"] == -1
    assert set(convergence("pull", pull_before=0.1, entry_shift=0.2, seed=3).truth.sign.values()) == {None}


def test_compression_shrinks_the_world(worlds: dict[str, ConvergenceWorld]) -> None:
    for name, ratio in (("global_compression", 0.5), ("global_fanning", 2.0)):
        truth = worlds[name].truth
        assert isinstance(truth, ScoreTruth)
        assert truth.spread[2014] / truth.spread[1980] == pytest.approx(ratio)
        plain = convergence(name, seed=3, spread=(1.0, 1.0)).scores["score"]
        scale = truth.spread[worlds[name].scores["year"]].to_numpy()
        np.testing.assert_allclose(worlds[name].scores["score"], scale * plain, atol=EXACT)


def test_missing_codes_and_noise_when_asked() -> None:
    world = convergence("independent_states", missing_codes=0.05, measurement_sd=0.26, n_states=200, seed=2)
    existing = world.memberships["code"] != -1
    share = (world.memberships.loc[existing, "code"] == -9).mean()
    assert share == pytest.approx(0.05, rel=0.1)
    assert (world.memberships["code"] == 3).any()
    exact = convergence("independent_states", n_states=200, seed=2)
    noise = (world.scores["score"] - exact.scores["score"]) / world.scores["score_sd"]
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert world.scores["score_sd"].median() == pytest.approx(0.26, rel=0.05)
    assert (exact.scores["score_sd"] == 0).all()
    assert world.frame.notna().all(axis=None)


@pytest.mark.parametrize("name", CONVERGENCE_WORLDS)
def test_truth_is_serialisable(worlds: dict[str, ConvergenceWorld], name: str) -> None:
    truth = worlds[name].truth
    back = json.loads(json.dumps(truth.to_dict(rows=True), allow_nan=False))
    assert back["expected"] == truth.expected
    assert (name in MODEL_WORLDS) == isinstance(truth, ModelTruth) == ("rows" in back)
    assert (name in SCORE_WORLDS) == isinstance(truth, ScoreTruth)
    assert "rows" not in truth.to_dict()
    if isinstance(truth, ModelTruth):
        assert back["u_igo"]["igo"] == list(truth.u_igo.index)


def test_world_as_a_panel(worlds: dict[str, ConvergenceWorld]) -> None:
    world = worlds["kink"]
    assert isinstance(world.panel, Panel)
    assert (world.panel.name, world.panel.outcome, world.panel.sources) == ("convergence", "distance", ())
    assert world.panel.frame is world.frame
    json.dumps(world.panel.options)
    assert simulate.convergence is convergence
    assert "drawn from Model C" in world.merge.to_text()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: convergence("kinks"), "'kinks'; did you mean 'kink'"),
        (lambda: convergence(size="demos"), "'demos'; did you mean 'demo'"),
        (lambda: convergence(sigm=1), "unknown setting 'sigm'; did you mean 'sigma'"),
        (lambda: convergence(beta={"durin": 1.0}), "beta has no 'durin'; did you mean 'during'"),
        (lambda: convergence(beta=0.5), "beta = 0.5 must be a mapping"),
        (
            lambda: convergence(sd_igo={"during": -1.0}),
            "sd_igo['during'] = -1.0 must be a finite number, 0 or",
        ),
        (lambda: convergence(beta={"during": float("nan")}), "must be a finite number"),
        (lambda: convergence("kink", pull_during=0.1), "pull_during would do nothing"),
        (lambda: convergence("pull", sigma=0.1), "sigma would do nothing"),
        (lambda: convergence("pull", pull_during=0.9), "pulls add up"),
        (lambda: convergence("pull", pull_during=1.5), "pull_during = 1.5 must be from 0 to 1"),
        (lambda: convergence("pull", score_rho=1), "score_rho = 1 must be between"),
        (lambda: convergence("pull", lasting=1), "lasting = 1 must be True or False"),
        (lambda: convergence("pull", moving_igos=0), "moving_igos = 0 must be a whole number"),
        (lambda: convergence("pull", spread=(1.0, 0.0)), "spread"),
        (lambda: convergence(sigma=0), "sigma = 0 must be positive"),
        (lambda: convergence(sd_dyad="a"), "sd_dyad = 'a' must be a finite number"),
        (lambda: convergence(wait=0.5), "wait = 0.5 must be 1 year or more"),
        (lambda: convergence(corr_levels=-0.9), "make no correlation matrix"),
        (lambda: convergence(n_states=12), "n_states = 12 must be a whole number of at least 40"),
        (lambda: convergence(n_igos=True), "n_igos = True"),
        (lambda: convergence(years=(2000, 1990)), "years = (2000, 1990)"),
        (lambda: convergence(seed=-1), "seed = -1"),
    ],
)
def test_bad_settings_say_what_to_do(call: Callable[[], ConvergenceWorld], message: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert message in str(error.value)
