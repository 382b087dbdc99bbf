"""Draws the tables of peers.py: ``peers.png``, effective draws per second of fitting by case and peer.

uv run python benchmarks/peers/plot.py [--results DIR]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.ticker import NullFormatter

from bayes_hr.reporting import figures as fig

RESULTS = Path(__file__).parent.parent / "results"
TITLES = {
    "iid": "CAT panel, independent errors",
    "ar1": "CAT panel, AR(1) errors",
    "ordered": "CIRIGHTS torture, ordered",
}
RATE = "ESS/s of fitting"


def table(path: Path) -> pd.DataFrame:
    """Peers with draws, slowest first: ``peer``, and the rate as numbers."""
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "---" not in line]
    found = pd.DataFrame(cells[1:], columns=cells[0])
    found[RATE] = pd.to_numeric(found[RATE].str.replace(",", ""), errors="coerce")
    return found.dropna(subset=[RATE]).sort_values(RATE)


def main() -> None:
    """A point for each peer, a panel for each case that was run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    results = parser.parse_args().results
    tables = {case: table(p) for case in TITLES if (p := results / f"peers_{case}.md").exists()}
    with fig.style():
        figure, axes = fig.new_figure(8.0, 0.9 + 1.9 * len(tables), rows=len(tables))
        for axis, (case, rows) in zip(axes, tables.items(), strict=True):
            own = rows["peer"].str.startswith("bayes_hr")
            axis.scatter(rows[RATE], rows["peer"], color=[fig.ACCENT if o else "#6b6b6b" for o in own], s=60)
            for y, value in enumerate(rows[RATE]):
                axis.annotate(
                    f"{value:,.1f}", (value, y), xytext=(8, 0), textcoords="offset points", va="center"
                )
            axis.set_xscale("log")
            axis.xaxis.set_major_formatter("{x:g}")
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.grid(axis="x")
            axis.margins(x=0.12, y=0.15)
            axis.set_title(TITLES[case], loc="left")
        axes[-1].set_xlabel("smallest bulk ESS per second of fitting, compile time included (log scale)")
        figure.savefig(results / "peers.png", dpi=120)


if __name__ == "__main__":
    main()
