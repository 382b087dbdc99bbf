"""Compressed rows in a design: what of a card they can answer, and their counts and scatter in its units."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.cards import RatificationCard
from bayes_hr.data.merge import ROWS
from bayes_hr.data.messages import listed
from bayes_hr.data.regimes import BY_YEAR
from bayes_hr.errors import InputError
from bayes_hr.repeats import Repeats
from bayes_hr.row_filter import columns_of

if TYPE_CHECKING:
    from bayes_hr.cards import Card
    from bayes_hr.data.compressed import Compressed
    from bayes_hr.data.panel import Panel

CELL: Final = "_cell"
"""Column of a frame with the position of a row's cell among the compressed ones."""


def check_card(card: Card, data: Compressed) -> None:
    """Refuse a card that reads more of the rows than what is left of them.

    Raises
    ------
    InputError
        With what in the card asks for it, and what to do.
    """
    start, why = f"card {card.id}: the panel holds compressed rows, and", []
    if card.outcome.likelihood != "gaussian":
        why.append(
            f'outcome.likelihood = "{card.outcome.likelihood}" reads every row; take "gaussian", or a panel '
            "of rows (Panel.from_frame)"
        )
    if card.error.kind != "iid":
        why.append(
            f'error.kind = "{card.error.kind}" needs rows that follow each other; take "iid", or a panel of '
            "country-years"
        )
    if card.error.measurement_sd:
        why.append("error.measurement_sd is an SD of each row; leave it out, or take a panel of rows")
    if isinstance(card, RatificationCard) and card.regime.rule == BY_YEAR:
        why.append(f'regime.rule = "{BY_YEAR}" needs rows; take a rule by which a country keeps its class')
    if isinstance(card, RatificationCard) and card.dynamics.lagged_outcome:
        why.append(
            "dynamics.lagged_outcome needs one outcome for each country and year; leave it out, or take a "
            "panel of country-years"
        )
    if card.fit.engine == "nuts":
        why.append('fit.engine = "nuts" evaluates every row; take "gibbs" or "auto"')
    varying = data.varying
    for control in card.population:
        if control.lag and control.name in varying:
            why.append(
                f"control {control.name!r} is to be lagged by {control.lag} but varies within country-years; "
                "lag it before compressing, and write lag = 0"
            )
    used = [name for name in columns_of(card.where) if name in varying]
    if used:
        why.append(
            f"`where` asks for {listed(used)}, which varies within country-years; filter before compressing"
        )
    if why:
        raise InputError(f"{start} {'; '.join(why)}.")


def with_cells(frame: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """The rows of a panel with their cells and how many rows each stands for, if they are compressed."""
    if panel.compressed is None:
        return frame
    cells = panel.compressed.cells
    at = pd.MultiIndex.from_frame(cells[["ccode", "year"]]).get_indexer(
        pd.MultiIndex.from_frame(frame[["ccode", "year"]])
    )
    if (at < 0).any():
        raise InputError("the panel has country-years that are not among its compressed rows; make it again")
    return frame.assign(**{CELL: at, ROWS: cells["rows"].to_numpy()[at]})


def repeats_of(card: Card, panel: Panel, frame: pd.DataFrame) -> Repeats | None:
    """Counts and scatter of the rows used, in the units of the panel; None if rows are rows.

    A control that is not among the compressed columns (it was joined), or that is lagged, is constant within
    cells.
    """
    data = panel.compressed
    if data is None:
        return None
    pooled = data.scatter[frame[CELL].to_numpy()].sum(axis=0)
    k, constant = len(card.population), set(data.names) - set(data.varying)
    scatter = np.zeros((k + 1, k + 1))
    names = [*(c.name for c in card.population), data.outcome]
    own = [i for i, name in enumerate(names) if name in data.names and name not in constant]
    at = [data.names.index(names[i]) for i in own]
    scatter[np.ix_(own, own)] = pooled[np.ix_(at, at)]
    return Repeats(frame[ROWS].to_numpy(float), scatter)


def standardised(repeats: Repeats | None, scales: dict[str, tuple[float, float]]) -> Repeats | None:
    """The same with the scatter in units of the design's columns."""
    if repeats is None:
        return None
    scale = np.array([*(sd for _, sd in scales.values()), 1.0])
    return replace(repeats, scatter=repeats.scatter / np.outer(scale, scale))
