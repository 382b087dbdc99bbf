"""Dyad-years of states and IGOs: phase, distance to the co-members' mean, and what became of every row.

Everything is a function of two tables, memberships and scores, so that real records, a user's own and
simulated worlds take the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_hr.data.igo_controls import NEVER, control_note
from bayes_hr.data.igo_grid import Rows, Tables, eligible, grid_of, members_of, tables_of
from bayes_hr.data.igo_means import Members, current_sums, frozen_sums, row_means
from bayes_hr.data.igo_notes import Facts, notes
from bayes_hr.data.igo_options import COLUMNS, ConvergenceOptions
from bayes_hr.data.igo_records import Ledger, lifetimes
from bayes_hr.data.igo_spells import AFTER, BEFORE, DURING, MISSING, PHASES, Spells, near
from bayes_hr.data.igo_uncertainty import mean_variance, sd_columns
from bayes_hr.data.merge import MergeReport
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "ConvergenceOptions", "dyad_years"]


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
        -9 missing, -1 the IGO does not exist); optional ``igo_name, igo_type``, one per IGO, and ``imputed``
        (1: the code was filled in between two records), which ``accuracy`` needs.
    scores : pandas.DataFrame
        One row per state and year: ``ccode, year, score``; optional ``score_sd, country`` and ``region`` (one
        per state), which ``uncertainty`` and ``controls`` need.
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
        non-membership follows its last member year while the IGO lives). On request: ``igo_mean_sd``,
        ``gap_signed_sd``, ``distance_sd`` (:func:`bayes_hr.data.igo_uncertainty.sd_columns`), ``imputed``
        (the row's code was filled in) and ``entry_inexact`` (so was the code of the year ``entry`` or of the
        year before it: the true entry may be some years off).
    report : MergeReport

    Raises
    ------
    InputError
        If a table or an option is wrong, or no row is left.
    """
    tables = tables_of(memberships, scores, ConvergenceOptions() if options is None else options, births)
    ledger = Ledger(tables.scores.countries)
    kept = eligible(tables, ledger)
    if not kept.size:
        raise InputError(f"no state is a member in these years ({_why(ledger)})")
    rows, spell, dyads = grid_of(tables, kept)
    facts = _facts(tables, rows, spell, kept)
    members = members_of(tables, rows, spell)
    imputed = _imputed(tables, rows, spell, kept)
    rows = _compared(tables, rows, spell, members, ledger)
    rows = _asked(tables, rows, spell, imputed, ledger)
    joined = spell.first[rows.dyad] >= 0
    if not joined.any():
        raise InputError(f"no dyad-year is left ({_why(ledger)})")
    frame = _frame(tables, rows, spell, founder=_founders(tables, dyads))
    frame = frame.assign(**_sds(tables, rows, spell, members), **_flags(tables, rows, spell, imputed))
    said = notes(frame[joined], tables.options, facts)
    if not joined.all() or tables.options.controls != "none":
        said.append(control_note(frame[~joined], tables.options.region_share))
    return frame, MergeReport.of(tables.found.year.size, frame, ledger.steps, said)


def _why(ledger: Ledger) -> str:
    return "; ".join(f"{step.rows:,} rows: {step.reason}" for step in ledger.steps)


def _imputed(tables: Tables, rows: Rows, spell: Spells, kept: np.ndarray) -> np.ndarray | None:
    """Which codes were filled in, on the grid of dyads and years; None: not asked."""
    if tables.found.imputed is None:
        return None
    grid = np.zeros(spell.phase.shape, dtype=bool)
    grid[rows.dyad, rows.year] = tables.found.imputed[kept]
    return grid


def _facts(tables: Tables, rows: Rows, spell: Spells, kept: np.ndarray) -> Facts:
    kept = kept[spell.first[rows.dyad] >= 0]
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


def _compared(tables: Tables, rows: Rows, spell: Spells, members: Members, ledger: Ledger) -> Rows:
    """Rows that have a phase, a score and enough scored others, with their means."""
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
    rows: Rows, spell: Spells, members: Members, options: ConvergenceOptions
) -> tuple[np.ndarray, np.ndarray]:
    total, count, counted = _totals(rows, spell, members, options)
    own = members.score[rows.state, rows.year]
    return row_means(
        total=total, count=count, own=own, counted=counted, inclusive=options.mean == "inclusive"
    )


