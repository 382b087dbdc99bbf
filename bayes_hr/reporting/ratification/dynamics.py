"""What a report says of a lagged outcome: equation, warning, the long run in words and in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_hr.estimands.long_run import NEARLY_ONE
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.tables import NUMBER, TEXT, Table, rope_note
from bayes_hr.reporting.words import figures

if TYPE_CHECKING:
    from bayes_hr.cards import RatificationCard as Card
    from bayes_hr.reporting.ratification.content import RatificationContent as Content


def predictor_parts(card: Card) -> list[str]:
    """Terms of the linear predictor, as LaTeX."""
    parts = [r"\phi\, (y_{i,t-1} - c)"] if card.dynamics.lagged_outcome else []
    return [*parts, r"\delta\, (y_{i0} - c)"] if card.dynamics.initial_outcome else parts


def symbols(content: Content) -> list[tuple[str, str]]:
    """What they stand for: (LaTeX, words)."""
    dynamics = content.card.dynamics
    if not dynamics.lagged_outcome:
        return []
    out = [
        (r"y_{i,t-1}", "the outcome of the calendar year before, as observed"),
        ("c", f"{fmt.number(content.design.centre, 3)}, where the card centres the outcome"),
        (r"\tau_{r(i)} / (1 - \phi)", "what a lasting effect adds up to in the long run"),
    ]
    first = (r"y_{i0}", "the outcome of the year before the country's first row")
    return [*out, first] if dynamics.initial_outcome else out


def warning(card: Card) -> tuple[str, str]:
    """The box before the answer: what the lagged outcome makes of every effect."""
    text = (
        "Last year's outcome is held fixed, so the effects by class, country and on average are those of the "
        "first year; what they add up to stands under “Long run”. One region of practical equivalence serves "
        "both: a change that is negligible in the first year need not be so in the long run. Persistence is "
        "a coefficient here, phi, in place of AR(1) errors: the two make different effects of the same data, "
        'so hold the card with error.kind = "ar1" beside it. Fixed country effects would bias phi by about '
        "−(1 + phi) / (T − 1) (Nickell 1981; the number stands with the checks). "
    )
    text += (
        "Country effects are normal here, and their mean depends on the outcome of the year before the "
        "country's first row (Wooldridge 2005)."
        if card.dynamics.initial_outcome
        else "Country effects are normal here and taken as unrelated to where a country started, which they "
        "are not, so that phi tends to be too large. Set dynamics.initial_outcome = true."
    )
    if "hrps" in card.outcome.name or "latent" in card.outcome.label:
        text += (
            " The latent score comes from a measurement model whose own prior ties each year to the last: "
            "that alone pushes phi towards 1, and phi is no measure of how slowly practice changes."
        )
    return "Lagged outcome: short-run effects", text


def first_year(answer: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """The answer (headings and sentences) with the headings of short-run effects saying so."""
    return [(title if "long run" in title else f"{title}, in the first year", told) for title, told in answer]


def limitations(card: Card) -> list[str]:
    """What a lagged outcome leaves open."""
    if not card.dynamics.lagged_outcome:
        return []
    return [
        "The long run takes phi and the effect as the same in every year and country, and extrapolates: with "
        f"phi above {NEARLY_ONE:g} half of it is still to come after 34 years.",
        "Predictive checks simulate each year from the observed outcome of the year before: they judge the "
        "next year's outcome, not a path of many years.",
        "Error in the measured outcome is in last year's outcome too, where it pulls phi towards zero if it "
        "is independent from year to year, and towards one if it persists.",
    ]


def long_run_sentence(row: Any, name: str, digits: int) -> str:
    """One long-run effect in words."""
    return f"{name[0].upper()}{name[1:]}: median {fmt.signed(row.median, digits)} ({figures(row, digits)})."


def long_run_table(content: Content) -> Table:
    """Medians and intervals; no mean and no SD, which these need not have."""
    found = content.of("long_run")
    rows = tuple(
        (
            content.row_name(r),
            fmt.signed(r.median, content.digits),
            fmt.interval(r.lb, r.ub, content.digits),
            fmt.probability(r.p_gt_0),
            fmt.probability(r.p_rope),
        )
        for r in found.itertuples()
    )
    columns = (
        ("Class, or contrast", TEXT),
        ("Median", NUMBER),
        (f"{fmt.percent(float(found['ci_prob'].iloc[0]))} interval", NUMBER),
        ("P(> 0)", NUMBER),
        ("P(negligible)", NUMBER),
    )
    near = float((content.posterior["phi"].values > NEARLY_ONE).mean())
    note = (
        f"Short-run effect / (1 − phi). A ratio has no mean where its denominator may be 0: P(phi > "
        f"{NEARLY_ONE:g}) is {fmt.probability(near)}; where phi is 1 or more the effect grows without bound "
        f"and counts at the end of its side. {rope_note(content)}"
    )
    caption = f"Long-run change that goes with ratification of {content.card.treatment.name}"
    return Table("long-run", caption, columns, rows, note)
