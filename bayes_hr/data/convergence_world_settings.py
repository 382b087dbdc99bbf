"""The parameter sets of the simulated convergence worlds, and their validation."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bayes_hr.data.messages import nearest
from bayes_hr.errors import InputError

TERMS: Final = ("before", "before_slope", "during", "during_slope", "after", "after_slope")
"""Terms of Model C: the level of each phase (at k = 0) and its slope per decade."""

FIRST_CCODE: Final = 1001
"""Number of the first state."""

SIZES: Final[dict[str, tuple[int, int, tuple[int, int]]]] = {
    "demo": (60, 8, (1980, 2014)),
    "standard": (120, 24, (1946, 2014)),
    "real": (170, 60, (1946, 2014)),
}
"""States, IGOs and years of each size: about 3,700, 48,000 and 160,000 rows."""


def _default_beta() -> dict[str, float]:
    return {"before": 1.6, "during": 1.6, "after": 1.6}


def _default_sd_state() -> dict[str, float]:
    return {
        "before": 0.20,
        "before_slope": 0.04,
        "during": 0.20,
        "during_slope": 0.04,
        "after": 0.20,
        "after_slope": 0.04,
    }


def _default_sd_igo() -> dict[str, float]:
    return {
        "before": 0.15,
        "before_slope": 0.03,
        "during": 0.15,
        "during_slope": 0.03,
        "after": 0.15,
        "after_slope": 0.03,
    }


@dataclass(frozen=True, kw_only=True)
class ConvergenceSettings:
    """Everything that a convergence world fixes; each field is a keyword of ``simulate.convergence``.

    Memberships (every world). Entries and exits never depend on scores.

    Attributes
    ----------
    n_regions : int
        Regions, of equal size to within one state.
    universal_share, universal_joins : float
        Share of IGOs that are universal, and share of the states that ever join one.
    home_joins, outsider_joins : float
        Shares of the states of a regional IGO's region, and of the others, that ever join it.
    old_igos : float
        Share of IGOs that exist before the first year (by up to 20 years).
    founders : float
        Share of the joining states that join in the year of birth.
    wait : float
        Mean years from when a state can join until it does, for the rest.
    late_states : float
        Share of states that enter the system later, in the first two fifths of the years.
    exit_rate, re_entry : float
        Yearly probability of leaving, and share of the leavers who come back (after 2 years or more).
    igo_deaths : float
        Share of IGOs that end, in the last third of the years. No exit, by definition.
    observers : float
        Share of joins preceded by two to four years as an observer (code 3).
    missing_codes : float
        Share of the codes 0 to 3 of an existing IGO that are -9 (missing) instead.

    Score worlds. Own scores are levels plus AR(1) paths, started from stationarity; theta of the year is
    ``trend * decades + spread * own score``.

    score_rho, sd_score : float
        Autocorrelation per year and stationary SD of the paths.
    sd_level, sd_region : float
        SDs of the states' own levels and of the regions'.
    trend : float
        Common trend per decade.
    spread : tuple of float
        Scale of the world in the first and in the last year, linear between.
    pull_during, pull_before : float
        Share of the gap to the co-members' mean of the year before that a state closes per year: as a member,
        and in the `pull_years` before entry. A sum over its IGOs.
    pull_years : int
        Years before entry in which a state is pulled.
    moving_igos : int
        Number of IGOs that pull or shift, where any does; the others move nobody.
    lasting : bool
        Whether pulls move the state's own level, which stays; otherwise they move the path, which returns to
        the own level at the rate 1 - `score_rho`.
    entry_shift : float
        Share of the gap between own level and members' mean that is closed at once, for good, at entry.
    measurement_sd, measurement_rho : float
        Median SD of the measurement error of scores, and its autocorrelation (0: exact scores).

    Model worlds.

    beta, sd_state, sd_igo : mapping of str to float
        Population coefficients of :data:`TERMS`, and SDs by state and by IGO (terms not named: 0).
    corr_levels, corr_slopes, corr_level_slope : float
        Correlations of u (and of w) between the levels of two phases, between two slopes, and between any
        level and any slope.
    sd_dyad, sigma : float
        SDs of dyad intercepts and of errors.
    sd_state_year, rho : float
        Stationary SD of the state-year effects and their autocorrelation per year within a state.
    year_sd : float
        SD of the yearly steps of the year effects (a random walk of mean 0).
    """

    n_regions: int = 4
    universal_share: float = 0.25
    universal_joins: float = 0.6
    home_joins: float = 0.7
    outsider_joins: float = 0.05
    old_igos: float = 0.35
    founders: float = 0.35
    wait: float = 15.0
    late_states: float = 0.2
    exit_rate: float = 0.005
    re_entry: float = 0.25
    igo_deaths: float = 0.1
    observers: float = 0.1
    missing_codes: float = 0.0
    score_rho: float = 0.95
    sd_score: float = 0.7
    sd_level: float = 0.8
    sd_region: float = 0.6
    trend: float = 0.0
    spread: tuple[float, float] = (1.0, 1.0)
    pull_during: float = 0.0
    pull_before: float = 0.0
    pull_years: int = 10
    moving_igos: int = 8
    lasting: bool = False
    entry_shift: float = 0.0
    measurement_sd: float = 0.0
    measurement_rho: float = 0.7
    beta: Mapping[str, float] = field(default_factory=_default_beta)
    sd_state: Mapping[str, float] = field(default_factory=_default_sd_state)
    sd_igo: Mapping[str, float] = field(default_factory=_default_sd_igo)
    corr_levels: float = 0.6
    corr_slopes: float = 0.3
    corr_level_slope: float = -0.2
    sd_dyad: float = 0.2
    sigma: float = 0.12
    sd_state_year: float = 0.15
    rho: float = 0.9
    year_sd: float = 0.02


MODEL_WORLDS: Final[dict[str, str]] = {
    "kink_and_reversion": "Distance falls by 0.10 per decade of membership, not before; it rises after exit.",
    "kink": "Distance falls by 0.10 per decade of membership, not before; after exit it stays.",
    "reversion_model": "No convergence before or during; distance rises by 0.15 per decade after exit.",
    "null_model": "All phases have one level and no slope; states and IGOs still vary around them.",
}
"""Worlds whose distances are drawn from Model C: id to a sentence."""

SCORE_WORLDS: Final[dict[str, str]] = {
    "independent_states": "Independent persistent states; memberships never move a score. No convergence.",
    "global_compression": "No convergence; the whole world's scores draw together over the years.",
    "global_fanning": "No convergence; the whole world's scores spread out over the years.",
    "inclusive_mean": "No convergence; the mean counts the state itself, so that distance drops at entry.",
    "pull": "Members close a share of the gap to their co-members each year.",
    "reversion": "As pull, with more exits, after which a state returns to its own level.",
    "instrumental": "States draw near in the ten years before entry, hold as members, and return after exit.",
    "intrinsic": "Members' own levels move toward their co-members each year, and stay after exit.",
    "entry_shift": "At entry a state's own level moves at once, for good, toward the members' mean.",
}
"""Worlds whose distances follow from simulated scores: id to a sentence."""

CONVERGENCE_WORLDS: Final[dict[str, str]] = {**MODEL_WORLDS, **SCORE_WORLDS}
"""Convergence worlds on offer: id to a sentence."""

_KINK: Final = {"before": 1.6, "during": 1.6, "during_slope": -0.10}
_CHANGES: Final[dict[str, dict[str, Any]]] = {
    "kink_and_reversion": {"beta": _KINK | {"after": 1.45, "after_slope": 0.15}, "exit_rate": 0.012},
    "kink": {"beta": _KINK | {"after": 1.45}},
    "reversion_model": {"beta": _default_beta() | {"after_slope": 0.15}, "exit_rate": 0.012},
    "null_model": {},
    "independent_states": {"sd_region": 0.0},
    "global_compression": {"spread": (1.4, 0.7)},
    "global_fanning": {"spread": (0.7, 1.4)},
    "inclusive_mean": {},
    "pull": {"pull_during": 0.05},
    "reversion": {"pull_during": 0.05, "exit_rate": 0.03, "re_entry": 0.0},
    "instrumental": {
        "pull_before": 0.08,
        "pull_during": 0.08,
        "exit_rate": 0.03,
        "re_entry": 0.0,
    },
    "intrinsic": {"pull_during": 0.05, "lasting": True, "exit_rate": 0.03, "re_entry": 0.0},
    "entry_shift": {"entry_shift": 0.4},
}

_SCORE_FIELDS: Final = (
    "score_rho", "sd_score", "sd_level", "sd_region", "trend", "spread", "pull_during", "pull_before",
    "pull_years", "moving_igos", "lasting", "entry_shift", "measurement_sd", "measurement_rho",
)  # fmt: skip
_MODEL_FIELDS: Final = (
    "beta", "sd_state", "sd_igo", "corr_levels", "corr_slopes", "corr_level_slope", "sd_dyad", "sigma",
    "sd_state_year", "rho", "year_sd",
)  # fmt: skip
_MAPPINGS: Final = ("beta", "sd_state", "sd_igo")
_SHARES: Final = (
    "universal_share", "universal_joins", "home_joins", "outsider_joins", "old_igos", "founders",
    "late_states", "exit_rate", "re_entry", "igo_deaths", "observers", "missing_codes",
    "pull_during", "pull_before", "entry_shift",
)  # fmt: skip
_NOT_NEGATIVE: Final = (
    "sd_score", "sd_level", "sd_region", "measurement_sd", "sd_dyad", "sd_state_year", "year_sd",
)  # fmt: skip
_INSIDE_ONE: Final = (
    "score_rho", "measurement_rho", "rho", "corr_levels", "corr_slopes", "corr_level_slope",
)  # fmt: skip
_NUMBERS: Final = (*_SHARES, *_NOT_NEGATIVE, *_INSIDE_ONE, "wait", "trend", "sigma")
_COUNTS: Final = ("n_regions", "pull_years", "moving_igos")


def convergence_settings(world: str, overrides: Mapping[str, Any]) -> ConvergenceSettings:
    """Settings of a world with the user's changes.

    Parameters
    ----------
    world : str
        One of :data:`CONVERGENCE_WORLDS`.
    overrides : mapping
        Fields of :class:`ConvergenceSettings` to replace.

    Raises
    ------
    InputError
        If the world or a field is unknown (names the nearest), a field does nothing in this world, or a value
        is impossible.
    """
    if world not in CONVERGENCE_WORLDS:
        raise InputError(f"unknown world {world!r}; {nearest(str(world), CONVERGENCE_WORLDS)}")
    names = [f.name for f in dataclasses.fields(ConvergenceSettings)]
    idle, other = (_SCORE_FIELDS, "score") if world in MODEL_WORLDS else (_MODEL_FIELDS, "model")
    for name in overrides:
        if name not in names:
            raise InputError(f"simulated world: unknown setting {name!r}; {nearest(str(name), names)}")
        if name in idle:
            raise InputError(
                f"simulated world {world!r}: {name} would do nothing; it belongs to the {other} worlds "
                f"({', '.join(SCORE_WORLDS if other == 'score' else MODEL_WORLDS)})"
            )
    settings = ConvergenceSettings(**(_CHANGES[world] | dict(overrides)))
    _check_values(settings)
    return settings


def _check_values(s: ConvergenceSettings) -> None:
    """Refuse impossible values."""
    for name in _NUMBERS:
        _require(_is_number(getattr(s, name)), s, name, "a finite number")
    for name in _SHARES:
        _require(0 <= getattr(s, name) <= 1, s, name, "from 0 to 1")
    for name in _NOT_NEGATIVE:
        _require(getattr(s, name) >= 0, s, name, "0 or more")
    for name in _INSIDE_ONE:
        _require(-1 < getattr(s, name) < 1, s, name, "between -1 and 1")
    for name in _MAPPINGS:
        _check_mapping(s, name, signed=name == "beta")
    _require(s.sigma > 0, s, "sigma", "positive")
    _require(s.wait >= 1, s, "wait", "1 year or more")
    for name in _COUNTS:
        value = getattr(s, name)
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        _require(whole, s, name, "a whole number of 1 or more")
    _require(isinstance(s.lasting, bool), s, "lasting", "True or False")
    spread = s.spread
    valid = (
        isinstance(spread, tuple | list) and len(spread) == 2 and all(_is_number(v) and v > 0 for v in spread)
    )
    _require(valid, s, "spread", "two positive numbers: the scale in the first and in the last year")


def _require(holds: bool, settings: ConvergenceSettings, name: str, wanted: str) -> None:
    if not holds:
        raise InputError(f"simulated world: {name} = {getattr(settings, name)!r} must be {wanted}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_mapping(settings: ConvergenceSettings, name: str, *, signed: bool) -> None:
    value = getattr(settings, name)
    _require(isinstance(value, Mapping), settings, name, "a mapping, such as {'during_slope': 0.1}")
    for key, number in value.items():
        if key not in TERMS:
            raise InputError(f"simulated world: {name} has no {key!r}; {nearest(str(key), TERMS)}")
        if not _is_number(number) or (number < 0 and not signed):
            wanted = "a finite number" if signed else "a finite number, 0 or more"
            raise InputError(f"simulated world: {name}[{key!r}] = {number!r} must be {wanted}")
