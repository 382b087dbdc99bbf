"""What the report calls the quantities of Model C, and the colours of the phases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PHASES: Final = {"before": "before entry", "during": "during membership", "after": "after exit"}
"""Phases as the panel names them -> in words."""

COLOURS: Final = {"before": "#b26a00", "during": "#0b5fa5", "after": "#8c1d40", "gap": "#6b6b6b"}
"""One colour for each phase; they stay apart for colour-blind readers (CIE distance over 24 in simulations of
protanopia, deuteranopia and tritanopia after Machado et al. 2009) and have contrast over 4 on white."""

TYPES: Final = ("political", "social", "economic", "unclassified")
"""Types of IGOs in the order of every table."""


@dataclass(frozen=True)
class Quantity:
    """One estimand in words.

    Attributes
    ----------
    kind
        ``kink``, ``jump`` or ``slope``.
    label
        Its name.
    where
        The same within its kind: ``at entry``.
    definition
        What is subtracted from what.
    down, up
        What a negative and a positive value say; ``{d}`` stands for distance.
    phase
        The phase that begins with it, or that it is about.
    """

    kind: str
    label: str
    where: str
    definition: str
    down: str
    up: str
    phase: str

    @property
    def per_decade(self) -> bool:
        """Whether it is a change per decade; jumps are in units of the score."""
        return self.kind != "jump"


QUANTITIES: Final = {
    "kink_entry": Quantity(
        "kink",
        "Kink at entry",
        "at entry",
        "slope during membership minus slope before entry",
        "{d} falls faster, or grows less, during membership than before entry",
        "{d} falls less, or grows faster, during membership than before entry",
        "during",
    ),
    "kink_exit": Quantity(
        "kink",
        "Kink at exit",
        "at exit",
        "slope after exit minus slope during membership",
        "{d} falls faster, or grows less, after exit than during membership",
        "{d} falls less, or grows faster, after exit than during membership",
        "after",
    ),
    "jump_entry": Quantity(
        "jump",
        "Jump at entry",
        "at entry",
        "level at which membership starts minus level just before it",
        "{d} drops at entry",
        "{d} rises at entry",
        "during",
    ),
    "jump_exit": Quantity(
        "jump",
        "Jump at exit",
        "at exit",
        "level just after exit minus level to which membership had brought it",
        "{d} drops on leaving",
        "{d} jumps up on leaving",
        "after",
    ),
    "slope_before": Quantity(
        "slope",
        "Slope before entry",
        "before entry",
        "change per decade before entry",
        "{d} falls in the years before entry",
        "{d} grows in the years before entry",
        "before",
    ),
    "slope_during": Quantity(
        "slope",
        "Slope during membership",
        "during membership",
        "change per decade of membership",
        "{d} falls in the course of membership",
        "{d} grows in the course of membership",
        "during",
    ),
    "slope_after": Quantity(
        "slope",
        "Slope after exit",
        "after exit",
        "change per decade after exit",
        "{d} goes on falling after exit",
        "{d} grows after exit",
        "after",
    ),
}
"""Every estimand, kinks first, by its name in the effects table."""

KINDS: Final = {"kink": "Kinks", "jump": "Jumps", "slope": "Slopes"}

HYPOTHESES: Final = {
    "pre_membership_alignment": "Alignment before entry",
    "entry_alignment": "Alignment at entry",
    "gradual_alignment": "Gradual alignment during membership",
    "gradual_alignment_kink": "Gradual alignment, against the trend before entry",
    "reversion_jump": "Reversion by a jump on leaving",
    "reversion_slope": "Reversion by growth after exit",
    "reversion": "Reversion, either way",
    "persistence_full": "Persistence, full",
    "persistence_partial": "Persistence, partial",
    "persistence": "Persistence, full or partial",
    "instrumental": "Instrumental",
    "intrinsic": "Intrinsic",
    "both": "Both",
    "neither": "Neither",
    "intrinsic_kink": "Intrinsic, against the trend before entry",
    "both_kink": "Both, intrinsic against the trend before entry",
    "neither_kink": "Neither, intrinsic against the trend before entry",
}
"""Hypotheses in words, by their name in the table."""

UNIT: Final = "score units"
UNITS: Final = {True: f"{UNIT} per decade", False: UNIT}
"""Unit of a quantity, by whether it is per decade."""

MEANS: Final = {
    "leave_one_out": "leave-one-out",
    "inclusive": "inclusive",
    "frozen": "members at entry",
}
"""Kinds of co-members' mean, for the key facts."""


def hypothesis_name(key: str) -> str:
    """A hypothesis in words; one that is not known here keeps its own name."""
    return HYPOTHESES.get(key, key.replace("_", " "))


def level_name(level: str, length: int = 23) -> str:
    """``Sweden`` for ``Sweden (380)``; a long name of an IGO keeps its code: ``Common Mark… (COMESA)``."""
    name, _, rest = level.rpartition(" (")
    if not name:
        return level
    code = rest.removesuffix(")")
    name = name.removesuffix(f" ({code})")
    if code.lstrip("-").isdigit() or len(name) <= length:
        return name
    kept = max(length - len(code) - 4, 6)
    return f"{name[:kept].rstrip()}… ({code})"
