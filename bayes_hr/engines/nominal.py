"""Nominal variances of a design with blocks, and the coordinates in which its coefficients are near normal.

Only the geometry that the sampler sees depends on this, never the posterior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.linalg

from bayes_hr.engines.small import weighted_products
from bayes_hr.engines.unit_blocks import moments
from bayes_hr.kernels import Whitening

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.engines.block_model import BlockModel

    Array = NDArray[np.float64]

ROUNDS: Final = 5
"""Rounds of expectation and maximisation; a rough guess is enough."""

RHO: Final = 0.9
"""Nominal autocorrelation of unit-years: measured on the real convergence panel, .92."""


@dataclass(frozen=True)
class Nominal:
    """Guessed SDs: of rows, of unit-years, and of each group's terms in the kernels' order."""

    sigma: float
    sd: float
    rho: float
    groups: tuple[Array, ...]


def nominal_whitening(model: BlockModel, mean: Array, scale: Array) -> Whitening:
    """Posterior centre (P,) and a root (P, P) of the covariance of the population coefficients.

    Parameters
    ----------
    mean, scale
        (P,) means and SDs of their normal priors.
    """
    design, P = model.design, mean.size
    X = _columns(model)
    left = model.y - X[:, :P] @ np.linalg.lstsq(X[:, :P], model.y, rcond=None)[0]
    spread = max(float(left.std()), 1e-3 * design.unit)
    guess = Nominal(
        sigma=0.5 * spread,
        sd=0.5 * spread if design.serial is not None else 1.0,
        rho=RHO if design.serial is not None else 0.0,
        groups=tuple(np.full(len(g.terms), 0.3 * spread) for g in model.groups),
    )
    for _ in range(ROUNDS):
        whitening = _conditional(model, X, mean, scale, guess)
        guess = _maximised(model, model.y - X[:, :P] @ whitening.centre, guess)
    return _conditional(model, X, mean, scale, guess)


def _columns(model: BlockModel) -> Array:
    """(n, P + G) columns of population coefficients and of effects that cut across units, in unit order."""
    design, rows = model.design, model.units.rows
    parts = [t.matrix()[rows] for t in design.population]
    for g in model.blocks.outer:
        group = design.groups[g]
        wide = np.zeros((design.n, len(group.levels), len(group.terms)))
        wide[np.arange(design.n), group.index[rows]] = group.Z[rows]
        parts.append(wide.reshape(design.n, -1))
    return np.hstack(parts)


def _conditional(model: BlockModel, X: Array, mean: Array, scale: Array, guess: Nominal) -> Whitening:
    """Whitening of the population coefficients at the guess."""
    P, inner = mean.size, len(model.blocks.inner)
    outer = zip(model.groups[inner:], guess.groups[inner:], strict=True)
    sd = np.concatenate([scale, *(np.tile(s, len(g.levels)) for g, s in outer)])
    wide = np.c_[X, model.y]
    full = np.zeros((wide.shape[1], wide.shape[1]))
    for u, (a, b) in enumerate(pairwise(model.units.start)):
        full += weighted_products(_covariance(model, guess, u), wide[a:b])
    # In units of the priors' SDs, so that one near 0 does no harm.
    root = scipy.linalg.cholesky(full[:-1, :-1] * sd[:, None] * sd + np.eye(sd.size), lower=True)
    right = full[:-1, -1] * sd + np.r_[mean / scale, np.zeros(sd.size - P)]
    centre = scipy.linalg.cho_solve((root, True), right) * sd
    half = scipy.linalg.solve_triangular(root, np.eye(sd.size), lower=True) * sd
    return Whitening(centre[:P], scipy.linalg.cholesky((half.T @ half)[:P, :P], lower=True))


def _covariance(model: BlockModel, guess: Nominal, u: int) -> Array:
    """Covariance of one unit's rows, its effects integrated out."""
    units = model.units
    own, p, f = slice(units.start[u], units.start[u + 1]), units.width[u], units.first[u]
    columns = zip(units.group[u, :p], units.term[u, :p], strict=True)
    Z = units.Z[own, : units.atoms[u]] @ units.R[u, : units.atoms[u], :p]
    Z = Z * np.array([guess.groups[g][k] for g, k in columns])
    out = Z @ Z.T + guess.sigma**2 * np.eye(len(Z))
    if units.gap.size:
        year = np.cumsum(np.r_[0, units.gap[f + 1 : units.first[u + 1]]])[units.cell[own] - f]
        h = guess.sd * units.h[own]
        out += h[:, None] * h * guess.rho ** np.abs(year[:, None] - year)
    return np.asarray(out)


def _maximised(model: BlockModel, residual: Array, guess: Nominal) -> Nominal:
    """SDs that the expected effects at the guess ask for."""
    factors = model.padded([np.diag(sd) for sd in guess.groups])
    _, _, H, g_sigma, g_sd, _ = moments(residual, model.units, factors, guess.sigma, guess.sd, guess.rho)
    groups = []
    for position, (group, sd) in enumerate(zip(model.groups, guess.groups, strict=True)):
        excess = np.diag(H[position])[: sd.size] / len(group.levels)
        groups.append(sd * np.sqrt(np.maximum(1.0 + excess, 0.01)))
    years = max(model.units.gap.size, 1)
    return replace(
        guess,
        sigma=guess.sigma * float(np.sqrt(max(1.0 + g_sigma / model.y.size, 0.01))),
        sd=guess.sd * float(np.sqrt(max(1.0 + g_sd / years, 0.01))),
        groups=tuple(groups),
    )
