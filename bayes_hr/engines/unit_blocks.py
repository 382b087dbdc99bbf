r"""Blocks of one unit each: log density, posterior moments and exact draws of all effects inside a block.

Rows of a unit (a state), with what is known taken off, are

.. math:: r = Z c + h \circ s + e, \quad c = F \hat c, \; \hat c \sim N(0, I), \; s \sim N(0, Q^{-1}),
          \; e \sim N(0, \sigma^2 I),

with c the unit's effects and those nested in it (a state's varying coefficients, its dyads' intercepts), F
block diagonal with one Cholesky factor for each group level, and s the effects of the unit's years, Q
tridiagonal.  The years are eliminated first by a tridiagonal Cholesky, in time linear in them; then the few
c.

Gradients need no differentiation of any of it.  By Fisher's identity the gradient of the log density is the
posterior mean of the gradient of the complete-data log density, so posterior means and covariances of
:math:`\hat c` and the band of that of s are enough.  For F, Stein's identity gives
:math:`F' \, \partial / \partial F = E[\hat c \hat c'] - I`, block by block.
"""

from __future__ import annotations

import numba
import numpy as np

_JIT = numba.njit(cache=True, nogil=True, error_model="numpy")


@_JIT
def residual(y, values, position, b):
    """Rows with their coefficients taken off: y - sum_k values[:, k] b[position[:, k]], (n,)."""
    r = y.copy()
    for i in range(y.size):
        for k in range(position.shape[1]):
            r[i] -= values[i, k] * b[position[i, k]]
    return r


@_JIT
def by_coefficient(g_r, values, position, size):
    """Gradient in the coefficients (size,) from that in the residual (n,)."""
    out = np.zeros(size)
    for i in range(g_r.size):
        for k in range(position.shape[1]):
            out[position[i, k]] -= values[i, k] * g_r[i]
    return out


@_JIT
def _inverse_factor(M):
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


@_JIT
def _product(a, b):
    """Matrix product of small matrices, without BLAS."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            if a[i, k] != 0.0:
                for j in range(b.shape[1]):
                    out[i, j] += a[i, k] * b[k, j]
    return out


@_JIT
def _factor(U, u, factors):
    """F of one unit, (p, p): the groups' Cholesky factors along the diagonal."""
    p = U.width[u]
    F = np.zeros((p, p))
    for c in range(p):
        for d in range(U.block[u, c], c + 1):
            F[c, d] = factors[U.group[u, c], U.term[u, c], U.term[u, d]]
    return F


@_JIT
def _eliminate_years(gap, weight, sigma, sd, rho):
    """Transition weights and variances of the years, and the factor of their posterior precision."""
    size = gap.size
    phi, v = np.zeros(size), np.empty(size)
    for t in range(size):
        phi[t] = rho ** gap[t] if gap[t] > 0 else 0.0
        v[t] = sd * sd * (1.0 - phi[t] * phi[t])
    left, below = np.empty(size), np.zeros(size)
    for t in range(size):
        d = 1.0 / v[t] + weight[t] / (sigma * sigma)
        if t + 1 < size:
            d += phi[t + 1] * phi[t + 1] / v[t + 1]
        if t > 0:
            below[t] = -phi[t] / v[t] / left[t - 1]
        left[t] = np.sqrt(d - below[t] * below[t])
    return phi, v, left, below


@_JIT
def _backward(left, below, B):
    """Solve the transposed bidiagonal factor for (T, k) right-hand sides, in place."""
    for t in range(left.size - 1, -1, -1):
        for c in range(B.shape[1]):
            if t + 1 < left.size:
                B[t, c] -= below[t + 1] * B[t + 1, c]
            B[t, c] /= left[t]


