"""Outcomes simulated from a design and parameter values: for predictive checks and calibration.

Engine-neutral: it reads arrays, never a sampler.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bayes_hr import walks
from bayes_hr.kernels import RowOrder, quasi_difference, transition
from bayes_hr.measured import draw_errors
from bayes_hr.moving_cuts import draw_cutpoints
from bayes_hr.ordinal import LINKS, categories, latent_residuals
from bayes_hr.priors import lkj_cholesky

if TYPE_CHECKING:
    from collections.abc import Iterator

    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.design import CutPoints, Design, PopulationTerm

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
        Error parameters; ``rho`` 0 for independent errors, ``nu`` None for Gaussian ones, ``sigma`` 1 for
        ordered categories (whose latent errors are standard normal, or standard logistic).
    sd_serial
        SD of the unit-years' effects, whose autocorrelation is then ``rho``; None where there are none.
    cutpoints
        (K - 1,) thresholds between ordered categories, or (T, K - 1) of each year where they move; None for
        other outcomes.
    sd_cuts
        SDs of a yearly step of moving cut-points, by posterior variable; empty where none is drawn.
    """

    population: dict[str, Array]
    groups: dict[str, Array]
    sigma: float
    rho: float
    nu: float | None
    sd_serial: float | None = None
    cutpoints: Array | None = None
    sd_cuts: dict[str, float] = field(default_factory=dict)


def linear_predictor(design: Design, draw: ParameterDraw) -> Array:
    """Eta of each row, (n,), without the unit-years' effects."""
    eta = np.zeros(design.n)
    for term in design.population:
        eta += term.predict(draw.population[term.name])
    for group in design.groups:
        eta += np.sum(group.Z * draw.groups[group.name][group.index], axis=1)
    return eta


def complete_draws(tree: xr.DataTree) -> xr.Dataset:
    """Posterior with every parameter: where bulk effects were kept at some draws only, those draws."""
    posterior: xr.Dataset = tree["posterior"].dataset
    if "posterior_bulk" not in tree:
        return posterior
    bulk = tree["posterior_bulk"].dataset
    return posterior.sel(draw=bulk["draw"]).merge(bulk)


def posterior_draws(design: Design, posterior: xr.Dataset, count: int) -> Iterator[ParameterDraw]:
    """``count`` draws spread evenly over the chains."""
    stacked = {str(n): v.values.reshape(-1, *v.shape[2:]) for n, v in posterior.data_vars.items()}
    total = posterior.sizes["chain"] * posterior.sizes["draw"]
    for i in np.linspace(0, total - 1, min(count, total)).astype(int):
        yield ParameterDraw(
            {t.name: np.ravel(stacked[t.name][i]) for t in design.population},
            {g.name: stacked[f"u_{g.name}"][i] for g in design.groups},
            float(stacked["sigma"][i]) if "sigma" in stacked else 1.0,
            float(stacked["rho"][i]) if "rho" in stacked else 0.0,
            float(stacked["nu"][i]) if "nu" in stacked else None,
            float(stacked[f"sd_{design.serial.name}"][i]) if design.serial else None,
            stacked[cut_variable(design)][i] if design.error.cuts is not None else None,
        )


def cut_variable(design: Design) -> str:
    """Posterior variable of the cut-points that rows have: ``cutpoint``, or those of each year."""
    moving = design.error.cuts is not None and design.error.cuts.walk is not None
    return "cutpoint_year" if moving else "cutpoint"


def row_cutpoints(design: Design, draw: ParameterDraw) -> Array:
    """Cut-points that the rows have, (K - 1,) or (n, K - 1).

    Raises
    ------
    ValueError
        If the outcome has no categories.
    """
    if design.error.cuts is None or draw.cutpoints is None:
        raise ValueError("an outcome without categories has no cut-points")
    return design.error.cuts.of_rows(draw.cutpoints)


def prior_draws(design: Design, rng: np.random.Generator, count: int) -> Iterator[ParameterDraw]:
    """``count`` draws from the priors, as the model has them."""
    for _ in range(count):
        groups = {}
        for g in design.groups:
            sd = np.array([float(p.rvs(rng)) for p in g.sd])
            q = len(g.terms)
            lower = np.eye(q) if g.corr is None else lkj_cholesky(rng, g.corr["eta"], q, 1)[0]
            groups[g.name] = rng.standard_normal((len(g.levels), q)) @ (sd[:, None] * lower).T
        error, serial = design.error, design.serial
        rho = serial.rho if serial else error.rho
        cutpoints, sd_cuts = (None, {}) if error.cuts is None else _prior_cutpoints(error.cuts, rng)
        yield ParameterDraw(
            {t.name: _prior_coefficients(t, rng) for t in design.population},
            groups,
            float(error.sigma.rvs(rng)) if error.sigma else 1.0,
            float(rho.rvs(rng)) if rho else 0.0,
            float(error.nu.rvs(rng)) if error.nu else None,
            float(serial.sd.rvs(rng)) if serial else None,
            cutpoints,
            sd_cuts,
        )


def _prior_cutpoints(cuts: CutPoints, rng: np.random.Generator) -> tuple[Array, dict[str, float]]:
    """Cut-points (K - 1,): the first, and gaps whose logs are normal; of each year, where they move."""
    gaps = np.exp(cuts.log_gap.rvs(rng, len(cuts.categories) - 2))
    fixed = np.asarray(float(cuts.first.rvs(rng)) + np.r_[0.0, np.cumsum(gaps)])
    if cuts.walk is None:
        return fixed, {}
    sds = {name: float(prior.rvs(rng)) for name, prior in cuts.walk.sds.items()}
    return draw_cutpoints(rng, cuts.walk, fixed, sds), sds


