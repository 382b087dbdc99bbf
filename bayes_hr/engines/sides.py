"""The views of a design: which effects are drawn together, and the products that each unit needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.sparse

from bayes_hr.engines.collapsed import PopulationPrior
from bayes_hr.engines.views import Unit, View
from bayes_hr.forms import Blocks, nested

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design
    from bayes_hr.engines.gram import Gram

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

_ROUNDED: Final = 1e-8
"""Largest difference, relative to a column's largest value, that is taken for rounding."""


def sides(design: Design, blocks: Blocks, gram: Gram) -> tuple[View, ...]:
    """One view by the blocks' unit, with all population coefficients, and one by each group that cuts across.

    The latter redraw those population coefficients whose columns the group varies.
    """
    serial = design.serial is not None
    first = _view(design, gram, blocks.unit, blocks.inner, serial=serial, everything=True)
    others = []
    for g in blocks.outer:
        index = design.groups[g].index
        inside = tuple(h for h, group in enumerate(design.groups) if h == g or nested(group.index, index))
        others.append(_view(design, gram, index, inside, serial=False, everything=False))
    return (first, *others)


@dataclass(frozen=True)
class _Parts:
    """Levels of groups, and unit-years, by unit."""

    leaf: int
    top: int
    core: tuple[int, ...]
    of: dict[int, tuple[Index, Index]]


def _view(
    design: Design, gram: Gram, unit: Index, inside: tuple[int, ...], *, serial: bool, everything: bool
) -> View:
    count = int(unit.max()) + 1
    single = [g for g in inside if len(design.groups[g].terms) == 1 and len(design.groups[g].levels) > count]
    leaf = max(single, key=lambda g: len(design.groups[g].levels), default=-1)
    top = next(g for g in inside if g != leaf and np.array_equal(design.groups[g].index, unit))
    core = tuple(g for g in inside if g not in {leaf, top})
    of = {g: _by_unit(design.groups[g].index, unit, count) for g in inside}
    if serial and design.serial is not None:
        of[len(design.groups)] = _by_unit(design.serial.index, unit, count)
    parts = _Parts(leaf, top, core, of)
    layouts = [_layout(design, gram, parts, u) for u in range(count)]
    wide, R = _combinations(design, gram, unit, layouts, everything=everything)
    units = tuple(_unit(gram, layout, R[u], wide) for u, layout in enumerate(layouts))
    own = np.concatenate([wide, *(np.r_[layout.atoms, layout.leaf] for layout in layouts)])
    XX = gram.G[wide][:, wide].toarray()
    prior = PopulationPrior(np.zeros(wide.size), gram.prior_scale[wide], ())
    return View(units, top, leaf, own, wide, XX, prior)


def _by_unit(index: Index, unit: Index, count: int) -> tuple[Index, Index]:
    """Levels sorted by unit, and where each unit's begin (count + 1)."""
    owner = np.full(int(index.max()) + 1, -1)
    owner[index] = unit
    order = np.argsort(owner, kind="stable")
    return order, np.searchsorted(owner[order], np.arange(count + 1))


@dataclass(frozen=True)
class _Layout:
    core: Index
    top: Index
    leaf: Index
    segments: tuple[tuple[slice, int, int], ...]
    years: tuple[slice, slice]

    @property
    def atoms(self) -> Index:
        return np.concatenate([self.core, self.top])


def _layout(design: Design, gram: Gram, parts: _Parts, u: int) -> _Layout:
    """Positions of a unit's effects."""

    def positions(part: int, q: int) -> Index:
        levels, start = parts.of[part]
        own = levels[start[u] : start[u + 1]]
        return np.asarray((gram.part(part).start + own[:, None] * q + np.arange(q)).ravel())

    pieces, segments, at = [np.zeros(0, np.int64)], [], 0
    for g in parts.core:
        q = len(design.groups[g].terms)
        pieces.append(positions(g, q))
        segments.append((slice(at, at + pieces[-1].size), g, q))
        at += pieces[-1].size
    leaf = positions(parts.leaf, 1) if parts.leaf >= 0 else np.zeros(0, np.int64)
    years = (slice(0, 0), slice(0, 0))
    if len(design.groups) in parts.of:
        cells = positions(len(design.groups), 1)
        first = int(cells[0]) - gram.part(len(design.groups)).start
        years = (slice(at, at + cells.size), slice(first, first + cells.size))
        pieces.append(cells)
    top = positions(parts.top, len(design.groups[parts.top].terms))
    return _Layout(np.concatenate(pieces), top, leaf, tuple(segments), years)


