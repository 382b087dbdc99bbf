"""Every shipped card on the real data: verdict, wall time, smallest ESS and permuted reference, in one table.

    uv run python benchmarks/cards.py [--only CARD] [--reference 20] [--out FOLDER]

Each card is fitted by `bayes-hr fit` in a new process, whose wall time has panel, fit, refits and report.
Cards about ratification get as many refits with permuted years as asked for: enough to see what the reference
comes to, not a test (100 or more are).  Writes results/cards.csv and results/cards.md; cards of earlier runs
stay in them.  Exit code 1 if a card ends in FAIL.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayes_hr
from bayes_hr.checks.reference import SD

SCRIPT = Path(sys.executable).with_name("bayes-hr")
TABLE = Path(__file__).parent / "results" / "cards.csv"
REAL = sorted(str(name) for name in bayes_hr.list_cards() if not str(name).startswith("demo"))


def measured(name: str, reference: int, out: Path) -> dict[str, Any]:
    """One card, fitted in a process of its own."""
    asked = [] if bayes_hr.load_card(name).family == "convergence" else ["--reference", str(reference)]
    command = [str(SCRIPT), "fit", name, *asked, "--out", str(out / name)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - start
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{name}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    fit = bayes_hr.load_fit(out / name)
    effects, verdict = fit.effects(), fit.check()
    worst = effects.loc[effects["ess_bulk"].idxmin()]
    return {
        "card": name,
        "rows": len(fit.result.tree["observed_data"]["y"]),
        "engine": fit.card.fit.engine,
        "verdict": verdict.status,
        "reasons": ", ".join(c.name for c in verdict.checks if c.status in {"REVIEW", "FAIL"}),
        "wall_seconds": round(wall, 1),
        "sampling_seconds": round(float(fit.result.tree.attrs["sample_seconds"]), 1),
        "smallest_ess_bulk": float(worst["ess_bulk"]),
        "at": f"{worst['estimand']} {worst['level']} {worst['reference']}".strip(),
        **reference_of(fit),
    }


def reference_of(fit: Any) -> dict[str, Any]:
    """What the permuted reference comes to: intervals without 0, SD of country effects, the least p."""
    if fit.reference is None:
        return {"refits": 0}
    table = fit.reference.table
    spread = table["estimand"].str.startswith(SD)
    least = table.loc[table["p_value"].idxmin()]
    countries = table[table["estimand"] == f"{SD}country effects"]
    return {
        "refits": fit.reference.n,
        "excludes_0": float(table.loc[~spread, "excludes_0"].mean()),
        "sd_real": float(countries["mean"].max()) if len(countries) else np.nan,
        "sd_permuted": float(countries["permuted_mean"].max()) if len(countries) else np.nan,
        "least_p": float(least["p_value"]),
        "least_p_of": f"{least['level'] or least['estimand']} {least['reference']}".strip(),
    }


def markdown(table: pd.DataFrame) -> str:
    """The table for people."""
    head = ("card", "rows", "engine", "verdict (objections)", "wall s", "of it sampling", "smallest ESS (of)")
    head += (
        "refits",
        "permuted intervals without 0",
        "SD of country effects, real and permuted",
        "least p (of)",
    )
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for r in table.to_dict("records"):
        cells = [r["card"], f"{r['rows']:,}", r["engine"], f"{r['verdict']} ({r['reasons']})"]
        cells += [f"{r['wall_seconds']:.0f}", f"{r['sampling_seconds']:.0f}"]
        cells += [f"{r['smallest_ess_bulk']:,.0f} ({r['at']})", f"{r['refits']}"]
        if r["refits"]:
            sds = "-" if np.isnan(r["sd_real"]) else f"{r['sd_real']:.2f}, {r['sd_permuted']:.2f}"
            cells += [f"{r['excludes_0']:.0%}", sds, f"{r['least_p']:.2f} ({r['least_p_of']})"]
        lines.append(f"| {' | '.join([*cells, *['-'] * (len(head) - len(cells))])} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Fit the cards asked for and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=REAL, action="append")
    parser.add_argument("--reference", type=int, default=20)
    parser.add_argument("--out", type=Path, help="keep the fits here")
    given = parser.parse_args()
    rows = {} if not TABLE.exists() else {r["card"]: r for r in pd.read_csv(TABLE).to_dict("records")}
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.only or REAL:
            rows[name] = measured(name, given.reference, given.out or Path(temporary))
            table = pd.DataFrame([rows[k] for k in REAL if k in rows])
            table.to_csv(TABLE, index=False)
            TABLE.with_suffix(".md").write_text(markdown(pd.read_csv(TABLE, keep_default_na=True)))
            print(markdown(pd.DataFrame([rows[name]])).splitlines()[-1], flush=True)
    return 1 if "FAIL" in {r["verdict"] for r in rows.values()} else 0


if __name__ == "__main__":
    sys.exit(main())
