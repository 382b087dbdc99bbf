"""What the command prints, on a terminal or into a pipe: tables that never cut a word, and log lines."""

from __future__ import annotations

import logging
import math
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from rich.console import Console

    from bayes_hr.api import Fit
    from bayes_hr.data.merge_parts import Loss

_PIPE_WIDTH: Final = 10_000
"""Nothing is wrapped for a pipe: one row, one line."""

VERDICT_STYLES: Final = {"PASS": "bold green", "REVIEW": "bold yellow", "FAIL": "bold red"}


_SEVERAL: Final = ("all", "igo_type", "state", "igo")
"""Kinds of levels that have several estimands, so that a level alone does not say what it is."""

_UNITS: Final = {"country": "Country effects", "igo_type": "IGO types", "state": "States", "igo": "IGOs"}
"""Kinds of effects that are counted, not listed, beside the truth."""

_CHOSEN: Final = {
    "hypotheses": ["hypothesis", "statement", "probability", "prior_probability", "bayes_factor", "note"],
    "identification": [
        "estimand", "prior_sd", "posterior_sd", "contraction", "psense_prior", "psense_likelihood",
        "residual_share", "flag",
    ],
}  # fmt: skip
"""Columns of wide tables that are printed."""


def _console() -> Console:
    from rich.console import Console

    plain = Console(markup=False, highlight=False, emoji=False)
    return (
        plain if plain.is_terminal else Console(width=_PIPE_WIDTH, markup=False, highlight=False, emoji=False)
    )


def say(text: str = "", *, indent: int = 0, style: str | None = None) -> None:
    """A paragraph on standard output, wrapped between words to a terminal's width."""
    console = _console()
    pad = " " * indent
    for line in text.splitlines() or [""]:
        whole = textwrap.fill(
            line,
            width=console.width,
            initial_indent=pad,
            subsequent_indent=pad,
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace=True,
        )
        console.print(whole, style=style, soft_wrap=True)


def show_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: Iterable[str] = ()) -> None:
    """A table on standard output.

    Text wraps between words; a terminal that is too narrow even so gets longer lines, never cut words.

    Parameters
    ----------
    header
        Names of the columns.
    rows
        Cells as text.
    numeric
        Columns that are aligned to the right and never wrapped.
    """
    from rich.measure import Measurement
    from rich.table import Table

    right = set(numeric)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in header:
        table.add_column(name, justify="right" if name in right else "left", no_wrap=name in right)
    for row in rows:
        table.add_row(*row)
    console = _console()
    need = Measurement.get(console, console.options.update(width=_PIPE_WIDTH), table).minimum
    with console.capture() as captured:
        console.print(table, width=max(console.width, need), soft_wrap=True)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


# A fit


def say_verdict(found: Fit) -> None:
    """The verdict, why it is not a PASS, and what to do."""
    verdict = found.check()
    say(f"Verdict: {verdict.status}", style=VERDICT_STYLES[verdict.status])
    for reason in verdict.reasons:
        say(f"- {reason}", indent=2)
    for advice in verdict.advice:
        say(f"-> {advice}", indent=2)
    if found.card.caution:
        say(found.card.caution, style="bold yellow")


def say_effects(table: pd.DataFrame, kinds: Sequence[str], subject: str) -> None:
    """Rows of some kinds of an effects table; ``subject`` is what the effects are of."""
    chosen = table[table["by"].isin(kinds)]
    if chosen.empty:  # a card need not ask for them
        return
    say()
    if "parameter" in kinds:
        header = ["parameter", "mean", "SD", _interval_name(table), "R-hat", "ESS"]
        rows = [
            [
                row.level,
                _two(row.mean),
                _two(row.sd),
                _interval(row),
                f"{row.r_hat:.3f}",
                f"{row.ess_bulk:,.0f}",
            ]
            for row in chosen.itertuples()
        ]
        show_table(header, rows, numeric=header[1:])
        return
    header = [subject, "mean", _interval_name(table), "P(>0)", "P(ROPE)", "note"]
    rows = [
        [_label(row), _two(_centre(row)), _interval(row), _two(row.p_gt_0), _two(row.p_rope), row.note]
        for row in chosen.itertuples()
    ]
    show_table(header, rows, numeric=header[1:5])
    for scale, own in chosen.groupby("scale", sort=False):
        ends = own[["rope_lower", "rope_upper"]].drop_duplicates().itertuples(index=False)
        say(f"Scale: {scale}. ROPE: {', '.join(f'{low:g} to {high:g}' for low, high in ends)}.")


