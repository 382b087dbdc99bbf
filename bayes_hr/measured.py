r"""Outcomes seen through measurement error of known SD, on plain arrays.

A row's residual is :math:`r_t = e_t + s_t z_t`: the model's error, independent or AR(1) over the unit's
years (:mod:`.kernels`), plus independent normal error of known SD :math:`s_t`.  Given r, the posterior
precision of e is tridiagonal, :math:`A = Q / \sigma^2 + \mathrm{diag}(s^{-2})`, so that all here is linear in
the rows (Rue & Held 2005, *Gaussian Markov Random Fields*, section 2.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import lapack

from bayes_hr.kernels import transition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.kernels import RowOrder

    Array = NDArray[np.float64]


def _precision(order: RowOrder, rho: float, sigma: float, sd: Array) -> tuple[Array, Array, Array, Array]:
    """Diagonal and what stands beside it of A; weights on the previous error, and the shocks' variances."""
    weight, variance = transition(rho, order)
    variance = sigma**2 * variance
    diagonal = 1.0 / variance + 1.0 / sd**2
    diagonal[:-1] += (weight**2 / variance)[1:]
    return diagonal, -(weight / variance)[1:], weight, variance


def _solved(diagonal: Array, beside: Array, right: Array) -> tuple[Array, Array]:
    """A^-1 right, and the diagonal D of the factor A = L D L'."""
    D, L, failed = lapack.dpttrf(diagonal, beside)
    if failed:
        raise FloatingPointError("the precision of the errors is not positive")
    return np.asarray(lapack.dpttrs(D, L, right)[0]), np.asarray(D)


def log_density(residual: Array, sd: Array, *, sigma: float, rho: float, order: RowOrder) -> float:
    """Log density of the residuals (n,), the model's errors integrated out.

    Parameters
    ----------
    residual
        (n,) measured outcome less the linear predictor.
    sd
        (n,) known SDs of the measurement, positive, in outcome units.
    sigma, rho
        SD of the yearly shock and autocorrelation of the model's errors (0: independent).
    order
        Order of the rows.

    Raises
    ------
    FloatingPointError
        If the precision is not positive to rounding.
    """
    diagonal, beside, _, variance = _precision(order, rho, sigma, sd)
    scaled = residual / sd**2
    mean, D = _solved(diagonal, beside, scaled)
    value = -0.5 * (np.log(variance).sum() + 2.0 * np.log(sd).sum() + np.log(D).sum())
    value -= 0.5 * (residual @ scaled - mean @ scaled + residual.size * np.log(2 * np.pi))
    return float(value)


def draw_errors(
    rng: np.random.Generator, residual: Array, sd: Array, *, sigma: float, rho: float, order: RowOrder
) -> Array:
    """One exact draw of the model's errors (n,) given the residuals; arguments as :func:`log_density`."""
    diagonal, beside, weight, variance = _precision(order, rho, sigma, sd)
    shock = rng.standard_normal(sd.size) / np.sqrt(variance)
    right = residual / sd**2 + rng.standard_normal(sd.size) / sd + shock  # its covariance is A
    right[:-1] -= (weight * shock)[1:]
    return _solved(diagonal, beside, right)[0]
