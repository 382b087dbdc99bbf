"""Many independent tasks: in this process or several, resumable, with seeds that do not depend on the order.

It knows nothing of what it runs. The folder of a job holds ``manifest.json`` and, for each task, either
``task-00012.json`` (finished: its result) or ``task-00012.failed.json`` (its traceback); every file is put in
place whole, so a killed run leaves what was finished and nothing half-written.
"""

from __future__ import annotations

import functools
import logging
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from bayes_hr import cluster
from bayes_hr.errors import InputError, TaskFailureError
from bayes_hr.progress import Progress, progress_callback
from bayes_hr.task_store import Job, Store, to_json

_LOG: Final = logging.getLogger("bayes_hr")
_LISTED: Final = 10
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
_ONE_THREAD: Final = dict.fromkeys((*_THREADS, "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")

TaskFunction = Callable[[Any, int], Any]
"""``function(item, seed)``; the seed is a whole number below 2**63."""


def run_tasks(
    function: TaskFunction,
    items: Mapping[str, Any],
    *,
    folder: str | Path | None,
    workers: int = 1,
    scheduler: Any = None,
    seed: int = 0,
    context: str = "",
    progress: Progress | None = None,
    describe: str = "refit",
) -> list[Any]:
    """Run ``function(item, seed)`` for each item, each once, and keep every result as soon as it is there.

    Run again with the same folder, only what is unfinished or failed is run; a longer list of items that
    begins with the old one extends the job. The seed of a task comes from `seed` and the task's place in
    `items` alone, so results do not depend on the number of workers, the order of completion or
    interruptions. Ctrl-C stops at once and keeps what is finished.

    Parameters
    ----------
    function : callable
        ``function(item, seed)``; returns JSON data: dicts with string keys, lists, tuples, numbers, strings,
        None, numpy numbers and arrays. Workers import it by name, or are sent it whole if it is of a
        script, notebook or prompt, or a lambda; a lock, open file or the like inside it cannot be sent.
    items : mapping of str to object
        Stable key to item, in order.
    folder : path, optional
        Where results are kept; None keeps them in memory only.
    workers : int
        Processes; 1 runs in this one. More are started afresh, with one BLAS thread each; none runs the
        user's script again.
    scheduler : str or distributed.Client, optional
        A dask.distributed cluster to run on in place of `workers`, by its address or a client of it. Workers
        need the same bayes_hr; one that dies is replaced by another, and results do not depend on it.
    seed : int
        Root of the seeds, 0 or more.
    context : str
        Digest of everything else that the results depend on (data, card, version).
    progress : callable, optional
        ``progress(done, total)``, called in this process; tasks finished earlier count as done. Default: a
        bar.
    describe : str
        What one task is, for progress and messages.

    Returns
    -------
    list
        Results in the order of `items`, as plain JSON data whether fresh, read back or in memory (arrays and
        tuples become lists; NaN and infinities stay).

    Raises
    ------
    InputError
        If the folder holds another job's results or cannot be written, or the function cannot be sent to
        workers.
    TaskFailureError
        At the end, if tasks failed; it carries their tracebacks and the results of the others.
    """
    _check(function, items, workers, seed)
    job = Job(_name(function), tuple(items), seed, context)
    store = Store.open(None if folder is None else Path(folder), job)
    seeds = task_seeds(seed, len(items))
    done = store.load()
    tasks = [_Task(i, key, items[key], seeds[i]) for i, key in enumerate(items) if key not in done]
    if scheduler is not None:
        run = _on_cluster(function, tasks, scheduler)
    else:
        run = _in_process(function, tasks) if workers == 1 else _in_pool(function, tasks, workers)
    failures: dict[str, str] = {}
    with progress_callback(describe, len(items), progress) as report, closing(run):
        report(len(done))
        for task, outcome in run:
            if outcome.failure is None:
                done[task.key] = store.keep(task.index, task.key, task.seed, outcome.result)
            else:
                failures[task.key] = outcome.failure
                store.keep_failure(task.index, task.key, task.seed, outcome.failure)
                _LOG.warning("%s %s failed: %s", describe, task.key, _last_line(outcome.failure))
            report(1)
    if failures:
        raise TaskFailureError(_failure_message(describe, failures, len(items), folder), failures, done)
    return [done[key] for key in items]


def task_seeds(seed: int, n: int) -> list[int]:
    """Seeds of `n` tasks below 2**63, each from the root and its index alone."""
    import numpy as np

    spawned = np.random.SeedSequence(seed).spawn(n)
    return [int(child.generate_state(1, np.uint64)[0] >> np.uint64(1)) for child in spawned]


# Running one task


@dataclass(frozen=True)
class _Task:
    index: int
    key: str
    item: Any
    seed: int


@dataclass(frozen=True)
class _Outcome:
    """JSON text of the result, or the traceback of the failure."""

    result: str = ""
    failure: str | None = None


class _Recorded(AbstractContextManager["_Recorded"]):
    """Turns an Exception into text, which can cross processes; lets KeyboardInterrupt and the like pass."""

    failure: str | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.failure = "".join(traceback.format_exception(error))
        return True


_Run = Generator[tuple[_Task, _Outcome]]


def _attempt(function: TaskFunction, item: Any, seed: int) -> _Outcome:
    text = ""
    with _Recorded() as record:
        text = to_json(function(item, seed))
    return _Outcome(text, record.failure)


def _in_process(function: TaskFunction, tasks: list[_Task]) -> _Run:
    for task in tasks:
        yield task, _attempt(function, task.item, task.seed)


# Several processes


def _in_pool(function: TaskFunction, tasks: list[_Task], workers: int) -> _Run:
    if not tasks:
        return
    from loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(min(workers, len(tasks)), initializer=start_worker, env=_ONE_THREAD)
    try:
        futures = {pool.submit(_attempt, function, task.item, task.seed): task for task in tasks}
        for future in as_completed(futures):
            yield futures[future], _outcome(future)
    finally:  # also when all is done: workers hold nothing, and their own way out takes seconds
        pool.shutdown(wait=True, kill_workers=True)


def _on_cluster(function: TaskFunction, tasks: list[_Task], scheduler: Any) -> _Run:
    if not tasks:
        return
    arguments = [(function, task.item, task.seed) for task in tasks]
    with closing(cluster.completed(scheduler, _attempt, arguments)) as run:
        for i, future in run:
            with _Recorded() as record:
                outcome = future.result()
            yield tasks[i], outcome if record.failure is None else _Outcome(failure=record.failure)


def _outcome(future: Future[_Outcome]) -> _Outcome:
    """The outcome, where what cannot cross processes or a worker that died count as failures."""
    error = future.exception()
    if error is None:
        return future.result()
    text = "".join(traceback.format_exception(error))
    if isinstance(error, BrokenProcessPool):
        text += (
            "A worker process died: not enough memory, or killed from outside. Run again, with fewer "
            "workers if memory is short.\n"
        )
    return _Outcome(failure=text)


def start_worker() -> None:
    """Leave Ctrl-C to the main process, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


# Checks and messages


def _check(function: TaskFunction, items: Mapping[str, Any], workers: int, seed: int) -> None:
    wrong = [key for key in items if not isinstance(key, str)]
    if wrong:
        raise InputError(f"tasks: the key {wrong[0]!r} is not a string")
    if not (isinstance(workers, int) and workers >= 1):
        raise InputError(f"tasks: workers = {workers!r} must be a whole number, 1 or more")
    if not (isinstance(seed, int) and seed >= 0):
        raise InputError(f"tasks: seed = {seed!r} must be a whole number, 0 or more")
    if workers > 1:
        _check_sendable(function)


def _check_sendable(function: TaskFunction) -> None:
    from loky.backend.reduction import dumps

    try:
        dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"tasks: {function!r} cannot be sent to workers ({error}); use workers=1, or define it at the "
            "top of an importable module"
        ) from error


def _unwrapped(function: TaskFunction) -> TaskFunction:
    return _unwrapped(function.func) if isinstance(function, functools.partial) else function


def _name(function: TaskFunction) -> str:
    inner = _unwrapped(function)
    named = inner if hasattr(inner, "__qualname__") else type(inner)
    return f"{named.__module__}.{named.__qualname__}"


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def _failure_message(describe: str, failures: Mapping[str, str], n: int, folder: str | Path | None) -> str:
    lines = [f"  {key}: {_last_line(text)}" for key, text in list(failures.items())[:_LISTED]]
    rest = [f"  and {len(failures) - _LISTED} more"] if len(failures) > _LISTED else []
    if folder is None:
        advice = "Nothing was kept on disk; tracebacks and the other results are in the error's attributes."
    else:
        advice = f"Tracebacks are in {folder}; run again to retry these only, the others are kept."
    return "\n".join([f"{len(failures)} of {n} {describe} tasks failed", *lines, *rest, advice])
