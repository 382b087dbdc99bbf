"""Building blocks of the simulated convergence worlds: memberships, scores and Model C's outcomes.

Pure functions on arrays. n states, J IGOs, T years; grids are ``(n, T)``, ``(n, J)`` or ``(n, J, T)``; times
are indices of years, negative before the first year and :data:`NEVER` where something does not happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from bayes_hr.data.convergence_world_settings import TERMS, ConvergenceSettings
from bayes_hr.data.worlds_parts import Bools, Floats, Ints, ar1_errors
from bayes_hr.errors import InputError

NEVER: Final = 10_000
UNIVERSAL: Final = -1
_FIRST_MEMBERS: Final = 7
_OLDEST: Final = 20
_RETURN_RATE: Final = 0.25


@dataclass(frozen=True)
class History:
    """Who was in what and when.

    Attributes
    ----------
    region, state_birth : ndarray of int, shape (n,)
        Region of a state, and its first year in the system (-100: before the first year).
    igo_region, igo_birth, igo_death : ndarray of int, shape (J,)
        Home region (-1: universal), year of birth, first year after its death.
    entry, exit, back : ndarray of int, shape (n, J)
        First year of membership, first year out, first year back in.
    alive : ndarray of bool, shape (n, T)
        State in the system.
    exists : ndarray of bool, shape (J, T)
        IGO exists.
    member : ndarray of bool, shape (n, J, T)
        Full member.
    codes : ndarray of int, shape (n, J, T)
        As in the COW file: 1 full member, 3 observer, 0 none, -1 no such IGO in that year, -9 missing.
    """

    region: Ints
    state_birth: Ints
    igo_region: Ints
    igo_birth: Ints
    igo_death: Ints
    entry: Ints
    exit: Ints
    back: Ints
    alive: Bools
    exists: Bools
    member: Bools
    codes: Ints


def draw_history(rng: np.random.Generator, s: ConvergenceSettings, n: int, J: int, T: int) -> History:
    """States, IGOs and memberships, independent of every score.

    Entry: founders in the year of birth (at least seven, where as many may join), the rest after a geometric
    wait from the first year in which both state and IGO exist. Exit at a constant rate, once; some come back.
    """
    region = rng.permutation(np.arange(n) % s.n_regions)
    late = rng.random(n) < s.late_states
    state_birth = np.where(late, rng.integers(1, max(2, 2 * T // 5), n), -100)
    igo_region, igo_birth, igo_death = _igos(rng, s, J, T)
    joins = _who_joins(rng, s, region, igo_region)
    able = np.maximum(igo_birth[None, :], state_birth[:, None])
    founder = _founders(rng, s, joins & (state_birth[:, None] <= igo_birth[None, :]))
    entry = np.where(founder, igo_birth[None, :], able + rng.geometric(1 / s.wait, (n, J)))
    end = np.minimum(igo_death, T)[None, :]
    entry = np.where(joins & (entry < end), entry, NEVER)
    out, back = _exits(rng, s, entry, end)
    t = np.arange(T)
    alive, exists = t >= state_birth[:, None], (t >= igo_birth[:, None]) & (t < igo_death[:, None])
    spell = (t >= entry[..., None]) & (t < out[..., None]) | (t >= back[..., None])
    member = spell & exists[None] & alive[:, None]
    codes = _codes(rng, s, member, entry, exists)
    return History(
        region=region,
        state_birth=state_birth,
        igo_region=igo_region,
        igo_birth=igo_birth,
        igo_death=igo_death,
        entry=entry,
        exit=out,
        back=back,
        alive=alive,
        exists=exists,
        member=member,
        codes=codes,
    )


def _igos(rng: np.random.Generator, s: ConvergenceSettings, J: int, T: int) -> tuple[Ints, Ints, Ints]:
    """Home region, birth and death of each IGO; regions in turn, exact numbers of universal and old ones."""
    n_universal = min(J, round(s.universal_share * J))
    home = np.concatenate([np.full(n_universal, UNIVERSAL), np.arange(J - n_universal) % s.n_regions])
    birth = rng.integers(1, max(2, 3 * T // 5), J)
    old = rng.permutation(J) < round(s.old_igos * J)
    birth = np.where(old, -rng.integers(0, _OLDEST + 1, J), birth)
    ends = rng.random(J) < s.igo_deaths
    death = np.where(ends, np.maximum(birth + 10, rng.integers(max(1, 2 * T // 3), T, J)), NEVER)
    return home, birth, death


def _who_joins(rng: np.random.Generator, s: ConvergenceSettings, region: Ints, igo_region: Ints) -> Bools:
    home = region[:, None] == igo_region[None, :]
    chance = np.where(home, s.home_joins, s.outsider_joins)
    chance[:, igo_region == UNIVERSAL] = s.universal_joins
    return rng.random(chance.shape) < chance


def _founders(rng: np.random.Generator, s: ConvergenceSettings, possible: Bools) -> Bools:
    """A share of those that can found each IGO, drawn at random, and no fewer than seven of them."""
    rank = np.where(possible, rng.random(possible.shape), 2.0).argsort(axis=0).argsort(axis=0)
    count = possible.sum(axis=0)
    wanted = np.maximum(np.round(s.founders * count), np.minimum(_FIRST_MEMBERS, count))
    return possible & (rank < wanted)


def _exits(rng: np.random.Generator, s: ConvergenceSettings, entry: Ints, end: Ints) -> tuple[Ints, Ints]:
    """First year out and first year back. Who has left before the first year is not simulated."""
    stay = rng.geometric(s.exit_rate, entry.shape) if s.exit_rate > 0 else np.full(entry.shape, NEVER)
    away = 1 + rng.geometric(_RETURN_RATE, entry.shape)
    returns = rng.random(entry.shape) < s.re_entry
    out = np.maximum(entry, 0) + stay
    out = np.where((entry < NEVER) & (out < end), out, NEVER)
    back = np.where(returns & (out + away < end), out + away, NEVER)
    return out, back


def _codes(
    rng: np.random.Generator, s: ConvergenceSettings, member: Bools, entry: Ints, exists: Bools
) -> Ints:
    t = np.arange(member.shape[2])
    years = np.where(rng.random(entry.shape) < s.observers, rng.integers(2, 5, entry.shape), 0)
    observer = (t < entry[..., None]) & (t >= (entry - years)[..., None]) & (entry < NEVER)[..., None]
    codes = np.where(member, 1, np.where(observer, 3, 0))
    if s.missing_codes > 0:
        codes = np.where(rng.random(codes.shape) < s.missing_codes, -9, codes)
    return np.where(exists[None], codes, -1)


def draw_scores(rng: np.random.Generator, s: ConvergenceSettings, history: History) -> Floats:
    """Exact scores theta of every state and year, (n, T), NaN before a state enters the system.

    With x the score in units of the year's spread, L the own level and z the path around it (x = L + z)::

        z_t = rho z_{t-1} + lambda sum_j (m_{j,t-1} - x_{t-1}) + shock     pull that lets go (default)
        L_t = L_{t-1} + lambda sum_j (m_{j,t-1} - L_{t-1})                 pull that lasts

    over the moving IGOs j (:func:`moving_igos`) in which the state was in t-1 (`pull_during`) or which it
    enters within `pull_years` of t-1 (`pull_before`); m leaves the state itself out. A lasting pull closes
    the gap of the *level*: one that followed x would undo shocks while it acts and so fake a rise of
    distance when it stops.
    """
    n, T = history.alive.shape
    level = rng.standard_normal(s.n_regions)[history.region] * s.sd_region
    level = level + rng.standard_normal(n) * s.sd_level
    path = rng.standard_normal(n) * s.sd_score
    shocks = rng.standard_normal((n, T)) * (s.sd_score * np.sqrt(1 - s.score_rho**2))
    x = np.empty((n, T))
    x[:, 0] = level + path
    for t in range(1, T):
        path = s.score_rho * path + shocks[:, t]
        born = history.alive[:, t - 1]
        pull = np.where(born, _pull(s, history, x[:, t - 1], level, t), 0.0)
        level, path = (level + pull, path) if s.lasting else (level, path + pull)
        level = level + np.where(born, _shift(s, history, x[:, t - 1], level, t), 0.0)
        x[:, t] = level + path
    theta = s.trend * np.arange(T) / 10 + world_spread(s, T) * x
    return np.where(history.alive, theta, np.nan)


def world_spread(s: ConvergenceSettings, T: int) -> Floats:
    """Scale of the world by year, (T,)."""
    return np.linspace(s.spread[0], s.spread[1], T)


def others_mean(member: Bools, x: Floats) -> Floats:
    """Mean of the members of each IGO without the state itself, (n, J); NaN where nobody else is a member."""
    inside = member.astype(float)
    total = np.where(member.any(axis=1), x, 0.0) @ inside
    count = inside.sum(axis=0) - inside
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, total - inside * x[:, None], np.nan) / np.maximum(count, 1))


def moving_igos(s: ConvergenceSettings, J: int) -> Bools:
    """Which IGOs move their members' scores, (J,): spread evenly over universal and regional ones."""
    if s.pull_during == 0 and s.pull_before == 0 and s.entry_shift == 0:
        return np.zeros(J, dtype=bool)
    places = np.linspace(0, J - 1, min(s.moving_igos, J)).round().astype(np.int64)
    return np.isin(np.arange(J), places)


