"""Join a user's own columns to the rows of a panel, by country-year or by country."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bayes_hr.data.code_columns import suggestion
from bayes_hr.data.code_years import FIRST_YEAR, LAST_YEAR, SCHEMES
from bayes_hr.data.codes import Unmatched, check_options, matched, refuse, to_cow
from bayes_hr.data.messages import listed, nearest
from bayes_hr.data.user_frames import ccodes, numbers, whole_numbers
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Joined:
    """Rows with further columns.

    Attributes
    ----------
    frame : pandas.DataFrame
        The panel's rows in their order, with the new columns as float64 at the end.
    notes : tuple of str
        Rows matched and unmatched, on both sides.
    origin : dict
        What was joined, in JSON types: ``columns, on, codes, lag``, and the counts ``matched``,
        ``unmatched`` (rows of the panel) and ``unused`` (rows of the table).
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    origin: dict[str, object]


def joined(
    frame: pd.DataFrame,
    df: pd.DataFrame,
    *,
    columns: Sequence[str],
    taken: Collection[str],
    on: Sequence[str] = ("ccode", "year"),
    codes: str = "cow",
    lag: int = 0,
    unmatched: Unmatched = "error",
) -> Joined:
    """The rows of a panel with columns of another table, by country-year or by country.

    With a year, codes are turned into COW numbers in the year of the value, and a lag stays within the COW
    number. By country alone, a code's value goes to every row whose state bears it in that year: ``DEU`` to
    West Germany and to Germany, ``YEM`` to North Yemen and to Yemen.

    Parameters
    ----------
    frame : pandas.DataFrame
        Has ``ccode`` and ``year``; several rows of a country-year get the same value.
    taken : collection of str
        Names that a new column cannot have.
    df, columns, on, codes, lag, unmatched
        As in :meth:`bayes_hr.data.panel.Panel.join`.

    Returns
    -------
    Joined

    Raises
    ------
    InputError
        If a column is missing, no number, or `taken`; if two rows have the same key; if a code is not
        matched; or if no row of the panel is.
    """
    check_options(codes, unmatched)
    table = _checked(df, columns, on, lag, taken)
    if len(on) == 2:
        keys, left_out = _by_year(table, on, codes, unmatched)
    else:
        keys, left_out = _by_country(table, on[0], codes, unmatched, frame["year"].unique())
    by = [column for column in ("ccode", "year") if column in keys.columns]
    _no_duplicates(keys, by, table[on[0]].astype("object"))
    if len(on) == 2:
        keys["year"] += lag
    partners = frame[by].merge(keys, on=by, how="left", validate="m:1")["row"]
    found = partners.notna().to_numpy()
    if not found.any():
        raise InputError(
            f"join: no row of the panel ({_extent(frame)}) has a partner in the table ({_extent(keys)}). Are "
            f"codes={codes!r} and lag={lag} right?"
        )
    new = {column: numbers(table, column).reindex(partners).to_numpy() for column in columns}
    counts = {"matched": int(found.sum()), "unmatched": int((~found).sum())}
    counts["unused"] = len(table) - int(partners.nunique())
    origin = {"columns": list(columns), "on": list(on), "codes": codes, "lag": lag, **counts}
    note = _note(origin, frame.loc[~found, "ccode"])
    return Joined(frame.assign(**new), (note, *left_out), origin)


def _checked(
    df: pd.DataFrame, columns: Sequence[str], on: Sequence[str], lag: int, taken: Collection[str]
) -> pd.DataFrame:
    """The table with a fresh index, after its columns and the options are seen to be right."""
    import pandas as pd

    if not isinstance(df, pd.DataFrame):
        raise InputError(f"join: a pandas DataFrame is needed; got {type(df).__name__}")
    for name, asked in (("on", on), ("columns", columns)):
        if isinstance(asked, str) or not asked or len(set(asked)) != len(asked):
            raise InputError(f"join: {name}={asked!r} must be a list of different column names")
    if len(on) > 2:
        raise InputError(
            f"join: on={list(on)!r} must be the country's column, or the country's and the year's"
        )
    for column in (*on, *columns):
        if list(df.columns).count(column) != 1:
            hint = suggestion(map(str, df.columns)) if column == "ccode" else ""
            raise InputError(
                f"join: the table needs one column {column!r}; {nearest(column, map(str, df.columns))}.{hint}"
            )
    clash = [column for column in columns if column in taken or column in on]
    if clash:
        raise InputError(f"join: the panel has {listed(clash)} already; rename it in the table")
    if isinstance(lag, bool) or not isinstance(lag, int):
        raise InputError(f"join: lag={lag!r} must be a whole number of years")
    if lag and len(on) == 1:
        raise InputError(f"join: lag={lag} needs the year; name its column: on=({on[0]!r}, 'year')")
    if df.empty:
        raise InputError("join: the table has no rows")
    return df.reset_index(drop=True)


