"""What is true of a simulated convergence world, and the estimands that follow from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from bayes_hr.data.convergence_world_settings import ConvergenceSettings
from bayes_hr.data.worlds_parts import plain

ESTIMANDS: Final = (
    "slope_before", "slope_during", "slope_after", "kink_entry", "kink_exit", "jump_entry", "jump_exit",
)  # fmt: skip
"""Slopes per decade; kinks: slope during less before, after less during; jumps at entry and at exit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvergenceTruth:
    """What is true of any convergence world.

    Attributes
    ----------
    expected : dict of str to (float or None)
        True value of each of :data:`ESTIMANDS` (distance; slopes per decade); None where it is not known as
        a number.
    sign : dict of str to (int or None)
        Its sign, -1, 0 or 1; None where not known.
    mechanical_jump : float
        Jump at entry that the choice of the mean makes by itself: of the inclusive mean, minus the average of
        d / (n + 1) over entries into dyads with a before, d the leave-one-out distance and n the number of
        others in the entry year; 0 otherwise.
    """

    expected: dict[str, float | None]
    sign: dict[str, int | None]
    mechanical_jump: float

    def to_dict(self, rows: bool = False) -> dict[str, Any]:
        """The truth as plain JSON types (missing: None); tables by column, rows only if asked."""
        names = [f.name for f in dataclasses.fields(self) if rows or f.name != "rows"]
        return plain({name: _listed(getattr(self, name)) for name in names})


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoreTruth(ConvergenceTruth):
    """Truth of a world whose distances follow from simulated scores.

    Attributes
    ----------
    spread : pandas.Series
        Scale of the world by year: the cross-state SD of scores is this times a constant in expectation,
        where no pull acts.
    moving : tuple of str
        Codes of the IGOs that move their members; signs other than 0 are those over their dyads. Empty where
        no membership ever moves a score.
    naive_slope : int
        Sign of the slope during membership in an analysis without year effects, as far as the world's spread
        makes it.
    """

    spread: pd.Series
    moving: tuple[str, ...]
    naive_slope: int


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelTruth(ConvergenceTruth):
    """Truth of a world drawn from Model C.

    ``expected`` holds slopes and kinks of `beta`, the jump at entry ``beta[during] - beta[before]``, and the
    mean over the dyads that exit of their own jump at exit, ``after - (during + during_slope * spell)`` in
    the coefficients ``beta + u_i + w_j`` (`jump_exit_beta`: in `beta` alone, at their mean spell). Values of
    these very states, IGOs and dyads: :meth:`by_state`, :meth:`by_igo`, `exits`.

    Attributes
    ----------
    beta : dict of str to float
        Population coefficients, in the order of TERMS.
    sd_state, sd_igo : dict of str to float
        SDs of the deviations by state and by IGO.
    corr : pandas.DataFrame
        Their correlations, terms by terms, the same for states and IGOs.
    sd_dyad, sigma : float
        SDs of dyad intercepts and of errors.
    sd_state_year, rho : float
        *Stationary* SD of the state-year effects, and their autocorrelation per year.
    year_effect : pandas.Series
        By year; mean 0 over the years of the world.
    u_state, u_igo : pandas.DataFrame
        Deviations drawn: ``ccode`` or ``igo`` (rows) by terms; also of those without rows.
    u_dyad : pandas.Series
        Dyad intercepts drawn, by ``"ccode:igo"``.
    exits : pandas.DataFrame
        Dyads with rows after exit: ``ccode, igo, spell`` (decades), and with their own u and w
        ``slope_after, kink_exit, jump_exit``.
    jump_exit_beta : float
        Jump at exit in the population coefficients (NaN where no dyad exits).
    rows : pandas.DataFrame
        Aligned with the frame: ``ccode, igo, year`` and the parts ``phases, dyad, year_effect, state_year,
        error``, whose sum is the distance.
    """

    beta: dict[str, float]
    sd_state: dict[str, float]
    sd_igo: dict[str, float]
    corr: pd.DataFrame
    sd_dyad: float
    sigma: float
    sd_state_year: float
    rho: float
    year_effect: pd.Series
    u_state: pd.DataFrame
    u_igo: pd.DataFrame
    u_dyad: pd.Series
    exits: pd.DataFrame
    jump_exit_beta: float
    rows: pd.DataFrame

    def by_state(self) -> pd.DataFrame:
        """Slopes, kinks and jump at entry of each state in an average IGO; ``ccode`` by estimands."""
        return implied(self.u_state + pd.Series(self.beta))

    def by_igo(self) -> pd.DataFrame:
        """Slopes, kinks and jump at entry of each IGO for an average state; ``igo`` by estimands."""
        return implied(self.u_igo + pd.Series(self.beta))


def _listed(value: Any) -> Any:
    """A table or series as lists."""
    if isinstance(value, pd.DataFrame):
        named = value.reset_index() if value.index.name else value
        return named.to_dict(orient="list")
    return {str(k): v for k, v in value.items()} if isinstance(value, pd.Series) else value


def implied(beta: pd.DataFrame) -> pd.DataFrame:
    """Slopes, kinks and jump at entry of coefficients in columns TERMS (rows: any)."""
    return pd.DataFrame(
        {
            "slope_before": beta["before_slope"],
            "slope_during": beta["during_slope"],
            "slope_after": beta["after_slope"],
            "kink_entry": beta["during_slope"] - beta["before_slope"],
            "kink_exit": beta["after_slope"] - beta["during_slope"],
            "jump_entry": beta["during"] - beta["before"],
        }
    )


