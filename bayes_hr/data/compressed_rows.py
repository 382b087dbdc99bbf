"""One chunk of rows on its way to statistics by cell (:mod:`bayes_hr.data.compressed`): checks and sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

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


def check_columns(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
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


def whole(frame: pd.DataFrame, key: str) -> Index:
    """A key as whole numbers (n,), refused with the row where it is not one."""
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


def complete(values: Array, names: Sequence[str]) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Rows (n,) that miss nothing, and how many miss what; a row counts once, the outcome first."""
    import numpy as np

    kept, dropped = np.ones(len(values), dtype=bool), {}
    for k in (len(names) - 1, *range(len(names) - 1)):
        missing = np.isnan(values[:, k]) & kept
        if missing.any():
            dropped[f"{names[k]} missing"] = int(missing.sum())
            kept &= ~missing
    return kept, dropped


def by_cell(keys: dict[str, Index], facts: pd.DataFrame) -> tuple[pd.DataFrame, Index]:
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


def statistics(values: Array, code: Index, rows: Index) -> tuple[Array, Array, Array, Array]:
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


def check_facts(cells: pd.DataFrame) -> None:
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
