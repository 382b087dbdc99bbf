"""Means of co-members' scores, by group sums on plain arrays; no loop over rows.

Arrays are indexed by *membership cells*: one per state, IGO and year in which the state is a member with a
score. Years are counted from the first year of the grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Members:
    """Who is a member of what, and with which score.

    Attributes
    ----------
    state, igo, year : numpy.ndarray of int, shape (n_cells,)
        Index of the state, of the IGO and of the year of each membership cell; each triple once.
    score : numpy.ndarray of float, shape (n_states, n_years)
        Score of every state-year; NaN where there is none.
    n_igos : int
        Number of IGOs.
    """

    state: np.ndarray
    igo: np.ndarray
    year: np.ndarray
    score: np.ndarray
    n_igos: int


def current_sums(members: Members) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the members' scores and number of scored members, per IGO and year.

    Parameters
    ----------
    members : Members

    Returns
    -------
    total : numpy.ndarray of float, shape (n_igos, n_years)
        Sum over members with a score; 0 where there is none.
    count : numpy.ndarray of int, shape (n_igos, n_years)
        Members with a score.
    """
    n_years = members.score.shape[1]
    score = members.score[members.state, members.year]
    scored = ~np.isnan(score)
    cell = members.igo[scored].astype(np.int64) * n_years + members.year[scored]
    size = members.n_igos * n_years
    total = np.bincount(cell, weights=score[scored], minlength=size)
    count = np.bincount(cell, minlength=size)
    return total.reshape(-1, n_years), count.reshape(-1, n_years)


def frozen_sums(
    members: Members, *, igo: np.ndarray, entry: np.ndarray, year: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the states that were members in the entry year, with their scores of the row's year.

    Parameters
    ----------
    members : Members
    igo, entry, year : numpy.ndarray of int, shape (n_rows,)
        IGO, entry year and year of each row; years as indices.

    Returns
    -------
    total : numpy.ndarray of float, shape (n_rows,)
        Sum of the scores in `year` over states that were members of `igo` in `entry`.
    count : numpy.ndarray of int, shape (n_rows,)
        How many of them have a score in `year`.
    """
    n_states, n_years = members.score.shape
    wanted, place = np.unique(igo.astype(np.int64) * n_years + entry, return_inverse=True)
    cell = members.igo.astype(np.int64) * n_years + members.year
    found = np.searchsorted(wanted, cell)
    hit = (found < wanted.size) & (wanted[np.minimum(found, wanted.size - 1)] == cell)
    was_member = np.zeros((wanted.size, n_states))
    was_member[found[hit], members.state[hit]] = 1.0
    scored = ~np.isnan(members.score)
    total = was_member @ np.where(scored, members.score, 0.0)
    count = was_member @ scored.astype(float)
    return total[place, year], np.rint(count[place, year]).astype(np.int64)


def row_means(
    *, total: np.ndarray, count: np.ndarray, own: np.ndarray, counted: np.ndarray, inclusive: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Mean that each row is compared with, and number of scored others behind it.

    With n others, the leave-one-out mean is (total - own) / n. The inclusive one is total / (n + 1) in rows
    whose state is counted, so that its distance is exactly n / (n + 1) of the leave-one-out distance; where
    the state is not counted (before and after membership) both are the mean of all members.

    Parameters
    ----------
    total, count : numpy.ndarray, shape (n_rows,)
        Sum and number of scored members of the row's IGO (and year, or entry year).
    own : numpy.ndarray of float, shape (n_rows,)
        The state's score.
    counted : numpy.ndarray of bool, shape (n_rows,)
        Whether the state itself is among those summed.
    inclusive : bool
        Whether to leave the state in.

    Returns
    -------
    mean : numpy.ndarray of float, shape (n_rows,)
        NaN where nobody is left.
    n_others : numpy.ndarray of int64, shape (n_rows,)
        Scored members other than the state.
    """
    n_others = (count - counted).astype(np.int64)
    left_in = total if inclusive else total - np.where(counted, own, 0.0)
    divisor = count if inclusive else n_others
    enough = n_others > 0
    mean = np.full(n_others.shape, np.nan)
    np.divide(left_in, divisor, out=mean, where=enough)
    return mean, n_others
