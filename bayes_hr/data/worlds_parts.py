"""Building blocks of the simulated worlds: pure functions on arrays, one random generator each.

Grids are countries by years, ``(n, T)``; regime codes index :data:`bayes_hr.data.regimes.REGIMES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bayes_hr.data.regimes import REGIMES
from bayes_hr.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_LOG_GDP: Final = (1.4, 1.6, 2.7, 1.5)
_CONFLICT_ONSET: Final = (0.03, 0.04, 0.006, 0.03)
_HAZARD_RATIO: Final = (0.8, 1.1, 1.4, 1.0)
_CONFLICT_STAYS: Final = 0.85
_WAVE_YEARS: Final = 10
_SELECTION_YEARS: Final = 3


def ar1_errors(
    rng: np.random.Generator,
    unit_index: npt.ArrayLike,
    year: npt.ArrayLike,
    rho: float,
    sigma: float,
    *,
    nu: float | None = None,
) -> Floats:
    """Errors that follow an AR(1) within units; the years of a gap are simulated and left out.

    The first error of a unit is drawn from N(0, sigma^2 / (1 - rho^2)), so that two errors g years apart have
    covariance ``rho**g * sigma**2 / (1 - rho**2)`` whatever is missing between them. With Student-t
    innovations the first is a t with `nu` degrees of freedom times ``sigma / sqrt(1 - rho^2)``, which is
    close to the stationary law.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    unit_index : array_like of int, shape (rows,)
        Unit of each row; any integers, in any order.
    year : array_like of int, shape (rows,)
        Year of each row.
    rho : float
        Autocorrelation per year, inside (-1, 1).
    sigma : float
        Scale of the innovations (their SD where Gaussian).
    nu : float, optional
        Degrees of freedom of Student-t innovations; Gaussian if not given.

    Returns
    -------
    ndarray of float, shape (rows,)
        Errors in the order of the rows.

    Raises
    ------
    InputError
        If rho, sigma or nu is impossible, or a unit has a year twice.
    """
    units, years = np.asarray(unit_index), np.asarray(year, dtype=np.int64)
    if not (-1 < rho < 1 and sigma >= 0 and (nu is None or nu > 0)):
        raise InputError(
            f"AR(1) errors need -1 < rho < 1, sigma >= 0 and nu > 0; got {rho=}, {sigma=}, {nu=}"
        )
    if units.shape != years.shape or units.ndim != 1:
        raise InputError(
            f"AR(1) errors: {units.shape} units for {years.shape} years; give one of each per row"
        )
    if not units.size:
        return np.empty(0)
    levels, code = np.unique(units, return_inverse=True)
    first = np.full(levels.size, np.iinfo(np.int64).max)
    np.minimum.at(first, code, years)
    offset = years - first[code]
    if np.unique(np.stack([code, offset]), axis=1).shape[1] < units.size:
        raise InputError("AR(1) errors: a unit has the same year twice")
    shape = (levels.size, int(offset.max()) + 1)
    path = sigma * (rng.standard_normal(shape) if nu is None else rng.standard_t(nu, shape))
    path[:, 0] /= np.sqrt(1 - rho**2)
    for k in range(1, shape[1]):
        path[:, k] += rho * path[:, k - 1]
    return path[code, offset]


def by_class(values: Mapping[str, float]) -> Floats:
    """Values in the order of REGIMES, 0 for classes not named."""
    return np.array([values.get(regime, 0.0) for regime in REGIMES], dtype=np.float64)


def regime_codes(
    rng: np.random.Generator,
    n: int,
    shares: Mapping[str, float],
    no_score: float,
    counts: Mapping[str, int],
) -> Ints:
    """Regime code of each country: exact quotas (largest remainders), fixed counts first, shuffled.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n : int
        Number of countries.
    shares : mapping of str to float
        Relative shares of the classes.
    no_score : float
        Share of countries without a score.
    counts : mapping of str to int
        Classes with a fixed number.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    weight = by_class(shares)
    weight *= (1 - no_score) / weight.sum()
    weight[REGIMES.index("no score")] += no_score
    fixed = np.array([counts.get(regime, -1) for regime in REGIMES])
    weight[fixed >= 0] = 0
    rest = n - int(fixed[fixed >= 0].sum())
    if rest < 0 or (rest and weight.sum() == 0):
        raise InputError(f"simulated world: class_counts = {dict(counts)} do not add up to {n} countries")
    quota = rest * weight / max(weight.sum(), 1e-12)
    size = np.floor(quota).astype(np.int64)
    size[np.argsort(size - quota, kind="stable")[: rest - int(size.sum())]] += 1
    size[fixed >= 0] = fixed[fixed >= 0]
    return rng.permutation(np.repeat(np.arange(len(REGIMES)), size))


