"""Tasks and compression on a dask.distributed cluster: the results of one process, whatever dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from rows import COVARIATES, card, events

import bayes_hr
from bayes_hr.checks.reference import SHORT
from bayes_hr.cli import main
from bayes_hr.data.chunks import chunks_of_parquet, parts_of_parquet
from bayes_hr.data.compressed import compress, compress_chunks
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError, TaskFailureError
from bayes_hr.progress import silent
from bayes_hr.tasks import run_tasks

ITEMS = {f"item {i}": i for i in range(8)}
COLUMNS: dict[str, Any] = {"outcome": "score", "covariates": COVARIATES}


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two processes with a nanny each, which starts a killed one again."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=2,
        processes=True,
        dashboard_address=None,
        worker_dashboard_address=None,
    ) as found:
        yield found


@pytest.fixture(scope="module")
def client(cluster: LocalCluster) -> Iterator[Client]:
    with Client(cluster, set_as_default=False) as found:
        yield found


def draw(item: int, seed: int) -> dict[str, float]:
    return {"item": item, "value": float(np.random.default_rng(seed).normal())}


def logged(item: int, seed: int, *, log: Path) -> dict[str, float]:
    """Says that it began, and lets the test kill its process before it ends."""
    with (log / f"{item}").open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    time.sleep(0.3)
    return draw(item, seed)


def sometimes(item: int, seed: int) -> dict[str, float]:
    if item == 3:
        raise ValueError("item 3 cannot be")
    return draw(item, seed)


def overlap(item: int, seed: int, *, log: Path) -> bool:
    """Whether another task of this process was under way."""
    mark = log / f"busy-{os.getpid()}"
    busy = mark.exists()
    mark.touch()
    time.sleep(0.05)
    mark.unlink(missing_ok=True)
    return busy


def test_results_are_those_of_one_process(tmp_path: Path, cluster: LocalCluster, client: Client) -> None:
    expected = run_tasks(draw, ITEMS, folder=None, seed=5, progress=silent)
    assert run_tasks(draw, ITEMS, folder=None, scheduler=client, seed=5, progress=silent) == expected
    address = cluster.scheduler_address
    assert run_tasks(draw, ITEMS, folder=tmp_path, scheduler=address, seed=5, progress=silent) == expected
    # What a cluster left, one process reads.
    assert run_tasks(draw, ITEMS, folder=tmp_path, seed=5, progress=silent) == expected


def test_failures_are_listed_and_the_others_kept(tmp_path: Path, client: Client) -> None:
    with pytest.raises(TaskFailureError, match=r"1 of 8 .* failed\n.*item 3 cannot be") as caught:
        run_tasks(sometimes, ITEMS, folder=tmp_path, scheduler=client, progress=silent)
    assert len(caught.value.results) == 7


def test_a_worker_runs_one_task_at_a_time(tmp_path: Path, client: Client) -> None:
    assert not any(
        run_tasks(partial(overlap, log=tmp_path), ITEMS, folder=None, scheduler=client, progress=silent)
    )


def test_a_killed_worker_loses_nothing_and_counts_nothing_twice(tmp_path: Path, client: Client) -> None:
    log, kept = tmp_path / "log", tmp_path / "kept"
    log.mkdir()
    reported: list[int] = []

    def kill(done: int, total: int) -> None:
        """After the first result: the process that began last."""
        reported.append(done)
        if done == 1:
            last = max(log.iterdir(), key=lambda p: p.stat().st_mtime)
            killed.append(int(last.read_text().split()[-1]))
            os.kill(killed[-1], signal.SIGKILL)

    killed: list[int] = []
    task = partial(logged, log=log)
    found = run_tasks(task, ITEMS, folder=kept, scheduler=client, seed=5, progress=kill)
    assert found == run_tasks(draw, ITEMS, folder=None, seed=5, progress=silent)
    assert len(killed) == 1
    assert reported == list(range(len(ITEMS) + 1))
    assert len(list(kept.glob("task-*.json"))) == len(ITEMS)
    began = [line for p in log.iterdir() for line in p.read_text().split()]
    assert len(began) > len(ITEMS)  # so the kill did hit a task under way
    assert os.getpid() not in map(int, began)
    # Run again, nothing is run.
    run_tasks(task, ITEMS, folder=kept, scheduler=client, seed=5, progress=silent)
    assert sum(len(p.read_text().split()) for p in log.iterdir()) == len(began)


def test_compressed_on_a_cluster_as_here(tmp_path: Path, client: Client) -> None:
    frame = events()
    for k in range(5):
        frame.iloc[k::5].to_parquet(tmp_path / f"part-{k}.parquet")
    here = compress_chunks(chunks_of_parquet(tmp_path, batch_rows=500), **COLUMNS)
    parts = parts_of_parquet(tmp_path, batch_rows=200)
    one, other = (compress_chunks(parts, **COLUMNS, client=client) for _ in range(2))
    assert one.cells.equals(here.cells)
    np.testing.assert_allclose(one.means, here.means, rtol=1e-12)
    np.testing.assert_allclose(one.scatter, here.scatter, rtol=1e-9, atol=1e-9)
    for name in ("means", "scatter"):  # to the last bit: the order of merging is that of the parts
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
    assert compress_chunks(parts, **COLUMNS).n == len(frame)


def test_mistakes_on_a_cluster_are_named(tmp_path: Path, client: Client) -> None:
    frame = events(200)
    frame.to_parquet(tmp_path / "part-0.parquet")
    frame.assign(age=np.inf).to_parquet(tmp_path / "part-1.parquet")
    with pytest.raises(InputError, match=r"part 1 .*chunk 0 .*'age' has an infinite value in row 0"):
        compress_chunks(parts_of_parquet(tmp_path), **COLUMNS, client=client)
    with pytest.raises(InputError, match="parts that its workers read themselves"):
        compress_chunks([frame], **COLUMNS, client=client)
    with pytest.raises(InputError, match="neither an address nor a dask"):
        run_tasks(draw, ITEMS, folder=None, scheduler=3, progress=silent)


def test_permuted_refits_on_a_cluster_are_those_of_here(
    monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setitem(SHORT, "gibbs", {"chains": 1, "draws": 20, "tune": 10})
    panel = Panel.from_compressed(compress(events(), **COLUMNS))
    short = card(fit={"chains": 1, "draws": 20, "tune": 10})
    there = bayes_hr.fit(short, panel, reference=2, scheduler=client, progress=silent)
    here = there.permuted_reference(2, progress=silent)
    assert there.reference is not None
    assert here.reference is not None
    pd.testing.assert_frame_equal(there.reference.table, here.reference.table, rtol=1e-9)


def test_command_line_asks_the_scheduler_before_it_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bayes_hr.cluster._TIMEOUT", 0.5)
    out = ["--scheduler", "tcp://127.0.0.1:9", "--out", str(tmp_path / "out")]
    for command in ("fit", "calibrate"):
        assert main([command, "demo_ratification", *out]) == 2
        assert "scheduler: none answers" in " ".join(capsys.readouterr().err.split())
        assert not list(tmp_path.iterdir())


def test_nuts_is_not_for_clusters(client: Client) -> None:
    with pytest.raises(InputError, match="that the exact engine fits"):
        bayes_hr.fit("demo_ratification", engine="nuts", scheduler=client)


def test_a_cluster_without_refits_is_refused(client: Client) -> None:
    with pytest.raises(InputError, match="no permuted refits of card demo_ratification were asked for"):
        bayes_hr.fit("demo_ratification", reference=0, scheduler=client)


def test_no_scheduler_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayes_hr.cluster._TIMEOUT", 0.5)
    with pytest.raises(InputError, match=r"none answers at 'tcp://127\.0\.0\.1:9'"):
        run_tasks(draw, ITEMS, folder=None, scheduler="tcp://127.0.0.1:9", progress=silent)


@pytest.mark.parametrize("address", ["nonsense", "ftp://host:8786"])
def test_what_is_no_address_is_not_connected_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of it would hang for 20 seconds, and leave a traceback, when it is thrown away."""
    monkeypatch.setattr("distributed.client.Client.__init__", lambda *_, **__: pytest.fail("connects"))
    with pytest.raises(InputError, match=f"none answers at {address!r}"):
        run_tasks(draw, ITEMS, folder=None, scheduler=address, progress=silent)
