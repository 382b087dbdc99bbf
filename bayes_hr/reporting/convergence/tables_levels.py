"""Tables by state and by IGO: ranked where the rows say something, listed where they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.convergence.tables import effect_cells, effect_columns, rope_note
from bayes_hr.reporting.convergence.vocabulary import QUANTITIES
from bayes_hr.reporting.tables import NUMBER, TEXT, Table, rank_interval

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content

BY: Final = {"state": ("State", "states"), "igo": ("IGO", "IGOs")}
"""Kind of level -> one and several of them."""

LISTED: Final = ("kink_entry", "slope_during")
"""Estimands that are shown by state and by IGO."""


def ranked(content: Content, estimand: str, by: str) -> pd.DataFrame:
    """Levels whose own rows tell of the estimand, most negative mean first.

    Returns
    -------
    pandas.DataFrame
        Columns of the effects table and ``rank, rank_lb, rank_ub, q25, q75``; levels with a note are left
        out: their values come from pooling.
    """
    table = content.of(estimand, by)
    keep = (table["note"] == "").to_numpy()
    if not keep.any():
        return table[keep].assign(rank=0, rank_lb=0, rank_ub=0, q25=0.0, q75=0.0)
    draws = content.draws(estimand, by)[:, keep]
    lower, upper = rank_interval(-draws, float(table["ci_prob"].iloc[0]))
    inner = np.quantile(draws, [0.25, 0.75], axis=0)
    out = table[keep].assign(rank_lb=lower, rank_ub=upper, q25=inner[0], q75=inner[1])
    out = out.sort_values("mean", kind="stable").reset_index(drop=True)
    return out.assign(rank=np.arange(1, len(out) + 1))


def ranked_table(content: Content, estimand: str, by: str) -> Table:
    """Ranked levels with the interval of the rank."""
    found, quantity = ranked(content, estimand, by), QUANTITIES[estimand]
    one, many = BY[by]
    prob = float(content.effects["ci_prob"].iloc[0])
    rows = tuple(
        (
            str(r.level),
            fmt.count(r.rank),
            f"{r.rank_lb:.0f} to {r.rank_ub:.0f}",
            *effect_cells(r, content.digits),
        )
        for r in found.itertuples()
    )
    columns = (
        (one, TEXT),
        ("Rank", NUMBER),
        (f"{fmt.percent(prob)} of rank", NUMBER),
        *effect_columns(prob),
    )
    caption = f"{quantity.label} of {len(rows)} {many}, the most negative first"
    note = (
        f"{quantity.definition.capitalize()}. The interval of the rank says how little the order means. "
        f"{rope_note(content, quantity.kind)}"
    )
    return Table(f"{by}-{estimand.replace('_', '-')}", caption, columns, rows, note)


def unranked_table(content: Content, by: str) -> Table:
    """Levels that are flagged for an estimand, by name, with the reason."""
    one, many = BY[by]
    rows = tuple(
        (
            str(r.level),
            QUANTITIES[estimand].label,
            *effect_cells(r, content.digits)[:3],
            str(r.note),
        )
        for estimand in LISTED
        for r in content.of(estimand, by).sort_values("level").itertuples()
        if r.note
    )
    columns = (
        (one, TEXT),
        ("Quantity", TEXT),
        *effect_columns(float(content.effects["ci_prob"].iloc[0]))[:3],
        ("Why", TEXT),
    )
    caption = f"Not ranked: {many} whose own rows say nothing of the quantity"
    note = (
        f"In alphabetical order. These values are pooled from the other {many}; the rows of the {one} itself "
        "lack a phase that is compared."
    )
    return Table(f"{by}-unranked", caption, columns, rows, note)


def level_frame(content: Content, by: str) -> pd.DataFrame:
    """Every estimand by level in full precision, with ranks for the levels that are not flagged."""
    import pandas as pd

    parts = []
    for estimand in content.quantities:
        table = content.of(estimand, by)
        if table.empty:
            continue
        ranks = ranked(content, estimand, by)[["level", "rank", "rank_lb", "rank_ub"]]
        parts.append(table.merge(ranks, on="level", how="left", validate="1:1"))
    both = pd.concat(parts, ignore_index=True)
    return both.astype(dict.fromkeys(("rank", "rank_lb", "rank_ub"), "Int64"))
