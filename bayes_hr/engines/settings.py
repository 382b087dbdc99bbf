"""What an engine is told besides the design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int], None]
"""Called with draws done and draws in all (warm-up included)."""


@dataclass(frozen=True)
class SamplerSettings:
    """Settings of one run, all recorded with the fit."""

    sampler: str
    form: str
    chains: int
    draws: int
    tune: int
    seed: int
    target_accept: float
    cores: int
