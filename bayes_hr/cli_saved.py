"""``bayes-hr check``, ``summary`` and ``report``: what a saved fit says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from bayes_hr.terminal import VERDICT_STYLES, say, say_effects, say_table, say_verdict

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.api import Fit

OK: Final = 0
VERDICT_FAIL: Final = 1

# Of ratification, of several treaties, of convergence, of all.
By = Literal[
    "average", "regime", "contrast", "long_run", "probability", "standard", "cutpoint", "between", "country",
    "mean", "treaty", "treaty_regime", "all", "state", "igo", "igo_type", "parameter",
]  # fmt: skip
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a saved fit.")]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A dask.distributed scheduler (tcp://HOST:PORT) on whose workers the many short fits run.",
    ),
]


def exit_code(found: Fit) -> int:
    """The process's exit code that a verdict asks for."""
    return VERDICT_FAIL if found.check().status == "FAIL" else OK


def check(folder: Folder) -> None:
    """Verdict on a saved fit, with every check behind it and what to do."""
    import bayes_hr

    found = bayes_hr.load_fit(folder)
    verdict = found.check()
    first, *rest = verdict.to_text().splitlines()
    say(first, style=VERDICT_STYLES[verdict.status])
    for line in rest:
        say(line.strip(), indent=2)
    raise typer.Exit(exit_code(found))


def summary(
    folder: Folder,
    by: Annotated[
        By | None,
        typer.Option(help="One kind of effect; default: the first ones of the question.", show_default=False),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A table beside the effects; of convergence: hypotheses, identification, curve, "
            "sensitivity_dyads.",
        ),
    ] = None,
    form: Annotated[
        Literal["table", "csv", "json"],
        typer.Option(
            "--format",
            help="csv and json have every column; json without --by or --table is the whole summary.",
        ),
    ] = "table",
) -> None:
    """Effects of a saved fit, or another of its tables."""
    import bayes_hr

    if by is not None and table is not None:
        raise typer.BadParameter("goes without --by", param_hint="--table")
    found = bayes_hr.load_fit(folder)
    if form == "table":
        say_verdict(found)
        _say_part(found, by, table)
    else:
        text = _as_text(found, by, table, form)
        typer.echo(f"Verdict: {found.check().status}", err=True)
        typer.echo(text, nl=False)
    raise typer.Exit(exit_code(found))


def _say_part(found: Fit, by: str | None, table: str | None) -> None:
    from bayes_hr.api import headline, subject

    if table is not None:
        say_table(_own_table(found, table), table)
        return
    kinds = (by,) if by else headline(found.card)
    say_effects(found.effects(by), kinds, subject(found.card))


def _own_table(found: Fit, name: str) -> pd.DataFrame:
    """A table of the question's own."""
    import bayes_hr

    if name not in found.tables:
        has = f"it has {', '.join(found.tables)}" if found.tables else "it has none beside the effects"
        raise bayes_hr.InputError(f"card {found.card.id} has no table {name!r}; {has}.")
    return found.tables[name]


def _as_text(found: Fit, by: str | None, table: str | None, form: str) -> str:
    if form == "json" and by is None and table is None:
        return json.dumps(found.summary(), indent=2) + "\n"
    chosen = found.effects(by) if table is None else _own_table(found, table)
    if form == "csv":
        return str(chosen.to_csv(index=False, lineterminator="\n"))
    return str(chosen.to_json(orient="records", indent=2)) + "\n"


def report(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; default: report.html in DIR.")
    ] = None,
) -> None:
    """Write the report of a saved fit again, one self-contained HTML page."""
    import bayes_hr

    found = bayes_hr.load_fit(folder)
    written = found.report(out or folder / "report.html")
    say_verdict(found)
    say(f"Report: {written}")
    raise typer.Exit(exit_code(found))
