"""``bayes-hr compare``: does a finding depend on a choice that could have been made otherwise?"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayes_hr.cli_saved import OK, VERDICT_FAIL
from bayes_hr.errors import InputError
from bayes_hr.terminal import VERDICT_STYLES, say, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bayes_hr.comparison import Comparison


def compare(
    card: Annotated[
        str,
        typer.Argument(
            metavar="CARD", help="Id of a shipped card (bayes-hr models) or path of a .toml file."
        ),
    ],
    *,
    choice: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANGES",
            help="A choice made otherwise, as TOML: 'treatment.lag = 3'; several keys are parted by ';'. "
            "May be given again; default: those that a referee asks about.",
        ),
    ] = None,
    panel: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Your own rows (.csv, .parquet, .dta) in place of the public data."
        ),
    ] = None,
    engine: Annotated[str | None, typer.Option(help="auto, nuts or gibbs.")] = None,
    chains: Annotated[int | None, typer.Option(help="Chains of each fit.")] = None,
    draws: Annotated[int | None, typer.Option(help="Draws of each chain.")] = None,
    tune: Annotated[int | None, typer.Option(help="Warm-up draws of each chain.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of each fit.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the result; default: runs/comparison-CARD."),
    ] = None,
) -> None:
    """Fit a card again with one of its choices made otherwise, and show the estimates side by side.

    Exit code 0: done; 1: a fit has verdict FAIL. A run that was stopped goes on where it ended.
    """
    import bayes_hr
    from bayes_hr.api import panel_from_file
    from bayes_hr.comparison import COMPARISON
    from bayes_hr.storage import check_target

    chosen = bayes_hr.load_card(card)
    out = out or Path("runs") / f"comparison-{chosen.id}"
    check_target(out, COMPARISON)
    found = bayes_hr.compare(
        chosen,
        None if panel is None else panel_from_file(panel, chosen),
        None if choice is None else changes_of(choice),
        engine=engine,
        chains=chains,
        draws=draws,
        tune=tune,
        seed=seed,
        folder=out.absolute().parent / f"{out.name}-fits",
    )
    found.save(out)
    _say(found, out)
    raise typer.Exit(VERDICT_FAIL if found.failed else OK)


def changes_of(choices: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Changes of a card, by label, from their text; the text is the label.

    Raises
    ------
    InputError
        If it is not TOML, or the same choice is given twice.
    """
    out: dict[str, dict[str, Any]] = {}
    for text in choices:
        label = " ".join(text.split())
        try:
            changes = tomllib.loads(text.replace(";", "\n"))
        except tomllib.TOMLDecodeError as error:
            raise InputError(
                f"--choice {text!r}: not TOML ({error}). Write keys as in a card, e.g. "
                "'treatment.lag = 3' or 'regime.source = \"row\"; time.by = \"all\"'."
            ) from error
        if not changes or label in out:
            raise InputError(f"--choice {text!r}: {'is given twice' if changes else 'changes nothing'}.")
        out[label] = changes
    return out


def _say(found: Comparison, out: Path) -> None:
    """The fits, what the choices do to each effect, and where the rest is."""
    from bayes_hr.checks.result import FAIL
    from bayes_hr.reporting.comparison import effect_name

    rows = [[str(r.choice), f"{r.rows:,}", str(r.verdict), str(r.checks)] for r in found.fits.itertuples()]
    show_table(["choice", "rows", "verdict", "checks behind it"], rows, numeric=["rows"])
    for label, why in found.left_out.items():
        say(f"Left out: {label}. {why}")
    say()
    failed = found.fits.loc[found.fits["verdict"] == FAIL, "choice"].tolist()
    if failed:
        say(f"FAIL - do not use, not counted: {', '.join(failed)}", style=VERDICT_STYLES[FAIL])
        say()
    header = ["kind", "effect", "mean", "interval", "over the choices", "same sign", "excludes 0"]
    lines = [
        [
            str(r.by).replace("_", " "),
            effect_name(r.estimand, r.level, r.reference),
            f"{r.own_mean:+.2f}",
            f"{r.own_lb:.2f} to {r.own_ub:.2f}",
            f"{r.lowest:+.2f} to {r.highest:+.2f}" if r.of else "no fit counts",
            f"{r.same_sign} of {r.of}",
            f"{r.excludes_0} of {r.of}",
        ]
        for r in found.stability.itertuples()
    ]
    show_table(header, lines, numeric=header[2:])
    say()
    say("Mean and interval: as the card has it. Choices are no sample: how many agree is not a probability.")
    say(f"Report: {out / 'report.html'}")
    say(f"Tables: {out}; each fit with its own report: {out.absolute().parent / f'{out.name}-fits'}")
