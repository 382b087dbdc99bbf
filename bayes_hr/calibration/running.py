"""Many worlds on the task runner: any design, any engine."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import math
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.calibration.result import Calibration, calibration_of
from bayes_hr.calibration.worlds import simulated_world
from bayes_hr.design_io import to_dataset
from bayes_hr.errors import InputError
from bayes_hr.progress import progress_callback
from bayes_hr.tasks import run_tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bayes_hr.calibration.worlds import Sample
    from bayes_hr.design import Design
    from bayes_hr.progress import Progress

_LOG: Final = logging.getLogger("bayes_hr")


def run(
    design: Design,
    sample: Sample,
    *,
    worlds: int = 200,
    seed: int = 0,
    folder: str | Path | None = None,
    workers: int = 1,
    scheduler: Any = None,
    context: str = "",
    subject: str = "design",
    facts: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Calibrate an engine on worlds whose truths come from a design's priors.

    Parameters
    ----------
    design
        Rows, columns and priors; its own outcome is not used.
    sample
        ``sample(design, seed)``, the engine: returns the tree that every engine returns.  For several workers
        it must be importable and picklable.
    worlds
        How many; a run of more worlds goes on where one of fewer ended.
    seed
        Root of the worlds' seeds: the same worlds for every engine.
    folder
        Where finished worlds are kept, so that a killed run resumes; None: in memory.
    workers
        Processes; the result does not depend on their number.
    scheduler
        Address or client of a dask.distributed cluster to run on in place of them.
    context
        What decides the draws besides design and seed (engine, settings); a folder holds one job only.
    subject, facts
        Name of the result, and how it was made, for its report.
    progress
        Called with worlds done and in all; None: a bar.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        If there are fewer than two worlds, or the folder holds another job's results.
    TaskFailureError
        At the end, if the engine failed in some worlds; the others are kept.
    """
    if worlds < 2:
        raise InputError(f"calibration: worlds = {worlds} must be 2 or more (200 are sensible).")
    task = functools.partial(simulated_world, design=design, sample=sample)
    with progress_callback("worlds", worlds, progress) as report:
        results = run_tasks(
            task,
            {f"world-{i:05d}": i for i in range(worlds)},
            folder=folder,
            workers=workers,
            scheduler=scheduler,
            seed=seed,
            context=job_of(design, context),
            progress=_Forecast(report, workers, resumes=folder is not None),
            describe="worlds",
        )
    engine = {key: value for key, value in results[0]["engine"].items() if value}
    return calibration_of(subject, design, results, {**(facts or {}), "seed": seed, "engine": engine})


def job_of(design: Design, context: str) -> str:
    """Digest of what decides the worlds and their draws: a design without its outcome, and the context."""
    data = to_dataset(design)
    digest = hashlib.sha256(json.dumps([data.attrs, context, version("bayes-hr")], sort_keys=True).encode())
    for name in sorted(map(str, data.variables)):
        values = data[name].values
        plain = json.dumps(values.tolist()).encode() if values.dtype.kind == "O" else values.tobytes()
        digest.update(name.encode() + plain)
    return digest.hexdigest()


class _Forecast:
    """Passes finished worlds on to the progress bar, and says once how long the others will take."""

    def __init__(self, report: Callable[[int], None], workers: int, *, resumes: bool) -> None:
        self.report, self.workers, self.resumes = report, workers, resumes
        self.done, self.start, self.told = 0, 0.0, False

    def __call__(self, done: int, total: int) -> None:
        """A :data:`~bayes_hr.progress.Progress`; the first call tells how many were finished before."""
        self.report(done - self.done)
        if not self.start:
            self.start = time.monotonic()
        elif not self.told and done < total:
            self.told = True
            seconds = time.monotonic() - self.start
            left = math.ceil((total - done) / self.workers) * seconds
            _LOG.info(
                "the first world took %s: about %s for the other %d (workers: %d)%s",
                _duration(seconds),
                _duration(left),
                total - done,
                self.workers,
                "; if stopped, the same call goes on from there" if self.resumes else "",
            )
        self.done = done


def _duration(seconds: float) -> str:
    """``12 s``, ``8 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
