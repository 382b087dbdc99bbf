"""The truth of simulated convergence worlds against least squares over many of them.

Means over replications (fixed seeds) are held to four standard errors where the truth is 0 or a number; where
it is the sign of a kink or a jump they must be two or three of them from 0.
"""

import numpy as np
import pandas as pd
import pytest

from bayes_hr.simulate import ConvergenceWorld, ScoreTruth, convergence


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
    products = np.einsum("ij,ik->jk", Z, Z)  # small: threads of a BLAS would only wait for each other
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


def test_model_world_is_recovered_by_least_squares() -> None:
    found, made = replicate("kink_and_reversion", 12)
    truth = pd.DataFrame([w.truth.expected for w in made]).astype(float)
    off = t_values(found - truth)
    assert off.abs().max() < 4, off
    assert t_values(found)["kink_entry"] < -6
    assert t_values(found)["kink_exit"] > 6


@pytest.mark.parametrize("name", ["independent_states", "global_compression"])
def test_null_worlds_show_no_convergence(name: str) -> None:
    """Entry is exogenous and scores start from stationarity: kinks and jumps are centred on 0."""
    found, made = replicate(name, 30)
    assert set(made[0].truth.expected.values()) == {0.0}
    off = t_values(found)
    assert off.abs().max() < 4, off
    assert (found[["kink_entry", "jump_entry"]].std() < 0.2).all()  # so that an effect of 0.1 would show


@pytest.mark.parametrize(("name", "sign"), [("global_compression", -1), ("global_fanning", 1)])
def test_without_year_effects_world_spread_passes_for_convergence(name: str, sign: int) -> None:
    world = convergence(name, seed=3)
    truth = world.truth
    assert isinstance(truth, ScoreTruth)
    assert truth.naive_slope == sign
    assert within_dyad(world.frame, years=False)["slope_during"] * sign > 0.1
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
