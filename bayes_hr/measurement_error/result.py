"""Estimates with and without measurement error, side by side."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.checks.result import FAIL
from bayes_hr.storage import Kind, atomic_folder

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.cards import Card
    from bayes_hr.estimands.pooling import PooledDraws

POOLED, PLUG_IN, KNOWN_SD = "over draws of the score", "score as it stands", "error of known SD"
"""Labels of the estimates: with measurement error, without, and with an independent error of known SD."""

SCORE_REFITS: Final = Kind(
    "measurement-error result",
    "measurement.json",
    frozenset({"measurement.json", "effects.csv", "variance.csv", "refits.csv", "report.html"}),
)
"""Files of a saved result."""


@dataclass(frozen=True, eq=False)  # frames have no single truth value
class PooledFit:
    """Estimates with and without the measurement error of a score.

    Attributes
    ----------
    card
        The card, every default spelled out; scale and centre of the outcome are those of the score as it
        stands, also in the refits.
    table
        The contract's effects table (``by``: those that head its question) of each way, with ``choice``
        (:data:`POOLED`, :data:`PLUG_IN`, and :data:`KNOWN_SD` if it was asked for) in front and ``verdict``
        behind.  Pooled rows: ``r_hat`` is the worst of the refits, ESS their sum, ``mcse_mean`` from how much
        their means differ.
    variance
        One row for each pooled effect: :func:`bayes_hr.estimands.pooling.variance_parts` (``share``: of
        measurement in the variance), with ``pooled_sd, plug_in_sd`` and ``wider`` (their ratio); NaN without
        a mean.
    fits
        One row for each fit, those of the score as it stands first, then ``draw 1, ...``: the columns of
        :attr:`bayes_hr.comparison.Comparison.fits` without the changes, ``pooled`` (whether it counts) and
        ``seconds`` (of a refit, verdict included; else NaN).
    estimands
        Pooled draws behind the table.
    facts
        Of the draws: ``origin, approximate, digest, supplied, used`` (their numbers), ``unmatched``
        (country-years with draws that the card does not use), ``correlation`` and ``difference`` of their
        means with the score, ``sd`` (median over rows), ``autocorrelation`` of their deviations from year to
        year, ``unit, centre``.
    """

    card: Card
    table: pd.DataFrame
    variance: pd.DataFrame
    fits: pd.DataFrame
    estimands: list[PooledDraws]
    facts: dict[str, Any]

    @property
    def refits(self) -> pd.DataFrame:
        """Rows of :attr:`fits` that are of a draw."""
        return self.fits[~self.fits["choice"].isin([PLUG_IN, KNOWN_SD])].reset_index(drop=True)

    @property
    def failed(self) -> list[str]:
        """Fits with verdict FAIL: refits are not pooled, others not to be read."""
        return self.fits.loc[self.fits["verdict"] == FAIL, "choice"].tolist()

    def report(self, path: str | Path) -> Path:
        """Write the report, one self-contained HTML page.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        from bayes_hr.reporting.measurement import write_report

        return write_report(self, Path(path))

    def save(self, folder: str | Path) -> Path:
        """Write ``measurement.json``, three tables (CSV) and ``report.html``, whole or not at all.

        ``effects.csv, variance.csv`` and ``refits.csv`` are :attr:`table`, :attr:`variance`, :attr:`fits`.

        Raises
        ------
        InputError
            If the target is a file or somebody's folder, or the disk is full.
        """
        folder = Path(folder)
        with atomic_folder(folder, SCORE_REFITS) as work:
            self.table.to_csv(work / "effects.csv", index=False)
            self.variance.to_csv(work / "variance.csv", index=False)
            self.fits.to_csv(work / "refits.csv", index=False)
            frames = {"effects": self.table, "variance": self.variance, "fits": self.fits}
            summary = {
                "card": self.card.id,
                "question": self.card.question,
                "draws": {k: None if _is_nan(v) else v for k, v in self.facts.items()},
                **{name: json.loads(frame.to_json(orient="records")) for name, frame in frames.items()},
            }
            (work / "measurement.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
            self.report(work / "report.html")
        return folder


def _is_nan(value: Any) -> bool:
    """JSON has no NaN."""
    return isinstance(value, float) and math.isnan(value)
