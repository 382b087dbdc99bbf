r"""How much of an estimand's column the other columns of the design leave.

For an estimand :math:`\theta = c'\beta` the model is reparametrised so that :math:`\theta` is a coefficient:
:math:`X\beta = (Xa)\theta + Xr` with :math:`c'a = 1` and :math:`c'r = 0`.  The residual share is

.. math:: \lVert M Xa \rVert^2 / \lVert D Xa \rVert^2,

D removing dyad means and M also what the columns of Xr, year effects and controls explain; 0 where the
direction cannot be told from the others at all.  The column Xa is

- of a kink or a jump, that of its later phase: during x k for ``kink_entry``, beside the *common* slope's
  column (before x k + during x k);
- of a slope, the trend that all phases share, k itself: the slopes of the other phases differ from it by
  kinks, which are held.  (The column of its own phase alone would make the slope of a rare phase look
  identified where only the differences between slopes are.)

Projections are exact, in one pass: dyads by demeaning, the second factor (years, or state-years) by its
sparse normal equations after demeaning (Frisch-Waugh-Lovell), with one level of each connected component
grounded (Abowd, Creecy & Kramarz 2002, *Computing person and firm effects using linked longitudinal
employer-employee data*, Census LEHD TP-2002-06, on the components).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.errors import InputError
from bayes_hr.estimands.convergence import contrasts, exit_dyads

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

SHARE_LIMIT: Final = 0.05
"""Residual share under which an estimand is flagged."""

_ZERO: Final = 1e-9
"""Share under which a direction counts as not there: far above rounding, far below anything of use."""

_EMPTY: Final = 1e-12
"""Sum of squares within dyads, relative to the largest column's, under which a column counts as constant."""


def demeaned(columns: Array, index: Index) -> Array:
    """Columns (n, p) minus their means within the groups of ``index`` (n,)."""
    size = np.maximum(np.bincount(index), 1)
    means = np.stack([np.bincount(index, weights=c) / size for c in columns.T], axis=1)
    return np.asarray(columns - means[index])


def projected(columns: Array, *, dyad: Index, factor: Index) -> Array:
    """Columns (n, p) minus all that intercepts of dyads and of the levels of ``factor`` explain.

    Both indices (n,) count from 0.  Exact least squares, however unbalanced the panel is.
    """
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import splu

    inside = demeaned(columns, dyad)
    n, levels = dyad.size, int(factor.max()) + 1
    cells = sp.csr_matrix((np.ones(n), (dyad, factor)), shape=(int(dyad.max()) + 1, levels))
    size = np.maximum(np.asarray(cells.sum(axis=1)).ravel(), 1.0)
    normal = sp.diags(np.asarray(cells.sum(axis=0)).ravel()) - cells.T @ sp.diags(1.0 / size) @ cells
    # Rows of one dyad connect their levels; within a component the levels' effects are known up to one
    # constant, which the dyads' intercepts take up.
    _, component = connected_components(cells.T @ cells, directed=False)
    _, grounded = np.unique(component, return_index=True)
    free = np.setdiff1d(np.arange(levels), grounded)
    if not free.size:
        return inside
    right = np.stack([np.bincount(factor, weights=c, minlength=levels) for c in inside.T], axis=1)
    effects = np.zeros((levels, columns.shape[1]))
    effects[free] = splu(sp.csc_matrix(normal)[free][:, free]).solve(right[free])
    return np.asarray(inside - demeaned(effects[factor], dyad))


def share_left(
    weights: Mapping[str, float], terms: tuple[str, ...], products: Array, within: Array, others: int = 0
) -> float:
    """Residual share of one estimand.

    Parameters
    ----------
    weights
        Coefficient -> weight; that of the first, the later phase's, is 1.
    terms
        Names of the first p - ``others`` columns.
    products, within
        (p, p) cross-products of the columns: projected on dyads and the second factor, and demeaned by dyad.
    others
        Number of further columns (controls) at the end.
    """
    c = np.zeros(len(terms) + others)
    for term, weight in weights.items():
        c[terms.index(term)] = weight
    pivot = terms.index(next(iter(weights)))
    column = np.eye(c.size)[pivot]
    if len(weights) == 1:  # a slope: the trend that all phases share
        column = np.array([float(t.endswith("_slope")) for t in terms] + [0.0] * others)
    change = np.eye(c.size)
    change[pivot] -= c
    change[:, pivot] = column
    change = change * _scale(np.diag(change.T @ within @ change))
    S = change.T @ products @ change
    rest = np.delete(np.arange(c.size), pivot)
    known = (
        np.linalg.lstsq(S[np.ix_(rest, rest)], S[rest, pivot], rcond=_ZERO)[0] if rest.size else np.zeros(0)
    )
    share = float(S[pivot, pivot] - S[rest, pivot] @ known)
    return share if share > _ZERO else 0.0


