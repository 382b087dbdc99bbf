"""When each state ratified a treaty: exact dates to March 2015, then a source that knows only the year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_hr.data.crosswalk import names_to_cow
from bayes_hr.data.messages import listed, nearest
from bayes_hr.data.parsed import read_source
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

STATUS_FROM_YEAR: Final = 2015
"""First year taken from the year-only source: the exact dates end in March 2015 and are preferred before."""


@dataclass(frozen=True)
class Treaty:
    """A treaty and where its dates come from.

    Attributes
    ----------
    id, title : str
        Short and full name.
    opened : int
        Year in which it opened for signature.
    sources : tuple of str
        Source ids: exact dates, then status by year.
    predecessors : dict of int to int
        COW number to ratification year of states that the depositary no longer lists under their own name.
    same_as : dict of int to int
        COW number of a former state to that of the state whose listed date is the former state's own.
    """

    id: str
    title: str
    opened: int
    sources: tuple[str, str]
    predecessors: dict[int, int]
    same_as: dict[int, int]


TREATIES: Final[dict[str, Treaty]] = {
    "CAT": Treaty(
        "CAT",
        "Convention against Torture and Other Cruel, Inhuman or Degrading Treatment or Punishment",
        1984,
        ("untreaties_cat", "hr_status_cat"),
        {265: 1987, 315: 1988, 345: 1991},
        {260: 255},
    ),
    "ICCPR": Treaty(
        "ICCPR",
        "International Covenant on Civil and Political Rights",
        1966,
        ("untreaties_iccpr", "hr_status_iccpr"),
        {265: 1973, 315: 1975, 345: 1971},
        {260: 255, 680: 679},
    ),
}
"""The treaties on offer. Predecessor years: end notes of the United Nations Treaty Collection,
https://treaties.un.org/pages/Treaties.aspx?id=4&subid=A."""


def get_treaty(treaty: str) -> Treaty:
    """The treaty of that id.

    Raises
    ------
    InputError
        If there is none; names the nearest.
    """
    if treaty not in TREATIES:
        raise InputError(f"unknown treaty {treaty!r}; {nearest(str(treaty), TREATIES)}")
    return TREATIES[treaty]


def treaty_years(treaty: str) -> pd.DataFrame:
    """Signature and ratification of a treaty by COW number.

    Rules, in this order:

    1. A state counts as a ratifier from the year that the depositary lists for it: ratification, accession or
       succession alike. So the Czech Republic and Slovakia count from 1993, Croatia from 1992, Slovenia
       (which acceded to CAT) from 1993; Ukraine and Belarus, members of the UN before independence, from
       their own 1987.
    2. States that are no longer listed have their own year: East Germany (265), Czechoslovakia (315) and
       Yugoslavia (345). COW knows Yugoslavia and Serbia as one state, so Serbia's succession of 2001 does
       not count. The Soviet Union and Russia are one state (365) with one date.
    3. West Germany (260) and unified Germany (255) are one party: both have its date. The covenant's date
       under "Yemen" is Democratic Yemen's accession: South Yemen (680) and Yemen (679) have it, North Yemen
       (678) has none.
    4. Who has no exact date (they end in March 2015) takes the year of the year-only source if it is 2015 or
       later. Earlier years of that source are known to be wrong in places and never used
       (:func:`source_differences`).

    Participants outside the COW system (:data:`bayes_hr.data.crosswalk.NOT_COW`) are left out.

    Parameters
    ----------
    treaty : {"CAT", "ICCPR"}
        The treaty.

    Returns
    -------
    pandas.DataFrame
        ``ccode, signature_date, ratification_date, ratification_year`` (missing: not a party),
        ``ratification_mode`` (ratification, accession, succession; missing if unknown), ``source``.

    Raises
    ------
    InputError
        If the treaty is unknown or a name has no COW number.
    DataUnavailableError
        If a source cannot be read.
    """
    known = get_treaty(treaty)
    return combine(_exact(known), _status(known), known)


def source_differences(treaty: str) -> pd.DataFrame:
    """Where the two sources differ up to 2014: ``ccode, name, exact_year, status_year`` (missing: none)."""
    known = get_treaty(treaty)
    both = _exact(known).merge(
        _status(known), on="ccode", how="outer", suffixes=("", "_status"), validate="1:1"
    )
    exact, status = both["ratification_date"].dt.year, both["ratification_year"]
    early = exact.fillna(status) < STATUS_FROM_YEAR
    differs = early & (exact.fillna(0) != status.fillna(0)) & both["name_status"].notna()
    out = both[["ccode"]].assign(name=both["name_status"], exact_year=exact, status_year=status)
    return out[differs].reset_index(drop=True)


def combine(exact: pd.DataFrame, status: pd.DataFrame, treaty: Treaty) -> pd.DataFrame:
    """Merge both sources by the rules of :func:`treaty_years` (pure).

    Parameters
    ----------
    exact : pandas.DataFrame
        ``ccode, name, signature_date, ratification_date, mode``.
    status : pandas.DataFrame
        ``ccode, name, ratification_year``.
    treaty : Treaty
        Predecessor tables and source ids.

    Returns
    -------
    pandas.DataFrame
        As :func:`treaty_years`.
    """
    import pandas as pd

    both = exact.merge(status, on="ccode", how="outer", suffixes=("", "_status"), validate="1:1")
    dated = both["ratification_date"].notna()
    late = ~dated & (both["ratification_year"] >= STATUS_FROM_YEAR)
    year = both["ratification_date"].dt.year.where(~late, both["ratification_year"]).astype("float64")
    source = pd.Series(treaty.sources[0], index=both.index, dtype="str").where(~late, treaty.sources[1])
    out = pd.DataFrame(
        {
            "ccode": both["ccode"],
            "signature_date": both["signature_date"],
            "ratification_date": both["ratification_date"],
            "ratification_year": year,
            "ratification_mode": both["mode"].astype("str").where(dated),
            "source": source.where(both["name"].notna() | late, treaty.sources[1]),
        }
    ).set_index("ccode")
    out = _with_predecessors(out, treaty)
    return out.sort_index().rename_axis("ccode").reset_index().astype({"ccode": "int64"})


def _with_predecessors(out: pd.DataFrame, treaty: Treaty) -> pd.DataFrame:
    import pandas as pd

    former = pd.DataFrame(
        {
            "ccode": list(treaty.predecessors),
            "ratification_year": [float(year) for year in treaty.predecessors.values()],
            "source": "predecessor table (UN Treaty Collection end notes)",
        }
    ).set_index("ccode")
    copies = out.loc[list(treaty.same_as.values())].set_axis(list(treaty.same_as), axis=0)
    kept = out.drop(index=[ccode for ccode in treaty.predecessors if ccode in out.index])
    return pd.concat([kept, copies, former.reindex(columns=out.columns).astype(out.dtypes.to_dict())])


def _with_cow(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    codes = names_to_cow(frame["name"], source=source)
    frame = frame.assign(ccode=frame["name"].map(codes))
    frame = frame[frame["ccode"].notna()].astype({"ccode": "int64"})
    twice = frame["ccode"].duplicated(keep=False)
    if twice.any():
        raise InputError(f"{source}: several names for one COW number: {listed(frame.loc[twice, 'name'])}")
    return frame


def _exact(treaty: Treaty) -> pd.DataFrame:
    return _with_cow(read_source(treaty.sources[0]), treaty.sources[0])


def _status(treaty: Treaty) -> pd.DataFrame:
    return _with_cow(read_source(treaty.sources[1]), treaty.sources[1]).drop(columns="iso2")
