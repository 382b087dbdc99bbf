"""How the exact engine's sampling time grows with rows inside the same cells.

    uv run python benchmarks/growth.py [--repeat 3]

Countries of a simulated world with independent errors, each country-year repeated 1, 10 and 100 times with a
new error.  Preparing reads the rows once; a step of a chain must not depend on how many there were.  Medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from bayes_hr.cards import load_card
from bayes_hr.data.worlds import ratification
from bayes_hr.design import Design
from bayes_hr.engines.country_year import CountryYear
from bayes_hr.kernels import row_order
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build


def repeated(design: Design, times: int) -> Design:
    """Every row ``times`` times, each with an error of its own."""
    rng = np.random.default_rng(times)
    rows = np.repeat(np.arange(design.n), times)
    population = [
        replace(
            t,
            columns=t.columns[rows] if t.index is None else t.columns,
            index=None if t.index is None else t.index[rows],
        )
        for t in design.population
    ]
    groups = [replace(g, index=g.index[rows], Z=g.Z[rows]) for g in design.groups]
    order = row_order(design.error.order.unit[rows], np.arange(rows.size))
    return replace(
        design,
        y=design.y[rows] + 0.2 * rng.standard_normal(rows.size),
        population=tuple(population),
        groups=tuple(groups),
        error=replace(design.error, order=order),
        rows={},
        views=(),
    )


def seconds(design: Design, steps: int) -> tuple[float, float]:
    """Seconds of preparing, and milliseconds a step."""
    start = time.perf_counter()
    model = CountryYear.of(design)
    prepared = time.perf_counter() - start
    rng = np.random.default_rng(1)
    state = model.start(rng)
    for step in range(200):
        state = model.step(rng, state, (step, 200))
    start = time.perf_counter()
    for _ in range(steps):
        state = model.step(rng, state, None)
    return prepared, (time.perf_counter() - start) / steps * 1e3


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    card = load_card("demo_ratification").replace(error={"kind": "iid"})
    world = ratification("transition_only", n_countries=60, years=(1988, 2011), seed=1)
    design = build(card, simulated_panel(world))
    print("| rows | preparing, s | a step, ms |\n|---|---|---|")
    for times in (1, 10, 100):
        larger = repeated(design, times)
        with threadpool_limits(1):
            both = [seconds(larger, 500) for _ in range(repeat)]
        prepared, step = (statistics.median(v) for v in zip(*both, strict=True))
        print(f"| {larger.n:,} | {prepared:.2f} | {step:.2f} |")


if __name__ == "__main__":
    main()
