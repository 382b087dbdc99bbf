r"""How far several treaties can be told apart, from who ratified what and when; no outcome is read.

Ratifications cluster: a country that joins one covenant joins its twin in the same year.  What is left of
:math:`D_k` after country levels, class-by-year effects, controls and the other treaties' dummies is all that
the data have to say of :math:`\tau_k` alone; the rest comes from the pooling and the model's form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.checks.residual_share import SHARE_LIMIT, demeaned, projected
from bayes_hr.checks.result import PASS, REVIEW, CheckResult
from bayes_hr.data.messages import listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design

    Array = NDArray[np.float64]

POOR: Final = "told apart poorly"

TWIN: Final = 0.8
"""Correlation of two treaties' dummies, after country levels and class-years, from which they are twins."""

OWED_LIMIT: Final = 0.75
"""Share of a treaty's own variation (after countries and class-years) that the other treaties may explain:
from three quarters on, its least-squares SD is twice what it would be if the treaty stood alone."""

_ZERO: Final = 1e-9


def separation(design: Design) -> pd.DataFrame:
    """How far each treaty's dummy varies on its own.

    Parameters
    ----------
    design
        Of several treaties (:mod:`bayes_hr.treaties_design`).

    Returns
    -------
    pandas.DataFrame
        One row for each treaty: ``treaty``; ``share_country``, share of the variance of D_k left within
        countries; ``share_years``, left of it after class-by-year effects too; ``share`` (the *residual
        share*), left of it after controls and the other treaties as well, all three of the whole variance;
        ``share_within``, ``share`` over ``share_country``; ``owed_to_others``, 1 minus ``share`` over
        ``share_years``; ``closest``, ``closest_r``: the treaty whose dummy resembles it most after countries
        and class-years, and their correlation; ``flag``.
    """
    term = design.term("tau")
    names, D = [str(t) for t in term.coords["treaty"]], term.columns
    controls = [t.columns for t in design.population if t.name == "gamma"]
    columns = np.hstack([D, *controls])
    country = design.groups[0].index
    years = [t.index for t in design.population if t.name == "year_effect" and t.index is not None]
    # A level of each class is in the span of the countries, which have one class each.
    position = np.unique(years[0], return_inverse=True)[1] if years else np.zeros(design.n, dtype=np.int64)
    left = projected(columns, dyad=country, factor=position)
    whole = np.sum((D - D.mean(axis=0)) ** 2, axis=0)
    within = np.sum(demeaned(D, country) ** 2, axis=0)
    products = left.T @ left
    after_years = np.diag(products)[: len(names)]
    alone = np.array([_alone(products, k) for k in range(len(names))])
    closest = [_closest(products[: len(names), : len(names)], k) for k in range(len(names))]
    share = np.maximum(alone, 0.0) / whole
    owed = 1.0 - np.maximum(alone, 0.0) / np.maximum(after_years, _ZERO * whole)
    poor = (share < SHARE_LIMIT) | (owed > OWED_LIMIT)
    return pd.DataFrame(
        {
            "treaty": names,
            "share_country": within / whole,
            "share_years": after_years / whole,
            "share": share,
            "share_within": np.maximum(alone, 0.0) / within,
            "owed_to_others": owed,
            "closest": [names[j] for j, _ in closest],
            "closest_r": [r for _, r in closest],
            "flag": np.where(poor, POOR, "").astype(object),
        }
    )


def _alone(products: Array, k: int) -> float:
    """Sum of squares of column k that the other columns leave, from cross-products."""
    rest = np.delete(np.arange(len(products)), k)
    b = np.linalg.lstsq(products[np.ix_(rest, rest)], products[rest, k], rcond=_ZERO)[0]
    return float(products[k, k] - products[rest, k] @ b)


def _closest(products: Array, k: int) -> tuple[int, float]:
    """The column most correlated with column k, and the correlation."""
    scale = np.sqrt(np.maximum(np.diag(products), np.finfo(float).tiny))
    r = products[k] / (scale[k] * scale)
    r[k] = -np.inf
    at = int(np.argmax(r))
    return at, float(r[at])


def separation_check(table: pd.DataFrame) -> CheckResult:
    """REVIEW where a treaty's residual share is too small, or too much of its variation is the others'.

    Parameters
    ----------
    table
        As :func:`separation` gives it.
    """
    name = "telling treaties apart"
    least, most = table.loc[table["share"].idxmin()], table.loc[table["owed_to_others"].idxmax()]
    figures = (
        f"smallest residual share {least['share']:.1%} ({least['treaty']}; limit {SHARE_LIMIT:.0%}); most "
        f"owed to the other treaties {most['owed_to_others']:.0%} ({most['treaty']}; limit {OWED_LIMIT:.0%})"
    )
    pairs = sorted({tuple(sorted((r.treaty, r.closest))) for r in table.itertuples() if r.closest_r >= TWIN})
    if pairs:
        figures += f"; nearly the same dummies: {listed((' and '.join(pair) for pair in pairs), 6)}"
    poor = table.loc[table["flag"] != "", "treaty"].tolist()
    if not poor:
        return CheckResult(name, PASS, figures, table=table)
    advice = (
        f"Do not read the effects of {', '.join(poor)} one by one: they lean on the pooling. Report the mean "
        "over treaties, or leave one of a pair out of treatment.names and say that the other stands for both."
    )
    return CheckResult(name, REVIEW, f"{figures}; told apart poorly: {', '.join(poor)}", advice, table)
