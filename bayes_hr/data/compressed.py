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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from bayes_hr.data import compressed_io
from bayes_hr.data.messages import listed, nearest
from bayes_hr.data.user_frames import CANONICAL, numbers, whole_numbers
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

KEYS: Final = ("ccode", "year")
FACTS: Final = ("country", "regime", "ratification_year", "ratified")
"""Columns that say something of a country or country-year; one of the last two is needed."""


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
    facts = _check_columns(frame, names)
    frame = frame.reset_index(drop=True)
    keys = {key: _whole(frame, key) for key in KEYS}
    values = np.stack([numbers(frame, name).to_numpy() for name in names], axis=1)
    kept, dropped = _complete(values, names)
    if not kept.all():
        keys, values = {key: column[kept] for key, column in keys.items()}, values[kept]
        frame = frame[kept]
    cells, code = _cells(keys, frame[facts])
    means, scatter, low, high = _statistics(values, code, cells["rows"].to_numpy())
    _check_facts(cells)
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
    _check_facts(both)
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
    chunks: Iterable[pd.DataFrame], *, outcome: str, covariates: Sequence[str] = ()
) -> Compressed:
    """Statistics of rows that come in chunks, one chunk in memory at a time.

    Parameters
    ----------
    chunks : iterable of pandas.DataFrame
        As from :func:`bayes_hr.data.chunks.chunks_of_parquet`; the rows of a country-year may be spread over
        them.
    outcome, covariates
        As in :func:`compress`.

    Raises
    ------
    InputError
        As :func:`compress`, with the chunk; or if there are no rows.
    """
    found = _joined(_numbered(chunks, outcome, covariates))
    if found is None or found.n == 0:
        told = "; ".join(f"{reason}: {rows}" for reason, rows in found.dropped.items()) if found else "none"
        raise InputError(f"no complete rows to compress (dropped: {told})")
    return found


def _joined(parts: Iterable[Compressed]) -> Compressed | None:
    return reduce(lambda a, b: b if a is None else merge(a, b), parts, None)


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


