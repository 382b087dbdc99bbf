"""What an engine is told besides the design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import xarray as xr

    from bayes_hr.design import Design

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


class Engine(Protocol):
    """Design in, draws out, under the names of the contract."""

    def sample(
        self, design: Design, settings: SamplerSettings, progress: Progress | None = None
    ) -> xr.DataTree:
        """Draw from the posterior of a design."""
        ...
