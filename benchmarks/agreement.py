"""Do both engines draw from the same posterior on real data?  The exact engine against NUTS.

    uv run python benchmarks/agreement.py [--only NAME]

Means, SDs, 5 % and 95 % quantiles of every coefficient and hyperparameter, in units of their joint Monte
Carlo error: the largest must stay under 4, with 4,000 effective draws of each parameter on each side, so that
a large error cannot pass it.  The CAT panel is whole for Gaussian errors, where NUTS has the country effects
integrated out; Student-t errors and ordered categories, where NUTS samples them all, are held on the
Americas.  Writes benchmarks/results/agreement.md; exit code 1 if a pair disagrees.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import xarray as xr

from bayes_hr.cards import load_card
from bayes_hr.design import Design
from bayes_hr.engines.gibbs import GibbsEngine
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.engines.settings import SamplerSettings
from bayes_hr.questions import question_of
from bayes_hr.terminal import log_on_stderr

TABLE = Path(__file__).parent / "results" / "agreement.md"
AMERICAS = "1985 <= year <= 2018 and ccode < 200"
OVER = ("chain", "draw")
LEAST, LARGEST = 4_000, 4.0
SUMMARIES: tuple[tuple[str, dict[str, float]], ...] = (
    ("mean", {}),
    ("sd", {}),
    ("quantile", {"prob": 0.05}),
    ("quantile", {"prob": 0.95}),
)


@dataclass(frozen=True)
class Case:
    """A card with changes, the form that NUTS samples, and draws of each of four chains."""

    card: str
    form: str
    gibbs: int
    nuts: int
    changes: dict[str, Any] = field(default_factory=dict)


CASES = {
    "gaussian": Case("cat_hrps", "integrated", 3_000, 3_000, {"error": {"kind": "iid"}}),
    "ar1": Case("cat_hrps", "integrated", 5_500, 8_000),
    "student_t": Case(
        "cat_hrps", "rows", 8_000, 18_000,
        {"error": {"kind": "iid"}, "outcome": {"likelihood": "student_t"}, "where": AMERICAS},
    ),
    "ordered_probit": Case("cat_torture_cirights", "rows", 8_000, 16_000, {"where": AMERICAS}),
}  # fmt: skip


def design_of(case: Case) -> Design:
    card = load_card(case.card).replace(**case.changes)
    question = question_of(card)
    return question.build(card, question.panel(card)[0])


def free(tree: xr.DataTree) -> xr.Dataset:
    """All parameters but the countries' effects; of a correlation matrix what lies below the diagonal."""
    data = tree["posterior"].dataset
    out: dict[str, Any] = {}
    for name, values in data.data_vars.items():
        x = values.values.reshape(*values.shape[:2], -1)
        if str(name).startswith("u_"):
            continue
        if str(name).startswith("corr_"):
            q = values.shape[-1]
            x = x[:, :, np.ravel_multi_index(np.tril_indices(q, -1), (q, q))]
        out[str(name)] = ((*OVER, f"{name}_dim"), x)
    return xr.Dataset(out)


def distance(one: xr.Dataset, two: xr.Dataset) -> tuple[float, str]:
    """The largest difference of a summary in units of its Monte Carlo error, and where it is."""
    worst = (0.0, "")
    for name in one.data_vars:
        for summary, kwargs in SUMMARIES:
            found, errors = [], []
            for x in (one[name], two[name]):
                errors.append(az.mcse(x, method=summary, **kwargs).to_numpy())
                value = {"mean": x.mean(OVER), "sd": x.std(OVER, ddof=1)}.get(summary)
                found.append((x.quantile(kwargs["prob"], OVER) if value is None else value).to_numpy())
            z = float(np.max(np.abs(found[0] - found[1]) / np.hypot(*errors)))
            worst = max(worst, (z, f"{name}, {summary} {kwargs.get('prob', '')}".strip()))
    return worst


def fewest(data: xr.Dataset) -> float:
    return float(az.ess(data).to_array().min())


def compared(name: str, case: Case) -> tuple[str, bool]:
    """A row of the table, and whether the two agree."""
    design = design_of(case)
    common = {"chains": 4, "seed": 20261123, "target_accept": 0.95, "cores": 2, "sampler": "nutpie"}
    start = time.perf_counter()
    exact = GibbsEngine().sample(design, SamplerSettings(form="auto", draws=case.gibbs, tune=1_000, **common))
    between = time.perf_counter()
    nuts = NutsEngine("nutpie", case.form).sample(
        design, SamplerSettings(form=case.form, draws=case.nuts, tune=1_000, **common)
    )
    seconds = between - start, time.perf_counter() - between
    one, two = free(exact), free(nuts)
    assert set(one.data_vars) == set(two.data_vars)
    z, where = distance(one, two)
    draws = fewest(one), fewest(two)
    size = sum(int(np.prod(v.shape[2:])) for v in one.data_vars.values())
    good = z < LARGEST and min(draws) >= LEAST
    row = (
        f"| {name} | {design.n:,} | {size} | {draws[0]:,.0f} in {seconds[0]:.0f} s | "
        f"{draws[1]:,.0f} in {seconds[1]:.0f} s ({case.form}) | {z:.2f} ({where}) | "
        f"{'yes' if good else 'NO'} |"
    )
    return row, good


def main() -> int:
    """Compare, print and write the table; rows of earlier runs stay in it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=CASES, action="append")
    rows: dict[str, str] = {}
    if TABLE.exists():
        rows = {line.split("|")[1].strip(): line for line in TABLE.read_text().splitlines()[2:]}
    passed = True
    for name in parser.parse_args().only or CASES:
        with log_on_stderr():
            rows[name], good = compared(name, CASES[name])
        passed &= good
        print(rows[name], flush=True)
        head = [
            "| errors | country-years | parameters | exact: smallest ESS | NUTS: smallest ESS "
            "| largest z (where) | agree |",
            "|---|---|---|---|---|---|---|",
        ]
        TABLE.write_text("\n".join([*head, *(rows[k] for k in CASES if k in rows)]) + "\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
