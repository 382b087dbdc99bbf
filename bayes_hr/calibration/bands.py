"""Simultaneous bands for the ECDF of discrete uniform ranks, exact.

With n ranks, uniform on 0..b-1, the count C_i of ranks below i is Binomial(n, i/b) for i = 1..b-1.  The band
holds C_i where both of its binomial tails exceed gamma/2, and gamma is the largest for which all C_i lie
inside together with the wanted probability: the band of Säilynoja, Bürkner & Vehtari (2022), *Graphical test
for discrete uniformity and its applications in goodness-of-fit evaluation and multiple sample comparison*,
Statistics and Computing 32, doi 10.1007/s11222-022-10090-6, on the ranks' own grid.  (ArviZ simulates gamma
for continuous values on a grid of n points, which is another band.)

The joint probability is computed, not simulated: counts in the bins are independent Poisson(n/b) given that
they add up to n, so one convolution a bin carries the distribution of C_i inside the band forward (Moscovich
& Nadler 2017, *Fast calculation of boundary crossing probabilities for Poisson processes*, Statistics and
Probability Letters 123, doi 10.1016/j.spl.2016.11.027).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


def counts_below(ranks: Index, bins: int) -> Index:
    """How many ranks (n,) lie below 1, 2, ..., b-1: (b-1,)."""
    return np.cumsum(np.bincount(ranks, minlength=bins))[:-1].astype(np.int64)


def simultaneous_band(n: int, bins: int, prob: float) -> tuple[Index, Index]:
    """Smallest and largest count inside the band, both (b-1,).

    Parameters
    ----------
    n
        Number of ranks (worlds).
    bins
        Number b of values that a rank may take: 100 for ranks among 99 draws.
    prob
        Probability with which all counts of a calibrated engine lie inside; reached or exceeded.
    """
    below, above = _tails(n, bins)
    low, high = (1.0 - prob) / bins, 1.0
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        enough = probability_inside(*_limits(below, above, middle), n) >= prob
        low, high = (middle, high) if enough else (low, middle)
    return _limits(below, above, low)


def uniformity_p_value(ranks: Index, bins: int) -> float:
    """Probability that the ECDF of as many uniform ranks strays as far as that of these (n,), somewhere.

    At most alpha exactly where :func:`simultaneous_band` of 1 - alpha is left.
    """
    n = ranks.size
    below, above = _tails(n, bins)
    at = np.arange(bins - 1), counts_below(ranks, bins)
    gamma = 2.0 * float(np.minimum(below[at], above[at]).min())
    return float(np.clip(1.0 - probability_inside(*_limits(below, above, gamma), n), 0.0, 1.0))


def probability_inside(lower: Index, upper: Index, n: int) -> float:
    """Probability that ``lower <= C <= upper`` everywhere, for n uniform ranks; both limits (b-1,)."""
    from scipy import stats

    step = stats.poisson.pmf(np.arange(n + 1), n / (lower.size + 1))
    step = step[: np.flatnonzero(step > 1e-20)[-1] + 1]
    inside = np.zeros(n + 1)
    inside[0] = 1.0
    for low, up in zip(lower, upper, strict=True):
        inside = np.convolve(inside, step)[: n + 1]
        inside[:low] = inside[up + 1 :] = 0.0
    return float(np.convolve(inside, step)[n] / stats.poisson.pmf(n, n))


def binomial_band(n: int, prob: float, level: float) -> tuple[float, float]:
    """Central interval, at this level, of the share of n intervals that cover, each with probability prob."""
    from scipy import stats

    tail = (1.0 - level) / 2.0
    return float(stats.binom.ppf(tail, n, prob) / n), float(stats.binom.ppf(1.0 - tail, n, prob) / n)


@lru_cache(maxsize=8)
def _tails(n: int, bins: int) -> tuple[Array, Array]:
    """P(C_i <= c) and P(C_i >= c) for i = 1..b-1 and c = 0..n, both (b-1, n+1)."""
    from scipy import stats

    share = np.arange(1, bins)[:, None] / bins
    count = np.arange(n + 1)
    return stats.binom.cdf(count, n, share), stats.binom.sf(count - 1, n, share)


def _limits(below: Array, above: Array, gamma: float) -> tuple[Index, Index]:
    """Smallest and largest count of which both tails exceed gamma/2."""
    lower = np.sum(below <= gamma / 2.0, axis=1)
    upper = below.shape[1] - 1 - np.sum(above <= gamma / 2.0, axis=1)
    return lower.astype(np.int64), upper.astype(np.int64)
