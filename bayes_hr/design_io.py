"""A design as a dataset that travels with its fit, and back again; any family's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.design import CutPoints, Design, ErrorStructure, GroupTerm, PopulationTerm, SerialTerm, View
from bayes_hr.kernels import row_order
from bayes_hr.moving_cuts import CutWalk
from bayes_hr.priors import Prior, parse_prior
from bayes_hr.repeats import Repeats

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.data.merge import MergeReport

_KEY: Final = "design"
"""Attribute of the dataset that holds all that is not an array, as JSON."""


def to_dataset(design: Design) -> xr.Dataset:
    """Rows, columns, indices and priors of a design, with dim ``obs`` (saved with every fit)."""
    import xarray as xr

    data: dict[str, Any] = {name: ("obs", _plain(values)) for name, values in design.rows.items()}
    coords: dict[str, Any] = {"obs": np.arange(design.n)}
    for term in design.population:
        if term.index is not None:
            data[f"index_{term.name}"] = ("obs", term.index)
        elif term.dims or not (term.columns == 1.0).all():
            data[f"x_{term.name}"] = (("obs", *term.dims), term.columns.reshape(-1, *term.shape))
            coords |= {dim: _plain(np.array(term.coords[dim])) for dim in term.dims}
    for group in design.groups:
        data[f"index_{group.name}"] = ("obs", group.index)
        data[f"z_{group.name}"] = (("obs", f"{group.name}_term"), group.Z)
        if group.name not in data:  # a row's own IGO goes by the name of the group
            coords[group.name] = _plain(np.array(group.levels))
        coords[f"{group.name}_term"] = _plain(np.array(group.terms))
    for part in design.views:
        data[f"view_{part.name}"] = ("obs", part.index)
    walk = None if design.error.cuts is None else design.error.cuts.walk
    if walk is not None:
        data["index_cuts"] = ("obs", walk.index)
    data["unit"] = ("obs", design.error.order.unit)
    data["gap"] = ("obs", design.error.order.gap)
    if design.error.measurement_sd is not None:
        data["measurement_sd"] = ("obs", design.error.measurement_sd)
    if design.repeats is not None:
        data["repeats"] = ("obs", design.repeats.rows)
    if design.serial is not None:
        name = design.serial.name
        data[f"index_{name}"] = ("obs", design.serial.index)
        data[f"loading_{name}"] = ("obs", design.serial.loading)
        data[f"unit_{name}"] = (name, design.serial.order.unit)
        data[f"gap_{name}"] = (name, design.serial.order.gap)
    return xr.Dataset(data, coords, {_KEY: json.dumps(_description(design))})


def from_dataset(rows: xr.Dataset, y: NDArray[np.float64], merge: MergeReport) -> Design:
    """The inverse of :func:`to_dataset`, with the outcome (n,) and the merge report of the fit."""
    found = json.loads(rows.attrs[_KEY])
    names = set(map(str, found["rows"]))
    return Design(
        y=y,
        population=tuple(_population(rows, t) for t in found["population"]),
        groups=tuple(_group(rows, g) for g in found["groups"]),
        error=_error(rows, found["error"]),
        rows={name: rows[name].values for name in rows.data_vars if name in names},
        unit=found["unit"],
        centre=found["centre"],
        standardised={k: (v[0], v[1]) for k, v in found["standardised"].items()},
        merge=merge,
        nuisance=tuple(found["nuisance"]),
        attrs=found["attrs"],
        serial=_serial(rows, found["serial"]),
        views=tuple(
            View(v["name"], tuple(v["labels"]), rows[f"view_{v['name']}"].values, tuple(v["statistics"]))
            for v in found["views"]
        ),
        headline=tuple(found["headline"]) if found["headline"] else None,
        repeats=_repeats(rows, found.get("scatter")),
    )


def terms_of(
    rows: xr.Dataset,
) -> tuple[tuple[PopulationTerm, ...], tuple[GroupTerm, ...], CutPoints | None]:
    """The parts of the linear predictor, and the cut-points if there are any, of :func:`to_dataset`."""
    found = json.loads(rows.attrs[_KEY])
    population = tuple(_population(rows, t) for t in found["population"])
    groups = tuple(_group(rows, g) for g in found["groups"])
    return population, groups, _cuts(rows, found["error"].get("cuts"))


def _description(design: Design) -> dict[str, Any]:
    """Everything but the arrays."""
    error, serial = design.error, design.serial
    return {
        "rows": list(design.rows),
        "population": [
            {
                "name": t.name,
                "dims": t.dims,
                "coords": t.coords,
                "prior": _text(t.prior),
                "sd": _text(t.sd),
                "priors": [str(p) for p in t.priors],
                "walk": t.walk,
            }
            for t in design.population
        ],
        "groups": [
            {
                "name": g.name,
                "levels": g.levels,
                "terms": g.terms,
                "sd": [str(p) for p in g.sd],
                "corr": _text(g.corr),
                "centred": g.centred,
            }
            for g in design.groups
        ],
        "error": {
            "kind": error.kind,
            "likelihood": error.likelihood,
            "unit": error.unit,
            **{name: _text(getattr(error, name)) for name in ("sigma", "rho", "nu")},
            "cuts": _cuts_text(error.cuts),
        },
        "serial": None
        if serial is None
        else {"name": serial.name, "unit": serial.unit, "sd": str(serial.sd), "rho": str(serial.rho)},
        "views": [{"name": v.name, "labels": v.labels, "statistics": v.statistics} for v in design.views],
        "headline": design.headline,
        "scatter": None if design.repeats is None else design.repeats.scatter.tolist(),
        **{name: getattr(design, name) for name in ("unit", "centre", "standardised", "nuisance", "attrs")},
    }


def _population(rows: xr.Dataset, found: dict[str, Any]) -> PopulationTerm:
    name, dims = found["name"], tuple(found["dims"])
    index = rows[f"index_{name}"].values if f"index_{name}" in rows else None
    if index is not None:
        columns = np.empty((0, 0))
    else:
        n = rows.sizes["obs"]
        columns = rows[f"x_{name}"].values.reshape(n, -1) if f"x_{name}" in rows else np.ones((n, 1))
    return PopulationTerm(
        name=name,
        dims=dims,
        coords={dim: tuple(labels) for dim, labels in found["coords"].items()},
        prior=_prior(found["prior"]),
        columns=columns,
        index=index,
        sd=_prior(found["sd"]),
        priors=tuple(_sure(p) for p in found["priors"]),
        walk=found.get("walk", False),
    )


def _group(rows: xr.Dataset, found: dict[str, Any]) -> GroupTerm:
    return GroupTerm(
        name=found["name"],
        levels=tuple(found["levels"]),
        index=rows[f"index_{found['name']}"].values,
        terms=tuple(found["terms"]),
        Z=rows[f"z_{found['name']}"].values,
        sd=tuple(_sure(p) for p in found["sd"]),
        corr=_prior(found["corr"]),
        centred=tuple(found["centred"]),
    )


def _error(rows: xr.Dataset, found: dict[str, Any]) -> ErrorStructure:
    order = row_order(rows["unit"].values, _years(rows["gap"].values))
    return ErrorStructure(
        kind=found["kind"],
        likelihood=found["likelihood"],
        unit=found["unit"],
        order=order,
        sigma=_prior(found["sigma"]),
        rho=_prior(found["rho"]),
        nu=_prior(found["nu"]),
        cuts=_cuts(rows, found.get("cuts")),
        measurement_sd=rows["measurement_sd"].values if "measurement_sd" in rows else None,
    )


def _repeats(rows: xr.Dataset, scatter: list[list[float]] | None) -> Repeats | None:
    return None if scatter is None else Repeats(rows["repeats"].values, np.array(scatter))


def _cuts_text(cuts: CutPoints | None) -> dict[str, Any] | None:
    if cuts is None:
        return None
    priors = {"first": str(cuts.first), "log_gap": str(cuts.log_gap)}
    walk = cuts.walk
    moving = None if walk is None else {"years": walk.years, "shift": str(walk.shift), "gap": _text(walk.gap)}
    return {**priors, "categories": cuts.categories, "link": cuts.link, "walk": moving}


def _cuts(rows: xr.Dataset, found: dict[str, Any] | None) -> CutPoints | None:
    if found is None:
        return None
    first, log_gap, moving = _sure(found["first"]), _sure(found["log_gap"]), found.get("walk")
    walk = None
    if moving is not None:
        gap, index = _prior(moving["gap"]), rows["index_cuts"].values
        walk = CutWalk(tuple(moving["years"]), _sure(moving["shift"]), gap, index)
    return CutPoints(first, log_gap, tuple(found["categories"]), found.get("link", "probit"), walk)


def _serial(rows: xr.Dataset, found: dict[str, Any] | None) -> SerialTerm | None:
    if found is None:
        return None
    name = found["name"]
    return SerialTerm(
        name=name,
        unit=found["unit"],
        index=rows[f"index_{name}"].values,
        order=row_order(rows[f"unit_{name}"].values, _years(rows[f"gap_{name}"].values)),
        loading=rows[f"loading_{name}"].values,
        sd=_sure(found["sd"]),
        rho=_sure(found["rho"]),
    )


def _years(gap: NDArray[np.int64]) -> NDArray[np.int64]:
    """Years that have these gaps within units; where a unit begins they need not go on."""
    return np.cumsum(gap)


def _prior(text: str | None) -> Prior | None:
    return None if text is None else _sure(text)


def _sure(text: str) -> Prior:
    return parse_prior(text, where="the design of a saved fit")


def _text(prior: Prior | None) -> str | None:
    return None if prior is None else str(prior)


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    """Strings as objects: the one dtype that survives a round trip through netCDF."""
    return values.astype(object) if values.dtype.kind in "US" else values