def exit_dyads(frame: pd.DataFrame) -> pd.DataFrame:
    """Dyads with rows after exit: ``ccode, igo, spell`` (decades from latest entry to last member year)."""
    after = frame[frame["phase"] == "after"].drop_duplicates(["ccode", "igo"]).reset_index(drop=True)
    return after[["ccode", "igo"]].assign(spell=(after["last"] - after["entry"]) / 10)


def exits_with_truth(frame: pd.DataFrame, beta: pd.Series, u: pd.DataFrame, w: pd.DataFrame) -> pd.DataFrame:
    """Dyads with rows after exit, and what their own coefficients ``beta + u_i + w_j`` imply.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the world.
    beta : pandas.Series
        Population coefficients by term.
    u, w : pandas.DataFrame
        Deviations of states (by ``ccode``) and IGOs (by code), by term.

    Returns
    -------
    pandas.DataFrame
        ``ccode, igo, spell`` (decades), ``slope_after, kink_exit, jump_exit``.
    """
    out = exit_dyads(frame)
    own = beta + u.loc[out["ccode"]].reset_index(drop=True) + w.loc[out["igo"]].reset_index(drop=True)
    reached = own["during"] + own["during_slope"] * out["spell"]
    return out.assign(**implied(own)[["slope_after", "kink_exit"]], jump_exit=own["after"] - reached)


def model_expected(beta: Mapping[str, float], exits: pd.DataFrame) -> dict[str, float | None]:
    """True value of each estimand; the jump at exit (mean over `exits`) is None where no dyad exits."""
    values = implied(pd.DataFrame([dict(beta)])).iloc[0].to_dict()
    values["jump_exit"] = exits["jump_exit"].mean() if len(exits) else None
    return {name: None if values[name] is None else round(float(values[name]), 12) for name in ESTIMANDS}


def sign_of(expected: Mapping[str, float | None]) -> dict[str, int | None]:
    """Sign of each true value."""
    return {name: None if value is None else int(np.sign(value)) for name, value in expected.items()}


def signs_of_scores(s: ConvergenceSettings, *, inclusive: bool, near: bool) -> dict[str, int]:
    """Signs that follow from what moves the scores; an estimand that is left out is not known.

    Without pull or shift, distances are stationary but for the number of co-members (the mean of few varies
    more) and memberships know nothing of scores: every kink and jump is 0. A pull closes a share of the gap
    each year, so that distance falls fast at first and then little; over a long spell a straight line puts
    that into its level, and the kink is negative only `near` entry. A pull that lets go ends in a return. One
    that lasts does not, but as the others go on drawing together, distance *less the year effects* rises
    after exit too, so that nothing is claimed of that slope.
    """
    if s.pull_before == s.pull_during == s.entry_shift == 0:
        if inclusive:
            return {"slope_before": 0, "slope_after": 0, "jump_entry": -1, "jump_exit": 1}
        return dict.fromkeys(ESTIMANDS, 0)
    if s.pull_before == s.pull_during == 0:
        return {"jump_entry": -1}
    if inclusive or s.entry_shift > 0:
        return {}
    after = {"kink_exit": 1} if s.lasting else {"slope_after": 1, "kink_exit": 1}
    if s.pull_before == 0:
        return {"slope_during": -1} | ({"kink_entry": -1} if near else {}) | after
    instrumental = 0 < s.pull_during <= s.pull_before and not s.lasting
    return {"slope_before": -1, "kink_entry": 1} | after if instrumental else {}


def score_truth(
    settings: ConvergenceSettings,
    frame: pd.DataFrame,
    *,
    inclusive: bool,
    near: bool,
    spread: pd.Series,
    moving: tuple[str, ...],
) -> ScoreTruth:
    """What is known of a score world.

    Parameters
    ----------
    settings : ConvergenceSettings
        What moves scores.
    frame : pandas.DataFrame
        Rows of the world.
    inclusive, near : bool
        Whether they were made with the inclusive mean, and whether they are near entry and exit.
    spread : pandas.Series
        Scale of the world by year.
    moving : tuple of str
        IGOs that move scores.

    Returns
    -------
    ScoreTruth
    """
    known = signs_of_scores(settings, inclusive=inclusive, near=near)
    sign: dict[str, int | None] = {name: known.get(name) for name in ESTIMANDS}
    expected: dict[str, float | None] = {name: 0.0 if value == 0 else None for name, value in sign.items()}
    jump = mechanical_jump(frame) if inclusive else 0.0
    if inclusive and not moving:
        expected["jump_entry"] = jump
    return ScoreTruth(
        expected=expected,
        sign=sign,
        mechanical_jump=jump,
        spread=spread,
        moving=moving,
        naive_slope=int(np.sign(spread.iloc[-1] - spread.iloc[0])),
    )


def mechanical_jump(frame: pd.DataFrame) -> float:
    """Average of -d / (n + 1) at entry over dyads with a before, from rows made with the inclusive mean.

    The inclusive distance is n / (n + 1) times the leave-one-out distance d, so that d / (n + 1) is the
    inclusive distance over n.
    """
    has_before = (frame["phase"] == "before").groupby([frame["ccode"], frame["igo"]]).transform("any")
    entered = frame[(frame["phase"] == "during") & (frame["year"] == frame["entry"]) & has_before]
    return float(-(entered["distance"] / entered["n_others"]).mean())
