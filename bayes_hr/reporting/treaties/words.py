"""The answer of a fit of several treaties in words, and what it cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_hr.estimands.treaties import AMONG, BEYOND, FROM_PRIOR
from bayes_hr.reporting.formats import joined, percent, probability, signed
from bayes_hr.reporting.ratification.words import class_phrase, strength
from bayes_hr.reporting.words import INDEPENDENT, STRENGTH, figures, measurement, short_scale, size

if TYPE_CHECKING:
    from bayes_hr.cards import TreatiesCard
    from bayes_hr.reporting.treaties.content import TreatiesContent as Content


def headline(content: Content) -> str:
    """How many treaties show strong evidence, in one sentence."""
    table = content.of("treaty")
    if table.empty:
        return ""
    found = table[(table["p_gt_0"] > STRENGTH[1][0]) | (table["p_gt_0"] < 1 - STRENGTH[1][0])]
    named = f" ({joined([str(level) for level in found['level']])})" if len(found) else ""
    count = "none" if found.empty else len(found)
    return (
        f"Strong evidence of a change in one direction (probability above .97), given the other treaties: "
        f"{count} of {len(table)} treaties{named}."
    )


def answer(content: Content) -> list[tuple[str, list[str]]]:
    """The answer in words: the mean, each treaty, the ranking, and how far they can be told apart."""
    out = [
        ("On average over treaties", [_mean(content, r) for r in content.of("mean").itertuples()]),
        ("Each treaty, given the others", [_treaty(content, r) for r in content.of("treaty").itertuples()]),
        ("Which is largest", _ranking(content)),
        ("By regime class", _classes(content)),
        ("How far they can be told apart", _separation(content)),
    ]
    return [(title, sentences) for title, sentences in out if sentences]


def _verbal(row: Any) -> str:
    return f"{strength(row.p_gt_0)}; {size(row.p_rope)}"


def _mean(content: Content, row: Any) -> str:
    names = joined(list(content.treaties))
    who = {AMONG: f"Over {names}, each with the same weight", BEYOND: "For a treaty like these"}[row.level]
    scale = short_scale(content.scale)
    return (
        f"{who}, one more ratification goes with a change of {signed(row.mean, content.digits)} on the "
        f"{scale} ({figures(row, content.digits)}): {_verbal(row)}."
    )


def _treaty(content: Content, row: Any) -> str:
    poor = set(content.separation.loc[content.separation["flag"] != "", "treaty"])
    caution = " (hard to tell from the others)" if row.level in poor else ""
    return (
        f"{row.level}{caution}: {signed(row.mean, content.digits)} ({figures(row, content.digits)}); "
        f"{_verbal(row)}."
    )


def _ranking(content: Content) -> list[str]:
    """The likeliest largest effect with its probability; never a rank alone."""
    if content.ranking is None:
        return []
    K = len(content.treaties)
    first = content.ranking.loc[content.ranking["p_largest"].idxmax()]
    p = float(first["p_largest"])
    out = (
        f"The largest effect is that of {first['treaty']} with probability {probability(p)} (by chance alone "
        f"{probability(1 / K)}); the {percent(0.89)} interval of its rank is {first['rank_lb']:.0f} to "
        f"{first['rank_ub']:.0f} of {K}."
    )
    return [out if p >= 0.75 else f"{out} The data do not settle which treaty's effect is largest."]


def _classes(content: Content) -> list[str]:
    """The treaties and classes with at least some evidence of a direction."""
    found = content.of("treaty_regime")
    if found.empty:
        return []
    least = STRENGTH[2][0]
    known = found[~found["note"].str.contains(FROM_PRIOR, regex=False)]
    clear = known[(known["p_gt_0"] >= least) | (known["p_gt_0"] <= 1 - least)]
    start = f"{len(clear)} of {len(known)} pairs of a treaty and a class in which a country ratifies show at "
    out = [f"{start}least some evidence of a direction (probability above {probability(least)})."]
    for row in clear.itertuples():
        treaty, label = str(row.level).split(": ", 1)
        told = f"{signed(row.mean, content.digits)} ({figures(row, content.digits)})"
        out.append(f"{treaty} {class_phrase(label)}: {told}; {_verbal(row)}.")
    return out


def _separation(content: Content) -> list[str]:
    table = content.separation
    out = []
    for row in table[table["flag"] != ""].itertuples():
        out.append(
            f"{row.treaty}: of what its ratifications vary within countries and class-years, "
            f"{percent(round(row.owed_to_others, 2))} is that of the other treaties (most alike: "
            f"{row.closest}, correlation {row.closest_r:.2f}); its own effect leans on the pooling."
        )
    return out or ["Each treaty's ratifications vary enough on their own to be told from the others'."]


def warnings(card: TreatiesCard) -> list[tuple[str, str]]:
    """Boxes that stand before the answer."""
    out = []
    if card.error.kind == "iid":
        text = f'{INDEPENDENT} Use a card with error.kind = "ar1" for any conclusion.'
        out.append(("Independent errors: for comparison only", text))
    if card.caution:
        out.append(("Caution of this card", card.caution))
    return out


def limitations(card: TreatiesCard) -> list[str]:
    """What this analysis cannot say."""
    out = [
        "Ratification is chosen, not assigned. The effects are changes that go with it, given the other "
        "treaties, controls, country levels and year effects; reading them as caused by ratification needs "
        "the assumption that nothing else that moves the outcome changed with it.",
        "Effects of treaties add up: the model has no interaction, so a treaty that matters only beside "
        "another is averaged into both.",
        "Earlier treaties may lead to later ones. The effect of one given the others leaves out what works "
        "through those: an effect of the first that runs by way of the second is counted as the second's.",
        "Each effect is a constant shift from its first year on. A slow build-up, anticipation before "
        "ratification, or a fading effect is averaged into one number.",
        "Effects are pulled towards their mean over treaties. Where two treaties are ratified together this "
        "pull, not the data, decides how their joint effect is divided.",
        measurement(card, "ratification"),
    ]
    if "common" in card.groups[0].terms and "treaties" not in card.groups[0].terms:
        out.append(
            "A country's own response is taken to be the same to every treaty; countries that differ in how "
            "they respond to one of them make the interval of that one too narrow."
        )
    mediators = [c.label for c in card.population if c.mediator]
    if mediators:
        out.append(
            f"Controls that ratification may itself change are held fixed ({joined(mediators)}): what works "
            "through them is left out of the effects."
        )
    return out
