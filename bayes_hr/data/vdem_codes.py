"""V-Dem numbers to Correlates of War (COW) numbers, by year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.data.crosswalk import state_years
from bayes_hr.data.parsed import read_source

if TYPE_CHECKING:
    import pandas as pd

SERBIA: Final = (198, 345)
"""V-Dem and COW number of Yugoslavia, Serbia and Montenegro, and Serbia; the crosswalk leaves them apart."""

YEMEN: Final = (14, 678, 1989)
"""V-Dem number of North Yemen and Yemen, COW number of the former, and its last year there."""

LAST_YEAR: Final = 2020
"""The crosswalk has COW numbers to this year; later years are taken to go on with them."""


def vdem_to_cow(frame: pd.DataFrame) -> pd.Series:
    """COW numbers of rows with V-Dem numbers, by year; missing outside the COW state system.

    The crosswalk (Arel-Bundock et al. 2018, https://doi.org/10.21105/joss.00848) by year, with what it
    leaves apart: V-Dem's Serbia (198) is 345 throughout, its Yemen (14) is 678 to 1989 and 679 from 1990.
    Germany (77) is 260 to 1989 and 255 from 1990, Czechia (157) 315 to 1992 and 316 then. A unit counts in
    the years in which COW has the state in its system: colonies and occupied countries have no number.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``vdem`` and ``year``.

    Returns
    -------
    pandas.Series
        float64, with the index of `frame`.
    """
    crosswalk = read_source("codelist_panel")
    known = crosswalk[crosswalk["vdem"].notna() & crosswalk["ccode"].notna()]
    known = known.drop_duplicates(["vdem", "year"])[["vdem", "year", "ccode"]]
    rows = frame[["vdem", "year"]].assign(asked=frame["year"], year=frame["year"].clip(upper=LAST_YEAR))
    rows = rows.merge(known, on=["vdem", "year"], how="left", validate="m:1").set_index(frame.index)
    ccode = rows["ccode"].astype("float64")
    ccode = ccode.mask(frame["vdem"] == SERBIA[0], SERBIA[1])
    ccode = ccode.mask((frame["vdem"] == YEMEN[0]) & (frame["year"] <= YEMEN[2]), YEMEN[1])
    states = state_years(int(frame["year"].min()), int(frame["year"].max())).assign(member=True)
    member = rows[["asked"]].assign(ccode=ccode).rename(columns={"asked": "year"})
    member = member.merge(states, on=["ccode", "year"], how="left", validate="m:1")["member"].notna()
    return ccode.where(member.set_axis(frame.index))
