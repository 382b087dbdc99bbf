"""What a changing standard did: where the cut-points of ordered categories stood in each year.

A rise of a cut-point is a stricter standard: the category above it is harder to reach.  What moves all
countries alike in a year cannot be told from it, and counts as part of it (:mod:`bayes_hr.moving_cuts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.estimands.summary import EstimandDraws

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ALL_CUTS: Final = "all cut-points"
"""Level of the mean of a year's cut-points."""

_RISE: Final = "a rise is a stricter standard, or a worsening common to all countries"


def change_name(years: tuple[int, ...]) -> str:
    """Reference of a change from the first year to the last: ``2018 - 1985``."""
    return f"{years[-1]} - {years[0]}"


def with_their_mean(cutpoints: Array, labels: tuple[str, ...]) -> tuple[Array, tuple[str, ...]]:
    """Cut-points (..., T, K - 1) with their mean as one more, and labels; one cut-point is its own mean."""
    if len(labels) == 1:
        return cutpoints, labels
    mean = cutpoints.mean(axis=-1, keepdims=True)
    return np.concatenate([cutpoints, mean], axis=-1), (*labels, ALL_CUTS)


def standard_effects(posterior: xr.Dataset) -> list[EstimandDraws]:
    """Change of each cut-point from the first year to the last, and its deviation in each year.

    Parameters
    ----------
    posterior
        Draws, with ``cutpoint_year`` (year, cut).

    Returns
    -------
    list of EstimandDraws
        ``by = "standard"``: levels are cut-points (``1|2``) and their mean, the reference both years;
        ``by = "cutpoint"``: the same levels, references are years, values deviations from the mean over the
        years.
    """
    values = posterior["cutpoint_year"]
    years = tuple(int(v) for v in values["year"].values)
    draws, levels = with_their_mean(values.values, tuple(str(v) for v in values["cut"].values))
    change = draws[:, :, -1] - draws[:, :, 0]
    deviation = draws - draws.mean(axis=2, keepdims=True)
    T, k = len(years), len(levels)
    return [
        EstimandDraws("standard", "standard", levels, (change_name(years),) * k, (_RISE,) * k, change),
        EstimandDraws(
            "cutpoint",
            "cutpoint",
            levels * T,
            tuple(str(year) for year in years for _ in levels),
            ("deviation from its mean over the years",) * (T * k),
            deviation.reshape(*deviation.shape[:2], T * k),
        ),
    ]