def say_truth(table: pd.DataFrame, kinds: Sequence[str], subject: str) -> None:
    """Truth beside estimate, from :meth:`bayes_hr.api.Fit.beside_truth`: some kinds listed, units counted."""
    main = table[table["by"].isin(kinds)]
    rows = [
        [_label(row), _two(row.truth), _two(row.mean), _interval(row), "yes" if row.covered else "NO"]
        for row in main.itertuples()
    ]
    header = [subject, "truth", "estimate", _interval_name(table), "covered"]
    say()
    show_table(header, rows, numeric=header[1:4])
    say()
    for by, name in _UNITS.items():
        part = table[(table["by"] == by) & (table["estimand"] != "deviation")]  # the total has it in
        if len(part):
            say(
                f"{name}: {int(part['covered'].sum())} of {len(part)} intervals cover the truth "
                f"({table['ci_prob'].iloc[0]:.0%} are expected to)."
            )


def say_table(table: pd.DataFrame, name: str) -> None:
    """A table of a question's own; of those in :data:`_CHOSEN` the columns that fit a terminal."""
    shown = table[_CHOSEN.get(name, list(table.columns))]
    numeric = [str(c) for c in shown.columns if shown[c].dtype.kind in "fi"]
    header = [str(c).replace("_", " ") for c in shown.columns]
    rows = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
    say()
    show_table(header, rows, numeric=[c.replace("_", " ") for c in numeric])


def _cell(value: object) -> str:
    """Text as it is, numbers short, nothing for what is missing."""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}" if abs(value) < 100 else f"{value:.3g}"
    return str(value)


def say_reference(table: pd.DataFrame, n: int) -> None:
    """The permuted-ratification reference."""
    rows = []
    for row in table.itertuples():
        excludes = "" if row.excludes_0 != row.excludes_0 else f"{row.excludes_0:.0%}"  # an SD has none: NaN
        permuted = f"{_two(row.permuted_mean)} ({_two(row.permuted_sd)})"
        rows.append([_label(row), _two(row.mean), permuted, excludes, _two(row.p_value)])
    header = [f"{n} refits with permuted years", "real", "permuted (SD)", "exclude 0", "p-value"]
    say()
    show_table(header, rows, numeric=header[1:])


def say_places(out: Path) -> None:
    """Where the fit is."""
    say()
    say(f"Report: {out / 'report.html'}")
    say(f"Draws, tables and how it was made: {out}")


def _label(row: Any) -> str:
    """``transition - stable autocracy``, or the level with its kind where the level alone is not clear."""
    if row.estimand == "contrast":
        return f"{row.level} - {row.reference}"
    if row.estimand == "probability":
        return f"{row.level}: {row.reference}"
    if row.estimand in {"standard", "cutpoint"}:
        return f"cut-point {row.level}: {row.reference}"
    if row.estimand == "long_run":
        return f"long run: {row.level}" + (f" - {row.reference}" if row.reference else "")
    if (
        row.estimand in {"average", "deviation"}
        or getattr(row, "by", "") == "between"
        or getattr(row, "by", "") in _SEVERAL
    ):
        return f"{row.estimand.replace('_', ' ')}: {row.level}"
    return str(row.level or row.estimand)


def _centre(row: Any) -> float:
    """The mean; the median of an effect that has none, whose note says so."""
    return float(row.median if row.estimand == "long_run" else row.mean)


def _two(value: float) -> str:
    """Two decimals, and no minus before 0.00."""
    return f"{round(value, 2) + 0.0:.2f}"


def _interval(row: Any) -> str:
    return f"{_two(row.lb)} to {_two(row.ub)}"


def _interval_name(table: pd.DataFrame) -> str:
    return f"{table['ci_prob'].iloc[0]:.0%} interval"


