"""Membership codes of each dyad as a grid over years: spells, phases, entry and exit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

ABSENT: Final = -1
"""The IGO does not exist in the year, or there is no record of the state."""

MISSING: Final = -9
"""There is a record, and its code is not known."""

CODES: Final = (MISSING, ABSENT, 0, 1, 2, 3)
"""Every valid membership code."""

PHASES: Final = ("before", "during", "gap", "after")
"""Names of the phases, by the numbers that the grids hold; -1 is no phase."""

BEFORE, DURING, GAP, AFTER = range(4)


@dataclass(frozen=True)
class Spells:
    """Phases of dyads over years; years are indices from 0.

    Attributes
    ----------
    phase : numpy.ndarray of int8, shape (n_dyads, n_years)
        Place in :data:`PHASES`; -1 where there is no record, or a missing code that the rule does not fill.
    filled : numpy.ndarray of bool, shape (n_dyads, n_years)
        Missing code that counts as membership: the nearest known codes on both sides are memberships.
    start : numpy.ndarray of int16, shape (n_dyads, n_years)
        First year of the latest spell up to the year; before the first spell, its first year.
    stop : numpy.ndarray of int16, shape (n_dyads, n_years)
        Last year of the latest spell up to the year in gaps; elsewhere the dyad's last member year.
    first, last : numpy.ndarray of int64, shape (n_dyads,)
        First and last member year.
    left_censored : numpy.ndarray of bool, shape (n_dyads,)
        No earlier non-membership is on record, and the record before the first member year is out of sight
        or missing: the entry cannot be dated.
    exits : numpy.ndarray of bool, shape (n_dyads,)
        A known non-membership follows the last member year: the exit is observed.
    begins, ends : numpy.ndarray of bool, shape (n_dyads, n_years)
        First year of a spell whose entry is dated; last year of a spell whose exit is observed.
    unsure_entry, unsure_exit : numpy.ndarray of bool, shape (n_dyads,)
        The code just before a dated entry, or just after an observed exit, is missing.
    """

    phase: np.ndarray
    filled: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    first: np.ndarray
    last: np.ndarray
    left_censored: np.ndarray
    exits: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    unsure_entry: np.ndarray
    unsure_exit: np.ndarray


def spells(code: np.ndarray, member_codes: tuple[int, ...], *, born_at_start: np.ndarray) -> Spells:
    """Phases of dyads that are members in at least one year.

    Rule for a missing code: it counts as membership if the nearest known codes before and after it are both
    memberships; otherwise the year has no phase. A year without a record (:data:`ABSENT`, for instance a
    state that is out of the state system for some years) never has a phase, and interrupts a spell only if
    a known code beside it is not a membership.

    Parameters
    ----------
    code : numpy.ndarray of int8, shape (n_dyads, n_years)
        Codes of :data:`CODES`.
    member_codes : tuple of int
        Codes that count as membership.
    born_at_start : numpy.ndarray of bool, shape (n_dyads,)
        Whether the dyad's IGO is known to be born in the first year of the grid, so that a membership in
        that year is a dated entry.

    Returns
    -------
    Spells

    Raises
    ------
    ValueError
        If a dyad is never a member.
    """
    n_dyads, n_years = code.shape
    years = np.arange(n_years, dtype=np.int16)
    rows = np.arange(n_dyads)
    known = (code != ABSENT) & (code != MISSING)
    counts = np.isin(code, member_codes)
    if not counts.any(axis=1).all():
        raise ValueError("spells: a dyad that is never a member; this is a bug in bayes_hr")
    inside = ~known & _nearest_is_member(known, counts) & _nearest_is_member(known, counts, back=True)
    member = counts | inside
    first, last = member.argmax(axis=1), n_years - 1 - member[:, ::-1].argmax(axis=1)
    early, late = years < first[:, None], years > last[:, None]
    phase = np.select([early, late, member], [BEFORE, AFTER, DURING], GAP).astype(np.int8)
    filled = inside & (code == MISSING)
    phase[~(known | filled)] = -1
    begins = member & ~np.pad(member, ((0, 0), (1, 0)))[:, :-1]
    start = np.maximum.accumulate(np.where(begins, years, -1), axis=1)
    stop = np.maximum.accumulate(np.where(member, years, -1), axis=1)
    outside = np.where(first > 0, code[rows, first - 1], MISSING)
    first_known = known.argmax(axis=1) == first
    after = np.where(last < n_years - 1, code[rows, np.minimum(last + 1, n_years - 1)], ABSENT)
    exits = (late & known).any(axis=1)
    left_censored = first_known & (outside == MISSING) & ~((first == 0) & born_at_start)
    return Spells(
        phase=phase,
        filled=filled,
        start=np.where(early, first[:, None], start).astype(np.int16),
        stop=np.where(phase == GAP, stop, last[:, None]).astype(np.int16),
        first=first,
        last=last,
        left_censored=left_censored,
        exits=exits,
        begins=begins & ~(left_censored[:, None] & (years == first[:, None])),
        ends=member & ~np.pad(member, ((0, 0), (0, 1)))[:, 1:] & ((years < last[:, None]) | exits[:, None]),
        unsure_entry=(first > 0) & (outside == MISSING) & ~left_censored,
        unsure_exit=exits & (after == MISSING),
    )


def _nearest_is_member(known: np.ndarray, counts: np.ndarray, *, back: bool = False) -> np.ndarray:
    """Whether the nearest known code up to each year (`back`: from each year on) is a membership."""
    if back:
        return _nearest_is_member(known[:, ::-1], counts[:, ::-1])[:, ::-1]
    years = np.arange(known.shape[1], dtype=np.int16)
    nearest_known = np.maximum.accumulate(np.where(known, years, -1), axis=1)
    at = np.take_along_axis(counts, np.maximum(nearest_known, 0).astype(np.int64), axis=1)
    return at & (nearest_known >= 0)


def near(events: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """Whether an event lies at most window[0] years after, or window[1] years before, each year.

    Parameters
    ----------
    events : numpy.ndarray of bool, shape (n_dyads, n_years)
    window : tuple of int
        Years before and after an event that are near it.

    Returns
    -------
    numpy.ndarray of bool, shape (n_dyads, n_years)
    """
    years = np.arange(events.shape[1], dtype=np.int64)
    never = 10 * events.shape[1] + sum(window)
    since = years - np.maximum.accumulate(np.where(events, years, -never), axis=1)
    coming = np.where(events, years, never)[:, ::-1]
    until = np.minimum.accumulate(coming, axis=1)[:, ::-1] - years
    return (since <= window[1]) | (until <= window[0])
