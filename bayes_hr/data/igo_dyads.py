"""Dyad-years of states and IGOs: phase, distance to the co-members' mean, and what became of every row.

Everything is a function of two tables, memberships and scores, so that real records, a user's own and
simulated worlds take the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_hr.data.igo_means import Members, current_sums, frozen_sums, row_means
from bayes_hr.data.igo_notes import Facts, notes
from bayes_hr.data.igo_options import COLUMNS, ConvergenceOptions
from bayes_hr.data.igo_records import (
    Ledger,
    Records,
    Scores,
    births_of,
    chosen_igos,
    covered_years,
    lifetimes,
    records,
    score_grid,
)
from bayes_hr.data.igo_spells import ABSENT, AFTER, BEFORE, DURING, MISSING, PHASES, Spells, near, spells
from bayes_hr.data.merge import MergeReport
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "ConvergenceOptions", "dyad_years"]


@dataclass(frozen=True)
class _Tables:
    """The two tables on their grids, and what is asked of them.

    ``birth`` and ``known`` (whether the birth year is known) have shape (n_igos,).
    """

    found: Records
    scores: Scores
    years: tuple[int, int]
    birth: np.ndarray
    known: np.ndarray
    options: ConvergenceOptions

    def pair(self, state: np.ndarray, igo: np.ndarray) -> np.ndarray:
        """One number per dyad."""
        return state.astype(np.int64) * len(self.found.codes) + igo


@dataclass(frozen=True)
class _Rows:
    """Row arrays of shape (n_rows,): places of dyad, state, IGO and year; the mean and how many made it."""

    dyad: np.ndarray
    state: np.ndarray
    igo: np.ndarray
    year: np.ndarray
    mean: np.ndarray
    n_others: np.ndarray

    def keep(self, kept: np.ndarray) -> _Rows:
        return _Rows(*(getattr(self, column.name)[kept] for column in fields(self)))


def dyad_years(
    memberships: pd.DataFrame,
    scores: pd.DataFrame,
    options: ConvergenceOptions | None = None,
    *,
    births: Mapping[str, int] | pd.Series | None = None,
) -> tuple[pd.DataFrame, MergeReport]:
    """Rows of states and IGOs over years, before, during and after membership.

    A dyad is a state and an IGO of which it is a member in at least one year that both tables cover (the
    *covered years*; records outside them are not used, except to see who founded an IGO). Its rows are the
    years in which the state and the IGO have a record: so a dyad starts at the latest of the first covered
    year, the state's entry into the state system and the IGO's birth, and nothing follows the death of the
    IGO, which is not an exit. A missing code counts as membership if the nearest known codes on both sides
    are memberships; otherwise its row is dropped.

    Parameters
    ----------
    memberships : pandas.DataFrame
        One row per state, IGO and year: ``ccode, igo, year, code`` (0 none, 1 full, 2 associate, 3 observer,
        -9 missing, -1 the IGO does not exist); optional ``igo_name, igo_type``, one per IGO.
    scores : pandas.DataFrame
        One row per state and year: ``ccode, year, score``; optional ``score_sd, country``.
    options : ConvergenceOptions, optional
        Default: the options' own defaults.
    births : mapping of str to int, optional
        Birth year by IGO code; default: first year on record. Rows before it are dropped.

    Returns
    -------
    frame : pandas.DataFrame
        :data:`bayes_hr.data.igo_options.COLUMNS`, sorted by ``ccode, igo, year``, one row per key. ``k`` is
        in decades: before (year - entry) / 10 < 0, during and gap (year - entry) / 10 >= 0, after
        (year - last) / 10 > 0. For a ``left_censored`` dyad ``entry`` is the first year in which it is seen
        as a member, a bound. ``gap_signed`` is score - igo_mean and ``distance`` its absolute value, on the
        score's scale. Three columns are the same in all rows of a dyad: ``left_censored`` (its *first* entry
        cannot be dated), ``founder`` (a member in the IGO's birth year) and ``exits`` (a year of known
        non-membership follows its last member year while the IGO lives).
    report : MergeReport

    Raises
    ------
    InputError
        If a table or an option is wrong, or no row is left.
    """
    tables = _tables(memberships, scores, ConvergenceOptions() if options is None else options, births)
    ledger = Ledger(tables.scores.countries)
    kept = _eligible(tables, ledger)
    if not kept.size:
        raise InputError(f"no state is a member in these years ({_why(ledger)})")
    rows, spell, dyads = _grid(tables, kept)
    facts = _facts(tables, rows, spell, kept)
    rows = _compared(tables, rows, spell, ledger)
    rows = _asked(tables, rows, spell, ledger)
    if not rows.year.size:
        raise InputError(f"no dyad-year is left ({_why(ledger)})")
    frame = _frame(tables, rows, spell, founder=_founders(tables, dyads))
    said = notes(frame, tables.options, facts)
    return frame, MergeReport.of(tables.found.year.size, frame, ledger.steps, said)


def _tables(
    memberships: pd.DataFrame,
    scores: pd.DataFrame,
    options: ConvergenceOptions,
    births: Mapping[str, int] | pd.Series | None,
) -> _Tables:
    found = records(memberships)
    years = covered_years(found, scores)
    grid = score_grid(scores, found, years, standardise=options.standardise == "year")
    birth, known = births_of(found, births)
    return _Tables(found, grid, years, birth, known, options)


def _why(ledger: Ledger) -> str:
    return "; ".join(f"{step.rows:,} rows: {step.reason}" for step in ledger.steps)


def _eligible(tables: _Tables, ledger: Ledger) -> np.ndarray:
    """Places of the records of dyads that are members in the covered years."""
    found, (first, last) = tables.found, tables.years
    kept = np.arange(found.year.size)

    def drop(gone: np.ndarray, reason: str) -> np.ndarray:
        return kept[ledger.drop(found.state[kept], gone, reason)]

    chosen = chosen_igos(found, tables.options.igos, tables.options.types)
    kept = drop(~chosen[found.igo], "IGO not asked for (igos, types)")
    outside = (found.year[kept] < first) | (found.year[kept] > last)
    kept = drop(outside, f"outside {first}-{last}, the years of records and scores")
    kept = drop(found.year[kept] < tables.birth[found.igo[kept]], "before the IGO's birth")
    pair = tables.pair(found.state, found.igo)
    member = np.isin(found.code, tables.options.membership)
    ever, now = np.zeros((2, len(found.ccodes) * len(found.codes)), dtype=bool)
    ever[pair[member]] = True
    now[pair[kept][member[kept]]] = True
    kept = drop(~ever[pair[kept]], "the state is never a member of the IGO")
    return drop(~now[pair[kept]], f"the state was a member only outside {first}-{last}")


def _grid(tables: _Tables, kept: np.ndarray) -> tuple[_Rows, Spells, np.ndarray]:
    """Rows (nothing compared yet), phases on the grid of dyads and years, and the number of each dyad."""
    found, (first, last) = tables.found, tables.years
    state, igo = found.state[kept].astype(np.int64), found.igo[kept].astype(np.int64)
    year = found.year[kept].astype(np.int64) - first
    dyads, dyad = np.unique(tables.pair(state, igo), return_inverse=True)
    code = np.full((len(dyads), last - first + 1), ABSENT, dtype=np.int8)
    code[dyad, year] = found.code[kept]
    owner = dyads % len(found.codes)
    born = tables.known[owner] & (tables.birth[owner] == first)
    spell = spells(code, tables.options.membership, born_at_start=born)
    empty = np.zeros(kept.size)
    return _Rows(dyad, state, igo, year, empty, empty), spell, dyads


def _facts(tables: _Tables, rows: _Rows, spell: Spells, kept: np.ndarray) -> Facts:
    _, death = lifetimes(tables.found)
    unscored = np.flatnonzero(np.isnan(tables.scores.mean).all(axis=1))
    with_rows = np.isin(unscored, rows.state)
    return Facts(
        years=tables.years,
        death=dict(zip(tables.found.codes, death.tolist(), strict=True)),
        nonexistent=tables.found.nonexistent,
        unsure_entry=int(spell.unsure_entry.sum()),
        unsure_exit=int(spell.unsure_exit.sum()),
        unscored=[tables.scores.countries[i] for i in unscored[with_rows]],
        member_rows=kept.size,
        missing=int((tables.found.code[kept] == MISSING).sum()),
        filled=int(spell.filled[rows.dyad, rows.year].sum()),
    )


def _compared(tables: _Tables, rows: _Rows, spell: Spells, ledger: Ledger) -> _Rows:
    """Rows that have a phase, a score and enough scored others, with their means."""
    # Every state-IGO-year of membership counts in the means, whatever rows are kept.
    during = spell.phase[rows.dyad, rows.year] == DURING
    cells = rows.keep(during)
    members = Members(cells.state, cells.igo, cells.year, tables.scores.mean, len(tables.found.codes))
    unknown = spell.phase[rows.dyad, rows.year] < 0
    reason = f"membership missing ({MISSING}), and not between two years of membership"
    rows = rows.keep(ledger.drop(rows.state, unknown, reason))
    unscored = np.isnan(members.score[rows.state, rows.year])
    rows = rows.keep(ledger.drop(rows.state, unscored, "score missing"))
    mean, n_others = _means(rows, spell, members, tables.options)
    least = tables.options.min_others
    kept = ledger.drop(rows.state, n_others < least, f"fewer than {least} scored others in the IGO")
    return replace(rows, mean=mean, n_others=n_others).keep(kept)


def _means(
    rows: _Rows, spell: Spells, members: Members, options: ConvergenceOptions
) -> tuple[np.ndarray, np.ndarray]:
    own = members.score[rows.state, rows.year]
    if options.mean == "frozen":
        entry = _entry(rows, spell, options)
        total, count = frozen_sums(members, igo=rows.igo, entry=entry, year=rows.year)
        everywhere = np.ones(own.shape, dtype=bool)  # the state is a member in its own entry year
        return row_means(total=total, count=count, own=own, counted=everywhere, inclusive=False)
    sums, counts = current_sums(members)
    return row_means(
        total=sums[rows.igo, rows.year],
        count=counts[rows.igo, rows.year],
        own=own,
        counted=spell.phase[rows.dyad, rows.year] == DURING,
        inclusive=options.mean == "inclusive",
    )


def _entry(rows: _Rows, spell: Spells, options: ConvergenceOptions) -> np.ndarray:
    if options.entry == "first":
        return spell.first[rows.dyad].astype(np.int64)
    return spell.start[rows.dyad, rows.year].astype(np.int64)


def _asked(tables: _Tables, rows: _Rows, spell: Spells, ledger: Ledger) -> _Rows:
    """Rows of the phases, years and windows asked for."""
    options = tables.options
    if not options.before:
        gone = spell.phase[rows.dyad, rows.year] == BEFORE
        rows = rows.keep(ledger.drop(rows.state, gone, "before entry (before=False)"))
    low = tables.years[0] if options.start is None else options.start
    high = tables.years[1] if options.end is None else options.end
    if low > high:
        covered = f"{tables.years[0]}-{tables.years[1]}"
        raise InputError(f"no year is left from {low} to {high}: records and scores cover {covered}")
    gone = (rows.year + tables.years[0] < low) | (rows.year + tables.years[0] > high)
    rows = rows.keep(ledger.drop(rows.state, gone, f"outside the years asked for, {low}-{high}"))
    if options.window is not None:
        early, late = options.window
        close = near(spell.begins, options.window) | near(spell.ends, options.window)
        reason = f"more than {early} years before or {late} after a dated entry or exit (window)"
        rows = rows.keep(ledger.drop(rows.state, ~close[rows.dyad, rows.year], reason))
    return rows


def _founders(tables: _Tables, dyads: np.ndarray) -> np.ndarray:
    """Which dyads are members in the IGO's birth year, by the whole record; shape (n_dyads,)."""
    found = tables.found
    at_birth = tables.known[found.igo] & (found.year == tables.birth[found.igo])
    at_birth &= np.isin(found.code, tables.options.membership)
    return np.isin(dyads, tables.pair(found.state[at_birth], found.igo[at_birth]))