def entry_index(rng: np.random.Generator, n: int, n_years: int, share: float) -> Ints:
    """Index of each country's first year: 0, or for a share of them a tenth to a half into the years."""
    entry = np.zeros(n, dtype=np.int64)
    late = rng.choice(n, size=round(share * n), replace=False)
    entry[late] = rng.integers(max(1, n_years // 10), max(2, n_years // 2), size=late.size)
    return entry


def gap_mask(rng: np.random.Generator, entry: Ints, n_years: int, share: float) -> Bools:
    """True where a country-year is missing: a run of one to three inner years in a share of countries."""
    gaps = np.zeros((entry.size, n_years), dtype=bool)
    for i in rng.choice(entry.size, size=round(share * entry.size), replace=False):
        length = int(rng.integers(1, 4))
        start = int(rng.integers(entry[i] + 1, max(entry[i] + 2, n_years - length)))
        gaps[i, start : min(start + length, n_years - 1)] = True
    return gaps


def covariate_grids(rng: np.random.Generator, regime: Ints, n_years: int) -> dict[str, Floats]:
    """Persistent covariates by country and year.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    regime : ndarray of int, shape (n,)
        Regime codes; democracies are richer and fight less.
    n_years : int
        T.

    Returns
    -------
    dict of str to ndarray, each (n, T)
        ``log_gdppc`` (log of thousands), ``log_population`` (log of thousands), ``conflict`` (0 or 1).
    """
    n = regime.size
    growth = rng.normal(0.015, 0.03, (n, n_years))
    gdp = np.take(_LOG_GDP, regime)[:, None] + rng.normal(0, 0.7, (n, 1)) + growth.cumsum(axis=1)
    rate = np.clip(rng.normal(0.017, 0.01, (n, 1)), -0.005, 0.04)
    population = rng.normal(9.0, 1.5, (n, 1)) + rate * np.arange(n_years)
    onset = np.take(_CONFLICT_ONSET, regime)
    chance = rng.random((n, n_years))
    conflict = np.zeros((n, n_years))
    conflict[:, 0] = chance[:, 0] < onset / (onset + 1 - _CONFLICT_STAYS)
    for t in range(1, n_years):
        conflict[:, t] = chance[:, t] < np.where(conflict[:, t - 1] == 1, _CONFLICT_STAYS, onset)
    return {"log_gdppc": gdp, "log_population": population, "conflict": conflict}


def year_effects(
    rng: np.random.Generator, n_years: int, trends: Mapping[str, float], step_sd: float
) -> Floats:
    """f_r(t), classes by years: linear trend per decade plus random walk, mean 0 over the years."""
    walk = rng.normal(0, step_sd, (len(REGIMES), n_years)).cumsum(axis=1)
    path = by_class(trends)[:, None] * np.arange(n_years) / 10 + walk
    return path - path.mean(axis=1, keepdims=True)


def country_effects(
    rng: np.random.Generator, n: int, sd: tuple[float, float], corr: float
) -> tuple[Floats, Floats]:
    """Country intercepts a and deviations b of the effect, each (n,), bivariate normal."""
    z = rng.standard_normal((2, n))
    return sd[0] * z[0], sd[1] * (corr * z[0] + np.sqrt(1 - corr**2) * z[1])


def ratification_index(
    rng: np.random.Generator,
    *,
    regime: Ints,
    entry: Ints,
    path: Floats,
    hazard: tuple[float, float],
    selection: float,
) -> Floats:
    """Index of the year of ratification, by a yearly hazard that knows only the past.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    regime, entry : ndarray of int, shape (n,)
        Regime codes and index of the first year.
    path : ndarray, shape (n, T)
        The country's own path without ratification (NaN before entry).
    hazard : tuple of float
        Yearly probability in the first ten years, and later.
    selection : float
        Log hazard ratio per SD of the change of `path` over the three years up to the year before.

    Returns
    -------
    ndarray of float, shape (n,)
        NaN where not within the years.
    """
    n, n_years = path.shape
    change = np.zeros_like(path)
    change[:, _SELECTION_YEARS + 1 :] = path[:, _SELECTION_YEARS:-1] - path[:, : -_SELECTION_YEARS - 1]
    change = np.nan_to_num(change)
    scale = change[change != 0].std() if np.any(change) else 1.0
    ratio = np.take(_HAZARD_RATIO, regime)[:, None] * np.exp(selection * change / scale - selection**2 / 2)
    base = np.where(np.arange(n_years) < _WAVE_YEARS, *hazard)
    chance = 1 - (1 - base[None, :]) ** ratio
    happens = (rng.random((n, n_years)) < chance) & (np.arange(n_years) >= entry[:, None])
    return np.where(happens.any(axis=1), happens.argmax(axis=1), np.nan)


def pre_trend_ramp(index: Floats, n_years: int, size: Floats, length: int) -> Floats:
    """Improvement of `size` (n,), linear over the `length` years that end with ratification; (n, T)."""
    since = np.arange(n_years)[None, :] - np.nan_to_num(index, nan=np.inf)[:, None]
    return size[:, None] * np.clip(1 + since / length, 0, 1)


def standard_drift(n_years: int, total: float) -> Floats:
    """Common drift of the measurement standard, (T,): S-shaped from 0 to `total`, mean 0."""
    time = np.linspace(-4, 4, n_years)
    path = total / (1 + np.exp(-time))
    return path - path.mean()


def measurement_sds(rng: np.random.Generator, shape: tuple[int, int], median: float) -> Floats:
    """SDs of the measurement error, (n, T): lognormal around `median`, mostly a matter of the country."""
    return median * np.exp(rng.normal(0, 0.15, (shape[0], 1)) + rng.normal(0, 0.05, shape))


def categories(
    latent: Floats, k: int, time: Ints, drift: tuple[float, float] = (0.0, 0.0)
) -> tuple[Floats, Ints]:
    """Cut-points of each year (T, k - 1), and the rows' categories from 1.

    Parameters
    ----------
    latent, time
        (n,) latent outcome, and year counted from 0.
    k
        Categories: cut-points are of equal shares of the latent outcome, on average over the years.
    drift
        Total move over the years of the lowest and of the highest cut-point, S-shaped; others lie between.

    Raises
    ------
    InputError
        If cut-points would meet.
    """
    fixed = np.asarray(np.quantile(latent, np.arange(1, k) / k), dtype=np.float64)
    n_years = int(time.max()) + 1
    moves = [
        standard_drift(n_years, total) if total else np.zeros(n_years) for total in np.linspace(*drift, k - 1)
    ]
    by_year = fixed + np.stack(moves, axis=1)
    if (np.diff(by_year, axis=1) <= 0).any():
        raise InputError(
            f"simulated world: cut_drift = {drift!r} makes cut-points of {k} categories meet: move them less "
            "apart, or take fewer categories"
        )
    return by_year, (1 + np.sum(latent[:, None] > by_year[time], axis=1)).astype(np.int64)


def plain(value: Any) -> Any:
    """Arrays and numpy numbers as plain Python, NaN as None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(item) for item in (value.tolist() if isinstance(value, np.ndarray) else value)]
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and np.isnan(value) else value
