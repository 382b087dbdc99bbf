"""Outcomes simulated from a design and parameter values: for predictive checks and calibration.

Engine-neutral: it reads arrays, never a sampler.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.kernels import RowOrder, quasi_difference, transition
from bayes_hr.priors import lkj_cholesky

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.design import Design, PopulationTerm

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class ParameterDraw:
    """One draw of everything that the linear predictor and the errors need.

    Attributes
    ----------
    population
        Flat coefficients by term.
    groups
        (levels, q) effects by group.
    sigma, rho, nu
        Error parameters; ``rho`` 0 for independent errors, ``nu`` None for Gaussian ones.
    """

    population: dict[str, Array]
    groups: dict[str, Array]
    sigma: float
    rho: float
    nu: float | None


def linear_predictor(design: Design, draw: ParameterDraw) -> Array:
    """Eta of each row, (n,)."""
    eta = np.zeros(design.n)
    for term in design.population:
        eta += term.predict(draw.population[term.name])
    for group in design.groups:
        eta += np.sum(group.Z * draw.groups[group.name][group.index], axis=1)
    return eta


def posterior_draws(design: Design, posterior: xr.Dataset, count: int) -> Iterator[ParameterDraw]:
    """``count`` draws spread evenly over the chains."""
    stacked = {str(n): v.values.reshape(-1, *v.shape[2:]) for n, v in posterior.data_vars.items()}
    total = len(stacked["sigma"])
    for i in np.linspace(0, total - 1, min(count, total)).astype(int):
        yield ParameterDraw(
            {t.name: np.ravel(stacked[t.name][i]) for t in design.population},
            {g.name: stacked[f"u_{g.name}"][i] for g in design.groups},
            float(stacked["sigma"][i]),
            float(stacked["rho"][i]) if "rho" in stacked else 0.0,
            float(stacked["nu"][i]) if "nu" in stacked else None,
        )


def prior_draws(design: Design, rng: np.random.Generator, count: int) -> Iterator[ParameterDraw]:
    """``count`` draws from the priors, as the model has them."""
    for _ in range(count):
        groups = {}
        for g in design.groups:
            sd = np.array([float(p.rvs(rng)) for p in g.sd])
            q = len(g.terms)
            lower = np.eye(q) if g.corr is None else lkj_cholesky(rng, g.corr["eta"], q, 1)[0]
            groups[g.name] = rng.standard_normal((len(g.levels), q)) @ (sd[:, None] * lower).T
        error = design.error
        yield ParameterDraw(
            {t.name: _prior_coefficients(t, rng) for t in design.population},
            groups,
            float(error.sigma.rvs(rng)),
            float(error.rho.rvs(rng)) if error.rho else 0.0,
            float(error.nu.rvs(rng)) if error.nu else None,
        )


def _prior_coefficients(term: PopulationTerm, rng: np.random.Generator) -> Array:
    if term.sd is None:
        return np.atleast_1d(term.prior.rvs(rng, term.size)) if term.prior else np.zeros(term.size)
    mean = float(term.prior.rvs(rng)) if term.prior else 0.0
    return np.asarray(mean + float(term.sd.rvs(rng)) * rng.standard_normal(term.size))


def simulate_errors(rng: np.random.Generator, order: RowOrder, draw: ParameterDraw) -> Array:
    """Errors of the rows, (n,): AR(1) over calendar years, so gaps are exact for Gaussian shocks.

    Student-t shocks of a gap of g years are drawn year by year.
    """
    coefficient, variance = transition(draw.rho, order)
    if draw.nu is None:
        shocks = rng.standard_normal(order.first.size) * np.sqrt(variance)
    else:
        shocks = rng.standard_t(draw.nu, order.first.size)
        shocks[order.first] *= np.sqrt(variance[order.first])
        for row in np.flatnonzero(order.gap > 1):
            steps = rng.standard_t(draw.nu, order.gap[row])
            shocks[row] = np.sum(steps * draw.rho ** np.arange(order.gap[row]))
    e = draw.sigma * shocks
    for row in np.flatnonzero(~order.first):
        e[row] += coefficient[row] * e[row - 1]
    return e


def innovations(residual: Array, order: RowOrder, draw: ParameterDraw) -> Array:
    """Standardised yearly shocks (n,): independent with SD 1 if the model is right."""
    return quasi_difference(residual, draw.rho, order) / draw.sigma
