r"""Group SDs of either sign: coordinates in which neither a small SD nor one of few groups has a long tail.

On the log scale an SD near zero has an exponential tail to minus infinity, the slowest direction of the whole
sampler; on its own scale the SD of a few groups has a long tail upwards and a wall towards zero.  So

.. math:: s = c \sinh y, \quad SD = |s|,

which is near a log for SDs above c, three tenths of their prior's scale, and goes straight through zero below
it.  A smaller c leaves an SD near zero two narrow modes, far apart beside their width, whose walls set the
sampler's step.
The covariance :math:`D C D`, D the diagonal of the s, is smooth there; turning a sign turns the correlations
of that coefficient with it, so the density is even in each y (all priors of correlations are), and every
orthant holds the same posterior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.engines.blocks import BlockDensity
from bayes_hr.engines.covariance import size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


@dataclass(frozen=True)
class SignedDensity:
    """A block density whose log SDs of groups are replaced by SDs with a sign.

    Attributes
    ----------
    density
        On log SDs and partial correlations of the coefficients as they are.
    sd, scale
        Positions of the groups' SDs among its coordinates, and c of each in outcome units.
    partial, one, other
        Positions of the partial correlations, and of the SDs of the two coefficients of each.
    """

    density: BlockDensity
    sd: Index
    scale: Array
    partial: Index
    one: Index
    other: Index

    @classmethod
    def of(cls, design: Design) -> SignedDensity:
        """Prepare the arrays; nothing is sampled."""
        density = BlockDensity.of(design)
        scale: list[float] = []
        sd: list[int] = []
        partial: list[int] = []
        one: list[int] = []
        other: list[int] = []
        at = density.size - sum(size(g) for g in design.groups)
        for group in design.groups:
            q = len(group.terms)
            sd += range(at, at + q)
            scale += [0.3 * prior.typical for prior in group.sd]
            if group.corr is not None:
                i, j = np.tril_indices(q, -1)
                partial += range(at + q, at + size(group))
                one += (at + i).tolist()
                other += (at + j).tolist()
            at += size(group)
        places = (np.array(v, dtype=np.int64) for v in (partial, one, other))
        return cls(density, np.array(sd), np.array(scale), *places)

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self.density.size

    def _read(self, y: Array) -> tuple[Array, Array]:
        """Coordinates of the density, and the sign of each."""
        x, signs = y.copy(), np.ones(y.size)
        signs[self.partial] = np.sign(y[self.one]) * np.sign(y[self.other])
        x[self.partial] *= signs[self.partial]
        x[self.sd] = np.log(self.scale * np.abs(np.sinh(y[self.sd])))
        return x, signs

    def __call__(self, y: Array) -> tuple[float, Array]:
        """Log density, with its constant, and its gradient at ``y`` (size,); not finite where an SD is 0."""
        with np.errstate(all="ignore"):
            x, signs = self._read(y)
            value, gradient = self.density(x)
            gradient = gradient * signs
            # The log of an SD moves with y by cosh / sinh, half of it for either sign.
            moves = 1.0 / np.tanh(y[self.sd])
            gradient[self.sd] = gradient[self.sd] * moves + np.tanh(y[self.sd]) - moves
            return value + float(np.log(0.5 * np.abs(moves)).sum()), gradient

    def expand(self, y: Array) -> dict[str, Array]:
        """Parameters under the names of the contract at ``y``; what was integrated out is left out."""
        with np.errstate(all="ignore"):
            return self.density.expand(self._read(y)[0])

    def initial(self, seed: int) -> Array:
        """An overdispersed start: as the density's, SDs between a twentieth and a half of the unit."""
        y = self.density.initial(seed)
        spread = np.random.default_rng([seed, 1]).uniform(0.05, 0.5, self.sd.size)
        y[self.sd] = np.arcsinh(spread * self.density.design.unit / self.scale)
        return y
