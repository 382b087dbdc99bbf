"""The command line on convergence, in process: its panel, fits and tables, and the demo of both questions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from drawn import drawn_tree, small_convergence

import bayes_hr
from bayes_hr.api import Fit
from bayes_hr.checks.result import CheckResult, Verdict
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.simulate import ConvergenceWorld

Run = Callable[..., tuple[int, str, str]]
KINK = r"^kink entry: all dyads +(\S+) +(\S+) +(\S+) to (\S+) +(yes|NO)$"


@pytest.fixture(scope="module")
def world() -> ConvergenceWorld:
    return small_convergence()


@pytest.fixture(scope="module")
def saved(world: ConvergenceWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo card fitted to the small world, with draws from the prior, as ``bayes-hr fit`` saves it."""
    with pytest.MonkeyPatch.context() as patch:
        _without_sampling(patch, world)
        folder = tmp_path_factory.mktemp("saved") / "fit"
        bayes_hr.fit("demo_convergence", out=folder)
    return folder


@pytest.fixture
def no_sampling(monkeypatch: pytest.MonkeyPatch, world: ConvergenceWorld) -> None:
    _without_sampling(monkeypatch, world)


def _without_sampling(patch: pytest.MonkeyPatch, world: ConvergenceWorld) -> None:
    """The small world for the demo's, draws from the prior in no time, a page without content."""
    patch.setattr(NutsEngine, "sample", lambda self, *given: drawn_tree(*given))
    patch.setattr("bayes_hr.questions.convergence.simulate", lambda **_: world)
    patch.setattr("bayes_hr.questions.convergence.PRIOR_DRAWS", 300)
    patch.setattr("bayes_hr.questions.convergence.SCALED_DRAWS", 10)
    patch.setattr(Fit, "report", lambda fit, path: path.write_text("page") and path)


@pytest.fixture
def loaded(saved: Path, monkeypatch: pytest.MonkeyPatch) -> Fit:
    """The saved fit, read and judged once, with a verdict that does not depend on a few draws."""
    found = bayes_hr.load_fit(saved)
    _told(monkeypatch, {"demo_convergence": "PASS"})
    monkeypatch.setattr(bayes_hr, "load_fit", lambda folder: found, raising=False)
    return found


def _told(patch: pytest.MonkeyPatch, status: dict[str, str]) -> None:
    """Verdicts by card, in place of those of the draws."""

    def check(fit: Fit) -> Verdict:
        said = status[fit.card.id]
        return Verdict(said, (CheckResult("mixing", said, "as told", "Draw more."),))

    patch.setattr(Fit, "check", check)


# Panel


@pytest.mark.real_data
def test_data_describe(run: Run) -> None:
    argv = ["data", "describe", "convergence", "--igos", "COE", "--igos", "cmea", "--end", "2000"]
    code, out, _ = run(*argv, "--mean", "inclusive", "--min-others", "3")
    assert code == 0
    assert out.startswith("Panel convergence: hrps_v402, inclusive mean of at least 3\n")
    assert re.search(r"^dropped +[\d,]+ +IGO not asked for", out, re.M)
    assert "MECHANICAL JUMP" in out
    assert "Czechoslovakia, a member of Comecon to its end, stops in 1964" in out
    panel = bayes_hr.load_panel(
        "convergence", igos=["COE", "CMEA"], end=2000, mean="inclusive", min_others=3
    ).frame
    dyads = panel.drop_duplicates(["ccode", "igo"])
    for phase in ("before", "during", "gap", "after"):
        part = panel[panel["phase"] == phase]
        counts = [len(part), len(part.drop_duplicates(["ccode", "igo"]))]
        counts += [part["ccode"].nunique(), part["igo"].nunique()]
        assert re.search(rf"^{phase} +" + " +".join(f"{n:,}" for n in counts) + "$", out, re.M), phase
    assert re.search(rf"^all +{len(panel):,} +{len(dyads)} +{panel['ccode'].nunique()} +2$", out, re.M)
    coe = panel[panel["igo"] == "COE"]
    before = coe[coe["phase"] == "before"]["ccode"].nunique()
    assert re.search(rf"^COE +{coe['ccode'].nunique()} +{before} +0 +{len(coe):,}$", out, re.M)
    assert "cow_igo_state_year" in out.splitlines()[-1]


