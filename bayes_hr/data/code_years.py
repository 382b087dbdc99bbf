"""Which code belongs to which COW number in which year: the tables behind :mod:`bayes_hr.data.codes`.

Rules, where one code belongs to several COW numbers over time or the crosswalk is silent. A code that two
states bear in the year of a change goes to the one at the end of the year, so codes are one to one in a year.

- Germany (``DEU``, GW 260, V-Dem 77): COW 255 to 1945, 260 in 1955-1989, 255 from 1990. East Germany is 265
  (``DDR``). COW has no German state in 1946-1953.
- Yemen (``YEM``, GW 678, V-Dem 14): 678 to 1989, as ISO 3166 and V-Dem have the North, then 679. The South is
  680 (``YMD``), 1967-1990.
- Vietnam (``VNM``, V-Dem 34): 816 from 1954; South Vietnam is 817 in 1954-1975 and has no ISO code.
- Yugoslavia, Serbia and Montenegro, and Serbia are 345 throughout; given back are ``YUG`` to 2002, ``SCG``
  in 2003-2005 and ``SRB`` (GW 340) from 2006, taken are ``SRB`` and V-Dem 198 in any year. Montenegro is 341
  from 2006, Kosovo 347 from 2008 (``XKX``, user-assigned in ISO 3166).
- Czechoslovakia is 315 to 1992 (``CSK``, V-Dem 157), Czechia 316 and Slovakia 317 from 1993; ``CZE`` before
  1993 is no state.
- The USSR and Russia are 365 (``RUS``; ``SUN`` is taken to 1991); other republics begin in 1991.
- Sudan is 625 before and after 2011 (South Sudan: 626), Ethiopia 530 before and after 1993 (Eritrea: 531).
- Gleditsch and Ward's numbers are COW's but for :data:`bayes_hr.data.crosswalk.GW_TO_COW`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from bayes_hr.data.crosswalk import GW_TO_COW, HISTORICAL_NAMES, country_names, state_years
from bayes_hr.data.parsed import read_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

SCHEMES: Final[dict[str, str]] = {
    "cow": "COW number",
    "iso2": "ISO2 code",
    "iso3": "ISO3 code",
    "gw": "Gleditsch-Ward number",
    "vdem": "V-Dem number",
    "cowc": "COW abbreviation",
    "name": "English name",
}
"""Kinds of codes, and what to call them."""

NUMERIC: Final = frozenset({"cow", "gw", "vdem"})
"""Schemes whose codes are whole numbers."""

FIRST_YEAR: Final = 1816
LAST_YEAR: Final = 2020
"""Last year of the crosswalk's COW numbers; its codes are carried forward to later years."""

_REASSIGNED: Final = (("Serbia", 345, 1878, LAST_YEAR), ("Yemen", 678, 1926, 1989))
"""Name in the crosswalk, COW number, first and last year: rows with codes but no COW number of their own."""

_OWN, _LISTED, _TAKEN = range(3)  # given back before what the crosswalk lists; listed; only taken

_FORMER_ISO: Final = (
    (315, "CS", "CSK", 1918, 1992, _OWN),
    (265, "DD", "DDR", 1954, 1990, _OWN),
    (680, "YD", "YMD", 1967, 1990, _OWN),
    (345, "YU", "YUG", 1878, 2002, _OWN),
    (345, "YU", "YUG", 2003, 2003, _TAKEN),
    (345, "CS", "SCG", 2003, 2005, _OWN),
    (345, "CS", "SCG", 2006, 2006, _TAKEN),
    (347, "XK", "XKX", 2008, LAST_YEAR, _OWN),
    (365, "SU", "SUN", 1922, 1991, _TAKEN),
    (370, None, "BYS", 1991, 1992, _TAKEN),
    (360, None, "ROM", FIRST_YEAR, 2002, _TAKEN),
    (434, "DY", "DHY", 1960, 1977, _TAKEN),
    (439, "HV", "HVO", 1960, 1984, _TAKEN),
    (490, "ZR", "ZAR", 1960, 1997, _TAKEN),
    (552, "RH", "RHO", 1965, 1980, _TAKEN),
    (775, "BU", "BUR", 1948, 1989, _TAKEN),
    (860, "TP", "TMP", 2002, 2002, _TAKEN),
)
"""Codes that ISO 3166 has withdrawn, and Kosovo's: COW number, ISO2, ISO3, first and last year, rank."""


def code_years(scheme: str) -> pd.DataFrame:
    """Every code of a scheme in every year in which it is a state of the COW system.

    Parameters
    ----------
    scheme : str
        A key of :data:`SCHEMES`.

    Returns
    -------
    pandas.DataFrame
        ``code`` (text as :func:`tidy` makes it), ``year`` (1816-2020), ``ccode``, ``label`` (the code as it
        is given back), ``own`` (whether it is the one that is given back for this state and year). One row
        per code and year, and one with ``own`` at most per state and year.
    """
    makers = {"iso2": _iso, "iso3": _iso, "vdem": _vdem, "gw": _gw, "name": _names}
    rows = makers.get(scheme, _plain)(scheme)
    rows["label"] = rows["label"].astype("object").map(str)
    rows["code"] = rows["label"].map(lambda label: tidy(label, scheme))
    rows = rows.sort_values(["year", "ccode", "rank"], kind="stable")
    rows = rows.drop_duplicates(["code", "year"])
    rows["own"] = (rows["rank"] < _TAKEN) & ~rows.duplicated(["ccode", "year"])
    return rows[["code", "year", "ccode", "label", "own"]].reset_index(drop=True)


