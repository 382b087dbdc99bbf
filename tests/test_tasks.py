"""Many independent tasks: seeds, resuming, failures, interruption, progress."""

import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bayes_hr import progress as progress_module
from bayes_hr.errors import InputError, TaskFailureError
from bayes_hr.progress import progress_bar, silent
from bayes_hr.tasks import run_tasks, task_seeds

ITEMS = {f"item {i}": i for i in range(5)}


def draw(item: int, seed: int) -> dict[str, object]:
    """Numpy types of every kind."""
    rng = np.random.default_rng(seed)
    return {
        "item": item,
        "mean": rng.normal(),
        "draws": rng.normal(size=(2, 2)),
        "n": np.int64(item),
        "bad": np.nan,
    }


def logged_draw(item: int, seed: int, *, log: str, fail: tuple[int, ...] = ()) -> dict[str, object]:
    with Path(log).open("a") as stream:
        stream.write(f"{item}\n")
    if item in fail:
        raise ValueError(f"item {item} cannot be")
    return draw(item, seed)


def environment(item: str, seed: int) -> str | None:
    return os.environ.get(item)


def slow(item: float, seed: int) -> float:
    time.sleep(item)
    return item


def note_process(item: str, seed: int) -> None:
    Path(item).write_text(str(os.getpid()))
    if item.endswith("first"):
        while not Path(item).with_name("second").exists():
            time.sleep(0.01)
    else:
        time.sleep(60)


def die(item: int, seed: int) -> int:
    os._exit(3)


