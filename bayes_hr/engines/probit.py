r"""Ordered (and binary) probit by a latent normal outcome, anchored and rescaled so that it mixes.

The definition has no intercept, cut-points :math:`c_1 < \dots < c_{K-1}` with a normal prior on the first
and on the logs of the gaps, and a latent residual SD of 1.  Inside the sampler the outcome is measured from
the first cut-point: :math:`z - c_1` has cut-points 0, :math:`c_2 - c_1, \dots` and an intercept
:math:`-c_1`, which is drawn with all other coefficients.  That is a shift, so priors and density stay as they
are.  Plain Albert & Chib (1993) sampling of cut-points given z hardly moves; two moves with z integrated out
mend it:

- the gaps given the coefficients (as Cowles 1996, doi 10.1007/BF00162520, without z);
- a common scale of coefficients, SDs and gaps (Liu & Sabatti 2000, doi 10.1093/biomet/87.2.353).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special

from bayes_hr.engines.collapsed import PopulationPrior
from bayes_hr.engines.slices import coordinate, univariate
from bayes_hr.engines.small import JIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bayes_hr.design import CutPoints

    Array = NDArray[np.float64]

_ROOT: Final = math.sqrt(0.5)
_FAR: Final = -30.0
"""Below this the complementary error function nears the smallest numbers that there are."""


def with_intercept(X: Array, prior: PopulationPrior, cuts: CutPoints) -> tuple[Array, PopulationPrior]:
    """Columns and priors with an intercept last: minus the first cut-point."""
    mean, scale = np.r_[prior.mean, -cuts.first["mu"]], np.r_[prior.scale, cuts.first["sigma"]]
    return np.c_[X, np.ones(len(X))], PopulationPrior(mean, scale, prior.pooled)


def start(rng: np.random.Generator, y: Array, cuts: CutPoints) -> Array:
    """Logs of the gaps (K - 2,) near those that the categories' shares imply."""
    K = len(cuts.categories)
    share = np.cumsum(np.bincount(y.astype(int), minlength=K))[:-1] / y.size
    gaps = np.diff(special.ndtri(np.clip(share, 1e-3, 1 - 1e-3)))
    return np.asarray(np.log(np.maximum(gaps, 0.05)) + rng.normal(0.0, 0.2, K - 2))


def edges(gaps: Array) -> Array:
    """(K + 1,) edges of the categories, measured from the first cut-point."""
    return np.r_[-np.inf, 0.0, np.cumsum(np.exp(gaps)), np.inf]


def rough(rng: np.random.Generator, y: Array, gaps: Array) -> Array:
    """A latent outcome (n,) to begin with: each row somewhere in its category."""
    return draw_latent(rng, y, np.full(y.size, float(np.median(edges(gaps)[1:-1]))), gaps)


def cutpoints(intercept: float, gaps: Array) -> Array:
    """(K - 1,) cut-points of the definition."""
    return np.asarray(edges(gaps)[1:-1] - intercept)


def _interval(y: Array, eta: Array, gaps: Array) -> tuple[Array, Array, Array]:
    """Lower and upper edge of each row's category less eta, mirrored to the lower half, and which are."""
    at, category = edges(gaps), y.astype(int)
    low, high = at[category] - eta, at[category + 1] - eta
    mirrored = low + high > 0
    return np.where(mirrored, -high, low), np.where(mirrored, -low, high), mirrored


def _log_share(low: Array, high: Array) -> Array:
    """Log of Phi(high) - Phi(low), precise where both are far below zero."""
    upper = special.log_ndtr(high)
    return np.asarray(upper + np.log1p(-np.exp(special.log_ndtr(low) - upper)))


def log_likelihood(y: Array, eta: Array, gaps: Array) -> float:
    """Log probability of all categories with the latent outcome integrated out."""
    return float(_log_likelihood(y, eta, edges(gaps)))


@JIT
def _log_likelihood(y, eta, at):
    """The sum of the rows' :func:`_log_share`, in one loop: nearly half of a sampler's step is this."""
    total = 0.0
    for i in range(y.size):
        category = int(y[i])
        low, high = at[category] - eta[i], at[category + 1] - eta[i]
        if low + high > 0:
            low, high = -high, -low
        if high > _FAR:
            total += np.log(0.5 * (math.erfc(-high * _ROOT) - math.erfc(-low * _ROOT)))
        else:
            upper = _log_tail(high)
            total += upper + np.log1p(-np.exp(_log_tail(low) - upper))
    return total


@JIT
def _log_tail(x):
    """Log of Phi(x) for x below :data:`_FAR`: Laplace's continued fraction of the Mills ratio."""
    if x == -np.inf:
        return x
    fraction = -x
    for k in range(12, 0, -1):
        fraction = -x + k / fraction
    return -0.5 * x * x - 0.5 * np.log(2.0 * np.pi) - np.log(fraction)


def draw_latent(rng: np.random.Generator, y: Array, eta: Array, gaps: Array) -> Array:
    """Latent outcome (n,) given its category and eta."""
    low, high, mirrored = _interval(y, eta, gaps)
    share = np.log(rng.uniform(size=y.size)) + _log_share(low, high)
    z = special.ndtri_exp(np.logaddexp(special.log_ndtr(low), share))
    z = np.clip(z, low, high)
    return np.asarray(eta + np.where(mirrored, -z, z))


def draw_gaps(rng: np.random.Generator, y: Array, eta: Array, gaps: Array, cuts: CutPoints) -> Array:
    """Logs of the gaps given the coefficients, the latent outcome integrated out."""
    prior = cuts.log_gap

    def log_density(at: Array) -> float:
        return log_likelihood(y, eta, at) - 0.5 * float(np.sum(((at - prior["mu"]) / prior["sigma"]) ** 2))

    for k in range(gaps.size):
        gaps = coordinate(rng, log_density, gaps, k, 0.2)
    return gaps


def draw_scale(
    rng: np.random.Generator,
    y: Array,
    eta: Array,
    gaps: Array,
    cuts: CutPoints,
    *,
    log_prior: Callable[[float], float],
) -> float:
    """A factor for coefficients, SDs and gaps together, the latent outcome integrated out.

    ``log_prior(factor)`` is the log prior of the scaled coefficients and SDs with their Jacobian; that of the
    group effects given their SDs does not change with it.
    """
    prior = cuts.log_gap

    def log_density(shift: float) -> float:
        value = log_likelihood(y, np.exp(shift) * eta, gaps + shift) + log_prior(float(np.exp(shift)))
        return float(value - 0.5 * np.sum(((gaps + shift - prior["mu"]) / prior["sigma"]) ** 2))

    return float(np.exp(univariate(rng, log_density, 0.0, 0.1)))
