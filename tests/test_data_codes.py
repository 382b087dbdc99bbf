"""Country codes by year: one to one within a year, back and forth, as the crosswalk and history have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayes_hr
from bayes_hr import InputError, from_cow, to_cow
from bayes_hr.data import crosswalk
from bayes_hr.data.code_years import LAST_YEAR, SCHEMES, code_years, tidy
from bayes_hr.data.parsed import read_source

pytestmark = pytest.mark.real_data

# kind, code, year, COW number
FACTS: list[tuple[str, Any, int, int]] = [
    ("iso2", "NA", 2000, 565),
    ("iso2", "na", 2000, 565),
    ("iso2", "CS", 1985, 315),
    ("iso2", "CS", 2004, 345),
    ("iso3", "USA", 1990, 2),
    ("iso3", "GBR", 1990, 200),
    ("iso3", "DEU", 1930, 255),
    ("iso3", "DEU", 1989, 260),
    ("iso3", "DEU", 1990, 255),
    ("iso3", "DDR", 1990, 265),
    ("iso3", "YEM", 1989, 678),
    ("iso3", "YEM", 1990, 679),
    ("iso3", "YMD", 1980, 680),
    ("iso3", "VNM", 1970, 816),
    ("iso3", "CSK", 1992, 315),
    ("iso3", "CZE", 1993, 316),
    ("iso3", "SVK", 1993, 317),
    ("iso3", "SUN", 1985, 365),
    ("iso3", "RUS", 1985, 365),
    ("iso3", "YUG", 1991, 345),
    ("iso3", "SCG", 2004, 345),
    ("iso3", "SRB", 2004, 345),
    ("iso3", "SRB", 2006, 345),
    ("iso3", "MNE", 2006, 341),
    ("iso3", "XKX", 2010, 347),
    ("iso3", "SDN", 2005, 625),
    ("iso3", "SSD", 2011, 626),
    ("iso3", "ETH", 1980, 530),
    ("iso3", "ERI", 1993, 531),
    ("iso3", "SSD", 2024, 626),  # carried forward from 2020
    ("gw", 260, 1989, 260),
    ("gw", 260, 1990, 255),
    ("gw", 678, 1989, 678),
    ("gw", "678.0", 1990, 679),
    ("gw", 340, 2010, 345),
    ("gw", 345, 2006, 345),
    ("gw", 816, 2000, 816),
    ("gw", 970, 2010, 946),
    ("gw", 971, 2010, 970),
    ("vdem", 77, 1980, 260),
    ("vdem", 14, 1980, 678),
    ("vdem", 157, 1980, 315),
    ("vdem", 157, 2000, 316),
    ("vdem", 198, 1980, 345),
    ("vdem", 35, 1970, 817),
    ("cowc", "GFR", 1990, 260),
    ("name", "Germany", 1980, 260),
    ("name", "West Germany", 1980, 260),
    ("name", "Federal Republic of Germany", 1995, 255),
    ("name", "Soviet Union", 1980, 365),
    ("name", "Congo, Dem. Rep.", 1980, 490),
    ("name", "Cote d\u2019Ivoire", 1980, 437),
    ("name", "  côte   D'IVOIRE ", 1980, 437),
    ("name", "Korea", 1990, 732),
    ("name", "Serbia", 1995, 345),
    ("cow", 2, 2020, 2),
]


@pytest.mark.parametrize(("scheme", "code", "year", "cow"), FACTS)
def test_facts(scheme: str, code: object, year: int, cow: int) -> None:
    assert to_cow([code], scheme, year).tolist() == [cow]


@pytest.mark.parametrize(
    ("scheme", "cow", "year", "code"),
    [
        ("iso3", 345, 2002, "YUG"),
        ("iso3", 345, 2005, "SCG"),
        ("iso3", 345, 2006, "SRB"),
        ("iso3", 365, 1985, "RUS"),
        ("iso2", 565, 1990, "NA"),
        ("gw", 255, 1990, 260),
        ("gw", 345, 2006, 340),
        ("gw", 955, 2010, 972),
        ("vdem", 315, 1980, 157),
        ("cowc", 200, 1980, "UKG"),
        ("name", 260, 1980, "West Germany"),
        ("name", 345, 2010, "Yugoslavia/Serbia"),
    ],
)
def test_facts_back(scheme: str, cow: int, year: int, code: object) -> None:
    assert from_cow([cow], scheme, year).tolist() == [code]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_there_and_back_for_every_country_year(scheme: str) -> None:
    table = code_years(scheme)
    assert not table.duplicated(["code", "year"]).any()
    own = table[table["own"]]
    assert len(own) > 15_000
    back = from_cow(own["ccode"], scheme, own["year"])
    assert back.astype("str").tolist() == own["label"].tolist()
    assert to_cow(back, scheme, own["year"]).tolist() == own["ccode"].tolist()


def test_agrees_with_the_crosswalk_and_the_state_system() -> None:
    panel = read_source("codelist_panel").query("year >= 1816").dropna(subset=["ccode"])
    assert panel["year"].max() == LAST_YEAR
    for scheme, column in (("iso3", "iso3"), ("gw", "gwno"), ("vdem", "vdem"), ("name", "name")):
        rows = panel.dropna(subset=[column])
        found, report = to_cow(rows[column], scheme, rows["year"], unmatched="drop")
        assert report.empty
        differs = rows[found != rows["ccode"]]
        # the one number that two states bear in a year: North Yemen's in 1990 goes to Yemen
        assert differs["name"].tolist() == (["Yemen Arab Republic"] if scheme == "gw" else [])
    system = crosswalk.state_years(1816, LAST_YEAR)
    assert len(from_cow(system["ccode"], "name", system["year"]).dropna()) == len(system)


def test_agrees_with_the_conversion_of_readers() -> None:
    gw = code_years("gw")
    rows = pd.DataFrame({"gwno": gw["code"].astype("int64"), "year": gw["year"]})
    differs = gw[crosswalk.gw_to_cow(rows) != gw["ccode"]]
    assert differs.empty


@settings(deadline=None, max_examples=8)
@given(st.integers(LAST_YEAR, 2100))
def test_later_years_are_read_as_the_last(year: int) -> None:
    codes = ["DEU", "SRB", "SSD", "NAM"]
    assert to_cow(codes, "iso3", year).tolist() == to_cow(codes, "iso3", LAST_YEAR).tolist()


@given(st.integers(0, 2000))
def test_numbers_are_tidied(number: int) -> None:
    assert tidy(float(number), "gw") == tidy(f" {number} ", "gw") == tidy(number, "gw") == str(number)


def test_keeps_the_index() -> None:
    values = pd.Series(["USA", "GBR"], index=[7, 3])
    assert to_cow(values, "iso3", np.int64(1990)).to_dict() == {7: 2, 3: 200}
    assert to_cow(values, "iso3", [1990, 1991]).to_dict() == {7: 2, 3: 200}


MESSAGES: dict[str, tuple[list[object], str, Any, str]] = {
    "typo": (
        ["USA", "GER", "GER"],
        "iso3",
        2000,
        r"'GER' in 2000 \(row 1, 2\): no such ISO3 code; nearest: DEU \(G",
    ),
    "wrong kind": (["US"], "iso3", 2000, "no such ISO3 code; it is a known ISO2 code"),
    "too early": (
        ["CZE"],
        "iso3",
        1985,
        r"COW 316 \(Czechia\) from 1993 on \(before, compare COW 315, Czechosl",
    ),
    "years": (
        ["UKR"] * 3,
        "iso3",
        [1988, 1989, 1990],
        r"'UKR' in 1988-1990 \(row 0, 1, 2\): a state only as",
    ),
    "no state": (["HKG"], "iso3", 2000, "Hong Kong SAR China is no member of the COW state system"),
    "name": (["Untied States"], "name", 2000, r"nearest: United States \(COW 2, from 1816 on\)"),
    "missing": ([None], "iso3", 2000, r"row 0\): missing"),
    "Namibia": ([float("nan")], "iso2", 2000, "Namibia's code NA.*keep_default_na=False"),
    "empty": ([" "], "iso3", 2000, r"row 0\): missing"),
    "no number": (["2b"], "gw", 2000, "'2b' in 2000 .*no such Gleditsch-Ward number"),
    "scheme": (["USA"], "iso", 2000, "unknown kind of code 'iso'; did you mean 'iso"),
    "too few years": (["USA", "GBR"], "iso3", [2000], "1 for 2 values"),
    "half a year": (["USA"], "iso3", [2000.5], "2000.5 in row 0 .* is not a whole year"),
}


@pytest.mark.parametrize(("values", "scheme", "years", "message"), MESSAGES.values(), ids=MESSAGES)
def test_messages(values: list[object], scheme: str, years: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_cow(values, scheme, years)


@pytest.mark.parametrize(
    ("cow", "scheme", "year", "message"),
    [
        (817, "iso3", 1970, "South Vietnam, a state 1954-1975; ISO3 code: none"),
        (260, "iso3", 1990, "West Germany, a state 1955-1990; ISO3 code: DEU 1955-1989"),
        (315, "iso3", 1993, "Czechoslovakia, a state 1918-1939, 1945-1992"),
        (999, "iso3", 2000, "no such COW number; nearest: 990"),
    ],
)
def test_messages_back(cow: int, scheme: str, year: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_cow([2, cow], scheme, year)
    found, report = from_cow([2, cow], scheme, year, unmatched="drop")
    assert found.isna().tolist() == [False, True]
    assert report["row"].tolist() == [1]


def test_drop_reports_every_row() -> None:
    found, report = to_cow(["USA", "XYZ", None, "XYZ"], "iso3", 2000, unmatched="drop")
    assert found.isna().tolist() == [False, True, True, True]
    assert report["row"].tolist() == [1, 2, 3]
    assert list(report.columns) == ["row", "value", "year", "reason"]


def test_other_choices_are_refused() -> None:
    choice: Any = "dorp"
    with pytest.raises(InputError, match="did you mean 'drop'"):
        to_cow(["USA"], "iso3", 2000, unmatched=choice)
    with pytest.raises(InputError, match="a list or column of codes"):
        bayes_hr.to_cow("USA", "iso3", 2000)