def _pull(s: ConvergenceSettings, history: History, x: Floats, level: Floats, t: int) -> Floats:
    """What the IGOs of the year before add in year `t`, (n,)."""
    if s.pull_during == 0 and s.pull_before == 0:
        return np.zeros_like(x)
    member = history.member[:, :, t - 1]
    soon = (history.entry > t - 1) & (history.entry <= t - 1 + s.pull_years) & history.exists[:, t - 1]
    rate = (s.pull_during * member + s.pull_before * soon) * moving_igos(s, member.shape[1])
    gap = others_mean(member, x) - (level if s.lasting else x)[:, None]
    return np.asarray((rate * np.nan_to_num(gap)).sum(axis=1))


def _shift(s: ConvergenceSettings, history: History, x: Floats, level: Floats, t: int) -> Floats:
    """Lasting move of the own level in a year of (first) entry, (n,); of several IGOs entered, their mean."""
    entered = (history.entry == t) & moving_igos(s, history.entry.shape[1])
    if s.entry_shift == 0 or not entered.any():
        return np.zeros_like(x)
    gap = others_mean(history.member[:, :, t - 1], x) - level[:, None]
    known = entered & ~np.isnan(gap)
    mean = np.where(known, gap, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.asarray(s.entry_shift * mean)


def check_pull(s: ConvergenceSettings, history: History) -> None:
    """Refuse pulls under which a state would overshoot its co-members.

    Raises
    ------
    InputError
        If the pulls on some state in some year add up to 1 or more.
    """
    rate = s.pull_during * history.member
    if s.pull_before:
        ahead = history.entry[..., None] - np.arange(history.member.shape[2])
        rate = rate + s.pull_before * ((ahead > 0) & (ahead <= s.pull_years) & history.exists[None])
    most = rate[:, moving_igos(s, rate.shape[1])].sum(axis=1).max(initial=0.0)
    if most >= 1:
        raise InputError(
            f"simulated world: pulls add up over a state's IGOs, here to as much as {most:.2f} of the gap "
            "per year, and must stay below 1; lower pull_during, pull_before or moving_igos"
        )


def coefficient_matrix(s: ConvergenceSettings) -> Floats:
    """Correlations of the six varying coefficients, (6, 6), in the order of TERMS.

    Raises
    ------
    InputError
        If the three correlations are not those of any distribution.
    """
    slope = np.array([term.endswith("_slope") for term in TERMS])
    both = slope[:, None] & slope[None, :]
    corr = np.where(both, s.corr_slopes, np.where(slope[:, None] | slope[None, :], s.corr_level_slope, 0.0))
    corr = np.where(~slope[:, None] & ~slope[None, :], s.corr_levels, corr)
    np.fill_diagonal(corr, 1.0)
    if np.linalg.eigvalsh(corr).min() <= 0:
        raise InputError(
            f"simulated world: corr_levels = {s.corr_levels}, corr_slopes = {s.corr_slopes} and "
            f"corr_level_slope = {s.corr_level_slope} make no correlation matrix; move them towards 0"
        )
    return corr


def draw_coefficients(rng: np.random.Generator, sd: Floats, corr: Floats, levels: int) -> Floats:
    """Deviations of each state or IGO, (levels, 6), normal with these SDs and correlations."""
    return np.asarray(rng.standard_normal((levels, len(sd))) @ np.linalg.cholesky(corr).T * sd)


def phase_matrix(phase: np.ndarray, k: Floats) -> Floats:
    """Levels and slopes of the phases, (rows, 6), in the order of TERMS; a gap has the level of before."""
    columns = []
    for name in ("before", "during", "after"):
        inside = (phase == name).astype(float)
        columns += [inside + (phase == "gap") if name == "before" else inside, inside * k]
    return np.stack(columns, axis=1)


def year_walk(rng: np.random.Generator, T: int, step_sd: float) -> Floats:
    """Year effects, (T,): a random walk of mean 0."""
    walk = rng.normal(0, step_sd, T).cumsum()
    return walk - walk.mean()


def state_year_effects(rng: np.random.Generator, n: int, T: int, sd: float, rho: float) -> Floats:
    """State-year effects, (n, T): AR(1) within each state with stationary SD `sd`."""
    unit, time = (axis.ravel() for axis in np.indices((n, T)))
    return ar1_errors(rng, unit, time, rho, float(sd * np.sqrt(1 - rho**2))).reshape(n, T)
