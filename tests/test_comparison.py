"""One card under several choices: what each does to the estimates, what is counted, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayes_hr
from bayes_hr import api
from bayes_hr.cards import Card, load_card, parse_card
from bayes_hr.cli_compare import changes_of
from bayes_hr.comparison import COMPARISON, OWN, Comparison, compare
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError
from bayes_hr.progress import silent
from bayes_hr.questions import question_of
from bayes_hr.questions.choices import SCORES
from bayes_hr.reporting.comparison import effect_name
from bayes_hr.storage import atomic_folder

DIRECT, THROUGH = 0.3, 0.5
"""Effect of ratification past the mediator, and through it."""

Run = Callable[..., tuple[int, str, str]]


@cache
def panel() -> Panel:
    """Forty countries in two classes: ratification also raises a control, which raises the score."""
    rng = np.random.default_rng(3)
    rows = []
    for c in range(40):
        joined = rng.integers(1990, 2003) if c % 4 else np.nan
        level, wealth = 0.4 * rng.standard_normal(), rng.standard_normal()
        for y in range(1985, 2010):
            x = float(y >= joined) + 0.5 * rng.standard_normal()
            score = level + DIRECT * (y >= joined) + THROUGH * x + 0.3 * rng.standard_normal()
            regime = "transition" if c % 2 else "stable autocracy"
            rows.append((c + 2, y, score, joined, regime, x, wealth + 0.1 * rng.standard_normal()))
    columns = ["ccode", "year", "score", "ratification_year", "regime", "media", "wealth"]
    return Panel.from_frame(
        pd.DataFrame(rows, columns=columns), outcome="score", covariates=["media", "wealth"]
    )


def card(**changes: object) -> Card:
    data = {
        "schema_version": 1,
        "id": "choices",
        "question": "Does ratification change a score, past and through the media?",
        "family": "ratification",
        "panel": "ratification",
        "outcome": {"name": "score", "label": "score", "likelihood": "gaussian", "scale": 1.0, "centre": 0.0},
        "treatment": {"name": "treaty", "lag": 0},
        "population": [{"name": "media", "mediator": True}, {"name": "wealth"}],
        "error": {"kind": "iid"},
        "fit": {"chains": 2, "draws": 250, "tune": 250, "seed": 4},
    }
    return parse_card(data | changes, where="test")


@cache
def compared() -> Comparison:
    return compare(card(), panel(), progress=silent)


def passed() -> Comparison:
    """As if the few draws of a test were enough of each."""
    found = compared()
    return Comparison(found.card, found.table.assign(verdict="PASS"), found.fits.assign(verdict="PASS"), {})


def means(found: Comparison) -> pd.Series:
    own = found.table[(found.table["by"] == "average") & (found.table["level"] == "all countries")]
    return own.set_index("choice")["mean"]


def test_each_choice_changes_what_it_says() -> None:
    found = compared()
    assert found.fits["choice"].tolist() == [
        OWN,
        "without possible mediators",
        "without controls",
        "year effects common to all classes",
        "year effects a random walk",
        "AR(1) errors",
    ]
    assert not found.left_out
    mean = means(found)
    assert mean[OWN] == pytest.approx(DIRECT, abs=0.1)
    assert mean["without possible mediators"] == pytest.approx(DIRECT + THROUGH, abs=0.1)
    assert mean["without controls"] == pytest.approx(DIRECT + THROUGH, abs=0.1)
    assert mean["year effects a random walk"] == pytest.approx(mean[OWN], abs=0.05)
    assert mean["AR(1) errors"] == pytest.approx(mean[OWN], abs=0.05)


def test_the_own_fit_is_that_of_the_card() -> None:
    alone = bayes_hr.fit(card(), panel(), reference=0, progress=silent).effects("contrast")
    table = compared().table
    own = table[(table["choice"] == OWN) & (table["by"] == "contrast")]
    np.testing.assert_array_equal(own["mean"], alone["mean"])


def test_stability_counts_what_may_be_read() -> None:
    found = passed()
    row = found.stability.set_index("level").loc["all countries"]
    assert (row["of"], row["same_sign"], row["excludes_0"]) == (6, 6, 6)
    assert row["furthest"].startswith("without")
    assert row["highest"] == means(found).max()
    broken = found.fits["choice"] == row["furthest"]
    fits = found.fits.assign(verdict=found.fits["verdict"].mask(broken, "FAIL"))
    less = Comparison(found.card, found.table, fits, {}).stability.set_index("level").loc["all countries"]
    assert less["of"] == 5
    assert less["furthest"] != row["furthest"]
    other = found.fits.assign(unit=found.fits["unit"].mask(broken, "another"))
    assert Comparison(found.card, found.table, other, {}).stability.set_index("level")["of"].eq(5).all()


def test_report_names_what_failed_and_what_was_left_out(tmp_path: Path) -> None:
    found = passed()
    page = found.report(tmp_path / "a.html").read_text("utf-8")
    assert "FAIL – do not use" not in page
    assert page.count("<svg") == 3
    fits = found.fits.assign(verdict="FAIL")
    worst = Comparison(found.card, found.table.assign(verdict="FAIL"), fits, {"another score": "no <rows>"})
    page = worst.report(tmp_path / "b.html").read_text("utf-8")
    assert "FAIL – do not use" in page
    assert "no fit that may be read has it" in page
    assert "another score: no &lt;rows&gt;" in page


def test_saved_whole_and_fits_are_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choices = {"a lag of two years": {"treatment": {"lag": 2}}}
    given = {"chains": 2, "draws": 60, "tune": 60, "folder": tmp_path / "fits", "progress": silent}
    small = card(estimands=["average"])  # reports take longer than these fits
    found = compare(small, panel(), choices, **given)
    folder = found.save(tmp_path / "out")
    assert {p.name for p in folder.iterdir()} == COMPARISON.files
    assert (
        json.loads((folder / "comparison.json").read_text())["fits"][1]["changes"]
        == '{"treatment": {"lag": 2}}'
    )
    assert sorted(p.name for p in (tmp_path / "fits").iterdir()) == [
        "00-as-the-card-has-it",
        "01-a-lag-of-two-years",
    ]
    monkeypatch.setattr(api, "_run", lambda *_, **__: pytest.fail("samples again"))
    again = compare(small, panel(), choices, **given)
    pd.testing.assert_frame_equal(again.table, found.table)
    with atomic_folder(folder, COMPARISON):  # known as ours, so that a second run may replace it
        pass


def test_public_data_have_more_choices() -> None:
    shipped = load_card("cat_hrps")
    choices = question_of(shipped).choices(shipped, False)
    changed = {label: shipped.replace(**changes) for label, changes in choices.items()}
    assert len({c.to_toml() for c in changed.values()} | {shipped.to_toml()}) == len(changed) + 1
    assert {c.outcome.name for c in changed.values()} == set(SCORES)
    assert {c.regime.source for c in changed.values()} == {"polity5", "row", "polyarchy", "bmr"}
    assert {c.regime.rule for c in changed.values()} == {
        "before_treaty",
        "before_ratification",
        "whole_history",
        "time_varying",
    }
    assert changed["independent errors"].error.kind == "iid"
    ordinal = load_card("cat_torture_cirights")
    found = question_of(ordinal).choices(ordinal, False)
    assert not any("error" in c or "outcome" in c for c in found.values())


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"no such key": {"treatment": {"leg": 3}}}, "choice 'no such key'.*did you mean 'lag'"),
        ({"no such rows": {"where": "year > 2100"}}, "choice 'no such rows'"),
        ({OWN: {"treatment": {"lag": 1}}}, "take another label"),
        ({"the same": {"error": {"kind": "iid"}}}, "changes nothing here"),
        ({"other classes of these rows": {"regime": {"source": "row"}}}, "changes nothing here"),
        ({"another treaty of these rows": {"treatment": {"name": "CAT"}}}, "changes nothing here"),
        ({}, "has no other choices"),
    ],
)
def test_a_wrong_choice_is_refused_before_sampling(
    choices: dict[str, dict[str, object]], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_run", lambda *_, **__: pytest.fail("samples"))
    with pytest.raises(InputError, match=told):
        compare(card(), panel(), choices)


def test_what_the_rows_do_not_allow_is_left_out_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows where the mediator alone has values: nothing is left of them without it."""
    frame = panel().frame[["ccode", "year", "score", "ratification_year", "media"]]
    own = Panel.from_frame(frame.assign(wealth=np.nan), outcome="score", covariates=["media", "wealth"])
    with pytest.raises(InputError):  # the card's own rows must do
        compare(card(), own)
    monkeypatch.setattr(api, "fit", lambda *_, **__: pytest.fail("samples"))
    lonely = card(population=[{"name": "media", "mediator": True}], estimands=["average"])
    from bayes_hr.comparison import _buildable

    given = {"wealth as well": {"population": ["media", "wealth"]}}
    found, left_out = _buildable(lonely, own, given, asked=False)
    assert [c.label for c in found] == [OWN]
    assert "wealth" in left_out["wealth as well"]


