"""How long the panels take to build, and how much memory: each job in a fresh process.

    uv run python benchmarks/panels.py [--repeat 3]

First parse: the raw files into the parsed cache, once; those of the ratification panel by building it.
Everything after it starts from the parsed files.
"process": wall time from process start to exit; "inside": wall time of the job without imports; "CPU": the
same in processor time, which other work on the machine hardly moves.  Medians over repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

SOURCES = ("hrps_v402", "cow_igo_state_year", "cow_igo_igo_year", "cowstates", "codelist")

# ru_maxrss of a child starts at its parent's size at the fork, so the peak is the kernel's own figure for the
# new image (VmHWM of /proc); elsewhere ru_maxrss has to do.
JOB = """
import json, resource, time
from pathlib import Path
{imports}
start, begun = time.perf_counter(), time.process_time()
{work}
seconds, cpu = time.perf_counter() - start, time.process_time() - begun
status = Path("/proc/self/status")
if status.exists():
    peak = int(next(line for line in status.read_text().splitlines() if "VmHWM" in line).split()[1]) / 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([seconds, cpu, peak, rows]))
"""

PARSE = "\n".join(
    ["from bayes_hr.data.parsed import read_source", "rows = 0"]
    + [f"rows += len(read_source({source!r}))" for source in SOURCES]
)


def build(options: str, name: str = "convergence") -> str:
    """Code that builds a panel."""
    return f"rows = len(load_panel({name!r}{options}).frame)"


LOAD = "from bayes_hr.data.load import load_panel"
JOBS = {
    "import only": (LOAD, "rows = 0"),
    "ratification (CAT)": (LOAD, build("", "ratification")),
    "leave-one-out (default)": (LOAD, build("")),
    "inclusive": (LOAD, build(", mean='inclusive'")),
    "frozen at entry": (LOAD, build(", mean='frozen'")),
    "standardised by year": (LOAD, build(", standardise='year'")),
    "three IGOs": (LOAD, build(", igos=['COE', 'NATO', 'OAU']")),
    "with SDs, flags and controls": (
        LOAD,
        build(", uncertainty=True, accuracy='flag', controls='never_joined'"),
    ),
    "default and its decomposition": (
        LOAD + "; from bayes_hr.data.igo_decomposition import decompose",
        "rows = len(decompose(load_panel('convergence')).table)",
    ),
    "default and its digest": (
        LOAD,
        "panel = load_panel('convergence'); panel.digest(); rows = len(panel.frame)",
    ),
}

FIRST = {
    "first parse, the five files of convergence": ("", PARSE),
    "first parse, ratification's other files": (LOAD, build("", "ratification")),
    "first parse, regions": ("", "from bayes_hr.data.crosswalk import regions; rows = len(regions())"),
}


def run(imports: str, work: str, cache: str) -> tuple[float, float, float, float, int]:
    """Seconds of the process, seconds and processor seconds of the work, peak MiB, rows."""
    code = JOB.format(imports=imports, work=work)
    environment = {**os.environ, "BAYES_HR_CACHE": cache}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, env=environment, capture_output=True, text=True
    )
    wall = time.perf_counter() - start
    inside, cpu, peak, rows = json.loads(done.stdout.splitlines()[-1])
    return wall, inside, cpu, peak, rows


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    print("| job | process s | inside s | CPU s | peak MiB | rows |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        for name, job in FIRST.items():
            wall, inside, cpu, peak, rows = run(*job, cache)
            print(f"| {name} | {wall:.1f} | {inside:.1f} | {cpu:.1f} | {peak:.0f} | {rows:,} |")
        for name, (imports, work) in JOBS.items():
            runs = [run(imports, work, cache) for _ in range(repeat)]
            wall, inside, cpu, peak = (statistics.median(r[i] for r in runs) for i in range(4))
            print(f"| {name} | {wall:.1f} | {inside:.1f} | {cpu:.1f} | {peak:.0f} | {runs[0][4]:,} |")
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")


if __name__ == "__main__":
    main()
