r"""The collapsed density (:mod:`.collapsed`) in one compiled kernel, for columns that are few or fall apart.

Year effects by regime class are the case: a country of one class has nothing in the other classes' years, so
that cross-products with these are zero.  Levels then fall into parts, each with population columns of its own
beside those that all share.  With A as in :mod:`.collapsed`, a part's own columns o are eliminated first and
leave on the shared ones c

.. math:: A_{cc} - A_{co} T_o M_o^{-1} T_o A_{oc}, \quad M_o = I + T_o A_{oo} T_o,

at the cost of the parts, not of all columns with each other.  The density and the draws are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from bayes_hr.engines.collapsed import Coefficients, PopulationPrior
from bayes_hr.engines.small import JIT, backward, cholesky, forward

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.engines.cells import Cells, SparseRows
    from bayes_hr.engines.hyper import Point

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

KERNEL: Final = 0.5
"""Nanoseconds of a multiplication in the kernel."""

LIBRARY: Final = (0.13, 250_000.0)
"""Nanoseconds of a multiplication in BLAS, and of all calls of an evaluation in numpy."""


class Parts(NamedTuple):
    """Levels by part, and their cross-products, as a named tuple, which numba takes as it is.

    Columns of a part's products are its own, then the shared, then the outcome; zero beyond.

    Attributes
    ----------
    part
        (U,) of each level.
    own
        (B,) number of own columns of each part.
    position, scale
        (B, N) of own columns among all (P,), and the SDs of their priors.
    shared, shared_scale
        (C,) the same of shared columns.
    ZZ, ZD, DD, DD_shared
        (U, m, q, q), (U, m, q, K), (B, m, K, K), (m, C + 1, C + 1), m as in :class:`.cells.Cells`; of the
        last two the lower triangle is read.
    """

    part: Index
    own: Index
    position: Index
    scale: Array
    shared: Index
    shared_scale: Array
    ZZ: Array
    ZD: Array
    DD: Array
    DD_shared: Array


@dataclass(frozen=True)
class Partitioned:
    """Cells arranged by part, and the prior of the population coefficients (without pooled terms)."""

    cells: Cells
    parts: Parts
    prior: PopulationPrior

    @classmethod
    def of(cls, cells: Cells, prior: PopulationPrior) -> Partitioned | None:
        """Arrange the cells; None where BLAS on all columns at once is quicker, or a term is pooled.

        (A pooled term's mean ties all of its coefficients.)
        """
        if prior.pooled:
            return None
        U, q, P1 = cells.ZD.shape[1:]
        some = np.any(cells.ZD[..., :-1] != 0.0, axis=(0, 2))
        part, shared, cost = partition(some, q)
        if KERNEL * cost > LIBRARY[0] * _multiplications(U, P1, q) + LIBRARY[1]:
            return None
        return cls(cells, _arranged(cells, prior, some, part, shared), prior)

    def with_outcome(self, rows: SparseRows, y: Array) -> Partitioned:
        """The same with another outcome (n,), as :meth:`.cells.Cells.with_outcome`."""
        parts, C = self.parts, self.parts.shared.size
        ZD, DD, DD_shared = parts.ZD.copy(), parts.DD.copy(), parts.DD_shared.copy()
        U, _, q, _ = ZD.shape
        level, last = np.arange(U), parts.own[parts.part] + C
        for m, products, squares in rows.sums(y):
            X = products[U * q :]
            ZD[level, m, :, last] = products[: U * q].reshape(U, q)
            for b, n in enumerate(parts.own):
                DD[b, m, n + C, :n] = X[parts.position[b, :n]]
            DD_shared[m, C, :C], DD_shared[m, C, C] = X[parts.shared], squares
        return replace(self, parts=parts._replace(ZD=ZD, DD=DD, DD_shared=DD_shared))

    def eliminate(self, point: Point) -> EliminatedParts:
        """The density at a point and the factors to draw coefficients with; NaN where matrices overflow."""
        weights, log_weights = self.cells.weights(point.rho)
        factor = np.ascontiguousarray(point.factors[0])
        value, *found = _eliminate(self.parts, weights, factor, point.sigma**-2.0)
        n = int(self.cells.count.sum())
        value += log_weights - n * (np.log(point.sigma) + 0.5 * np.log(2 * np.pi))
        return EliminatedParts(float(value), factor, tuple(found), self)


@dataclass(frozen=True)
class EliminatedParts:
    """What :class:`bayes_hr.engines.collapsed.Eliminated` is, by part."""

    log_likelihood: float
    factor: Array
    found: tuple[Array, ...]
    of: Partitioned

    def draw(self, rng: np.random.Generator) -> Coefficients:
        """Draw all coefficients from their joint conditional, exactly."""
        parts, prior = self.of.parts, self.of.prior
        sizes = (parts.shared.size,), parts.position.shape, (parts.part.size, len(self.factor))
        noise = tuple(rng.standard_normal(size) for size in sizes)
        shift, effects = _draw(parts, self.factor, self.found, noise)
        return Coefficients(prior.mean + shift, effects, np.zeros(0))


def partition(some: NDArray[np.bool_], q: int) -> tuple[Index, Index, float]:
    """The cheapest partition of levels (U, P): part of each (U,), shared columns (C,), multiplications.

    Columns that many levels have are shared, how many is tried; the rest falls into connected parts.
    """
    U, P = some.shape
    best = (np.zeros(U, np.int64), np.arange(P), _multiplications(U, P + 1, q))
    reach = some.sum(axis=0)
    for most in np.unique(reach):
        shared = (reach > most) | (reach == 0)  # the coefficient of an empty column keeps its prior
        level, column = np.nonzero(some & ~shared)
        links = scipy.sparse.csr_array((np.ones(level.size), (level, U + column)), shape=(U + P, U + P))
        label = connected_components(links, directed=False)[1][:U]
        part = np.unique(label, return_inverse=True)[1].astype(np.int64)
        cost = 0.0
        for b in range(part.max() + 1):
            here = some[part == b].any(axis=0) | shared
            cost += _multiplications(int(np.sum(part == b)), int(here.sum()) + 1, q)
        if cost < best[2]:
            best = part, np.flatnonzero(shared), cost
    return best


def _multiplications(levels: int, columns: int, q: int) -> float:
    return 0.5 * levels * q * columns**2 + columns**3 / 6.0


def _arranged(
    cells: Cells, prior: PopulationPrior, some: NDArray[np.bool_], part: Index, shared: Index
) -> Parts:
    m, U, q, P1 = cells.ZD.shape
    last = np.append(shared, P1 - 1)
    own = [np.setdiff1d(np.flatnonzero(some[part == b].any(axis=0)), shared) for b in range(part.max() + 1)]
    N, K = max(o.size for o in own), max(o.size for o in own) + last.size
    position, scale = np.zeros((len(own), N), np.int64), np.zeros((len(own), N))
    ZD, DD = np.zeros((U, m, q, K)), np.zeros((len(own), m, K, K))
    for b, o in enumerate(own):
        columns, here = np.concatenate([o, last]), np.flatnonzero(part == b)
        position[b, : o.size], scale[b, : o.size] = o, prior.scale[o]
        ZD[here, :, :, : columns.size] = cells.ZD[:, here][..., columns].transpose(1, 0, 2, 3)
        DD[b, :, : columns.size, : columns.size] = cells.DD[:, columns][:, :, columns]
    return Parts(
        part=part,
        own=np.array([o.size for o in own]),
        position=position,
        scale=scale,
        shared=shared,
        shared_scale=prior.scale[shared],
        ZZ=np.ascontiguousarray(cells.ZZ.transpose(1, 0, 2, 3)),
        ZD=ZD,
        DD=DD,
        DD_shared=np.ascontiguousarray(cells.DD[:, last][:, :, last]),
    )


@JIT
def _add(out, weights, a, rows, columns):
    """Weighted sum of the matrices (m, ...) in the upper left corner of ``out``."""
    for i in range(rows):
        for j in range(columns):
            out[i, j] = 0.0
        for m in range(weights.size):
            for j in range(columns):
                out[i, j] += weights[m] * a[m, i, j]


@JIT
def _levels(parts, weights, factor, s):
    """Eliminate each level: minus log determinants, factors (U, q, q), H (U, q, K), sums of H'H (B, K, K)."""
    U, _, q, K = parts.ZD.shape
    lower, H, G = np.zeros((U, q, q)), np.zeros((U, q, K)), np.zeros((parts.own.size, K, K))
    ZZ, ZD, value = np.empty((q, q)), np.empty((q, K)), 0.0
    for g in range(U):
        b, k = parts.part[g], parts.own[parts.part[g]] + parts.shared.size + 1
        _add(ZZ, weights, parts.ZZ[g], q, q)
        _add(ZD, weights, parts.ZD[g], q, k)
        for i in range(q):
            for j in range(i + 1):
                total = 1.0 if i == j else 0.0
                for c in range(q):
                    for d in range(q):
                        total += s * factor[c, i] * ZZ[c, d] * factor[d, j]
                lower[g, i, j] = total
        value += cholesky(lower[g], q)
        for i in range(q):
            for j in range(i, q):
                for c in range(k):
                    H[g, i, c] += s * factor[j, i] * ZD[j, c]
        forward(lower[g], q, H[g], k)
        for i in range(q):
            for c in range(k):
                if H[g, i, c] != 0.0:
                    for d in range(c + 1):
                        G[b, c, d] += H[g, i, c] * H[g, i, d]
    return value, lower, H, G


@JIT
def _eliminate(parts, weights, factor, s):
    """Log density without constants, then levels' factors and H, and roots, rests and halves to draw with."""
    value, lower, H, G = _levels(parts, weights, factor, s)
    B, N = parts.position.shape
    C, K = parts.shared.size, G.shape[1]
    A, M = np.empty((C + 1, C + 1)), np.empty((K, K))
    roots, rests = np.zeros((B, N, N)), np.zeros((B, N, C + 1))
    _add(A, s * weights, parts.DD_shared, C + 1, C + 1)
    for b in range(B):
        n = parts.own[b]
        _add(M, s * weights, parts.DD[b], n + C + 1, n)  # lower: shared columns are rows here
        for i in range(n):
            for j in range(i + 1):
                roots[b, i, j] = parts.scale[b, i] * (M[i, j] - G[b, i, j]) * parts.scale[b, j]
            roots[b, i, i] += 1.0
            for c in range(C + 1):
                rests[b, i, c] = parts.scale[b, i] * (M[n + c, i] - G[b, n + c, i])
        value += cholesky(roots[b], n)
        forward(roots[b], n, rests[b], C + 1)
        for c in range(C + 1):
            for d in range(c + 1):
                A[c, d] -= G[b, n + c, n + d]
                for i in range(n):
                    A[c, d] -= rests[b, i, c] * rests[b, i, d]
    root, half = np.zeros((C, C)), np.empty((C, 1))
    for c in range(C):
        for d in range(c + 1):
            root[c, d] = parts.shared_scale[c] * A[c, d] * parts.shared_scale[d]
        root[c, c] += 1.0
        half[c, 0] = parts.shared_scale[c] * A[C, c]
    value += cholesky(root, C)
    forward(root, C, half, 1)
    value -= 0.5 * (A[C, C] - np.sum(half * half))
    return value, lower, H, roots, rests, root, half


@JIT
def _draw(parts, factor, found, noise):
    """Population coefficients less their prior means (P,) and effects (U, q), from standard normal noise."""
    lower, H, roots, rests, root, half = found
    shared, own, levels = noise
    C = parts.shared.size
    shift = np.zeros(C + np.sum(parts.own))
    z = half[:, 0] + shared
    backward(root, C, z)
    shift[parts.shared] = parts.shared_scale * z
    for b in range(parts.own.size):
        n = parts.own[b]
        z = rests[b, :n, C] + own[b, :n]
        for i in range(n):
            for c in range(C):
                z[i] -= rests[b, i, c] * shift[parts.shared[c]]
        backward(roots[b], n, z)
        for i in range(n):
            shift[parts.position[b, i]] = parts.scale[b, i] * z[i]
    effects = np.zeros(levels.shape)
    for g in range(len(effects)):
        b = parts.part[g]
        n, w = parts.own[b], levels[g].copy()
        for i in range(w.size):
            w[i] += H[g, i, n + C]
            for c in range(n):
                w[i] -= H[g, i, c] * shift[parts.position[b, c]]
            for c in range(C):
                w[i] -= H[g, i, n + c] * shift[parts.shared[c]]
        backward(lower[g], w.size, w)
        for i in range(w.size):
            for j in range(i + 1):
                effects[g, i] += factor[i, j] * w[j]
    return shift, effects
