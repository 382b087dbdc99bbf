"""A group's covariance on unconstrained coordinates: log SDs, then logits of partial correlations.

The coordinates, priors and Jacobians are those of the PyMC model (:mod:`bayes_hr.pymc_models.groups`):
partial correlations with independent Beta priors make an LKJ correlation (Lewandowski, Kurowicka & Joe 2009,
doi 10.1016/j.jmva.2009.04.008).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from bayes_hr.engines.small import JIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bayes_hr.design import GroupTerm

    Array = NDArray[np.float64]


def covariance_factor(group: GroupTerm, posterior: Mapping[str, Array]) -> Array:
    """Cholesky factor (q, q) of a group's covariance at one draw of ``sd_<group>`` and ``corr_<group>``."""
    sd = np.asarray(posterior[f"sd_{group.name}"])
    if group.corr is None:
        return np.diag(sd)
    corr = np.asarray(posterior[f"corr_{group.name}"])
    # A correlation that rounds to 1 would have no factor: shrink it by less than any draw can tell.
    return np.asarray(sd[:, None] * np.linalg.cholesky(corr * (1 - 1e-12) + 1e-12 * np.eye(len(sd))))


def size(group: GroupTerm) -> int:
    """Number of coordinates: q, and q (q - 1) / 2 more where the terms are correlated."""
    q = len(group.terms)
    return q + (q * (q - 1) // 2 if group.corr is not None else 0)


@dataclass(frozen=True)
class Covariance:
    """A point: SDs (q), correlation factor (q, q), log prior density with Jacobian and its gradient.

    Attributes
    ----------
    sd, corr
        SDs, and lower Cholesky factor of the correlation matrix.
    log_prior, gradient
        At this point, in the coordinates.
    partial, left
        (q, q) partial correlations below the diagonal, and what each leaves of the row's unit length.
    """

    sd: Array
    corr: Array
    log_prior: float
    gradient: Array
    partial: Array
    left: Array

    @property
    def factor(self) -> Array:
        """Cholesky factor of the covariance, (q, q)."""
        return self.sd[:, None] * self.corr

    def back(self, by_corr: Array, by_log_sd: Array) -> Array:
        """Gradient in the coordinates, from that in the correlation's factor (q, q) and the log SDs (q)."""
        if self.gradient.size == self.sd.size:
            return by_log_sd
        return np.concatenate([by_log_sd, back_to_logits(by_corr, self.corr, self.partial, self.left)])

    def from_excess(self, H: Array) -> Array:
        """Gradient in the coordinates from the sum of E[c-hat c-hat'] - I (:mod:`.unit_blocks`)."""
        by_corr = solved(self.corr, H)  # the coordinates read its lower triangle only
        return self.back(by_corr, np.einsum("ij,ij->i", self.corr, by_corr))


@JIT
def solved(L, H):
    """Solve L' x = H for lower triangular L, without an error where it is singular."""
    out = H.copy()
    for i in range(len(L) - 1, -1, -1):
        for j in range(H.shape[1]):
            for k in range(i + 1, len(L)):
                out[i, j] -= L[k, i] * out[k, j]
            out[i, j] /= L[i, i]
    return out


@JIT
def read_logits(x, eta, q):
    """Partial correlations and what they leave (q, q), the factor, the log density and its gradient."""
    corr, partial, left = np.eye(q), np.zeros((q, q)), np.ones((q, q))
    value, gradient, at = 0.0, np.empty(x.size), 0
    for i in range(1, q):
        for j in range(i):
            b = eta + (q - 2 - j) / 2.0
            share = 1.0 / (1.0 + np.exp(-x[at]))
            # log(share) + log(1 - share), also where a share rounds to 0 or 1
            value -= b * (np.abs(x[at]) + 2.0 * np.log1p(np.exp(-np.abs(x[at]))))
            gradient[at] = b * (1.0 - 2.0 * share)
            partial[i, j] = 2.0 * share - 1.0
            corr[i, j] = partial[i, j] * np.sqrt(left[i, j])
            left[i, j + 1] = left[i, j] * (1.0 - partial[i, j] ** 2)
            at += 1
        corr[i, i] = np.sqrt(left[i, i])
    return corr, partial, left, value, gradient


@JIT
def back_to_logits(by_corr, corr, partial, left):
    """Gradient in the logits of the partial correlations from that in the factor."""
    q = len(corr)
    out, at = np.empty(q * (q - 1) // 2), 0
    for i in range(1, q):
        for j in range(i):
            after = 0.0
            for k in range(j + 1, i + 1):
                after += by_corr[i, k] * corr[i, k]
            rest = 1.0 - partial[i, j] ** 2
            out[at] = 0.5 * (by_corr[i, j] * np.sqrt(left[i, j]) * rest - after * partial[i, j])
            at += 1
    return out


def covariance(group: GroupTerm, x: Array) -> Covariance:
    """Read the coordinates ``x`` (size,) of a group."""
    q = len(group.terms)
    sd = np.exp(x[:q])
    densities = np.array([p.log_density(v) for p, v in zip(group.sd, sd, strict=True)])
    log_prior = float(densities[:, 0].sum() + x[:q].sum())
    gradient = 1.0 + densities[:, 1] * sd
    if group.corr is None:
        return Covariance(sd, np.eye(q), log_prior, gradient, np.zeros((q, q)), np.ones((q, q)))
    eta = group.corr["eta"]
    corr, partial, left, value, slopes = read_logits(x[q:], eta, q)
    log_prior += value - log_constant(eta, q)
    return Covariance(sd, corr, log_prior, np.concatenate([gradient, slopes]), partial, left)


@lru_cache
def log_constant(eta: float, q: int) -> float:
    """What :func:`read_logits` leaves out of the log density: minus the log of the priors' constant."""
    b = eta + (q - 2 - np.tril_indices(q, -1)[1]) / 2.0
    return float(special.betaln(b, b).sum())
