"""Slice samplers on targets whose moments are known, and chains: seeds, processes, progress, interruption.

Moments of slice draws: |z| < 4.5 with ArviZ's Monte Carlo errors; distributions by Kolmogorov and Smirnov on
draws thinned to be independent, p > 1e-4; seeds fixed.  Draws of chains: bit for bit.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pytest
from country_years import country_years
from country_years import settings_of as settings_with
from scipy import stats

from bayes_hr.engines import chains, slices
from bayes_hr.engines.chains import kept_draws, run_chains
from bayes_hr.engines.country_year import CountryYear
from bayes_hr.engines.settings import SamplerSettings
from bayes_hr.engines.slices import Here, Near
from bayes_hr.errors import TaskFailureError

COVARIANCE = np.array([[1.0, 0.9], [0.9, 2.0]])
CENTRE = np.array([1.0, -2.0])
NORMAL = stats.multivariate_normal(CENTRE, COVARIANCE)


def check(draws: np.ndarray, truth: Any, thin: int) -> None:
    """Mean, variance and distribution of (n,) draws of a chain."""
    for values, exact in ((draws, truth.mean()), ((draws - truth.mean()) ** 2, truth.var())):
        error = float(az.mcse(values[None], method="mean"))
        assert abs(values.mean() - exact) < 4.5 * error
    assert float(az.ess(draws[None])) > draws.size / thin
    assert stats.kstest(draws[::thin], truth.cdf).pvalue > 1e-4


# ---------------------------------------------------------------- slices


@pytest.mark.parametrize(
    ("near", "thin"),
    [
        (Near(CENTRE, np.linalg.cholesky(COVARIANCE)), 8),
        (Near(np.array([4.0, 2.0]), np.diag([0.5, 3.0])), 60),
        (Near(np.array([0.0, 0.0]), np.diag([8.0, 8.0])), 40),
    ],
    ids=["good", "displaced", "far too wide"],
)
def test_elliptical_slices_leave_a_normal_as_it_is_however_bad_the_t(near: Near, thin: int) -> None:
    rng, draws = np.random.default_rng(5), []
    root = np.linalg.inv(np.linalg.cholesky(COVARIANCE))

    def target(x: np.ndarray) -> tuple[float, Any]:
        z = root @ (x - CENTRE)
        return -0.5 * float(z @ z), x.sum()

    here = Here(CENTRE, *target(CENTRE))
    for _ in range(4_000):
        here = slices.elliptical(rng, target, here, near)
        draws.append(here.x)
    assert here.payload == here.x.sum(), "what was computed at the point that was taken"
    at = np.array(draws)
    check(at[:, 0], stats.norm(1.0, 1.0), thin)
    check(at[:, 1] - at[:, 0], stats.norm(-3.0, np.sqrt(3.0 - 1.8)), thin)


def test_elliptical_slices_stay_within_an_edge() -> None:
    """A half-normal next to zero: the density is nothing on the other side."""
    rng, near, draws = np.random.default_rng(6), Near(np.array([0.2]), np.array([[1.0]])), []

    def target(x: np.ndarray) -> tuple[float, Any]:
        return (-0.5 * float(x[0]) ** 2 if x[0] > 0 else -np.inf), None

    here = Here(np.array([1.0]), *target(np.array([1.0])))
    for _ in range(4_000):
        here = slices.elliptical(rng, target, here, near)
        draws.append(here.x[0])
    check(np.array(draws), stats.halfnorm(), 8)


def test_elliptical_slices_say_where_a_density_is_nowhere_finite() -> None:
    rng, near = np.random.default_rng(7), Near(np.zeros(1), np.eye(1))
    with pytest.raises(FloatingPointError, match="no acceptable point"):
        slices.elliptical(rng, lambda _: (np.nan, None), Here(np.ones(1), 0.0, None), near)


@pytest.mark.parametrize("width", [0.08, 1.0, 30.0])
def test_univariate_slices_leave_a_gamma_as_it_is(width: float) -> None:
    rng, x, draws = np.random.default_rng(8), 2.0, []

    def log_density(v: float) -> float:
        return 2.0 * float(np.log(v)) - v if v > 0 else -np.inf

    for _ in range(3_000):
        x = slices.univariate(rng, log_density, x, width)
        draws.append(x)
    check(np.array(draws), stats.gamma(3.0), 20)


def test_one_coordinate_is_drawn_given_the_others() -> None:
    rng, x, draws = np.random.default_rng(9), np.array([3.0, 0.0]), []
    precision = np.linalg.inv(COVARIANCE)

    def log_density(v: np.ndarray) -> float:
        return -0.5 * float((v - CENTRE) @ precision @ (v - CENTRE))

    for _ in range(3_000):
        new = slices.coordinate(rng, log_density, x, 1, 1.0)
        assert new[0] == 3.0
        assert new is not x
        x = new
        draws.append(x[1])
    check(np.array(draws), stats.norm(-2.0 + 0.9 * 2.0, np.sqrt(2.0 - 0.81)), 10)


def test_the_t_at_a_mode_and_the_t_of_a_history() -> None:
    narrow = stats.multivariate_normal(CENTRE, 0.2 * COVARIANCE)
    near = slices.laplace(lambda x: (float(narrow.logpdf(x)), None), np.zeros(2))
    np.testing.assert_allclose(near.centre, CENTRE, atol=0.02)
    np.testing.assert_allclose(near.root @ near.root.T, 0.2 * COVARIANCE, rtol=0.01)
    flat = slices.laplace(lambda x: (1e-4 * float(NORMAL.logpdf(x)), None), np.zeros(2))
    np.testing.assert_allclose(flat.root @ flat.root.T, np.eye(2), atol=1e-8)
    history = NORMAL.rvs(4000, random_state=1)
    fitted = slices.fitted(history, slices.Near(np.full(2, 9.0), 5.0 * np.eye(2)))
    np.testing.assert_allclose(fitted.centre, CENTRE, atol=0.1)
    np.testing.assert_allclose(fitted.root @ fitted.root.T, slices.WIDER**2 * COVARIANCE, rtol=0.1)
    least = slices.Near(CENTRE, np.diag([4.0, 0.1]))
    wide = slices.fitted(history, near, least)
    turned = np.linalg.solve(least.root, wide.root)
    directions = np.linalg.eigvalsh(turned @ turned.T)
    assert directions.min() >= 1.0 - 1e-9, "in no direction narrower than the least"
    assert directions.max() > 100.0, "and as wide as the draws where they are wider"
    np.testing.assert_allclose(slices.fitted(history, near, near).root, fitted.root, rtol=0.2, atol=0.05)
    one = slices.fitted(history[:1].repeat(3, axis=0), near)
    assert np.linalg.det(one.root) > 0, "three draws at one place leave the t before"
    assert slices.fitted(history[:1], near) is near, "one draw has no covariance"


# ---------------------------------------------------------------- chains

MODEL = CountryYear.of(country_years(5, 5, rho="uniform(-1, 1)"))


def settings_of(**changes: Any) -> SamplerSettings:
    return settings_with(**{"tune": 30, "draws": 40, **changes})


class Counted:
    """The model with every step that is taken counted."""

    bulk = MODEL.bulk

    def __init__(self) -> None:
        self.steps = self.starts = 0

    def start(self, rng: np.random.Generator) -> Any:
        self.starts += 1
        return MODEL.start(rng)

    def step(self, rng: np.random.Generator, state: Any, tuning: tuple[int, int] | None) -> Any:
        self.steps += 1
        return MODEL.step(rng, state, tuning)

    values = staticmethod(MODEL.values)


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return set(a) == set(b) and all(np.array_equal(a[k], b[k]) for k in a)


@pytest.fixture(scope="module")
def uninterrupted() -> dict[str, np.ndarray]:
    return run_chains(MODEL, settings_of())


def test_the_same_seed_gives_the_same_draws_and_another_seed_others(
    uninterrupted: dict[str, np.ndarray],
) -> None:
    assert same(run_chains(MODEL, settings_of()), uninterrupted)
    other = run_chains(MODEL, settings_of(seed=4))
    assert not np.isin(other["sigma"], uninterrupted["sigma"]).any()
    assert not np.isin(uninterrupted["sigma"][0], uninterrupted["sigma"][1]).any(), "chains differ"
    more = run_chains(MODEL, settings_of(chains=3))
    assert same({k: v[:2] for k, v in more.items()}, uninterrupted)


def test_processes_give_the_same_draws(
    monkeypatch: pytest.MonkeyPatch, uninterrupted: dict[str, np.ndarray]
) -> None:
    heard: list[tuple[int, int]] = []
    monkeypatch.setattr(chains, "WORTH_A_PROCESS", 0.0)
    monkeypatch.setattr(chains, "_advance", None)  # of this process: chains run elsewhere
    found = run_chains(MODEL, settings_of(cores=2), lambda *n: heard.append(n))
    assert same(found, uninterrupted)
    assert heard[-1] == (140, 140)


class _Stop:
    """A progress that interrupts once so many steps are done."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, done: int, total: int) -> None:
        if done >= self.after:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [20, 50, 110])
