r"""Blocks of one unit each, and what cuts across them: log density, posterior moments and exact draws.

Rows of a unit (a state), with population terms taken off, are

.. math:: r = Z c + Z_o w + h \circ s + e, \quad c = F \hat c, \; w = F_o \hat w, \;
          \hat c, \hat w \sim N(0, I), \; s \sim N(0, Q^{-1}), \; e \sim N(0, \sigma^2 I),

with c the unit's effects and those nested in it (a state's varying coefficients, its dyads' intercepts), w
the effects of groups that cut across units (IGOs), s the effects of the unit's years, Q tridiagonal, and F
block diagonal with one Cholesky factor for each group level.  The years are eliminated first, by a
tridiagonal Cholesky in time linear in them; then each unit's few c; what is left falls on w, one dense matrix
as wide as there are such effects.

Most columns of a unit are sums of others (a state's level during membership is the sum of its IGOs'), so
``[Z, Z_o] = atoms R`` with few atoms; all that is linear in rows or years is done on these.

Gradients need no differentiation of any of it.  By Fisher's identity the gradient of the log density is the
posterior mean of the gradient of the complete-data log density, so posterior means and covariances of
:math:`\hat c`, :math:`\hat w` and the band of that of s are enough.  For F, Stein's identity gives
:math:`F' \, \partial / \partial F = E[\hat c \hat c'] - I`, block by block.
"""

from __future__ import annotations

import numpy as np

from bayes_hr.engines.small import JIT, around, between, flipped, inverse_factor, picked, product, turned


@JIT
def residual(y, values, position, b):
    """Rows with their coefficients taken off: y - sum_k values[:, k] b[position[:, k]], (n,)."""
    r = y.copy()
    for i in range(y.size):
        for k in range(position.shape[1]):
            r[i] -= values[i, k] * b[position[i, k]]
    return r


@JIT
def by_coefficient(g_r, values, position, size):
    """Gradient in the coefficients (size,) from that in the residual (n,)."""
    out = np.zeros(size)
    for i in range(g_r.size):
        for k in range(position.shape[1]):
            out[position[i, k]] -= values[i, k] * g_r[i]
    return out


@JIT
def _factor(block, group, term, p, factors):
    """F, (p, p): the groups' Cholesky factors along the diagonal."""
    F = np.zeros((p, p))
    for c in range(p):
        for d in range(block[c], c + 1):
            F[c, d] = factors[group[c], term[c], term[d]]
    return F


@JIT
def _transitions(gap, sd, rho):
    """Weight of each year on the one before (0 for a first one) and its variance given that, both (T,)."""
    phi, v = np.zeros(gap.size), np.empty(gap.size)
    for t in range(gap.size):
        if gap[t] > 0:
            phi[t] = rho if gap[t] == 1 else rho ** gap[t]
        v[t] = sd * sd * (1.0 - phi[t] * phi[t])
    return phi, v


@JIT
def _backward(left, below, B):
    """Solve the transposed bidiagonal factor for (T, k) right-hand sides, in place."""
    for t in range(left.size - 1, -1, -1):
        for c in range(B.shape[1]):
            if t + 1 < left.size:
                B[t, c] -= below[t + 1] * B[t + 1, c]
            B[t, c] /= left[t]


@JIT
def _atoms_and_rows(U, u, r, size, s):
    """Over sigma^2: [atoms, r]'r (a + 1), and h'r of each year in the last column of W (T, a + 1)."""
    f, a = U.first[u], U.atoms[u]
    zr, W = np.zeros(a + 1), np.zeros((size, a + 1))
    for i in range(U.start[u], U.start[u + 1]):
        scaled = s * r[i]
        zr[a] += r[i] * scaled
        for c in range(a):
            zr[c] += U.Z[i, c] * scaled
        if size > 0:
            W[U.cell[i] - f, a] += U.h[i] * scaled
    return zr, W


