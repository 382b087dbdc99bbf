"""This package on a case: the card on the public data by one engine; draws.csv and times.json into OUT.

python ours_case.py gibbs|nuts CASE OUT CHAINS DRAWS TUNE SEED
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

NUISANCE = ("u_", "year_effect")


def main(name: str, case: str, out: str, chains: int, draws: int, tune: int, seed: int) -> None:
    """Fit and write; imports are timed too."""
    start = time.time()
    import numpy as np
    import pandas as pd
    from cases import design_of

    from bayes_hr import fitting
    from bayes_hr.engines.settings import SamplerSettings

    imported = time.time()
    card, design = design_of(case)
    built = time.time()
    card = fitting.resolved_card(card, engine=name)
    settings = SamplerSettings("nutpie", "auto", chains, draws, tune, seed, 0.9, cores=2)
    tree = fitting.engine_of(card, design).sample(design, settings)
    sampled = time.time()
    columns = {}
    posterior = tree["posterior"].dataset
    for variable, v in posterior.data_vars.items():
        if str(variable).startswith(NUISANCE):
            continue
        values = v.to_numpy().reshape(chains * draws, -1)
        kept = [1] if str(variable).startswith("corr_") else range(values.shape[1])
        columns |= {f"{variable}[{k}]": values[:, k] for k in kept}
    table = pd.DataFrame(columns)
    table.insert(0, ".chain", np.repeat(np.arange(chains), draws))
    table.to_csv(Path(out) / "draws.csv", index=False)
    compile_seconds = float(tree.attrs["compile_seconds"])
    times = {
        "import": imported - start,
        "read": built - imported,
        "compile": compile_seconds,
        "sample": sampled - built - compile_seconds,
    }
    (Path(out) / "times.json").write_text(json.dumps(times))


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:8]))
