"""When each state ratified a treaty: exact dates to March 2015, then a source that knows only the year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.data.crosswalk import country_names, names_to_cow
from bayes_hr.data.messages import listed
from bayes_hr.data.parsed import read_source
from bayes_hr.data.treaty_list import (
    LAST_YEAR,
    THROUGHOUT,
    TREATIES,
    UNLISTED,
    YUGOSLAVIA,
    Treaty,
    Unknown,
    get_treaty,
)
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "STATUS_FROM_YEAR",
    "TREATIES",
    "Treaty",
    "combine",
    "get_treaty",
    "source_differences",
    "treaty_conflicts",
    "treaty_years",
]

STATUS_FROM_YEAR: Final = 2015
"""First year taken from the year-only source: the exact dates end in March 2015 and are preferred before."""

NO_SOURCE: Final = "none"
"""What stands as the source where no source gives a state's own date."""


def treaty_years(treaty: str) -> pd.DataFrame:
    """Signature and ratification of a treaty by COW number.

    Rules, in this order:

    1. A state counts as a ratifier from the year that the depositary lists for it: ratification, accession or
       succession alike. So the Czech Republic and Slovakia count from 1993, Croatia from 1992, Slovenia
       (which acceded to CAT) from 1993; Ukraine and Belarus, members of the UN before independence, from
       their own 1987. South Sudan (626) inherits nothing from Sudan (625).
    2. States that are no longer listed have their own year where it is known: East Germany (265),
       Czechoslovakia (315) and Yugoslavia (345), for CAT and ICCPR. COW knows Yugoslavia and Serbia as one
       state, so Serbia's succession of 2001 does not count; a ratification or accession of Serbia's own
       (as to OPCAT) does. For other treaties that opened before their end (for Yugoslavia: to which Serbia
       succeeded) it is *unknown* whether they were parties. The Soviet Union and Russia are one state (365)
       with one date.
    3. West Germany (260) and unified Germany (255) are one party: both have its date, West Germany only up
       to 1990. A date under "Yemen" before the union of 1990 is Democratic Yemen's: South Yemen (680) and
       Yemen (679) have it, North Yemen (678) has none (*unknown* for CERD and CEDAW). Vietnam's (816) dates
       are all later than the end of South Vietnam (817), which has none.
    4. Who has no exact date (they end in March 2015) takes the year of the year-only source if it is 2015 or
       later. Earlier years of that source are known to be wrong in places and never used
       (:func:`treaty_conflicts`). For CERD that source has years of signature: a late year there makes it
       *unknown* from 2015 on.
    5. Denunciations (Jamaica, and Trinidad and Tobago, of the first protocol to the ICCPR) make a state
       *unknown* from their year on; Guyana, of which only the second accession is listed, in every year.

    A panel drops the rows of unknown years and counts them. Participants outside the COW system
    (:data:`bayes_hr.data.crosswalk.NOT_COW`) are left out.

    Parameters
    ----------
    treaty : str
        A key of :data:`TREATIES`, such as ``"CAT"``, ``"CEDAW"`` or ``"ICCPR-OP1"``.

    Returns
    -------
    pandas.DataFrame
        One row per state, sorted by ``ccode``: ``ccode, signature_date, ratification_date,
        ratification_year`` (missing: not a party, or unknown), ``ratification_mode`` (one of
        :data:`bayes_hr.data.readers_treaties.MODES`; missing if unknown), ``source``, ``unknown_from``
        (first year in which it is unknown whether the state was a party, 1816 if all are; missing: always
        known), ``unknown_why``.

    Raises
    ------
    InputError
        If the treaty is unknown or a name has no COW number; names the nearest.
    DataUnavailableError
        If a source cannot be read.
    """
    known = get_treaty(treaty)
    return combine(_exact(known), _status(known), known)


def source_differences(treaty: str) -> pd.DataFrame:
    """Where the two sources differ: ``ccode, name, exact_year, status_year`` (missing: none).

    States without an exact date whose year is 2015 or later are no difference: the exact dates end there.
    """
    known = get_treaty(treaty)
    both = _both(_exact(known), _status(known))
    listed_by_both = both[_differs(both) & both["name_status"].notna()]
    columns = {"name_status": "name", "exact_year": "exact_year", "ratification_year": "status_year"}
    return listed_by_both[["ccode", *columns]].rename(columns=columns).reset_index(drop=True)


def treaty_conflicts(treaty: str | None = None) -> pd.DataFrame:
    """Every conflict between the sources of a treaty, what was kept, and by which rule.

    A conflict is a year that differs between the exact dates, the year-only source and the table of former
    states; marks of the year-only source that contradict each other; and a date that is not used because it
    does not say whether the state was a party.

    Parameters
    ----------
    treaty : str, optional
        A key of :data:`TREATIES`; default: all of them.

    Returns
    -------
    pandas.DataFrame
        ``treaty, ccode, country, exact_year, status_year`` (missing: none), ``kept_year`` (missing: no
        party, or unknown), ``rule``; in the order of :data:`TREATIES`, then by ``ccode``.

    Raises
    ------
    InputError, DataUnavailableError
        As :func:`treaty_years`.
    """
    import pandas as pd

    wanted = TREATIES.values() if treaty is None else [get_treaty(treaty)]
    return pd.concat([_conflicts(known) for known in wanted], ignore_index=True)


