"""The merge report as data: matches, missing values, listwise losses, and nothing lost without a reason."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_hr import load_panel
from bayes_hr.cards import parse_card
from bayes_hr.data.merge import MergeReport, drop_rows
from bayes_hr.data.merge_parts import (
    JOINTLY,
    Duplicate,
    Loss,
    Missing,
    SourceMatch,
    listwise,
    missing_table,
)
from bayes_hr.data.panel import Panel
from bayes_hr.data.parsed import read_source
from bayes_hr.data.sources import SOURCES
from bayes_hr.ratification_design import build

VARIABLES = ("x", "y", "z")
text = st.text(max_size=8)
count = st.integers(0, 10**6)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Country-years with holes in three variables."""
    keys = draw(
        st.lists(st.tuples(st.integers(2, 6), st.integers(1988, 2012)), min_size=1, max_size=25, unique=True)
    )
    frame = pd.DataFrame(sorted(keys), columns=["ccode", "year"])
    frame["country"] = "Land " + frame["ccode"].astype(str)
    for name in VARIABLES:
        holes = draw(st.lists(st.booleans(), min_size=len(keys), max_size=len(keys)))
        frame[name] = np.where(holes, np.nan, 1.0)
    return frame


@st.composite
def matches(draw: st.DrawFn) -> SourceMatch:
    matched, unmatched = draw(count), draw(count)
    names = draw(st.dictionaries(st.integers(2, 990), text, max_size=3))
    codes = tuple(names), tuple(names.values())
    return SourceMatch(draw(text), draw(text), matched + unmatched, matched, unmatched, *codes, (1946, 2019))


REPORTS = st.builds(
    MergeReport,
    rows_in=st.just(5),
    steps=st.just(()),
    rows_used=st.just(5),
    countries=st.just(3),
    years=st.just((1999, 2000)),
    notes=st.lists(text, max_size=2).map(tuple),
    matches=st.lists(matches(), max_size=2).map(tuple),
    duplicates=st.lists(st.builds(Duplicate, text, count, text, text, text, text), max_size=2).map(tuple),
    missing=st.lists(st.builds(Missing, text, count, count, count), max_size=2).map(tuple),
    losses=st.lists(st.builds(Loss, text, count, count, st.lists(text).map(tuple)), max_size=2).map(tuple),
)


@settings(deadline=None, max_examples=50)
@given(frame=frames(), data=st.data())
def test_no_row_is_lost_without_a_reason(frame: pd.DataFrame, data: st.DataObject) -> None:
    """Whatever masks take rows away, rows in = dropped + used, and every country-year is in one of them."""
    report = MergeReport.of(len(frame), frame, ()).with_missing(frame, VARIABLES)
    left, gone = frame, []
    for n in range(data.draw(st.integers(0, 4))):
        flags = data.draw(st.lists(st.booleans(), min_size=len(left), max_size=len(left)))
        mask = pd.Series(flags, index=left.index, dtype=bool)
        gone += [*left.loc[mask, ["ccode", "year"]].itertuples(index=False, name=None)]
        left, step = drop_rows(left, mask, f"reason {n}")
        report = report.extend(left, step)
    kept = [*left[["ccode", "year"]].itertuples(index=False, name=None)]
    assert report.rows_in == sum(step.rows for step in report.steps) + report.rows_used
    assert (len(gone), len(kept)) == (report.rows_in - report.rows_used, report.rows_used)
    assert Counter(gone + kept) == Counter(frame[["ccode", "year"]].itertuples(index=False, name=None))
    lost = set(frame["ccode"]) - set(left["ccode"])
    assert sum(step.countries for step in report.steps) == len(lost)
    assert report.missing == MergeReport.of(len(frame), frame, ()).with_missing(frame, VARIABLES).missing


@settings(deadline=None, max_examples=50)
@given(frame=frames())
def test_listwise_by_brute_force(frame: pd.DataFrame) -> None:
    table = listwise(frame, VARIABLES).set_index("variable")
    assert table.index.tolist() == [*VARIABLES, JOINTLY]
    for name, needed in [*((v, [v]) for v in VARIABLES), (JOINTLY, list(VARIABLES))]:
        left = frame.dropna(subset=needed)
        lost = sorted(set(frame["country"]) - set(left["country"]))
        assert table.loc[name, "rows"] == len(frame) - len(left)
        assert table.loc[name, "countries"] == len(lost)
        assert table.loc[name, "names"] == tuple(lost)


@settings(deadline=None, max_examples=50)
@given(frame=frames())
def test_missing_values_by_brute_force(frame: pd.DataFrame) -> None:
    cells = MergeReport.of(len(frame), frame, ()).with_missing(frame, {"X": "x", "Y": "y"}).missing
    assert sum(cell.missing for cell in cells) == frame[["x", "y"]].isna().to_numpy().sum()
    assert {cell.variable for cell in cells} == {"X", "Y"}
    table = missing_table(cells)
    for cell in cells:
        own = frame[frame["year"].between(cell.decade, cell.decade + 9)]
        column = {"X": "x", "Y": "y"}[cell.variable]
        assert (cell.rows, cell.missing) == (len(own), own[column].isna().sum())
        assert table.loc[cell.variable, cell.decade] == own[column].isna().mean()


