"""Colours of regime classes, the same in every figure."""

from __future__ import annotations

from typing import Final

from bayes_hr.reporting.figures import ACCENT, INK

CLASS_COLOURS: Final = {
    "stable autocracy": ACCENT,
    "transition": "#007a5a",
    "stable democracy": "#0b5fa5",
    "no score": "#6b6b6b",
}
"""Colours that stay apart for colour-blind readers (after Okabe & Ito, darkened for text and thin lines)."""

OTHERS: Final = ("#8e4585", "#a67c00", "#3d7d91", "#5b5b9e")


def colour_of(label: str, labels: list[str]) -> str:
    """Colour of a regime class; classes that are not of the usual four take turns among others."""
    if label in CLASS_COLOURS:
        return CLASS_COLOURS[label]
    unusual = [name for name in labels if name not in CLASS_COLOURS]
    return OTHERS[unusual.index(label) % len(OTHERS)] if label in unusual else INK


def colours(labels: list[str]) -> dict[str, str]:
    """The same of every class."""
    return {label: colour_of(label, labels) for label in labels}
