r"""Chains for crossed designs (state x IGO): blocks of coefficients jointly, variances with interweaving.

A step draws, for each view of the design (:mod:`.views`), all effects nested in its units with the population
coefficients; then each group's covariance given its effects and its SDs given the standardised ones; SD and rho of
the unit-years likewise; then sigma.  Nothing in it reads rows (:mod:`.gram`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.engines import variances, views
from bayes_hr.engines.gram import Gram, gram
from bayes_hr.engines.hyper import sd_and_correlation
from bayes_hr.engines.sides import sides
from bayes_hr.engines.views import Variances, View

if TYPE_CHECKING:
    import scipy.sparse
    from numpy.typing import NDArray

    from bayes_hr.design import Design
    from bayes_hr.forms import Blocks

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class State:
    """Where a chain is: coefficients as deviations from the prior means (K,), and hyperparameters."""

    theta: Array
    sigma: float
    factors: tuple[Array, ...]
    sd: float = 1.0
    rho: float = 0.0


@dataclass(frozen=True)
class Crossed:
    """A crossed design, prepared for :func:`bayes_hr.engines.chains.run_chains`.

    Attributes
    ----------
    own
        For each group, (levels, q, q) cross-products of its columns by level; for unit-years last, (T, 1, 1).
    columns
        For each of them, the columns of G that belong to it.
    """

    design: Design
    gram: Gram
    views: tuple[View, ...]
    own: tuple[Array, ...]
    columns: tuple[scipy.sparse.csr_array, ...] = field(repr=False)

    @classmethod
    def of(cls, design: Design, blocks: Blocks) -> Crossed:
        """Add up the rows and find the views; nothing is sampled."""
        products = gram(design)
        sizes = [(len(g.levels), len(g.terms)) for g in design.groups]
        if design.serial is not None:
            sizes.append((design.serial.order.first.size, 1))
        own, columns = [], []
        for part, (levels, q) in enumerate(sizes):
            where = products.part(part)
            rows = products.G[where]
            columns.append(rows)
            square, blocked = rows[:, where].tocoo(), np.zeros((levels, q, q))
            blocked[square.row // q, square.row % q, square.col % q] = square.data
            own.append(blocked)
        found = sides(design, blocks, products)
        lean = replace(products, D=products.D[:0], y=products.y[:0])  # a chain needs no rows
        return cls(design, lean, found, tuple(own), tuple(columns))

    def start(self, rng: np.random.Generator) -> State:
        """An overdispersed start; the first step draws the coefficients."""
        spread = 0.5 * max(np.sqrt(self.gram.yy / self.design.n), 1e-3 * self.design.unit)

        def scale(low: float, high: float, size: int | None = None) -> Array:
            return np.asarray(spread * np.exp(rng.uniform(low, high, size)))

        factors = tuple(np.diag(scale(-2.0, 0.5, len(g.terms))) for g in self.design.groups)
        sigma, sd, rho = float(scale(-1.0, 1.0)), 1.0, 0.0
        if self.design.serial is not None:
            sd, rho = float(scale(-1.0, 1.0)), float(rng.uniform(0.2, 0.9))
        return State(np.zeros(self.gram.starts[-1]), sigma, factors, sd, rho)

    def step(self, rng: np.random.Generator, state: State, _: tuple[int, int] | None) -> State:
        """The next state."""
        serial, products = self.design.serial, self.gram
        diagonal = beside = np.zeros(0)
        if serial is not None:
            diagonal, beside = variances.year_precision(serial.order.gap, state.sd, state.rho)
        given = Variances(state.sigma, state.factors, diagonal, beside)
        theta = state.theta
        for view in self.views:
            theta = views.draw(view, products, theta, given, rng)
        left = products.g - products.G @ theta
        factors = []
        for part, (group, factor) in enumerate(zip(self.design.groups, state.factors, strict=True)):
            where, q = products.part(part), len(group.terms)
            effects = theta[where].reshape(-1, q)
            found = variances.draw_covariance(rng, group, factor, effects)
            sd = np.sqrt(np.sum(found**2, axis=1))
            scales = self._scales(rng, part, group.sd, sd, (effects / sd, left, state.sigma))
            theta, left = self._rescaled(part, theta, left, effects * (scales / sd))
            factors.append(found * (scales / sd)[:, None] * np.sign(scales))
        years, rho = state.sd, state.rho
        if serial is not None:
            part = len(self.design.groups)
            effects = theta[products.part(part)][:, None]
            years, rho = variances.draw_years(rng, serial, effects[:, 0], years, rho)
            scales = self._scales(rng, part, (serial.sd,), np.array([years]), (effects / years, left, state.sigma))
            theta, left = self._rescaled(part, theta, left, effects * (scales / years))
            years = abs(float(scales[0]))
        prior = self.design.error.sigma
        if prior is None:
            raise ValueError("Gaussian errors have a prior of sigma")
        squares = products.yy - theta @ (products.g + left)
        sigma = variances.draw_sigma(rng, prior, state.sigma, float(squares), self.design.n)
        return State(theta, sigma, tuple(factors), years, rho)

    def _scales(self, rng, part, priors, scales, at):  # type: ignore[no-untyped-def]
        """Signed SDs of a part given its standardised effects (levels, q)."""
        standard, left, sigma = at
        own, where = self.own[part], self.gram.part(part)
        effects = standard * scales
        right = left[where].reshape(effects.shape) + np.einsum("gij,gj->gi", own, effects)
        precision = np.einsum("gi,gij,gj->ij", standard, own, standard, optimize=True) / sigma**2
        return variances.draw_scales(rng, priors, scales, precision, np.sum(standard * right, axis=0) / sigma**2)

    def _rescaled(self, part: int, theta: Array, left: Array, effects: Array) -> tuple[Array, Array]:
        """Coefficients with a part's effects (levels, q) replaced, and what they then leave of D'y."""
        where = self.gram.part(part)
        change = effects.ravel() - theta[where]
        theta = theta.copy()
        theta[where] += change
        return theta, left - self.columns[part].T @ change

    def values(self, _: np.random.Generator, state: State) -> dict[str, Array]:
        """Parameters under the names of the contract; effects of unit-years are not kept."""
        out: dict[str, Array] = {"sigma": np.array(state.sigma)}
        at = 0
        population = state.theta[self.gram.population] + self.gram.prior_mean
        for term in self.design.population:
            out[term.name] = population[at : at + term.size].reshape(term.shape)
            at += term.size
        for part, (group, factor) in enumerate(zip(self.design.groups, state.factors, strict=True)):
            sd, corr = sd_and_correlation(factor)
            out[f"sd_{group.name}"] = sd
            if group.corr is not None:
                out[f"corr_{group.name}"] = corr
            out[f"u_{group.name}"] = state.theta[self.gram.part(part)].reshape(-1, len(group.terms))
        if self.design.serial is not None:
            out[f"sd_{self.design.serial.name}"], out["rho"] = np.array(state.sd), np.array(state.rho)
        return out
