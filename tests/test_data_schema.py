"""The last check of a panel: what it refuses, what it says, and what it costs."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayes_hr.data.merge import MergeReport
from bayes_hr.data.panel import Panel
from bayes_hr.data.schema import check_rows
from bayes_hr.errors import InputError


def ratification(countries: int = 3, years: int = 4) -> pd.DataFrame:
    ccode, year = np.divmod(np.arange(countries * years), years)
    frame = pd.DataFrame({"ccode": ccode + 2, "year": year + 1990, "country": "A", "regime": "all"})
    frame["ratified"] = (year >= 2).astype("int64")
    return frame.assign(ratification_year=1992.0, years_since=year - 2.0, score=0.5, score_sd=0.1, gdp=np.nan)


def convergence(states: int = 3, igos: int = 2, years: int = 4) -> pd.DataFrame:
    unit, year = np.divmod(np.arange(states * igos * years), years)
    frame = pd.DataFrame({"ccode": unit // igos + 2, "igo": "IGO" + pd.Series(unit % igos).astype(str)})
    frame = frame.assign(year=year + 1990, country="A", igo_name="B", igo_type="political", phase="during")
    frame = frame.assign(k=year / 10, entry=1990, last=2000, distance=0.5, n_others=7)
    return frame.assign(founder=True, left_censored=False, exits=False)


def panel(frame: pd.DataFrame, name: str = "ratification", outcome: str = "score") -> Panel:
    return Panel(name, frame, MergeReport.of(len(frame), frame, ()), (), {"outcome": outcome})


def test_good_rows_pass() -> None:
    assert panel(ratification()).validate().outcome == "score"
    check_rows(convergence(), "convergence", "distance")
    least = ratification()[["ccode", "year", "ratified", "score"]]
    check_rows(least, "ratification", "score")


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("year", 1991, r"column 'year': 1991 in row 6 .*ccode 3, year 1991\) its key is in an earlier row"),
        ("year", 19990, r"column 'year': 19990 in row 6 .* from 1 to 2200"),
        ("ccode", -1, r"column 'ccode': -1 in row 6 .* from 0 to inf"),
        ("ratified", 2, r"column 'ratified': 2 in row 6 .* from 0 to 1"),
        ("ratified", 0, r"column 'ratified': 0 in row 7 .*year 1993\) must not fall within a country"),
        ("ratified", 0.5, r"column 'ratified': 0.5 in row 6 .* must hold whole numbers"),
        ("score", np.nan, r"column 'score': nan in row 6 .*ccode 3, year 1992\) must not be missing"),
        ("score", np.inf, r"column 'score': inf in row 6 .* must be finite"),
        ("score", "high", r"column 'score': high in row 6 .* must hold numbers only"),
        ("score_sd", -0.1, r"column 'score_sd': -0.1 in row 6 .* from 0 to inf"),
        ("gdp", -np.inf, r"column 'gdp': -inf in row 6 .* must be finite"),
        ("country", None, r"column 'country': (None|nan) in row 6 .* must not be missing"),
        ("regime", 3, r"column 'regime': 3 in row 6 .* must hold text only"),
    ],
)
def test_refusals_name_column_row_and_value(column: str, value: Any, says: str, tmp_path: Path) -> None:
    frame = ratification().astype({column: object})
    place = 7 if (column, value) == ("ratified", 0) else 6
    frame.loc[place, column] = value
    frame = frame.infer_objects()
    with pytest.raises(InputError, match=says):
        panel(frame).validate()
    if frame[column].dtype != object:  # what a file can hold is refused on load as well
        with pytest.raises(InputError, match=says):
            Panel.load(panel(frame).save(tmp_path / "p.parquet"))


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("phase", "later", r"column 'phase': later in row 5 .*igo IGO1, year 1991\) must be one of before"),
        ("founder", "no", r"column 'founder': no in row 5 .* must hold numbers only"),
        ("exits", 3.0, r"column 'exits': .* must hold numbers only, not object"),
        ("year", 1990, r"column 'year': 1990 in row 5 .* its key is in an earlier row"),
        ("n_others", -1, r"column 'n_others': -1 in row 5"),
    ],
)
def test_refusals_of_dyad_years(column: str, value: Any, says: str) -> None:
    frame = convergence().astype({column: object})
    frame.loc[5, column] = value
    with pytest.raises(InputError, match=says):
        check_rows(frame.infer_objects(), "convergence", "distance")


def test_missing_columns_and_unknown_panels() -> None:
    with pytest.raises(InputError, match=r"missing column 'ratified'.*did you mean 'ratifed'"):
        check_rows(ratification().rename(columns={"ratified": "ratifed"}), "ratification", "score")
    with pytest.raises(InputError, match=r"missing column 'cirights'"):
        replace(panel(ratification()), options={"outcome": "cirights"}).validate()
    with pytest.raises(InputError, match=r"unknown panel 'ratifications'; did you mean 'ratification'"):
        check_rows(ratification(), "ratifications", "score")


def test_it_is_cheap() -> None:
    """Under 50 ms for 12,000 country-years and 1 s for 600,000 dyad-years; processor time, best of three."""
    small, large = ratification(200, 60), convergence(200, 100, 30)
    assert (len(small), len(large)) == (12_000, 600_000)
    for frame, name, outcome, limit in (
        (small, "ratification", "score", 0.05),
        (large, "convergence", "distance", 1.0),
    ):
        took = []
        for _ in range(3):
            start = time.process_time()
            check_rows(frame, name, outcome)
            took.append(time.process_time() - start)
        assert min(took) < limit, name
