"""Outcomes of the ratification panel: scales, directions, country numbers and missing values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayes_hr.data.load import load_panel
from bayes_hr.data.outcomes import OUTCOMES, get_outcome
from bayes_hr.data.panel import Panel
from bayes_hr.data.parsed import read_source
from bayes_hr.data.readers_outcomes import read_cirights, read_hathaway, read_pts
from bayes_hr.data.sources import SOURCES
from bayes_hr.errors import InputError

ORDINAL = [name for name, outcome in OUTCOMES.items() if outcome.kind == "ordinal"]
REVERSED = ["pts_a", "pts_h", "pts_s", "hathaway_torture"]

# rows of the file with a score, rows of the panel
ROWS = {
    "hrps_v402": (11_665, 11_490),
    "hrps_v301": (11_717, 10_713),
    "cirights_torture": (6_722, 6_712),
    "cirights_disappearance": (6_719, 6_709),
    "cirights_killing": (6_716, 6_706),
    "cirights_imprisonment": (6_724, 6_714),
    "cirights_physint": (6_698, 6_688),
    "pts_a": (6_352, 6_334),
    "pts_h": (1_038, 1_038),
    "pts_s": (8_408, 8_381),
    "hathaway_torture": (2_233, 2_178),
    "v2cltort": (26_442, 15_980),
    "v2x_clphy": (26_434, 15_978),
}

# rank correlation with the latent score v4.02, rounded down
WITH_LATENT = {
    "hrps_v301": 0.99,
    "cirights_torture": 0.70,
    "cirights_disappearance": 0.60,
    "cirights_killing": 0.74,
    "cirights_imprisonment": 0.72,
    "cirights_physint": 0.89,
    "pts_a": 0.86,
    "pts_h": 0.89,
    "pts_s": 0.88,
    "hathaway_torture": 0.74,
    "v2cltort": 0.70,
    "v2x_clphy": 0.73,
}


def scores(name: str) -> pd.DataFrame:
    return read_source(OUTCOMES[name].source)[["ccode", "year", name]]


def at(name: str, column: str | None = None) -> pd.Series:
    return read_source(OUTCOMES[name].source).set_index(["ccode", "year"])[column or name]


def rank_correlation(first: str, second: str) -> float:
    both = scores(first).merge(scores(second), on=["ccode", "year"], validate="1:1")
    return float(both[[first, second]].corr("spearman").iloc[0, 1])


def test_registry() -> None:
    assert set(ROWS) == set(OUTCOMES)
    assert {outcome.source for outcome in OUTCOMES.values()} <= set(SOURCES)
    assert [name for name, outcome in OUTCOMES.items() if outcome.reversed] == REVERSED
    assert all(bool(outcome.categories) == (outcome.kind == "ordinal") for outcome in OUTCOMES.values())
    with pytest.raises(InputError, match="unknown outcome 'pts_x'; did you mean 'pts_"):
        get_outcome("pts_x")


@pytest.mark.real_data
@pytest.mark.parametrize("name", OUTCOMES)
def test_rows(name: str) -> None:
    source = read_source(OUTCOMES[name].source)
    assert not source.duplicated(["ccode", "year"]).any()
    panel = load_panel("ratification", outcome=name)
    assert (int(source[name].notna().sum()), len(panel.frame)) == ROWS[name]
    assert panel.merge.rows_in == len(source) == len(panel.frame) + sum(s.rows for s in panel.merge.steps)
    assert panel.frame[name].notna().all()
    assert panel.covariates == ("log_gdppc", "log_population", "conflict", "polity2")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ORDINAL)
def test_categories(name: str) -> None:
    assert set(scores(name)[name].dropna()) == set(OUTCOMES[name].categories)


@pytest.mark.real_data
@pytest.mark.parametrize("name", WITH_LATENT)
def test_higher_is_better(name: str) -> None:
    assert rank_correlation("hrps_v402", name) >= WITH_LATENT[name]


@pytest.mark.real_data
def test_pts_and_cirights_agree() -> None:
    for name, bound in (("pts_a", 0.77), ("pts_h", 0.74), ("pts_s", 0.85)):
        assert rank_correlation(name, "cirights_physint") >= bound


@pytest.mark.real_data
@pytest.mark.parametrize("name", REVERSED)
def test_reversed_and_kept(name: str) -> None:
    panel = load_panel("ratification", outcome=name)
    assert (panel.frame[name] + panel.frame[f"{name}_original"] == 6).all()
    again = Panel.from_frame(panel.frame, outcome=name)
    assert (again.covariates, again.digest()) == (panel.covariates, panel.digest())


@pytest.mark.real_data
def test_v301() -> None:
    source = read_source("hrps_v301")
    assert (source["hrps_v301_sd"] > 0).all()
    assert source.loc[source["ccode"] == 315, "year"].agg(["min", "max"]).tolist() == [1946, 1992]
    steps = load_panel("ratification", outcome="hrps_v301").merge.steps
    assert [(s.reason, s.rows) for s in steps] == [("not in the COW state system in that year", 1_004)]


@pytest.mark.real_data
def test_physint_is_the_sum_of_the_four() -> None:
    frame = read_source("cirights")
    parts = frame[[f"cirights_{x}" for x in ("torture", "disappearance", "killing", "imprisonment")]]
    total = parts.sum(axis=1, skipna=False).rename("cirights_physint")
    pd.testing.assert_series_equal(frame["cirights_physint"], total)


@pytest.mark.real_data
def test_one_state_a_year_in_the_terror_scale() -> None:
    amnesty, state = at("pts_a", "pts_a_original"), at("pts_s", "pts_s_original")
    assert amnesty[(345, 1991)] == 3  # the Federal Republic; the Socialist one: 4
    assert amnesty[(345, 2006)] == 3  # only the Federal Republic is rated
    assert (state[(345, 1993)], state[(345, 2006)], state[(345, 2007)]) == (5, 2, 2)
    twice = read_source("pts").query("pts_s_rows > 1")
    assert list(zip(twice["ccode"], twice["year"], strict=True)) == [(345, 1991), (345, 1992), (345, 2006)]
    assert (state[(365, 1991)], state[(365, 1992)]) == (4, 3)  # the Soviet Union, Russia


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["pts_s", "hathaway_torture", "v2cltort"])
def test_germanies_and_yemens(name: str) -> None:
    known = at(name).dropna()
    years = known.reset_index().groupby("ccode")["year"].agg(["min", "max"])
    assert years.loc[260, "max"] in {1989, 1990}
    assert years.loc[678, "max"] == 1989
    assert years.loc[679, "max"] >= 1999
    assert years.loc[816, "max"] >= 1999
    assert (255, 1985) not in known.index
    assert (255, 1995) in known.index


@pytest.mark.real_data
def test_reasons_account_for_every_missing_score() -> None:
    panel = load_panel("ratification", outcome="pts_s")
    note = next(n for n in panel.merge.notes if "without a score, by its code" in n)
    assert "77 (no such state in the year): 19, 88 (no report on it): 293" in note
    missing = next(s.rows for s in panel.merge.steps if s.reason == "pts_s missing")
    assert missing == 1 + 19 + 293 + 1 + 1  # 66, 77, 88, 99, blank
    assert at("pts_s", "pts_s_code")[(2, 2000)] == 88  # the State Department does not report on the USA


def test_special_codes_of_ciri_are_missing_and_kept(tmp_path: Path) -> None:
    rows = pd.DataFrame({"cow": [2, 20, 342, 345], "year": 2010, "tort": [1, -77, 2, np.nan]})
    table = rows.assign(disap=2, kill=2, polpris=2, physint_sum=[7, -999, 8, np.nan])
    table.to_csv(tmp_path / "ciri.csv", index=False)
    frame = read_cirights(tmp_path / "ciri.csv").set_index("ccode")
    assert frame["cirights_torture"].isna().tolist() == [False, True, False]
    assert (frame.loc[20, "cirights_torture_code"], frame.loc[20, "cirights_physint_code"]) == (-77, -999)
    assert frame.loc[345, "cirights_torture"] == 2  # 342 in the file
    table.assign(kill=3).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(InputError, match=r"bad\.csv: kill is 0 to 2, and this file has 3"):
        read_cirights(tmp_path / "bad.csv")


def pts_file(path: Path, rows: list[tuple[str, str, int, str, int]]) -> Path:
    table = pd.DataFrame(rows, columns=["Country", "COW_Code_N", "Year", "PTS_S", "NA_Status_S"])
    for letter in "AH":
        table[f"PTS_{letter}"], table[f"NA_Status_{letter}"] = table["PTS_S"], table["NA_Status_S"]
    table.to_csv(path, index=False)
    return path


def test_terror_scale_by_rule(tmp_path: Path) -> None:
    rows = [
        ("New", "345", 1991, "2", 0),
        ("New", "345", 1992, "NA", 77),
        ("New", "345", 1993, "1", 0),
        ("Old", "345", 1991, "5", 0),
        ("Old", "345", 1992, "NA", 88),
        ("Puerto Rico", "NA", 1991, "3", 0),
    ]
    frame = read_pts(pts_file(tmp_path / "pts.csv", rows))
    assert frame["year"].tolist() == [1991, 1992, 1993]
    assert frame["pts_s"].tolist()[::2] == [4, 5]
    assert frame["pts_s_original"].tolist()[::2] == [2, 1]
    assert frame["pts_s_rows"].tolist() == [2, 0, 1]
    assert frame["pts_s_code"].tolist()[1] == 88  # of the row whose state was there


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("Ruritania", "NA", 1991, "3", 0), "no COW number for Ruritania"),
        (("Sweden", "380", 1991, "6", 0), "PTS_A is 1 to 5, and this file has 6"),
        (("Sweden", "380", 1991, "NA", 55), "NA_Status_A has 66, 77, 88, 99 or 0, and this file 55"),
    ],
)
def test_terror_scale_refuses(tmp_path: Path, row: tuple[str, str, int, str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_pts(pts_file(tmp_path / "pts.csv", [row]))


def test_hathaway_refuses_what_is_off_its_scale(tmp_path: Path) -> None:
    path = tmp_path / "hathaway.csv"
    pd.DataFrame({"ccode": [380], "year": [1990], "torture": [-999]}).to_csv(path, index=False)
    with pytest.raises(InputError, match="torture is 1 to 5, and this file has -999"):
        read_hathaway(path)
