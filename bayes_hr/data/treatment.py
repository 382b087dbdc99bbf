"""Ratification as columns of a country-year panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
