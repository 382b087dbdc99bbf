"""Country names and Gleditsch-Ward numbers to Correlates of War (COW) numbers; the state system by year."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import listed
from bayes_hr.data.parsed import read_source
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

HISTORICAL_NAMES: Final[dict[str, int]] = {
    "Serbia": 345,
    "Serbia and Montenegro": 345,
    "Federal Republic of Yugoslavia": 345,
    "Yugoslavia": 345,
    "Czechoslovakia": 315,
    "German Democratic Republic": 265,
    "German Federal Republic": 260,
    "Union of Soviet Socialist Republics": 365,
    "Yemen Arab Republic": 678,
    "Democratic Yemen": 680,
    "Republic of Vietnam": 817,
}
"""Names that the patterns give no COW number for, or must not be left to them. COW has one number for
Yugoslavia, Serbia and Montenegro, and Serbia."""

NOT_COW: Final = frozenset({"European Union", "Holy See", "Cook Islands", "Niue", "State of Palestine"})
"""Treaty participants outside the COW state system: left out, and counted."""

GW_TO_COW: Final = (
    (260, 1990, 255),
    (678, 1990, 679),
    (340, 2006, 345),
    (970, 1816, 946),
    (971, 1816, 970),
    (972, 1816, 955),
    (973, 1816, 947),
)
"""Gleditsch-Ward number, first year, COW number: Germany and Yemen after unification, Serbia after Montenegro
left; the microstates Kiribati, Nauru, Tonga and Tuvalu. Every other number is the same in both lists."""

VDEM_TO_COW: Final = ((198, 1789, 9999, 345), (14, 1789, 1989, 678))
"""V-Dem number, first and last year, COW number where the crosswalk has none or would give a later state's:
Serbia and its Yugoslav predecessors; North Yemen before unification."""

_DISPLAY_NAMES: Final[dict[int, str]] = {
    260: "West Germany",
    265: "East Germany",
    345: "Yugoslavia/Serbia",
    678: "North Yemen",
    680: "South Yemen",
    730: "Korea (to 1910)",
    817: "South Vietnam",
}


def state_years(start: int, end: int) -> pd.DataFrame:
    """Country-years of the COW state system.

    A state counts in every calendar year in which it was a member on at least one day. Spells that the list
    (which ends in 2016) leaves open are taken as going on.

    Parameters
    ----------
    start, end : int
        First and last year.

    Returns
    -------
    pandas.DataFrame
        ``ccode, year``, one row per country-year.
    """
    import pandas as pd

    spells = read_source("cowstates")
    first = spells["start"].dt.year.clip(lower=start)
    last = spells["end"].dt.year.fillna(end).clip(upper=end).astype("int64")
    years = [list(range(a, b + 1)) for a, b in zip(first, last, strict=True)]
    rows = pd.DataFrame({"ccode": spells["ccode"], "year": years}).explode("year").dropna()
    rows = rows.astype({"ccode": "int64", "year": "int64"}).drop_duplicates()
    return rows.sort_values(["ccode", "year"]).reset_index(drop=True)


def country_names() -> pd.Series:
    """One unambiguous English name per COW number (index ``ccode``), for display."""
    import pandas as pd

    codes = read_source("codelist").dropna(subset=["ccode"])
    latest = codes.astype({"ccode": "int64"}).set_index("ccode")["name"]
    states = read_source("cowstates").groupby("ccode")["name"].last()
    names = latest.reindex(latest.index.union(states.index)).fillna(states)
    names.update(pd.Series(_DISPLAY_NAMES))
    return names.rename("country").rename_axis("ccode")


def regions() -> pd.Series:
    """The World Bank's region of each COW number (index ``ccode``); it has seven, and no state has two."""
    codes = read_source("codelist_panel").dropna(subset=["ccode", "region"]).astype({"ccode": "int64"})
    return codes.sort_values("year").groupby("ccode")["region"].last()


def gw_to_cow(frame: pd.DataFrame) -> pd.Series:
    """COW numbers of rows with Gleditsch-Ward numbers, by year (:data:`GW_TO_COW`).

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``gwno`` and ``year``.

    Returns
    -------
    pandas.Series
        COW number of each row; those outside the COW system keep their number and match nothing.
    """
    ccode = frame["gwno"].astype("int64")
    for gwno, first_year, cow in GW_TO_COW:
        ccode = ccode.mask((frame["gwno"] == gwno) & (frame["year"] >= first_year), cow)
    return ccode


def vdem_to_cow(frame: pd.DataFrame) -> pd.Series:
    """COW numbers of rows with V-Dem numbers, by year.

    V-Dem keeps one number where COW has several (Germany: 260 before 1990, then 255; Czechia: 315, then 316).
    The crosswalk by year has numbers only in years of membership, to 2020; a year without one takes the next
    number of the same country, or else the one before (:data:`VDEM_TO_COW` says the exceptions).

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``vdem`` and ``year``.

    Returns
    -------
    pandas.Series
        COW number of each row; missing for units that were never COW members (Hong Kong, Somaliland).
    """
    codes = read_source("codelist_panel").dropna(subset=["vdem"])[["vdem", "year", "ccode"]]
    codes = codes.astype({"vdem": "int64"})
    rows = frame[["vdem", "year"]].reset_index(drop=True)
    both = rows.drop_duplicates().merge(codes, on=["vdem", "year"], how="outer", validate="1:1")
    by_country = both.sort_values(["vdem", "year"]).groupby("vdem")["ccode"]
    both["ccode"] = by_country.bfill().fillna(by_country.ffill())
    ccode = rows.merge(both, on=["vdem", "year"], how="left", validate="m:1")["ccode"]
    for vdem, first_year, last_year, cow in VDEM_TO_COW:
        own = (rows["vdem"] == vdem) & rows["year"].between(first_year, last_year)
        ccode = ccode.mask(own, cow)
    return ccode.set_axis(frame.index)


def names_to_cow(names: Iterable[str], *, source: str) -> dict[str, int | None]:
    """COW number of each country name; None for the participants in :data:`NOT_COW`.

    Parameters
    ----------
    names : iterable of str
        English names as a treaty depositary writes them.
    source : str
        Source id, for the message.

    Returns
    -------
    dict of str to int or None

    Raises
    ------
    InputError
        If a name matches no country or several; names the nearest candidates.
    """
    codes = read_source("codelist")
    codes = codes[codes["ccode"].notna()]
    patterns = [re.compile(pattern, re.IGNORECASE) for pattern in codes["pattern"]]
    numbers = [int(ccode) for ccode in codes["ccode"]]
    found: dict[str, int | None] = {}
    problems = []
    for name in names:
        if name in NOT_COW or name in HISTORICAL_NAMES:
            found[name] = HISTORICAL_NAMES.get(name)
            continue
        hits = [number for number, pattern in zip(numbers, patterns, strict=True) if pattern.search(name)]
        if len(hits) == 1:
            found[name] = hits[0]
        else:
            close = difflib.get_close_matches(name, list(codes["name"]), n=3, cutoff=0.4)
            problems.append(f"{name!r} (nearest: {listed(close) or 'none'})")
    if problems:
        raise InputError(f"{source}: no single COW number for the name(s) {listed(problems, 10)}")
    return found
