"""Tables of effects of ratification: by class, contrast, average and country."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.tables import (
    NUMBER,
    STATUS,
    TEXT,
    Table,
    coverage,
    effect_cells,
    effect_columns,
    rank_interval,
    rope_note,
)

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.reporting.ratification.content import RatificationContent as Content

KINDS: Final = {
    "average": "averages",
    "tau": "regime classes",
    "contrast": "contrasts",
    "probability": "changes of probabilities",
    "standard": "moves of cut-points",
    "cutpoint": "cut-points by year",
    "total": "country effects",
}
"""Estimands -> what to call several of them."""


def _effects(content: Content, estimand: str, key: str, caption: str, heading: str) -> Table:
    found = content.of(estimand)
    prob = float(found["ci_prob"].iloc[0])
    rows = tuple(
        (
            content.row_name(r),
            *effect_cells(r, _digits(content, r)),
            *((r.note,) if estimand != "contrast" else ()),
        )
        for r in found.itertuples()
    )
    last = () if estimand == "contrast" else (("Rests on", TEXT),)
    columns = ((heading, TEXT), *effect_columns(prob), *last)
    return Table(key, caption, columns, rows, rope_note(content))


def _digits(content: Content, row: Any) -> int:
    """Decimals of an effect: three of a probability."""
    return 3 if row.estimand == "probability" else content.digits


def probability_table(content: Content) -> Table:
    """Average change of the probability of each category, and of it or a higher one, over ratified rows."""
    treaty, small = content.card.treatment.name, content.card.rope.probability
    caption = f"Average change of probabilities that goes with ratification of {treaty}, over ratified rows"
    found = _effects(content, "probability", "probabilities", caption, "Ratified rows: event")
    note = (
        f"y: {content.card.outcome.label or content.card.outcome.name}. Differences of probabilities, with "
        "and without the effect, each row with its country's level and effect. P(> 0): probability of an "
        f"increase. P(negligible): probability of a change between {fmt.interval(-small, small)}."
    )
    return replace(found, note=note)


def regime_table(content: Content) -> Table:
    """Effect of ratification in each regime class."""
    caption = f"Change that goes with ratification of {content.card.treatment.name}, by regime class"
    return _effects(content, "tau", "regimes", caption, "Regime class")


def contrast_table(content: Content) -> Table:
    """Every difference between classes."""
    return _effects(content, "contrast", "contrasts", "Differences between regime classes", "Contrast")


def average_table(content: Content) -> Table:
    """Averages over all countries and over those that switch."""
    return _effects(content, "average", "averages", "Average over countries", "Average over")


def switchers(content: Content) -> pd.DataFrame:
    """Countries that ratify within the rows used, largest mean effect first, with the interval of the rank.

    Returns
    -------
    pandas.DataFrame
        Columns of the effects table, of the country facts, and ``rank, rank_lb, rank_ub``.
    """
    total = content.of("total")
    joined = total.merge(content.facts, on="level", how="inner", validate="1:1")
    keep = (joined["status"] == "switches").to_numpy()
    lower, upper = rank_interval(content.draws("total")[:, keep], float(total["ci_prob"].iloc[0]))
    out = joined[keep].assign(rank_lb=lower, rank_ub=upper)
    out = out.sort_values("mean", ascending=False, kind="stable").reset_index(drop=True)
    return out.assign(rank=np.arange(1, len(out) + 1))


def country_table(content: Content) -> Table:
    """Countries that ratify within the rows used, ranked by mean effect."""
    found = switchers(content)
    prob = float(content.effects["ci_prob"].iloc[0])
    deviation = content.of("deviation").set_index("level")["mean"]
    rows = tuple(
        (
            r.country,
            fmt.count(r.rank),
            f"{r.rank_lb:.0f} to {r.rank_ub:.0f}",
            str(r.path),
            fmt.year(r.ratification_year),
            *effect_cells(r, content.digits),
            fmt.signed(float(deviation.get(r.level, np.nan)), content.digits),
        )
        for r in found.itertuples()
    )
    columns = (
        ("Country", TEXT),
        ("Rank", NUMBER),
        (f"{fmt.percent(prob)} of rank", NUMBER),
        ("Regime class", TEXT),
        ("Ratified", NUMBER),
        *effect_columns(prob),
        ("Deviation", NUMBER),
    )
    caption = f"The {len(rows)} countries that ratify within the rows used, ranked by their total effect"
    note = (
        "Total effect: the class's plus the country's deviation from it (last column). The interval of the "
        f"rank says how little the order means. {rope_note(content)}"
    )
    return Table("countries", caption, columns, rows, note)


def unranked_table(content: Content) -> Table:
    """Countries that never or always ratify within the rows used, by name, flagged."""
    total = content.of("total")
    found = total.merge(content.facts, on="level", how="inner", validate="1:1")
    found = found[found["status"] != "switches"].sort_values("country")
    words = {"never": "never ratifies", "always": "ratified throughout"}
    rows = tuple(
        (
            r.country,
            str(r.path),
            words[str(r.status)],
            fmt.year(r.ratification_year),
            fmt.count(r.rows),
            *effect_cells(r, content.digits)[:3],
        )
        for r in found.itertuples()
    )
    columns = (
        ("Country", TEXT),
        ("Regime class", TEXT),
        ("In the rows used", TEXT),
        ("Ratified", NUMBER),
        ("Rows", NUMBER),
        *effect_columns(float(total["ci_prob"].iloc[0]))[:3],
    )
    caption = f"Not ranked: the {len(rows)} countries that never or always ratify within the rows used"
    note = (
        "In alphabetical order. The data say nothing of these countries' own effects: the numbers are "
        "their class's effect plus a deviation drawn from the prior."
    )
    return Table("unranked", caption, columns, rows, note)


def truth_table(content: Content, truth: pd.DataFrame) -> Table:
    """Averages, classes and contrasts beside the truth of the simulated world."""
    shown = truth[truth["estimand"].isin(["average", "tau", "contrast", "probability", "standard"])]
    rows = tuple(
        (
            content.row_name(r),
            fmt.signed(r.truth, _digits(content, r)),
            fmt.signed(r.mean, _digits(content, r)),
            fmt.interval(r.lb, r.ub, _digits(content, r)),
            "yes" if r.covered else "no",
        )
        for r in shown.itertuples()
    )
    prob = fmt.percent(float(truth["ci_prob"].iloc[0]))
    columns = (
        ("Effect", TEXT),
        ("Truth", NUMBER),
        ("Estimate", NUMBER),
        (f"{prob} interval", NUMBER),
        ("Covered", STATUS),
    )
    return Table("truth", "Truth beside estimate", columns, rows, coverage(truth, KINDS))