def calls(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


def same(left: object, right: object) -> bool:
    """Equal as JSON, where NaN equals NaN."""
    return json.dumps(left) == json.dumps(right)


def test_results_are_plain_and_the_same_fresh_read_back_and_in_memory(tmp_path: Path) -> None:
    memory = run_tasks(draw, ITEMS, folder=None, progress=silent)
    fresh = run_tasks(draw, ITEMS, folder=tmp_path, progress=silent)
    back = run_tasks(draw, ITEMS, folder=tmp_path, progress=silent)
    assert same(memory, fresh)
    assert same(fresh, back)
    assert [result["item"] for result in back] == list(range(5))
    assert isinstance(back[0]["draws"], list)
    assert math.isnan(back[0]["bad"])
    assert back[2]["mean"] == draw(2, task_seeds(0, 5)[2])["mean"]


def test_same_seed_same_results_with_one_and_two_workers(tmp_path: Path) -> None:
    one = run_tasks(draw, ITEMS, folder=None, seed=7, progress=silent)
    two = run_tasks(draw, ITEMS, folder=tmp_path, seed=7, workers=2, progress=silent)
    other = run_tasks(draw, ITEMS, folder=None, seed=8, progress=silent)
    assert same(one, two)
    assert not same(one, other)
    assert len({result["mean"] for result in one}) == 5


def test_seeds_depend_on_root_and_index_alone() -> None:
    assert task_seeds(3, 4) == task_seeds(3, 9)[:4]
    assert len(set(task_seeds(3, 1000))) == 1000
    assert all(0 <= seed < 2**63 for seed in task_seeds(3, 100))


def test_kill_9_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    """A process killed in its fourth task keeps three; the next run does the rest."""
    log, folder = tmp_path / "log", tmp_path / "job"
    code = (
        "import os, signal, test_tasks\n"
        "from functools import partial\n"
        "from bayes_hr.tasks import run_tasks\n"
        "def progress(done, total):\n"
        "    if done == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"function = partial(test_tasks.logged_draw, log={str(log)!r})\n"
        f"run_tasks(function, test_tasks.ITEMS, folder={str(folder)!r}, progress=progress)\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert calls(log) == [0, 1, 2]
    (folder / ".task-00003.json.1.part").write_text('{"half": ')
    seen: list[tuple[int, int]] = []
    results = run_tasks(
        partial(logged_draw, log=str(log)), ITEMS, folder=folder, progress=lambda *at: seen.append(at)
    )
    assert calls(log) == [0, 1, 2, 3, 4]
    assert seen == [(3, 5), (4, 5), (5, 5)]
    assert same(results, run_tasks(draw, ITEMS, folder=None, progress=silent))


def test_a_longer_list_extends_the_job(tmp_path: Path) -> None:
    log = tmp_path / "log"
    function = partial(logged_draw, log=str(log))
    short = dict(list(ITEMS.items())[:2])
    run_tasks(function, short, folder=tmp_path / "job", progress=silent)
    longer = run_tasks(function, ITEMS, folder=tmp_path / "job", progress=silent)
    again = run_tasks(function, short, folder=tmp_path / "job", progress=silent)
    assert calls(log) == [0, 1, 2, 3, 4]
    assert same(again, longer[:2])
    assert len(json.loads((tmp_path / "job" / "manifest.json").read_text())["keys"]) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, "seed: 1 there, 2 now"),
        ({"context": "b"}, "context: 'a' there, 'b' now"),
        ({"function": slow}, "function: 'test_tasks.draw' there, 'test_tasks.slow' now"),
        ({"items": {"other": 0, **ITEMS}}, "the tasks differ"),
    ],
)
def test_results_of_another_job_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    job = {"function": draw, "items": ITEMS, "seed": 1, "context": "a"}
    job |= {"folder": tmp_path, "progress": silent}
    run_tasks(**job)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="another job") as error:
        run_tasks(**(job | change))
    assert message in str(error.value)
    assert "delete this one" in str(error.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_broken_manifest_and_foreign_results_are_refused(tmp_path: Path) -> None:
    run_tasks(draw, ITEMS, folder=tmp_path, progress=silent)
    manifest = tmp_path / "manifest.json"
    text = manifest.read_text()
    for broken in (text[:20], "[]"):
        manifest.write_text(broken)
        with pytest.raises(InputError, match="another job"):
            run_tasks(draw, ITEMS, folder=tmp_path, progress=silent)
    manifest.unlink()
    with pytest.raises(InputError, match="not the result of"):
        run_tasks(draw, ITEMS, folder=tmp_path, seed=9, progress=silent)


def test_truncated_result_is_run_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = run_tasks(draw, ITEMS, folder=tmp_path, progress=silent)
    path = tmp_path / "task-00001.json"
    path.write_text(path.read_text()[:30])
    assert same(run_tasks(draw, ITEMS, folder=tmp_path, progress=silent), first)
    assert "cannot be parsed" in caplog.text


@pytest.mark.parametrize("workers", [1, 2])
def test_failures_are_listed_and_alone_retried(tmp_path: Path, workers: int) -> None:
    log, folder = tmp_path / "log", tmp_path / "job"
    failing = partial(logged_draw, log=str(log), fail=(1, 3))
    with pytest.raises(TaskFailureError, match=r"2 of 5 refit tasks failed") as error:
        run_tasks(failing, ITEMS, folder=folder, workers=workers, progress=silent)
    assert sorted(error.value.failures) == ["item 1", "item 3"]
    assert "in logged_draw" in error.value.failures["item 1"]
    assert sorted(error.value.results) == ["item 0", "item 2", "item 4"]
    assert "ValueError: item 3 cannot be" in str(error.value)
    assert "cannot be" in json.loads((folder / "task-00003.failed.json").read_text())["traceback"]
    log.unlink()
    results = run_tasks(partial(logged_draw, log=str(log)), ITEMS, folder=folder, progress=silent)
    assert calls(log) == [1, 3]
    assert same(results, run_tasks(draw, ITEMS, folder=None, progress=silent))
    assert not list(folder.glob("*.failed.json"))


def test_interrupt_in_this_process_keeps_what_is_done(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "job"

    def interrupted(item: int, seed: int) -> dict[str, object]:
        if item == 2 and not (tmp_path / "second").exists():
            raise KeyboardInterrupt
        return logged_draw(item, seed, log=str(log))

    with pytest.raises(KeyboardInterrupt):
        run_tasks(interrupted, ITEMS, folder=folder, progress=silent)
    assert sorted(path.name for path in folder.glob("task*")) == ["task-00000.json", "task-00001.json"]
    (tmp_path / "second").touch()
    run_tasks(interrupted, ITEMS, folder=folder, progress=silent)
    assert calls(log) == [0, 1, 2, 3, 4]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises, also where a shell started the tests in the background and had SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_interrupt_with_workers_stops_at_once_and_keeps_what_is_done(tmp_path: Path) -> None:
    items = {"quick": 0.0, "endless": 60.0, "later": 61.0}

    def progress(done: int, total: int) -> None:
        if done == 1:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_tasks(slow, items, folder=tmp_path, workers=2, progress=progress)
    assert time.monotonic() - start < 15
    assert [path.name for path in tmp_path.glob("task*")] == ["task-00000.json"]


def test_workers_have_one_blas_thread_and_the_parent_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    items = {name: name for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    assert run_tasks(environment, items, folder=None, workers=2, progress=silent) == ["1", "1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("how", ["prompt", "script"])
def test_workers_take_functions_of_scripts_and_prompts_and_run_no_script_again(
    how: str, tmp_path: Path
) -> None:
    """As a notebook's: the function is of __main__, and no part is guarded by the name of the module."""
    code = (
        "from bayes_hr.tasks import run_tasks\n"
        "print('main part')\n"
        "factor = 3\n"
        "def times(item, seed): return factor * item\n"
        "jobs = [times, lambda item, seed: item + factor]\n"
        "for job in jobs: print(run_tasks(job, {'a': 1, 'b': 2}, folder=None, workers=2, progress=print))\n"
    )
    (tmp_path / "script.py").write_text(code)
    argv = ["-c", code] if how == "prompt" else [str(tmp_path / "script.py")]
    path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, *argv], env=path, check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert lines.count("main part") == 1
    assert [line for line in lines if line.startswith("[")] == ["[3, 6]", "[4, 5]"]


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, signal, test_tasks\n"
        "from bayes_hr.tasks import run_tasks\n"
        "def progress(done, total):\n"
        "    if done == 1: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"items = dict(quick={str(tmp_path / 'first')!r}, slow={str(tmp_path / 'second')!r})\n"
        "run_tasks(test_tasks.note_process, items, folder=None, workers=2, progress=progress)\n"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == -signal.SIGKILL
    worker = int((tmp_path / "second").read_text())
    deadline = time.monotonic() + 15
    while _runs(worker):
        assert time.monotonic() < deadline, "the worker goes on without its parent"
        time.sleep(0.1)


def _runs(process: int) -> bool:
    """Whether a process is there and no zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_that_dies_is_a_failure_that_says_why() -> None:
    with pytest.raises(TaskFailureError, match="not enough memory"):
        run_tasks(die, {"a": 1}, folder=None, workers=2, progress=silent)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"items": {1: 1}}, "the key 1 is not a string"),
        ({"function": partial(draw, lock=threading.Lock()), "workers": 2}, "cannot be sent to workers"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    job = {"function": draw, "items": ITEMS, "folder": None, "progress": silent}
    with pytest.raises(InputError) as error:
        run_tasks(**(job | options))
    assert message in str(error.value)


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(InputError, match="cannot use the folder"):
        run_tasks(draw, ITEMS, folder=path, progress=silent)


@pytest.mark.parametrize(
    ("result", "message"), [({1: 2}, "must be strings"), ({"a": {1, 2}}, "not JSON data")]
)
def test_results_that_json_would_change_fail(result: object, message: str) -> None:
    with pytest.raises(TaskFailureError, match=message):
        run_tasks(lambda item, seed: result, {"a": 1}, folder=None, progress=silent)


def test_progress_off_a_terminal_is_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bayes_hr"):
        run_tasks(draw, ITEMS, folder=None, describe="placebo")
    assert caplog.messages[0].startswith("placebo: 0/5")
    assert caplog.messages[-1].startswith("placebo: 5/5")


def test_log_lines_come_now_and_then_and_at_the_end_of_a_failure(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "_LOG_SECONDS", 0.0)

    def work() -> None:
        with progress_bar("fetch", None) as advance:
            advance(3, message="one file")
            raise KeyboardInterrupt

    with caplog.at_level(logging.INFO, "bayes_hr"), pytest.raises(KeyboardInterrupt):
        work()
    assert [line.split(" s")[0] for line in caplog.messages] == ["fetch: 0, 0", "fetch: 3, 0", "fetch: 3, 0"]
    assert caplog.messages[-1].endswith("one file")


def test_progress_on_a_terminal_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    with progress_bar("sampling", 4) as advance:
        advance(2, message="no divergence")
        advance(2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "sampling" in captured.err
    assert "4/4" in captured.err
    assert "no divergence" in captured.err
