r"""What ratifying each of several treaties did: by treaty, by treaty and regime class, and on average.

Effect of treaty k in class r: :math:`\tau_k + \tau_{kr}`.  Effect of treaty k:
:math:`\tau_k + \sum_r w_{kr} \tau_{kr}`, :math:`w_{kr}` the share of class r among the rows (country-years)
with :math:`D_k = 1`, so that it is an average over those that were under the treaty.  All are effects *given
the other treaties*; those of country i add its own :math:`b_i` and :math:`b_{ik}`, where the model has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.constants import CI_PROB
from bayes_hr.estimands.contrasts import pairwise
from bayes_hr.estimands.ratification import ALWAYS, NEVER
from bayes_hr.estimands.summary import EstimandDraws

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

AMONG: Final = "mean of these treaties"
BEYOND: Final = "mean of treaties like these"
FROM_PRIOR: Final = "effect from the priors and the treaty's other classes"


def treaties_in(posterior: xr.Dataset) -> tuple[str, ...]:
    """Treaties in the order of the model."""
    return tuple(str(t) for t in posterior["treaty"].values)


def dummies(rows: xr.Dataset, treaties: tuple[str, ...]) -> Array:
    """D (n, K): 1 where a row is under a treaty."""
    return np.stack([rows[f"treated_{t}"].values for t in treaties], axis=1).astype(float)


def classes_in(posterior: xr.Dataset, rows: xr.Dataset) -> tuple[str, ...]:
    """Regime classes in the order of the model; the only one if there is one."""
    if "tau_regime" in posterior:
        return tuple(str(r) for r in posterior["regime"].values)
    return tuple(dict.fromkeys(str(r) for r in rows["regime_class"].values))


def country_facts(rows: xr.Dataset, treaties: tuple[str, ...]) -> pd.DataFrame:
    """One row for each treaty and country, countries in the order of the posterior's coordinate.

    Returns
    -------
    pandas.DataFrame
        ``treaty, ccode, country, regime, ratification_year, rows, treated_rows, status`` with status
        ``switches``, ``never`` or ``always`` (within the rows used).
    """
    keys = pd.DataFrame(
        {
            "ccode": rows["ccode"].values,
            "country": rows["country_name"].values,
            "regime": rows["regime_class"].values,
        }
    )
    parts = []
    for treaty in treaties:
        own = keys.assign(
            ratification_year=rows[f"ratification_year_{treaty}"].values,
            treated=rows[f"treated_{treaty}"].values,
        )
        by = own.groupby("ccode", sort=True)
        out = by[["country", "regime", "ratification_year"]].last()
        out["rows"], out["treated_rows"] = by.size(), by["treated"].sum().astype(int)
        out["status"] = np.select(
            [out["treated_rows"] == 0, out["treated_rows"] == out["rows"]], ["never", "always"], "switches"
        )
        parts.append(out.reset_index().assign(treaty=treaty))
    return pd.concat(parts, ignore_index=True)


def class_weights(rows: xr.Dataset, treaties: tuple[str, ...], classes: tuple[str, ...]) -> Array:
    """Share of each class among the rows under each treaty, (K, R); each row adds up to 1."""
    member = np.stack([rows["regime_class"].values == c for c in classes], axis=1).astype(float)
    counts = dummies(rows, treaties).T @ member
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def effects_by_class(posterior: xr.Dataset) -> Array:
    """tau_k + tau_kr, (chain, draw, K, R); R is 1 where there is one class."""
    tau = posterior["tau"].values[..., None]
    return np.asarray(tau + posterior["tau_regime"].values if "tau_regime" in posterior else tau)


def effects_by_treaty(posterior: xr.Dataset, rows: xr.Dataset) -> Array:
    """Effect of each treaty averaged over its country-years by class, (chain, draw, K)."""
    weights = class_weights(rows, treaties_in(posterior), classes_in(posterior, rows))
    return np.asarray(np.einsum("cdkr,kr->cdk", effects_by_class(posterior), weights))


def treaty_effects(posterior: xr.Dataset, rows: xr.Dataset) -> EstimandDraws:
    """Effect of each treaty, given the others."""
    names = treaties_in(posterior)
    facts = country_facts(rows, names)
    switch = facts[facts["status"] == "switches"].groupby("treaty").size()
    under = dummies(rows, names).sum(axis=0)
    notes = tuple(
        f"{int(n):,} country-years; {switch.get(name, 0)} countries ratify within the rows"
        for name, n in zip(names, under, strict=True)
    )
    none = ("",) * len(names)
    return EstimandDraws("treaty", "treaty", names, none, notes, effects_by_treaty(posterior, rows))


def class_effects(posterior: xr.Dataset, rows: xr.Dataset) -> EstimandDraws:
    """Effect of each treaty in each regime class; levels like ``CAT: transition``."""
    names, classes = treaties_in(posterior), classes_in(posterior, rows)
    facts = country_facts(rows, names)
    counts = facts[facts["status"] == "switches"].groupby(["treaty", "regime"]).size()
    sizes = facts.groupby(["treaty", "regime"]).size()
    levels, notes = [], []
    for pair in ((t, c) for t in names for c in classes):
        switching, note = int(counts.get(pair, 0)), f"{int(sizes.get(pair, 0))} countries"
        levels.append(": ".join(pair))
        notes.append(f"{note}, {switching} switch" if switching else f"{note}, none switch: {FROM_PRIOR}")
    draws = effects_by_class(posterior)
    flat = draws.reshape(*draws.shape[:2], -1)
    return EstimandDraws(
        "treaty_regime", "treaty_regime", tuple(levels), ("",) * len(levels), tuple(notes), flat
    )


def class_contrasts(posterior: xr.Dataset, rows: xr.Dataset) -> EstimandDraws:
    """Every difference between classes, of each treaty and on average over the treaties."""
    names, classes = treaties_in(posterior), classes_in(posterior, rows)
    draws = effects_by_class(posterior)
    levels: list[str] = []
    references: list[str] = []
    parts = []
    for name, own in (
        (AMONG, draws.mean(axis=2)),
        *((name, draws[:, :, k]) for k, name in enumerate(names)),
    ):
        found = pairwise(classes, own)
        levels += [f"{name}: {level}" for level in found.levels]
        references += found.references
        parts.append(found.draws)
    none = ("",) * len(levels)
    both = np.concatenate(parts, axis=2)
    return EstimandDraws("contrast", "contrast", tuple(levels), tuple(references), none, both)


def mean_effects(posterior: xr.Dataset, rows: xr.Dataset) -> EstimandDraws:
    """Mean effect of these treaties, and mu_tau: that of treaties like them."""
    own = effects_by_treaty(posterior, rows)
    draws = np.stack([own.mean(axis=2), posterior["mu_tau"].values], axis=2)
    notes = (f"{own.shape[2]} treaties, each with the same weight", "mu_tau, where the pooling pulls to")
    return EstimandDraws("mean", "mean", (AMONG, BEYOND), ("", ""), notes, draws)


def country_effects(posterior: xr.Dataset, rows: xr.Dataset) -> EstimandDraws:
    """Total effect of each treaty in each country; levels like ``CAT: Chile (155)``."""
    names, classes = treaties_in(posterior), classes_in(posterior, rows)
    facts, effects = country_facts(rows, names), effects_by_class(posterior)
    parts = []
    for k, name in enumerate(names):
        own = facts[facts["treaty"] == name]
        total = effects[:, :, k, [classes.index(r) for r in own["regime"]]]
        for term in (name, "common"):
            if term in posterior["country_term"].values:
                total = total + posterior["u_country"].sel(country_term=term).values
        parts.append(total)
    triples = zip(facts["treaty"], facts["country"], facts["ccode"], strict=True)
    levels = tuple(f"{t}: {c} ({n})" for t, c, n in triples)
    notes = tuple({"never": NEVER, "always": ALWAYS, "switches": ""}[s] for s in facts["status"])
    none = ("",) * len(levels)
    return EstimandDraws("total", "country", levels, none, notes, np.concatenate(parts, axis=2))


def treaties_estimands(
    posterior: xr.Dataset, rows: xr.Dataset, wanted: tuple[str, ...]
) -> list[EstimandDraws]:
    """All estimands that a card asks for, in the order mean, treaty, by class, contrast, country."""
    several = len(classes_in(posterior, rows)) > 1
    plan = (
        ("mean", mean_effects, True),
        ("treaty", treaty_effects, True),
        ("treaty_regime", class_effects, several),
        ("contrast", class_contrasts, several),
        ("country", country_effects, True),
    )
    return [make(posterior, rows) for name, make, there in plan if name in wanted and there]


def ranking(treaties: tuple[str, ...], draws: Array) -> pd.DataFrame:
    """How probable each rank of each treaty is, 1 the largest effect.

    Parameters
    ----------
    treaties
        K names.
    draws
        (chain, draw, K) effects.

    Returns
    -------
    pandas.DataFrame
        ``treaty, p_largest, p_smallest, rank_mean, rank_lb, rank_ub`` (interval of the rank), and
        ``p_rank_1`` to ``p_rank_K``, which add up to 1; in the order of the treaties.
    """
    flat = draws.reshape(-1, draws.shape[-1])
    ranks = np.argsort(np.argsort(-flat, axis=1, kind="stable"), axis=1, kind="stable") + 1
    K, tail = flat.shape[1], (1.0 - CI_PROB) / 2.0
    lower, upper = np.quantile(ranks, [tail, 1.0 - tail], axis=0, method="nearest")
    shares = {f"p_rank_{j}": (ranks == j).mean(axis=0) for j in range(1, K + 1)}
    return pd.DataFrame(
        {
            "treaty": treaties,
            "p_largest": shares["p_rank_1"],
            "p_smallest": shares[f"p_rank_{K}"],
            "rank_mean": ranks.mean(axis=0),
            "rank_lb": lower.astype(int),
            "rank_ub": upper.astype(int),
            **shares,
        }
    )
