"""Whom to cite: BibTeX that parses, and exactly the works that a card, fit, panel or source uses."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayes_hr
from bayes_hr.api import Fit
from bayes_hr.cards import list_cards, load_card
from bayes_hr.data.bibtex import Entry, entries, merged, words_of
from bayes_hr.data.catalogue.works import REFERENCES, SOFTWARE
from bayes_hr.data.load import PANELS, panel_sources
from bayes_hr.data.panel import Panel
from bayes_hr.data.sources import SOURCES
from bayes_hr.errors import InputError
from bayes_hr.questions import question_of
from bayes_hr.reporting.tables_data import sources_table

Run = Callable[..., tuple[int, str, str]]

TEXTS = [REFERENCES, *(bib for _, bib in SOFTWARE.values()), *(s.bibtex for s in SOURCES.values())]
ALL = [entry for text in TEXTS for entry in entries(text)]
REQUIRED = {
    "article": {"author", "title", "journal", "year"},
    "book": {"author", "title", "publisher", "year"},
    "incollection": {"author", "title", "booktitle", "publisher", "year"},
    "manual": {"author", "title", "url"},
    "misc": {"author", "title"},
}


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither cache, mirror nor network: citing needs none."""
    monkeypatch.setenv("BAYES_HR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BAYES_HR_OFFLINE", "1")
    monkeypatch.delenv("BAYES_HR_MIRROR", raising=False)

    def refuse(*args: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def keys(text: str) -> list[str]:
    return [entry.key for entry in entries(text)]


# The catalogue


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.key)
def test_entries_are_complete(entry: Entry) -> None:
    assert REQUIRED[entry.kind] <= set(entry.fields)
    assert all(value.strip() for value in entry.fields.values())
    assert {"year", "url", "howpublished"} & set(entry.fields), "when, or where to find it"
    assert len(entry.fields.get("year", "2000")) == 4
    assert entry.fields.get("doi", "10.").startswith("10."), "a DOI, not an address"
    assert entry.text.isascii(), "accents as TeX, for any BibTeX"


def test_a_key_is_one_work() -> None:
    merged(TEXTS)  # refuses a key with two entries
    titles = {entry.key: words_of(entry.fields["title"]) for entry in ALL}
    assert len(set(titles.values())) == len(titles), "a work has two keys"


