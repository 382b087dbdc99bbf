"""The design: every matrix, index and prior that an engine needs, with named dims and coords.

A :class:`Design` knows nothing of ratification or of IGOs, nor of a sampler.  The linear predictor is

    eta = sum over population terms (X_k b_k)  +  sum over group terms (Z_g u_g[group of the row])

with normal priors on ``b``, multivariate normal ``u``, and an error structure.  A family of questions is
a function from card and panel to a Design (:mod:`bayes_hr.ratification_design`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.data.merge import MergeReport
    from bayes_hr.kernels import RowOrder
    from bayes_hr.moving_cuts import CutWalk
    from bayes_hr.priors import Prior
    from bayes_hr.repeats import Repeats

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

Label = str | int


@dataclass(frozen=True)
class PopulationTerm:
    """Coefficients that every row shares, or that belong to a few unpooled classes.

    Attributes
    ----------
    name
        Posterior variable (``alpha``, ``beta``, ``gamma``, ``tau``, ``year_effect``).
    dims, coords
        Its dims and their labels; no dims for a scalar.
    columns
        (n, k) columns; empty where ``index`` says which coefficient a row takes.
    index
        (n,) position of the row's coefficient among k = product of dims, or None.
    prior
        Normal prior of each coefficient in outcome units; of their common mean if ``sd`` is given
        (None then: the mean is 0).
    sd
        Prior of the SD of partially pooled coefficients, in outcome units; None if unpooled.
    priors
        One normal prior for each of the k coefficients, where they differ; ``prior`` is None then.
    walk
        Whether effects along the dim ``year`` are a random walk with mean 0 (:mod:`bayes_hr.walks`).
    """

    name: str
    dims: tuple[str, ...]
    coords: dict[str, tuple[Label, ...]]
    prior: Prior | None
    columns: Array = field(default_factory=lambda: np.empty((0, 0)))
    index: Index | None = None
    sd: Prior | None = None
    priors: tuple[Prior, ...] = ()
    walk: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of labels along each dim."""
        return tuple(len(self.coords[dim]) for dim in self.dims)

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def each_prior(self) -> tuple[Prior, ...]:
        """Prior of each coefficient, (k,); empty if a partially pooled term has none for its mean."""
        return self.priors or ((self.prior,) * self.size if self.prior is not None else ())

    @property
    def labels(self) -> list[str]:
        """One readable name for each coefficient, in C order."""
        if not self.dims:
            return [self.name]
        grid = np.indices(self.shape).reshape(len(self.dims), -1).T
        return [
            f"{self.name}[{', '.join(str(self.coords[d][i]) for d, i in zip(self.dims, row, strict=True))}]"
            for row in grid
        ]

    def matrix(self) -> Array:
        """(n, k) dense columns, whichever way the term is stored."""
        return self.rows(slice(None))

    def rows(self, rows: slice) -> Array:
        """The same of some rows."""
        if self.index is None:
            return self.columns[rows]
        index = self.index[rows]
        out = np.zeros((index.size, self.size))
        out[np.arange(index.size), index] = 1.0
        return out

    def predict(self, b: Array) -> Array:
        """Contribution to eta, (n,), for flat coefficients ``b`` (k,)."""
        return np.asarray(self.columns @ b if self.index is None else b[self.index])


@dataclass(frozen=True)
class GroupTerm:
    """Varying coefficients by group: ``u[g] ~ MVN(0, diag(sd) corr diag(sd))``.

    Attributes
    ----------
    name
        Group and its dim (``country``); posterior variables are ``u_<name>``, ``sd_<name>``, ``corr_<name>``.
    levels
        Labels of the groups: COW integers or IGO codes.
    index
        (n,) group of each row.
    terms
        Names of the q varying coefficients.
    Z
        (n, q) their columns.
    sd
        Prior of each term's SD, in outcome units.
    corr
        LKJ prior of the correlation matrix, or None for independent terms.
    centred
        Parametrisation of each term where the effects are sampled; not part of the model.
    """

    name: str
    levels: tuple[Label, ...]
    index: Index
    terms: tuple[str, ...]
    Z: Array
    sd: tuple[Prior, ...]
    corr: Prior | None
    centred: tuple[bool, ...]