def _scale(within: Array) -> Array:
    """Factors (p,) that give columns unit length within dyads; 0 for one that is constant there."""
    there = within > _EMPTY * within.max(initial=0.0)
    return np.where(there, 1.0 / np.sqrt(np.where(there, within, 1.0)), 0.0)


def aliased(terms: tuple[str, ...], products: Array, within: Array) -> tuple[str, ...]:
    """Columns that the earlier ones, dyads and years already determine, and through which.

    Returns
    -------
    tuple of str
        For example ``"after = -1 before -1 during"``: given dyad and year effects.
    """
    scale = _scale(np.diag(within))
    S = products * scale[:, None] * scale
    kept: list[int] = []
    out = []
    for j, term in enumerate(terms):
        b = np.linalg.lstsq(S[np.ix_(kept, kept)], S[kept, j], rcond=_ZERO)[0] if kept else np.zeros(0)
        if S[j, j] - S[kept, j] @ b > _ZERO:
            kept.append(j)
            continue
        # A column that is constant within dyads has scale 0, and no part of it is left to be explained.
        ratio = scale[kept] / scale[j] if scale[j] > 0 else np.zeros(len(kept))
        pairs = zip(b * ratio, [terms[i] for i in kept], strict=True)
        shown = " ".join(f"{v:+.3g} {name}" for v, name in pairs if abs(v) > 1e-6)
        out.append(f"{term} = {shown or '0'}".replace("= +", "= "))
    return tuple(out)


def residual_shares(design: Design, *, state_years: bool = False) -> dict[str, float]:
    """Residual share of every population estimand of a convergence design.

    Parameters
    ----------
    design
        With ``beta`` over the phase terms; dyad intercepts, year effects and controls count if it has them.
    state_years
        Project on free state-year effects (which contain the year effects) too.  The model's are AR(1) and
        shrunken, so that the truth lies between the two figures.

    Raises
    ------
    InputError
        If ``state_years`` is asked of a design without them, or whose rows load on them with signs.
    """
    terms, products, within, others = _products(design, state_years=state_years)
    spells = exit_dyads(_rows(design))["spell"]
    spell = float(spells.mean()) if len(spells) else np.nan
    return {n: share_left(w, terms, products, within, others) for n, w in contrasts(terms, spell).items()}


def aliased_columns(design: Design) -> tuple[str, ...]:
    """Rank deficiency of a design's phase terms given free dyad and year effects (:func:`aliased`)."""
    terms, products, within, _ = _products(design, state_years=False)
    p = len(terms)
    return aliased(terms, products[:p, :p], within[:p, :p])


def _rows(design: Design) -> xr.Dataset:
    import xarray as xr

    return xr.Dataset({name: ("obs", values) for name, values in design.rows.items()})


def _products(design: Design, *, state_years: bool) -> tuple[tuple[str, ...], Array, Array, int]:
    """Terms; cross-products after projection and within dyads; number of controls."""
    names = {t.name for t in design.population}
    beta = design.term("beta")
    gamma = design.term("gamma").columns if "gamma" in names else np.empty((design.n, 0))
    columns = np.hstack([beta.columns, gamma])
    none = np.zeros(design.n, dtype=np.int64)
    has_dyads = any(g.name == "dyad" for g in design.groups)
    dyad = design.group("dyad").index if has_dyads else none
    year = design.term("year_effect").index if "year_effect" in names else None
    factor = _state_years(design) if state_years else none if year is None else year
    left, inside = projected(columns, dyad=dyad, factor=factor), demeaned(columns, dyad)
    terms = tuple(str(t) for t in beta.coords["term"])
    return terms, left.T @ left, inside.T @ inside, gamma.shape[1]


def _state_years(design: Design) -> Index:
    if design.serial is None or not np.all(design.serial.loading == 1.0):
        raise InputError(
            "residual shares: this design has no state-year effects that all rows load on alike; "
            "use state_years=False."
        )
    return design.serial.index
