r"""Hyperparameters on coordinates in which a slice sampler moves.

A group's covariance is :math:`F F'` with :math:`F = \mathrm{diag}(sd)\, L`, L the factor of a correlation
matrix.  The coordinate of an SD is the SD itself, not its logarithm: an SD that may be zero is then next to
an edge, where on a log scale it is at the end of a tail.  :func:`group_factor` takes negative SDs too: a
density that is continued evenly has its mode where it is, and no edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design, GroupTerm

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """Hyperparameters at one point.

    Attributes
    ----------
    sigma, rho
        SD of the errors (1 where the family fixes it) and their autocorrelation (0 if independent).
    factors
        One (q, q) factor F for each group term: covariance F F'.
    pooled
        SD of each partially pooled population term.
    log_prior
        Log prior density with Jacobians.
    """

    sigma: float
    rho: float
    factors: tuple[Array, ...]
    pooled: Array
    log_prior: float


def correlation_factor(x: Array, q: int, eta: float) -> tuple[Array, float]:
    """Lower factor (q, q) and LKJ log density, with Jacobian, at logits ``x`` of the partial correlations.

    Independent Beta priors of the partial correlations make an LKJ matrix (Lewandowski, Kurowicka & Joe 2009,
    doi 10.1016/j.jmva.2009.04.008); the coordinates are those of :mod:`bayes_hr.engines.covariance`.
    """
    corr, value, at = np.eye(q), 0.0, 0
    for i in range(1, q):
        left = 1.0
        for j in range(i):
            b = eta + (q - 2 - j) / 2.0
            value += b * (special.log_expit(x[at]) + special.log_expit(-x[at])) - special.betaln(b, b)
            partial = np.tanh(0.5 * x[at])
            corr[i, j] = partial * np.sqrt(left)
            left *= 1.0 - partial**2
            at += 1
        corr[i, i] = np.sqrt(left)
    return corr, float(value)


def group_size(group: GroupTerm) -> int:
    """Number of coordinates of a group's covariance."""
    q = len(group.terms)
    return q + (q * (q - 1) // 2 if group.corr is not None else 0)


def group_factor(group: GroupTerm, x: Array) -> tuple[Array, float]:
    """Factor (q, q) of a group's covariance and its log prior density, at ``x`` (size,)."""
    q = len(group.terms)
    value = sum(p.log_density(abs(v))[0] for p, v in zip(group.sd, x[:q], strict=True))
    if group.corr is None:
        return np.diag(x[:q]), float(value)
    corr, density = correlation_factor(x[q:], q, group.corr["eta"])
    return x[:q, None] * corr, float(value) + density


def sd_and_correlation(factor: Array) -> tuple[Array, Array]:
    """SDs (q,) and correlation matrix (q, q) of the covariance F F'."""
    sd = np.sqrt(np.sum(factor**2, axis=1))
    corr = (factor @ factor.T) / np.maximum(np.outer(sd, sd), np.finfo(float).tiny)
    np.fill_diagonal(corr, 1.0)
    return sd, np.clip(corr, -1.0, 1.0)


@dataclass(frozen=True)
class Layout:
    """Which coordinate is what: log sigma and logit of rho (where there are any), groups, pooled terms."""

    design: Design

    @property
    def scales(self) -> int:
        """Number of coordinates before those of the groups."""
        error = self.design.error
        return (error.sigma is not None) + (error.rho is not None)

    @property
    def size(self) -> int:
        """Number of coordinates."""
        pooled = sum(t.sd is not None for t in self.design.population)
        return self.scales + sum(group_size(g) for g in self.design.groups) + pooled

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Which coordinates are SDs."""
        flags = [False] * self.scales
        for group in self.design.groups:
            flags += [k < len(group.terms) for k in range(group_size(group))]
        return np.array(flags + [True] * (self.size - len(flags)))

    def read(self, x: Array) -> Point:
        """Hyperparameters at ``x`` (size,)."""
        error, at, value = self.design.error, 0, 0.0
        sigma, rho = 1.0, 0.0
        if error.sigma is not None:
            sigma, at = float(np.exp(x[0])), 1
            value += error.sigma.log_density(sigma)[0] + x[0] if 0 < sigma < np.inf else -np.inf
        if error.rho is not None:
            lower, upper = error.rho.values
            rho = lower + (upper - lower) * float(special.expit(x[at]))
            value += special.log_expit(x[at]) + special.log_expit(-x[at])
            at += 1
        factors = []
        for group in self.design.groups:
            factor, density = group_factor(group, x[at : at + group_size(group)])
            factors.append(factor)
            value, at = value + density, at + group_size(group)
        pooled = x[at:]
        priors = [t.sd for t in self.design.population if t.sd is not None]
        value += sum(p.log_density(abs(v))[0] for p, v in zip(priors, pooled, strict=True))
        return Point(sigma, rho, tuple(factors), pooled, float(value))

    def start(self, rng: np.random.Generator, spread: float) -> Array:
        """An overdispersed start: SDs at a few tenths to a few times ``spread`` (outcome units)."""
        x, error, at = rng.normal(0.0, 0.5, self.size), self.design.error, 0
        if error.sigma is not None:
            x[0], at = np.log(spread) + rng.uniform(-1.0, 1.0), 1
        if error.rho is not None:
            x[at] = rng.uniform(-1.0, 3.0)
            at += 1
        for group in self.design.groups:
            q = len(group.terms)
            x[at : at + q] = spread * np.exp(rng.uniform(-2.0, 0.5, q))
            at += group_size(group)
        x[at:] = spread * np.exp(rng.uniform(-2.0, 0.5, x.size - at))
        return x

    def named(self, point: Point) -> dict[str, Array]:
        """Hyperparameters under the names of the contract."""
        out: dict[str, Array] = {}
        if self.design.error.sigma is not None:
            out["sigma"] = np.array(point.sigma)
        if self.design.error.rho is not None:
            out["rho"] = np.array(point.rho)
        for group, factor in zip(self.design.groups, point.factors, strict=True):
            sd, corr = sd_and_correlation(factor)
            out[f"sd_{group.name}"] = sd
            if group.corr is not None:
                out[f"corr_{group.name}"] = corr
        terms = [t.name for t in self.design.population if t.sd is not None]
        for name, sd in zip(terms, point.pooled, strict=True):
            out[f"sd_{name}"] = np.array(sd)
        return out
