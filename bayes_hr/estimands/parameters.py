"""Coefficients and hyperparameters of any model, as estimands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.estimands.summary import EstimandDraws

if TYPE_CHECKING:
    import xarray as xr


def hyperparameters(posterior: xr.Dataset) -> EstimandDraws:
    """Population coefficients, SDs, correlations and error parameters, without constant entries.

    What has an entry for each year (effects, cut-points) is left out: estimands and pictures show it.
    """
    names, draws = [], []
    effects = {"tau", "year_effect", "cutpoint_year"}
    for name, values in posterior.data_vars.items():
        if str(name).startswith("u_") or name in effects:
            continue
        array = values.values.reshape(*values.shape[:2], -1)
        labels = [str(name)] if values.ndim == 2 else _labels(str(name), values)
        keep = _upper_triangle(values.shape[2]) if str(name).startswith("corr_") else range(len(labels))
        names += [labels[i] for i in keep]
        draws += [array[:, :, i] for i in keep]
    none = ("",) * len(names)
    return EstimandDraws("parameter", "parameter", tuple(names), none, none, np.stack(draws, axis=2))


def _labels(name: str, values: xr.DataArray) -> list[str]:
    grid = np.indices(values.shape[2:]).reshape(values.ndim - 2, -1).T
    coords = [values[d].values for d in values.dims[2:]]
    return [f"{name}[{', '.join(str(c[i]) for c, i in zip(coords, row, strict=True))}]" for row in grid]


def _upper_triangle(q: int) -> list[int]:
    return [i * q + j for i in range(q) for j in range(i + 1, q)]
