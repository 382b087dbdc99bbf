"""Fits whose draws come from the prior: everything downstream of an engine can be tested without sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayes_hr.data.convergence_worlds import ConvergenceWorld, convergence
from bayes_hr.engines.assemble import assemble_posterior
from bayes_hr.priors import lkj_cholesky
from bayes_hr.simulation import prior_draws

if TYPE_CHECKING:
    from bayes_hr.design import Design
    from bayes_hr.engines.settings import SamplerSettings

CHAINS, DRAWS = 4, 30


def small_convergence() -> ConvergenceWorld:
    """A simulated world of 40 states and 5 IGOs with entries and exits."""
    return convergence(n_states=40, n_igos=5, years=(1985, 2014), exit_rate=0.04, seed=2)


def drawn_tree(
    design: Design, settings: SamplerSettings | None = None, progress: object = None
) -> xr.DataTree:
    """What an engine would return, with draws from the priors; stands in for ``NutsEngine.sample``."""
    rng = np.random.default_rng(0)
    found: dict[str, list[Any]] = {}
    for one in prior_draws(design, rng, CHAINS * DRAWS):
        values = {t.name: one.population[t.name].reshape(t.shape) for t in design.population}
        values |= {f"u_{name}": u for name, u in one.groups.items()}
        values |= {"sigma": one.sigma, "rho": one.rho} if one.cutpoints is None else {}
        if one.cutpoints is not None and one.cutpoints.ndim == 2:  # of each year
            values |= {"cutpoint": one.cutpoints.mean(axis=0), "cutpoint_year": one.cutpoints, **one.sd_cuts}
        elif one.cutpoints is not None:
            values["cutpoint"] = one.cutpoints
        if design.serial is not None:
            values[f"sd_{design.serial.name}"] = one.sd_serial
        for g in design.groups:
            values[f"sd_{g.name}"] = np.array([float(p.rvs(rng)) for p in g.sd])
            if g.corr is not None:
                lower = lkj_cholesky(rng, g.corr["eta"], len(g.terms), 1)[0]
                values[f"corr_{g.name}"] = lower @ lower.T
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    data = {}
    for name, values in found.items():
        array = np.array(values)
        array = array.reshape(CHAINS, DRAWS, *array.shape[1:])
        data[name] = (("chain", "draw", *(f"{name}_{i}" for i in range(array.ndim - 2))), array)
    raw = xr.Dataset(data, {"chain": np.arange(CHAINS), "draw": np.arange(DRAWS)})
    quiet = xr.DataArray(np.zeros((CHAINS, DRAWS), bool), dims=("chain", "draw"))
    deep = quiet.astype(int) + 4
    energy = xr.DataArray(rng.normal(size=(CHAINS, DRAWS)), dims=("chain", "draw"))
    statistics = {"diverging": quiet, "tree_depth": deep, "maxdepth_reached": quiet, "energy": energy}
    tree = assemble_posterior(design, raw, statistics, seed=0)
    tree.attrs |= {"engine": "nuts", "sampler": "none", "form": "rows"}
    tree.attrs |= {"compile_seconds": 0.0, "sample_seconds": 0.0}
    return tree