def test_an_interrupted_run_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uninterrupted: dict[str, np.ndarray], after: int
) -> None:
    """In the warm-up of the first chain, among its draws, and in the second chain."""
    monkeypatch.setattr(chains, "EVERY", 0.0)
    _tell_always(monkeypatch)
    first, second = Counted(), Counted()
    with pytest.raises(KeyboardInterrupt):
        run_chains(first, settings_of(), _Stop(after), tmp_path)
    assert first.steps == after
    heard: list[tuple[int, int]] = []
    found = run_chains(second, settings_of(), lambda *n: heard.append(n), tmp_path)
    assert same(found, uninterrupted)
    assert first.steps + second.steps == 141, "only the step that was not saved is taken again"
    assert first.starts + second.starts == 2
    assert heard[-1] == (140, 140)
    third = Counted()
    assert same(run_chains(third, settings_of(), _last(heard), tmp_path), uninterrupted)
    assert third.steps == third.starts == 0, "finished chains are read"
    assert heard[-1] == (140, 140)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chain-0.pickle", "chain-1.pickle"]


def _last(heard: list[tuple[int, int]]) -> Callable[[int, int], None]:
    heard.clear()
    return lambda *n: heard.append(n)


def _tell_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by which every step takes a second."""
    now = iter(range(10**9))
    monkeypatch.setattr(chains.time, "perf_counter", lambda: float(next(now)))


def test_interrupted_processes_go_on_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uninterrupted: dict[str, np.ndarray]
) -> None:
    monkeypatch.setattr(chains, "WORTH_A_PROCESS", 0.0)
    long = settings_of(cores=2, tune=100, draws=20_000)
    with pytest.raises(KeyboardInterrupt):
        run_chains(MODEL, long, _Stop(150), tmp_path)
    found = run_chains(MODEL, settings_of(cores=2), folder=tmp_path / "other")
    assert same(found, uninterrupted)


class Deadly(Counted):
    """A model that kills the worker of the second chain, once, when the first chain is saved."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.home = folder, os.getpid()

    def step(self, rng: np.random.Generator, state: Any, tuning: tuple[int, int] | None) -> Any:
        seed = rng.bit_generator.seed_seq
        second = isinstance(seed, np.random.SeedSequence) and list(np.atleast_1d(seed.entropy))[-1] == 1
        if second and os.getpid() != self.home and not (self.folder / "killed").exists():
            for _ in range(300):
                if (self.folder / "chain-0.pickle").exists():
                    (self.folder / "killed").touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(0.1)
        return super().step(rng, state, tuning)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals of POSIX")
