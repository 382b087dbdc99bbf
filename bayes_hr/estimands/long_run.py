r"""What an effect adds up to where the outcome depends on its own last year.

With :math:`y_{it} = \phi y_{i,t-1} + \tau D_{it} + \dots` a lasting change of D moves y by :math:`\tau`
in the first year and by :math:`\tau / (1 - \phi)` in the end.  That ratio's denominator may be 0, so its
posterior need not have a mean: median and interval only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.estimands.summary import EstimandDraws

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NEARLY_ONE: Final = 0.98
"""From this phi on, half of a change is still to come after 34 years: a long run that no panel has seen."""

_LEAST: Final = 1e-6
"""Smallest 1 - phi; where it is 0 or less an effect grows without bound, and its draw counts at the end."""


def long_run(effect: Array, phi: Array) -> Array:
    """Long-run effects (chain, draw, k) of short-run ones, at phi (chain, draw).

    A draw with phi >= 1 has no long run: its effect grows without bound, and it is set so far out on its own
    side that only its side matters to a quantile.
    """
    return np.asarray(effect / np.maximum(1.0 - phi, _LEAST)[:, :, None])


def long_run_effects(posterior: xr.Dataset, short: list[EstimandDraws]) -> EstimandDraws:
    """Long-run counterpart of class effects and contrasts, ``by = "long_run"``.

    Parameters
    ----------
    posterior
        Draws, with ``phi``.
    short
        Short-run effects; their levels and references stay.
    """
    phi = posterior["phi"].values
    near = float((phi > NEARLY_ONE).mean())
    note = f"median; P(phi > {NEARLY_ONE:g}) = {near:.2f}"
    levels = tuple(level for e in short for level in e.levels)
    return EstimandDraws(
        "long_run",
        "long_run",
        levels,
        tuple(reference for e in short for reference in e.references),
        (note,) * len(levels),
        long_run(np.concatenate([e.draws for e in short], axis=2), phi),
        has_mean=False,
    )
