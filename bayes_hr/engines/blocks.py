r"""The density of a design with blocks, by hand: group effects integrated out, the rest sampled.

The rows of a convergence card are crossed by states and IGOs.  Everything that belongs to one state (its
varying coefficients, its dyads, its years), and then the effects of the IGOs, is integrated out exactly
(:mod:`bayes_hr.engines.unit_blocks`); NUTS moves population coefficients and variances, where there is no
funnel.  Coefficients are sampled in coordinates in which their posterior at nominal variances is standard
normal: a change of variables, which leaves the posterior as it is.  ``tests/test_blocks.py`` holds value and
gradient against a dense multivariate normal and against the PyMC row model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from bayes_hr.engines import covariance as cov
from bayes_hr.engines.block_model import BlockModel
from bayes_hr.engines.nominal import nominal_whitening
from bayes_hr.engines.unit_blocks import by_coefficient, moments
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
    sigma: float
    sd: float
    rho: float
    share: float
    groups: list[cov.Covariance]


@dataclass(frozen=True)
class BlockDensity:
    """Log density of a design on unconstrained coordinates.

    Coordinates, in order: whitened population coefficients (P), log sigma, log SD of the yearly shock and
    logit of rho of the unit-years (where there are any), then each group's covariance (:mod:`.covariance`).
    The shock is told apart from rho far better than the SD of the years themselves is.
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
        sd, rho, share = np.float64(1.0), 0.0, 0.5  # numpy overflows to infinity, Python to an error
        if self.design.serial is not None:
            lower, upper = self.design.serial.rho.values
            share = special.expit(x[at + 1])
            rho = lower + (upper - lower) * share
            sd, at = np.exp(x[at]) / np.sqrt(1.0 - rho**2), at + 2
        groups = []
        for group in self.design.groups:
            groups.append(cov.covariance(group, x[at : at + cov.size(group)]))
            at += cov.size(group)
        return _Point(theta, np.exp(x[P]), sd, rho, share, groups)

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Log density, with its constant, and its gradient at ``x`` (size,).

        Where the sampler's first wild steps leave the range of floating point, the value is not finite,
        which the sampler takes as a divergence.
        """
        with np.errstate(all="ignore"):
            return self._evaluate(x)

    def _evaluate(self, x: Array) -> tuple[float, Array]:
        point, model = self._read(x), self.model
        z = (point.population - self.mean) / self.scale
        order = (*model.blocks.inner, *model.blocks.outer)
        factors = model.padded([point.groups[g].factor for g in order])
        rows, g_r, H, g_sigma, g_sd, g_rho = moments(
            model.residual(point.population), model.units, factors, point.sigma, point.sd, point.rho
        )
        by_b = by_coefficient(g_r, model.values, model.position, point.population.size)
        by_group = [c.gradient for c in point.groups]
        for position, g in enumerate(order):
            q = len(point.groups[g].sd)
            by_group[g] = by_group[g] + point.groups[g].from_excess(H[position, :q, :q])
        scalars, log_prior = self._scalar_priors(point, x)
        gradient = [(by_b - z / self.scale) @ self.whitening.matrix]
        slope = self._slope(point)
        scalars += np.array([g_sigma, g_sd, g_rho * slope])[: scalars.size]
        if scalars.size > 1:  # at a given shock, the SD of the years moves with rho
            scalars[2] += scalars[1] * slope * point.rho / (1.0 - point.rho**2)
        gradient.append(scalars)
        value = self.constant + rows - 0.5 * z @ z + log_prior + sum(c.log_prior for c in point.groups)
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
        if self.design.error.sigma is None:
            raise ValueError("Gaussian errors have a prior of sigma")
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
        return out

    def initial(self, seed: int) -> Array:
        """An overdispersed start: coordinates uniform on (-1, 1), scales around half the outcome's unit."""
        x = np.random.default_rng(seed).uniform(-1.0, 1.0, self.size)
        x[self.mean.size] += np.log(0.5 * self.design.unit)
        return x
