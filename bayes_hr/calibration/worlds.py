"""One world: a truth from the priors, an outcome, the engine's posterior, and where the truth lies in it.

Talts, Betancourt, Simpson, Vehtari & Gelman (2018), *Validating Bayesian inference algorithms with
simulation-based calibration*, arXiv:1804.06788: over worlds, the rank of the truth among independent
posterior draws is uniform if, and for every function of the parameters only if, the draws come from the
posterior.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.calibration.quantities import posterior_values, quantities, true_values
from bayes_hr.calibration.truths import draw_truth, joint, with_outcome
from bayes_hr.constants import CI_PROB
from bayes_hr.estimands.summary import diagnostics, interval
from bayes_hr.simulation import complete_draws, posterior_draws

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

Sample = Callable[["Design", int], "xr.DataTree"]
"""An engine at work: design with its outcome, seed -> the tree that every engine returns."""

DRAWS: Final = 99
"""Posterior draws among which a truth is ranked, so that ranks go from 0 to 99."""

ESS: Final = 2 * DRAWS
"""Bulk ESS that 99 evenly spaced draws must come from: neighbours then correlate by some 2 % at most.

In a chain with one rate of decay, draws at S/99 steps of S correlate by about exp(-2 ESS / 99).
"""

ENGINE: Final = ("engine", "sampler", "form", "density")
"""Attributes of an engine's tree that say what ran."""

LEVELS: Final = (0.5, CI_PROB)
"""Probabilities of the intervals whose coverage is counted."""


def simulated_world(_: Any, seed: int, *, design: Design, sample: Sample) -> dict[str, Any]:
    """One task: simulate a world, sample it, and say where the truth of every quantity lies.

    Returns
    -------
    dict
        ``rank, truth, mean, sd, inside_50, inside_89, ess, r_hat`` (lists, one entry for each quantity),
        ``divergences`` (None if the engine has none), ``seconds`` of sampling, and which ``engine`` ran.

    Raises
    ------
    ValueError
        If there are too few draws, or one that is not finite.
    """
    for_world, for_sampler, for_ties = np.random.SeedSequence(seed).spawn(3)
    rng = np.random.default_rng(for_world)
    truth = draw_truth(design, rng)
    world = with_outcome(design, truth, rng)
    started = time.perf_counter()
    tree = sample(world, int(for_sampler.generate_state(1)[0]))
    seconds = time.perf_counter() - started
    posterior = complete_draws(tree)
    *listed, _joint = quantities(design)
    true = np.append(true_values(listed, truth), joint(world, truth.draw))
    draws = np.concatenate([posterior_values(listed, posterior), joint_draws(world, posterior)], axis=2)
    if not np.isfinite(draws).all():
        raise ValueError("the engine returned draws that are not finite")
    rank = ranks(draws, true, np.random.default_rng(for_ties))
    ran = {key: str(tree.attrs.get(key, "")) for key in ENGINE}
    told = {"divergences": divergences(tree), "seconds": seconds, "engine": ran}
    return {**summary(draws, true), "rank": rank, **told}


def joint_draws(design: Design, posterior: xr.Dataset) -> Array:
    """(chain, draw, 1) the joint quantity at every draw."""
    shape = posterior.sizes["chain"], posterior.sizes["draw"]
    values = [joint(design, draw) for draw in posterior_draws(design, posterior, shape[0] * shape[1])]
    return np.array(values).reshape(*shape, 1)


def ranks(draws: Array, truth: Array, rng: np.random.Generator) -> Index:
    """Rank of each truth among 99 draws spread evenly over the chains, ties broken at random.

    Parameters
    ----------
    draws
        (chain, draw, k).
    truth
        (k,).

    Returns
    -------
    array (k,)
        0 (below all draws) to 99 (above all).

    Raises
    ------
    ValueError
        If there are fewer than 99 draws.
    """
    flat = draws.reshape(-1, truth.size)
    if len(flat) < DRAWS:
        raise ValueError(f"{len(flat)} posterior draws; a rank needs {DRAWS}")
    few = flat[((np.arange(DRAWS) + 0.5) * len(flat) / DRAWS).astype(int)]
    ties = np.sum(few == truth, axis=0)
    return np.asarray(np.sum(few < truth, axis=0) + rng.integers(0, ties + 1))


def summary(draws: Array, truth: Array) -> dict[str, Array]:
    """Posterior mean and SD, which intervals cover, ESS and R-hat; (k,) each.

    Parameters
    ----------
    draws
        (chain, draw, k).
    truth
        (k,).
    """
    inside = {}
    for level in LEVELS:
        lower, upper = interval(draws, level)
        inside[inside_name(level)] = ((lower <= truth) & (truth <= upper)).astype(int)
    found = diagnostics(draws)
    mean, sd = draws.mean((0, 1)), draws.std((0, 1), ddof=1)
    return {
        "truth": truth,
        "mean": mean,
        "sd": sd,
        "ess": found["ess_bulk"],
        "r_hat": found["r_hat"],
        **inside,
    }


def inside_name(level: float) -> str:
    """Key of what :func:`summary` says of an interval: ``inside_89``."""
    return f"inside_{100 * level:.0f}"


def divergences(tree: xr.DataTree) -> int | None:
    """Divergent transitions of a run, if its engine can have any."""
    if "sample_stats" not in tree.children or "diverging" not in tree["sample_stats"].data_vars:
        return None
    return int(tree["sample_stats"]["diverging"].sum())
