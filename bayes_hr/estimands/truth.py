"""The truth of a simulated world, in the rows of the effects table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from bayes_hr.data.worlds import Truth


def truth_table(truth: Truth) -> pd.DataFrame:
    """True values of class effects, contrasts, averages and country effects.

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
    return pd.DataFrame(rows, columns=["estimand", "level", "reference", "truth"])


def beside_truth(effects: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Effects with the true value and whether the interval covers it; rows without a truth are left out."""
    out = effects.merge(truth, on=["estimand", "level", "reference"], how="inner", validate="1:1")
    return out.assign(covered=(out["lb"] <= out["truth"]) & (out["truth"] <= out["ub"]))
