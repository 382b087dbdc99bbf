"""The answer of a ratification fit in words, and the warnings that go with it.

The words follow fixed rules, printed in the report.  They speak of what goes with ratification, not of what
it causes: who ratifies, and when, was chosen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.estimands.probabilities import ALL_ROWS
from bayes_hr.reporting.formats import joined, signed
from bayes_hr.reporting.ratification import dynamics, mundlak, standard
from bayes_hr.reporting.words import INDEPENDENT, STRENGTH, figures, measurement, short_scale, size, word_for

if TYPE_CHECKING:
    from bayes_hr.cards import RatificationCard as Card
    from bayes_hr.reporting.ratification.content import RatificationContent as Content

FROM_PRIOR: Final = "effect from the prior"


def strength(p_gt_0: float) -> str:
    """``some evidence of an increase`` and the like, from the probability of an effect above zero."""
    if not math.isfinite(p_gt_0):
        return "nothing can be said of its direction"
    side = "an increase" if p_gt_0 >= 0.5 else "a decrease"
    certainty = max(p_gt_0, 1.0 - p_gt_0)
    if certainty < STRENGTH[-2][0]:
        return "no clear sign of a change in either direction"
    return f"{word_for(STRENGTH, certainty)} of {side}"


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
            f"{told}; no country ratifies while in this class within the rows used, so this only restates "
            "the prior."
        )
    return f"{told}: {_verbal(row)}."


def contrast_sentence(row: Any, *, digits: int) -> str:
    """The difference between two classes in words."""
    comparison = "larger" if row.p_gt_0 >= 0.5 else "smaller"
    if max(row.p_gt_0, 1 - row.p_gt_0) < STRENGTH[-2][0]:
        verbal = "no clear sign that the two differ"
    else:
        certainty = word_for(STRENGTH, max(row.p_gt_0, 1 - row.p_gt_0))
        verbal = f"{certainty} that the change is {comparison} in the first"
    return (
        f"{row.level[0].upper()}{row.level[1:]} minus {row.reference}: {signed(row.mean, digits)} "
        f"({figures(row, digits)}); {verbal}."
    )


def probability_sentence(row: Any, *, treaty: str) -> str:
    """The average change of one probability over all ratified rows in words."""
    return (
        f"Over the {row.note}, ratification of {treaty} goes with an average change of "
        f"{signed(row.mean, 3)} in {row.reference.replace('>=', '≥')} ({figures(row, 3)}): {_verbal(row)}."
    )


def class_phrase(level: str) -> str:
    """``in stable autocracies``, ``in transition regimes``, ``where there is no regime score``."""
    known = {
        "stable autocracy": "in stable autocracies",
        "stable democracy": "in stable democracies",
        "transition": "in transition regimes",
        "no score": "where there is no regime score",
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
        strong += [content.row_name(row) for row in found.itertuples()]
    if not parts:
        return ""
    named = f" ({joined(strong)})" if strong else ""
    return f"Strong evidence of a change in one direction (probability above .97): {joined(parts)}{named}."


def answer(content: Content) -> list[tuple[str, list[str]]]:
    """The answer in words: a heading and sentences for averages, classes, contrasts and probabilities."""
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
    lasting = [
        dynamics.long_run_sentence(r, content.row_name(r), digits)
        for r in content.of("long_run").itertuples()
    ]
    out.append(("In the long run, if an effect lasts", lasting))
    found = content.of("probability")
    if not found.empty:
        chosen = found[(found["level"] == ALL_ROWS) & found["reference"].str.contains(">=")]
        sentences = [probability_sentence(r, treaty=treaty) for r in chosen.itertuples()]
        out.append(("Probabilities of the categories", sentences))
    out = [(title, sentences) for title, sentences in out if sentences]
    return dynamics.first_year(out) if content.card.dynamics.lagged_outcome else out


def warnings(card: Card) -> list[tuple[str, str]]:
    """Boxes that stand before the answer: errors taken as independent, and the card's own caution."""
    out = []
    if card.dynamics.lagged_outcome:
        out.append(dynamics.warning(card))
    elif card.error.kind == "iid":
        text = f"{INDEPENDENT} " + (
            "Errors of ordered categories cannot be AR(1) here: hold a Gaussian outcome with "
            'error.kind = "ar1" beside it before any conclusion.'
            if card.outcome.ordinal
            else 'Use a card with error.kind = "ar1" for any conclusion.'
        )
        out.append(("Independent errors: for comparison only", text))
    if card.outcome.moving:
        out.append(standard.warning())
    if card.error.measurement_sd:
        text = (
            f"Every score is taken as measured with independent normal error whose SD is "
            f"{card.error.measurement_sd}. Errors of latent scores resemble each other from year to year, "
            "which this leaves to the model's own errors; and a score that was shrunk by a measurement model "
            "without ratification in it stays shrunk. Hold the same card without error.measurement_sd "
            "beside it."
        )
        out.append(("Measurement error: an approximation", text))
    if card.caution:
        out.append(("Caution of this card", card.caution))
    return out


def limitations(card: Card, *, simulated: bool, changing: bool) -> list[str]:
    """What this analysis cannot say; ``changing``: the class of some country changes."""
    treaty = card.treatment.name
    out = [
        f"Ratification of {treaty} is chosen, not assigned. The effects are changes that go with it, given "
        "the controls, country levels and year effects above; reading them as caused by ratification needs "
        "the assumption that nothing else that moves the outcome changed with it.",
        f"The effect is taken as a constant {'push' if card.dynamics.lagged_outcome else 'shift'} from its "
        "first year on. A slow build-up, anticipation before ratification, or a fading effect is averaged "
        "into one number.",
        measurement(card, "ratification"),
    ]
    out += standard.limitations(card)
    if "trend" in card.groups[0].terms:
        out.append(
            "Every country has a straight trend of its own: an effect that builds up slowly looks like one "
            "and is taken for it, so the effects above are departures from a straight line."
        )
    out += [*dynamics.limitations(card), *mundlak.limitations(card)]
    mediators = [c.label for c in card.population if c.mediator]
    if mediators:
        out.append(
            f"Controls that ratification may itself change are held fixed ({joined(mediators)}): what "
            "works through them is left out of the effect. A companion fit without them shows how much "
            "that is."
        )
    if changing:
        out.append(
            "Regime classes change over the years, and ratification may itself change them: what works "
            "through the class is left out of the effect, which compares years of a class with years of the "
            "same class. A country's effect is averaged over the classes of its years after ratification; "
            "the permuted reference deals years out among countries whose first class was the same."
        )
    if card.regime.rule in {"whole_history", "window"} and not simulated:
        out.append(
            "Regime classes use a window of years that may lie after ratification: they may condition on "
            "the future."
        )
    out.append(
        f"A country's own effect is pulled towards the average of its {'classes' if changing else 'class'}; "
        "most countries have one ratification and few years around it. Ranks are uncertain, and countries "
        "that never or always ratify tell nothing of their own effect."
    )
    out.append(
        f"Treaties are ratified in clusters: this fit has {treaty} only, so an effect of others ratified "
        "at about the same time would be counted as its own."
    )
    if simulated:
        out.append("The data are simulated: they show what the model can find, and nothing about the world.")
    return out
