"""A user's codes and own columns on the way to a panel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError


def rows(codes: tuple[object, ...] = (2, 20, 40), years: range = range(2000, 2004)) -> pd.DataFrame:
    """Countries over a few years; the first ratified in the second year, the others never."""
    n = len(years)
    frame = pd.DataFrame(
        {"ccode": np.repeat(np.array(codes, dtype=object), n), "year": [*years] * len(codes)}
    )
    frame["score"] = np.linspace(-1, 1, len(frame))
    frame["ratification_year"] = np.where(np.arange(len(frame)) < n, years[1], np.nan)
    return frame.infer_objects()


def anything(value: Any) -> Any:
    """What a type checker would refuse."""
    return value


def panel() -> Panel:
    return Panel.from_frame(rows(), outcome="score")


def ties() -> pd.DataFrame:
    return pd.DataFrame({"ccode": [2, 2, 20, 70], "year": [2000, 2001, 2000, 2000], "ties": [1.0, 2, 3, 4]})


def test_join_by_country_year() -> None:
    before = panel()
    after = before.join(ties(), columns=["ties"])
    known = after.frame.dropna(subset=["ties"])[["ccode", "year", "ties"]]
    assert known.to_numpy().tolist() == [[2, 2000, 1], [2, 2001, 2], [20, 2000, 3]]
    assert len(after.frame) == 12
    assert after.covariates == (*before.covariates, "ties")
    assert after.merge.notes[-2].startswith("ties (the user's own, joined by ccode and year): 3 of 12 rows")
    assert "9 have none" in after.merge.notes[-2]
    assert "1 rows of the joined table are not used" in after.merge.notes[-2]
    assert after.merge.notes[-1].startswith("ties: missing in 9 of 12 rows")
    assert "ties" not in before.frame.columns
    assert before.digest() != after.digest()
    assert json.loads(json.dumps(after.options))["joined"] == [
        {
            "columns": ["ties"],
            "on": ["ccode", "year"],
            "codes": "cow",
            "lag": 0,
            "matched": 3,
            "unmatched": 9,
            "unused": 1,
        }
    ]


def test_join_with_a_lag_takes_the_value_of_the_year_before() -> None:
    after = panel().join(ties(), columns=["ties"], lag=1)
    values = after.frame.set_index(["ccode", "year"])["ties"]
    assert values.loc[(2, 2001)] == 1
    assert values.loc[(2, 2002)] == 2
    assert np.isnan(values.loc[(2, 2000)])
    assert "the value of year t - 1 at year t" in after.merge.notes[-2]


def test_join_by_country_and_twice() -> None:
    table = pd.DataFrame({"state": [2, 20, 40], "sea": [1, 1, 0], "land": [1, 2, 3]})
    after = panel().join(table, on=("state",), columns=["sea"]).join(table, on=("state",), columns=["land"])
    assert after.frame.groupby("ccode")["land"].unique().map(list).tolist() == [[1], [2], [3]]
    joined: Any = after.options["joined"]
    assert [j["columns"] for j in joined] == [["sea"], ["land"]]


def test_joined_panel_survives_a_file(tmp_path: Path) -> None:
    after = panel().join(ties(), columns=["ties"])
    back = Panel.load(after.save(tmp_path / "panel.parquet"))
    assert back.digest() == after.digest()
    assert back.options == after.options


def test_join_gives_dyad_years_of_a_country_year_the_same_value() -> None:
    frame = pd.DataFrame({"ccode": 2, "igo": ["A", "A", "B", "B"], "year": [2000, 2001] * 2})
    frame = frame.assign(phase="during", entry=2000, last=2001, distance=[0.1, 0.2, 0.3, 0.5])
    found = Panel.from_frame(frame, outcome="distance", name="convergence").join(ties(), columns=["ties"])
    assert found.frame["ties"].tolist() == [1, 2, 1, 2]
    with pytest.raises(InputError, match="the panel has score already"):
        found.join(ties().rename(columns={"ties": "score"}), columns=["score"])


Call = Callable[[Panel], object]
REFUSED: dict[str, tuple[Call, str]] = {
    "duplicate": (
        lambda p: p.join(pd.concat([ties(), ties().iloc[:1]]), columns=["ties"]),
        r"several rows for one key: 2 in row 0 \(COW 2 in 2000\), 2 in row 4",
    ),
    "clash": (lambda p: p.join(ties().assign(score=1), columns=["score"]), "the panel has score already"),
    "fixed name": (lambda p: p.join(ties().assign(score_sd=1), columns=["score_sd"]), "has score_sd already"),
    "no column": (lambda p: p.join(ties(), columns=["tise"]), "one column 'tise'; did you mean 'ties'"),
    "no key": (
        lambda p: p.join(ties().rename(columns={"ccode": "iso3c"}), columns=["ties"]),
        "one column 'ccode'.*'iso3c' holds the country.*codes='iso3'",
    ),
    "text": (lambda p: p.join(ties().assign(ties="x"), columns=["ties"]), "'ties' must hold numbers"),
    "codes as numbers": (
        lambda p: p.join(ties().assign(ccode="USA"), columns=["ties"]),
        "found text such as 'USA'",
    ),
    "no columns": (lambda p: p.join(ties(), columns=[]), "must be a list of different column names"),
    "a text": (lambda p: p.join(ties(), columns="ties"), "must be a list of different column names"),
    "three keys": (
        lambda p: p.join(ties(), on=("ccode", "year", "ties"), columns=["ties"]),
        "or the country's and",
    ),
    "lag by country": (
        lambda p: p.join(ties(), on=("ccode",), columns=["ties"], lag=1),
        "lag=1 needs the year",
    ),
    "half a lag": (lambda p: p.join(ties(), columns=["ties"], lag=anything(0.5)), "must be a whole number"),
    "nothing matches": (
        lambda p: p.join(ties().assign(year=[1900, 1901, 1900, 1900]), columns=["ties"]),
        r"no row of the panel \(3 countries, 2000-2003\) has a partner in the table \(3 countries, 1900",
    ),
    "empty": (lambda p: p.join(ties().iloc[:0], columns=["ties"]), "the table has no rows"),
    "no frame": (lambda p: p.join(anything([1]), columns=["ties"]), "a pandas DataFrame is needed"),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_join_refuses(call: Call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(panel())


@pytest.mark.parametrize(
    ("column", "how"),
    [
        ("iso3c", "columns={'ccode': 'iso3c'}, codes='iso3' (--column ccode=iso3c --codes iso3)"),
        ("ISO2", "columns={'ccode': 'ISO2'}, codes='iso2' (--column ccode=ISO2 --codes iso2)"),
        ("country", "columns={'ccode': 'country'}, codes='name' (--column ccode=country --codes name)"),
        ("COWcode", "columns={'ccode': 'COWcode'} (--column ccode=COWcode)"),
    ],
)
def test_a_missing_ccode_says_what_to_pass(column: str, how: str) -> None:
    with pytest.raises(InputError) as error:
        Panel.from_frame(rows().rename(columns={"ccode": column}), outcome="score")
    assert how in str(error.value)


@pytest.mark.real_data
def test_panel_of_iso3_codes_is_that_of_cow_numbers() -> None:
    named = rows(("USA", "CAN", "CUB")).rename(columns={"ccode": "iso3c"})
    found = Panel.from_frame(named, outcome="score", columns={"ccode": "iso3c"}, codes="iso3")
    expected = panel().frame.assign(country=np.repeat(["United States", "Canada", "Cuba"], 4))
    pd.testing.assert_frame_equal(found.frame, expected, check_dtype=False)
    assert found.options["codes"] == "iso3"
    assert any("from ISO3 code and year" in note for note in found.merge.notes)


@pytest.mark.real_data
def test_names_and_the_year_of_a_change() -> None:
    table = rows(("Germany", "Yemen"), range(1988, 1992)).rename(columns={"ccode": "country"})
    found = Panel.from_frame(table, outcome="score", columns={"ccode": "country"}, codes="name")
    assert found.frame["ccode"].unique().tolist() == [255, 260, 678, 679]
    assert found.frame["country"].unique().tolist() == ["Germany", "West Germany", "North Yemen", "Yemen"]


@pytest.mark.real_data
def test_unmatched_codes_are_refused_or_counted() -> None:
    table = rows(("USA", "CAN", "XYZ", "CUB"))
    with pytest.raises(
        InputError, match=r"'XYZ' in 2000-2003 \(row 8, 9, 10, 11\): no such ISO3 code; nearest"
    ):
        Panel.from_frame(table, outcome="score", codes="iso3")
    found = Panel.from_frame(table, outcome="score", codes="iso3", unmatched="drop")
    assert (found.merge.rows_in, found.merge.rows_used) == (16, 12)
    step = found.merge.steps[0]
    assert (step.rows, step.countries, step.detail) == (4, 1, "XYZ: 4")
    with pytest.raises(InputError, match="no row has a ISO2 code with a COW number"):
        Panel.from_frame(table, outcome="score", codes="iso2", unmatched="drop")


@pytest.mark.real_data
def test_namibia_in_a_file_of_iso2_codes(tmp_path: Path) -> None:
    table = rows(("NA", "US", "CU")).rename(columns={"ccode": "iso2"}).assign(gdp=np.nan)
    table.to_csv(tmp_path / "rows.csv", index=False, na_rep="NA")
    columns = {"ccode": "iso2"}
    found = Panel.from_file(tmp_path / "rows.csv", outcome="score", columns=columns, codes="iso2")
    assert found.frame["ccode"].unique().tolist() == [2, 40, 565]
    assert found.frame["gdp"].isna().all()
    with pytest.raises(InputError, match="Namibia's code NA"):
        Panel.from_frame(pd.read_csv(tmp_path / "rows.csv"), outcome="score", columns=columns, codes="iso2")


@pytest.mark.real_data
def test_join_by_country_follows_a_code_through_the_years() -> None:
    frame = rows((260, 255, 345, 2), range(1988, 1992))
    frame = frame[
        ~((frame["ccode"] == 260) & (frame["year"] > 1989))
        & ~((frame["ccode"] == 255) & (frame["year"] < 1990))
    ]
    found = Panel.from_frame(frame, outcome="score")
    table = pd.DataFrame({"iso": ["DEU", "YUG", "USA", "CZE"], "nato": [1, 0, 1, 1]})
    after = found.join(table, on=("iso",), columns=["nato"], codes="iso3")
    assert after.frame.groupby("ccode")["nato"].first().to_dict() == {2: 1, 255: 1, 260: 1, 345: 0}
    assert after.frame["nato"].notna().all()
    joined: Any = after.options["joined"]
    assert joined[0]["unused"] == 1
    both = pd.DataFrame({"iso": ["YUG", "SRB"], "nato": [0, 1]})
    with pytest.raises(
        InputError, match=r"'YUG' in row 0 \(COW 345 in 1988\), 'SRB' in row 1 \(COW 345 in 1988\)"
    ):
        found.join(both, on=("iso",), columns=["nato"], codes="iso3")
    wrong = pd.DataFrame({"iso": ["DEU", "XYZ"], "nato": [0, 1]})
    with pytest.raises(InputError, match=r"'XYZ' in .* \(row 1\): no such ISO3 code"):
        found.join(wrong, on=("iso",), columns=["nato"], codes="iso3")
    kept = found.join(wrong, on=("iso",), columns=["nato"], codes="iso3", unmatched="drop")
    assert any("left out, ISO3 code without a COW number: XYZ: 1" in note for note in kept.merge.notes)


@pytest.mark.real_data
def test_join_by_codes_and_year() -> None:
    table = pd.DataFrame({"iso": ["USA", "CAN", "UKR"], "yr": [2000, 2000, 1985], "ties": [5, 6, 7]})
    with pytest.raises(InputError, match="'UKR' in 1985"):
        panel().join(table, on=("iso", "yr"), columns=["ties"], codes="iso3")
    after = panel().join(table, on=("iso", "yr"), columns=["ties"], codes="iso3", unmatched="drop", lag=1)
    assert after.frame.dropna(subset=["ties"])[["ccode", "year", "ties"]].to_numpy().tolist() == [
        [2, 2001, 5],
        [20, 2001, 6],
    ]


@pytest.mark.real_data
def test_the_command_line_takes_codes(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    rows(("USA", "CAN", "GER")).rename(columns={"ccode": "iso3c"}).to_csv(tmp_path / "rows.csv", index=False)
    own = ["fit", "demo_ratification", "--panel", tmp_path / "rows.csv", "--column", "ccode=iso3c"]
    code, _, err = run(*own, "--codes", "iso3")
    assert code == 2
    assert "'GER' in 2000-2003" in err
    code, _, err = run("fit", "demo_ratification", "--codes", "iso3")
    assert code == 2
    assert "--panel FILE" in err
