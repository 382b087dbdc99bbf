"""Nominal variances of a design with blocks, and the coordinates in which its coefficients are near normal.

Only the geometry that the sampler sees depends on this, never the posterior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import scipy.linalg

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
    """Guessed SDs: of rows, of unit-years, and of each group's terms."""

    sigma: float
    sd: float
    rho: float
    groups: tuple[Array, ...]


def nominal_whitening(model: BlockModel, mean: Array, scale: Array) -> Whitening:
    """Posterior centre (P,) and inverse Cholesky factor (P, P) of population coefficients and outer z's.

    Parameters
    ----------
    mean, scale
        (P,) means and SDs of their normal priors.
    """
    design = model.design
    X = _columns(model)
    fixed = X[:, : _population_size(model)]
    left = model.y - fixed @ np.linalg.lstsq(fixed, model.y, rcond=None)[0]
    spread = max(float(left.std()), 1e-3 * design.unit)
    guess = Nominal(
        sigma=0.5 * spread,
        sd=0.5 * spread if design.serial is not None else 1.0,
        rho=RHO if design.serial is not None else 0.0,
        groups=tuple(np.full(len(g.terms), 0.3 * spread) for g in design.groups),
    )
    for _ in range(ROUNDS):
        whitening, residual = _conditional(model, X, (mean, scale), guess)
        guess = _with_outer(model, whitening, _with_inner(model, residual, guess))
    return _conditional(model, X, (mean, scale), guess)[0]


def _population_size(model: BlockModel) -> int:
    return sum(t.size for t in model.design.population)


def _columns(model: BlockModel) -> Array:
    """(n, P) columns of population coefficients and outer effects, in unit order."""
    size = _population_size(model) + sum(len(g.levels) * len(g.terms) for g in model.outer)
    X = np.zeros((model.y.size, size))
    np.put_along_axis(X, model.position, model.values, axis=1)
    return X


def _conditional(
    model: BlockModel, X: Array, prior: tuple[Array, Array], guess: Nominal
) -> tuple[Whitening, Array]:
    """Whitening at the guess, and the residual (n,) of its centre in unit order."""
    mean, scale = prior
    sd = [np.tile(guess.groups[g], len(model.design.groups[g].levels)) for g in model.blocks.outer]
    scaled = np.c_[X * np.concatenate([np.ones(_population_size(model)), *sd]), model.y]
    full = np.zeros((scaled.shape[1], scaled.shape[1]))
    for u, (a, b) in enumerate(pairwise(model.units.start)):
        root = scipy.linalg.cholesky(_covariance(model, guess, u), lower=True)
        half = scipy.linalg.solve_triangular(root, scaled[a:b], lower=True)
        full += half.T @ half
    root = scipy.linalg.cholesky(full[:-1, :-1] + np.diag(scale**-2.0), lower=True)
    centre = scipy.linalg.cho_solve((root, True), full[:-1, -1] + mean * scale**-2.0)
    matrix = scipy.linalg.solve_triangular(root.T, np.eye(len(root)))
    return Whitening(centre, matrix), model.y - scaled[:, :-1] @ centre


def _covariance(model: BlockModel, guess: Nominal, u: int) -> Array:
    """Covariance of one unit's rows, its effects integrated out."""
    units = model.units
    own, p, f = slice(units.start[u], units.start[u + 1]), units.width[u], units.first[u]
    columns = zip(units.group[u, :p], units.term[u, :p], strict=True)
    Z = units.Z[own, :p] * np.array([guess.groups[model.blocks.inner[g]][k] for g, k in columns])
    out = Z @ Z.T + guess.sigma**2 * np.eye(len(Z))
    if units.gap.size:
        year = np.cumsum(np.r_[0, units.gap[f + 1 : units.first[u + 1]]])[units.cell[own] - f]
        h = guess.sd * units.h[own]
        out += h[:, None] * h * guess.rho ** np.abs(year[:, None] - year)
    return np.asarray(out)


def _with_inner(model: BlockModel, residual: Array, guess: Nominal) -> Nominal:
    """SDs of rows, unit-years and inner groups that the expected effects at the guess ask for."""
    factors = model.padded([np.diag(guess.groups[g]) for g in model.blocks.inner])
    _, _, H, g_sigma, g_sd, _ = moments(residual, model.units, factors, guess.sigma, guess.sd, guess.rho)
    groups = list(guess.groups)
    for position, g in enumerate(model.blocks.inner):
        excess = np.diag(H[position])[: groups[g].size] / len(model.design.groups[g].levels)
        groups[g] = groups[g] * np.sqrt(np.maximum(1.0 + excess, 0.01))
    years = max(model.units.gap.size, 1)
    return replace(
        guess,
        sigma=guess.sigma * float(np.sqrt(max(1.0 + g_sigma / model.y.size, 0.01))),
        sd=guess.sd * float(np.sqrt(max(1.0 + g_sd / years, 0.01))),
        groups=tuple(groups),
    )


def _with_outer(model: BlockModel, whitening: Whitening, guess: Nominal) -> Nominal:
    """SDs of outer groups that their expected squared z's ask for."""
    groups, at = list(guess.groups), _population_size(model)
    second = whitening.centre**2 + np.sum(whitening.matrix**2, axis=1)
    for g in model.blocks.outer:
        levels, q = len(model.design.groups[g].levels), groups[g].size
        groups[g] = groups[g] * np.sqrt(second[at : at + levels * q].reshape(levels, q).mean(0))
        at += levels * q
    return replace(guess, groups=tuple(groups))
