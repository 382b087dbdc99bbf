"""One fit for each draw of a score, pooled: against the exact posterior of a normal world; what is refused.

Every test of estimates knows the right answer in closed form (:mod:`measured_worlds`).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lagged_worlds import card_with, lagged_world
from measured_worlds import TAU, Measured, card_of
from refusals import closed, raises

import bayes_hr
from bayes_hr import fitting
from bayes_hr.cards import Card, load_card
from bayes_hr.checks.result import Verdict
from bayes_hr.data.panel import Panel
from bayes_hr.data.score_draws import ScoreDraws, approximate_draws
from bayes_hr.errors import InputError
from bayes_hr.fits import Fit
from bayes_hr.measurement_error.preparing import Job, prepared
from bayes_hr.measurement_error.refits import refit
from bayes_hr.measurement_error.result import KNOWN_SD, PLUG_IN, POOLED, SCORE_REFITS, PooledFit
from bayes_hr.progress import silent
from bayes_hr.questions import question_of
from bayes_hr.reporting.measurement import limits
from bayes_hr.storage import atomic_folder

Run = Callable[..., tuple[int, str, str]]
WORLD, M = Measured(), 6
SMALL = Measured(countries=12, years=8)


PASSED = Verdict("PASS", ())


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process, and as if the few draws of a test were enough of each (the command has real verdicts)."""
    monkeypatch.setattr(fitting, "usable_cores", lambda: 1)
    monkeypatch.setattr(Fit, "check", lambda _: PASSED)
    monkeypatch.setattr(Fit, "report", lambda _, path: path.write_text("page") and path)


@cache
def pooled() -> PooledFit:
    return bayes_hr.fit_draws(card_of(), WORLD.draws(M), WORLD.panel(), progress=silent)


def row(found: PooledFit, choice: str) -> pd.Series:
    return found.table.set_index("choice").loc[choice]


# ---------------------------------------------------------------- estimates


def test_each_refit_is_the_posterior_given_its_draw() -> None:
    """Posterior means of the refits, and the SD within them, as for known SDs of the model's errors.

    Tolerance: Monte Carlo error of a mean is about .004 (SD .05), and estimated SDs move it as much.
    """
    found = pooled()
    mean, sd = WORLD.effect_given(WORLD.draws(M).values)
    np.testing.assert_allclose(found.estimands[0].by_fit.mean((1, 2))[:, 0], mean, atol=0.02)
    assert found.variance["within_sd"].item() == pytest.approx(sd, rel=0.12)
    assert found.variance["between_sd"].item() == pytest.approx(mean.std(ddof=1), rel=0.15)


def test_pooled_is_the_right_posterior_and_covers_where_the_score_as_it_stands_is_too_sure() -> None:
    """Exact SD of the effect: 1.9 times that of scores without error. Six draws leave it uncertain by 30 "
    "%."""
    found = pooled()
    mean, sd = WORLD.effect()
    between = found.variance["between_sd"].item()
    with_error, without = row(found, POOLED), row(found, PLUG_IN)
    assert with_error["mean"] == pytest.approx(mean, abs=4 * between / np.sqrt(M))
    assert with_error["sd"] == pytest.approx(sd, rel=0.3)
    assert with_error["lb"] < TAU < with_error["ub"]
    assert without["sd"] < WORLD.effect_given(WORLD.scores[0])[1] < with_error["sd"]
    assert found.variance["wider"].item() == pytest.approx(with_error["sd"] / without["sd"])
    assert found.variance["wider"].item() > 1.4


def test_theory_of_the_world_adds_up() -> None:
    """Variance given the scores plus that of their posterior is the exact variance; means agree."""
    (mean, covariance), (V, c) = WORLD.scores, WORLD.prior
    weight = np.linalg.solve(V, c)
    given, within = WORLD.effect_given(mean)
    exact, sd = WORLD.effect()
    assert given == pytest.approx(exact)
    assert within**2 + weight @ covariance @ weight == pytest.approx(sd**2)


def job_of(
    card: Card | None = None, draws: ScoreDraws | None = None, world: Measured = SMALL
) -> tuple[Job, dict[str, Any], dict[str, Any]]:
    return prepared(card or card_of(), world.panel(), draws or world.draws(4), None)