def test_parsing() -> None:
    text = "@Misc{a,\n  Title = {One {Two}, three},\n  year = {2000},\n}\n\n@book{b, x = {}}"
    first, second = entries(text)
    assert (first.kind, first.key, first.fields) == (
        "misc",
        "a",
        {"title": "One {Two}, three", "year": "2000"},
    )
    assert (second.text, second.fields) == ("@book{b, x = {}}", {"x": ""})
    assert entries(" \n") == ()
    assert merged([second.text, first.text, second.text]) == f"{first.text}\n\n{second.text}"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("@misc{a, title = {x}", "no brace closes"),
        ("@misc{a, title = {x}} and", "an entry should begin at 'and'"),
        ("@misc{a, title = {x}, title = {y}}", "a has two fields title"),
        ("@misc{a, title = {x} year = {2000}}", "a field should begin at 'year"),
        ("@misc{a, title = x}", "a field should begin at 'title"),
        ("title = {x}", "an entry should begin"),
    ],
)
def test_what_does_not_parse(wrong: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        entries(wrong)


def test_one_key_two_entries() -> None:
    with pytest.raises(InputError, match="two different entries have the key 'a'"):
        merged(["@misc{a, title = {x}}", "@misc{a, title = {y}}"])


# Cards


@pytest.mark.parametrize("name", list_cards())
def test_a_cards_sources_are_those_of_its_panel(name: str) -> None:
    """What a card's ``sources`` say is what its panel reads, so that the one cannot age without the other."""
    card = load_card(name)
    options = question_of(card).panel_options(card)
    found = () if card.panel == "simulated" else panel_sources(card.panel, **options)
    assert set(card.sources) == set(found)


@pytest.mark.parametrize("name", list_cards())
def test_a_card(name: str, tmp_path: Path) -> None:
    card = load_card(name)
    text = bayes_hr.cite(name)
    cited = keys(text)
    assert cited == sorted(set(cited))
    data = {entry.key for source in card.sources for entry in entries(SOURCES[source].bibtex)}
    known = {entry.key for entry in ALL}
    assert set(cited) <= known | {"bayes_hr"}, "a reference of a shipped card has its entry in the catalogue"
    assert data | {"bayes_hr", "martin2026arviz"} <= set(cited)
    assert len(set(cited) - data - {"bayes_hr", "martin2026arviz"}) <= len(card.references)
    assert bayes_hr.cite(card) == text
    assert not (tmp_path / "cache").exists()


def test_exactly_what_it_uses() -> None:
    assert keys(bayes_hr.cite("demo_ratification")) == [
        "bayes_hr",
        "martin2026arviz",
        "simmons2009mobilizing",
    ]
    assert "fariss2020onesided" in keys(bayes_hr.cite("cat_hrps"))
    torture = keys(bayes_hr.cite("cat_torture_cirights"))
    assert "mark2023cirights" in torture
    assert "fariss2020onesided" not in torture, "another outcome, another source"


@pytest.mark.parametrize(
    ("fit", "cited"),
    [
        ({"engine": "auto"}, set()),
        ({"engine": "gibbs"}, set()),
        ({"engine": "nuts"}, {"abrilpla2023pymc", "seyboldt2026preconditioning"}),
        ({"engine": "nuts", "sampler": "pymc"}, {"abrilpla2023pymc"}),
    ],
)
def test_the_engine(fit: dict[str, str], cited: set[str]) -> None:
    card = load_card("cat_hrps").replace(fit=fit)
    assert set(keys(bayes_hr.cite(card))) & {"abrilpla2023pymc", "seyboldt2026preconditioning"} == cited


def test_student_t_errors_that_persist_need_nuts() -> None:
    card = load_card("cat_hrps").replace(outcome={"likelihood": "student_t"})
    assert "abrilpla2023pymc" in keys(bayes_hr.cite(card))


def test_an_engine_that_the_rows_will_choose(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="bayes_hr")
    bayes_hr.cite("igo_convergence_hrps")
    assert "cite the saved fit" in caplog.text


def test_a_reference_of_ones_own() -> None:
    own = "Doe, J. & Roe, R. (2030). 50% of what_is new. Journal of {Tests}, 1(2), 3-4."
    card = load_card("demo_ratification").replace(references=[own])
    (entry,) = [e for e in entries(bayes_hr.cite(card)) if e.key.startswith("doe_")]
    assert entry.fields["note"] == (
        r"Doe, J. \& Roe, R. (2030). 50\% of what\_is new. Journal of Tests, 1(2), 3-4."
    )
    assert own in bayes_hr.cite(card, form="text").splitlines()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_reference_gives_bibtex(references: list[str]) -> None:
    card = load_card("demo_ratification").model_copy(update={"references": tuple(references)})
    found = keys(bayes_hr.cite(card))
    assert found == sorted(set(found))
    assert len(found) <= 2 + len(references)


# Others


def test_a_source_and_a_panel() -> None:
    assert keys(bayes_hr.cite("cirights")) == ["mark2023cirights"]
    sources = panel_sources("convergence")
    expected = {entry.key for source in sources for entry in entries(SOURCES[source].bibtex)} | {"bayes_hr"}
    assert set(keys(bayes_hr.cite("convergence"))) == expected
    assert bayes_hr.cite("cirights", form="text") == SOURCES["cirights"].citation + "\n"


def test_a_panel_object(small_world: Any) -> None:
    own = Panel.from_frame(small_world.frame, outcome="score")
    assert keys(bayes_hr.cite(own)) == ["bayes_hr"]
    assert "mark2023cirights" in keys(bayes_hr.cite(replace(own, sources=("cirights",))))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """What of a saved fit is read: provenance and card."""
    folder = tmp_path / "fit"
    folder.mkdir()
    provenance = {
        "engine": {"engine": "nuts", "sampler": "nutpie"},
        "panel": {"sources": ["cirights"]},
        "versions": {"bayes-hr": "0.0.9"},
    }
    (folder / "provenance.json").write_text(json.dumps(provenance))
    (folder / "spec.toml").write_text(load_card("demo_ratification").to_toml())
    return folder


def test_a_saved_fit(saved: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = bayes_hr.cite(saved)
    assert keys(text) == [
        "abrilpla2023pymc", "bayes_hr", "mark2023cirights", "martin2026arviz", "seyboldt2026preconditioning",
        "simmons2009mobilizing",
    ]  # fmt: skip
    assert "note = {Version 0.0.9}" in text
    old = (saved / "provenance.json").read_text().replace("cirights", "retired_source")
    (saved / "provenance.json").write_text(old)
    assert "mark2023cirights" not in keys(bayes_hr.cite(saved))
    assert "does not know the source(s) retired_source" in caplog.text
    (saved / "provenance.json").write_text("{")
    with pytest.raises(InputError, match="the saved fit is damaged"):
        bayes_hr.cite(saved)
    (saved / "provenance.json").unlink()
    with pytest.raises(InputError, match="holds no fit"):
        bayes_hr.cite(saved)


def test_a_fit(saved: Path) -> None:
    result: Any = SimpleNamespace(
        card=load_card("demo_ratification"), provenance=json.loads((saved / "provenance.json").read_text())
    )
    assert bayes_hr.cite(Fit(result)) == bayes_hr.cite(saved)


def test_unknown() -> None:
    with pytest.raises(InputError, match="nothing to cite called 'cat_hrp'; did you mean 'cat_hrps'"):
        bayes_hr.cite("cat_hrp")
    wrong: Any = "html"
    with pytest.raises(InputError, match="'html' is neither"):
        bayes_hr.cite("cat_hrps", form=wrong)


@pytest.mark.parametrize(
    ("panel", "options", "message"),
    [
        ("ratification", {"outcome": "hrps"}, "unknown outcome 'hrps'; did you mean 'hrps_v402'"),
        ("ratification", {"treaty": "CTA"}, "unknown treaty"),
        ("ratification", {"regime_source": "polity"}, "unknown regime source"),
        ("convergence", {"score": "hrps"}, "score"),
        ("convergence", {"scores": "hrps"}, "unknown option 'scores'; did you mean 'score'"),
        ("dyads", {}, "unknown panel 'dyads'"),
    ],
)
def test_sources_of_a_wrong_panel(panel: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        panel_sources(panel, **options)


@pytest.mark.real_data
@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_the_sources_that_are_cited(panel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # back to the session's cache and mirror
    options = {
        "convergence": {"igos": ["COE"]},
        "ratification": {"treaty": "ICCPR"},
        "treaties": {"treaties": ["ICCPR", "CAT"]},
    }[panel]
    assert bayes_hr.load_panel(panel, **options).sources == panel_sources(panel, **options)


# The command and the report


def test_the_command(run: Run, tmp_path: Path) -> None:
    code, out, err = run("data", "cite", "igo_convergence_hrps")
    assert code == 0
    assert out == bayes_hr.cite("igo_convergence_hrps")
    assert "cite the saved fit" in err, "remarks are not in what is redirected"
    code, out, _ = run("data", "cite", "cirights", "--format", "text")
    assert (code, out) == (0, SOURCES["cirights"].citation + "\n")
    code, out, err = run("data", "cite", "cirights", "--out", tmp_path / "x.bib")
    assert (code, out) == (0, "")
    assert (tmp_path / "x.bib").read_text() == bayes_hr.cite("cirights")
    code, _, err = run("data", "cite", "cirights", "--out", tmp_path / "no" / "x.bib")
    assert code == 2
    assert "cannot be written" in err


def test_the_report_says_the_licence_plainly() -> None:
    def table(*sources: str) -> Any:
        return sources_table(SimpleNamespace(provenance={"panel": {"sources": sources}}))

    scores = table("hrps_v402", "cowstates")
    title = SOURCES["hrps_v402"].title
    assert f"Non-commercial, share alike (CC BY-NC-SA): {title}." in scores.note
    assert "Non-commercial" not in table("cirights", "cowstates").note
    for row, source in zip(scores.rows, ("hrps_v402", "cowstates"), strict=True):
        assert SOURCES[source].licence in row
        assert SOURCES[source].citation in row
