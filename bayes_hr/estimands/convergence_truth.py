"""The truth of a simulated convergence world, in the rows of the effects table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from bayes_hr.estimands.convergence import ALL, ESTIMANDS, EXITING, label_of

if TYPE_CHECKING:
    from bayes_hr.data.convergence_worlds import ConvergenceWorld


def truth_table(world: ConvergenceWorld) -> pd.DataFrame:
    """True slopes, kinks and jumps: overall and, in a world drawn from Model C, by type, state and IGO.

    Returns
    -------
    pandas.DataFrame
        ``estimand, level, reference, truth``; the first three as in the effects table.  What is not known as
        a number is left out.
    """
    from bayes_hr.data.convergence_worlds import ModelTruth

    truth, frame = world.truth, world.frame
    overall = {name: truth.expected.get(name) for name in ESTIMANDS}
    parts = [pd.DataFrame({"estimand": n, "level": [ALL], "truth": [v]}) for n, v in overall.items()]
    if isinstance(truth, ModelTruth):
        exits = truth.exits[["slope_after", "kink_exit"]].mean() if len(truth.exits) else pd.Series()
        parts.append(pd.DataFrame({"estimand": exits.index, "level": EXITING, "truth": exits.to_numpy()}))
        facts = frame.drop_duplicates("ccode").set_index("ccode")["country"]
        parts.append(_long(_with_exits(truth.by_state(), truth.exits, "ccode"), facts))
        igos = frame.drop_duplicates("igo").set_index("igo")
        own = _with_exits(truth.by_igo(), truth.exits, "igo")
        parts.append(_long(own, igos["igo_name"]))
        kinds = own.drop(columns="jump_exit").groupby(igos["igo_type"]).mean()
        parts.append(_long(kinds, None))
    out = pd.concat([p for p in parts if len(p)], ignore_index=True).dropna(subset="truth")
    out["truth"] = out["truth"].astype(float)
    return out.assign(reference="")[["estimand", "level", "reference", "truth"]].reset_index(drop=True)


def _with_exits(implied: pd.DataFrame, exits: pd.DataFrame, key: str) -> pd.DataFrame:
    """Estimands by level, with the jump at exit where dyads of the level exit."""
    jumps = exits.groupby(key)["jump_exit"].mean() if len(exits) else pd.Series(dtype=float)
    return implied.assign(jump_exit=jumps.reindex(implied.index))


def _long(table: pd.DataFrame, names: pd.Series | None) -> pd.DataFrame:
    """One row for each level and estimand; levels are called as in the effects table."""
    if names is not None:
        table = table.loc[table.index.intersection(names.index)]
        table = table.set_axis([label_of(names[key], key) for key in table.index], axis=0)
    return table.rename_axis("level").reset_index().melt("level", var_name="estimand", value_name="truth")
