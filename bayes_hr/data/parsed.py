"""Each raw file is parsed once: a Parquet copy in the cache, keyed by SHA-256 and reader version."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bayes_hr.data.fetch import Notice, cache_dir, cache_problem, fetch
from bayes_hr.data.readers import READERS
from bayes_hr.data.sources import Source, get_source

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("bayes_hr")

_ORIGIN: Final = b"bayes_hr.origin"
"""Key of the Parquet schema's metadata."""


def parsed_path(source: Source, cache: str | Path | None = None) -> Path:
    """Where the parsed copy of `source` lives: ``<cache>/parsed/<id>-<sha256>-v<reader version>.parquet``."""
    return cache_dir(cache) / "parsed" / f"{source.id}-{source.sha256[:16]}-v{source.reader_version}.parquet"


def read_source(
    source_id: str,
    *,
    cache: str | Path | None = None,
    notice: Notice | None = None,
) -> pd.DataFrame:
    """The tidy frame of a source; fetches and parses it on first use, then reads the parsed copy.

    A parsed copy that is broken, cannot be read or is another file's is made again (and a warning logged).

    Parameters
    ----------
    source_id : str
        A key of :data:`bayes_hr.data.sources.SOURCES`.
    cache, notice
        As in :func:`bayes_hr.data.fetch.fetch`.

    Returns
    -------
    pandas.DataFrame
        Columns as the reader in :mod:`bayes_hr.data.readers` describes them.

    Raises
    ------
    DataUnavailableError, InputError
        As :func:`bayes_hr.data.fetch.fetch`; an unknown id names the nearest.
    """
    source = get_source(source_id)
    copy = parsed_path(source, cache)
    if copy.is_file():
        frame = _read_parquet(copy, source)
        if frame is not None:
            return frame
        logger.warning("%s: the parsed copy %s is broken; parsing the raw file again", source.id, copy)
    frame = READERS[source.id](fetch(source, cache=cache, notice=notice))
    _write_parquet(frame, copy, source)
    return frame


def _read_parquet(path: Path, source: Source) -> pd.DataFrame | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:  # truncated, unreadable, failed page checksum
        logger.info("%s: %s", source.id, error)
        return None
    if (table.schema.metadata or {}).get(_ORIGIN) != _origin(source):
        logger.info("%s: %s was not made from this file by this reader", source.id, path)
        return None
    return table.to_pandas()


def _write_parquet(frame: pd.DataFrame, path: Path, source: Source) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({**table.schema.metadata, _ORIGIN: _origin(source)})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".tmp-") as folder:
            part = Path(folder) / path.name
            pq.write_table(table, part, write_page_checksum=True)
            part.replace(path)
    except OSError as error:
        raise cache_problem(error, path.parent) from error


def _origin(source: Source) -> bytes:
    """What a parsed copy is a copy of, written into it: one put in another's place is found out."""
    return f"{source.id} {source.sha256} v{source.reader_version}".encode()
