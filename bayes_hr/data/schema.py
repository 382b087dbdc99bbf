"""What must hold of the rows of a panel, as data, and the last check before they become one.

Plain code: pandera does as much, but as a new dependency it would weigh more than these lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import TYPE_CHECKING, Final

from bayes_hr.data.messages import nearest
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

WHOLE, NUMBER, TEXT = "whole numbers", "numbers", "text"
_FITS: Final = {
    WHOLE: lambda value: isinstance(value, Real) and value % 1 == 0,
    NUMBER: lambda value: isinstance(value, Real),
    TEXT: lambda value: isinstance(value, str),
}


@dataclass(frozen=True)
class Column:
    """What must hold of a column: kind, range (both ends in), values on offer, whether it may be missing."""

    kind: str = NUMBER
    low: float = -inf
    high: float = inf
    among: tuple[str, ...] = ()
    missing: bool = False
    needed: bool = False


@dataclass(frozen=True)
class Schema:
    """Keys that no two rows share, columns, and columns that never fall within a country."""

    keys: tuple[str, ...]
    columns: dict[str, Column]
    rising: tuple[str, ...] = ()


_YEAR, _SD = Column(WHOLE, 1, 2200, needed=True), Column(NUMBER, 0, missing=True)
_SPELL: Final = Column(NUMBER, 1, 2200, missing=True, needed=True)
"""Missing in rows of states that never joined."""

_SHARED: Final = {"ccode": Column(WHOLE, 0, needed=True), "year": _YEAR, "country": Column(TEXT)}

SCHEMAS: Final = {
    "ratification": Schema(
        ("ccode", "year"),
        {
            **_SHARED,
            "ratified": Column(WHOLE, 0, 1, needed=True),
            "ratification_year": Column(NUMBER, 1, 2200, missing=True),
            "years_since": Column(NUMBER, -2200, 2200, missing=True),
            "regime": Column(TEXT),
        },
        rising=("ratified",),
    ),
    "treaties": Schema(("ccode", "year"), {**_SHARED, "regime": Column(TEXT)}),
    "convergence": Schema(
        ("ccode", "igo", "year"),
        {
            **_SHARED,
            **dict.fromkeys(("igo_name", "igo_type"), Column(TEXT)),
            **dict.fromkeys(("entry", "last"), _SPELL),
            **dict.fromkeys(("founder", "left_censored", "exits"), Column(NUMBER, 0, 1)),
            "igo": Column(TEXT, needed=True),
            "phase": Column(TEXT, among=("before", "during", "gap", "after", "never"), needed=True),
            "score_sd": _SD,
            "n_others": Column(WHOLE, 0),
        },
    ),
}
"""By kind of panel. Columns that a schema does not name are covariates: finite numbers, perhaps missing."""


def check_rows(frame: pd.DataFrame, name: str, outcome: str) -> None:
    """Refuse rows that are no panel of the kind `name`: InputError with column, row and value."""
    if (schema := SCHEMAS.get(name)) is None:
        raise InputError(f"unknown panel {name!r}; {nearest(name, SCHEMAS)}")
    columns = {f"{outcome}_sd": _SD, **schema.columns, outcome: Column(needed=True)}
    for column, rule in columns.items():
        if rule.needed and column not in frame.columns:
            raise InputError(f"panel {name}: missing column {column!r}; {nearest(column, frame.columns)}")
    for column in frame.columns:
        _check_column(frame, column, columns.get(column, Column(missing=True)))
    _refuse(frame, frame.duplicated(list(schema.keys)), schema.keys[-1], "its key is in an earlier row too")
    ordered = frame.sort_values(["ccode", "year"], kind="stable") if schema.rising else frame
    for column in schema.rising:
        falls = (ordered[column].diff() < 0) & (ordered["ccode"].diff() == 0)
        _refuse(ordered, falls, column, "must not fall within a country")


def _check_column(frame: pd.DataFrame, column: str, rule: Column) -> None:
    from pandas.api import types

    values = frame[column]
    tests = {WHOLE: types.is_integer_dtype, TEXT: types.is_string_dtype}
    if not rule.missing:
        _refuse(frame, values.isna(), column, "must not be missing")
    if not tests.get(rule.kind, types.is_numeric_dtype)(values):
        odd = values.notna() & ~values.map(_FITS[rule.kind]).astype(bool)
        wrong = odd if odd.any() else frame["ccode"].notna()  # values that fit, in a dtype that does not
        _refuse(frame, wrong, column, f"must hold {rule.kind} only, not {values.dtype}")
    if rule.among:
        _refuse(frame, ~values.isin(rule.among), column, f"must be one of {', '.join(rule.among)}")
    if rule.kind != TEXT:
        outside = values.notna() & ~(values.between(rule.low, rule.high) & (values.abs() < inf))
        _refuse(frame, outside, column, f"must be finite, and from {rule.low:g} to {rule.high:g}")


def _refuse(frame: pd.DataFrame, wrong: pd.Series, column: str, why: str) -> None:
    if wrong.any():
        row = frame.iloc[int(wrong.to_numpy(bool).argmax())]
        keys = ", ".join(f"{key} {row[key]}" for key in ("ccode", "igo", "year") if key in row)
        raise InputError(f"column {column!r}: {row[column]} in row {row.name} ({keys}) {why}; correct it")
