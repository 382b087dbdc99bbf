"""What users touch: ``fit(card, panel)`` and the Fit it gives, whose methods delegate to the other rooms."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayes_hr import fitting
from bayes_hr.cards import Card, load_card
from bayes_hr.errors import InputError, TaskFailureError
from bayes_hr.fits import Fit, load_fit
from bayes_hr.progress import progress_bar
from bayes_hr.questions import question_of
from bayes_hr.storage import MARKER, check_space, check_target

if TYPE_CHECKING:
    from bayes_hr.data.panel import Panel
    from bayes_hr.design import Design
    from bayes_hr.progress import Progress

__all__ = [
    "Fit",
    "check_reference",
    "describe",
    "fit",
    "headline",
    "load_fit",
    "panel_from_file",
    "panel_of",
    "subject",
]

_LOG = logging.getLogger("bayes_hr")


def fit(
    card: Card | str | Path,
    panel: Panel | None = None,
    *,
    engine: str | None = None,
    sampler: str | None = None,
    chains: int | None = None,
    draws: int | None = None,
    tune: int | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    companions: bool | None = None,
    reference: int | None = None,
    progress: Progress | None = None,
    scheduler: Any = None,
) -> Fit:
    """Fit a card to a panel.

    Parameters
    ----------
    card
        A card, the identifier of a shipped one, or the path of a TOML file.
    panel
        Rows; None builds the card's own panel from the public sources.
    engine, sampler, chains, draws, tune, seed
        In place of the card's settings; recorded with the fit.
    out
        Folder to save to.  If it holds a fit of the same card, data, engine and version, that one is
        loaded and nothing is run; if something changed, the log says what.
    companions
        Fit also what must stand beside the estimates, such as the dyads with a year before entry alone; None
        does so up to 50,000 rows.
    reference
        Refits with ratification years permuted (:mod:`bayes_hr.checks.reference`), 2 or more, or 0; None
        takes 100 for a ratification card that the exact engine fits, else none.  With `out`, the fit is saved
        before them, its page after them, and an interrupted run goes on from there.
    progress
        Called with draws done and in all, then with refits; None shows a bar (log lines off a terminal).
    scheduler
        Address or client of a dask.distributed cluster, where the refits of the reference run.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        Anything wrong with card, data, settings or target, before any sampling.
    """
    card = card if isinstance(card, Card) else load_card(card)
    card = fitting.resolved_card(
        card, engine=engine, sampler=sampler, chains=chains, draws=draws, tune=tune, seed=seed
    )
    target = None if out is None else Path(out)
    if reference is not None:
        check_reference(card, reference)
    if target is not None:
        check_target(target)
    truth = None
    question = question_of(card)
    if panel is None:
        panel, truth = question.panel(card)
    question.check_panel(card, panel)
    design = question.build(card, panel)
    card = fitting.with_engine(card, design)
    if scheduler is not None:
        from bayes_hr.checks.reference import check_scheduler

        check_scheduler(card, scheduler, _refits(card, reference))
    found = None if target is None else _kept(card, panel, target)
    if found is None:
        fitting.check_size(card, design)
        if target is not None:
            check_space(target, fitting.bytes_of_draws(card, design))
        under_way = None if target is None else target.parent / f".{target.name}.chains"
        found = Fit(_run(card, panel, design, progress, under_way), truth=truth)
        if companions or (companions is None and _few_rows(card, design)):
            found = _with_companions(found, panel, progress)
        if target is not None:
            found.save(target, page=_refits(card, reference) == 0)
        if under_way is not None:
            shutil.rmtree(under_way, ignore_errors=True)
    return _with_reference(found, reference, target, progress, scheduler)


def _few_rows(card: Card, design: Design) -> bool:
    """Whether companion fits are run unasked; the log says where they are not."""
    few = design.n <= fitting.MAX_NUTS_ROWS
    if not few and question_of(card).companions(card):
        left_out = "%s: %d rows, so companion fits are left out; companions=True runs them"
        _LOG.info(left_out, card.id, design.n)
    return few


def _with_companions(found: Fit, panel: Panel, progress: Progress | None) -> Fit:
    """The fit with its companions' estimates beside its own, in one table with the column ``sample``."""
    question = question_of(found.card)
    cards = question.companions(found.card)
    if not cards:
        return found
    tables = [found.effects("all").assign(sample="all dyads")]
    for sample, companion in cards.items():
        design = question.build(companion, panel)
        other = Fit(_run(fitting.with_engine(companion, design), panel, design, progress))
        tables.append(other.effects("all").assign(sample=sample))
    import pandas as pd

    return replace(found, extra={question.table_names[-1]: pd.concat(tables, ignore_index=True)})


