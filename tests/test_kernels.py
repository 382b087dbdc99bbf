"""Kernels on plain arrays against dense linear algebra that knows nothing of quasi-differences.

Tolerances. Algebra: sums of some 50 products of numbers of size 1, condition numbers up to 1e4 (rho .98),
so 1e-9 relative. Monte Carlo: means of 2,000 independent draws within 4.5 standard errors (p < 1e-5 for each
of about 30 comparisons), covariances likewise with the Gaussian variance (C_ij**2 + C_ii C_jj) / n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bayes_hr.kernels import (
    RowOrder,
    draw_group_effects,
    group_cross_products,
    group_sums,
    lag_one_autocorrelation,
    nominal_whitening,
    quasi_difference,
    row_order,
    transition,
)

RTOL = 1e-9
Z_MAX = 4.5
N_DRAWS = 2_000


@dataclass(frozen=True)
class Rows:
    unit: np.ndarray
    year: np.ndarray
    order: RowOrder


def rows_with_gaps(rng: np.random.Generator, n_units: int = 5, span: int = 12) -> Rows:
    """Units with random years missing; one unit has a single row."""
    unit, year = [], []
    for u in range(n_units):
        size = 1 if u == 2 else int(rng.integers(3, span - 2))
        years = np.sort(rng.choice(span, size=size, replace=False))
        unit += [u] * size
        year += years.tolist()
    both = np.array(unit, dtype=np.int64), np.array(year, dtype=np.int64)
    return Rows(*both, row_order(*both))


def dense_covariance(rows: Rows, rho: float, sigma: float) -> np.ndarray:
    """Cov(e_s, e_t) = sigma^2 rho^|s - t| / (1 - rho^2) in a unit, 0 between units."""
    apart = np.abs(rows.year[:, None] - rows.year[None, :])
    same = rows.unit[:, None] == rows.unit[None, :]
    return np.where(same, sigma**2 * float(rho) ** apart / (1 - rho**2), 0.0)


# ---------------------------------------------------------------- rows in order


def test_row_order_of_a_small_history() -> None:
    order = row_order(np.array([0, 0, 0, 1, 2, 2]), np.array([1990, 1991, 1995, 1980, 2000, 2002]))
    assert order.first.tolist() == [True, False, False, True, True, False]
    assert order.previous.tolist() == [0, 0, 1, 3, 4, 4]
    assert order.gap.tolist() == [0, 1, 4, 0, 0, 2]


@pytest.mark.parametrize(
    ("unit", "year"),
    [
        ([0, 0], [1991, 1990]),
        ([0, 0], [1990, 1990]),
        ([1, 0], [1990, 1990]),
        ([0, 1, 0], [1990, 1990, 1991]),
    ],
)
def test_rows_out_of_order_or_twice_are_refused(unit: list[int], year: list[int]) -> None:
    with pytest.raises(ValueError, match="sorted by unit and year, with each year once"):
        row_order(np.array(unit), np.array(year))


def test_transition_over_a_gap_is_that_of_the_yearly_process() -> None:
    order = row_order(np.array([0, 0, 0]), np.array([0, 1, 4]))
    rho = -0.7
    weight, variance = transition(rho, order)
    assert weight == pytest.approx([0, rho, rho**3])
    assert variance == pytest.approx([1 / (1 - rho**2), 1.0, 1 + rho**2 + rho**4])


@pytest.mark.parametrize("rho", [-0.95, -0.3, 0.0, 0.5, 0.98])
@pytest.mark.parametrize("seed", range(3))
def test_quasi_differences_give_the_dense_normal_density(rho: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, sigma = rows_with_gaps(rng), 0.7
    assert rows.order.gap.max() > 1
    y = rng.normal(size=rows.unit.size)
    z = quasi_difference(y, rho, rows.order) / sigma
    variance = transition(rho, rows.order)[1] * sigma**2
    ours = stats.norm.logpdf(z).sum() - 0.5 * np.log(variance).sum()
    dense = stats.multivariate_normal(cov=dense_covariance(rows, rho, sigma)).logpdf(y)
    assert ours == pytest.approx(dense, rel=RTOL)


@settings(max_examples=60, deadline=None)
@given(rho=st.floats(-0.98, 0.98), seed=st.integers(0, 10_000))
def test_quasi_differencing_whitens_the_dense_covariance(rho: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rows_with_gaps(rng, n_units=4)
    D = quasi_difference(np.eye(rows.unit.size), rho, rows.order)
    white = D @ dense_covariance(rows, rho, 1.0) @ D.T
    assert white == pytest.approx(np.eye(len(D)), abs=1e-9)
    a = rng.normal(size=(rows.unit.size, 2))
    assert quasi_difference(a, rho, rows.order) == pytest.approx(D @ a, abs=1e-9)
    assert quasi_difference(a[:, 0], rho, rows.order) == pytest.approx(D @ a[:, 0], abs=1e-9)


def test_rho_zero_leaves_rows_as_they_are() -> None:
    rows = rows_with_gaps(np.random.default_rng(1))
    y = np.arange(rows.unit.size, dtype=float)
    assert quasi_difference(y, 0.0, rows.order) == pytest.approx(y, abs=0)


def test_group_sums_and_cross_products() -> None:
    rng = np.random.default_rng(2)
    index = np.array([0, 2, 2, 0, 4])  # groups 1 and 3 are empty
    W, z = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    products, mixed = group_cross_products(W, z, index, 5)
    sums = group_sums(z, index, 5)
    for g in range(5):
        mine = index == g
        assert products[g] == pytest.approx(W[mine].T @ W[mine], rel=RTOL)
        assert mixed[g] == pytest.approx(W[mine].T @ z[mine], rel=RTOL)
        assert sums[g] == pytest.approx(z[mine].sum(axis=0), rel=RTOL)


# ---------------------------------------------------------------- group effects


class Noise:
    """A generator whose standard normal numbers are known."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return self.values.reshape(shape)