def test_names_of_effects_are_told_apart() -> None:
    assert effect_name("contrast", "transition", "no score") == "transition − no score"
    assert effect_name("probability", "all ratified rows", "P(y >= 2)") == "all ratified rows: P(y >= 2)"
    assert effect_name("within", "wealth", "") != effect_name("between", "wealth", "")


def test_a_long_run_effect_counts_by_its_median() -> None:
    """Its mean need not exist, so a table has none."""
    found = passed()
    long_run = found.table["by"] == "average"
    table = found.table.assign(
        mean=found.table["mean"].mask(long_run), median=found.table["median"].mask(long_run, 0.7)
    )
    row = Comparison(found.card, table, found.fits, {}).stability.set_index("level").loc["all countries"]
    assert (row["own_mean"], row["lowest"], row["same_sign"]) == (0.7, 0.7, 6)


def test_convergence_has_no_choices_unasked() -> None:
    with pytest.raises(InputError, match="has no other choices of its own"):
        compare("demo_convergence")


def test_text_of_a_choice() -> None:
    found = changes_of(["treatment.lag = 3", 'regime.source = "row";  time.by = "all"'])
    assert found == {
        "treatment.lag = 3": {"treatment": {"lag": 3}},
        'regime.source = "row"; time.by = "all"': {"regime": {"source": "row"}, "time": {"by": "all"}},
    }
    for wrong, told in (
        (["lag is 3"], "not TOML"),
        ([" "], "changes nothing"),
        (["a = 1", "a = 1"], "twice"),
    ):
        with pytest.raises(InputError, match=told):
            changes_of(wrong)


def test_command(run: Run, tmp_path: Path) -> None:
    data, toml, out = tmp_path / "rows.csv", tmp_path / "card.toml", tmp_path / "out"
    panel().frame.to_csv(data, index=False)
    toml.write_text(
        card(estimands=["contrast"], fit={"chains": 2, "draws": 60, "tune": 60}).to_toml(), "utf-8"
    )
    given = ["compare", str(toml), "--panel", str(data), "--out", str(out)]
    code, told, _ = run(*given, "--choice", "treatment.lag = 2")
    fits = json.loads((out / "comparison.json").read_text())["fits"]
    assert code == (1 if any(f["verdict"] == "FAIL" for f in fits) else 0)
    assert [f["choice"] for f in fits] == [OWN, "treatment.lag = 2"]
    assert "transition − stable autocracy" in told
    assert "no sample" in told
    failed = [f["choice"] for f in fits if f["verdict"] == "FAIL"]
    assert (f"not counted: {', '.join(failed)}" in told) if failed else ("do not use" not in told)
    code, _, error = run(*given, "--choice", "treatment.leg = 2")
    assert code == 2
    assert "did you mean 'lag'" in " ".join(error.split())