def same_scores(n: int) -> ScoreDraws:
    frame = SMALL.panel().frame[["ccode", "year"]]
    score = SMALL.panel().frame["score"]
    return ScoreDraws.from_frame(frame.assign(**{f"draw_{k}": score for k in range(n)}))


def test_equal_draws_are_the_fit_of_the_score_as_it_stands() -> None:
    card = card_of(outcome={"name": "score", "scale": "sd", "centre": "mean"})  # made numbers for the refits
    job, items, facts = job_of(card, same_scores(2))
    alone = bayes_hr.fit(card, SMALL.panel(), reference=0, progress=silent)
    for values in items.values():
        found = refit(values, card.fit.seed, job=job)
        np.testing.assert_array_equal(found["estimands"][0]["draws"], alone.estimands[0].draws)
    provenance = alone.result.provenance
    assert (facts["unit"], facts["centre"]) == (provenance["unit"], provenance["centre"])
    assert np.isnan(facts["autocorrelation"])
    assert facts["sd"] == pytest.approx(0, abs=1e-12)


def test_scale_and_centre_are_those_of_the_score_as_it_stands() -> None:
    job, items, _ = job_of(card_of(outcome={"name": "score", "scale": "sd", "centre": "mean"}))
    y = SMALL.panel().frame["score"]
    for values in items.values():
        panel = replace(job.panel, frame=job.panel.frame.assign(score=values))
        design = question_of(job.card).build(job.card, panel)
        assert (design.unit, design.centre) == (pytest.approx(y.std(ddof=0)), pytest.approx(y.mean()))
        np.testing.assert_array_equal(design.y, values)


def test_the_lag_is_that_of_the_same_draw() -> None:
    frame = lagged_world(countries=8, years=8)
    rng = np.random.default_rng(2)
    noise = 0.1 * rng.standard_normal((2, len(frame)))
    scores = {f"draw_{k}": frame["score"] + noise[k - 1] for k in (1, 2)}
    table = frame[["ccode", "year"]].assign(**scores)
    panel = Panel.from_frame(frame, outcome="score")
    job, items, _ = prepared(card_with(where="year >= 1983"), panel, ScoreDraws.from_frame(table), None)
    for k, values in enumerate(items.values(), start=1):
        changed = replace(panel, frame=panel.frame.assign(score=values))
        design = question_of(job.card).build(job.card, changed)
        own = table.set_index(["ccode", "year"])[f"draw_{k}"]
        before = list(zip(design.rows["ccode"], design.rows["year"] - 1, strict=True))
        np.testing.assert_allclose(design.term("phi").columns[:, 0], own.loc[before])
    less = ScoreDraws.from_frame(table[table["year"] != 1982])
    with pytest.raises(InputError, match=r"8 of the 48 country-years .* COW 1 1982, COW 2 1982"):
        prepared(job.card, panel, less, None)


# ---------------------------------------------------------------- verdicts and resumption


