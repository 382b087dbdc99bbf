"""COW IGO v3 as tidy tables: organisations (type, birth, death), memberships, and known errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.data.parsed import read_source

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MEMBERSHIP_SOURCE: Final = "cow_igo_state_year"
ORGANISATION_SOURCE: Final = "cow_igo_igo_year"

KNOWN_ERRORS: Final = (
    (
        "UNESCO",
        (2,),
        "the return of the United States to UNESCO (2003) is missing: rows from 1985 on are after exit",
    ),
    (
        "COE",
        (350,),
        "Greece's absence from the Council of Europe (1969-74) is missing: it is a member throughout",
    ),
    ("CMEA", (315,), "Czechoslovakia, a member of Comecon to its end, stops in 1964"),
    (
        "LAFTA",
        (70, 100, 130, 150),
        "Mexico, Colombia, Ecuador and Paraguay, members to the end, stop in 1964",
    ),
    ("WPACT", (452,), "Ghana, never a member, is in the Warsaw Pact in 1960-64"),
    ("COMSEC", (2,), "the United States, never a member, is in the Commonwealth Secretariat in 1965-68"),
)
"""Errors of COW IGO v3 that are known, and stay in: IGO, COW numbers of the states, what is wrong."""

FIVE_YEARLY: Final = 1965
"""Up to this year COW's records are five-yearly for many IGOs."""


def organisations() -> pd.DataFrame:
    """One row per IGO of COW IGO v3.

    Returns
    -------
    pandas.DataFrame
        ``igo, igo_name, igo_type, birth, death, ended, ending``, sorted by ``igo``. ``birth`` and ``death``
        are the first and last year on record (``birth`` is COW's founding year, but for two IGOs dated a
        year earlier); ``ended`` is COW's year of the end, missing for those alive in 2014, and ``ending``
        "dead", "integrated" or "replaced".

    Raises
    ------
    DataUnavailableError
        If the sources cannot be read.
    """
    years = read_source(ORGANISATION_SOURCE).groupby("igo")
    table = years[["igo_name", "igo_type", "ended", "ending"]].first()
    records = read_source(MEMBERSHIP_SOURCE).groupby("igo", observed=True)["year"]
    table["birth"] = records.min().astype("int64").reindex(table.index)
    table["death"] = records.max().astype("int64").reindex(table.index)
    return table.reset_index()[["igo", "igo_name", "igo_type", "birth", "death", "ended", "ending"]]


def memberships() -> pd.DataFrame:
    """Every state-IGO-year of the state system in which the IGO exists, 1816-2014 (2.8 million rows).

    Returns
    -------
    pandas.DataFrame
        ``ccode, igo, year, code, igo_name, igo_type`` in small dtypes; ``code`` as in
        :func:`bayes_hr.data.readers_igo.read_cow_igo_state_year`. The input of
        :func:`bayes_hr.data.igo_dyads.dyad_years`.

    Raises
    ------
    DataUnavailableError
        If the sources cannot be read.
    """
    import pandas as pd

    table = read_source(MEMBERSHIP_SOURCE)
    about = organisations().set_index("igo").reindex(table["igo"].cat.categories)
    for column in ("igo_name", "igo_type"):
        place, labels = pd.factorize(about[column])
        table[column] = pd.Categorical.from_codes(place[table["igo"].cat.codes], labels)
    return table


def births() -> dict[str, int]:
    """Birth year of each IGO, by code.

    Returns
    -------
    dict of str to int

    Raises
    ------
    DataUnavailableError
        If the sources cannot be read.
    """
    table = organisations()
    return dict(zip(table["igo"], table["birth"].tolist(), strict=True))


def filled_in(memberships: pd.DataFrame) -> np.ndarray:
    """Which memberships COW filled in between two of its five-yearly records.

    COW says it per IGO and year (``imputed`` in the IGO-year file, 1,388 IGO-years up to 1964, 597 of them
    since 1946); 99 % of the codes there repeat the year before. The file's only other word on accuracy is
    ``accuracyofpre1965membershipdates``, constant in most IGOs: "Completely accurate", the same "except a few
    minor uncertainties", or "Within 5 years". All IGO-years that were filled in are of the last kind, and the
    other 338 of that kind up to 1964 are the records between which they lie. Nothing is said on the accuracy
    from 1965 on, nor of single states.

    Parameters
    ----------
    memberships : pandas.DataFrame
        ``igo, year``.

    Returns
    -------
    numpy.ndarray of bool, shape (n_rows,)
        False for the one IGO-year without a flag.

    Raises
    ------
    DataUnavailableError
        If the source cannot be read.
    """
    import numpy as np

    years = read_source(ORGANISATION_SOURCE)
    years = years[years["imputed"] == 1]
    codes = memberships["igo"].cat.categories
    first, last = int(years["year"].min()), int(years["year"].max())
    grid = np.zeros((len(codes), last - first + 1), dtype=bool)
    known = years["igo"].isin(codes)
    grid[codes.get_indexer(years.loc[known, "igo"]), years.loc[known, "year"] - first] = True
    inside = memberships["year"].between(first, last).to_numpy()
    out = np.zeros(len(memberships), dtype=bool)
    place = memberships["igo"].cat.codes.to_numpy()[inside]
    out[inside] = grid[place, memberships["year"].to_numpy()[inside] - first]
    return out


def record_notes(frame: pd.DataFrame) -> list[str]:
    """Remarks on the records behind some rows.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``ccode, igo, year``.

    Returns
    -------
    list of str
    """
    first, codes = int(frame["year"].min()), frame["igo"].unique()
    years = read_source(ORGANISATION_SOURCE)
    early = years[years["year"].between(first, FIVE_YEARLY) & years["igo"].isin(codes)]
    filled = int((early["imputed"] == 1).sum())
    known = [
        f"COW IGO v3, known upstream error: {text}"
        for igo, states, text in KNOWN_ERRORS
        if ((frame["igo"] == igo) & frame["ccode"].isin(states)).any()
    ]
    if not filled:
        return known
    return [
        f"COW IGO v3 is five-yearly up to {FIVE_YEARLY} for many IGOs: COW filled in {filled:,} of "
        f"{len(early):,} IGO-years of {first}-{FIVE_YEARLY}, none of them divisible by five, so entries and "
        "exits bunch in 1950, 1955, 1960 and 1965 and may be off by up to four years; many memberships stop "
        "in 1964, where the older records meet the newer ones, which is rarely an exit",
        *known,
    ]
