"""Progress of long work: a bar on a terminal or in a notebook, log lines elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from rich.console import Console

_LOG: Final = logging.getLogger("bayes_hr")
_LOG_SECONDS: Final = 10.0
_REFRESH_SECONDS: Final = 0.2


class Advance(Protocol):
    """What a progress bar gives to the work: `n` more units are done, and perhaps a message to show."""

    def __call__(self, n: int = 1, message: str | None = None) -> None:
        """Count `n` more units; a message stays until the next one."""


Progress = Callable[[int, int], None]
"""A callback ``progress(done, total)``."""


def silent(done: int, total: int) -> None:
    """Show nothing (a :data:`Progress`)."""


@contextmanager
def progress_bar(description: str, total: int | None) -> Iterator[Advance]:
    """Show how far the work is, on standard error.

    A terminal gets a bar with time elapsed and left, a notebook a line that renews itself, anything else
    lines of level INFO in the log ``bayes_hr``: at the start, every ten seconds at most, and at the end.

    Parameters
    ----------
    description : str
        What is being done.
    total : int, optional
        How many units there are; None if not known.

    Yields
    ------
    Advance
        ``advance(n=1, message=None)``, to be called from the thread that entered; `n` may be 0.
    """
    with _display(description, total) as advance:
        yield advance


@contextmanager
def progress_callback(
    description: str, total: int, progress: Progress | None
) -> Iterator[Callable[[int], None]]:
    """A function ``report(n)`` that counts `n` more units, for a callback or the default bar.

    Parameters
    ----------
    description : str
        What is being done.
    total : int
        How many units there are.
    progress : callable, optional
        Called as ``progress(done, total)``; None: the default bar.
    """
    if progress is None:
        with progress_bar(description, total) as advance:
            yield advance
        return
    done = 0

    def report(n: int = 1) -> None:
        nonlocal done
        done += n
        progress(done, total)

    yield report


def _display(description: str, total: int | None) -> AbstractContextManager[Advance]:
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_jupyter:
        return _notebook_line(description, total)
    if console.is_terminal:
        return _terminal_bar(console, description, total)
    return _log_lines(description, total)


@contextmanager
def _terminal_bar(console: Console, description: str, total: int | None) -> Iterator[Advance]:
    from rich import progress as rp

    columns = (
        rp.TextColumn("{task.description}", markup=False),
        rp.BarColumn(),
        rp.MofNCompleteColumn(),
        rp.TimeElapsedColumn(),
        rp.TimeRemainingColumn(),
        rp.TextColumn("{task.fields[message]}", markup=False),
    )
    with rp.Progress(*columns, console=console, transient=False) as bar:
        task = bar.add_task(description, total=total, message="")

        def advance(n: int = 1, message: str | None = None) -> None:
            bar.advance(task, n)
            if message is not None:
                bar.update(task, message=message)

        yield advance


@contextmanager
def _notebook_line(description: str, total: int | None) -> Iterator[Advance]:
    """A line of text renewed in place; needs no ipywidgets and leaves one line in a saved notebook."""
    from IPython.display import display

    count = _Count(description, total)
    handle = display({"text/plain": count.line()}, raw=True, display_id=True)

    def show(line: str) -> None:
        handle.update({"text/plain": line}, raw=True)

    with _reporting(count, _REFRESH_SECONDS, show) as advance:
        yield advance


@contextmanager
def _log_lines(description: str, total: int | None) -> Iterator[Advance]:
    count = _Count(description, total)
    _LOG.info("%s", count.line())
    with _reporting(count, _LOG_SECONDS, lambda line: _LOG.info("%s", line)) as advance:
        yield advance


class _Count:
    """Units done, and how to say it."""

    def __init__(self, description: str, total: int | None) -> None:
        self.description, self.total = description, total
        self.done, self.message, self.start = 0, "", time.monotonic()

    def line(self) -> str:
        done = f"{self.done}" if self.total is None else f"{self.done}/{self.total}"
        seconds = time.monotonic() - self.start
        return f"{self.description}: {done}, {seconds:.0f} s" + (f", {self.message}" if self.message else "")


@contextmanager
def _reporting(count: _Count, every: float, show: Callable[[str], None]) -> Iterator[Advance]:
    """Call `show` with the line, at most every `every` seconds and once at the end, however that comes."""
    last = count.start

    def advance(n: int = 1, message: str | None = None) -> None:
        nonlocal last
        count.done += n
        count.message = count.message if message is None else message
        if time.monotonic() - last >= every:
            last = time.monotonic()
            show(count.line())

    try:
        yield advance
    finally:
        show(count.line())
