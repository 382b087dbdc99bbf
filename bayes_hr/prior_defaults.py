"""Default priors of the models, with the reason for each, and the check of a card's own priors.

All scales are in units of ``outcome.scale``: 1.0 for the latent protection scores (whose yearly
cross-section has a standard deviation of about 1.4), the outcome's own SD where a card says ``"sd"``.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from bayes_hr.priors import POSITIVE_KINDS, parse_prior

if TYPE_CHECKING:
    from bayes_hr.cards import Card

_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "alpha": ("normal",),
    "beta": ("normal",),
    "gamma": ("normal",),
    "tau": ("normal",),
    "sd_tau": POSITIVE_KINDS,
    "year_effect": ("normal",),
    "sd_year_effect": POSITIVE_KINDS,
    "sigma": POSITIVE_KINDS,
    "rho": ("uniform",),
    "nu": ("gamma",),
}

REASONS: Final[dict[str, str]] = {
    "alpha": "level of the reference class; wide enough for any state in any year",
    "beta": "level of a regime class against the reference class; covers Sweden against North Korea",
    "gamma": "change per standard deviation of a control; a full unit would be most of the world's spread",
    "tau": "average effect of ratification in a class; half a unit is about a third of the spread between "
    "states, more than any published estimate",
    "sd_tau": "spread of the class effects around their mean when they are partially pooled",
    "year_effect": "common shock of a class in a year; fixed scale, so that a class's own trend is absorbed "
    "and cannot pass for an effect",
    "sd_year_effect": "spread of the year effects when it is estimated",
    "sd_intercept": "spread of countries' levels within a class",
    "sd_ratified": "spread of countries' effects around their class's average",
    "corr": "weakly against correlations near 1 in absolute value",
    "sigma": "yearly shock to a country",
    "rho": "flat over the stationary range: the persistence of shocks is the data's to say",
    "nu": "Juarez & Steel (2010): mass on heavy and on nearly normal tails",
}


def default_priors(card: Card) -> dict[str, str | dict[str, str]]:
    """Priors of every parameter that this card's model has, and of no other."""
    from bayes_hr.cards import ConvergenceCard, RatificationCard

    out: dict[str, str | dict[str, str]] = {}
    if isinstance(card, RatificationCard):
        out |= {"alpha": "normal(0, 2.5)", "beta": "normal(0, 2)", "tau": "normal(0, 0.5)"}
        if card.treatment.pooling == "partial":
            out["sd_tau"] = "half_normal(0.25)"
    if isinstance(card, ConvergenceCard):
        terms = dict.fromkeys(t for g in card.groups for t in g.terms if t != "intercept")
        out["beta"] = {t: "normal(0, 0.2)" if t.endswith("_slope") else "normal(0, 1.5)" for t in terms}
        if card.state_years.effects == "ar1":
            out |= {"sd_state_year": "half_normal(0.5)", "rho": "uniform(-1, 1)"}
    if card.population:
        out["gamma"] = "normal(0, 0.5)"
    if card.time.effects == "unpooled":
        out["year_effect"] = "normal(0, 0.5)" if isinstance(card, RatificationCard) else "normal(0, 0.25)"
    elif card.time.effects == "pooled":
        out["sd_year_effect"] = "half_normal(0.5)"
    for group in card.groups:
        out[f"sd_{group.name}"] = {term: _spread(group.name, term) for term in group.terms}
        if group.correlated and len(group.terms) > 1:
            out[f"corr_{group.name}"] = "lkj(2)"
    out["sigma"] = "half_normal(0.5)"
    if card.error.kind == "ar1":
        out["rho"] = "uniform(-1, 1)"
    if card.outcome.likelihood == "student_t":
        out["nu"] = "gamma(2, 0.1)"
    return out


def _spread(group: str, term: str) -> str:
    """Default prior of the SD of a varying coefficient."""
    if term.endswith("_slope"):
        return "half_normal(0.2)"
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


def reason(key: str) -> str:
    """Why the default prior of a parameter has the scale it has (empty if there is no note)."""
    if key.startswith("sd_") and "." in key:
        return REASONS.get("sd_" + key.split(".")[1], "")
    return REASONS.get("corr" if key.startswith("corr_") else key, "")
