"""Usual names of columns of country codes: what a message suggests where ``ccode`` is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

USUAL: Final[dict[str, tuple[str, ...]]] = {
    "cow": ("cow", "cown", "cowcode", "cow_code", "cowno"),
    "iso3": ("iso3", "iso3c", "iso3_code", "iso_a3", "country_text_id", "wbcode"),
    "iso2": ("iso2", "iso2c", "iso2_code", "iso_a2"),
    "gw": ("gw", "gwno", "gwn", "gwcode", "gwid"),
    "vdem": ("vdem", "vdem_id", "country_id"),
    "cowc": ("cowc", "stateabb", "cow_abb"),
    "name": ("country", "country_name", "countryname", "name", "state"),
}
"""Kind of code to names in small letters; the first kind that is there is suggested."""


def suggestion(columns: Iterable[str]) -> str:
    """What to pass if a column looks like country codes; empty if none does. Nothing is chosen in silence."""
    by_lower = {column.lower(): column for column in columns}
    for scheme, usual in USUAL.items():
        for name in usual:
            if name in by_lower:
                theirs = by_lower[name]
                if scheme == "cow":
                    how = f"columns={{'ccode': {theirs!r}}} (--column ccode={theirs})"
                    return f" If {theirs!r} holds COW numbers: {how}."
                return (
                    f" If {theirs!r} holds the country: columns={{'ccode': {theirs!r}}}, codes={scheme!r} "
                    f"(--column ccode={theirs} --codes {scheme})."
                )
    return ""
