"""Simulated country-years of realistic shape whose truth is known: the worlds of Model R.

For country i of regime class r in year t, with D = 1 from `lag` full years after ratification on::

    eta_it   = alpha + x_it'gamma + f_r(t) + a_i + a_r + (tau_r + b_i) D_it,   (a_i, b_i) ~ MVN(0, Sigma)
    score_it = eta_it + e_it + (what the world adds),   e_it = rho e_i,t-1 + innovation

Countries are fictional; their numbers start at 1001, beyond those of the Correlates of War.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from bayes_hr.data import worlds_parts as parts
from bayes_hr.data.regimes import REGIMES
from bayes_hr.data.worlds_parts import Floats, Ints, ar1_errors
from bayes_hr.data.worlds_settings import COVARIATES, WORLDS, WorldSettings, world_settings
from bayes_hr.errors import InputError

__all__ = ["COVARIATES", "WORLDS", "Truth", "World", "WorldSettings", "ar1_errors", "ratification"]

FIRST_CCODE: Final = 1001
_MIN_COUNTRIES: Final = 8
_MIN_YEARS: Final = 8
_STREAMS: Final = (
    "regime",
    "shape",
    "covariates",
    "years",
    "countries",
    "errors",
    "ratification",
    "measurement",
)


@dataclass(frozen=True)
class Truth:
    """What is true of a world (outcome scale unless said otherwise).

    Attributes
    ----------
    alpha : float
        Intercept, where every covariate is 0.
    gamma : dict of str to float
        Coefficients per unit of the covariate as it stands in the frame.
    tau, class_intercept : dict of str to float
        tau_r and a_r of the classes present, in the order of REGIMES.
    sd_country : tuple of float
        SDs of a and b in the population.
    corr : float
        Correlation of a and b in the population.
    rho, sigma, nu : float
        AR(1) per year, scale of the innovations, degrees of freedom (None: Gaussian).
    lag : int
        Full years from ratification to treatment.
    f : pandas.DataFrame
        Year effects, classes (rows) by years (columns); mean 0 over the years of a class.
    standard : pandas.Series
        Drift of the measurement standard by year, common to all; an analysis sees ``f + standard``.
    contrasts : dict of str to float
        ``"r - s"``: tau_r - tau_s in the population, for every ordered pair of classes present.
    averages : dict of str to float
        Means of tau_r + b_i over these very countries: ``"all countries"``, ``"switching countries"`` and, by
        class, ``"transition: all countries"`` and so on (NaN where there is none).
    countries : pandas.DataFrame
        ``ccode, country, regime, ratification_year, a, b, effect`` (tau_r + b_i) and ``status`` in the rows
        of the frame: ``"switches"``, ``"never"`` or ``"always"`` treated.
    rows : pandas.DataFrame
        Aligned with the frame: ``ccode, year, treated, eta``, ``outside`` (paths that Model R does not know:
        country trends, pre-trends), ``error``, ``measurement`` (drift of the standard plus noise). The score
        is the sum of the last four, or the category that this latent sum falls into.
    cutpoints : tuple of float, optional
        Thresholds between the categories of an ordinal world, on the scale of the latent sum (its intercept
        included); all else is on that scale too. None: the score is not ordinal.
    cutpoints_by_year : pandas.DataFrame, optional
        Years by cut-points (``1|2``), where they move; ``cutpoints`` are then their means over the years.
    """

    alpha: float
    gamma: dict[str, float]
    tau: dict[str, float]
    class_intercept: dict[str, float]
    sd_country: tuple[float, float]
    corr: float
    rho: float
    sigma: float
    nu: float | None
    lag: int
    f: pd.DataFrame
    standard: pd.Series
    contrasts: dict[str, float]
    averages: dict[str, float]
    countries: pd.DataFrame
    rows: pd.DataFrame
    cutpoints: tuple[float, ...] | None = None
    cutpoints_by_year: pd.DataFrame | None = None

    def to_dict(self, rows: bool = False) -> dict[str, Any]:
        """The truth as plain JSON types (missing: None); tables as lists by column, rows only if asked."""
        names = [f.name for f in dataclasses.fields(self) if rows or f.name != "rows"]
        out = {name: getattr(self, name) for name in names}
        out["f"] = {"regime": list(self.f.index), "year": list(self.f.columns), "value": self.f.to_numpy()}
        out["standard"] = {"year": list(self.standard.index), "value": self.standard.to_numpy()}
        if self.cutpoints_by_year is not None:
            out["cutpoints_by_year"] = self.cutpoints_by_year.reset_index().to_dict(orient="list")
        for name in {"countries", "rows"} & set(names):
            out[name] = getattr(self, name).to_dict(orient="list")
        return parts.plain(out)


@dataclass(frozen=True)
class World:
    """A simulated panel and its truth.

    Attributes
    ----------
    name : str
        Id of the world.
    frame : pandas.DataFrame
        ``ccode, year, country, score`` (a category from 1 up in an ordinal world; and ``score_sd`` where
        scores are noisy), ``ratification_year`` (NaN:
        never within the years), ``regime``, ``log_gdppc, log_population, conflict``; sorted by ``ccode`` and
        ``year``.
    truth : Truth
        What is true of it.
    description : str
        A sentence.
    settings : WorldSettings
        What it was made with.
    seed : int
        Root of its random numbers.
    """

    name: str
    frame: pd.DataFrame
    truth: Truth
    description: str
    settings: WorldSettings
    seed: int


@dataclass(frozen=True)
class _Grid:
    """Countries by years before rows are picked; arrays are (n,) or (n, T)."""

    years: Ints
    regime: Ints
    entry: Ints
    observed: parts.Bools
    covariates: dict[str, Floats]
    f: Floats
    a: Floats
    b: Floats
    errors: Floats
    trend: Floats


def ratification(
    world: str = "transition_only",
    *,
    n_countries: int = 120,
    years: tuple[int, int] = (1985, 2014),
    seed: int = 1,
    **overrides: Any,
) -> World:
    """Simulate country-years with a known effect of ratification.

    The same seed gives the same world, and different worlds of one seed share countries, covariates and
    random numbers, so that they differ only in what they are about.

    Parameters
    ----------
    world : str
        One of :data:`WORLDS`.
    n_countries : int
        Number of countries, at least 8.
    years : tuple of int
        First and last year, at least 8 years.
    seed : int
        Root of the random numbers, 0 or more.
    **overrides
        Settings to replace; see :class:`WorldSettings`.

    Returns
    -------
    World
        Frame, truth and description.

    Raises
    ------
    InputError
        If the world or a setting is unknown (names the nearest) or a value is impossible.
    """
    settings = world_settings(world, overrides)
    _check_size(n_countries, years, seed)
    spawned = np.random.SeedSequence(seed).spawn(len(_STREAMS))
    rng = {name: np.random.default_rng(s) for name, s in zip(_STREAMS, spawned, strict=True)}
    grid = _draw_grid(rng, settings, n_countries, np.arange(years[0], years[1] + 1))
    index = _ratify(rng["ratification"], settings, grid)
    measured, drift, sds = _measure(rng["measurement"], settings, grid)
    rows = _rows(settings, grid, index, measured)
    frame = _frame(settings, grid, index, rows, sds)
    truth = _truth(settings, grid, index, rows, drift)
    if settings.categories is not None:
        position = frame["year"].to_numpy(np.int64) - years[0]
        by_year, frame["score"] = parts.categories(
            frame["score"].to_numpy(float), settings.categories, position, settings.cut_drift
        )
        truth = _with_cutpoints(truth, by_year, moving=any(settings.cut_drift))
    return World(world, frame, truth, WORLDS[world], settings, seed)


def _with_cutpoints(truth: Truth, by_year: Floats, *, moving: bool) -> Truth:
    """The truth with cut-points (T, K - 1), by year where they move."""
    labels = [f"{k}|{k + 1}" for k in range(1, by_year.shape[1] + 1)]
    frame = pd.DataFrame(by_year, index=truth.standard.index, columns=labels) if moving else None
    cutpoints = tuple(by_year.mean(axis=0).tolist()) if moving else tuple(by_year[0].tolist())
    return dataclasses.replace(truth, cutpoints=cutpoints, cutpoints_by_year=frame)


def _check_size(n: int, years: tuple[int, int], seed: int) -> None:
    if not (isinstance(n, int) and n >= _MIN_COUNTRIES):
        raise InputError(
            f"simulated world: n_countries = {n!r} must be a whole number of at least {_MIN_COUNTRIES}"
        )
    if len(years) != 2 or years[1] - years[0] + 1 < _MIN_YEARS:
        raise InputError(
            f"simulated world: years = {years!r} must be (first, last) of at least {_MIN_YEARS} years"
        )
    if not (isinstance(seed, int) and seed >= 0):
        raise InputError(f"simulated world: seed = {seed!r} must be a whole number, 0 or more")


def _fixed(settings: WorldSettings, regime: Ints) -> parts.Bools:
    """Countries of the classes with a fixed number."""
    return np.isin(regime, [REGIMES.index(name) for name in settings.class_counts])


def _draw_grid(rng: dict[str, np.random.Generator], settings: WorldSettings, n: int, years: Ints) -> _Grid:
    T = years.size
    regime = parts.regime_codes(rng["regime"], n, settings.shares, settings.no_score, settings.class_counts)
    entry = parts.entry_index(rng["shape"], n, T, settings.entry_share)
    a, b = parts.country_effects(rng["countries"], n, (settings.sd_a, settings.sd_b), settings.corr)
    slope = rng["countries"].standard_normal(n) * settings.country_trend_sd
    if settings.never_ratifier:
        transition = np.flatnonzero(regime == REGIMES.index("transition"))
        if not transition.size:
            raise InputError("simulated world: never_ratifier needs at least one transition country")
        regime[[0, transition[0]]] = regime[[transition[0], 0]]
        entry[0], b[0] = 0, settings.sd_b
    entry[_fixed(settings, regime)] = 0
    present = np.arange(T) >= entry[:, None]
    errors = np.full((n, T), np.nan)
    unit, time = np.nonzero(present)
    errors[present] = ar1_errors(rng["errors"], unit, time, settings.rho, settings.sigma, nu=settings.nu)
    return _Grid(
        years=years,
        regime=regime,
        entry=entry,
        observed=present & ~parts.gap_mask(rng["shape"], entry, T, settings.gap_share),
        covariates=parts.covariate_grids(rng["covariates"], regime, T),
        f=parts.year_effects(rng["years"], T, settings.trends, settings.year_sd),
        a=a,
        b=b,
        errors=errors,
        trend=slope[:, None] * (np.arange(T) - (T - 1) / 2) / 10,
    )


def _ratify(rng: np.random.Generator, settings: WorldSettings, grid: _Grid) -> Floats:
    """Index of the year of ratification, negative where before the first year, NaN where never."""
    path = grid.trend + grid.errors
    index = parts.ratification_index(
        rng,
        regime=grid.regime,
        entry=grid.entry,
        path=path,
        hazard=settings.hazard,
        selection=settings.selection,
    )
    fixed = np.flatnonzero(_fixed(settings, grid.regime))
    special = {*fixed.tolist(), *([0] if settings.never_ratifier else [])}
    early = np.array([i for i in np.flatnonzero(grid.entry == 0) if i not in special], dtype=np.int64)
    always = rng.choice(early, size=min(early.size, round(settings.always_share * index.size)), replace=False)
    index[always] = -settings.lag - rng.integers(0, 4, size=always.size)
    index[fixed] = np.round(np.linspace(0.2, 0.5, fixed.size) * grid.years.size)
    if settings.never_ratifier:
        index[0] = np.nan
    return index


def _measure(
    rng: np.random.Generator, settings: WorldSettings, grid: _Grid
) -> tuple[Floats, Floats, Floats | None]:
    """Observed minus true score (n, T), its common drift (T,), and the SDs of its noise (None: no noise)."""
    shape = grid.observed.shape
    drift = parts.standard_drift(shape[1], settings.standard_drift)
    measured = np.broadcast_to(drift, shape).copy()
    if settings.measurement_sd == 0:
        return measured, drift, None
    sds = parts.measurement_sds(rng, shape, settings.measurement_sd)
    unit, time = (axis.ravel() for axis in np.indices(shape))
    unit_sd = np.sqrt(1 - settings.measurement_rho**2)
    noise = ar1_errors(rng, unit, time, settings.measurement_rho, float(unit_sd)).reshape(shape)
    return measured + sds * noise, drift, sds


def _rows(settings: WorldSettings, grid: _Grid, index: Floats, measured: Floats) -> pd.DataFrame:
    T = grid.years.size
    treated = np.arange(T) - np.nan_to_num(index, nan=np.inf)[:, None] >= settings.lag
    effect = parts.by_class(settings.tau)[grid.regime] + grid.b
    level = settings.alpha + parts.by_class(settings.class_intercept)[grid.regime] + grid.a
    eta = level[:, None] + grid.f[grid.regime] + effect[:, None] * treated
    for name, value in settings.gamma.items():
        eta = eta + value * grid.covariates[name]
    ramp = parts.pre_trend_ramp(
        index, T, parts.by_class(settings.pre_trend)[grid.regime], settings.pre_trend_years
    )
    unit, time = np.nonzero(grid.observed)
    return pd.DataFrame(
        {
            "ccode": unit + FIRST_CCODE,
            "year": grid.years[time],
            "treated": treated[unit, time].astype(np.int64),
            "eta": eta[unit, time],
            "outside": (grid.trend + ramp)[unit, time],
            "error": grid.errors[unit, time],
            "measurement": measured[unit, time],
        }
    )


def _frame(
    settings: WorldSettings, grid: _Grid, index: Floats, rows: pd.DataFrame, sds: Floats | None
) -> pd.DataFrame:
    unit, time = np.nonzero(grid.observed)
    frame = rows[["ccode", "year"]].copy()
    frame["country"] = np.array(_names(settings, index.size))[unit]
    frame["score"] = rows[["eta", "outside", "error", "measurement"]].sum(axis=1)
    if sds is not None:
        frame["score_sd"] = sds[unit, time]
    frame["ratification_year"] = (grid.years[0] + index)[unit]
    frame["regime"] = np.array(REGIMES)[grid.regime[unit]]
    for name in COVARIATES:
        frame[name] = grid.covariates[name][unit, time]
    return frame.astype({"country": "str", "regime": "str"})


def _names(settings: WorldSettings, n: int) -> list[str]:
    names = [f"Country {i + 1:03d}" for i in range(n)]
    if settings.never_ratifier:
        names[0] = "Country 001 (never ratifies)"
    return names


def _countries(settings: WorldSettings, grid: _Grid, index: Floats, rows: pd.DataFrame) -> pd.DataFrame:
    share = rows.groupby("ccode")["treated"].mean().to_numpy()
    status = np.select([share == 0, share == 1], ["never", "always"], "switches")
    return pd.DataFrame(
        {
            "ccode": np.arange(index.size) + FIRST_CCODE,
            "country": _names(settings, index.size),
            "regime": np.array(REGIMES)[grid.regime],
            "ratification_year": grid.years[0] + index,
            "a": grid.a,
            "b": grid.b,
            "effect": parts.by_class(settings.tau)[grid.regime] + grid.b,
            "status": status,
        }
    ).astype({"country": "str", "regime": "str", "status": "str"})


def _averages(countries: pd.DataFrame, classes: list[str]) -> dict[str, float]:
    out = {}
    for label, part in [("", countries), *((f"{r}: ", countries[countries["regime"] == r]) for r in classes)]:
        out[f"{label}all countries"] = float(part["effect"].mean())
        out[f"{label}switching countries"] = float(part.loc[part["status"] == "switches", "effect"].mean())
    return out


def _truth(settings: WorldSettings, grid: _Grid, index: Floats, rows: pd.DataFrame, drift: Floats) -> Truth:
    countries = _countries(settings, grid, index, rows)
    classes = [name for k, name in enumerate(REGIMES) if (grid.regime == k).any()]
    tau = {name: float(settings.tau.get(name, 0.0)) for name in classes}
    year = pd.Index(grid.years, name="year")
    f = pd.DataFrame(grid.f, index=pd.Index(REGIMES, name="regime"), columns=year).loc[classes]
    return Truth(
        alpha=settings.alpha,
        gamma={name: float(settings.gamma.get(name, 0.0)) for name in COVARIATES},
        tau=tau,
        class_intercept={name: float(settings.class_intercept.get(name, 0.0)) for name in classes},
        sd_country=(settings.sd_a, settings.sd_b),
        corr=settings.corr,
        rho=settings.rho,
        sigma=settings.sigma,
        nu=settings.nu,
        lag=settings.lag,
        f=f,
        standard=pd.Series(drift, index=year, name="standard"),
        contrasts={f"{r} - {s}": tau[r] - tau[s] for r in classes for s in classes if r != s},
        averages=_averages(countries, classes),
        countries=countries,
        rows=rows,
    )
