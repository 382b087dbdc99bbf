"""Why a code has no COW number, or a COW number no code, and what may have been meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from bayes_hr.data.code_years import LAST_YEAR, NUMERIC, SCHEMES, by_pattern, code_years, tidy
from bayes_hr.data.crosswalk import country_names
from bayes_hr.data.messages import listed
from bayes_hr.data.parsed import read_source

if TYPE_CHECKING:
    import pandas as pd

_MISSING: Final = "missing"
_MISSING_ISO2: Final = (
    "missing; if it is Namibia's code NA, which pandas.read_csv takes for missing, read the file with "
    "keep_default_na=False (Panel.from_file does so by itself)"
)

_PART_OF: Final = {
    **dict.fromkeys((316, 317), 315),
    **dict.fromkeys((341, 343, 344, 346, 347, 349), 345),
    **dict.fromkeys((359, 366, 367, 368, 369, 370, 371, 372, 373, 701, 702, 703, 704, 705), 365),
    531: 530,
    626: 625,
    771: 770,
}
"""COW numbers of states that were part of another one, and that one."""


def no_number(code: str | None, scheme: str, table: pd.DataFrame) -> str:
    """Why a code has no COW number in a year.

    Parameters
    ----------
    code : str or None
        As :func:`bayes_hr.data.code_years.tidy` makes it; None if it is missing.
    scheme : str
        Its kind.
    table : pandas.DataFrame
        :func:`bayes_hr.data.code_years.code_years` of the scheme.

    Returns
    -------
    str
        The years in which it has one, or that it is unknown, and the nearest candidates.
    """
    if code is None:
        return _MISSING_ISO2 if scheme == "iso2" else _MISSING
    known = code if scheme != "name" or (table["code"] == code).any() else by_pattern([code]).get(code, code)
    when = table[table["code"] == known]
    if len(when):
        return f"a state only as {_spells(when)}"
    outside = _outside(known, scheme)
    if outside:
        return f"{outside} is no member of the COW state system"
    kinds = [SCHEMES[s] for s in _alike(code, scheme)]
    hint = f"it is a known {' and '.join(kinds)}; " if kinds else ""
    return f"no such {SCHEMES[scheme]}; {hint}{_near(code, scheme, table)}"


def no_code(ccode: str | None, scheme: str, table: pd.DataFrame) -> str:
    """Why a COW number (as text) has no code of a scheme in a year; parameters as in :func:`no_number`."""
    if ccode is None:
        return _MISSING
    system = code_years("cow")
    member = system[system["code"] == ccode]
    if member.empty:
        return f"no such COW number; {_near(ccode, 'cow', system)}"
    own = table[table["own"] & (table["ccode"] == int(ccode))]
    labels = [f"{label} {_years(rows['year'])}" for label, rows in own.groupby("label", sort=False)]
    return (
        f"{country_names().loc[int(ccode)]}, a state {_years(member['year'])}; "
        f"{SCHEMES[scheme]}: {listed(labels) or 'none'}"
    )


def _years(years: pd.Series) -> str:
    """``1918-1939, 1945-1992``; "from 1993 on" where the last year is the crosswalk's."""
    ordered = years.sort_values()
    spells = ordered.groupby((ordered.diff() != 1).cumsum()).agg(["min", "max"])
    texts = []
    for first, last in zip(spells["min"], spells["max"], strict=True):
        span = f"{first}-{last}" if last > first else f"{first}"
        texts.append(f"from {first} on" if last == LAST_YEAR else span)
    return ", ".join(texts)


def _spells(rows: pd.DataFrame) -> str:
    """The states that have a code, with their years, and the state that they were part of before."""
    names = country_names()
    texts = []
    for ccode, years in rows.groupby("ccode", sort=False)["year"]:
        before = _PART_OF.get(int(ccode))
        compare = f" (before, compare COW {before}, {names.loc[before]})" if before else ""
        texts.append(f"COW {ccode} ({names.loc[ccode]}) {_years(years)}{compare}")
    return "; ".join(texts)


def _near(code: str, scheme: str, table: pd.DataFrame) -> str:
    """The nearest codes: of states whose name begins so, then by their letters; with names and years."""
    names = country_names()
    close = difflib.get_close_matches(code, list(dict.fromkeys(table["code"])), n=3, cutoff=0.5)
    if scheme not in {"name", *NUMERIC}:
        starts = names.index[names.str.upper().str.startswith(code)]
        own = table.loc[table["ccode"].isin(starts) & table["own"], "code"]
        close = [*dict.fromkeys([*own, *close])][:3]
    labels = table.drop_duplicates("code").set_index("code")
    shown = []
    for hit in close:
        ccode, label = labels.loc[hit, "ccode"], labels.loc[hit, "label"]
        name = f"COW {ccode}" if scheme == "name" else names.loc[ccode]
        shown.append(f"{label} ({name}, {_years(table.loc[table['code'] == hit, 'year'])})")
    return f"nearest: {'; '.join(shown) or 'none'}"


def _outside(code: str, scheme: str) -> str | None:
    """The crosswalk's name of a country that has this code but no COW number."""
    if scheme in {"cow", "cowc"}:
        return None
    codelist = read_source("codelist")
    column = {"gw": "gwno"}.get(scheme, scheme)
    values = codelist[column].dropna()
    labels = values.astype("int64") if scheme in NUMERIC else values
    tidied = labels.map(lambda label: tidy(label, scheme))
    hits = codelist.loc[tidied.index[tidied == code], "name"]
    return None if hits.empty else str(hits.iloc[0])


def _alike(code: str, scheme: str) -> list[str]:
    """Other schemes in which it is a code."""
    others = [s for s in SCHEMES if s != scheme and (s in NUMERIC) == code.isdigit()]
    if scheme in NUMERIC and code.isdigit():
        return []  # every small number is a number of some list
    return [s for s in others if (code_years(s)["code"] == tidy(code, s)).any()]
