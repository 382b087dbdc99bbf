"""A user's own country-years with one ratification year for each of several treaties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bayes_hr.data import user_frames
from bayes_hr.data.messages import listed
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

PREFIX: Final = "ratification_year_"
"""Before the name of a treaty: the column of its ratification years (missing: never)."""

SINCE: Final = "years_since_"
"""Before the name of a treaty: the column of years since its ratification."""

COLUMNS: Final = (PREFIX, SINCE)
"""How the columns of treaties begin."""

SINGLE: Final = ("ratified", "ratification_year", "years_since")
"""Columns of a panel of one treaty, which a panel of several has not."""

LEAST: Final = 2
"""Treaties without which there are no several."""


def with_years_since(frame: pd.DataFrame, treaties: Sequence[str]) -> pd.DataFrame:
    """Add ``years_since_<treaty>`` (float64: negative before ratification, missing if never) of each."""
    since = {f"{SINCE}{t}": (frame["year"] - frame[f"{PREFIX}{t}"]).astype("float64") for t in treaties}
    return frame.assign(**since)


def check(
    df: pd.DataFrame,
    *,
    outcome: str,
    columns: Mapping[str, str] | None = None,
    covariates: Sequence[str] | None = None,
) -> user_frames.Checked:
    """Canonical names and plain dtypes of a panel of several treaties, and what must hold of its rows.

    Treaties are the columns ``ratification_year_<treaty>``: a year that is the same in all rows of a country,
    missing if it never ratified.

    Parameters
    ----------
    df, outcome, columns, covariates
        As in :meth:`bayes_hr.data.panel.Panel.from_frame`.

    Raises
    ------
    InputError
        At the first mistake, with the column and the country.
    """
    frame = user_frames.renamed(df, columns or {}, ("ccode", "year", outcome))
    years = [c for c in frame.columns if c.startswith(PREFIX) and c != PREFIX]
    if len(years) < LEAST:
        raise InputError(
            f"several treaties need a column '{PREFIX}<treaty>' for each (the year, missing = never); found "
            f"{listed(years) or 'none'}. Name the columns so, or say which they are: "
            f"columns={{'{PREFIX}CAT': '...'}} (--column {PREFIX}CAT=...). With one treaty take "
            "name='ratification' and a card of that family."
        )
    single = [c for c in SINGLE if c in frame.columns]
    rest = frame.drop(columns=[*years, *single]).assign(ratification_year=float("nan"))
    checked = user_frames.check(rest, outcome=outcome, covariates=covariates)
    own = checked.frame.drop(columns="ratification_year")
    for column in years:
        own[column] = _years(frame, column)
    order = [c for c in checked.order if c not in SINGLE]
    at = order.index("regime")
    names = [c.removeprefix(PREFIX) for c in years]
    order = [*order[:at], *years, *(f"{SINCE}{name}" for name in names), *order[at:]]
    notes = (f"columns of one treaty that several do not use: {listed(single)}",) if single else ()
    return replace(
        checked,
        frame=with_years_since(own, names),
        order=order,
        notes=(*checked.notes, *notes),
        unused=(*checked.unused, *single),
    )


def _years(frame: pd.DataFrame, column: str) -> pd.Series:
    """One treaty's ratification years: whole, and the same in all rows of a country."""
    years = user_frames.numbers(frame, column)
    broken = (years.notna() & (years % 1 != 0)).to_numpy().nonzero()[0]
    if broken.size:
        row = int(broken[0])
        raise InputError(
            f"column {column!r} must hold whole years (missing = never ratified); found {years.iloc[row]} in "
            f"row {row} (counting from 0)"
        )
    codes = user_frames.ccodes(frame)
    pairs = codes.to_frame("ccode").assign(year=years).drop_duplicates()
    varies = sorted(set(pairs.loc[pairs["ccode"].duplicated(), "ccode"].tolist()))
    if varies:
        raise InputError(
            f"column {column!r} must be the same in all rows of a country; it differs for ccode "
            f"{listed(varies)}. Give the year of the first ratification in every row"
        )
    return years
