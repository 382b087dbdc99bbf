"""Fits are saved and loaded without loss, run again only when something changed, and safe to interrupt."""

from __future__ import annotations

import json
import logging
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayes_hr
from bayes_hr import fitting
from bayes_hr.api import Fit
from bayes_hr.cards import load_card, parse_card
from bayes_hr.checks import reference
from bayes_hr.checks.reference import permuted_reference
from bayes_hr.checks.result import Verdict
from bayes_hr.data.panel import Panel
from bayes_hr.data.worlds import World
from bayes_hr.engines.gibbs import GibbsEngine
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.errors import InputError, TaskFailureError
from bayes_hr.progress import silent
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build

FILES = {"fit.nc", "spec.toml", "provenance.json", "effects.csv", "summary.json", "report.html", "truth.csv"}


@pytest.fixture(scope="module")
def saved(small_fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_fit.save(tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture
def no_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("sampled")

    monkeypatch.setattr(NutsEngine, "sample", refuse)


def test_saved_and_loaded_without_loss(small_fit: Fit, saved: Path) -> None:
    again = bayes_hr.load_fit(saved)
    xr.testing.assert_identical(again.data, small_fit.data)
    assert again.card == small_fit.card
    assert again.result.provenance == json.loads(json.dumps(small_fit.result.provenance))
    pd.testing.assert_frame_equal(again.effects(), small_fit.effects())
    assert again.check().to_text() == small_fit.check().to_text()
    assert again.truth is not None
    assert {p.name for p in saved.iterdir()} == FILES


def test_written_files_agree_with_the_fit(small_fit: Fit, saved: Path) -> None:
    spec = parse_card(tomllib.loads((saved / "spec.toml").read_text()), where="spec")
    assert spec == small_fit.card, "spec.toml is itself a valid card"
    effects = pd.read_csv(saved / "effects.csv", keep_default_na=False)
    np.testing.assert_allclose(effects["mean"], small_fit.effects()["mean"])
    summary = json.loads((saved / "summary.json").read_text())
    assert summary["schema_version"] == 1
    assert summary["verdict"] == small_fit.check().status
    assert len(summary["effects"]) == len(effects)
    provenance = json.loads((saved / "provenance.json").read_text())
    assert provenance["merge"]["rows_used"] == small_fit.data["observed_data"].sizes["obs"]
    assert {"pymc", "nutpie", "python"} <= set(provenance["versions"])


def test_design_of_a_loaded_fit_is_that_of_the_panel(saved: Path, small_world: World) -> None:
    again = bayes_hr.load_fit(saved)
    fresh = build(again.card, simulated_panel(small_world))
    rebuilt = fitting.design_of(again.result)
    np.testing.assert_allclose(rebuilt.y, fresh.y)
    for a, b in zip(fresh.population, rebuilt.population, strict=True):
        np.testing.assert_allclose(a.matrix(), b.matrix(), atol=1e-12)


@pytest.mark.usefixtures("no_sampling")
def test_not_run_again_when_nothing_changed(
    small_fit: Fit, saved: Path, small_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    panel = simulated_panel(small_world)
    shuffled = Panel.from_frame(
        small_world.frame.sample(frac=1.0, random_state=1).astype({"year": "int32"}),
        outcome="score",
        covariates=["log_gdppc", "log_population", "conflict"],
        treaty="simulated treaty",
    )
    with caplog.at_level(logging.INFO, "bayes_hr"):
        for same in (panel, shuffled):
            again = bayes_hr.fit(small_fit.card, same, out=saved)
            xr.testing.assert_identical(again.data, small_fit.data)
    assert "unchanged" in caplog.text
    reworded = small_fit.card.replace(rope={"lower": -0.2}, question="Another way to ask the same question?")
    assert bayes_hr.fit(reworded, panel, out=saved).card.rope.lower == -0.2, "the ROPE needs no new draws"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"error": {"kind": "iid"}}, "card"),
        ({"fit": {"seed": 5}}, "engine"),
        ({"where": "year > 1991"}, "card"),
    ],
)
def test_a_change_is_named(small_fit: Fit, small_world: World, change: dict, part: str) -> None:
    panel = simulated_panel(small_world)
    old = small_fit.result.provenance["signature"]
    assert fitting.changes(old, fitting.signature(small_fit.card, panel)) == []
    assert fitting.changes(old, fitting.signature(small_fit.card.replace(**change), panel)) == [part]


def test_changed_data_are_named(small_fit: Fit, small_world: World) -> None:
    frame = small_world.frame.assign(score=lambda f: f["score"] + (f.index == 7) * 1e-9)
    panel = Panel.from_frame(frame, outcome="score")
    new = fitting.signature(small_fit.card, panel)
    assert fitting.changes(small_fit.result.provenance["signature"], new) == ["data"]


@pytest.mark.usefixtures("no_sampling")
def test_a_new_fit_starts_when_something_changed(small_fit: Fit, saved: Path, small_world: World) -> None:
    with pytest.raises(AssertionError, match="sampled"):
        bayes_hr.fit(small_fit.card, simulated_panel(small_world), seed=99, out=saved)
    assert {p.name for p in saved.iterdir()} == FILES, "and the old one is whole until the new one is"


