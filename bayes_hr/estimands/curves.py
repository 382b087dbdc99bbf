"""Distance before, during and after membership, as a curve with its uncertainty.

The curve is that of the average state in the average IGO (overall) or in the average IGO of a type, with
dyad, year and state-year effects and controls at zero.  Around exit it is the mean over the dyads that exit,
each with its state's and IGO's own deviations and its own spell: the step between the two ends is
``jump_exit``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.constants import CI_PROB
from bayes_hr.estimands.convergence import (
    ALL,
    DECADE,
    at_exits,
    deviation,
    exit_dyads,
    levels_of,
    members,
    population,
)
from bayes_hr.estimands.summary import interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    Line = Callable[[str], tuple[Array, Array]]

COLUMNS: Final = ("by", "level", "anchor", "phase", "years", "mean", "lb", "ub", "ci_prob", "relative")
TAIL: Final = 0.05
"""Share of a phase's rows farthest from entry or exit that the curve leaves out."""


def curve(posterior: xr.Dataset, rows: xr.Dataset, *, relative: bool = False) -> pd.DataFrame:
    """Posterior of distance against years around entry and around exit, overall and by IGO type.

    Parameters
    ----------
    posterior, rows
        As in :func:`bayes_hr.estimands.convergence.convergence_estimands`; ``rows`` also has ``k``.
    relative
        Subtract, draw by draw, the distance at which membership starts (anchor ``entry``) or ends (anchor
        ``exit``), and with it the common level and its uncertainty.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`: ``by`` (``all`` or ``igo_type``), ``level``, ``anchor`` (``entry``: years
        since entry, phases before and during; ``exit``: years since the last member year, phases during and
        after, dyads that exit only), ``phase``, ``years``, and ``mean, lb, ub`` in outcome units (89 %
        equal-tailed).  A phase reaches as far as 95 % of its rows, and phases that meet both have year 0, so
        that the jump shows.  Phases without rows have no curve.
    """
    out = []
    dyads = exit_dyads(rows)
    phase, kind = rows["phase"].values.astype(str), rows["igo_type"].values.astype(str)
    types, member = members(posterior, rows, "igo_type") if levels_of(posterior, "igo") else ([], None)
    for i, level in enumerate((ALL, *map(str, types))):
        overall = level == ALL
        inside = np.full(kind.size, True) if overall else kind == level
        span = _span(phase[inside], rows["k"].values[inside])
        facts = {
            "by": "all" if overall else "igo_type",
            "level": level,
            "ci_prob": CI_PROB,
            "relative": relative,
        }
        around = _around_entry(posterior, None if overall or member is None else member[:, i - 1])
        parts = {name: years for name, years in span.items() if name != "after"}
        out += _table({**facts, "anchor": "entry"}, parts, around)
        own = dyads if overall else dyads[dyads["igo_type"].astype(str) == level]
        if len(own) and {"during", "after"} <= set(span):
            parts = _exit_parts(own["spell"], span)
            out += _table({**facts, "anchor": "exit"}, parts, _around_exit(posterior, own))
    return pd.concat(out, ignore_index=True)[list(COLUMNS)]


def _span(phase: NDArray[np.str_], k: Array) -> dict[str, Index]:
    """Whole years that the curve covers in each phase that has rows; each begins or ends at 0."""
    out = {}
    for name in ("before", "during", "after"):
        years = np.abs(k[phase == name]) * DECADE
        if years.size:
            last = int(np.round(np.quantile(years, 1.0 - TAIL)))
            out[name] = np.arange(-last, 1) if name == "before" else np.arange(last + 1)
    return out


def _exit_parts(spell: pd.Series, span: dict[str, Index]) -> dict[str, Index]:
    """Years around exit: during as far back as after goes forward, but not beyond the mean spell."""
    back = int(min(span["after"][-1], np.floor(DECADE * spell.mean())))
    return {"during": np.arange(-back, 1), "after": span["after"]}


def _around_entry(posterior: xr.Dataset, share: Array | None) -> Line:
    """Level and slope of a phase, (chain, draw) each: of the population, or the mean over IGOs' shares."""

    def value(term: str) -> Array:
        out = population(posterior, {term: 1.0})
        return out if share is None else np.asarray(out + deviation(posterior, "igo", {term: 1.0}) @ share)

    return lambda phase: (value(phase), value(f"{phase}_slope"))


def _around_exit(posterior: xr.Dataset, dyads: pd.DataFrame) -> Line:
    """The same over the exiting dyads, from the exit on: membership ends at k = the dyad's own spell."""
    spell = dyads["spell"].to_numpy(float)

    def line(phase: str) -> tuple[Array, Array]:
        level = at_exits(posterior, dyads, {phase: 1.0})
        slope = at_exits(posterior, dyads, {f"{phase}_slope": 1.0})
        start = level + spell * slope if phase == "during" else level
        return start.mean(axis=2), slope.mean(axis=2)

    return line


def _table(facts: Mapping[str, object], parts: dict[str, Index], line: Line) -> list[pd.DataFrame]:
    """Mean and interval of each phase of one curve."""
    zero = line("during")[0] if facts["relative"] else np.float64(0.0)
    out = []
    for phase, years in parts.items():
        level, slope = line(phase)
        draws = (level - zero)[:, :, None] + slope[:, :, None] * (years / DECADE)
        lower, upper = interval(draws)
        numbers = {"years": years, "mean": draws.mean((0, 1)), "lb": lower, "ub": upper}
        out.append(pd.DataFrame({**facts, "phase": phase, **numbers}))
    return out
