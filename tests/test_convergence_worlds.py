"""Simulated convergence worlds: shape, every number of the truth against the rows, and least squares.

Tolerances: sums of a handful of doubles of size 1 agree to 1e-12; moments of n simulated units to five
standard errors. Means over replications (fixed seeds) are held to four standard errors where the truth is 0
or a number; where it is the sign of a kink or a jump they must be two or three of them from 0.
"""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from bayes_hr import simulate
from bayes_hr.data import convergence_world_parts as parts
from bayes_hr.data.convergence_world_model import PARTS
from bayes_hr.data.convergence_world_settings import MODEL_WORLDS, SCORE_WORLDS, TERMS, ConvergenceSettings
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


def within_dyad(frame: pd.DataFrame, *, years: bool = True) -> dict[str, float]:
    """Estimands by least squares with dyad effects, and year effects if asked; gap rows are left out."""
    f = frame[frame["phase"] != "gap"]
    dyad = np.unique(
        f["ccode"].to_numpy() * 1000 + f["igo"].str[3:].astype(int).to_numpy(), return_inverse=True
    )[1]
    phase, k = f["phase"].to_numpy(str), f["k"].to_numpy()
    columns = [np.where(phase == "before", k, 0.0)]
    for name in ("during", "after"):
        columns += [(phase == name).astype(float), np.where(phase == name, k, 0.0)]
    if years:
        year = f["year"].to_numpy()
        columns += [(year == t).astype(float) for t in np.unique(year)[1:]]
    Z = np.stack([*columns, f["distance"].to_numpy()], axis=1)
    means = np.stack([np.bincount(dyad, z) for z in Z.T], axis=1) / np.bincount(dyad)[:, None]
    Z -= means[dyad]
    products = Z.T @ Z
    before, level, during, level_after, after = np.linalg.solve(products[:-1, :-1], products[:-1, -1])[:5]
    exits = f[f["phase"] == "after"].drop_duplicates(["ccode", "igo"])
    spell = (exits["last"] - exits["entry"]).mean() / 10
    return {
        "slope_before": before,
        "slope_during": during,
        "slope_after": after,
        "kink_entry": during - before,
        "kink_exit": after - during,
        "jump_entry": level,
        "jump_exit": level_after - level - during * spell,
    }


def replicate(name: str, n: int) -> tuple[pd.DataFrame, list[ConvergenceWorld]]:
    made = [convergence(name, seed=500 + i) for i in range(n)]
    return pd.DataFrame([within_dyad(w.frame) for w in made]), made


def t_values(found: pd.DataFrame) -> pd.Series:
    return found.mean() / (found.std() / np.sqrt(len(found)))


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


def test_model_world_is_recovered_by_least_squares() -> None:
    found, made = replicate("kink_and_reversion", 25)
    truth = pd.DataFrame([w.truth.expected for w in made]).astype(float)
    off = t_values(found - truth)
    assert off.abs().max() < 4, off
    assert t_values(found)["kink_entry"] < -6
    assert t_values(found)["kink_exit"] > 6


@pytest.mark.parametrize("name", ["independent_states", "global_compression"])
def test_null_worlds_show_no_convergence(name: str) -> None:
    """Entry is exogenous and scores start from stationarity: kinks and jumps are centred on 0."""
    found, made = replicate(name, 40)
    assert set(made[0].truth.expected.values()) == {0.0}
    off = t_values(found)
    assert off.abs().max() < 4, off
    assert (found[["kink_entry", "jump_entry"]].std() < 0.2).all()  # so that an effect of 0.1 would show


@pytest.mark.parametrize(("name", "sign"), [("global_compression", -1), ("global_fanning", 1)])
def test_without_year_effects_world_spread_passes_for_convergence(
    worlds: dict[str, ConvergenceWorld], name: str, sign: int
) -> None:
    truth = worlds[name].truth
    assert isinstance(truth, ScoreTruth)
    assert truth.naive_slope == sign
    assert within_dyad(worlds[name].frame, years=False)["slope_during"] * sign > 0.1
    assert truth.expected["slope_during"] == 0


@pytest.mark.parametrize("name", ["pull", "reversion", "instrumental", "intrinsic", "entry_shift"])
def test_moving_worlds_have_the_stated_signs(name: str) -> None:
    found, made = replicate(name, 25)
    sign = {key: value for key, value in made[0].truth.sign.items() if value is not None}
    assert sign
    off = t_values(found)
    kinks_and_jumps = {"kink_entry", "kink_exit", "jump_entry"} & set(sign)
    for key, value in sign.items():
        least = 2 if key == "kink_entry" and name == "pull" else 3 if key in kinks_and_jumps else 0
        assert off[key] * value > least, (key, off)


def test_inclusive_mean_jumps_by_what_is_stated() -> None:
    found, made = replicate("inclusive_mean", 30)
    difference = found["jump_entry"] - [w.truth.mechanical_jump for w in made]
    assert abs(t_values(difference.to_frame())["jump_entry"]) < 4
    assert t_values(found)["jump_entry"] < -4
    assert t_values(found)["jump_exit"] > 2


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


