"""What a report says of country means: equation, words, and the table of within, between and difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.mundlak_design import RATIFIED
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.formats import joined
from bayes_hr.reporting.tables import NUMBER, TEXT, Table

if TYPE_CHECKING:
    from bayes_hr.cards import RatificationCard as Card
    from bayes_hr.reporting.ratification.content import RatificationContent as Content


def _controls(card: Card) -> list[str]:
    return [c.label for c in card.population if c.mundlak]


def _sloped(card: Card) -> bool:
    return card.treatment.mundlak and "ratified" in card.groups[0].terms


def predictor_part(card: Card) -> list[str]:
    """What stands for all country means in the linear predictor, as LaTeX; nothing without any."""
    return ["h_{it}"] if card.treatment.mundlak or _controls(card) else []


def equation(card: Card, *, several: bool) -> list[tuple[str, str]]:
    """The country means: (what they are, LaTeX); nothing without any."""
    parts = [r"\bar{x}_i^{\top}\omega_x"] if _controls(card) else []
    if card.treatment.mundlak:
        parts.append(r"\omega_{r(i)}\, \bar{D}_i" if several else r"\omega\, \bar{D}_i")
    if _sloped(card):
        m = "m_{r(i)}" if several else "m"
        parts.append(rf"(\bar{{D}}_i - {m}) (\kappa\, D_{{it}} + \omega_\kappa\, \bar{{D}}_i)")
    return [("Country means", f"h_{{it}} = {' + '.join(parts)}")] if parts else []


def symbols(content: Content) -> list[tuple[str, str]]:
    """What they stand for: (LaTeX, words)."""
    card = content.card
    out = []
    if controls := _controls(card):
        out.append((r"\bar{x}_i", f"means over the country's rows, of {joined(controls)}"))
    if card.treatment.mundlak:
        out.append((r"\bar{D}_i", "share of the country's rows that are after ratification"))
        labels = [str(v) for v in content.design.term("mundlak").coords["country_mean"]]
        kept = {v.removeprefix(RATIFIED) for v in labels if v.startswith(RATIFIED)}
        if missing := [c for c in content.classes if c not in kept]:
            out.append((r"\omega_r = 0", f"where all countries of a class have one share: {joined(missing)}"))
    if _sloped(card):
        m = "m_{r(i)}" if len(content.classes) > 1 else "m"
        out.append((m, "mean share of the countries of the class that switch, at which the class effect is"))
    return out


def limitations(card: Card) -> list[str]:
    """What country means leave open."""
    split = [
        *_controls(card),
        *([f"ratification of {card.treatment.name}"] if card.treatment.mundlak else []),
    ]
    if not split:
        return []
    out = [
        f"Country means stand beside {joined(split)} (Mundlak 1978): effects are those of changes within "
        "countries, as long as what differs between countries is linear in the means. Means are over the "
        "rows used; countries seen in other years than the rest have other year effects in theirs, which "
        "these means do not take out (Wooldridge 2019). Nor do they take out what changes in a country at "
        "the same time."
    ]
    if card.dynamics.lagged_outcome:
        out.append(
            "The lagged outcome has no country mean beside it, since that holds later outcomes: levels "
            "depend on the first outcome and the other means instead (Wooldridge 2005)."
        )
    return out


def between_table(content: Content) -> Table:
    """Within, between and difference of each split column."""
    parts = {name: content.of(name, "between") for name in ("within", "between", "difference")}
    prob = fmt.percent(float(parts["within"]["ci_prob"].iloc[0]))
    rows = []
    for at in parts["within"].itertuples():
        own = {name: table.iloc[at.Index] for name, table in parts.items()}
        cells = [
            text
            for r in own.values()
            for text in (
                fmt.signed(r["mean"], content.digits),
                fmt.interval(r["lb"], r["ub"], content.digits),
            )
        ]
        rows.append((str(at.level), *cells, fmt.probability(own["difference"]["p_gt_0"]), str(at.note)))
    titles = [(title, NUMBER) for name in parts for title in (name.capitalize(), f"{prob} interval")]
    columns = (("Column", TEXT), *titles, ("P(difference > 0)", NUMBER), ("Unit", TEXT))
    note = (
        f"Unit of the outcome: {content.scale}. Within: a change in a country from its own mean. Between: a "
        "country whose mean is higher. Where the difference is far from zero, a model without the means "
        "mixes the two."
    )
    return Table("between", "Within and between countries", columns, tuple(rows), note)
