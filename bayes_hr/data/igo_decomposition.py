r"""The yearly change of a distance, split into what the state did and what happened around it.

Let g be the signed gap of state i to the mean of the other members of IGO j, A the others (with scores) in
year t - 1, B those in t, and C the *continuing* ones, who are in both. With means over these sets,

.. math::
    g_t - g_{t-1} = \underbrace{\theta_{i,t} - \theta_{i,t-1}}_{own}
        \underbrace{-(\bar\theta_{C,t} - \bar\theta_{C,t-1})}_{co\_members}
        \underbrace{-(\bar\theta_{B,t} - \bar\theta_{C,t})}_{entrants}
        \underbrace{-(\bar\theta_{C,t-1} - \bar\theta_{A,t-1})}_{leavers},

an identity. Continuing members are measured first, on both years' scores; entrants are then compared with
them in the year in which they come, leavers in the last year in which they are there. ``composition`` is the
sum of the last two. Without any continuing member the whole change of the mean is composition, and its two
parts are missing. An entrant or leaver is a *scored* member: one whose score begins or stops counts as one
too, and so does a state that is born or dies.

The distance :math:`|g|` changes by the same terms times one weight,

.. math:: w = (|g_t| - |g_{t-1}|) / (g_t - g_{t-1}),

which is the sign of the gap as long as it keeps its sign, so that the terms still add up exactly. Where the
sign changes w lies between -1 and 1: it is the mean sign on the way if all terms happen at a steady pace at
the same time (Aumann and Shapley's rule), so no term for crossings is left over; they are marked and counted.

Only ``own`` is the state's alignment. The other terms change its distance while it stands still.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.data.igo_means import Members, current_sums
from bayes_hr.data.igo_options import ConvergenceOptions
from bayes_hr.data.messages import listed
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from bayes_hr.data.panel import Panel

TERMS: Final = ("own", "co_members", "composition")
"""Terms that add up to the change."""

PARTS: Final = ("entrants", "leavers")
"""Parts of ``composition``."""

TOLERANCE: Final = 1e-9
"""How far the panel's means may be from those of the members, relative to the largest score."""


@dataclass(frozen=True, eq=False)
class Decomposition:
    """Yearly changes of the gap and the distance of dyads, in terms that add up.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per dyad and year whose year before is in the panel too: ``ccode, country, igo, igo_type,
        year, phase`` (of the year), ``phase_before`` (of the year before); ``change`` of the signed gap and
        its terms ``own, co_members, composition`` (``entrants, leavers``); ``distance_change`` and
        ``distance_own, distance_co_members, distance_composition`` (``distance_entrants,
        distance_leavers``); ``n_continuing, n_entrants, n_leavers``; ``crossed`` (the gap changed its sign).
        On the score's scale, per year.
    unpaired : int
        Rows of the panel without the dyad's year before: first years, and years after a hole.
    """

    table: pd.DataFrame
    unpaired: int

    def summary(self, by: Sequence[str] = ("phase", "igo_type")) -> pd.DataFrame:
        """Means per year of every term, by group.

        Parameters
        ----------
        by : sequence of str
            Columns of :attr:`table` that make the groups.

        Returns
        -------
        pandas.DataFrame
            One row per group: its columns, ``rows``, ``crossed`` (how many), ``no_continuing`` (rows where
            nobody but the state continued), then means of ``change``, ``distance_change`` and their
            terms. Rows count alike, whatever dyad or state they are of.

        Raises
        ------
        InputError
            If a column is unknown (names the nearest).
        """
        from bayes_hr.data.igo_options import one_of

        for name in by:
            one_of("by", name, self.table.columns)
        table = self.table.assign(no_continuing=self.table["n_continuing"] == 0)
        groups = table.groupby(list(by), observed=True)
        means = [f"{kind}{term}" for kind in ("", "distance_") for term in ("change", *TERMS)]
        counts = groups[["crossed", "no_continuing"]].sum()
        counts.insert(0, "rows", groups.size())
        return counts.join(groups[means].mean()).reset_index()


@dataclass(frozen=True)
class _Pairs:
    """Pairs of years, arrays of shape (n_pairs,).

    The state, IGO and later year of each; then, before and now: gap, own score, whether it is a member.
    """

    state: np.ndarray
    igo: np.ndarray
    year: np.ndarray
    gap: tuple[np.ndarray, np.ndarray]
    own: tuple[np.ndarray, np.ndarray]
    member: tuple[np.ndarray, np.ndarray]


