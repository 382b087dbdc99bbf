r"""Slopes, kinks and jumps of distance around membership: overall, by IGO type, by state and by IGO.

Model C has a level and a slope for each phase (before, during, after), with deviations :math:`u_i` of states
and :math:`w_j` of IGOs.  Slopes and kinks are per decade, jumps in outcome units; negative is convergence.

- ``kink_entry`` = slope during - slope before; ``kink_exit`` = slope after - slope during.
- ``jump_entry`` = during(0) - before(0), both at the year of entry.
- ``jump_exit``, of a dyad that exits, = after(0) - [during level + during slope x (last - entry)/10]: what
  distance does on leaving, against where membership had brought it.  The coefficients are the dyad's own
  (:math:`\beta + u_i + w_j`; its intercept cancels), averaged over the dyads that exit.

With dyad and year effects the data speak of differences between slopes, so kinks come first; the slopes
themselves are conditional on the priors (:mod:`bayes_hr.checks.identification`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.data.messages import nearest
from bayes_hr.errors import InputError
from bayes_hr.estimands.summary import EstimandDraws

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Weights = Mapping[str, float]

DECADE: Final = 10.0
WANTED: Final = ("all", "igo_type", "state", "igo")
ESTIMANDS: Final = (
    "kink_entry", "kink_exit", "jump_entry", "jump_exit", "slope_before", "slope_during", "slope_after",
)  # fmt: skip
POOLED: Final = "from pooling, not ranked"
"""In the note of every value that its own rows say nothing of."""

ALL: Final = "all dyads"
EXITING: Final = "dyads that exit"

_WHERE: Final = {"before": "before entry", "during": "during membership", "after": "after exit"}
_LINEAR: Final[dict[str, dict[str, float]]] = {
    "kink_entry": {"during_slope": 1.0, "before_slope": -1.0},
    "kink_exit": {"after_slope": 1.0, "during_slope": -1.0},
    "jump_entry": {"during": 1.0, "before": -1.0},
    "slope_before": {"before_slope": 1.0},
    "slope_during": {"during_slope": 1.0},
    "slope_after": {"after_slope": 1.0},
}
_STEP: Final = {"after": 1.0, "during": -1.0}
"""After(0) - during(0); the jump at exit takes off what the during slope did over the spell."""


def phases_of(estimand: str) -> tuple[str, ...]:
    """Phases that an estimand compares; rows in each are what the data say of it."""
    terms = _STEP if estimand == "jump_exit" else _LINEAR[estimand]
    return tuple(phase for phase in _WHERE if any(t.split("_")[0] == phase for t in terms))


def contrasts(terms: tuple[str, ...], spell: float) -> dict[str, dict[str, float]]:
    """Weights of the phase coefficients in each estimand that these terms allow.

    Parameters
    ----------
    terms
        Labels of the coefficients there are.
    spell
        Mean spell of the dyads that exit, decades (NaN if none does: no jump at exit).

    Returns
    -------
    dict
        In the order of :data:`ESTIMANDS`; an estimand that needs a missing coefficient is left out.
    """
    every = {**_LINEAR, "jump_exit": {**_STEP, "during_slope": -spell}}
    possible = {n: w for n, w in every.items() if set(w) <= set(terms) and np.all(np.isfinite([*w.values()]))}
    return {name: possible[name] for name in ESTIMANDS if name in possible}


def exit_dyads(rows: xr.Dataset) -> pd.DataFrame:
    """The dyads that exit, that is have rows after membership.

    Returns
    -------
    pandas.DataFrame
        One row for each dyad: ``ccode, igo, igo_type, spell`` (decades from entry to last member year).
    """
    names = ["ccode", "igo", "igo_type", "entry", "last"]
    after = rows["phase"].values.astype(str) == "after"
    frame = pd.DataFrame({n: rows[n].values[after] for n in names})
    frame = frame.drop_duplicates(["ccode", "igo"]).reset_index(drop=True)
    spell = (frame["last"].to_numpy(float) - frame["entry"].to_numpy(float)) / DECADE
    return frame[["ccode", "igo", "igo_type"]].assign(spell=spell)


def terms_of(posterior: xr.Dataset, rows: xr.Dataset) -> tuple[str, ...]:
    """Phase coefficients that the draws have and whose phase occurs in the rows."""
    seen = set(np.unique(rows["phase"].values.astype(str)))
    return tuple(str(t) for t in posterior["term"].values if str(t).split("_")[0] in seen)


def population(posterior: xr.Dataset, weights: Weights) -> Array:
    """Weighted sum of the population coefficients, (chain, draw)."""
    beta = posterior["beta"].transpose("chain", "draw", "term")
    return _weighted(beta.values, [str(t) for t in posterior["term"].values], weights)


def deviation(posterior: xr.Dataset, group: str, weights: Weights) -> Array:
    """The same sum of the deviations of each state or IGO, (chain, draw, groups); 0 where they have none."""
    u = posterior[f"u_{group}"].transpose("chain", "draw", group, f"{group}_term")
    return _weighted(u.values, [str(t) for t in posterior[f"{group}_term"].values], weights)


def _weighted(values: Array, terms: list[str], weights: Weights) -> Array:
    out = np.zeros(values.shape[:-1])
    for term, weight in weights.items():
        if term in terms:
            out += weight * values[..., terms.index(term)]
    return out


def levels_of(posterior: xr.Dataset, group: str) -> list[int] | list[str]:
    """Plain labels of the states (ints) or IGOs (str) of the draws; empty if none vary."""
    if f"u_{group}" not in posterior:
        return []
    values = posterior[group].values.tolist()
    return [int(v) for v in values] if group == "state" else [str(v) for v in values]


def at_exits(posterior: xr.Dataset, dyads: pd.DataFrame, weights: Weights) -> Array:
    """Weighted sum of each exiting dyad's own coefficients, (chain, draw, dyads)."""
    out = np.repeat(population(posterior, weights)[:, :, None], len(dyads), axis=2)
    for group, key in (("state", "ccode"), ("igo", "igo")):
        position = {level: i for i, level in enumerate(levels_of(posterior, group))}
        if position:
            index = [position[v] for v in dyads[key].tolist()]
            out += deviation(posterior, group, weights)[:, :, index]
    return out