def _frame(tables: _Tables, rows: _Rows, spell: Spells, *, founder: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    found, first = tables.found, tables.years[0]
    phase = spell.phase[rows.dyad, rows.year]
    entry = _entry(rows, spell, tables.options)
    last = spell.stop[rows.dyad, rows.year].astype(np.int64)
    score = tables.scores.mean[rows.state, rows.year]
    columns = {
        "ccode": found.ccodes[rows.state],
        "country": _text(tables.scores.countries, rows.state),
        "igo": _text(found.codes, rows.igo),
        "igo_name": _text(found.names, rows.igo),
        "igo_type": _text(found.types, rows.igo),
        "year": rows.year + first,
        "phase": _text(PHASES, phase),
        "k": np.where(phase == AFTER, rows.year - last, rows.year - entry) / 10,
        "entry": entry + first,
        "last": last + first,
        "score": score,
        "score_sd": tables.scores.sd[rows.state, rows.year],
        "igo_mean": rows.mean,
        "n_others": rows.n_others,
        "distance": np.abs(score - rows.mean),
        "gap_signed": score - rows.mean,
        "founder": founder[rows.dyad],
        "left_censored": spell.left_censored[rows.dyad],
        "exits": spell.exits[rows.dyad],
    }
    return pd.DataFrame(columns)[list(COLUMNS)]


def _text(labels: Sequence[str], place: np.ndarray) -> Any:
    """Labels of the places as a text array, each label stored once on the way."""
    import pandas as pd

    return pd.array(list(labels), dtype=pd.StringDtype(na_value=float("nan"))).take(place)
