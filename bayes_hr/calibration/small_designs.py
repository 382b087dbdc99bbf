"""A few units and rows of a card's panel, so that hundreds of fits are feasible."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from bayes_hr.errors import InputError
from bayes_hr.questions import question_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.cards import Card
    from bayes_hr.data.panel import Panel
    from bayes_hr.design import Design

MARK: Final = "in_calibration"
"""Column of the panel that marks the rows taken."""


@dataclass(frozen=True)
class SmallDesign:
    """A design of some of a card's rows.

    Attributes
    ----------
    design
        Of the rows taken; its controls are lagged in the whole panel.
    whole
        Of all rows: that of a fit.
    unit
        What a unit is: ``country`` or ``state``.
    units, rows
        How many are taken, and how many there are.
    """

    design: Design
    whole: Design
    unit: str
    units: tuple[int, int]
    rows: tuple[int, int]


def small_design(card: Card, panel: Panel, *, units: int, rows: int, seed: int) -> SmallDesign:
    """The design of a random subset of a panel's units and of each unit's rows.

    Where errors follow each other (AR(1)) they are a run of its rows in order, elsewhere any of them.

    Parameters
    ----------
    card, panel
        As for a fit.
    units, rows
        At most so many countries (states), and so many rows of each.
    seed
        Of the choice.

    Raises
    ------
    InputError
        Anything wrong with card or panel, or nothing to estimate in the rows taken.
    """
    if panel.compressed is not None:
        raise InputError(
            "calibration: the panel holds compressed rows, and worlds are simulated row by row. Take a panel "
            "of some rows (Panel.from_frame): whether the engine is calibrated does not depend on which."
        )
    build: Any = question_of(card).build
    whole: Design = build(card, panel)
    run = whole.error.kind == "ar1"
    rng = np.random.default_rng([seed, 7])
    taken = some_rows(whole.rows["ccode"], units=units, rows=rows, run=run, rng=rng)
    names = ["ccode", *(["igo"] if panel.name == "convergence" else []), "year"]
    keys = pd.DataFrame({name: whole.rows[name][taken] for name in names}).astype({"ccode": "int64"})
    marked = panel.frame.merge(keys.assign(**{MARK: 1}), on=names, how="left", validate="1:1")
    where = f"({card.where}) and {MARK} == 1" if card.where.strip() else f"{MARK} == 1"
    try:
        design = build(card.replace(where=where), replace(panel, frame=marked.fillna({MARK: 0})))
    except InputError as error:
        raise InputError(
            f"{error} (In {units} random units with up to {rows} rows each: take more of them, or another "
            "seed.)"
        ) from error
    count = [len(np.unique(d.rows["ccode"])) for d in (design, whole)]
    unit = "state" if panel.name == "convergence" else "country"
    return SmallDesign(design, whole, unit, (count[0], count[1]), (design.n, whole.n))


def some_rows(
    unit: NDArray[np.int64], *, units: int, rows: int, run: bool, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Positions of the rows of some units, in order.

    Parameters
    ----------
    unit
        (n,) unit of each row.
    units, rows
        How many units, and how many rows of each, at most.
    run
        Whether a unit's rows are consecutive ones.
    """
    labels = np.unique(unit)
    chosen = rng.choice(labels, min(units, labels.size), replace=False)
    parts = []
    for label in np.sort(chosen):
        own = np.flatnonzero(unit == label)
        size = min(rows, own.size)
        start = int(rng.integers(own.size - size + 1))
        parts.append(own[start : start + size] if run else rng.choice(own, size, replace=False))
    return np.sort(np.concatenate(parts))
