r"""One side of a crossed design: everything inside its units, drawn jointly with population coefficients.

A view takes a unit (states, or IGOs) and all effects nested in it.  Given the effects that are not nested in it,
units are independent once the population coefficients are taken out, so all are drawn together, exactly:

1. *leaves*, many single effects in each unit (dyads), by a division each;
2. the unit's *core* (its varying coefficients, the AR(1) effects of its years), one small dense matrix each;
3. the population coefficients, from what the units leave of them; then back in the reverse order.

Two views in turn, each with the population coefficients in it, are the collapsed Gibbs sampler for crossed
effects of Papaspiliopoulos, Roberts & Zanella (2020, doi 10.1093/biomet/asz058).

In most units a population column is a sum of core columns (a year's column is that of the state's year), so products
with the leaves are made for the core and for the few columns that are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg
from scipy.linalg import lapack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.engines.gram import Gram

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


@dataclass(frozen=True)
class Unit:
    """One unit of a view.

    Attributes
    ----------
    core, leaf
        Positions of its core effects (K) and leaves (J).
    S
        (K, a) cross-products of the core with the atoms: the core, then population columns outside its span.
    C, d
        (J, a) and (J,) cross-products of the leaves with the atoms and with themselves.
    plain, picked
        Population columns that are an atom themselves, and which.
    mixed, R
        The other population columns, and how they are made of atoms, (a, m).
    segments
        Where in the core each group stands, its place in the design and its number of terms.
    years
        Core columns and unit-years of the serial effects; empty where they are not in the view.
    """

    core: Index
    leaf: Index
    S: Array
    C: Array
    d: Array
    plain: Index
    picked: Index
    mixed: Index
    R: Array
    segments: tuple[tuple[slice, int, int], ...]
    years: tuple[slice, slice]


@dataclass(frozen=True)
class View:
    """All units of a view; see the module's docstring.

    Attributes
    ----------
    leaf_group
        Place of the leaves' group in the design, -1 where there are none.
    own
        Positions of everything drawn here, population coefficients included.
    wide
        Positions of the population coefficients that are drawn here.
    XX
        Their cross-products.
    """

    units: tuple[Unit, ...]
    leaf_group: int
    own: Index
    wide: Index
    XX: Array


@dataclass(frozen=True)
class Variances:
    """What a view needs of the hyperparameters.

    Attributes
    ----------
    sigma
        SD of the rows.
    factors
        (q, q) covariance factor of each group, in the design's order.
    diagonal, beside
        Prior precision of the unit-years: its diagonal, and each year's with the one before (0 for a first).
    """

    sigma: float
    factors: tuple[Array, ...]
    diagonal: Array
    beside: Array


@dataclass(frozen=True)
class _Part:
    """A unit once its effects are eliminated."""

    delta: Array
    W: Array
    w: Array
    lower: Array
    V: Array
    half: Array


def _eliminate(unit: Unit, r: Array, v: Variances, leaf_variance: float) -> _Part:
    s, K = v.sigma**-2.0, unit.core.size
    delta = leaf_variance / (1.0 + unit.d * (s * leaf_variance))
    scaled = unit.C * (s * np.sqrt(delta))[:, None]
    W = scaled.T @ scaled
    w = s * s * (unit.C.T @ (delta * r[unit.leaf]))
    S, b = s * unit.S - W[:K], s * r[unit.core] - w[:K]
    diagonal = np.ones(K)
    for rows, position, q in unit.segments:
        F = v.factors[position]
        S[rows] = (F.T @ S[rows].reshape(-1, q, S.shape[1])).reshape(-1, S.shape[1])
        b[rows] = (b[rows].reshape(-1, q) @ F).ravel()
    M = S[:, :K].copy()
    for rows, position, q in unit.segments:
        M[:, rows] = (M[:, rows].reshape(K, -1, q) @ v.factors[position]).reshape(K, -1)
    columns, years = unit.years
    if columns.stop > columns.start:
        diagonal[columns] = v.diagonal[years]
        at = np.arange(columns.start, columns.stop - 1)
        M[at + 1, at] += v.beside[years][1:]
    M[np.diag_indices(K)] += diagonal
    lower, failed = lapack.dpotrf(M, lower=1, overwrite_a=1)
    if failed:
        raise FloatingPointError("the precision of a unit's effects is not positive")
    return _Part(delta, W, w, lower, _solved(lower, S), _solved(lower, b))


def _solved(lower: Array, right: Array, transposed: int = 0) -> Array:
    return np.asarray(lapack.dtrtrs(lower, right, lower=1, trans=transposed)[0])


def _subtract(unit: Unit, part: _Part, at: Index, precision: Array, right: Array) -> None:
    """Take what a unit's effects explain off the population's precision and right-hand side, in place."""
    T, K = part.W + part.V.T @ part.V, unit.core.size
    b = part.w + part.V.T @ part.half
    picked, plain, R = unit.picked, at[unit.plain], unit.R
    precision[np.ix_(plain, plain)] -= T[np.ix_(picked, picked)]
    right[plain] -= b[picked]
    if R.shape[1]:
        mixed, TR = at[unit.mixed], T @ R
        precision[np.ix_(plain, mixed)] -= TR[picked]
        precision[np.ix_(mixed, plain)] -= TR[picked].T
        precision[np.ix_(mixed, mixed)] -= R.T @ TR
        right[mixed] -= R.T @ b


def _draw_unit(unit: Unit, part: _Part, r: Array, v: Variances, out: Array, noise: Array) -> None:
    """Draw a unit's core and leaves given the population coefficients in ``out``, into ``out``."""
    s, K = v.sigma**-2.0, unit.core.size
    atoms = np.zeros(unit.C.shape[1])
    np.add.at(atoms, unit.picked, out[unit.plain])
    atoms += unit.R @ out[unit.mixed]
    core = _solved(part.lower, part.half - part.V @ atoms + noise[unit.core], 1)
    for rows, position, q in unit.segments:
        core[rows] = (core[rows].reshape(-1, q) @ v.factors[position].T).ravel()
    out[unit.core] = core
    atoms[:K] += core
    mean = part.delta * s * (r[unit.leaf] - unit.C @ atoms)
    out[unit.leaf] = mean + np.sqrt(part.delta) * noise[unit.leaf]


def draw(view: View, gram: Gram, theta: Array, v: Variances, rng: np.random.Generator) -> Array:
    """All coefficients (K,), those of the view drawn anew given the others."""
    out = theta.copy()
    out[view.own] = 0.0
    r, s = gram.g - gram.G @ out, v.sigma**-2.0
    scale = gram.prior_scale[view.wide]
    precision, right = s * view.XX, s * r[view.wide]
    leaf_variance = v.factors[view.leaf_group][0, 0] ** 2 if view.leaf_group >= 0 else 0.0
    place = np.full(gram.prior_scale.size, -1)
    place[view.wide] = np.arange(view.wide.size)
    parts = []
    for unit in view.units:
        part = _eliminate(unit, r, v, leaf_variance)
        _subtract(unit, part, place, precision, right)
        parts.append(part)
    precision *= scale[:, None] * scale
    precision[np.diag_indices_from(precision)] += 1.0
    root = scipy.linalg.cholesky(precision, lower=True, check_finite=False)
    z = _solved(root, right * scale) + rng.standard_normal(scale.size)
    out[view.wide] = scale * _solved(root, z, 1)
    noise = rng.standard_normal(theta.size)
    for unit, part in zip(view.units, parts, strict=True):
        _draw_unit(unit, part, r, v, out, noise)
    return out