@JIT
def _without_years(U, u, r, s, years):
    """Cross-products of the atoms (a, a), of them with r (a, 1), and r'r, once the years are gone.

    Also W (T, a + 1), the years' products with atoms and r, half solved, and the bidiagonal factor of their
    posterior precision.  One loop over the years does it all: more time goes into small loops than into sums.
    """
    phi, v = years
    f, a, size = U.first[u], U.atoms[u], v.size
    zr, W = _atoms_and_rows(U, u, r, size, s)
    S, m, rr = np.empty((a, a)), np.empty((a, 1)), zr[a]
    for i in range(a):
        m[i, 0] = zr[i]
        for j in range(i + 1):
            S[i, j] = s * U.ZZ[u, i, j]
    left, below = np.empty(size), np.zeros(size)
    for t in range(size):
        d = 1.0 / v[t] + s * U.weight[f + t]
        if t + 1 < size:
            d += phi[t + 1] * phi[t + 1] / v[t + 1]
        for c in range(a):
            W[t, c] = s * U.A[f + t, c]
        if t > 0:
            below[t] = -phi[t] / (v[t] * left[t - 1])
            for c in range(a + 1):
                W[t, c] -= below[t] * W[t - 1, c]
        left[t] = np.sqrt(d - below[t] * below[t])
        for c in range(a + 1):
            W[t, c] *= 1.0 / left[t]
        rr -= W[t, a] * W[t, a]
        for i in range(a):
            m[i, 0] -= W[t, i] * W[t, a]
            for j in range(i + 1):
                S[i, j] -= W[t, i] * W[t, j]
    for i in range(a):
        for j in range(i):
            S[j, i] = S[i, j]
    return S, m, rr, W, left, below


@JIT
def _columns(U, u, factors):
    """Columns of a unit's effects as sums of atoms, (a, p + o); its own are those of c-hat: R F."""
    p, block, group, term = U.width[u], U.block[u], U.group[u], U.term[u]
    Q = U.R[u, : U.atoms[u], : p + U.reach[u]].copy()
    for c in range(p):
        for d in range(c, p):  # F is lower triangular: a column takes later ones only
            if block[d] != block[c]:
                break
            F_dc = factors[group[d], term[d], term[c]]
            for i in range(len(Q)):
                Q[i, c] = Q[i, d] * F_dc + (Q[i, c] if d > c else 0.0)
    return Q


@JIT
def _unit(U, u, r, factors, sigma, sd, rho):
    """Eliminate the years and the own effects of one unit.

    Returns
    -------
    value : its part of the log density, without what falls on the effects it shares.
    K, k : (o, o) and (o, 1) what falls on these.
    Q : (atoms, p + o) columns of c-hat and of the shared effects as sums of atoms.
    lower, half, Y : c-hat given the shared effects, mean lower' (half - Y w), covariance lower' lower.
    W, phi, v, left, below : the years.
    """
    p = U.width[u]
    phi, v = _transitions(U.gap[U.first[u] : U.first[u + 1]], sd, rho)
    S, m, rr, W, left, below = _without_years(U, u, r, 1.0 / (sigma * sigma), (phi, v))
    Q = _columns(U, u, factors)
    S, m = turned(Q, product(S, Q)), turned(Q, m)
    own, others = np.arange(p), np.arange(p, len(S))
    lower = inverse_factor(np.eye(p) + picked(S, own, own))
    half, Y = product(lower, m[:p].copy()), product(lower, picked(S, own, others))
    value = -0.5 * rr - np.sum(np.log(left)) - 0.5 * np.sum(np.log(v))
    for i in range(p):
        value += 0.5 * half[i, 0] * half[i, 0] + np.log(lower[i, i])
    K, k = picked(S, others, others) - turned(Y, Y), m[p:] - turned(Y, half)
    return value, K, k, Q, lower, half, Y, W, phi, v, left, below


