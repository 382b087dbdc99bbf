"""``load_panel``: a ready panel by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from bayes_hr.data.convergence_panel import convergence_panel
from bayes_hr.data.country_year import ratification_panel
from bayes_hr.data.messages import nearest
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError

PANELS: Final[dict[str, Callable[..., Panel]]] = {
    "ratification": ratification_panel,
    "convergence": convergence_panel,
}
"""Panels on offer, by name."""


def load_panel(name: str = "ratification", **options: Any) -> Panel:
    """Build a panel from the public sources (fetched into the cache on first use).

    Parameters
    ----------
    name : str
        ``"ratification"`` or ``"convergence"``.
    **options
        As in :func:`bayes_hr.data.country_year.ratification_panel` or
        :func:`bayes_hr.data.convergence_panel.convergence_panel`.

    Returns
    -------
    Panel

    Raises
    ------
    InputError
        If the panel or an option is unknown (names the nearest), or an option's value is wrong.
    DataUnavailableError
        If a source cannot be read.
    """
    if name not in PANELS:
        raise InputError(f"unknown panel {name!r}; {nearest(str(name), PANELS)}")
    valid = list(inspect.signature(PANELS[name]).parameters)
    for option in options:
        if option not in valid:
            raise InputError(f"panel {name!r}: unknown option {option!r}; {nearest(option, valid)}")
    return PANELS[name](**options)
