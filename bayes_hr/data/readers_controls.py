"""Readers of controls (see :mod:`bayes_hr.data.readers`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bayes_hr.data.raw_files import need_columns, read_rda, whole

if TYPE_CHECKING:
    import pandas as pd


def read_cow_nmc(path: Path) -> pd.DataFrame:
    """COW capabilities: ``ccode, year, tpop`` (total population in thousands)."""
    return whole(read_rda(path, ["ccode", "year", "tpop"]), "ccode", "year")


def read_ucdp_acd(path: Path) -> pd.DataFrame:
    """UCDP/PRIO: ``conflict_id, year, gwno, type, intensity``, a row per conflict, year and government.

    ``gwno`` is the *Gleditsch-Ward* number of the government (side A, and side B of an interstate conflict;
    further states on a side are left out); ``type`` is extrasystemic, interstate, intrastate, or
    internationalized (intrastate with foreign troops); intensity 1 is 25-999 battle deaths, 2 more.
    """
    import pandas as pd

    kept = ["conflict_id", "year", "gwno_a", "gwno_b", "type_of_conflict", "intensity_level"]
    table = read_rda(path, kept)
    table.columns = ["conflict_id", "year", "gwno", "other", "type", "intensity"]
    others = table[table["type"] == "interstate"].assign(gwno=lambda rows: rows["other"])
    frame = pd.concat([table, others]).drop(columns="other")
    frame["type"] = frame["type"].replace("II", "internationalized")
    frame = whole(frame, "conflict_id", "year", "gwno", "intensity")
    keys = ["conflict_id", "year", "gwno", "type"]
    return frame.groupby(keys, as_index=False).agg(intensity=("intensity", "max"))


def read_isa_gdp(path: Path) -> pd.DataFrame:
    """GDP, 1950-2017: ``gwno`` (*Gleditsch-Ward* number), ``year, gdp, gdppc``; constant US dollars."""
    import pandas as pd

    names = ["gwcode", "year", "NY.GDP.MKTP.KD", "NY.GDP.PCAP.KD"]
    frame = need_columns(pd.read_csv(path), names, path)
    frame.columns = ["gwno", "year", "gdp", "gdppc"]
    return whole(frame, "gwno", "year")


def read_lji(path: Path) -> pd.DataFrame:
    """Latent judicial independence: ``ccode, year, lji, lji_sd`` (0 to 1, posterior mean and SD).

    The file numbers the Soviet Union 364: it is 365 here, as in the COW state system.
    """
    import pandas as pd

    frame = need_columns(pd.read_csv(path, encoding="latin-1"), ["ccode", "year", "LJI", "post.sd"], path)
    frame.columns = ["ccode", "year", "lji", "lji_sd"]
    frame = whole(frame, "ccode", "year")
    frame["ccode"] = frame["ccode"].replace(364, 365)
    return frame.sort_values(["ccode", "year"]).reset_index(drop=True)
