"""The ``Fit`` object: a finished fit, and what to ask of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_hr import fitting
from bayes_hr.cards import Card
from bayes_hr.constants import SCHEMA_VERSION
from bayes_hr.errors import InputError
from bayes_hr.estimands.parameters import hyperparameters
from bayes_hr.estimands.summary import EstimandDraws, effects_table
from bayes_hr.estimands.truth import beside_truth
from bayes_hr.questions import question_of
from bayes_hr.storage import atomic_folder

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from bayes_hr.checks.reference import PermutedReference
    from bayes_hr.checks.result import Verdict
    from bayes_hr.progress import Progress

_CACHED: Final = ("estimands", "tables", "_effects", "_verdict")


@dataclass(frozen=True)
class Fit:
    """A finished fit: draws, card, provenance, and what to ask of them.

    Attributes
    ----------
    result
        The draws, the card with every default, and the provenance.
    reference
        The permuted-ratification reference, once it was computed.
    extra
        Tables that were kept with a saved fit, or need fits of their own (estimates of companion cards).
    truth
        True values of a simulated world (:func:`bayes_hr.estimands.truth.truth_table`); None for real data.
    """

    result: fitting.FitResult
    reference: PermutedReference | None = None
    truth: pd.DataFrame | None = None
    extra: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def data(self) -> xr.DataTree:
        """ArviZ tree: ``posterior``, ``sample_stats``, ``observed_data``, ``constant_data``."""
        return self.result.tree

    @property
    def card(self) -> Card:
        """The card with every default spelled out."""
        return self.result.card

    @cached_property
    def estimands(self) -> list[EstimandDraws]:
        """Draws of every estimand that the card asks for."""
        tree = self.result.tree
        posterior, rows = tree["posterior"].dataset, tree["constant_data"].dataset
        return question_of(self.card).estimands(self.card, posterior, rows)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables beside the effects, by name (``hypotheses``, ``identification``, ...); may be empty."""
        question = question_of(self.card)
        kept = (
            self.extra if set(question.table_names[:1]) <= set(self.extra) else question.tables(self.result)
        )
        return {**kept, **self.extra}

    def effects(self, by: str | None = None) -> pd.DataFrame:
        """Effects table of the contract.

        Parameters
        ----------
        by
            ``"regime"``, ``"contrast"``, ``"country"``, ``"average"`` of ratification, ``"probability"``
            of an ordinal outcome, ``"standard"`` and ``"cutpoint"`` of cut-points that move over the years,
            ``"long_run"`` of a lagged outcome, ``"between"`` of country means; ``"mean"``,
            ``"treaty"``, ``"treaty_regime"``, ``"contrast"`` and ``"country"`` of several treaties;
            ``"all"``, ``"state"``, ``"igo"``, ``"igo_type"`` of convergence; or ``"parameter"`` for the
            coefficients and hyperparameters; None for all that the card asks for.

        Raises
        ------
        InputError
            If the card does not ask for it, or there is no such kind.
        """
        if by == "parameter":
            return self._table([hyperparameters(self.data["posterior"].dataset)])
        if by is None:
            return self._effects.copy()
        self._chosen(by)
        return self._effects[self._effects["by"] == by].reset_index(drop=True)

    @cached_property
    def _effects(self) -> pd.DataFrame:
        """Every effect that the card asks for; diagnostics of hundreds of countries take seconds."""
        return self._table(self.estimands)

    def beside_truth(self) -> pd.DataFrame:
        """Effects of a simulated world with ``truth`` and ``covered`` (the interval holds it).

        Raises
        ------
        InputError
            If the data are not simulated.
        """
        if self.truth is None:
            raise InputError(f"card {self.card.id}: the truth is known of simulated worlds only.")
        return beside_truth(self.effects(), self.truth)

    def draws(self, by: str) -> xr.DataArray:
        """Draws behind :meth:`effects`, dims ``chain, draw, estimand``; labels like ``tau: transition``."""
        import numpy as np
        import xarray as xr

        chosen = self._chosen(by)
        names = [
            f"{e.estimand}: {level}" + (_suffix(e.estimand, reference) if reference else "")
            for e in chosen
            for level, reference in zip(e.levels, e.references, strict=True)
        ]
        values = np.concatenate([e.draws for e in chosen], axis=2)
        return xr.DataArray(values, dims=("chain", "draw", "estimand"), coords={"estimand": names}, name=by)

    def _chosen(self, by: str | None) -> list[EstimandDraws]:
        kinds = list(dict.fromkeys(e.by for e in self.estimands))
        chosen = [e for e in self.estimands if by is None or e.by == by]
        if not chosen:
            raise InputError(
                f"effects: by = {by!r} is not among those of card {self.card.id}: {', '.join(kinds)}."
            )
        return chosen

    def _table(self, estimands: list[EstimandDraws]) -> pd.DataFrame:
        rope = (self.card.rope.lower, self.card.rope.upper)
        ropes = question_of(self.card).ropes(self.card)
        return effects_table(estimands, scale=self.card.outcome.effect_scale, rope=rope, ropes=ropes)

    @cached_property
    def _verdict(self) -> Verdict:
        from bayes_hr.checks.verdict import check

        own = question_of(self.card).checks(self.result, self.tables)
        return check(self.result, self.estimands, own)

    def check(self) -> Verdict:
        """PASS, REVIEW or FAIL, with every check behind it and what to do."""
        return self._verdict

    def prior_predictive(self) -> pd.DataFrame:
        """What the priors alone say of the data, beside the data."""
        from bayes_hr.checks.predictive import prior_predictive

        return prior_predictive(fitting.design_of(self.result), seed=self.card.fit.seed)

    def permuted_reference(
        self,
        n: int = 100,
        *,
        seed: int = 0,
        folder: str | Path | None = None,
        progress: Progress | None = None,
        scheduler: Any = None,
    ) -> Fit:
        """Refit ``n`` times with permuted ratification years; returns a Fit that carries the comparison.

        See :mod:`bayes_hr.checks.reference`.  With a folder the work resumes after an interruption; with a
        scheduler (address or client of a dask.distributed cluster) refits run there.  A fit of
        a ratification card by the exact engine has one already, unless told otherwise.
        """
        from bayes_hr.checks.reference import permuted_reference

        given: Any = {"seed": seed, "folder": folder, "progress": progress, "scheduler": scheduler}
        found = permuted_reference(self.result, n=n, **given)
        out = replace(self, reference=found)
        # Nothing else depends on the reference: effects and verdict are not worked out twice.
        vars(out).update({k: v for k, v in vars(self).items() if k in _CACHED})
        return out

    def report(self, path: str | Path) -> Path:
        """Write the report, one self-contained HTML page.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        return question_of(self.card).write_report(self, Path(path))

    def export(self, folder: str | Path) -> Path:
        """Write tables (CSV, LaTeX) and figures (PDF, SVG) for a paper into a folder.

        Raises
        ------
        InputError
            If the folder cannot be written.
        """
        return question_of(self.card).export_tables(self, Path(folder))

    def summary(self) -> dict[str, Any]:
        """Verdict, settings and effects as JSON types (``summary.json``)."""
        verdict = self.check()
        table = self.effects()
        return {
            "schema_version": SCHEMA_VERSION,
            "card": self.card.id,
            "question": self.card.question,
            "verdict": verdict.status,
            "reasons": list(verdict.reasons),
            "rows": self.result.provenance["merge"]["rows_used"],
            "countries": self.result.provenance["merge"]["countries"],
            "fit": self.card.fit.model_dump(mode="json"),
            "versions": self.result.provenance["versions"],
            "seconds": self.result.provenance["seconds"],
            "effects": json.loads(table.to_json(orient="records")),
            "permuted_reference": None
            if self.reference is None
            else {
                "n": self.reference.n,
                "settings": self.reference.settings,
                "table": json.loads(self.reference.table.to_json(orient="records")),
            },
        }

    def save(self, folder: str | Path, *, page: bool = True) -> Path:
        """Write everything into a folder, whole or not at all.

        ``fit.nc, spec.toml, provenance.json, effects.csv, summary.json, report.html`` (and
        ``reference.csv``, ``truth.csv`` where there are any).

        Parameters
        ----------
        folder
            Made if it is not there; a fit in it is replaced.
        page
            Whether to write ``report.html``, which takes seconds.

        Raises
        ------
        InputError
            If the target is a file or somebody's folder, or the disk is full.
        """
        folder = Path(folder)
        with atomic_folder(folder) as work:
            fitting.write(self.result, work)
            self.effects().to_csv(work / "effects.csv", index=False)
            text = json.dumps(self.summary(), indent=2)
            (work / "summary.json").write_text(text + "\n", encoding="utf-8")
            if self.reference is not None:
                self.reference.table.to_csv(work / "reference.csv", index=False, na_rep="nan")
            for name, table in self.tables.items():
                table.to_csv(work / f"{name}.csv", index=False)
            if self.truth is not None:
                self.truth.to_csv(work / "truth.csv", index=False)
            if page:
                self.report(work / "report.html")
        return folder


def _suffix(estimand: str, reference: str) -> str:
    """What a reference adds to the name of an estimand's level."""
    events = dict.fromkeys(("probability", "standard", "cutpoint"), f", {reference}")
    suffixes = {**events, **dict.fromkeys(("contrast", "long_run"), f" - {reference}")}
    return suffixes.get(estimand, "")


