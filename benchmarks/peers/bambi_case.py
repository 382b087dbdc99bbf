"""bambi on a case that cases.py wrote: draws.csv and times.json into OUT (in an environment of bambi's own).

python bambi_case.py pymc|nutpie CASE_DIR OUT CHAINS DRAWS TUNE SEED
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main(method: str, source: str, out: str, chains: int, draws: int, tune: int, seed: int) -> None:
    """Fit and write; imports are timed too."""
    start = time.time()
    import bambi as bmb
    import numpy as np
    import pandas as pd

    imported = time.time()
    case = json.loads((Path(source) / "case.json").read_text())
    rows = pd.read_csv(Path(source) / "rows.csv")

    def scale(text: str) -> float:
        return float(text.split("(")[1].rstrip(")"))

    priors = {k: bmb.Prior("Normal", mu=v[0], sigma=v[1]) for k, v in case["priors"].items()}
    for term, sd in zip(("1", "D"), case["sd"], strict=True):
        spread = bmb.Prior("HalfNormal", sigma=scale(sd))
        priors[f"{term}|country"] = bmb.Prior("Normal", mu=0, sigma=spread)
    options = {"family": "cumulative", "link": "probit"} if case["ordered"] else {"family": "gaussian"}
    if case["ordered"]:
        rows["y"] = pd.Categorical(rows["y"].astype(int), ordered=True)
    else:
        priors["sigma"] = bmb.Prior("HalfNormal", sigma=scale(case["sigma"]))
    rows["country"] = rows["country"].astype(str)
    model = bmb.Model(
        f"y ~ {' + '.join(case['columns'])} + (1 + D|country)",
        rows,
        priors=priors,
        center_predictors=False,
        **options,
    )
    model.build()
    built = time.time()
    more = {} if method == "pymc" else {"inference_method": method}
    more |= {"cores": min(chains, 2)} if method == "pymc" else {}
    tree = model.fit(draws=draws, tune=tune, chains=chains, random_seed=seed, **more)
    sampled = time.time()
    posterior, columns = tree["posterior"], {}
    for name, v in posterior.data_vars.items():
        if "country_dim" in str(v.dims) or any("country" in str(d) for d in v.dims):
            continue  # effects of the countries
        values = v.values.reshape(v.shape[0] * v.shape[1], -1)
        if values.shape[1] < 50:
            columns |= {f"{name}[{k}]": values[:, k] for k in range(values.shape[1])}
    table = pd.DataFrame(columns)
    table.insert(0, ".chain", np.repeat(np.arange(posterior.sizes["chain"]), posterior.sizes["draw"]))
    table.to_csv(Path(out) / "draws.csv", index=False)
    times = {"import": imported - start, "compile": built - imported, "sample": sampled - built}
    (Path(out) / "times.json").write_text(json.dumps(times))


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:8]))
