r"""All coefficients of a crossed design in one vector, and the rows as its sparse cross-products.

With D the columns of every coefficient (population, each group's effects, effects of unit-years), the
likelihood of independent Gaussian rows reads :math:`G = D'D`, :math:`g = D'y` and :math:`y'y` alone.  One
pass over the rows makes them; no step of the sampler sees a row again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse

from bayes_hr.engines.cells import by_level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


@dataclass(frozen=True)
class Gram:
    """Cross-products of a design's rows.

    Attributes
    ----------
    D
        (n, K) sparse columns, rows as in the design; needed to prepare, not to sample.
    G
        (K, K) sparse, D'D.
    y, g, yy
        Outcome with the prior means of the population coefficients taken off, D'y and y'y.
    starts
        First position of each part: population, groups in the design's order, unit-years; then K.
    prior_scale
        (P,) SDs of the normal priors of the population coefficients, whose mean is now 0.
    prior_mean
        (P,) what was taken off.
    """

    D: scipy.sparse.csr_array
    G: scipy.sparse.csr_array
    y: Array
    g: Array
    yy: float
    starts: tuple[int, ...]
    prior_scale: Array
    prior_mean: Array

    def without_rows(self) -> Gram:
        """The same without D and y, for chains."""
        return replace(self, D=self.D[:0], y=self.y[:0])

    @property
    def population(self) -> slice:
        """Positions of the population coefficients."""
        return slice(0, self.starts[1])

    def part(self, number: int) -> slice:
        """Positions of a group's effects, by its place in the design; those of unit-years come last."""
        return slice(self.starts[number + 1], self.starts[number + 2])


def gram(design: Design) -> Gram:
    """Add up a design's rows."""
    population = [_columns(t.columns, t.index, t.size) for t in design.population]
    groups = [by_level(g.Z, g.index, len(g.levels)) for g in design.groups]
    serial = design.serial
    if serial is not None:
        groups.append(by_level(serial.loading[:, None], serial.index, serial.order.first.size))
    X = scipy.sparse.hstack(population, format="csr")
    priors = [p for t in design.population for p in t.each_prior]
    mean, scale = np.array([p["mu"] for p in priors]), np.array([p["sigma"] for p in priors])
    y = design.y - X @ mean
    D = scipy.sparse.hstack([X, *groups], format="csr")
    D.eliminate_zeros()
    starts = np.cumsum([0, X.shape[1], *(g.shape[1] for g in groups)])
    G = scipy.sparse.csr_array(D.T @ D)
    return Gram(D, G, y, D.T @ y, float(y @ y), tuple(map(int, starts)), scale, mean)


def _columns(columns: Array, index: Index | None, size: int) -> scipy.sparse.csr_array:
    """(n, size) sparse columns of a population term."""
    if index is None:
        return scipy.sparse.csr_array(columns)
    return by_level(np.ones((index.size, 1)), index, size)
