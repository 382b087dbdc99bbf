"""Readers of outcomes (see :mod:`bayes_hr.data.readers`); higher is better protection in every one.

A value that the file gives as a special code is missing, and the code stands in ``<outcome>_code``.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import listed
from bayes_hr.data.outcomes import CIRI_CODES, OUTCOMES, PTS_CODES
from bayes_hr.data.raw_files import need_columns, whole
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

PTS_NUMBERS: Final = {"Soviet Union": 365, "Serbia": 345}
"""COW numbers of states that the Political Terror Scale gives none for."""

PTS_NOT_COW: Final = frozenset(
    {
        "Crimea",
        "European Union",
        "Gaza (Hamas)",
        "Israel in Occupied Territories",
        "Israel in pre-1967 borders",
        "Palestine, State of",
        "Puerto Rico",
        "Russia-Occupied Areas (Ukraine)",
        "Somaliland",
        "Western Sahara",
    }
)
"""Units of the Political Terror Scale outside the COW state system: left out."""

_FIVE: Final = range(1, 6)


def read_hrps_v402(path: Path) -> pd.DataFrame:
    """Latent scores v4.02: ``ccode, year, hrps_v402, hrps_v402_sd``.

    The file keeps Czechoslovakia under 316; before 1993 it is 315 here, as in the COW state system.
    """
    return _latent(path, "hrps_v402", "utf-8")


def read_hrps_v301(path: Path) -> pd.DataFrame:
    """Latent scores v3.01: ``ccode, year, hrps_v301, hrps_v301_sd``.

    Czechoslovakia as in v4.02. The file has rows of states before they entered the COW state system
    (colonies, Soviet republics): they are kept here.
    """
    return _latent(path, "hrps_v301", "latin-1")


def read_cirights(path: Path) -> pd.DataFrame:
    """CIRIGHTS: ``ccode, year`` and the five outcomes of the physical integrity rights, each with ``_code``.

    Torture, disappearance, killing and political imprisonment from 0 (worst) to 2; ``cirights_physint``, from
    0 to 8, is their sum, and missing where one is. The special codes of CIRI (:data:`CIRI_CODES`) become
    missing; in this version they are blank already. From 2006 on the file keeps Serbia under 342 and goes on
    with empty rows of Serbia and Montenegro under 345: Serbia is 345 here, as in the COW state system, and
    the latter go.
    """
    import pandas as pd

    table = pd.read_csv(path, encoding="utf-8-sig", low_memory=False)
    outcomes = [outcome for outcome in OUTCOMES.values() if outcome.source == "cirights"]
    frame = need_columns(table, ["cow", "year", *(outcome.column for outcome in outcomes)], path)
    frame.columns = ["ccode", "year", *(outcome.name for outcome in outcomes)]
    frame = whole(frame, "ccode", "year")
    frame = frame[(frame["ccode"] != 345) | (frame["year"] < 2006)]
    frame["ccode"] = frame["ccode"].mask(frame["ccode"] == 342, 345)
    for outcome in outcomes:
        values = frame[outcome.name]
        special = values.isin(CIRI_CODES)
        frame[outcome.name] = values.mask(special).astype("float64")
        frame[f"{outcome.name}_code"] = values.where(special).astype("float64")
        _check_scale(frame[outcome.name], outcome.categories, f"{path}: {outcome.column}")
    return frame.sort_values(["ccode", "year"]).reset_index(drop=True)


def read_pts(path: Path) -> pd.DataFrame:
    """Political Terror Scale: ``ccode, year``, and for each of ``pts_a, pts_h, pts_s`` four columns.

    The outcome (5 best, 1 worst: six minus the level), ``_original`` (the level, 5 worst), ``_code`` (why
    there is none, :data:`bayes_hr.data.outcomes.PTS_CODES`; missing: no reason given) and ``_rows``: how many
    rows of the file rate that COW number in that year. The Soviet Union and Serbia, which the file gives no
    COW number, get theirs (:data:`PTS_NUMBERS`); units outside the COW state system go (:data:`PTS_NOT_COW`).

    Where rows share a COW number and year (Yugoslavia and Serbia, Russia) the row that is rated is kept; of
    several, that of the state that goes on longest: Yugoslavia's two rows of 1991 and 1992 give the Federal
    Republic's, those of 2006 Serbia's where it is rated.
    """
    import pandas as pd

    outcomes = [outcome for outcome in OUTCOMES.values() if outcome.source == "pts"]
    status = [f"NA_Status_{outcome.column[-1]}" for outcome in outcomes]
    levels = [outcome.column for outcome in outcomes]
    # Namibia's codes are not read, but "NA" means missing only where it is said here
    missing = {column: ["NA"] for column in ("COW_Code_N", *levels)}
    table = pd.read_csv(path, encoding="latin-1", keep_default_na=False, na_values=missing)
    table = need_columns(table, ["Country", "COW_Code_N", "Year", *levels, *status], path)
    table = _pts_numbers(table, path)
    rated_years = table["year"].where(table[levels].notna().any(axis=1))
    table["until"] = rated_years.groupby(table["Country"]).transform("max")
    frame = table[["ccode", "year"]].drop_duplicates().sort_values(["ccode", "year"])
    for level, reason, outcome in zip(levels, status, outcomes, strict=True):
        _check_scale(table[level], _FIVE, f"{path}: {level}")
        one = _one_per_year(table[["ccode", "year", "until"]].assign(level=table[level], code=table[reason]))
        strange = sorted(set(one["code"].dropna()) - set(PTS_CODES))
        if strange:
            raise InputError(
                f"{path}: {reason} has {listed(PTS_CODES)} or 0, and this file {listed(strange)}"
            )
        names = {"level": f"{outcome.name}_original", "code": f"{outcome.name}_code"}
        one = one.rename(columns={**names, "rows": f"{outcome.name}_rows"})
        one.insert(2, outcome.name, 6 - one[f"{outcome.name}_original"])
        frame = frame.merge(one, on=["ccode", "year"], validate="1:1")
    return frame.reset_index(drop=True)


def read_hathaway(path: Path) -> pd.DataFrame:
    """Hathaway's torture scale: ``ccode, year, hathaway_torture, hathaway_torture_original``.

    In the file 5 is worst (Hathaway 2002, Yale Law Journal 111; it falls as the latent scores
    rise); here it is six minus that. The numbers of countries are COW numbers already. Belarus, Armenia and
    Azerbaijan have scores for 1985-92, mostly before they were states, and none for 1993-99: as in the file.

    https://doi.org/10.2307/797642
    """
    import pandas as pd

    frame = need_columns(pd.read_csv(path, encoding="latin-1"), ["ccode", "year", "torture"], path)
    frame = whole(frame, "ccode", "year").rename(columns={"torture": "hathaway_torture_original"})
    _check_scale(frame["hathaway_torture_original"], _FIVE, f"{path}: torture")
    frame.insert(2, "hathaway_torture", 6 - frame["hathaway_torture_original"])
    return frame.sort_values(["ccode", "year"]).reset_index(drop=True)


def _latent(path: Path, name: str, encoding: str) -> pd.DataFrame:
    import pandas as pd

    table = pd.read_csv(path, encoding=encoding)
    frame = need_columns(table, ["COW", "YEAR", "theta_mean", "theta_sd"], path)
    frame.columns = ["ccode", "year", name, f"{name}_sd"]
    frame = whole(frame, "ccode", "year")
    czechoslovakia = (frame["ccode"] == 316) & (frame["year"] < 1993)
    frame["ccode"] = frame["ccode"].mask(czechoslovakia, 315)
    return frame


def _check_scale(values: pd.Series, scale: Collection[int], where: str) -> None:
    strange = sorted(set(values.dropna()) - set(scale))
    if strange:
        raise InputError(f"{where} is {min(scale)} to {max(scale)}, and this file has {listed(strange)}")


def _pts_numbers(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Rows of COW states, with ``ccode`` and ``year``."""
    numbers = table["COW_Code_N"].fillna(table["Country"].map(PTS_NUMBERS))
    unknown = sorted(set(table.loc[numbers.isna(), "Country"]) - PTS_NOT_COW)
    if unknown:
        raise InputError(f"{path}: no COW number for {listed(unknown)}")
    table = table.assign(ccode=numbers).rename(columns={"Year": "year"})
    return whole(table[numbers.notna()], "ccode", "year")


def _one_per_year(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per country-year of ``ccode, year, until, level, code``, by the rule of :func:`read_pts`."""
    rated = rows["level"].notna()
    rows = rows.assign(rated=rated, existed=rows["code"] != 77)
    rows["rows"] = rated.groupby([rows["ccode"], rows["year"]]).transform("sum")
    rows["code"] = rows["code"].mask(rated | (rows["code"] == 0)).astype("float64")
    rows = rows.sort_values(
        ["ccode", "year", "rated", "existed", "until"], kind="stable", na_position="first"
    )
    rows = rows.drop_duplicates(["ccode", "year"], keep="last")
    return rows[["ccode", "year", "level", "code", "rows"]].astype({"level": "float64", "rows": "int64"})
