"""The public sources: where each file is, its SHA-256, its licence, and whom to cite.

The project carries only what :mod:`bayes_hr.data.catalogue` says. The files are other people's: they are
fetched at run time (:mod:`bayes_hr.data.fetch`), never shipped.
"""

from __future__ import annotations

from typing import Final

from bayes_hr.data.catalogue import codes, controls, igos, outcomes, regimes, treaties
from bayes_hr.data.catalogue.entry import PUBLIC_BASE, Source
from bayes_hr.data.messages import nearest
from bayes_hr.errors import InputError

__all__ = ["PUBLIC_BASE", "SOURCES", "Source", "get_source"]

_KINDS: Final = (outcomes, treaties, regimes, controls, igos, codes)

SOURCES: Final[dict[str, Source]] = {source.id: source for kind in _KINDS for source in kind.SOURCES}
"""Every registered source by id."""


def get_source(source_id: str) -> Source:
    """The registered source of that id.

    Parameters
    ----------
    source_id : str
        A key of :data:`SOURCES`.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        If there is none; names the nearest id.
    """
    if source_id not in SOURCES:
        raise InputError(f"unknown source {source_id!r}; {nearest(source_id, SOURCES)}")
    return SOURCES[source_id]
