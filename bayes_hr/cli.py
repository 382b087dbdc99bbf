"""The ``bayes-hr`` command: arguments, exit codes, and what is printed; all work is the public API's."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from bayes_hr.cli_calibrate import calibrate
from bayes_hr.cli_compare import compare
from bayes_hr.cli_data import data_app
from bayes_hr.cli_draws import fit_draws
from bayes_hr.cli_saved import OK, Scheduler, check, exit_code, report, summary
from bayes_hr.errors import BayesHRError
from bayes_hr.terminal import (
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

BAD_INPUT, INTERNAL, INTERRUPTED = 2, 3, 130
DEMOS: Final = {
    "ratification": ("demo_ratification", ("average", "regime", "contrast")),
    "convergence": ("demo_convergence", ("all",)),
}
"""Card of each question's simulated world, and the kinds of effects that are shown beside the truth."""

DEMO_REFITS: Final = 20
"""Refits of the permuted reference in the demo, where nobody waits for a p-value; a fit takes 100."""

_EPILOG: Final = (
    "Exit codes: 0 done (verdict PASS or REVIEW), 1 verdict FAIL, 2 bad input, 3 internal error, "
    "130 interrupted."
)
_HELP: Final = """Bayesian hierarchical models for human-rights data.

Begin with `bayes-hr demo`, which needs no network; then `bayes-hr fit cat_hrps` (ratification) or
`bayes-hr fit igo_convergence_regional` (convergence to IGO means)."""

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


OwnRows = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Your own rows (.csv, .parquet, .dta) in place of the public data."),
]


def _refits(n: int | None) -> int | None:
    if n == 1:
        raise typer.BadParameter("2 refits or more, or 0 for none")
    return n


Refits = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        callback=_refits,
        help="Refits with ratification years permuted, 0 for none; resumes if stopped. Default: 100 for a "
        "ratification card that the exact engine fits (20 in the demo), else none.",
        show_default=False,
    ),
]


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


@app.command(short_help="Simulated worlds: truth beside estimate.")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the fits and their reports.")] = Path("bayes_hr-demo"),
    only: Annotated[
        Literal["ratification", "convergence"] | None, typer.Option(help="One question; default: both.")
    ] = None,
    reference: Refits = None,
    open_report: Annotated[bool, typer.Option("--open", help="Open the reports in a browser.")] = False,
) -> None:
    """Simulate a world for each question, fit it, and compare.

    One in which ratification helps in transition regimes only; one with a kink at entry into IGOs and a
    reversion after exit. No network, no files. The worlds are known, so the truth stands beside every
    estimate.
    """
    status = OK
    for question, (card, kinds) in DEMOS.items():
        if only in {None, question}:
            refits = None
            if question == "ratification":
                refits = DEMO_REFITS if reference is None else reference
            status = max(status, _demo(card, kinds, out / question, refits, open_report))
    raise typer.Exit(status)


def _demo(card: str, kinds: Sequence[str], out: Path, reference: int | None, open_report: bool) -> int:
    """Fit one simulated world; returns the exit code."""
    import bayes_hr
    from bayes_hr.api import subject

    say(bayes_hr.load_card(card).question, style="bold")
    found = bayes_hr.fit(card, out=out, reference=reference)
    say_verdict(found)
    say_truth(found.beside_truth(), kinds, subject(found.card))
    if found.reference is not None:
        say_reference(found.reference.table, found.reference.n)
    say_places(out)
    say()
    if open_report:
        import webbrowser

        webbrowser.open((out / "report.html").absolute().as_uri())
    return exit_code(found)


