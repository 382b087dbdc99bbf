"""Log prior of every parameter and log likelihood of the rows at given draws, for power scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats

from bayes_hr.engines.block_model import BlockModel
from bayes_hr.forms import blocks_of

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.design import CutPoints, Design
    from bayes_hr.priors import Prior

    Array = NDArray[np.float64]


MAX_ROWS: Final = 50_000
"""Rows above which the density with all effects integrated out takes many seconds a draw."""


def thinned(posterior: xr.Dataset, draws: int) -> xr.Dataset:
    """At most ``draws`` draws of each chain, spread evenly."""
    size = posterior.sizes["draw"]
    return posterior.isel(draw=np.unique(np.linspace(0, size - 1, min(draws, size)).astype(int)))


def log_priors(design: Design, posterior: xr.Dataset) -> dict[str, Array]:
    """Log prior density of each parameter, summed over its entries, (chain, draw) by name.

    Group effects given their SDs are left out: they are the model, not a prior that a user chose.  A
    correlation counts up to a constant (LKJ).
    """
    out: dict[str, Array] = {}
    for term in design.population:
        if term.sd is None:
            mu, sigma = (np.array([p[name] for p in term.each_prior]) for name in ("mu", "sigma"))
            values = posterior[term.name].values
            flat = values.reshape(*values.shape[:2], -1)
            out[term.name] = stats.norm.logpdf(flat, mu, sigma).sum(axis=2)
    for group in design.groups:
        sd = posterior[f"sd_{group.name}"].values
        parts = [_positive(p, sd[:, :, k]) for k, p in enumerate(group.sd)]
        out[f"sd_{group.name}"] = np.sum(parts, axis=0)
        if group.corr is not None:
            _, log_det = np.linalg.slogdet(posterior[f"corr_{group.name}"].values)
            out[f"corr_{group.name}"] = (group.corr["eta"] - 1.0) * log_det
    if design.error.sigma is not None:
        out["sigma"] = _positive(design.error.sigma, posterior["sigma"].values)
    if design.error.cuts is not None:
        out |= _cut_priors(design.error.cuts, posterior["cutpoint"].values)
        walk = design.error.cuts.walk
        out |= {n: _positive(p, posterior[n].values) for n, p in walk.sds.items()} if walk else {}
    if design.serial is not None:
        name = f"sd_{design.serial.name}"
        out[name] = _positive(design.serial.sd, posterior[name].values)
    return out


def _cut_priors(cuts: CutPoints, values: Array) -> dict[str, Array]:
    """Log priors of the first cut-point and of the logs of the gaps, from cut-points (chain, draw, K - 1)."""
    first, gap = cuts.first, cuts.log_gap
    out = {"cut_first": stats.norm.logpdf(values[:, :, 0], first["mu"], first["sigma"])}
    if values.shape[2] > 1:
        gaps = stats.norm.logpdf(np.log(np.diff(values, axis=2)), gap["mu"], gap["sigma"])
        out["log_gap"] = gaps.sum(axis=2)
    return out


def _positive(prior: Prior, values: Array) -> Array:
    return np.vectorize(lambda x: prior.log_density(x)[0])(values)


def log_likelihood(design: Design, posterior: xr.Dataset) -> Array | None:
    """Log density of all rows at each draw, (chain, draw), effects inside units integrated out.

    Returns
    -------
    array or None
        None where they cannot be integrated out (:func:`bayes_hr.forms.blocks_of`), or the rows are more
        than :data:`MAX_ROWS`.
    """
    if blocks_of(design) is None or design.n > MAX_ROWS:
        return None
    model = BlockModel.of(design)
    arrays = {str(n): v.values for n, v in posterior.data_vars.items()}
    shape = posterior.sizes["chain"], posterior.sizes["draw"]
    out = np.empty(shape)
    for at in np.ndindex(*shape):
        out[at] = model.log_likelihood({name: values[at] for name, values in arrays.items()})
    return out
