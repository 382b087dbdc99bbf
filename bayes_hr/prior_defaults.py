"""Default priors of the models, with the reason for each, and the check of a card's own priors.

All scales are in units of ``outcome.scale``: 1.0 for the latent protection scores (whose yearly
cross-section has a standard deviation of about 1.4), the outcome's own SD where a card says ``"sd"``, the
residual SD of the latent outcome of ordered categories (1 for a probit, 1.81 for a logit).
"""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.priors import POSITIVE_KINDS, Prior, parse_prior

if TYPE_CHECKING:
    from bayes_hr.cards import Card

_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "alpha": ("normal",),
    "cut_first": ("normal",),
    "log_gap": ("normal",),
    "beta": ("normal",),
    "gamma": ("normal",),
    "tau": ("normal",),
    "sd_tau": POSITIVE_KINDS,
    "sd_tau_regime": POSITIVE_KINDS,
    "year_effect": ("normal",),
    "sd_year_effect": POSITIVE_KINDS,
    "sigma": POSITIVE_KINDS,
    "phi": ("normal",),
    "first_outcome": ("normal",),
    "mundlak": ("normal",),
    "kappa": ("normal",),
    "rho": ("uniform",),
    "nu": ("gamma",),
}

CUT_FIRST: Final = "normal(0, 1.5)"
"""Default prior of the first cut-point of ordered categories."""

LOG_GAP: Final = "normal(-0.5, 1)"
"""Default prior of the log of each gap between neighbouring cut-points."""

STEP: Final = "half_normal(0.1)"
"""Default prior of the SDs of a yearly step: of year effects, cut-points, and logs of gaps between these."""

REASONS: Final[dict[str, dict[str, str]]] = {
    "ratification": {
        "alpha": "level of the reference class; wide enough for any state in any year",
        "beta": "level of a regime class against the reference class; covers Sweden against North Korea",
        "tau": "average effect of ratification in a class; half a unit is about a third of the spread "
        "between states, more than any published estimate",
        "sd_tau": "spread of the class effects around their mean when they are partially pooled",
        "year_effect": "common shock of a class in a year; fixed scale, so that a class's own trend is "
        "absorbed and cannot pass for an effect",
        "phi": "share of last year's outcome that is left this year; -.5 to 1.5 with 95 %, so that neither "
        "no persistence nor a random walk is ruled out",
        "first_outcome": "how much of where a country started is left in its level, given last year",
        "mundlak": "what a control or ratification goes with between countries, less that within them; for a "
        "control per SD, for ratification between countries with all rows after it and with none; wide, "
        "since what is shrunk here stays with the effect within",
        "kappa": "how effects of ratification differ between countries with all rows after it and with none",
        "sd_intercept": "spread of countries' levels within a class",
        "sd_ratified": "spread of countries' effects around their class's average",
        "sd_trend": "spread of countries' own trends per decade around the years of their class; over three "
        "decades .2 is more than half a unit",
        "sigma": "yearly shock to a country",
        "cut_first": "threshold of the lowest category, in units of the latent residual SD; leaves its share "
        "in the reference class anywhere between 3 % and 97 %",
        "sd_cutpoint_shift": "yearly step of the standard, in residual SDs, a random walk: with .1 it is "
        "half an SD from one end of thirty years to the other, with .2 more than one",
        "sd_gap_shift": "yearly step of the log of a gap between thresholds: with .1 a gap is 1.7 times as "
        "wide or as narrow thirty years later",
        "log_gap": "log of the distance between neighbouring thresholds: from 0.1 to 3 latent SDs, so that "
        "the second category may have 1 % or half of the rows",
    },
    "treaties": {
        "alpha": "level of the reference class; wide enough for any state in any year",
        "beta": "level of a regime class against the reference class; covers Sweden against North Korea",
        "tau": "mean effect over treaties; half a unit is about a third of the spread between states, more "
        "than any published estimate",
        "sd_tau": "spread of the treaties' effects around their mean; a quarter of a unit allows one treaty "
        "without effect beside one with a large one",
        "sd_tau_regime": "spread of regime classes around a treaty's own effect",
        "year_effect": "common shock of a class in a year; fixed scale, so that a class's own trend is "
        "absorbed and cannot pass for an effect",
        "sd_intercept": "spread of countries' levels within a class",
        "sd_common": "spread of countries' own response to any treaty; it adds up over the treaties in "
        "force, so narrower than where there is one",
        "sd_treaties": "spread of countries' effects of one treaty, the same prior for each",
        "sigma": "yearly shock to a country",
    },
    "convergence": {
        "beta": "average distance at entry or exit; the world's mean distance is about one unit",
        "beta_slope": "change of distance per decade; half a unit in a decade is half of what lies between "
        "a typical state and its co-members",
        "year_effect": "common change of all distances in a year; wide, so that a trend which all phases "
        "share is the years' own, and the world's spread cannot pass for convergence",
        "sd_level": "spread of states' or IGOs' distances at entry or exit",
        "sd_slope": "spread of states' or IGOs' changes per decade",
        "sd_intercept": "spread of pairs of a state and an IGO around what both have on average",
        "sd_state_year": "what moves a state's distance to all of its IGOs in a year; SD over years",
        "sigma": "what is left to a state, an IGO and a year",
    },
    "": {
        "gamma": "change per standard deviation of a control; a full unit would be most of the world's "
        "spread",
        "sd_year_effect": "spread of the year effects when it is estimated",
        "sd_year_step": "yearly step of the year effects, a random walk: with .1 it is half a unit from "
        "one end of thirty years to the other",
        "corr": "weakly against correlations near 1 in absolute value",
        "rho": "flat over the stationary range: the persistence of shocks is the data's to say",
        "nu": "Juarez & Steel (2010): mass on heavy and on nearly normal tails",
    },
}
"""Why each default has the scale it has: by family, and for all (empty key)."""


