"""Readers of the state system and of crosswalks of codes (see :mod:`bayes_hr.data.readers`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bayes_hr.data.raw_files import r_dates, read_rda, whole

if TYPE_CHECKING:
    import pandas as pd


def read_cowstates(path: Path) -> pd.DataFrame:
    """COW state system spells: ``ccode, abbreviation, name, start, end`` (open: NaT), ``microstate``."""
    frame = read_rda(path, ["cowcode", "cowc", "country_name", "start", "end", "microstate"])
    frame.columns = ["ccode", "abbreviation", "name", "start", "end", "microstate"]
    for column in ("start", "end"):
        frame[column] = r_dates(frame[column])
    frame["end"] = frame["end"].where(frame["end"].dt.year < 9999)
    return whole(frame, "ccode")


def read_codelist(path: Path) -> pd.DataFrame:
    """Crosswalk: ``name, pattern`` (regular expression for the name), ``ccode, iso2, iso3, gwno, vdem``."""
    kept = ["country.name.en", "country.name.en.regex", "cown", "iso2c", "iso3c", "gwn", "vdem"]
    frame = read_rda(path, kept)
    frame.columns = ["name", "pattern", "ccode", "iso2", "iso3", "gwno", "vdem"]
    return frame


def read_codelist_panel(path: Path) -> pd.DataFrame:
    """Crosswalk by year: ``name, year, ccode, gwno, iso3, vdem, region``; codes only in their years."""
    frame = read_rda(path, ["country.name.en", "year", "cown", "gwn", "iso3c", "vdem", "region"])
    frame.columns = ["name", "year", "ccode", "gwno", "iso3", "vdem", "region"]
    return whole(frame, "year")
