"""Which exact forms a design has, and the coordinates in which it is sampled.  Arrays only, no PyMC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.errors import InputError
from bayes_hr.kernels import Whitening, lag_one_autocorrelation, nominal_whitening, quasi_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]


def integrable(design: Design) -> bool:
    """Whether the group effects can be integrated out exactly."""
    if design.error.likelihood != "gaussian" or len(design.groups) != 1:
        return False
    index, unit = design.groups[0].index, design.error.order.unit
    pairs = np.unique(np.stack([unit, index], 1), axis=0)
    return len(pairs) == len(np.unique(unit))


def chosen_form(design: Design, form: str) -> str:
    """Resolve ``"auto"``, and refuse what would not be exact.

    Raises
    ------
    InputError
        If ``integrated`` is asked for where it is not exact.
    """
    exact = integrable(design)
    if form == "integrated" and not exact:
        raise InputError(
            'fit.form = "integrated" is exact only for Gaussian errors and one group term that contains the '
            f"{design.error.unit}s; this card has {design.error.likelihood} errors. "
            'Use form = "rows" or "auto".'
        )
    return ("integrated" if exact else "rows") if form == "auto" else form


def coefficient_priors(design: Design) -> tuple[Array, Array]:
    """Mean and SD of the normal priors of the unpooled coefficients, in the order of the terms."""
    fixed = [t for t in design.population if t.sd is None]
    priors = [t.prior for t in fixed for _ in range(t.size) if t.prior is not None]
    return np.array([p["mu"] for p in priors]), np.array([p["sigma"] for p in priors])


def whitening_of(design: Design) -> Whitening:
    """Coordinates in which a nominal posterior of the unpooled coefficients is standard normal.

    Variances are guessed by moments.  Class-by-year effects under persistent errors are sharply known in
    their differences and loosely in their level; in raw coordinates NUTS needs some 100 gradient steps a
    draw, in these about 10 (measured on the CAT panel).  The posterior is the same.
    """
    X = np.hstack([t.matrix() for t in design.population if t.sd is None])
    mean, scale = coefficient_priors(design)
    group, order = design.groups[0], design.error.order
    residual = design.y - X @ np.linalg.lstsq(X, design.y, rcond=None)[0]
    rho = 0.0
    if design.error.kind == "ar1" and np.any(order.gap == 1):
        rho = float(np.clip(lag_one_autocorrelation(residual, order), 0.0, 0.98))
    shocks = quasi_difference(residual, rho, order)
    return nominal_whitening(
        X=X,
        y=design.y,
        prior_mean=mean,
        prior_sd=scale,
        Z=group.Z,
        index=group.index,
        n_groups=len(group.levels),
        order=order,
        rho=rho,
        sigma=max(float(shocks.std()), 1e-6 * design.unit),
        group_sd=np.array([prior.typical for prior in group.sd]),
    )
