"""Check a user's own rows, one clear message per mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_hr.data.code_columns import suggestion
from bayes_hr.data.messages import listed, nearest
from bayes_hr.data.regimes import NO_SCORE
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

CANONICAL: Final = ("ccode", "year", "country", "ratified", "ratification_year", "years_since", "regime")
"""Columns with a fixed meaning in every ratification panel."""

NAMES: Final = ("ratification", "treaties", "convergence")
"""Kinds of panel that a user's frame can become."""


@dataclass(frozen=True)
class Checked:
    """A user's frame with canonical names and plain dtypes.

    Attributes
    ----------
    frame : pandas.DataFrame
        All rows, also those without an outcome; without ``ratified`` and ``years_since``.
    order : list of str
        Columns of the panel to be.
    covariates : tuple of str
        Covariates kept.
    notes : tuple of str
        What was assumed.
    unused : tuple of str
        Columns left out: text, or not asked for.
    """

    frame: pd.DataFrame
    order: list[str]
    covariates: tuple[str, ...]
    notes: tuple[str, ...]
    unused: tuple[str, ...] = ()


def check(
    df: pd.DataFrame,
    *,
    outcome: str,
    columns: Mapping[str, str] | None = None,
    covariates: Sequence[str] | None = None,
) -> Checked:
    """A ratification panel's canonical names and plain dtypes, and what must hold of a row or country.

    Parameters
    ----------
    df, outcome, columns, covariates
        As in :meth:`bayes_hr.data.panel.Panel.from_frame`.

    Returns
    -------
    Checked

    Raises
    ------
    InputError
        At the first mistake.
    """
    import pandas as pd

    frame = renamed(df, columns or {}, ("ccode", "year", outcome))
    if not {"ratification_year", "ratified"} & set(frame.columns):
        raise InputError(
            "missing column 'ratification_year' (the year, missing = never) or 'ratified' (0/1); "
            f"{nearest('ratification_year', df.columns)}"
        )
    out = pd.DataFrame({"ccode": ccodes(frame), "year": whole_numbers(frame, "year")})
    _no_duplicates(out)
    out[outcome] = outcome_values(frame, outcome, CANONICAL)
    own = (f"{outcome}_sd", f"{outcome}_original")
    optional = [column for column in own if column in frame.columns]
    kept = covariate_names(frame, {*CANONICAL, outcome, *own}, covariates)
    for column in (*optional, *kept):
        out[column] = numbers(frame, column)
    out["ratification_year"], notes = _ratification(frame, out)
    out["country"] = countries(frame, out)
    out["regime"], regime_notes = _regime(frame, out)
    order = ["ccode", "year", "country", outcome, *optional, "ratified", "ratification_year", "years_since"]
    unused = tuple(column for column in frame.columns if column not in {*out.columns, *order})
    if unused:
        notes = (*notes, f"columns that are not used (text, or not asked for): {listed(unused, 20)}")
    return Checked(out, [*order, "regime", *kept], tuple(kept), (*notes, *regime_notes), unused)


def check_identified(frame: pd.DataFrame, outcome: str) -> None:
    """Refuse rows from which no effect of ratification can be learned.

    Raises
    ------
    InputError
        If the outcome is constant, no row is ratified, or every row is.
    """
    if frame[outcome].nunique() < 2:
        raise InputError(f"column {outcome!r} has the same value in every row ({frame[outcome].iloc[0]})")
    if not frame["ratified"].any():
        raise InputError("no row is ratified: no country has a ratification year within its years of data")
    if frame["ratified"].all():
        raise InputError("every row is ratified: there is no row before a ratification to compare with")


def numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column as float64.

    Raises
    ------
    InputError
        If it holds text, dates or an infinite value; names the column, row and value.
    """
    import numpy as np
    import pandas as pd

    values = frame[column]
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        raise InputError(f"column {column!r} holds dates; give plain numbers (for a date, its year)")
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    converted = pd.to_numeric(values, errors="coerce")
    wrong = np.flatnonzero(converted.isna() & values.notna())
    if wrong.size:
        row = int(wrong[0])
        raise InputError(
            f"column {column!r} must hold numbers; found text such as {values.iloc[row]!r} in row {row} "
            f"(counting from 0; {wrong.size} row(s) in all)"
        )
    out = pd.Series(converted.to_numpy(dtype="float64", na_value=np.nan), name=column)
    infinite = np.flatnonzero(np.isinf(out))
    if infinite.size:
        raise InputError(
            f"column {column!r} has an infinite value in row {int(infinite[0])} (counting from 0)"
        )
    return out


def whole_numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column as int64.

    Raises
    ------
    InputError
        If a value is missing, not a number or not whole.
    """
    import numpy as np

    values = numbers(frame, column)
    missing = np.flatnonzero(values.isna())
    if missing.size:
        raise InputError(f"column {column!r} is missing in row {int(missing[0])} (counting from 0)")
    broken = np.flatnonzero(values % 1 != 0)
    if broken.size:
        row = int(broken[0])
        raise InputError(f"column {column!r} must hold whole numbers; found {values.iloc[row]} in row {row}")
    return values.astype("int64")


