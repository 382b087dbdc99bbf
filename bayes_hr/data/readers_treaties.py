"""Readers of treaty dates (see :mod:`bayes_hr.data.readers`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import listed
from bayes_hr.data.raw_files import need_columns
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_MODES: Final = {
    "": "ratification",
    "a": "accession",
    "d": "succession",
    "c": "formal confirmation",
    "A": "acceptance",
}

MODES: Final = tuple(_MODES.values())
"""How a participant became a party, as the depositary says it."""


def read_untreaties(path: Path) -> pd.DataFrame:
    """Exact treaty dates: ``name, signature_date, ratification_date, mode`` of every listed participant.

    The mode is the letter after the date: none ratification, ``a`` accession, ``d`` succession, ``c`` formal
    confirmation (of an organisation), ``A`` acceptance. A succession to a signature (``d`` after the date of
    signature) is a signature here. The files name their columns in several ways.
    """
    import pandas as pd

    table = pd.read_csv(path, encoding="utf-8", keep_default_na=False, dtype=str)
    signature = next((c for c in table.columns if c.startswith("Signature")), "Signature")
    deposit = next((c for c in table.columns if "Ratification" in c), "Ratification")
    table = need_columns(table, ["Participant", signature, deposit], path)
    signed = table[signature].str.extract(r"^(?P<date>\d{1,2} \w{3} \d{4})?(?P<letter>| d)$")
    deposited = table[deposit].str.extract(r"^(?P<date>\d{1,2} \w{3} \d{4})? ?(?P<letter>\w*)$")
    for column, parts, letters in ((signature, signed, ("", " d")), (deposit, deposited, tuple(_MODES))):
        strange = parts["letter"].isna() | ~parts["letter"].isin(letters)
        if strange.any():
            kind = "signature" if column == signature else "deposit"
            raise InputError(f"{path}: cannot read the {kind}(s) {listed(table.loc[strange, column])}")
    dates = deposited["date"].replace("", None)
    return pd.DataFrame(
        {
            "name": table["Participant"].str.strip(),
            "signature_date": pd.to_datetime(signed["date"].replace("", None), format="%d %b %Y"),
            "ratification_date": pd.to_datetime(dates, format="%d %b %Y"),
            "mode": deposited["letter"].map(_MODES).where(dates.notna()),
        }
    )


def read_hr_status(path: Path) -> pd.DataFrame:
    """Treaty status by year: ``name, iso2, ratification_year, marks_disagree`` of UN members.

    The year is missing for those that are no party. A file says three times who is one: a 0/1 mark, a year
    and a status in words. ``marks_disagree`` is True where these differ; the year then counts if the words
    agree with it. Namibia's ISO2 code is ``NA``, hence no default missing-value marks.
    """
    import pandas as pd

    year = "year ratification or accession"
    table = pd.read_csv(path, encoding="utf-8", keep_default_na=False, dtype=str)
    table = need_columns(table, ["member", "iso2", "state party", year, "status"], path)
    years = pd.to_numeric(table[year].replace("", None)).astype("float64")
    mark, words = table["state party"] == "1", table["status"].str.strip() == "state party"
    contradiction = (mark & years.isna()) | (years.notna() & ~mark & ~words)
    if contradiction.any():
        raise InputError(
            f"{path}: party without a year, or the reverse: {listed(table.loc[contradiction, 'member'])}"
        )
    return pd.DataFrame(
        {
            "name": table["member"].str.strip(),
            "iso2": table["iso2"],
            "ratification_year": years,
            "marks_disagree": (mark != words) | (mark != years.notna()),
        }
    )