@app.command(short_help="Fit a card, write tables and a report.")
def fit(
    card: Annotated[
        str,
        typer.Argument(
            metavar="CARD", help="Id of a shipped card (bayes-hr models) or path of a .toml file."
        ),
    ],
    *,
    panel: OwnRows = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="OURS=THEIRS", help="A column of FILE that has another name; may be repeated."),
    ] = None,
    codes: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Country codes in FILE: iso3, iso2, gw, vdem, cowc or name; default: COW numbers (cow).",
        ),
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
    reference: Refits = None,
    scheduler: Scheduler = None,
) -> None:
    """Fit a card and write draws, tables and an HTML report.

    A fit whose card, data, engine and version are unchanged is not run again.
    """
    settings = {"engine": engine, "sampler": sampler, "chains": chains, "draws": draws}
    settings |= {"tune": tune, "seed": seed}
    found, folder = _fit(
        card,
        panel=panel,
        column=column,
        codes=codes,
        out=out,
        where=where,
        reference=reference,
        scheduler=scheduler,
        settings=settings,
    )
    _say_fit(found, folder)
    raise typer.Exit(exit_code(found))


def _fit(
    card: str,
    *,
    panel: Path | None,
    column: Sequence[str] | None,
    codes: str | None,
    out: Path | None,
    where: str | None,
    reference: int | None,
    scheduler: str | None,
    settings: dict[str, Any],
) -> tuple[Fit, Path]:
    """What ``fit`` does with its arguments: the fit, and the folder it is in."""
    import bayes_hr
    from bayes_hr.api import check_reference, panel_from_file

    chosen = bayes_hr.load_card(card)
    if where is not None:
        chosen = chosen.replace(where=where)
    if reference is not None:
        check_reference(chosen, reference)
    out = out or Path("runs") / chosen.id
    rows = None
    columns = _columns(column)
    if panel is not None:
        rows = panel_from_file(panel, chosen, columns=columns, codes=codes or "cow")
    elif columns or codes:
        raise typer.BadParameter("goes with --panel FILE", param_hint="--column" if columns else "--codes")
    return bayes_hr.fit(chosen, rows, out=out, reference=reference, scheduler=scheduler, **settings), out


def _say_fit(found: Fit, out: Path) -> None:
    """Verdict, the first effects, the reference if there is one, and where the rest is."""
    from bayes_hr.api import headline, subject

    say_verdict(found)
    say_effects(found.effects(), headline(found.card), subject(found.card))
    if found.reference is not None:
        say_reference(found.reference.table, found.reference.n)
    say_places(out)
    if found.tables:
        say(f"More tables: bayes-hr summary {out} --table {'|'.join(found.tables)}")


def _columns(pairs: Sequence[str] | None) -> dict[str, str] | None:
    """``["ccode=cow"]`` as ``{"ccode": "cow"}``; None if there are none."""
    out = {}
    for pair in pairs or ():
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs):
            raise typer.BadParameter(f"{pair!r} must be OURS=THEIRS, e.g. ccode=cow", param_hint="--column")
        out[ours.strip()] = theirs.strip()
    return out or None


# What was fitted

app.command(short_help="Verdict on a saved fit, and why.")(check)
app.command()(summary)
app.command(short_help="Write the report of a saved fit again.")(report)

# Whether finding and engine can be trusted

app.command(short_help="Does a finding depend on a choice of the card?")(compare)
app.command(short_help="What does measurement error of the score do?")(fit_draws)
app.command(short_help="Is the engine calibrated for a card's model?")(calibrate)


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
    cards = {name: bayes_hr.load_card(name) for name in bayes_hr.list_cards()}
    for family in dict.fromkeys(found.family for found in cards.values()):
        say(f"{family.capitalize()} cards")
        say()
        for name, found in cards.items():
            if found.family == family:
                say(name, style="bold")
                say(describe(found), indent=2)
                say(found.question, indent=2)
        say()
    say("bayes-hr models CARD prints a card; bayes-hr fit CARD fits it.")


# Entry


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
            _complain(
                "Interrupted; nothing was left half-written. Chains of the exact engine, refits and worlds "
                "done so far are kept: the same command goes on from them."
            )
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
