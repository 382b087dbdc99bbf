r"""Ordered categories of a latent normal outcome with residual SD 1: arrays only, no model and no sampler.

Category k (codes 0 to K - 1) holds the latent outcomes between its cut-points, the first and the last without
bound.  The residual of a row with linear predictor :math:`\eta` thus lies between ``low`` and ``high``, its
category's edges minus :math:`\eta`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.kernels import RowOrder

    Array = NDArray[np.float64]


def _bounds(low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Intervals mirrored into the lower half of the line where they mostly lie above it, and which were."""
    mirrored = low + high > 0
    return np.where(mirrored, -high, low), np.where(mirrored, -low, high), np.where(mirrored, -1.0, 1.0)


def _intervals(y: Array, eta: Array, cutpoints: Array) -> tuple[Array, Array, Array]:
    """:func:`_bounds` of each row's own category."""
    edges, code = np.r_[-np.inf, cutpoints, np.inf], y.astype(np.int64)
    return _bounds(edges[code] - eta, edges[code + 1] - eta)


def latent_residuals(rng: np.random.Generator, y: Array, eta: Array, cutpoints: Array) -> Array:
    """Residuals of the latent outcome (n,), drawn given codes of categories ``y`` (n,) and eta (n,).

    By inversion on the log scale, so that categories far from what eta expects lose no digits.  Over rows
    whose categories come from the model they are standard normal.
    """
    low, high, sign = _intervals(y, eta, cutpoints)
    below, above = log_ndtr(low), log_ndtr(high)
    share = np.log(rng.uniform(size=y.size)) + above + np.log1p(-np.exp(below - above))
    z = np.clip(ndtri_exp(np.logaddexp(below, share)), low, high)
    return np.asarray(sign * z)


def _means(low: Array, high: Array) -> tuple[Array, Array]:
    """Mean of a standard normal in intervals of the lower half, and the probability of each interval."""
    P = ndtr(high) - ndtr(low)
    height = (np.exp(-0.5 * low**2) - np.exp(-0.5 * high**2)) / np.sqrt(2.0 * np.pi)
    return np.divide(height, P, out=np.array(high, dtype=float), where=P > 1e-200), P


def mean_residuals(y: Array, eta: Array, cutpoints: Array) -> tuple[Array, Array]:
    """Generalised residuals: the latent residual's mean given the category, and how much of it that reveals.

    Gourieroux, Monfort, Renault & Trognon (1987), *Generalised residuals*, Journal of Econometrics 34,
    doi 10.1016/0304-4076(87)90065-0.

    Parameters
    ----------
    y, eta
        (n,) codes of categories, and linear predictor.
    cutpoints
        (K - 1,).

    Returns
    -------
    mean : array (n,)
        Zero on average if the model is right.
    information : array (n,)
        Variance of that mean over the categories, between 0 and 1.
    """
    low, high, sign = _intervals(y, eta, cutpoints)
    mean, _ = _means(low, high)
    edges = np.r_[-np.inf, cutpoints, np.inf][:, None] - eta
    each, P = _means(*_bounds(edges[:-1], edges[1:])[:2])
    return np.asarray(sign * mean), np.asarray((P * each**2).sum(axis=0))


def latent_autocorrelation(y: Array, eta: Array, cutpoints: Array, order: RowOrder) -> float:
    r"""Autocorrelation of the latent residuals of a unit's neighbouring years, to first order.

    The score of the log likelihood in :math:`\rho` at 0 over its information,
    :math:`\sum \tilde e_t \tilde e_{t-1} / \sum v_t v_{t-1}` with :func:`mean_residuals` :math:`\tilde e` and
    their information v (Gourieroux, Monfort & Trognon 1985, *A general approach to serial correlation*,
    Econometric Theory 1, 315-340).  Not scaled down by what categories hide, as the correlation of the
    residuals themselves is; within -1 and 1.
    """
    mean, information = mean_residuals(y, eta, cutpoints)
    pairs = (~order.first) & (order.gap == 1)
    before = order.previous[pairs]
    score = np.sum(mean[pairs] * mean[before])
    return float(np.clip(score / np.sum(information[pairs] * information[before]), -1.0, 1.0))


def normal_scores(y: Array) -> Array:
    """Mean of a standard normal outcome in each row's category, (n,), for codes of categories."""
    code = y.astype(np.int64)
    share = np.clip(np.r_[0.0, np.cumsum(np.bincount(code)) / code.size], 0.0, 1.0)
    edges = ndtri(share)
    height = np.exp(-0.5 * edges**2) / np.sqrt(2.0 * np.pi)
    return np.asarray((-np.diff(height) / np.diff(share))[code])
