"""What happened to the rows on the way to a panel: rows in, dropped with reasons, used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from bayes_hr.data.merge_parts import Duplicate, Loss, Missing, SourceMatch, losses, missing_cells, plain
from bayes_hr.data.messages import listed

if TYPE_CHECKING:
    import pandas as pd

ROWS: Final = "_rows"
"""Column that says for how many rows each row of a frame stands; absent: one."""

COVERED: Final = 0.5
"""Share of a year's rows from which on a variable is said to cover the year."""


@dataclass(frozen=True)
class DropStep:
    """Rows that were dropped for one reason.

    Attributes
    ----------
    reason : str
        Why.
    rows : int
        How many rows.
    countries : int
        How many countries lost their last row.
    detail : str
        Which countries or which variable.
    """

    reason: str
    rows: int
    countries: int
    detail: str = ""


@dataclass(frozen=True)
class MergeReport:
    """Rows in, dropped with reasons, used; and remarks on every merge.

    Attributes
    ----------
    rows_in : int
        Rows at the start.
    steps : tuple of DropStep
        What was dropped, in order.
    rows_used : int
        Rows left: ``rows_in`` less the rows of all steps.
    countries : int
        Countries left.
    years : tuple of int
        First and last year left.
    notes : tuple of str
        What was assumed, what is missing, where a source ends.
    matches : tuple of SourceMatch
        Matched and unmatched rows of each source.
    duplicates : tuple of Duplicate
        What was there twice, and which was kept.
    missing : tuple of Missing
        Missing values by variable and decade, before rows are dropped for them.
    losses : tuple of Loss
        What a listwise deletion over these variables loses, by each alone and by all jointly.
    """

    rows_in: int
    steps: tuple[DropStep, ...]
    rows_used: int
    countries: int
    years: tuple[int, int]
    notes: tuple[str, ...] = ()
    matches: tuple[SourceMatch, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    missing: tuple[Missing, ...] = ()
    losses: tuple[Loss, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a report whose rows do not add up."""
        lost = self.rows_in - sum(step.rows for step in self.steps) - self.rows_used
        if lost:
            raise ValueError(f"merge report: {lost} row(s) unaccounted for; this is a bug in bayes_hr")

    @classmethod
    def of(
        cls, rows_in: int, frame: pd.DataFrame, steps: Iterable[DropStep], notes: Iterable[str] = ()
    ) -> Self:
        """Report on `frame` (columns ``ccode``, ``year``) as what is left of `rows_in` rows."""
        years = (int(frame["year"].min()), int(frame["year"].max())) if len(frame) else (0, 0)
        return cls(rows_in, tuple(steps), rows_of(frame), int(frame["ccode"].nunique()), years, tuple(notes))

    def extend(self, frame: pd.DataFrame, *steps: DropStep, notes: Iterable[str] = ()) -> MergeReport:
        """The report after further `steps` that left `frame`.

        Parameters
        ----------
        frame : pandas.DataFrame
            What is left (``ccode``, ``year``).
        *steps : DropStep
            As :func:`drop_rows` returned them.
        notes : iterable of str
            Further remarks.

        Returns
        -------
        MergeReport
        """
        after = MergeReport.of(self.rows_in, frame, (*self.steps, *steps), (*self.notes, *notes))
        parts: dict[str, Any] = {name: getattr(self, name) for name in _PARTS}
        return replace(after, **parts)

    def with_notes(self, *notes: str) -> MergeReport:
        """The report with further remarks."""
        return replace(self, notes=(*self.notes, *notes))

    def with_missing(self, frame: pd.DataFrame, columns: Iterable[str] | Mapping[str, str]) -> MergeReport:
        """The report with the missing values of `columns` in `frame`, and what needing them would lose.

        Parameters
        ----------
        frame : pandas.DataFrame
            Rows (``ccode``, ``year``, perhaps ``country``) before any is dropped for a missing value.
        columns : iterable of str, or mapping of name to column
            Variables.

        Returns
        -------
        MergeReport
        """
        return replace(self, missing=missing_cells(frame, columns), losses=losses(frame, columns))

    @property
    def remarks(self) -> tuple[str, ...]:
        """Matches, duplicates and notes, a line each."""
        matches = (match.to_text() for match in self.matches)
        return (*matches, *(twice.to_text() for twice in self.duplicates), *self.notes)

    def to_text(self) -> str:
        """The report for a terminal or a text file."""
        lines = [f"rows in     {self.rows_in:>8,}"]
        for step in self.steps:
            lost = f"; {step.countries} countries lost entirely" if step.countries else ""
            detail = f" ({step.detail})" if step.detail else ""
            lines.append(f"dropped     {step.rows:>8,}  {step.reason}{detail}{lost}")
        used = (
            f"rows used   {self.rows_used:>8,}  {self.countries} countries, {self.years[0]}-{self.years[1]}"
        )
        return "\n".join([*lines, used, *(f"- {remark}" for remark in self.remarks)])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "steps": [asdict(s) for s in self.steps], "years": list(self.years)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_dict`; parts that an older version did not write are empty."""
        steps = tuple(DropStep(**step) for step in data["steps"])
        first, last = data["years"]
        rest = {key: data[key] for key in ("rows_in", "rows_used", "countries")}
        report = cls(**rest, steps=steps, years=(first, last), notes=tuple(data["notes"]))
        parts: dict[str, Any] = {
            name: tuple(kind(**plain(part)) for part in data.get(name, ())) for name, kind in _PARTS.items()
        }
        return replace(report, **parts)


_PARTS: Final[dict[str, Any]] = {
    "matches": SourceMatch,
    "duplicates": Duplicate,
    "missing": Missing,
    "losses": Loss,
}
"""What a report holds as data besides steps and notes, by field."""


def rows_of(frame: pd.DataFrame) -> int:
    """Rows that a frame stands for (:data:`ROWS`)."""
    return int(frame[ROWS].sum()) if ROWS in frame.columns else len(frame)


def drop_rows(
    frame: pd.DataFrame, mask: pd.Series, reason: str, *, detail: str | None = None
) -> tuple[pd.DataFrame, DropStep]:
    """Drop the rows where `mask` is true, and count them.

    Parameters
    ----------
    frame : pandas.DataFrame
        Has ``ccode``, and perhaps ``country``.
    mask : pandas.Series of bool
        True where a row goes.
    reason : str
        Why, for people.
    detail : str, optional
        Which countries or variable; default: the countries that lost most rows.

    Returns
    -------
    frame : pandas.DataFrame
        What is left, with a fresh index.
    step : DropStep
    """
    gone, kept = frame[mask], frame[~mask].reset_index(drop=True)
    lost = set(gone["ccode"]) - set(kept["ccode"])
    if detail is None:
        label = "country" if "country" in frame.columns else "ccode"
        counts = gone.groupby(label)[ROWS].sum() if ROWS in frame.columns else gone[label].value_counts()
        detail = listed((f"{name}: {n}" for name, n in counts.items()), 5)
    return kept, DropStep(reason, rows_of(gone), len(lost), detail)


def missing_notes(frame: pd.DataFrame, columns: Iterable[str]) -> tuple[str, ...]:
    """One remark per column with missing values: how many rows, and the years it mostly covers."""
    notes = []
    for column in columns:
        known = frame.loc[frame[column].notna(), "year"]
        missing = len(frame) - len(known)
        if not missing:
            continue
        share = frame[column].notna().groupby(frame["year"]).mean()
        usual = share.index[share >= COVERED]
        covers = (
            f"half of the rows or more in {usual.min()}-{usual.max()}" if len(usual) else "mostly missing"
        )
        notes.append(f"{column}: missing in {missing:,} of {len(frame):,} rows; {covers} (rows are kept)")
    return tuple(notes)


def missingness(frame: pd.DataFrame, columns: Iterable[str] | None = None) -> pd.DataFrame:
    """Share of missing values by variable (rows) and decade (columns).

    Parameters
    ----------
    frame : pandas.DataFrame
        Has ``year``.
    columns : iterable of str, optional
        Variables; default: every column but ``ccode`` and ``year``.

    Returns
    -------
    pandas.DataFrame
        Shares from 0 to 1; columns are decades (1950 for 1950-59).
    """
    names = [c for c in frame.columns if c not in {"ccode", "year"}] if columns is None else list(columns)
    decade = frame["year"] // 10 * 10
    return frame[names].isna().groupby(decade).mean().T.rename_axis(index="variable", columns="decade")
