"""Sources of regime scores: the registry, the four sources on the real files, cards and the command line."""

from __future__ import annotations

import itertools
import re
import tomllib
from typing import get_args

import pandas as pd
import pytest

from bayes_hr.card_sections import Regime
from bayes_hr.cards import RatificationCard, list_cards, load_card, parse_card
from bayes_hr.data.crosswalk import state_years, vdem_to_cow
from bayes_hr.data.load import load_panel
from bayes_hr.data.panel import Panel
from bayes_hr.data.parsed import read_source
from bayes_hr.data.regime_sources import REGIME_SOURCES, get_regime_source
from bayes_hr.data.sources import SOURCES
from bayes_hr.errors import InputError
from bayes_hr.questions.ratification import QUESTION
from bayes_hr.reporting.ratification.tables_data import regime_rule

OWN = {"polity5": (8, 3), "row": (2, 1), "polyarchy": (0.5, 0.39), "bmr": (1, 0)}


@pytest.fixture(scope="module")
def panels() -> dict[str, Panel]:
    return {name: load_panel("ratification", regime_source=name) for name in REGIME_SOURCES}


@pytest.fixture(scope="module")
def classes(panels: dict[str, Panel]) -> pd.DataFrame:
    return pd.DataFrame({name: p.frame.groupby("ccode")["regime"].first() for name, p in panels.items()})


def test_registry() -> None:
    assert {name: (s.democracy, s.autocracy) for name, s in REGIME_SOURCES.items()} == OWN
    assert get_args(Regime.model_fields["source"].annotation) == tuple(REGIME_SOURCES)
    for name, source in REGIME_SOURCES.items():
        assert source.id == name
        assert set(source.sources) <= set(SOURCES)
        assert source.cut_offs(None, None) == OWN[name]
        assert source.cut_offs(source.scale[1], source.scale[0]) == source.scale[::-1]
        assert "https://doi.org/" in source.reason
    with pytest.raises(InputError, match="unknown regime source 'rows'; did you mean 'row'"):
        get_regime_source("rows")


@pytest.mark.parametrize("cut_offs", [(8, 3), (1, 1), (float("nan"), 0), (None, 2), (3, -1)])
def test_cut_offs_off_the_scale(cut_offs: tuple[float | None, float]) -> None:
    with pytest.raises(InputError, match=r"both from 0 to 3 .*by default: democracy 2, autocracy 1"):
        get_regime_source("row").cut_offs(*cut_offs)
    with pytest.raises(InputError, match="both from 0 to 3"):
        load_panel("ratification", regime_source="row", democracy=cut_offs[0], autocracy=cut_offs[1])


@pytest.mark.parametrize("source_id", ["vdem_simple", "bmr"])
def test_catalogue_entry(source_id: str) -> None:
    source = SOURCES[source_id]
    assert re.fullmatch("[0-9a-f]{64}", source.sha256)
    assert "GPL-3" in source.licence
    assert "Marquez" in source.citation
    assert source.bibtex.count("@") == source.bibtex.count("\n}") >= 2


# The real files


@pytest.mark.real_data
@pytest.mark.parametrize("name", REGIME_SOURCES)
def test_scores(name: str) -> None:
    source = REGIME_SOURCES[name]
    scores = source.read()
    assert list(scores.columns) == ["ccode", "year", source.column]
    assert not scores.duplicated(["ccode", "year"]).any()
    own = scores[source.column]
    assert source.scale[0] <= own.min() < source.autocracy < own.max() <= source.scale[1] or name == "bmr"
    assert own[scores["year"] >= 1946].isna().mean() < 0.03
    if name in ("row", "bmr"):
        assert set(own.dropna()) == set(range(int(source.scale[1]) + 1))


