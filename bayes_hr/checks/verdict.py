"""All checks of a fit, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from bayes_hr.checks import convergence
from bayes_hr.checks.predictive import predictive_checks, replicate
from bayes_hr.checks.result import CheckResult, Verdict, verdict_of
from bayes_hr.estimands.parameters import hyperparameters
from bayes_hr.estimands.summary import effects_table
from bayes_hr.fitting import FitResult, design_of
from bayes_hr.simulation import complete_draws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bayes_hr.estimands.summary import EstimandDraws


def check(result: FitResult, estimands: list[EstimandDraws], more: Sequence[CheckResult] = ()) -> Verdict:
    """Judge a fit: convergence of everything reported, then posterior predictive checks.

    Parameters
    ----------
    result
        A finished or loaded fit.
    estimands
        Everything that the report shows.
    more
        Checks that the question brings of its own.
    """
    posterior = result.tree["posterior"].dataset
    finite = convergence.finite(posterior)
    if finite.status != "PASS":
        return verdict_of([finite])
    table = effects_table([*estimands, hyperparameters(posterior)], scale="", rope=(0.0, 0.0))
    table["level"] = _names(table)
    statistics = result.tree["sample_stats"].dataset
    limits = result.card.verdict
    checks: list[CheckResult] = [
        finite,
        convergence.chains(posterior),
        convergence.mixing(table, r_hat=limits.r_hat, ess=limits.ess),
        convergence.unreported_groups(posterior),
        convergence.divergences(statistics),
        convergence.tree_depth(statistics),
        convergence.energy(statistics),
        convergence.rank(tuple(result.provenance["rank_deficient"])),
    ]
    replicates = replicate(design_of(result), complete_draws(result.tree), seed=result.card.fit.seed)
    return verdict_of([*checks, *predictive_checks(replicates), *more])


def _names(table: pd.DataFrame) -> pd.Series:
    """Readable name of each row of an effects table."""
    pair = table["level"] + " - " + table["reference"]
    differs = (table["estimand"] == "contrast") | ((table["by"] == "long_run") & (table["reference"] != ""))
    shown = table["level"].where(~differs, pair)
    event = table["level"] + ", " + table["reference"]
    shown = shown.where(~table["estimand"].isin(["probability", "standard", "cutpoint"]), event)
    return shown.where(table["estimand"] == "parameter", table["estimand"] + " " + shown)