@_JIT
def _half_solved(U, u, r, left, below, sigma):
    """Over sigma^2: Z'r (p, 1), r'r, and the years' [A, h'r] (T, p + 1) with their factor solved."""
    p, f, s2 = U.width[u], U.first[u], sigma * sigma
    zr, rr = np.zeros((p, 1)), 0.0
    W = np.zeros((left.size, p + 1))
    W[:, :p] = U.A[f : f + left.size, :p] / s2
    for i in range(U.start[u], U.start[u + 1]):
        rr += r[i] * r[i] / s2
        for c in range(p):
            zr[c, 0] += U.Z[i, c] * r[i] / s2
        if left.size > 0:
            W[U.cell[i] - f, p] += U.h[i] * r[i] / s2
    for t in range(left.size):
        for c in range(p + 1):
            if t > 0:
                W[t, c] -= below[t] * W[t - 1, c]
            W[t, c] /= left[t]
    return zr, rr, W


@_JIT
def _condense(ZZ, zr, W, F):
    """With the years gone: inverse factor of the precision of c-hat, half and whole of its mean."""
    p = len(F)
    S, m = ZZ.copy(), zr.copy()
    for t in range(len(W)):
        for i in range(p):
            m[i, 0] -= W[t, i] * W[t, p]
            for j in range(p):
                S[i, j] -= W[t, i] * W[t, j]
    lower = _inverse_factor(np.eye(p) + _product(F.T, _product(S, F)))
    half = _product(lower, _product(F.T, m))
    return lower, half, _product(lower.T, half)


@_JIT
def _unit(U, u, r, F, sigma, sd, rho):
    """Eliminate everything inside one unit; see the functions above for what comes back."""
    f, size, p = U.first[u], U.first[u + 1] - U.first[u], U.width[u]
    phi, v, left, below = _eliminate_years(U.gap[f : f + size], U.weight[f : f + size], sigma, sd, rho)
    zr, rr, W = _half_solved(U, u, r, left, below, sigma)
    lower, half, mean = _condense(U.ZZ[u, :p, :p] / (sigma * sigma), zr, W, F)
    value = -0.5 * rr
    for t in range(size):
        value += 0.5 * W[t, p] * W[t, p] - np.log(left[t]) - 0.5 * np.log(v[t])
    for i in range(p):
        value += 0.5 * half[i, 0] * half[i, 0] + np.log(lower[i, i])
    return value, phi, v, left, below, W, lower, mean


@_JIT
def _band(left, below):
    """Diagonal (T,) and first off-diagonal (T,) of the inverse, from the bidiagonal factor."""
    own, link = 1.0 / (left * left), np.zeros(left.size)
    for t in range(left.size - 2, -1, -1):
        ratio = below[t + 1] / left[t]
        link[t + 1] = -ratio * own[t + 1]
        own[t] += ratio * ratio * own[t + 1]
    return own, link


@_JIT
def _years_given(W, left, below, c):
    """Posterior mean of the years (T,) at c (p, 1), and how it moves with c (T, p), with sign turned."""
    X = W.copy()
    p = len(c)
    for t in range(len(X)):
        for k in range(p):
            X[t, p] -= W[t, k] * c[k, 0]
    _backward(left, below, X)
    return X[:, p].copy(), X[:, :p].copy()


@_JIT
def _year_gradients(gap, phi, v, s, B, C, own, link, rho):
    """Gradients in log sd and rho, and the trace of the years' prior precision times covariance."""
    g_sd, g_rho, trace, last, var_last = 0.0, 0.0, 0.0, 0.0, 0.0
    BC = _product(B, C)
    for t in range(s.size):
        var, cov = own[t], link[t]
        for i in range(B.shape[1]):
            var += B[t, i] * BC[t, i]
            if t > 0:
                cov += B[t, i] * BC[t - 1, i]
        square = var - 2.0 * phi[t] * cov + phi[t] * phi[t] * var_last
        total = square + (s[t] - phi[t] * last) ** 2
        trace += square / v[t]
        g_sd += total / v[t] - 1.0
        if gap[t] > 0:
            over = 1.0 - phi[t] * phi[t]
            slope = (cov + s[t] * last - phi[t] * (var_last + last * last)) / v[t]
            slope += phi[t] / over - phi[t] * total / (v[t] * over)
            g_rho += slope * gap[t] * rho ** (gap[t] - 1)
        last, var_last = s[t], var
    return g_sd, g_rho, trace