def _totals(
    rows: Rows, spell: Spells, members: Members, options: ConvergenceOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum over the members of each row, how many have a score, and whether the state is among them."""
    if options.mean == "frozen":
        entry = _entry(rows, spell, options)
        total, count = frozen_sums(members, igo=rows.igo, entry=entry, year=rows.year)
        return total, count, np.ones(total.shape, dtype=bool)  # the state is a member in its own entry year
    sums, counts = current_sums(members)
    counted = spell.phase[rows.dyad, rows.year] == DURING
    return sums[rows.igo, rows.year], counts[rows.igo, rows.year], counted


def _sds(tables: Tables, rows: Rows, spell: Spells, members: Members) -> dict[str, np.ndarray]:
    """SDs of mean, gap and distance, if they are asked for."""
    if not tables.options.uncertainty:
        return {}
    scored = ~np.isnan(tables.scores.mean)
    squares = replace(members, score=np.where(scored, tables.scores.sd, np.nan) ** 2)
    total, count, counted = _totals(rows, spell, squares, tables.options)
    own = squares.score[rows.state, rows.year]
    mean = mean_variance(total=total, count=count, own=own, counted=counted, n_others=rows.n_others)
    inside = counted & (tables.options.mean == "inclusive")
    gap = tables.scores.mean[rows.state, rows.year] - rows.mean
    return sd_columns(gap=gap, own=own, mean=mean, n_others=rows.n_others, inside=inside)


def _flags(tables: Tables, rows: Rows, spell: Spells, imputed: np.ndarray | None) -> dict[str, np.ndarray]:
    """Which rows and entries rest on codes that were filled in, if that is asked for."""
    if imputed is None or tables.options.accuracy != "flag":
        return {}
    entry = _entry(rows, spell, tables.options)
    at = imputed[rows.dyad, entry] | (imputed[rows.dyad, entry - 1] & (entry > 0))
    return {"imputed": imputed[rows.dyad, rows.year], "entry_inexact": at & (entry >= 0)}


def _entry(rows: Rows, spell: Spells, options: ConvergenceOptions) -> np.ndarray:
    if options.entry == "first":
        return spell.first[rows.dyad].astype(np.int64)
    return spell.start[rows.dyad, rows.year].astype(np.int64)


def _asked(tables: Tables, rows: Rows, spell: Spells, imputed: np.ndarray | None, ledger: Ledger) -> Rows:
    """Rows of the records, phases, years and windows asked for."""
    options = tables.options
    if imputed is not None and options.accuracy == "recorded":
        reason = "membership filled in between two records (accuracy)"
        rows = rows.keep(ledger.drop(rows.state, imputed[rows.dyad, rows.year], reason))
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
        close |= spell.phase == NEVER
        reason = f"more than {early} years before or {late} after a dated entry or exit (window)"
        rows = rows.keep(ledger.drop(rows.state, ~close[rows.dyad, rows.year], reason))
    return rows


def _founders(tables: Tables, dyads: np.ndarray) -> np.ndarray:
    """Which dyads are members in the IGO's birth year, by the whole record; shape (n_dyads,)."""
    found = tables.found
    at_birth = tables.known[found.igo] & (found.year == tables.birth[found.igo])
    at_birth &= np.isin(found.code, tables.options.membership)
    return np.isin(dyads, tables.pair(found.state[at_birth], found.igo[at_birth]))


def _frame(tables: Tables, rows: Rows, spell: Spells, *, founder: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    found, first = tables.found, tables.years[0]
    phase = spell.phase[rows.dyad, rows.year]
    entry = _entry(rows, spell, tables.options)
    last = spell.stop[rows.dyad, rows.year].astype(np.int64)
    k = np.where(phase == AFTER, rows.year - last, rows.year - entry) / 10
    score = tables.scores.mean[rows.state, rows.year]
    columns = {
        "ccode": found.ccodes[rows.state],
        "country": _text(tables.scores.countries, rows.state),
        "igo": _text(found.codes, rows.igo),
        "igo_name": _text(found.names, rows.igo),
        "igo_type": _text(found.types, rows.igo),
        "year": rows.year + first,
        "phase": _text((*PHASES, "never"), phase),
        "k": _unless(phase == NEVER, k),
        "entry": _unless(phase == NEVER, entry + first),
        "last": _unless(phase == NEVER, last + first),
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


def _unless(gone: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values as they are, or as floats with NaN where they mean nothing."""
    return np.where(gone, np.nan, values) if gone.any() else values


def _text(labels: Sequence[str], place: np.ndarray) -> Any:
    """Labels of the places as a text array, each label stored once on the way."""
    import pandas as pd

    return pd.array(list(labels), dtype=pd.StringDtype(na_value=float("nan"))).take(place)
