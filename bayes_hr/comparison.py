"""``bayes_hr.compare``: does a finding depend on a choice that could have been made otherwise?

A card says one thing where several are reasonable: which score, classes, controls, errors.  Each choice is
fitted in turn, everything else as the card has it, and the estimates stand in one table.  The choices are no
sample of anything: how many agree is not a probability (Steegen, Tuerlinckx, Gelman & Vanpaemel 2016,
*Increasing transparency through a multiverse analysis*, Perspectives on Psychological Science 11 (5), doi
10.1177/1745691616658637, who vary all choices at once; here one at a time).
"""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from bayes_hr import api, fitting
from bayes_hr.calibration.running import job_of
from bayes_hr.cards import Card, load_card
from bayes_hr.checks.result import FAIL, REVIEW
from bayes_hr.errors import InputError
from bayes_hr.questions import question_of
from bayes_hr.storage import Kind, atomic_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bayes_hr.data.panel import Panel
    from bayes_hr.progress import Progress

_LOG: Final = logging.getLogger("bayes_hr")

OWN: Final = "as the card has it"
"""Label of the card's own fit."""

COMPARISON: Final = Kind(
    "comparison",
    "comparison.json",
    frozenset({"comparison.json", "comparison.csv", "stability.csv", "report.html"}),
)
"""Files of a saved comparison."""

EFFECT: Final = ["by", "estimand", "level", "reference"]
"""Columns that say which effect a row is of."""


@dataclass(frozen=True)
class _Choice:
    """A changed card with its rows."""

    label: str
    card: Card
    panel: Panel
    changes: dict[str, Any]


@dataclass(frozen=True, eq=False)  # frames have no single truth value
class Comparison:
    """Estimates of a card under its own choices and under others.

    Attributes
    ----------
    card
        The card, every default spelled out.
    table
        The contract's effects table of each fit (``by``: those that head its question), with ``choice`` in
        front and the fit's ``verdict`` behind.
    fits
        One row for each fit, the card's own first: ``choice, changes, unit`` (of the outcome), ``rows,
        countries, verdict, checks`` (that did not pass), ``reasons``, ``r_hat, ess_bulk`` (largest and
        smallest over its effects in the table).
    left_out
        Choices that cannot be fitted to these rows, and why.
    """

    card: Card
    table: pd.DataFrame
    fits: pd.DataFrame
    left_out: dict[str, str]

    @property
    def stability(self) -> pd.DataFrame:
        """One row for each effect of the card's own fit: how it fares under the other choices.

        ``own_mean, own_lb, own_ub`` (the card's), ``lowest, highest`` (means over all fits, the card's
        included; of a long-run effect, whose mean need not exist, medians), ``excludes_0`` (fits whose
        interval excludes 0), ``same_sign`` (whose mean has the sign of the card's), ``of`` (fits that have
        the effect), ``furthest`` (the choice that moves the mean most).
        Fits with verdict FAIL, and those whose outcome has another unit, do not count.
        """
        own = self.table[self.table["choice"] == OWN]
        alike = self.fits[(self.fits["unit"] == self.fits["unit"].iloc[0]) & (self.fits["verdict"] != FAIL)]
        usable = self.table[self.table["choice"].isin(alike["choice"])]
        usable, own = (part.assign(mean=part["mean"].fillna(part["median"])) for part in (usable, own))
        rows = []
        for effect in own.itertuples(index=False):
            same = (usable[EFFECT] == [getattr(effect, c) for c in EFFECT]).all(axis=1)
            rows.append(_stability(effect, usable[same]))
        return pd.DataFrame(rows)

    @property
    def failed(self) -> bool:
        """Whether a fit may not be relied on at all (verdict FAIL)."""
        return bool((self.fits["verdict"] == FAIL).any())

    def report(self, path: str | Path) -> Path:
        """Write the report, one self-contained HTML page.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        from bayes_hr.reporting.comparison import write_report

        return write_report(self, Path(path))

    def save(self, folder: str | Path) -> Path:
        """Write ``comparison.csv, stability.csv, comparison.json, report.html``, whole or not at all.

        Raises
        ------
        InputError
            If the target is a file or somebody's folder, or the disk is full.
        """
        folder = Path(folder)
        with atomic_folder(folder, COMPARISON) as work:
            self.table.to_csv(work / "comparison.csv", index=False)
            self.stability.to_csv(work / "stability.csv", index=False)
            told = {
                "card": self.card.id,
                "question": self.card.question,
                "fits": json.loads(self.fits.to_json(orient="records")),
                "left_out": self.left_out,
                "stability": json.loads(self.stability.to_json(orient="records")),
            }
            (work / "comparison.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
            self.report(work / "report.html")
        return folder


def compare(
    card: Card | str | Path,
    panel: Panel | None = None,
    choices: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    engine: str | None = None,
    chains: int | None = None,
    draws: int | None = None,
    tune: int | None = None,
    seed: int | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Fit a card under other choices, one at a time, beside its own.

    Parameters
    ----------
    card
        A card, the identifier of a shipped one, or the path of a TOML file.
    panel
        Rows; None builds each choice's own panel from the public sources.
    choices
        Label -> changes as :meth:`Card.replace` takes them, e.g. ``{"lag of 3 years": {"treatment": {"lag":
        3}}}``.  None takes those that a referee asks about (:mod:`bayes_hr.questions.choices`): controls,
        year effects, errors and, of the public sources, score and regime classes; those that the rows do not
        allow are named in ``left_out``.
    engine, chains, draws, tune, seed
        In place of the card's settings, in every fit.
    folder
        Where the fits are kept, each with its report, so that a stopped comparison goes on; None: nowhere.
    progress
        Called with draws done and in all of each fit; None shows a bar.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        Anything wrong with card, data or a choice that was asked for, before any sampling; or a card whose
        question has no choices of its own, if none is given.
    """
    card = card if isinstance(card, Card) else load_card(card)
    card = fitting.resolved_card(
        card, engine=engine, sampler=None, chains=chains, draws=draws, tune=tune, seed=seed
    )
    given = choices if choices is not None else question_of(card).choices(card, panel is not None)
    if not given:
        raise InputError(
            f"compare: card {card.id} has no other choices of its own. Give some, e.g. "
            'choices={"a longer lag": {"treatment": {"lag": 3}}} (--choice on the command line).'
        )
    found, left_out = _buildable(card, panel, given, asked=choices is not None)
    tables, fits = [], []
    for k, choice in enumerate(found):
        _LOG.info("%s: fit %d of %d, %s", card.id, k + 1, len(found), choice.label)
        out = None if folder is None else Path(folder) / f"{k:02d}-{_slug(choice.label)}"
        fit = api.fit(choice.card, choice.panel, out=out, companions=False, reference=0, progress=progress)
        table, line = rows_of_fit(choice.label, fit, choice.changes)
        tables.append(table)
        fits.append(line)
    return Comparison(card, pd.concat(tables, ignore_index=True), pd.DataFrame(fits), left_out)


