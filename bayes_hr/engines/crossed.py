r"""Chains for crossed designs (state x IGO): coefficients in blocks, variances collapsed or interwoven.

A step takes each view of the design in turn (:mod:`.views`): the covariance of its varying coefficients is
drawn with everything in the view integrated out, then everything in the view jointly.  In a small design,
sigma, the SD of the leaves and SD and rho of the unit-years are drawn in the same way before that; in a large
one they are drawn given the effects, with interweaving (:mod:`.variances`): there the data know the effects.
Nothing in it reads rows (:mod:`.gram`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import special

from bayes_hr.engines import hmc, slices, variances, views
from bayes_hr.engines.collapsed import eliminate
from bayes_hr.engines.covariance import covariance
from bayes_hr.engines.gram import Gram, gram
from bayes_hr.engines.hyper import Point, group_size, sd_and_correlation
from bayes_hr.engines.sides import sides
from bayes_hr.engines.slices import Here, Near
from bayes_hr.engines.views import Given, Reduced, Variances, View
from bayes_hr.kernels import row_order

if TYPE_CHECKING:
    import scipy.sparse
    from numpy.typing import NDArray

    from bayes_hr.design import Design
    from bayes_hr.engines.collapsed import Eliminated
    from bayes_hr.forms import Blocks

    Array = NDArray[np.float64]

SMALL: Final = 20_000
"""Rows up to which sigma and the like are drawn with everything integrated out: a few eliminations a step."""

BULK: Final = 5_000
"""Effects of one group above which not every draw of them is kept."""

_REFITS: Final = (4, 2, 1)
"""Proposals are fitted to the later half of the chain after these parts of the warm-up."""


@dataclass(frozen=True)
class Move:
    """One block of hyperparameters: coordinates, the t that proposes, and the warm-up's path."""

    x: Array
    near: Near
    history: tuple[Array, ...] = ()

    def adapted(self, step: int, warm_up: int) -> Move:
        """The move after a step of the warm-up."""
        history, near = (*self.history, self.x), self.near
        if step + 1 in {warm_up // k for k in _REFITS}:
            near = slices.fitted(np.array(history[(step + 1) // 2 :]), near)
        return Move(self.x, near, history if step + 1 < warm_up else ())


@dataclass(frozen=True)
class Trajectory:
    """Covariance of a view's varying coefficients: coordinates, and how its moves are tuned."""

    x: Array
    tuning: hmc.Tuning


@dataclass(frozen=True)
class Scales:
    """Hyperparameters: of rows and unit-years, and the factor of every group."""

    sigma: float
    factors: tuple[Array, ...]
    sd: float = 1.0
    rho: float = 0.0


@dataclass(frozen=True)
class State:
    """Where a chain is: coefficients as deviations from the prior means (K,), hyperparameters, moves."""

    theta: Array
    scales: Scales
    tops: tuple[Trajectory, ...]
    small: Move | None


@dataclass(frozen=True)
class Crossed:
    """A crossed design, prepared for :func:`bayes_hr.engines.chains.run_chains`.

    Attributes
    ----------
    own
        For each group, (levels, q, q) cross-products of its columns by level; for unit-years last, (T, 1, 1).
    columns
        For each of them, the rows of G that belong to it.
    """

    design: Design
    gram: Gram
    views: tuple[View, ...]
    own: tuple[Array, ...]
    columns: tuple[scipy.sparse.csr_array, ...] = field(repr=False)
    n: int

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
        return cls(
            _without_rows(design), products.without_rows(), found, tuple(own), tuple(columns), design.n
        )

    @property
    def bulk(self) -> frozenset[str]:
        """Effects of groups with very many levels."""
        groups = self.design.groups
        return frozenset(f"u_{g.name}" for g in groups if len(g.levels) * len(g.terms) > BULK)

    @property
    def _rest(self) -> tuple[int, ...]:
        """Places of the groups that are not the varying coefficients of a view."""
        tops = {view.top for view in self.views}
        return tuple(g for g in range(len(self.design.groups)) if g not in tops)

    def _collapses(self) -> bool:
        """Whether sigma and the like are drawn with everything integrated out."""
        first = self.views[0]  # what is not in it cannot be integrated out with it
        inside = {first.leaf} | {g for unit in first.units for _, g, _ in unit.segments}
        single = all(g in inside and len(self.design.groups[g].terms) == 1 for g in self._rest)
        return self.n <= SMALL and single

    def start(self, rng: np.random.Generator) -> State:
        """An overdispersed start; the first step draws the coefficients."""
        spread = 0.5 * max(np.sqrt(self.gram.yy / self.n), 1e-3 * self.design.unit)
        factors, tops = [], []
        for g in self.design.groups:
            factors.append(np.diag(spread * np.exp(rng.uniform(-2.0, 0.5, len(g.terms)))))
        for view in self.views:
            group, sd = self.design.groups[view.top], np.diag(factors[view.top])
            x = np.zeros(group_size(group))
            x[: sd.size] = np.log(sd)
            tops.append(Trajectory(x, hmc.Tuning.at(0.2, np.full(x.size, 0.3))))
        low, high = np.log(spread) - 1.0, np.log(spread) + 1.0
        small = [rng.uniform(low, high), *(rng.uniform(low, high) for _ in self._rest)]
        scales = Scales(float(np.exp(small[0])), tuple(factors))
        if self.design.serial is not None:
            small += [rng.uniform(low, high), rng.uniform(0.5, 3.0)]
        x = np.array(small)
        move = Move(x, Near(x, 0.3 * np.eye(x.size))) if self._collapses() else None
        scales = self._read(x, scales)[0]
        return State(np.zeros(self.gram.starts[-1]), scales, tuple(tops), move)

    def _read(self, x: Array, scales: Scales) -> tuple[Scales, float]:
        """Scales and log prior at log sigma, log SDs of other groups, log shock SD, logit of rho."""
        error, serial = self.design.error.sigma, self.design.serial
        if error is None or np.any(np.abs(x) > 40.0):
            return scales, -np.inf
        sds = np.exp(x)
        value, factors = error.log_density(sds[0])[0] + x[0], list(scales.factors)
        for k, g in enumerate(self._rest, start=1):
            if len(self.design.groups[g].terms) == 1:
                factors[g] = sds[k : k + 1, None]
                value += self.design.groups[g].sd[0].log_density(sds[k])[0] + x[k]
        if serial is None:
            return Scales(float(sds[0]), tuple(factors)), float(value)
        lower, upper = serial.rho.values
        rho = lower + (upper - lower) * float(special.expit(x[-1]))
        sd = float(sds[-2] / np.sqrt(max(1.0 - rho**2, 1e-300)))
        value += serial.sd.log_density(sd)[0] + np.log(sd)
        value += special.log_expit(x[-1]) + special.log_expit(-x[-1])
        return Scales(float(sds[0]), tuple(factors), sd, rho), float(value)

    def _variances(self, scales: Scales) -> Variances:
        serial = self.design.serial
        if serial is None:
            return Variances(scales.sigma, scales.factors, np.zeros(0), np.zeros(0), 0.0)
        diagonal, beside, half = variances.year_precision(serial.order.gap, scales.sd, scales.rho)
        return Variances(scales.sigma, scales.factors, diagonal, beside, half)

    # A step

    def step(self, rng: np.random.Generator, state: State, tuning: tuple[int, int] | None) -> State:
        """The next state."""
        theta, scales, tops, small = state.theta, state.scales, list(state.tops), state.small
        for k, view in enumerate(self.views):
            at = views.given(view, self.gram, theta)
            if k == 0 and small is not None:
                scales, small = self._collapsed(rng, view, at, scales, small)
            v = self._variances(scales)
            rest = views.reduced(view, at, v, self.n)
            factor, found, tops[k] = self._top(rng, view, rest, tops[k], tuning)
            factors = list(scales.factors)
            factors[view.top] = factor
            scales = replace(scales, factors=tuple(factors))
            theta = views.completed(view, at, v, rest, found.draw(rng), rng=rng)
        if small is None:
            theta, scales = self._given_effects(rng, theta, scales)
        if tuning is not None and small is not None:
            small = small.adapted(*tuning)
        return State(theta, scales, tuple(tops), small)

    def _top(
        self,
        rng: np.random.Generator,
        view: View,
        rest: Reduced,
        move: Trajectory,
        warm_up: tuple[int, int] | None,
    ) -> tuple[Array, Eliminated, Trajectory]:
        """Covariance of a view's varying coefficients, all coefficients of the view integrated out."""
        group = self.design.groups[view.top]

        def target(x: Array) -> tuple[float, Array, Any]:
            if not np.all(np.abs(x) <= 40.0):
                return -np.inf, x, None
            at = covariance(group, x)
            found = eliminate(rest.products, Point(1.0, 0.0, (at.factor,), np.zeros(0), 0.0), view.prior)
            if found is None or not np.isfinite(found.log_likelihood):
                return -np.inf, x, None
            with np.errstate(all="ignore"):  # where a wild step makes it not finite, the move is refused
                gradient = at.gradient + at.from_excess(views.excess(found))
            return at.log_prior + found.log_likelihood, gradient, (at.factor, found)

        here, accept = hmc.move(rng, target, hmc.Here(move.x, *target(move.x)), move.tuning)
        tuning = move.tuning if warm_up is None else move.tuning.adapted(here.x, accept, *warm_up)
        return here.payload[0], here.payload[1], Trajectory(here.x, tuning)

    def _collapsed(
        self, rng: np.random.Generator, view: View, at: Given, scales: Scales, move: Move
    ) -> tuple[Scales, Move]:
        """Sigma, SDs of leaves, SD and rho of unit-years, the view's coefficients integrated out."""

        def target(x: Array) -> tuple[float, Any]:
            read, log_prior = self._read(x, scales)
            if not np.isfinite(log_prior) or abs(read.rho) > 1.0 - 1e-9:
                return -np.inf, None
            rest = views.reduced(view, at, self._variances(read), self.n)
            top = Point(1.0, 0.0, (scales.factors[view.top],), np.zeros(0), 0.0)
            found = eliminate(rest.products, top, view.prior)
            if found is None or not np.isfinite(found.log_likelihood):
                return -np.inf, None
            return log_prior + found.log_likelihood, read

        here = slices.elliptical(rng, target, Here(move.x, *target(move.x)), move.near)
        return here.payload, replace(move, x=here.x)

    def _given_effects(self, rng: np.random.Generator, theta: Array, scales: Scales) -> tuple[Array, Scales]:
        """The same hyperparameters given the effects and given the standardised effects."""
        left, sigma = self.gram.g - self.gram.G @ theta, scales.sigma
        factors = list(scales.factors)
        for part in self._rest:
            group = self.design.groups[part]
            effects = theta[self.gram.part(part)].reshape(-1, len(group.terms))
            found = variances.draw_covariance(rng, group, factors[part], effects)
            sd = np.sqrt(np.sum(found**2, axis=1))
            theta, left, new = self._interwoven(rng, part, (theta, left, sigma), (group.sd, sd))
            factors[part] = found * (new / sd)[:, None] * np.sign(new)
        years, rho = scales.sd, scales.rho
        if self.design.serial is not None:
            part = len(self.design.groups)
            years, rho = variances.draw_years(
                rng, self.design.serial, theta[self.gram.part(part)], years, rho
            )
            at = (theta, left, sigma)
            theta, left, new = self._interwoven(rng, part, at, ((self.design.serial.sd,), np.array([years])))
            years = abs(float(new[0]))
        if self.design.error.sigma is None:
            raise ValueError("Gaussian errors have a prior of sigma")
        squares = float(self.gram.yy - theta @ (self.gram.g + left))
        sigma = variances.draw_sd(rng, self.design.error.sigma, sigma, squares, self.n)
        return theta, Scales(sigma, tuple(factors), years, rho)

    def _interwoven(
        self,
        rng: np.random.Generator,
        part: int,
        at: tuple[Array, Array, float],
        spread: tuple[tuple[Any, ...], Array],
    ) -> tuple[Array, Array, Array]:
        """Signed SDs of a part given its standardised effects; effects and rest of D'y follow."""
        theta, left, sigma = at
        priors, sd = spread
        own, where = self.own[part], self.gram.part(part)
        effects = theta[where].reshape(len(own), -1)
        standard = effects / sd
        right = left[where].reshape(effects.shape) + np.einsum("gij,gj->gi", own, effects)
        precision = np.einsum("gi,gij,gj->ij", standard, own, standard, optimize=True) / sigma**2
        new = variances.draw_scales(rng, priors, sd, precision, np.sum(standard * right, axis=0) / sigma**2)
        change = (standard * new - effects).ravel()
        theta = theta.copy()
        theta[where] += change
        return theta, left - self.columns[part].T @ change, new

    def values(self, _: np.random.Generator, state: State) -> dict[str, Array]:
        """Parameters under the names of the contract; effects of unit-years are not kept."""
        out: dict[str, Array] = {"sigma": np.array(state.scales.sigma)}
        at = 0
        population = state.theta[self.gram.population] + self.gram.prior_mean
        for term in self.design.population:
            out[term.name] = population[at : at + term.size].reshape(term.shape)
            at += term.size
        for part, (group, factor) in enumerate(zip(self.design.groups, state.scales.factors, strict=True)):
            sd, corr = sd_and_correlation(factor)
            out[f"sd_{group.name}"] = sd
            if group.corr is not None:
                out[f"corr_{group.name}"] = corr
            out[f"u_{group.name}"] = state.theta[self.gram.part(part)].reshape(-1, len(group.terms))
        if self.design.serial is not None:
            out[f"sd_{self.design.serial.name}"] = np.array(state.scales.sd)
            out["rho"] = np.array(state.scales.rho)
        return out


def _without_rows(design: Design) -> Design:
    """The design as chains need it, which read no rows: names, priors and levels."""
    none = np.zeros(0, np.int64)
    population = [
        replace(t, columns=t.columns[:0], index=None if t.index is None else none) for t in design.population
    ]
    groups = [replace(g, index=none, Z=g.Z[:0]) for g in design.groups]
    serial = design.serial
    if serial is not None:
        serial = replace(serial, index=none, loading=serial.loading[:0])
    return replace(
        design,
        y=design.y[:0],
        population=tuple(population),
        groups=tuple(groups),
        serial=serial,
        rows={},
        views=(),
        error=replace(design.error, order=row_order(none, none)),
    )
