"""What must hold before any refit: card, rows, and draws of the scores that the card uses."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from bayes_hr import api, fitting
from bayes_hr.cards import Card, ConvergenceCard, RatificationCard
from bayes_hr.data.messages import listed
from bayes_hr.data.panel import Panel
from bayes_hr.data.panel_io import is_panel, read_table
from bayes_hr.data.score_draws import ScoreDraws
from bayes_hr.data.user_frames import ccodes, whole_numbers
from bayes_hr.errors import InputError
from bayes_hr.questions import question_of
from bayes_hr.row_filter import columns_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design
    from bayes_hr.engines.settings import Engine

    Array = NDArray[np.float64]

REFITS: Final = 20
"""Draws of the score that are used unasked, if so many are supplied."""

UNLIKE: Final = 0.25
"""Mean square of the draws' means less the panel's score, as a share of its variance, that is refused."""


def check_card(card: Card) -> None:
    """Refuse a card whose outcome cannot be replaced by draws of a score.

    Raises
    ------
    InputError
        With the reason and what to do instead.
    """
    start = f"card {card.id}: draws of the score"
    if isinstance(card, ConvergenceCard):
        raise InputError(
            f"{start} are not offered in a convergence card: a draw changes a state's own score and the "
            "means of its co-members alike, and error folds into |distance|. The panel would have to be "
            "made anew for each draw (convergence_from_frames)."
        )
    if card.outcome.ordinal:
        raise InputError(
            f'{start} are not offered for outcome.likelihood = "{card.outcome.likelihood}", whose outcome is '
            'ordered categories, not a score. Take "gaussian" or "student_t" with a score.'
        )
    if card.error.measurement_sd:
        raise InputError(
            f"{start} and error.measurement_sd are alternatives: together they would count the error twice. "
            "Leave error.measurement_sd out; known_sd=True (--known-sd) puts such a fit beside."
        )
    if card.outcome.name in columns_of(card.where):
        raise InputError(
            f"{start} are not offered with a row filter on the score itself ({card.where!r}): every draw "
            "would keep other country-years. Filter by another column, e.g. a copy of the score under "
            "another name."
        )


@dataclass(frozen=True)
class Job:
    """What every refit needs.

    Attributes
    ----------
    card
        With the engine that fits it, and scale and centre of the outcome as numbers.
    panel
        Rows, with the score as it stands.
    engine
        NUTS with its compiled model, which serves again; None for the exact engine.
    cores
        Processes for the chains of a refit; None takes all.
    """

    card: Card
    panel: Panel
    engine: Engine | None
    cores: int | None


def as_draws(draws: ScoreDraws | pd.DataFrame | str | Path) -> ScoreDraws:
    """Draws of a score, read if they are a table or a file (COW codes).

    Raises
    ------
    InputError
        If the table is wrong.
    """
    if isinstance(draws, ScoreDraws):
        return draws
    return ScoreDraws.from_file(draws) if isinstance(draws, str | Path) else ScoreDraws.from_frame(draws)


def panel_of_file(path: Path, card: Card, draws: ScoreDraws) -> Panel:
    """A user's file as the panel of a card; without the score, each row gets the mean of its draws.

    Rows without draws are then left out and counted, as those without an outcome are.

    Raises
    ------
    InputError
        If the file or its rows are wrong.
    """
    name = card.outcome.name
    saved = path.suffix.lower() == ".parquet" and is_panel(path)
    table = None if saved else read_table(path)
    if table is None or name in table.columns or not {"ccode", "year"} <= {*table.columns}:
        return api.panel_from_file(path, card)
    means = draws.at(ccodes(table).to_numpy(), whole_numbers(table, "year").to_numpy()).mean(axis=1)
    treaty = card.treatment.name if isinstance(card, RatificationCard) else None
    panel = Panel.from_frame(table.assign(**{name: means}), outcome=name, name=card.panel, treaty=treaty)
    note = f"{name}: not in {path.name}; the mean of the draws supplied stands for it"
    return replace(panel, merge=panel.merge.with_notes(note))


def prepared(
    card: Card, panel: Panel, draws: ScoreDraws, refits: int | None
) -> tuple[Job, dict[str, Array], dict[str, Any]]:
    """What every refit needs, what is its own, and what is to be known of the draws.

    Returns
    -------
    tuple
        The job; the outcome (rows of the panel,) of each refit, by name; facts
        (:attr:`bayes_hr.measurement_error.result.PooledFit.facts`).

    Raises
    ------
    InputError
        If the panel holds compressed rows, the card cannot be fitted to it, or the draws are too few, of
        other country-years or of another score.
    """
    if panel.compressed is not None:
        raise InputError(
            f"card {card.id}: draws of the score are not offered for compressed rows, each of which stands "
            "for many scores. Give a panel of country-years."
        )
    if draws.approximate and "phi" in card.priors:
        raise InputError(
            f"card {card.id}: approximate draws are not offered with dynamics.lagged_outcome: they add noise "
            "to last year's score, which biases phi towards 0. Supply draws of the measurement model, whose "
            "years go together, or leave the lag out."
        )
    question = question_of(card)
    question.check_panel(card, panel)
    design = question.build(card, panel)
    card = fitting.with_engine(card, design)
    card = card.replace(outcome={"scale": design.unit, "centre": design.centre})
    fitting.check_size(card, design)
    chosen = draws.thinned(_number(refits, draws))
    needed = _needed(card, design, chosen)
    facts = _facts(card, design, chosen) | {
        "supplied": int(draws.draws.size),
        "unmatched": int(draws.ccode.size - len(needed)),
    }
    frame = panel.frame
    values = chosen.at(frame["ccode"].to_numpy("int64"), frame["year"].to_numpy("int64"))
    values = np.where(np.isnan(values), frame[panel.outcome].to_numpy(float)[:, None], values)
    items = {f"draw {k}": values[:, m] for m, k in enumerate(chosen.draws)}
    nuts = card.fit.engine == "nuts"
    job = Job(card, panel, fitting.engine_of(card, design) if nuts else None, None if nuts else 1)
    question.build(card, with_scores(panel, next(iter(items.values()))))
    return job, items, facts


def _number(refits: int | None, draws: ScoreDraws) -> int:
    supplied = int(draws.draws.size)
    if refits is None:
        return min(REFITS, supplied)
    if not 2 <= refits <= supplied:
        raise InputError(
            f"draws: refits = {refits} must be at least 2 and at most the {supplied} draws supplied."
        )
    return refits


def _needed(card: Card, design: Design, draws: ScoreDraws) -> pd.DataFrame:
    """Country-years (``ccode, year``) whose score the card uses; each must have every draw."""
    rows = pd.DataFrame({name: design.rows[name] for name in ("ccode", "year")})
    names = dict(zip(rows["ccode"], design.rows["country_name"], strict=True))
    if any(t.name == "phi" for t in design.population):
        rows = pd.concat([rows, rows.assign(year=rows["year"] - 1)]).drop_duplicates()
    rows = rows.sort_values(["ccode", "year"], ignore_index=True)
    values = draws.at(rows["ccode"].to_numpy("int64"), rows["year"].to_numpy("int64"))
    missing = ~np.isfinite(values).all(axis=1)
    if missing.all():
        raise InputError(
            f"draws: none of the {len(rows):,} country-years that card {card.id} uses has draws. Are their "
            "codes COW numbers? If not, say which (ScoreDraws.from_file(..., codes='iso3'), --codes)."
        )
    if missing.any():
        first = rows[missing]
        told = listed((f"{names[c]} {y}" for c, y in zip(first["ccode"], first["year"], strict=True)), 5)
        raise InputError(
            f"draws: {missing.sum():,} of the {len(rows):,} country-years that card {card.id} uses lack "
            f"draws (no row, or a missing value in one): {told}. Supply them, or leave these rows out with "
            "`where`."
        )
    return rows


def _facts(card: Card, design: Design, draws: ScoreDraws) -> dict[str, Any]:
    """What is to be known of the draws over the rows used.

    Raises
    ------
    InputError
        If their means are not the panel's scores.
    """
    code, year = (design.rows[name].astype("int64") for name in ("ccode", "year"))
    values = draws.at(code, year)
    mean, noise = values.mean(axis=1), values.var(axis=1, ddof=1)
    off = ((mean - design.y) ** 2).mean() - noise.mean() / draws.draws.size
    correlation = float(np.corrcoef(mean, design.y)[0, 1]) if np.ptp(mean) > 0 else math.nan
    if off > UNLIKE * design.y.var():
        raise InputError(
            f"draws: they are not of {card.outcome.name!r}: their means have mean {mean.mean():.2f} and SD "
            f"{mean.std():.2f}, the scores {design.y.mean():.2f} and {design.y.std():.2f}, and the "
            f"correlation is {correlation:.2f}. Give draws of the same score, on its scale and with the "
            "same direction."
        )
    apart = values - mean[:, None]
    by_country = np.lexsort((year, code))
    apart, code, year = apart[by_country], code[by_country], year[by_country]
    next_year = (np.diff(year) == 1) & (np.diff(code) == 0)
    now, before = apart[1:][next_year], apart[:-1][next_year]
    size = math.sqrt((now**2).sum() * (before**2).sum())
    rounding = 1e-20 * (values**2).sum()
    return {
        "origin": draws.origin,
        "approximate": draws.approximate,
        "used": [int(k) for k in draws.draws],
        "digest": draws.digest(),
        "correlation": correlation,
        "difference": float((mean - design.y).mean()),
        "sd": float(np.median(np.sqrt(noise))),
        "autocorrelation": float((now * before).sum() / size) if size > rounding else math.nan,
        "unit": design.unit,
        "centre": design.centre,
    }


def with_scores(panel: Panel, values: Any) -> Panel:
    """The panel with other values (rows,) of its outcome."""
    return replace(panel, frame=panel.frame.assign(**{panel.outcome: np.asarray(values, float)}))


def with_known_sd(card: Card, panel: Panel) -> Card:
    """The card with an independent error of known SD, if its rows allow that.

    Raises
    ------
    InputError
        If they do not.
    """
    column = f"{card.outcome.name}_sd"
    if column not in panel.frame.columns:
        raise InputError(f"known_sd (--known-sd): the panel has no column {column!r}. Leave it out.")
    other = card.replace(error={"measurement_sd": column}, fit={"engine": "auto"})
    design = question_of(card).build(other, panel)
    fitting.check_size(fitting.with_engine(other, design), design)
    return other
