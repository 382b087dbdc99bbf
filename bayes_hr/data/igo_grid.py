"""Memberships and scores on grids: the records that count, phases of dyads, members behind the means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.data.igo_controls import control_pairs, regions_of, with_controls
from bayes_hr.data.igo_means import Members
from bayes_hr.data.igo_options import ConvergenceOptions
from bayes_hr.data.igo_records import (
    Ledger,
    Records,
    Scores,
    births_of,
    chosen_igos,
    covered_years,
    records,
    score_grid,
)
from bayes_hr.data.igo_spells import ABSENT, DURING, Spells, spells
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Tables:
    """The two tables on their grids, and what is asked of them.

    ``birth`` and ``known`` (whether the birth year is known) have shape (n_igos,), ``region`` (n_states,).
    """

    found: Records
    scores: Scores
    years: tuple[int, int]
    birth: np.ndarray
    known: np.ndarray
    options: ConvergenceOptions
    region: np.ndarray | None

    def pair(self, state: np.ndarray, igo: np.ndarray) -> np.ndarray:
        """One number per dyad."""
        return state.astype(np.int64) * len(self.found.codes) + igo


@dataclass(frozen=True)
class Rows:
    """Row arrays of shape (n_rows,): places of dyad, state, IGO and year; the mean and how many made it."""

    dyad: np.ndarray
    state: np.ndarray
    igo: np.ndarray
    year: np.ndarray
    mean: np.ndarray
    n_others: np.ndarray

    def keep(self, kept: np.ndarray) -> Rows:
        """The rows where `kept` is true."""
        return Rows(*(getattr(self, column.name)[kept] for column in fields(self)))


def scored_members(
    memberships: pd.DataFrame,
    scores: pd.DataFrame,
    options: ConvergenceOptions,
    births: Mapping[str, int] | pd.Series | None = None,
) -> tuple[Members, Records, int]:
    """The states behind the means of dyad-years, whatever rows its options then keep.

    Parameters
    ----------
    memberships, scores, options, births
        As :func:`bayes_hr.data.igo_dyads.dyad_years` takes them.

    Returns
    -------
    members : Members
        Membership cells, with or without a score.
    found : Records
        What their numbers of states and IGOs stand for.
    first : int
        Calendar year of the first year.

    Raises
    ------
    InputError
        As there.
    """
    tables = tables_of(memberships, scores, options, births)
    kept = eligible(tables, Ledger(tables.scores.countries))
    rows, spell, _ = grid_of(tables, kept)
    return members_of(tables, rows, spell), tables.found, tables.years[0]


def tables_of(
    memberships: pd.DataFrame,
    scores: pd.DataFrame,
    options: ConvergenceOptions,
    births: Mapping[str, int] | pd.Series | None,
) -> Tables:
    """The tables of :func:`bayes_hr.data.igo_dyads.dyad_years`, checked.

    Raises
    ------
    InputError
        If a table is wrong, or lacks what an option needs.
    """
    found = records(memberships, imputed=options.accuracy != "all")
    years = covered_years(found, scores)
    grid = score_grid(scores, found, years, standardise=options.standardise == "year")
    birth, known = births_of(found, births)
    if options.uncertainty and np.isnan(grid.sd).all():
        raise InputError("uncertainty=True needs the scores' SDs; scores has none (column score_sd)")
    region = None if options.controls == "none" else regions_of(scores, found)
    return Tables(found, grid, years, birth, known, options, region)


def eligible(tables: Tables, ledger: Ledger) -> np.ndarray:
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
    control = np.zeros(ever.size, dtype=bool)
    if tables.region is not None:
        share, codes = tables.options.region_share, tables.options.membership
        control = control_pairs(found, kept, membership=codes, region=tables.region, share=share).ravel()
    kept = drop(~(ever | control)[pair[kept]], "the state is never a member of the IGO")
    return drop(~(now | control)[pair[kept]], f"the state was a member only outside {first}-{last}")


def grid_of(tables: Tables, kept: np.ndarray) -> tuple[Rows, Spells, np.ndarray]:
    """Rows (nothing compared yet), phases on the grid of dyads and years, and the number of each dyad."""
    found, (first, last) = tables.found, tables.years
    state, igo = found.state[kept].astype(np.int64), found.igo[kept].astype(np.int64)
    year = found.year[kept].astype(np.int64) - first
    dyads, dyad = np.unique(tables.pair(state, igo), return_inverse=True)
    code = np.full((len(dyads), last - first + 1), ABSENT, dtype=np.int8)
    code[dyad, year] = found.code[kept]
    owner = dyads % len(found.codes)
    born = tables.known[owner] & (tables.birth[owner] == first)
    joined = np.isin(code, tables.options.membership).any(axis=1)
    spell = spells(code[joined], tables.options.membership, born_at_start=born[joined])
    if not joined.all():
        spell = with_controls(spell, code, joined)
    empty = np.zeros(kept.size)
    return Rows(dyad, state, igo, year, empty, empty), spell, dyads


def members_of(tables: Tables, rows: Rows, spell: Spells) -> Members:
    """Every state-IGO-year of membership: it counts in the means, whatever rows are kept."""
    cells = rows.keep(spell.phase[rows.dyad, rows.year] == DURING)
    return Members(cells.state, cells.igo, cells.year, tables.scores.mean, len(tables.found.codes))
