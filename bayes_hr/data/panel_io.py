"""Panels and tables on disk, and the digest of a panel's content."""

from __future__ import annotations

import errno
import hashlib
import json
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

METADATA_KEY: Final = b"bayes_hr_panel"
SUFFIXES: Final = (".csv", ".parquet", ".dta")


def read_table(path: Path, *, text: str | None = None) -> pd.DataFrame:
    """A table from a CSV (UTF-8), Parquet or Stata file, by suffix.

    Parameters
    ----------
    path : Path
        The file.
    text : str, optional
        Column of a CSV file to read as text as it stands, if it is there: "NA" is Namibia's ISO2 code.

    Raises
    ------
    InputError
        If the file is missing, of another kind, empty or damaged.
    """
    import pandas as pd

    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: unknown kind of file {path.suffix!r}; use {', '.join(SUFFIXES)}")
    _need_file(path)
    try:
        if suffix == ".csv":
            table = pd.read_csv(path, encoding="utf-8-sig")
            if text in table.columns:
                as_text = {"usecols": [text], "dtype": "str", "keep_default_na": False}
                table[text] = pd.read_csv(path, encoding="utf-8-sig", **as_text)[text]
            return table
        if suffix == ".dta":
            return pd.read_stata(path)
        return pd.read_parquet(path)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8 text ({error.reason}, byte {error.start}); save it as UTF-8"
        ) from error
    except (ValueError, OSError, EOFError, KeyError, struct.error) as error:  # Arrow, parser and Stata errors
        first_line = str(error).split("\n", 1)[0]
        raise InputError(
            f"{path}: cannot be read as a {suffix} file; it may be damaged or cut off ({first_line})"
        ) from error


def is_panel(path: Path) -> bool:
    """Whether a Parquet file holds a saved panel.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    return METADATA_KEY in (_open_parquet(path).schema_arrow.metadata or {})


def write_panel(frame: pd.DataFrame, provenance: dict[str, Any], path: Path) -> Path:
    """Write rows and provenance to one Parquet file, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    metadata = {**(table.schema.metadata or {}), METADATA_KEY: json.dumps(provenance).encode()}
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".tmp-") as folder:
            part = Path(folder) / path.name
            pq.write_table(table.replace_schema_metadata(metadata), part, write_page_checksum=True)
            part.replace(path)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        hint = "free some space" if full else "choose another place"
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); {hint}") from error
    return path


def read_panel(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Rows and provenance that :func:`write_panel` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged or not a saved panel.
    """
    import pyarrow as pa

    file = _open_parquet(path)
    metadata = file.schema_arrow.metadata or {}
    if METADATA_KEY not in metadata:
        raise InputError(f"{path}: is not a saved panel; use Panel.from_file(path, outcome='...')")
    try:
        frame = file.read().to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: is damaged ({error}); build the panel again") from error
    return frame, json.loads(metadata[METADATA_KEY])


def content_digest(frame: pd.DataFrame, name: str) -> str:
    """SHA-256 of a name and a frame's content, whatever the order and the storage of the values.

    Numbers (and truth values) are hashed as float64, everything else as UTF-8 text, missing values alike.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per ``ccode`` and ``year``.
    name : str
        Kind of panel.

    Returns
    -------
    str
        Hexadecimal.
    """
    ordered = frame.sort_values(["ccode", "year"], kind="stable")
    total = hashlib.sha256(name.encode())
    for column in sorted(ordered.columns):
        for part in (column.encode(), _column_bytes(ordered[column])):
            total.update(len(part).to_bytes(8, "little"))
            total.update(part)
    return total.hexdigest()


def _column_bytes(column: pd.Series) -> bytes:
    import numpy as np
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype="float64", na_value=np.nan) + 0.0  # -0.0 becomes 0.0
        values[np.isnan(values)] = np.nan
        return b"n" + values.astype("<f8").tobytes()
    if column.dtype == object:  # 1, 1.0 and True are one value to factorize, but three texts
        column = column.map(str, na_action="ignore")
    # Hundreds of thousands of rows hold a few hundred texts: each is encoded once.
    place, labels = pd.factorize(column)
    texts = [*(b"+" + str(value).encode() for value in labels), b"-"]  # missing values have place -1
    parts = [len(text).to_bytes(8, "little") + text for text in texts]
    return b"t" + b"".join([parts[i] for i in place.tolist()])


def _need_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a file")
    if not path.exists():
        raise InputError(f"{path}: there is no such file")


def _open_parquet(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _need_file(path)
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{path}: cannot be read as Parquet; it may be damaged or cut off ({error})"
        ) from error