def test_interruption_leaves_nothing(
    small_fit: Fit, small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(NutsEngine, "sample", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bayes_hr.fit(small_fit.card, simulated_panel(small_world), out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_fit(
    small_fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_fit.save(tmp_path / "run")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Fit, "report", broken)
    with pytest.raises(InputError, match="disk is full"):
        small_fit.save(folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_effects_ask_for_what_there_is(small_fit: Fit) -> None:
    with pytest.raises(InputError, match="contrast"):
        small_fit.effects(by="treaty")
    draws = small_fit.draws("contrast")
    assert draws.dims == ("chain", "draw", "estimand")
    assert "contrast: transition - stable autocracy" in draws["estimand"].values


def test_permuted_reference_by_refits(small_fit: Fit, small_engine: NutsEngine, tmp_path: Path) -> None:
    """The true effect in transition stands out against dealt-out years; a second call refits nothing."""
    found = permuted_reference(
        small_fit.result, n=3, folder=tmp_path / "ref", progress=lambda *_: None, engine=small_engine
    )
    row = found.table.set_index(["estimand", "level"]).loc[("tau", "transition")]
    assert row["p_value"] == pytest.approx(1 / 4)
    assert abs(row["permuted_mean"]) < row["mean"] / 2
    average = small_fit.effects("average").set_index("level").loc["all countries", "mean"]
    assert found.table.set_index("level").loc["all countries", "mean"] == pytest.approx(average)
    again = permuted_reference(small_fit.result, n=3, folder=tmp_path / "ref", progress=lambda *_: None)
    pd.testing.assert_frame_equal(again.table, found.table)


def test_the_exact_engine_adds_the_reference_unasked(
    small_world: World, short_report: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a saved fit that lacks it too, from where it was interrupted; in workers as in one process."""
    short = {"chains": 1, "draws": 40, "tune": 10}
    monkeypatch.setattr(reference, "REFITS", 3)
    monkeypatch.setitem(reference.SHORT, "gibbs", short)
    monkeypatch.setattr("bayes_hr.checks.verdict.check", lambda *_: Verdict("REVIEW", ()))
    folder, panel = tmp_path / "run", simulated_panel(small_world)
    card = load_card("demo_ratification").replace(estimands=["regime"])
    asked = {"chains": 1, "draws": 60, "tune": 40, "out": folder}
    without = bayes_hr.fit(card, panel, reference=0, progress=silent, **asked)
    assert without.card.fit.engine == "gibbs"
    assert without.reference is None
    monkeypatch.setattr(fitting, "run", lambda *_, **__: pytest.fail("fitted again"))
    (folder / "report.html").unlink()  # as left by a process that was killed among the refits
    seen: list[tuple[int, int]] = []

    def interrupted(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reference, "usable_cores", lambda: 1)  # in this process; workers have their own tests
        with pytest.raises(KeyboardInterrupt):
            bayes_hr.fit(card, panel, progress=interrupted, **asked)
    assert bayes_hr.load_fit(folder).reference is None
    assert (folder / "report.html").is_file()
    found = bayes_hr.fit(card, panel, progress=lambda *at: seen.append(at), **asked)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert found.reference is not None
    assert (found.reference.n, found.reference.settings) == (3, {"engine": "gibbs", **short})
    again = bayes_hr.load_fit(folder)
    assert again.summary()["permuted_reference"]["settings"] == {"engine": "gibbs", **short}
    xr.testing.assert_identical(again.data, without.data)
    here = permuted_reference(without.result, n=3, engine=GibbsEngine(), progress=silent)
    pd.testing.assert_frame_equal(here.table, found.reference.table)
    monkeypatch.setattr(reference, "run_tasks", lambda *_, **__: pytest.fail("refitted"))
    assert bayes_hr.fit(card, panel, reference=2, **asked).reference is not None


def test_a_reference_leaves_effects_and_checks_as_they_are(
    small_fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict, estimands = small_fit.check(), small_fit.estimands
    monkeypatch.setattr(reference, "permuted_reference", lambda *_, **__: "the reference")
    found = small_fit.permuted_reference(2)
    assert found.reference == "the reference"
    assert found.check() is verdict, "worked out a second time"
    assert found.estimands is estimands


def test_a_page_is_written_once_where_refits_follow(
    small_fit: Fit, small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing it takes seconds, and without the reference it would be written in vain."""
    pages: list[Fit] = []

    def page(fit: Fit, path: Path) -> Path:
        pages.append(fit)
        path.write_text("a page")
        return path

    monkeypatch.setattr(Fit, "report", page)
    monkeypatch.setattr(fitting, "run", lambda *_, **__: small_fit.result)
    permuted = reference._estimates(small_fit.data)
    monkeypatch.setattr(reference, "run_tasks", lambda *_, **__: [permuted, permuted])
    card, panel = load_card("demo_ratification"), simulated_panel(small_world)
    found = bayes_hr.fit(card, panel, reference=2, progress=silent, out=tmp_path / "run")
    assert found.reference is not None
    assert [fit.reference is not None for fit in pages] == [True]
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_reference_that_fails_does_not_take_the_fit_along(
    small_fit: Fit, small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it was asked for."""

    def failing(*_: object, **__: object) -> None:
        raise TaskFailureError("3 of 3 permuted refits tasks failed", {}, {})

    panel = simulated_panel(small_world)
    monkeypatch.setattr(reference, "run_tasks", failing)
    monkeypatch.setattr(fitting, "run", lambda *_, **__: small_fit.result)
    assert bayes_hr.fit(small_fit.card, panel).reference is None, "NUTS has none unasked"
    monkeypatch.setattr(reference, "default_refits", lambda card: 3)
    assert bayes_hr.fit(small_fit.card, panel).reference is None
    with pytest.raises(TaskFailureError, match="3 of 3"):
        bayes_hr.fit(small_fit.card, panel, reference=3)
