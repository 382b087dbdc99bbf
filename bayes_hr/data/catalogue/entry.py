"""What is known of one public file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PUBLIC_BASE: Final = "https://raw.githubusercontent.com/"
"""Upstream address that every ``repo_path`` hangs from; ``BAYES_HR_MIRROR`` replaces it."""


@dataclass(frozen=True)
class Source:
    """One upstream file at one commit.

    Attributes
    ----------
    id : str
        Name by which panels, cards and reports refer to it.
    title : str
        What it is, for people.
    repo_path : str
        ``owner/repo/commit/path`` below :data:`PUBLIC_BASE`.
    sha256 : str
        SHA-256 of the bytes, hexadecimal.
    licence : str
        Licence or terms as the owner states them; says so where none is stated.
    citation : str
        Whom to cite, plain text.
    bibtex : str
        The same as BibTeX.
    covers : str
        Years and variables that the package reads.
    reader_version : int
        Version of the reader; a higher number makes a parsed copy stale.
    """

    id: str
    title: str
    repo_path: str
    sha256: str
    licence: str
    citation: str
    bibtex: str
    covers: str
    reader_version: int = 1

    @property
    def file_name(self) -> str:
        """Last part of the path."""
        return self.repo_path.rsplit("/", 1)[-1]
