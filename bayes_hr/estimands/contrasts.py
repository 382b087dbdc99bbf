"""Contrasts: every pair of classes, as draws."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.estimands.summary import EstimandDraws

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FIRST: Final = ("transition", "stable democracy", "stable autocracy")
"""Simmons' hypothesis is about transition, so it is the minuend of its contrasts."""


def pairwise(levels: Sequence[str], draws: NDArray[np.float64]) -> EstimandDraws:
    """Every contrast ``level - reference``.

    Parameters
    ----------
    levels
        k class labels.
    draws
        (chain, draw, k) class effects.
    """
    rank = {label: i for i, label in enumerate([*FIRST, *(x for x in levels if x not in FIRST)])}
    ordered = sorted(range(len(levels)), key=lambda i: rank[levels[i]])
    pairs = list(combinations(ordered, 2))
    differences = [draws[:, :, a] - draws[:, :, b] for a, b in pairs]
    return EstimandDraws(
        "contrast",
        "contrast",
        tuple(levels[a] for a, _ in pairs),
        tuple(levels[b] for _, b in pairs),
        ("",) * len(pairs),
        np.stack(differences, axis=2) if pairs else np.empty((*draws.shape[:2], 0)),
    )
