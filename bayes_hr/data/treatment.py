"""Ratification as columns of a country-year panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.data.merge import DropStep, drop_rows

if TYPE_CHECKING:
    import pandas as pd


def with_treatment(frame: pd.DataFrame) -> pd.DataFrame:
    """Add ``ratified`` and ``years_since`` to rows that have ``year`` and ``ratification_year``.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``ratification_year`` is missing for those which never ratified.

    Returns
    -------
    pandas.DataFrame
        With ``ratified`` (int64: 1 from the year of ratification on) and ``years_since`` (float64: negative
        before ratification, missing if never).
    """
    since = (frame["year"] - frame["ratification_year"]).astype("float64")
    return frame.assign(ratified=(since >= 0).astype("int64"), years_since=since)


def without_unknown(
    frame: pd.DataFrame, dates: pd.DataFrame, treaty: str
) -> tuple[pd.DataFrame, list[DropStep]]:
    """Drop the rows in which it is unknown whether the state had ratified: missing is not "never".

    Parameters
    ----------
    frame : pandas.DataFrame
        Country-years: ``ccode, year``, and perhaps ``country``.
    dates : pandas.DataFrame
        As :func:`bayes_hr.data.treaties.treaty_years` gives them.
    treaty : str
        Name of the treaty, for the reason.

    Returns
    -------
    frame : pandas.DataFrame
        What is left.
    steps : list of DropStep
        One for each reason.
    """
    unknown = dates[dates["unknown_from"].notna()]
    steps = []
    for why, states in unknown.groupby("unknown_why"):
        start = frame["ccode"].map(states.set_index("ccode")["unknown_from"])
        mask = frame["year"] >= start
        if mask.any():
            frame, step = drop_rows(frame, mask, f"{treaty} ratification unknown: {why}")
            steps.append(step)
    return frame, steps
