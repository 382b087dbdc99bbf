r"""Error structures in PyMC: iid and AR(1), Gaussian and Student-t, gaps exact.

Known SDs s of the measurement: independent errors have the variance :math:`\sigma^2 + s^2`; with AR(1) the
outcome without measurement error is a parameter for each row.

AR(1), Gaussian: a row given the unit's previous row, :math:`g` years before, is normal: mean
:math:`\eta_t + \rho^g (y_{t-g} - \eta_{t-g})`, variance :math:`\sigma^2 (1-\rho^{2g})/(1-\rho^2)`; the first
row has the stationary variance.  AR(1), Student-t: yearly shocks are :math:`t_\nu(0, \sigma)`, so the errors
of missing years inside a gap are parameters; the first error is :math:`t_\nu(0, \sigma/\sqrt{1-\rho^2})` by
definition of the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

if TYPE_CHECKING:
    from bayes_hr.design import Design
    from bayes_hr.kernels import RowOrder


def powers(rho: Any, gap: np.ndarray[Any, Any]) -> Any:
    """``rho ** gap`` for whole gaps, smooth for negative ``rho``; (n,)."""
    # The derivative of rho**0 is 0 / rho: not a number at rho = 0, where sampling begins.
    return sum((gap == g).astype(float) * (rho ** int(g) if g else 1.0) for g in np.unique(gap))


def _gaussian_transition(order: RowOrder, rho: Any) -> tuple[Any, Any]:
    """Weight on the previous error, and SD of the shock over sigma; both (n,), or plain numbers if iid."""
    if rho is None:
        return 0.0, 1.0
    stationary = 1.0 / (1.0 - rho**2)
    power = powers(rho, order.gap)
    weight = pt.where(order.first, 0.0, power)
    return weight, pt.sqrt(pt.where(order.first, stationary, (1.0 - power**2) * stationary))


def integrated_logp(
    design: Design, *, residual: Any, Z: Any, factor: tuple[list[Any], list[list[Any]]], sigma: Any, rho: Any
) -> Any:
    r"""Log density of the outcome with the group effects integrated out.

    With quasi-differenced rows :math:`z` and :math:`W = Z S L` over :math:`\sigma`, a group contributes
    :math:`-\frac12 z'z + \frac12 |C^{-1} W'z|^2 - \log|C|` with :math:`CC' = I + W'W`; C is unrolled over the
    few terms, elementwise over groups.

    Parameters
    ----------
    residual
        (n,) outcome minus the population part.
    Z
        (n, q) columns of the group term.
    """
    group, order = design.groups[0], design.error.order
    sd, lower = factor
    q, n_groups = len(group.terms), len(group.levels)
    weight, spread = _gaussian_transition(order, rho)

    def whiten(a: Any) -> Any:
        return (a if rho is None else (a - weight * a[order.previous]) / spread) / sigma

    def total(a: Any) -> Any:
        return pt.inc_subtensor(pt.zeros(n_groups)[group.index], a)

    z = whiten(residual)
    base = [whiten(Z[:, i]) * sd[i] for i in range(q)]
    W = [sum(base[i] * lower[i][j] for i in range(j, q)) for j in range(q)]
    C: list[list[Any]] = []
    half: list[Any] = []
    for i in range(q):
        row: list[Any] = []
        for j in range(i):
            inner = sum((row[k] * C[j][k] for k in range(j)), start=pt.zeros(n_groups))
            row.append((total(W[i] * W[j]) - inner) / C[j][j])
        square = sum((r**2 for r in row), start=pt.zeros(n_groups))
        row.append(pt.sqrt(1.0 + total(W[i] ** 2) - square))
        C.append(row)
        shift = sum((row[k] * half[k] for k in range(i)), start=pt.zeros(n_groups))
        half.append((total(W[i] * z) - shift) / row[i])
    gain = sum(0.5 * pt.sum(h**2) - pt.sum(pt.log(C[i][i])) for i, h in enumerate(half))
    scale = design.n * (pt.log(sigma) + 0.5 * np.log(2 * np.pi))
    return gain - 0.5 * pt.sum(z**2) - scale - (0.0 if rho is None else pt.sum(pt.log(spread)))


def add_row_likelihood(design: Design, y: Any, eta: Any, sigma: Any, rho: Any) -> None:
    """Add the row likelihood to the open model: observed ``y``, or a potential with Student-t AR(1)."""
    error = design.error
    nu = error.nu.to_pymc("nu") if error.nu is not None else None
    if nu is not None and rho is not None:
        _student_t_ar1(design, y - eta, sigma, rho, nu)
        return
    if error.measurement_sd is not None:
        if rho is None:
            sigma = pt.sqrt(sigma**2 + error.measurement_sd**2)
        else:
            y = _without_measurement_error(y, error.measurement_sd)
    weight, spread = _gaussian_transition(error.order, rho)
    previous = error.order.previous
    mean = eta if rho is None else eta + weight * (y[previous] - eta[previous])
    if nu is None and error.measurement_sd is not None and rho is not None:
        pm.Potential("row_loglik", pt.sum(pm.logp(pm.Normal.dist(mean, sigma * spread), y)))
    elif nu is None:
        pm.Normal("y", mean, sigma * spread, observed=y, dims="obs")
    else:
        pm.StudentT("y", nu=nu, mu=mean, sigma=sigma, observed=y, dims="obs")


def _without_measurement_error(y: Any, sd: np.ndarray[Any, Any]) -> Any:
    """The outcome as it would be without measurement error, (n,), as parameters."""
    z = pm.Flat("z_measured", shape=sd.size)
    pm.Potential("measured", pt.sum(pm.logp(pm.Normal.dist(0.0, sd), sd * z)) + float(np.log(sd).sum()))
    return y + sd * z


def complete_years(order: RowOrder) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows with the missing years of gaps put back.

    Returns
    -------
    position : (m,) int
        For each year of each unit's history, its row, or n, n + 1, ... for the missing ones in turn.
    first : (m,) bool
        Whether it starts a unit.
    """
    position: list[int] = []
    first: list[bool] = []
    missing = order.first.size
    for row, (start, gap) in enumerate(zip(order.first, order.gap, strict=True)):
        for _ in range(0 if start else int(gap) - 1):
            position.append(missing)
            first.append(False)
            missing += 1
        position.append(row)
        first.append(bool(start))
    return np.array(position), np.array(first)


def _student_t_ar1(design: Design, residual: Any, sigma: Any, rho: Any, nu: Any) -> None:
    position, first = complete_years(design.error.order)
    n_missing = position.size - design.n
    if n_missing:
        spread = sigma / pt.sqrt(1.0 - rho**2)
        z = pm.Flat("z_missing", shape=n_missing)
        residual = pt.concatenate([residual, spread * z])
        pm.Potential("missing_jacobian", n_missing * pt.log(spread))
    e = residual[position]
    shock = pt.concatenate([e[:1], pt.where(first[1:], e[1:], e[1:] - rho * e[:-1])])
    scale = sigma * pt.where(first, 1.0 / pt.sqrt(1.0 - rho**2), 1.0)
    pm.Potential("row_loglik", pt.sum(pm.logp(pm.StudentT.dist(nu=nu, mu=0.0, sigma=scale), shock)))