@pytest.mark.real_data
@pytest.mark.parametrize("name", REGIME_SOURCES)
def test_facts(name: str) -> None:
    source = REGIME_SOURCES[name]
    scores = source.read().set_index(["ccode", "year"])[source.column]
    democracies = [
        (260, 1950),
        (260, 1989),
        (255, 2000),
        (2, 2000),
        (380, 2010),
        (155, 1995),
        (740, 1955),
        (316, 1995),
    ]
    autocracies = [(265, 1950), (710, 2000), (155, 1974), (365, 1980), (315, 1980), (678, 1980), (345, 1980)]
    assert (scores.loc[democracies] >= source.democracy).all()
    assert (scores.loc[autocracies] <= source.autocracy).all()
    assert (255, 1950) not in scores.index


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["row", "polyarchy", "bmr"])
def test_scores_are_those_of_states(name: str) -> None:
    scores = REGIME_SOURCES[name].read()
    states = state_years(1946, 2024).merge(scores, how="outer", on=["ccode", "year"], indicator=True)
    outside = states[(states["_merge"] == "right_only") & (states["year"] >= 1946)]
    assert set(outside["ccode"]) == {260, 265}
    assert outside["year"].between(1949, 1954).all()
    assert not ((scores["ccode"] == 740) & scores["year"].between(1946, 1951)).any()  # Japan, occupied
    without = states[(states["_merge"] == "left_only") & (states["year"].between(1946, 2020))]
    assert len(without) < 900  # microstates in V-Dem: 24 countries
    assert not set(without["ccode"]) & {2, 200, 255, 345, 365, 710, 816, 530, 625, 626, 315, 316}


@pytest.mark.real_data
def test_vdem_numbers() -> None:
    rows = [(77, 1944), (77, 1949), (77, 1989), (77, 1990), (77, 2024), (14, 1989), (14, 1990), (198, 1950)]
    rows += [(198, 2024), (157, 1992), (157, 1993), (167, 2000), (999, 2000)]
    frame = pd.DataFrame(rows, columns=["vdem", "year"], index=range(5, 5 + len(rows)))
    found = vdem_to_cow(frame)
    assert found.index.equals(frame.index)
    assert found.tolist()[:11] == [255, 260, 260, 255, 255, 678, 679, 345, 345, 315, 316]
    assert found.isna().tolist()[11:] == [True, True]


@pytest.mark.real_data
def test_both_vdem_files_are_one_release() -> None:
    both = read_source("ert").merge(read_source("vdem_simple"), on=["vdem", "year"], validate="1:1")
    assert len(both) == len(read_source("ert"))
    assert both.loc[both["row"] >= 2, "polyarchy"].min() >= 0.5  # electoral democracy by definition


@pytest.mark.real_data
def test_bmr_keeps_the_state_that_goes_on() -> None:
    scores = read_source("bmr").set_index(["ccode", "year"])
    assert scores.loc[(345, 1991), "name"] == "YUGOSLAVIA, FED. REP."
    assert scores.loc[(345, 2006), "name"] == "SERBIA"


@pytest.mark.real_data
def test_sources_agree_in_most_countries(classes: pd.DataFrame) -> None:
    least = {frozenset(("row", "polyarchy")): 0.90, frozenset(("bmr", "polyarchy")): 0.84}
    for one, other in itertools.combinations(REGIME_SOURCES, 2):
        both = classes[(classes[[one, other]] != "no score").all(axis=1)]
        assert len(both) >= 145
        assert (both[one] == both[other]).mean() > least.get(frozenset((one, other)), 0.72), (one, other)
        stable = both[both[[one, other]].isin(["stable democracy", "stable autocracy"]).all(axis=1)]
        assert (stable[one] == stable[other]).all(), (one, other)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "countries"),
    [
        ("polity5", (69, 57, 19, 57)),
        ("row", (104, 24, 25, 49)),
        ("polyarchy", (92, 36, 25, 49)),
        ("bmr", (83, 40, 37, 42)),
    ],
)
def test_panel(name: str, countries: tuple[int, ...], panels: dict[str, Panel]) -> None:
    panel = panels[name]
    assert len(panel.frame) == 11_490
    assert (panel.options["democracy"], panel.options["autocracy"]) == OWN[name]
    assert set(REGIME_SOURCES[name].sources) <= set(panel.sources)
    assert len(set(panel.sources)) == len(panel.sources)
    said = panel.merge.to_text()
    assert f"rule before_treaty, 1946-1983; stable democracy if never below {OWN[name][0]}" in said
    assert f"stable autocracy if never above {OWN[name][1]}" in said
    labels = ("stable autocracy", "transition", "stable democracy", "no score")
    assert ", ".join(f"{k}: {n}" for k, n in zip(labels, countries, strict=True)) in said


