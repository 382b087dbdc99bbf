r"""Rows collapsed into cross-products, one cell for each level of a group term.

A linear-Gaussian likelihood reads the rows only through the cross-products of :math:`[Z\; X\; y]` within
levels.  With AR(1) errors a row over a gap of g years enters as
:math:`w_g (D_t - \rho^g D_{t-g})`, so its products are quadratic in :math:`\rho^g`: three matrices for each
distinct gap, one for the first rows of units.  They are added up once; an evaluation then costs the same for
a thousand times the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from bayes_hr.kernels import RowOrder

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


@dataclass(frozen=True)
class Products:
    """Cross-products at one rho (or one set of row weights).

    Attributes
    ----------
    ZZ, ZD, DD
        (U, q, q), (U, q, P + 1), (P + 1, P + 1), of the varying columns Z and of D = [X, y].
    log_weights
        Sum of the logs of the rows' weights: minus the logs of the SDs of the shocks over sigma.
    n
        Rows.
    """

    ZZ: Array
    ZD: Array
    DD: Array
    log_weights: float
    n: int


@dataclass(frozen=True)
class Cells:
    """Cross-products from which those at any rho are a weighted sum.

    Attributes
    ----------
    gaps, count
        (M,) distinct gaps (0: the first row of a unit) and how many rows have each.
    ZZ, ZD, DD
        (3 M, ...) products of rows with themselves, with the row before (both ways), of the row before.
    """

    gaps: Index
    count: Index
    ZZ: Array
    ZD: Array
    DD: Array
    autocorrelated: bool

    @classmethod
    def of(cls, Z: Array, D: Array, index: Index, levels: int, order: RowOrder | None) -> Cells:
        """Add up the rows, which are (n, q) and (n, P + 1), by gap; no order if errors are independent."""
        if order is None:
            ZZ, ZD, DD = _products((Z, D), (Z, D), index, levels)
            return cls(np.zeros(1, np.int64), np.array([len(Z)]), ZZ[None], ZD[None], DD[None], False)
        code = np.where(order.first, 0, order.gap)
        gaps, count = np.unique(code, return_counts=True)
        parts: list[tuple[Array, ...]] = []
        for gap in gaps:
            rows = np.flatnonzero(code == gap)
            before, at = order.previous[rows], index[rows]
            here, last = (Z[rows], D[rows]), (Z[before], D[before])
            own = _products(here, here, at, levels)
            parts.append(own)
            if gap == 0:
                parts += [tuple(np.zeros_like(a) for a in own)] * 2
                continue
            one, other = _products(here, last, at, levels), _products(last, here, at, levels)
            parts.append(tuple(a + b for a, b in zip(one, other, strict=True)))
            parts.append(_products(last, last, at, levels))
        ZZ, ZD, DD = (np.stack(a) for a in zip(*parts, strict=True))
        return cls(gaps, count, ZZ, ZD, DD, True)

    def at(self, rho: float) -> Products:
        """Cross-products of the rows with AR(1) errors of this rho turned into independent ones."""
        weights, log_weights = self.weights(rho)
        ZZ, ZD, DD = (_weighted(weights, a) for a in (self.ZZ, self.ZD, self.DD))
        return Products(ZZ, ZD, DD, log_weights, int(self.count.sum()))

    def weights(self, rho: float) -> tuple[Array, float]:
        """Weights (m,) of the matrices in the products at ``rho``, and the sum of the logs of the rows'."""
        if not self.autocorrelated:
            return np.ones(1), 0.0
        phi = np.where(self.gaps == 0, 0.0, np.power(rho, self.gaps))
        inverse = (1.0 - rho**2) / (1.0 - phi**2)  # of the shocks' variances over that of a year's
        weights = np.stack([inverse, -phi * inverse, phi**2 * inverse], axis=1).ravel()
        return weights, float(0.5 * self.count @ np.log(inverse))

    def with_within(self, at: Index, scatter: Array, n: int) -> Cells:
        """The same of n rows that scatter around what was added up, in columns ``at`` (m,) of D; iid only."""
        DD = self.DD.copy()
        DD[0][np.ix_(at, at)] += scatter
        return replace(self, DD=DD, count=np.array([n]))

    def with_outcome(self, rows: SparseRows, y: Array) -> Cells:
        """The same cells with another outcome (n,) in the last column; ``rows`` are those of :meth:`of`."""
        ZD, DD, P = self.ZD.copy(), self.DD.copy(), self.DD.shape[-1] - 1
        wide = ZD.shape[1] * ZD.shape[2]
        for m, products, squares in rows.sums(y):
            ZD[m, :, :, P] = products[:wide].reshape(ZD.shape[1:3])
            DD[m, :P, P] = DD[m, P, :P] = products[wide:]
            DD[m, P, P] = squares
        return replace(self, ZD=ZD, DD=DD)


