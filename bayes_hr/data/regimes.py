"""Regime classes from a country's history of scores of any source (pure functions)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import nearest
from bayes_hr.data.regime_sources import cut_offs, get_regime_source
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
    democracy: float | None = None,
    autocracy: float | None = None,
    source: str = "polity5",
) -> None:
    """Refuse options that cannot be used together.

    Parameters
    ----------
    rule : str
        One of :data:`RULES`.
    window : tuple of int, optional
        First and last year; needed for, and only for, rule ``"window"``.
    democracy, autocracy : float, optional
        Cut-offs on the scale of the source; default: the source's own.
    source : str
        A key of :data:`bayes_hr.data.regime_sources.REGIME_SOURCES`.

    Raises
    ------
    InputError
        With what is wrong and what would be valid.
    """
    if rule == "time_varying":
        raise InputError(
            "regime rule 'time_varying' is not offered yet: a panel has one class per country. Use "
            "'before_treaty' (the default), 'before_ratification', 'whole_history' or 'window'; "
            "bayes_hr.data.regimes.classify_by_year makes a table of classes by year"
        )
    if rule not in RULES:
        raise InputError(f"unknown regime rule {rule!r}; {nearest(str(rule), RULES)}")
    cut_offs(source, democracy, autocracy)
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
    democracy: float | None = None,
    autocracy: float | None = None,
    source: str = "polity5",
) -> pd.DataFrame:
    """Class of each country from the scores in its window.

    *Stable autocracy*: every score <= `autocracy`. *Stable democracy*: every score >= `democracy`.
    *Transition*: the rest. *No score*: no score in the window (not a state yet, too small for the source,
    or interrupted throughout).

    Windows start in 1946. Rules: ``"before_treaty"`` ends the year before the treaty opened, so that the
    class does not depend on what happened afterwards; ``"before_ratification"`` ends the year before the
    country's own ratification, and in the last year of the data for those which never ratified (so their
    class does depend on the future); ``"whole_history"`` takes every year (the kind of Simmons 2009,
    *Mobilizing for Human Rights*, https://doi.org/10.1017/CBO9780511811340); ``"window"`` the years given.

    Parameters
    ----------
    scores : pandas.DataFrame
        ``ccode, year`` and the column of the source (as ``polity2``; missing allowed), one row per
        country-year.
    rule : str
        One of :data:`RULES`.
    treaty_opened : int, optional
        Year the treaty opened; needed for ``"before_treaty"``.
    ratification_years : mapping, optional
        COW number to ratification year (NaN or absent: never); needed for ``"before_ratification"``.
    window : tuple of int, optional
        First and last year; needed for ``"window"``.
    democracy, autocracy : float, optional
        Cut-offs on the scale of the source; default: the source's own.
    source : str
        A key of :data:`bayes_hr.data.regime_sources.REGIME_SOURCES`.

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
    check_regime_options(rule, window, democracy, autocracy, source)
    column = get_regime_source(source).column
    counted = scores[scores["year"] >= FIRST_YEAR]
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
    out["regime"] = _classes(out, *cut_offs(source, democracy, autocracy))
    return out[["ccode", "regime", "n_years", "min", "max", "window_start", "window_end"]]


def classify_by_year(
    scores: pd.DataFrame,
    *,
    n_years: int = 1,
    democracy: float | None = None,
    autocracy: float | None = None,
    source: str = "polity5",
) -> pd.DataFrame:
    """Class of each country in each year from the scores of the years before it (time-varying classes).

    The class of year t comes from the scores of t - `n_years` to t - 1, by the rules of :func:`classify`;
    by default the year before alone. The year itself never counts, so that the class is set before what is
    explained. Scores before 1946 do not count, nor do missing ones.

    Parameters
    ----------
    scores : pandas.DataFrame
        ``ccode, year`` and the column of the source (missing allowed), one row per country-year.
    n_years : int
        Length of the trailing window in years.
    democracy, autocracy : float, optional
        Cut-offs on the scale of the source; default: the source's own.
    source : str
        A key of :data:`bayes_hr.data.regime_sources.REGIME_SOURCES`.

    Returns
    -------
    pandas.DataFrame
        ``ccode, year, regime, n_years`` (scores in the window), ``min, max`` (of them); one row for each
        country-year of `scores` from 1946 on, and one for the year after a country's last.

    Raises
    ------
    InputError
        If an option is wrong.
    """
    import pandas as pd

    limits = cut_offs(source, democracy, autocracy)
    if isinstance(n_years, bool) or not isinstance(n_years, int) or n_years < 1:
        raise InputError(f"n_years: {n_years!r} is not a whole number of years, 1 or more")
    keys, column = ["ccode", "year"], get_regime_source(source).column
    counted = scores.loc[scores["year"] >= FIRST_YEAR, [*keys, column]]
    after = counted.groupby("ccode", as_index=False)["year"].max()
    rows = pd.concat([counted[keys], after.assign(year=after["year"] + 1)])
    back = pd.concat([counted.assign(year=counted["year"] + lag) for lag in range(1, n_years + 1)])
    summary = back.groupby(keys, as_index=False).agg(
        n_years=(column, "count"), min=(column, "min"), max=(column, "max")
    )
    out = rows.merge(summary, on=keys, how="left", validate="1:1")
    out["n_years"] = out["n_years"].fillna(0).astype("int64")
    out["regime"] = _classes(out, *limits)
    out = out.sort_values(keys).reset_index(drop=True)
    return out[[*keys, "regime", "n_years", "min", "max"]]


def _last_year(scores: pd.DataFrame, column: str) -> int:
    scored = scores.loc[scores[column].notna(), "year"]
    if scored.empty:
        raise InputError(f"regime scores: no {column} score from {FIRST_YEAR} on")
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
