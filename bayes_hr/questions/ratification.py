"""Does ratifying a treaty change practice, and where?  Model R."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bayes_hr.checks.dynamics import lagged_outcome
from bayes_hr.data.controls import CONTROLS, KNOWN
from bayes_hr.data.load import load_panel
from bayes_hr.data.panel import Panel
from bayes_hr.data.regimes import BY_YEAR
from bayes_hr.data.worlds import COVARIATES
from bayes_hr.data.worlds import ratification as simulate
from bayes_hr.errors import InputError
from bayes_hr.estimands.ratification import ratification_estimands
from bayes_hr.estimands.truth import truth_table
from bayes_hr.questions.base import Question
from bayes_hr.questions.choices import ratification_choices
from bayes_hr.ratification_design import build

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import xarray as xr

    from bayes_hr.cards import Card, RatificationCard
    from bayes_hr.checks.result import CheckResult
    from bayes_hr.data.worlds import World
    from bayes_hr.estimands.summary import EstimandDraws
    from bayes_hr.fits import Fit
    from bayes_hr.fitting import FitResult

DEMO_SEED: Final = 3
"""World of the demo card.  In the first one the spreads of 8 of 120 countries lie outside their 98 %
predictive interval (1 to 3 in the next five): a first look at the package would end in REVIEW by chance."""


def simulated_panel(world: World) -> Panel:
    """A simulated world as a panel like any other."""
    return Panel.from_frame(world.frame, outcome="score", covariates=COVARIATES, treaty="simulated treaty")


def _panel(card: RatificationCard) -> tuple[Panel, pd.DataFrame | None]:
    if card.panel == "simulated":
        world = simulate(seed=DEMO_SEED)
        return simulated_panel(world), truth_table(world.truth)
    return load_panel(card.panel, **_panel_options(card)), None


def _panel_options(card: RatificationCard) -> dict[str, Any]:
    if card.panel == "simulated":
        return {}
    regime = card.regime
    names = [control.name for control in CONTROLS]
    more = [c.name for c in card.population if c.name in KNOWN and c.name not in names]
    return {
        **({"controls": [*names, *dict.fromkeys(more)]} if more else {}),
        "treaty": card.treatment.name,
        "outcome": card.outcome.name,
        "regime_source": regime.source,
        "regime_rule": regime.rule,
        "regime_window": regime.window,
        **({"regime_trailing": regime.trailing} if regime.rule == BY_YEAR else {}),
        "democracy": regime.democracy,
        "autocracy": regime.autocracy,
    }


def _check_panel(card: RatificationCard, panel: Panel) -> None:
    """Refuse a ready-made panel of another treaty, or with other regime classes, than the card says."""
    asked: dict[str, Any] = {"treaty": card.treatment.name}
    if "regime_rule" in panel.options:
        regime = card.regime
        window = None if regime.window is None else list(regime.window)
        asked |= {"regime_source": regime.source, "regime_rule": regime.rule, "regime_window": window}
        asked |= {"democracy": regime.democracy, "autocracy": regime.autocracy}
        asked |= {"regime_trailing": regime.trailing} if regime.rule == BY_YEAR else {}
    for option, value in asked.items():
        has = panel.options.get(option)
        if has != value and not (option == "treaty" and has is None):
            raise InputError(
                f"card {card.id}: the panel was made with {option} = {has!r}, the card asks for {value!r}. "
                "Change the card, or make the panel again."
            )


def _from_file(path: Path, card: RatificationCard, columns: dict[str, str] | None, codes: str) -> Panel:
    treaty = card.treatment.name
    return Panel.from_file(path, outcome=card.outcome.name, columns=columns, treaty=treaty, codes=codes)


def _estimands(card: RatificationCard, posterior: xr.Dataset, rows: xr.Dataset) -> list[EstimandDraws]:
    return ratification_estimands(posterior, rows, card.estimands)


def _tables(_: FitResult) -> dict[str, pd.DataFrame]:
    return {}


def _checks(result: FitResult, _: dict[str, pd.DataFrame]) -> list[CheckResult]:
    posterior, rows = result.tree["posterior"].dataset, result.tree["constant_data"].dataset
    return [lagged_outcome(posterior, rows)] if "phi" in posterior else []


def _companions(_: RatificationCard) -> dict[str, Card]:
    return {}


def _describe(card: RatificationCard) -> str:
    source = "simulated" if card.panel == "simulated" else card.outcome.name
    errors = {"ar1": "AR(1)", "iid": "independent"}[card.error.kind]
    lag = ", lagged outcome" if card.dynamics.lagged_outcome else ""
    lag += ", cut-points by year" if card.outcome.moving else ""
    return f"{card.treatment.name}; outcome {source}{lag}; {card.outcome.likelihood}, {errors} errors"


def _ropes(card: RatificationCard) -> dict[str, tuple[float, float]]:
    """Changes of a probability have a region of their own."""
    return {"probability": (-card.rope.probability, card.rope.probability)} if card.outcome.ordinal else {}


def _write_report(fit: Fit, path: Path) -> Path:
    from bayes_hr.reporting.ratification import write_report

    return write_report(fit, path)


def _export_tables(fit: Fit, folder: Path) -> Path:
    from bayes_hr.reporting.ratification import export_tables

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
    companions=_companions,
    choices=ratification_choices,
    table_names=(),
    describe=_describe,
    write_report=_write_report,
    export_tables=_export_tables,
    ropes=_ropes,
    headline=("average", "regime", "contrast", "long_run", "probability", "standard", "between"),
    subject="effect of ratification",
)