@pytest.mark.parametrize(("rho", "seed"), [(0.8, 1), (-0.6, 2), (0.0, 3)])
@pytest.mark.parametrize("corr", [-0.9, 0.3])
def test_draws_of_group_effects_have_the_exact_conditional(rho: float, seed: int, corr: float) -> None:
    rng = np.random.default_rng(seed)
    rows, sigma, G, q = rows_with_gaps(rng), 0.4, 5, 2
    n = rows.unit.size
    Z = np.c_[np.ones(n), rng.integers(0, 2, n).astype(float)]
    Z[rows.unit == 1, 1] = 0.0  # a country that never ratifies: its effect comes from the prior
    sd = np.array([1.2, 0.5])
    Sigma = np.diag(sd) @ np.array([[1, corr], [corr, 1]]) @ np.diag(sd)
    residual = rng.normal(size=n)
    # Dense: u ~ N(0, I x Sigma), y | u ~ N(Bu, R); mean and covariance by conditioning, not by precision.
    B = np.zeros((n, G * q))
    for row, unit in enumerate(rows.unit):
        B[row, unit * q : (unit + 1) * q] = Z[row]
    prior, R = np.kron(np.eye(G), Sigma), dense_covariance(rows, rho, sigma)
    gain = prior @ B.T @ np.linalg.inv(B @ prior @ B.T + R)
    mean, cov = gain @ residual, prior - gain @ B @ prior

    def draw(rng: Any) -> np.ndarray:
        return draw_group_effects(
            rng=rng,
            residual=residual,
            Z=Z,
            index=rows.unit,
            n_groups=G,
            order=rows.order,
            rho=rho,
            sigma=sigma,
            factor=np.linalg.cholesky(Sigma),
        ).ravel()

    # Exact: a draw is mean + A noise, so that noise 0 gives the mean and unit noises the columns of A.
    assert draw(Noise(np.zeros(G * q))) == pytest.approx(mean, rel=1e-8, abs=1e-10)
    A = np.stack([draw(Noise(e)) - mean for e in np.eye(G * q)], axis=1)
    implied = A @ A.T
    assert implied == pytest.approx(cov, rel=1e-8, abs=1e-8)

    draws = np.array([draw(rng) for _ in range(N_DRAWS)])
    error = (draws.mean(axis=0) - mean) / np.sqrt(np.diag(cov) / N_DRAWS)
    assert np.abs(error).max() < Z_MAX
    spread = np.sqrt((cov**2 + np.outer(np.diag(cov), np.diag(cov))) / N_DRAWS)
    assert np.abs((np.cov(draws.T) - cov) / spread).max() < Z_MAX