def tidy(value: object, scheme: str) -> str:
    """A code as it is compared.

    Whole numbers have no point, ISO and COW letters are capitals, names are in small letters without accents
    and with single spaces.
    """
    text = " ".join(str(value).split())
    if scheme in NUMERIC:
        return re.sub(r"\.0+$", "", text)
    if scheme != "name":
        return text.upper()
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return plain.replace("’", "'").casefold()


def by_pattern(names: Iterable[str]) -> dict[str, str]:
    """The crosswalk's name of every tidy name that the pattern of exactly one country matches, also tidy."""
    codelist = read_source("codelist")
    patterns = [re.compile(pattern, re.IGNORECASE) for pattern in codelist["pattern"]]
    found = {}
    for name in set(names):
        pairs = zip(codelist["name"], patterns, strict=True)
        hits = [country for country, pattern in pairs if pattern.search(name)]
        if len(hits) == 1:
            found[name] = tidy(hits[0], "name")
    return found


def _states() -> pd.DataFrame:
    return state_years(FIRST_YEAR, LAST_YEAR)


def _entities() -> pd.DataFrame:
    """The crosswalk's rows in COW state-years: ``name, year, ccode, iso2, iso3, vdem``."""
    panel = read_source("codelist_panel").merge(
        read_source("codelist")[["name", "iso2"]], on="name", how="left", validate="m:1"
    )
    panel["iso2"] = panel["iso2"].where(panel["iso3"].notna())
    for name, ccode, first, last in _REASSIGNED:
        silent = (panel["name"] == name) & panel["ccode"].isna() & panel["year"].between(first, last)
        panel["ccode"] = panel["ccode"].mask(silent, ccode)
    panel = panel.dropna(subset=["ccode"]).astype({"ccode": "int64"})
    return panel[["name", "year", "ccode", "iso2", "iso3", "vdem"]].merge(_states(), on=["ccode", "year"])


def _iso(scheme: str) -> pd.DataFrame:
    import pandas as pd

    listed = _entities().dropna(subset=[scheme]).rename(columns={scheme: "label"}).assign(rank=_LISTED)
    states, parts = _states(), [listed[["label", "year", "ccode", "rank"]]]
    for ccode, iso2, iso3, first, last, rank in _FORMER_ISO:
        label = iso2 if scheme == "iso2" else iso3
        if label is not None:
            years = states[(states["ccode"] == ccode) & states["year"].between(first, last)]
            parts.append(years.assign(label=label, rank=rank))
    return pd.concat(parts, ignore_index=True)


def _vdem(_: str) -> pd.DataFrame:
    rows = _entities().dropna(subset=["vdem"]).rename(columns={"vdem": "label"})
    return rows.astype({"label": "int64"})[["label", "year", "ccode"]].assign(rank=_LISTED)


def _gw(_: str) -> pd.DataFrame:
    import pandas as pd

    rows = _states().assign(rank=_LISTED)
    rows["label"] = rows["ccode"]
    for gwno, first, cow in GW_TO_COW:
        rows["label"] = rows["label"].mask((rows["ccode"] == cow) & (rows["year"] >= first), gwno)
    for gwno, first, cow in GW_TO_COW:  # in the year of a change the predecessor has no number left
        taken = (rows["label"] == gwno) & (rows["year"] >= first) & (rows["ccode"] != cow)
        rows = rows[~taken]
    yugoslavia = pd.DataFrame({"label": [345], "year": [2006], "ccode": [345], "rank": [_TAKEN]})
    return pd.concat([rows, yugoslavia], ignore_index=True)


def _plain(scheme: str) -> pd.DataFrame:
    rows = _states().assign(rank=_LISTED)
    if scheme == "cow":
        return rows.assign(label=rows["ccode"])
    abbreviations = read_source("cowstates").groupby("ccode")["abbreviation"].first()
    return rows.assign(label=rows["ccode"].map(abbreviations))


def _names(_: str) -> pd.DataFrame:
    """Display names are given back; those of the crosswalk, the state system and history are taken."""
    import pandas as pd

    states = _states()
    display = states.assign(label=states["ccode"].map(country_names()), rank=_OWN)
    entities = _entities().rename(columns={"name": "label"})[["label", "year", "ccode"]].assign(rank=_TAKEN)
    system = read_source("cowstates")[["ccode", "name"]].drop_duplicates()
    fixed = pd.DataFrame({"name": list(HISTORICAL_NAMES), "ccode": list(HISTORICAL_NAMES.values())})
    others = pd.concat([system, fixed]).rename(columns={"name": "label"})
    parts = [display, entities, states.merge(others, on="ccode").assign(rank=_TAKEN)]
    return pd.concat(parts, ignore_index=True)
