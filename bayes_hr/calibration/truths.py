"""Truths drawn from a design's priors, under the names of the posterior, and outcomes simulated from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bayes_hr import walks
from bayes_hr.errors import InputError
from bayes_hr.kernels import quasi_difference, transition
from bayes_hr.ordinal import log_probabilities
from bayes_hr.priors import lkj_cholesky
from bayes_hr.simulation import linear_predictor, prior_draws, row_cutpoints, simulate_outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design, GroupTerm, PopulationTerm
    from bayes_hr.simulation import ParameterDraw

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """One draw from the priors.

    Attributes
    ----------
    draw
        What an outcome is simulated from.
    values
        Posterior variable -> its value, in the shape of one posterior draw.
    """

    draw: ParameterDraw
    values: dict[str, Array]


def draw_truth(design: Design, rng: np.random.Generator) -> Truth:
    """Everything that the posterior has, from the priors of a design.

    As :func:`bayes_hr.simulation.prior_draws`, and with the SDs and correlations that lie behind the effects.
    """
    base = next(prior_draws(replace(design, groups=()), rng, 1))
    values: dict[str, Array] = {}
    population, groups = dict(base.population), {}
    for term in design.population:
        if term.sd is not None:
            values |= _pooled(term, rng)
            population[term.name] = values[term.name]
        values[term.name] = population[term.name].reshape(term.shape)
    for group in design.groups:
        own = _group(group, rng)
        groups[group.name] = own[f"u_{group.name}"]
        values |= own
    draw = replace(base, population=population, groups=groups)
    return Truth(draw, values | _others(design, draw))


def _pooled(term: PopulationTerm, rng: np.random.Generator) -> dict[str, Array]:
    """Partially pooled coefficients (k,), with their mean, if it has a prior, and their SD."""
    sd = term.sd.rvs(rng) if term.sd else np.asarray(0.0)
    mean = {f"mu_{term.name}": term.prior.rvs(rng)} if term.prior else {}
    centre = mean.get(f"mu_{term.name}", np.asarray(0.0))
    return {**mean, walks.spread(term): sd, term.name: centre + sd * walks.deviations(rng, term)}


def _group(group: GroupTerm, rng: np.random.Generator) -> dict[str, Array]:
    """SDs (q,), correlations (q, q) if there are any, and effects (levels, q)."""
    q = len(group.terms)
    sd = np.array([float(p.rvs(rng)) for p in group.sd])
    lower = np.eye(q) if group.corr is None else lkj_cholesky(rng, group.corr["eta"], q, 1)[0]
    effects = rng.standard_normal((len(group.levels), q)) @ (sd[:, None] * lower).T
    own = {f"sd_{group.name}": sd, f"u_{group.name}": effects}
    return own if group.corr is None else {**own, f"corr_{group.name}": lower @ lower.T}


def _others(design: Design, draw: ParameterDraw) -> dict[str, Array]:
    """Error parameters, the unit-years' SD, and cut-points, as far as the design has them."""
    out: dict[str, Array] = {}
    if design.error.sigma is not None:
        out["sigma"] = np.asarray(draw.sigma)
    if design.error.rho is not None or design.serial is not None:
        out["rho"] = np.asarray(draw.rho)
    if draw.nu is not None:
        out["nu"] = np.asarray(draw.nu)
    if design.serial is not None:
        out[f"sd_{design.serial.name}"] = np.asarray(draw.sd_serial)
    if draw.cutpoints is not None:
        moving = draw.cutpoints.ndim == 2
        out["cutpoint"] = draw.cutpoints.mean(axis=0) if moving else draw.cutpoints
        out |= {"cutpoint_year": draw.cutpoints} if moving else {}
        out |= {name: np.asarray(sd) for name, sd in draw.sd_cuts.items()}
    return out


def with_outcome(design: Design, truth: Truth, rng: np.random.Generator) -> Design:
    """The same design with an outcome simulated from a truth on its own rows.

    Priors stay as they are: they were put into outcome units when the design was made, and nothing else in a
    design comes from its outcome.

    Raises
    ------
    InputError
        If the rows are compressed: their scatter within cells would still be that of the real outcome.
    """
    if design.repeats is not None:
        raise InputError(
            "calibration: compressed rows cannot be simulated; take a panel of some of the rows."
        )
    return replace(design, y=simulate_outcome(rng, design, truth.draw))


def joint(design: Design, draw: ParameterDraw) -> float:
    """A function of outcome and all parameters at once: the log density of the rows given the effects.

    It is that, up to a constant, for ordered categories and for Gaussian errors without unit-years; elsewhere
    it is another function of the same arguments, whose rank is uniform as well.  A quantity in which the
    outcome stands finds what parameters alone cannot, such as an engine that returns the prior: Modrák et al.
    (2025), *Simulation-based calibration checking for Bayesian computation: the choice of test quantities
    shapes sensitivity*, Bayesian Analysis 20 (2), doi 10.1214/23-BA1404.
    """
    if draw.cutpoints is not None:
        eta = linear_predictor(design, draw)
        each = log_probabilities(design.y, eta, row_cutpoints(design, draw), design.error.link)
        return float(each.sum())
    order = design.error.order
    rho = 0.0 if design.serial is not None else draw.rho
    shocks = quasi_difference(design.y - linear_predictor(design, draw), rho, order) / draw.sigma
    _, variance = transition(rho, order)
    spread = float(design.n * np.log(draw.sigma) + 0.5 * np.sum(np.log(variance)))
    return -spread - 0.5 * float(shocks @ shocks)
