r"""One analysis for each of M draws of the data, pooled: the equal mixture of their posteriors.

With :math:`p(\tau \mid y) = \int p(\tau \mid \theta)\, p(\theta \mid y)\, d\theta` and draws
:math:`\theta^{(m)}` from :math:`p(\theta \mid y)`, draws of the M posteriors put together are draws of the
left-hand side (Zhou & Reiter 2010, *A note on Bayesian inference after multiple imputation*, The American
Statistician 64 (2)).  Its variance is the mean W of the M variances plus that of the M means; with B the
latter over M - 1, Rubin (1987, *Multiple Imputation for Nonresponse in Surveys*) takes
:math:`W + (1 + 1/M) B`, which allows for M being finite.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayes_hr.estimands.summary import EstimandDraws, diagnostics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class PooledDraws(EstimandDraws):
    """Draws of several fits of the same estimand, each with equal weight.

    Attributes
    ----------
    draws
        (fits * chain, draw, k), the fits one after the other.
    fits
        How many.
    """

    fits: int = 1

    @cached_property
    def by_fit(self) -> Array:
        """(fits, chain, draw, k)."""
        return self.draws.reshape(self.fits, -1, *self.draws.shape[1:])

    @cached_property
    def diagnosed(self) -> dict[str, Array]:
        """Worst R-hat of the fits, sums of their ESS; MCSE of the mean from how much the fits' means differ.

        Chains of different fits have different targets, so R-hat across them would say nothing.
        """
        found = [diagnostics(draws) for draws in self.by_fit]
        out = {name: np.sum([f[name] for f in found], axis=0) for name in ("ess_bulk", "ess_tail")}
        out["r_hat"] = np.max([f["r_hat"] for f in found], axis=0)
        spread = self.by_fit.mean((1, 2)).std(axis=0, ddof=1)
        out["mcse_mean"] = spread / np.sqrt(self.fits) if self.has_mean else np.full(spread.shape, np.nan)
        return out


def pool(fits: Sequence[Sequence[EstimandDraws]]) -> list[PooledDraws]:
    """The equal mixture of the same estimands from several fits of equally many draws.

    Parameters
    ----------
    fits
        Estimands of each fit, in the same order; two fits or more.
    """
    out = []
    for parts in zip(*fits, strict=True):
        notes = parts[0].notes if len({p.notes for p in parts}) == 1 else ("",) * len(parts[0].levels)
        if len({(p.estimand, p.by, p.levels, p.references, p.draws.shape) for p in parts}) > 1:
            raise ValueError(f"pooled fits must have the same {parts[0].estimand}, and equally many draws")
        fields = {k: v for k, v in vars(replace(parts[0], notes=notes)).items() if k != "draws"}
        draws = np.concatenate([p.draws for p in parts])
        out.append(PooledDraws(**fields, draws=draws, fits=len(parts)))
    return out


def variance_parts(pooled: Sequence[PooledDraws]) -> pd.DataFrame:
    """Where the variance of each pooled estimate comes from.

    Returns
    -------
    pandas.DataFrame
        ``by, estimand, level, reference, within_sd`` (root of W), ``between_sd`` (root of B; also of Monte
        Carlo error, W / ESS of a fit), ``total_sd`` (root of ``W + (1 + 1/M) B``) and ``share``, that of
        ``(1 + 1/M) B`` in it.  NaN for an estimand without a mean, such as a long-run effect.
    """
    rows = []
    for e in pooled:
        W = e.by_fit.var(axis=(1, 2), ddof=1).mean(axis=0)
        B = e.by_fit.mean((1, 2)).var(axis=0, ddof=1)
        extra = (1 + 1 / e.fits) * B
        total = W + extra
        share = np.divide(extra, total, out=np.zeros_like(total), where=total > 0)
        told = {"within_sd": W**0.5, "between_sd": B**0.5, "total_sd": total**0.5, "share": share}
        told = told if e.has_mean else {name: np.full(W.shape, np.nan) for name in told}
        own = {"by": e.by, "estimand": e.estimand, "level": e.levels, "reference": e.references}
        rows.append(pd.DataFrame({**own, **told}))
    return pd.concat(rows, ignore_index=True)