def _conflicts(treaty: Treaty) -> pd.DataFrame:
    exact, status = _exact(treaty), _status(treaty)
    kept = combine(exact, status, treaty)[["ccode", "ratification_year", "unknown_why"]]
    kept = kept.rename(columns={"ratification_year": "kept_year"})
    both = _both(exact, status).merge(kept, on="ccode", how="left", validate="1:1")
    year, other, own = both["exact_year"], both["ratification_year"], both["kept_year"]
    seen = year.notna() | other.notna()
    rule = (
        both["unknown_why"]
        .astype("object")
        .where(both["unknown_why"].isna(), "unknown: " + both["unknown_why"])
    )
    former = both["ccode"].isin(list(treaty.predecessors)) & (own != year)
    unlike = year.notna() & other.notna() & (year != other)
    for applies, text in (
        (former, "own year of the former state, not its successor's"),
        (unlike, "exact date kept against the year-only source"),
        (
            year.notna() & other.isna() & both["name_status"].notna(),
            "exact date kept; year-only source: no party",
        ),
        (_differs(both) & year.isna(), f"no exact date; year-only source not used before {STATUS_FROM_YEAR}"),
        (
            both["marks_disagree"].eq(True),
            "marks of the year-only source disagree; its year (or none) decides",
        ),
    ):
        rule = rule.where(rule.notna() | ~applies, text)
    out = both.assign(
        treaty=treaty.id, country=both["ccode"].map(country_names()), status_year=other, rule=rule
    )
    columns = ["treaty", "ccode", "country", "exact_year", "status_year", "kept_year", "rule"]
    return out.loc[rule.notna() & (seen | both["marks_disagree"].eq(True)), columns].sort_values("ccode")


def _both(exact: pd.DataFrame, status: pd.DataFrame) -> pd.DataFrame:
    """Both sources side by side, one row per state."""
    both = exact.merge(status, on="ccode", how="outer", suffixes=("", "_status"), validate="1:1")
    return both.assign(exact_year=both["ratification_date"].dt.year.astype("float64"))


def _differs(both: pd.DataFrame) -> pd.Series:
    exact, status = both["exact_year"], both["ratification_year"]
    return (exact.notna() | (status < STATUS_FROM_YEAR)) & (exact.fillna(0) != status.fillna(0))


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
        As :func:`treaty_years`; it does not depend on the order of rows.
    """
    import pandas as pd

    both = _both(exact, status)
    dated = both["ratification_date"].notna()
    later = ~dated & (both["ratification_year"] >= STATUS_FROM_YEAR)
    late = later & treaty.status_years
    year = both["exact_year"].where(~late, both["ratification_year"]).astype("float64")
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
    unknown = _unknown(out, treaty, [] if treaty.status_years else both.loc[later, "ccode"].tolist())
    out = _with_unknown(_with_predecessors(out, treaty), unknown)
    return out.sort_index().rename_axis("ccode").reset_index().astype({"ccode": "int64"})


def _unknown(out: pd.DataFrame, treaty: Treaty, late: list[int]) -> dict[int, Unknown]:
    """States for which the sources do not say whether they were a party, by the rules of the module."""
    found = {
        ccode: Unknown(STATUS_FROM_YEAR, "no exact date, and the year-only source has years of signature")
        for ccode in late
    }
    for ccode in UNLISTED:
        if ccode not in treaty.predecessors and treaty.opened <= LAST_YEAR[ccode]:
            found[ccode] = Unknown(THROUGHOUT, "the depositary lists no date of the former state")
    modes = out["ratification_mode"]
    if YUGOSLAVIA not in treaty.predecessors and modes.get(YUGOSLAVIA) == "succession":
        found[YUGOSLAVIA] = Unknown(
            THROUGHOUT, "the listed succession is Serbia's; Yugoslavia's date is not listed"
        )
    return found | treaty.unknown


def _with_predecessors(out: pd.DataFrame, treaty: Treaty) -> pd.DataFrame:
    import pandas as pd

    former = pd.DataFrame(
        {
            "ccode": list(treaty.predecessors),
            "ratification_year": [float(year) for year in treaty.predecessors.values()],
            "source": "predecessor table (UN Treaty Collection end notes)",
        }
    ).set_index("ccode")
    pairs = {old: new for old, new in treaty.same_as.items() if new in out.index}
    copies = out.loc[list(pairs.values())].set_axis(list(pairs), axis=0)
    ended = copies["ratification_year"] > pd.Series(LAST_YEAR).reindex(copies.index)
    dates = ["ratification_date", "ratification_year", "ratification_mode"]
    copies[dates] = copies[dates].mask(ended)
    signed_after = copies["signature_date"].dt.year > pd.Series(LAST_YEAR).reindex(copies.index)
    copies["signature_date"] = copies["signature_date"].mask(signed_after)
    kept = out.drop(index=[ccode for ccode in treaty.predecessors if ccode in out.index])
    parts = [kept, copies, former.reindex(columns=out.columns).astype(out.dtypes.to_dict())]
    return pd.concat([part for part in parts if len(part)])


def _with_unknown(out: pd.DataFrame, unknown: dict[int, Unknown]) -> pd.DataFrame:
    """Add ``unknown_from`` and ``unknown_why``; what is unknown throughout has no date."""
    import pandas as pd

    out = out.reindex(out.index.union(list(unknown)))
    start = pd.Series({ccode: float(why.start) for ccode, why in unknown.items()}, dtype="float64")
    reason = pd.Series({ccode: why.why for ccode, why in unknown.items()}, dtype="str")
    out = out.assign(unknown_from=start.reindex(out.index), unknown_why=reason.reindex(out.index))
    blank = out["unknown_from"] == THROUGHOUT
    columns = ["signature_date", "ratification_date", "ratification_year", "ratification_mode"]
    out[columns] = out[columns].mask(blank)
    return out.assign(source=out["source"].mask(blank, NO_SOURCE).fillna(NO_SOURCE))


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
