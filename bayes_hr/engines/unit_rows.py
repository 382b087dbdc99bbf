"""Rows arranged by block for the kernels of :mod:`bayes_hr.engines.unit_blocks`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design
    from bayes_hr.forms import Blocks

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


_SPANNED: Final = 1e-9
"""Share of a column's length below which what others leave of it is rounding."""

_ROUNDED: Final = 1e-8


class UnitRows(NamedTuple):
    """Rows sorted by unit (a state), and the columns of all effects inside a unit.

    A named tuple of arrays, because numba takes those as they are.

    Attributes
    ----------
    rows
        (n,) position in the design of each sorted row.
    start
        (U + 1,) first row of each unit.
    width, reach
        (U,) number p of effects of each unit, and number o of effects of other groups that its rows have.
    atoms
        (U,) number of columns of which all others of the unit are sums.
    Z
        (n, A) these columns, zero beyond.
    R
        (U, A, P) how columns, the unit's own first, are made of them.
    block, group, term, level
        (U, P) of an own column: first column of its block, its group, its term in it, the group's level.
    outer
        (U, P) of a column that is not the unit's own: position of its effect among all such effects (G).
    wide_block, wide_group, wide_term
        (G,) the same facts of these effects; their groups are counted after the inner ones.
    ZZ
        (U, A, A) cross-products of the atoms.
    h, cell
        (n,) loading on the unit-year, and position of the unit-year among all.
    first
        (U + 1,) first unit-year of each unit (all 0 where there are none).
    gap
        (T,) years since the unit's previous unit-year, 0 for a first one.
    A, weight
        (T, A) sums of loading times atoms, and (T,) of squared loadings.
    """

    rows: Index
    start: Index
    width: Index
    reach: Index
    atoms: Index
    Z: Array
    R: Array
    block: Index
    group: Index
    term: Index
    level: Index
    outer: Index
    wide_block: Index
    wide_group: Index
    wide_term: Index
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
    own = [_own_columns(design, blocks, rows[a:b]) for a, b in pairwise(start)]
    others = [_other_columns(design, blocks, rows[a:b]) for a, b in pairwise(start)]
    width, reach = (np.array([len(c) for c in columns]) for columns in (own, others))
    P = int((width + reach).max())
    meta, outer = np.full((4, width.size, P), -1, np.int64), np.full((width.size, P), -1, np.int64)
    split = []
    for u, (a, b) in enumerate(pairwise(start)):
        columns = np.zeros((b - a, width[u] + reach[u]))
        for c, (facts, inside, values) in enumerate(own[u]):
            columns[inside, c], meta[:, u, c] = values, facts
        for c, (position, inside, values) in enumerate(others[u], start=width[u]):
            columns[inside, c], outer[u, c] = values, position
        split.append(_atoms(columns, width[u]))
    atoms = np.array([basis.shape[1] for basis, _ in split])
    Z, R = np.zeros((rows.size, atoms.max())), np.zeros((width.size, atoms.max(), P))
    for u, (basis, weights) in enumerate(split):
        Z[start[u] : start[u + 1], : atoms[u]] = basis
        R[u, : atoms[u], : width[u] + reach[u]] = weights
    block, group, term, level = meta
    ZZ = np.stack([Z[a:b].T @ Z[a:b] for a, b in pairwise(start)])
    wide = _wide(design, blocks)
    years = _unit_years(design, rows, Z)
    return UnitRows(
        rows=rows,
        start=start,
        width=width,
        reach=reach,
        atoms=atoms,
        Z=Z,
        R=R,
        block=block,
        group=group,
        term=term,
        level=level,
        outer=outer,
        wide_block=wide[0],
        wide_group=wide[1],
        wide_term=wide[2],
        ZZ=ZZ,
        h=years[0],
        cell=years[1],
        first=years[2],
        gap=years[3],
        A=years[4],
        weight=years[5],
    )


def _atoms(columns: Array, own: int) -> tuple[Array, Array]:
    """Columns that span all (n, a), those shared with other units first, and the weights (a, q) of each.

    Weights of sums are made exact: a column that is a sum of atoms has weights 1 and 0.
    """
    order = [*range(own, columns.shape[1]), *range(own)]
    lengths = np.linalg.norm(columns, axis=0)
    kept: list[int] = []
    basis = np.zeros((len(columns), 0))
    for c in order:
        left = columns[:, c] - basis @ (basis.T @ columns[:, c])
        left -= basis @ (basis.T @ left)
        length = np.linalg.norm(left)
        if length > _SPANNED * max(lengths[c], 1e-300):
            kept.append(c)
            basis = np.c_[basis, left / length]
    chosen = columns[:, kept]
    weights = np.linalg.lstsq(chosen, columns, rcond=None)[0] if kept else np.zeros((0, columns.shape[1]))
    rounded = np.round(weights)
    weights = np.where(np.abs(weights - rounded) < _ROUNDED, rounded, weights)
    return chosen, weights


def _unit_years(design: Design, rows: Index, Z: Array) -> tuple[Array, Index, Index, Index, Array, Array]:
    """Loading and unit-year of each row; first unit-year of each unit, gaps, sums of columns and weights."""
    serial, P = design.serial, Z.shape[1]
    if serial is None:
        none = np.zeros(0, np.int64)
        first = np.zeros(rows.size + 1, np.int64)
        return np.zeros(rows.size), np.zeros(rows.size, np.int64), first, none, np.zeros((0, P)), np.zeros(0)
    h, cell, gap = serial.loading[rows], serial.index[rows], serial.order.gap
    first = np.searchsorted(serial.order.unit, np.arange(int(serial.order.unit.max()) + 2))
    A, weight = np.zeros((gap.size, P)), np.zeros(gap.size)
    np.add.at(A, cell, h[:, None] * Z)
    np.add.at(weight, cell, h**2)
    return h, cell, first, gap, A, weight


def _own_columns(
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


def _other_columns(design: Design, blocks: Blocks, rows: Index) -> list[tuple[int, Index, Array]]:
    """Columns of effects that a unit shares with others: position of the effect, rows, values there."""
    out: list[tuple[int, Index, Array]] = []
    at = 0
    for position in blocks.outer:
        group = design.groups[position]
        index, Z, q = group.index[rows], group.Z[rows], len(group.terms)
        for level in np.unique(index):
            inside = np.flatnonzero(index == level)
            for k in range(q):
                if np.any(Z[inside, k]):  # a phase that the unit never has in this IGO costs nothing
                    out.append((at + int(level) * q + k, inside, Z[inside, k]))
        at += len(group.levels) * q
    return out


def _wide(design: Design, blocks: Blocks) -> tuple[Index, Index, Index]:
    """First position of the block, group and term of each effect that cuts across units."""
    facts: list[tuple[int, int, int]] = []
    for g, position in enumerate(blocks.outer, start=len(blocks.inner)):
        group = design.groups[position]
        for _ in group.levels:
            block = len(facts)
            facts += [(block, g, k) for k in range(len(group.terms))]
    columns = np.array(facts, np.int64).reshape(-1, 3)
    return columns[:, 0].copy(), columns[:, 1].copy(), columns[:, 2].copy()
