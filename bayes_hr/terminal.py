"""Text for a terminal or a pipe: tables that never cut a word, paragraphs, log lines on standard error."""

from __future__ import annotations

import logging
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_WIDTH: Final = 10_000
"""Nothing is wrapped for a pipe: one row, one line."""

VERDICT_STYLES: Final = {"PASS": "bold green", "REVIEW": "bold yellow", "FAIL": "bold red"}


def _console() -> Console:
    from rich.console import Console

    plain = Console(markup=False, highlight=False, emoji=False)
    return plain if plain.is_terminal else Console(width=_PIPE_WIDTH, markup=False, highlight=False, emoji=False)


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
