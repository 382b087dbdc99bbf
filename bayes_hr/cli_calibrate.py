"""``bayes-hr calibrate``: is the engine calibrated for a card's model?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_hr.cli_saved import OK, VERDICT_FAIL, Scheduler
from bayes_hr.terminal import VERDICT_STYLES, say, show_table

if TYPE_CHECKING:
    from bayes_hr.calibration.result import Calibration


def calibrate(
    card: Annotated[
        str,
        typer.Argument(
            metavar="CARD", help="Id of a shipped card (bayes-hr models) or path of a .toml file."
        ),
    ],
    *,
    panel: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Your own rows (.csv, .parquet, .dta) in place of the public data."
        ),
    ] = None,
    worlds: Annotated[int, typer.Option(metavar="N", help="Simulated worlds; 200 or more to rely on.")] = 200,
    units: Annotated[
        int, typer.Option(metavar="N", help="Countries (states) whose rows are used, at random.")
    ] = 30,
    rows_per_unit: Annotated[int, typer.Option(metavar="N", help="Rows of each of them, at most.")] = 10,
    workers: Annotated[
        int, typer.Option(metavar="N", help="Processes; results do not depend on their number.")
    ] = 1,
    scheduler: Scheduler = None,
    engine: Annotated[str | None, typer.Option(help="auto, nuts or gibbs.")] = None,
    sampler: Annotated[str | None, typer.Option(help="Sampler of nuts: nutpie or pymc.")] = None,
    chains: Annotated[int | None, typer.Option(help="Chains of each fit; default: 2.")] = None,
    draws: Annotated[int | None, typer.Option(help="Draws of each chain; default: 700.")] = None,
    tune: Annotated[int | None, typer.Option(help="Warm-up draws of each chain; default: 400.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the worlds and of the choice of rows.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the result; default: runs/calibration-CARD."),
    ] = None,
) -> None:
    """Simulate worlds from a card's priors, fit each, and see where the truth lies in the posterior.

    Exit code 0: every quantity in its band; 1: one is out. A run that was stopped goes on where it ended.
    """
    import bayes_hr
    from bayes_hr.api import panel_from_file
    from bayes_hr.calibration.result import CALIBRATION
    from bayes_hr.storage import check_target

    chosen = bayes_hr.load_card(card)
    out = out or Path("runs") / f"calibration-{chosen.id}"
    check_target(out, CALIBRATION)
    found = bayes_hr.calibrate(
        chosen,
        None if panel is None else panel_from_file(panel, chosen),
        worlds=worlds,
        units=units,
        rows_per_unit=rows_per_unit,
        engine=engine,
        sampler=sampler,
        chains=chains,
        draws=draws,
        tune=tune,
        seed=seed,
        workers=workers,
        scheduler=scheduler,
        folder=out.absolute().parent / f".{out.name}-worlds",
    )
    found.save(out)
    _say(found, out)
    raise typer.Exit(OK if found.passed else VERDICT_FAIL)


def _say(found: Calibration, out: Path) -> None:
    """Verdict, rows taken, the table, and where the rest is."""
    from bayes_hr.reporting.calibration import rows_taken

    verdict = found.verdict
    say(f"Verdict: {verdict.status}", style=VERDICT_STYLES[verdict.status])
    for check in verdict.checks:
        say(f"- {check.name}: {check.text}", indent=2)
    for advice in verdict.advice:
        say(f"-> {advice}", indent=2)
    say(rows_taken(found))
    header = ["quantity", "band", "p", *(f"{p:.0%} covers" for p in found.probs), "bias z", "few draws"]
    rows = [
        [
            str(r.quantity),
            "in" if r.in_band else "OUT",
            f"{r.p_value:.3f}",
            f"{r.coverage_50:.0%}",
            f"{r.coverage_89:.0%}",
            f"{r.bias_z:+.1f}",
            str(r.few_draws),
        ]
        for r in found.table.itertuples()
    ]
    say()
    show_table(header, rows, numeric=header[2:])
    bands = " and ".join(
        f"{low:.0%} to {high:.0%}" for low, high in (found.coverage_band(p) for p in found.probs)
    )
    say(f"If calibrated, coverage lies within {bands}. Few draws: worlds with bulk ESS under {found.needed}.")
    say()
    say(f"Report: {out / 'report.html'}")
    say(f"Tables, ranks and figures: {out}")
