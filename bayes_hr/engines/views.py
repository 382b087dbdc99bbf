r"""One side of a crossed design: everything inside its units, drawn jointly with population coefficients.

A view takes a unit (states, or IGOs) and all effects nested in it.  Given the effects that are not nested in
it, units are independent once the population coefficients are taken out, so all are drawn together, exactly:

1. *leaves*, many single effects in each unit (dyads), by a division each;
2. the unit's *core* (the AR(1) effects of its years), one dense matrix each;
3. what that leaves of the rows are cross-products of the unit's varying coefficients (the *top*) and the
   population columns, as if there were no years and no leaves: from there on it is a design with one group
   term (:mod:`.collapsed`), whose covariance can be drawn with all coefficients integrated out.

Two views in turn, each with population coefficients in it, are the collapsed Gibbs sampler for crossed
effects of Papaspiliopoulos, Roberts & Zanella (2020, doi 10.1093/biomet/asz058).

In most units a population column is a sum of core and top columns (a year's column is that of the state's
year), so products with the leaves are made for these and for the few columns that are not: the *atoms*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import lapack

from bayes_hr.engines.cells import Products
from bayes_hr.engines.collapsed import PopulationPrior

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.engines.collapsed import Coefficients, Eliminated
    from bayes_hr.engines.gram import Gram

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


@dataclass(frozen=True)
class Unit:
    """One unit of a view.

    Attributes
    ----------
    core, top, leaf
        Positions of its core effects (K), varying coefficients (q) and leaves (J).
    S
        (K + q, a) cross-products of core and top with the atoms: core, top, population columns not spanned.
    C, d
        (J, a) and (J,) cross-products of the leaves with the atoms and with themselves.
    plain, picked
        Population columns that are an atom themselves (by their place in the view), and which.
    mixed, R
        The other population columns, and how they are made of atoms, (a, m).
    segments
        Where in the core each nested group stands, its place in the design and its number of terms.
    years
        Core columns and unit-years of the serial effects; empty where they are not in the view.
    """

    core: Index
    top: Index
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
    top, leaf
        Places in the design of the group of varying coefficients and of the leaves' (-1: there are none).
    own
        Positions of everything drawn here, population coefficients included.
    wide
        Positions of the population coefficients that are drawn here.
    XX
        Their cross-products.
    prior
        Their prior, as deviations from its mean.
    """

    units: tuple[Unit, ...]
    top: int
    leaf: int
    own: Index
    wide: Index
    XX: Array
    prior: PopulationPrior


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
    log_determinant
        Half the log determinant of that precision.
    """

    sigma: float
    factors: tuple[Array, ...]
    diagonal: Array
    beside: Array
    log_determinant: float


@dataclass(frozen=True)
class Given:
    """The effects outside a view, and what they leave of D'y and of the outcome's sum of squares."""

    theta: Array
    r: Array
    squares: float


def given(view: View, gram: Gram, theta: Array) -> Given:
    """Take off all that is not drawn in the view."""
    out = theta.copy()
    out[view.own] = 0.0
    r = gram.g - gram.G @ out
    return Given(out, r, gram.yy - float(out @ (gram.g + r)))


@dataclass(frozen=True)
class _Part:
    """A unit once its leaves and core are eliminated: N, m is what they take off the atoms' products."""

    delta: Array
    lower: Array
    V: Array
    half: Array
    N: Array
    m: Array


@dataclass(frozen=True)
class Reduced:
    """A view without its leaves and cores: products of a design with one group term, over sigma^2."""

    products: Products
    parts: list[_Part]


def reduced(view: View, at: Given, v: Variances, n: int) -> Reduced:
    """Eliminate leaves and cores of all units."""
    s, q, P = v.sigma**-2.0, view.units[0].top.size, view.wide.size
    leaf_variance = v.factors[view.leaf][0, 0] ** 2 if view.leaf >= 0 else 0.0
    ZZ, ZD = np.zeros((len(view.units), q, q)), np.zeros((len(view.units), q, P + 1))
    DD = np.empty((P + 1, P + 1))
    DD[:P, :P], DD[:P, P], DD[P, P] = s * view.XX, s * at.r[view.wide], s * at.squares
    parts, value = [], -n * np.log(v.sigma) + v.log_determinant
    for u, unit in enumerate(view.units):
        part = _eliminate(unit, at.r, v, leaf_variance)
        _collect(unit, part, s, at.r, (ZZ[u], ZD[u], DD))
        value -= 0.5 * np.log1p(unit.d * (s * leaf_variance)).sum() + np.log(np.diag(part.lower)).sum()
        parts.append(part)
    DD[P, :P] = DD[:P, P]
    return Reduced(Products(ZZ, ZD, DD, float(value), n), parts)


