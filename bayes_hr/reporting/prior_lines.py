"""Priors of a card for readers: by key, in the units of the outcome, in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bayes_hr.prior_defaults import scaled_prior
from bayes_hr.priors import Prior, parse_prior
from bayes_hr.reporting import formats as fmt

if TYPE_CHECKING:
    from collections.abc import Collection

    from bayes_hr.cards import Card
    from bayes_hr.reporting.content import Content


def flat_priors(card: Card) -> dict[str, str]:
    """Priors as text by ``key`` or ``key.term``."""
    return flattened(card.priors)


def flattened(priors: dict[str, str | dict[str, str]]) -> dict[str, str]:
    """One entry for each prior, by ``key`` or ``key.term``."""
    out: dict[str, str] = {}
    for key, given in priors.items():
        parts = {f"{key}.{t}": v for t, v in given.items()} if isinstance(given, dict) else {key: given}
        out |= parts
    return out


def in_outcome_units(key: str, text: str, *, unit: float, centre: float, level: bool | None = None) -> Prior:
    """A card's prior in the units of the outcome, as the design has it.

    Parameters
    ----------
    key, text
        Key in the card and the prior as text.
    unit, centre
        Of the design.
    level
        Whether it is a level of the outcome, shifted by ``centre``; None: only ``alpha`` is.
    """
    scaled = scaled_prior(key, parse_prior(text, where=key), unit)
    if (key == "alpha") if level is None else level:
        return Prior("normal", (scaled["mu"] + centre, scaled["sigma"]))
    return scaled


def prior_of(content: Content, key: str) -> Prior:
    """The prior of a parameter (a key of ``content.prior_keys``) in outcome units."""
    text = flat_priors(content.card)[content.prior_keys[key]]
    design = content.design
    level = content.is_level(key)
    return in_outcome_units(key, text, unit=design.unit, centre=design.centre, level=level)


def prior_text(prior: Prior) -> str:
    """A prior for readers: ``Normal(0, 0.5)``."""
    name = {
        "normal": "Normal",
        "half_normal": "HalfNormal",
        "half_student_t": "HalfStudentT",
        "exponential": "Exponential, mean",
        "gamma": "Gamma",
        "uniform": "Uniform",
        "lkj": "LKJ",
    }[prior.kind]
    return f"{name}({', '.join(f'{v:.3g}' for v in prior.values)})".replace("-", fmt.MINUS)


def prior_key(label: str, known: Collection[str]) -> str:
    """Key of a parameter's prior: ``gamma[conflict]`` has ``gamma``, ``sd_country[x]`` ``sd_country.x``."""
    found = re.fullmatch(r"([a-z_]+)(?:\[(.*)\])?", label)
    if found is None:
        return label
    name, inner = found.groups()
    if name.startswith("mu_"):
        return name.removeprefix("mu_")
    return f"{name}.{inner}" if inner and f"{name}.{inner}" in known else name
