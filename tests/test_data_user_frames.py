"""A user's own rows: each mistake gives one clear message, good rows are as good as ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError

NAN = float("nan")


def good() -> pd.DataFrame:
    """Three countries over four years: ratified in 2001, in 2003, never."""
    frame = pd.DataFrame({"ccode": np.repeat([2, 20, 40], 4), "year": [2000, 2001, 2002, 2003] * 3})
    frame["score"] = np.linspace(-1, 1, 12)
    frame["ratification_year"] = np.repeat([2001, 2003, NAN], 4)
    frame["regime"] = np.repeat(["a", "a", "b"], 4)
    frame["gdp"] = np.arange(12.0)
    return frame


def test_good_rows() -> None:
    panel = Panel.from_frame(good().sample(frac=1, random_state=1), outcome="score", treaty="CAT")
    frame = panel.frame
    assert list(frame.columns) == [
        "ccode",
        "year",
        "country",
        "score",
        "ratified",
        "ratification_year",
        "years_since",
        "regime",
        "gdp",
    ]
    assert frame["ratified"].tolist() == [0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    assert frame.loc[:3, "years_since"].tolist() == [-1, 0, 1, 2]
    assert frame.loc[8:, "years_since"].isna().all()
    assert frame["country"].unique().tolist() == ["COW 2", "COW 20", "COW 40"]
    assert panel.merge.rows_in == panel.merge.rows_used == 12
    assert panel.merge.years == (2000, 2003)
    assert (panel.outcome, panel.covariates, panel.options["treaty"]) == ("score", ("gdp",), "CAT")


def test_other_names() -> None:
    theirs = good().rename(columns={"ccode": "cow", "year": "yr", "score": "y", "ratification_year": "rat"})
    theirs["se"] = 0.1
    names = {"ccode": "cow", "year": "yr", "score": "y", "ratification_year": "rat", "score_sd": "se"}
    panel = Panel.from_frame(theirs, outcome="score", columns=names)
    assert panel.frame["score_sd"].eq(0.1).all()
    pd.testing.assert_frame_equal(
        panel.frame.drop(columns="score_sd"), Panel.from_frame(good(), outcome="score").frame
    )


@pytest.mark.parametrize("dtype", [bool, "boolean", "Int8", "float64", "int64[pyarrow]"])
def test_indicator_instead_of_year(dtype: object) -> None:
    frame = good().drop(columns="ratification_year")
    ratified = [0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    panel = Panel.from_frame(frame.assign(ratified=pd.Series(ratified).astype(dtype)), outcome="score")
    pd.testing.assert_frame_equal(panel.frame, Panel.from_frame(good(), outcome="score").frame)


def test_ratified_from_the_first_row_is_noted() -> None:
    frame = good().drop(columns="ratification_year").assign(ratified=[1] * 4 + [0, 0, 0, 1] + [0] * 4)
    panel = Panel.from_frame(frame, outcome="score")
    assert panel.frame.loc[0, "ratification_year"] == 2000
    assert any("ratified in their first row" in note and "ccode 2" in note for note in panel.merge.notes)


def test_missing_values_are_counted() -> None:
    frame = good()
    frame.loc[[0, 1], "score"] = NAN
    frame.loc[[4, 5], "gdp"] = NAN
    frame.loc[8:, "regime"] = None
    panel = Panel.from_frame(frame, outcome="score")
    assert panel.merge.rows_used == 10
    assert (panel.merge.steps[0].reason, panel.merge.steps[0].rows) == ("score missing", 2)
    assert panel.frame["regime"].tolist()[-4:] == ["no score"] * 4
    text = panel.merge.to_text()
    assert "gdp: missing in 2 of 10 rows" in text
    assert "regime: missing for 1 countries (4 rows)" in text


def test_nullable_and_categorical_columns() -> None:
    frame = good().convert_dtypes()
    frame["regime"] = frame["regime"].astype("category")
    expected = Panel.from_frame(good(), outcome="score")
    assert Panel.from_frame(frame, outcome="score").digest() == expected.digest()
    assert Panel.from_frame(frame.convert_dtypes(dtype_backend="pyarrow"), outcome="score").digest() == (
        expected.digest()
    )


def test_covariates() -> None:
    frame = good().assign(other=1.0, text="x")
    panel = Panel.from_frame(frame, outcome="score")
    assert panel.covariates == ("gdp", "other")
    assert panel.merge.notes == ("columns that are not used (text, or not asked for): text",)
    assert Panel.from_frame(frame, outcome="score", covariates=["other"]).covariates == ("other",)
    assert Panel.from_frame(frame, outcome="score", covariates=[]).covariates == ()


def change(column: str, row: int, value: object) -> Callable[[], pd.DataFrame]:
    """The good rows with one value changed."""

    def changed() -> pd.DataFrame:
        frame = good().astype({column: "object"})
        frame.loc[row, column] = value
        return frame

    return changed


def ratified(*values: int) -> Callable[[], pd.DataFrame]:
    """The good rows with an indicator in place of the year."""
    return lambda: good().drop(columns="ratification_year").assign(ratified=values)


BAD = {
    "not a frame": (lambda: [1, 2], "a pandas DataFrame is needed; got list"),
    "empty": (lambda: good().iloc[:0], "empty"),
    "missing ccode": (lambda: good().rename(columns={"ccode": "code"}), r"missing column 'ccode'.*'code'"),
    "missing outcome": (
        lambda: good().rename(columns={"score": "Score"}),
        r"missing column 'score'.*'Score'",
    ),
    "no treatment": (lambda: good().drop(columns="ratification_year"), "missing column 'ratification_year'"),
    "iso codes": (
        change("ccode", 3, "USA"),
        r"ccode must be whole numbers \(COW\); found text such as 'USA' in row 3",
    ),
    "broken ccode": (change("ccode", 3, 2.5), r"'ccode' must hold whole numbers; found 2.5 in row 3"),
    "missing ccode value": (change("ccode", 3, None), "'ccode' is missing in row 3"),
    "broken year": (change("year", 2, 2000.5), r"'year' must hold whole numbers; found 2000.5 in row 2"),
    "text year": (change("year", 2, "199O"), r"'year' must hold numbers; found text such as '199O' in row 2"),
    "duplicate": (change("year", 1, 2000), "duplicate country-year.*2-2000"),
    "text outcome": (
        change("score", 5, "n/a"),
        r"'score' must hold numbers; found text such as 'n/a' in row 5",
    ),
    "text covariate": (
        change("gdp", 5, "12,5"),
        r"'gdp' must hold numbers; found text such as '12,5' in row 5",
    ),
    "infinite": (change("gdp", 4, float("inf")), "'gdp' has an infinite value in row 4"),
    "all missing": (lambda: good().assign(score=NAN), "'score' .the outcome. is missing in every row"),
    "constant": (lambda: good().assign(score=1.0), "'score' has the same value in every row"),
    "nobody": (lambda: good().assign(ratification_year=NAN), "no row is ratified"),
    "ratified too late": (lambda: good().assign(ratification_year=2030), "no row is ratified"),
    "everybody": (lambda: good().assign(ratification_year=1990), "every row is ratified"),
    "goes back": (ratified(0, 1, 0, 1, *[0] * 8), r"goes back from 1 to 0 in ccode 2 in 2002 \(row 2"),
    "not 0 or 1": (ratified(0, 2, 2, 2, *[0] * 8), "'ratified' must be 0 or 1; found 2.0 in row 1"),
    "varying year": (
        change("ratification_year", 1, 2002),
        "the same in all rows of a country; differs for ccode 2",
    ),
    "broken ratification year": (lambda: good().assign(ratification_year=2001.5), "must hold whole years"),
    "contradiction": (lambda: good().assign(ratified=0), "contradict each other for ccode 2 in 2001"),
    "dates": (lambda: good().assign(ratification_year=pd.Timestamp("2001-01-01")), "holds dates"),
    "column twice": (lambda: good().rename(columns={"gdp": "regime"}), r"used twice: regime"),
    "numbered columns": (lambda: good().rename(columns={"gdp": 7}), "column names must be plain text"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows(case: str) -> None:
    make, message = BAD[case]
    covariates = ["gdp"] if case == "text covariate" else None
    with pytest.raises(InputError, match=message):
        Panel.from_frame(make(), outcome="score", covariates=covariates)


def test_classes_that_change_are_told() -> None:
    panel = Panel.from_frame(change("regime", 2, "b")(), outcome="score")
    assert "regime: changes within 1 countries: ccode 2" in panel.merge.notes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"ccode": "cowcode"}}, r"no such column; did you mean 'ccode'"),
        ({"covariates": ["gpd"]}, "covariate 'gpd': no such column; did you mean 'gdp'"),
        ({"covariates": ["year"]}, "covariate 'year' has a fixed meaning"),
        ({"outcome": "year"}, "'year' has a fixed meaning"),
        ({"name": "ratificaton"}, "unknown panel 'ratificaton'; did you mean 'ratification'"),
    ],
)
def test_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Panel.from_frame(good(), **{"outcome": "score", **options})


def test_files(tmp_path: Path) -> None:
    expected = Panel.from_frame(good(), outcome="score").digest()
    good().to_csv(tmp_path / "a.csv", index=False, encoding="utf-8-sig")
    good().to_parquet(tmp_path / "a.parquet")
    good().to_stata(tmp_path / "a.dta", write_index=False)
    for suffix in ("csv", "parquet", "dta"):
        panel = Panel.from_file(tmp_path / f"a.{suffix}", outcome="score")
        assert panel.digest() == expected


@pytest.mark.parametrize("suffix", ["parquet", "dta"])
def test_file_cut_off(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "dta":
        good().to_stata(path, write_index=False)
    else:
        good().to_parquet(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"cannot be read as .*; it may be damaged or cut off"):
        Panel.from_file(path, outcome="score")


def test_bad_files(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("x")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "latin.csv").write_bytes("ccode,country\n2,Côte\n".encode("latin-1"))
    (tmp_path / "folder.csv").mkdir()
    for name, message in {
        "a.xlsx": r"unknown kind of file '.xlsx'; use .csv",
        "none.csv": "there is no such file",
        "empty.csv": "cannot be read as a .csv file",
        "latin.csv": "not UTF-8 text",
        "folder.csv": "is a folder",
    }.items():
        with pytest.raises(InputError, match=message):
            Panel.from_file(tmp_path / name, outcome="score")
    good().to_csv(tmp_path / "a.csv")
    with pytest.raises(InputError, match="say which column is the outcome"):
        Panel.from_file(tmp_path / "a.csv")
