r"""Exact linear-Gaussian algebra on plain arrays: AR(1) rows, group effects given the rest.

Notation: rows are ordered by unit and year.  Errors follow :math:`e_t = \rho^{g} e_{t-g} + \nu_t` over a
gap of :math:`g` years, with :math:`\nu_t \sim N(0, \sigma^2 (1-\rho^{2g})/(1-\rho^2))`, and the first row
of a unit has the stationary variance :math:`\sigma^2/(1-\rho^2)`; :math:`\sigma` is the SD of the yearly
shock.  Independent errors are the case :math:`\rho = 0`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


@dataclass(frozen=True)
class RowOrder:
    """Where each row stands in its unit's history.

    Attributes
    ----------
    unit
        (n,) index of the unit of each row, non-decreasing.
    first
        (n,) whether the row is the first of its unit.
    previous
        (n,) index of the unit's previous row (the row itself for a first row).
    gap
        (n,) years since the previous row; 0 for a first row.
    """

    unit: Index
    first: NDArray[np.bool_]
    previous: Index
    gap: Index


def row_order(unit: Index, year: Index) -> RowOrder:
    """Describe rows that are sorted by unit and year.

    Raises
    ------
    ValueError
        If rows are not sorted, or a unit has a year twice.
    """
    n = unit.size
    new = np.r_[True, unit[1:] != unit[:-1]]
    step = np.r_[0, np.diff(year)]
    if np.any(np.diff(unit) < 0) or np.any(step[~new] <= 0):
        raise ValueError("rows must be sorted by unit and year, with each year once")
    rows = np.arange(n)
    return RowOrder(unit, new, np.where(new, rows, rows - 1), np.where(new, 0, step).astype(np.int64))


def transition(rho: float, order: RowOrder) -> tuple[Array, Array]:
    """Weight on the previous row's error and variance of the shock over sigma squared, both (n,)."""
    coefficient = np.where(order.first, 0.0, np.power(rho, order.gap))
    stationary = 1.0 / (1.0 - rho**2)
    return coefficient, np.where(order.first, stationary, (1.0 - coefficient**2) * stationary)


def quasi_difference(a: Array, rho: float, order: RowOrder) -> Array:
    """Turn AR(1) errors into independent ones with SD sigma; ``a`` is (n,) or (n, k)."""
    coefficient, variance = transition(rho, order)
    shape = (-1,) + (1,) * (a.ndim - 1)
    out: Array = (a - coefficient.reshape(shape) * a[order.previous]) / np.sqrt(variance).reshape(shape)
    return out


def group_sums(values: Array, index: Index, n_groups: int) -> Array:
    """Sum the rows of (n, k) ``values`` within groups; returns (n_groups, k)."""
    columns = [np.bincount(index, weights=column, minlength=n_groups) for column in values.T]
    return np.stack(columns, axis=1)


def group_cross_products(W: Array, z: Array, index: Index, n_groups: int) -> tuple[Array, Array]:
    """Cross-products W'W (groups, q, q) and W'z (groups, q, k) within groups, for z of (n, k)."""
    q, k = W.shape[1], z.shape[1]
    pairs = (W[:, :, None] * W[:, None, :]).reshape(len(W), q * q)
    mixed = (W[:, :, None] * z[:, None, :]).reshape(len(W), q * k)
    return (
        group_sums(pairs, index, n_groups).reshape(n_groups, q, q),
        group_sums(mixed, index, n_groups).reshape(n_groups, q, k),
    )


def draw_group_effects(
    *,
    rng: np.random.Generator,
    residual: Array,
    Z: Array,
    index: Index,
    n_groups: int,
    order: RowOrder,
    rho: float,
    sigma: float,
    factor: Array,
) -> Array:
    """Draw the effects of one group term given everything else, exactly.

    With ``u = factor @ w``, ``w ~ N(0, I)``, the posterior of ``w`` in a group is Gaussian with precision
    ``I + W'W / sigma^2`` for the quasi-differenced ``W = Z @ factor``.

    Parameters
    ----------
    residual
        (n,) outcome minus the population part.
    Z
        (n, q) columns of the varying coefficients.
    factor
        (q, q) Cholesky factor of the group covariance.

    Returns
    -------
    array of shape (n_groups, q)
        One draw of u.
    """
    W = quasi_difference(Z @ factor, rho, order) / sigma
    z = quasi_difference(residual, rho, order) / sigma
    products, projection = group_cross_products(W, z[:, None], index, n_groups)
    precision = products + np.eye(Z.shape[1])
    lower = np.linalg.cholesky(precision)
    half = np.linalg.solve(lower, projection)
    noise = rng.standard_normal(half.shape)
    w = np.linalg.solve(np.swapaxes(lower, 1, 2), half + noise)
    draw: Array = w[:, :, 0] @ factor.T
    return draw


@dataclass(frozen=True)
class Whitening:
    """Affine map ``coefficient = centre + matrix @ z`` under which a nominal posterior is standard normal.

    It only changes the geometry that the sampler sees, never the posterior.
    """

    centre: Array
    matrix: Array


def nominal_whitening(
    *,
    X: Array,
    y: Array,
    prior_mean: Array,
    prior_sd: Array,
    Z: Array,
    index: Index,
    n_groups: int,
    order: RowOrder,
    rho: float,
    sigma: float,
    group_sd: Array,
) -> Whitening:
    """Posterior mean and inverse Cholesky factor of the (n, k) population coefficients at fixed variances.

    The group effects are integrated out (Woodbury within each group), so that a preconditioner built
    from it knows how far country intercepts and slopes blur the population terms.
    """
    XW, zW = quasi_difference(X, rho, order) / sigma, quasi_difference(y, rho, order) / sigma
    W = quasi_difference(Z * group_sd, rho, order) / sigma
    products, mixed = group_cross_products(W, np.c_[XW, zW], index, n_groups)
    lower = np.linalg.cholesky(products + np.eye(Z.shape[1]))
    half = np.linalg.solve(lower, mixed).reshape(-1, mixed.shape[2])
    full = np.c_[XW, zW].T @ XW - half.T @ half[:, :-1]
    precision = full[:-1] + np.diag(prior_sd**-2.0)
    root = np.linalg.cholesky((precision + precision.T) / 2.0)
    shift = full[-1] + prior_mean * prior_sd**-2.0
    centre = np.linalg.solve(root.T, np.linalg.solve(root, shift))
    return Whitening(centre, np.linalg.solve(root.T, np.eye(len(root))))


def lag_one_autocorrelation(residual: Array, order: RowOrder) -> float:
    """Correlation of residuals one year apart within units (rows with a gap of one year)."""
    pairs = (~order.first) & (order.gap == 1)
    a, b = residual[pairs], residual[order.previous[pairs]]
    return float(np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b)))
