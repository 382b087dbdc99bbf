"""Regime classes from a country's history of polity2 scores (pure functions)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import nearest
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

FIRST_YEAR: Final = 1946
"""Only scores from this year on count."""

REGIMES: Final = ("stable autocracy", "transition", "stable democracy", "no score")
"""The classes, in the order of tables and figures."""

RULES: Final = ("before_treaty", "before_ratification", "whole_history", "window")
"""Which part of the history counts."""


def check_regime_options(
    rule: str,
    window: tuple[int, int] | None = None,
    democracy: float = 8,
    autocracy: float = 3,
) -> None:
    """Refuse options that cannot be used together.

    Parameters
    ----------
    rule : str
        One of :data:`RULES`.
    window : tuple of int, optional
        First and last year; needed for, and only for, rule ``"window"``.
    democracy, autocracy : float
        Cut-offs on the polity2 scale (-10 to 10).

    Raises
    ------
    InputError
        With what is wrong and what would be valid.
    """
    if rule == "time_varying":
        raise InputError(
            "regime rule 'time_varying' is not offered yet: classes are fixed per country. Use "
            "'before_treaty' (the default), 'before_ratification', 'whole_history' or 'window'"
        )
    if rule not in RULES:
        raise InputError(f"unknown regime rule {rule!r}; {nearest(str(rule), RULES)}")
    if not -10 <= autocracy < democracy <= 10:
        raise InputError(
            f"regime cut-offs: autocracy ({autocracy}) must be below democracy ({democracy}), "
            "both from -10 to 10"
        )
    if (rule == "window") != (window is not None):
        raise InputError(
            "regime window: give (first year, last year) with rule 'window', and with no other rule"
        )
    if window is not None and (len(window) != 2 or window[0] > window[1]):
        raise InputError(f"regime window: {window!r} is not (first year, last year)")
    if window is not None and window[1] < FIRST_YEAR:
        raise InputError(f"regime window: {window!r} ends before {FIRST_YEAR}, the first year that counts")


def classify(
    scores: pd.DataFrame,
    *,
    rule: str = "before_treaty",
    treaty_opened: int | None = None,
    ratification_years: Mapping[int, float] | None = None,
    window: tuple[int, int] | None = None,
    democracy: float = 8,
    autocracy: float = 3,
) -> pd.DataFrame:
    """Class of each country from the polity2 scores in its window.

    *Stable autocracy*: every score <= `autocracy`. *Stable democracy*: every score >= `democracy`.
    *Transition*: the rest. *No score*: no score in the window (not a state yet, too small for Polity, or
    interrupted throughout).

    Windows start in 1946. Rules: ``"before_treaty"`` ends the year before the treaty opened, so that the
    class does not depend on what happened afterwards; ``"before_ratification"`` ends the year before the
    country's own ratification, and in the last year of the data for those which never ratified (so their
    class does depend on the future); ``"whole_history"`` takes every year (the kind of Simmons 2009,
    *Mobilizing for Human Rights*, https://doi.org/10.1017/CBO9780511811340); ``"window"`` the years given.

    Parameters
    ----------
    scores : pandas.DataFrame
        ``ccode, year, polity2`` (-10 to 10, missing allowed), one row per country-year.
    rule : str
        One of :data:`RULES`.
    treaty_opened : int, optional
        Year the treaty opened; needed for ``"before_treaty"``.
    ratification_years : mapping, optional
        COW number to ratification year (NaN or absent: never); needed for ``"before_ratification"``.
    window : tuple of int, optional
        First and last year; needed for ``"window"``.
    democracy, autocracy : float
        Cut-offs on the polity2 scale.

    Returns
    -------
    pandas.DataFrame
        ``ccode, regime, n_years`` (scores in the window), ``min, max`` (of them), ``window_start,
        window_end``; one row per country in `scores`.

    Raises
    ------
    InputError
        If an option is wrong or missing.
    """
    check_regime_options(rule, window, democracy, autocracy)
    counted = scores[scores["year"] >= FIRST_YEAR]
    countries = sorted(scores["ccode"].unique())
    bounds = _windows(
        countries,
        _last_year(counted),
        rule=rule,
        treaty_opened=treaty_opened,
        ratification_years=ratification_years,
        window=window,
    )
    placed = counted.merge(bounds, on="ccode", how="left", validate="m:1")
    inside = placed[placed["year"].between(placed["window_start"], placed["window_end"])]
    summary = inside.groupby("ccode")["polity2"].agg(n_years="count", min="min", max="max")
    out = bounds.merge(summary, on="ccode", how="left", validate="1:1")
    out["n_years"] = out["n_years"].fillna(0).astype("int64")
    out["regime"] = _classes(out, democracy, autocracy)
    return out[["ccode", "regime", "n_years", "min", "max", "window_start", "window_end"]]


def _last_year(scores: pd.DataFrame) -> int:
    scored = scores.loc[scores["polity2"].notna(), "year"]
    if scored.empty:
        raise InputError(f"regime scores: no polity2 score from {FIRST_YEAR} on")
    return int(scored.max())


def _classes(summary: pd.DataFrame, democracy: float, autocracy: float) -> pd.Series:
    regime = summary["ccode"].astype("str").mask(summary["ccode"].notna(), "transition")
    regime = regime.mask(summary["max"] <= autocracy, "stable autocracy")
    regime = regime.mask(summary["min"] >= democracy, "stable democracy")
    return regime.mask(summary["n_years"] == 0, "no score")


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
