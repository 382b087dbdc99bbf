"""Country codes and names to Correlates of War (COW) numbers and back, by year.

The rules for states that split, merged or changed their code are in :mod:`bayes_hr.data.code_years`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Literal, overload

from bayes_hr.data.code_reasons import Reasons
from bayes_hr.data.code_years import LAST_YEAR, NUMERIC, SCHEMES, by_pattern, code_years, tidy
from bayes_hr.data.messages import listed, nearest
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Unmatched = Literal["error", "drop"]
"""What to do with values that match nothing."""

MAX_LISTED: Final = 20
"""Values that a message lists one by one."""


@overload
def to_cow(
    values: Iterable[object],
    scheme: str,
    years: Iterable[int] | int,
    *,
    unmatched: Literal["error"] = ...,
) -> pd.Series: ...


@overload
def to_cow(
    values: Iterable[object], scheme: str, years: Iterable[int] | int, *, unmatched: Literal["drop"]
) -> tuple[pd.Series, pd.DataFrame]: ...


def to_cow(
    values: Iterable[object], scheme: str, years: Iterable[int] | int, *, unmatched: Unmatched = "error"
) -> pd.Series | tuple[pd.Series, pd.DataFrame]:
    """COW numbers of country codes or names, each in its year.

    ``to_cow(["DEU", "DEU"], "iso3", [1980, 2000])`` gives 260 and 255. Codes are those of the crosswalk
    ``countrycode`` (Arel-Bundock, Enevoldsen & Yetman 2018, https://doi.org/10.21105/joss.00848) in the years
    of the COW state system. The crosswalk's COW numbers end in 2020: that year is carried forward, so 2023 is
    read as 2020.

    Parameters
    ----------
    values : iterable
        Codes or names. Capitals do not matter; Namibia's ISO2 code ``"NA"`` is a code, not a missing value.
    scheme : str
        ``"cow"``, ``"iso2"``, ``"iso3"``, ``"gw"`` (Gleditsch-Ward), ``"vdem"``, ``"cowc"`` (COW
        abbreviation) or ``"name"`` (English; the crosswalk's patterns know many spellings).
    years : iterable of int, or int
        The year of each value, or one for all.
    unmatched : {"error", "drop"}
        Whether values without a number are an error, or missing and reported.

    Returns
    -------
    pandas.Series, or with ``unmatched="drop"`` a tuple
        int64, with the index of `values` if that is a Series. With ``"drop"``: Int64 with missing values, and
        a table of what was not matched (``row`` from 0, ``value``, ``year``, ``reason``).

    Raises
    ------
    InputError
        If a value is no code or name of a state in its year: each with its rows, the reason and the nearest
        candidates. Also if the scheme is unknown or a year is not whole.
    DataUnavailableError
        If the crosswalk cannot be read.
    """
    check_options(scheme, unmatched)
    rows, table = _rows(values, years, scheme), code_years(scheme)
    found = _numbers(rows, scheme, table)
    report = _report(found, rows, Reasons(scheme, table).no_number)
    found = found.astype("Int64")
    if unmatched == "drop":
        return found, report
    refuse(report, f"to_cow: no COW number for {SCHEMES[scheme]}")
    return found.astype("int64")


@overload
def from_cow(
    ccodes: Iterable[object],
    scheme: str,
    years: Iterable[int] | int,
    *,
    unmatched: Literal["error"] = ...,
) -> pd.Series: ...


@overload
def from_cow(
    ccodes: Iterable[object], scheme: str, years: Iterable[int] | int, *, unmatched: Literal["drop"]
) -> tuple[pd.Series, pd.DataFrame]: ...


def from_cow(
    ccodes: Iterable[object], scheme: str, years: Iterable[int] | int, *, unmatched: Unmatched = "error"
) -> pd.Series | tuple[pd.Series, pd.DataFrame]:
    """Country codes or names of COW numbers, each in its year: the inverse of :func:`to_cow`.

    ``from_cow([345, 345], "iso3", [1995, 2010])`` gives YUG and SRB. Names are unambiguous ("West Germany").

    Parameters
    ----------
    ccodes : iterable
        COW numbers.
    scheme, years, unmatched
        As in :func:`to_cow`.

    Returns
    -------
    pandas.Series, or with ``unmatched="drop"`` a tuple
        int64 for the schemes that are numbers, else text; with ``"drop"`` missing where there is none, and a
        table as in :func:`to_cow`.

    Raises
    ------
    InputError
        If a number is no state in its year, or has no such code then: South Vietnam has no ISO code, nor West
        Germany in 1990, when ``DEU`` is the united Germany's.
    DataUnavailableError
        If the crosswalk cannot be read.
    """
    check_options(scheme, unmatched)
    rows, table = _rows(ccodes, years, "cow"), code_years(scheme)
    own = table[table["own"]].assign(code=lambda t: t["ccode"].astype("str"))
    found = _looked_up(rows, own, "label")
    report = _report(found, rows, Reasons(scheme, table).no_code)
    found = found.astype("Int64" if scheme in NUMERIC else "str")
    if unmatched == "drop":
        return found, report
    refuse(report, f"from_cow: no {SCHEMES[scheme]} for COW number")
    return found.astype("int64") if scheme in NUMERIC else found


def check_options(scheme: str, unmatched: str) -> None:
    """Refuse an unknown scheme, or another choice than "error" and "drop".

    Raises
    ------
    InputError
        Naming the nearest.
    """
    if scheme not in SCHEMES:
        raise InputError(f"unknown kind of code {scheme!r}; {nearest(str(scheme), SCHEMES)}")
    if unmatched not in {"error", "drop"}:
        raise InputError(f"unmatched={unmatched!r}; {nearest(str(unmatched), ('error', 'drop'))}")


_ADVICE: Final = "Correct them, or leave these rows out with unmatched='drop', which reports them"


def _rows(values: Iterable[object], years: Iterable[int] | int, scheme: str) -> pd.DataFrame:
    """``value, code, year`` and ``at``, the year in the crosswalk; the index of `values`."""
    import pandas as pd

    if isinstance(values, str):
        raise InputError(f"a list or column of codes is needed; got the text {values!r}")
    given = values if isinstance(values, pd.Series) else pd.Series(list(values), dtype="object")
    count = len(given)
    when = list(years) if isinstance(years, Iterable) else [years] * count
    if len(when) != count:
        raise InputError(f"years: {len(when)} for {count} values; give as many, or one for all")
    year = pd.to_numeric(pd.Series(when, dtype="object"), errors="coerce")
    wrong = year.isna() | (year % 1 != 0)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise InputError(f"years: {when[row]!r} in row {row} (counting from 0) is not a whole year")
    missing = given.isna().to_numpy()
    value = given.astype("object").to_numpy()
    code = [
        None if gone or not str(v).strip() else tidy(v, scheme)
        for v, gone in zip(value, missing, strict=True)
    ]
    rows = pd.DataFrame(
        {"value": value, "code": pd.Series(code, dtype="object"), "year": year.astype("int64")}
    )
    rows["at"] = rows["year"].clip(upper=LAST_YEAR)
    return rows.set_index(given.index)


def matched(values: Iterable[object], scheme: str, years: Iterable[int] | int) -> pd.Series:
    """As :func:`to_cow` with ``unmatched="drop"``, without the reasons."""
    return _numbers(_rows(values, years, scheme), scheme, code_years(scheme)).astype("Int64")


def _numbers(rows: pd.DataFrame, scheme: str, table: pd.DataFrame) -> pd.Series:
    found = _looked_up(rows, table, "ccode")
    if scheme == "name":  # names as they are listed first, patterns where there is none in that year
        again = found.isna() & rows["code"].notna()
        known = by_pattern(rows.loc[again, "code"])
        rest = rows[again].assign(code=[known.get(code, "") for code in rows.loc[again, "code"]])
        found[again.to_numpy()] = _looked_up(rest, table, "ccode").to_numpy()
    return found


def _looked_up(rows: pd.DataFrame, table: pd.DataFrame, column: str) -> pd.Series:
    keys = rows[["code", "at"]].rename(columns={"at": "year"})
    found = keys.merge(table[["code", "year", column]], on=["code", "year"], how="left", validate="m:1")
    return found[column].set_axis(rows.index)


def _report(found: pd.Series, rows: pd.DataFrame, reason: Callable[[str | None], str]) -> pd.DataFrame:
    """What was not matched: ``row, value, year, reason``."""
    gone = found.isna().to_numpy()
    report = rows.reset_index(drop=True)[gone]
    reasons = {code: reason(code) for code in report["code"].unique()}
    report = report.assign(row=report.index, reason=[reasons[code] for code in report["code"]])
    return report[["row", "value", "year", "reason"]].reset_index(drop=True)


def unmatched_text(report: pd.DataFrame) -> str:
    """Each value that was not matched with its rows, years and the reason, on a line of its own."""
    lines = []
    for (value, reason), rows in report.groupby([report["value"].map(repr), "reason"], sort=False):
        first, last = rows["year"].min(), rows["year"].max()
        when = f"{first}" if first == last else f"{first}-{last}"
        lines.append(f"  {value} in {when} (row {listed(rows['row'])}): {reason}")
    rest = len(lines) - MAX_LISTED
    return "\n".join([*lines[:MAX_LISTED], *([f"  and {rest} more"] if rest > 0 else [])])


def refuse(report: pd.DataFrame, head: str) -> None:
    """Raise an InputError with what was not matched, if anything was not.

    Raises
    ------
    InputError
        `head`, then :func:`unmatched_text` and what to do.
    """
    if len(report):
        text = unmatched_text(report)
        raise InputError(f"{head} in {len(report)} row(s), counted from 0:\n{text}\n{_ADVICE}")