@dataclass(frozen=True)
class SerialTerm:
    r"""One effect for each year of a unit, AR(1) over its years, shared by all rows of that unit-year.

    .. math:: s_t = \rho^g s_{t-g} + \nu_t, \quad \nu_t \sim N(0, (1 - \rho^{2g})\, sd^2),

    over a gap of g years, so that ``sd`` is the SD of the effects themselves, in any year.

    Attributes
    ----------
    name, unit
        Of the effects (``state_year``) and of the unit whose years they are (``state``).
    index
        (n,) unit-year of each row.
    order
        Order of the m unit-years; ``order.unit`` is the unit of each.
    loading
        (n,) what a row takes of its unit-year's effect: 1, or a sign.
    sd, rho
        Priors: SD of the effects in outcome units, autocorrelation from one year to the next.
    """

    name: str
    unit: str
    index: Index
    order: RowOrder
    loading: Array
    sd: Prior
    rho: Prior


@dataclass(frozen=True)
class CutPoints:
    """Ordered categories of a latent outcome, whose residuals are standard normal or standard logistic.

    Attributes
    ----------
    first, log_gap
        Normal priors: of the first cut-point, and of the log of each gap between neighbours (two categories
        have none).
    categories
        The K values of the outcome, in order; ``y`` holds their positions, 0 to K - 1.
    link
        ``"probit"`` (residual SD 1) or ``"logit"`` (pi / sqrt 3); the design's ``unit`` is that SD.
    walk
        How cut-points move over the years, around the ones above; None where they stand still.
    """

    first: Prior
    log_gap: Prior
    categories: tuple[Label, ...]
    link: str = "probit"
    walk: CutWalk | None = None

    def of_rows(self, cutpoints: Array) -> Array:
        """Cut-points (..., n, K - 1) of the rows from those of each year; fixed ones as they are."""
        return cutpoints if self.walk is None else cutpoints[..., self.walk.index, :]

    @property
    def labels(self) -> tuple[str, ...]:
        """The K - 1 cut-points, by the categories on both sides: ``1|2``."""
        return tuple(f"{a}|{b}" for a, b in pairwise(self.categories))


@dataclass(frozen=True)
class ErrorStructure:
    """Family and dependence of the errors.

    Attributes
    ----------
    kind
        ``"ar1"`` within unit, or ``"iid"``.
    likelihood
        ``"gaussian"``, ``"student_t"`` (yearly shocks are t with ``nu`` degrees of freedom), or
        ``"ordered_probit"`` or ``"ordered_logit"`` (two categories or more), as ``cuts.link`` says.
    unit
        Name of the unit whose rows follow each other (``country``).
    order
        Order of the rows.
    sigma, rho, nu
        Priors: SD (scale) of the yearly shock in outcome units, autocorrelation, degrees of freedom; None
        where there is none (ordered categories: the latent scale has none to estimate).
    cuts
        Cut-points of ordered categories; None for other outcomes.
    measurement_sd
        (n,) known SDs of independent normal measurement error of the outcome, on top of the errors above;
        None where the outcome is taken as measured without error.
    """

    kind: str
    likelihood: str
    unit: str
    order: RowOrder
    sigma: Prior | None
    rho: Prior | None
    nu: Prior | None
    cuts: CutPoints | None = None
    measurement_sd: Array | None = None

    @property
    def link(self) -> str:
        """Distribution of a latent outcome's residuals; ``"probit"`` (normal) without categories."""
        return "probit" if self.cuts is None else self.cuts.link


@dataclass(frozen=True)
class View:
    """Parts of the rows whose outcomes the fitted model must be able to produce (predictive checks).

    Attributes
    ----------
    name
        What a part is: ``country``, ``class-year``.
    labels
        Name of each part, for people.
    index
        (n,) part of each row.
    statistics
        What is compared: ``mean``, ``SD``, ``shares of categories``.
    """

    name: str
    labels: tuple[str, ...]
    index: Index
    statistics: tuple[str, ...]


def view(name: str, keys: NDArray[Any], statistics: tuple[str, ...] = ("mean", "SD")) -> View:
    """A view by (n,) keys; its labels are the keys as text, in order."""
    labels, index = np.unique(keys.astype(str), return_inverse=True)
    return View(name, tuple(labels.tolist()), index.astype(np.int64), statistics)


