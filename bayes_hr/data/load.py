"""``load_panel``: a ready panel by name; and the sources of one that need not be built."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from bayes_hr.data.convergence_panel import convergence_panel, convergence_sources
from bayes_hr.data.country_year import ratification_panel, ratification_sources
from bayes_hr.data.many_treaties import treaties_panel, treaties_sources
from bayes_hr.data.messages import nearest
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError

PANELS: Final[dict[str, Callable[..., Panel]]] = {
    "ratification": ratification_panel,
    "treaties": treaties_panel,
    "convergence": convergence_panel,
}
"""Panels on offer, by name."""

_SOURCES_OF: Final[dict[str, Callable[..., tuple[str, ...]]]] = {
    "ratification": ratification_sources,
    "treaties": treaties_sources,
    "convergence": convergence_sources,
}


def load_panel(name: str = "ratification", **options: Any) -> Panel:
    """Build a panel from the public sources (fetched into the cache on first use).

    Parameters
    ----------
    name : str
        ``"ratification"``, ``"treaties"`` or ``"convergence"``.
    **options
        As in :func:`bayes_hr.data.country_year.ratification_panel`,
        :func:`bayes_hr.data.many_treaties.treaties_panel` or
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
    _check(name, options)
    return PANELS[name](**options)


def panel_sources(name: str = "ratification", **options: Any) -> tuple[str, ...]:
    """Ids of the sources that ``load_panel(name, **options)`` reads; neither reads nor fetches any.

    Parameters
    ----------
    name, **options
        As in :func:`load_panel`.

    Returns
    -------
    tuple of str
        Keys of :data:`bayes_hr.data.sources.SOURCES`.

    Raises
    ------
    InputError
        If the panel or an option is unknown, or one that decides on a source has a wrong value.
    """
    _check(name, options)
    defaults = {p.name: p.default for p in inspect.signature(PANELS[name]).parameters.values()}
    return _SOURCES_OF[name](**{**defaults, **options})


def _check(name: str, options: dict[str, Any]) -> None:
    if name not in PANELS:
        raise InputError(f"unknown panel {name!r}; {nearest(str(name), PANELS)}")
    valid = list(inspect.signature(PANELS[name]).parameters)
    for option in options:
        if option not in valid:
            raise InputError(f"panel {name!r}: unknown option {option!r}; {nearest(option, valid)}")
