"""Tables of the data of a ratification fit: regime classes, and the rule behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.data.regime_sources import REGIME_SOURCES
from bayes_hr.data.regimes import BY_YEAR
from bayes_hr.estimands.ratification import ever_in
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.tables import NUMBER, TEXT, Table

if TYPE_CHECKING:
    from bayes_hr.cards import Regime
    from bayes_hr.reporting.ratification.content import RatificationContent as Content


def classes_table(content: Content) -> Table:
    """Countries, switches and rows of each regime class."""
    facts = content.facts
    rows = []
    for label in content.classes:
        own = facts[ever_in(facts, label)]
        status = [fmt.count((own["status"] == s).sum()) for s in ("switches", "never", "always")]
        rows.append(
            (
                label,
                fmt.count(len(own)),
                *status,
                fmt.count(sum(rows[label] for rows in own["class_rows"])),
                fmt.count(sum(rows.get(label, 0) for rows in own["class_treated"])),
            )
        )
    columns = (
        ("Regime class", TEXT),
        ("Countries", NUMBER),
        ("ratify within the rows", NUMBER),
        ("never", NUMBER),
        ("always", NUMBER),
        ("Rows", NUMBER),
        ("Rows with D = 1", NUMBER),
    )
    note = class_rule(content) + (" A country counts in each of its classes." if content.changing else "")
    return Table("classes", "Regime classes and what they rest on", columns, tuple(rows), note)


def class_rule(content: Content) -> str:
    """How countries were put into classes; in a sentence."""
    if not content.provenance["panel"]["sources"]:
        return "Classes as given in the data's own column 'regime'."
    return regime_rule(content.card.regime)


def regime_rule(regime: Regime, treaty: str = "the treaty") -> str:
    """The rule of a card, its window and its cut-offs; ``treaty`` is what the window ends before."""
    window = {
        "before_treaty": f"from 1946 to the year before {treaty} opened",
        "before_ratification": "from 1946 to the year before the country's own ratification",
        "whole_history": "over the whole history (it conditions on the future)",
        "window": "" if regime.window is None else f"from {regime.window[0]} to {regime.window[1]}",
        BY_YEAR: f"in the {regime.trailing} years before each year",
    }[regime.rule]
    units, keep = (
        ("years", "may change") if regime.rule == BY_YEAR else ("countries", "are fixed for a country")
    )
    return (
        f"{REGIME_SOURCES[regime.source].label} {window}: stable democracy if never below "
        f"{regime.democracy}, stable autocracy if never above {regime.autocracy}, transition otherwise; "
        f"{units} without a score in the window are a class of their own. Classes {keep}."
    )
