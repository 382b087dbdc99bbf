"""``bayes_hr.fit_draws``: what measurement error of a latent score does, by posterior draws of the score.

The analysis is repeated for each draw of the score, as if it were the outcome, and the posteriors are pooled
(:mod:`bayes_hr.estimands.pooling`), beside the fit of the score as it stands (Treier & Jackman 2008,
*Democracy as a latent variable*, American Journal of Political Science 52 (1); Crabtree & Fariss 2015,
*Uncovering patterns among latent variables*, Research & Politics 2 (3), doi 10.1177/2053168015605343).
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import math
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from bayes_hr import api, fitting
from bayes_hr.cards import Card, load_card
from bayes_hr.checks.result import FAIL, PASS, REVIEW
from bayes_hr.comparison import EFFECT, rows_of_fit
from bayes_hr.data.messages import listed
from bayes_hr.errors import InputError
from bayes_hr.estimands.pooling import pool, variance_parts
from bayes_hr.estimands.summary import EstimandDraws, effects_table
from bayes_hr.fits import Fit
from bayes_hr.measurement_error.preparing import as_draws, check_card, prepared, with_known_sd, with_scores
from bayes_hr.measurement_error.result import KNOWN_SD, PLUG_IN, POOLED, PooledFit
from bayes_hr.questions import question_of
from bayes_hr.tasks import run_tasks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.data.panel import Panel
    from bayes_hr.data.score_draws import ScoreDraws
    from bayes_hr.measurement_error.preparing import Job
    from bayes_hr.progress import Progress

    Array = NDArray[np.float64]

_LOG: Final = logging.getLogger("bayes_hr")

LEAST_SHARE: Final = 0.5
"""Share of the refits that must be usable; those left out are no random part of the draws, and are named."""


def fit_draws(
    card: Card | str | Path,
    scores: ScoreDraws | pd.DataFrame | str | Path,
    panel: Panel | None = None,
    *,
    refits: int | None = None,
    known_sd: bool = False,
    engine: str | None = None,
    chains: int | None = None,
    draws: int | None = None,
    tune: int | None = None,
    seed: int | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> PooledFit:
    """Fit a card to each of several posterior draws of its outcome and pool, beside the fit without.

    The outcome's ``scale`` and ``centre`` are numbers of the score as it stands in every refit, and a lagged
    outcome (``[dynamics]``) is that of the same draw.  The errors' persistence is the draws' own: none is
    estimated beside the model's.

    Parameters
    ----------
    card
        A card, the identifier of a shipped one, or the path of a TOML file; of one or several treaties, with
        Gaussian or Student-t outcome and without ``error.measurement_sd``, which is the other way.
    scores
        Posterior draws of the score: :class:`bayes_hr.ScoreDraws`, or a table or file for it (COW codes).
    panel
        Rows; None builds the card's own panel from the public sources.
    refits
        How many draws of the score to use, evenly spaced among them; None takes 20, or all if
        there are fewer.
    known_sd
        Fit also with an independent error of known SD (``error.measurement_sd``) from the panel's column
        ``<outcome>_sd``.
    engine, chains, draws, tune, seed
        In place of the card's settings, in every fit.
    folder
        Where the fits are kept, so that a stopped run goes on; None: nowhere.
    progress
        Called with draws done and in all of the first fits, then with refits; None shows a bar.

    Returns
    -------
    PooledFit

    Raises
    ------
    InputError
        Anything wrong with card, data or draws, before any sampling; afterwards, if less than half of the
        refits are usable (their verdicts are kept in `folder`).
    TaskFailureError
        If the engine breaks off in some refits; the others are kept.
    """
    card = card if isinstance(card, Card) else load_card(card)
    card = fitting.resolved_card(card, engine=engine, chains=chains, draws=draws, tune=tune, seed=seed)
    check_card(card)
    panel = api.panel_of(card) if panel is None else panel
    job, items, facts = prepared(card, panel, as_draws(scores), refits)
    others = {PLUG_IN: card}
    if known_sd:
        others[KNOWN_SD] = with_known_sd(card, panel)
    folder = None if folder is None else Path(folder)
    tables, lines = [], []
    for label, other in others.items():
        _LOG.info("%s: %s", card.id, label)
        out = None if folder is None else folder / label.replace(" ", "-")
        fit = api.fit(other, panel, out=out, companions=False, reference=0, progress=progress)
        table, line = rows_of_fit(label, fit, {})
        tables.append(table)
        lines.append({**line, "pooled": False, "seconds": math.nan})
    found = _run(job, items, folder, progress)
    return _pooled(job.card, tables, lines, found, facts)


def refit(values: Any, seed: int, *, job: Job) -> dict[str, Any]:
    """One fit to one draw of the score (rows of the panel,); a task.

    Returns
    -------
    dict
        ``line`` (of :attr:`PooledFit.fits`) and ``estimands`` with their draws, those that head the question.
    """
    start = time.monotonic()
    card = job.card.replace(fit={"seed": seed % 2**32})
    panel = with_scores(job.panel, values)
    question = question_of(card)
    result = fitting.run(card, panel, question.build(card, panel), engine=job.engine, cores=job.cores)
    found = Fit(result)
    _, line = rows_of_fit("", found, {})
    kept = [vars(replace(e)) for e in found.estimands if e.by in question.headline]
    return {"line": {**line, "seconds": time.monotonic() - start}, "estimands": kept}


def _run(
    job: Job, items: dict[str, Array], folder: Path | None, progress: Progress | None
) -> dict[str, dict[str, Any]]:
    """Results of the refits by draw; finished ones are kept in a folder of this very job."""
    decides = [fitting.signature(job.card, job.panel), job.card.model_dump(mode="json")]  # verdict, estimands
    told = hashlib.sha256(json.dumps(decides, sort_keys=True).encode())
    for key, values in items.items():
        told.update(key.encode() + values.tobytes())
    context = told.hexdigest()
    results = run_tasks(
        functools.partial(refit, job=job),
        items,
        folder=None if folder is None else folder / "refits" / context[:12],
        workers=min(fitting.usable_cores(), len(items)) if job.engine is None else 1,
        seed=job.card.fit.seed,
        context=context,
        progress=progress,
        describe="refits to draws of the score",
    )
    return dict(zip(items, results, strict=True))


def _pooled(
    card: Card,
    tables: list[pd.DataFrame],
    lines: list[dict[str, Any]],
    found: dict[str, dict[str, Any]],
    facts: dict[str, Any],
) -> PooledFit:
    """Refits that may be read, pooled, beside the other fits.

    Raises
    ------
    InputError
        If too few refits may be read.
    """
    usable = {key: r for key, r in found.items() if r["line"]["verdict"] != FAIL}
    failed = [key for key in found if key not in usable]
    if len(usable) < max(2, math.ceil(LEAST_SHARE * len(found))):
        raise InputError(
            f"card {card.id}: {len(failed)} of {len(found)} refits have verdict FAIL ({listed(failed, 10)}: "
            f"{found[failed[0]]['line']['reasons']}), so there is nothing to pool: at least "
            f"{LEAST_SHARE:.0%} must be usable. Take more chains or draws of each."
        )
    if failed:
        _LOG.warning("%s: verdict FAIL, not pooled: %s", card.id, ", ".join(failed))
    for key, r in found.items():
        lines.append({**r["line"], "choice": key, "pooled": key in usable})
    estimands = pool([[_estimand(e) for e in r["estimands"]] for r in usable.values()])
    rope = (card.rope.lower, card.rope.upper)
    table = effects_table(
        estimands, scale=card.outcome.effect_scale, rope=rope, ropes=question_of(card).ropes(card)
    )
    clean = all(r["line"]["verdict"] == PASS for r in found.values())
    table.insert(0, "choice", POOLED)
    table["verdict"] = PASS if clean else REVIEW
    variance = _beside(variance_parts(estimands), table, tables[0])
    fits = pd.DataFrame(lines).drop(columns="changes")
    return PooledFit(card, pd.concat([table, *tables], ignore_index=True), variance, fits, estimands, facts)


def _estimand(kept: dict[str, Any]) -> EstimandDraws:
    """An estimand from the JSON data of a task."""
    texts = {name: tuple(kept[name]) for name in ("levels", "references", "notes")}
    return EstimandDraws(**{**kept, **texts, "draws": np.array(kept["draws"], dtype=float)})


def _beside(parts: pd.DataFrame, pooled: pd.DataFrame, plug_in: pd.DataFrame) -> pd.DataFrame:
    """Parts of the variance with the SDs of both ways."""
    for name, table in (("pooled_sd", pooled), ("plug_in_sd", plug_in)):
        parts = parts.merge(table[[*EFFECT, "sd"]].rename(columns={"sd": name}), on=EFFECT, how="left")
    return parts.assign(wider=parts["pooled_sd"] / parts["plug_in_sd"])