def exit_jumps(posterior: xr.Dataset, dyads: pd.DataFrame) -> Array:
    """Jump at exit of each exiting dyad, (chain, draw, dyads), outcome units."""
    slope = at_exits(posterior, dyads, {"during_slope": 1.0})
    return at_exits(posterior, dyads, _STEP) - dyads["spell"].to_numpy() * slope


def population_draws(posterior: xr.Dataset, rows: xr.Dataset) -> dict[str, Array]:
    """Draws of every estimand overall, and of what the dyads that exit alone can say.

    Returns
    -------
    dict of str to array (chain, draw)
        The names of :data:`ESTIMANDS` that the rows allow: the average state in the average IGO, and the mean
        over the exiting dyads for ``jump_exit``.  If dyads exit also, as means over them,
        ``kink_exit_exiting``, ``slope_after_exiting`` and ``step_exiting`` = after(0) - during(0), that is
        how distance on leaving compares with that on entry.
    """
    dyads, terms = exit_dyads(rows), terms_of(posterior, rows)
    spell = float(dyads["spell"].mean()) if len(dyads) else np.nan
    found = contrasts(terms, spell)
    out = {n: population(posterior, w) for n, w in found.items()}
    if "jump_exit" in out:
        out["jump_exit"] = exit_jumps(posterior, dyads).mean(axis=2)
        out["step_exiting"] = at_exits(posterior, dyads, _STEP).mean(axis=2)
    for name in ("kink_exit", "slope_after"):
        if name in out:
            out[f"{name}_exiting"] = at_exits(posterior, dyads, found[name]).mean(axis=2)
    return out


def convergence_estimands(
    posterior: xr.Dataset, rows: xr.Dataset, wanted: tuple[str, ...]
) -> list[EstimandDraws]:
    """All estimands that a card asks for, in the order all, igo_type, state, igo; kinks first in each.

    By state, the value is that of the state in the average IGO, by IGO that of the average state in the IGO,
    by type the mean over the IGOs of the type; jumps at exit are means over the exiting dyads of the state,
    IGO or type.  Where a state, IGO or type has no rows in a phase that the estimand compares, its note says
    so and contains :data:`POOLED`; the note of any other state or IGO is empty.  An estimand is left out if
    its phases do not occur in the rows, and by state or IGO if none of its coefficients varies there.

    Parameters
    ----------
    posterior
        ``beta[term]``, ``u_state[state, state_term]``, ``u_igo[igo, igo_term]`` with dims chain and draw.
    rows
        Per-row facts: ``ccode, country_name, igo, igo_name, igo_type, phase, entry, last``.
    wanted
        Any of ``all``, ``igo_type``, ``state``, ``igo``.

    Raises
    ------
    InputError
        If ``wanted`` names anything else.
    """
    for name in wanted:
        if name not in WANTED:
            raise InputError(f"estimands: there is no {name!r}; {nearest(name, WANTED)}.")
    dyads = exit_dyads(rows)
    out = _overall(posterior, rows, dyads) if "all" in wanted else []
    for by in ("igo_type", "state", "igo"):
        group = "state" if by == "state" else "igo"
        if by in wanted and levels_of(posterior, group):
            out += _by_level(posterior, rows, dyads, by)
    return out


