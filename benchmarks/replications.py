"""How often is a card right where the truth is known, and is it caught where it is wrong?

    uv run python benchmarks/replications.py [--only NAME] [--worlds 200] [--workers 2]

Each replication simulates a new panel (60 countries, 24 years) of a world with fixed truths, fits it
with the exact engine and holds class effects and their contrasts against the truth: bias, coverage of 89
% intervals, and how often an interval excludes a true 0.  Truths are fixed, not drawn from the prior, so
that shrinkage need not give nominal coverage (calibration.py has truths from the priors).  Cards that
are wrong by construction name the check that should say so; stress worlds break what no check of one fit
can see.

Writes results/replications.csv and results/replications.md.  Finished fits are kept in a hidden folder
there, so that a run that was stopped goes on.  Exit code 1 if a right card covers outside 84 to 94 %, or
a wrong one is flagged in under 80 %.
"""

from __future__ import annotations

import argparse
import functools
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

import bayes_hr
from bayes_hr import load_card, simulate
from bayes_hr.api import Fit
from bayes_hr.checks.result import FAIL, REVIEW
from bayes_hr.estimands.truth import beside_truth, truth_table
from bayes_hr.fitting import run
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build
from bayes_hr.tasks import run_tasks
from bayes_hr.terminal import log_on_stderr

RESULTS = Path(__file__).parent / "results"
SIZE: dict[str, Any] = {"n_countries": 60, "years": (1988, 2011)}
SHORT = {"engine": "gibbs", "chains": 2, "draws": 400, "tune": 300}
SHORTNESS = {"chains", "mixing", "group effects"}
COVERED, FLAGGED = (0.84, 0.94), 0.8
IID = {"error": {"kind": "iid"}}
CATEGORIES = {"outcome": {"likelihood": "ordered_probit"}, **IID}


@dataclass(frozen=True)
class Case:
    """A world and changes of it, changes of the demo card, and the check that a wrong card must fail."""

    world: str
    of_world: dict[str, Any] = field(default_factory=dict)
    of_card: dict[str, Any] = field(default_factory=dict)
    named: str = ""


CASES = {
    "AR(1), effect in transition": Case("transition_only"),
    "AR(1), no effect, classes with trends": Case("no_effect_trends"),
    "AR(1), effects vary by country": Case("heterogeneous"),
    "AR(1), a class of two countries": Case("tiny_class"),
    "year effects a random walk": Case("transition_only", {}, {"time": {"effects": "random_walk"}}),
    "ordered probit": Case("transition_only", {"categories": 4}, CATEGORIES),
    "Student-t, independent": Case(
        "student_t", {"rho": 0.0}, {**IID, "outcome": {"likelihood": "student_t"}}
    ),
    "known measurement SD": Case(
        "noisy_scores", {"measurement_rho": 0.0}, {"error": {"measurement_sd": "score_sd"}}
    ),
    "country trends in world and card": Case(
        "selection_on_trend",
        {},
        {"groups": [{"name": "country", "terms": ["intercept", "ratified", "trend"]}]},
    ),
    "wrong: independent errors": Case("transition_only", {}, IID, "residual autocorrelation"),
    "wrong: normal errors, heavy tails": Case("student_t", {}, {}, "tails"),
    "wrong: fixed cut-points, a moving standard": Case(
        "moving_cut_points", {}, {**CATEGORIES, "time": {"effects": "none"}}, "year shares of categories"
    ),
    "stress: common years, classes with trends": Case("no_effect_trends", {}, {"time": {"by": "all"}}),
    "stress: improvement before ratification": Case("pre_trend"),
    "stress: country trends, none in the card": Case("selection_on_trend"),
}


def replicated(name: str, seed: int, *, cases: dict[str, Case]) -> dict[str, Any]:
    """One world of a case, fitted: rows of effects beside the truth, and checks that object."""
    case = cases[name.partition("#")[0]]
    world = simulate.ratification(case.world, seed=seed % 2**31, **SIZE, **case.of_world)
    card = load_card("demo_ratification").replace(
        estimands=["regime", "contrast"], fit={**SHORT, "seed": seed % 2**31}, **case.of_card
    )
    panel = simulated_panel(world)
    fit = Fit(run(card, panel, build(card, panel), progress=lambda *_: None, cores=1))
    columns = ["estimand", "level", "reference", "mean", "sd", "lb", "ub", "truth", "covered", "note"]
    table = beside_truth(fit.effects(), truth_table(world.truth))[columns]
    objections = [c.name for c in fit.check().checks if c.status in {REVIEW, FAIL}]
    return {"rows": table.to_dict("records"), "objections": objections}