def _check_columns(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The facts that the frame has; refuses what is missing, there twice, or has a fixed meaning."""
    if len(set(names)) < len(names):
        raise InputError(f"outcome and covariates must differ: {listed(names, 20)}")
    for name in (*KEYS, *names):
        if name not in frame.columns:
            raise InputError(f"missing column {name!r}; {nearest(name, list(frame.columns))}")
    taken = [name for name in names if name in (*CANONICAL, "rows")]
    if taken:
        raise InputError(f"column {taken[0]!r} has a fixed meaning; rename it to use it as a covariate")
    facts = [name for name in FACTS if name in frame.columns]
    if not {"ratification_year", "ratified"} & set(facts):
        raise InputError("missing column 'ratification_year' (the year, missing = never) or 'ratified' (0/1)")
    return facts


def _whole(frame: pd.DataFrame, key: str) -> Index:
    import pandas as pd

    values = frame[key]
    if key == "ccode" and not pd.api.types.is_numeric_dtype(values.dtype):
        text = values.notna() & pd.to_numeric(values.astype("object"), errors="coerce").isna()
        if text.any():
            row = int(text.to_numpy().argmax())
            raise InputError(
                f"column 'ccode' must hold whole numbers (COW); found text such as {values.iloc[row]!r} in "
                f"row {row}. Turn codes into COW numbers first (bayes_hr.to_cow)"
            )
    return whole_numbers(frame, key).to_numpy()


def _complete(values: Array, names: Sequence[str]) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Rows (n,) that miss nothing, and how many miss what; a row counts once, the outcome first."""
    import numpy as np

    kept, dropped = np.ones(len(values), dtype=bool), {}
    for k in (len(names) - 1, *range(len(names) - 1)):
        missing = np.isnan(values[:, k]) & kept
        if missing.any():
            dropped[f"{names[k]} missing"] = int(missing.sum())
            kept &= ~missing
    return kept, dropped


def _cells(keys: dict[str, Index], facts: pd.DataFrame) -> tuple[pd.DataFrame, Index]:
    """Cells sorted by country and year, and the cell of each row (n,); facts must not vary within one."""
    import numpy as np
    import pandas as pd

    ccode, year = keys["ccode"], keys["year"]
    if year.size and not (year.min() > 0 and year.max() < 10_000):
        bad = int(np.flatnonzero((year <= 0) | (year >= 10_000))[0])
        raise InputError(f"column 'year': {year[bad]} is no year (complete row {bad}, counting from 0)")
    place, seen = pd.factorize(ccode * 10_000 + year)
    order = np.argsort(seen)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    code, count = rank[place], np.bincount(rank[place], minlength=order.size)
    first = np.empty(order.size, dtype=np.int64)
    first[code[::-1]] = np.arange(code.size)[::-1]  # the last to be written is the first row
    cells = pd.DataFrame({"ccode": ccode[first], "year": year[first]})
    for name in facts.columns:
        labels = _fact(facts, name)
        number, found = pd.factorize(labels, sort=True, use_na_sentinel=True)
        if name == "country":  # names may differ: the first in the alphabet, however rows were cut
            least = np.full(order.size, len(found))
            np.minimum.at(least, code, np.where(number < 0, len(found), number))
            cells[name] = np.array([*found, None], dtype=object)[least]
            continue
        odd = np.flatnonzero(number != number[first][code])
        if odd.size:
            raise InputError(
                f"column {name!r} differs between rows of ccode {ccode[odd[0]]} in {year[odd[0]]}; it must "
                "be the same in all of them"
            )
        cells[name] = labels.iloc[first].to_numpy()
    return cells.assign(rows=count.astype(np.int64)), code


def _fact(facts: pd.DataFrame, name: str) -> pd.Series:
    """A fact as numbers or as text; missing stays missing."""
    import pandas as pd

    if name in {"ratification_year", "ratified"}:
        return numbers(facts.reset_index(drop=True), name)
    labels = facts[name].reset_index(drop=True)
    return labels if isinstance(labels.dtype, pd.CategoricalDtype) else labels.astype("object")


def _statistics(values: Array, code: Index, rows: Index) -> tuple[Array, Array, Array, Array]:
    """Means, scatter, smallest and largest by cell, of values (n, m) in cells (n,)."""
    import numpy as np

    size, m = rows.size, values.shape[1]
    low, high = np.full((size, m), np.inf), np.full((size, m), -np.inf)
    for k, column in enumerate(values.T):
        np.minimum.at(low[:, k], code, column)
        np.maximum.at(high[:, k], code, column)
    means = np.stack([np.bincount(code, v, minlength=size) for v in values.T], axis=1) / rows[:, None]
    means = np.where(low == high, low, means)  # the mean of equal values may round, and leave a scatter
    around = values - means[code]
    scatter = np.empty((size, m, m))
    for i in range(m):
        for j in range(i + 1):
            product = np.bincount(code, around[:, i] * around[:, j], minlength=size)
            scatter[:, i, j] = scatter[:, j, i] = product
    return means, scatter, low, high


def _check_facts(cells: pd.DataFrame) -> None:
    """Refuse two ratification years or classes of a country, or two indicators of a country-year."""
    wanted = {"ratification_year": ["ccode"], "regime": ["ccode"], "ratified": [*KEYS]}
    for name, key in wanted.items():
        if name not in cells.columns:
            continue
        pairs = cells[[*key, name]].drop_duplicates()
        twice = pairs.loc[pairs.duplicated(key), "ccode"]
        if len(twice):
            found = listed(sorted({int(code) for code in twice}), 10)
            raise InputError(f"{name} must be the same in all rows of a country; differs for ccode {found}")


def _placed(values: Any, at: Index, size: int, empty: float = 0.0) -> Array:
    """Values (c, ...) at their places among ``size`` cells; ``empty`` elsewhere."""
    import numpy as np

    out = np.full((size, *values.shape[1:]), empty)
    out[at] = values
    return out
