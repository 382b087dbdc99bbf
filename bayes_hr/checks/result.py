"""What a check says, and the verdict of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pandas as pd

PASS: Final = "PASS"
REVIEW: Final = "REVIEW"
FAIL: Final = "FAIL"
NOT_APPLICABLE: Final = "not applicable"
_ORDER: Final = {NOT_APPLICABLE: 0, PASS: 1, REVIEW: 2, FAIL: 3}


@dataclass(frozen=True)
class CheckResult:
    """One check.

    Attributes
    ----------
    name
        Short name.
    status
        ``PASS``, ``REVIEW``, ``FAIL`` or ``not applicable``.
    text
        What was found, in a sentence, with its figures.
    advice
        What to do about it; empty for a PASS.
    table
        Figures behind it (may be empty).
    """

    name: str
    status: str
    text: str
    advice: str = ""
    table: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False)


@dataclass(frozen=True)
class Verdict:
    """The worst status of all checks, and why."""

    status: str
    checks: tuple[CheckResult, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each check that did not pass."""
        return tuple(f"{c.name}: {c.text}" for c in self.checks if c.status in {REVIEW, FAIL})

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do, once each."""
        return tuple(dict.fromkeys(c.advice for c in self.checks if c.status in {REVIEW, FAIL} and c.advice))

    def to_text(self) -> str:
        """The verdict for a terminal."""
        lines = [f"Verdict: {self.status}"]
        lines += [f"  [{c.status}] {c.name}: {c.text}" for c in self.checks]
        return "\n".join([*lines, *(f"  -> {a}" for a in self.advice)])


def verdict_of(checks: list[CheckResult]) -> Verdict:
    """The verdict is that of the worst check."""
    worst = max(checks, key=lambda c: _ORDER[c.status]).status
    return Verdict(PASS if worst == NOT_APPLICABLE else worst, tuple(checks))