def test_a_worker_that_is_killed_is_told_and_what_was_saved_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uninterrupted: dict[str, np.ndarray]
) -> None:
    monkeypatch.setattr(chains, "WORTH_A_PROCESS", 0.0)
    with pytest.raises(TaskFailureError, match=r"worker process died .* the same call goes on from there"):
        run_chains(Deadly(tmp_path), settings_of(cores=2), folder=tmp_path)
    assert same(run_chains(Deadly(tmp_path), settings_of(cores=2), folder=tmp_path), uninterrupted)
    (tmp_path / "killed").unlink()
    (tmp_path / "chain-1.pickle").unlink()
    with pytest.raises(TaskFailureError, match=r"killed from outside\)\.$"):
        run_chains(Deadly(tmp_path), settings_of(cores=2))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the states of processes from /proc")
def test_workers_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_chains as t
t.chains.WORTH_A_PROCESS = 0.0
t.run_chains(t.Told({str(tmp_path)!r}), t.settings_of(cores=2, tune=10**6))
"""
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        for _ in range(300):
            workers = [int(p.name) for p in tmp_path.iterdir() if int(p.name) != process.pid]
            if len(workers) == 2:
                break
            time.sleep(0.1)
        process.kill()
    assert len(workers) == 2
    for _ in range(50):
        if not any(_runs(w) for w in workers):
            return
        time.sleep(0.1)
    pytest.fail("workers go on")


def _runs(pid: int) -> bool:
    """Whether a process is there, and not only its entry, which nobody may have come to read (a zombie)."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Told(Counted):
    """A model that leaves the number of each process it runs in."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def start(self, rng: np.random.Generator) -> Any:
        Path(self.folder, str(os.getpid())).touch()
        return super().start(rng)


def test_of_bulk_values_evenly_spread_draws_are_kept(uninterrupted: dict[str, np.ndarray]) -> None:
    class Bulky(Counted):
        bulk = frozenset({"u_country"})

    settings = settings_of(chains=1, tune=20, draws=150)
    every, found = run_chains(MODEL, settings), run_chains(Bulky(), settings)
    kept = kept_draws(150)
    assert (kept.size, kept[0], kept[-1]) == (chains.KEPT, 0, 149)
    assert np.array_equal(found["u_country"], every["u_country"][:, kept])
    assert np.array_equal(found["sigma"], every["sigma"])
    assert kept_draws(30).tolist() == list(range(30))
