"""``bayes-hr fit-draws``: what does measurement error of the score do?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayes_hr.cli_saved import OK, VERDICT_FAIL
from bayes_hr.terminal import VERDICT_STYLES, say, show_table

if TYPE_CHECKING:
    from bayes_hr.cards import Card
    from bayes_hr.data.panel import Panel
    from bayes_hr.data.score_draws import ScoreDraws
    from bayes_hr.measurement_error.result import PooledFit


def fit_draws(
    card: Annotated[
        str,
        typer.Argument(
            metavar="CARD", help="Id of a shipped card (bayes-hr models) or path of a .toml file."
        ),
    ],
    scores: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Draws of the score (.csv, .parquet, .dta): ccode, year, draw, value; or ccode, year, "
            "draw_1, draw_2, ...",
        ),
    ] = None,
    *,
    codes: Annotated[
        str,
        typer.Option(metavar="KIND", help="Country codes in FILE: iso3, iso2, gw, vdem, cowc or name."),
    ] = "cow",
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate",
            help="In place of FILE: score plus its posterior SD times normal deviates. For sensitivity only.",
        ),
    ] = False,
    autocorrelation: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="Of the deviates from year to year, 0 for independent; default: the least that the scores' "
            "yearly changes leave room for.",
        ),
    ] = None,
    refits: Annotated[
        int | None,
        typer.Option(metavar="N", help="Draws of the score to use, evenly spaced; default: 20, or all."),
    ] = None,
    known_sd: Annotated[
        bool, typer.Option("--known-sd", help="Fit also with an independent error of known SD (minutes).")
    ] = False,
    panel: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Your own rows (.csv, .parquet, .dta) in place of the public data; without the score, the "
            "mean of its draws stands for it.",
        ),
    ] = None,
    engine: Annotated[str | None, typer.Option(help="auto, nuts or gibbs.")] = None,
    chains: Annotated[int | None, typer.Option(help="Chains of each fit.")] = None,
    draws: Annotated[int | None, typer.Option(help="Draws of each chain.")] = None,
    tune: Annotated[int | None, typer.Option(help="Warm-up draws of each chain.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, also of approximate draws.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the result; default: runs/measurement-CARD."),
    ] = None,
) -> None:
    """Fit a card to each of several posterior draws of its score, pool, and set it beside the fit without.

    Exit code 0: done; 1: a fit has verdict FAIL. A run that was stopped goes on where it ended.
    """
    import bayes_hr
    from bayes_hr.api import panel_from_file, panel_of
    from bayes_hr.measurement_error.preparing import check_card, panel_of_file
    from bayes_hr.measurement_error.result import SCORE_REFITS
    from bayes_hr.storage import check_target

    _check_source(scores, codes, approximate, autocorrelation)
    chosen = bayes_hr.load_card(card)
    check_card(chosen)
    out = out or Path("runs") / f"measurement-{chosen.id}"
    check_target(out, SCORE_REFITS)
    if scores is None:
        rows = panel_of(chosen) if panel is None else panel_from_file(panel, chosen)
        supplied = _approximate(chosen, rows, refits, autocorrelation, seed=seed)
    else:
        supplied = bayes_hr.ScoreDraws.from_file(scores, codes=codes)
        rows = panel_of(chosen) if panel is None else panel_of_file(panel, chosen, supplied)
    found = bayes_hr.fit_draws(
        chosen,
        supplied,
        rows,
        refits=refits,
        known_sd=known_sd,
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


def _check_source(scores: Path | None, codes: str, approximate: bool, autocorrelation: float | None) -> None:
    """Refuse options that contradict each other."""
    if (scores is None) != approximate:
        raise typer.BadParameter(
            "give either a FILE with draws of the score, or --approximate (for sensitivity only)",
            param_hint="FILE",
        )
    if autocorrelation is not None and not approximate:
        raise typer.BadParameter("goes with --approximate", param_hint="--autocorrelation")
    if codes != "cow" and approximate:
        raise typer.BadParameter("goes with FILE", param_hint="--codes")


def _approximate(
    card: Card, panel: Panel, refits: int | None, autocorrelation: float | None, *, seed: int | None
) -> ScoreDraws:
    import bayes_hr
    from bayes_hr.measurement_error.preparing import REFITS

    seed = card.fit.seed if seed is None else seed
    n = REFITS if refits is None else refits
    return bayes_hr.approximate_draws(panel, n, autocorrelation=autocorrelation, seed=seed)


def _say(found: PooledFit, out: Path) -> None:
    """Verdicts, each effect with and without, and where the rest is."""
    from bayes_hr.reporting.comparison import effect_name
    from bayes_hr.reporting.measurement import limits

    counts = found.refits["verdict"].value_counts()
    say(f"Refits: {len(found.refits)} ({', '.join(f'{n} {status}' for status, n in counts.items())})")
    if found.failed:
        say(f"FAIL - do not use, not pooled: {', '.join(found.failed)}", style=VERDICT_STYLES["FAIL"])
    say(f"Draws: {found.facts['origin']}")
    say()
    ways = found.table["choice"].drop_duplicates().tolist()
    header = ["kind", "effect", *ways, "ratio of SDs", "share between draws"]
    lines = []
    for r in found.variance.itertuples():
        own = found.table[(found.table["by"] == r.by) & (found.table["estimand"] == r.estimand)]
        own = own[(own["level"] == r.level) & (own["reference"] == r.reference)].set_index("choice")
        centre = own["mean"].fillna(own["median"])
        told = [f"{centre[w]:+.2f} ({own['lb'][w]:.2f} to {own['ub'][w]:.2f})" for w in ways]
        ratio = [f"{r.wider:.2f}", f"{r.share:.0%}"] if r.share >= 0 else ["", ""]
        name = effect_name(r.estimand, r.level, r.reference)
        lines.append([str(r.by).replace("_", " "), name, *told, *ratio])
    show_table(header, lines, numeric=header[2:])
    say()
    for text in limits(found)[: 1 + found.facts["approximate"]]:
        say(text)
    say(f"Report: {out / 'report.html'}")
    say(f"Tables: {out}; fits: {out.absolute().parent / f'{out.name}-fits'}")
