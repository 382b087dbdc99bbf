"""Which of several treaties goes with a change, and where?  Model T."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_hr.checks.treaties import separation, separation_check
from bayes_hr.data.controls import CONTROLS, KNOWN
from bayes_hr.data.load import load_panel
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError
from bayes_hr.estimands.treaties import effects_by_treaty, ranking, treaties_estimands, treaties_in
from bayes_hr.fitting import design_of
from bayes_hr.questions.base import Question
from bayes_hr.treaties_design import build

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import xarray as xr

    from bayes_hr.cards import Card, TreatiesCard
    from bayes_hr.checks.result import CheckResult
    from bayes_hr.estimands.summary import EstimandDraws
    from bayes_hr.fits import Fit
    from bayes_hr.fitting import FitResult
    from bayes_hr.questions.choices import Choices


def _panel(card: TreatiesCard) -> tuple[Panel, pd.DataFrame | None]:
    return load_panel(card.panel, **_panel_options(card)), None


def _panel_options(card: TreatiesCard) -> dict[str, Any]:
    regime = card.regime
    names = [control.name for control in CONTROLS]
    more = [c.name for c in card.population if c.name in KNOWN and c.name not in names]
    return {
        **({"controls": [*names, *dict.fromkeys(more)]} if more else {}),
        "treaties": list(card.treatment.names),
        "outcome": card.outcome.name,
        "regime_source": regime.source,
        "regime_rule": regime.rule,
        "regime_window": regime.window,
        "democracy": regime.democracy,
        "autocracy": regime.autocracy,
    }


def _check_panel(card: TreatiesCard, panel: Panel) -> None:
    """Refuse one of our panels with other treaties or other regime classes than the card says."""
    if panel.name != "treaties":
        raise InputError(
            f"card {card.id} needs a panel of several treaties (a ratification year for each), not one of "
            f"kind {panel.name!r}. Use load_panel('treaties') or Panel.from_frame(..., name='treaties')."
        )
    if not panel.sources:
        return
    asked = _panel_options(card)
    for option in ("regime_source", "regime_rule", "regime_window", "democracy", "autocracy"):
        value, has = asked[option], panel.options.get(option)
        value = list(value) if isinstance(value, tuple) else value
        if has != value:
            raise InputError(
                f"card {card.id} asks for {option} = {value!r}, but the panel was built with {has!r}. Leave "
                f"the panel out (the card builds its own), or use load_panel('treaties', {option}={value!r})."
            )
    made: Any = panel.options.get("treaties")
    if set(made) != set(card.treatment.names) and panel.options.get("regime_rule") == "before_treaty":
        raise InputError(
            f"card {card.id} is about {', '.join(card.treatment.names)}, but the panel was built for "
            f"{', '.join(made)}: regime classes end before the first of the treaties opened, so both must "
            "name the same. Leave the panel out, or name the same treaties."
        )


def _from_file(path: Path, card: TreatiesCard, columns: dict[str, str] | None, codes: str) -> Panel:
    outcome = card.outcome.name
    return Panel.from_file(path, outcome=outcome, name="treaties", columns=columns, codes=codes)


def _estimands(card: TreatiesCard, posterior: xr.Dataset, rows: xr.Dataset) -> list[EstimandDraws]:
    return treaties_estimands(posterior, rows, card.estimands)


def _tables(result: FitResult) -> dict[str, pd.DataFrame]:
    """How far the treaties can be told apart, and how probable each rank is."""
    posterior, rows = result.tree["posterior"].dataset, result.tree["constant_data"].dataset
    out = {"separation": separation(design_of(result))}
    effects = effects_by_treaty(posterior, rows)
    if np.isfinite(effects).all():
        out["ranking"] = ranking(treaties_in(posterior), effects)
    return out


def _checks(_: FitResult, tables: dict[str, pd.DataFrame]) -> list[CheckResult]:
    return [separation_check(tables["separation"])]


def _companions(_: TreatiesCard) -> dict[str, Card]:
    return {}


def _choices(_: TreatiesCard, __: bool) -> Choices:
    """None unasked: such fits take minutes each."""
    return {}


def _describe(card: TreatiesCard) -> str:
    errors = {"ar1": "AR(1)", "iid": "independent"}[card.error.kind]
    return (
        f"{', '.join(card.treatment.names)}; outcome {card.outcome.name}; {card.outcome.likelihood}, "
        f"{errors} errors"
    )


def _ropes(_: TreatiesCard) -> dict[str, tuple[float, float]]:
    return {}


def _write_report(fit: Fit, path: Path) -> Path:
    from bayes_hr.reporting.treaties import write_report

    return write_report(fit, path)


def _export_tables(fit: Fit, folder: Path) -> Path:
    from bayes_hr.reporting.treaties import export_tables

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
    choices=_choices,
    table_names=("separation", "ranking"),
    describe=_describe,
    write_report=_write_report,
    export_tables=_export_tables,
    ropes=_ropes,
    headline=("mean", "treaty", "treaty_regime"),
    subject="effect of ratification, given the other treaties",
)