def decompose(
    panel: Panel,
    *,
    memberships: pd.DataFrame | None = None,
    scores: pd.DataFrame | None = None,
    births: Mapping[str, int] | pd.Series | None = None,
) -> Decomposition:
    """Split the yearly changes of a convergence panel into own movement, co-members' and composition.

    Parameters
    ----------
    panel : Panel
        Of ``load_panel("convergence")`` or :func:`bayes_hr.convergence_from_frames`, with the default mean
        (``leave_one_out``).
    memberships, scores, births
        The tables that made a panel of a user's own data, as they were given then. Not needed for a panel
        from the public sources.

    Returns
    -------
    Decomposition

    Raises
    ------
    InputError
        If the panel is of another kind or mean, the tables are missing or are not those of the panel, or no
        dyad has two years in a row.
    DataUnavailableError
        If a public source cannot be read.
    """
    if panel.name != "convergence":
        raise InputError(f"decompose: a convergence panel is needed; this is a {panel.name!r} panel")
    if panel.options.get("mean") != "leave_one_out":
        raise InputError(
            f"decompose: the panel has mean {panel.options.get('mean', 'unknown')!r}; only leave_one_out "
            "keeps the state's own movement out of the mean. Build it with mean='leave_one_out'"
        )
    members, first, ccodes, codes = _members(panel, memberships, scores, births)
    frame = panel.frame.sort_values(["ccode", "igo", "year"], ignore_index=True)
    state, igo = ccodes.get_indexer(frame["ccode"]), codes.get_indexer(frame["igo"])
    year = frame["year"].to_numpy() - first
    _check_members(frame, members, state, igo, year)
    now = np.flatnonzero((np.diff(state) == 0) & (np.diff(igo) == 0) & (np.diff(year) == 1)) + 1
    if not now.size:
        raise InputError("decompose: no dyad of the panel has two years in a row")
    both = (now - 1, now)
    gap, own = frame["gap_signed"].to_numpy(), frame["score"].to_numpy()
    inside = (frame["phase"] == "during").to_numpy()
    pairs = _Pairs(
        state[now],
        igo[now],
        year[now],
        (gap[both[0]], gap[both[1]]),
        (own[both[0]], own[both[1]]),
        (inside[both[0]], inside[both[1]]),
    )
    table = frame.loc[now, ["ccode", "country", "igo", "igo_type", "year", "phase"]].reset_index(drop=True)
    table["phase_before"] = frame["phase"].to_numpy()[now - 1]
    return Decomposition(table.assign(**_terms(members, pairs)), len(frame) - now.size)


def _members(
    panel: Panel,
    memberships: pd.DataFrame | None,
    scores: pd.DataFrame | None,
    births: Mapping[str, int] | pd.Series | None,
) -> tuple[Members, int, pd.Index, pd.Index]:
    """Membership cells, their first year, and what their numbers of states and IGOs stand for."""
    import pandas as pd

    from bayes_hr.data.convergence_panel import own_scores, public_tables
    from bayes_hr.data.igo_grid import scored_members

    known = {field.name for field in fields(ConvergenceOptions)}
    chosen: dict[str, Any] = {k: v for k, v in panel.options.items() if k in known}
    options = ConvergenceOptions(**chosen)
    score = str(panel.options["score"])
    if memberships is not None and scores is not None:
        table, own = memberships, own_scores(scores, score)
    elif panel.sources and memberships is None and scores is None:
        table, own, births, _ = public_tables(score, options)
    else:
        missing = [n for n, t in (("memberships", memberships), ("scores", scores)) if t is None]
        raise InputError(
            f"decompose: {listed(missing)} missing; the rows of a panel do not hold all members, so give the "
            "tables that made it"
        )
    members, found, first = scored_members(table, own, options, births)
    return members, first, pd.Index(found.ccodes), pd.Index(found.codes)


