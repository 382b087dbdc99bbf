"""Draws of estimands -> the effects table of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.constants import CI_KIND, CI_PROB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

COLUMNS: Final = (
    "estimand", "by", "level", "reference", "scale", "mean", "sd", "median", "lb", "ub", "ci_prob", "ci_kind",
    "p_gt_0", "p_rope", "rope_lower", "rope_upper", "ess_bulk", "ess_tail", "r_hat", "mcse_mean", "note",
)  # fmt: skip


@dataclass(frozen=True)
class EstimandDraws:
    """Draws of one kind of estimand.

    Attributes
    ----------
    estimand, by
        What it is (``tau``, ``contrast``, ``total``, ``deviation``, ``average``, ``probability``,
        ``long_run``, ``standard``, ``cutpoint``) and by what.
    levels, references, notes
        One entry for each of k levels; references and notes may be empty strings.
    draws
        (chain, draw, k) on the outcome's scale, or on ``scale``.
    scale
        What the draws are measured in, where it is not what the card's effects are.
    has_mean
        Whether the posterior has a mean: a ratio whose denominator may be 0 has none, and neither has it an
        SD. Both are then left out, and the median stands for it.
    """

    estimand: str
    by: str
    levels: tuple[str, ...]
    references: tuple[str, ...]
    notes: tuple[str, ...]
    draws: Array
    scale: str = ""
    has_mean: bool = True

    @cached_property
    def diagnosed(self) -> dict[str, Array]:
        """:func:`diagnostics` of the draws, (k,) each: hundreds of countries take seconds, so only once."""
        found = diagnostics(self.draws)
        return found if self.has_mean else found | {"mcse_mean": np.full(self.draws.shape[2], np.nan)}


def diagnostics(draws: Array) -> dict[str, Array]:
    """Rank-normalised split R-hat, bulk and tail ESS and MCSE of the mean, each (k,).

    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), *Rank-normalization, folding, and localization*,
    Bayesian Analysis 16 (2), doi 10.1214/20-BA1221; computed by ArviZ.  Tail ESS is that of the ends of the
    reported interval.  Constant draws give NaN.
    """
    from arviz_stats.base import array_stats

    tail = (1.0 - CI_PROB) / 2.0
    axes = {"chain_axis": 0, "draw_axis": 1}
    with np.errstate(invalid="ignore", divide="ignore"):
        out = {
            "ess_bulk": array_stats.ess(draws, method="bulk", **axes),
            "ess_tail": array_stats.ess(draws, method="tail", prob=(tail, 1.0 - tail), **axes),
            "r_hat": array_stats.rhat(draws, method="rank", **axes),
            "mcse_mean": array_stats.mcse(draws, method="mean", **axes),
        }
    constant = np.ptp(draws, axis=(0, 1)) == 0
    return {name: np.where(constant, np.nan, values) for name, values in out.items()}


def split_r_hat(draws: Array) -> Array:
    """The R-hat of :func:`diagnostics` alone, (k,), where hundreds of effects need no more."""
    from arviz_stats.base import array_stats

    with np.errstate(invalid="ignore", divide="ignore"):
        out = array_stats.rhat(draws, method="rank", chain_axis=0, draw_axis=1)
    return np.where(np.ptp(draws, axis=(0, 1)) == 0, np.nan, out)


def interval(draws: Array, prob: float = CI_PROB) -> tuple[Array, Array]:
    """Equal-tailed interval over the first two axes."""
    tail = (1.0 - prob) / 2.0
    lower, upper = np.quantile(draws, [tail, 1.0 - tail], axis=(0, 1))
    return lower, upper


def effects_table(
    estimands: Sequence[EstimandDraws],
    *,
    scale: str,
    rope: tuple[float, float],
    ropes: Mapping[str, tuple[float, float]] | None = None,
) -> pd.DataFrame:
    """Summarise estimands in the columns of the contract.

    Parameters
    ----------
    estimands
        Draws by kind.
    scale
        What the numbers are measured in, e.g. ``"latent score"``.
    rope
        Region of practical equivalence, in outcome units.
    ropes
        That of single estimands, where it is another one.
    """
    own = ropes or {}
    parts = [_rows(e, e.scale or scale, own.get(e.estimand, rope)) for e in estimands]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _rows(e: EstimandDraws, scale: str, rope: tuple[float, float]) -> pd.DataFrame:
    lower, upper = interval(e.draws)
    # A comparison with NaN is False: without this a broken draw would count as "not above zero".
    unknown = np.where(np.isfinite(e.draws), 0.0, np.nan)
    inside = (e.draws > rope[0]) & (e.draws < rope[1])
    return pd.DataFrame(
        {
            "estimand": e.estimand,
            "by": e.by,
            "level": e.levels,
            "reference": e.references,
            "scale": scale,
            "mean": e.draws.mean((0, 1)) if e.has_mean else np.nan,
            "sd": e.draws.std((0, 1), ddof=1) if e.has_mean else np.nan,
            "median": np.median(e.draws, axis=(0, 1)),
            "lb": lower,
            "ub": upper,
            "ci_prob": CI_PROB,
            "ci_kind": CI_KIND,
            "p_gt_0": ((e.draws > 0) + unknown).mean((0, 1)),
            "p_rope": (inside + unknown).mean((0, 1)),
            "rope_lower": rope[0],
            "rope_upper": rope[1],
            **e.diagnosed,
            "note": e.notes,
        }
    )
