r"""Ordered categories of a latent outcome with independent residuals: arrays only, no model and no sampler.

Category k (codes 0 to K - 1) holds the latent outcomes between its cut-points, the first and the last without
bound.  The residual of a row with linear predictor :math:`\eta` thus lies between ``low`` and ``high``, its
category's edges minus :math:`\eta`.  Residuals are standard normal (link ``"probit"``) or standard logistic
(``"logit"``: SD :math:`\pi / \sqrt 3`; McCullagh 1980, *Regression models for ordinal data*, Journal of the
Royal Statistical Society B 42, 109-142).

Cut-points are (K - 1,), the same for every row, or (n, K - 1), each row's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit, log_expit, log_ndtr, ndtr, ndtri, ndtri_exp

from bayes_hr.constants import LOGISTIC_SD

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bayes_hr.kernels import RowOrder

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moment:
    """What a residual is expected to be in an interval, times the interval's probability.

    Attributes
    ----------
    height
        Function of an edge: the moment of (low, high) is ``height(low) - height(high)``.
    tail
        Its value per probability in (-inf, high) for a ``high`` so low that the probability underflows.
    """

    height: Callable[[Array], Array]
    tail: Callable[[Array], Array]


@dataclass(frozen=True)
class Link:
    """Distribution of the latent residuals, symmetric around 0.

    Attributes
    ----------
    sd
        Its standard deviation.
    cdf, log_cdf, log_quantile
        Distribution function, its log, and the quantile of the log of a probability.
    mean, score
        Moments of the residual e itself, and of minus the derivative of its log density (for a normal, e).
    """

    sd: float
    cdf: Callable[[Array], Array]
    log_cdf: Callable[[Array], Array]
    log_quantile: Callable[[Array], Array]
    mean: Moment
    score: Moment


def _normal_density(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi))


def _logistic_density(z: Array) -> Array:
    return np.asarray(expit(z) * expit(-z))


def _logistic_entropy(z: Array) -> Array:
    """Minus the integral of e f(e) up to z: the entropy of a coin that falls below z."""
    near = -np.abs(z)  # symmetric, and the lower tail keeps its digits
    below = expit(near)
    log_below = np.where(below > 0, log_expit(near), 0.0)
    return np.asarray(-below * log_below - (1.0 - below) * np.log1p(-below))


def _logistic_log_quantile(log_p: Array) -> Array:
    return np.asarray(log_p - np.log(-np.expm1(log_p)))


_NORMAL: Final = Moment(_normal_density, np.positive)

LINKS: Final = {
    "probit": Link(1.0, ndtr, log_ndtr, ndtri_exp, _NORMAL, _NORMAL),
    "logit": Link(
        LOGISTIC_SD,
        expit,
        log_expit,
        _logistic_log_quantile,
        Moment(_logistic_entropy, lambda high: high - 1.0),
        Moment(_logistic_density, lambda high: np.full_like(high, -1.0)),
    ),
}
"""Distributions of the latent residuals by the name of their link."""


def _bounds(low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Intervals mirrored into the lower half of the line where they mostly lie above it, and which were."""
    mirrored = low + high > 0
    return np.where(mirrored, -high, low), np.where(mirrored, -low, high), np.where(mirrored, -1.0, 1.0)


def _intervals(y: Array, eta: Array, cutpoints: Array) -> tuple[Array, Array, Array]:
    """:func:`_bounds` of each row's own category."""
    code = y.astype(np.int64)[:, None]
    edges = np.broadcast_to(_edges(cutpoints), (y.size, cutpoints.shape[-1] + 2))
    low, high = (np.take_along_axis(edges, at, axis=1)[:, 0] for at in (code, code + 1))
    return _bounds(low - eta, high - eta)


def _edges(cutpoints: Array) -> Array:
    """Cut-points (..., K - 1) with the ends of the line around them, (..., K + 1)."""
    end = np.full((*cutpoints.shape[:-1], 1), np.inf)
    return np.concatenate([-end, cutpoints, end], axis=-1)


def categories(latent: Array, cutpoints: Array) -> Array:
    """Codes 0 to K - 1 (n,) of latent outcomes (n,)."""
    return np.asarray(np.sum(latent[:, None] > cutpoints, axis=1), dtype=float)


