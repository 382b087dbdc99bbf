"""This package beside bambi, brms and lme4: the same rows, formula and nearest priors, medians of three.

    uv run python benchmarks/peers/peers.py [--case iid] [--repeat 3] [--bambi PYTHON]

Cases: ``iid`` and ``ar1`` (latent score v4.02, CAT, country-years from 1985 on), ``ordered`` (CIRIGHTS
torture). Every fit is a new process; wall time runs from its start to its last written draw. Smallest bulk
and tail ESS are over the same parameters for all: population coefficients (cut-points), SDs and correlation
of the country effects, sigma and rho. What is not installed, or cannot fit a case, reads "not run". Writes
``benchmarks/results/peers_<case>.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import arviz as az
import cases
import numpy as np
import pandas as pd

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
CHAINS, DRAWS, TUNE = 2, 1000, 1000
NAMES = {
    "gibbs": "bayes_hr, exact engine",
    "nuts": "bayes_hr, NUTS (nutpie)",
    "bambi pymc": "bambi, PyMC NUTS",
    "bambi nutpie": "bambi, nutpie",
    "brms": "brms, rstan",
    "lme4": "lme4 (REML, a point estimate)",
    "MCMCglmm": "MCMCglmm",
}
DIFFERENCES = {
    "bambi pymc": "country effects uncorrelated; cut-points have bambi's default prior",
    "bambi nutpie": "as bambi, PyMC NUTS",
    "brms": "AR(1) given the first error, gaps taken as one year; cut-points have brms' default prior",
    "lme4": "no priors",
}


@dataclass(frozen=True)
class Run:
    """One fit by one peer."""

    wall: float
    times: dict[str, float]
    memory: float
    bulk: float
    tail: float
    means: pd.Series


def command(peer: str, case: str, source: Path, out: Path, seed: int, bambi: Path) -> list[str] | None:
    """How a peer is run; None where it cannot."""
    numbers = [str(v) for v in (CHAINS, DRAWS, TUNE, seed)]
    if peer in {"gibbs", "nuts"}:
        return [sys.executable, str(HERE / "ours_case.py"), peer, case, str(out), *numbers]
    if peer.startswith("bambi"):
        if case == "ar1" or not bambi.exists():
            return None
        return [str(bambi), str(HERE / "bambi_case.py"), peer.split()[1], str(source), str(out), *numbers]
    rscript = shutil.which("Rscript")
    if rscript is None or (peer == "lme4" and case != "iid") or not installed(rscript, peer):
        return None
    return [rscript, str(HERE / "brms_case.R"), peer, str(source), str(out), *numbers]


def installed(rscript: str, package: str) -> bool:
    """Whether R has a package."""
    asked = f'quit(status = !requireNamespace("{package}", quietly = TRUE))'
    return package != "MCMCglmm" and subprocess.run([rscript, "-e", asked], check=False).returncode == 0


def run(peer: str, case: str, source: Path, seed: int, bambi: Path) -> Run | None:
    """One fit in a new process; None where it cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        line = command(peer, case, source, out, seed, bambi)
        if line is None:
            return None
        # Some machines set these for old OpenBLAS builds; they slow a current numpy (engine.md).
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
        start = time.perf_counter()
        with (out / "log").open("w") as log:
            process = subprocess.Popen(line, stdout=log, stderr=log, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        if status:
            print(f"{peer} on {case} failed:\n{(out / 'log').read_text()[-3000:]}", file=sys.stderr)
            return None
        times = json.loads((out / "times.json").read_text())
        bulk, tail, means = np.nan, np.nan, pd.Series(dtype=float)
        if (out / "draws.csv").exists():
            bulk, tail, means = effective(pd.read_csv(out / "draws.csv"))
        return Run(wall, times, usage.ru_maxrss / 2**20, bulk, tail, means)


def effective(draws: pd.DataFrame) -> tuple[float, float, pd.Series]:
    """Smallest bulk and tail ESS over the parameters that vary, and the posterior means."""
    chains = draws.pop(".chain")
    draws = draws.drop(columns=[c for c in draws if c == ".iteration"])
    draws = draws.loc[:, draws.std() > 0]
    arrays = {name: np.stack([v.to_numpy() for _, v in draws[name].groupby(chains)]) for name in draws}
    data = az.from_dict({"posterior": arrays})["posterior"].dataset
    bulk, tail = (min(float(v) for v in az.ess(data, method=m).values()) for m in ("bulk", "tail"))
    return bulk, tail, draws.mean()


def row(peer: str, runs: list[Run]) -> str:
    """A line of the table, medians over the runs."""

    def median(values: list[float]) -> float:
        return statistics.median(values)

    fitting = [r.wall - r.times["import"] - r.times.get("read", 0.0) for r in runs]
    parts = [median([r.times.get(k, 0.0) for r in runs]) for k in ("import", "compile", "sample")]
    ess = median([r.bulk for r in runs])
    rate = [
        median([r.bulk / s for r, s in zip(runs, by, strict=True)])
        for by in (fitting, [r.wall for r in runs])
    ]
    numbers = [f"{median([r.wall for r in runs]):.1f}", *(f"{v:.1f}" for v in parts)]
    if np.isfinite(ess):
        numbers += [
            f"{ess:,.0f}",
            f"{median([r.tail for r in runs]):,.0f}",
            f"{rate[0]:,.1f}",
            f"{rate[1]:,.1f}",
        ]
    else:
        numbers += ["-"] * 4
    return " | ".join(["", NAMES[peer], *numbers, f"{median([r.memory for r in runs]):.2f}", ""]).strip()


def main() -> int:
    """Run everything asked for; each case's table is written as soon as it is there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--case", choices=("iid", "ar1", "ordered"), action="append")
    parser.add_argument("--peer", choices=NAMES, action="append")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--bambi", type=Path, default=Path("/tmp/peers-bambi/bin/python"))
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    given = parser.parse_args()
    given.results.mkdir(exist_ok=True)
    for case in given.case or ("iid", "ar1", "ordered"):
        with tempfile.TemporaryDirectory() as folder:
            text = compared(case, Path(folder), given)
        print(text, flush=True)
        (given.results / f"peers_{case}.md").write_text(text)
    return 0


def compared(case: str, source: Path, given: argparse.Namespace) -> str:
    """The table of a case as Markdown."""
    facts = cases.write(case, source)
    head = ["", "peer", "wall s", "import s", "compile s", "sample s", "bulk ESS", "tail ESS"]
    head += ["ESS/s of fitting", "ESS/s of wall", "GiB", ""]
    lines = [
        f"# {facts['card']}, case {case}: {facts['rows']:,} country-years, {facts['countries']} countries",
        "",
        f"`{cases.FORMULA}`; {CHAINS} chains of {DRAWS} draws after {TUNE}; medians of {given.repeat}.",
        "",
        " | ".join(head).strip(),
        "|" + "---|" * (len(head) - 2),
    ]
    missing, notes = [], []
    for peer in given.peer or NAMES:
        found = [run(peer, case, source, seed, given.bambi) for seed in range(1, given.repeat + 1)]
        runs = [r for r in found if r is not None]
        if not runs:
            missing.append(NAMES[peer])
            continue
        lines.append(row(peer, runs))
        print(lines[-1], flush=True)
        if peer in DIFFERENCES:
            notes.append(f"- {NAMES[peer]}: {DIFFERENCES[peer]}")
    lines += ["", f"Not run: {', '.join(missing) or 'none'}.", "", *notes, ""]
    lines.append(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
