r"""The density of a design with blocks, by hand: what is inside a unit integrated out, the rest sampled.

The rows of a convergence card are crossed by states and IGOs.  Everything that belongs to one state (its
varying coefficients, its dyads, its years) is integrated out exactly (:mod:`bayes_hr.engines.unit_blocks`);
NUTS moves population coefficients, the effects of the few groups that cut across states (IGOs, as
:math:`w_j = L z_j`), and the variances.  Coefficients and z are sampled together in coordinates in which
their posterior at nominal variances is standard normal: a change of variables, which leaves the posterior as
it is.
``tests/test_blocks.py`` holds the value against a dense multivariate normal and the PyMC row model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from bayes_hr.engines import covariance as cov
from bayes_hr.engines.block_model import BlockModel
from bayes_hr.engines.nominal import nominal_whitening
from bayes_hr.engines.unit_blocks import by_coefficient, moments, residual
from bayes_hr.forms import coefficient_priors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design
    from bayes_hr.kernels import Whitening

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Point:
    """Parameters at a point of the sampler's coordinates."""

    population: Array
    outer: list[Array]
    sigma: float
    sd: float
    rho: float
    share: float
    groups: list[cov.Covariance]


@dataclass(frozen=True)
class BlockDensity:
    """Log density of a design on unconstrained coordinates.

    Coordinates, in order: whitened population coefficients and outer z's (P), log sigma, log SD and logit of
    rho of the unit-years (where there are any), then each group's covariance (:mod:`.covariance`).
    """

    model: BlockModel
    whitening: Whitening
    mean: Array
    scale: Array
    constant: float

    @classmethod
    def of(cls, design: Design) -> BlockDensity:
        """Prepare the arrays; nothing is sampled."""
        model = BlockModel.of(design)
        mean, scale = coefficient_priors(design)
        extra = sum(len(g.levels) * len(g.terms) for g in model.outer)
        mean, scale = np.r_[mean, np.zeros(extra)], np.r_[scale, np.ones(extra)]
        whitening = nominal_whitening(model, mean, scale)
        constant = np.log(np.abs(np.diag(whitening.matrix))).sum() - np.log(scale).sum()
        constant -= 0.5 * (scale.size + design.n) * np.log(2 * np.pi)
        return cls(model, whitening, mean, scale, float(constant))

    @property
    def design(self) -> Design:
        """The design that this is the density of."""
        return self.model.design

    @property
    def size(self) -> int:
        """Number of coordinates."""
        serial = 2 * (self.design.serial is not None)
        return self.mean.size + 1 + serial + sum(cov.size(g) for g in self.design.groups)

    def _read(self, x: Array) -> _Point:
        P, at = self.mean.size, self.mean.size + 1
        theta = self.whitening.centre + self.whitening.matrix @ x[:P]
        sd, rho, share = 1.0, 0.0, 0.5
        if self.design.serial is not None:
            lower, upper = self.design.serial.rho.values
            sd, share = float(np.exp(x[at])), float(special.expit(x[at + 1]))
            rho, at = lower + (upper - lower) * share, at + 2
        groups = []
        for group in self.design.groups:
            groups.append(cov.covariance(group, x[at : at + cov.size(group)]))
            at += cov.size(group)
        k = sum(t.size for t in self.design.population)
        outer = []
        for group in self.model.outer:
            shape = len(group.levels), len(group.terms)
            outer.append(theta[k : k + shape[0] * shape[1]].reshape(shape))
            k += shape[0] * shape[1]
        population = theta[: sum(t.size for t in self.design.population)]
        return _Point(population, outer, float(np.exp(x[P])), sd, rho, share, groups)

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Log density, with its constant, and its gradient at ``x`` (size,).

        Where the sampler's first wild steps leave the range of floating point, the value is not finite,
        which the sampler takes as a divergence.
        """
        with np.errstate(all="ignore"):
            return self._evaluate(x)

    def _evaluate(self, x: Array) -> tuple[float, Array]:
        point, P = self._read(x), self.mean.size
        theta = self.whitening.centre + self.whitening.matrix @ x[:P]
        z = (theta - self.mean) / self.scale
        outer = [
            z @ point.groups[g].factor.T for g, z in zip(self.model.blocks.outer, point.outer, strict=True)
        ]
        b = np.concatenate([point.population, *map(np.ravel, outer)])
        model = self.model
        r = residual(model.y, model.values, model.position, b)
        factors = model.padded([point.groups[g].factor for g in model.blocks.inner])
        rows, g_r, H, g_sigma, g_sd, g_rho = moments(
            r, model.units, factors, point.sigma, point.sd, point.rho
        )
        by_b = by_coefficient(g_r, model.values, model.position, b.size)
        value = self.constant + rows - 0.5 * z @ z
        by_group: list[Array] = [c.gradient for c in point.groups]
        for position, g in enumerate(self.model.blocks.inner):
            q = len(self.design.groups[g].terms)
            by_group[g] = by_group[g] + point.groups[g].from_excess(H[position, :q, :q])
        at = point.population.size
        for g, own in zip(self.model.blocks.outer, point.outer, strict=True):
            part = slice(at, at + own.size)
            by_z, more = _back_outer(point.groups[g], own, by_b[part].reshape(own.shape))
            by_b[part], by_group[g], at = by_z.ravel(), by_group[g] + more, at + own.size
        gradient = [(by_b - z / self.scale) @ self.whitening.matrix]
        scalars, more_value = self._scalar_priors(point, x)
        gradient.append(scalars + np.array([g_sigma, g_sd, g_rho * self._slope(point)])[: scalars.size])
        value += more_value + sum(c.log_prior for c in point.groups)
        full = np.concatenate([*gradient, *by_group])
        return (float(value) if np.isfinite(full).all() else np.nan), full

    def _slope(self, point: _Point) -> float:
        """Change of rho with its logit."""
        if self.design.serial is None:
            return 0.0
        lower, upper = self.design.serial.rho.values
        return (upper - lower) * point.share * (1.0 - point.share)

    def _scalar_priors(self, point: _Point, x: Array) -> tuple[Array, float]:
        """Gradient and value of the priors, with Jacobians, of sigma and of the unit-years' SD and rho."""
        density, slope = self.design.error.sigma.log_density(point.sigma)
        value, gradient = density + np.log(point.sigma), [1.0 + slope * point.sigma]
        if self.design.serial is not None:
            density, slope = self.design.serial.sd.log_density(point.sd)
            logit = x[self.mean.size + 2]
            value += density + np.log(point.sd) + special.log_expit(logit) + special.log_expit(-logit)
            gradient += [1.0 + slope * point.sd, 1.0 - 2.0 * point.share]
        return np.array(gradient), float(value)

    def expand(self, x: Array) -> dict[str, Array]:
        """Parameters under the names of the contract at ``x``; what was integrated out is left out."""
        point, at = self._read(x), 0
        out: dict[str, Array] = {}
        for term in self.design.population:
            out[term.name] = point.population[at : at + term.size].reshape(term.shape)
            at += term.size
        out["sigma"] = np.array(point.sigma)
        if self.design.serial is not None:
            out[f"sd_{self.design.serial.name}"], out["rho"] = np.array(point.sd), np.array(point.rho)
        for g, group in enumerate(self.design.groups):
            own = point.groups[g]
            out[f"sd_{group.name}"] = own.sd
            if group.corr is not None:
                out[f"corr_{group.name}"] = own.corr @ own.corr.T
        for g, z in zip(self.model.blocks.outer, point.outer, strict=True):
            out[f"u_{self.design.groups[g].name}"] = z @ point.groups[g].factor.T
        return out

    def initial(self, seed: int) -> Array:
        """An overdispersed start: coordinates uniform on (-1, 1), scales around half the outcome's unit."""
        x = np.random.default_rng(seed).uniform(-1.0, 1.0, self.size)
        x[self.mean.size] += np.log(0.5 * self.design.unit)
        return x


def _back_outer(own: cov.Covariance, z: Array, by_w: Array) -> tuple[Array, Array]:
    """Gradients in an outer group's z (levels, q) and in its covariance, from that in its effects."""
    scaled = by_w * own.sd
    by_corr = np.tril(scaled.T @ z)
    return scaled @ own.corr, own.back(by_corr, np.sum(own.corr * by_corr, axis=1))
