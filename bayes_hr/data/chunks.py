"""Tables larger than memory, a chunk at a time: Parquet files and DuckDB queries."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

CHUNK: Final = 1_000_000
"""Rows of a chunk: some 100 MB in memory with what is computed from it."""


def chunks_of_parquet(
    path: str | Path, *, batch_rows: int = CHUNK, columns: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Rows of Parquet files, in chunks.

    Parameters
    ----------
    path : str or Path
        A file, a folder of ``.parquet`` files, or a glob such as ``"events/*.parquet"``.
    batch_rows : int
        Rows of a chunk; the last has fewer.
    columns : sequence of str, optional
        Columns to read; reading no others saves most of the time of wide files.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, or it lacks a column.
    """
    import pyarrow as pa
    import pyarrow.dataset

    _check_rows(batch_rows)
    files = _files(path)
    try:
        source = pyarrow.dataset.dataset(files, format="parquet")
        missing = [name for name in columns or () if name not in source.schema.names]
        if missing:
            raise InputError(f"{path}: has no column {missing[0]!r}; it has {', '.join(source.schema.names)}")
        batches = source.to_batches(
            columns=None if columns is None else list(columns),
            batch_size=batch_rows,
            batch_readahead=2,  # Arrow's default of 16 holds that many chunks in memory
            fragment_readahead=1,
        )
        yield from _frames(batches, batch_rows)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet; it may be damaged ({error})") from error


def parts_of_parquet(
    path: str | Path, *, batch_rows: int = CHUNK, columns: Sequence[str] | None = None
) -> list[Callable[[], Iterator[pd.DataFrame]]]:
    """A part for each Parquet file, which whoever calls it reads in chunks: workers of a cluster.

    Parameters
    ----------
    path, batch_rows, columns
        As in :func:`chunks_of_parquet`; all workers must see the files at this path.

    Raises
    ------
    InputError
        If there is no such file.
    """
    given: dict[str, Any] = {"batch_rows": batch_rows, "columns": columns}
    return [functools.partial(chunks_of_parquet, file, **given) for file in _files(path)]


def chunks_of_duckdb(
    query: str, connection: Any = None, *, batch_rows: int = CHUNK
) -> Iterator[pd.DataFrame]:
    """Rows of a DuckDB query, in chunks; the query may read files, databases or joins of both.

    Parameters
    ----------
    query : str
        SQL whose result has the columns of a panel.
    connection : duckdb.DuckDBPyConnection, optional
        Where to run it; default: a database in memory, for queries of files.
    batch_rows : int
        Rows of a chunk; the last has fewer.

    Raises
    ------
    InputError
        If DuckDB is not installed, or refuses the query.
    """
    try:
        import duckdb
    except ImportError as error:
        raise InputError("DuckDB is not installed: pip install 'bayes-hr[large]'") from error
    _check_rows(batch_rows)
    own = connection is None
    at = duckdb.connect() if own else connection
    try:
        found = at.sql(query)
        if found is None:
            raise InputError(f"the query returns no rows, as a SELECT would: {query!r}")
        yield from _frames(found.to_arrow_reader(batch_rows), batch_rows)
    except duckdb.Error as error:
        raise InputError(f"DuckDB refuses the query: {error}") from error
    finally:
        if own:
            at.close()


def _frames(batches: Iterable[Any], batch_rows: int) -> Iterator[pd.DataFrame]:
    """Frames of ``batch_rows`` rows or a little more; sources give batches as small as their row groups."""
    waiting: list[Any] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= batch_rows:
            yield _frame(waiting)
            waiting, rows = [], 0
    if rows:
        yield _frame(waiting)


def _frame(batches: list[Any]) -> pd.DataFrame:
    import pyarrow as pa

    # Text as categories: a handful of regimes in a million rows must not become a million strings.
    return pa.Table.from_batches(batches).to_pandas(strings_to_categorical=True, split_blocks=True)


def _files(path: str | Path) -> list[str]:
    place = Path(path)
    if place.is_dir():
        found = sorted(str(p) for p in place.glob("*.parquet"))
    elif place.exists():
        found = [str(place)]
    else:
        found = sorted(str(p) for p in place.parent.glob(place.name))
    if not found:
        raise InputError(f"{path}: there is no such file, and no Parquet file in such a folder")
    return found


def _check_rows(batch_rows: int) -> None:
    if batch_rows < 1:
        raise InputError(f"batch_rows = {batch_rows} must be 1 or more")
