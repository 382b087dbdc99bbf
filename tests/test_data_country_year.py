"""The ratification panel from the public sources."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from bayes_hr.data.country_year import ratification_panel
from bayes_hr.data.load import load_panel
from bayes_hr.data.panel import Panel
from bayes_hr.data.parsed import read_source
from bayes_hr.data.sources import SOURCES
from bayes_hr.errors import InputError

COLUMNS = {
    "ccode": "int64",
    "year": "int64",
    "country": "str",
    "hrps_v402": "float64",
    "hrps_v402_sd": "float64",
    "ratified": "int64",
    "ratification_year": "float64",
    "years_since": "float64",
    "regime": "str",
    "log_gdppc": "float64",
    "log_population": "float64",
    "conflict": "float64",
    "polity2": "float64",
}
REGIMES = ("stable autocracy", "transition", "stable democracy", "no score")


@pytest.fixture(scope="module")
def cat() -> Panel:
    return load_panel("ratification")


@pytest.mark.real_data
def test_rows(cat: Panel) -> None:
    assert len(cat.frame) == 11_490
    assert cat.frame["ccode"].nunique() == 202
    assert {name: str(dtype) for name, dtype in cat.frame.dtypes.items()} == COLUMNS
    assert (cat.merge.rows_in, cat.merge.rows_used, cat.merge.years) == (11_665, 11_490, (1946, 2021))
    assert [(step.rows, step.countries) for step in cat.merge.steps] == [(175, 0)]
    assert not cat.frame.duplicated(["ccode", "year"]).any()
    assert set(cat.sources) <= set(SOURCES)


@pytest.mark.real_data
def test_no_row_lost_without_a_reason(cat: Panel) -> None:
    scores = read_source("hrps_v402")
    both = scores.merge(cat.frame, on=["ccode", "year"], how="outer", indicator=True, suffixes=("_raw", ""))
    counts = both["_merge"].value_counts()
    assert counts["right_only"] == 0
    assert counts["left_only"] == sum(step.rows for step in cat.merge.steps)
    kept = both[both["_merge"] == "both"]
    assert (kept["hrps_v402"] == kept["hrps_v402_raw"]).all()


@pytest.mark.real_data
def test_facts(cat: Panel) -> None:
    frame = cat.frame.set_index(["ccode", "year"])
    assert frame.loc[(2, 1994), ["ratified", "years_since"]].tolist() == [1, 0]
    assert frame.loc[(2, 1993), ["ratified", "years_since"]].tolist() == [0, -1]
    assert frame.loc[(200, 1988), "ratified"] == 1
    assert frame.loc[(2, 2000), "regime"] == "stable democracy"
    assert frame.loc[(652, 2000), "regime"] == "transition"
    assert (565, 2000) in frame.index
    assert frame.loc[(316, 1993), "country"] != frame.loc[(315, 1992), "country"]
    assert frame.loc[(652, 2014), "conflict"] == 1
    assert frame.loc[(380, 2014), "conflict"] == 0
    assert frame.loc[(255, 1995), "conflict"] == 0
    assert frame.loc[(679, 1994), "conflict"] == 1  # Gleditsch-Ward 678
    assert frame.index.get_level_values("ccode").isin([345]).any()
    assert (345, 2019) not in frame.index


@pytest.mark.real_data
def test_controls_cover_the_years_stated(cat: Panel) -> None:
    frame = cat.frame
    assert frame[["log_population", "conflict", "hrps_v402", "hrps_v402_sd"]].notna().all().all()
    assert frame["log_gdppc"].isna().sum() == 1_082
    assert frame["polity2"].isna().sum() == 1_740
    assert frame.loc[frame["log_gdppc"].notna(), "year"].max() == 2019
    assert "log_gdppc: missing in 1,082 of 11,490 rows; half of the rows or more in 1946-2019" in (
        cat.merge.to_text()
    )


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("options", "countries"),
    [
        ({}, (69, 57, 19, 57)),
        ({"regime_rule": "before_ratification"}, (61, 82, 23, 36)),
        ({"regime_rule": "whole_history"}, (39, 109, 25, 29)),
        ({"regime_rule": "window", "regime_window": (1946, 2006)}, (43, 103, 25, 31)),
        ({"treaty": "ICCPR"}, (63, 40, 20, 79)),
        ({"treaty": "ICCPR", "regime_rule": "before_ratification"}, (73, 68, 23, 38)),
    ],
)
def test_classes(options: dict[str, object], countries: tuple[int, ...]) -> None:
    panel = load_panel("ratification", **options)
    per_country = panel.frame.groupby("ccode")["regime"].agg(["first", "nunique"])
    assert (per_country["nunique"] == 1).all()
    counts = per_country["first"].value_counts()
    assert tuple(int(counts.get(regime, 0)) for regime in REGIMES) == countries
    assert len(panel.frame) == 11_490


@pytest.mark.real_data
@pytest.mark.parametrize(("treaty", "never", "always"), [("CAT", 34, 10), ("ICCPR", 25, 90)])
def test_never_and_always_ratifiers(treaty: str, never: int, always: int) -> None:
    frame = ratification_panel(treaty=treaty, start=1985, end=2018).frame
    ratified = frame.groupby("ccode")["ratified"].agg(["min", "max"])
    assert (int((ratified["max"] == 0).sum()), int((ratified["min"] == 1).sum())) == (never, always)
    back = frame.groupby("ccode")["ratified"].diff() < 0
    assert not back.any()


@pytest.mark.real_data
def test_years(cat: Panel) -> None:
    panel = ratification_panel(start=1985, end=2018)
    assert panel.merge.years == (1985, 2018)
    assert panel.merge.steps[1].reason == "outside the years 1985-2018"
    expected = cat.frame[cat.frame["year"].between(1985, 2018)].reset_index(drop=True)
    pd.testing.assert_frame_equal(panel.frame, expected)
    with pytest.raises(InputError, match="no row in 2030-2040; hrps_v402 covers 1946-2021"):
        ratification_panel(start=2030, end=2040)


@pytest.mark.real_data
def test_as_good_as_ours(cat: Panel) -> None:
    again = Panel.from_frame(cat.frame, outcome="hrps_v402")
    pd.testing.assert_frame_equal(again.frame, cat.frame)
    assert again.digest() == cat.digest() == load_panel("ratification").digest()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"treaty": "CAAT"}, "unknown treaty 'CAAT'; did you mean 'CAT'"),
        ({"outcome": "hrps_v401"}, "unknown outcome 'hrps_v401'; did you mean 'hrps_v402'"),
        ({"regime_source": "polity"}, "unknown regime source 'polity'; did you mean 'polity5'"),
        ({"regime_trailing": 5}, "goes with regime_rule 'time_varying', and only with it"),
        ({"regime_rule": "window"}, "regime window"),
        ({"start": 2000, "end": 1990}, "is after end"),
        ({"treety": "CAT"}, "unknown option 'treety'; did you mean 'treaty'"),
    ],
)
def test_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_panel("ratification", **options)


def test_unknown_panel() -> None:
    with pytest.raises(InputError, match="unknown panel 'ratificaton'; did you mean 'ratification'"):
        load_panel("ratificaton")


def test_nothing_heavy_at_import() -> None:
    heavy = "{'pandas', 'pyarrow', 'rdata', 'filelock', 'requests', 'numpy', 'xarray', 'pymc'}"
    code = f"import sys, bayes_hr.data.load, bayes_hr.data.panel; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.real_data
def test_the_window_matters() -> None:
    whole = load_panel("ratification", regime_rule="whole_history").frame
    assert whole.loc[whole["ccode"] == 2, "regime"].unique().tolist() == ["transition"]  # polity2 of 2020
