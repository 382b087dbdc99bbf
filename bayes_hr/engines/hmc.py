r"""Hamiltonian Monte Carlo for densities with a gradient, as one move of a larger sampler.

Leapfrog steps over a random length; step size by dual averaging (Hoffman & Gelman 2014, JMLR 15, 1593-1623,
section 3.2) and scales of the coordinates from the chain itself, both in the warm-up only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Target = Callable[["Array"], tuple[float, "Array", Any]]
"""Log density at a point, its gradient, and whatever else was computed."""

LENGTH: Final = 2.5
"""Mean length of a trajectory in units of the coordinates' scales; SDs near zero ask for long ones."""

ACCEPT: Final = 0.8
"""Share of proposals to be accepted."""

MOST: Final = 40
"""Most leapfrog steps of a trajectory."""

_PARTS: Final = (8, 4, 2)


class Here(NamedTuple):
    """A point with its log density, gradient and what came with them."""

    x: Array
    value: float
    gradient: Array
    payload: Any


@dataclass(frozen=True)
class Tuning:
    """Step size, scales of the coordinates (d,), and the state of their adaptation."""

    step: float
    scales: Array
    log_average: float = 0.0
    drift: float = 0.0
    centre: float = 0.0
    count: int = 0
    history: tuple[Array, ...] = ()

    @classmethod
    def at(cls, step: float, scales: Array) -> Tuning:
        """Begin the adaptation at a step size."""
        return cls(step, scales, np.log(step), 0.0, np.log(10.0 * step))

    def adapted(self, x: Array, accept: float, step: int, warm_up: int) -> Tuning:
        """After a move of the warm-up that was accepted with this probability."""
        m = self.count + 1
        drift = self.drift + (ACCEPT - accept - self.drift) / (m + 10.0)
        log_step = self.centre - np.sqrt(m) / 0.05 * drift
        weight = m**-0.75
        average = weight * log_step + (1.0 - weight) * self.log_average
        out = replace(
            self,
            step=float(np.exp(log_step)),
            drift=drift,
            log_average=average,
            count=m,
            history=(*self.history, x),
        )
        if step + 1 in {warm_up // k for k in _PARTS} and m >= 10:
            late = np.array(out.history[m // 2 :])
            spread = late.std(axis=0)
            scales = np.sqrt((len(late) * spread**2 + 5.0 * self.scales**2 * 0.1) / (len(late) + 5.0))
            return Tuning.at(0.5, scales)
        return replace(out, step=float(np.exp(average)), history=()) if step + 1 == warm_up else out


def move(rng: np.random.Generator, target: Target, here: Here, tuning: Tuning) -> tuple[Here, float]:
    """One trajectory: the point at its end or at its start, and the probability of acceptance."""
    scales, step = tuning.scales, tuning.step * rng.uniform(0.8, 1.2)
    p = rng.standard_normal(here.x.size)
    start, now = here.value - 0.5 * p @ p, here
    length = LENGTH * rng.uniform(0.4, 1.6)  # of one length, some scales would come back to where they began
    for _ in range(min(max(round(length / step), 1), MOST)):
        p = p + 0.5 * step * scales * now.gradient
        x = now.x + step * scales * p
        now = Here(x, *target(x))
        if not (np.isfinite(now.value) and np.isfinite(now.gradient).all()):
            return here, 0.0
        p = p + 0.5 * step * scales * now.gradient
    accept = float(np.exp(min(0.0, float(now.value - 0.5 * p @ p - start))))
    return (now if rng.uniform() < accept else here), accept