def _eliminate(unit: Unit, r: Array, v: Variances, leaf_variance: float) -> _Part:
    s, K = v.sigma**-2.0, unit.core.size
    delta = leaf_variance / (1.0 + unit.d * (s * leaf_variance))
    scaled = unit.C * (s * np.sqrt(delta))[:, None]
    N = scaled.T @ scaled
    m = s * s * (unit.C.T @ (delta * r[unit.leaf]))
    if K == 0:
        none = np.zeros((0, 0))
        return _Part(delta, none, np.zeros((0, len(N))), np.zeros(0), N, m)
    S, b = s * unit.S[:K] - N[:K], s * r[unit.core] - m[:K]
    for rows, position, q in unit.segments:
        F = v.factors[position]
        S[rows] = (F.T @ S[rows].reshape(-1, q, S.shape[1])).reshape(-1, S.shape[1])
        b[rows] = (b[rows].reshape(-1, q) @ F).ravel()
    M, diagonal = S[:, :K].copy(), np.ones(K)
    for rows, position, q in unit.segments:
        M[:, rows] = (M[:, rows].reshape(K, -1, q) @ v.factors[position]).reshape(K, -1)
    columns, years = unit.years
    if columns.stop > columns.start:
        diagonal[columns] = v.diagonal[years]
        at = np.arange(columns.start, columns.stop - 1)
        M[at + 1, at] += v.beside[years][1:]
    M.flat[:: K + 1] += diagonal
    lower, failed = lapack.dpotrf(M, lower=1, overwrite_a=1)
    if failed:
        raise FloatingPointError("the precision of a unit's effects is not positive")
    V, half = _solved(lower, S), _solved(lower, b)
    return _Part(delta, lower, V, half, N + V.T @ V, m + V.T @ half)


def _solved(lower: Array, right: Array, transposed: int = 0) -> Array:
    return np.asarray(lapack.dtrtrs(lower, right, lower=1, trans=transposed)[0])


def _collect(unit: Unit, part: _Part, s: float, r: Array, into: tuple[Array, Array, Array]) -> None:
    """Products of the top and the population columns, less what core and leaves explain, in place."""
    ZZ, ZD, DD = into
    N, K, q, P = part.N, unit.core.size, unit.top.size, DD.shape[0] - 1
    plain, picked, mixed, R = unit.plain, unit.picked, unit.mixed, unit.R
    Z = s * unit.S[K:] - N[K : K + q]
    ZZ[:] = Z[:, K : K + q]
    ZD[:, plain], ZD[:, P] = Z[:, picked], s * r[unit.top] - part.m[K : K + q]
    DD[plain[:, None], plain] -= N[picked[:, None], picked]
    DD[plain, P] -= part.m[picked]
    DD[P, P] -= s * s * float(part.delta @ r[unit.leaf] ** 2) + float(part.half @ part.half)
    if mixed.size:
        NR = N @ R
        ZD[:, mixed] = Z @ R
        DD[plain[:, None], mixed] -= NR[picked]
        DD[mixed[:, None], plain] -= NR[picked].T
        DD[mixed[:, None], mixed] -= R.T @ NR
        DD[mixed, P] -= R.T @ part.m


def completed(
    view: View, at: Given, v: Variances, rest: Reduced, found: Coefficients, *, rng: np.random.Generator
) -> Array:
    """All coefficients (K,): those outside the view as given, ``found``, and a draw of cores and leaves."""
    out, s = at.theta.copy(), v.sigma**-2.0
    out[view.wide] = found.population
    noise = rng.standard_normal(out.size)
    for unit, part, top in zip(view.units, rest.parts, found.effects, strict=True):
        K, q = unit.core.size, unit.top.size
        atoms = np.zeros(unit.C.shape[1])
        np.add.at(atoms, unit.picked, found.population[unit.plain])
        atoms += unit.R @ found.population[unit.mixed]
        atoms[K : K + q] += top
        out[unit.top] = top
        if K:
            core = _solved(part.lower, part.half - part.V @ atoms + noise[unit.core], 1)
            for rows, position, width in unit.segments:
                core[rows] = (core[rows].reshape(-1, width) @ v.factors[position].T).ravel()
            out[unit.core] = core
            atoms[:K] += core
        mean = part.delta * s * (at.r[unit.leaf] - unit.C @ atoms)
        out[unit.leaf] = mean + np.sqrt(part.delta) * noise[unit.leaf]
    return out


def excess(found: Eliminated) -> Array:
    r"""Sum over units of :math:`E[w w'] - I` of the standardised varying coefficients, (q, q).

    By Stein's identity this is :math:`F' \partial / \partial F` of the log density with all coefficients
    integrated out, F the factor of their covariance (:mod:`.covariance`).
    """
    lower, H = found.lower, found.H
    U, q, P = len(lower), lower.shape[1], found.prior.mean.size
    inverse = np.linalg.inv(lower)
    z = _solved(found.M, found.half, 1)
    turned = np.swapaxes(inverse, 1, 2)
    mean = np.einsum("gij,gj->gi", turned, H[:, :, P] - H[:, :, :P] @ (found.prior.scale * z))
    K = (turned @ H[:, :, :P]).reshape(U * q, P) * found.prior.scale
    Y = _solved(found.M, K.T).T.reshape(U, q, P)
    between = np.swapaxes(Y, 0, 1).reshape(q, U * P)
    flat = inverse.reshape(U * q, q)
    return np.asarray(mean.T @ mean + flat.T @ flat + between @ between.T - U * np.eye(q))
