"""How long a user waits: import, help, demo and the real CAT card, cold and warm.

    uv run python benchmarks/spine.py [--repeat 3]

Cold, once: no parsed data, no compiled code.  Warm: both are in their caches, nothing is fitted yet; medians
over repeats.  Wall time from process start to exit, in new folders each time.  Peers are not run here.
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
RESULTS = Path(__file__).parent / "results"


def wall(command: list[str | Path], **environment: str) -> float:
    """Seconds from process start to exit; the command must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, **environment}, capture_output=True)
    return time.perf_counter() - start


def fitted(command: list[str | Path], caches: Path, out: Path) -> tuple[float, str]:
    """Wall time of a command that fits into ``out``, and what its summaries say."""
    environment = {
        "PYTENSOR_FLAGS": f"base_compiledir={caches / 'pytensor'}",
        "NUMBA_CACHE_DIR": str(caches / "numba"),
        "BAYES_HR_CACHE": str(caches / "data"),
    }
    seconds = wall([*command, "--out", out], **environment)
    return seconds, "; ".join(note(json.loads(p.read_text())) for p in sorted(out.rglob("summary.json")))


def note(summary: dict) -> str:
    """Verdict, rows, smallest bulk and tail ESS of the effects, and where the time of sampling went."""
    bulk, tail = (min(e[f"ess_{kind}"] for e in summary["effects"]) for kind in ("bulk", "tail"))
    parts = summary["seconds"]
    return (
        f"{summary['verdict']}, {summary['rows']:,} rows, smallest ESS {bulk:,.0f} bulk, {tail:,.0f} tail, "
        f"compile {parts['compile']:.0f} s, sample {parts['sample']:.0f} s"
    )


def waits(repeat: int) -> list[tuple[str, list[float], str]]:
    """Name, seconds and note of every measurement."""
    rows: list[tuple[str, list[float], str]] = []
    quick = {
        "import bayes_hr": [sys.executable, "-c", "import bayes_hr"],
        "bayes-hr --help": [SCRIPT, "--help"],
    }
    for name, command in quick.items():
        wall(command)
        rows.append((name, [wall(command) for _ in range(repeat)], ""))
    long: dict[str, list[str | Path]] = {
        "demo": [SCRIPT, "demo"],
        "fit cat_hrps --reference 0": [SCRIPT, "fit", "cat_hrps", "--reference", "0"],
        "fit cat_hrps": [SCRIPT, "fit", "cat_hrps"],
    }
    for name, command in long.items():
        with tempfile.TemporaryDirectory() as folder:
            caches = Path(folder)
            seconds, said = fitted(command, caches, caches / "cold")
            rows.append((f"bayes-hr {name}, cold", [seconds], said))
            warm = [fitted(command, caches, caches / f"warm{k}") for k in range(repeat)]
            rows.append((f"bayes-hr {name}, warm", [s for s, _ in warm], warm[-1][1]))
        print(*rows[-2:], sep="\n", file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Print one Markdown table, and write it to benchmarks/results/spine.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3)
    lines = ["| what | median s | all | last |", "|---|---|---|---|"]
    for name, values, said in waits(parser.parse_args().repeat):
        every = ", ".join(f"{v:.2f}" if v < 10 else f"{v:.0f}" for v in values)
        lines.append(f"| `{name}` | {statistics.median(values):.2f} | {every} | {said} |")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines += ["", f"{machine}; peak memory of a process {peak:.1f} GiB", ""]
    text = "\n".join(lines)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "spine.md").write_text(text)


if __name__ == "__main__":
    main()
