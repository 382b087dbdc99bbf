"""Options of a card that go together, and those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_hr.data.regimes import BY_YEAR

if TYPE_CHECKING:
    from bayes_hr.cards import Card, RatificationCard, TreatiesCard


def check_dynamics(card: RatificationCard) -> None:
    """Refuse a lagged outcome beside what it does not go with.

    Raises
    ------
    ValueError
        Naming the alternative (turned into an ``InputError`` by the card's own checks).
    """
    dynamics = card.dynamics
    if not dynamics.lagged_outcome:
        if dynamics.initial_outcome:
            raise ValueError(
                "dynamics.initial_outcome goes with dynamics.lagged_outcome = true; leave it out without one"
            )
        if "long_run" in card.estimands:
            raise ValueError(
                'estimands: "long_run" needs dynamics.lagged_outcome = true; without a lagged outcome an '
                "effect is the same in every year"
            )
        return
    if card.outcome.ordinal:
        raise ValueError(
            f'dynamics.lagged_outcome is not offered for outcome.likelihood = "{card.outcome.likelihood}": '
            'the lag of a category is no latent outcome; take likelihood = "gaussian" or "student_t", or '
            "leave the lag out"
        )
    if card.error.kind != "iid":
        raise ValueError(
            f'dynamics.lagged_outcome is not offered with error.kind = "{card.error.kind}" (the default is '
            '"ar1"), since both are the same persistence: write error = {kind = "iid"}, or leave the lag out '
            "for AR(1) errors"
        )
    if card.error.measurement_sd:
        raise ValueError(
            "dynamics.lagged_outcome is not offered with error.measurement_sd: the error of last year's "
            "score would bias phi. Leave out one of the two"
        )


def check_ordinal(card: RatificationCard) -> None:
    """Refuse what ordered categories do not go with, and what only they have.

    Raises
    ------
    ValueError
        Naming the alternative (turned into an ``InputError`` by the card's own checks).
    """
    if card.outcome.ordinal and card.error.kind != "iid":
        raise ValueError(
            f'error.kind = "{card.error.kind}" (the default is "ar1") is not offered for '
            f'outcome.likelihood = "{card.outcome.likelihood}": write error = {{kind = "iid"}}, or take a '
            "Gaussian outcome for AR(1) errors"
        )
    if "probability" in card.estimands and not card.outcome.ordinal:
        raise ValueError(
            'estimands: "probability" needs an ordinal outcome (outcome.likelihood = "ordered_probit" or '
            '"ordered_logit"; "probit" or "logit" for two categories)'
        )
    _check_moving(card)


def _check_moving(card: RatificationCard) -> None:
    """Refuse year effects beside cut-points that move over the years, and their estimand without them."""
    if not card.outcome.moving:
        if "standard" in card.estimands:
            raise ValueError('estimands: "standard" needs outcome.cut_points = "by_year"')
        return
    if card.time.effects != "none":
        raise ValueError(
            f'time.effects = "{card.time.effects}" (the default is "unpooled") is not offered with '
            'outcome.cut_points = "by_year": a shift of all cut-points in a year is an effect of that year '
            'with its sign turned. Write time = {effects = "none"}, or take outcome.cut_points = "fixed" for '
            "year effects by class"
        )


def split_columns(data: dict[str, Any]) -> bool:
    """Whether a card, as data not yet checked, splits a control or the treatment into within and between."""
    population, treatment = data.get("population"), data.get("treatment")
    controls = population if isinstance(population, list | tuple) else ()
    return any(given.get("mundlak") is True for given in (treatment, *controls) if isinstance(given, dict))


def check_mundlak(card: RatificationCard) -> None:
    """Refuse country means beside what they do not go with.

    Raises
    ------
    ValueError
        Naming the alternative (turned into an ``InputError`` by the card's own checks).
    """
    if not (card.treatment.mundlak or any(c.mundlak for c in card.population)):
        if "between" in card.estimands:
            raise ValueError('estimands: "between" needs mundlak = true for a control or the treatment')
        return
    terms = card.groups[0].terms
    if card.treatment.mundlak and card.regime.rule == BY_YEAR:
        raise ValueError(
            "treatment.mundlak needs classes that countries keep: take another regime.rule than "
            f'"{BY_YEAR}", or leave treatment.mundlak out'
        )
    if "intercept" not in terms:
        raise ValueError(
            'mundlak splits what country levels mix: it needs "intercept" among groups.country.terms'
        )
    if card.treatment.mundlak and "trend" in terms:
        raise ValueError(
            "treatment.mundlak is not offered with trends of countries, which country means leave related to "
            'ratification: take "trend" out of groups.country.terms, or leave treatment.mundlak out'
        )
    if card.dynamics.lagged_outcome and not card.dynamics.initial_outcome:
        raise ValueError(
            "mundlak with dynamics.lagged_outcome needs dynamics.initial_outcome = true: given a lagged "
            "outcome, country levels depend on where a country started and on its means (Wooldridge 2005)"
        )


def check_treaties(card: TreatiesCard) -> None:
    """Refuse what a card of several treaties does not offer, and name what does.

    Raises
    ------
    ValueError
        For another group than countries, correlated country effects, ordered categories, or classes that end
        with a country's own ratification or change over the years.
    """
    if [g.name for g in card.groups] != ["country"]:
        raise ValueError('groups must hold exactly one entry with name = "country" in a treaties card')
    if card.groups[0].correlated and "treaties" in card.groups[0].terms:
        raise ValueError(
            'groups.country.correlated = true is not offered with the term "treaties": '
            "countries ratify in clusters, which says nothing of these correlations. Write correlated = "
            'false, or terms = ["intercept", "common"]'
        )
    if card.outcome.ordinal:
        raise ValueError(
            f'outcome.likelihood = "{card.outcome.likelihood}" is not offered with several treaties: take '
            '"gaussian" or "student_t", or one treaty at a time (family = "ratification")'
        )
    if card.regime.rule in {"before_ratification", BY_YEAR}:
        why = "whose effects by class need classes that countries keep"
        if card.regime.rule == "before_ratification":
            why = "of which a country ratifies each in a year of its own"
        raise ValueError(
            f'regime.rule = "{card.regime.rule}" is not offered with several treaties, {why}. Take '
            '"before_treaty" (before the first of them opened) or "window"'
        )


def check_controls(card: Card) -> None:
    """Refuse a control that is named twice, and country means where a family has none.

    Raises
    ------
    ValueError
        In a reader's words, for the card's own message.
    """
    labels = [c.label for c in card.population]
    if len(set(labels)) != len(labels):
        raise ValueError(f"population names a control twice: {', '.join(labels)}")
    split = [c.label for c in card.population if c.mundlak]
    if split and card.family != "ratification":
        raise ValueError(
            f"population: mundlak = true ({', '.join(split)}) is offered in cards of one treaty only (family "
            f'= "ratification"), not in a {card.family} card: leave it out'
        )