@dataclass(frozen=True)
class SparseRows:
    """Rows [Z by level, X] for :meth:`Cells.with_outcome`: transposes by gap, of the rows and those before.

    Attributes
    ----------
    parts
        For each gap: (U q + P, rows) of the rows and, if there are any, of those before; positions of both.
    stride
        Matrices that a gap has in the cells.
    """

    parts: tuple[tuple[csr_array, csr_array | None, Index, Index | None], ...]
    stride: int

    @classmethod
    def of(cls, Z: csr_array, X: Array, order: RowOrder | None) -> SparseRows:
        """From varying columns at their levels (n, U q), population columns (n, P) and the rows' order."""
        M = scipy.sparse.hstack([Z, scipy.sparse.csr_array(X)]).tocsr()
        if order is None:
            return cls(((M.T.tocsr(), None, np.arange(len(X)), None),), 1)
        code, parts = np.where(order.first, 0, order.gap), []
        for gap in np.unique(code):
            at = np.flatnonzero(code == gap)
            last = order.previous[at] if gap else None
            parts.append((M[at].T.tocsr(), None if last is None else M[last].T.tocsr(), at, last))
        return cls(tuple(parts), 3)

    def sums(self, y: Array) -> Iterator[tuple[int, Array, float]]:
        """For each matrix of the cells: its number, products (U q + P,) with an outcome (n,), its square."""
        for k, (here, before, at, last) in enumerate(self.parts):
            own = y[at]
            yield self.stride * k, here @ own, float(own @ own)
            if before is not None and last is not None:
                past = y[last]
                yield self.stride * k + 1, here @ past + before @ own, float(2.0 * (own @ past))
                yield self.stride * k + 2, before @ past, float(past @ past)


def _weighted(weights: Array, a: Array) -> Array:
    return np.asarray((weights @ a.reshape(len(a), -1)).reshape(a.shape[1:]))


def _products(
    left: tuple[Array, Array], right: tuple[Array, Array], index: Index, levels: int
) -> tuple[Array, Array, Array]:
    """Z'Z2 and Z'D2 by level, D'D2, of rows (Z, D) and (Z2, D2)."""
    (Z, D), (Z2, D2) = left, right
    q = Z.shape[1]
    mixed = by_level(Z, index, levels).T @ np.hstack([Z2, D2])
    cell = mixed.reshape(levels, q, -1)
    return np.ascontiguousarray(cell[:, :, :q]), np.ascontiguousarray(cell[:, :, q:]), D.T @ D2


@dataclass(frozen=True)
class WeightedRows:
    """Cross-products as linear functions of row weights: one sparse product for each new set of weights.

    Attributes
    ----------
    ZZ, ZD, DD
        Sparse (entries of the products, n).
    shape
        (U, q, P + 1).
    """

    ZZ: csr_array
    ZD: scipy.sparse.csr_array
    DD: scipy.sparse.csr_array
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, Z: Array, D: Array, index: Index, levels: int) -> WeightedRows:
        """Prepare rows (n, q) and (n, P + 1), most of whose entries may be zero."""
        q, P1 = Z.shape[1], D.shape[1]
        d_at, d = _packed(D)
        z_at = np.tile(np.arange(q), (len(Z), 1))
        row = index[:, None] * q
        return cls(
            _pairs(row + z_at, Z, z_at, Z, (levels * q, q)),
            _pairs(row + z_at, Z, d_at, d, (levels * q, P1)),
            _pairs(d_at, d, d_at, d, (P1, P1)),
            (levels, q, P1),
        )

    def at(self, weights: Array) -> Products:
        """Products of rows with independent errors of variance sigma^2 / weight, (n,)."""
        U, q, P1 = self.shape
        log_weights = float(0.5 * np.log(weights).sum())
        return Products(
            (self.ZZ @ weights).reshape(U, q, q),
            (self.ZD @ weights).reshape(U, q, P1),
            (self.DD @ weights).reshape(P1, P1),
            log_weights,
            weights.size,
        )


def _packed(D: Array) -> tuple[Index, Array]:
    """Positions and values (n, m) of the entries of each row that are not zero, m the most in any row."""
    most = int((D != 0).sum(axis=1).max())
    at = np.argsort(D == 0, axis=1, kind="stable")[:, :most]
    return at, np.take_along_axis(D, at, axis=1)


def _pairs(a_at: Index, a: Array, b_at: Index, b: Array, shape: tuple[int, int]) -> scipy.sparse.csr_array:
    """The matrix (shape[0] * shape[1], n) that takes weights to the sums of weight a b."""
    n = len(a)
    at = (a_at[:, :, None] * shape[1] + b_at[:, None, :]).reshape(n, -1)
    values = (a[:, :, None] * b[:, None, :]).reshape(n, -1)
    rows, columns = np.nonzero(values)
    return scipy.sparse.csr_array(
        (values[rows, columns], (at[rows, columns], rows)), shape=(shape[0] * shape[1], n)
    )


def by_level(Z: Array, index: Index, levels: int) -> scipy.sparse.csr_array:
    """(n, levels q) sparse: each row's varying columns at its level."""
    n, q = Z.shape
    columns = (index[:, None] * q + np.arange(q)).ravel()
    return scipy.sparse.csr_array((Z.ravel(), columns, np.arange(n + 1) * q), shape=(n, levels * q))
