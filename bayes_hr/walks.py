r"""Random walks over years: their components, and the designs whose year effects are one.

Year effects under a random walk, of a class r or common to all, have the mean zero over the years,

.. math:: f_r(t) = w_r(t) - \frac1T \sum_s w_r(s), \qquad w_r(t) - w_r(t - g) \sim N(0, g s^2),

from a year to the next that there is, g years on; s is ``sd_year_step``, one for all classes.  Independent
effects say that a year tells nothing of the next; a walk says that shocks last, so that a path is smooth
where s is small, and years with few rows take from their neighbours.  Class levels (``beta``) stay beside it,
since its own mean is zero.

Engines see such effects as partially pooled coefficients of the walk's principal components,
:math:`f = s B z` (:func:`in_components`); everybody else sees the effects themselves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.design import Design, Label, PopulationTerm

    Array = NDArray[np.float64]

STEP: Final = "sd_year_step"
"""Posterior variable and prior of the SD of a yearly step, in outcome units."""


def walk_basis(years: tuple[int, ...]) -> Array:
    """Principal components (T, T - 1) of a random walk over these years around its mean, for steps of SD 1.

    Times T - 1 independent standard normals they are that walk; columns go from the slowest component to the
    fastest, each with a positive end.
    """
    steps = np.sqrt(np.diff(np.array(years, dtype=float)))
    walk = np.tril(np.ones((len(years), steps.size)), -1) * steps
    U, s, _ = np.linalg.svd(walk - walk.mean(axis=0), full_matrices=False)
    return np.asarray(U * s * np.where(U[-1] < 0, -1.0, 1.0))


def spread(term: PopulationTerm) -> str:
    """Posterior variable of the SD of a partially pooled term."""
    return STEP if term.walk else f"sd_{term.name}"


def deviations(rng: np.random.Generator, term: PopulationTerm) -> Array:
    """Effects (k,) of a partially pooled term around their mean, from the prior, for an SD of 1."""
    if not term.walk:
        return rng.standard_normal(term.size)
    basis = _basis(term)
    return np.asarray(basis @ rng.standard_normal(basis.shape[1]))


def in_components(design: Design) -> Design:
    """The same model with coefficients of components in place of effects that are a random walk."""
    if not any(t.walk for t in design.population):
        return design
    return replace(design, population=tuple(_components(t) if t.walk else t for t in design.population))


def with_effects(design: Design, raw: xr.Dataset) -> xr.Dataset:
    """Draws of :func:`in_components`, with the effects of the design and the SD of a yearly step."""
    for term in design.population:
        if not term.walk:
            continue
        values = raw[term.name].values @ _basis(term).T
        dims = ("chain", "draw", *(f"{term.name}_{dim}" for dim in term.dims))
        effects = (dims, values.reshape(*values.shape[:2], *term.shape))
        step = (("chain", "draw"), raw[f"sd_{term.name}"].values)
        raw = raw.drop_vars([term.name, f"sd_{term.name}"]).assign({term.name: effects, STEP: step})
    return raw


def _basis(term: PopulationTerm) -> Array:
    """(k, j) effects of a term from standard normals: years are its last dim, others repeat them."""
    own = walk_basis(tuple(int(year) for year in term.coords["year"]))
    return np.asarray(np.kron(np.eye(term.size // len(own)), own))


def _components(term: PopulationTerm) -> PopulationTerm:
    basis = _basis(term)
    coords: dict[str, tuple[Label, ...]] = {"component": tuple(range(basis.shape[1]))}
    columns = term.predict(basis)
    return replace(term, dims=("component",), coords=coords, columns=columns, index=None, walk=False)
