r"""What a column goes with within countries, between them, and the difference (Mundlak 1978).

Within: its own coefficient.  Difference: that of its country mean beside it.  Between: their sum, what the
outcome of a country differs by whose mean is one unit higher.  For D with effects that vary by country, both
are taken at the mean share of the class, :math:`\bar D_i = m_r`, where the products add
:math:`(\kappa + \omega_\kappa) m_r` to the difference (:mod:`bayes_hr.mundlak_design`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.estimands.summary import EstimandDraws
from bayes_hr.mundlak_design import PRODUCT, RATIFIED, class_shares

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def shares(facts: pd.DataFrame) -> Array:
    """Share of each country's rows that are treated, (countries,)."""
    return np.asarray(facts["treated_rows"].to_numpy(float) / facts["rows"].to_numpy(float))


def within_and_between(posterior: xr.Dataset, facts: pd.DataFrame) -> list[EstimandDraws]:
    """Estimands ``within``, ``between`` and ``difference``, ``by = "between"``, of each split column.

    Parameters
    ----------
    posterior
        Draws, with ``mundlak``.
    facts
        Countries (:func:`bayes_hr.estimands.ratification.country_facts`).
    """
    means = posterior["mundlak"]
    labels = [str(v) for v in means["country_mean"].values if str(v) != PRODUCT]
    at = class_shares(shares(facts), facts["regime"].to_numpy(str))
    product: Array = np.zeros(means.shape[:2])
    if "kappa" in posterior:
        product = posterior["kappa"].values + means.sel(country_mean=PRODUCT).values
    within, difference, notes = [], [], []
    for label in labels:
        own = means.sel(country_mean=label).values
        if label.startswith(RATIFIED):
            regime = label[len(RATIFIED) :]
            within.append(posterior["tau"].sel(regime=regime).values)
            difference.append(own + product * at[regime])
            notes.append(f"all rows after ratification against none; at a share of {at[regime]:.2f}")
        else:
            within.append(posterior["gamma"].sel(covariate=label).values)
            difference.append(own)
            notes.append("per SD of the control")
    parts = {"within": within, "between": np.add(within, difference), "difference": difference}
    none = ("",) * len(labels)
    return [
        EstimandDraws(name, "between", tuple(labels), none, tuple(notes), np.stack(list(draws), axis=2))
        for name, draws in parts.items()
    ]
