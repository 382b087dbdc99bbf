"""Do states align with their co-members before, during and after membership?  Model C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.checks.identification import identification_check, identification_table, power_scaling
from bayes_hr.checks.log_densities import log_likelihood, log_priors, thinned
from bayes_hr.checks.residual_share import aliased_columns, residual_shares
from bayes_hr.convergence_design import build
from bayes_hr.data.convergence_worlds import convergence as simulate
from bayes_hr.data.load import load_panel
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError
from bayes_hr.estimands.convergence import ESTIMANDS, convergence_estimands, population_draws
from bayes_hr.estimands.convergence_prior import prior_estimands
from bayes_hr.estimands.convergence_truth import truth_table
from bayes_hr.estimands.curves import curve
from bayes_hr.estimands.hypotheses import hypotheses
from bayes_hr.fitting import design_of
from bayes_hr.questions.base import Question

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import xarray as xr

    from bayes_hr.cards import Card, ConvergenceCard
    from bayes_hr.checks.result import CheckResult
    from bayes_hr.design import Design
    from bayes_hr.estimands.summary import EstimandDraws
    from bayes_hr.fits import Fit
    from bayes_hr.fitting import FitResult
    from bayes_hr.questions.choices import Choices

DEMO_SEED: Final = 12
"""World of the demo card: every population estimate lies within an SD of its truth, as most do."""

PRIOR_DRAWS: Final = 20_000
"""Prior draws of the population's estimands, for Bayes factors and contraction."""

SENSITIVITY: Final = "sensitivity_dyads"
"""Table of the estimates with and without dyads that have no year before entry."""

SCALED_DRAWS: Final = 150
"""Draws of each chain for power scaling: each needs a log likelihood of all rows."""


def _panel(card: ConvergenceCard) -> tuple[Panel, pd.DataFrame | None]:
    if card.panel == "simulated":
        world = simulate(seed=DEMO_SEED)
        return world.panel, truth_table(world)
    return load_panel(card.panel, **_panel_options(card)), None


def _panel_options(card: ConvergenceCard) -> dict[str, Any]:
    return {} if card.panel == "simulated" else card.igo.options


def _check_panel(card: ConvergenceCard, panel: Panel) -> None:
    """Refuse a panel of country-years."""
    if panel.name != "convergence":
        raise InputError(
            f"card {card.id} needs a convergence panel (one row per state, IGO and year), not one of kind "
            f"{panel.name!r}. Use load_panel('convergence') or Panel.from_frame(..., name='convergence')."
        )


def _from_file(path: Path, card: ConvergenceCard, columns: dict[str, str] | None, codes: str) -> Panel:
    outcome = card.outcome.name
    return Panel.from_file(path, outcome=outcome, name="convergence", columns=columns, codes=codes)


def _estimands(card: ConvergenceCard, posterior: xr.Dataset, rows: xr.Dataset) -> list[EstimandDraws]:
    return convergence_estimands(posterior, rows, card.estimands)


def _tables(result: FitResult) -> dict[str, pd.DataFrame]:
    """Hypotheses, identification and the before-during-after curve."""
    card: Any = result.card
    design, posterior = design_of(result), result.tree["posterior"].dataset
    if not all(np.isfinite(v.values).all() for v in posterior.data_vars.values()):
        return {}  # the verdict is FAIL; no table could be read
    rows = result.tree["constant_data"].dataset
    prior = prior_estimands(design, np.random.default_rng([card.fit.seed, 4]), PRIOR_DRAWS)
    slope, jump = card.thresholds.slope, card.thresholds.jump
    few = thinned(posterior, SCALED_DRAWS)
    likelihood = log_likelihood(design, few)
    sensitivity = None
    if likelihood is not None:
        sensitivity = power_scaling(
            population_draws(few, rows),
            log_prior=log_priors(design, few),
            log_likelihood={"rows": likelihood},
        )
    return {
        "hypotheses": hypotheses(posterior, rows, prior=prior, rope=(-slope, slope), rope_jump=(-jump, jump)),
        "identification": identification_table(
            population_draws(posterior, rows),
            prior=prior,
            residual=residual_shares(design),
            sensitivity=sensitivity,
            residual_state_years=residual_shares(design, state_years=True) if _loads_alike(design) else None,
        ),
        "curve": curve(posterior, rows),
    }


def _loads_alike(design: Design) -> bool:
    return design.serial is not None and bool(np.all(design.serial.loading == 1.0))


def _checks(result: FitResult, tables: dict[str, pd.DataFrame]) -> list[CheckResult]:
    if "identification" not in tables:
        return []
    return [identification_check(tables["identification"], aliased_columns(design_of(result)))]


def _ropes(card: ConvergenceCard) -> dict[str, tuple[float, float]]:
    """The card's thresholds: one for changes per decade, one for jumps."""
    slope, jump = card.thresholds.slope, card.thresholds.jump
    return {n: (-jump, jump) if n.startswith("jump") else (-slope, slope) for n in ESTIMANDS}


def _describe(card: ConvergenceCard) -> str:
    source = "simulated" if card.panel == "simulated" else card.igo.score
    many = f"{len(card.igo.organisations)} IGOs" if card.igo.organisations else "all IGOs"
    chosen = f"{', '.join(card.igo.types)} IGOs" if card.igo.types else many
    years = "AR(1) state-years" if card.state_years.effects == "ar1" else "no state-years"
    return f"{chosen}, {card.igo.mean} mean; score {source}; {card.outcome.likelihood}, {years}"


def companions(card: ConvergenceCard) -> dict[str, Card]:
    """Cards whose estimates stand beside this one's: only dyads that have a year before entry."""
    if card.panel == "simulated" or card.igo.dyads == "with_before":
        return {}
    return {"dyads with a before": card.replace(igo={"dyads": "with_before"}, estimands=["all"])}


def _choices(_: ConvergenceCard, __: bool) -> Choices:
    """None unasked: such fits take minutes each."""
    return {}


def _write_report(fit: Fit, path: Path) -> Path:
    from bayes_hr.reporting.convergence import write_report

    return write_report(fit, path)


def _export_tables(fit: Fit, folder: Path) -> Path:
    from bayes_hr.reporting.convergence import export_tables

    return export_tables(fit, folder)


QUESTION = Question(
    build=build,
    panel_options=_panel_options,
    panel=_panel,
    check_panel=_check_panel,
    panel_from_file=_from_file,
    estimands=_estimands,
    tables=_tables,
    checks=_checks,
    companions=companions,
    choices=_choices,
    table_names=("hypotheses", "identification", "curve", SENSITIVITY),
    describe=_describe,
    write_report=_write_report,
    export_tables=_export_tables,
    ropes=_ropes,
    headline=("all", "igo_type"),
    subject="convergence to co-members",
)
