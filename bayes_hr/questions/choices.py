"""Choices that a referee asks about: what else a card could reasonably have said, one thing at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bayes_hr.data.outcomes import OUTCOMES
from bayes_hr.data.regime_sources import REGIME_SOURCES
from bayes_hr.data.regimes import BY_YEAR, TRAILING

if TYPE_CHECKING:
    from bayes_hr.cards import RatificationCard

Choices = dict[str, dict[str, Any]]
"""Label -> changes of a card, as :meth:`bayes_hr.cards.Card.replace` takes them."""

SCORES: Final = ("hrps_v402", "hrps_v301")
"""Versions of the latent score, which differ in data and in how far the standard of accountability moves."""

_YEARS: Final = {"effects": "unpooled", "by": "regime"}

RULES: Final = {
    "before_treaty": "classes by scores before the treaty opened",
    "before_ratification": "classes by scores before the country's ratification",
    "whole_history": "classes by the whole history (conditions on the future)",
    BY_YEAR: "classes of each year by the ten years before it",
}


def ratification_choices(card: RatificationCard, own_rows: bool) -> Choices:
    """Controls, year effects, cut-points and errors; of the public sources also score and regime classes.

    Parameters
    ----------
    card
        What the choices are alternatives to; each changes one thing of it.
    own_rows
        Whether the rows are a user's own, whose outcome and classes cannot be made anew.
    """
    made = {**_controls(card), **_structure(card)}
    return made if own_rows or card.panel == "simulated" else {**made, **_scores(card), **_classes(card)}


def _controls(card: RatificationCard) -> Choices:
    kept = [c.model_dump(mode="json") for c in card.population if not c.mediator]
    out: Choices = {}
    if len(kept) < len(card.population):
        out["without possible mediators"] = {"population": kept}
    if kept:
        out["without controls"] = {"population": []}
    return out


def _structure(card: RatificationCard) -> Choices:
    out: Choices = {}
    if card.time.effects != "none" and card.time.by == "regime":
        out["year effects common to all classes"] = {"time": {"by": "all"}}
    if card.time.effects in {"unpooled", "pooled"}:
        out["year effects a random walk"] = {"time": {"effects": "random_walk"}}
    if card.outcome.moving:
        fixed: dict[str, Any] = {"cut_points": "fixed"}
        out["cut-points fixed, effects of each class's years"] = {"outcome": fixed, "time": _YEARS}
        out["cut-points fixed, year effects common to all classes"] = {
            "outcome": fixed,
            "time": {**_YEARS, "by": "all"},
        }
    if card.outcome.likelihood == "gaussian":
        other = {"ar1": ("iid", "independent errors"), "iid": ("ar1", "AR(1) errors")}
        kind, label = other[card.error.kind]
        out[label] = {"error": {"kind": kind}}
    return out


def _scores(card: RatificationCard) -> Choices:
    if card.outcome.name not in SCORES or card.error.measurement_sd:
        return {}
    others = [OUTCOMES[name] for name in SCORES if name != card.outcome.name]
    return {f"outcome {o.name}": {"outcome": {"name": o.name, "label": o.label}} for o in others}


def _classes(card: RatificationCard) -> Choices:
    regime = card.regime
    out: Choices = {
        f"classes by {source.label.partition(' (')[0]}": {"regime": {"source": name}}
        for name, source in REGIME_SOURCES.items()
        if name != regime.source
    }
    if regime.rule in RULES:
        others = {rule: label for rule, label in RULES.items() if rule != regime.rule}
        if card.treatment.mundlak:  # needs classes that countries keep
            others.pop(BY_YEAR, None)
        # A window of the card's own goes with the rule that it has alone.
        default = {"trailing": TRAILING} if regime.rule == BY_YEAR else {}
        out |= {label: {"regime": {"rule": rule, **default}} for rule, label in others.items()}
    return out
