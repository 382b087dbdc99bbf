r"""One group term, all coefficients integrated out: a density of the hyperparameters alone.

With varying effects :math:`u_g = F w_g`, population coefficients :math:`\beta = m + T z` (w, z standard
normal) and cross-products of the rows (:mod:`.cells`), the groups are eliminated first, q x q matrices
each, then z:

.. math:: B_g = I + F' Z_g'Z_g F / \sigma^2, \quad
          A = D'D / \sigma^2 - \sum_g H_g'H_g, \quad H_g = B_g^{-1/2} F' Z_g'D / \sigma^2,
          \quad M = I + T'A_{XX}T,

and the log density is :math:`-n\log\sigma - \sum_g \frac12\log|B_g| - \frac12\log|M| - \frac12
(A_{yy} - |M^{-1/2} T'A_{Xy}|^2)`.  Given the hyperparameters, coefficients are drawn exactly, all at once.
It costs about half a millisecond on the CAT panel, and no coupling of coefficients with SDs or rho is left
to mix through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import blas, lapack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design
    from bayes_hr.engines.cells import Products
    from bayes_hr.engines.hyper import Point

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class PopulationPrior:
    r"""Prior of the population coefficients as :math:`m + T z` with standard normal z.

    Attributes
    ----------
    mean, scale
        (P,) prior means, and SDs of the unpooled coefficients (0 of pooled ones).
    pooled
        For each partially pooled term: its positions, and the SD of its mean's prior (0: a fixed mean).
    """

    mean: Array
    scale: Array
    pooled: tuple[tuple[slice, float], ...]

    @classmethod
    def of(cls, design: Design) -> PopulationPrior:
        """Read a design's priors."""
        mean, scale, pooled, at = [], [], [], 0
        for term in design.population:
            priors = term.each_prior or (None,) * term.size
            mean += [p["mu"] if p else 0.0 for p in priors]
            if term.sd is None:
                scale += [p["sigma"] if p else 0.0 for p in priors]
            else:
                scale += [0.0] * term.size
                pooled.append((slice(at, at + term.size), term.prior["sigma"] if term.prior else 0.0))
            at += term.size
        return cls(np.array(mean), np.array(scale), tuple(pooled))

    def log_density(self, b: Array, means: Array, sds: Array) -> float:
        """Log prior density of coefficients (P,) and means of pooled terms (k,), up to a constant."""
        own = self.scale > 0
        value = -0.5 * float(np.sum(((b - self.mean)[own] / self.scale[own]) ** 2))
        for (where, spread), mean, sd in zip(self.pooled, means, sds, strict=True):
            part = b[where]
            value -= part.size * np.log(sd) + 0.5 * float(np.sum(((part - mean) / sd) ** 2))
            value -= 0.5 * ((mean - self.mean[where.start]) / spread) ** 2 if spread > 0 else 0.0
        return value

    def root(self, sds: Array) -> Array | None:
        """T (P, P + number of pooled terms), or None where it is the diagonal of the scales."""
        if not self.pooled:
            return None
        T = np.hstack([np.diag(self.scale), np.zeros((self.scale.size, len(self.pooled)))])
        for k, ((where, spread), sd) in enumerate(zip(self.pooled, sds, strict=True)):
            T[where, where] = sd * np.eye(where.stop - where.start)
            T[where, self.scale.size + k] = spread
        return T


@dataclass(frozen=True)
class Coefficients:
    """One draw of all coefficients: (P,) population, (U, q) group effects, (k,) means of pooled terms."""

    population: Array
    effects: Array
    means: Array


@dataclass(frozen=True)
class Eliminated:
    """The factors at one point: what the log density is read from and coefficients are drawn with."""

    log_likelihood: float
    factor: Array
    lower: Array
    H: Array
    M: Array
    half: Array
    T: Array | None
    prior: PopulationPrior

    def draw(self, rng: np.random.Generator) -> Coefficients:
        """Draw all coefficients from their joint conditional, exactly."""
        z = _back(self.M, self.half + rng.standard_normal(self.half.size))
        P = self.prior.mean.size
        shift = self.prior.scale * z if self.T is None else self.T @ z
        left = self.H[:, :, P] - self.H[:, :, :P] @ shift
        w = _back_all(self.lower, left + rng.standard_normal(left.shape))
        means = np.array(
            [self.prior.mean[s.start] + v * z[P + k] for k, (s, v) in enumerate(self.prior.pooled)]
        )
        return Coefficients(self.prior.mean + shift, w @ self.factor.T, means)


def eliminate(products: Products, point: Point, prior: PopulationPrior) -> Eliminated | None:
    """Eliminate groups, then population coefficients; None where the matrices overflow.

    ``products`` are of an outcome from which the prior mean's part is taken off.
    """
    factor, s = point.factors[0], point.sigma**-2.0
    q, P = len(factor), prior.mean.size
    try:
        lower = np.linalg.cholesky(np.eye(q) + s * (factor.T @ products.ZZ @ factor))
    except np.linalg.LinAlgError:
        return None
    left = _forward_all(lower, np.broadcast_to(s * factor.T, lower.shape).copy())
    H = np.matmul(left, products.ZD)
    # Of what is symmetric only the lower half is worked out: this product is most of an evaluation.
    A = blas.dsyrk(-1.0, H.reshape(-1, P + 1).T, s, products.DD.T, lower=1)
    T = prior.root(point.pooled)
    if T is None:
        M, right = prior.scale[:, None] * A[:P, :P] * prior.scale, prior.scale * A[P, :P]
    else:
        whole = np.tril(A[:P, :P]) + np.tril(A[:P, :P], -1).T
        M, right = T.T @ whole @ T, T.T @ A[P, :P]
    M[np.diag_indices_from(M)] += 1.0
    root, failed = lapack.dpotrf(M, lower=1, overwrite_a=1)
    if failed:
        return None
    half = lapack.dtrtrs(root, right, lower=1)[0]
    value = products.log_weights - products.n * (np.log(point.sigma) + 0.5 * np.log(2 * np.pi))
    value -= np.log(np.einsum("gii->gi", lower)).sum() + np.log(np.diag(root)).sum()
    value -= 0.5 * (A[P, P] - half @ half)
    return Eliminated(float(value), factor, lower, H, root, half, T, prior)


def _forward_all(lower: Array, right: Array) -> Array:
    """Solve (U, q, q) lower triangular systems for (U, q, k) right-hand sides, in place."""
    for i in range(lower.shape[1]):
        for j in range(i):
            right[:, i] -= lower[:, i, j, None] * right[:, j]
        right[:, i] /= lower[:, i, i, None]
    return right


def _back_all(lower: Array, right: Array) -> Array:
    """Solve the transposed systems for (U, q) right-hand sides, in place."""
    for i in range(lower.shape[1] - 1, -1, -1):
        for j in range(i + 1, lower.shape[1]):
            right[:, i] -= lower[:, j, i] * right[:, j]
        right[:, i] /= lower[:, i, i]
    return right


def _back(lower: Array, right: Array) -> Array:
    return np.asarray(lapack.dtrtrs(lower, right, lower=1, trans=1)[0])
