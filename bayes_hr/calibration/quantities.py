"""Which numbers are ranked: every parameter where there are few of a kind, else some by a fixed rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.walks import spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.calibration.truths import Truth
    from bayes_hr.design import CutPoints, Design, GroupTerm, PopulationTerm

    Array = NDArray[np.float64]

MANY: Final = 6
"""Year effects beyond this number are represented by the first, the middle and the last."""

JOINT: Final = "log likelihood"
"""Label of :func:`bayes_hr.calibration.truths.joint`."""


@dataclass(frozen=True)
class Quantity:
    """One number of a posterior draw.

    Attributes
    ----------
    label
        Its name: ``tau[transition]``, ``sd_country[ratified]``.
    kind
        ``population``, ``year effect``, ``SD``, ``correlation``, ``error``, ``cut-point``, ``group effect``
        or ``joint``.
    variable, index
        Posterior variable, and the place in one draw of it.
    """

    label: str
    kind: str
    variable: str
    index: tuple[int, ...]


def quantities(design: Design) -> tuple[Quantity, ...]:
    """What is ranked in the worlds of a design.

    Every population coefficient (of long year effects the first, middle and last), every SD and correlation,
    the error parameters and cut-points, the first, middle and last level of each group's terms, and a joint
    quantity.
    """
    out: list[Quantity] = []
    for term in design.population:
        out += _population(term)
    for group in design.groups:
        out += _group(group)
    error, serial = design.error, design.serial
    there = {"sigma": error.sigma, "rho": serial.rho if serial else error.rho, "nu": error.nu}
    out += [Quantity(name, "error", name, ()) for name, prior in there.items() if prior is not None]
    out += [Quantity(f"sd_{serial.name}", "SD", f"sd_{serial.name}", ())] if serial else []
    labels = error.cuts.labels if error.cuts is not None else ()
    out += [Quantity(f"cutpoint[{c}]", "cut-point", "cutpoint", (k,)) for k, c in enumerate(labels)]
    out += _moving(error.cuts) if error.cuts is not None and error.cuts.walk is not None else []
    for group in design.groups:
        out += _effects(group)
    return (*out, Quantity(JOINT, "joint", "", ()))


def _moving(cuts: CutPoints) -> list[Quantity]:
    """SDs of cut-points' yearly steps, and every cut-point in the first, middle and last year."""
    if cuts.walk is None:
        return []
    out = [Quantity(name, "SD", name, ()) for name in cuts.walk.sds]
    return out + [
        Quantity(f"cutpoint_year[{cuts.walk.years[t]}, {label}]", "cut-point", "cutpoint_year", (t, k))
        for t in _some(len(cuts.walk.years))
        for k, label in enumerate(cuts.labels)
    ]


def _some(size: int) -> Iterable[int]:
    return dict.fromkeys((0, size // 2, size - 1))


def _population(term: PopulationTerm) -> list[Quantity]:
    years = term.index is not None
    kept = _some(term.size) if years and term.size > MANY else range(term.size)
    kind = "year effect" if years else "population"
    grid = np.indices(term.shape).reshape(len(term.shape), -1).T if term.dims else np.empty((1, 0), int)
    out = [Quantity(term.labels[k], kind, term.name, tuple(int(i) for i in grid[k])) for k in kept]
    if term.sd is None:
        return out
    mean = [Quantity(f"mu_{term.name}", "population", f"mu_{term.name}", ())] if term.prior else []
    return [*mean, Quantity(spread(term), "SD", spread(term), ()), *out]


def _group(group: GroupTerm) -> list[Quantity]:
    sd, corr, terms = f"sd_{group.name}", f"corr_{group.name}", group.terms
    out = [Quantity(f"{sd}[{t}]", "SD", sd, (k,)) for k, t in enumerate(terms)]
    if group.corr is None:
        return out
    pairs = [(i, j) for i in range(len(terms)) for j in range(i + 1, len(terms))]
    return out + [Quantity(f"{corr}[{terms[i]}, {terms[j]}]", "correlation", corr, (i, j)) for i, j in pairs]


def _effects(group: GroupTerm) -> list[Quantity]:
    name = f"u_{group.name}"
    return [
        Quantity(f"{name}[{group.levels[level]}, {term}]", "group effect", name, (level, k))
        for k, term in enumerate(group.terms)
        for level in _some(len(group.levels))
    ]


def true_values(listed: Iterable[Quantity], truth: Truth) -> Array:
    """(k,) true values of quantities that are not joint."""
    return np.array([float(truth.values[q.variable][q.index]) for q in listed])


def posterior_values(listed: Iterable[Quantity], posterior: xr.Dataset) -> Array:
    """(chain, draw, k) draws of quantities that are not joint."""
    parts = []
    for q in listed:
        place: Any = (..., *q.index)
        parts.append(posterior[q.variable].values[place])
    return np.stack(parts, axis=2).astype(float)
