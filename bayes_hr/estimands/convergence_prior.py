"""What the priors alone say of the convergence estimands: for Bayes factors and contraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.errors import InputError
from bayes_hr.estimands.convergence import exit_dyads, population_draws
from bayes_hr.priors import lkj_cholesky

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design, GroupTerm, PopulationTerm

    Array = NDArray[np.float64]


def prior_estimands(design: Design, rng: np.random.Generator, count: int) -> dict[str, Array]:
    """Prior draws of every quantity of :func:`~bayes_hr.estimands.convergence.population_draws`.

    Coefficients, SDs, correlations and effects of the states and IGOs of the exiting dyads are drawn from the
    design's priors (as :func:`bayes_hr.simulation.prior_draws` does, here all draws at once), and summarised
    by the very functions that summarise the posterior.

    Returns
    -------
    dict of str to array (count,)
        In the units of the posterior's quantities.

    Raises
    ------
    InputError
        If the coefficients of the phases have no prior of their own.
    """
    import xarray as xr

    rows = xr.Dataset({name: ("obs", values) for name, values in design.rows.items()})
    dyads = exit_dyads(rows)
    term = design.term("beta")
    coords: dict[str, object] = {"term": list(term.coords["term"])}
    data: dict[str, object] = {"beta": (("chain", "draw", "term"), _coefficients(term, rng, count)[None])}
    for group in design.groups:
        key = {"state": "ccode", "igo": "igo"}.get(group.name)
        if key is None:
            continue
        exiting = set(dyads[key].tolist())
        levels = [level for level in group.levels if level in exiting]
        dims = ("chain", "draw", group.name, f"{group.name}_term")
        data[f"u_{group.name}"] = (dims, _effects(group, len(levels), rng, count)[None])
        coords |= {group.name: levels, f"{group.name}_term": list(group.terms)}
    found = population_draws(xr.Dataset(data, coords), rows)
    return {name: values[0] for name, values in found.items()}


def _coefficients(term: PopulationTerm, rng: np.random.Generator, count: int) -> Array:
    """(count, k) draws of a population term's coefficients."""
    if term.priors:
        return np.stack([p.rvs(rng, count) for p in term.priors], axis=1)
    if term.prior is None:
        raise InputError(f"prior_estimands: {term.name} has no prior of its own in this design.")
    return term.prior.rvs(rng, (count, term.size))


def _effects(group: GroupTerm, levels: int, rng: np.random.Generator, count: int) -> Array:
    """(count, levels, q) draws of a group's effects, with SDs and correlations from their priors."""
    q = len(group.terms)
    sd = np.stack([p.rvs(rng, count) for p in group.sd], axis=1)
    lower = np.eye(q)[None] if group.corr is None else lkj_cholesky(rng, group.corr["eta"], q, count)
    factor = sd[:, :, None] * lower
    return np.asarray(rng.standard_normal((count, levels, q)) @ np.swapaxes(factor, 1, 2))
