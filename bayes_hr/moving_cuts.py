r"""Cut-points that move over the years: a changing standard of accountability, as arrays.

In year t (of T) the K - 1 cut-points of ordered categories are

.. math:: c_{t,k} = c_k + w_t + \sum_{j < k} (G_{t,j} - G_j) - m_t,
          \qquad G_{t,j} = G_j \frac{\exp v_{t,j}}{\frac1T \sum_s \exp v_{s,j}},

with :math:`G_j = c_{j+1} - c_j`, and :math:`m_t` the mean over k of the sum before it.  So
:math:`w_t` moves the mean of a year's cut-points, and :math:`v_{t,j}` the gaps between neighbours; gaps stay
positive, so the order holds by construction, and every cut-point's deviation has the mean zero over the years
exactly: :math:`\frac1T \sum_t c_{t,k} = c_k`.  Turning the scale round leaves all of this as it is, which
walks on the first cut-point and the gaps would not.

:math:`w` and each :math:`v_j` are Gaussian random walks whose mean over the years is zero: the step from a
year to the next that there is, g years on, is :math:`N(0, g s^2)`.  s is ``sd_cutpoint_shift`` of w, on the
latent scale, and ``sd_gap_shift`` of v, without unit.  w alone (:math:`v = 0`) is the year effect of a model
with fixed cut-points with its sign turned, under a random-walk prior: what moves cut-points apart is in v.
A standard that does not move is the limit in which both SDs are 0.

Walks are sampled as :math:`w = s B z` with independent standard normal z.  B are the principal components of
the walk around its mean (:func:`bayes_hr.walks.walk_basis`): rows are spread about evenly over the years, so
that the data leave the z nearly independent of each other too.

The idea of a standard that moves is that of Fariss (2014), *Respect for human rights has improved over time*,
American Political Science Review 108 (2), doi 10.1017/S0003055414000070, whose standards-based thresholds
have a value for each year; walks on thresholds are in the style of his, not a replication.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.walks import walk_basis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.priors import Prior

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


@dataclass(frozen=True)
class CutWalk:
    """Years over which cut-points move, and the priors of how fast.

    Attributes
    ----------
    years
        The T years that have rows, in order.
    shift
        Prior of the SD of a yearly step of all cut-points together, in units of the latent outcome.
    gap
        Prior of the SD of a yearly step of the log of a gap between neighbours; None with two categories.
    index
        (n,) position of each row's year (left out of comparisons with ``==``).
    """

    years: tuple[int, ...]
    shift: Prior
    gap: Prior | None
    index: Index = field(compare=False, repr=False)

    @property
    def sds(self) -> dict[str, Prior]:
        """Priors of the SDs of a step, by posterior variable."""
        gap = {} if self.gap is None else {"sd_gap_shift": self.gap}
        return {"sd_cutpoint_shift": self.shift, **gap}


def year_cutpoints(cutpoint: Array, shift: Array, log_gap: Array) -> Array:
    """Cut-points of each year.

    Parameters
    ----------
    cutpoint
        (K - 1,) their means over the years.
    shift
        (T,) deviation of the mean of a year's cut-points, with mean zero over the years.
    log_gap
        (T, K - 2) deviations of the logs of the gaps; their mean over the years does not count.

    Returns
    -------
    array of shape (T, K - 1)
        In order in every year, with the mean ``cutpoint`` over the years.
    """
    ratio = np.exp(log_gap)
    ratio /= ratio.mean(axis=0)
    wider = np.zeros((shift.size, cutpoint.size))
    wider[:, 1:] = np.cumsum(np.diff(cutpoint) * (ratio - 1.0), axis=1)
    return np.asarray(cutpoint + shift[:, None] + wider - wider.mean(axis=1, keepdims=True))


def draw_cutpoints(rng: np.random.Generator, walk: CutWalk, cutpoint: Array, sds: dict[str, float]) -> Array:
    """Cut-points (T, K - 1) of each year around ``cutpoint`` (K - 1,), by walks with these SDs of a step."""
    basis = walk_basis(walk.years)
    z = rng.standard_normal((basis.shape[1], cutpoint.size))
    log_gap = sds.get("sd_gap_shift", 0.0) * (basis @ z[:, 1:])
    return year_cutpoints(cutpoint, sds["sd_cutpoint_shift"] * (basis @ z[:, 0]), log_gap)
