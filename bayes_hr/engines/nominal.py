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

    from bayes_hr.design import Design
    from bayes_hr.engines.unit_rows import UnitRows
    from bayes_hr.forms import Blocks

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


def nominal_blocks(design: Design, blocks: Blocks, units: UnitRows, mean: Array, scale: Array) -> Whitening:
    """Posterior centre and inverse Cholesky factor of population coefficients and outer z's, (P,) and (P, P).

    Parameters
    ----------
    mean, scale
        (P,) means and SDs of their normal priors.
    """
    X = np.hstack([t.matrix() for t in design.population])
    left = design.y - X @ np.linalg.lstsq(X, design.y, rcond=None)[0]
    spread = max(float(left.std()), 1e-3 * design.unit)
    guess = Nominal(
        sigma=0.5 * spread,
        sd=0.5 * spread if design.serial is not None else 1.0,
        rho=RHO if design.serial is not None else 0.0,
        groups=tuple(np.full(len(g.terms), 0.3 * spread) for g in design.groups),
    )
    for _ in range(ROUNDS):
        whitening, residual = _conditional(design, blocks, units, (mean, scale), guess)
        guess = _with_outer(design, blocks, whitening, _with_inner(design, blocks, units, residual, guess))
    return _conditional(design, blocks, units, (mean, scale), guess)[0]


def _columns(design: Design, blocks: Blocks, guess: Nominal) -> Array:
    """(n, P) columns of population coefficients and outer z's."""
    parts = [t.matrix() for t in design.population]
    for g in blocks.outer:
        group = design.groups[g]
        wide = np.zeros((design.n, len(group.levels), len(group.terms)))
        wide[np.arange(design.n), group.index] = group.Z * guess.groups[g]
        parts.append(wide.reshape(design.n, -1))
    return np.hstack(parts)


def _conditional(
    design: Design, blocks: Blocks, units: UnitRows, prior: tuple[Array, Array], guess: Nominal
) -> tuple[Whitening, Array]:
    """Whitening at the guess, and the residual (n,) of its centre in unit order."""
    X = np.c_[_columns(design, blocks, guess), design.y][units.rows]
    mean, scale = prior
    full = np.zeros((X.shape[1], X.shape[1]))
    for u, (a, b) in enumerate(pairwise(units.start)):
        root = scipy.linalg.cholesky(_covariance(blocks, units, guess, u), lower=True)
        half = scipy.linalg.solve_triangular(root, X[a:b], lower=True)
        full += half.T @ half
    precision = full[:-1, :-1] + np.diag(scale**-2.0)
    root = scipy.linalg.cholesky(precision, lower=True)
    centre = scipy.linalg.cho_solve((root, True), full[:-1, -1] + mean * scale**-2.0)
    matrix = scipy.linalg.solve_triangular(root.T, np.eye(len(root)))
    return Whitening(centre, matrix), X[:, -1] - X[:, :-1] @ centre


def _covariance(blocks: Blocks, units: UnitRows, guess: Nominal, u: int) -> Array:
    """Covariance of one unit's rows, its effects integrated out."""
    own, p, f = slice(units.start[u], units.start[u + 1]), units.width[u], units.first[u]
    sd = np.array(
        [guess.groups[blocks.inner[g]][k] for g, k in zip(units.group[u, :p], units.term[u, :p], strict=True)]
    )
    Z = units.Z[own, :p] * sd
    out = Z @ Z.T + guess.sigma**2 * np.eye(len(Z))
    if units.gap.size:
        year = np.cumsum(np.r_[0, units.gap[f + 1 : units.first[u + 1]]])[units.cell[own] - f]
        h = guess.sd * units.h[own]
        out += h[:, None] * h * guess.rho ** np.abs(year[:, None] - year)
    return np.asarray(out)


def _with_inner(design: Design, blocks: Blocks, units: UnitRows, residual: Array, guess: Nominal) -> Nominal:
    """SDs of rows, unit-years and inner groups that the expected effects at the guess ask for."""
    q = max(len(design.groups[g].terms) for g in blocks.inner)
    factors = np.zeros((len(blocks.inner), q, q))
    for position, g in enumerate(blocks.inner):
        np.fill_diagonal(factors[position], np.r_[guess.groups[g], np.zeros(q - len(guess.groups[g]))])
    _, _, H, g_sigma, g_sd, _ = moments(residual, units, factors, guess.sigma, guess.sd, guess.rho)
    groups = list(guess.groups)
    for position, g in enumerate(blocks.inner):
        excess = np.diag(H[position])[: groups[g].size] / len(design.groups[g].levels)
        groups[g] = groups[g] * np.sqrt(np.maximum(1.0 + excess, 0.01))
    years = max(units.gap.size, 1)
    return replace(
        guess,
        sigma=guess.sigma * float(np.sqrt(max(1.0 + g_sigma / design.n, 0.01))),
        sd=guess.sd * float(np.sqrt(max(1.0 + g_sd / years, 0.01))),
        groups=tuple(groups),
    )


def _with_outer(design: Design, blocks: Blocks, whitening: Whitening, guess: Nominal) -> Nominal:
    """SDs of outer groups that their expected squared z's ask for."""
    groups, at = list(guess.groups), sum(t.size for t in design.population)
    second = whitening.centre**2 + np.sum(whitening.matrix**2, axis=1)
    for g in blocks.outer:
        levels, q = len(design.groups[g].levels), groups[g].size
        groups[g] = groups[g] * np.sqrt(second[at : at + levels * q].reshape(levels, q).mean(0))
        at += levels * q
    return replace(guess, groups=tuple(groups))
