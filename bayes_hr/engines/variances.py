r"""Hyperparameters given the effects: tiny densities under the same priors as the PyMC model.

A group's effects enter only through U'U (q x q), the AR(1) effects of unit-years through a few sums, the rows
through the residual sum of squares.  SDs are drawn twice in every step, given the effects and given the
standardised effects (ancillarity-sufficiency interweaving, Yu & Meng 2011, doi 10.1198/jcgs.2011.203main):
the one mixes where the data know the effects well, the other where they do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.linalg import lapack

from bayes_hr.engines import slices
from bayes_hr.engines.hyper import correlation_factor, group_size
from bayes_hr.engines.slices import Here, Near

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import GroupTerm, SerialTerm
    from bayes_hr.priors import Prior

    Array = NDArray[np.float64]

SWEEPS: Final = 2
"""Draws of a group's covariance in each step."""


def draw_sd(rng: np.random.Generator, prior: Prior, sd: float, squares: float, n: int) -> float:
    """SD of n normal values around their mean, given the sum of their squares."""

    def log_density(x: float) -> float:
        s = float(np.exp(x))
        return prior.log_density(s)[0] + x - n * x - 0.5 * squares / s**2

    width = max(2.0 / np.sqrt(n), 0.01)
    return float(np.exp(slices.univariate(rng, log_density, float(np.log(sd)), width)))


def draw_covariance(rng: np.random.Generator, group: GroupTerm, factor: Array, effects: Array) -> Array:
    """Lower factor (q, q) of a group's covariance given its effects (levels, q)."""
    levels = len(effects)
    values, vectors = np.linalg.eigh(effects.T @ effects)
    root = vectors * np.sqrt(np.maximum(values, 0.0))

    def target(x: Array) -> tuple[float, Array | None]:
        found, log_prior = _factor(group, x)
        if not np.isfinite(log_prior):
            return -np.inf, None
        solved, failed = lapack.dtrtrs(found, root, lower=1)
        if failed:
            return -np.inf, None
        value = log_prior - levels * float(np.log(np.diag(found)).sum()) - 0.5 * float(np.sum(solved**2))
        return (value, found) if np.isfinite(value) else (-np.inf, None)

    x = _coordinates(group, factor)
    here, near = Here(x, *target(x)), _near(group, root @ root.T, levels)
    for _ in range(SWEEPS):
        here = slices.elliptical(rng, target, here, near)
    return np.asarray(here.payload)


def _factor(group: GroupTerm, x: Array) -> tuple[Array, float]:
    """Factor and log prior, with Jacobian, at log SDs and logits of partial correlations."""
    q = len(group.terms)
    if np.any(np.abs(x[:q]) > 50.0):
        return np.eye(q), -np.inf
    sd = np.exp(x[:q])
    value = float(sum(p.log_density(v)[0] for p, v in zip(group.sd, sd, strict=True)) + x[:q].sum())
    if group.corr is None:
        return np.diag(sd), value
    corr, density = correlation_factor(x[q:], q, group.corr["eta"])
    return sd[:, None] * corr, value + density


def _coordinates(group: GroupTerm, factor: Array) -> Array:
    sd = np.sqrt(np.sum(factor**2, axis=1))
    if group.corr is None:
        return np.asarray(np.log(sd))
    return np.concatenate([np.log(sd), _logits(factor / sd[:, None])])


def _logits(corr: Array) -> Array:
    """Logits of the partial correlations of a correlation factor (q, q)."""
    out = []
    for i in range(1, len(corr)):
        left = 1.0
        for j in range(i):
            partial = np.clip(corr[i, j] / np.sqrt(max(left, 1e-300)), -1 + 1e-12, 1 - 1e-12)
            out.append(2.0 * np.arctanh(partial))
            left -= corr[i, j] ** 2
    return np.array(out)