@_JIT
def _add_excess(U, u, inverse, mean, H):
    """Add E[c-hat c-hat'] - I of every block of one unit to its group's sum."""
    for c in range(len(inverse)):
        for d in range(len(inverse)):
            if U.block[u, d] == U.block[u, c]:
                excess = inverse[c, d] + mean[c, 0] * mean[d, 0] - (1.0 if c == d else 0.0)
                H[U.group[u, c], U.term[u, c], U.term[u, d]] += excess


@_JIT
def moments(r, U, factors, sigma, sd, rho):
    """Log density of the rows with all effects of all units integrated out, and its gradient.

    Parameters
    ----------
    r : (n,) rows in the order of ``U.rows``, with everything that is not integrated out taken off.
    U : :class:`bayes_hr.engines.unit_rows.UnitRows`.
    factors : (G, q, q) Cholesky factor of each inner group's covariance, zero-padded.
    sigma, sd, rho : floats; SD of rows and of unit-years, their autocorrelation.

    Returns
    -------
    value : float
        Without the constant -n/2 log(2 pi).
    g_r : (n,) gradient in r.
    H : (G, q, q) sum over levels of E[c-hat c-hat'] - I, by group.
    g_sigma, g_sd, g_rho : gradients in log sigma, log sd and rho.
    """
    s2, n = sigma * sigma, r.size
    value, g_sigma, g_sd, g_rho = -n * np.log(sigma), -float(n), 0.0, 0.0
    g_r, H = np.empty(n), np.zeros(factors.shape)
    for u in range(U.start.size - 1):
        p, f, size = U.width[u], U.first[u], U.first[u + 1] - U.first[u]
        F = _factor(U, u, factors)
        more, phi, v, left, below, W, lower, mean = _unit(U, u, r, F, sigma, sd, rho)
        inverse, c = _product(lower.T, lower), _product(F, mean)
        s, B = _years_given(W, left, below, c)
        own, link = _band(left, below)
        C = _product(_product(F, inverse), F.T)
        d_sd, d_rho, trace = _year_gradients(U.gap[f : f + size], phi, v, s, B, C, own, link, rho)
        value, g_sd, g_rho = value + more, g_sd + d_sd, g_rho + d_rho
        g_sigma += p - np.trace(inverse) + size - trace
        _add_excess(U, u, inverse, mean, H)
        for i in range(U.start[u], U.start[u + 1]):
            e = r[i]
            for k in range(p):
                e -= U.Z[i, k] * c[k, 0]
            if size > 0:
                e -= U.h[i] * s[U.cell[i] - f]
            g_r[i] = -e / s2
            g_sigma += e * e / s2
    return value, g_r, H, g_sigma, g_sd, g_rho


@_JIT
def draw(r, U, factors, sigma, sd, rho, noise_c, noise_s):
    """One exact draw of all effects given the parameters: c (U, P), and the unit-years' s (T,).

    ``noise_c`` (U, P) and ``noise_s`` (T,) are standard normal.
    """
    effects, years = np.zeros(U.block.shape), np.zeros(U.gap.size)
    for u in range(U.start.size - 1):
        p, f = U.width[u], U.first[u]
        F = _factor(U, u, factors)
        _, _, _, left, below, W, lower, mean = _unit(U, u, r, F, sigma, sd, rho)
        c = np.zeros((p, 1))
        c[:, 0] = noise_c[u, :p]
        c = _product(F, mean + _product(lower.T, c))
        right = np.zeros((left.size, 1))
        for t in range(left.size):
            right[t, 0] = W[t, p] + noise_s[f + t]
            for k in range(p):
                right[t, 0] -= W[t, k] * c[k, 0]
        _backward(left, below, right)
        effects[u, :p] = c[:, 0]
        years[f : f + left.size] = right[:, 0]
    return effects, years
