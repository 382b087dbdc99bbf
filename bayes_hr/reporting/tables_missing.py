"""What a model that needs every variable loses, for any family's report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.plots_missing import missing_picture
from bayes_hr.reporting.tables import NUMBER, TEXT, Table

if TYPE_CHECKING:
    from bayes_hr.data.merge import MergeReport


def listwise_table(merge: MergeReport) -> Table:
    """Rows and countries that each variable alone, and all of them together, cost."""
    rows = tuple(
        (loss.variable, fmt.count(loss.rows), fmt.count(loss.countries), ", ".join(loss.names) or fmt.NONE)
        for loss in merge.losses
    )
    columns = (("Needed", TEXT), ("Rows lost", NUMBER), ("Countries lost", NUMBER), ("Which", TEXT))
    note = (
        "A row that lacks a needed variable is dropped; a country is lost when it has no row left. Who is "
        "lost is no random choice: the answer is about the countries that remain."
    )
    return Table("listwise", "What listwise deletion loses", columns, rows, note)


def missing_section(merge: MergeReport) -> dict[str, Any] | None:
    """Picture (None: nothing is missing) and table; None for a fit that holds neither."""
    if not merge.losses:
        return None
    return {"picture": missing_picture(merge), "table": listwise_table(merge)}
