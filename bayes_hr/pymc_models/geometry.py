"""Coordinates for the sampler: a fixed linear map that makes a nominal posterior standard normal.

The map (:func:`bayes_hr.forms.whitening_of`) is a change of variables with its Jacobian: it never changes
the posterior.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.transforms import Transform

if TYPE_CHECKING:
    from bayes_hr.kernels import Whitening


_UNROLLED: Final = 16


def weighted_sum(columns: Any, weights: Any, k: int) -> Any:
    """``columns @ weights``, (n,), for (n, k) columns, without a dot.

    Compiling PyTensor's dot for Numba takes longer than the rest of a model together (103 s of CPU against
    19 s on the demo); at these sizes it is hardly faster.  Few columns are added one by one, which fuses.
    """
    if k > _UNROLLED:
        return pt.sum(columns * weights, axis=1)
    return sum((columns[:, j] * weights[j] for j in range(1, k)), start=columns[:, 0] * weights[0])


class Whitened(Transform):
    """``value = centre + matrix @ z``; the log determinant is that of the triangular ``matrix``."""

    name = "whitened"

    def __init__(self, whitening: Whitening) -> None:
        self.centre = pt.constant(whitening.centre)
        self.matrix = pt.constant(whitening.matrix)
        self.log_det = float(np.log(np.abs(np.diag(whitening.matrix))).mean())

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Sampler's coordinates of a value."""
        return pt.linalg.solve_triangular(self.matrix, value - self.centre, lower=False)

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Value at the sampler's coordinates."""
        return self.centre + weighted_sum(self.matrix, value, self.centre.type.shape[0])

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Log determinant, spread evenly over the elements of the vector."""
        return pt.zeros_like(value) + self.log_det
