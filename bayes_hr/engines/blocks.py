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

from bayes_hr.engines import covariance as cov
from bayes_hr.engines.block_kernel import Target, evaluate, read
from bayes_hr.engines.block_model import BlockModel
from bayes_hr.engines.nominal import nominal_whitening
from bayes_hr.forms import coefficient_priors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class BlockDensity:
    """Log density of a design on unconstrained coordinates.

    Coordinates, in order: whitened population coefficients (P), log sigma, log SD of the yearly shock and
    logit of rho of the unit-years (where there are any), then each group's covariance (:mod:`.covariance`).
    The shock is told apart from rho far better than the SD of the years themselves is.
    """

    model: BlockModel
    target: Target

    @classmethod
    def of(cls, design: Design) -> BlockDensity:
        """Prepare the arrays; nothing is sampled."""
        model = BlockModel.of(design)
        return cls(model, _target(model))

    @property
    def design(self) -> Design:
        """The design that this is the density of."""
        return self.model.design

    @property
    def size(self) -> int:
        """Number of coordinates."""
        serial = 2 * (self.design.serial is not None)
        return self.target.mean.size + 1 + serial + sum(cov.size(g) for g in self.design.groups)

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Log density, with its constant, and its gradient at ``x`` (size,).

        Where the sampler's first wild steps leave the range of floating point, the value is not finite,
        which the sampler takes as a divergence.
        """
        value, gradient = evaluate(x, self.target)
        return float(value), gradient

    def expand(self, x: Array) -> dict[str, Array]:
        """Parameters under the names of the contract at ``x``; what was integrated out is left out."""
        theta, sigma, sd, rho, _, groups = read(x, self.target)
        out: dict[str, Array] = {}
        at = 0
        for term in self.design.population:
            out[term.name] = theta[at : at + term.size].reshape(term.shape)
            at += term.size
        out["sigma"] = np.array(sigma)
        if self.design.serial is not None:
            out[f"sd_{self.design.serial.name}"], out["rho"] = np.array(sd), np.array(rho)
        for group, (_, own, corr, *_) in zip(self.design.groups, groups, strict=True):
            out[f"sd_{group.name}"] = own
            if group.corr is not None:
                out[f"corr_{group.name}"] = corr @ corr.T
        return out

    def initial(self, seed: int) -> Array:
        """An overdispersed start: coordinates uniform on (-1, 1), scales around half the outcome's unit."""
        x = np.random.default_rng(seed).uniform(-1.0, 1.0, self.size)
        x[self.target.mean.size] += np.log(0.5 * self.design.unit)
        return x


def _target(model: BlockModel) -> Target:
    """Arrays of the density: rows, coordinates, priors."""
    design = model.design
    if design.error.sigma is None:
        raise ValueError("Gaussian errors have a prior of sigma")
    mean, scale = coefficient_priors(design)
    whitening = nominal_whitening(model, mean, scale)
    etas = [0.0 if g.corr is None else g.corr["eta"] for g in design.groups]
    sizes = [len(g.terms) for g in design.groups]
    constant = np.log(np.abs(np.diag(whitening.matrix))).sum() - np.log(scale).sum()
    constant -= 0.5 * (scale.size + design.n) * np.log(2 * np.pi)
    constant -= sum(cov.log_constant(eta, q) for eta, q in zip(etas, sizes, strict=True) if eta > 0)
    serial = design.serial
    priors = [design.error.sigma, design.error.sigma if serial is None else serial.sd]
    coded = [p.coded for p in (*priors, *(p for g in design.groups for p in g.sd))]
    code, first, last = (np.array(values) for values in zip(*coded, strict=True))
    bounds = (0.0, 1.0) if serial is None else serial.rho.values
    order = (*model.blocks.inner, *model.blocks.outer)
    return Target(
        y=model.y,
        values=model.values,
        position=model.position,
        units=model.units,
        centre=np.ascontiguousarray(whitening.centre),
        whitening=np.ascontiguousarray(whitening.matrix),
        mean=mean,
        scale=scale,
        code=code,
        first=first,
        last=last,
        serial=serial is not None,
        lower=float(bounds[0]),
        upper=float(bounds[1]),
        size=np.array(sizes),
        eta=np.array(etas),
        place=np.array([order.index(g) for g in range(len(order))]),
        constant=float(constant),
    )