# A panel


def say_classes(frame: pd.DataFrame) -> None:
    """Countries and rows of each regime class, and how many countries ratify within their rows."""
    by = frame.groupby(["ccode", "regime"], as_index=False).agg(rows=("year", "size"))  # classes may change
    of_country = frame.groupby("ccode")["ratified"].agg(low="min", high="max")
    by = by.merge(of_country, left_on="ccode", right_index=True, validate="m:1")
    rows = []
    for name, part in by.groupby("regime"):
        never, always = int((part["high"] == 0).sum()), int((part["low"] == 1).sum())
        counts = (len(part), int(part["rows"].sum()), len(part) - never - always, never, always)
        rows.append([str(name), *(f"{count:,}" for count in counts)])
    header = ["regime class", "countries", "rows", "ratify", "never", "always"]
    say()
    show_table(header, rows, numeric=header[1:])


def say_phases(frame: pd.DataFrame) -> None:
    """Rows, dyads, states and IGOs of each phase of membership, and of all of them."""
    dyad = frame["ccode"].astype(str) + ":" + frame["igo"].astype(str)
    parts = [(name, frame["phase"] == name) for name in ("before", "during", "gap", "after")]
    rows = []
    for name, inside in [*parts, ("all", frame["phase"].notna())]:
        part = frame[inside]
        counts = (len(part), dyad[inside].nunique(), part["ccode"].nunique(), part["igo"].nunique())
        rows.append([name, *(f"{count:,}" for count in counts)])
    header = ["phase of membership", "rows", "dyads", "states", "IGOs"]
    say()
    show_table(header, rows, numeric=header[1:])


def say_organisations(frame: pd.DataFrame, by: str) -> None:
    """IGOs, dyads and rows, by type (``igo_type``) or for each organisation (``igo``).

    Dyads "with before" have a row before entry, those that "exit" one after.
    """
    flags = frame.assign(before=frame["phase"] == "before", after=frame["phase"] == "after")
    keys = list(dict.fromkeys([by, "igo", "ccode"]))
    dyads = flags.groupby(keys).agg(rows=("year", "size"), before=("before", "any"), after=("after", "any"))
    rows = []
    for name, part in dyads.reset_index().groupby(by):
        counts = (part["igo"].nunique(), len(part), part["before"].sum(), part["after"].sum())
        rows.append([str(name), *(f"{int(count):,}" for count in (*counts, part["rows"].sum()))])
    header = [{"igo_type": "type of IGO", "igo": "IGO"}[by], "IGOs", "dyads", "with before", "exit", "rows"]
    if by == "igo":
        header, rows = [header[0], *header[2:]], [[row[0], *row[2:]] for row in rows]
    say()
    show_table(header, rows, numeric=header[1:])


def say_missing(shares: pd.DataFrame) -> None:
    """Shares of missing values, variables by decades."""
    header = ["missing, by decade", *(f"{decade}s" for decade in shares.columns)]
    rows = [
        [str(name), *(f"{share:.0%}" for share in row)]
        for name, row in zip(shares.index, shares.to_numpy(), strict=True)
    ]
    say()
    show_table(header, rows, numeric=header[1:])


def say_listwise(losses: Iterable[Loss]) -> None:
    """Rows and countries that each needed variable costs, then who these countries are."""
    told = list(losses)
    header = ["needed in every row", "rows lost", "countries lost"]
    say()
    show_table(header, [[x.variable, f"{x.rows:,}", f"{x.countries:,}"] for x in told], numeric=header[1:])
    for loss in told:
        if loss.names:
            say(f"{loss.variable}, countries lost: {', '.join(loss.names)}", indent=2)


# Log lines


class _StderrHandler(logging.Handler):
    """Plain lines on whatever standard error is at the time (a progress bar may stand in for it)."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        sys.stderr.write(f"{prefix}{record.getMessage()}\n")
        sys.stderr.flush()


@contextmanager
def log_on_stderr() -> Iterator[None]:
    """Show what the logger ``bayes_hr`` says, from INFO on; other loggers are left alone."""
    log = logging.getLogger("bayes_hr")
    level, handler = log.level, _StderrHandler()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