def test_failed_refits_are_named_and_not_pooled(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_verdicts(*verdicts: str) -> None:
        def fake(values: Any, seed: int, *, job: Job) -> dict[str, Any]:
            k = int(np.flatnonzero([np.array_equal(values, v) for v in items.values()])[0])
            rng = np.random.default_rng(k)
            line = {"verdict": verdicts[k], "reasons": "r", "rows": 1, "countries": 1, "changes": ""}
            kept = {
                "estimand": "tau", "by": "regime", "levels": ["all"], "references": [""], "notes": [""],
                "scale": "", "has_mean": True, "draws": 100.0 * k + rng.standard_normal((2, 50, 1)),
            }  # fmt: skip
            return {"line": line, "estimands": [kept]}

        monkeypatch.setattr("bayes_hr.measurement_error.refits.refit", fake)

    _, items, _ = job_of()
    given: dict[str, Any] = {"draws": 20, "tune": 20, "progress": silent}
    with_verdicts("PASS", "FAIL", "PASS", "REVIEW")
    found = bayes_hr.fit_draws(card_of(), SMALL.draws(4), SMALL.panel(), **given)
    assert "draw 2" in found.failed
    assert found.refits["pooled"].tolist() == [True, False, True, True]
    assert row(found, POOLED)["mean"] == pytest.approx((0 + 200 + 300) / 3, abs=0.5)
    assert row(found, POOLED)["verdict"] == "REVIEW"
    with_verdicts("PASS", "FAIL", "FAIL", "FAIL")
    with pytest.raises(InputError, match=r"3 of 4 refits have verdict FAIL \(draw 2, draw 3, draw 4: r\)"):
        bayes_hr.fit_draws(card_of(), SMALL.draws(4), SMALL.panel(), **given)


def small_run(folder: str | Path | None, progress: Any = silent) -> PooledFit:
    small = card_of(fit={"chains": 2, "draws": 60, "tune": 30, "seed": 3})
    return bayes_hr.fit_draws(small, SMALL.draws(3), SMALL.panel(), folder=folder, progress=progress)


def test_kill_9_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    """A process killed after its second refit keeps two; the next run does the rest, to the same numbers."""
    code = (
        "import os, signal, test_measurement_error as own\n"
        "from bayes_hr import fitting\n"
        "from bayes_hr.fits import Fit\n"
        "fitting.usable_cores, Fit.check = lambda: 1, lambda _: own.PASSED\n"
        "def progress(done, total):\n"
        "    if (done, total) == (2, 3): os.kill(os.getpid(), signal.SIGKILL)\n"
        f"own.small_run({str(tmp_path)!r}, progress)\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == -signal.SIGKILL
    kept = sorted(p.name for p in (tmp_path / "refits").glob("*/task-*.json"))
    assert kept == ["task-00000.json", "task-00001.json"]
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "refits").glob("*/task-*.json")}
    seen: list[tuple[int, int]] = []
    found = small_run(tmp_path, lambda *at: seen.append(at))
    assert seen == [(2, 3), (3, 3)]  # nor was the first fit run again
    assert {p: p.stat().st_mtime_ns for p in before} == before
    whole = small_run(None)
    pd.testing.assert_frame_equal(found.table, whole.table)
    pd.testing.assert_frame_equal(found.variance, whole.variance)


# ---------------------------------------------------------------- what is refused, before any sampling


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return closed(tmp_path, monkeypatch)


def holes() -> ScoreDraws:
    table = SMALL.table(4)
    table.loc[table["ccode"] == 3, "draw_2"] = np.nan
    return ScoreDraws.from_frame(table[table["year"] != 1991])


@pytest.mark.parametrize(
    ("changes", "draws", "told"),
    [
        ({"error": {"measurement_sd": "score_sd"}}, None, "are alternatives"),
        ({}, holes, r"19 of the 96 country-years .* lack draws .*: COW 1 1991, COW 2 1991, COW 3 1990"),
        ({}, lambda: replace(SMALL, seed=9).draws(4), "they are not of 'score'"),
        ({}, lambda: replace(SMALL.draws(4), values=-SMALL.draws(4).values), "they are not of 'score'"),
        ({}, lambda: replace(SMALL.draws(4), ccode=SMALL.draws(4).ccode + 500), "Are their codes COW"),
        ({"where": "year > 2100"}, None, "no rows are left"),
    ],
)
def test_what_cannot_be_done_is_refused(
    changes: dict[str, Any], draws: Callable[[], ScoreDraws] | None, told: str, here: Path
) -> None:
    given = SMALL.draws(4) if draws is None else draws()
    raises(told, lambda: bayes_hr.fit_draws(card_of(**changes), given, SMALL.panel(), folder="out"))


def test_numbers_of_refits_and_other_kinds_of_rows(here: Path) -> None:
    draws, panel = SMALL.draws(4), SMALL.panel()
    for n in (1, 5):
        raises(
            "at least 2 and at most the 4", lambda n=n: bayes_hr.fit_draws(card_of(), draws, panel, refits=n)
        )
    raises("categories, not a score", lambda: bayes_hr.fit_draws("cat_torture_cirights", draws, panel))
    raises("convergence card", lambda: bayes_hr.fit_draws("demo_convergence", draws))
    bare = replace(panel, frame=panel.frame.drop(columns="score_sd"))
    raises("no column 'score_sd'", lambda: bayes_hr.fit_draws(card_of(), draws, bare, known_sd=True))
    rows = SMALL.rows.merge(pd.DataFrame({"ccode": [1, 1]}), how="left")  # two events of the first country
    cells = bayes_hr.compress_chunks([rows], outcome="score", covariates=[])
    compressed = Panel.from_compressed(cells)
    raises("compressed rows", lambda: bayes_hr.fit_draws(card_of(), draws, compressed))
    lagged = Panel.from_frame(lagged_world(countries=6, years=6).assign(score_sd=0.1), outcome="score")
    made = approximate_draws(lagged, 3)
    raises("biases phi", lambda: bayes_hr.fit_draws(card_with(), made, lagged))


