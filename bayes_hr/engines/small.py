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
def weighted_products(V, X):
    """Cross-products X' V^-1 X for positive definite V."""
    L, half = V.copy(), X.copy()
    n, k = X.shape
    for i in range(n):
        for j in range(i + 1):
            total = L[i, j]
            for m in range(j):
                total -= L[i, m] * L[j, m]
            L[i, j] = np.sqrt(total) if i == j else total / L[j, j]
        for m in range(i):
            for c in range(k):
                half[i, c] -= L[i, m] * half[m, c]
        for c in range(k):
            half[i, c] /= L[i, i]
    return turned(half, half)


@JIT
def inverse_factor(M):
    """Inverse of the lower Cholesky factor of M; NaN where M is not positive definite."""
    p = len(M)
    L, out = np.zeros((p, p)), np.zeros((p, p))
    for i in range(p):
        for j in range(i + 1):
            total = M[i, j]
            for k in range(j):
                total -= L[i, k] * L[j, k]
            L[i, j] = np.sqrt(total) if i == j else total / L[j, j]
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
