"""A panel: the rows of one question, with where they came from and what was dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bayes_hr.data import compressed_panel, joins, panel_io, user_codes, user_frames, user_treaties
from bayes_hr.data.codes import Unmatched
from bayes_hr.data.igo_options import COLUMNS, EXTRA_COLUMNS
from bayes_hr.data.merge import DropStep, MergeReport, drop_rows, missing_notes
from bayes_hr.data.messages import nearest
from bayes_hr.data.schema import check_rows
from bayes_hr.data.treatment import with_treatment
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.data.compressed import Compressed


@dataclass(frozen=True, eq=False)  # frames have no single truth value: compare digests
class Panel:
    """Rows of one question.

    Attributes
    ----------
    name : str
        Kind of panel (``"ratification"``, ``"treaties"`` or ``"convergence"``).
    frame : pandas.DataFrame
        The rows: one per country-year, sorted by ``ccode`` and ``year``; in a convergence panel one per
        state, IGO and year, sorted by ``ccode``, ``igo`` and ``year``. Columns as in :meth:`from_frame`.
    merge : MergeReport
        Rows in, dropped with reasons, used.
    sources : tuple of str
        Source ids; empty for a user's own data.
    options : dict
        How it was made: ``outcome``, ``treaty`` and so on; JSON types only.
    compressed : Compressed, optional
        Of a panel whose rows are cells (:meth:`from_compressed`): what stands behind them.
    """

    name: str
    frame: pd.DataFrame
    merge: MergeReport
    sources: tuple[str, ...] = ()
    options: dict[str, object] = field(default_factory=dict)
    compressed: Compressed | None = None

    def validate(self) -> Self:
        """The panel, after its rows have passed the schema: on every build and load, and when asked.

        Raises
        ------
        InputError
            With the column, row and value that break :data:`bayes_hr.data.schema.SCHEMAS`.
        """
        check_rows(self.frame, self.name, self.outcome)
        return self

    @property
    def outcome(self) -> str:
        """Name of the outcome column."""
        return str(self.options["outcome"])

    @property
    def unused(self) -> tuple[str, ...]:
        """Columns of a user's table that were left out: text, or not asked for."""
        names = self.options.get("unused", ())
        return tuple(names) if isinstance(names, list | tuple) else ()

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns without a fixed meaning: neither keys, outcome, treatment nor regime."""
        return tuple(
            column
            for column in self.frame.columns
            if column not in self._fixed and not column.startswith(user_treaties.COLUMNS)
        )

    @property
    def _fixed(self) -> set[str]:
        canonical = (*COLUMNS, *EXTRA_COLUMNS) if self.name == "convergence" else user_frames.CANONICAL
        return {*canonical, self.outcome, f"{self.outcome}_sd", f"{self.outcome}_original"}

    @classmethod
    def from_frame(
        cls,
        df: pd.DataFrame,
        *,
        outcome: str,
        name: str = "ratification",
        columns: Mapping[str, str] | None = None,
        covariates: Sequence[str] | None = None,
        treaty: str | None = None,
        codes: str = "cow",
        unmatched: Unmatched = "error",
    ) -> Self:
        """A panel of the user's own rows, as good as one of ours.

        Needed: ``ccode`` (whole number, COW), ``year``, the outcome, and ``ratification_year`` (missing =
        never) or ``ratified`` (0/1, which must stay 1 once it is 1; the first year with 1 becomes the
        ratification year). Optional: ``country`` (name), ``regime`` (text, one class per country unless the
        card's ``regime.rule`` is ``"time_varying"``; missing becomes "no score"), ``<outcome>_sd``, and
        covariates. Computed: ``ratified``, ``ratification_year``, ``years_since``. Rows without an outcome
        are dropped and counted; rows without a covariate are kept and counted (a design drops those that its
        card needs).

        A ``"treaties"`` panel has, in place of the columns of ratification, one
        ``ratification_year_<treaty>`` (missing = never) for each of two treaties or more;
        ``years_since_<treaty>`` are computed.

        A ``"convergence"`` panel needs ``ccode``, ``igo``, ``year``, ``phase`` ("before", "during", "gap",
        "after"), ``entry`` and ``last`` (years) and the outcome, such as ``distance``; the columns of
        :data:`bayes_hr.data.igo_options.COLUMNS` that are not there are computed where they follow from
        others, assumed where a note says so, or left out (``score``, ``score_sd``, ``igo_mean``,
        ``n_others``).
        :func:`bayes_hr.data.convergence_panel.convergence_from_frames` makes all of them from tables of
        memberships and scores.

        Parameters
        ----------
        df : pandas.DataFrame
            One row per country-year, or per state, IGO and year.
        outcome : str
            Name that the outcome shall have (and has, unless `columns` says otherwise).
        name : str
            Kind of panel: ``"ratification"``, ``"treaties"`` or ``"convergence"``.
        columns : mapping, optional
            Canonical name to the name in `df`, e.g. ``{"ccode": "cow", "year": "yr"}``.
        covariates : sequence of str, optional
            Numeric columns to keep; default: every other numeric column.
        treaty : str, optional
            What was ratified, for the report.
        codes : str
            Kind of code in ``ccode``, turned into COW numbers by year (:func:`bayes_hr.to_cow`): ``"iso3"``,
            ``"iso2"``, ``"gw"``, ``"vdem"``, ``"cowc"`` or ``"name"``. ``columns={"ccode": "iso3c"},
            codes="iso3"`` reads ISO3 codes from the column ``iso3c``. Default: COW numbers already.
        unmatched : {"error", "drop"}
            Whether a code without a COW number in its year is an error that names the nearest, or its rows
            are dropped and counted in the merge report.

        Returns
        -------
        Panel

        Raises
        ------
        InputError
            With the column, row or country-year that is wrong, and what to do.
        """
        if name not in user_frames.NAMES:
            raise InputError(f"unknown panel {name!r}; {nearest(str(name), user_frames.NAMES)}")
        if name != "ratification" and treaty is not None:
            raise InputError(f"treaty: a {name} panel has none, or its columns name them; leave it out")
        coded = user_codes.coded(df, columns, codes, unmatched)
        if name == "convergence":
            return cls._convergence(coded, outcome, covariates)
        if name == "treaties":
            return cls._treaties(coded, outcome, covariates)
        checked = user_frames.check(
            coded.frame, outcome=outcome, columns=coded.columns, covariates=covariates
        )
        frame, step = drop_rows(checked.frame, checked.frame[outcome].isna(), f"{outcome} missing")
        frame = with_treatment(frame)[checked.order].sort_values(["ccode", "year"]).reset_index(drop=True)
        user_frames.check_identified(frame, outcome)
        options: dict[str, object] = {"outcome": outcome, "treaty": treaty, "origin": "user's own data"}
        return cls._checked(name, frame, checked, (coded, step), options)

    @classmethod
    def from_compressed(cls, data: Compressed, *, treaty: str | None = None) -> Self:
        """A ratification panel of compressed rows (:func:`bayes_hr.compress_chunks`), a row for each cell.

        For cards with independent Gaussian errors, whose posterior is exactly that of all rows.

        Raises
        ------
        InputError
            As :meth:`from_frame`.
        """
        frame, merge, options = compressed_panel.rows(data, treaty)
        return cls("ratification", frame, merge, (), options, data).validate()

    @classmethod
    def _convergence(
        cls,
        coded: user_codes.Coded,
        outcome: str,
        covariates: Sequence[str] | None,
    ) -> Self:
        from bayes_hr.data import user_convergence

        checked = user_convergence.check(
            coded.frame, outcome=outcome, columns=coded.columns, covariates=covariates
        )
        frame, step = drop_rows(checked.frame, checked.frame[outcome].isna(), f"{outcome} missing")
        frame = frame[checked.order].sort_values(["ccode", "igo", "year"]).reset_index(drop=True)
        user_convergence.check_identified(frame, outcome)
        options: dict[str, object] = {"outcome": outcome, "origin": "user's own data"}
        return cls._checked("convergence", frame, checked, (coded, step), options)

    @classmethod
    def _treaties(cls, coded: user_codes.Coded, outcome: str, covariates: Sequence[str] | None) -> Self:
        checked = user_treaties.check(
            coded.frame, outcome=outcome, columns=coded.columns, covariates=covariates
        )
        frame, step = drop_rows(checked.frame, checked.frame[outcome].isna(), f"{outcome} missing")
        frame = frame[checked.order].sort_values(["ccode", "year"]).reset_index(drop=True)
        options: dict[str, object] = {"outcome": outcome, "origin": "user's own data"}
        return cls._checked("treaties", frame, checked, (coded, step), options)

    @classmethod
    def _checked(
        cls,
        name: str,
        frame: pd.DataFrame,
        checked: user_frames.Checked,
        dropped: tuple[user_codes.Coded, DropStep],
        options: dict[str, object],
    ) -> Self:
        coded, step = dropped
        notes = [*coded.notes, *checked.notes, *missing_notes(frame, [*checked.covariates])]
        steps = [*coded.steps, *([step] if step.rows else [])]
        rows_in = len(checked.frame) + sum(s.rows for s in coded.steps)
        merge = MergeReport.of(rows_in, frame, steps, notes).with_missing(frame, checked.covariates)
        options |= coded.origin
        options |= {"unused": list(checked.unused)} if checked.unused else {}
        return cls(name, frame, merge, (), options).validate()

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        outcome: str | None = None,
        name: str = "ratification",
        columns: Mapping[str, str] | None = None,
        covariates: Sequence[str] | None = None,
        treaty: str | None = None,
        codes: str = "cow",
        unmatched: Unmatched = "error",
    ) -> Self:
        """A panel from a CSV (UTF-8), Parquet or Stata file, by suffix.

        A Parquet file that :meth:`save` wrote comes back as it was, unless `columns` or `covariates` are
        given or `outcome` is another one.

        Parameters
        ----------
        path : str or Path
            ``.csv``, ``.parquet`` or ``.dta``.
        outcome, name, columns, covariates, treaty, codes, unmatched
            As in :meth:`from_frame`. In a CSV file, "NA" in the column of codes is Namibia's ISO2 code.

        Returns
        -------
        Panel

        Raises
        ------
        InputError
            If the file is missing, of another kind, damaged, or its rows are wrong.
        """
        path = Path(path)
        if (
            columns is None
            and covariates is None
            and codes == "cow"
            and path.suffix.lower() == ".parquet"
            and panel_io.is_panel(path)
        ):
            saved = cls.load(path)
            if outcome in {None, saved.outcome}:
                return saved
        if outcome is None:
            raise InputError(f"{path}: say which column is the outcome (outcome='...')")
        df = panel_io.read_table(path, text=None if codes == "cow" else (columns or {}).get("ccode", "ccode"))
        given: Any = {"columns": columns, "covariates": covariates, "treaty": treaty}
        return cls.from_frame(df, outcome=outcome, name=name, codes=codes, unmatched=unmatched, **given)

    def join(
        self,
        df: pd.DataFrame,
        *,
        columns: Sequence[str],
        on: Sequence[str] = ("ccode", "year"),
        codes: str = "cow",
        lag: int = 0,
        unmatched: Unmatched = "error",
    ) -> Self:
        """The panel with columns of another table as covariates, by country-year or by country.

        Rows of the panel without a partner stay, with a missing value; rows of `df` without one are left
        out. Both are counted in the notes of the merge report, and `options` say what was joined.

        Parameters
        ----------
        df : pandas.DataFrame
            One row per country-year, or per country.
        columns : sequence of str
            Columns of numbers to join, under names that the panel does not have.
        on : sequence of str
            Columns of `df` with the country and the year; the country alone for what does not change.
        codes : str
            Kind of code in the column of the country, as in :meth:`from_frame`.
        lag : int
            Years: the panel's year t gets the value of t - lag.
        unmatched : {"error", "drop"}
            Whether a code without a COW number is an error, or its row left out and counted.

        Returns
        -------
        Panel

        Raises
        ------
        InputError
            If a column is missing, no number, or a name that the panel has; if two rows have the same key; or
            if nothing matches.
        """
        taken = {*self.frame.columns, *self._fixed}
        given: Any = {"on": on, "codes": codes, "lag": lag, "unmatched": unmatched}
        joined = joins.joined(self.frame, df, columns=columns, taken=taken, **given)
        merge = self.merge.with_notes(*joined.notes, *missing_notes(joined.frame, columns))
        earlier = self.options.get("joined", [])
        origins = [*(earlier if isinstance(earlier, list) else []), joined.origin]
        return replace(self, frame=joined.frame, merge=merge, options={**self.options, "joined": origins})

    def save(self, path: str | Path) -> Path:
        """Write the panel to Parquet, with options, merge report and sources inside; whole or not at all.

        Raises
        ------
        InputError
            If the file cannot be written, or the panel is of compressed rows.
        """
        if self.compressed is not None:
            raise InputError(
                f"{path}: a panel of compressed rows is not saved; save what it is made of: "
                "panel.compressed.save(path), and later Panel.from_compressed(Compressed.load(path))"
            )
        provenance = {
            "name": self.name,
            "options": self.options,
            "sources": list(self.sources),
            "merge": self.merge.to_dict(),
        }
        return panel_io.write_panel(self.frame, provenance, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            If the file is missing, damaged, or not a saved panel, or its rows break the schema.
        """
        frame, found = panel_io.read_panel(Path(path))
        merge = MergeReport.from_dict(found["merge"])
        panel = cls(found["name"], frame, merge, tuple(found["sources"]), found["options"])
        return panel.validate()

    def digest(self) -> str:
        """SHA-256 of the panel's name and content.

        It does not depend on the order of rows or columns, nor on how numbers and strings are stored.

        Returns
        -------
        str
            Hexadecimal.
        """
        # `content_digest` sorts stably by ccode and year: sorted by IGO first, dyad-years have one order.
        frame = self.frame.sort_values("igo", kind="stable") if "igo" in self.frame.columns else self.frame
        own = panel_io.content_digest(frame, self.name)
        return own if self.compressed is None else compressed_panel.digest(own, self.compressed)
