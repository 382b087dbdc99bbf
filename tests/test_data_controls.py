"""Controls of the ratification panel: on demand, lagged by calendar year, with country means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayes_hr import load_panel
from bayes_hr.cards import load_card
from bayes_hr.data.controls import CONTROLS, KNOWN, MORE, Wanted
from bayes_hr.data.country_year import _add_control
from bayes_hr.data.load import panel_sources
from bayes_hr.data.parsed import read_source
from bayes_hr.errors import InputError
from bayes_hr.questions.ratification import QUESTION

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """Every control, one of them lagged by two years, one with its country mean."""
    found = load_panel(
        "ratification", start=1990, end=2000, controls=list(KNOWN), lags={"conflict": 2}, means=["igo_count"]
    )
    assert found.options["lags"] == {"conflict": 2}
    return found.frame


def test_known_country_years(panel: pd.DataFrame) -> None:
    rows = panel.set_index(["country", "year"])
    assert rows.loc[("Iraq", 1991), "interstate_conflict"] == 1
    assert rows.loc[("Kuwait", 1990), "interstate_conflict"] == 1, "side B counts too"
    assert rows.loc[("Sweden", 1995), "interstate_conflict"] == 0
    assert rows.loc[("Sweden", 1995), "judicial_independence"] > 0.9
    assert rows.loc[("North Korea", 1995), "judicial_independence"] < 0.2
    assert rows.loc[("United States", 2000), "durability"] > 100
    assert rows.loc[("France", 2000), "igo_count"] > rows.loc[("North Korea", 2000), "igo_count"] > 10
    assert panel["judicial_independence"].dropna().between(0, 1).all()


def test_numbers_of_gleditsch_and_ward_and_of_the_soviet_union() -> None:
    gdp = KNOWN["log_gdppc_wdi"].values()[0].set_index(["ccode", "year"])
    for ccode, year in [(255, 2000), (260, 1980), (345, 2010), (678, 1985), (679, 2000)]:
        assert np.isfinite(gdp.loc[(ccode, year), "log_gdppc_wdi"]), (ccode, year)
    assert (255, 1980) not in gdp.index
    assert 364 not in set(read_source("lji")["ccode"])


def test_two_sources_of_gdp_and_two_of_courts_agree(panel: pd.DataFrame) -> None:
    assert panel["log_gdppc"].corr(panel["log_gdppc_wdi"], method="spearman") > 0.93
    assert panel["judicial_independence"].corr(panel["v2juhcind"], method="spearman") > 0.7


def test_lags_are_calendar_years_from_the_source(panel: pd.DataFrame) -> None:
    """The first year of the panel has one; a year that is not there has none."""
    now = load_panel("ratification", start=1988, end=1998).frame
    past = now.assign(year=now["year"] + 2)[["ccode", "year", "conflict"]]
    both = panel.merge(past, on=["ccode", "year"], suffixes=("", "_past"))
    assert (both["year"] == 1990).sum() > 100
    assert (both["conflict_lag2"] == both["conflict_past"]).all()


def test_means_are_those_of_the_panels_rows(panel: pd.DataFrame) -> None:
    sweden = panel[panel["country"] == "Sweden"]
    assert sweden["igo_count_mean"].unique() == pytest.approx([sweden["igo_count"].mean()])


def test_the_default_panel_is_unchanged_and_says_nothing_of_controls() -> None:
    found = load_panel("ratification", start=2000, end=2000)
    assert not {"controls", "lags", "means"} & set(found.options)
    assert found.covariates == tuple(control.name for control in CONTROLS)
    assert not {"lji", "isa_gdp"} & set(found.sources)
    assert "lji" in panel_sources("ratification", **found.options, controls=["judicial_independence"])


def test_a_card_brings_its_controls() -> None:
    card = load_card("cat_hrps").replace(
        population=["log_gdppc", "judicial_independence"], where="year == 2000"
    )
    assert QUESTION.panel_options(card)["controls"] == [*(c.name for c in CONTROLS), "judicial_independence"]
    assert "controls" not in QUESTION.panel_options(load_card("cat_hrps"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"controls": ["judical_independence"]}, "judicial_independence"),
        ({"controls": "conflict"}, "a list of names"),
        ({"lags": {"conflict": 0}}, "whole number"),
        ({"lags": {"igo_count": 1}}, "not among the panel's controls"),
        ({"means": ["gdp"]}, "unknown control 'gdp'"),
    ],
)
def test_what_is_wrong_is_named(options: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        load_panel("ratification", **options)


def test_any_order_of_the_rows_of_a_source_gives_the_same_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = load_panel("ratification", start=1990, end=1995).frame[["ccode", "year"]]
    control = KNOWN["judicial_independence"]
    straight, _ = _add_control(frame, control, 1)
    values, covers = control.values()
    shuffled = values.sample(frac=1.0, random_state=3)
    monkeypatch.setattr(type(control), "values", lambda _: (shuffled, covers))
    pd.testing.assert_frame_equal(_add_control(frame, control, 1)[0], straight)


def test_every_control_says_what_it_is() -> None:
    assert len(KNOWN) == len(CONTROLS) + len(MORE)
    assert Wanted.of(None, None, ()).options() == {}
    assert {c.name for c in KNOWN.values() if not c.mediator} == {
        "log_gdppc", "log_population", "log_gdppc_wdi", "igo_count",
    }  # fmt: skip
