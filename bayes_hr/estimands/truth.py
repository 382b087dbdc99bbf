"""The truth of a simulated world, in the rows of the effects table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayes_hr.estimands.probabilities import ALL_ROWS, event_changes, events, exceedance_changes

if TYPE_CHECKING:
    from bayes_hr.data.worlds import Truth


def truth_table(truth: Truth) -> pd.DataFrame:
    """True values of class effects, contrasts, averages and country effects, and of changes of probabilities.

    Returns
    -------
    pandas.DataFrame
        ``estimand, level, reference, truth``; the first three as in the effects table.
    """
    rows: list[tuple[str, str, str, float]] = [("tau", r, "", v) for r, v in truth.tau.items()]
    for pair, value in truth.contrasts.items():
        level, reference = pair.split(" - ")
        rows.append(("contrast", level, reference, value))
    rows += [("average", name, "", value) for name, value in truth.averages.items()]
    for country in truth.countries.itertuples():
        level = f"{country.country} ({country.ccode})"
        rows.append(("total", level, "", country.effect))
        rows.append(("deviation", level, str(country.regime), country.b))
    rows += _probabilities(truth)
    return pd.DataFrame(rows, columns=["estimand", "level", "reference", "truth"])


def _probabilities(truth: Truth) -> list[tuple[str, str, str, float]]:
    """True average changes over the ratified rows, of an ordinal world; none of another."""
    if truth.cutpoints is None:
        return []
    own = truth.rows[truth.rows["treated"] == 1].merge(truth.countries, on="ccode", validate="m:1")
    eta = (own["eta"] + own["outside"] + own["measurement"]).to_numpy(float)
    change = exceedance_changes(eta, own["effect"].to_numpy(float), np.array(truth.cutpoints))
    names = events(range(1, len(truth.cutpoints) + 2))
    parts = {ALL_ROWS: np.ones(len(own), bool)} | {r: (own["regime"] == r).to_numpy() for r in truth.tau}
    return [
        ("probability", label, name, float(value))
        for label, part in parts.items()
        if part.any()
        for name, value in zip(names, event_changes(change[part].mean(axis=0)), strict=True)
    ]


def beside_truth(effects: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Effects with the true value and whether the interval covers it; rows without a truth are left out."""
    out = effects.merge(truth, on=["estimand", "level", "reference"], how="inner", validate="1:1")
    return out.assign(covered=(out["lb"] <= out["truth"]) & (out["truth"] <= out["ub"]))
