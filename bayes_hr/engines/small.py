"""Algebra of small contiguous matrices in numba, without BLAS, whose threads cost more than it saves here.

One memory layout everywhere, so that each kernel compiles once; zeros of a left factor cost nothing.
"""

from __future__ import annotations

import numba
import numpy as np

JIT = numba.njit(
    cache=True,
    nogil=True,
    error_model="numpy",
    # Sums may be reordered, or no loop is vectorised; NaN and infinity keep their meaning.
    fastmath={"reassoc", "contract", "nsz", "arcp"},
)


@JIT
def cholesky(M, n):
    """Lower Cholesky factor of the upper left (n, n) of M in its lower triangle, in place.

    Returns minus half the log of its determinant; NaN where it is not positive definite.
    """
    value = 0.0
    for i in range(n):
        for j in range(i + 1):
            total = M[i, j]
            for k in range(j):
                total -= M[i, k] * M[j, k]
            M[i, j] = np.sqrt(total) if i == j else total / M[j, j]
        value -= np.log(M[i, i])
    return value


@JIT
def forward(L, n, B, columns):
    """Solve lower triangular (n, n) for the first columns of B, in place."""
    for i in range(n):
        for j in range(i):
            for c in range(columns):
                B[i, c] -= L[i, j] * B[j, c]
        for c in range(columns):
            B[i, c] /= L[i, i]


@JIT
def backward(L, n, b):
    """Solve the transposed lower triangular (n, n) for the first of b (n,), in place."""
    for i in range(n - 1, -1, -1):
        b[i] /= L[i, i]
        for j in range(i):
            b[j] -= L[i, j] * b[i]


@JIT
def weighted_products(V, X):
    """Cross-products X' V^-1 X for positive definite V."""
    L, half = V.copy(), X.copy()
    cholesky(L, len(L))
    forward(L, len(L), half, half.shape[1])
    return turned(half, half)


@JIT
def inverse_factor(M):
    """Inverse of the lower Cholesky factor of M; NaN where M is not positive definite."""
    p = len(M)
    L, out = M.copy(), np.zeros((p, p))
    cholesky(L, p)
    for j in range(p):
        out[j, j] = 1.0 / L[j, j]
        for i in range(j + 1, p):
            total = 0.0
            for k in range(j, i):
                total -= L[i, k] * out[k, j]
            out[i, j] = total / L[i, i]
    return out


@JIT
def product(a, b):
    """Matrix product."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            if a[i, k] != 0.0:
                for j in range(b.shape[1]):
                    out[i, j] += a[i, k] * b[k, j]
    return out


@JIT
def turned(a, b):
    """Transposed a times b."""
    out = np.zeros((a.shape[1], b.shape[1]))
    for k in range(a.shape[0]):
        for i in range(a.shape[1]):
            if a[k, i] != 0.0:
                for j in range(b.shape[1]):
                    out[i, j] += a[k, i] * b[k, j]
    return out


@JIT
def flipped(a):
    """Transpose, in the one layout."""
    out = np.empty((a.shape[1], a.shape[0]))
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[j, i] = a[i, j]
    return out


@JIT
def around(a, b):
    """Symmetric b between a and its transpose; zeros of a cost nothing."""
    return product(a, flipped(product(a, b)))


@JIT
def between(a, b):
    """Symmetric b between the transpose of a and a."""
    return turned(a, flipped(turned(a, b)))


@JIT
def picked(a, rows, columns):
    """Rows and columns of a matrix."""
    out = np.empty((rows.size, columns.size))
    for i in range(rows.size):
        for j in range(columns.size):
            out[i, j] = a[rows[i], columns[j]]
    return out
