"""One reader per source: raw file to tidy frame (:mod:`bayes_hr.data.parsed` keeps the result as Parquet).

Readers keep every year; panels choose. Country numbers are Correlates of War (COW) numbers in ``ccode``
except where a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import listed
from bayes_hr.data.raw_files import need_columns, plain, r_dates, read_rda, whole
from bayes_hr.data.readers_igo import read_cow_igo_igo_year, read_cow_igo_state_year
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Reader = Callable[[Path], "pd.DataFrame"]

_POLITY_SPECIAL: Final = (-66, -77, -88)
_CIRI_SPECIAL: Final = (-66, -77, -999)
_MODES: Final = {"": "ratification", "a": "accession", "d": "succession"}
_DEPOSIT_COLUMN: Final = "Accession(a), Succession(d), Ratification"
_VDEM_COLUMNS: Final = (
    "e_gdppc",
    "e_pop",
    "v2x_polyarchy",
    "v2juhcind",
    "v2juncind",
    "v2x_clphy",
    "v2cltort",
)


def read_hrps_v402(path: Path) -> pd.DataFrame:
    """Latent scores v4.02: ``ccode, year, hrps_v402, hrps_v402_sd`` (higher is better protection).

    The file keeps Czechoslovakia under 316; before 1993 it is 315 here, as in the COW state system.
    """
    import pandas as pd

    frame = need_columns(pd.read_csv(path), ["COW", "YEAR", "theta_mean", "theta_sd"], path)
    frame.columns = ["ccode", "year", "hrps_v402", "hrps_v402_sd"]
    frame = whole(frame, "ccode", "year")
    czechoslovakia = (frame["ccode"] == 316) & (frame["year"] < 1993)
    frame["ccode"] = frame["ccode"].mask(czechoslovakia, 315)
    return frame


def read_cirights(path: Path) -> pd.DataFrame:
    """CIRIGHTS: ``ccode, year, cirights_torture`` (0 frequent, 1 occasional, 2 none; higher is better).

    The special codes of CIRI (-66 no information, -77 interregnum, -999 missing) become missing; in this
    version they are blank already.  From 2006 on the file keeps Serbia under 342 and goes on with empty rows
    of Serbia and Montenegro under 345: Serbia is 345 here, as in the COW state system, and the latter go.
    """
    import pandas as pd

    table = pd.read_csv(path, encoding="utf-8-sig", low_memory=False)
    frame = need_columns(table, ["cow", "year", "tort"], path)
    frame.columns = ["ccode", "year", "cirights_torture"]
    frame = whole(frame, "ccode", "year")
    frame = frame[(frame["ccode"] != 345) | (frame["year"] < 2006)]
    frame["ccode"] = frame["ccode"].mask(frame["ccode"] == 342, 345)
    score = frame["cirights_torture"]
    frame["cirights_torture"] = score.mask(score.isin(_CIRI_SPECIAL)).astype("float64")
    strange = sorted(set(frame["cirights_torture"].dropna()) - {0.0, 1.0, 2.0})
    if strange:
        raise InputError(f"{path}: the torture scale has 0, 1 and 2, and this file {listed(strange)}")
    return frame.sort_values(["ccode", "year"]).reset_index(drop=True)


def read_untreaties(path: Path) -> pd.DataFrame:
    """Exact treaty dates: ``name, signature_date, ratification_date, mode`` of every listed participant.

    The mode is the letter after the date: none ratification, ``a`` accession, ``d`` succession.
    """
    import pandas as pd

    table = pd.read_csv(path, encoding="utf-8", keep_default_na=False, dtype=str)
    table = need_columns(table, ["Participant", "Signature", _DEPOSIT_COLUMN], path)
    deposit = table[_DEPOSIT_COLUMN].str.extract(r"^(?P<date>\d{1,2} \w{3} \d{4})? ?(?P<letter>\w*)$")
    strange = deposit["letter"].isna() | ~deposit["letter"].isin(list(_MODES))
    if strange.any():
        raise InputError(f"{path}: cannot read the deposit(s) {listed(table.loc[strange, _DEPOSIT_COLUMN])}")
    dates = deposit["date"].replace("", None)
    return pd.DataFrame(
        {
            "name": table["Participant"].str.strip(),
            "signature_date": pd.to_datetime(table["Signature"].replace("", None), format="%d %b %Y"),
            "ratification_date": pd.to_datetime(dates, format="%d %b %Y"),
            "mode": deposit["letter"].map(_MODES).where(dates.notna()),
        }
    )


def read_hr_status(path: Path) -> pd.DataFrame:
    """Treaty status by year: ``name, iso2, ratification_year`` (missing: not a party) of UN members.

    Namibia's ISO2 code is ``NA``, hence no default missing-value marks.
    """
    import pandas as pd

    year = "year ratification or accession"
    table = pd.read_csv(path, encoding="utf-8", keep_default_na=False, dtype=str)
    table = need_columns(table, ["member", "iso2", "state party", year], path)
    years = pd.to_numeric(table[year].replace("", None)).astype("float64")
    contradiction = (table["state party"] == "1") != years.notna()
    if contradiction.any():
        raise InputError(
            f"{path}: party without a year, or the reverse: {listed(table.loc[contradiction, 'member'])}"
        )
    return pd.DataFrame(
        {"name": table["member"].str.strip(), "iso2": table["iso2"], "ratification_year": years}
    )


def read_polity5(path: Path) -> pd.DataFrame:
    """Polity5: ``ccode, year, polity2, polity, polity_name``; -66, -77 and -88 in ``polity`` become missing.

    Polity numbers are turned into COW numbers with the file's own ``cown``. Where two polities share a COW
    number in a year (Yugoslavia 1991, Ethiopia 1993, Serbia 2006, Sudan 2011, Vietnam 1976), the one that
    goes on is kept, so that a year has the score of the state that leaves it.
    """
    kept = ["cown", "year", "polity2", "polity", "polity_annual_country", "polity_annual_ccode"]
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


def read_ert(path: Path) -> pd.DataFrame:
    """Regimes of the World: ``vdem`` (V-Dem number), ``name, year, row`` (0 closed autocracy to 3)."""
    frame = read_rda(path, ["country_id", "country_name", "year", "v2x_regime"])
    frame.columns = ["vdem", "name", "year", "row"]
    return whole(frame, "vdem", "year")


READERS: Final[dict[str, Reader]] = {
    "hrps_v402": read_hrps_v402,
    "cirights": read_cirights,
    "untreaties_cat": read_untreaties,
    "untreaties_iccpr": read_untreaties,
    "hr_status_cat": read_hr_status,
    "hr_status_iccpr": read_hr_status,
    "polity5": read_polity5,
    "vdem_subset": read_vdem_subset,
    "cow_nmc": read_cow_nmc,
    "ucdp_acd": read_ucdp_acd,
    "cowstates": read_cowstates,
    "codelist": read_codelist,
    "codelist_panel": read_codelist_panel,
    "ert": read_ert,
    "cow_igo_state_year": read_cow_igo_state_year,
    "cow_igo_igo_year": read_cow_igo_igo_year,
}
"""The reader of each source, by id."""