def _overall(posterior: xr.Dataset, rows: xr.Dataset, dyads: pd.DataFrame) -> list[EstimandDraws]:
    """The population values, and beside the "after" ones those of the dyads that exit."""
    draws = population_draws(posterior, rows)
    exits = (
        f"mean over the {len(dyads)} dyads that exit; spells of {DECADE * dyads['spell'].mean():.1f} years"
    )
    exits += " on average" if len(dyads) > 1 else ""
    out = []
    for name in (n for n in ESTIMANDS if n in draws):
        levels, notes, values = [ALL], ["the average state in the average IGO"], [draws[name]]
        if name == "jump_exit":
            notes = [exits]
        elif f"{name}_exiting" in draws:
            levels, notes = [ALL, EXITING], [*notes, exits]
            values.append(draws[f"{name}_exiting"])
        none = ("",) * len(levels)
        stacked = np.stack(values, axis=2)
        out.append(EstimandDraws(name, "all", tuple(levels), none, tuple(notes), stacked))
    return out


def _by_level(posterior: xr.Dataset, rows: xr.Dataset, dyads: pd.DataFrame, by: str) -> list[EstimandDraws]:
    """Estimands of each state, IGO or IGO type."""
    group = "state" if by == "state" else "igo"
    key = {"state": "ccode", "igo": "igo", "igo_type": "igo_type"}[by]
    keys, member = members(posterior, rows, by)
    labels = _labels(rows, keys, by)
    counts = _phase_rows(rows, key, keys)
    spell = float(dyads["spell"].mean()) if len(dyads) else np.nan
    varying = {str(t) for t in posterior[f"{group}_term"].values}
    out = []
    for name, weights in contrasts(terms_of(posterior, rows), spell).items():
        if name != "jump_exit" and not varying & set(weights):
            continue  # every level would repeat the population value
        own = deviation(posterior, group, weights)
        own = own @ member if by == "igo_type" else own
        values = population(posterior, weights)[:, :, None] + own
        if name == "jump_exit":
            values = _exits_of(posterior, dyads, dyads[key].tolist(), keys, values)
        notes = tuple(
            _note(name, counts.loc[k], by, int(np.sum(member[:, i] > 0))) for i, k in enumerate(keys)
        )
        out.append(EstimandDraws(name, by, labels, ("",) * len(keys), notes, values))
    return out


def _exits_of(
    posterior: xr.Dataset,
    dyads: pd.DataFrame,
    owner: list[int] | list[str],
    keys: list[int] | list[str],
    pooled: Array,
) -> Array:
    """Mean jump over the exiting dyads of each level; the pooled value at the mean spell where none exits."""
    jumps, out = exit_jumps(posterior, dyads), pooled.copy()
    for i, key in enumerate(keys):
        own = [j for j, o in enumerate(owner) if o == key]
        if own:
            out[:, :, i] = jumps[:, :, own].mean(axis=2)
    return out


def members(posterior: xr.Dataset, rows: xr.Dataset, by: str) -> tuple[list[int] | list[str], Array]:
    """Labels by which estimands are given, and (groups, labels) weights that average the groups' effects."""
    levels = levels_of(posterior, "state" if by == "state" else "igo")
    if by != "igo_type":
        return levels, np.eye(len(levels))
    facts = pd.DataFrame({"igo": rows["igo"].values.astype(str), "type": rows["igo_type"].values.astype(str)})
    types = facts.drop_duplicates("igo").set_index("igo")["type"]
    own = np.array([types[str(level)] for level in levels])
    keys = sorted(set(own.tolist()))
    member = (own[:, None] == np.array(keys)).astype(float)
    return keys, member / member.sum(axis=0)


def _labels(rows: xr.Dataset, keys: list[int] | list[str], by: str) -> tuple[str, ...]:
    """``Sweden (380)``, ``Council of Europe (COE)``; a type is its own label."""
    if by == "igo_type":
        return tuple(map(str, keys))
    key, name = ("ccode", "country_name") if by == "state" else ("igo", "igo_name")
    names = dict(zip(rows[key].values.tolist(), rows[name].values.tolist(), strict=True))
    return tuple(label_of(names[k], k) for k in keys)


def label_of(name: object, key: object) -> str:
    """Name and code; some names of the COW file end with the code already."""
    return str(name) if str(name).endswith(f"({key})") else f"{name} ({key})"


def _phase_rows(rows: xr.Dataset, key: str, keys: list[int] | list[str]) -> pd.DataFrame:
    """Number of rows of each label in each phase."""
    frame = pd.DataFrame({"key": rows[key].values, "phase": rows["phase"].values.astype(str)})
    counts = pd.crosstab(frame["key"], frame["phase"])
    return counts.reindex(index=keys, columns=list(_WHERE), fill_value=0)


def _note(estimand: str, counts: pd.Series, by: str, igos: int) -> str:
    """Where rows are missing for this estimand; for a type also how many IGOs are averaged."""
    lacking = [_WHERE[p] for p in phases_of(estimand) if counts[p] == 0]
    told = f"no rows {' or '.join(lacking)}: {POOLED}" if lacking else ""
    if by != "igo_type":
        return told
    return f"{igos} IGO{'s' if igos != 1 else ''}" + (f"; {told}" if told else "")
