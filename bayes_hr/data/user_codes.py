"""A user's country codes turned into COW numbers on the way to a panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bayes_hr.data.code_years import SCHEMES
from bayes_hr.data.codes import Unmatched, check_options, to_cow, unmatched_text
from bayes_hr.data.crosswalk import country_names
from bayes_hr.data.merge import DropStep
from bayes_hr.data.messages import listed
from bayes_hr.data.user_frames import renamed, whole_numbers
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Coded:
    """A user's frame with COW numbers.

    Attributes
    ----------
    frame : pandas.DataFrame
        As it was, with COW numbers in ``ccode``, names in ``country`` if there was no such column, without
        the rows that were dropped.
    columns : dict of str to str
        The user's names of other columns.
    steps : tuple of DropStep
        Rows that were dropped, if any.
    notes : tuple of str
        What was done.
    origin : dict
        ``codes``, for the options of the panel; empty for COW numbers.
    """

    frame: pd.DataFrame
    columns: dict[str, str]
    steps: tuple[DropStep, ...] = ()
    notes: tuple[str, ...] = ()
    origin: dict[str, object] = field(default_factory=dict)


def coded(df: pd.DataFrame, columns: Mapping[str, str] | None, codes: str, unmatched: Unmatched) -> Coded:
    """Rows with COW numbers in place of the codes or names in the column that stands for ``ccode``.

    Parameters
    ----------
    df, columns
        As in :meth:`bayes_hr.data.panel.Panel.from_frame`; both ``ccode`` and ``year`` are needed.
    codes : str
        Kind of code, as in :func:`bayes_hr.data.codes.to_cow`. ``"cow"`` changes nothing: numbers are checked
        as numbers, not against the state system.
    unmatched : {"error", "drop"}
        Whether codes without a COW number in their year are an error, or their rows dropped and counted.

    Returns
    -------
    Coded

    Raises
    ------
    InputError
        If a column is missing, a year is not whole, or a code is not matched.
    """
    check_options(codes, unmatched)
    if codes == "cow":
        return Coded(df, dict(columns or {}))
    frame = renamed(df, columns or {}, ("ccode", "year"))
    years = whole_numbers(frame, "year")
    steps: tuple[DropStep, ...] = ()
    if unmatched == "error":
        ccodes = to_cow(frame["ccode"], codes, years)
    else:
        ccodes, report = to_cow(frame["ccode"], codes, years, unmatched="drop")
        if len(report) == len(frame):
            text = unmatched_text(report)
            raise InputError(f"codes={codes!r}: no row has a {SCHEMES[codes]} with a COW number\n{text}")
        steps = _dropped(report, frame.loc[ccodes.notna(), "ccode"], codes)
    kept = ccodes.notna()
    frame = frame.assign(ccode=ccodes)[kept].astype({"ccode": "int64"})
    if "country" not in frame.columns:
        frame["country"] = frame["ccode"].map(country_names())
    note = f"ccode: from {SCHEMES[codes]} and year, by the crosswalk countrycode and the COW state system"
    return Coded(frame.reset_index(drop=True), {}, steps, (note,), {"codes": codes})


def _dropped(report: pd.DataFrame, kept: pd.Series, codes: str) -> tuple[DropStep, ...]:
    if report.empty:
        return ()
    values = report["value"].map(lambda value: str(value).strip() or "missing")
    detail = listed((f"{value}: {n}" for value, n in values.value_counts().items()), 10)
    lost = set(values) - set(kept.map(lambda value: str(value).strip()))
    reason = f"{SCHEMES[codes]} without a COW number in that year"
    return (DropStep(reason, len(report), len(lost), detail),)
