"""The command line, in process; two tests start a process of their own: the time of --help, and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from statistics import median

import pandas as pd
import pytest
from rich.console import Console

import bayes_hr
from bayes_hr import cards, fitting, terminal
from bayes_hr.api import Fit
from bayes_hr.checks.result import CheckResult, Verdict
from bayes_hr.data import sources
from bayes_hr.data.worlds import World
from bayes_hr.engines.gibbs import GibbsEngine
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.storage import atomic_folder

HELP_SECONDS = 0.7  # measured 0.35 s with two busy cores; "well under a second"
FEW = ["--engine", "nuts", "--chains", "4", "--draws", "300", "--tune", "300"]  # settings of small_fit


@pytest.fixture(scope="module")
def saved(small_fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_fit.save(tmp_path_factory.mktemp("saved") / "small")


@pytest.fixture
def real_verdict() -> None:
    """Ask for it to have the real checks."""


@pytest.fixture(autouse=True)
def verdict(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The verdict that every fit gets: what the command does with it is not to depend on a few draws."""
    given = {"status": "PASS"}
    if "real_verdict" not in request.fixturenames:

        def check(*_: object) -> Verdict:
            return Verdict(
                given["status"], (CheckResult("mixing", given["status"], "as told", "Draw more."),)
            )

        monkeypatch.setattr("bayes_hr.checks.verdict.check", check)
    return given


@pytest.fixture
def rows(small_world: World, tmp_path: Path) -> Path:
    """The rows of small_fit as a user's file."""
    small_world.frame.to_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


@pytest.fixture
def copied(saved: Path, tmp_path: Path) -> Path:
    """A copy of the saved fit that a test may change."""
    with atomic_folder(tmp_path / "copy") as work:
        for path in saved.iterdir():
            (work / path.name).write_bytes(path.read_bytes())
    return tmp_path / "copy"


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch, small_fit: Fit) -> list[int]:
    """The draws of small_fit in place of sampling; notes the draws that were asked for."""
    asked: list[int] = []

    def sample(self: NutsEngine, design: object, settings: object, progress: object = None) -> object:
        asked.append(settings.draws)  # type: ignore[attr-defined]
        return small_fit.data.copy()

    for engine in (GibbsEngine, NutsEngine):
        monkeypatch.setattr(engine, "sample", sample)
    return asked


Run = Callable[..., tuple[int, str, str]]


# Help, cards, sources


@pytest.mark.parametrize(
    "command",
    [
        "",
        "demo",
        "fit",
        "check",
        "summary",
        "report",
        "calibrate",
        "compare",
        "fit-draws",
        "models",
        "data",
        "data describe",
    ],
)
def test_help(command: str, run: Run) -> None:
    code, out, err = run(*command.split(), "--help")
    assert (code, err) == (0, "")
    assert "Usage: bayes-hr" in out
    assert "Exit codes" in out or command


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"bayes-hr {bayes_hr.__version__}\n", "")


def test_help_is_fast_and_loads_nothing_heavy() -> None:
    code = "import sys; from bayes_hr.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - start)
    assert {"numpy", "pandas", "xarray", "pymc", "pydantic", "bayes_hr.api"}.isdisjoint(done.stderr.split())
    assert median(seconds) < HELP_SECONDS, f"bayes-hr --help took {seconds} s"


def test_models(run: Run) -> None:
    code, out, err = run("models")
    assert (code, err) == (0, "")
    for name in cards.list_cards():
        assert re.search(rf"^{name}$", out, re.M)
    assert "CAT; outcome hrps_v402; gaussian, AR(1) errors" in out
    assert "10 IGOs, leave_one_out mean; score hrps_v402; gaussian, AR(1) state-years" in out
    first, second = out.index("Ratification cards\n"), out.index("Convergence cards\n")
    for name in cards.list_cards():
        own = cards.load_card(name).family
        assert (first < out.index(f"\n{name}\n") < second) == (own == "ratification"), name


def test_models_prints_a_card_that_is_itself_valid(run: Run) -> None:
    code, out, _ = run("models", "cat_hrps")
    assert code == 0
    assert cards.parse_card(tomllib.loads(out), where="printed") == cards.load_card("cat_hrps")


