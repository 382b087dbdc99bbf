r"""Chains for designs with one group term: hyperparameters collapsed, coefficients drawn exactly.

Gaussian errors, independent or AR(1): one draw of the hyperparameters with all coefficients integrated out
(:mod:`.collapsed`), then one of all coefficients.  Other families by augmentation, the same two draws given
the augmented rows:

- Student-t: errors are normal with variance :math:`\sigma^2 / \lambda_t`, :math:`\lambda_t \sim
  \mathrm{Gamma}(\nu/2, \nu/2)`.  sigma and nu are drawn again given the coefficients with all lambda
  integrated out, then lambda: drawn given lambda alone, nu would crawl.
- Ordered probit: see :mod:`.probit`.
- Measurement error of known SD: the outcome without it is drawn for every row (:mod:`bayes_hr.measured`).
  sigma and rho are drawn again given the coefficients with it integrated out, then groups and coefficients
  given the errors in place of it (interweaving: Yu & Meng 2011, doi 10.1198/jcgs.2011.203main): given it
  alone, they would crawl where the measurement is poor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import special

from bayes_hr import measured
from bayes_hr.engines import probit, slices, variances
from bayes_hr.engines.cells import Cells, SparseRows, WeightedRows, by_level
from bayes_hr.engines.collapsed import Coefficients, Eliminated, PopulationPrior, eliminate
from bayes_hr.engines.hyper import Layout
from bayes_hr.engines.partitioned import EliminatedParts, Partitioned
from bayes_hr.engines.slices import Here, Near

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bayes_hr.design import Design
    from bayes_hr.engines.cells import Products
    from bayes_hr.engines.hyper import Point
    from bayes_hr.repeats import Repeats

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    _Solver = Callable[[Point], Eliminated | EliminatedParts | None]

_REFITS: Final = (4, 2, 1)
"""The proposal is fitted to the later half of the chain after a quarter, half and all of the warm-up."""


_DISPERSED: Final = 3.0
"""Scale of starts of compressed rows over the posterior's: R-hat must see chains that have not met."""


@dataclass(frozen=True)
class State:
    """Where a chain is.

    Attributes
    ----------
    here
        Coordinates of the hyperparameters, their log density and the factors of the elimination.
    near, least
        The t that the slice sampler works with, and the one at the mode, than which it never gets narrower.
    coefficients
        The current draw of them.
    history
        Coordinates visited in the warm-up.
    nu, augmented, gaps
        Degrees of freedom; weights (n,), or outcome (n,) that is latent or without measurement error; logs of
        the gaps between cut-points.
    """

    here: Here
    near: Near
    least: Near
    coefficients: Coefficients
    history: tuple[Array, ...] = ()
    nu: float = np.inf
    augmented: Array | None = None
    gaps: Array | None = None


@dataclass(frozen=True)
class Measured:
    """Rows over their known SDs: given the model's errors, those of the measurement are all that is left."""

    sd: Array
    cells: Cells
    rows: SparseRows

    @classmethod
    def of(cls, design: Design, X: Array, sd: Array) -> Measured:
        """Add up the rows; X is (n, P)."""
        group = design.groups[0]
        Z, X, levels = group.Z / sd[:, None], X / sd[:, None], len(group.levels)
        cells = Cells.of(Z, np.c_[X, design.y], group.index, levels, None)
        return cls(sd, cells, SparseRows.of(by_level(Z, group.index, levels), X, None))

    def products(self, y: Array) -> Products:
        """Cross-products with the outcome (n,)."""
        return self.cells.with_outcome(self.rows, y / self.sd).at(0.0)


def _compressed_cells(design: Design, D: Array, prior: PopulationPrior, repeats: Repeats) -> Cells:
    """Cross-products of all rows behind the design's cells, whose means D (n, P + 1) are."""
    group, weight = design.groups[0], repeats.precision[:, None]
    cells = Cells.of(weight * group.Z, weight * D, group.index, len(group.levels), None)
    return cells.with_within(*_within(design, prior, repeats), repeats.total)


def _within(design: Design, prior: PopulationPrior, repeats: Repeats) -> tuple[Index, Array]:
    """Positions (k + 1,) of controls and outcome in D, and their scatter within cells."""
    P, k = prior.mean.size, len(repeats.scatter) - 1
    at = np.arange(P)[design.position("gamma")] if k else np.empty(0, dtype=np.int64)
    turn = np.eye(k + 1)  # the outcome in D is without the prior mean's part
    turn[-1, :k] = -prior.mean[at]
    return np.r_[at, P], turn @ repeats.scatter @ turn.T


