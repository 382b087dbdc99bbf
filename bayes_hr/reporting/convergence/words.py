"""The answer of a convergence fit in words, by fixed rules that the report prints.

Kinks come first: with an intercept for each dyad and an effect for each year the rows tell slopes apart, and
only the priors say what they have in common.  The words speak of what goes with membership, not of what it
causes: who joins and who leaves was chosen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.estimands.convergence import ALL, EXITING
from bayes_hr.reporting.convergence.vocabulary import KINDS, QUANTITIES, UNITS, hypothesis_name
from bayes_hr.reporting.formats import NONE, count, interval, joined, percent, probability, signed
from bayes_hr.reporting.words import STRENGTH, size, word_for
from bayes_hr.reporting.words import rules as shared_rules

if TYPE_CHECKING:
    from bayes_hr.cards import ConvergenceCard
    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content

EVIDENCE: Final = (
    (150.0, "very strong evidence"),
    (20.0, "strong evidence"),
    (3.0, "positive evidence"),
    (1.0, "barely worth a mention"),
)
"""Least Bayes factor -> words (Kass & Raftery 1995); where it is below 1, its inverse is against."""

LEAST_ERROR: Final = 0.005
"""Monte Carlo error from which on it is printed beside a probability."""

SIGNATURES: Final = ("instrumental", "intrinsic", "both", "neither")
STYLE: Final = (
    "In the style of Weyrauch & Steinert (2021), Instrumental or intrinsic?; their specification is only "
    "partly public, and thresholds and model are this card's own."
)


def side(p_gt_0: float, *, down: str, up: str) -> str:
    """``very strong evidence that distance drops at entry``, from the probability of a positive value."""
    if not math.isfinite(p_gt_0):
        return "nothing can be said of its direction"
    certainty = max(p_gt_0, 1.0 - p_gt_0)
    if certainty < STRENGTH[-2][0]:
        return "no clear sign of a change in either direction"
    return f"{word_for(STRENGTH, certainty)} that {up if p_gt_0 >= 0.5 else down}"


def change_size(p_rope: float) -> str:
    """What the probability of a negligible change amounts to."""
    return size(p_rope).replace("effect", "change")


def figures(row: Any, digits: int) -> str:
    """``89 % interval −0.14 to −0.05; probability below zero >.99; of a negligible change <.01``."""
    return (
        f"{percent(row.ci_prob)} interval {interval(row.lb, row.ub, digits)}; probability below zero "
        f"{probability(1.0 - row.p_gt_0)}; probability of a negligible change {probability(row.p_rope)}"
    )


def sentence(row: Any, *, noun: str, digits: int, flag: str = "") -> str:
    """One estimand in words, with its figures, and the flag of the identification table if there is one."""
    quantity = QUANTITIES[row.estimand]
    who = _who(row)
    told = side(row.p_gt_0, down=quantity.down.format(d=noun), up=quantity.up.format(d=noun))
    out = (
        f"{quantity.label}{who} ({quantity.definition}): {signed(row.mean, digits)} "
        f"{UNITS[quantity.per_decade]} ({figures(row, digits)}): {told}; {change_size(row.p_rope)}."
    )
    return f"{out} Flagged: {flag}." if flag else out


def _who(row: Any) -> str:
    """Of whom the value is, where that is not every dyad."""
    if row.level == EXITING or row.estimand == "jump_exit":
        return f", {row.note.split(';')[0]}" if row.note else ", dyads that exit"
    return "" if row.level == ALL else f", {row.level} IGOs"


def answer(content: Content) -> list[tuple[str, list[str]]]:
    """The answer: how to read it, kinks, jumps, slopes, hypotheses; a heading and sentences for each."""
    out = [("How to read the numbers", reading(content))]
    for kind, title in KINDS.items():
        told = [
            sentence(row, noun=content.noun, digits=content.digits, flag=content.flag(name)[0])
            for name in content.quantities
            if QUANTITIES[name].kind == kind
            for row in content.of(name, "all").itertuples()
        ]
        out.append((kind_title(content, kind, title), told))
    out.append(("Instrumental or intrinsic?", hypothesis_sentences(content)))
    return [(title, told) for title, told in out if told]


def kind_title(content: Content, kind: str, title: str) -> str:
    """Title of a kind of quantity; slopes that lean on the priors are called so."""
    return f"{title}, conditional on the priors" if kind == "slope" and content.slopes_conditional else title


def reading(content: Content) -> list[str]:
    """What sign, kink and membership mean in this fit."""
    card = content.card
    out = [
        f"Negative means convergence: {content.noun} between a state and its co-members falls. A dyad is a "
        "pair of a state and an IGO; a kink is a change of slope from one phase to the next, a jump a change "
        "of level. The numbers say what goes with membership, not what membership causes."
    ]
    if content.slopes_conditional:
        out.append(
            "Kinks come first: with an intercept for each dyad and an effect for each year the data identify "
            "only differences between slopes. What all slopes share cannot be told from calendar time, so "
            "the slopes themselves are conditional on the prior of the year effects."
        )
    if card.state_years.effects == "ar1":
        out.append(
            "This model has an effect for each state and year. What moves a state's distances to all of its "
            "IGOs at once is therefore set aside: the estimates measure alignment with this IGO relative to "
            "the state's other IGOs of the same year, not its total alignment."
        )
    else:
        out.append(
            "This model has no effect for each state and year: the estimates measure total alignment, and "
            "count one change of a state's score once for each of its IGOs."
        )
    return out


def headline(content: Content) -> str:
    """How many kinks and jumps show strong evidence, in one sentence."""
    parts, strong = [], []
    for kind in ("kink", "jump"):
        names = [n for n in content.quantities if QUANTITIES[n].kind == kind]
        rows = [r for n in names for r in content.of(n, "all").itertuples() if r.level == ALL]
        if not rows:
            continue
        found = [r for r in rows if max(r.p_gt_0, 1.0 - r.p_gt_0) > STRENGTH[1][0]]
        parts.append(f"{len(found) or 'none'} of {len(rows)} {kind}{'s' if len(rows) > 1 else ''}")
        strong += [_direction(r) for r in found]
    if not parts:
        return ""
    named = f" ({'; '.join(strong)})" if strong else ""
    return f"Strong evidence of a change in one direction (probability above .97): {joined(parts)}{named}."


def _direction(row: Any) -> str:
    """``kink at entry: towards the co-members``."""
    label = QUANTITIES[row.estimand].label
    where = "away from" if row.p_gt_0 >= 0.5 else "towards"
    return f"{label[0].lower()}{label[1:]}: {where} the co-members"


def hypothesis_sentences(content: Content) -> list[str]:
    """The joint signatures with posterior and prior probability and Bayes factor."""
    if content.hypotheses.empty:
        return []
    table = content.hypotheses.set_index("hypothesis")
    there = [name for name in SIGNATURES if name in table.index]
    if not there:
        return [f"{STYLE} No signature can be judged: in these rows a phase that it needs does not occur."]
    return [STYLE, *(_hypothesis(name, table.loc[name]) for name in there)]


def _hypothesis(name: str, row: Any) -> str:
    after = chance(row["probability"], row["mcse"])
    prior = chance(row["prior_probability"], row["prior_mcse"])
    return (
        f"{hypothesis_name(name)} ({row['statement']}): probability {after}, and {prior} under the priors "
        f"alone; Bayes factor {factor(row)}: {evidence(row)}."
    )


def chance(value: float, mcse: float) -> str:
    """A probability with its Monte Carlo error if that is .005 or more: ``.18 ± .02``."""
    shown = probability(value)
    if not (math.isfinite(value) and mcse >= LEAST_ERROR) or shown[0] in "<>":
        return shown
    return f"{shown} ± {max(mcse, 0.01):.2f}".replace("± 0.", "± .")


def factor(row: Any) -> str:
    """A Bayes factor with the interval of its Monte Carlo error; only a bound where draws give no more."""
    value, lower, upper = (row[f"bayes_factor{s}"] for s in ("", "_lb", "_ub"))
    if value == 0:
        return f"below {ratio(upper)}"
    if math.isinf(value):
        return f"above {ratio(lower)}"
    if not math.isfinite(value):
        return NONE
    return f"{ratio(value)} ({ratio(lower)} to {ratio(upper)})"


def ratio(value: float) -> str:
    """A positive ratio with two or three figures."""
    if not math.isfinite(value):
        return NONE
    if value >= 9.95:
        return f"more than {count(1e4)}" if value > 1e4 else count(value)
    if value < 0.001:
        return "less than 0.001"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}" if value >= 0.095 else f"{value:.3f}"


def evidence(row: Any) -> str:
    """Words for a Bayes factor, by the end of its interval that is nearer 1."""
    lower, upper = float(row["bayes_factor_lb"]), float(row["bayes_factor_ub"])
    if not (math.isfinite(lower) and upper > 0):
        return "the draws do not tell"
    if lower <= 1.0 <= upper:
        return "neither for nor against it"
    for_it = lower > 1.0
    strength = next(word for least, word in EVIDENCE if (lower if for_it else 1.0 / upper) >= least)
    if strength == EVIDENCE[-1][1]:
        return f"{'for' if for_it else 'against'} it, {strength}"
    return f"{strength} {'for' if for_it else 'against'} it"


def evidence_rules() -> list[tuple[str, str]]:
    """Rules for Bayes factors, as condition and words."""
    out, upper = [], ""
    for least, word in EVIDENCE:
        out.append((f"Bayes factor, or its inverse, above {least:g}{upper}", word))
        upper = f" and up to {least:g}"
    where = "taken at the end of its interval that is nearer 1; if that holds 1, nothing is said"
    return [*out, ("a Bayes factor is", where)]


def identification_sentences(content: Content) -> list[str]:
    """Which estimands the data say little of."""
    table = content.identification
    if table.empty:
        return []
    flagged = table[table["flag"] != ""]
    if flagged.empty:
        return ["No estimand is flagged: the data say more of each than the priors do."]
    names = [
        f"{QUANTITIES[r.estimand].label if r.estimand in QUANTITIES else r.estimand} ({r.flag})"
        for r in flagged.itertuples()
    ]
    return [
        f"Flagged: {joined(names)}. A flagged number is not wrong; it depends on the priors of this card as "
        "well as on the data, and other reasonable priors would move it."
    ]


def no_sensitivity(content: Content) -> str:
    """Why there are no estimates without the dyads that have no before; empty if there are."""
    if len(content.sensitivity):
        return ""
    if content.card.igo.dyads == "with_before":
        return "This card uses only dyads that have a year before entry (igo.dyads)."
    if (content.dyads["before"] > 0).all():
        return "Every dyad has a year before entry."
    return (
        "Not made here: estimates from the dyads alone that have a year before entry. For a card of real "
        "data bayes_hr.fit makes them unless companions = False; by hand, fit the card again with "
        '[igo] dyads = "with_before".'
    )


def rules(card: ConvergenceCard) -> list[tuple[str, str]]:
    """All rules by which the words are chosen, as condition and words."""
    shared = [(a.replace("effect", "change"), b.replace("effect", "change")) for a, b in shared_rules(card)]
    return [*shared, *evidence_rules()]
