"""What a convergence panel has on request: SDs, accuracy of records, controls that never joined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from dyads import card_of
from hypothesis import given, settings
from hypothesis import strategies as st
from lives import flat_scores, lives

from bayes_hr.convergence_design import build
from bayes_hr.data.convergence_panel import convergence_from_frames
from bayes_hr.data.igo_options import COLUMNS, EXTRA_COLUMNS
from bayes_hr.data.igo_uncertainty import folded_mean, folded_sd
from bayes_hr.data.load import load_panel
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError

LIVES = [(2, "A", "..FFF."), (20, "A", "FFFFFF"), (40, "A", "FFF..F"), (70, "A", "FFFFFF")]


def panel_of(memberships: pd.DataFrame, scores: pd.DataFrame, **options: Any) -> Panel:
    return convergence_from_frames(memberships, scores, **{"min_others": 1, **options})


def own_sds() -> tuple[pd.DataFrame, pd.DataFrame]:
    table = lives(*LIVES)
    scores = flat_scores(table)
    rng = np.random.default_rng(1)
    return table, scores.assign(score=rng.normal(size=len(scores)), score_sd=rng.uniform(0.2, 1, len(scores)))


@pytest.mark.parametrize("mean", ["leave_one_out", "inclusive", "frozen"])
def test_sds_are_those_of_drawn_scores(mean: str) -> None:
    """Independent normal errors on every score, 4,000 times; the SD of an SD is then 1.1 %."""
    table, scores = own_sds()
    frame = panel_of(table, scores, mean=mean, uncertainty=True).frame
    assert list(frame.columns) == [*COLUMNS, "igo_mean_sd", "gap_signed_sd", "distance_sd"]
    rng = np.random.default_rng(2)
    years = range(2000, 2006)
    index = pd.MultiIndex.from_frame(scores[["ccode", "year"]])
    draws = scores["score"].to_numpy() + scores["score_sd"].to_numpy() * rng.normal(size=(4000, len(scores)))
    member = table[table["code"] == 1].groupby("year")["ccode"].apply(set).to_dict()
    column = {key: draws[:, i] for i, key in enumerate(index)}
    assert set(member) == set(years)
    for row in frame.itertuples():
        others = member[row.entry if mean == "frozen" else row.year] - {row.ccode}
        inside = mean == "inclusive" and row.phase == "during"
        own = column[row.ccode, row.year]
        middle = np.mean([column[c, row.year] for c in (*others, *([row.ccode] if inside else []))], axis=0)
        assert row.igo_mean_sd == pytest.approx(middle.std(), rel=0.05)
        assert row.gap_signed_sd == pytest.approx((own - middle).std(), rel=0.05)
        assert row.distance_sd == pytest.approx(np.abs(own - middle).std(), rel=0.05)


def test_a_member_without_an_sd_leaves_no_sd_and_is_counted() -> None:
    table, scores = own_sds()
    scores.loc[scores["ccode"] == 70, "score_sd"] = np.nan
    panel = panel_of(table, scores, uncertainty=True)
    frame = panel.frame
    assert frame["gap_signed_sd"].isna().all()  # 70 is a member throughout, or the state itself
    assert frame["igo_mean_sd"].notna().equals(frame["ccode"] == 70)
    assert any(note.startswith("gap_signed_sd: missing in 24 of 24") for note in panel.merge.notes)
    with pytest.raises(InputError, match="uncertainty=True needs the scores' SDs"):
        panel_of(table, scores.drop(columns="score_sd"), uncertainty=True)


@settings(max_examples=50, deadline=None)
@given(st.floats(-30, 30), st.one_of(st.just(0.0), st.floats(1e-6, 5)))
def test_folded_moments(mean: float, sd: float) -> None:
    from scipy.stats import foldnorm

    m, s = np.array([mean]), np.array([sd])
    if sd == 0:
        assert (folded_mean(m, s)[0], folded_sd(m, s)[0]) == (abs(mean), 0)
        return
    truth = foldnorm(min(abs(mean) / sd, 30), scale=sd)
    if abs(mean) / sd < 30:
        assert folded_mean(m, s)[0] == pytest.approx(truth.mean(), rel=1e-9)
    assert folded_sd(m, s)[0] == pytest.approx(truth.std(), rel=1e-6)
    assert folded_mean(m, s)[0] >= abs(mean)


def test_filled_in_records_are_flagged_or_dropped() -> None:
    table, scores = own_sds()
    table["imputed"] = table["year"].isin([2001, 2004]).astype(int)
    every = panel_of(table, scores)
    assert list(every.frame.columns) == list(COLUMNS)
    flagged = panel_of(table, scores, accuracy="flag").frame
    assert flagged["imputed"].tolist() == flagged["year"].isin([2001, 2004]).tolist()
    assert flagged["entry_inexact"].tolist() == flagged["entry"].isin([2001, 2002, 2004, 2005]).tolist()
    pd.testing.assert_frame_equal(flagged[list(COLUMNS)], every.frame)
    recorded = panel_of(table, scores, accuracy="recorded")
    kept = every.frame[~every.frame["year"].isin([2001, 2004])].reset_index(drop=True)
    pd.testing.assert_frame_equal(recorded.frame, kept)
    assert [(s.reason, s.rows) for s in recorded.merge.steps] == [
        ("membership filled in between two records (accuracy)", 8)
    ]
    with pytest.raises(InputError, match="accuracy needs a column 'imputed'"):
        panel_of(table.drop(columns="imputed"), scores, accuracy="flag")
    with pytest.raises(InputError, match="imputed must be 0 or 1; found nan in row 0"):
        panel_of(table.assign(imputed=np.nan), scores, accuracy="flag")


def region_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """3 and 7 (a code is missing) are controls of A; 4 observed A, 5 is of another region, 6 of none."""
    table = lives(
        (1, "A", "FFFF"),
        (2, "A", "FF.."),
        (5, "A", "F..."),
        (8, "A", "..FF"),
        (3, "A", "...."),
        (4, "A", ".O.."),
        (6, "A", "...."),
        (7, "A", ".?.."),
        (5, "B", "FFFF"),
        (6, "B", "FFFF"),
        (3, "B", "...."),
    )
    scores = flat_scores(table)
    region = {1: "N", 2: "N", 3: "N", 4: "N", 7: "N", 8: "N", 5: "S"}
    return table, scores.assign(region=scores["ccode"].map(region))


def test_controls_that_never_joined() -> None:
    table, scores = region_tables()
    default = panel_of(table, scores)
    panel = panel_of(table, scores, controls="never_joined", min_others=2)
    never = panel.frame[panel.frame["phase"] == "never"]
    pairs = [(3, "A", y) for y in range(2000, 2004)] + [(7, "A", y) for y in (2000, 2002, 2003)]
    assert list(zip(never["ccode"], never["igo"], never["year"], strict=True)) == pairs
    score = scores.set_index(["ccode", "year"])["score"]
    assert never["igo_mean"].iloc[0] == pytest.approx(np.mean([score[c, 2000] for c in (1, 2, 5)]))
    assert never["n_others"].tolist() == [3, 2, 2, 2, 3, 2, 2]
    np.testing.assert_allclose(never["gap_signed"], never["score"] - never["igo_mean"])
    assert never[["k", "entry", "last"]].isna().all().all()
    assert not never[["founder", "left_censored", "exits"]].any().any()
    assert any(note.startswith("controls: 7 rows of phase 'never', 2 pairs") for note in panel.merge.notes)
    others = panel_of(table, scores, min_others=2).frame
    rest = panel.frame[panel.frame["phase"] != "never"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, others, check_dtype=False)
    assert "never" not in set(default.frame["phase"])
    strict = panel_of(table, scores, controls="never_joined", min_others=2, region_share=0.9)
    assert "never" not in set(strict.frame["phase"])  # 6 of A's 7 member-years are of region N: 86 %
    windowed = panel_of(table, scores, controls="never_joined", min_others=2, window=(1, 1)).frame
    assert (windowed["phase"] == "never").sum() == 7


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"mean": "frozen"}, "with mean='frozen': a state that never joined"),
        ({}, {"region_share": 0}, "region_share must be a number above 0"),
        ({}, {"controls": "never_join"}, "did you mean 'never_joined'"),
        ({"region": range(30)}, {}, "region must be one per state; ccode 1 has 0, 1"),
        ({"region": None}, {}, "needs the regions: a column 'region' in scores"),
    ],
)
def test_bad_controls(change: dict[str, Any], options: dict[str, Any], message: str) -> None:
    table, scores = region_tables()
    if change:
        scores = scores.drop(columns="region")
    if change.get("region"):
        scores["region"] = [str(i) for i in range(len(scores))]
    with pytest.raises(InputError, match=message):
        panel_of(table, scores, **{"controls": "never_joined", **options})


def test_a_design_refuses_controls() -> None:
    table, scores = region_tables()
    panel = panel_of(table, scores, controls="never_joined")
    with pytest.raises(InputError, match=r"rows of phase 'never' .*Build it with controls='none'"):
        build(card_of(), panel)


@pytest.mark.real_data
def test_real_extras() -> None:
    panel = load_panel("convergence", uncertainty=True, accuracy="flag", controls="never_joined")
    frame = panel.frame
    joined = frame["phase"] != "never"
    assert (joined.sum(), (~joined).sum()) == (595_961, 191_213)
    assert len(frame.loc[~joined, ["ccode", "igo"]].drop_duplicates()) == 8_537
    assert (frame.loc[joined, "imputed"].sum(), panel.covariates) == (18_471, ())
    assert set(EXTRA_COLUMNS) <= set(frame.columns)
    assert (frame["gap_signed_sd"] >= frame[["score_sd", "igo_mean_sd", "distance_sd"]].max(axis=1)).all()
    never = set(zip(frame.loc[~joined, "country"], frame.loc[~joined, "igo"], strict=True))
    assert ("Switzerland", "EU") in never
    assert ("United States", "EU") not in never
    council = load_panel("convergence", accuracy="recorded", igos=["COE"])
    known = [note for note in council.merge.notes if "known upstream error" in note]
    assert [("Greece" in note, "UNESCO" in note) for note in known] == [(True, False)]
