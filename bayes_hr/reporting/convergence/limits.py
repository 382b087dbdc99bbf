"""Warnings before the answer of a convergence fit, and what it cannot say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bayes_hr.convergence_design import SIGNED
from bayes_hr.reporting.formats import count, number, percent
from bayes_hr.reporting.words import measurement

if TYPE_CHECKING:
    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content

FIVE_YEARLY: Final = 1965
"""Until then the COW records of membership are five-yearly."""

_JUMP: Final = re.compile(r"loses ([\d.]+)% of its distance \(([\d.]+)\)")


def mechanical_jump(content: Content) -> tuple[float, float] | None:
    """Share and size of the fall at entry that an inclusive mean makes by itself, from the panel's notes.

    Returns
    -------
    tuple or None
        Share of the distance (0 to 1) and size in units of the score, both positive; None if no note has it.
    """
    for note in content.design.merge.notes:
        if found := _JUMP.search(note):
            return float(found.group(1)) / 100, float(found.group(2))
    return None


def warnings(content: Content) -> list[tuple[str, str]]:
    """Boxes that stand before the answer."""
    card = content.card
    out = []
    if card.time.effects == "none" and card.igo.standardise == "none":
        text = (
            "Without year effects the spread of the whole world counts: if all states' scores draw together "
            "or fan out, distances to co-members fall or grow without any IGO. Use time.effects = "
            '"unpooled", or igo.standardise = "year", for any conclusion.'
        )
        out.append(("No year effects: world trends pass for convergence", text))
    if card.state_years.effects == "none":
        text = (
            "A state has one score a year, and it enters the rows of all of its IGOs. Without an effect for "
            "each state and year these rows count as independent: intervals are far too narrow and "
            "probabilities too extreme."
        )
        out.append(("No state-year effects: for comparison only", text))
    if card.igo.mean == "inclusive":
        out.append(("Inclusive mean: part of any fall at entry is arithmetic", inclusive_text(content)))
    if card.outcome.name == SIGNED:
        text = (
            "The gap is turned so that it was positive before entry. Dyads are thereby chosen for a large "
            "gap, and what was large by chance comes back by itself: regression to the mean looks like "
            "convergence. Compare with the distance."
        )
        out.append(("Signed gap: regression to the mean", text))
    if "dyad" not in {g.name for g in card.groups}:
        text = (
            "Without an intercept for each dyad the states that are seen before entry are compared with "
            "others during and after: differences between states pass for changes."
        )
        out.append(("No dyad intercepts: different states are compared", text))
    return [*out, *([("Caution of this card", card.caution)] if card.caution else [])]


def inclusive_text(content: Content) -> str:
    """What the mechanical jump is, and how large it is here."""
    found = mechanical_jump(content)
    here = (
        f" Here a state that never moves loses {percent(round(100 * found[0], 1) / 100)} of its distance at "
        f"entry, {number(found[1], 3)} score units on average: a jump of {number(-found[1], 3)} by "
        "arithmetic alone."
        if found
        else ""
    )
    return (
        "The mean counts the state itself once it is a member. With n other members its distance then "
        "shrinks by the share 1/(n + 1) at the moment of entry, whatever the state does, and grows back on "
        f"leaving.{here} The leave-one-out mean has no such jump."
    )


def limitations(content: Content) -> list[str]:
    """What this analysis cannot say."""
    out = [
        "States choose their IGOs and IGOs their members. The estimates are changes that go with membership; "
        "reading them as caused by it needs the assumption that nothing else that moves the score changed "
        "with entry or exit.",
        *_of_the_model(content),
        *_of_the_outcome(content),
        *_of_the_rows(content),
        "In the style of Weyrauch & Steinert (2021): their specification is only partly public, so agreement "
        "or disagreement with their findings is no test of them.",
        "Entry and exit years were not dealt out anew (a placebo): how often persistent scores without any "
        "alignment would give such numbers is not shown here.",
    ]
    if content.simulated:
        out.append("The data are simulated: they show what the model can find, and nothing about the world.")
    return out


def _of_the_model(content: Content) -> list[str]:
    """Identification, lines in each phase, state-years."""
    card = content.card
    out = []
    if content.slopes_conditional:
        out.append(
            "Identification: with dyad and year effects only kinks, differences between slopes, are "
            "identified by the data. The slopes themselves are conditional on the prior of the year effects, "
            "and so are the hypotheses that are about slopes."
        )
    out.append(
        "Each phase has a straight line. A quick adjustment after entry followed by standstill looks partly "
        "like a jump and partly like a slope; anticipation in the last years before entry is averaged into "
        "the slope before."
    )
    if card.state_years.effects == "ar1":
        out.append(
            "Pseudo-replication: a state has one score a year and sits in many IGOs. The state-year effects "
            "take up what all of its distances share; a move towards one IGO that is a move away from "
            "another leaves dependence between rows that the model does not know."
        )
    return out


def _of_the_outcome(content: Content) -> list[str]:
    """How distance is made, and what moves it beside the state."""
    card = content.card
    out = [_of_the_mean(content)]
    if card.igo.standardise == "none":
        out.append(
            "Global compression and fanning: the spread of scores between states changes over time. Year "
            "effects take out what all distances share in a year, but not a fanning out in proportion to the "
            "distance. Compare with scores standardised within each year (igo.standardise)."
        )
    if card.igo.mean != "frozen":
        out.append(
            "Composition: distance also changes when co-members move, join or leave. This fit does not "
            'separate them; the mean of those who were members at entry (igo.mean = "frozen") holds the '
            "composition still."
        )
    if card.outcome.name != SIGNED:
        out.append(
            "Folding: a distance has no sign, so noise in the score makes small distances look larger than "
            "they are, and hides moves that cross the mean. The signed gap is a companion."
        )
    return [*out, measurement(card, "membership")]


def _of_the_mean(content: Content) -> str:
    """Mechanical convergence."""
    if content.card.igo.mean == "inclusive":
        return f"Mechanical convergence: {inclusive_text(content)[0].lower()}{inclusive_text(content)[1:]}"
    return (
        "Mechanical convergence: the state is left out of the mean of its co-members. With itself in it, its "
        "distance to n others would shrink by the share 1/(n + 1) at entry by arithmetic alone."
    )


def _of_the_rows(content: Content) -> list[str]:
    """Dyads without a before, entries that are not dated, few exits."""
    dyads = content.dyads
    none = dyads[dyads["before"] == 0]
    out = []
    if len(none):
        out.append(
            f"{count(len(none))} of {count(len(dyads))} dyads have no row before entry "
            f"({count(none['founder'].sum())} of them founders of their IGO, "
            f"{count(none['left_censored'].sum())} members already when the records begin, so that their "
            "entry is only a bound). What these dyads did before is borrowed from the others."
        )
    if not content.simulated and not content.own_data and content.design.merge.years[0] < FIVE_YEARLY:
        out.append(
            f"The Correlates of War records of membership are five-yearly before {FIVE_YEARLY}: entries of "
            "those years may be dated several years late, which blurs jumps and kinks at entry."
        )
    exits = int((dyads["after"] > 0).sum())
    out.append(
        f"Exits are few and selective: everything said of the years after exit rests on {count(exits)} "
        f"dyads of {count(len(dyads))}, and who leaves is not chance."
        if exits
        else "No dyad in these rows exits: nothing can be said of reversion or persistence after exit."
    )
    return out
