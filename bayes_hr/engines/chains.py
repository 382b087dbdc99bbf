"""Chains of any sampler: in processes of their own where that pays, with progress, resumed where interrupted.

A chain's random numbers come from the seed and the chain's number alone, and linear algebra runs on one
thread, so draws do not depend on how many processes there were nor on interruptions.
"""

from __future__ import annotations

import pickle
import tempfile
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from bayes_hr.errors import TaskFailureError
from bayes_hr.tasks import start_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from bayes_hr.engines.settings import Progress, SamplerSettings

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

WORTH_A_PROCESS: Final = 3.0
"""Seconds of sampling from which on processes are started (each imports for about half a second)."""

KEPT: Final = 100
"""Draws of a chain, evenly spread, that are kept of what nobody reads one by one (dyads)."""

EVERY: Final = 5.0
"""Seconds between two savings of a chain."""


class Model(Protocol):
    """What a chain runs."""

    @property
    def bulk(self) -> frozenset[str]:
        """Names of values too many to be kept at every draw: :data:`KEPT` draws of a chain are."""
        ...

    def start(self, rng: np.random.Generator) -> Any:
        """An overdispersed state."""
        ...

    def step(self, rng: np.random.Generator, state: Any, tuning: tuple[int, int] | None) -> Any:
        """The next state; ``tuning`` is the step and the length of the warm-up, None after it."""
        ...

    def values(self, rng: np.random.Generator, state: Any) -> Mapping[str, Array]:
        """What is kept of a state, by name."""
        ...


@dataclass
class Chain:
    """A chain under way: its place, its state and what it has kept."""

    rng: np.random.Generator
    state: Any = None
    done: int = 0
    kept: dict[str, Array] = field(default_factory=dict)


def run_chains(
    model: Model, settings: SamplerSettings, progress: Progress | None = None, folder: Path | None = None
) -> dict[str, Array]:
    """Run all chains.

    Parameters
    ----------
    folder
        Where chains are saved on the way and found again; None keeps nothing.

    Returns
    -------
    dict
        (chains, draws, ...) by name.
    """
    with tempfile.TemporaryDirectory(prefix="bayes_hr-") as temporary:
        chains = _run(model, settings, Path(temporary) / "done", progress, folder)
    return {name: np.stack([c.kept[name] for c in chains]) for name in chains[0].kept}


def _run(
    model: Model, settings: SamplerSettings, shared: Path, progress: Progress | None, folder: Path | None
) -> list[Chain]:
    """The finished chains; ``shared`` is a file through which they tell how far they are."""
    counts = np.memmap(shared, np.int64, "w+", shape=(settings.chains,))
    total = settings.chains * (settings.tune + settings.draws)

    def report() -> None:
        if progress is not None:
            progress(int(counts.sum()), total)

    if settings.cores > 1 and _seconds(model, settings) > WORTH_A_PROCESS:
        chains = _in_processes(model, settings, str(shared), folder, report)
    else:
        chains = [
            _advance(model, settings, c, counts=counts, folder=folder, report=report)
            for c in range(settings.chains)
        ]
    report()
    return chains


def _seconds(model: Model, settings: SamplerSettings) -> float:
    """What sampling would take in this process, from a few steps whose draws are thrown away."""
    rng, start = np.random.default_rng(0), time.perf_counter()
    state, steps = model.start(rng), 0
    while steps < 3 or (time.perf_counter() - start < 0.1 and steps < 50):
        state = model.step(rng, state, (steps, settings.tune))
        steps += 1
    return (time.perf_counter() - start) / steps * settings.chains * (settings.tune + settings.draws)


def _in_processes(
    model: Model, settings: SamplerSettings, counts: str, folder: Path | None, report: Callable[[], None]
) -> list[Chain]:
    from concurrent.futures import wait

    from loky import get_reusable_executor

    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    pool = get_reusable_executor(
        max_workers=settings.cores, timeout=60, env=dict.fromkeys(threads, "1"), initializer=start_worker
    )
    futures = [pool.submit(_worker, model, settings, c, counts, folder) for c in range(settings.chains)]
    waiting, finished = set(futures), False
    try:
        while waiting:
            _, waiting = wait(waiting, timeout=0.2)
            report()
        chains = [f.result() for f in futures]
        finished = True
    except BrokenProcessPool as error:
        saved = folder is not None and any(folder.glob("chain-*.pickle"))
        again = " Chains were saved on the way: the same call goes on from there." if saved else ""
        died = f"sampling: a worker process died (not enough memory, or killed from outside).{again}"
        raise TaskFailureError(died, {"chains": str(error)}, {}) from error
    finally:
        if not finished:
            pool.shutdown(kill_workers=True)
    return chains


def _worker(model: Model, settings: SamplerSettings, number: int, counts: str, folder: Path | None) -> Chain:
    shared = np.memmap(counts, np.int64, "r+", shape=(settings.chains,))
    with threadpool_limits(1):
        return _advance(model, settings, number, counts=shared, folder=folder, report=lambda: None)


def _advance(
    model: Model,
    settings: SamplerSettings,
    number: int,
    *,
    counts: Index,
    folder: Path | None,
    report: Callable[[], None],
) -> Chain:
    """Run one chain to its end, from where it was saved."""
    path = None if folder is None else folder / f"chain-{number}.pickle"
    chain = _resumed(path) or Chain(np.random.default_rng([settings.seed, number]))
    if chain.done == 0:
        chain.state = model.start(chain.rng)
    counts[number] = chain.done
    saved = told = time.perf_counter()
    for step in range(chain.done, settings.tune + settings.draws):
        tuning = (step, settings.tune) if step < settings.tune else None
        chain.state = model.step(chain.rng, chain.state, tuning)
        if tuning is None:
            _keep(chain, step - settings.tune, settings.draws, model)
        chain.done = step + 1
        counts[number] = chain.done
        now = time.perf_counter()
        if now - told > 0.1:
            report()
            told = now
        if path is not None and now - saved > EVERY:
            _save(chain, path)
            saved = now
    chain.state = None
    if path is not None:
        _save(chain, path)
    return chain


def kept_draws(draws: int) -> Index:
    """Positions of the draws that are kept of bulk values."""
    return np.unique(np.linspace(0, draws - 1, min(KEPT, draws)).astype(int))


def _keep(chain: Chain, draw: int, draws: int, model: Model) -> None:
    thinned = kept_draws(draws)
    at = int(np.searchsorted(thinned, draw))
    for name, value in model.values(chain.rng, chain.state).items():
        bulk = name in model.bulk
        if bulk and (at == thinned.size or thinned[at] != draw):
            continue
        if name not in chain.kept:
            chain.kept[name] = np.empty((thinned.size if bulk else draws, *np.shape(value)))
        chain.kept[name][at if bulk else draw] = value


def _save(chain: Chain, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(pickle.dumps(chain))
    part.replace(path)


def _resumed(path: Path | None) -> Chain | None:
    """The chain as it was saved; the folder's name holds the digest of everything that it depends on."""
    if path is None or not path.is_file():
        return None
    chain: Chain = pickle.loads(path.read_bytes())
    return chain
