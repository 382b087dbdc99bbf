"""Diagnostics of many quantities at once are ArviZ' own, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayes_hr.estimands.diagnostics import ess_bulk, ess_tail, mcse_mean, r_hat

ENDS = (0.055, 0.945)
KINDS = ("independent", "sticky", "alternating", "apart", "trend", "ties", "two values", "heavy")


def draws_of(kind: str, chains: int, n: int, k: int = 7) -> np.ndarray:
    rng = np.random.default_rng([KINDS.index(kind), chains, n])
    x = rng.standard_normal((chains, n, k))
    if kind in {"sticky", "alternating"}:
        for t in range(1, n):
            x[:, t] += (0.95 if kind == "sticky" else -0.8) * x[:, t - 1]
    if kind == "apart":
        x += 3.0 * np.arange(chains)[:, None, None]
    if kind == "trend":
        x += np.linspace(0, 5, n)[None, :, None]
    if kind == "ties":
        x = np.round(x)
    if kind == "two values":
        x = (x > 1.5).astype(float)
    return np.exp(3 * x) if kind == "heavy" else x


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("chains", "n"), [(4, 500), (2, 101), (1, 60), (4, 7), (3, 4), (2, 12)])
def test_they_are_those_of_arviz(kind: str, chains: int, n: int) -> None:
    x = draws_of(kind, chains, n)
    axes = {"chain_axis": 0, "draw_axis": 1}
    with np.errstate(all="ignore"):
        theirs = (
            array_stats.ess(x, method="bulk", **axes),
            array_stats.ess(x, method="tail", prob=ENDS, **axes),
            array_stats.mcse(x, method="mean", **axes),
            array_stats.rhat(x, method="rank", **axes) if chains > 1 else np.full(x.shape[2], np.nan),
        )
        ours = (ess_bulk(x), ess_tail(x, ENDS), mcse_mean(x), r_hat(x))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_draw_that_is_not_a_number_spoils_its_own_quantity_only() -> None:
    x = draws_of("independent", 4, 50)
    clean = [f(x) for f in (ess_bulk, r_hat, mcse_mean)]
    x[1, 3, 2] = np.nan
    x[0, 0, 5] = np.inf
    for before, f in zip(clean, (ess_bulk, r_hat, mcse_mean), strict=True):
        with np.errstate(invalid="ignore"):
            after = f(x)
        assert np.isnan(after[[2, 5]]).all()
        np.testing.assert_allclose(np.delete(after, [2, 5]), np.delete(before, [2, 5]))


def test_thousands_of_quantities_are_cut_into_chunks() -> None:
    x = np.random.default_rng(0).standard_normal((4, 20, 700))
    np.testing.assert_allclose(ess_bulk(x)[600:], ess_bulk(x[:, :, 600:]))


def test_none_is_none() -> None:
    assert r_hat(np.zeros((4, 50, 0))).shape == (0,)