@JIT
def _all_units(r, U, factors, sigma, sd, rho):
    """Every unit, and the effects they share given the rows: value, units, F_o, inverse factor, half."""
    G, value = U.wide_block.size, -r.size * np.log(sigma)
    K, k = np.eye(G), np.zeros((G, 1))
    units = [_unit(U, 0, r, factors, sigma, sd, rho)]
    for u in range(1, U.start.size - 1):
        units.append(_unit(U, u, r, factors, sigma, sd, rho))
    wide = _factor(U.wide_block, U.wide_group, U.wide_term, G, factors)
    S = np.zeros((G, G))
    for u in range(len(units)):
        more, K_u, k_u = units[u][:3]
        value += more
        at = U.outer[u, U.width[u] : U.width[u] + U.reach[u]]
        for i in range(at.size):
            k[at[i], 0] += k_u[i, 0]
            for j in range(at.size):
                S[at[i], at[j]] += K_u[i, j]
    lower = inverse_factor(K + between(wide, S))
    half = product(lower, turned(wide, k))
    for i in range(G):
        value += 0.5 * half[i, 0] * half[i, 0] + np.log(lower[i, i])
    return value, units, wide, lower, half


@JIT
def _band(left, below):
    """Diagonal (T,) and first off-diagonal (T,) of the inverse, from the bidiagonal factor."""
    own, link = 1.0 / (left * left), np.zeros(left.size)
    for t in range(left.size - 2, -1, -1):
        ratio = below[t + 1] / left[t]
        link[t + 1] = -ratio * own[t + 1]
        own[t] += ratio * ratio * own[t + 1]
    return own, link


@JIT
def _years_given(W, left, below, c):
    """Posterior mean of the years (T,) at atoms' coefficients c (p, 1); how it moves with c, sign turned."""
    X = W.copy()
    p = len(c)
    for t in range(len(X)):
        for k in range(p):
            X[t, p] -= W[t, k] * c[k, 0]
    _backward(left, below, X)
    return X[:, p].copy(), X[:, :p].copy()


@JIT
def _year_gradients(gap, phi, v, s, B, C, own, link, rho):
    """Gradients in log sd and rho, and the trace of the years' prior precision times covariance."""
    g_sd, g_rho, trace, last, var_last = 0.0, 0.0, 0.0, 0.0, 0.0
    BC = product(B, C)
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


@JIT
def _add_excess(block, group, term, inverse, mean, H):
    """Add E[c-hat c-hat'] - I of every block to its group's sum."""
    for c in range(len(inverse)):
        for d in range(block[c], len(inverse)):
            if block[d] != block[c]:
                break
            excess = inverse[c, d] + mean[c, 0] * mean[d, 0] - (1.0 if c == d else 0.0)
            H[group[c], term[c], term[d]] += excess


@JIT
def _joint(unit, w, C_w):
    """c-hat and shared effects of a unit: mean (p + o, 1), covariance (p + o, p + o); both of c-hat alone."""
    _, _, _, _, lower, half, Y, _, _, _, _, _ = unit
    p, o = Y.shape
    D = -turned(lower, Y)
    cross = product(D, C_w)
    mean = turned(lower, half) + product(D, w)
    inverse = turned(lower, lower) + product(cross, flipped(D))
    effects, C = np.empty((p + o, 1)), np.empty((p + o, p + o))
    effects[:p], effects[p:] = mean, w
    for i in range(p):
        for j in range(p):
            C[i, j] = inverse[i, j]
        for j in range(o):
            C[i, p + j] = C[p + j, i] = cross[i, j]
    for i in range(o):
        for j in range(o):
            C[p + i, p + j] = C_w[i, j]
    return effects, C, mean, inverse


