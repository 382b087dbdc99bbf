"""Bad input to the convergence question: one clear message, exit code 2, before any sampling, nothing left.

Rows, cards and settings go through the command line and through Python.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from lives import flat_scores, lives
from refusals import at, changed, closed, raises, refused

import bayes_hr
from bayes_hr import fitting

CARD = "demo_convergence"
KEYS = ["ccode", "igo", "year", "phase", "entry", "last", "distance"]
MEMBERSHIPS = lives(
    (2, "A", "..FFFF.."), (20, "A", "FFFFFFFF"), (40, "A", ".FFFFFFF"),
    (2, "B", "FFFFFFFF"), (20, "B", "...FFF.."), (40, "B", "..FFFFFF"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, no public data, and an engine that must not be reached."""
    return closed(tmp_path, monkeypatch)


def rows() -> pd.DataFrame:
    """Three states in two IGOs over eight years, as a user's table."""
    panel = bayes_hr.convergence_from_frames(MEMBERSHIPS, flat_scores(MEMBERSHIPS), min_others=1)
    return panel.frame


def country_years() -> pd.DataFrame:
    """A ratification table."""
    frame = pd.DataFrame({"ccode": [2, 2, 20, 20], "year": [2000, 2001] * 2})
    frame["ratification_year"] = [2001, 2001, None, None]
    return frame.assign(distance=[0.1, 0.4, 0.3, 0.2], score=[0.1, 0.4, 0.3, 0.2])


def own(frame: pd.DataFrame) -> bayes_hr.Panel:
    return bayes_hr.Panel.from_frame(frame, name="convergence", outcome="distance")


def test_the_rows_are_good_as_they_are() -> None:
    with pytest.raises(AssertionError, match="sampling began"):
        bayes_hr.fit(CARD, own(rows()))


ROWS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "unknown phase": (
        at(3, "phase", "durin"),
        r"column 'phase': 'durin' in row 3 is not valid; did you mean 'during'",
    ),
    "no phase": (lambda f: f.drop(columns="phase"), r"missing column 'phase'"),
    "phase against the years": (at(0, "phase", "during"), r"phase 'during' needs entry <= year <= last"),
    "one state": (lambda f: f[f["ccode"] == 2], r"the rows used hold one state \(2\)"),
    "one IGO": (lambda f: f[f["igo"] == "A"], r"the rows used hold one igo \(A\)"),
    "no during rows": (lambda f: f[f["phase"] != "during"], r"no row is during membership"),
    "duplicate rows": (
        lambda f: pd.concat([f, f.tail(1)]),
        r"duplicate row\(s\) .*: 40-B-2007",
    ),
    "constant outcome": (
        lambda f: f[KEYS].assign(distance=1.0),
        r"column 'distance' has the same value in every row \(1.0\)",
    ),
    "distance against the gap": (at(0, "distance", 9.0), r"column 'distance' must be \|gap_signed\|"),
    "no outcome": (lambda f: f[KEYS[:-1]], r"missing column 'distance'"),
    "empty panel": (lambda f: f.head(0), r"the panel is empty|no rows"),
    "IGO missing": (at(2, "igo", None), r"column 'igo' is missing in row 2"),
    "ISO3 as key": (changed(ccode="USA"), r"ccode must be whole numbers \(COW\)"),
}


