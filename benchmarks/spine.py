"""How long a user waits: import, help, demo and the real CAT card, cold and warm.

    uv run python benchmarks/spine.py [--repeat 3]

Cold: no parsed data, no compiled code.  Warm: both are in their caches, nothing is fitted yet.  Medians over
repeats, wall time from process start to exit, in new folders each time.  Peers are not run here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = Path(sys.executable).with_name("bayes-hr")


def wall(command: list[str | Path], **environment: str) -> float:
    """Seconds from process start to exit; the command must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, **environment}, capture_output=True)
    return time.perf_counter() - start


def fitted(command: list[str | Path], caches: Path, out: Path) -> tuple[float, dict]:
    """Wall time and summary of a command that fits into ``out``."""
    environment = {
        "PYTENSOR_FLAGS": f"base_compiledir={caches / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(caches / "numba"),
        "BAYES_HR_CACHE": str(caches / "data"),
    }
    seconds = wall([*command, "--out", out], **environment)
    return seconds, json.loads((out / "summary.json").read_text())


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    rows: list[tuple[str, list[float], str]] = []
    quick = {
        "import bayes_hr": [sys.executable, "-c", "import bayes_hr"],
        "bayes-hr --help": [SCRIPT, "--help"],
    }
    for name, command in quick.items():
        wall(command)
        rows.append((name, [wall(command) for _ in range(repeat)], ""))
    for name, command in {"demo": [SCRIPT, "demo"], "fit cat_hrps": [SCRIPT, "fit", "cat_hrps"]}.items():
        times: dict[str, list[float]] = {"cold": [], "warm": []}
        note = ""
        for _ in range(repeat):
            with tempfile.TemporaryDirectory() as folder:
                for state in ("cold", "warm"):
                    seconds, summary = fitted(command, Path(folder), Path(folder) / state)
                    times[state].append(seconds)
                    ess = min(min(e["ess_bulk"], e["ess_tail"]) for e in summary["effects"])
                    parts = summary["seconds"]
                    note = (
                        f"{summary['verdict']}, {summary['rows']:,} rows, smallest ESS {ess:,.0f}; "
                        f"last: compile {parts['compile']:.0f} s, sample {parts['sample']:.0f} s"
                    )
        rows += [(f"bayes-hr {name}, {state}", values, note) for state, values in times.items()]
    print("| what | median s | all | |\n|---|---|---|---|")
    for name, values, note in rows:
        every = ", ".join(f"{v:.2f}" if v < 10 else f"{v:.0f}" for v in values)
        print(f"| `{name}` | {statistics.median(values):.2f} | {every} | {note} |")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"\n{machine}; peak memory of a process {peak:.1f} GiB")


if __name__ == "__main__":
    main()