def _with_reference(
    found: Fit, asked: int | None, out: Path | None, progress: Progress | None, scheduler: Any
) -> Fit:
    """The fit with its permuted reference, saved; refits are kept beside the fit, which is replaced whole.

    A fit that was saved without its page, since refits were to follow, gets it here, also when they are
    interrupted.
    """
    n = _refits(found.card, asked)
    if n == 0:
        return _with_page(found, out)
    if found.reference is not None and found.reference.n >= n:
        _LOG.info("%s: its permuted reference of %d refits is used", found.card.id, found.reference.n)
        return _with_page(found, out)
    kept = None
    if out is not None:
        signature = json.dumps(found.result.provenance["signature"], sort_keys=True)
        job = hashlib.sha256(signature.encode()).hexdigest()[:12]
        kept = out.absolute().parent / f".{out.name}-reference" / job
    try:
        found = found.permuted_reference(n, folder=kept, progress=progress, scheduler=scheduler)
    except TaskFailureError as error:
        found = _with_page(found, out)
        if asked is not None:
            raise
        _LOG.warning("%s: left without its permuted reference. %s", found.card.id, error)
        return found
    except BaseException:
        _with_page(found, out)
        raise
    if out is not None:
        found.save(out)
    return found


def _refits(card: Card, asked: int | None) -> int:
    """Refits of the permuted reference that a fit of this card gets."""
    from bayes_hr.checks.reference import default_refits

    return default_refits(card) if asked is None else asked


def _with_page(found: Fit, out: Path | None) -> Fit:
    """The fit, whose folder has its page."""
    if out is not None and not (out / "report.html").is_file():
        found.save(out)
    return found


def panel_of(card: Card) -> Panel:
    """The panel that a card names: from the public sources, or a simulated world."""
    return question_of(card).panel(card)[0]


def panel_from_file(
    path: str | Path, card: Card, *, columns: dict[str, str] | None = None, codes: str = "cow"
) -> Panel:
    """A user's own file as the panel of a card.

    Parameters
    ----------
    path
        CSV, Parquet or Stata, by suffix.
    columns
        Our names to the file's, where they differ.
    codes
        Kind of country code in the file (:func:`bayes_hr.to_cow`); default: COW numbers.

    Raises
    ------
    InputError
        If the file or its rows are wrong, with the column, row or country-year.
    """
    return question_of(card).panel_from_file(Path(path), card, columns, codes)


def describe(card: Card) -> str:
    """What a card is about, in a line."""
    return question_of(card).describe(card)


def headline(card: Card) -> tuple[str, ...]:
    """Kinds of effects (``by``) that stand first among those of a card's question."""
    return question_of(card).headline


def subject(card: Card) -> str:
    """What a card's effects are of, for the head of a table."""
    return question_of(card).subject


def check_reference(card: Card, n: int) -> None:
    """Refuse a permuted reference (:meth:`Fit.permuted_reference`) before anything is fitted.

    Parameters
    ----------
    n
        Refits; 0 asks for none.

    Raises
    ------
    InputError
        If the card has no ratification years to permute, or `n` is neither 0 nor 2 or more.
    """
    from bayes_hr.checks.reference import check_card

    if not isinstance(n, int) or n < 0 or n == 1:
        raise InputError(
            f"permuted reference: reference = {n!r} must be a number of refits, 2 or more, or 0 for none."
        )
    if n > 0:
        check_card(card)


def _run(
    card: Card, panel: Panel, design: Design, progress: Progress | None, chains: Path | None = None
) -> fitting.FitResult:
    """Run with a progress bar unless the caller brought a callback of their own."""
    if progress is not None:
        return fitting.run(card, panel, design, progress=progress, folder=chains)
    total = card.fit.chains * (card.fit.draws + card.fit.tune)
    with progress_bar(f"{card.id}: sampling", total) as advance:
        done = 0

        def report(now: int, _: int) -> None:
            nonlocal done
            if now > done:
                advance(now - done)
                done = now

        return fitting.run(card, panel, design, progress=report, folder=chains)


def _kept(card: Card, panel: Panel, folder: Path) -> Fit | None:
    """The fit already in a folder, if nothing that decides it has changed; the log says what has."""
    if not (folder / MARKER).is_file():
        _LOG.info("%s: fitted now, since there is no fit yet", folder)
        return None
    try:
        old = load_fit(folder)
    except InputError as error:
        _LOG.warning("%s It is replaced.", error)
        return None
    changed = fitting.changes(old.result.provenance["signature"], fitting.signature(card, panel))
    if changed:
        _LOG.info("%s: fitted again, since this changed: %s", folder, ", ".join(changed))
        return None
    _LOG.info("%s: card, data, engine and version are unchanged; the saved fit is used", folder)
    if card == old.card:
        return old
    _LOG.info("%s: tables and report are written anew, since words or thresholds of the card changed", folder)
    renewed = replace(old, result=fitting.FitResult(old.data, card, old.result.provenance), extra={})
    renewed.save(folder)
    return renewed