def test_only_moving_igos_move_scores() -> None:
    one = convergence("pull", moving_igos=3, seed=6)
    without = convergence("pull", pull_during=0.0, seed=6)
    assert isinstance(one.truth, ScoreTruth)
    assert len(one.truth.moving) == 3
    inside = one.memberships["igo"].isin(one.truth.moving) & (one.memberships["code"] == 1)
    member = set(one.memberships.loc[inside, "ccode"])
    same = np.isclose(one.scores["score"], without.scores["score"], atol=EXACT)
    free = ~one.scores["ccode"].isin(member)
    assert 0 < free.sum() < len(free)
    assert same[free].all()
    first = one.memberships[inside].groupby("ccode")["year"].min()
    year = one.scores["year"] - one.scores["ccode"].map(first).fillna(9999)
    assert same[year <= 0].all()  # a pull of year t is first seen in t + 1
    assert not same[year > 5].any()


def small_history(seed: int, s: ConvergenceSettings) -> parts.History:
    return parts.draw_history(np.random.default_rng(seed), s, 20, 4, 25)


@pytest.mark.parametrize("lasting", [False, True])
def test_scores_follow_their_recursion(lasting: bool) -> None:
    """The vectorised recursion against loops over states and IGOs."""
    s = ConvergenceSettings(
        n_regions=2,
        pull_during=0.05,
        pull_before=0.03,
        pull_years=4,
        lasting=lasting,
        entry_shift=0.3,
        late_states=0.4,
    )
    h = small_history(1, s)
    rng = np.random.default_rng(2)
    level = rng.standard_normal(2)[h.region] * s.sd_region
    level = level + rng.standard_normal(20) * s.sd_level
    path = rng.standard_normal(20) * s.sd_score
    shocks = rng.standard_normal((20, 25)) * s.sd_score * np.sqrt(1 - s.score_rho**2)
    x = np.zeros((20, 25))
    x[:, 0] = level + path
    for t in range(1, 25):
        for i in range(20):
            pull, shifts = 0.0, []
            for j in range(4):
                others = [m for m in range(20) if m != i and h.member[m, j, t - 1]]
                if not others or t - 1 < h.state_birth[i]:
                    continue
                mean = np.mean([x[m, t - 1] for m in others])
                soon = t - 1 < h.entry[i, j] <= t - 1 + 4 and h.exists[j, t - 1]
                rate = 0.05 * h.member[i, j, t - 1] + 0.03 * soon
                pull += rate * (mean - (level[i] if lasting else x[i, t - 1]))
                if h.entry[i, j] == t:
                    shifts.append(mean)
            path[i] = s.score_rho * path[i] + shocks[i, t] + (0.0 if lasting else pull)
            level[i] += pull if lasting else 0.0
            level[i] += 0.3 * (np.mean(shifts) - level[i]) if shifts else 0.0
            x[i, t] = level[i] + path[i]
    found = parts.draw_scores(np.random.default_rng(2), s, h)
    assert (h.entry < 25).sum() > 15
    np.testing.assert_allclose(found[h.alive], x[h.alive], atol=EXACT)
    assert np.isnan(found[~h.alive]).all()


def test_histories_are_consistent() -> None:
    h = small_history(5, ConvergenceSettings(n_regions=2, exit_rate=0.1, re_entry=0.8, igo_deaths=0.5))
    dated = h.entry < parts.NEVER
    assert (h.entry >= h.igo_birth[None, :])[dated].all()
    assert (h.entry >= h.state_birth[:, None])[dated].all()
    assert (h.exit > h.entry)[dated].all()
    assert (h.exit == parts.NEVER)[~dated].all()
    returns = h.back < parts.NEVER
    assert returns.any()
    assert (h.back >= h.exit + 2)[returns].all()
    assert not (h.member & ~h.alive[:, None, :]).any()
    assert not (h.member & ~h.exists[None]).any()
    assert ((h.codes == 1) == h.member).all()
    assert ((h.codes == -1) == ~np.broadcast_to(h.exists[None], h.codes.shape)).all()
    first_day = (h.entry == h.igo_birth) & dated
    assert (first_day.sum(axis=0) >= 5).all()  # enough for a mean from the start
    assert ((h.entry > h.igo_birth) & dated).any()


def test_scores_are_persistent_and_stationary() -> None:
    scores = convergence(
        "independent_states", n_states=3000, n_igos=2, years=(1980, 2014), sd_level=0.0
    ).scores
    wide = scores.pivot_table(index="ccode", columns="year", values="score")
    for year in (1980, 2014):
        assert wide[year].std() == pytest.approx(0.7, rel=5 / np.sqrt(2 * 2400))
    assert wide[2000].corr(wide[1999]) == pytest.approx(0.95, abs=5 * (1 - 0.95**2) / np.sqrt(2400))
    assert wide[2000].corr(wide[1990]) == pytest.approx(0.95**10, abs=5 / np.sqrt(2400))


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