@JIT
def moments(r, U, factors, sigma, sd, rho):
    """Log density of the rows with all effects integrated out, and its gradient.

    Parameters
    ----------
    r : (n,) rows in the order of ``U.rows``, with population terms taken off.
    U : :class:`bayes_hr.engines.unit_rows.UnitRows`.
    factors : (groups, q, q) Cholesky factor of each group's covariance, zero-padded; inner groups first.
    sigma, sd, rho : floats; SD of rows and of unit-years, their autocorrelation.

    Returns
    -------
    value : float
        Without the constant -n/2 log(2 pi).
    g_r : (n,) gradient in r.
    H : (groups, q, q) sum over levels of E[c-hat c-hat'] - I, by group.
    g_sigma, g_sd, g_rho : gradients in log sigma, log sd and rho.
    """
    s2, g_sd, g_rho = sigma * sigma, 0.0, 0.0
    value, units, wide, lower_w, half_w = _all_units(r, U, factors, sigma, sd, rho)
    inverse_w, mean_w = turned(lower_w, lower_w), turned(lower_w, half_w)
    C_w, w = around(wide, inverse_w), product(wide, mean_w)
    g_r, H = np.empty(r.size), np.zeros(factors.shape)
    _add_excess(U.wide_block, U.wide_group, U.wide_term, inverse_w, mean_w, H)
    g_sigma = len(w) - np.trace(inverse_w) - float(r.size)
    for u in range(len(units)):
        p, f, size = U.width[u], U.first[u], U.first[u + 1] - U.first[u]
        at = U.outer[u, p : p + U.reach[u]]
        effects, C, mean, inverse = _joint(units[u], w[at], picked(C_w, at, at))
        _, _, _, Q, _, _, _, W, phi, v, left, below = units[u]
        b = product(Q, effects)
        s, B = _years_given(W, left, below, b)
        own, link = _band(left, below)
        d_sd, d_rho, trace = _year_gradients(U.gap[f : f + size], phi, v, s, B, around(Q, C), own, link, rho)
        g_sd, g_rho = g_sd + d_sd, g_rho + d_rho
        g_sigma += p - np.trace(inverse) + size - trace
        _add_excess(U.block[u], U.group[u], U.term[u], inverse, mean, H)
        for i in range(U.start[u], U.start[u + 1]):
            e = r[i]
            for k in range(len(b)):
                e -= U.Z[i, k] * b[k, 0]
            if size > 0:
                e -= U.h[i] * s[U.cell[i] - f]
            g_r[i] = -e / s2
            g_sigma += e * e / s2
    return value, g_r, H, g_sigma, g_sd, g_rho


@JIT
def draw(r, U, factors, sigma, sd, rho, noise_c, noise_w, noise_s):
    """One exact draw of all effects given the parameters: c (U, P), w (G,) and the unit-years' s (T,).

    ``noise_c`` (U, P), ``noise_w`` (G, 1) and ``noise_s`` (T,) are standard normal.
    """
    own, years = np.zeros(U.block.shape), np.zeros(U.gap.size)
    _, units, wide, lower_w, half_w = _all_units(r, U, factors, sigma, sd, rho)
    w = product(wide, turned(lower_w, half_w + noise_w))
    for u in range(len(units)):
        p, f = U.width[u], U.first[u]
        _, _, _, Q, lower, half, Y, W, _, _, left, below = units[u]
        noise = np.empty((p, 1))
        noise[:, 0] = noise_c[u, :p]
        at = U.outer[u, p : p + U.reach[u]]
        effects = np.empty((p + U.reach[u], 1))
        effects[:p] = turned(lower, half - product(Y, w[at]) + noise)
        effects[p:] = w[at]
        b, right = product(Q, effects), np.empty((left.size, 1))
        for t in range(left.size):
            right[t, 0] = W[t, len(b)] + noise_s[f + t]
            for k in range(len(b)):
                right[t, 0] -= W[t, k] * b[k, 0]
        _backward(left, below, right)
        F = _factor(U.block[u], U.group[u], U.term[u], p, factors)
        own[u, :p] = product(F, effects[:p].copy())[:, 0]
        years[f : f + left.size] = right[:, 0]
    return own, w[:, 0], years
