"""Regime classes from a country's history of scores (pure functions)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import nearest
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

FIRST_YEAR: Final = 1946
"""Only scores from this year on count."""

NO_SCORE: Final = "no score"
"""The class of countries, or years, without a score."""

REGIMES: Final = ("stable autocracy", "transition", "stable democracy", NO_SCORE)
"""The classes, in the order of tables and figures."""

RULES: Final = ("before_treaty", "before_ratification", "whole_history", "window")
"""Which part of the history counts for a class that a country keeps."""

BY_YEAR: Final = "time_varying"
"""The rule by which a country has a class in each year (:func:`classify_by_year`)."""

TRAILING: Final = 10
"""Years before each year that count by default where classes change."""

POLITY_SCALE: Final = (-10, 10)
"""Lowest and highest polity2."""


def check_regime_options(
    rule: str,
    window: tuple[int, int] | None = None,
    democracy: float = 8,
    autocracy: float = 3,
    scale: tuple[float, float] = POLITY_SCALE,
) -> None:
    """Refuse options that cannot be used together.

    Parameters
    ----------
    rule : str
        One of :data:`RULES`, or :data:`BY_YEAR`.
    window : tuple of int, optional
        First and last year; needed for, and only for, rule ``"window"``.
    democracy, autocracy : float
        Cut-offs.
    scale : tuple of float
        Lowest and highest possible score; default: that of polity2.

    Raises
    ------
    InputError
        With what is wrong and what would be valid.
    """
    if rule not in (*RULES, BY_YEAR):
        raise InputError(f"unknown regime rule {rule!r}; {nearest(str(rule), (*RULES, BY_YEAR))}")
    check_cut_offs(democracy, autocracy, scale)
    if (rule == "window") != (window is not None):
        raise InputError(
            "regime window: give (first year, last year) with rule 'window', and with no other rule"
        )
    if window is not None and (len(window) != 2 or window[0] > window[1]):
        raise InputError(f"regime window: {window!r} is not (first year, last year)")
    if window is not None and window[1] < FIRST_YEAR:
        raise InputError(f"regime window: {window!r} ends before {FIRST_YEAR}, the first year that counts")


def check_cut_offs(democracy: float, autocracy: float, scale: tuple[float, float]) -> None:
    """Refuse cut-offs in the wrong order, off the scale, or NaN.

    Raises
    ------
    InputError
        With the cut-offs and the scale.
    """
    if not scale[0] <= autocracy < democracy <= scale[1]:
        raise InputError(
            f"regime cut-offs: autocracy ({autocracy}) must be below democracy ({democracy}), "
            f"both from {scale[0]} to {scale[1]}"
        )


def classify(
    scores: pd.DataFrame,
    *,
    rule: str = "before_treaty",
    treaty_opened: int | None = None,
    ratification_years: Mapping[int, float] | None = None,
    window: tuple[int, int] | None = None,
    democracy: float = 8,
    autocracy: float = 3,
    column: str = "polity2",
    scale: tuple[float, float] = POLITY_SCALE,
) -> pd.DataFrame:
    """Class of each country from the scores in its window.

    *Stable autocracy*: every score <= `autocracy`. *Stable democracy*: every score >= `democracy`.
    *Transition*: the rest. *No score*: no score in the window (not a state yet, too small for the
    source, or interrupted throughout).

    Windows start in 1946. Rules: ``"before_treaty"`` ends the year before the treaty opened, so that the
    class does not depend on what happened afterwards; ``"before_ratification"`` ends the year before the
    country's own ratification, and in the last year of the data for those which never ratified (so their
    class does depend on the future); ``"whole_history"`` takes every year (the kind of Simmons 2009,
    *Mobilizing for Human Rights*, https://doi.org/10.1017/CBO9780511811340); ``"window"`` the years given.

    Parameters
    ----------
    scores : pandas.DataFrame
        ``ccode, year`` and the score (missing allowed), one row per country-year.
    rule : str
        One of :data:`RULES`.
    treaty_opened : int, optional
        Year the treaty opened; needed for ``"before_treaty"``.
    ratification_years : mapping, optional
        COW number to ratification year (NaN or absent: never); needed for ``"before_ratification"``.
    window : tuple of int, optional
        First and last year; needed for ``"window"``.
    democracy, autocracy : float
        Cut-offs.
    column : str
        Column of `scores` with the score; higher is more democratic.
    scale : tuple of float
        Lowest and highest possible score.

    Returns
    -------
    pandas.DataFrame
        ``ccode, regime, n_years`` (scores in the window), ``min, max`` (of them), ``window_start,
        window_end``; one row per country in `scores`.

    Raises
    ------
    InputError
        If an option is wrong or missing, a country-year comes twice, or no score is left.
    """
    check_regime_options(rule, window, democracy, autocracy, scale)
    if rule == BY_YEAR:
        raise InputError(f"regime rule {BY_YEAR!r} has a class in each year: use classify_by_year")
    counted = _counted(scores, column)
    countries = sorted(scores["ccode"].unique())
    bounds = _windows(
        countries,
        _last_year(counted, column),
        rule=rule,
        treaty_opened=treaty_opened,
        ratification_years=ratification_years,
        window=window,
    )
    placed = counted.merge(bounds, on="ccode", how="left", validate="m:1")
    inside = placed[placed["year"].between(placed["window_start"], placed["window_end"])]
    summary = inside.groupby("ccode")[column].agg(n_years="count", min="min", max="max")
    out = bounds.merge(summary, on="ccode", how="left", validate="1:1")
    out["n_years"] = out["n_years"].fillna(0).astype("int64")
    out["regime"] = _classes(out, democracy, autocracy)
    return out[["ccode", "regime", "n_years", "min", "max", "window_start", "window_end"]]


def classify_by_year(
    scores: pd.DataFrame,
    *,
    years: int = TRAILING,
    min_scores: int = 1,
    democracy: float = 8,
    autocracy: float = 3,
    column: str = "polity2",
    scale: tuple[float, float] = POLITY_SCALE,
) -> pd.DataFrame:
    """Class of each country in each year, from the scores of the years just before.

    The class in year t rests on the scores of t - `years` to t - 1, so that what happens in t, such as a
    ratification, cannot change it. Classes are those of :func:`classify`; scores before 1946 do not count,
    and the first windows are shorter for it. A window of one year gives the class of last year's score.

    Parameters
    ----------
    scores : pandas.DataFrame
        ``ccode, year`` and the score (missing allowed), one row per country-year.
    years : int
        Length of the trailing window in years, at least 1.
    min_scores : int
        Fewest scores in the window for a class, from 1 to `years`; with fewer the class is *no score*.
    democracy, autocracy : float
        Cut-offs.
    column : str
        Column of `scores` with the score; higher is more democratic.
    scale : tuple of float
        Lowest and highest possible score.

    Returns
    -------
    pandas.DataFrame
        ``ccode, year, regime, n_years`` (scores in the window), ``min, max`` (of them); one row for every
        country in `scores` and every year from 1947 to the year after the last score.

    Raises
    ------
    InputError
        If an option is wrong, a country-year comes twice, or no score is left.
    """
    import pandas as pd

    check_cut_offs(democracy, autocracy, scale)
    if not (isinstance(years, int) and isinstance(min_scores, int) and 1 <= min_scores <= years):
        raise InputError(
            f"regime classes by year: years ({years!r}) and min_scores ({min_scores!r}) must be whole "
            "numbers, min_scores from 1 to years"
        )
    counted = _counted(scores, column)
    span = range(FIRST_YEAR, _last_year(counted, column) + 2)
    grid = pd.MultiIndex.from_product([sorted(scores["ccode"].unique()), span], names=["ccode", "year"])
    full = counted.set_index(["ccode", "year"])[column].astype("float64").reindex(grid)
    before = full.groupby(level="ccode").shift(1)
    trailing = before.groupby(level="ccode").rolling(years, min_periods=1)
    out = trailing.agg(["count", "min", "max"]).droplevel(0).rename(columns={"count": "n_years"})
    out = out.reset_index().astype({"n_years": "int64"})
    out["regime"] = _classes(out, democracy, autocracy).mask(out["n_years"] < min_scores, NO_SCORE)
    out = out[out["year"] > FIRST_YEAR].reset_index(drop=True)
    return out[["ccode", "year", "regime", "n_years", "min", "max"]]


def _counted(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows that count, each country-year once."""
    if column not in scores.columns:
        raise InputError(f"regime scores: no column {column!r}; {nearest(column, scores.columns)}")
    twice = scores[scores.duplicated(["ccode", "year"])]
    if not twice.empty:
        first = twice.iloc[0]
        raise InputError(
            f"regime scores: country {first['ccode']:.0f} comes twice in {first['year']:.0f} "
            f"({len(twice)} such rows); keep one score per country-year"
        )
    return scores[scores["year"] >= FIRST_YEAR]


def _last_year(scores: pd.DataFrame, column: str) -> int:
    scored = scores.loc[scores[column].notna(), "year"]
    if scored.empty:
        raise InputError(f"regime scores: no {column} score from {FIRST_YEAR} on")
    return int(scored.max())


def _classes(summary: pd.DataFrame, democracy: float, autocracy: float) -> pd.Series:
    regime = summary["ccode"].astype("str").mask(summary["ccode"].notna(), "transition")
    regime = regime.mask(summary["max"] <= autocracy, "stable autocracy")
    regime = regime.mask(summary["min"] >= democracy, "stable democracy")
    return regime.mask(summary["n_years"] == 0, NO_SCORE)


def _windows(
    countries: list[int],
    last_year: int,
    *,
    rule: str,
    treaty_opened: int | None,
    ratification_years: Mapping[int, float] | None,
    window: tuple[int, int] | None,
) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame({"ccode": countries, "window_start": FIRST_YEAR, "window_end": last_year})
    if rule == "before_treaty":
        if treaty_opened is None:
            raise InputError("regime rule 'before_treaty' needs the year in which the treaty opened")
        frame["window_end"] = treaty_opened - 1
    elif rule == "before_ratification":
        if ratification_years is None:
            raise InputError("regime rule 'before_ratification' needs the ratification years")
        own = pd.Series([ratification_years.get(c, float("nan")) for c in countries], dtype="float64")
        frame["window_end"] = (own - 1).clip(upper=last_year).fillna(last_year).astype("int64")
    elif window is not None:
        frame["window_start"], frame["window_end"] = max(window[0], FIRST_YEAR), window[1]
    return frame
