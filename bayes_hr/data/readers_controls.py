"""Readers of controls (see :mod:`bayes_hr.data.readers`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bayes_hr.data.raw_files import read_rda, whole

if TYPE_CHECKING:
    import pandas as pd


def read_cow_nmc(path: Path) -> pd.DataFrame:
    """COW capabilities: ``ccode, year, tpop`` (total population in thousands)."""
    return whole(read_rda(path, ["ccode", "year", "tpop"]), "ccode", "year")


def read_ucdp_acd(path: Path) -> pd.DataFrame:
    """UCDP/PRIO: ``conflict_id, year, gwno, type, intensity``, a row per conflict, year and government.

    ``gwno`` is the *Gleditsch-Ward* number of the government (side A); ``type`` is extrasystemic,
    interstate, intrastate, or internationalized (intrastate with foreign troops); intensity 1 is 25-999
    battle deaths, 2 more.
    """
    frame = read_rda(path, ["conflict_id", "year", "gwno_a", "type_of_conflict", "intensity_level"])
    frame.columns = ["conflict_id", "year", "gwno", "type", "intensity"]
    frame["type"] = frame["type"].replace("II", "internationalized")
    frame = whole(frame, "conflict_id", "year", "gwno", "intensity")
    keys = ["conflict_id", "year", "gwno", "type"]
    return frame.groupby(keys, as_index=False).agg(intensity=("intensity", "max"))
