"""Draws of an engine -> the one tree that everything downstream reads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from bayes_hr.design_io import to_dataset
from bayes_hr.engines.chains import kept_draws
from bayes_hr.forms import integrable
from bayes_hr.kernels import draw_group_effects
from bayes_hr.walks import spread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]


def population_part(design: Design, posterior: xr.Dataset, chain: int, draw: int) -> Array:
    """Population part of eta at one draw, (n,)."""
    eta = np.zeros(design.n)
    for term in design.population:
        eta += term.predict(np.ravel(posterior[term.name].values[chain, draw]))
    return eta


def _integrated_effects(design: Design, posterior: xr.Dataset, seed: int, cores: int) -> dict[str, Array]:
    """Exact draws (chain, draw, groups, q) of the effects that the sampler integrated out, by variable."""
    from bayes_hr.engines.covariance import covariance_factor

    if not integrable(design):
        return _block_effects(design, posterior, seed, cores)
    group, order = design.groups[0], design.error.order
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    out, values = np.empty((chains, draws, len(group.levels), len(group.terms))), _values(posterior)
    for c, sequence in enumerate(np.random.SeedSequence([seed, 1]).spawn(chains)):
        rng = np.random.default_rng(sequence)
        for d in range(draws):
            out[c, d] = draw_group_effects(
                rng=rng,
                residual=design.y - population_part(design, posterior, c, d),
                Z=group.Z,
                index=group.index,
                n_groups=len(group.levels),
                order=order,
                rho=float(posterior["rho"].values[c, d]) if "rho" in posterior else 0.0,
                sigma=float(posterior["sigma"].values[c, d]),
                factor=covariance_factor(group, {name: v[c, d] for name, v in values.items()}),
            )
    return {f"u_{group.name}": out}


def _values(posterior: xr.Dataset) -> dict[str, Array]:
    """Arrays (chain, draw, ...) by variable: xarray takes longer to find one than its effects to be drawn."""
    return {str(name): found.values for name, found in posterior.data_vars.items()}


def _block_effects(design: Design, posterior: xr.Dataset, seed: int, cores: int) -> dict[str, Array]:
    """The same where several groups lie in one unit; unit-years are drawn with them and not kept."""
    from bayes_hr.engines.block_model import BlockModel

    model, values = BlockModel.of(design), _values(posterior)
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]

    def of_chain(c: int, sequence: np.random.SeedSequence) -> list[dict[str, Array]]:
        rng = np.random.default_rng(sequence)
        return [model.effects(rng, {name: v[c, d] for name, v in values.items()}) for d in range(draws)]

    sequences = np.random.SeedSequence([seed, 1]).spawn(chains)
    with ThreadPoolExecutor(min(cores, chains)) as threads:  # the kernels run without the interpreter's lock
        found = list(threads.map(of_chain, range(chains), sequences))
    return {name: np.array([[draw[name] for draw in chain] for chain in found]) for name in found[0][0]}


def assemble_posterior(
    design: Design,
    raw: xr.Dataset,
    statistics: Mapping[str, xr.DataArray],
    *,
    seed: int,
    cores: int = 1,
    bulk: Mapping[str, Array] | None = None,
) -> xr.DataTree:
    """Put draws under the contract's names, dims and coords; draw group effects that were integrated out.

    ``cores`` is the number of threads that draw them, which the draws do not depend on.  ``bulk`` holds
    effects (chain, kept draw, levels, q) of which only some draws were kept.

    Returns
    -------
    xarray.DataTree
        ``posterior``, ``sample_stats``, ``observed_data``, ``constant_data``, and ``posterior_bulk`` if any.
    """
    bulk = bulk or {}
    coords = design.coords()
    base: dict[str, Any] = {"chain": raw["chain"].values, "draw": np.arange(raw.sizes["draw"])}
    data: dict[str, tuple[tuple[str, ...], Array]] = {}
    shapes: dict[str, tuple[str, ...]] = {t.name: t.dims for t in design.population}
    for group in design.groups:
        dim = f"{group.name}_term"
        shapes |= {f"sd_{group.name}": (dim,), f"u_{group.name}": (group.name, dim)}
        shapes |= {f"corr_{group.name}": (dim, f"{dim}_bis")} if group.corr is not None else {}
    scalars = [
        *([f"sd_{design.serial.name}"] if design.serial else []),
        "sigma",
        "rho",
        "nu",
        *(name for t in design.population for name in (f"mu_{t.name}", spread(t))),
    ]
    shapes |= dict.fromkeys(scalars, ()) | _cut_shapes(design)
    for name, dims in shapes.items():
        if name in raw:
            data[name] = (("chain", "draw", *dims), raw[name].values)
    posterior = xr.Dataset(data, {**base, **_used_coords(coords, data)})
    if any(f"u_{group.name}" not in data and f"u_{group.name}" not in bulk for group in design.groups):
        for name, values in _integrated_effects(design, posterior, seed, cores).items():
            data[name] = (("chain", "draw", *shapes[name]), values)
    posterior = xr.Dataset(data, {**base, **_used_coords(coords, data)})
    stats = {name: (("chain", "draw"), values.values) for name, values in statistics.items()}
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "sample_stats": xr.Dataset(stats, base),
            "observed_data": xr.Dataset({"y": ("obs", design.y)}, {"obs": np.arange(design.n)}),
            "constant_data": to_dataset(design),
        }
    )
    if bulk:
        tree["posterior_bulk"] = xr.DataTree(_bulk_dataset(bulk, shapes, coords, base))
    return tree


def _cut_shapes(design: Design) -> dict[str, tuple[str, ...]]:
    """Dims of cut-points and of how they move; none without categories."""
    cuts = design.error.cuts
    if cuts is None or cuts.walk is None:
        return {} if cuts is None else {"cutpoint": ("cut",)}
    return {"cutpoint": ("cut",), "cutpoint_year": ("year", "cut"), **dict.fromkeys(cuts.walk.sds, ())}


def _bulk_dataset(
    bulk: Mapping[str, Array],
    shapes: Mapping[str, tuple[str, ...]],
    coords: Mapping[str, tuple[str | int, ...]],
    base: Mapping[str, Any],
) -> xr.Dataset:
    """Effects of which some draws were kept; ``draw`` says which."""
    kept = kept_draws(len(base["draw"]))
    data = {name: (("chain", "draw", *shapes[name]), values) for name, values in bulk.items()}
    return xr.Dataset(data, {"chain": base["chain"], "draw": kept, **_used_coords(coords, data)})


def _used_coords(coords: Mapping[str, tuple[str | int, ...]], data: Mapping[str, Any]) -> dict[str, Any]:
    used = {dim for dims, _ in data.values() for dim in dims}
    plain = {dim: np.array(labels) for dim, labels in coords.items() if dim in used}
    return {dim: (v.astype(object) if v.dtype.kind == "U" else v) for dim, v in plain.items()}
