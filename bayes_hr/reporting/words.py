"""The answer in words, and the warnings that go with it.

The words follow fixed rules (:data:`STRENGTH`, :data:`SIZE`), printed in the report.  They speak of what
goes with ratification, not of what it causes: who ratifies, and when, was chosen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.checks.result import FAIL, PASS
from bayes_hr.reporting.formats import count, interval, joined, percent, probability, signed

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.cards import Card
    from bayes_hr.checks.result import Verdict
    from bayes_hr.reporting.content import Content

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

FROM_PRIOR: Final = "effect from the prior"
VERDICT: Final = {
    "PASS": "The sampler's and the model's own checks raise no objection.",
    "REVIEW": "Usable with care: read the reasons below before quoting a number.",
    "FAIL": "Do not use any number on this page. The computation, or the design, did not work.",
}


def strength(p_gt_0: float) -> str:
    """``some evidence of an increase`` and the like, from the probability of an effect above zero."""
    if not math.isfinite(p_gt_0):
        return "nothing can be said of its direction"
    side = "an increase" if p_gt_0 >= 0.5 else "a decrease"
    certainty = max(p_gt_0, 1.0 - p_gt_0)
    if certainty < STRENGTH[-2][0]:
        return "no clear sign of a change in either direction"
    return f"{_word(STRENGTH, certainty)} of {side}"


def size(p_rope: float) -> str:
    """What the probability of a negligible effect amounts to."""
    if not math.isfinite(p_rope):
        return "its size is not known"
    return _word(SIZE, p_rope)


def _word(rules: tuple[tuple[float, str], ...], value: float) -> str:
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
    negligible = f"between {interval(card.rope.lower, card.rope.upper)} on the scale of the outcome"
    return [*out, ("negligible (region of practical equivalence)", negligible)]


def figures(row: Any, digits: int) -> str:
    """``89 % interval −0.02 to 0.14; probability above zero .87; probability of a negligible effect .79``."""
    return (
        f"{percent(row.ci_prob)} interval {interval(row.lb, row.ub, digits)}; "
        f"probability above zero {probability(row.p_gt_0)}; "
        f"probability of a negligible effect {probability(row.p_rope)}"
    )


def average_sentence(row: Any, *, treaty: str, scale: str, digits: int) -> str:
    """One average effect in words."""
    who = {"all countries": f"Over all {row.note}", "switching countries": f"Over the {row.note}"}
    start = f"{who.get(row.level, f'Over {row.level}')}, ratification of {treaty} goes with"
    return (
        f"{start} an average change of {signed(row.mean, digits)} on the {scale} ({figures(row, digits)}): "
        f"{_verbal(row)}."
    )


def class_sentence(row: Any, *, treaty: str, scale: str, digits: int) -> str:
    """The effect in one regime class in words; a class without a switch is said to restate the prior."""
    where = class_phrase(row.level)
    start = f"{where[0].upper()}{where[1:]} ratification of {treaty} goes with a change of"
    told = f"{start} {signed(row.mean, digits)} on the {scale} ({figures(row, digits)})"
    if FROM_PRIOR in row.note:
        return (
            f"{told}; no country of this class ratifies within the rows used, so this only restates the "
            "prior."
        )
    return f"{told}: {_verbal(row)}."


def contrast_sentence(row: Any, *, digits: int) -> str:
    """The difference between two classes in words."""
    comparison = "larger" if row.p_gt_0 >= 0.5 else "smaller"
    if max(row.p_gt_0, 1 - row.p_gt_0) < STRENGTH[-2][0]:
        verbal = "no clear sign that the two differ"
    else:
        certainty = _word(STRENGTH, max(row.p_gt_0, 1 - row.p_gt_0))
        verbal = f"{certainty} that the change is {comparison} in the first"
    return (
        f"{row.level[0].upper()}{row.level[1:]} minus {row.reference}: {signed(row.mean, digits)} "
        f"({figures(row, digits)}); {verbal}."
    )


def class_phrase(level: str) -> str:
    """``in stable autocracies``, ``in transition regimes``, ``in countries without a regime score``."""
    known = {
        "stable autocracy": "in stable autocracies",
        "stable democracy": "in stable democracies",
        "transition": "in transition regimes",
        "no score": "in countries without a regime score",
        "all countries": "in all countries",
    }
    return known.get(level, f"in the class {level}")


def _verbal(row: Any) -> str:
    return f"{strength(row.p_gt_0)}; {size(row.p_rope)}"


def headline(content: Content) -> str:
    """How many classes and contrasts show strong evidence, in one sentence."""
    parts, strong = [], []
    for estimand, one, many in (
        ("tau", "regime class", "regime classes"),
        ("contrast", "contrast", "contrasts"),
    ):
        table = content.of(estimand)
        if table.empty:
            continue
        found = table[(table["p_gt_0"] > STRENGTH[1][0]) | (table["p_gt_0"] < 1 - STRENGTH[1][0])]
        parts.append(
            f"{'none' if found.empty else len(found)} of {len(table)} {one if len(table) == 1 else many}"
        )
        strong += [effect_name(row) for row in found.itertuples()]
    if not parts:
        return ""
    named = f" ({joined(strong)})" if strong else ""
    return f"Strong evidence of a change in one direction (probability above .97): {joined(parts)}{named}."


def effect_name(row: Any) -> str:
    """``transition``, or ``transition − stable democracy`` for a contrast."""
    return f"{row.level} − {row.reference}" if row.estimand == "contrast" else str(row.level)


def answer(content: Content) -> list[tuple[str, list[str]]]:
    """The answer in words: a heading and sentences for averages, classes and contrasts."""
    treaty, digits = content.card.treatment.name, content.digits
    scale = short_scale(content.scale)
    out = [
        (
            "On average",
            [
                average_sentence(r, treaty=treaty, scale=scale, digits=digits)
                for r in content.of("average").itertuples()
            ],
        ),
        (
            "By regime class",
            [
                class_sentence(r, treaty=treaty, scale=scale, digits=digits)
                for r in content.of("tau").itertuples()
            ],
        ),
        (
            "Contrasts between classes",
            [contrast_sentence(r, digits=digits) for r in content.of("contrast").itertuples()],
        ),
    ]
    return [(title, sentences) for title, sentences in out if sentences]


def short_scale(label: str) -> str:
    """``latent score`` for the labels of the latent protection scores, which the page spells out once."""
    return "latent score" if label.startswith("latent human-rights protection score") else label


def opening(verdict: Verdict) -> str:
    """The words before all others: a warning if the fit failed."""
    if verdict.status != FAIL:
        return ""
    return "The checks failed. The sentences below describe numbers that must not be used."


def warnings(card: Card) -> list[tuple[str, str]]:
    """Boxes that stand before the answer: errors taken as independent, and the card's own caution."""
    out = []
    if card.error.kind == "iid":
        text = (
            "This model takes the errors of successive years as independent. Human-rights scores persist "
            "from year to year, so these intervals are too narrow and the probabilities too extreme; "
            "ratification years dealt out at random can look like effects. "
            'Use a card with error.kind = "ar1" for any conclusion.'
        )
        out.append(("Independent errors: for comparison only", text))
    if card.caution:
        out.append(("Caution of this card", card.caution))
    return out


