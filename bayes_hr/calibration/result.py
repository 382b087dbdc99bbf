"""What a calibration found: ranks, a table by quantity, the verdict; saved and reported."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd

from bayes_hr.calibration.bands import (
    binomial_band,
    counts_below,
    simultaneous_band,
    uniformity_p_value,
)
from bayes_hr.calibration.quantities import quantities
from bayes_hr.calibration.worlds import DRAWS, ESS, LEVELS, inside_name
from bayes_hr.checks.convergence import R_HAT_REVIEW
from bayes_hr.checks.result import FAIL, PASS, REVIEW, CheckResult, Verdict, verdict_of
from bayes_hr.data.messages import listed as shortened
from bayes_hr.storage import Kind, atomic_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]

ALPHA: Final = 0.05
"""Probability that a calibrated engine has any quantity out of band; divided by the number of quantities."""

FEW_WORLDS: Final = 100
"""Fewer worlds than this show gross errors only."""

FEW_SHARE: Final = 0.05
"""Share of worlds in which a quantity may have too few independent draws before a REVIEW is asked for."""

CALIBRATION: Final = Kind(
    "calibration",
    "calibration.json",
    frozenset({"calibration.json", "calibration.csv", "ranks.csv", "ecdf.svg", "ecdf.pdf", "report.html"}),
)
"""Files of a saved calibration."""


@dataclass(frozen=True, eq=False)  # frames have no single truth value
class Calibration:
    """Simulation-based calibration and coverage of an engine on the worlds of a design.

    Attributes
    ----------
    subject
        What was calibrated: a card's id, or a design's name.
    ranks
        (worlds, quantities) rank, 0 to 99, of each world's truth among 99 posterior draws.
    table
        One row for each quantity: ``quantity, kind, in_band, p_value`` (probability that uniform ranks stray
        as far, anywhere), ``coverage_50, coverage_89`` (shares of intervals that cover), ``bias_z`` (mean of
        (posterior mean - truth) / posterior SD, times the root of the worlds: N(0, 1) if calibrated),
        ``z_sd`` (their SD: 1), ``contraction`` (share of the prior variance that the rows explain),
        ``few_draws`` and ``not_converged`` (worlds with bulk ESS under 198, with R-hat above 1.05),
        ``least_ess``, ``largest_r_hat``.
    facts
        How it was made, JSON types only: worlds, seed, engine, rows, settings, seconds.
    """

    ranked: ClassVar[int] = DRAWS
    """Number of posterior draws among which a truth is ranked."""

    needed: ClassVar[int] = ESS
    """Bulk ESS that these must come from."""

    probs: ClassVar[tuple[float, ...]] = LEVELS
    """Probabilities of the intervals whose coverage is counted."""

    subject: str
    ranks: pd.DataFrame
    table: pd.DataFrame
    facts: dict[str, Any]

    @property
    def worlds(self) -> int:
        """Number of simulated worlds."""
        return len(self.ranks)

    @property
    def passed(self) -> bool:
        """Whether every quantity is in its band."""
        return bool(self.table["in_band"].all())

    @property
    def level(self) -> float:
        """Probability of each quantity's simultaneous band: 1 - .05 / number of quantities (Bonferroni)."""
        return 1.0 - ALPHA / len(self.table)

    def coverage_band(self, prob: float) -> tuple[float, float]:
        """Within which shares the coverage of an interval lies if calibrated, at :attr:`level`."""
        return binomial_band(self.worlds, prob, self.level)

    def ecdf(self, quantity: str) -> Array:
        """ECDF of a quantity's ranks minus that of uniform ranks, at 0, .01, ..., 1: (101,)."""
        return _difference(counts_below(self.ranks[quantity].to_numpy(), DRAWS + 1), self.worlds)

    def ecdf_band(self) -> tuple[Array, Array]:
        """Lower and upper end of the simultaneous band of :meth:`ecdf`, both (101,)."""
        lower, upper = simultaneous_band(self.worlds, DRAWS + 1, self.level)
        return _difference(lower, self.worlds), _difference(upper, self.worlds)

    @property
    def verdict(self) -> Verdict:
        """FAIL if a quantity is out of band; REVIEW if the sampling or the worlds do not suffice."""
        checks = [_ranks_check(self), _draws_check(self), _convergence_check(self), _worlds_check(self)]
        return verdict_of(checks)

    def summary(self) -> dict[str, Any]:
        """Verdict, how it was made and the table as JSON types (``calibration.json``)."""
        return {
            "subject": self.subject,
            "passed": self.passed,
            "verdict": self.verdict.status,
            "reasons": list(self.verdict.reasons),
            "level": self.level,
            "coverage_bands": {f"{p:g}": list(self.coverage_band(p)) for p in self.probs},
            **self.facts,
            "quantities": json.loads(self.table.to_json(orient="records")),
        }

    def report(self, path: str | Path) -> Path:
        """Write the report, one self-contained HTML page.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        from bayes_hr.reporting.calibration import write_report

        return write_report(self, Path(path))

    def save(self, folder: str | Path) -> Path:
        """Write ``calibration.csv, ranks.csv, calibration.json, ecdf.svg, ecdf.pdf, report.html``.

        Whole or not at all.

        Raises
        ------
        InputError
            If the target is a file or somebody's folder, or the disk is full.
        """
        from bayes_hr.reporting.calibration import ecdf_picture
        from bayes_hr.reporting.figures import saved

        folder = Path(folder)
        with atomic_folder(folder, CALIBRATION) as work:
            self.table.to_csv(work / "calibration.csv", index=False)
            self.ranks.to_csv(work / "ranks.csv")
            (work / "calibration.json").write_text(
                json.dumps(self.summary(), indent=2) + "\n", encoding="utf-8"
            )
            figure = ecdf_picture(self).figure
            for kind in ("svg", "pdf"):
                (work / f"ecdf.{kind}").write_bytes(saved(figure, kind))
            self.report(work / "report.html")
        return folder


def calibration_of(
    subject: str, design: Design, results: Sequence[dict[str, Any]], facts: dict[str, Any]
) -> Calibration:
    """Put the results of all worlds (:func:`bayes_hr.calibration.worlds.simulated_world`) together."""
    listed = quantities(design)
    names = [q.label for q in listed]
    lists = ("rank", "truth", "mean", "sd", "ess", "r_hat", *(inside_name(p) for p in LEVELS))
    found = {name: np.array([r[name] for r in results], dtype=float) for name in lists}
    ranks = found["rank"].astype(np.int64)
    table = pd.DataFrame({"quantity": names, "kind": [q.kind for q in listed]})
    table["p_value"] = [uniformity_p_value(column, DRAWS + 1) for column in ranks.T]
    table.insert(2, "in_band", table["p_value"] > ALPHA / len(names))
    for level in LEVELS:
        table[f"coverage_{100 * level:.0f}"] = found[inside_name(level)].mean(0)
    z = (found["mean"] - found["truth"]) / found["sd"]
    table["bias_z"], table["z_sd"] = z.mean(0) * np.sqrt(len(z)), z.std(0, ddof=1)
    between, within = found["mean"].var(0, ddof=1), (found["sd"] ** 2).mean(0)
    table["contraction"] = between / (between + within)  # of the total variance, the prior's
    few, apart = ~(found["ess"] >= ESS), ~(found["r_hat"] <= R_HAT_REVIEW)  # NaN counts as a fault
    table["few_draws"], table["not_converged"] = few.sum(0), apart.sum(0)
    table["least_ess"], table["largest_r_hat"] = found["ess"].min(0), found["r_hat"].max(0)
    worlds = pd.RangeIndex(len(ranks), name="world")
    sampling = {
        "worlds": len(ranks),
        "worlds_with_few_draws": int(few.any(1).sum()),
        "worlds_not_converged": int(apart.any(1).sum()),
        **_divergences([r["divergences"] for r in results]),
        "seconds_per_world": round(float(np.median([r["seconds"] for r in results])), 3),
    }
    return Calibration(subject, pd.DataFrame(ranks, worlds, names), table, {**facts, **sampling})


def _difference(counts: NDArray[np.int64], n: int) -> Array:
    """Shares of n ranks below 1, ..., 99, minus uniform, with the two ends: (101,)."""
    share = np.concatenate([[0.0], counts / n, [1.0]])
    return np.asarray(share - np.arange(share.size) / (share.size - 1))


def _divergences(counts: list[int | None]) -> dict[str, int | None]:
    """Divergent transitions in all, and worlds that have any; None if the engine has none."""
    known = [c for c in counts if c is not None]
    return {
        "divergences": sum(known) if known else None,
        "worlds_with_divergences": sum(c > 0 for c in known) if known else None,
    }


# The verdict


def _ranks_check(found: Calibration) -> CheckResult:
    out = found.table.loc[~found.table["in_band"], "quantity"].tolist()
    n = len(found.table)
    if not out:
        text = f"all {n} quantities are within their simultaneous bands over {found.worlds} worlds"
        return CheckResult("ranks", PASS, text)
    text = f"{len(out)} of {n} quantities are out of band over {found.worlds} worlds: {shortened(out, 8)}"
    advice = (
        "Do not use this engine for such a model before the cause is known: draw more first (--draws, "
        "--tune); if that does not mend it, compare with another engine and report it."
    )
    return CheckResult("ranks", FAIL, text, advice)


def _draws_check(found: Calibration) -> CheckResult:
    worst = found.table.loc[found.table["few_draws"].idxmax()]
    k = found.facts["worlds_with_few_draws"]
    text = f"too few independent draws (bulk ESS under {ESS}) in {k} of {found.worlds} worlds"
    if k:
        text += f"; most often of {worst['quantity']}, in {worst['few_draws']}"
    if worst["few_draws"] <= FEW_SHARE * found.worlds:
        return CheckResult("independent draws", PASS, text)
    return CheckResult(
        "independent draws", REVIEW, text, "Draw more (--draws): ranks need independent draws."
    )


def _convergence_check(found: Calibration) -> CheckResult:
    k, divergent = found.facts["worlds_not_converged"], found.facts["worlds_with_divergences"]
    text = f"R-hat above {R_HAT_REVIEW} in {k} of {found.worlds} worlds"
    if divergent is not None:
        text += f", divergent transitions in {divergent}"
    if k == 0 and not divergent:
        return CheckResult("convergence", PASS, text)
    advice = "Warm up longer (--tune); if it stays, the engine has trouble in some worlds of these priors."
    return CheckResult("convergence", REVIEW, text, advice)


def _worlds_check(found: Calibration) -> CheckResult:
    if found.worlds >= FEW_WORLDS:
        return CheckResult("worlds", PASS, f"{found.worlds} worlds")
    text = f"{found.worlds} worlds show gross errors only"
    return CheckResult(
        "worlds", REVIEW, text, f"Take at least {FEW_WORLDS} (--worlds); finished ones are kept."
    )
