"""One evaluation of the density of a design with blocks, all of it compiled.

NUTS runs its chains in threads of one process, and only compiled code lets another thread work meanwhile: of
two milliseconds an evaluation, half a millisecond of Python would cost each chain more than that.
Coordinates and priors are those of :class:`bayes_hr.engines.blocks.BlockDensity`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bayes_hr.engines.covariance import back_to_logits, read_logits, solved
from bayes_hr.engines.small import JIT
from bayes_hr.engines.unit_blocks import by_coefficient, moments, residual
from bayes_hr.priors import log_density

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.engines.unit_rows import UnitRows

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

_log_density = JIT(log_density)


class Target(NamedTuple):
    """What the density is made of, as a named tuple, which numba takes as it is.

    Attributes
    ----------
    y, values, position
        (n,) outcome and (n, m) columns and coefficients of the population terms, rows in unit order.
    units
        The rows by unit.
    centre, whitening
        (P,) and (P, P): population coefficients are centre + whitening x.
    mean, scale
        (P,) of their normal priors.
    code, first, last
        (2 + number of group SDs,) priors of sigma, of the unit-years' SD and of the groups' SDs
        (:attr:`bayes_hr.priors.Prior.coded`).
    serial, lower, upper
        Whether there are unit-years, and the bounds of rho.
    size, eta, place
        (G,) terms of each group, its LKJ prior (0: no correlations), its place in the order of the kernels.
    constant
        Of the log density.
    """

    y: Array
    values: Array
    position: Index
    units: UnitRows
    centre: Array
    whitening: Array
    mean: Array
    scale: Array
    code: Index
    first: Array
    last: Array
    serial: bool
    lower: float
    upper: float
    size: Index
    eta: Array
    place: Index
    constant: float


@JIT
def read(x, target):
    """Parameters at the coordinates ``x``.

    Population coefficients, sigma, SD and rho of the years, share of rho's range; of each group its first
    coordinate, SDs, correlation factor, partial correlations, what they leave, log prior and its slopes.
    """
    P, at = target.mean.size, target.mean.size + 1
    theta = target.centre.copy()
    for i in range(P):
        for j in range(P):
            theta[i] += target.whitening[i, j] * x[j]
    sd, rho, share = 1.0, 0.0, 0.5
    if target.serial:
        share = 1.0 / (1.0 + np.exp(-x[at + 1]))
        rho = target.lower + (target.upper - target.lower) * share
        sd = np.exp(x[at]) / np.sqrt(1.0 - rho * rho)
        at += 2
    groups = []
    for g in range(target.size.size):
        q = target.size[g]
        pairs = q * (q - 1) // 2 if target.eta[g] > 0 else 0
        logits = x[at + q : at + q + pairs] if pairs > 0 else np.zeros(q * (q - 1) // 2)  # no correlation
        corr, partial, left, value, slopes = read_logits(logits, target.eta[g], q)
        if pairs == 0:
            value = 0.0
        groups.append((at, np.exp(x[at : at + q]), corr, partial, left, value, slopes[:pairs]))
        at += q + pairs
    return theta, np.exp(x[P]), sd, rho, share, groups


@JIT
def _factors(target, groups):
    """Cholesky factors of the groups' covariances in the kernels' order, (G, q, q), zero-padded."""
    out = np.zeros((len(groups), target.size.max(), target.size.max()))
    for g in range(len(groups)):
        _, sd, corr, _, _, _, _ = groups[g]
        for i in range(sd.size):
            for j in range(i + 1):
                out[target.place[g], i, j] = sd[i] * corr[i, j]
    return out


@JIT
def _add_population(target, theta, by_b, gradient):
    """Prior of the population coefficients; their part of the gradient, in place."""
    value, P = 0.0, theta.size
    for i in range(P):
        z = (theta[i] - target.mean[i]) / target.scale[i]
        value -= 0.5 * z * z
        slope = by_b[i] - z / target.scale[i]
        for j in range(P):
            gradient[j] += slope * target.whitening[i, j]
    return value


@JIT
def _add_scales(target, x, point, by_rows, gradient):
    """Priors, with Jacobians, of sigma and of the years' SD and rho; their part of the gradient, in place.

    At a given shock, the SD of the years moves with rho.
    """
    sigma, sd, rho, share = point
    P = target.mean.size
    density, slope = _log_density(target.code[0], target.first[0], target.last[0], sigma)
    value = density + np.log(sigma)
    gradient[P] += 1.0 + slope * sigma + by_rows[0]
    if target.serial:
        density, slope = _log_density(target.code[1], target.first[1], target.last[1], sd)
        logit = abs(x[P + 2])
        value += density + np.log(sd) - logit - 2.0 * np.log1p(np.exp(-logit))
        move = (target.upper - target.lower) * share * (1.0 - share)
        by_sd = 1.0 + slope * sd + by_rows[1]
        gradient[P + 1] += by_sd
        gradient[P + 2] += 1.0 - 2.0 * share + by_rows[2] * move + by_sd * move * rho / (1.0 - rho * rho)
    return value


@JIT
def _add_groups(target, x, groups, H, gradient):
    """Priors of the groups' SDs and correlations; their part of the gradient, in place, H as of moments."""
    value, prior = 0.0, 2
    for g in range(len(groups)):
        at, sd, corr, partial, left, own, slopes = groups[g]
        q = sd.size
        value += own
        by_corr = solved(corr, H[target.place[g], :q, :q].copy())  # it reads the lower triangle only
        for i in range(q):
            code, first, last = target.code[prior], target.first[prior], target.last[prior]
            density, slope = _log_density(code, first, last, sd[i])
            value += density + x[at + i]
            gradient[at + i] += 1.0 + slope * sd[i]
            for j in range(q):
                gradient[at + i] += corr[i, j] * by_corr[i, j]
            prior += 1
        if slopes.size > 0:
            gradient[at + q : at + q + slopes.size] += slopes + back_to_logits(by_corr, corr, partial, left)
    return value


@JIT
def evaluate(x, target):
    """Log density, with its constant, and its gradient at ``x``; NaN where either is not finite."""
    gradient = np.zeros(x.size)
    theta, sigma, sd, rho, share, groups = read(x, target)
    r = residual(target.y, target.values, target.position, theta)
    rows, g_r, H, g_sigma, g_sd, g_rho = moments(r, target.units, _factors(target, groups), sigma, sd, rho)
    by_b = by_coefficient(g_r, target.values, target.position, theta.size)
    value = target.constant + rows + _add_population(target, theta, by_b, gradient)
    value += _add_scales(target, x, (sigma, sd, rho, share), (g_sigma, g_sd, g_rho), gradient)
    value += _add_groups(target, x, groups, H, gradient)
    return (value if np.all(np.isfinite(gradient)) else np.nan), gradient
