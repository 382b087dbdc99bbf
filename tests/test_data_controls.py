"""Controls of the ratification panel: on demand, lagged by calendar year, with country means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_hr import load_panel
from bayes_hr.cards import load_card
from bayes_hr.data import controls
from bayes_hr.data.controls import CONTROLS, KNOWN, MORE, Control, Wanted
from bayes_hr.data.country_year import _add_control
from bayes_hr.data.crosswalk import state_years
from bayes_hr.data.load import panel_sources
from bayes_hr.data.parsed import read_source
from bayes_hr.errors import InputError
from bayes_hr.questions.ratification import QUESTION

pytestmark = pytest.mark.real_data

MADE = {"level": None, "event": 0.0}
"""Made-up controls, and what a country-year has that they do not list."""


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


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "igo_count"])  # 2.8 million rows
def test_any_order_of_the_rows_of_a_source_gives_the_same_panel(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's own rows, not only what a reader made of them: nothing is kept because it came first."""
    frame, control = state_years(1990, 2010), KNOWN[name]  # with 2006, when two states are one COW number
    straight, match = _add_control(frame, control, 1)
    rows = read_source(control.source)
    for order in (rows[::-1], rows.sample(frac=1.0, random_state=3)):
        monkeypatch.setattr(controls, "read_source", lambda _, order=order: order)
        again, same = _add_control(frame, control, 1)
        pd.testing.assert_frame_equal(again, straight)
        assert same == match


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(list(MADE)), rows=st.permutations(range(12)), lag=st.integers(1, 4))
def test_any_order_of_controls_and_rows_gives_the_same_columns(
    order: list[str], rows: list[int], lag: int
) -> None:
    frame = pd.DataFrame({"ccode": np.repeat([2, 20], 6), "year": [*range(1990, 1996)] * 2})
    values = frame.assign(level=np.arange(12.0), event=1.0).iloc[list(rows)].reset_index(drop=True)
    values = values[values["year"] != 1993]  # a gap: no row borrows its neighbour's value
    out = frame
    for name in order:
        made = Control(name, "", "made", values[["ccode", "year", name]].copy, MADE[name])
        out, _ = _add_control(out, made, lag)
    past = dict(zip(zip(values["ccode"], values["year"], strict=True), values["level"], strict=True))
    for row in out.itertuples():
        told, event = getattr(row, f"level_lag{lag}"), getattr(row, f"event_lag{lag}")
        key = (row.ccode, row.year - lag)
        assert told == past[key] if key in past else np.isnan(told)
        assert event == 1.0 if key in past else (event == 0.0 if row.year - lag == 1993 else np.isnan(event))


def test_no_peace_is_made_up_for_a_state_that_was_not_there(panel: pd.DataFrame) -> None:
    rows = panel.set_index(["country", "year"])["conflict_lag2"]
    assert np.isnan(rows["Czechia", 1994])
    assert rows["Czechia", 1995] == 0
    system = state_years(1988, 1998).assign(year=lambda found: found["year"] + 2)[["ccode", "year"]]
    new = panel.merge(system, how="left", indicator=True)["_merge"] == "left_only"
    assert new.sum() > 20
    assert not (panel.loc[new.to_numpy(), "conflict_lag2"] == 0).any()
    assert panel.loc[~new.to_numpy(), "conflict_lag2"].notna().all()


def test_gdp_of_2006_that_two_numbers_share_is_reported() -> None:
    merge = load_panel("ratification", start=2005, end=2007, controls=["log_gdppc_wdi"]).merge
    told = [twice for twice in merge.duplicates if twice.variable == "log_gdppc_wdi"]
    assert [(twice.ccode, twice.kept) for twice in told] == [(345, "3,932 (Gleditsch-Ward 340) kept in 2006")]
    assert "3,707 (Gleditsch-Ward 345)" in told[0].given
    assert not load_panel("ratification", start=2007, end=2007, controls=["log_gdppc_wdi"]).merge.duplicates[
        1:
    ]


def test_every_control_says_what_it_is() -> None:
    assert len(KNOWN) == len(CONTROLS) + len(MORE)
    assert Wanted.of(None, None, ()).options() == {}
    assert all(": " in control.label for control in KNOWN.values()), "why it is a mediator, or not"
    assert {c.name for c in KNOWN.values() if not c.mediator} == {
        "log_gdppc", "log_population", "log_gdppc_wdi", "igo_count",
    }  # fmt: skip
