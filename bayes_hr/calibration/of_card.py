"""``bayes_hr.calibrate``: is the engine calibrated for a card's model?"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_hr import fitting
from bayes_hr.calibration.running import job_of, run
from bayes_hr.calibration.small_designs import small_design
from bayes_hr.calibration.worlds import ESS
from bayes_hr.cards import Card, load_card
from bayes_hr.cluster import connected
from bayes_hr.errors import InputError
from bayes_hr.questions import question_of

if TYPE_CHECKING:
    import xarray as xr

    from bayes_hr.calibration.result import Calibration
    from bayes_hr.calibration.small_designs import SmallDesign
    from bayes_hr.data.panel import Panel
    from bayes_hr.design import Design
    from bayes_hr.engines.settings import Engine
    from bayes_hr.progress import Progress

SETTINGS: Final = {"chains": 2, "draws": 700, "tune": 400}
"""Settings of a world's fit: enough for 99 independent draws, not for a verdict on one fit."""

_ENGINES: Final[dict[str, Engine]] = {}
"""The engine of this process, so that a model is compiled once and not for each world."""


@dataclass(frozen=True)
class CardSampler:
    """The engine of a card as ``sample(design, seed)``; travels to worker processes.

    Attributes
    ----------
    card
        With its engine resolved (:func:`bayes_hr.fitting.resolved_card`); only its ``fit`` section counts.
    cores
        Cores of one fit.
    """

    card: Card
    cores: int = 1

    @property
    def context(self) -> str:
        """What decides the draws besides design and seed."""
        return json.dumps(self.card.fit.model_dump(mode="json", exclude={"seed"}), sort_keys=True)

    def __call__(self, design: Design, seed: int) -> xr.DataTree:
        """Draw from the posterior of a design."""
        shape = [design.error.kind, design.error.likelihood, [(g.name, g.terms) for g in design.groups]]
        key = repr((self.context, design.n, design.serial is None, shape))
        if key not in _ENGINES:
            _ENGINES.clear()
            _ENGINES[key] = fitting.engine_of(self.card, design)
        settings = replace(fitting.settings_of(self.card), seed=seed, cores=self.cores)
        return _ENGINES[key].sample(design, settings, None)


def calibrate(
    card: Card | str | Path,
    panel: Panel | None = None,
    *,
    worlds: int = 200,
    units: int = 30,
    rows_per_unit: int = 10,
    engine: str | None = None,
    sampler: str | None = None,
    chains: int | None = None,
    draws: int | None = None,
    tune: int | None = None,
    seed: int = 0,
    workers: int = 1,
    scheduler: Any = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Is the engine calibrated for a card's model?  Simulation-based calibration and coverage.

    In each world the truth is drawn from the card's priors, an outcome is simulated on rows of the card's
    panel, the engine fits it, and the truth of every parameter is ranked among 99 posterior draws.  Over
    worlds these ranks are uniform, and intervals cover as often as they say, if the engine draws from the
    posterior.  This says nothing on whether the model fits the real outcome, which is not used.

    Parameters
    ----------
    card
        A card, the identifier of a shipped one, or the path of a TOML file.
    panel
        Rows; None builds the card's own panel.
    worlds
        How many worlds; a run of more goes on where one of fewer ended.
    units, rows_per_unit
        At most so many countries (states), at random, and rows of each: hundreds of fits must be feasible.
    engine, sampler, chains, draws, tune
        In place of the card's engine and of :data:`SETTINGS`.
    seed
        Of the choice of rows and of the worlds.
    workers
        Processes; the result does not depend on their number.
    scheduler
        Address or client of a dask.distributed cluster to run on in place of them.
    folder
        Where finished worlds are kept, each job (card, rows, settings, version) in a folder of its own, so
        that a killed run resumes; None: in memory.
    progress
        Called with worlds done and in all; None: a bar.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        Anything wrong with card, data or settings, before any sampling.
    """
    card = card if isinstance(card, Card) else load_card(card)
    asked = {"engine": engine, "sampler": sampler, "chains": chains, "draws": draws, "tune": tune}
    card = fitting.resolved_card(card, **{**SETTINGS, **{k: v for k, v in asked.items() if v is not None}})
    _check(card, {"worlds": worlds, "units": units, "rows_per_unit": rows_per_unit})
    if scheduler is not None:
        with connected(scheduler):  # before anything is written
            pass
    question = question_of(card)
    own = panel is not None
    panel = panel if panel is not None else question.panel(card)[0]
    question.check_panel(card, panel)
    small = small_design(card, panel, units=units, rows=rows_per_unit, seed=seed)
    card = fitting.with_engine(card, small.whole)  # the engine that a fit of all rows would take
    fitting.check_size(card, small.design)
    here = scheduler is None and workers > 0  # a cluster's workers may not start processes of their own
    sample = CardSampler(card, max(_cores() // workers, 1) if here else 1)
    job = job_of(small.design, sample.context)[:12]
    return run(
        small.design,
        sample,
        worlds=worlds,
        seed=seed,
        folder=None if folder is None else Path(folder) / f"{job}-{seed}",
        workers=workers,
        scheduler=scheduler,
        context=sample.context,
        subject=card.id,
        facts=_facts(card, small, rows_per_unit, own_rows=own),
        progress=progress,
    )


def _check(card: Card, sizes: dict[str, int]) -> None:
    for name, value in sizes.items():
        if value < 2:
            raise InputError(f"calibration: {name} = {value} must be 2 or more.")
    total = card.fit.chains * card.fit.draws
    if total < ESS:
        raise InputError(
            f"calibration: {card.fit.chains} chains of {card.fit.draws} draws are {total} draws; ranks among "
            f"99 independent ones need at least {ESS}, in practice some 1,000 (draws = ...)."
        )


def _facts(card: Card, small: SmallDesign, rows_per_unit: int, *, own_rows: bool) -> dict[str, Any]:
    return {
        "card": card.id,
        "question": card.question,
        "own_rows": own_rows,
        "unit": small.unit,
        "units": list(small.units),
        "rows": list(small.rows),
        "rows_per_unit": rows_per_unit,
        "settings": card.fit.model_dump(mode="json", exclude={"seed"}),
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
