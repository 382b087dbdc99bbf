"""The convergence panel: the real one's figures, and users' own tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lives import KEYS, flat_scores, lives, ready

import bayes_hr
from bayes_hr.data.convergence_panel import convergence_from_frames
from bayes_hr.data.igo_dyads import COLUMNS
from bayes_hr.data.load import load_panel
from bayes_hr.data.panel import Panel
from bayes_hr.data.parsed import read_source
from bayes_hr.errors import InputError

NAN = float("nan")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": "leave-one-out"}, "mean: unknown value 'leave-one-out'; did you mean 'leave_one_out'"),
        ({"entry": "last"}, "did you mean 'latest'"),
        ({"distance": "abs"}, "distance: unknown value 'abs'"),
        ({"standardise": "years"}, "did you mean 'year'"),
        ({"types": ("politics",)}, "did you mean 'political'"),
        ({"membership": (1, 4)}, "membership: 4 cannot count as membership; valid: 1 full"),
        ({"membership": ()}, "membership must be one or more of"),
        ({"min_others": 0}, "min_others must be a whole number of 1 or more; got 0"),
        ({"min_others": True}, "min_others must be a whole number"),
        ({"window": 5}, r"window must be two numbers of years \(before, after\); got 5"),
        ({"window": (5, -1)}, "whole number of 0 or more; got -1"),
        ({"start": 2001, "end": 2000}, r"start \(2001\) is after end \(2000\)"),
        ({"start": 1990.0}, "start must be a whole number; got 1990.0"),
        ({"before": "no"}, "before must be True or False"),
        ({"igos": 3}, "igos must be a list of texts; got 3"),
        ({"igos": ("NATOO",)}, "unknown IGO code 'NATOO'; did you mean 'NATO'"),
        ({"types": ("social",)}, "no IGO is left"),
        ({"start": 2030}, "no year is left from 2030 to 2002: records and scores cover 2000-2002"),
        ({"men": "frozen"}, "unknown option 'men'; did you mean 'mean'"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    table = lives((2, "NATO", ".FF"), (20, "NATO", "FFF"))
    with pytest.raises(InputError, match=message):
        convergence_from_frames(table, flat_scores(table), **options)


def test_own_memberships_and_scores_make_a_panel(tmp_path: Path) -> None:
    assert bayes_hr.convergence_from_frames is convergence_from_frames
    table = lives((2, "A", "..FF.."), (20, "A", "FFFFFF"), (40, "A", "FFFFFF"))
    table = table.assign(igo_name="Alliance", igo_type="political")
    scores = flat_scores(table).rename(columns={"score": "theta", "score_sd": "theta_sd"})
    scores["country"] = scores["ccode"].map({2: "USA", 20: "Canada", 40: "Cuba"})
    panel = convergence_from_frames(table, scores, score="theta", min_others=1, distance="signed")
    assert (panel.name, panel.outcome, panel.sources, panel.covariates) == (
        "convergence",
        "gap_signed",
        (),
        (),
    )
    assert panel.options["score"] == "theta"
    assert list(panel.frame.columns) == list(COLUMNS)
    assert panel.frame["igo_name"].eq("Alliance").all()
    assert panel.frame["country"].unique().tolist() == ["USA", "Canada", "Cuba"]
    assert panel.frame["score_sd"].eq(0.1).all()
    saved = Panel.load(panel.save(tmp_path / "panel.parquet"))
    assert saved.digest() == panel.digest()
    assert (saved.merge, saved.options) == (panel.merge, panel.options)
    with pytest.raises(InputError, match="scores: missing column 'score'; did you mean"):
        convergence_from_frames(table, scores.rename(columns={"theta": "scores"}))
    bare = convergence_from_frames(table, scores.drop(columns="theta_sd"), score="theta", min_others=1)
    assert any("score_sd: missing in 18 of 18 rows" in note for note in bare.merge.notes)


def test_a_ready_table_becomes_the_same_panel() -> None:
    frame = ready()
    panel = Panel.from_frame(frame.sample(frac=1, random_state=3), name="convergence", outcome="distance")
    pd.testing.assert_frame_equal(panel.frame, frame)
    assert (panel.name, panel.outcome, panel.covariates) == ("convergence", "distance", ())
    same = frame.astype({"ccode": "float64", "igo": "category", "phase": "object", "year": "int32"})
    assert Panel.from_frame(same, name="convergence", outcome="distance").digest() == panel.digest()
    other = Panel.from_frame(frame.assign(igo="C" + frame["igo"]), name="convergence", outcome="distance")
    assert other.digest() != panel.digest()
    needed = frame[["ccode", "igo", "year", "phase", "entry", "last", "distance"]].assign(gdp=1.5, word="x")
    least = Panel.from_frame(needed, name="convergence", outcome="distance")
    pd.testing.assert_series_equal(least.frame["k"], frame["k"])
    assert least.covariates == ("gdp",)
    assert least.frame["exits"].tolist() == frame["exits"].tolist()
    assert {"score", "igo_mean"}.isdisjoint(least.frame.columns)
    assert [note.split(":")[0] for note in least.merge.notes] == [
        "igo_type",
        "founder",
        "left_censored",
        "columns that are not used (text, or not asked for)",
    ]
    follows = frame.drop(columns=["distance", "gap_signed"])
    computed = Panel.from_frame(follows, name="convergence", outcome="gap_signed").frame
    np.testing.assert_allclose(computed["distance"], frame["distance"])
    names = {"igo": "org", "score": "theta"}
    theirs = follows.rename(columns=names)
    renamed = Panel.from_frame(theirs, name="convergence", outcome="distance", columns=names)
    assert renamed.digest() == Panel.from_frame(follows, name="convergence", outcome="distance").digest()


def test_own_outcome_with_missing_values_is_kept_and_counted() -> None:
    frame = ready().assign(gulf=np.arange(len(ready()), dtype=float))
    frame.loc[:2, "gulf"] = NAN
    panel = Panel.from_frame(frame, name="convergence", outcome="gulf")
    assert (panel.outcome, len(panel.frame)) == ("gulf", len(frame) - 3)
    assert [(step.reason, step.rows) for step in panel.merge.steps] == [("gulf missing", 3)]


def put(column: str, value: object, row: int = 0) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        out = frame.astype({column: "object"})
        out.loc[row, column] = value
        return out

    return change


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda f: f.drop(columns="phase"), {}, "missing column 'phase'"),
        (lambda f: f.drop(columns="distance"), {"outcome": "distanc"}, "missing column 'distanc'"),
        (put("phase", "befor"), {}, "column 'phase': 'befor' in row 0 is not valid; did you mean 'before'"),
        (
            put("phase", "during"),
            {},
            "phase 'during' needs entry <= year <= last; not so for ccode 2, IGO A, 2000",
        ),
        (put("k", 4.0), {}, "column 'k' must be .year - entry. / 10"),
        (put("distance", 9.0), {}, r"column 'distance' must be \|gap_signed\|; found 9.0"),
        (put("gap_signed", 9.0), {}, "column 'gap_signed' must be score - igo_mean"),
        (put("igo", None), {}, "column 'igo' is missing in row 0"),
        (put("igo", ""), {}, "column 'igo': '' in row 0 is not valid"),
        (put("igo_type", "social"), {}, "igo_type must be the same in all rows of an IGO"),
        (put("founder", True), {}, "column 'founder' must be the same in all rows of a dyad"),
        (put("founder", 2), {}, "column 'founder' must be true or false; found 2.0"),
        (lambda f: f.assign(exits=False), {}, "exits is false, but there are rows after exit"),
        (lambda f: pd.concat([f, f.iloc[:1]]), {}, r"duplicate row.s. .ccode-igo-year.: 2-A-2000"),
        (lambda f: f.assign(gulf=1.0), {"outcome": "gulf"}, "'gulf' has the same value in every row"),
        (lambda f: f, {"outcome": "score"}, "column 'score' has a fixed meaning"),
        (lambda f: f, {"treaty": "CAT"}, "a convergence panel has none"),
        (lambda f: f, {"covariates": ["k"]}, "covariate 'k' has a fixed meaning"),
        (lambda f: f, {"name": "convergense"}, "unknown panel 'convergense'; did you mean 'convergence'"),
        (lambda f: f[f["phase"] != "during"], {}, "no row is during membership"),
        (put("entry", 1999.5), {}, "column 'entry' must hold whole numbers"),
        (put("ccode", "USA"), {}, "ccode must be whole numbers"),
    ],
)
def test_bad_ready_tables(change: Callable[..., Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Panel.from_frame(change(ready()), **{"name": "convergence", "outcome": "distance", **options})


@pytest.fixture(scope="module")
def panel() -> Panel:
    return load_panel("convergence")


@pytest.mark.real_data
def test_real_panel_counts(panel: Panel) -> None:
    frame = panel.frame
    assert frame["phase"].value_counts().to_dict() == {
        "during": 476_333,
        "before": 98_211,
        "after": 15_280,
        "gap": 6_137,
    }
    dyads = frame[["ccode", "igo"]].drop_duplicates()
    assert (len(frame), len(dyads), frame["ccode"].nunique(), frame["igo"].nunique()) == (
        595_961,
        16_156,
        202,
        417,
    )
    assert (frame["year"].min(), frame["year"].max()) == (1946, 2014)
    by_dyad = frame["phase"].eq("before").groupby([frame["ccode"], frame["igo"]]).any()
    assert by_dyad.mean() == pytest.approx(0.452, abs=5e-4)
    assert frame.loc[frame["phase"] == "after", ["ccode", "igo"]].drop_duplicates().shape[0] == 862
    assert list(frame.columns) == list(COLUMNS)
    assert frame[KEYS].equals(frame[KEYS].sort_values(KEYS, ignore_index=True))
    assert not frame.isna().any().any()
    assert (frame["n_others"] >= 5).all()


@pytest.mark.real_data
def test_real_panel_with_any_other_member_is_the_one_that_was_measured() -> None:
    """16,475 dyads, 202 states, 490 IGOs were measured with trial code: one scored other was enough."""
    frame = load_panel("convergence", min_others=1).frame
    dyads = frame[["ccode", "igo"]].drop_duplicates()
    assert (len(dyads), frame["ccode"].nunique(), frame["igo"].nunique()) == (16_475, 202, 490)
    assert len(frame) == 608_376
    assert (frame["phase"] != "gap").sum() == 602_161
    assert frame.loc[frame["phase"] == "after", ["ccode", "igo"]].drop_duplicates().shape[0] == 871


@pytest.mark.real_data
def test_real_report(panel: Panel) -> None:
    report = panel.merge
    assert report.rows_in == 2_848_152
    assert {step.reason.split(",")[0]: step.rows for step in report.steps} == {
        "outside 1946-2014": 144_766,
        "the state is never a member of the IGO": 2_075_963,
        "the state was a member only outside 1946-2014": 897,
        "membership missing (-9)": 18_015,
        "fewer than 5 scored others in the IGO": 12_550,
    }
    text = report.to_text()
    for said in (
        "19,544 of the 626,526 records of ever-members (3.1%): 1,529 lie between",
        "4,267 founders",
        "2,993 left-censored",
        "1960: 380 (beside it 94), 1965: 288 (beside it 100)",
        "thin exits: 862 dyads (5.3%)",
        "economic 599, social 155, political 108",
        "spikes of last years: 1964: 117 (beside it 3)",
        "loses 2.7% of its distance (0.028) at entry",
        "2,100 dyads were members to the end",
        "UNESCO (2003) is missing",
        "(1969-74) is missing",
        "five-yearly up to 1965",
    ):
        assert said in text, said


@pytest.mark.real_data
def test_united_kingdom_in_unesco(panel: Panel) -> None:
    frame = panel.frame[(panel.frame["ccode"] == 200) & (panel.frame["igo"] == "UNESCO")].set_index("year")
    assert frame.loc[:1985, "phase"].eq("during").all()
    assert frame.loc[1986:1996, "phase"].eq("gap").all()
    assert frame.loc[1997:, "phase"].eq("during").all()
    assert frame.loc[[1985, 1990, 1997, 2014], "entry"].tolist() == [1946, 1946, 1997, 1997]
    assert frame.loc[[1985, 1990, 1997], "last"].tolist() == [2014, 1985, 2014]
    assert frame.loc[[1990, 1997], "k"].tolist() == [4.4, 0.0]
    assert frame["founder"].all()
    assert not frame["exits"].any()


@pytest.mark.real_data
def test_czechoslovakia_and_the_means_of_one_year(panel: Panel) -> None:
    frame = panel.frame
    assert frame.loc[frame["ccode"] == 315, "year"].agg(["min", "max", "nunique"]).tolist() == [
        1946,
        1992,
        47,
    ]
    scores = read_source("hrps_v402").set_index(["ccode", "year"])["hrps_v402"]
    table = read_source("cow_igo_state_year")
    members = table[(table["igo"] == "COE") & (table["year"] == 2000) & (table["code"] == 1)]["ccode"]
    rows = frame[(frame["igo"] == "COE") & (frame["year"] == 2000)].set_index("ccode")
    for ccode in (225, 365, 369):  # Switzerland, Russia and Ukraine, by hand
        others = [scores[other, 2000] for other in members if other != ccode]
        assert rows.loc[ccode, "igo_mean"] == pytest.approx(np.mean(others), abs=1e-12)
        assert rows.loc[ccode, "n_others"] == len(others)


@pytest.mark.real_data
def test_spread_of_the_score_grew(panel: Panel) -> None:
    """1.06 in 1950 is the SD of all 82 scores; 7 of them are of countries outside the state system then."""
    scores = read_source("hrps_v402").groupby("year")["hrps_v402"].std()
    assert scores[1950] == pytest.approx(1.06, abs=0.005)
    spread = panel.frame.drop_duplicates(["ccode", "year"]).groupby("year")["score"].std()
    assert spread[1950] == pytest.approx(1.086, abs=5e-4)
    assert spread[2010] == scores[2010] == pytest.approx(1.62, abs=0.005)


@pytest.mark.real_data
def test_real_options(panel: Panel) -> None:
    inclusive = load_panel("convergence", mean="inclusive")
    during = panel.frame["phase"] == "during"
    n = panel.frame["n_others"]
    np.testing.assert_allclose(
        inclusive.frame["distance"],
        panel.frame["distance"] * (n / (n + 1)).where(during, 1.0),
        atol=1e-12,
    )
    assert any(note.startswith("MECHANICAL JUMP") for note in inclusive.merge.notes)
    europe = load_panel("convergence", igos=["coe", "Mercosur"], standardise="year", end=2000)
    assert set(europe.frame["igo"]) == {"COE", "MERCOSUR"}
    assert europe.frame["year"].max() == 2000
    assert europe.options["igos"] == ["COE", "MERCOSUR"]
    assert europe.sources[:2] == ("hrps_v402", "cow_igo_state_year")
    with pytest.raises(InputError, match="unknown IGO code 'UNESC'; did you mean 'UNESCO'"):
        load_panel("convergence", igos=["UNESC"])
    with pytest.raises(InputError, match="unknown option 'score_name'"):
        load_panel("convergence", score_name="x")
    with pytest.raises(InputError, match="score: unknown value 'hrps'; did you mean 'hrps_v402'"):
        load_panel("convergence", score="hrps")
