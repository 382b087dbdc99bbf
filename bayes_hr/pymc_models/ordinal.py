r"""Ordered probit and cumulative logit in PyMC: cut-points, and the log probability of each row's category.

:math:`P(y = k) = F(c_{k+1} - \eta) - F(c_k - \eta)` for codes :math:`k = 0, \dots, K - 1` with
:math:`c_0 = -\infty`, :math:`c_K = \infty`: categories of a latent outcome whose residuals have the standard
normal F (SD 1) or the standard logistic (SD :math:`\pi / \sqrt 3`).  There is
no intercept: :math:`c_1` and :math:`\log(c_{k+1} - c_k)` have normal priors.  Two categories make a binary
probit or logit.  Where cut-points move over the years (:mod:`bayes_hr.moving_cuts`) each row has those of its
year, and these are their means.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayes_hr.walks import walk_basis

if TYPE_CHECKING:
    from bayes_hr.design import CutPoints
    from bayes_hr.moving_cuts import CutWalk

_ROOT_2 = math.sqrt(2.0)


def cut_points(cuts: CutPoints) -> Any:
    """Cut-points (K - 1,); adds ``cut_first``, ``log_gap`` (K - 2,) and ``cutpoint`` to the open model."""
    at = [cuts.first.to_pymc("cut_first")]
    gaps = len(cuts.categories) - 2
    if gaps:
        log_gap = cuts.log_gap.to_pymc("log_gap", shape=gaps)
        for k in range(gaps):
            at.append(at[-1] + pt.exp(log_gap[k]))
    return pm.Deterministic("cutpoint", pt.stack(at), dims="cut")


def _year_cut_points(cuts: CutPoints, walk: CutWalk, cutpoint: Any) -> Any:
    """Cut-points (T, K - 1) of each year, as :func:`bayes_hr.moving_cuts.year_cutpoints`.

    Adds the SDs of a step and ``cutpoint_year`` to the open model; the ``z_...`` are coordinates only.
    """
    basis, gaps = walk_basis(walk.years), len(cuts.categories) - 2
    steps = basis.shape[1]
    sd = {name: prior.to_pymc(name) for name, prior in walk.sds.items()}
    shift = sd["sd_cutpoint_shift"] * pt.dot(basis, pm.Normal("z_cutpoint_shift", 0.0, 1.0, shape=steps))
    at = cutpoint[None, :] + shift[:, None]
    if gaps:
        log_gap = sd["sd_gap_shift"] * pt.dot(basis, pm.Normal("z_gap_shift", 0.0, 1.0, shape=(steps, gaps)))
        ratio = pt.exp(log_gap)
        ratio = ratio / pt.mean(ratio, axis=0)
        wider = (cutpoint[1:] - cutpoint[:-1])[None, :] * (ratio - 1.0)
        above = np.triu(np.ones((gaps, gaps + 1)), 1)  # a gap moves every cut-point above it
        at = at + pt.dot(wider, above - above.mean(axis=1, keepdims=True))
    return pm.Deterministic("cutpoint_year", at, dims=("year", "cut"))


def add_category_likelihood(y: Any, eta: Any, cutpoint: Any, cuts: CutPoints) -> None:
    """Add the log probability of codes ``y`` (n,) given eta (n,) to the open model."""
    start = None
    if cuts.walk is not None:  # one gather from a vector: a matrix of every row's own is slower
        start = cuts.walk.index * (len(cuts.categories) - 1)
        cutpoint = _year_cut_points(cuts, cuts.walk, cutpoint).ravel()
    each = log_probability(y, eta, cutpoint, len(cuts.categories), cuts.link, start=start)
    pm.Potential("row_loglik", pt.sum(each))


def log_probability(
    y: Any, eta: Any, cutpoint: Any, categories: int, link: str = "probit", *, start: Any = None
) -> Any:
    """Log probability of each row's category, (n,), finite with its gradient also far out in a tail.

    ``cutpoint`` is (K - 1,); or those of several years one after the other, ``start`` (n,) being where those
    of a row's year begin.
    """
    log_cdf = {"probit": log_phi, "logit": log_logistic}[link]
    code, last = pt.cast(y, "int64"), categories - 2
    at = (pt.clip(k, 0, last) for k in (code - 1, code))
    low, high = (cutpoint[k if start is None else start + k] - eta for k in at)
    first = pt.eq(code, 0)
    end = first | pt.eq(code, categories - 1)
    at_end = log_cdf(pt.switch(first, high, -low))
    mirrored = low + high > 0
    below = log_cdf(pt.switch(mirrored, -high, low))
    above = log_cdf(pt.switch(mirrored, -low, high))
    # An end has no second threshold: any width keeps its unused branch, and that gradient, finite.
    width = pt.switch(end, -1.0, below - above)
    return pt.switch(end, at_end, above + pt.log1mexp(width))


def log_phi(z: Any) -> Any:
    """Log of the standard-normal distribution function; each branch sees only what it is exact for."""
    left, right = pt.minimum(z, -1.0), pt.maximum(z, -1.0)
    tail = pt.log(0.5 * pt.erfcx(-left / _ROOT_2)) - 0.5 * left**2
    return pt.switch(z < -1.0, tail, pt.log1p(-0.5 * pt.erfc(right / _ROOT_2)))


def log_logistic(z: Any) -> Any:
    """Log of the standard logistic distribution function."""
    return -pt.softplus(-z)