FREE: Final = frozenset({"rho", "nu", "phi", "first_outcome", "sd_gap_shift"})
"""Parameters without a unit, whose priors do not scale with the outcome (correlations beside them)."""


def scaled_prior(key: str, prior: Prior, unit: float) -> Prior:
    """A card's prior of the parameter ``key`` for outcomes in which the card's unit is ``unit``.

    Numbers are multiplied by it; the log of a gap between cut-points is moved by its log.
    """
    if key in FREE or key.startswith("corr_"):
        return prior
    if key == "log_gap":
        return Prior("normal", (prior["mu"] + math.log(unit), prior["sigma"]))
    return prior.scaled(unit)


def default_priors(card: Any) -> dict[str, str | dict[str, str]]:
    """Priors of every parameter that this card's model has, and of no other.

    ``card`` is of any family (:data:`bayes_hr.cards.FAMILIES`); its own sections are read by family.
    """
    out: dict[str, str | dict[str, str]] = {}
    if card.family != "convergence":
        out |= _levels(card) | {"beta": "normal(0, 2)", "tau": "normal(0, 0.5)", **_pooling(card)}
    if card.family == "ratification":
        out |= _of_ratification(card)
    if card.family == "convergence":
        terms = card.group_terms["state"]  # the population has every phase, whatever varies
        out["beta"] = {t: "normal(0, 0.2)" if t.endswith("_slope") else "normal(0, 0.5)" for t in terms}
        if card.state_years.effects == "ar1":
            out |= {"sd_state_year": "half_normal(0.5)", "rho": "uniform(-1, 1)"}
    if card.population:
        out["gamma"] = "normal(0, 0.5)"
    out |= _years(card)
    for group in card.groups:
        out[f"sd_{group.name}"] = {term: _spread(group.name, term) for term in group.terms}
        if group.correlated and len(group.terms) > 1:
            out[f"corr_{group.name}"] = "lkj(2)"
    if not card.outcome.ordinal:
        out["sigma"] = "half_normal(0.5)"
    if card.error.kind == "ar1":
        out["rho"] = "uniform(-1, 1)"
    if card.outcome.likelihood == "student_t":
        out["nu"] = "gamma(2, 0.1)"
    return out


def _of_ratification(card: Any) -> dict[str, str | dict[str, str]]:
    """What dynamics and country means add to a ratification card."""
    out: dict[str, str | dict[str, str]] = {}
    if card.dynamics.lagged_outcome:
        out["phi"] = "normal(0.5, 0.5)"
    if card.dynamics.initial_outcome:
        out["first_outcome"] = "normal(0, 0.5)"
    if card.treatment.mundlak or any(c.mundlak for c in card.population):
        out["mundlak"] = "normal(0, 2)"
    if card.treatment.mundlak and "ratified" in card.groups[0].terms:
        out["kappa"] = "normal(0, 0.5)"
    return out


