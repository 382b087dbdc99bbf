"""A panel far larger than memory: time and memory of compressing and fitting it.

    uv run python benchmarks/large.py [--rows 1000000 10000000 100000000]

Rows of events in 180 countries and 60 years are simulated chunk by chunk, seeded, written to Parquet files in
a temporary folder, compressed from there and fitted.  Each size runs in a process of its own, whose peak
memory is read; simulating runs before in another.  Writes benchmarks/results/large.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CHUNK = 1_000_000
COUNTRIES, YEARS = 180, 60
RESULTS = Path(__file__).parent / "results" / "large.md"


def events(chunk: int, n: int) -> pd.DataFrame:
    """One chunk of events; countries, ratification years and levels are the same in all of them."""
    world, rng = np.random.default_rng(1), np.random.default_rng([2, chunk])
    when = np.where(world.random(COUNTRIES) < 0.25, np.nan, world.integers(1975, 2010, COUNTRIES))
    level, openness = world.normal(0, 0.8, COUNTRIES), world.normal(0, 1, (COUNTRIES, YEARS))
    effect = np.array([0.0, 0.3, 0.1])
    unit, year = rng.integers(0, COUNTRIES, n), rng.integers(0, YEARS, n)
    age, income = rng.normal(40, 12, n), rng.standard_normal(n) + level[unit]
    treated = 1960 + year - np.nan_to_num(when, nan=9999.0)[unit] >= 1
    eta = level[unit] + 0.01 * age + 0.2 * income + 0.1 * openness[unit, year] + effect[unit % 3] * treated
    regimes = np.array(["stable autocracy", "transition", "stable democracy"])
    return pd.DataFrame(
        {
            "ccode": 2 + 5 * unit,
            "year": 1960 + year,
            "regime": pd.Categorical.from_codes(unit % 3, regimes),
            "ratification_year": when[unit],
            "age": age,
            "income": income,
            "openness": openness[unit, year],
            "score": eta + rng.standard_normal(n),
        }
    )


def write(folder: Path, rows: int) -> None:
    """Parquet files of a chunk each."""
    for k, start in enumerate(range(0, rows, CHUNK)):
        events(k, min(CHUNK, rows - start)).to_parquet(folder / f"part-{k:04d}.parquet", index=False)


def measure(folder: Path, rows: int) -> dict[str, Any]:
    """Compress and fit what is in a folder; seconds, cells and peak memory of this process."""
    import bayes_hr

    names = ("age", "income", "openness")
    card = bayes_hr.load_card("demo_ratification").replace(
        panel="ratification",
        population=[{"name": name, "lag": 0} for name in names],
        error={"kind": "iid"},
        outcome={"name": "score"},
        treatment={"name": "a treaty"},
        fit={"chains": 4, "draws": 500, "tune": 400, "seed": 1},
    )
    start = time.perf_counter()
    chunks = bayes_hr.chunks_of_parquet(folder)
    data = bayes_hr.compress_chunks(chunks, outcome="score", covariates=names)
    compressed = time.perf_counter()
    assert data.n == rows
    fit = bayes_hr.fit(card, bayes_hr.Panel.from_compressed(data), reference=0, progress=lambda *_: None)
    fitted = time.perf_counter()
    effects = fit.effects("regime")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "rows": rows,
        "cells": len(data.cells),
        "disk": sum(p.stat().st_size for p in folder.iterdir()) / 1e9,
        "compress": compressed - start,
        "sample": fit.result.provenance["seconds"]["sample"],
        "fit": fitted - compressed,
        "peak": peak,
        "effects": {r.level: f"{r.mean:+.4f} ({r.lb:+.4f} to {r.ub:+.4f})" for r in effects.itertuples()},
    }


def apart(function: Any, *arguments: Any) -> Any:
    """Run in a fresh process, whose memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def report(found: list[dict[str, Any]]) -> str:
    """The results as a Markdown table."""
    lines = [
        "# Rows larger than memory",
        "",
        f"`benchmarks/large.py`, {os.cpu_count()} cores: rows in {COUNTRIES} countries and {YEARS} years "
        "from Parquet, three controls of which two vary within country-years, three classes, independent "
        "Gaussian errors; 4 chains of 400 + 500 draws. Peak memory is that of the main process.",
        "",
        "| rows | Parquet, GB | cells | compress, s | sampling, s | fit in all, s | peak, GiB |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r['rows']:,} | {r['disk']:.2f} | {r['cells']:,} | {r['compress']:.1f} | {r['sample']:.1f} | "
        f"{r['fit']:.1f} | {r['peak']:.2f} |"
        for r in found
    ]
    last = found[-1]
    truth = "truth: stable autocracy 0, transition 0.3, stable democracy 0.1"
    lines += ["", f"Effects by class at {last['rows']:,} rows ({truth}):", ""]
    lines += [f"- {level}: {text}" for level, text in last["effects"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10**6, 10**7, 10**8])
    found = []
    for rows in parser.parse_args().rows:
        folder = Path(tempfile.mkdtemp(prefix="bayes-hr-large-"))
        try:
            need, free = 60 * rows, shutil.disk_usage(folder).free
            if need > free / 2:
                raise SystemExit(
                    f"{rows:,} rows need {need / 1e9:.0f} GB in {folder}; {free / 1e9:.0f} are free"
                )
            apart(write, folder, rows)
            found.append(apart(measure, folder, rows))
        finally:
            shutil.rmtree(folder)
        print(json.dumps(found[-1], indent=1), flush=True)
        RESULTS.write_text(report(found), encoding="utf-8")


if __name__ == "__main__":
    main()
