"""What all reports say in the same words: how strong the evidence is, how large, and what the verdict means.

The words follow fixed rules (:data:`STRENGTH`, :data:`SIZE`), printed in the report.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.checks.result import FAIL, NOT_APPLICABLE, PASS
from bayes_hr.reporting.formats import count, interval, percent, probability

if TYPE_CHECKING:
    from bayes_hr.cards import Card
    from bayes_hr.checks.result import Verdict

STRENGTH: Final = (
    (0.99, "very strong evidence"),
    (0.97, "strong evidence"),
    (0.90, "some evidence"),
    (0.75, "a weak sign"),
    (0.0, "no clear sign"),
)
"""Least probability that the effect lies on the side named -> words."""

SIZE: Final = (
    (0.95, "the effect is negligible"),
    (0.75, "the effect is probably negligible"),
    (0.25, "the data do not settle whether it is negligible"),
    (0.05, "it is probably not negligible"),
    (0.0, "it is not negligible"),
)
"""Least probability of lying in the region of practical equivalence -> words."""

VERDICT: Final = {
    "PASS": "The sampler's and the model's own checks raise no objection.",
    "REVIEW": "Usable with care: read the reasons below before quoting a number.",
    "FAIL": "Do not use any number on this page. The computation, or the design, did not work.",
}

INDEPENDENT: Final = (
    "This model takes the errors of successive years as independent. Human-rights scores persist from year "
    "to year: taken as independent, they make intervals of pooled effects too narrow or, where countries "
    "have effects of their own, the spread of these too large; ratification years dealt out at random can "
    "look like effects."
)
"""What a card with independent errors must say before its answer."""


def size(p_rope: float) -> str:
    """What the probability of a negligible effect amounts to."""
    if not math.isfinite(p_rope):
        return "its size is not known"
    return word_for(SIZE, p_rope)


def word_for(rules: tuple[tuple[float, str], ...], value: float) -> str:
    """The words of the first rule that a probability meets."""
    return next((word for least, word in rules if value >= least), rules[-1][1])


def rules(card: Card) -> list[tuple[str, str]]:
    """The rules by which the words are chosen, as condition and words."""
    out = []
    for table, what in (
        (STRENGTH, "probability of the side named"),
        (SIZE, "probability of a negligible effect"),
    ):
        upper = ""
        for least, word in table:
            bounds = [f"at least {probability(least)}"] * (least > 0) + [f"below {upper}"] * bool(upper)
            out.append((f"{what} {' and '.join(bounds)}", word))
            upper = probability(least)
    scale = card.outcome.effect_scale if card.outcome.ordinal else "scale of the outcome"
    negligible = f"between {interval(card.rope.lower, card.rope.upper)} on the {scale}"
    if card.outcome.ordinal:
        small = card.rope.probability
        negligible += f"; a change of a probability between {interval(-small, small)}"
    return [*out, ("negligible (region of practical equivalence)", negligible)]


def figures(row: Any, digits: int) -> str:
    """``89 % interval −0.02 to 0.14; probability above zero .87; probability of a negligible effect .79``."""
    return (
        f"{percent(row.ci_prob)} interval {interval(row.lb, row.ub, digits)}; "
        f"probability above zero {probability(row.p_gt_0)}; "
        f"probability of a negligible effect {probability(row.p_rope)}"
    )


def short_scale(label: str) -> str:
    """``latent score`` for the labels of the latent protection scores, which the page spells out once."""
    return "latent score" if label.startswith("latent human-rights protection score") else label


def opening(verdict: Verdict) -> str:
    """The words before all others: a warning if the fit failed."""
    if verdict.status != FAIL:
        return ""
    return "The checks failed. The sentences below describe numbers that must not be used."


def verdict_line(verdict: Verdict) -> str:
    """One sentence on what the verdict means."""
    made = [c for c in verdict.checks if c.status != NOT_APPLICABLE]
    passed = f"{count(sum(c.status == PASS for c in made))} of {len(made)} checks passed."
    return f"{VERDICT[verdict.status]} {passed}"


def measurement(card: Card, unknown: str) -> str:
    """What is left out of how the outcome was measured; the score's own model does not know ``unknown``."""
    if "hrps" not in card.outcome.name and "latent" not in card.outcome.label:
        return "Error in measuring the outcome is not modelled; if it persists, intervals are too narrow."
    return (
        "The latent score is the posterior mean of a measurement model that shrinks it and does not know of "
        f"{unknown}. Its standard error is not used here: measurement error that is correlated over years "
        "can make these intervals too narrow. The changing standard of reporting, which the score corrects "
        "for, is itself disputed (Cingranelli & Filippov 2018)."
    )