@dataclass(frozen=True)
class CountryYear:
    """A design with one group term, prepared for :func:`bayes_hr.engines.chains.run_chains`."""

    design: Design
    X: Array
    y: Array
    prior: PopulationPrior
    layout: Layout
    cells: Cells
    rows: SparseRows | None
    weighted: WeightedRows | None
    measured: Measured | None
    partitioned: Partitioned | None = None
    near: Near | None = None

    @classmethod
    def of(cls, design: Design) -> CountryYear:
        """Add up the rows; nothing is sampled."""
        group, error = design.groups[0], design.error
        X = np.hstack([t.matrix() for t in design.population])
        prior = PopulationPrior.of(design)
        if error.cuts is not None:
            X, prior = probit.with_intercept(X, prior, error.cuts)
        y = design.y - X @ prior.mean if error.cuts is None else np.zeros(design.n)
        D, levels = np.c_[X, y], len(group.levels)
        if design.repeats is not None:
            cells = _compressed_cells(design, D, prior, design.repeats)
        else:
            cells = Cells.of(group.Z, D, group.index, levels, None if error.rho is None else error.order)
        weighted = WeightedRows.of(group.Z, D, group.index, levels) if error.nu is not None else None
        rows = None
        if error.cuts is not None or error.measurement_sd is not None:
            order = None if error.rho is None else error.order
            rows = SparseRows.of(by_level(group.Z, group.index, levels), X, order)
        sd = error.measurement_sd
        measured = None if sd is None else Measured.of(design, X, sd)
        model = cls(design, X, y, prior, Layout(design), cells, rows, weighted, measured)
        if weighted is None:
            model = replace(model, partitioned=Partitioned.of(cells, prior))
        if model.augments:
            return model
        start = model.layout.start(np.random.default_rng(0), model.spread)
        return replace(model, near=model._near(model._solver(None), start))

    @property
    def bulk(self) -> frozenset[str]:
        """Everything is kept at every draw."""
        return frozenset()

    @property
    def augments(self) -> bool:
        """Whether the cross-products change from draw to draw."""
        return self.weighted is not None or self.rows is not None

    @property
    def spread(self) -> float:
        """A rough size of everything that varies."""
        if self.design.error.cuts is not None:
            return 0.5
        repeats = self.design.repeats
        if repeats is None:
            sd = float(np.std(self.y))
        else:
            within = replace(repeats, scatter=_within(self.design, self.prior, repeats)[1])
            sd = within.mean_sd(self.y, -1)[1]
        return 0.5 * max(sd, 1e-3 * self.design.unit)

    # The collapsed density

    def log_density(self, x: Array) -> float:
        """Log density of the hyperparameters' coordinates (:class:`.hyper.Layout`), with all constants.

        Gaussian errors only: other families have no such density without what they are augmented by.
        """
        return self._target(self._solver(None))(x)[0]

    def _target(self, solve: _Solver) -> slices.Target:
        """Density of the coordinates, coefficients integrated out."""

        def target(x: Array) -> tuple[float, Any]:
            if np.any(x[self.layout.positive] <= 0):
                return -np.inf, None
            point = self.layout.read(x)
            if not np.isfinite(point.log_prior) or abs(point.rho) >= 1.0:  # it may round to 1
                return -np.inf, None
            found = solve(point)
            if found is None or not np.isfinite(found.log_likelihood):
                return -np.inf, None
            return point.log_prior + found.log_likelihood, (point, found)

        return target

    def start(self, rng: np.random.Generator) -> State:
        """An overdispersed start."""
        design, x = self.design, self._start(rng)
        nothing = Coefficients(self.prior.mean, np.zeros(self._shape), np.zeros(len(self.prior.pooled)))
        unknown = Near(x, np.eye(x.size))
        state = State(Here(x, -np.inf, None), unknown, unknown, nothing)
        if design.error.nu is not None:
            state = replace(state, nu=float(rng.uniform(3.0, 30.0)), augmented=np.ones(design.n))
        if design.error.cuts is not None:
            gaps = probit.start(rng, design.y, design.error.cuts)
            state = replace(state, gaps=gaps, augmented=probit.rough(rng, design.y, gaps))
        if design.error.measurement_sd is not None:
            state = replace(state, augmented=design.y)
        solve = self._solver(state)
        near = (self.near or self._near(solve, x)).widened()
        return replace(state, here=Here(x, *self._target(solve)(x)), near=near, least=near)

    def _start(self, rng: np.random.Generator) -> Array:
        """Coordinates to start from: far from the mode, in SDs of the posterior where these are tiny.

        A million rows know sigma to .001 of itself: from a start that is off by half of it, a warm-up would
        end on the way.
        """
        if self.design.repeats is None or self.near is None:
            return self.layout.start(rng, self.spread)
        x = self.near.centre + _DISPERSED * self.near.root @ rng.standard_normal(self.layout.size)
        return np.where(self.layout.positive, np.abs(x) + 1e-12, x)

    def _near(self, solve: _Solver, x: Array) -> Near:
        """A t at the mode of the density, continued evenly to negative SDs so that no edge is in the way."""
        target, positive = self._target(solve), self.layout.positive

        def even(x: Array) -> tuple[float, Any]:
            return target(np.where(positive, np.abs(x) + 1e-12, x))

        near = slices.laplace(even, x)
        return Near(np.where(positive, np.abs(near.centre), near.centre), near.root)

    @property
    def _shape(self) -> tuple[int, int]:
        group = self.design.groups[0]
        return len(group.levels), len(group.terms)

    def _solver(self, state: State | None) -> _Solver:
        """What eliminates the coefficients at a point, of the rows as they are augmented in ``state``."""
        if state is not None and state.augmented is not None and self.weighted is not None:
            products = self.weighted.at(state.augmented)
            return lambda point: eliminate(products, point, self.prior)
        cells: Cells | Partitioned = self.partitioned or self.cells
        if state is not None and state.augmented is not None and self.rows is not None:
            cells = cells.with_outcome(self.rows, state.augmented - self.X @ self.prior.mean)
        if isinstance(cells, Partitioned):
            return cells.eliminate
        return lambda point: eliminate(cells.at(point.rho), point, self.prior)

    def _eta(self, coefficients: Coefficients) -> Array:
        group = self.design.groups[0]
        varying = np.sum(group.Z * coefficients.effects[group.index], axis=1)
        return np.asarray(self.X @ coefficients.population + varying)

    # One step

    def step(self, rng: np.random.Generator, state: State, tuning: tuple[int, int] | None) -> State:
        """The next state."""
        target, here = self._target(self._solver(state)), state.here
        if self.augments:
            here = Here(here.x, *target(here.x))
        here = slices.elliptical(rng, target, here, state.near)
        found: Eliminated | EliminatedParts = here.payload[1]
        state = replace(state, here=here, coefficients=found.draw(rng))
        if self.prior.pooled:
            state = self._pooled(rng, state, target)
        if self.design.error.nu is not None:
            state = self._student(rng, state)
        if self.design.error.cuts is not None:
            state = self._probit(rng, state)
        if self.measured is not None:
            state = self._measured(rng, state, self.measured)
        return state if tuning is None else self._adapted(state, *tuning)

    def _pooled(self, rng: np.random.Generator, state: State, target: slices.Target) -> State:
        """SDs of pooled terms drawn again given the coefficients.

        Few coefficients leave their SD a long tail, where steps of all coordinates at once hardly come.
        """
        x, found = state.here.x.copy(), state.coefficients
        priors = [t.sd for t in self.design.population if t.sd is not None]
        each = zip(range(x.size - len(priors), x.size), priors, self.prior.pooled, found.means, strict=True)
        for k, prior, (where, _), mean in each:
            around = found.population[where] - mean
            x[k] = variances.draw_sd(rng, prior, x[k], float(around @ around), around.size)
        return replace(state, here=Here(x, np.nan, None) if self.augments else Here(x, *target(x)))

    def _adapted(self, state: State, step: int, warm_up: int) -> State:
        history, near = (*state.history, state.here.x), state.near
        if step + 1 in {warm_up // k for k in _REFITS}:
            near = slices.fitted(np.array(history[(step + 1) // 2 :]), near, state.least)
        return replace(state, history=history, near=near)

    def _student(self, rng: np.random.Generator, state: State) -> State:
        r"""Draw sigma and nu given the coefficients, lambda integrated out; then lambda."""
        e, error = self.design.y - self._eta(state.coefficients), self.design.error
        x, nu = state.here.x.copy(), state.nu
        if error.nu is None or error.sigma is None:
            raise ValueError("Student-t errors have priors of sigma and nu")
        prior_nu, prior_sigma, e2 = error.nu, error.sigma, e**2

        def log_density(at: Array) -> float:
            sigma, df = np.exp(at)
            value = e.size * (special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * at[1] - at[0])
            value -= 0.5 * (df + 1) * np.log1p(e2 / (df * sigma**2)).sum()
            value += prior_nu.log_density(df)[0] + at[1] + prior_sigma.log_density(sigma)[0] + at[0]
            return float(value)

        at = np.array([x[0], np.log(nu)])
        for _ in range(2):
            for k, width in enumerate((0.1, 0.5)):
                at = slices.coordinate(rng, log_density, at, k, width)
        x[0], nu = at[0], float(np.exp(at[1]))
        weights = rng.gamma(0.5 * (nu + 1.0), 2.0 / (nu + e2 / np.exp(2.0 * x[0])))
        return replace(state, here=Here(x, np.nan, None), nu=nu, augmented=weights)

    def _measured(self, rng: np.random.Generator, state: State, rows: Measured) -> State:
        """Errors with sigma and rho given the coefficients; then groups and coefficients given the errors."""
        residual = self.design.y - self._eta(state.coefficients)
        x, e = self._errors(rng, state.here.x, residual, rows.sd)
        products, fixed = rows.products(self.design.y - e - self.X @ self.prior.mean), self.layout.scales

        def target(own: Array) -> tuple[float, Any]:
            if np.any(own[self.layout.positive[fixed:]] <= 0):
                return -np.inf, None
            point = self.layout.read(np.r_[x[:fixed], own])
            found = eliminate(products, replace(point, sigma=1.0, rho=0.0), self.prior)
            if found is None or not np.isfinite(point.log_prior + found.log_likelihood):
                return -np.inf, None
            return point.log_prior + found.log_likelihood, found

        here = Here(x[fixed:], *target(x[fixed:]))
        here = slices.elliptical(rng, target, here, state.near.of(slice(fixed, None)))
        coefficients = here.payload.draw(rng)
        x = np.r_[x[:fixed], here.x]
        augmented = self._eta(coefficients) + e
        return replace(state, here=Here(x, np.nan, None), coefficients=coefficients, augmented=augmented)

    def _errors(self, rng: np.random.Generator, x: Array, residual: Array, sd: Array) -> tuple[Array, Array]:
        """Coordinates with sigma and rho drawn anew, the model's errors integrated out; then these, (n,)."""
        order = self.design.error.order

        def log_density(x: Array) -> float:
            point = self.layout.read(x)
            if not np.isfinite(point.log_prior) or abs(point.rho) >= 1.0:
                return -np.inf
            rows = measured.log_density(residual, sd, sigma=point.sigma, rho=point.rho, order=order)
            return point.log_prior + rows

        for k in range(self.layout.scales):
            x = slices.coordinate(rng, log_density, x, k, 0.3)
        point = self.layout.read(x)
        return x, measured.draw_errors(rng, residual, sd, sigma=point.sigma, rho=point.rho, order=order)

    def _probit(self, rng: np.random.Generator, state: State) -> State:
        """Gaps and common scale with the latent outcome integrated out, then the latent outcome."""
        y, cuts, found = self.design.y, self.design.error.cuts, state.coefficients
        if cuts is None or state.gaps is None:
            raise ValueError("an ordinal outcome has cut-points")
        eta = self._eta(found)
        gaps = probit.draw_gaps(rng, y, eta, state.gaps, cuts)
        positive, x = self.layout.positive, state.here.x
        free_means = sum(spread > 0 for _, spread in self.prior.pooled)  # a fixed mean is 0: nothing to scale
        scaled = int(positive.sum()) + found.population.size + free_means

        def log_prior(factor: float) -> float:
            point = self.layout.read(np.where(positive, factor * x, x))
            b, m = factor * found.population, factor * found.means
            return self.prior.log_density(b, m, point.pooled) + point.log_prior + scaled * np.log(factor)

        g = probit.draw_scale(rng, y, eta, gaps, cuts, log_prior=log_prior)
        gaps = gaps + np.log(g)
        x = np.where(positive, g * x, x)
        found = Coefficients(g * found.population, g * found.effects, g * found.means)
        latent = probit.draw_latent(rng, y, g * eta, gaps)
        return replace(state, here=Here(x, np.nan, None), coefficients=found, augmented=latent, gaps=gaps)

    # What is kept

    def values(self, _: np.random.Generator, state: State) -> dict[str, Array]:
        """Parameters under the names of the contract."""
        found, at = state.coefficients, 0
        out = self.layout.named(self.layout.read(state.here.x))
        for term in self.design.population:
            out[term.name] = found.population[at : at + term.size].reshape(term.shape)
            at += term.size
        pooled = [t for t in self.design.population if t.sd is not None]
        for term, mean in zip(pooled, found.means, strict=True):
            if term.prior is not None:
                out[f"mu_{term.name}"] = np.array(mean)
        out[f"u_{self.design.groups[0].name}"] = found.effects
        if np.isfinite(state.nu):
            out["nu"] = np.array(state.nu)
        if state.gaps is not None:
            out["cutpoint"] = probit.cutpoints(float(found.population[-1]), state.gaps)
        return out
