"""The truth of a simulated world, in the rows of the effects table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayes_hr.estimands.probabilities import ALL_ROWS, event_changes, events, exceedance_changes
from bayes_hr.estimands.standard import change_name, with_their_mean

if TYPE_CHECKING:
    from bayes_hr.data.worlds import Truth


def truth_table(truth: Truth) -> pd.DataFrame:
    """True values of effects (classes, contrasts, averages, countries), changes of probabilities, cut-points.

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
    rows += [*_probabilities(truth), *_standard(truth)]
    return pd.DataFrame(rows, columns=["estimand", "level", "reference", "truth"])


def _probabilities(truth: Truth) -> list[tuple[str, str, str, float]]:
    """True average changes over the ratified rows, of an ordinal world; none of another."""
    if truth.cutpoints is None:
        return []
    own = truth.rows[truth.rows["treated"] == 1].merge(truth.countries, on="ccode", validate="m:1")
    eta = (own["eta"] + own["outside"] + own["measurement"]).to_numpy(float)
    cutpoints = np.array(truth.cutpoints)
    if truth.cutpoints_by_year is not None:
        cutpoints = truth.cutpoints_by_year.loc[own["year"]].to_numpy(float)
    change = exceedance_changes(eta, own["effect"].to_numpy(float), cutpoints)
    names = events(range(1, len(truth.cutpoints) + 2))
    parts = {ALL_ROWS: np.ones(len(own), bool)} | {r: (own["regime"] == r).to_numpy() for r in truth.tau}
    return [
        ("probability", label, name, float(value))
        for label, part in parts.items()
        if part.any()
        for name, value in zip(names, event_changes(change[part].mean(axis=0)), strict=True)
    ]


def _standard(truth: Truth) -> list[tuple[str, str, str, float]]:
    """True moves of cut-points, less what moves all countries alike; none where classes have own paths.

    A model with cut-points by year cannot tell the two apart, and calls both a move of the standard.
    """
    if truth.cutpoints_by_year is None or not np.allclose(truth.f, truth.f.iloc[0]):
        return []
    found = truth.cutpoints_by_year
    common = (truth.f.iloc[0] + truth.standard).to_numpy(float)
    draws, levels = with_their_mean(found.to_numpy(float) - common[:, None], tuple(found.columns))
    years = tuple(int(v) for v in found.index)
    moved = draws - draws.mean(axis=0)
    rows = [
        ("cutpoint", level, str(year), float(moved[t, k]))
        for t, year in enumerate(years)
        for k, level in enumerate(levels)
    ]
    ends = moved[-1] - moved[0]
    return [
        *(("standard", n, change_name(years), float(v)) for n, v in zip(levels, ends, strict=True)),
        *rows,
    ]


def beside_truth(effects: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Effects with the true value and whether the interval covers it; rows without a truth are left out."""
    out = effects.merge(truth, on=["estimand", "level", "reference"], how="inner", validate="1:1")
    return out.assign(covered=(out["lb"] <= out["truth"]) & (out["truth"] <= out["ub"]))
