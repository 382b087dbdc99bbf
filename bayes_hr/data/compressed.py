r"""Rows of any number as one cell for each country-year, without loss for independent Gaussian errors.

All columns of a ratification model but the covariates are constant within a country-year.  The Gaussian
likelihood of the rows then reads them only through

- the number of rows of each cell and their means of outcome and covariates,
- the scatter within cells, :math:`S_c = \sum_{i \in c} (v_i - \bar v_c)(v_i - \bar v_c)'` of
  :math:`v` = (covariates, outcome).

Two parts of the rows are merged by the update of Chan, Golub & LeVeque (1983, *The American Statistician*,
doi 10.1080/00031305.1983.10483115), which loses no digits to large means; so rows may come in chunks, in any
order, from one machine or many.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bayes_hr import cluster
from bayes_hr.data import compressed_io, compressed_rows
from bayes_hr.data.compressed_rows import KEYS
from bayes_hr.data.user_frames import numbers
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    Part = Callable[[], Iterable[pd.DataFrame]]


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Compressed:
    """Sufficient statistics of rows, by cell (country-year).

    Attributes
    ----------
    outcome : str
        Name of the outcome.
    covariates : tuple of str
        Names of the k covariates.
    cells : pandas.DataFrame
        (C) rows sorted by ``ccode`` and ``year``: these, facts (``country, regime, ratification_year,
        ratified`` as the rows have them) and ``rows``, how many rows the cell stands for.
    means : array
        (C, k + 1) means of covariates and outcome, in their own units.
    scatter : array
        (C, k + 1, k + 1) sums of products of deviations from the cell's means.
    low, high : array
        (C, k + 1) smallest and largest value in the cell.
    dropped : dict of str to int
        Rows left out, by reason.
    """

    outcome: str
    covariates: tuple[str, ...]
    cells: pd.DataFrame
    means: Array
    scatter: Array
    low: Array
    high: Array
    dropped: dict[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """Covariates and outcome, in the order of the arrays."""
        return (*self.covariates, self.outcome)

    @property
    def n(self) -> int:
        """Rows that the cells stand for."""
        return int(self.cells["rows"].sum())

    @property
    def varying(self) -> tuple[str, ...]:
        """Names whose values differ within a cell: neither lagged nor filtered once compressed."""
        differs = (self.low != self.high).any(axis=0)
        return tuple(name for name, yes in zip(self.names, differs, strict=True) if yes)

    def frame(self) -> pd.DataFrame:
        """The cells as a country-year table: keys, facts, and means of covariates and outcome."""
        means = {name: self.means[:, k] for k, name in enumerate(self.names)}
        return self.cells.drop(columns="rows").assign(**means)

    def save(self, path: str | Path) -> Path:
        """Write to a Parquet file, whole or not at all.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        return compressed_io.write(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote, without loss.

        Raises
        ------
        InputError
            If the file is missing, damaged or something else.
        """
        return cls(**compressed_io.read(Path(path)))


def compress(frame: pd.DataFrame, *, outcome: str, covariates: Sequence[str] = ()) -> Compressed:
    """Sufficient statistics of rows that fit into memory.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any number of rows for each country-year: ``ccode`` (COW), ``year``, ``ratification_year`` (missing =
        never) or ``ratified``, perhaps ``regime`` and ``country``, the outcome and the covariates.
    outcome : str
        Column of the outcome.
    covariates : sequence of str
        Columns that a card shall be able to use, all others are left out. A row in which the outcome or one
        of these is missing is dropped, and counted by the first reason.

    Returns
    -------
    Compressed

    Raises
    ------
    InputError
        If a column is missing, holds no numbers or an infinite value, or a country has two ratification years
        or regime classes; names row or country.
    """
    import numpy as np

    names = (*covariates, outcome)
    facts = compressed_rows.check_columns(frame, names)
    frame = frame.reset_index(drop=True)
    keys = {key: compressed_rows.whole(frame, key) for key in KEYS}
    values = np.stack([numbers(frame, name).to_numpy() for name in names], axis=1)
    kept, dropped = compressed_rows.complete(values, names)
    if not kept.all():
        keys, values = {key: column[kept] for key, column in keys.items()}, values[kept]
        frame = frame[kept]
    cells, code = compressed_rows.by_cell(keys, frame[facts])
    means, scatter, low, high = compressed_rows.statistics(values, code, cells["rows"].to_numpy())
    compressed_rows.check_facts(cells)
    return Compressed(outcome, tuple(covariates), cells, means, scatter, low, high, dropped)


def merge(a: Compressed, b: Compressed) -> Compressed:
    """Statistics of the rows of both, equal to those of all rows at once but for rounding.

    Raises
    ------
    InputError
        If they are of different columns, or disagree on a country.
    """
    import numpy as np
    import pandas as pd

    parts = [(c.names, tuple(c.cells.columns)) for c in (a, b)]
    if parts[0] != parts[1]:
        raise InputError(f"compressed rows of different columns cannot be merged: {parts[0]} and {parts[1]}")
    both = pd.concat([a.cells, b.cells], ignore_index=True)
    pairs = both[list(KEYS)].to_numpy()
    _, first, code = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    at, size = np.split(code.ravel(), [len(a.cells)]), first.size
    cells = both.iloc[first].reset_index(drop=True)
    if "country" in cells:  # whichever chunk came first, the same name
        cells["country"] = both["country"].groupby(code.ravel()).min().to_numpy()
    compressed_rows.check_facts(both)
    n = [_placed(c.cells["rows"].to_numpy(float), i, size) for c, i in zip((a, b), at, strict=True)]
    mean = [_placed(c.means, i, size) for c, i in zip((a, b), at, strict=True)]
    delta, total = mean[1] - mean[0], n[0] + n[1]
    means = mean[0] + delta * (n[1] / total)[:, None]
    between = delta[:, :, None] * delta[:, None, :] * (n[0] * n[1] / total)[:, None, None]
    within = [_placed(c.scatter, i, size) for c, i in zip((a, b), at, strict=True)]
    low = np.minimum(*(_placed(c.low, i, size, np.inf) for c, i in zip((a, b), at, strict=True)))
    high = np.maximum(*(_placed(c.high, i, size, -np.inf) for c, i in zip((a, b), at, strict=True)))
    reasons = dict.fromkeys((*a.dropped, *b.dropped))
    dropped = {reason: a.dropped.get(reason, 0) + b.dropped.get(reason, 0) for reason in reasons}
    cells["rows"] = total.astype(np.int64)
    scatter = within[0] + within[1] + between
    return Compressed(a.outcome, a.covariates, cells, means, scatter, low, high, dropped)


def compress_chunks(
    chunks: Iterable[pd.DataFrame] | Iterable[Part],
    *,
    outcome: str,
    covariates: Sequence[str] = (),
    client: Any = None,
) -> Compressed:
    """Statistics of rows that come in chunks, one chunk in memory at a time.

    Parameters
    ----------
    chunks : iterable of pandas.DataFrame, or of callables
        As from :func:`bayes_hr.data.chunks.chunks_of_parquet`; the rows of a country-year may be spread over
        them. With a cluster: parts that its workers read themselves, each a function without arguments that
        gives its chunks, as from :func:`bayes_hr.data.chunks.parts_of_parquet`.
    outcome, covariates
        As in :func:`compress`.
    client : distributed.Client or str, optional
        A dask.distributed cluster, or its address. Merged in an order that depends on the number of parts
        alone.

    Raises
    ------
    InputError
        As :func:`compress`, with the chunk; or if there are no rows.
    """
    if client is None:
        found = _joined(_numbered(_frames(chunks), outcome, covariates))
    else:
        task = functools.partial(_part, outcome=outcome, covariates=tuple(covariates))
        found = cluster.reduced(client, task, [_checked_part(part) for part in chunks], _merge_found)
    if found is None or found.n == 0:
        told = "; ".join(f"{reason}: {rows}" for reason, rows in found.dropped.items()) if found else "none"
        raise InputError(f"no complete rows to compress (dropped: {told})")
    return found


def _frames(chunks: Iterable[Any]) -> Iterable[pd.DataFrame]:
    for chunk in chunks:
        if callable(chunk):
            yield from chunk()
        else:
            yield chunk


def _checked_part(part: Any) -> Part:
    if not callable(part):
        raise InputError(
            "with a cluster give parts that its workers read themselves, such as parts_of_parquet(path), not "
            "chunks that are read here: a table larger than memory would pile up in this process"
        )
    found: Part = part
    return found


def _part(number: int, part: Part, *, outcome: str, covariates: Sequence[str]) -> Compressed | None:
    """Statistics of one part; a task of a worker."""
    try:
        return _joined(_numbered(part(), outcome, covariates))
    except InputError as error:
        raise InputError(f"part {number} (from 0), {error}") from error


def _merge_found(a: Compressed | None, b: Compressed | None) -> Compressed | None:
    return merge(a, b) if a is not None and b is not None else a or b


def _joined(parts: Iterable[Compressed]) -> Compressed | None:
    return functools.reduce(lambda a, b: b if a is None else merge(a, b), parts, None)


def _numbered(
    chunks: Iterable[pd.DataFrame], outcome: str, covariates: Sequence[str]
) -> Iterable[Compressed]:
    start = 0
    for number, chunk in enumerate(chunks):
        try:
            yield compress(chunk, outcome=outcome, covariates=covariates)
        except InputError as error:
            raise InputError(f"chunk {number} (from 0; its row 0 is row {start} of all): {error}") from error
        start += len(chunk)


def _placed(values: Any, at: Index, size: int, empty: float = 0.0) -> Array:
    """Values (c, ...) at their places among ``size`` cells; ``empty`` elsewhere."""
    import numpy as np

    out = np.full((size, *values.shape[1:]), empty)
    out[at] = values
    return out