def test_data_list(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BAYES_HR_CACHE", str(tmp_path))
    raw = tmp_path / "raw" / sources.SOURCES["polity5"].repo_path
    raw.parent.mkdir(parents=True)
    raw.touch()
    code, out, _ = run("data", "list")
    assert code == 0
    assert "polity5 (cached)" in out
    assert "cowstates (not cached)" in out
    assert "CC BY-NC-SA 3.0 US" in out
    assert "1946-2021" in out


def test_data_fetch(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    digest = "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"  # of b"data"
    source = sources.Source(
        "one", "One file", "a/b/c/one.csv", digest, "a licence", "whom to cite", "", "years"
    )
    monkeypatch.setattr(sources, "SOURCES", {"one": source})
    (tmp_path / "mirror/a/b/c").mkdir(parents=True)
    (tmp_path / "mirror/a/b/c/one.csv").write_bytes(b"data")
    monkeypatch.setenv("BAYES_HR_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("BAYES_HR_CACHE", str(tmp_path / "cache"))
    code, out, err = run("data", "fetch")
    assert code == 0
    assert f"one: {tmp_path}/cache/raw/a/b/c/one.csv" in out
    assert "Licence: a licence. Cite: whom to cite" in err
    assert "sources: 1/1" in err
    assert "Licence" not in run("data", "fetch", "one")[2], "shown before a download only"


@pytest.mark.real_data
def test_data_describe_with_controls(run: Run) -> None:
    args = ("data", "describe", "ratification", "--start", "1995", "--end", "1999")
    code, out, _ = run(*args, "--controls", "igo_count", "--controls", "judicial_independence")
    assert code == 0
    assert re.search(r"^judicial_independence +\d+%$", out, re.M)
    assert "polity2 (polity5" not in out
    code, _, err = run(*args, "--controls", "igo_counts")
    assert code == 2
    assert "igo_count" in err


@pytest.mark.real_data
def test_data_describe(run: Run) -> None:
    code, out, _ = run(
        "data", "describe", "ratification", "--treaty", "ICCPR", "--start", "1980", "--end", "1999"
    )
    assert code == 0
    assert "rows used" in out
    assert re.search(r"^stable autocracy +\d+", out, re.M)
    assert re.search(r"^missing, by decade +1980s +1990s$", out, re.M)
    assert re.search(r"^needed in every row +rows lost +countries lost$", out, re.M)
    assert re.search(r"^  polity2, countries lost: Andorra, ", out, re.M)
    assert re.search(
        r"^- polity2 \(polity5, 1776-2020\): [\d,]+ of [\d,]+ rows .* not in the panel: ", out, re.M
    )


# Fit


def test_fit_of_a_file(run: Run, rows: Path, tmp_path: Path, samples: list[int], short_report: None) -> None:
    out_dir = tmp_path / "fit"
    argv = ["fit", "demo_ratification", "--panel", rows, "--out", out_dir, *FEW]
    code, out, err = run(*argv)
    assert code == 0
    assert "no fit yet" in err
    assert "sampling" in err, "log lines where there is no terminal"
    assert re.search(r"^Verdict: (PASS|REVIEW)$", out, re.M)
    assert re.search(r"^transition - stable autocracy +-?\d\.\d\d", out, re.M)
    assert f"Report: {out_dir}/report.html" in out
    assert not (out_dir / "truth.csv").exists(), "a user's rows are not our simulated world"
    assert run(*argv)[2].endswith("unchanged; the saved fit is used\n")
    assert samples == [300]
    code, _, err = run(*argv[:-1], "310")
    assert "fitted again, since this changed: engine" in err
    code, _, err = run(*argv[:-1], "310", "--where", "year > 1991")
    assert "fitted again, since this changed: card" in err
    assert len(samples) == 3


def test_a_saved_fit_is_used_without_sampling(
    run: Run, rows: Path, copied: Path, samples: list[int], short_report: None
) -> None:
    code, _, err = run("fit", "demo_ratification", "--panel", rows, "--out", copied, *FEW)
    assert code == 0
    assert "the saved fit is used" in err
    assert not samples


def test_changed_words_renew_the_tables_but_not_the_draws(
    run: Run, rows: Path, copied: Path, samples: list[int], short_report: None
) -> None:
    card = cards.load_card("demo_ratification").replace(rope={"lower": -0.3, "upper": 0.3})
    (copied.parent / "mine.toml").write_text(card.to_toml())
    code, out, err = run("fit", copied.parent / "mine.toml", "--panel", rows, "--out", copied, *FEW)
    assert code == 0
    assert "written anew" in err
    assert "ROPE: -0.3 to 0.3" in out
    assert set(pd.read_csv(copied / "effects.csv")["rope_upper"]) == {0.3}
    assert not samples


def test_own_column_names_and_notes_beside_a_fit(
    run: Run, small_world: World, tmp_path: Path, samples: list[int], short_report: None
) -> None:
    theirs = small_world.frame.rename(columns={"ccode": "cow", "score": "y"})
    theirs.to_csv(tmp_path / "theirs.csv", index=False)
    argv = ["fit", "demo_ratification", "--panel", tmp_path / "theirs.csv", "--out", tmp_path / "fit", *FEW]
    assert run(*argv, "--column", "ccode=cow", "--column", "score=y")[0] == 0
    (tmp_path / "fit/notes.txt").write_text("mine")
    assert run(*argv, "--column", "ccode=cow", "--column", "score=y", "--seed", "5")[0] == 0
    assert (tmp_path / "fit/notes.txt").read_text() == "mine"
    assert len(samples) == 2


def test_reference_is_resumable_and_kept_with_the_fit(
    run: Run, rows: Path, copied: Path, samples: list[int], short_report: None
) -> None:
    argv = ["fit", "demo_ratification", "--panel", rows, "--out", copied, *FEW, "--reference", "2"]
    code, out, _ = run(*argv)
    assert code == 0
    assert "2 refits with permuted years" in out
    assert len(samples) == 2, "the saved fit gets a reference, nothing else is run"
    assert (copied / "reference.csv").is_file()
    kept = list(copied.parent.glob(f".{copied.name}-reference/*/task-*.json"))
    assert len(kept) == 2, "outside the folder of the fit, which is replaced whole"
    assert run(*argv)[0] == 0
    assert len(samples) == 2, "nothing is run twice"
    assert run(*argv[:-1], "3")[0] == 0
    assert len(samples) == 3, "a longer list goes on where the shorter one ended"


def test_default_folder(
    run: Run, rows: Path, samples: list[int], short_report: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rows.parent)
    assert run("fit", "demo_ratification", "--panel", rows, *FEW)[0] == 0
    assert (rows.parent / "runs/demo_ratification/fit.nc").is_file()


def test_demo(
    run: Run,
    small_world: World,
    samples: list[int],
    short_report: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("bayes_hr.questions.ratification.simulate", lambda seed: small_world)
    monkeypatch.chdir(tmp_path)
    argv = ["demo", "--only", "ratification", "--reference", "0"]
    code, out, _ = run(*argv)
    assert code == 0
    assert re.search(r"^effect of ratification +truth +estimate +89% interval +covered$", out, re.M)
    row = re.search(r"^transition +(\S+) +(\S+) +(\S+) to (\S+) +(yes|NO)$", out, re.M)
    assert row is not None
    truth, _, low, high = (float(v) for v in row.groups()[:4])
    assert truth == small_world.truth.tau["transition"]
    assert (low <= truth <= high) == (row[5] == "yes")
    assert re.search(r"Country effects: \d+ of 30 intervals cover the truth", out)
    assert "Report: bayes_hr-demo/ratification/report.html" in out
    assert len(pd.read_csv("bayes_hr-demo/ratification/truth.csv")) > 30
    assert not Path("bayes_hr-demo/convergence").exists()
    code, again, err = run(*argv)
    assert "the saved fit is used" in err
    assert again == out
    assert len(samples) == 1


# A saved fit


def test_check(run: Run, saved: Path, small_fit: Fit, real_verdict: None) -> None:
    code, out, _ = run("check", saved)
    status = small_fit.check().status
    assert code == (1 if status == "FAIL" else 0)
    assert out.startswith(f"Verdict: {status}\n")
    assert "mixing" in out


@pytest.mark.parametrize(("status", "expected"), [("PASS", 0), ("REVIEW", 0), ("FAIL", 1)])
@pytest.mark.parametrize("command", ["check", "summary", "report"])
def test_exit_code_by_verdict(
    command: str,
    status: str,
    expected: int,
    run: Run,
    copied: Path,
    verdict: dict[str, str],
    short_report: None,
) -> None:
    verdict["status"] = status
    code, out, _ = run(command, copied)
    assert code == expected
    assert out.startswith(f"Verdict: {status}\n")


@pytest.fixture
def loaded(small_fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fit without reading and judging it anew for every form of its summary."""
    again = Fit(small_fit.result)  # not small_fit itself, which would remember a made-up verdict
    monkeypatch.setattr(bayes_hr, "load_fit", lambda folder: again, raising=False)


@pytest.mark.parametrize("by", [None, "average", "regime", "contrast", "country", "parameter"])
def test_summary(run: Run, loaded: None, small_fit: Fit, by: str | None) -> None:
    argv = ["summary", "somewhere", *(["--by", by] if by else [])]
    code, out, _ = run(*argv)
    assert code == 0
    assert out.startswith("Verdict: "), "the verdict stands above every number"
    code, out, err = run(*argv, "--format", "csv")
    assert code == 0
    assert err.startswith("Verdict: ")
    table = pd.read_csv(StringIO(out), keep_default_na=False)
    pd.testing.assert_frame_equal(table, small_fit.effects(by), check_dtype=False)
    code, out, _ = run(*argv, "--format", "json")
    found = json.loads(out)
    assert len(found["effects"] if by is None else found) == len(table)


def test_report(run: Run, saved: Path, tmp_path: Path) -> None:
    code, out, _ = run("report", saved, "--out", tmp_path / "page.html")
    assert code == 0
    assert f"Report: {tmp_path}/page.html" in out
    assert "<html" in (tmp_path / "page.html").read_text(encoding="utf-8")


# Exit codes


def test_a_failed_fit_exits_with_1(
    run: Run,
    small_fit: Fit,
    tmp_path: Path,
    short_report: None,
    real_verdict: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tree = small_fit.data.copy(deep=True)
    tree["sample_stats"]["diverging"][:] = True
    bad = Fit(fitting.FitResult(tree, small_fit.card, small_fit.result.provenance))
    monkeypatch.setattr(bayes_hr, "load_fit", lambda folder: bad, raising=False)
    for command in (["check"], ["summary"], ["summary", "--format", "json"], ["report"]):
        code, out, err = run(command[0], tmp_path, *command[1:])
        assert code == 1, command
        assert "Verdict: FAIL" in out + err


def test_internal_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(bayes_hr, "list_cards", broken, raising=False)
    code, _, err = run("models")
    assert code == 3
    assert err.count("\n") == 1
    assert "ZeroDivisionError: a bug of ours" in err
    assert "--debug" in err
    assert "issue tracker" in err
    code, _, err = run("--debug", "models")
    assert code == 3
    assert "Traceback" in err
    assert "BAYES_HR_DEBUG" not in os.environ


def test_interrupted_in_process(
    run: Run, rows: Path, copied: Path, monkeypatch: pytest.MonkeyPatch, short_report: None
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = {p: p.read_bytes() for p in copied.rglob("*")}
    monkeypatch.setattr(GibbsEngine, "sample", interrupt)
    code, _, err = run("fit", "demo_ratification", "--panel", rows, "--out", copied)
    assert code == 130
    assert "fitted again, since this changed: engine" in err
    assert "Interrupted; nothing was left half-written." in err
    assert err.endswith("the same command goes on from them.\n")
    assert {p: p.read_bytes() for p in copied.rglob("*")} == before


def test_interrupted_while_saving(
    run: Run, rows: Path, samples: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = sorted(rows.parent.rglob("*"))
    monkeypatch.setattr(Fit, "report", interrupt)
    code, _, _ = run("fit", "demo_ratification", "--panel", rows, "--out", rows.parent / "fit", *FEW)
    assert code == 130
    assert samples
    assert sorted(rows.parent.rglob("*")) == before


_INTERRUPTED = """
import signal
import sys
from pathlib import Path
import numpy as np
import nutpie
from nutpie.compiled_pyfunc import from_pyfunc
from bayes_hr import api
from bayes_hr.checks.result import CheckResult, Verdict
from bayes_hr.cli import main
from bayes_hr.engines.nuts import NutsEngine

def logp(x):  # slow enough that it cannot end before the interruption, and in need of no compiler
    Path("sampling").touch()
    return -0.5 * float(x @ x), -x

def expand(x):
    return {"x": x}

slow = from_pyfunc(2, lambda: logp, lambda *seeds: expand, [np.dtype("float64")], [(2,)], ["x"])
sample = nutpie.sample
nutpie.sample = lambda compiled, **settings: sample(slow, **settings)
NutsEngine._compile = lambda self, design, form: None
api.check_space = lambda folder, need: None
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_while_sampling(rows: Path) -> None:
    """A real SIGINT while nutpie's threads draw (from a density that needs no compiler)."""
    folder = rows.parent
    before = sorted(folder.rglob("*"))
    argv = ["fit", "demo_ratification", "--panel", str(rows), "--out", "made/fit", "--draws", "100000000"]
    argv += ["--engine", "nuts"]
    with subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTED, *argv], cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 120
        while not (folder / "sampling").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Interrupted; nothing was left half-written." in err
    assert err.endswith("the same command goes on from them.\n")
    assert "Traceback" not in err
    (folder / "sampling").unlink()
    assert sorted(folder.rglob("*")) == before


# What is printed


def test_narrow_terminal_cuts_no_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "_console", lambda: Console(width=40, markup=False, highlight=False))
    words = "internationalisation of extraordinarily long [bold]words[/bold] in a column"
    terminal.show_table(["name", "mean", "note"], [["one", "0.12", words]], numeric=["mean"])
    terminal.say(f"{words} /a/path/that/has/no/place/to/break/it/in/forty/columns")
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines()[:-1])) <= 60
    for word in [*words.split(), "/a/path/that/has/no/place/to/break/it/in/forty/columns"]:
        assert out.count(word) >= 1 + (word in words), word


def test_pipe_wraps_nothing(run: Run) -> None:
    _, out, _ = run("models")
    assert any(len(line) > 120 for line in out.splitlines())


def test_closed_pipe() -> None:
    code = "import sys; from bayes_hr.cli import main; sys.exit(main(['data', 'list']))"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