# Cards


def card(**regime: object) -> RatificationCard:
    data = {
        "id": "x",
        "question": "Does it matter?",
        "outcome": {"name": "hrps_v402"},
        "treatment": {"name": "CAT"},
    }
    made = parse_card({**data, "regime": regime}, where="card x")
    assert isinstance(made, RatificationCard)
    return made


@pytest.mark.parametrize("name", REGIME_SOURCES)
def test_a_card_writes_its_sources_cut_offs(name: str) -> None:
    one = card(source=name)
    written = tomllib.loads(one.to_toml())
    assert (written["regime"]["democracy"], written["regime"]["autocracy"]) == OWN[name]
    assert parse_card(written, where="again") == one
    assert card().replace(regime={"source": name}).regime == one.regime
    assert one.replace(regime={"source": "polity5"}) == card()


def test_a_cards_own_cut_offs_stay() -> None:
    own = card(democracy=7)
    assert tomllib.loads(own.to_toml())["regime"]["democracy"] == 7
    assert own.replace(regime={"rule": "whole_history"}).regime.democracy == 7
    assert card(source="polyarchy", autocracy=0.42).regime.autocracy == 0.42
    with pytest.raises(InputError, match="both from 0 to 3"):
        own.replace(regime={"source": "row"})
    for wrong in (
        {"source": "polity4"},
        {"source": 5},
        {"democracy": "8"},
        {"democracy": True},
        {"autocracy": None},
    ):
        with pytest.raises(InputError, match=r"regime\.(source|democracy|autocracy): ") as error:
            card(**wrong)
        assert ".int" not in str(error.value)


def test_shipped_cards_are_what_they_were() -> None:
    for path in list_cards().values():
        one = load_card(path)
        if isinstance(one, RatificationCard):
            assert (one.regime.source, one.regime.democracy, one.regime.autocracy) == ("polity5", 8, 3)
            assert "democracy = 8\nautocracy = 3" in one.to_toml()


def test_reports_name_the_source() -> None:
    said = regime_rule(card(source="row").regime)
    assert "Regimes of the World" in said
    assert "never below 2" in said
    assert regime_rule(card().regime).startswith("Polity5 scores (polity2) from 1946")


@pytest.mark.real_data
def test_a_card_takes_the_panel_of_its_source_only(panels: dict[str, Panel]) -> None:
    one = card(source="row")
    own, _ = QUESTION.panel(one)
    assert own.digest() == panels["row"].digest()
    design = QUESTION.build(one, panels["row"])
    assert "stable democracy" in design.term("tau").coords["regime"]
    QUESTION.check_panel(one, panels["row"])
    with pytest.raises(InputError, match="regime_source"):
        QUESTION.check_panel(one, panels["bmr"])
    with pytest.raises(InputError, match="regime_source"):
        QUESTION.build(one, panels["polity5"])
    loose = load_panel("ratification", regime_source="row", democracy=3)
    with pytest.raises(InputError, match="democracy"):
        QUESTION.build(one, loose)


@pytest.mark.real_data
def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    from bayes_hr.cli import main

    code = main(["data", "describe", "ratification", "--regime-source", "bmr"])
    out = capsys.readouterr().out
    assert code == 0
    assert "Boix-Miller-Rosato" in out
    assert re.search(r"^stable democracy +37\b", out, re.M)