def verdict_line(verdict: Verdict) -> str:
    """One sentence on what the verdict means."""
    checks = f"{count(sum(c.status == PASS for c in verdict.checks))} of {len(verdict.checks)} checks passed."
    return f"{VERDICT[verdict.status]} {checks}"


def reference_sentences(table: pd.DataFrame, n: int) -> list[str]:
    """What the permuted-ratification reference says, with its own limits."""
    least = 1.0 / (n + 1)
    spread = table[table["estimand"] == "SD of country effects"]
    effects = table[table["estimand"] != "SD of country effects"]
    excluded = float(effects["excludes_0"].mean())
    out = [
        f"Ratification years were dealt out anew {n} times across the countries of a class, among years in "
        "which a country could ratify, and the model was fitted again. What it then finds, it finds "
        "without any effect of ratification.",
        f"{percent(round(100 * excluded) / 100)} of the permuted {percent(effects['ci_prob'].iloc[0])} "
        "intervals exclude zero; well-calibrated intervals would do so in "
        f"{percent(round(1 - effects['ci_prob'].iloc[0], 4))} of cases.",
    ]
    if not spread.empty:
        row = spread.iloc[0]
        out.append(
            f"The SD of country effects is {row['mean']:.2f} with the real years and "
            f"{row['permuted_mean']:.2f} on average with permuted ones, which have no effect to find."
        )
    if n < 100:
        out.append(
            f"With {n} refits the smallest possible p-value is {probability(least)}: a first look, not a "
            "test. 100 refits or more are needed to quote one."
        )
    return out


def limitations(card: Card, *, simulated: bool) -> list[str]:
    """What this analysis cannot say."""
    treaty = card.treatment.name
    out = [
        f"Ratification of {treaty} is chosen, not assigned. The effects are changes that go with it, given "
        "the controls, country levels and year effects above; reading them as caused by ratification needs "
        "the assumption that nothing else that moves the outcome changed with it.",
        "The effect is taken as a constant shift from its first year on. A slow build-up, anticipation "
        "before ratification, or a fading effect is averaged into one number.",
        _measurement(card),
    ]
    mediators = [c.label for c in card.population if c.mediator]
    if mediators:
        out.append(
            f"Controls that ratification may itself change are held fixed ({joined(mediators)}): what "
            "works through them is left out of the effect. A companion fit without them shows how much "
            "that is."
        )
    if card.regime.rule in {"whole_history", "window"} and not simulated:
        out.append(
            "Regime classes use a window of years that may lie after ratification: they may condition on "
            "the future."
        )
    out.append(
        "A country's own effect is pulled towards its class's average; most countries have one "
        "ratification and few years around it. Ranks are uncertain, and countries that never or always "
        "ratify tell nothing of their own effect."
    )
    out.append(
        f"Treaties are ratified in clusters: this fit has {treaty} only, so an effect of others ratified "
        "at about the same time would be counted as its own."
    )
    if simulated:
        out.append("The data are simulated: they show what the model can find, and nothing about the world.")
    return out


def _measurement(card: Card) -> str:
    """What is left out about how the outcome was measured."""
    if "hrps" not in card.outcome.name and "latent" not in card.outcome.label:
        return "Error in measuring the outcome is not modelled; if it persists, intervals are too narrow."
    return (
        "The latent score is the posterior mean of a measurement model that shrinks it and does not know of "
        "ratification. Its standard error is not used here: measurement error that is correlated over years "
        "can make these intervals too narrow. The changing standard of reporting, which the score corrects "
        "for, is itself disputed (Cingranelli & Filippov 2018)."
    )
