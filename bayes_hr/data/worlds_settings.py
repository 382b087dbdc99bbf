"""The parameter sets of the simulated worlds, and their validation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bayes_hr.data.messages import nearest
from bayes_hr.data.regimes import REGIMES
from bayes_hr.errors import InputError

COVARIATES: Final = ("log_gdppc", "log_population", "conflict")
"""Covariates of every simulated panel, as in the real one."""


def _default_gamma() -> dict[str, float]:
    return {"log_gdppc": 0.15, "log_population": -0.08, "conflict": -0.25}


def _default_class_intercept() -> dict[str, float]:
    return {"stable autocracy": -0.4, "transition": -0.2, "stable democracy": 0.9, "no score": 0.0}


def _default_trends() -> dict[str, float]:
    return {"stable autocracy": 0.05, "transition": 0.10, "stable democracy": 0.05, "no score": 0.05}


def _default_shares() -> dict[str, float]:
    return {"stable autocracy": 0.40, "transition": 0.35, "stable democracy": 0.25}


@dataclass(frozen=True, kw_only=True)
class WorldSettings:
    """Everything that a world fixes; each field can be overridden by keyword in ``simulate.ratification``.

    Mappings by regime class may be partial: a class that is not named has 0. Outcomes are on the scale of the
    latent score (SD of country intercepts about 1).

    Attributes
    ----------
    tau : mapping of str to float
        Average effect of ratification by regime class (outcome scale).
    gamma : mapping of str to float
        Coefficients of the covariates, per unit of the covariate as it stands in the frame (not
        standardised).
    alpha : float
        Intercept, where every covariate is 0.
    class_intercept : mapping of str to float
        a_r, deviations from `alpha`.
    sd_a, sd_b, corr : float
        SDs of country intercepts and country effects, and their correlation.
    rho, sigma, nu : float
        AR(1) coefficient per year, scale of the innovations, and their degrees of freedom (None: Gaussian).
        With Student-t innovations the SD of an innovation is ``sigma * sqrt(nu / (nu - 2))``.
    lag : int
        Full years from ratification to treatment.
    shares, no_score : mapping, float
        Shares of countries by regime class; `no_score` is the share without one, taken from all classes
        alike.
    class_counts : mapping of str to int
        Classes with a fixed number of countries; these are in the panel from the first year and ratify within
        it.
    trends, year_sd : mapping, float
        Linear trend of f_r(t) per decade by class, and SD of the yearly steps of the random walk around it.
    hazard : tuple of float
        Yearly probability of ratifying, in the first ten years and later.
    selection, country_trend_sd : float
        Log hazard ratio of ratifying per SD of the country's change over the last three years; SD of country
        trends per decade.
    pre_trend, pre_trend_years : mapping, int
        Improvement completed by the year of ratification, by class, and over how many years before it.
    standard_drift : float
        Total change of the measurement standard over the years, common to all countries.
    measurement_sd, measurement_rho : float
        Median SD of the measurement error of the score and its autocorrelation per year (0: none, no
        ``score_sd``).
    always_share, entry_share, gap_share : float
        Shares of countries that ratified before the first year, that enter later, and that have a gap of one
        to three years.
    categories : int, optional
        Cuts the outcome into this many ordered categories, 1 and up, with equal shares. The outcome of the
        other settings is then latent: its errors are independent with SD 1 (`rho` 0, `sigma` 1), its scale.
    cut_drift : tuple of float
        Total move over the years of the lowest and of the highest cut-point between categories (those between
        move in proportion), S-shaped with mean 0: a standard that changes.
    never_ratifier : bool
        Country 1001 is a transition country present in every year which never ratifies, with b = `sd_b`.
    """

    tau: Mapping[str, float] = field(default_factory=dict)
    gamma: Mapping[str, float] = field(default_factory=_default_gamma)
    alpha: float = 0.5
    class_intercept: Mapping[str, float] = field(default_factory=_default_class_intercept)
    sd_a: float = 1.0
    sd_b: float = 0.0
    corr: float = -0.2
    rho: float = 0.85
    sigma: float = 0.24
    nu: float | None = None
    lag: int = 1
    shares: Mapping[str, float] = field(default_factory=_default_shares)
    no_score: float = 0.0
    class_counts: Mapping[str, int] = field(default_factory=dict)
    trends: Mapping[str, float] = field(default_factory=_default_trends)
    year_sd: float = 0.02
    hazard: tuple[float, float] = (0.18, 0.06)
    selection: float = 0.0
    country_trend_sd: float = 0.0
    pre_trend: Mapping[str, float] = field(default_factory=dict)
    pre_trend_years: int = 5
    standard_drift: float = 0.0
    measurement_sd: float = 0.0
    measurement_rho: float = 0.7
    always_share: float = 0.05
    entry_share: float = 0.15
    gap_share: float = 0.08
    never_ratifier: bool = False
    categories: int | None = None
    cut_drift: tuple[float, float] = (0.0, 0.0)


WORLDS: Final[dict[str, str]] = {
    "transition_only": "Ratification raises the score by 0.5 in transition countries, by 0 elsewhere.",
    "no_effect_trends": "No effect; autocorrelated errors (rho 0.9) and a different trend in each class.",
    "selection_on_trend": "No effect; countries ratify sooner while their own path is improving.",
    "pre_trend": "No effect; transition countries improve by 0.5 in the five years up to ratification.",
    "changing_standard": "No effect; the standard of measurement gets stricter over the years.",
    "noisy_scores": "Effect of 0.5 in transition; scores with autocorrelated error, its SD supplied.",
    "tiny_class": "Effect of 0.5 in transition; only two countries are stable democracies.",
    "never_ratifier": "Effect of 0.5 in transition, but 1001, which would gain 0.8, never ratifies.",
    "heterogeneous": "Effects vary (SD 0.4) around 0.5 in transition and 0 elsewhere.",
    "student_t": "Effect of 0.5 in transition; errors with heavy tails (Student-t innovations, nu 4).",
    "moving_cut_points": "No effect; four ordered categories, whose best gets ever harder to reach.",
}
"""Worlds on offer: id to a sentence."""

_TRANSITION: Final[dict[str, Any]] = {"tau": {"transition": 0.5}, "sd_b": 0.15}

_CHANGES: Final[dict[str, dict[str, Any]]] = {
    "transition_only": _TRANSITION,
    "no_effect_trends": {
        "rho": 0.9,
        "trends": {"stable autocracy": 0.0, "transition": 0.3, "stable democracy": 0.1, "no score": 0.1},
    },
    "selection_on_trend": {"selection": 1.0, "country_trend_sd": 0.15},
    "pre_trend": {"pre_trend": {"transition": 0.5}},
    "changing_standard": {"standard_drift": -0.8},
    "noisy_scores": _TRANSITION | {"measurement_sd": 0.26},
    "tiny_class": _TRANSITION | {"class_counts": {"stable democracy": 2}},
    "never_ratifier": _TRANSITION | {"sd_b": 0.3, "never_ratifier": True},
    "heterogeneous": _TRANSITION | {"sd_b": 0.4},
    "student_t": _TRANSITION | {"nu": 4.0},
    "moving_cut_points": {"categories": 4, "cut_drift": (0.0, 1.6), "trends": {}, "year_sd": 0.0},
}

_LATENT: Final[dict[str, Any]] = {"rho": 0.0, "sigma": 1.0}
"""Errors of a latent outcome."""

_NUMBERS: Final = ("alpha", "corr", "sigma", "selection", "standard_drift", "pre_trend_years")
_BY_CLASS: Final = ("tau", "class_intercept", "shares", "class_counts", "trends", "pre_trend")
_PROBABILITIES: Final = ("no_score", "always_share", "entry_share", "gap_share")
_NOT_NEGATIVE: Final = ("sd_a", "sd_b", "year_sd", "country_trend_sd", "measurement_sd", "lag")
_INSIDE_ONE: Final = ("rho", "measurement_rho")


def world_settings(world: str, overrides: Mapping[str, Any]) -> WorldSettings:
    """Settings of a world with the user's changes.

    Parameters
    ----------
    world : str
        One of :data:`WORLDS`.
    overrides : mapping
        Fields of :class:`WorldSettings` to replace.

    Raises
    ------
    InputError
        If the world or a field is unknown, or a value impossible.
    """
    if world not in WORLDS:
        raise InputError(f"unknown world {world!r}; {nearest(str(world), WORLDS)}")
    names = [f.name for f in dataclasses.fields(WorldSettings)]
    for name in overrides:
        if name not in names:
            raise InputError(f"simulated world: unknown setting {name!r}; {nearest(str(name), names)}")
    given = _CHANGES[world] | dict(overrides)
    settings = WorldSettings(**((_LATENT if given.get("categories") is not None else {}) | given))
    check_settings(settings)
    _check_categories(settings)
    return settings


def _check_categories(settings: WorldSettings) -> None:
    """Refuse categories of anything but a latent outcome with independent errors of SD 1."""
    categories, drift = settings.categories, settings.cut_drift
    pair = isinstance(drift, tuple) and len(drift) == 2 and all(map(_is_number, drift))
    _require(pair, settings, "cut_drift", "two finite numbers: of the lowest and the highest cut-point")
    if categories is None:
        _require(not any(drift), settings, "cut_drift", "(0.0, 0.0) where there are no categories")
        return
    whole = isinstance(categories, int) and not isinstance(categories, bool)
    _require(whole and 2 <= categories <= 12, settings, "categories", "a whole number from 2 to 12, or None")
    for name, value in (("rho", 0), ("sigma", 1), ("nu", None), ("measurement_sd", 0)):
        _require(getattr(settings, name) == value, settings, name, f"{value} where there are categories")


def check_settings(settings: WorldSettings) -> None:
    """Refuse impossible settings.

    Raises
    ------
    InputError
        With the setting, its value and what would be valid.
    """
    for name in (*_NUMBERS, *_PROBABILITIES, *_NOT_NEGATIVE, *_INSIDE_ONE):
        _require(_is_number(getattr(settings, name)), settings, name, "a finite number")
    for name in _BY_CLASS:
        _check_mapping(name, getattr(settings, name), REGIMES)
    _check_mapping("gamma", settings.gamma, COVARIATES)
    for name in _PROBABILITIES:
        _require(0 <= getattr(settings, name) < 1, settings, name, "at least 0 and less than 1")
    for name in _NOT_NEGATIVE:
        _require(getattr(settings, name) >= 0, settings, name, "0 or more")
    for name in _INSIDE_ONE:
        _require(-1 < getattr(settings, name) < 1, settings, name, "between -1 and 1")
    _require(-1 <= settings.corr <= 1, settings, "corr", "from -1 to 1")
    _require(settings.sigma > 0, settings, "sigma", "positive")
    _require(
        settings.nu is None or settings.nu > 2, settings, "nu", "more than 2, or None for Gaussian errors"
    )
    _require(settings.pre_trend_years >= 1, settings, "pre_trend_years", "1 or more")
    hazards = settings.hazard
    _require(
        len(hazards) == 2 and all(0 <= h < 1 for h in hazards),
        settings,
        "hazard",
        "two yearly probabilities below 1",
    )
    shares = settings.shares.values()
    _require(min(shares, default=0) >= 0 and sum(shares) > 0, settings, "shares", "0 or more, and not all 0")


def _require(holds: bool, settings: WorldSettings, name: str, wanted: str) -> None:
    if not holds:
        raise InputError(f"simulated world: {name} = {getattr(settings, name)!r} must be {wanted}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _check_mapping(name: str, value: object, valid: Iterable[str]) -> None:
    if not isinstance(value, Mapping):
        example = f"{{{next(iter(valid))!r}: 0.5}}"
        raise InputError(f"simulated world: {name} = {value!r} must be a mapping, such as {example}")
    for key, number in value.items():
        if key not in valid:
            raise InputError(f"simulated world: {name} has no {key!r}; {nearest(str(key), valid)}")
        if not _is_number(number):
            raise InputError(f"simulated world: {name}[{key!r}] = {number!r} must be a finite number")
