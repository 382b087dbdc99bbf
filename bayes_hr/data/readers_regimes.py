"""Readers of regime scores (see :mod:`bayes_hr.data.readers`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.raw_files import need_columns, plain, read_rda, whole
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_POLITY_SPECIAL: Final = (-66, -77, -88)
_VDEM_COLUMNS: Final = (
    "e_gdppc",
    "e_pop",
    "v2x_polyarchy",
    "v2juhcind",
    "v2juncind",
    "v2x_clphy",
    "v2cltort",
)


def read_polity5(path: Path) -> pd.DataFrame:
    """Polity5: ``ccode, year, polity2, polity, durable, polity_name``.

    -66, -77 and -88 in ``polity`` become missing; ``durable`` is years since the last regime change.
    Polity numbers are turned into COW numbers with the file's own ``cown``. Where two polities share a COW
    number in a year (Yugoslavia 1991, Ethiopia 1993, Serbia 2006, Sudan 2011, Vietnam 1976), the one that
    goes on is kept, so that a year has the score of the state that leaves it.
    """
    kept = ["cown", "year", "polity2", "polity", "durable", "polity_annual_country", "polity_annual_ccode"]
    frame = read_rda(path, kept)
    frame = whole(frame[frame["cown"].notna()], "cown", "year", "polity_annual_ccode")
    frame = frame.rename(columns={"cown": "ccode", "polity_annual_country": "polity_name"})
    frame["polity"] = frame["polity"].mask(frame["polity"].isin(_POLITY_SPECIAL))
    frame["last"] = frame.groupby("polity_annual_ccode")["year"].transform("max")
    frame = frame.sort_values(["ccode", "year", "last"]).drop_duplicates(["ccode", "year"], keep="last")
    return frame.drop(columns=["last", "polity_annual_ccode"]).reset_index(drop=True)


def read_vdem_subset(path: Path) -> pd.DataFrame:
    """V-Dem v13 subset: ``ccode, year, name`` and the indices.

    ``e_gdppc`` is GDP per capita in thousand international dollars (Fariss et al. 2022). Units without a COW
    number (Hong Kong, Palestine, Somaliland, German and Italian states) are left out.
    """
    import pandas as pd

    try:
        table = pd.read_excel(path, engine="calamine")
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read as an Excel file ({error})") from error
    frame = need_columns(table, ["COWcode", "year", "country_name", *_VDEM_COLUMNS], path)
    frame = frame.rename(columns={"COWcode": "ccode", "country_name": "name"})
    return whole(plain(frame[frame["ccode"].notna()]), "ccode", "year").reset_index(drop=True)


def read_vdem_simple(path: Path) -> pd.DataFrame:
    """V-Dem v15 as democracyData has it: ``vdem`` (V-Dem number), ``name, year, polyarchy, polyarchy_sd``.

    ``polyarchy`` is the electoral democracy index (0 to 1), ``polyarchy_sd`` its posterior SD. Regimes of the
    World in ``ert`` is made of the same release, which the subset ``vdem_subset`` (v13, to 2021) is not.
    """
    kept = ["country_id", "vdem_country_name", "year", "v2x_polyarchy", "v2x_polyarchy_sd"]
    frame = read_rda(path, kept)
    frame.columns = ["vdem", "name", "year", "polyarchy", "polyarchy_sd"]
    return whole(frame, "vdem", "year")


def read_bmr(path: Path) -> pd.DataFrame:
    """Boix, Miller & Rosato v4: ``ccode, year, bmr`` (1 democracy, 0 not, missing: not sovereign), ``name``.

    Wars and collapse of the state are filled in as a continuation of the regime before (the file's
    ``democracy``, not its ``democracy_omitteddata``). The file's ``bmr_ccode`` are Polity numbers; ``cown``
    are COW numbers. Where two units share one in a year (Yugoslavia 1991, Serbia 2006), the one that goes on
    is kept. Units without a COW number (Orange Free State and others of the 19th century) are left out.
    """
    frame = read_rda(path, ["cown", "year", "democracy", "bmr_country", "bmr_ccode"])
    frame = whole(frame[frame["cown"].notna()], "cown", "year", "bmr_ccode")
    frame = frame.rename(columns={"cown": "ccode", "democracy": "bmr", "bmr_country": "name"})
    frame["last"] = frame.groupby("bmr_ccode")["year"].transform("max")
    frame = frame.sort_values(["ccode", "year", "last"]).drop_duplicates(["ccode", "year"], keep="last")
    return frame.drop(columns=["last", "bmr_ccode"]).reset_index(drop=True)


def read_ert(path: Path) -> pd.DataFrame:
    """Regimes of the World: ``vdem`` (V-Dem number), ``name, year, row`` (0 closed autocracy to 3)."""
    frame = read_rda(path, ["country_id", "country_name", "year", "v2x_regime"])
    frame.columns = ["vdem", "name", "year", "row"]
    return whole(frame, "vdem", "year")
