"""The verdict's thresholds as contracts.md has them, one by one, on hand-made diagnostics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_hr.checks import convergence as c
from bayes_hr.checks.result import FAIL, NOT_APPLICABLE, PASS, REVIEW, CheckResult, verdict_of

CLEAN = CheckResult("a", PASS, "fine")


def table(r_hat: float, ess: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "level": ["tau", "rho"],
            "r_hat": [1.0, r_hat],
            "ess_bulk": [5000.0, ess],
            "ess_tail": [5000.0, 5000.0],
        }
    )


@pytest.mark.parametrize(
    ("r_hat", "ess", "status"),
    [
        (1.009, 400, PASS),
        (1.0101, 400, REVIEW),
        (1.009, 399, REVIEW),
        (1.049, 100, REVIEW),
        (1.051, 4000, FAIL),
        (1.0, 99, FAIL),
        (np.nan, 4000, FAIL),
    ],
)
def test_mixing(r_hat: float, ess: float, status: str) -> None:
    assert c.mixing(table(r_hat, ess), r_hat=1.01, ess=400).status == status


def test_tail_ess_counts_too() -> None:
    bad = table(1.0, 4000).assign(ess_tail=[5000.0, 120.0])
    assert c.mixing(bad, r_hat=1.01, ess=400).status == REVIEW


def test_a_card_may_tighten() -> None:
    assert c.mixing(table(1.004, 900), r_hat=1.003, ess=400).status == REVIEW
    assert c.mixing(table(1.004, 900), r_hat=1.01, ess=1000).status == REVIEW


def stats(**arrays: np.ndarray) -> xr.Dataset:
    return xr.Dataset({k: (("chain", "draw"), v) for k, v in arrays.items()})


@pytest.mark.parametrize(("count", "status"), [(0, PASS), (3, REVIEW), (4, FAIL), (40, FAIL)])
def test_divergences(count: int, status: str) -> None:
    """0.1 % of 4,000 is 4: fewer is REVIEW."""
    values = np.zeros((4, 1000), bool)
    values.flat[:count] = True
    assert c.divergences(stats(diverging=values)).status == status


def test_tree_depth_energy_chains() -> None:
    hit = np.zeros((4, 100), bool)
    assert c.tree_depth(stats(reached_max_treedepth=hit)).status == PASS
    hit[0, 0] = True
    assert c.tree_depth(stats(reached_max_treedepth=hit)).status == REVIEW
    rng = np.random.default_rng(1)
    assert c.energy(stats(energy=rng.normal(size=(4, 500)))).status == PASS
    sticky = np.cumsum(rng.normal(size=(4, 500)), axis=1)
    assert c.energy(stats(energy=sticky)).status == REVIEW
    assert c.chains(xr.Dataset(coords={"chain": range(4), "draw": range(5)})).status == PASS
    assert c.chains(xr.Dataset(coords={"chain": range(3), "draw": range(5)})).status == REVIEW


def test_what_an_engine_lacks_is_not_applicable() -> None:
    for check in (c.divergences, c.tree_depth, c.energy):
        assert check(xr.Dataset()).status == NOT_APPLICABLE


def test_group_effects() -> None:
    rng = np.random.default_rng(2)
    u = rng.normal(size=(4, 400, 1500, 1))
    data = xr.Dataset({"u_country": (("chain", "draw", "country", "country_term"), u)})
    assert c.unreported_groups(data).status == PASS
    u[0, :, :3] += 5.0
    assert c.unreported_groups(data).status == REVIEW
    u[0, :, :200] += 5.0
    assert c.unreported_groups(data).status == FAIL


def test_rank_and_finite() -> None:
    assert c.rank(()).status == PASS
    named = c.rank(("tau[stable democracy]",))
    assert named.status == REVIEW
    assert "tau[stable democracy]" in named.text
    data = xr.Dataset({"sigma": (("chain", "draw"), np.ones((4, 3)))})
    assert c.finite(data).status == PASS
    data["sigma"][0, 0] = np.nan
    assert c.finite(data).status == FAIL


def test_the_worst_check_decides_and_says_why() -> None:
    review = CheckResult("b", REVIEW, "so-so", "draw more")
    fail = CheckResult("d", FAIL, "bad", "draw more")
    assert verdict_of([CLEAN, CheckResult("n", NOT_APPLICABLE, "")]).status == PASS
    assert verdict_of([CLEAN, review]).status == REVIEW
    worst = verdict_of([review, fail, CLEAN])
    assert worst.status == FAIL
    assert worst.reasons == ("b: so-so", "d: bad")
    assert worst.advice == ("draw more",)
    assert "FAIL" in worst.to_text()
