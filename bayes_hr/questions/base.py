"""What a question is to the rest of the package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    import xarray as xr

    from bayes_hr.cards import Card
    from bayes_hr.checks.result import CheckResult
    from bayes_hr.data.panel import Panel
    from bayes_hr.design import Design
    from bayes_hr.estimands.summary import EstimandDraws
    from bayes_hr.fits import Fit
    from bayes_hr.fitting import FitResult
    from bayes_hr.questions.choices import Choices


@dataclass(frozen=True)
class Question:
    """One family of questions; ``Any`` stands for the family's own kind of card.

    Attributes
    ----------
    build
        Card and panel to a design.
    panel_options
        What a card asks of :func:`bayes_hr.data.load.load_panel`; none of a simulated panel.
    panel
        The panel that a card names, and the true values if it is simulated (else None).
    check_panel
        Refuses a ready-made panel that answers another question than the card's.
    panel_from_file
        A user's own file as a panel for a card: path, card, columns (ours to theirs), kind of country code.
    estimands
        Draws of everything that a card asks for, from the posterior and the rows.
    tables
        Tables of its own beside the effects, by name; written with a saved fit.
    checks
        Checks of its own, from the fit and those tables.
    companions
        Cards whose estimates stand beside a card's own, by the name of their sample; may be none.
    choices
        Changes of a card that a referee asks about, by label, from the card and whether the rows are a user's
        own (:mod:`bayes_hr.questions.choices`); may be none.
    table_names
        Names of its tables, and of that of the companions' estimates.
    describe
        What a card is about, in a line for the list of cards.
    write_report, export_tables
        Its report, and its tables and figures for a paper: a fit to a file, a fit to a folder.
    ropes
        Regions of practical equivalence of a card's estimands, where they are not that of its ``rope``.
    headline
        Kinds of effects (``by``) that the terminal shows.
    subject
        What the effects are of, for the head of a table.
    """

    build: Callable[[Any, Panel], Design]
    panel_options: Callable[[Any], dict[str, Any]]
    panel: Callable[[Any], tuple[Panel, pd.DataFrame | None]]
    check_panel: Callable[[Any, Panel], None]
    panel_from_file: Callable[[Path, Any, dict[str, str] | None, str], Panel]
    estimands: Callable[[Any, xr.Dataset, xr.Dataset], list[EstimandDraws]]
    tables: Callable[[FitResult], dict[str, pd.DataFrame]]
    checks: Callable[[FitResult, dict[str, pd.DataFrame]], list[CheckResult]]
    companions: Callable[[Any], dict[str, Card]]
    choices: Callable[[Any, bool], Choices]
    table_names: tuple[str, ...]
    describe: Callable[[Any], str]
    write_report: Callable[[Fit, Path], Path]
    export_tables: Callable[[Fit, Path], Path]
    ropes: Callable[[Any], dict[str, tuple[float, float]]]
    headline: tuple[str, ...]
    subject: str