def _prior_coefficients(term: PopulationTerm, rng: np.random.Generator) -> Array:
    if term.sd is None:
        return np.array([float(p.rvs(rng)) for p in term.each_prior])
    mean = float(term.prior.rvs(rng)) if term.prior else 0.0
    return np.asarray(mean + float(term.sd.rvs(rng)) * walks.deviations(rng, term))


def simulate_outcome(
    rng: np.random.Generator, design: Design, draw: ParameterDraw, eta: Array | None = None
) -> Array:
    """An outcome (n,) as the model makes it: eta plus errors, or the codes of ordered categories.

    ``eta`` is :func:`linear_predictor`'s, if it is known already.
    """
    latent = (linear_predictor(design, draw) if eta is None else eta) + simulate_errors(rng, design, draw)
    if draw.cutpoints is None:
        return latent
    return categories(latent, row_cutpoints(design, draw))


def simulate_errors(rng: np.random.Generator, design: Design, draw: ParameterDraw) -> Array:
    """All that eta leaves open, (n,): errors of model and measurement, and unit-years' effects."""
    if design.error.link == "logit":
        return rng.logistic(size=design.n)
    if design.serial is None:
        e, sd = row_errors(rng, design.error.order, draw), design.error.measurement_sd
        if design.repeats is not None:  # of the mean of a cell's rows
            return e / design.repeats.precision
        return e if sd is None else e + sd * rng.standard_normal(sd.size)
    order = design.serial.order
    weight, _ = transition(draw.rho, order)
    shocks = (draw.sd_serial or 0.0) * np.sqrt(1.0 - weight**2) * rng.standard_normal(weight.size)
    s = autoregressed(weight, shocks)
    independent = replace(draw, rho=0.0)
    return design.serial.loading * s[design.serial.index] + row_errors(rng, design.error.order, independent)


def row_errors(rng: np.random.Generator, order: RowOrder, draw: ParameterDraw) -> Array:
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
    return autoregressed(coefficient, draw.sigma * shocks)


def autoregressed(coefficient: Array, shocks: Array) -> Array:
    """Each value (n,) its coefficient times the one before plus a shock, all at once.

    The coefficient is 0 in the first row of a unit, so this is a bidiagonal system.
    """
    from scipy.linalg import solve_banded

    band = np.ones((2, shocks.size))
    band[1, :-1] = -coefficient[1:]
    return np.asarray(solve_banded((1, 0), band, shocks))


def draw_unit_years(rng: np.random.Generator, design: Design, draw: ParameterDraw, residual: Array) -> Array:
    """One exact draw of the unit-years' effects (m,), given what eta leaves of an outcome (n,).

    The posterior precision is tridiagonal over the unit-years: that of the AR(1) plus the rows' (Rue & Held
    2005, *Gaussian Markov Random Fields*, section 2.3).

    Raises
    ------
    ValueError
        If the design has no unit-years.
    """
    from scipy.linalg import cholesky_banded, solve_banded, solveh_banded

    serial = design.serial
    if serial is None or draw.sd_serial is None:
        raise ValueError("this design has no unit-years")
    weight, _ = transition(draw.rho, serial.order)
    variance = draw.sd_serial**2 * (1.0 - weight**2)
    m, s2 = weight.size, draw.sigma**2
    band = np.zeros((2, m))
    band[0] = 1.0 / variance + np.bincount(serial.index, serial.loading**2, minlength=m) / s2
    band[0, :-1] += (weight**2 / variance)[1:]
    band[1, :-1] = -(weight / variance)[1:]
    right = np.bincount(serial.index, serial.loading * residual, minlength=m) / s2
    lower = cholesky_banded(band, lower=True)
    upper = np.stack([np.r_[0.0, lower[1, :-1]], lower[0]])
    noise = solve_banded((0, 1), upper, rng.standard_normal(m))
    return np.asarray(solveh_banded(band, right, lower=True) + noise)


def innovations(rng: np.random.Generator, design: Design, draw: ParameterDraw, y: Array, eta: Array) -> Array:
    """Standardised shocks (n,) of an outcome (n,): independent with SD 1 if the model is right.

    Yearly shocks of AR(1) errors; with unit-years or measurement error, those of a draw of what it is on top
    of.  Of
    ordered categories, a draw of the latent residual given the category, so that dependence shows, if weaker.
    """
    if draw.cutpoints is not None:
        link = design.error.link
        return latent_residuals(rng, y, eta, row_cutpoints(design, draw), link) / LINKS[link].sd
    residual, order, sd = y - eta, design.error.order, design.error.measurement_sd
    if sd is not None:
        residual = draw_errors(rng, residual, sd, sigma=draw.sigma, rho=draw.rho, order=order)
    if design.repeats is not None:
        return np.asarray(residual * design.repeats.precision / draw.sigma)
    if design.serial is None:
        return quasi_difference(residual, draw.rho, order) / draw.sigma
    s = draw_unit_years(rng, design, draw, residual)
    return np.asarray((residual - design.serial.loading * s[design.serial.index]) / draw.sigma)