@settings(deadline=None, max_examples=50)
@given(report=REPORTS)
def test_report_comes_back_from_a_saved_panel(
    report: MergeReport, tmp_path_factory: pytest.TempPathFactory
) -> None:
    frame = pd.DataFrame({"ccode": [2, 2, 20, 20, 40], "year": [1999, 2000, 1999, 2000, 2000]})
    frame = frame.assign(score=[0.1, 0.2, 0.3, 0.4, 0.5], ratified=[0, 1, 0, 0, 1])
    panel = Panel("ratification", frame, report, (), {"outcome": "score"})
    back = Panel.load(panel.save(tmp_path_factory.mktemp("panel") / "p.parquet"))
    assert back.merge == report
    assert back.merge.to_text() == report.to_text()


def test_report_of_an_older_version_has_no_parts() -> None:
    report = MergeReport(5, (), 5, 3, (1999, 2000), ("a note",), missing=(Missing("x", 1990, 5, 1),))
    old = json.loads(json.dumps(report.to_dict()))
    for name in ("matches", "duplicates", "missing", "losses"):
        del old[name]
    assert MergeReport.from_dict(old) == replace(report, missing=())


def test_match_names_what_found_no_row() -> None:
    panel = pd.DataFrame({"ccode": [2, 2, 20], "year": [1999, 2000, 2000]})
    values = pd.DataFrame({"ccode": [2, 2, 20, 20, 40], "year": [1998, 1999, 1999, 2000, 2000]})
    match = SourceMatch.of("src", "gdp", values, panel, {20: "Canada"})
    assert match == SourceMatch("src", "gdp", 4, 2, 2, (20, 40), ("Canada", "COW 40"), (1998, 2000))
    assert match.to_text() == (
        "gdp (src, 1998-2000): 2 of 4 rows within the panel's years matched; not in the panel: "
        "Canada (20), COW 40 (40)"
    )
    states = SourceMatch.of("src", "treaty", values[["ccode"]].drop_duplicates(), panel, {40: "Cuba"})
    assert (states.rows, states.matched, states.names) == (3, 2, ("Cuba",))
    with pytest.raises(ValueError, match="do not add up"):
        replace(match, matched=3)


@pytest.mark.real_data
def test_report_of_the_ratification_panel() -> None:
    panel = load_panel("ratification", treaty="CEDAW")
    merge, frame = panel.merge, panel.frame
    by_variable = {match.variable: match for match in merge.matches}
    assert set(by_variable) > {"hrps_v402", "ratification_year", "log_gdppc", "polity2"}
    for name in ("log_gdppc", "log_population", "polity2"):
        assert by_variable[name].matched == frame[name].notna().sum()
    assert by_variable["hrps_v402"].rows == len(read_source("hrps_v402")) == merge.rows_in
    kept = {twice.country: (twice.kept, twice.given) for twice in merge.duplicates}
    assert kept["Gambia"] == ("1993 kept", "1993 (untreaties_cedaw) and 1983 (hr_status_cedaw)")
    assert {source for match in merge.matches for source in [match.source]} <= set(SOURCES)
    losses = {loss.variable: loss for loss in merge.losses}
    assert losses["log_gdppc"].rows == frame["log_gdppc"].isna().sum() == 1_081
    assert "Tuvalu" in losses["log_gdppc"].names
    assert losses[JOINTLY].rows == frame[["log_gdppc", "polity2"]].isna().any(axis=1).sum()


@pytest.mark.real_data
def test_no_score_is_lost_without_a_reason(tmp_path: Path) -> None:
    panel = load_panel("ratification", treaty="CEDAW", start=1985, end=2010)
    scores = read_source("hrps_v402")[["ccode", "year"]]
    left = scores.merge(panel.frame[["ccode", "year"]], how="left", indicator=True)["_merge"]
    assert (left == "left_only").sum() == sum(step.rows for step in panel.merge.steps)
    assert Panel.load(panel.save(tmp_path / "p.parquet")).merge == panel.merge


def test_design_says_what_its_needs_lose() -> None:
    """A fit holds the missing values of the rows that its card asks for, before they are dropped."""
    frame = pd.DataFrame(
        {"ccode": [2, 2, 2, 20, 20, 20, 40, 40], "year": [1998, 1999, 2000] * 2 + [1998, 1999]}
    )
    frame["country"] = frame["ccode"].map({2: "United States", 20: "Canada", 40: "Cuba"})
    frame["ratification_year"] = frame["ccode"].map({2: 1999.0, 20: 1999.0})
    frame["score"] = np.linspace(0, 1, 8)
    frame["gdp"] = [1.0, 2.0, np.nan, 4.0, 5.0, 6.0, np.nan, np.nan]
    panel = Panel.from_frame(frame, outcome="score")
    assert panel.merge.missing == (Missing("gdp", 1990, 6, 2), Missing("gdp", 2000, 2, 1))
    text = {
        "id": "small",
        "question": "Does ratification help here?",
        "outcome": {"name": "score"},
        "treatment": {"name": "CAT"},
        "estimands": ["regime"],
    }
    card = parse_card({**text, "population": ["gdp"], "where": "year > 1998"}, where="card small")
    merge = build(card, panel).merge
    assert [step.rows for step in merge.steps] == [3, 2]
    assert merge.missing[:2] == (Missing("score", 1990, 3, 0), Missing("score", 2000, 2, 0))
    assert merge.missing[2:] == (Missing("gdp", 1990, 3, 1), Missing("gdp", 2000, 2, 1))
    assert merge.losses == (
        Loss("score", 0, 0),
        Loss("gdp", 2, 1, ("Cuba",)),
        Loss(JOINTLY, 2, 1, ("Cuba",)),
    )