def summary(name: str, case: Case, found: list[dict[str, Any]]) -> dict[str, Any]:
    """A row of the table; effects that only the prior tells are left out, counted."""
    rows = pd.DataFrame([{**row, "world": w} for w, one in enumerate(found) for row in one["rows"]])
    known = rows[~rows["note"].str.contains("from the prior")]
    own = known[known["estimand"] == "tau"]
    by_world = own.assign(error=own["mean"] - own["truth"]).groupby("world")
    error, covered = by_world["error"].mean(), by_world["covered"].mean()
    none = own[own["truth"] == 0]
    excludes = (none["lb"] > 0) | (none["ub"] < 0)
    flags = [case.named in one["objections"] for one in found]
    return {
        "case": name,
        "worlds": len(found),
        "bias": error.mean(),
        "bias_se": error.std(ddof=1) / np.sqrt(len(error)),
        "coverage": covered.mean(),
        "coverage_se": covered.std(ddof=1) / np.sqrt(len(covered)),
        "coverage_contrasts": known[known["estimand"] == "contrast"]["covered"].mean(),
        "false_findings": excludes.mean() if len(none) else np.nan,
        "sd": own["sd"].mean(),
        "named_check": case.named,
        "flagged": np.mean(flags) if case.named else np.nan,
        "left_out": len(rows) - len(known),
        "most_objections": _most(found),
    }


def _most(found: list[dict[str, Any]]) -> str:
    """The three checks that object most often, but for those of short chains."""
    counts = pd.Series([c for one in found for c in one["objections"] if c not in SHORTNESS])
    share = counts.value_counts().head(3) / len(found)
    return ", ".join(f"{name} {value:.0%}" for name, value in share.items())


def good(row: dict[str, Any]) -> bool:
    """Whether a right card covers as it should, or a wrong one is caught; stress is not judged."""
    if row["case"].startswith("stress"):
        return True
    if row["named_check"]:
        return bool(row["flagged"] >= FLAGGED)
    return bool(COVERED[0] <= row["coverage"] <= COVERED[1])


def markdown(table: pd.DataFrame) -> str:
    """The table for people."""
    n = int(table["worlds"].min())
    lower, upper = stats.binom.ppf([0.025, 0.975], n, 0.89) / n
    head = ("world and card", "worlds", "bias (SE)", "posterior SD", "coverage (SE)", "of contrasts")
    head += ("false findings", "named check: flagged", "checks that object most")
    lines = [
        "Class effects of ratification in 60 countries over 24 years, by the exact engine. One "
        f"interval in each of {n} worlds would cover {lower:.0%} to {upper:.0%} in 95 % of runs "
        "(nominal 89 %); the intervals of a world's classes are not independent, so standard errors "
        "are over worlds. False findings: intervals that exclude a true 0 (nominal 11 %).",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    for r in table.to_dict("records"):
        none = "-" if np.isnan(r["false_findings"]) else f"{r['false_findings']:.1%}"
        flagged = f"{r['named_check']}: {r['flagged']:.0%}" if r["named_check"] else "-"
        lines.append(
            f"| {r['case']} | {r['worlds']} | {r['bias']:+.3f} ({r['bias_se']:.3f}) | {r['sd']:.3f} "
            f"| {r['coverage']:.1%} ({r['coverage_se']:.1%}) | {r['coverage_contrasts']:.1%} | {none} "
            f"| {flagged} | {r['most_objections']} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the cases asked for; those of earlier runs stay in the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=CASES, action="append")
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20261201)
    given = parser.parse_args()
    path = RESULTS / "replications.csv"
    rows = (
        {} if not path.exists() else {r["case"]: r for r in pd.read_csv(path).fillna("").to_dict("records")}
    )
    for name in given.only or CASES:
        folder = RESULTS / ".replications" / "".join(c if c.isalnum() else "-" for c in name)
        with log_on_stderr():
            found = run_tasks(
                functools.partial(replicated, cases=CASES),
                {f"{name}#{k}": f"{name}#{k}" for k in range(given.worlds)},
                folder=folder,
                workers=given.workers,
                seed=given.seed,
                context=f"{CASES[name]} {SIZE} {SHORT} {bayes_hr.__version__}",
                describe=name,
            )
        rows[name] = summary(name, CASES[name], found)
        table = pd.DataFrame([rows[k] for k in CASES if k in rows])
        table.to_csv(path, index=False)
        path.with_suffix(".md").write_text(
            markdown(pd.read_csv(path).fillna({"named_check": "", "most_objections": ""}))
        )
        print(markdown(pd.DataFrame([rows[name]])).splitlines()[-1], flush=True)
    return 0 if all(good(r) for r in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
