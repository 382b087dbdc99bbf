"""The ``bayes-hr`` command: arguments, exit codes, and what is printed; all work is the public API's."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from bayes_hr.cli_data import data_app
from bayes_hr.errors import BayesHRError
from bayes_hr.terminal import (
    VERDICT_STYLES,
    log_on_stderr,
    say,
    say_effects,
    say_places,
    say_reference,
    say_truth,
    say_verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bayes_hr.api import Fit

OK, VERDICT_FAIL, BAD_INPUT, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 130
DEMO_CARD: Final = "demo_ratification"
_EPILOG: Final = (
    "Exit codes: 0 done (verdict PASS or REVIEW), 1 verdict FAIL, 2 bad input, 3 internal error, "
    "130 interrupted."
)
_HELP: Final = """Bayesian hierarchical models for human-rights data.

Begin with `bayes-hr demo`, which needs no network; then `bayes-hr fit cat_hrps`."""

app = typer.Typer(
    name="bayes-hr",
    help=_HELP,
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(data_app, name="data")

By = Literal["average", "regime", "contrast", "country", "parameter"]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a saved fit.")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"bayes-hr {version('bayes-hr')}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_version)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an internal error (or BAYES_HR_DEBUG=1).")
    ] = False,
) -> None:
    if debug:
        os.environ["BAYES_HR_DEBUG"] = "1"


# Fitting


@app.command(short_help="A simulated world: truth beside estimate.")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the fit and its report.")] = Path("bayes_hr-demo"),
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
) -> None:
    """Simulate a world in which ratification helps in transition regimes only, fit it, and compare.

    No network, no files. The world is known, so the truth stands beside every estimate.
    """
    import bayes_hr

    fit = bayes_hr.fit(DEMO_CARD, out=out)
    say_verdict(fit)
    say_truth(fit.beside_truth())
    say_places(out)
    if open_report:
        import webbrowser

        webbrowser.open((out / "report.html").absolute().as_uri())
    raise typer.Exit(_exit_code(fit))


@app.command(short_help="Fit a card, write tables and a report.")
def fit(
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
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=THEIRS", help="A column of FILE that has another name; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the fit; default: runs/ and the card's id.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="EXPR", help="Rows to use, e.g. '1985 <= year <= 2018', in place of the card's."
        ),
    ] = None,
    engine: Annotated[str | None, typer.Option(help="auto, nuts or gibbs.")] = None,
    sampler: Annotated[str | None, typer.Option(help="Sampler of nuts: nutpie or pymc.")] = None,
    chains: Annotated[int | None, typer.Option(help="Chains (at least four for a PASS).")] = None,
    draws: Annotated[int | None, typer.Option(help="Draws of each chain.")] = None,
    tune: Annotated[int | None, typer.Option(help="Warm-up draws of each chain.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed.")] = None,
    reference: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=2, help="Refit N times with ratification years permuted; resumes if stopped."
        ),
    ] = None,
) -> None:
    """Fit a card and write draws, tables and an HTML report.

    A fit whose card, data, engine and version are unchanged is not run again.
    """
    import bayes_hr
    from bayes_hr.api import panel_from_file

    chosen = bayes_hr.load_card(card)
    if where is not None:
        chosen = chosen.replace(where=where)
    out = out or Path("runs") / chosen.id
    rows = None
    columns = _columns(column)
    if panel is not None:
        rows = panel_from_file(panel, chosen, columns=columns)
    elif columns:
        raise typer.BadParameter("goes with --panel FILE", param_hint="--column")
    found = bayes_hr.fit(
        chosen,
        rows,
        engine=engine,
        sampler=sampler,
        chains=chains,
        draws=draws,
        tune=tune,
        seed=seed,
        out=out,
    )
    if reference is not None:
        found = _with_reference(found, reference, out)
    say_verdict(found)
    say_effects(found.effects(), ("average", "regime", "contrast"))
    if found.reference is not None:
        say_reference(found.reference.table, found.reference.n)
    say_places(out)
    raise typer.Exit(_exit_code(found))


def _columns(pairs: Sequence[str] | None) -> dict[str, str] | None:
    """``["ccode=cow"]`` as ``{"ccode": "cow"}``; None if there are none."""
    out = {}
    for pair in pairs or ():
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs):
            raise typer.BadParameter(f"{pair!r} must be OURS=THEIRS, e.g. ccode=cow", param_hint="--column")
        out[ours.strip()] = theirs.strip()
    return out or None


def _with_reference(found: Fit, n: int, out: Path) -> Fit:
    """The fit with its permuted reference, saved; refits are kept beside the fit, which is replaced whole."""
    if found.reference is not None and found.reference.n >= n:
        say(f"The saved permuted reference has {found.reference.n} refits and is used.")
        return found
    signature = json.dumps(found.result.provenance["signature"], sort_keys=True)
    job = hashlib.sha256(signature.encode()).hexdigest()[:12]
    kept = out.absolute().parent / f".{out.name}-reference" / job
    found = found.permuted_reference(n, folder=kept)
    found.save(out)
    return found


# What was fitted


@app.command(short_help="Verdict on a saved fit, and why.")
def check(folder: Folder) -> None:
    """Verdict on a saved fit, with every check behind it and what to do."""
    import bayes_hr

    found = bayes_hr.load_fit(folder)
    verdict = found.check()
    first, *rest = verdict.to_text().splitlines()
    say(first, style=VERDICT_STYLES[verdict.status])
    for line in rest:
        say(line.strip(), indent=2)
    raise typer.Exit(_exit_code(found))


@app.command()
def summary(
    folder: Folder,
    by: Annotated[
        By | None,
        typer.Option(help="One kind of effect; default: average, regime and contrast.", show_default=False),
    ] = None,
    form: Annotated[
        Literal["table", "csv", "json"],
        typer.Option(
            "--format", help="csv and json have every column; json without --by is the whole summary."
        ),
    ] = "table",
) -> None:
    """Effects of a saved fit."""
    import bayes_hr

    found = bayes_hr.load_fit(folder)
    if form == "table":
        say_verdict(found)
        table = found.effects(by)
        say_effects(table, (by,) if by else ("average", "regime", "contrast"))
    else:
        typer.echo(f"Verdict: {found.check().status}", err=True)
        typer.echo(_as_text(found, by, form), nl=False)
    raise typer.Exit(_exit_code(found))


def _as_text(found: Fit, by: str | None, form: str) -> str:
    if form == "csv":
        return str(found.effects(by).to_csv(index=False, lineterminator="\n"))
    if by is None:
        return json.dumps(found.summary(), indent=2) + "\n"
    return str(found.effects(by).to_json(orient="records", indent=2)) + "\n"


@app.command(short_help="Write the report of a saved fit again.")
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
    raise typer.Exit(_exit_code(found))


# Cards


@app.command(short_help="Shipped cards, or one card in full.")
def models(
    card: Annotated[
        str | None, typer.Argument(metavar="CARD", help="A card's id or .toml file, to print it whole.")
    ] = None,
) -> None:
    """Shipped cards; with CARD, that card with every default spelled out."""
    import bayes_hr
    from bayes_hr.api import describe

    if card is not None:
        typer.echo(bayes_hr.load_card(card).to_toml(), nl=False)
        return
    for name in bayes_hr.list_cards():
        found = bayes_hr.load_card(name)
        say(f"{name}", style="bold")
        say(describe(found), indent=2)
        say(found.question, indent=2)
    say()
    say("bayes-hr models CARD prints a card; bayes-hr fit CARD fits it.")


# Entry


def _exit_code(found: Fit) -> int:
    return VERDICT_FAIL if found.check().status == "FAIL" else OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    Parameters
    ----------
    argv
        Arguments; default: those of the process.
    """
    debug = os.environ.get("BAYES_HR_DEBUG")
    try:
        with log_on_stderr(), _known_warnings():
            app(args=None if argv is None else list(argv), prog_name="bayes-hr")
    except SystemExit as stop:  # typer ends every command this way
        if stop.code == INTERRUPTED:
            _complain("Interrupted; nothing was left half-written.")
        return int(stop.code or OK)
    except BayesHRError as error:
        _complain(f"Error: {error}")
        return BAD_INPUT
    except Exception as error:  # noqa: BLE001 - the outermost boundary: everything else is our fault
        _explain_internal(error)
        return INTERNAL
    finally:
        _restore_debug(debug)
    return OK


def _explain_internal(error: Exception) -> None:
    if os.environ.get("BAYES_HR_DEBUG") in {None, "", "0"}:
        how = "Run it again as bayes-hr --debug ... for the traceback"
    else:
        _complain("".join(traceback.format_exception(error)).rstrip())
        how = "The traceback is above"
    what = " ".join(str(error).split()) or "no message"
    _complain(
        f"Internal error ({type(error).__name__}: {what}). This is a fault of bayes_hr, not of your input. "
        f"{how}, and report it at the project's issue tracker with the command and the output of "
        "bayes-hr --version."
    )


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _restore_debug(before: str | None) -> None:
    """``--debug`` holds for one call, also where main() is called in a process that lives on."""
    os.environ.pop("BAYES_HR_DEBUG", None)
    if before is not None:
        os.environ["BAYES_HR_DEBUG"] = before


@contextmanager
def _known_warnings() -> Iterator[None]:
    """Keep one upstream message off the screen: PyPI's PyTensor has no BLAS; nothing here needs it."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="PyTensor could not link to a BLAS installation", category=UserWarning
        )
        yield