def _by_year(
    table: pd.DataFrame, on: Sequence[str], codes: str, unmatched: Unmatched
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """``ccode, year, row`` of each row with a COW number, and a note on the others."""
    import pandas as pd

    country, years = table[on[0]], whole_numbers(table, on[1])
    keys = pd.DataFrame({"year": years, "row": table.index})
    if codes == "cow":
        return keys.assign(ccode=_cow(table, on[0])), ()
    if unmatched == "error":
        return keys.assign(ccode=to_cow(country, codes, years)), ()
    ccodes, report = to_cow(country, codes, years, unmatched="drop")
    keys = keys.assign(ccode=ccodes).dropna().astype({"ccode": "int64"})
    return keys, _left_out(report["value"], codes)


def _by_country(
    table: pd.DataFrame, column: str, codes: str, unmatched: Unmatched, years: Sequence[int]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """``ccode, row``, for other codes ``ccode, year, row`` in every year; and a note on what is left out."""
    import pandas as pd

    if codes == "cow":
        return pd.DataFrame({"ccode": _cow(table, column), "row": table.index}), ()
    always = pd.DataFrame({"year": range(FIRST_YEAR, LAST_YEAR + 1)})
    ever = pd.DataFrame({"row": table.index}).merge(always, how="cross")
    known = ever.loc[
        matched(table[column].reindex(ever["row"]), codes, ever["year"]).notna().to_numpy(), "row"
    ]
    rest = table.loc[~table.index.isin(set(known)), column]
    if len(rest) and unmatched == "error":
        _, report = to_cow(rest, codes, LAST_YEAR, unmatched="drop")
        refuse(report.assign(row=rest.index[report["row"]]), f"join: no COW number for {SCHEMES[codes]}")
    keys = pd.DataFrame({"row": sorted(set(known))}).merge(pd.DataFrame({"year": years}), how="cross")
    keys["ccode"] = matched(table[column].reindex(keys["row"]), codes, keys["year"]).to_numpy()
    return keys.dropna().astype({"ccode": "int64"}), _left_out(rest, codes)


def _cow(table: pd.DataFrame, column: str) -> pd.Series:
    return ccodes(table[[column]].rename(columns={column: "ccode"}))


def _left_out(values: pd.Series, codes: str) -> tuple[str, ...]:
    if values.empty:
        return ()
    counts = values.map(str).value_counts()
    what = listed((f"{value}: {n}" for value, n in counts.items()), 10)
    return (
        f"{len(values)} rows of the joined table left out, {SCHEMES[codes]} without a COW number: {what}",
    )


def _no_duplicates(keys: pd.DataFrame, by: Sequence[str], country: pd.Series) -> None:
    twice = keys[keys.duplicated(by, keep=False)].sort_values([*by, "row"])
    if len(twice):
        keys_of = zip(twice["ccode"], twice.get("year", twice["ccode"]), twice["row"], strict=True)
        found = [
            f"{country[row]!r} in row {row} (COW {ccode}{f' in {year}' if 'year' in by else ''})"
            for ccode, year, row in keys_of
        ]
        raise InputError(f"join: several rows for one key: {listed(found, 6)}; keep one row of each")


def _extent(frame: pd.DataFrame) -> str:
    what = f"{frame['ccode'].nunique()} countries"
    return f"{what}, {frame['year'].min()}-{frame['year'].max()}" if "year" in frame.columns else what


def _note(origin: dict[str, Any], unmatched: pd.Series) -> str:
    lag = f", the value of year t - {origin['lag']} at year t" if origin["lag"] else ""
    lost = listed((f"{ccode}: {n}" for ccode, n in unmatched.value_counts().items()), 8)
    total = origin["matched"] + origin["unmatched"]
    return (
        f"{listed(origin['columns'])} (the user's own, joined by {' and '.join(origin['on'])}{lag}): "
        f"{origin['matched']:,} of {total:,} rows have a partner, {origin['unmatched']:,} have none "
        f"(COW {lost or 'none'}); {origin['unused']:,} rows of the joined table are not used"
    )