def _years(card: Any) -> dict[str, str]:
    """Year effects, the SD of them, or that of their yearly steps."""
    return {
        "unpooled": {"year_effect": "normal(0, 1)" if card.family == "convergence" else "normal(0, 0.5)"},
        "pooled": {"sd_year_effect": "half_normal(0.5)"},
        "random_walk": {"sd_year_step": STEP},
        "none": {},
    }[card.time.effects]


def _pooling(card: Any) -> dict[str, str]:
    """Spreads of effects of ratification around their mean, where they are partially pooled."""
    if card.family == "treaties":
        return {"sd_tau": "half_normal(0.25)", "sd_tau_regime": "half_normal(0.25)"}
    return {"sd_tau": "half_normal(0.25)"} if card.treatment.pooling == "partial" else {}


def _levels(card: Any) -> dict[str, str | dict[str, str]]:
    """The intercept, or the cut-points in its place; two categories have no gap between cut-points."""
    outcome = card.outcome
    if not outcome.ordinal:
        return {"alpha": "normal(0, 2.5)"}
    gaps = outcome.likelihood.startswith("ordered_")
    out: dict[str, str | dict[str, str]] = {"cut_first": CUT_FIRST}
    out |= {"log_gap": LOG_GAP} if gaps else {}
    if outcome.moving:
        out |= {"sd_cutpoint_shift": STEP} | ({"sd_gap_shift": STEP} if gaps else {})
    return out


def _spread(group: str, term: str) -> str:
    """Default prior of the SD of a varying coefficient."""
    if term.endswith("_slope") or term == "trend":
        return "half_normal(0.2)"
    if term in {"common", "treaties"}:
        return "half_normal(0.25)"
    wide = group == "country" and term == "intercept"
    return "half_normal(1)" if wide else "half_normal(0.5)"


def complete_priors(card: Card) -> dict[str, str | dict[str, str]]:
    """Fill in the defaults for the priors that a card leaves out.

    Raises
    ------
    ValueError
        For a prior of a parameter that this model does not have, or one that cannot be read
        (turned into an ``InputError`` by the card's own checks).
    """
    out = default_priors(card)
    for key, given in card.priors.items():
        if key not in out:
            near = difflib.get_close_matches(key, out, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"priors.{key}: this model has no such parameter; it has {', '.join(out)}{hint}")
        default = out[key]
        if isinstance(default, dict):
            if not isinstance(given, dict) or not set(given) <= set(default):
                raise ValueError(f"priors.{key} must be a table with keys among {', '.join(default)}")
            out[key] = {
                **default,
                **{t: str(_checked(key, v, f"priors.{key}.{t}")) for t, v in given.items()},
            }
        elif isinstance(given, dict):
            raise ValueError(f"priors.{key} must be one prior such as {default!r}, not a table")
        else:
            out[key] = str(_checked(key, given, f"priors.{key}"))
    return out


def _checked(key: str, text: str, where: str) -> object:
    if key.startswith("corr_"):
        allowed: tuple[str, ...] = ("lkj",)
    else:
        allowed = _ALLOWED.get(key, POSITIVE_KINDS)
    prior = parse_prior(text, where=where, allowed=allowed)
    if key == "rho" and not (-1 <= prior["lower"] < prior["upper"] <= 1):
        raise ValueError(f"{where}: rho must stay within (-1, 1) for a stationary process")
    return prior


def reason(key: str, family: str = "ratification") -> str:
    """Why the default prior of a parameter has the scale it has (empty if there is no note)."""
    own = {**REASONS[""], **REASONS[family]}
    if key.startswith("sd_") and "." in key:
        term = key.split(".")[1]
        kind = "slope" if term.endswith("_slope") else term if f"sd_{term}" in own else "level"
        return own.get(f"sd_{kind}", "")
    if key.startswith("beta."):
        return own["beta_slope"] if key.endswith("_slope") else own["beta"]
    return own.get("corr" if key.startswith("corr_") else key, "")
