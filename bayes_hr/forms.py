"""Which exact forms a design has, and the coordinates in which it is sampled.  Arrays only, no PyMC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.errors import InputError
from bayes_hr.kernels import Whitening, lag_one_autocorrelation, nominal_whitening, quasi_difference
from bayes_hr.ordinal import LINKS, normal_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


def integrable(design: Design) -> bool:
    """Whether the effects of the one group term can be integrated out exactly, whatever the errors' order."""
    error = design.error
    if error.likelihood != "gaussian" or error.measurement_sd is not None:
        return False
    if len(design.groups) != 1 or design.serial is not None:
        return False
    return nested(error.order.unit, design.groups[0].index)


def one_group(design: Design) -> bool:
    """Whether there is one group term, each of whose levels holds whole units of the errors."""
    if len(design.groups) != 1 or design.serial is not None:
        return False
    return design.error.rho is None or nested(design.error.order.unit, design.groups[0].index)


def nested(inner: Index, outer: Index) -> bool:
    """Whether each level of ``inner`` lies within one level of ``outer``."""
    pairs = np.unique(np.stack([inner, outer], 1), axis=0)
    return len(pairs) == len(np.unique(inner))


@dataclass(frozen=True)
class Blocks:
    """Which effects fall into independent blocks, one for each level of a unit, given all the others.

    Attributes
    ----------
    unit
        (n,) block of each row, counted from 0.
    inner, outer
        Positions of the group terms that lie within blocks, and of those that cut across them.
    """

    unit: Index
    inner: tuple[int, ...]
    outer: tuple[int, ...]


def blocks_of(design: Design) -> Blocks | None:
    """Blocks within which effects can be integrated out exactly: independent Gaussian errors needed.

    The unit is that of the unit-year effects; else the group with most levels that lies in no other.
    """
    if design.error.likelihood != "gaussian" or design.error.kind != "iid" or not design.groups:
        return None
    if design.error.measurement_sd is not None:
        return None
    indices = [g.index for g in design.groups]
    if design.serial is not None:
        unit = design.serial.order.unit[design.serial.index]
    else:
        others = [[k for k in indices if k is not i] for i in indices]
        top = [i for i, rest in zip(indices, others, strict=True) if not any(nested(i, k) for k in rest)]
        unit = max(top or indices, key=lambda i: int(i.max()))
    inner = tuple(g for g, index in enumerate(indices) if nested(index, unit))
    if not inner:
        return None
    return Blocks(unit, inner, tuple(g for g in range(len(indices)) if g not in inner))


def chosen_form(design: Design, form: str, sampler: str = "nutpie") -> str:
    """Resolve ``"auto"``, and refuse what would not be exact.

    Raises
    ------
    InputError
        If ``integrated`` is asked for where it is not exact, or not written for the sampler.
    """
    by_block = design.serial is not None or len(design.groups) > 1
    pooled = any(t.sd is not None for t in design.population)
    exact = blocks_of(design) is not None and not pooled if by_block else integrable(design)
    if form == "integrated" and not exact:
        why = (
            "errors that are Gaussian and independent given the unit-years, and no pooled population term"
            if by_block
            else f"Gaussian errors and one group term that contains the {design.error.unit}s"
        )
        raise InputError(
            f'fit.form = "integrated" is exact only for {why}; this card has {design.error.likelihood} '
            'errors. Use form = "rows" or "auto".'
        )
    if form == "integrated" and by_block and sampler != "nutpie":
        raise InputError(
            'fit.form = "integrated" with several group terms needs sampler = "nutpie"; '
            'use that, or form = "rows".'
        )
    written = exact and (not by_block or sampler == "nutpie")
    return ("integrated" if written else "rows") if form == "auto" else form


def coefficient_priors(design: Design) -> tuple[Array, Array]:
    """Mean and SD of the normal priors of the unpooled coefficients, in the order of the terms."""
    fixed = [t for t in design.population if t.sd is None]
    priors = [p for t in fixed for p in t.each_prior]
    return np.array([p["mu"] for p in priors]), np.array([p["sigma"] for p in priors])


_LATENT_SPREAD: Final = 1.3
"""Residual SD of a latent outcome with the loss of information by few categories, in its SDs, roughly."""


def whitening_of(design: Design) -> Whitening:
    """Coordinates in which a nominal posterior of the unpooled coefficients is standard normal.

    Variances are guessed by moments.  Class-by-year effects under persistent errors are sharply known in
    their differences and loosely in their level; in raw coordinates NUTS needs some 100 gradient steps a
    draw, in these about 10 (measured on the CAT panel).  The posterior is the same.
    """
    X = np.hstack([t.matrix() for t in design.population if t.sd is None])
    mean, scale = coefficient_priors(design)
    group, order = design.groups[0], design.error.order
    cuts, spread = design.error.cuts, LINKS[design.error.link].sd
    y = design.y if cuts is None else spread * normal_scores(design.y)
    residual = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    rho = 0.0
    if design.error.kind == "ar1" and np.any(order.gap == 1):
        rho = float(np.clip(lag_one_autocorrelation(residual, order), 0.0, 0.98))
    shocks = quasi_difference(residual, rho, order)
    return nominal_whitening(
        X=X,
        y=y,
        prior_mean=mean,
        prior_sd=scale,
        Z=group.Z,
        index=group.index,
        n_groups=len(group.levels),
        order=order,
        rho=rho,
        sigma=max(float(shocks.std()), 1e-6 * design.unit) if cuts is None else _LATENT_SPREAD * spread,
        group_sd=np.array([prior.typical for prior in group.sd]),
    )
