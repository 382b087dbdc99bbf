"""Pieces of a merge report: what matched, what was there twice, what is missing, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from bayes_hr.data.messages import listed

if TYPE_CHECKING:
    import pandas as pd

JOINTLY: Final = "all of them"
"""Name of the line of a listwise table in which every variable is needed at once."""


@dataclass(frozen=True)
class SourceMatch:
    """Rows of a source that found their country-year (or country) in the panel, and those that did not.

    Attributes
    ----------
    source, variable : str
        Source id, and what it gives.
    rows, matched, unmatched : int
        Rows of the source within the panel's years: ``matched + unmatched``.
    codes : tuple of int
        COW numbers with an unmatched row, sorted.
    names : tuple of str
        Their names, in that order.
    years : tuple of int
        First and last year of the source; zeros if its rows have no year.
    """

    source: str
    variable: str
    rows: int
    matched: int
    unmatched: int
    codes: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    years: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        """Refuse a match whose rows do not add up."""
        if self.rows != self.matched + self.unmatched or len(self.codes) != len(self.names):
            raise ValueError(f"match of {self.source}: its rows do not add up; this is a bug in bayes_hr")

    @classmethod
    def of(
        cls,
        source: str,
        variable: str,
        values: pd.DataFrame,
        panel: pd.DataFrame,
        names: Mapping[int, str],
    ) -> Self:
        """Match `values` (``ccode`` and perhaps ``year``) with `panel` (``ccode``, ``year``).

        Rows outside the panel's years are not counted; `names` maps a COW number to a name.
        """
        keys, years = ["ccode"], (0, 0)
        if "year" in values.columns:
            keys, years = ["ccode", "year"], (int(values["year"].min()), int(values["year"].max()))
            values = values[values["year"].between(panel["year"].min(), panel["year"].max())]
        found = values[keys].merge(panel[keys].drop_duplicates(), on=keys, how="left", indicator=True)
        lost = found.loc[found["_merge"] == "left_only", "ccode"]
        codes = tuple(sorted({int(code) for code in lost}))
        named = tuple(str(names.get(code, f"COW {code}")) for code in codes)
        return cls(source, variable, len(found), len(found) - len(lost), len(lost), codes, named, years)

    def to_text(self) -> str:
        """A line for people."""
        years = f", {self.years[0]}-{self.years[1]}" if any(self.years) else ""
        who = (f"{name} ({code})" for name, code in zip(self.names, self.codes, strict=True))
        lost = f"; not in the panel: {listed(who, 12)}" if self.codes else ""
        what = "rows within the panel's years" if any(self.years) else "states"
        return (
            f"{self.variable} ({self.source}{years}): {self.matched:,} of {self.rows:,} {what} matched{lost}"
        )


@dataclass(frozen=True)
class Duplicate:
    """Two values for one thing, and which was kept.

    Attributes
    ----------
    variable : str
        Of what.
    ccode : int
        COW number.
    country : str
        Its name.
    kept, given : str
        The value kept, and the values that the sources give.
    rule : str
        Why.
    """

    variable: str
    ccode: int
    country: str
    kept: str
    given: str
    rule: str

    def to_text(self) -> str:
        """A line for people."""
        return (
            f"{self.variable}, {self.country} ({self.ccode}): {self.kept}; sources: {self.given}; {self.rule}"
        )


@dataclass(frozen=True)
class Missing:
    """Rows of a decade (1950: 1950-59), and those in which a variable is missing."""

    variable: str
    decade: int
    rows: int
    missing: int


@dataclass(frozen=True)
class Loss:
    """What is lost if every row must have a variable (or, :data:`JOINTLY`, all variables).

    Attributes
    ----------
    variable : str
        Which.
    rows, countries : int
        Rows lost, and countries that lose their last row.
    names : tuple of str
        Names of these countries, sorted.
    """

    variable: str
    rows: int
    countries: int
    names: tuple[str, ...] = ()


def labelled(columns: Iterable[str] | Mapping[str, str]) -> dict[str, str]:
    """Name to column, for columns that are named by themselves or by a mapping."""
    return dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}


def missing_cells(frame: pd.DataFrame, columns: Iterable[str] | Mapping[str, str]) -> tuple[Missing, ...]:
    """Missing values of each variable and decade.

    Parameters
    ----------
    frame : pandas.DataFrame
        Has ``year``.
    columns : iterable of str, or mapping of name to column
        Variables.

    Returns
    -------
    tuple of Missing
        By variable in the order given, then decade; every decade that has a row.
    """
    decade = frame["year"] // 10 * 10
    return tuple(
        Missing(name, int(start), len(values), int(values.sum()))
        for name, column in labelled(columns).items()
        for start, values in frame[column].isna().groupby(decade)
    )


def missing_table(cells: Iterable[Missing]) -> pd.DataFrame:
    """Share of missing values, variables (rows) by decades that have rows (columns)."""
    import pandas as pd

    table: dict[str, dict[int, float]] = {}
    for cell in cells:
        table.setdefault(cell.variable, {})[cell.decade] = cell.missing / cell.rows
    out = pd.DataFrame.from_dict(table, orient="index", dtype="float64")
    return out[sorted(out.columns)].rename_axis(index="variable", columns="decade")


def losses(frame: pd.DataFrame, columns: Iterable[str] | Mapping[str, str]) -> tuple[Loss, ...]:
    """As :func:`listwise`, as plain values that a merge report can hold."""
    chosen = labelled(columns)
    names = frame["country"] if "country" in frame.columns else "COW " + frame["ccode"].astype(str)
    label = dict(zip(frame["ccode"].tolist(), names.tolist(), strict=True))
    masks = {name: frame[column].isna() for name, column in chosen.items()}
    masks[JOINTLY] = frame[list(chosen.values())].isna().any(axis=1)
    out = []
    for name, mask in masks.items():
        gone = set(frame.loc[mask, "ccode"]) - set(frame.loc[~mask, "ccode"])
        out.append(Loss(name, int(mask.sum()), len(gone), tuple(sorted(str(label[code]) for code in gone))))
    return tuple(out)


def listwise(frame: pd.DataFrame, columns: Iterable[str] | Mapping[str, str]) -> pd.DataFrame:
    """What a listwise deletion loses: by each variable alone, and by all of them jointly.

    Parameters
    ----------
    frame : pandas.DataFrame
        Has ``ccode``, and perhaps ``country``.
    columns : iterable of str, or mapping of name to column
        Variables that every row must have.

    Returns
    -------
    pandas.DataFrame
        ``variable`` (the last is :data:`JOINTLY`), ``rows`` (lost), ``countries`` (that lose their last
        row), ``names`` (of these, a tuple).
    """
    import pandas as pd

    return pd.DataFrame([asdict(loss) for loss in losses(frame, columns)])


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that came back from JSON, with lists as the tuples that they were."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