def test_several_treaties_take_draws_too() -> None:
    years = {f"ratification_year_{t}": SMALL.rows["ratification_year"] + k for k, t in enumerate("AB")}
    own = SMALL.panel().frame[["ccode", "year", "score"]].assign(**years)
    panel = Panel.from_frame(own, outcome="score", name="treaties")
    shipped = load_card("many_treaties_hrps")
    card = shipped.replace(
        treatment={"names": ["A", "B"]}, outcome={"name": "score"}, population=[], where="year > 0"
    )
    job, items, _ = prepared(card, panel, SMALL.draws(3), None)
    assert len(items) == 3
    assert job.card.family == "treaties"


# ---------------------------------------------------------------- report, folder, command


def test_report_says_what_draws_cannot_do(tmp_path: Path) -> None:
    found = pooled()
    page = found.report(tmp_path / "a.html").read_text("utf-8")
    assert "do not undo the shrinkage" in page.replace("Neither draws nor a known SD undo", "do not undo")
    assert page.count("<svg") == 1
    assert "All 6 draws were used." in page
    assert "FAIL – do not use" not in page
    assert not any("made up" in text for text in limits(found))
    fits = found.fits.assign(verdict=found.fits["verdict"].mask(found.fits["choice"] == "draw 3", "FAIL"))
    worst = replace(found, fits=fits, facts={**found.facts, "approximate": True, "supplied": 40})
    page = worst.report(tmp_path / "b.html").read_text("utf-8")
    assert "Not pooled, and not to be read: draw 3." in page
    assert "6 of 40 draws were used, evenly spaced: 1, 2, 3, 4, 5, 6." in page
    assert "not as that posterior" in page


def test_saved_whole(tmp_path: Path) -> None:
    folder = pooled().save(tmp_path / "out")
    assert {p.name for p in folder.iterdir()} == SCORE_REFITS.files
    told = json.loads((folder / "measurement.json").read_text())
    assert [e["choice"] for e in told["effects"]] == [POOLED, PLUG_IN]
    assert told["draws"]["used"] == [1, 2, 3, 4, 5, 6]
    assert len(pd.read_csv(folder / "refits.csv")) == 1 + M
    with atomic_folder(folder, SCORE_REFITS):  # known as ours, so that a second run may replace it
        pass


def test_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(fitting, "usable_cores", lambda: 1)
    monkeypatch.setattr(Fit, "report", lambda _, path: path.write_text("page") and path)
    rows, toml, scores = tmp_path / "rows.csv", tmp_path / "card.toml", tmp_path / "scores.parquet"
    SMALL.panel().frame.to_csv(rows, index=False)
    SMALL.table(4).to_parquet(scores)
    small = card_of(fit={"chains": 2, "draws": 400, "tune": 150, "seed": 3})
    toml.write_text(small.to_toml(), "utf-8")
    given = ["fit-draws", str(toml), "--panel", str(rows), "--out", str(tmp_path / "out")]
    code, out, _ = run(*given, str(scores), "--refits", "2", "--known-sd")
    told = json.loads((tmp_path / "out" / "measurement.json").read_text())
    assert [f["choice"] for f in told["fits"]] == [PLUG_IN, KNOWN_SD, "draw 1", "draw 4"]
    assert code == (1 if any(f["verdict"] == "FAIL" for f in told["fits"]) else 0)
    assert "Refits: 2 (" in out
    assert "already shrunk" in out
    for wrong, message in (
        ([], "either a FILE"),
        ([str(scores), "--approximate"], "either a FILE"),
        ([str(scores), "--autocorrelation", "0.5"], "goes with --approximate"),
        (["--approximate", "--codes", "iso3"], "goes with FILE"),
        ([str(tmp_path / "none.csv")], "there is no such file"),
        (["--approximate", "--autocorrelation", "1.5"], "below 1"),
    ):
        code, _, error = run(*given, *wrong)
        assert code == 2
        assert message in " ".join(error.replace("│", " ").split())
