"""Readers of treaty dates (see :mod:`bayes_hr.data.readers`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import listed
from bayes_hr.data.raw_files import need_columns
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_MODES: Final = {"": "ratification", "a": "accession", "d": "succession"}
_DEPOSIT_COLUMN: Final = "Accession(a), Succession(d), Ratification"


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