def _combinations(
    design: Design, gram: Gram, unit: Index, layouts: list[_Layout], *, everything: bool
) -> tuple[Index, list[Array]]:
    """Population columns of the view, and each unit's as sums of its own (K + q, P), NaN where none is.

    The sums are guessed from the cross-products and then held against the rows.
    """
    P, X = gram.prior_scale.size, gram.D[:, gram.population]
    guesses, rows, columns, values = [], [], [], []
    for layout in layouts:
        S = gram.G[layout.atoms]
        guess = _guess(S[:, layout.atoms].toarray(), S[:, :P].toarray())
        at = np.nonzero(guess)
        rows.append(layout.atoms[at[0]])
        columns.append(at[1])
        values.append(guess[at])
        guesses.append(guess)
    made = scipy.sparse.csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(gram.D.shape[1], P)
    )
    off = abs(gram.D @ made - X).tocoo()
    largest = np.maximum(abs(X).max(axis=0).toarray().ravel(), np.finfo(float).tiny)
    wrong = off.data > _ROUNDED * largest[off.col]
    failed = np.zeros((len(layouts), P), bool)
    failed[unit[off.row[wrong]], off.col[wrong]] = True
    wide = np.arange(P) if everything else np.flatnonzero(~failed.any(axis=0))
    for u, guess in enumerate(guesses):
        guess[:, failed[u]] = np.nan
    return wide, guesses


def _guess(S: Array, T: Array) -> Array:
    """Weights (k, P) with which a unit's columns may add up to population columns.

    ``S`` (k, k) and ``T`` (k, P) are their cross-products.  The largest column that a population column holds
    whole (a year of the state, a level) is taken for all of it; where none is, least squares say.
    """
    own = np.diag(S)
    whole = (np.abs(T - own[:, None]) <= _ROUNDED * own[:, None]) & (own[:, None] > 0)
    best = np.where(whole, own[:, None], 0.0).argmax(axis=0)
    out = np.zeros_like(T)
    found = whole.any(axis=0)
    out[best[found], np.flatnonzero(found)] = 1.0
    rest = ~found & np.any(T != 0, axis=0)
    if rest.any():
        out[:, rest] = np.linalg.pinv(S, 1e-10, hermitian=True) @ T[:, rest]
    return out


def _unit(gram: Gram, layout: _Layout, guess: Array, wide: Index) -> Unit:
    """Products of one unit's effects with each other and with the population columns that it has."""
    inside, K = layout.atoms, layout.atoms.size
    reached = abs(gram.G[np.r_[inside, layout.leaf]][:, wide]).sum(axis=0) > 0
    here = np.flatnonzero(reached)
    R = guess[:, wide[here]]
    outside = np.flatnonzero(np.isnan(R).any(axis=0))
    atoms = np.r_[inside, wide[here[outside]]]
    full = np.zeros((atoms.size, here.size))
    full[:K] = np.nan_to_num(R)
    full[K + np.arange(outside.size), outside] = 1.0
    plain = ((full != 0).sum(axis=0) == 1) & (full.max(axis=0) == 1.0)
    return Unit(
        core=layout.core,
        top=layout.top,
        leaf=layout.leaf,
        S=gram.G[inside][:, atoms].toarray(),
        C=gram.G[layout.leaf][:, atoms].toarray(),
        d=gram.G.diagonal()[layout.leaf],
        plain=here[plain],
        picked=full.argmax(axis=0)[plain],
        mixed=here[~plain],
        R=np.ascontiguousarray(full[:, ~plain]),
        segments=layout.segments,
        years=layout.years,
    )