def _check_members(
    frame: pd.DataFrame, members: Members, state: np.ndarray, igo: np.ndarray, year: np.ndarray
) -> None:
    """Refuse members that do not give the panel's means."""
    known = (state >= 0) & (igo >= 0) & (year >= 0) & (year < members.score.shape[1])
    if known.all():
        total, count = (sums[igo, year] for sums in current_sums(members))
        inside = (frame["phase"] == "during").to_numpy()
        n = count - inside
        known = n == frame["n_others"].to_numpy()
        mean = (total - np.where(inside, members.score[state, year], 0.0)) / np.maximum(n, 1)
        size = np.nanmax(np.abs(members.score))
        known &= np.abs(mean - frame["igo_mean"].to_numpy()) <= TOLERANCE * size
    if not known.all():
        row = frame.iloc[int((~known).argmax())]
        raise InputError(
            f"decompose: the tables do not give the panel's mean for ccode {row['ccode']}, IGO {row['igo']}, "
            f"{row['year']}; give the tables that made the panel, unchanged"
        )


def _terms(members: Members, pairs: _Pairs) -> dict[str, np.ndarray]:
    """Columns of the terms, from the means of all, continuing and earlier members without the state."""
    stays = pairs.member[0] & pairs.member[1]
    (sums, counts), (then, now, n_stay) = current_sums(members), _continuing(members)
    at, before = (pairs.igo, pairs.year), (pairs.igo, pairs.year - 1)
    own = [np.where(stays, score, 0.0) for score in pairs.own]
    n = (n_stay[at] - stays).astype(np.int64)
    c_then, c_now = ((x[at] - o) / np.maximum(n, 1) for x, o in zip((then, now), own, strict=True))
    n_all = [counts[w] - m for w, m in zip((before, at), pairs.member, strict=True)]
    means = [
        (sums[w] - np.where(m, score, 0.0)) / k
        for w, m, score, k in zip((before, at), pairs.member, pairs.own, n_all, strict=True)
    ]
    some = n > 0
    terms = {
        "own": pairs.own[1] - pairs.own[0],
        "co_members": np.where(some, c_then - c_now, 0.0),
        "entrants": np.where(some, c_now - means[1], np.nan),
        "leavers": np.where(some, means[0] - c_then, np.nan),
    }
    parts = terms["entrants"] + terms["leavers"]
    terms["composition"] = np.where(some, parts, means[0] - means[1])
    weight, crossed = distance_weight(*pairs.gap)
    columns = {"change": pairs.gap[1] - pairs.gap[0]}
    columns |= {name: terms[name] for name in (*TERMS, *PARTS)}
    columns["distance_change"] = np.abs(pairs.gap[1]) - np.abs(pairs.gap[0])
    columns |= {f"distance_{name}": weight * terms[name] for name in (*TERMS, *PARTS)}
    return columns | {
        "n_continuing": n,
        "n_entrants": (n_all[1] - n).astype(np.int64),
        "n_leavers": (n_all[0] - n).astype(np.int64),
        "crossed": crossed,
    }


def distance_weight(before: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a change of the gap is worth as a change of its absolute value.

    Parameters
    ----------
    before, now : numpy.ndarray of float, shape (n,)
        Signed gaps.

    Returns
    -------
    weight : numpy.ndarray of float, shape (n,)
        ``(|now| - |before|) / (now - before)``: the sign that both have, or a number between -1 and 1 where
        the sign changes. 0 where both gaps are 0.
    crossed : numpy.ndarray of bool, shape (n,)
        Whether the sign changes.
    """
    crossed = np.sign(before) * np.sign(now) < 0
    change = np.where(crossed, now - before, 1.0)
    return np.where(crossed, (np.abs(now) - np.abs(before)) / change, np.sign(before + now)), crossed


def _continuing(members: Members) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members with a score in a year and the year before: sums of both scores, and how many.

    Each has shape (n_igos, n_years); the first year has none.
    """
    n_states, n_years = members.score.shape
    scored = ~np.isnan(members.score[members.state, members.year])
    state, igo, year = (x[scored].astype(np.int64) for x in (members.state, members.igo, members.year))
    key = np.sort((igo * n_states + state) * (n_years + 1) + year)
    key = key[1:][np.diff(key) == 1]  # a gap year between two dyads keeps their last and first apart
    pair, year = np.divmod(key, n_years + 1)
    igo, state = np.divmod(pair, n_states)
    cell, size = igo * n_years + year, members.n_igos * n_years
    then, now = (np.bincount(cell, members.score[state, y], size) for y in (year - 1, year))
    count = np.bincount(cell, minlength=size)
    return then.reshape(-1, n_years), now.reshape(-1, n_years), count.reshape(-1, n_years)