def renamed(df: pd.DataFrame, columns: Mapping[str, str], needed: Sequence[str]) -> pd.DataFrame:
    """A user's frame with canonical column names and a fresh index.

    Parameters
    ----------
    df : pandas.DataFrame
    columns : mapping of str to str
        Canonical name to the name in `df`.
    needed : sequence of str
        Canonical names that must be there.

    Raises
    ------
    InputError
        If `df` is no plain, filled frame, or a column is missing; names the nearest.
    """
    import pandas as pd

    if not isinstance(df, pd.DataFrame):
        raise InputError(f"a pandas DataFrame is needed; got {type(df).__name__}")
    if df.columns.nlevels > 1 or not all(isinstance(column, str) for column in df.columns):
        raise InputError("column names must be plain text (no MultiIndex, no numbers)")
    twice = df.columns[df.columns.duplicated()]
    if len(twice):
        raise InputError(f"column name(s) used twice: {listed(twice)}")
    if df.empty:
        raise InputError("the panel is empty: it has no rows")
    for canonical, theirs in columns.items():
        if theirs not in df.columns:
            raise InputError(
                f"columns={{{canonical!r}: {theirs!r}}}: no such column; {nearest(theirs, df.columns)}"
            )
    replaced = [column for column in columns if column in df.columns and column not in columns.values()]
    frame = df.drop(columns=replaced).rename(columns={theirs: ours for ours, theirs in columns.items()})
    for column in needed:
        if column not in frame.columns:
            raise InputError(
                f"missing column {column!r}; {nearest(column, df.columns)}. If it has another name, say so: "
                f"columns={{{column!r}: '...'}} (--column {column}=...)."
                f"{suggestion(df.columns) if column == 'ccode' else ''}"
            )
    return frame.reset_index(drop=True).infer_objects()


def ccodes(frame: pd.DataFrame) -> pd.Series:
    """The column ``ccode`` as int64.

    Raises
    ------
    InputError
        If it holds names, or a value that is missing or not whole.
    """
    import pandas as pd

    values = frame["ccode"]
    text = pd.to_numeric(values.astype("object"), errors="coerce").isna() & values.notna()
    if text.any():
        row = int(text.to_numpy().argmax())
        raise InputError(
            f"ccode must be whole numbers (COW); found text such as {values.iloc[row]!r} in row {row}. "
            "For names or other codes say which: codes='iso3', 'iso2', 'gw', 'vdem', 'cowc', 'name' (--codes)"
        )
    return whole_numbers(frame, "ccode")


def _no_duplicates(keys: pd.DataFrame) -> None:
    twice = keys[keys.duplicated(["ccode", "year"])].drop_duplicates()
    if len(twice):
        found = listed((f"{c}-{y}" for c, y in zip(twice["ccode"], twice["year"], strict=True)), 3)
        raise InputError(f"duplicate country-year(s) (ccode-year): {found}; keep one row of each")


def outcome_values(frame: pd.DataFrame, outcome: str, fixed: Sequence[str]) -> pd.Series:
    """The outcome column as float64.

    Raises
    ------
    InputError
        If its name is one of `fixed`, or it holds no number.
    """
    if outcome in fixed:
        raise InputError(f"column {outcome!r} has a fixed meaning and cannot be the outcome; rename it")
    values = numbers(frame, outcome)
    if values.isna().all():
        raise InputError(f"column {outcome!r} (the outcome) is missing in every row")
    return values


def covariate_names(frame: pd.DataFrame, taken: Set[str], asked: Sequence[str] | None) -> list[str]:
    """Covariates: those asked for, or every numeric column whose name is not `taken`.

    Raises
    ------
    InputError
        If one asked for does not exist or is `taken`.
    """
    import pandas as pd

    if asked is None:
        numeric = [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c].dtype)]
        return [column for column in numeric if column not in taken]
    for column in asked:
        if column not in frame.columns:
            raise InputError(f"covariate {column!r}: no such column; {nearest(column, frame.columns)}")
        if column in taken:
            raise InputError(
                f"covariate {column!r} has a fixed meaning in the panel and cannot be a covariate"
            )
    return list(dict.fromkeys(asked))


