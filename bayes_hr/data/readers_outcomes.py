"""Readers of outcomes (see :mod:`bayes_hr.data.readers`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import listed
from bayes_hr.data.raw_files import need_columns, whole
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_CIRI_SPECIAL: Final = (-66, -77, -999)


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
