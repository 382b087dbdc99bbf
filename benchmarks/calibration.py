"""Is an engine calibrated?  Simulation-based calibration on seven small designs; see calibration_designs.py.

    uv run python benchmarks/calibration.py --engine gibbs [--worlds 200] [--only NAME] [--workers 2]

Writes calibration_<engine>.csv (one row for each quantity of each design) and, for each design, a figure
(PNG) to benchmarks/results/.  Finished worlds are kept in a hidden folder there, so that a run that
was stopped goes on, unless the engines' source has changed.  Exit code 1 if any quantity is out of band.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xarray as xr
from calibration_designs import DESIGNS

import bayes_hr
from bayes_hr.calibration.result import Calibration
from bayes_hr.calibration.running import job_of, run
from bayes_hr.design import Design
from bayes_hr.engines import crossed
from bayes_hr.engines.settings import Engine, SamplerSettings
from bayes_hr.reporting.calibration import ecdf_picture
from bayes_hr.reporting.figures import style
from bayes_hr.terminal import log_on_stderr

PACKAGE = Path(bayes_hr.__file__).parent
RESULTS = Path(__file__).parent / "results"
_ENGINES: dict[str, Engine] = {}


@dataclass(frozen=True)
class EngineSampler:
    """An engine by name, as ``sample(design, seed)``; made once in each process.

    With ``as_large`` a crossed design is sampled as one of more than 20,000 rows is: sigma, SDs and rho given
    the effects, with interweaving.  That is how the shipped card of all IGOs is fitted.
    """

    engine: str
    chains: int
    draws: int
    tune: int
    target_accept: float = 0.9
    as_large: bool = False

    def __call__(self, design: Design, seed: int) -> xr.DataTree:
        if self.as_large:
            vars(crossed)["SMALL"] = 0
        if self.engine not in _ENGINES:
            _ENGINES[self.engine] = _made(self.engine)
        how = (self.chains, self.draws, self.tune, seed, self.target_accept)
        settings = SamplerSettings("nutpie", "auto", *how, cores=1)
        return _ENGINES[self.engine].sample(design, settings)


def _made(engine: str) -> Engine:
    if engine == "gibbs":
        from bayes_hr.engines.gibbs import GibbsEngine

        return GibbsEngine()
    from bayes_hr.engines.nuts import NutsEngine

    return NutsEngine()


def source() -> str:
    """Digest of the code that decides the draws."""
    rooms = ("engines", "pymc_models", "calibration")
    files = [path for room in rooms for path in sorted((PACKAGE / room).glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def calibrated(
    name: str, sample: EngineSampler, *, worlds: int, seed: int, workers: int, results: Path
) -> Calibration:
    """One design; its figure is written at once."""
    design = DESIGNS[name]()
    context = f"{sample!r} {source()}"
    job = job_of(design, context)[:12]
    found = run(
        design,
        sample,
        worlds=worlds,
        seed=seed,
        folder=results / f".calibration_{sample.engine}" / f"{name}-{job}-{seed}",
        workers=workers,
        context=context,
        subject=name,
    )
    picture = ecdf_picture(found)
    path = results / f"calibration_{sample.engine}_{name}"
    with style():
        picture.figure.savefig(path.with_suffix(".png"), dpi=110)
    return found


def main() -> int:
    """Run the designs asked for and write the table; designs of earlier runs stay in it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", choices=("gibbs", "nuts"), required=True)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--only", choices=DESIGNS, action="append")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chains", type=int, default=2)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--tune", type=int, default=500)
    parser.add_argument("--target-accept", type=float, default=0.9, help="NUTS only")
    parser.add_argument(
        "--as-large", action="store_true", help="crossed: as designs of many rows are sampled"
    )
    parser.add_argument("--seed", type=int, default=20261201)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    given = parser.parse_args()
    how = (given.chains, given.draws, given.tune, given.target_accept, given.as_large)
    sample = EngineSampler(given.engine, *how)
    table = given.results / f"calibration_{given.engine}.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    parts = {} if not table.exists() else dict(tuple(pd.read_csv(table).groupby("design", sort=False)))
    passed = True
    for name in given.only or DESIGNS:
        with log_on_stderr():
            found = calibrated(
                name,
                sample,
                worlds=given.worlds,
                seed=given.seed,
                workers=given.workers,
                results=given.results,
            )
        kept = ("worlds", "seconds_per_world", "worlds_with_few_draws", "worlds_not_converged", "divergences")
        facts = {key: found.facts[key] for key in kept}
        parts[name] = found.table.assign(design=name, engine=given.engine, seed=given.seed, **facts)
        pd.concat([parts[d] for d in DESIGNS if d in parts]).to_csv(table, index=False)
        print(
            f"\n{name}: {found.facts['seconds_per_world']} s a world\n{found.verdict.to_text()}", flush=True
        )
        passed &= found.passed
    print(f"\n{table}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