@pytest.mark.parametrize("kind", ROWS)
def test_rows(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, message = ROWS[kind]
    frame = change(rows())
    frame.to_csv(place / "rows.csv", index=False)
    refused(message, capsys, "fit", CARD, "--panel", "rows.csv", "--out", "new/fit")
    raises(message, lambda: bayes_hr.fit(CARD, own(frame), out="new/fit"))


WHERE = {
    "no during rows": ("phase != 'during'", r"no row used is during membership; nothing to compare"),
    "one state": ("ccode == 2", r"one state \(2\); effects that vary by state need at least two"),
    "one IGO": ("igo == 'A'", r"one igo \(A\); effects that vary by igo need at least two"),
    "no rows": ("year > 3000", r"no rows are left \(outside the card's filter: year > 3000: \d+\)"),
    "missing column": ("ratified == 1", r"there is no column 'ratified'"),
}


@pytest.mark.parametrize("kind", WHERE)
def test_where(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where, message = WHERE[kind]
    rows().to_csv("rows.csv", index=False)
    refused(message, capsys, "fit", CARD, "--panel", "rows.csv", "--where", where)
    card = bayes_hr.load_card(CARD).replace(where=where)
    raises(message, lambda: bayes_hr.fit(card, own(rows())))


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "mean": (
        {"igo": {"mean": "loo"}},
        r"igo.mean: Input should be 'leave_one_out', 'inclusive' or 'frozen' \(given: 'loo'\)",
    ),
    "key": ({"igo": {"igos": ["COE"]}}, r"unknown key 'igo.igos'"),
    "one text": ({"igo": {"organisations": "COE"}}, r"igo.organisations: .*\(given: 'COE'\)"),
    "numbers": ({"igo": {"organisations": [1]}}, r"igo.organisations.0: .*string \(given: 1\)"),
    "min_others": ({"igo": {"min_others": 0}}, r"igo.min_others: .*greater than or equal to 1"),
    "min_others text": ({"igo": {"min_others": "five"}}, r"igo.min_others: .*integer \(given: 'five'\)"),
    "membership": ({"igo": {"membership": [4]}}, r"igo.membership.0: Input should be 1, 2 or 3 \(given: 4\)"),
    "window": ({"igo": {"window": [5]}}, r"igo.window.1' is missing"),
    "no IGO": ({"groups": [{"name": "state"}]}, r'groups must hold "state" and "igo", and may hold "dyad"'),
    "term": (
        {"groups": [{"name": "state", "terms": ["durin"]}, {"name": "igo"}]},
        r"groups.state.terms: there is no 'durin'; valid: before, before_slope",
    ),
    "years by regime": ({"time": {"by": "regime"}}, r'time.by = "all" is the only choice'),
    "AR(1) errors": ({"error": {"kind": "ar1"}}, r'error.kind must be "iid".*state_years.effects = "ar1"'),
    "treatment": ({"treatment": {"name": "CAT"}}, r"unknown key 'treatment'"),
    "estimands": ({"estimands": ["regime"]}, r"estimands.0: Input should be 'all', 'state', 'igo' or"),
    "family": ({"family": "convergense"}, r"family must be one of .*did you mean 'convergence'"),
    "prior": (
        {"state_years": {"effects": "none"}, "priors": {"rho": "uniform(0, 1)"}},
        r"priors.rho: this model has no such parameter",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_cards(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import tomli_w

    changes, message = CHANGES[kind]
    card = bayes_hr.load_card(CARD)
    raises(message, lambda: card.replace(**changes))
    data = card.model_dump(mode="json", exclude_none=True, exclude_defaults=True) | {"family": "convergence"}
    for key, value in changes.items():
        data[key] = {**data.get(key, {}), **value} if isinstance(value, dict) else value
    data["priors"] = changes.get("priors", {})
    Path("mine.toml").write_text(tomli_w.dumps(data))
    refused(message, capsys, "fit", "mine.toml")


PANELS: dict[str, tuple[dict[str, Any], str]] = {
    "score": ({"score": "hrps"}, r"score: unknown value 'hrps'; did you mean 'hrps_v402'"),
    "type": ({"types": ["politcal"]}, r"types: unknown value 'politcal'; did you mean 'political'"),
    "window": ({"window": [-5, 3]}, r"window .*must be a whole number of 0 or more; got -5"),
}


@pytest.mark.parametrize("kind", PANELS)
def test_cards_whose_panel_cannot_be_built(
    kind: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, message = PANELS[kind]
    card = bayes_hr.load_card("igo_convergence_regional").replace(igo=changes)
    Path("mine.toml").write_text(card.to_toml())
    refused(message, capsys, "fit", "mine.toml")
    raises(message, lambda: bayes_hr.fit(card))


NARROW: dict[str, tuple[dict[str, Any], str]] = {
    "signs": ({"state_years": {"loading": "sign"}}, r"the panel has no column 'gap_signed'"),
    "oriented gap": ({"outcome": {"name": "gap_oriented"}}, r"the panel has no column 'gap_signed'"),
    "control": ({"population": ["gdp"]}, r"the panel has no column 'gdp'"),
    "before": ({"igo": {"dyads": "with_before"}}, r"dyad without a year before entry \(igo.dyads\): \d+"),
}


@pytest.mark.parametrize("kind", NARROW)
def test_cards_that_need_more_than_the_rows_have(kind: str) -> None:
    changes, message = NARROW[kind]
    panel = own(rows().query("phase != 'before'")[KEYS])
    raises(message, lambda: bayes_hr.fit(bayes_hr.load_card(CARD).replace(**changes), panel))


ARGUMENTS = {
    "reference": (
        ["fit", CARD, "--reference", "20"],
        r"card demo_convergence is not about ratification, so there are no ratification years to permute",
    ),
    "mean": (
        ["data", "describe", "convergence", "--mean", "loo"],
        r"mean: unknown value 'loo'; .*leave_one_out",
    ),
    "type": (["data", "describe", "convergence", "--types", "politics"], r"did you mean 'political'"),
    "no others": (["data", "describe", "convergence", "--min-others", "0"], r"min_others must be"),
    "treaty": (
        ["data", "describe", "convergence", "--treaty", "CAT"],
        r"panel 'convergence': unknown option 'treaty'; valid: score, mean",
    ),
    "IGOs of a ratification panel": (
        ["data", "describe", "ratification", "--igos", "COE"],
        r"panel 'ratification': unknown option 'igos'",
    ),
    "panel": (
        ["data", "describe", "convergense"],
        r"'convergense'; did you mean 'convergence'",
    ),
    "question": (["demo", "--only", "peace"], r"Invalid value for '--only'"),
}


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_arguments(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    argv, message = ARGUMENTS[kind]
    refused(message, capsys, *argv)


def test_panel_of_the_other_question(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ratification = bayes_hr.Panel.from_frame(country_years(), outcome="distance")
    message = r"card demo_convergence needs a convergence panel .*not one of kind 'ratification'"
    ratification.save("ratification.parquet")
    refused(message, capsys, "fit", CARD, "--panel", "ratification.parquet")
    raises(message, lambda: bayes_hr.fit(CARD, ratification))
    convergence = bayes_hr.Panel.from_frame(rows(), name="convergence", outcome="distance")
    card = bayes_hr.load_card("demo_ratification").replace(outcome={"name": "distance"}, population=[])
    (place / "mine.toml").write_text(card.to_toml())
    convergence.save("convergence.parquet")
    message = r"card demo_ratification needs a ratification panel .*not one of kind 'convergence'"
    refused(message, capsys, "fit", "mine.toml", "--panel", "convergence.parquet")
    raises(message, lambda: bayes_hr.fit(card, convergence))


def test_rows_of_the_other_question(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    country_years().to_csv("rows.csv", index=False)
    refused(r"missing column 'igo'", capsys, "fit", CARD, "--panel", "rows.csv")
    rows().to_csv("rows.csv", index=False)
    message = r"missing column 'ratification_year'"
    refused(message, capsys, "fit", "demo_ratification", "--panel", "rows.csv")


def test_too_many_rows_for_nuts(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MAX_NUTS_ROWS", 20)
    rows().to_csv("rows.csv", index=False)
    message = r"\d+ rows are too many for NUTS \(limit 20; .*the exact engine fits"
    refused(message, capsys, "fit", CARD, "--panel", "rows.csv", "--engine", "nuts")
    raises(message, lambda: bayes_hr.fit(CARD, own(rows()), out="fit", engine="nuts"))


def test_permuted_reference_of_a_convergence_card() -> None:
    from bayes_hr.api import check_reference

    raises(r"is not about ratification", lambda: check_reference(bayes_hr.load_card(CARD), 20))
    raises(r"is not about ratification", lambda: bayes_hr.fit(CARD, own(rows()), reference=2))
    check_reference(bayes_hr.load_card(CARD), 0)
    check_reference(bayes_hr.load_card("cat_hrps"), 20)
