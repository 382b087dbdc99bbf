r"""Convergence diagnostics of many quantities at once.

Rank-normalised split R-hat, bulk and tail ESS and Monte Carlo error of Vehtari, Gelman, Simpson, Carpenter &
Bürkner (2021), *Rank-normalization, folding, and localization*, Bayesian Analysis 16 (2), doi
10.1214/20-BA1221.  The numbers are ArviZ' own (``tests/test_diagnostics.py``); ArviZ goes through quantities
one by one, which for the hundreds of countries of a report took longer than the sampling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import fft, special

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_CHUNK: Final = 256
"""Quantities in memory at a time."""

_FEW: Final = 4
"""Draws of a chain below which nothing can be said."""


def ess_bulk(draws: Array) -> Array:
    """Effective draws of the centre, (k,), of draws (chain, draw, k)."""
    return _by_chunk(lambda x: _ess(_normalised(_split(x))), draws)


def ess_tail(draws: Array, prob: tuple[float, float]) -> Array:
    """The smaller number of effective draws of two quantiles, (k,)."""

    def both(x: Array) -> Array:
        ends = np.quantile(x, prob, axis=(0, 1))
        return np.minimum(*(_ess(_split((x <= end).astype(float))) for end in ends))

    return _by_chunk(both, draws)


def mcse_mean(draws: Array) -> Array:
    """Monte Carlo standard error of the mean, (k,)."""
    return np.asarray(draws.std((0, 1), ddof=1) / np.sqrt(_by_chunk(lambda x: _ess(_split(x)), draws)))


def r_hat(draws: Array) -> Array:
    """The larger of the rank-normalised split R-hats of the draws and of their distance from the median."""

    def larger(x: Array) -> Array:
        x = _split(x)
        folded = np.abs(x - np.median(x, axis=(0, 1)))
        return np.maximum(_r_hat(_normalised(x)), _r_hat(_normalised(folded)))

    return _by_chunk(larger, draws, least_chains=2)


def _by_chunk(what: Callable[[Array], Array], draws: Array, least_chains: int = 1) -> Array:
    """Apply to some quantities at a time; NaN where a draw is not finite, or there are too few."""
    out = np.full(draws.shape[2], np.nan)
    if draws.shape[0] < least_chains or draws.shape[1] < _FEW:
        return out
    usable = np.flatnonzero(np.isfinite(draws).all(axis=(0, 1)))
    with np.errstate(invalid="ignore", divide="ignore"):
        for start in range(0, usable.size, _CHUNK):
            at = usable[start : start + _CHUNK]
            out[at] = what(draws[:, :, at])
    return out


def _split(x: Array) -> Array:
    """Halves of chains as chains, (2 chain, draw // 2, k)."""
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, -half:]])


def _normalised(x: Array) -> Array:
    """Normal scores of the ranks over all chains, ties at their average (Blom's 3/8)."""
    flat = x.reshape(-1, x.shape[2])
    return np.asarray(special.ndtri((_ranks(flat) - 0.375) / (len(flat) + 0.25))).reshape(x.shape)


def _ranks(x: Array) -> Array:
    """Ranks within columns (n, k), from 1; ties have their average.  Importing scipy.stats takes seconds."""
    order = np.argsort(x, axis=0, kind="stable")
    by_size = np.take_along_axis(x, order, axis=0)
    place = np.arange(len(x))[:, None]
    new = np.r_[np.ones((1, x.shape[1]), bool), by_size[1:] != by_size[:-1]]
    first = np.maximum.accumulate(np.where(new, place, 0), axis=0)
    ends = np.r_[new[1:], np.ones((1, x.shape[1]), bool)]
    last = np.minimum.accumulate(np.where(ends, place, len(x))[::-1], axis=0)[::-1]
    out = np.empty(x.shape)
    np.put_along_axis(out, order, 0.5 * (first + last) + 1.0, axis=0)
    return out


def _r_hat(x: Array) -> Array:
    n = x.shape[1]
    between, within = n * x.mean(1).var(0, ddof=1), x.var(1, ddof=1).mean(0)
    return np.asarray(np.sqrt((between / within + n - 1) / n))


def _ess(x: Array) -> Array:
    """Effective draws (k,) of split chains, by Geyer's initial monotone sequence."""
    m, n, _ = x.shape
    covariance = _autocovariance(x)
    within = covariance[0] * n / (n - 1.0)
    total = within * (n - 1.0) / n + (x.mean(1).var(0, ddof=1) if m > 1 else 0.0)
    rho = 1.0 - (within - covariance) / total
    rho[0] = 1.0
    last = max((n - 3) // 2, 0)  # pairs of lags (2 t, 2 t + 1) beyond this one are not looked at
    even = rho[: 2 * last + 1 : 2]
    pairs = even + rho[1 : 2 * last + 2 : 2]
    stop = np.argmax(np.r_[pairs[:-1] <= 0.0, np.ones((1, len(rho[0])), bool)], axis=0)
    at = np.arange(len(rho[0]))
    before = np.arange(len(pairs))[:, None] < stop
    kept = np.where(before, np.minimum.accumulate(pairs, axis=0), 0.0).sum(axis=0)
    odd_one = even[stop, at]
    odd_one = np.where((odd_one > 0.0) | (pairs[stop, at] >= 0.0), odd_one, 0.0)
    tau = np.maximum(-1.0 + 2.0 * kept + odd_one, 1.0 / np.log10(m * n))
    constant = np.ptp(x, axis=(0, 1)) < np.finfo(float).resolution
    return np.where(constant, float(m * n), m * n / tau)


def _autocovariance(x: Array) -> Array:
    """Mean over chains of the autocovariances at every lag, (n, k)."""
    n = x.shape[1]
    size = fft.next_fast_len(2 * n, real=True)
    spectrum = fft.rfft(x - x.mean(axis=1, keepdims=True), size, axis=1)
    power = (spectrum * spectrum.conj()).real.mean(axis=0)
    return np.asarray(fft.irfft(power, size, axis=0)[:n] / n)