def load_fit(folder: str | Path) -> Fit:
    """Load what :meth:`Fit.save` wrote, without loss.

    Raises
    ------
    InputError
        If the folder holds no fit, or a file in it is damaged.
    """
    import pandas as pd

    from bayes_hr.checks.reference import PermutedReference

    folder = Path(folder)
    result = fitting.read(folder)
    reference, truth = None, None
    if (folder / "reference.csv").is_file():
        table = pd.read_csv(folder / "reference.csv", keep_default_na=False, na_values=["nan"])
        told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["permuted_reference"]
        reference = PermutedReference(int(told["n"]), table, told.get("settings", {}))
    if (folder / "truth.csv").is_file():
        truth = pd.read_csv(folder / "truth.csv", keep_default_na=False)
    names = question_of(result.card).table_names
    kept = {n: _table(folder / f"{n}.csv") for n in names if (folder / f"{n}.csv").is_file()}
    return Fit(result, reference, truth, kept)


def _table(path: Path) -> pd.DataFrame:
    """A table that a fit was saved with; empty text stays empty text."""
    import pandas as pd

    table = pd.read_csv(path)
    text = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    # A column of nothing but empty text is read as numbers.
    text += [c for c in table.columns if table[c].isna().all() and c in {"flag", "text", "note", "reference"}]
    return table.astype(dict.fromkeys(text, "object")).fillna(dict.fromkeys(text, ""))
