"""Rows arranged by block for the kernels of :mod:`bayes_hr.engines.unit_blocks`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design
    from bayes_hr.forms import Blocks

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


class UnitRows(NamedTuple):
    """Rows sorted by unit (a state), and the columns of all effects inside a unit.

    A named tuple of arrays, because numba takes those as they are.

    Attributes
    ----------
    rows
        (n,) position in the design of each sorted row.
    start
        (U + 1,) first row of each unit.
    width
        (U,) number p of effects of each unit.
    Z
        (n, P) their columns, zero beyond the unit's width.
    block, group, term
        (U, P) first column of the block that a column belongs to, its group, its term in it.
    level
        (U, P) the group level that a column belongs to, -1 beyond the unit's width.
    ZZ
        (U, P, P) cross-products.
    h, cell
        (n,) loading on the unit-year, and position of the unit-year among all.
    first
        (U + 1,) first unit-year of each unit (all 0 where there are none).
    gap
        (T,) years since the unit's previous unit-year, 0 for a first one.
    A, weight
        (T, P) sums of loading times columns, and (T,) of squared loadings.
    """

    rows: Index
    start: Index
    width: Index
    Z: Array
    block: Index
    group: Index
    term: Index
    level: Index
    ZZ: Array
    h: Array
    cell: Index
    first: Index
    gap: Index
    A: Array
    weight: Array


def unit_rows(design: Design, blocks: Blocks) -> UnitRows:
    """Arrange a design's rows by block."""
    rows = np.argsort(blocks.unit, kind="stable")
    start = np.searchsorted(blocks.unit[rows], np.arange(int(blocks.unit.max()) + 2))
    columns = [_columns_of(design, blocks, rows[a:b]) for a, b in pairwise(start)]
    width = np.array([len(c) for c in columns])
    Z = np.zeros((rows.size, width.max()))
    meta = np.full((4, width.size, width.max()), -1, np.int64)
    for u, (own, a) in enumerate(zip(columns, start, strict=False)):
        for c, (facts, inside, values) in enumerate(own):
            Z[a + inside, c] = values
            meta[:, u, c] = facts
    ZZ = np.stack([Z[a:b].T @ Z[a:b] for a, b in pairwise(start)])
    serial = design.serial
    if serial is None:
        h, cell, gap = np.zeros(rows.size), np.zeros(rows.size, np.int64), np.zeros(0, np.int64)
        first = np.zeros(width.size + 1, np.int64)
    else:
        h, cell, gap = serial.loading[rows], serial.index[rows], serial.order.gap
        first = np.searchsorted(serial.order.unit, np.arange(width.size + 1))
    A, weight = np.zeros((gap.size, width.max())), np.zeros(gap.size)
    if serial is not None:
        np.add.at(A, cell, h[:, None] * Z)
        np.add.at(weight, cell, h**2)
    block, group, term, level = meta
    return UnitRows(rows, start, width, Z, block, group, term, level, ZZ, h, cell, first, gap, A, weight)


def _columns_of(
    design: Design, blocks: Blocks, rows: Index
) -> list[tuple[tuple[int, int, int, int], Index, Array]]:
    """Columns of one unit: (block, group, term, level), the rows where they may not be zero, values there."""
    out: list[tuple[tuple[int, int, int, int], Index, Array]] = []
    for g, position in enumerate(blocks.inner):
        group = design.groups[position]
        index, Z = group.index[rows], group.Z[rows]
        for level in np.unique(index):
            inside, block = np.flatnonzero(index == level), len(out)
            out += [((block, g, k, int(level)), inside, Z[inside, k]) for k in range(Z.shape[1])]
    return out