def log_probabilities(y: Array, eta: Array, cutpoints: Array, link: str = "probit") -> Array:
    """Log probability of each row's category, (n,), taken in the tail that it lies in."""
    low, high, _ = _intervals(y, eta, cutpoints)
    below, above = LINKS[link].log_cdf(low), LINKS[link].log_cdf(high)
    return np.asarray(above + np.log(-np.expm1(below - above)))


def latent_residuals(
    rng: np.random.Generator, y: Array, eta: Array, cutpoints: Array, link: str = "probit"
) -> Array:
    """Residuals of the latent outcome (n,), drawn given codes of categories ``y`` (n,) and eta (n,).

    By inversion on the log scale, so that categories far from what eta expects lose no digits.  Over rows
    whose categories come from the model they are standard normal, or standard logistic.
    """
    latent = LINKS[link]
    low, high, sign = _intervals(y, eta, cutpoints)
    below, above = latent.log_cdf(low), latent.log_cdf(high)
    share = np.log(rng.uniform(size=y.size)) + above + np.log1p(-np.exp(below - above))
    z = np.clip(latent.log_quantile(np.logaddexp(below, share)), low, high)
    return np.asarray(sign * z)


def _means(link: Link, moment: Moment, low: Array, high: Array) -> tuple[Array, Array]:
    """Expected moment in intervals of the lower half, and the probability of each interval."""
    P = link.cdf(high) - link.cdf(low)
    height = moment.height(low) - moment.height(high)
    return np.divide(height, P, out=np.array(moment.tail(high), dtype=float), where=P > 1e-200), P


def mean_residuals(
    y: Array, eta: Array, cutpoints: Array, link: str = "probit", *, score: bool = False
) -> tuple[Array, Array]:
    """Generalised residuals: the latent residual's mean given the category, and how much of it that reveals.

    Gourieroux, Monfort, Renault & Trognon (1987), *Generalised residuals*, Journal of Econometrics 34,
    doi 10.1016/0304-4076(87)90065-0.

    Parameters
    ----------
    y, eta
        (n,) codes of categories, and linear predictor.
    cutpoints
        (K - 1,), or (n, K - 1).
    link
        A name of :data:`LINKS`.
    score
        Of the score of the residual's density in place of the residual (the same for a probit).

    Returns
    -------
    mean : array (n,)
        Zero on average if the model is right.
    information : array (n,)
        Variance of that mean over the categories, between 0 and the variance of the residual (or score).
    """
    latent = LINKS[link]
    moment = latent.score if score else latent.mean
    low, high, sign = _intervals(y, eta, cutpoints)
    mean, _ = _means(latent, moment, low, high)
    edges = (_edges(cutpoints) - eta[:, None]).T
    each, P = _means(latent, moment, *_bounds(edges[:-1], edges[1:])[:2])
    return np.asarray(sign * mean), np.asarray((P * each**2).sum(axis=0))


def latent_autocorrelation(
    y: Array, eta: Array, cutpoints: Array, order: RowOrder, link: str = "probit"
) -> float:
    r"""Autocorrelation of the latent residuals of a unit's neighbouring years, to first order.

    The score of the log likelihood in :math:`\rho` at 0 over its information,
    :math:`\sum \tilde s_t \tilde e_{t-1} / \sum w_t v_{t-1}` with :func:`mean_residuals` :math:`\tilde e` and
    their information v, and the same of the density's score (s, w; for a probit :math:`\tilde s = \tilde e`)
    (Gourieroux, Monfort & Trognon 1985, *A general approach to serial correlation*,
    Econometric Theory 1, 315-340).  Not scaled down by what categories hide, as the correlation of the
    residuals themselves is; within -1 and 1.
    """
    mean, information = score, known = mean_residuals(y, eta, cutpoints, link)
    if LINKS[link].score is not LINKS[link].mean:
        score, known = mean_residuals(y, eta, cutpoints, link, score=True)
    pairs = (~order.first) & (order.gap == 1)
    before = order.previous[pairs]
    slope = np.sum(score[pairs] * mean[before])
    return float(np.clip(slope / np.sum(known[pairs] * information[before]), -1.0, 1.0))


def normal_scores(y: Array) -> Array:
    """Mean of a standard normal outcome in each row's category, (n,), for codes of categories."""
    code = y.astype(np.int64)
    share = np.clip(np.r_[0.0, np.cumsum(np.bincount(code)) / code.size], 0.0, 1.0)
    edges = ndtri(share)
    height = np.exp(-0.5 * edges**2) / np.sqrt(2.0 * np.pi)
    return np.asarray((-np.diff(height) / np.diff(share))[code])