@dataclass(frozen=True)
class Design:
    """Everything an engine needs, and the keys by which its draws are read again.

    Attributes
    ----------
    y
        (n,) outcome, in its own units; codes of its categories (``error.cuts``) where it is ordinal.
    population, groups, error, serial
        The model's parts; ``serial`` is None where no unit-year has an effect of its own.
    rows
        Per-row facts, each (n,): keys, year, class, treatment, as the estimands and checks need them.
    unit, centre
        Scale unit and centre of the priors, in outcome units.
    standardised
        Mean and SD by which each control was standardised.
    merge
        Rows in, dropped with reasons, used.
    views
        Parts of the rows for predictive checks; the first is that of the question's main unit.
    headline
        A coefficient that stands for the question in the prior predictive check: term, position, words.
    nuisance
        Names of population terms that are known to overlap (intercepts and year effects): rank is
        judged for the others after projecting these out.
    repeats
        Of rows that are cells of compressed rows; None where a row is a row.
    """

    y: Array
    population: tuple[PopulationTerm, ...]
    groups: tuple[GroupTerm, ...]
    error: ErrorStructure
    rows: dict[str, NDArray[Any]]
    unit: float
    centre: float
    standardised: dict[str, tuple[float, float]]
    merge: MergeReport
    nuisance: tuple[str, ...] = ("alpha", "beta", "year_effect")
    attrs: dict[str, str] = field(default_factory=dict)
    serial: SerialTerm | None = None
    views: tuple[View, ...] = ()
    headline: tuple[str, int, str] | None = None
    repeats: Repeats | None = None

    @property
    def n(self) -> int:
        """Number of rows; of cells, where rows are compressed."""
        return self.y.size

    def term(self, name: str) -> PopulationTerm:
        """Return a population term by name."""
        return next(t for t in self.population if t.name == name)

    def position(self, name: str) -> slice:
        """Where a population term's coefficients stand among all of them."""
        at = 0
        for term in self.population:
            if term.name == name:
                return slice(at, at + term.size)
            at += term.size
        raise KeyError(name)

    def group(self, name: str) -> GroupTerm:
        """Return a group term by name."""
        return next(g for g in self.groups if g.name == name)

    def coords(self) -> dict[str, tuple[Label, ...]]:
        """All dims and their labels."""
        out: dict[str, tuple[Label, ...]] = {}
        for term in self.population:
            out |= term.coords
        for group in self.groups:
            out[group.name] = group.levels
            out[f"{group.name}_term"] = out[f"{group.name}_term_bis"] = group.terms
        if self.error.cuts is not None:
            walk = self.error.cuts.walk
            out |= {"cut": self.error.cuts.labels, **({} if walk is None else {"year": walk.years})}
        return out


def rank_deficient(design: Design) -> tuple[str, ...]:
    """Coefficients that the rows cannot tell apart from the others or from intercepts and year effects.

    Terms that are not nuisance are projected on the nuisance ones, one column after the other on those
    before it; a coefficient is named if less than 1e-8 of its column's length is left.  Deviations around a
    mean that is fixed at 0 are not judged, as group effects are not: their prior tells them from the term
    that they deviate from.
    """
    terms = design.population
    R = _triangle(design)
    parts = dict(
        zip((t.name for t in terms), np.split(R, np.cumsum([t.size for t in terms])[:-1], 1), strict=True)
    )
    # Year dummies add up to the levels: all but one of them span the same, and overlap with no level.
    nuisance = [
        parts[t.name][:, 1:] if t.index is not None else parts[t.name]
        for t in terms
        if t.name in design.nuisance
    ]
    basis = scipy.linalg.orth(np.hstack(nuisance)) if nuisance else np.zeros((len(R), 0))
    bad = []
    for term in terms:
        if term.name in design.nuisance or (term.sd is not None and term.prior is None):
            continue
        for label, column in zip(term.labels, parts[term.name].T, strict=True):
            left = column - basis @ (basis.T @ column)
            left -= basis @ (basis.T @ left)
            length = np.linalg.norm(left)
            if length <= 1e-8 * max(float(np.linalg.norm(column)), 1e-300):
                bad.append(label)
            else:
                basis = np.c_[basis, left / length]
    return tuple(bad)


def _triangle(design: Design, chunk: int = 20_000) -> Array:
    """Triangular factor (P, P) of the population columns: the same lengths and angles, few rows at a time."""
    R = _within(design)
    for start in range(0, design.n, chunk):
        rows = slice(start, start + chunk)
        block = np.hstack([t.rows(rows) for t in design.population])
        if design.repeats is not None:
            block *= design.repeats.precision[rows, None]
        with threadpool_limits(1):  # threads cost more than they save at this width
            R = np.linalg.qr(np.vstack([R, block]), mode="r")
    return R


def _within(design: Design) -> Array:
    """Rows (k, P) whose cross-products are the scatter of the controls within cells; none without cells."""
    R = np.zeros((0, sum(t.size for t in design.population)))
    if design.repeats is None or design.repeats.scatter.shape[0] == 1:
        return R
    values, vectors = np.linalg.eigh(design.repeats.scatter[:-1, :-1])
    R = np.zeros((values.size, R.shape[1]))
    R[:, design.position("gamma")] = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    return R
