"""Why a code has no COW number, or a COW number no code, and what may have been meant."""

from __future__ import annotations

import difflib
from functools import cached_property
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


class Reasons:
    """Says why codes of a scheme have no COW number, and COW numbers no code; reads each table once.

    Parameters
    ----------
    scheme : str
        Kind of code.
    table : pandas.DataFrame
        :func:`bayes_hr.data.code_years.code_years` of the scheme.
    """

    def __init__(self, scheme: str, table: pd.DataFrame) -> None:
        self.scheme, self.table = scheme, table
        self.names = country_names()

    def no_number(self, code: str | None) -> str:
        """The years in which a tidy code has a COW number; if it is unknown, the nearest candidates."""
        scheme, table = self.scheme, self.table
        if code is None:
            return _MISSING_ISO2 if scheme == "iso2" else _MISSING
        listed_code = (table["code"] == code).any()
        known = code if scheme != "name" or listed_code else by_pattern([code]).get(code, code)
        when = table[table["code"] == known]
        if len(when):
            return f"a state only as {self._spells(when)}"
        if known in self._outside:
            return f"{self._outside[known]} is no member of the COW state system"
        kinds = [SCHEMES[other] for other, codes in self._others.items() if tidy(code, other) in codes]
        hint = f"it is a known {' and '.join(kinds)}; " if kinds else ""
        return f"no such {SCHEMES[scheme]}; {hint}{_near(code, scheme, table, self.names)}"

    def no_code(self, ccode: str | None) -> str:
        """The years of a state (COW number as text) and of its codes, or the nearest numbers."""
        if ccode is None:
            return _MISSING
        system = self._system
        member = system[system["code"] == ccode]
        if member.empty:
            return f"no such COW number; {_near(ccode, 'cow', system, self.names)}"
        own = self.table[self.table["own"] & (self.table["ccode"] == int(ccode))]
        labels = [f"{label} {_years(rows['year'])}" for label, rows in own.groupby("label", sort=False)]
        return (
            f"{self.names.loc[int(ccode)]}, a state {_years(member['year'])}; "
            f"{SCHEMES[self.scheme]}: {listed(labels) or 'none'}"
        )

    @cached_property
    def _system(self) -> pd.DataFrame:
        return code_years("cow")

    @cached_property
    def _others(self) -> dict[str, set[str]]:
        """Codes of other schemes that are text: every small number is a number of some list."""
        return {s: set(code_years(s)["code"]) for s in SCHEMES if s != self.scheme and s not in NUMERIC}

    @cached_property
    def _outside(self) -> dict[str, str]:
        """Codes of the crosswalk, with its names; asked only for those without a COW number."""
        column = {"gw": "gwno"}.get(self.scheme, self.scheme)
        codelist = read_source("codelist")
        if column not in codelist.columns:
            return {}
        rows = codelist.dropna(subset=[column])
        labels = rows[column].astype("int64") if self.scheme in NUMERIC else rows[column]
        return dict(zip(labels.map(lambda label: tidy(label, self.scheme)), rows["name"], strict=True))

    def _spells(self, rows: pd.DataFrame) -> str:
        """The states that have a code, with their years, and the state that they were part of before."""
        texts = []
        for ccode, years in rows.groupby("ccode", sort=False)["year"]:
            before = _PART_OF.get(int(ccode))
            compare = f" (before, compare COW {before}, {self.names.loc[before]})" if before else ""
            texts.append(f"COW {ccode} ({self.names.loc[ccode]}) {_years(years)}{compare}")
        return "; ".join(texts)


def _years(years: pd.Series) -> str:
    """``1918-1939, 1945-1992``; "from 1993 on" where the last year is the crosswalk's."""
    ordered = years.sort_values()
    spells = ordered.groupby((ordered.diff() != 1).cumsum()).agg(["min", "max"])
    texts = []
    for first, last in zip(spells["min"], spells["max"], strict=True):
        span = f"{first}-{last}" if last > first else f"{first}"
        texts.append(f"from {first} on" if last == LAST_YEAR else span)
    return ", ".join(texts)


def _near(code: str, scheme: str, table: pd.DataFrame, names: pd.Series) -> str:
    """The nearest codes: of states whose name begins so, then by their letters; with names and years."""
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