def _buildable(
    card: Card, panel: Panel | None, given: Mapping[str, Mapping[str, Any]], *, asked: bool
) -> tuple[list[_Choice], dict[str, str]]:
    """The card and its choices with their rows; the choices that the rows do not allow, and why."""
    panels: dict[str, Panel] = {}
    own, same = _with_rows(OWN, card, panel, {}, panels)
    out, left_out = [own], {}
    for label, changes in given.items():
        try:
            if label == OWN:
                raise InputError("that is what the card's own fit is called; take another label")
            choice, model = _with_rows(label, card.replace(**changes), panel, dict(changes), panels)
            if model == same:
                raise InputError(
                    "it changes nothing here: what it says is the card's own, or was settled when these rows "
                    "were made (treaty, regime classes). Leave it out, or give rows that were made otherwise"
                )
            out.append(choice)
        except InputError as error:
            if asked:
                raise InputError(f"choice {label!r}: {error}") from error
            left_out[label] = str(error)
            _LOG.info("%s: choice %r is left out. %s", card.id, label, error)
    return out, left_out


def _with_rows(
    label: str, card: Card, panel: Panel | None, changes: dict[str, Any], panels: dict[str, Panel]
) -> tuple[_Choice, str]:
    """A card with its rows, to which it can be fitted, and a digest of the model that they make.

    Panels of equal options are built once.
    """
    question = question_of(card)
    if panel is None:
        key = json.dumps(question.panel_options(card), sort_keys=True, default=str)
        if key not in panels:
            panels[key] = question.panel(card)[0]
        panel = panels[key]
    question.check_panel(card, panel)
    design = question.build(card, panel)
    fitting.check_size(fitting.with_engine(card, design), design)
    told = json.dumps([getattr(card, name).model_dump(mode="json") for name in ("fit", "rope", "verdict")])
    model = job_of(replace(design, attrs={}), f"{told} {card.estimands} {design.y.tobytes().hex()}")
    return _Choice(label, card, panel, changes), model


def rows_of_fit(label: str, fit: api.Fit, changes: Mapping[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Rows of :attr:`Comparison.table` and the row of :attr:`Comparison.fits` of a fit under a choice."""
    effects, verdict = fit.effects(), fit.check()
    own = effects[effects["by"].isin(question_of(fit.card).headline)].copy()
    own.insert(0, "choice", label)
    own["verdict"] = verdict.status
    merge = fit.result.provenance["merge"]
    line = {
        "choice": label,
        "changes": json.dumps(changes),
        "unit": _unit(fit.card),
        "rows": merge["rows_used"],
        "countries": merge["countries"],
        "verdict": verdict.status,
        "checks": ", ".join(c.name for c in verdict.checks if c.status in {REVIEW, FAIL}),
        "reasons": "; ".join(verdict.reasons),
        "r_hat": float(own["r_hat"].max()),
        "ess_bulk": float(own["ess_bulk"].min()),
    }
    return own, line


def _stability(own: Any, same: pd.DataFrame) -> dict[str, Any]:
    """One effect over the fits that have it."""
    far = (same["mean"] - own.mean).abs()
    moved = far.max() > 0
    return {
        **{c: getattr(own, c) for c in EFFECT},
        "own_mean": own.mean,
        "own_lb": own.lb,
        "own_ub": own.ub,
        "lowest": same["mean"].min(),
        "highest": same["mean"].max(),
        "excludes_0": int(((same["lb"] > 0) | (same["ub"] < 0)).sum()),
        "same_sign": int((same["mean"] * own.mean > 0).sum()),
        "of": len(same),
        "furthest": same.loc[far.idxmax(), "choice"] if moved else "",
    }


def _unit(card: Card) -> str:
    """What effects are measured in; outcomes whose card states the same unit may be compared."""
    outcome = card.outcome
    stated = not outcome.ordinal and outcome.scale != "sd"
    return f"outcome with unit {outcome.scale:g}" if stated else outcome.effect_scale


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40] or "choice"