def test_the_factor_need_not_be_a_cholesky_factor_of_full_rank() -> None:
    """A group SD of 0 gives effects of 0, not an error."""
    rows = rows_with_gaps(np.random.default_rng(5))
    n = rows.unit.size
    u = draw_group_effects(
        rng=np.random.default_rng(0),
        residual=np.ones(n),
        Z=np.ones((n, 1)),
        index=rows.unit,
        n_groups=5,
        order=rows.order,
        rho=0.5,
        sigma=1.0,
        factor=np.zeros((1, 1)),
    )
    assert u == pytest.approx(0.0, abs=0)


# ---------------------------------------------------------------- whitening


@pytest.mark.parametrize("rho", [-0.4, 0.0, 0.95])
def test_nominal_whitening_is_the_dense_posterior_of_the_population_terms(rho: float) -> None:
    rng = np.random.default_rng(7)
    rows, sigma = rows_with_gaps(rng), 0.5
    n, k = rows.unit.size, 4
    X, y = rng.normal(size=(n, k)), rng.normal(size=n) * 3
    X[:, 3] = X[:, 2]  # collinear: the prior alone tells them apart
    Z, group_sd = np.c_[np.ones(n), rng.normal(size=n)], np.array([1.5, 0.3])
    prior_mean, prior_sd = rng.normal(size=k), np.array([2.0, 1.0, 0.5, 0.7])
    V = dense_covariance(rows, rho, sigma)
    for g in range(5):
        mine = np.flatnonzero(rows.unit == g)
        V[np.ix_(mine, mine)] += (Z[mine] * group_sd**2) @ Z[mine].T
    inverse = np.linalg.inv(V)
    cov = np.linalg.inv(X.T @ inverse @ X + np.diag(prior_sd**-2))
    mean = cov @ (X.T @ inverse @ y + prior_mean / prior_sd**2)
    ours = nominal_whitening(
        X=X, y=y, prior_mean=prior_mean, prior_sd=prior_sd, Z=Z, index=rows.unit, n_groups=5,
        order=rows.order, rho=rho, sigma=sigma, group_sd=group_sd,
    )  # fmt: skip
    assert ours.centre == pytest.approx(mean, rel=1e-8)
    assert ours.matrix @ ours.matrix.T == pytest.approx(cov, rel=1e-8, abs=1e-10)
    assert np.tril(ours.matrix, -1) == pytest.approx(0.0, abs=0), "the transform solves an upper triangle"


def test_lag_one_autocorrelation_uses_neighbouring_years_only() -> None:
    unit, year = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 5, 0, 1])
    residual = np.array([1.0, 2.0, -9.0, 3.0, 1.0])
    expected = (1 * 2 + 3 * 1) / np.sqrt((4 + 1) * (1 + 9))
    assert lag_one_autocorrelation(residual, row_order(unit, year)) == pytest.approx(expected)


def test_lag_one_autocorrelation_recovers_rho() -> None:
    rng = np.random.default_rng(8)
    n, rho = 20_000, 0.6
    e = np.zeros(n)
    for t in range(1, n):
        e[t] = rho * e[t - 1] + rng.normal()
    estimate = lag_one_autocorrelation(e, row_order(np.zeros(n, int), np.arange(n)))
    assert abs(estimate - rho) < Z_MAX * np.sqrt((1 - rho**2) / n)
