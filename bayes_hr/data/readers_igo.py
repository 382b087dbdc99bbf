"""Readers of the Correlates of War IGO files, which are one column per IGO or per state: wide to long.

IGO codes are COW's own short names (``ioname``) in capitals: ``"COE"``, ``"UNESCO"``, ``"ANDEAN"``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import listed
from bayes_hr.data.raw_files import need_columns, plain, read_rda, whole
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

CODES: Final = (-9, -1, 0, 1, 2, 3)
"""Valid codes: -9 missing, -1 the IGO does not exist, 0 none, 1 full, 2 associate, 3 observer."""

TYPES: Final = ("political", "social", "economic")
"""COW's types, in the order of the files' columns."""

_KEYS: Final = ("ccode", "year", "state")
_ENDINGS: Final = ("replaced", "integrated", "dead")
"""COW's flags of an end, the telling ones first: "dead" is set beside the others."""


def read_cow_igo_state_year(path: Path) -> pd.DataFrame:
    """Memberships: ``ccode, igo, year, code``, sorted by them; states of the system and IGOs that exist.

    ``code`` is 0 none, 1 full, 2 associate, 3 observer or -9 missing; the file's -1 (the IGO does not exist
    in the year) is left out. Small dtypes: int16, categorical, int16, int8. The IGO-year file tells the same
    memberships and differs in 4,615 of the cells that both fill (mostly ICCEC, IGC, IASAJ and CTO); this file
    is taken throughout.
    """
    import numpy as np
    import pandas as pd

    wide = read_rda(path, None)
    need_columns(wide, _KEYS, path)
    igos = sorted(column for column in wide.columns if column not in _KEYS)
    keys = whole(plain(wide[["ccode", "year"]]), "ccode", "year").reset_index(drop=True)
    keys = keys.sort_values(["ccode", "year"])
    cells = wide[igos].to_numpy()[keys.index]
    wrong = ~np.isin(cells, CODES)
    if wrong.any():
        raise InputError(f"{path}: membership code(s) {listed(np.unique(cells[wrong]))} are not known")
    if keys.duplicated().any():
        raise InputError(f"{path}: {int(keys.duplicated().sum())} country-year(s) are there twice")
    state_year, igo = np.nonzero(cells != -1)
    frame = pd.DataFrame(
        {
            "ccode": keys["ccode"].to_numpy(dtype="int16")[state_year],
            "igo": pd.Categorical.from_codes(igo.astype("int16"), [code.upper() for code in igos]),
            "year": keys["year"].to_numpy(dtype="int16")[state_year],
            "code": cells[state_year, igo].astype("int8"),
        }
    )
    return frame.sort_values(["ccode", "igo", "year"], ignore_index=True)


def read_cow_igo_igo_year(path: Path) -> pd.DataFrame:
    """Organisations: ``igo, year, igo_name, igo_type, founded, ended, ending, imputed``, a row per IGO-year.

    ``igo_name`` is the longer of COW's two names, its accents repaired. ``igo_type`` is the one of COW's
    columns ``political``, ``social``, ``economic`` that is 1 ("unclassified" if none is). ``founded`` and
    ``ended`` are years (``ended`` missing: alive in 2014), ``ending`` is "dead", "integrated", "replaced" or
    missing. ``imputed`` (0 or 1; missing once) is COW's flag of a year between two of its five-yearly
    records whose members it filled in.
    """
    import numpy as np
    import pandas as pd

    wanted = ["ioname", "year", "orgname", "longorgname", *TYPES, "sdate", "deaddate", *_ENDINGS, "imputed"]
    frame = whole(read_rda(path, wanted), "year", "sdate")
    code = frame["ioname"].str.upper()
    latest = frame.assign(igo=code).sort_values("year").groupby("igo")
    kind = latest[[*TYPES]].max().fillna(0.0)
    if (kind.sum(axis=1) > 1).any():
        raise InputError(f"{path}: more than one type for {listed(kind.index[kind.sum(axis=1) > 1])}")
    types = pd.Series(np.where(kind.sum(axis=1) == 1, kind.idxmax(axis=1), "unclassified"), kind.index)
    flags = latest[[*_ENDINGS]].max()
    ends = pd.Series(np.where(flags.max(axis=1) == 1, flags.idxmax(axis=1), None), flags.index, dtype="str")
    out = pd.DataFrame({"igo": code, "year": frame["year"]})
    names = pd.concat([latest["orgname"].last(), latest["longorgname"].last()], axis=1)
    out["igo_name"] = code.map(names.apply(lambda pair: max(map(_repaired, pair), key=len), axis=1))
    out["igo_type"] = code.map(types)
    out["founded"] = frame["sdate"]
    out["ended"] = code.map(latest["deaddate"].last())
    out["ending"] = code.map(ends)
    out["imputed"] = frame["imputed"]
    return out.sort_values(["igo", "year"], ignore_index=True)


def _repaired(name: str) -> str:
    """A name whose Mac Roman letters somebody upstream had stored as Latin-1, as it was meant."""
    return name.encode("latin-1").decode("mac_roman").strip() if not name.isascii() else name.strip()