def _near(group: GroupTerm, squares: Array, levels: int) -> Near:
    """A t near the conditional of a group's coordinates: a Wishart's moments, pulled to the prior."""
    q, typical = len(group.terms), np.array([p.typical for p in group.sd])
    prior_weight = 1.0 + (2.0 * group.corr["eta"] if group.corr is not None else 0.0)
    shrunk = (squares + 0.01 * np.diag(typical**2)) / (levels + 0.01)
    sd = np.sqrt(np.diag(shrunk))
    spread = np.full(q, np.sqrt(0.5 / levels) * 1.2)
    if group.corr is None:
        return Near(np.log(sd), np.diag(spread))
    R = shrunk / np.outer(sd, sd)
    R = (levels * R + prior_weight * np.eye(q)) / (levels + prior_weight)
    logits = _logits(np.linalg.cholesky(R))
    wide = np.full(group_size(group) - q, 2.0 * 1.2 / np.sqrt(levels + prior_weight))
    return Near(np.r_[np.log(sd), logits], np.diag(np.r_[spread, wide]))


def draw_scales(
    rng: np.random.Generator, priors: tuple[Prior, ...], scales: Array, precision: Array, right: Array
) -> Array:
    r"""Signed scales (q,) of standardised effects, given these: a normal likelihood times even priors.

    Half-normal priors make it normal; others are drawn one scale after the other.

    Parameters
    ----------
    precision, right
        (q, q) and (q,): the log likelihood is :math:`x'\mathrm{right} - x' \mathrm{precision}\, x / 2`.
    """
    if all(p.kind == "half_normal" for p in priors):
        total = precision + np.diag([p.typical**-2.0 for p in priors])
        root = np.linalg.cholesky(total)
        mean = np.linalg.solve(root, right)
        return np.asarray(np.linalg.solve(root.T, mean + rng.standard_normal(right.size)))

    def log_density(x: Array) -> float:
        prior = sum(p.log_density(abs(v))[0] for p, v in zip(priors, x, strict=True))
        return float(x @ right - 0.5 * x @ precision @ x + prior)

    for k in range(scales.size):
        width = 2.0 / np.sqrt(precision[k, k] + priors[k].typical ** -2.0)
        scales = slices.coordinate(rng, log_density, scales, k, float(width))
    return scales


# Unit-years


def year_precision(gap: NDArray[np.int64], sd: float, rho: float) -> tuple[Array, Array, float]:
    """Precision of AR(1) effects: its diagonal, each year's with the one before (0 for a first), (T,).

    The third is half its log determinant.
    """
    phi = np.where(gap == 0, 0.0, np.power(rho, gap))
    v = sd**2 * (1.0 - phi**2)
    diagonal = 1.0 / v
    diagonal[:-1] += (phi**2 / v)[1:]
    return diagonal, -phi / v, -0.5 * float(np.log(v).sum())


def draw_years(
    rng: np.random.Generator, serial: SerialTerm, effects: Array, sd: float, rho: float
) -> tuple[float, float]:
    """SD and autocorrelation of the unit-years' effects (T,), given these."""
    gaps, code = np.unique(serial.order.gap, return_inverse=True)
    before = np.r_[0.0, effects[:-1]]
    count = np.bincount(code)
    own, cross, last = (np.bincount(code, w) for w in (effects**2, effects * before, before**2))
    lower, upper = serial.rho.values

    def log_density(x: Array) -> float:
        share = 1.0 / (1.0 + np.exp(-x[1]))
        r = lower + (upper - lower) * share
        phi = np.where(gaps == 0, 0.0, np.power(r, gaps))
        left = 1.0 - phi**2
        stationary = float(np.exp(x[0]) / np.sqrt(1.0 - r**2))
        squares = ((own - 2.0 * phi * cross + phi**2 * last) / left).sum() / stationary**2
        value = -0.5 * squares - effects.size * np.log(stationary) - 0.5 * float(count @ np.log(left))
        value += serial.sd.log_density(stationary)[0] + np.log(stationary) + np.log(share) + np.log1p(-share)
        return float(value) if np.isfinite(value) else -np.inf

    x = np.array([np.log(sd * np.sqrt(1.0 - rho**2)), np.log((rho - lower) / (upper - rho))])
    with np.errstate(all="ignore"):
        for _ in range(SWEEPS):
            for k, width in enumerate((3.0 / np.sqrt(effects.size), 0.3)):
                x = slices.coordinate(rng, log_density, x, k, width)
    rho = lower + (upper - lower) / (1.0 + float(np.exp(-x[1])))
    return float(np.exp(x[0]) / np.sqrt(1.0 - rho**2)), rho
