"""The paper's hypotheses as inequalities, alone and joined, with prior probability and Bayes factor.

In the style of Weyrauch & Steinert (2021), *Instrumental or intrinsic?*, doi 10.1007/s11558-021-09413-5:
instrumental motives show as alignment before entry and reversion after exit, intrinsic ones as gradual
alignment during membership that lasts after exit.  The article's thresholds are not public; here each
inequality is against a region of practical equivalence (ROPE), in outcome units (slopes: per decade).

What is "after" comes from the dyads that exit alone: jump at exit, slope after and the step after(0) -
during(0) are means over those dyads.

Definitions (``lo``, ``hi`` the ends of the ROPE of the quantity)
    pre-membership alignment
        slope before < lo.
    alignment at entry
        jump at entry < lo.
    gradual alignment
        slope during < lo; its kink version, kink at entry < lo, is what the data identify.
    reversion
        jump at exit > hi, or slope after > hi.
    persistence, full
        jump at exit within the ROPE, and slope after <= hi: distance stays where membership brought it, or
        falls on.  A fall on leaving itself (jump < lo) is neither reversion nor persistence.
    persistence, partial
        jump at exit > hi, but after(0) - during(0) < lo, and slope after <= hi: some is lost on leaving,
        yet distance stays below that at entry by more than the ROPE.  It is reversion too.
    persistence
        full or partial.
    instrumental = pre-membership alignment and reversion;  intrinsic = gradual alignment and persistence
        ``both`` = instrumental and intrinsic at once (possible through partial persistence only: part of the
        alignment goes on leaving, part stays); ``neither`` = not instrumental and not intrinsic.  So
        P(instrumental) + P(intrinsic) - P(both) + P(neither) = 1.

A Bayes factor answers to the prior: that a quantity lies *within* the ROPE (persistence) is the less probable
beforehand the wider the prior is, so a wide prior alone makes its Bayes factor large.  Hence the prior
probability stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.constants import CI_PROB
from bayes_hr.errors import InputError
from bayes_hr.estimands.convergence import population_draws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Draws = Mapping[str, Array]
    Condition = Callable[[Draws], NDArray[np.bool_]]
    Ends = tuple[float, float]

COLUMNS: Final = (
    "hypothesis", "kind", "statement", "condition", "probability", "mcse", "prior_probability", "prior_mcse",
    "bayes_factor", "bayes_factor_lb", "bayes_factor_ub", "note",
)  # fmt: skip
INEQUALITY: Final = "inequality"
SIGNATURE: Final = "signature"


@dataclass(frozen=True)
class Hypothesis:
    """One statement about the draws.

    Attributes
    ----------
    name, kind
        Key, and ``inequality`` or ``signature``.
    statement, condition
        In words, and as mathematics.
    needs
        Names of the draws it is about (:func:`~bayes_hr.estimands.convergence.population_draws`).
    holds
        Function of the draws by name: whether it holds in each.
    """

    name: str
    kind: str
    statement: str
    condition: str
    needs: tuple[str, ...]
    holds: Condition


def inequalities(slope: Ends, kink: Ends, jump: Ends) -> list[Hypothesis]:
    """Every inequality, against the ROPE of slopes and kinks (per decade) and of jumps (outcome units)."""
    exits = ("jump_exit", "slope_after_exiting")
    out = [
        _below("pre_membership_alignment", "distance falls before entry", "slope_before", slope[0]),
        _below("entry_alignment", "distance drops at entry", "jump_entry", jump[0]),
        _below("gradual_alignment", "distance falls during membership", "slope_during", slope[0]),
        _below(
            "gradual_alignment_kink",
            "distance falls faster, or rises less, during membership than before",
            "kink_entry",
            kink[0],
        ),
        _above("reversion_jump", "distance jumps up on leaving", "jump_exit", jump[1]),
        _above("reversion_slope", "distance grows after exit", "slope_after_exiting", slope[1]),
    ]
    either = Hypothesis(
        "reversion",
        INEQUALITY,
        "distance jumps up on leaving or grows after exit",
        f"jump_exit > {jump[1]:g} or slope_after > {slope[1]:g}",
        exits,
        lambda d: (d["jump_exit"] > jump[1]) | (d["slope_after_exiting"] > slope[1]),
    )
    return [*out, either, *_persistence(slope, jump)]


def _below(name: str, statement: str, quantity: str, end: float) -> Hypothesis:
    return Hypothesis(
        name, INEQUALITY, statement, f"{quantity} < {end:g}", (quantity,), lambda d: d[quantity] < end
    )


def _above(name: str, statement: str, quantity: str, end: float) -> Hypothesis:
    shown = f"{quantity.removesuffix('_exiting')} > {end:g}"
    return Hypothesis(name, INEQUALITY, statement, shown, (quantity,), lambda d: d[quantity] > end)


def _persistence(slope: Ends, jump: Ends) -> list[Hypothesis]:
    """Persistence: full, partial, either."""

    def full(d: Draws) -> NDArray[np.bool_]:
        inside = (d["jump_exit"] >= jump[0]) & (d["jump_exit"] <= jump[1])
        return np.asarray(inside & (d["slope_after_exiting"] <= slope[1]))

    def partial(d: Draws) -> NDArray[np.bool_]:
        kept = (d["jump_exit"] > jump[1]) & (d["step_exiting"] < jump[0])
        return np.asarray(kept & (d["slope_after_exiting"] <= slope[1]))

    lasts = f"slope_after <= {slope[1]:g}"
    in_full = f"{jump[0]:g} <= jump_exit <= {jump[1]:g}"
    in_part = f"jump_exit > {jump[1]:g} and after(0) - during(0) < {jump[0]:g}"
    exits = ("jump_exit", "slope_after_exiting")
    return [
        Hypothesis(
            "persistence_full",
            INEQUALITY,
            "distance stays where membership brought it, or falls on after exit",
            f"{in_full} and {lasts}",
            exits,
            full,
        ),
        Hypothesis(
            "persistence_partial",
            INEQUALITY,
            "distance jumps up on leaving, and stays below that at entry",
            f"{in_part} and {lasts}",
            (*exits, "step_exiting"),
            partial,
        ),
        Hypothesis(
            "persistence",
            INEQUALITY,
            "all or some of the alignment lasts after exit",
            f"(({in_full}) or ({in_part})) and {lasts}",
            (*exits, "step_exiting"),
            lambda d: full(d) | partial(d),
        ),
    ]


def signatures(parts: list[Hypothesis]) -> list[Hypothesis]:
    """Joint signatures of :func:`inequalities`; those with ``_kink`` take gradual alignment as a kink."""
    by = {p.name: p for p in parts}
    instrumental = _joined(
        "instrumental",
        "alignment before entry and reversion after exit",
        by["pre_membership_alignment"],
        by["reversion"],
    )
    out = [instrumental]
    for suffix in ("", "_kink"):
        words = " (against the trend before entry)" if suffix else ""
        intrinsic = _joined(
            f"intrinsic{suffix}",
            f"gradual alignment during membership{words} that lasts after exit",
            by[f"gradual_alignment{suffix}"],
            by["persistence"],
        )
        out += [intrinsic, *_both_and_neither(instrumental, intrinsic, suffix)]
    return out


def _joined(name: str, statement: str, a: Hypothesis, b: Hypothesis) -> Hypothesis:
    return Hypothesis(
        name,
        SIGNATURE,
        statement,
        f"({a.condition}) and ({b.condition})",
        tuple(dict.fromkeys((*a.needs, *b.needs))),
        lambda d: a.holds(d) & b.holds(d),
    )


def _both_and_neither(a: Hypothesis, b: Hypothesis, suffix: str) -> list[Hypothesis]:
    needs = tuple(dict.fromkeys((*a.needs, *b.needs)))
    return [
        Hypothesis(
            f"both{suffix}",
            SIGNATURE,
            "instrumental and intrinsic: part of the alignment goes on leaving, part of it lasts",
            f"{a.name} and {b.name}",
            needs,
            lambda d: a.holds(d) & b.holds(d),
        ),
        Hypothesis(
            f"neither{suffix}",
            SIGNATURE,
            "neither instrumental nor intrinsic",
            f"not {a.name} and not {b.name}",
            needs,
            lambda d: ~a.holds(d) & ~b.holds(d),
        ),
    ]


def hypotheses(
    posterior: xr.Dataset,
    rows: xr.Dataset,
    *,
    prior: Draws,
    rope: Ends,
    rope_kink: Ends | None = None,
    rope_jump: Ends | None = None,
) -> pd.DataFrame:
    """Probability of each inequality and joint signature, before and after the data.

    Parameters
    ----------
    posterior, rows
        As in :func:`bayes_hr.estimands.convergence.convergence_estimands`.
    prior
        Prior draws of the same quantities, each (draws,), from
        :func:`bayes_hr.estimands.convergence_prior.prior_estimands`.
    rope, rope_kink, rope_jump
        Smallest changes that count: of slopes and kinks per decade, of jumps in outcome units.  Kinks and
        jumps take that of slopes unless given.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`.  ``bayes_factor`` = posterior odds / prior odds, of the statement against its
        negation; its bounds are those of an 89 % interval for *Monte Carlo error alone*.  0, infinity or NaN
        (no draw, or every draw, fulfils it) is said in ``note``, and the bounds then tell what the draws can
        say.  Hypotheses about phases without rows are left out.

    Raises
    ------
    InputError
        If a ROPE is not an interval around 0, or ``prior`` lacks a quantity.
    """
    ends = [
        _checked(rope, "rope"),
        _checked(rope_kink or rope, "rope_kink"),
        _checked(rope_jump or rope, "rope_jump"),
    ]
    draws = population_draws(posterior, rows)
    parts = inequalities(*ends)
    rows_out = []
    for hypothesis in [*parts, *signatures(parts)]:
        if set(hypothesis.needs) <= set(draws):
            if missing := set(hypothesis.needs) - set(prior):
                raise InputError(
                    f"hypotheses: the prior draws lack {', '.join(sorted(missing))}; "
                    "take them from prior_estimands."
                )
            rows_out.append(_row(hypothesis, draws, prior))
    return pd.DataFrame(rows_out, columns=list(COLUMNS))


def _checked(ends: Ends, name: str) -> Ends:
    if not (np.all(np.isfinite(ends)) and ends[0] <= 0.0 <= ends[1]):
        raise InputError(
            f"hypotheses: {name} = {ends} must be two numbers, the first <= 0 and the second >= 0."
        )
    return ends


def _row(hypothesis: Hypothesis, draws: Draws, prior: Draws) -> dict[str, object]:
    p, n, mcse = _probability(hypothesis, draws)
    # Prior draws are independent: one chain of as many effective draws as there are.
    p0, n0, mcse0 = _probability(hypothesis, {k: np.ravel(v) for k, v in prior.items()})
    factor, lower, upper = bayes_factor(p, n, p0, n0)
    return {
        "hypothesis": hypothesis.name,
        "kind": hypothesis.kind,
        "statement": hypothesis.statement,
        "condition": hypothesis.condition,
        "probability": p,
        "mcse": mcse,
        "prior_probability": p0,
        "prior_mcse": mcse0,
        "bayes_factor": factor,
        "bayes_factor_lb": lower,
        "bayes_factor_ub": upper,
        "note": _note(p, n, p0, n0),
    }


def _probability(hypothesis: Hypothesis, draws: Draws) -> tuple[float, float, float]:
    """Share of the draws in which it holds, effective number of draws, MCSE.

    The MCSE is NaN where all draws agree: they cannot tell it then.
    """
    used = [draws[name] for name in hypothesis.needs]
    if not all(np.isfinite(v).all() for v in used):
        return np.nan, np.nan, np.nan
    holds = np.asarray(hypothesis.holds(draws), dtype=float)
    p, n = float(holds.mean()), _effective(holds, used)
    return p, n, float(np.sqrt(p * (1.0 - p) / n)) if 0.0 < p < 1.0 else np.nan


def _effective(holds: Array, used: list[Array]) -> float:
    """Effective number of draws: of (chain, draw) indicators; all of them for independent (draws,) ones.

    Where the indicator never changes, the smallest of the quantities it is about; where no ESS exists (each
    chain constant, at different values), the number of chains.
    """
    from arviz_stats.base import array_stats

    if holds.ndim == 1:
        return float(holds.size)
    axes = {"chain_axis": 0, "draw_axis": 1}
    if np.ptp(holds) > 0:
        sizes = [float(array_stats.ess(holds, method="mean", **axes))]
    else:
        sizes = [float(array_stats.ess(v, method="bulk", **axes)) for v in used if np.ptp(v) > 0]
    n = min(sizes, default=float(holds.size))
    return min(n, float(holds.size)) if np.isfinite(n) else float(len(holds))


def bayes_factor(p: float, n: float, p0: float, n0: float) -> tuple[float, float, float]:
    r"""Posterior odds over prior odds, and an 89 % interval for its Monte Carlo error.

    Given n effective draws of which a share p fulfils the statement, its probability is taken as
    :math:`Beta(np + 1/2, n(1 - p) + 1/2)` (Jeffreys), whose log odds have mean :math:`\psi(a) - \psi(b)` and
    variance :math:`\psi'(a) + \psi'(b)`: finite also where no draw, or every draw, fulfils it.

    Parameters
    ----------
    p, n, p0, n0
        Share and effective number of draws, posterior and prior.

    Returns
    -------
    factor, lower, upper
        ``factor`` from the shares as they are: 0, infinite, or NaN where it is 0/0 or infinity/infinity.
    """
    from scipy.special import digamma, ndtri, polygamma

    if not np.all(np.isfinite([p, n, p0, n0])):
        return np.nan, np.nan, np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        odds, odds0 = np.float64(p) / (1.0 - p), np.float64(p0) / (1.0 - p0)
        factor = float(odds / odds0)
    hits, misses = np.array([n * p, n0 * p0]) + 0.5, np.array([n * (1 - p), n0 * (1 - p0)]) + 0.5
    mean = digamma(hits) - digamma(misses)
    spread = float(np.sqrt(np.sum(polygamma(1, hits) + polygamma(1, misses))))
    half = float(ndtri(0.5 + CI_PROB / 2.0)) * spread
    centre = float(mean[0] - mean[1])
    return factor, float(np.exp(centre - half)), float(np.exp(centre + half))


def _note(p: float, n: float, p0: float, n0: float) -> str:
    """What the draws cannot say."""
    notes = []
    for value, size, which in ((p, n, "posterior"), (p0, n0, "prior")):
        if np.isnan(value):
            notes.append(f"{which} draws are not all finite: no probability")
        elif value in {0.0, 1.0}:
            notes.append(
                f"{'no' if value == 0 else 'every'} {which} draw of some {size:.0f} effective ones fulfils it"
            )
    return "; ".join(notes)