@pytest.mark.real_data
def test_data_fetch_of_the_igo_files(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYES_HR_CACHE", str(tmp_path))
    ids = ["cow_igo_state_year", "cow_igo_igo_year"]
    code, out, err = run("data", "fetch", *ids)
    assert code == 0
    assert [line.split(":")[0] for line in out.splitlines()] == ids
    assert all(Path(line.split(": ")[1]).is_file() for line in out.splitlines())
    assert err.count("Cite: Pevehouse") == 2


@pytest.mark.real_data
def test_unknown_igo(run: Run, no_sampling: None, tmp_path: Path) -> None:
    card = bayes_hr.load_card("igo_convergence_regional").replace(igo={"organisations": ["COE", "UNESC"]})
    (tmp_path / "mine.toml").write_text(card.to_toml())
    for argv in (["data", "describe", "convergence", "--igos", "UNESC"], ["fit", tmp_path / "mine.toml"]):
        code, out, err = run(*argv)
        assert (code, out) == (2, "")
        assert "unknown IGO code 'UNESC'; did you mean 'UNESCO'" in err.splitlines()[-1]


# Fit


def test_fit_shows_the_headline(run: Run, no_sampling: None, tmp_path: Path) -> None:
    code, out, _ = run("fit", "demo_convergence", "--out", tmp_path / "fit")
    assert code == 1, "draws from the prior do not pass"
    assert out.startswith("Verdict: FAIL\n")
    assert re.search(r"^convergence to co-members +mean +89% interval +P\(>0\) +P\(ROPE\) +note$", out, re.M)
    assert re.search(r"^kink entry: all dyads +-?\d\.\d\d", out, re.M)
    assert re.search(r"^slope during: political +-?\d\.\d\d", out, re.M)
    assert "State 0" not in out.split("convergence to co-members")[1], "states are in the report"
    assert "ROPE: -0.02 to 0.02" in out
    assert re.search(r"--table hypotheses\|identification\|curve$", out, re.M)
    assert (tmp_path / "fit/hypotheses.csv").is_file()


def test_fit_of_a_file(run: Run, no_sampling: None, world: ConvergenceWorld, tmp_path: Path) -> None:
    theirs = world.frame.rename(columns={"ccode": "cow"})
    theirs.to_csv(tmp_path / "rows.csv", index=False)
    argv = ["fit", "demo_convergence", "--panel", tmp_path / "rows.csv", "--column", "ccode=cow"]
    assert "kink entry: all dyads" in run(*argv, "--out", tmp_path / "fit")[1]
    assert not (tmp_path / "fit/truth.csv").exists(), "a user's rows are not our simulated world"


@pytest.mark.parametrize("by", [None, "all", "state", "igo", "igo_type", "parameter"])
def test_summary(run: Run, loaded: Fit, by: str | None) -> None:
    argv = ["summary", "somewhere", *(["--by", by] if by else [])]
    code, out, _ = run(*argv)
    assert code == 0
    assert out.startswith("Verdict: PASS"), "the verdict stands above every number"
    expected = {None: "kink entry: all dyads", "parameter": "beta[during_slope]"}.get(by, "kink entry: ")
    assert expected in out
    code, out, err = run(*argv, "--format", "csv")
    assert code == 0
    assert err == "Verdict: PASS\n"
    table = pd.read_csv(StringIO(out), keep_default_na=False)
    pd.testing.assert_frame_equal(table, loaded.effects(by), check_dtype=False)
    found = json.loads(run(*argv, "--format", "json")[1])
    assert len(found["effects"] if by is None else found) == len(table)


@pytest.mark.parametrize(("table", "column"), [("hypotheses", "probability"), ("identification", "flag")])
def test_own_tables(run: Run, loaded: Fit, table: str, column: str) -> None:
    code, out, _ = run("summary", "somewhere", "--table", table)
    assert code == 0
    assert out.startswith("Verdict: PASS")
    own = loaded.tables[table]
    header, *rows = out.split("\n\n", 1)[1].splitlines()
    assert column in header
    assert [row.split()[0] for row in rows] == own.iloc[:, 0].tolist()
    assert "nan" not in out
    whole = pd.read_csv(StringIO(run("summary", "somewhere", "--table", table, "--format", "csv")[1]))
    words = list(own.select_dtypes(exclude="number").columns)
    whole[words] = whole[words].fillna("")
    pd.testing.assert_frame_equal(whole, own, check_dtype=False)
    assert len(json.loads(run("summary", "somewhere", "--table", table, "--format", "json")[1])) == len(own)


def test_tables_and_effects_that_are_not_there(
    run: Run, loaded: Fit, small_fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run("summary", "somewhere", "--by", "regime")
    assert code == 2
    assert "by = 'regime' is not among those of card demo_convergence: all, igo_type, state, igo" in err
    code, _, err = run("summary", "somewhere", "--table", "hypothesis")
    assert code == 2
    assert "card demo_convergence has no table 'hypothesis'; it has hypotheses, identification, curve" in err
    code, _, err = run("summary", "somewhere", "--table", "curve", "--by", "all")
    assert code == 2
    assert "goes without --by" in err
    monkeypatch.setattr(bayes_hr, "load_fit", lambda folder: Fit(small_fit.result), raising=False)
    code, _, err = run("summary", "somewhere", "--table", "hypotheses", "--format", "csv")
    assert code == 2
    assert "card demo_ratification has no table 'hypotheses'; it has none beside the effects" in err


# Demo


@pytest.mark.parametrize(
    ("ratification", "convergence", "expected"),
    [("PASS", "REVIEW", 0), ("FAIL", "PASS", 1), ("PASS", "FAIL", 1)],
)
def test_demo_runs_both_questions(
    ratification: str,
    convergence: str,
    expected: int,
    run: Run,
    saved: Path,
    world: ConvergenceWorld,
    small_fit: Fit,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    fits = {"demo_ratification": small_fit, "demo_convergence": bayes_hr.load_fit(saved)}
    asked = []

    def fit(card: str, *, out: Path, reference: int | None) -> Fit:
        asked.append((card, out, reference))
        return fits[card]

    monkeypatch.setattr(bayes_hr, "fit", fit, raising=False)
    _told(monkeypatch, {"demo_ratification": ratification, "demo_convergence": convergence})
    code, out, _ = run("demo", "--out", tmp_path / "both", "--reference", "0")
    assert code == expected
    folders = {name: tmp_path / "both" / name for name in ("ratification", "convergence")}
    refits = {"ratification": 0, "convergence": None}
    assert asked == [(f"demo_{name}", folder, refits[name]) for name, folder in folders.items()]
    first, second = out.split("In a simulated world with a known kink")
    assert f"Verdict: {ratification}\n" in first
    assert f"Verdict: {convergence}\n" in second
    assert "Country effects: " in first
    assert f"Report: {folders['convergence']}/report.html" in second
    assert re.search(r"^convergence to co-members +truth +estimate +89% interval +covered$", second, re.M)
    row = re.search(KINK, second, re.M)
    assert row is not None
    truth, _, low, high = (float(v) for v in row.groups()[:4])
    assert truth == pytest.approx(world.truth.expected["kink_entry"], abs=0.005)
    assert (low <= truth <= high) == (row[5] == "yes")
    assert "kink entry: political" not in second
    assert re.search(
        r"^States: \d+ of \d+ intervals cover the truth \(89% are expected to\)\.$", second, re.M
    )


def test_demo_of_one_question(run: Run, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    found = bayes_hr.load_fit(saved)
    monkeypatch.setattr(
        bayes_hr, "fit", lambda card, out, reference: asked.append((card, out)) or found, raising=False
    )
    code, out, _ = run("demo", "--only", "convergence")
    assert code == 1, "draws from the prior do not pass"
    assert asked == [("demo_convergence", Path("bayes_hr-demo/convergence"))]
    assert re.search(KINK, out, re.M)
    assert "effect of ratification" not in out
    code, _, err = run("demo", "--only", "peace")
    assert code == 2
    assert "Invalid value for '--only'" in err
