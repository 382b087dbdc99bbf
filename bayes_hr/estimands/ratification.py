r"""What ratification did: by regime class, contrast, country, and on average.

Total effect of country i: :math:`\tau_i = \tau_{r(i)} + b_i`; its deviation from its class: :math:`b_i`
(and, with the country means of :mod:`bayes_hr.mundlak_design`, what its share of treated rows adds).
A country that never or always ratified in the rows used says nothing of its own effect: its
:math:`b_i` comes from the prior.  It is flagged, kept out of rankings, and kept out of the average over
switching countries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from bayes_hr.data.regimes import NO_SCORE
from bayes_hr.estimands.contrasts import pairwise
from bayes_hr.estimands.long_run import long_run_effects
from bayes_hr.estimands.probabilities import probability_effects
from bayes_hr.estimands.standard import standard_effects
from bayes_hr.estimands.summary import EstimandDraws
from bayes_hr.estimands.within_between import shares, within_and_between
from bayes_hr.mundlak_design import centred_shares

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NEVER: Final = "never ratified in the rows used: effect from the prior, not ranked"
ALWAYS: Final = "ratified in all rows used: effect from the prior, not ranked"


def country_facts(rows: xr.Dataset) -> pd.DataFrame:
    """One row for each country, in the order of the posterior's country coordinate.

    Returns
    -------
    pandas.DataFrame
        ``ccode, country, ratification_year, rows, treated_rows, status`` with status ``switches``, ``never``
        or ``always`` (within the rows used); ``class_rows, class_treated``: class -> rows and treated rows
        in it.  Of a country whose class changes ``regime`` is the class of most of its treated rows (of all
        rows, if none is treated), ``first_class`` the first that it has a score for, and ``path`` all of them
        from the first year to the last; of others all three are its class.
    """
    frame = pd.DataFrame(
        {
            "ccode": rows["ccode"].values,
            "country": rows["country_name"].values,
            "regime": rows["regime_class"].values,
            "ratification_year": rows["ratification_year"].values,
            "treated": rows["treated"].values,
        }
    )
    behind = rows["repeats"].values if "repeats" in rows else np.ones(len(frame))  # of compressed rows
    frame = frame.assign(behind=behind, treated=behind * frame["treated"])
    by = frame.groupby("ccode", sort=True)
    out = by[["country", "ratification_year"]].last()
    out["rows"], out["treated_rows"] = (by[v].sum().astype(int) for v in ("behind", "treated"))
    out["status"] = np.select(
        [out["treated_rows"] == 0, out["treated_rows"] == out["rows"]], ["never", "always"], "switches"
    )
    classes = [_classes(own) for _, own in by]
    return out.assign(**{name: [c[name] for c in classes] for name in classes[0]}).reset_index()


def _classes(own: pd.DataFrame) -> dict[str, Any]:
    """What :func:`country_facts` says of the classes of one country, from its rows in order."""
    regime = own["regime"].astype(str)
    rows, treated = (
        own.groupby(regime, sort=False)[v].sum().astype(int).to_dict() for v in ("behind", "treated")
    )
    most = treated if any(treated.values()) else rows
    scored = [c for c in rows if c != NO_SCORE]
    return {
        "regime": max(most, key=lambda c: most[c]),
        "first_class": scored[0] if scored else NO_SCORE,
        "path": " → ".join(regime[regime != regime.shift()]),
        "class_rows": rows,
        "class_treated": {c: n for c, n in treated.items() if n},
    }


def ever_in(facts: pd.DataFrame, level: str) -> pd.Series:
    """Which countries have rows in a class."""
    return facts["class_rows"].map(lambda rows: level in rows)


def changing(facts: pd.DataFrame) -> bool:
    """Whether the class of any country changes."""
    return bool(facts["class_rows"].map(len).max() > 1)


def class_effects(posterior: xr.Dataset, facts: pd.DataFrame) -> EstimandDraws:
    """Effect of ratification in each regime class, ``tau[regime]``."""
    levels = tuple(str(v) for v in posterior["regime"].values)
    notes = []
    for level in levels:
        own = facts[ever_in(facts, level)]
        switching = int((own["status"] == "switches").sum())
        note = f"{len(own)} countries, {switching} switch"
        before, after = _rows_before_and_after(own, level)
        notes.append(note if switching and before and after else f"{note}: effect from the prior")
    return EstimandDraws("tau", "regime", levels, ("",) * len(levels), tuple(notes), posterior["tau"].values)


def _rows_before_and_after(facts: pd.DataFrame, level: str) -> tuple[int, int]:
    """Rows of a class before and after ratification."""
    rows, after = (sum(r.get(level, 0) for r in facts[name]) for name in ("class_rows", "class_treated"))
    return rows - after, after


def total_effects(posterior: xr.Dataset, facts: pd.DataFrame) -> tuple[Array, Array]:
    """Total and deviation of each country, both (chain, draw, country).

    Where its class changes, a country's total has the average of the class effects over its treated rows;
    over all of its rows if it has none.
    """
    tau = _average_of_classes(posterior, facts)
    if "ratified" not in posterior["country_term"].values:
        return tau, np.zeros_like(tau)
    b = posterior["u_country"].sel(country_term="ratified").values
    if "kappa" in posterior:
        by_share = centred_shares(shares(facts), facts["regime"].to_numpy(str))
        b = b + posterior["kappa"].values[:, :, None] * by_share
    return tau + b, b


def _average_of_classes(posterior: xr.Dataset, facts: pd.DataFrame) -> Array:
    """Class effects averaged over the rows of each country, (chain, draw, country)."""
    levels = [str(v) for v in posterior["regime"].values]
    if not changing(facts):
        return np.asarray(posterior["tau"].values[:, :, [levels.index(r) for r in facts["regime"]]])
    by_class = zip(facts["class_treated"], facts["class_rows"], strict=True)
    chosen = [treated if sum(treated.values()) else rows for treated, rows in by_class]
    weights = np.array([[rows.get(level, 0) for level in levels] for rows in chosen], dtype=float)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(posterior["tau"].values @ weights.T)


def country_effects(posterior: xr.Dataset, facts: pd.DataFrame) -> list[EstimandDraws]:
    """Total effect and deviation of each country, flagged where the data say nothing of it."""
    total, deviation = total_effects(posterior, facts)
    levels = tuple(f"{c} ({n})" for c, n in zip(facts["country"], facts["ccode"], strict=True))
    classes = tuple(str(r) for r in facts["path"])
    notes = tuple({"never": NEVER, "always": ALWAYS, "switches": ""}[s] for s in facts["status"])
    none = ("",) * len(levels)
    out = [EstimandDraws("total", "country", levels, none, notes, total)]
    if "ratified" in posterior["country_term"].values:
        out.append(EstimandDraws("deviation", "country", levels, classes, notes, deviation))
    return out


def average_effects(posterior: xr.Dataset, facts: pd.DataFrame) -> EstimandDraws:
    """Average total effect over all countries, and over those that switch within the rows used."""
    total, _ = total_effects(posterior, facts)
    switching = (facts["status"] == "switches").to_numpy()
    levels, draws, notes = ["all countries"], [total.mean(axis=2)], [f"{len(facts)} countries"]
    if switching.any():
        levels.append("switching countries")
        draws.append(total[:, :, switching].mean(axis=2))
        notes.append(f"{int(switching.sum())} countries that ratify within the rows used")
    none = ("",) * len(levels)
    return EstimandDraws("average", "average", tuple(levels), none, tuple(notes), np.stack(draws, axis=2))


def ratification_estimands(
    posterior: xr.Dataset, rows: xr.Dataset, wanted: tuple[str, ...]
) -> list[EstimandDraws]:
    """What a card asks for: average, regime, contrast, long run, probability, standard, between, country."""
    facts = country_facts(rows)
    out = []
    if "average" in wanted:
        out.append(average_effects(posterior, facts))
    classes = class_effects(posterior, facts)
    if "regime" in wanted:
        out.append(classes)
    contrasts = [pairwise(classes.levels, classes.draws)] if len(classes.levels) > 1 else []
    if "contrast" in wanted:
        out += contrasts
    if "long_run" in wanted:
        out.append(long_run_effects(posterior, [classes, *contrasts]))
    if "probability" in wanted:
        out.append(probability_effects(posterior, rows, facts))
    if "standard" in wanted:
        out += standard_effects(posterior)
    if "between" in wanted:
        out += within_and_between(posterior, facts)
    if "country" in wanted:
        out += country_effects(posterior, facts)
    return out
