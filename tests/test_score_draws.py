"""Draws of a score, read, made up and thinned; the mixture of posteriors against brute force."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from measured_worlds import ERROR_RHO, Measured

from bayes_hr.data import user_codes
from bayes_hr.data.panel import Panel
from bayes_hr.data.score_draws import ScoreDraws, approximate_draws, implied_autocorrelation
from bayes_hr.data.worlds_parts import ar1_errors
from bayes_hr.errors import InputError
from bayes_hr.estimands.pooling import pool, variance_parts
from bayes_hr.estimands.summary import EstimandDraws, effects_table

WIDE = Measured(countries=5, years=4).table(3)


def long(wide: pd.DataFrame = WIDE) -> pd.DataFrame:
    out = wide.melt(["ccode", "year"], var_name="draw", value_name="value")
    return out.assign(draw=out["draw"].str.removeprefix("draw_").astype(int))


# ---------------------------------------------------------------- reading


def test_long_and_wide_are_the_same_whatever_the_order() -> None:
    wide, shuffled = ScoreDraws.from_frame(WIDE), long().sample(frac=1, random_state=1)
    assert ScoreDraws.from_frame(shuffled).digest() == wide.digest()
    assert wide.values.shape == (20, 3)
    np.testing.assert_array_equal(wide.values, WIDE[["draw_1", "draw_2", "draw_3"]])
    named = shuffled.rename(columns={"value": "theta", "year": "yr"})
    assert ScoreDraws.from_frame(named, columns={"value": "theta", "year": "yr"}).digest() == wide.digest()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files_and_codes(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cow = pd.DataFrame({"ccode": [2, 20], "year": 1990, "draw_1": [0.1, 0.2], "draw_2": [0.3, 0.5]})
    path = tmp_path / f"draws{suffix}"
    iso = cow.assign(ccode=["USA", "CAN"], country="")
    iso.to_csv(path, index=False) if suffix == ".csv" else iso.to_parquet(path)
    with pytest.raises(InputError, match=f"{path.name}: ccode must be whole numbers"):
        ScoreDraws.from_file(path)
    known = {
        ("USA", "iso3"): 2,
        ("CAN", "iso3"): 20,
    }  # the crosswalk needs the network
    monkeypatch.setattr(user_codes, "to_cow", lambda own, codes, _: own.map(lambda v: known[v, codes]))
    found = ScoreDraws.from_file(path, codes="iso3")
    assert found.digest() == ScoreDraws.from_frame(cow).digest()
    assert found.origin == f"supplied, draws{suffix}"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (pd.concat([long(), long().iloc[[3]]]), "duplicate ccode-year-draw: 1-1993-1"),
        (pd.concat([WIDE, WIDE.iloc[[1]]]), "duplicate ccode-year: 1-1991"),
        (long().assign(value="high"), "must hold numbers; found text such as 'high'"),
        (WIDE.assign(draw_2="high"), "'draw_2' must hold numbers"),
        (long().assign(value=np.inf), "infinite"),
        (long().assign(draw=0.5), "'draw' must hold whole numbers"),
        (long().query("draw == 2"), "single draw"),
        (WIDE[["ccode", "year", "draw_1"]], "single draw"),
        (WIDE.assign(draw1=0.0), "same number"),
        (long().rename(columns={"value": "theta"}), "none 'value'.*columns={'value': '...'}"),
        (WIDE[["ccode", "year"]].assign(theta=1.0), "no column 'draw' and no columns 'draw_1'"),
        (WIDE.drop(columns="year"), "missing column 'year'"),
    ],
)
def test_a_wrong_table_is_refused(table: pd.DataFrame, told: str) -> None:
    with pytest.raises(InputError, match=told):
        ScoreDraws.from_frame(table)


def test_missing_values_and_country_years_are_nan_where_asked_for() -> None:
    found = ScoreDraws.from_frame(long().query("not (ccode == 2 and year == 1991 and draw == 3)"))
    got = found.at(np.array([2, 2, 9]), np.array([1991, 1990, 1990]))
    assert np.isnan(got).tolist() == [[False, False, True], [False] * 3, [True] * 3]


def test_thinning_is_even() -> None:
    many = Measured(countries=5, years=4).draws(100)
    assert many.thinned(5).draws.tolist() == [1, 26, 51, 75, 100]
    np.testing.assert_array_equal(many.thinned(5).values, many.values[:, [0, 25, 50, 74, 99]])


# ---------------------------------------------------------------- approximate draws


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_approximate_draws_have_the_stated_moments(rho: float) -> None:
    panel = Measured(countries=5, years=6).panel()
    gap = replace(panel, frame=panel.frame[panel.frame["year"] != 1992].reset_index(drop=True))
    found = approximate_draws(gap, 4_000, autocorrelation=rho, seed=2)
    assert found.approximate
    mean, sd = gap.frame["score"].to_numpy(), gap.frame["score_sd"].to_numpy()
    z = (found.values - mean[:, None]) / sd[:, None]
    np.testing.assert_allclose(z.mean(axis=1), 0.0, atol=5 / np.sqrt(4_000))
    year, code = gap.frame["year"].to_numpy(), gap.frame["ccode"].to_numpy()
    wanted = np.where(code[:, None] == code, rho ** np.abs(year[:, None] - year), 0.0)
    np.testing.assert_allclose(np.cov(z), wanted, atol=7 / np.sqrt(4_000))


def test_implied_autocorrelation_is_that_of_errors_alone_and_less_where_truth_moves() -> None:
    rng = np.random.default_rng(4)
    code, year = (v.ravel() for v in np.mgrid[1:201, 1990:2010])
    rows = pd.DataFrame({"ccode": code, "year": year, "ratification_year": np.where(code % 2, 2000, np.nan)})
    error = 0.3 * ar1_errors(rng, code, year, ERROR_RHO, np.sqrt(1 - ERROR_RHO**2))
    still = Panel.from_frame(rows.assign(score=error, score_sd=0.3), outcome="score")
    assert implied_autocorrelation(still) == pytest.approx(ERROR_RHO, abs=0.03)
    moving = still.frame["score"] + 0.2 * rng.standard_normal(len(rows))
    moved = replace(still, frame=still.frame.assign(score=moving))
    assert implied_autocorrelation(moved) < ERROR_RHO - 0.2
    given = approximate_draws(still, 2)
    assert given.origin.startswith("approximate")
    assert f"autocorrelation {implied_autocorrelation(still):.2f}" in given.origin


def test_what_cannot_be_made_up_is_refused() -> None:
    panel = Measured(countries=5, years=4).panel()
    without = replace(panel, frame=panel.frame.drop(columns="score_sd"))
    with pytest.raises(InputError, match="no column 'score_sd'"):
        approximate_draws(without)
    with pytest.raises(InputError, match="below 1"):
        approximate_draws(panel, autocorrelation=1.0)
    with pytest.raises(InputError, match="two or more"):
        approximate_draws(panel, 1)


# ---------------------------------------------------------------- pooling


def fits(m: int = 5, chains: int = 2, draws: int = 300) -> list[list[EstimandDraws]]:
    rng = np.random.default_rng(3)
    means, sds = rng.standard_normal((m, 1, 1, 2)), rng.uniform(0.5, 2.0, (m, 1, 1, 2))
    values = means + sds * rng.standard_normal((m, chains, draws, 2))
    return [[EstimandDraws("tau", "regime", ("a", "b"), ("", ""), ("n", "n"), v)] for v in values]


def test_the_mixture_is_all_draws_together() -> None:
    parts = fits()
    pooled = pool(parts)
    every = np.concatenate([p[0].draws.reshape(-1, 2) for p in parts])
    table = effects_table(pooled, scale="", rope=(-0.1, 0.1))
    np.testing.assert_allclose(table["mean"], every.mean(axis=0))
    np.testing.assert_allclose(table["sd"], every.std(axis=0, ddof=1))
    np.testing.assert_allclose(table["lb"], np.quantile(every, 0.055, axis=0))
    np.testing.assert_allclose(table["p_gt_0"], (every > 0).mean(axis=0))
    assert (table["r_hat"] < 1.02).all()  # not that of chains with different targets
    means = np.array([p[0].draws.mean((0, 1)) for p in parts])
    np.testing.assert_allclose(table["mcse_mean"], means.std(axis=0, ddof=1) / np.sqrt(5))
    assert (table["ess_bulk"] > 5 * 300).all()


def test_parts_of_the_variance_against_loops_and_the_law_of_total_variance() -> None:
    parts = fits()
    found = variance_parts(pool(parts))
    for k in range(2):
        means, variances = [], []
        for p in parts:
            own = p[0].draws[:, :, k].ravel()
            means.append(sum(own) / len(own))
            variances.append(sum((own - means[-1]) ** 2) / (len(own) - 1))
        W = sum(variances) / 5
        B = sum((m - sum(means) / 5) ** 2 for m in means) / 4
        row = found.iloc[k]
        assert row["within_sd"] == pytest.approx(W**0.5)
        assert row["between_sd"] == pytest.approx(B**0.5)
        assert row["total_sd"] == pytest.approx((W + 1.2 * B) ** 0.5)
        assert row["share"] == pytest.approx(1.2 * B / (W + 1.2 * B))
        every = np.concatenate([p[0].draws[:, :, k].ravel() for p in parts])
        assert every.var() == pytest.approx(W * 599 / 600 + B * 4 / 5)


def test_an_effect_without_a_mean_has_no_parts_and_notes_that_differ_are_left_out() -> None:
    parts = [[replace(p[0], has_mean=False, notes=(f"{k}", "n"))] for k, p in enumerate(fits(3))]
    pooled = pool(parts)
    assert pooled[0].notes == ("", "")
    assert variance_parts(pooled)[["within_sd", "between_sd", "share"]].isna().all(axis=None)
    table = effects_table(pooled, scale="", rope=(-0.1, 0.1))
    assert table["mean"].isna().all()
    assert table["median"].notna().all()


def test_unequal_fits_are_not_pooled() -> None:
    with pytest.raises(ValueError, match="equally many draws"):
        pool([fits(2)[0], fits(2, draws=100)[0]])
