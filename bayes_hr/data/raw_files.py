"""Read raw files into plain pandas frames, and say clearly when a file is not what it should be."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import listed
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

# rdata knows no tibble and no Date class and says so; a tibble is a data frame, and our readers turn the
# numbers of days into dates themselves (`r_dates`). Nothing else is silenced.
_RDATA_MESSAGES: Final = (
    r'Missing constructor for R class "tbl_df"\.',
    r'Missing constructor for R class "tbl"\.',
    r'Missing constructor for R class "Date"\.',
)


def read_rda(path: Path, columns: Iterable[str] | None) -> pd.DataFrame:
    """The one data frame in an ``.rda`` file: the named columns, with plain float and str dtypes.

    Parameters
    ----------
    path : Path
        The file.
    columns : iterable of str or None
        Columns to keep; None keeps all of them, with the dtypes that they have in the file.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InputError
        If the file cannot be read as R data, or lacks a column.
    """
    import rdata

    with warnings.catch_warnings():
        for message in _RDATA_MESSAGES:
            warnings.filterwarnings("ignore", message=message, category=UserWarning)
        try:
            objects = rdata.read_rda(path)
        except (ValueError, EOFError, OSError, NotImplementedError, IndexError) as error:
            raise InputError(f"{path}: cannot be read as an R data file ({error})") from error
    frame: pd.DataFrame = next(iter(objects.values()))
    if columns is None:  # hundreds of columns: what becomes of them is the reader's to say
        return frame
    return plain(need_columns(frame, columns, path)).reset_index(drop=True)


def need_columns(frame: pd.DataFrame, columns: Iterable[str], path: Path) -> pd.DataFrame:
    """The named columns of `frame`, or an error that names those which are missing.

    Raises
    ------
    InputError
        If a column is missing.
    """
    wanted = list(columns)
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise InputError(
            f"{path}: missing column(s) {listed(missing)}; there are {listed(frame.columns, 30)}"
        )
    return frame[wanted].copy()


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers as float64, truth values as bool, text as str, whatever the file reader chose."""
    import pandas as pd

    columns: dict[str, pd.Series] = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_bool_dtype(column.dtype):
            columns[name] = column.astype(bool)
        elif pd.api.types.is_numeric_dtype(column.dtype):
            columns[name] = column.astype("float64")
        else:
            columns[name] = column.astype(pd.StringDtype(na_value=float("nan")))
    return pd.DataFrame(columns)


def r_dates(days: pd.Series) -> pd.Series:
    """R dates (days since 1970-01-01) as timestamps to the millisecond, so that the year 9999 fits."""
    import pandas as pd

    milliseconds = (days * 86_400_000).astype("int64").to_numpy()
    return pd.Series(milliseconds.astype("datetime64[ms]"), index=days.index)


def whole(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame with the named columns as int64.

    Raises
    ------
    InputError
        If a value is missing or not whole.
    """
    out = frame.copy()
    for column in columns:
        values = frame[column].astype("float64")
        wrong = values.isna() | (values % 1 != 0)
        if wrong.any():
            raise InputError(f"column {column}: {int(wrong.sum())} value(s) missing or not whole")
        out[column] = values.astype("int64")
    return out