def _ratification(frame: pd.DataFrame, keys: pd.DataFrame) -> tuple[pd.Series, tuple[str, ...]]:
    if "ratification_year" not in frame.columns:
        return _from_indicator(frame, keys)
    years = numbers(frame, "ratification_year")
    if (years.dropna() % 1 != 0).any():
        raise InputError("column 'ratification_year' must hold whole years (missing = never ratified)")
    varies = _varying(keys, years)
    if varies:
        raise InputError(
            f"ratification_year must be the same in all rows of a country; differs for ccode {listed(varies)}"
        )
    if "ratified" in frame.columns:
        given = _indicator(frame)
        differs = given.notna() & (given != (keys["year"] >= years).astype("float64"))
        if differs.any():
            row = int(differs.to_numpy().argmax())
            raise InputError(
                f"ratified and ratification_year contradict each other for {_key(keys, row)}; "
                "leave one of them out"
            )
    return years, ()


def _from_indicator(frame: pd.DataFrame, keys: pd.DataFrame) -> tuple[pd.Series, tuple[str, ...]]:
    import pandas as pd

    rows = keys[["ccode", "year"]].assign(ratified=_indicator(frame))
    if rows["ratified"].isna().any():
        row = int(rows["ratified"].isna().to_numpy().argmax())
        raise InputError(
            f"column 'ratified' is missing for {_key(keys, row)}; fill it or give 'ratification_year'"
        )
    ordered = rows.sort_values(["ccode", "year"])
    back = ordered.groupby("ccode")["ratified"].diff() < 0
    if back.any():
        row = int(ordered.index[back][0])
        raise InputError(
            f"ratified goes back from 1 to 0 in {_key(keys, row)}: it must stay 1 once it is 1 "
            "(denunciations are not offered)"
        )
    first = ordered[ordered["ratified"] == 1].groupby("ccode")["year"].min()
    start = ordered.groupby("ccode")["year"].min()
    always = first.index[first == start.reindex(first.index)]
    years = pd.Series(keys["ccode"].map(first), dtype="float64")
    if not len(always):
        return years, ()
    text = "countries are ratified in their first row, so the true year is unknown; taken as that first year"
    return years, (f"{len(always)} {text} (ccode {listed(always, 10)})",)


def _indicator(frame: pd.DataFrame) -> pd.Series:
    values = numbers(frame, "ratified")
    other = values.notna() & ~values.isin([0, 1])
    if other.any():
        row = int(other.to_numpy().argmax())
        raise InputError(f"column 'ratified' must be 0 or 1; found {values.iloc[row]} in row {row}")
    return values


def _varying(keys: pd.DataFrame, values: pd.Series) -> list[int]:
    """Countries in which `values` is not the same in every row."""
    pairs = keys[["ccode"]].assign(value=values).drop_duplicates()
    return sorted(int(ccode) for ccode in set(pairs.loc[pairs["ccode"].duplicated(), "ccode"]))


def _key(keys: pd.DataFrame, row: int) -> str:
    return f"ccode {keys['ccode'].iloc[row]} in {keys['year'].iloc[row]} (row {row}, counting from 0)"


def countries(frame: pd.DataFrame, keys: pd.DataFrame) -> pd.Series:
    """Country names; "COW" and the number where there is none."""
    plain = "COW " + keys["ccode"].astype("str")
    if "country" not in frame.columns:
        return plain
    return frame["country"].astype("object").where(frame["country"].notna(), plain).astype("str")


def _regime(frame: pd.DataFrame, keys: pd.DataFrame) -> tuple[pd.Series, tuple[str, ...]]:
    import pandas as pd

    if "regime" not in frame.columns:
        regime = pd.Series("all", index=keys.index, dtype="str")
        return regime, ("regime: no such column; all countries are in one class, 'all'",)
    values = frame["regime"]
    missing = values.isna()
    regime = values.astype("object").where(~missing, NO_SCORE).astype("str")
    varies, notes = _varying(keys, regime), []
    if varies:
        notes.append(f"regime: changes within {len(varies)} countries: ccode {listed(varies)}")
    if missing.any():
        countries = keys.loc[missing, "ccode"].nunique()
        notes.append(
            f"regime: missing for {countries} countries ({int(missing.sum())} rows); put in class 'no score'"
        )
    return regime, tuple(notes)
