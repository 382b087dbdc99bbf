"""Numbers as the report prints them: one rule for each kind of number, everywhere."""

from __future__ import annotations

import math
from typing import Final

MINUS: Final = "−"
NONE: Final = "–"


def digits_for(spread: float) -> int:
    """Decimals that show an effect on an outcome with this standard deviation: 2 for an SD of 1 to 10.

    Parameters
    ----------
    spread
        Standard deviation of the outcome over the rows used.
    """
    if not math.isfinite(spread) or spread <= 0:
        return 2
    return min(max(2 - math.floor(math.log10(spread)), 0), 6)


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign and no negative zero; an en dash for what is not there."""
    if not math.isfinite(value):
        return NONE
    text = f"{value:,.{digits}f}"
    if text.startswith("-"):
        text = text[1:] if float(text.replace(",", "")) == 0 else MINUS + text[1:]
    return text


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, also a plus."""
    text = number(value, digits)
    return text if text.startswith((MINUS, NONE)) or _is_zero(text) else f"+{text}"


def interval(lower: float, upper: float, digits: int = 2) -> str:
    """``−0.02 to 0.14``."""
    return f"{number(lower, digits)} to {number(upper, digits)}"


def probability(value: float) -> str:
    """Two decimals without the leading zero: ``.87``; ``>.99`` and ``<.01`` at the ends."""
    if not math.isfinite(value):
        return NONE
    if value > 0.99:
        return ">.99"
    if value < 0.01:
        return "<.01"
    return f"{value:.2f}"[1:] if value < 0.995 else ">.99"


def p_value(value: float) -> str:
    """A randomisation p-value: two decimals without the leading zero, and ``1.00`` where it is 1."""
    return f"{value:.2f}" if value > 0.995 else probability(value)


def count(value: float) -> str:
    """A whole number with thousands separators."""
    return f"{value:,.0f}" if math.isfinite(value) else NONE


def year(value: float) -> str:
    """A year, or a dash."""
    return f"{value:.0f}" if math.isfinite(value) else NONE


def percent(prob: float) -> str:
    """``89 %``, with a space that does not break."""
    return f"{100 * prob:g}\u00a0%"


def joined(names: list[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}" if names else ""


def _is_zero(text: str) -> bool:
    return not text.strip("0.,")
