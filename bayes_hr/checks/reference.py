"""The permuted-ratification reference: what would the model find if ratification years were dealt out anew?

Years (and never-ratifying) are permuted across the countries of a regime class, among years in which a
country could ratify, and the model is fitted again.  Real estimates are judged against these: with
persistent errors ignored, permuted years "find" nearly as much as the real ones.  Of several treaties the
years of all go together from one country to another, so that treaties stay as hard to tell apart as they are.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from bayes_hr.cards import RatificationCard, TreatiesCard
from bayes_hr.cluster import connected
from bayes_hr.constants import CI_PROB
from bayes_hr.errors import InputError
from bayes_hr.estimands.contrasts import pairwise
from bayes_hr.estimands.ratification import average_effects, country_facts
from bayes_hr.estimands.summary import interval
from bayes_hr.estimands.treaties import AMONG, treaties_estimands, treaties_in
from bayes_hr.estimands.treaties import country_facts as treaty_facts
from bayes_hr.fitting import FitResult, design_of, engine_of, settings_of, usable_cores, with_engine
from bayes_hr.ratification_design import with_ratification_years
from bayes_hr.tasks import run_tasks
from bayes_hr.treaties_design import with_treaty_years

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bayes_hr.cards import Card
    from bayes_hr.design import Design
    from bayes_hr.engines.settings import Engine
    from bayes_hr.progress import Progress

    Array = NDArray[np.float64]
    Part = tuple[str, Sequence[str], Sequence[str], Array]

REFITS: Final = 100
"""Refits of the reference that a fit of the exact engine gets unasked."""

SD: Final = "SD of "
"""How the names of reported SDs begin: they are judged from above, effects by their distance from zero."""

SHORT: Final = {
    "gibbs": {"chains": 1, "draws": 200, "tune": 120},
    "nuts": {"chains": 2, "draws": 400, "tune": 300},
}
"""Settings of a refit, by engine: enough for a mean and an interval, not for a verdict.

Those of ``gibbs``, against long chains on two permutations of each of two panels, 20 times: means are off by
.09 posterior SDs (root mean square; .67 at worst), ends of 89 % intervals by .17.
"""


SHORT_OF_TREATIES: Final = {**SHORT, "gibbs": {"chains": 1, "draws": 300, "tune": 600}}
"""The same of several treaties, whose pooled SDs come down slowly from where a chain starts.

After 120 steps the SDs of country effects of the six treaties of the real panel were .1 to .4 on average over
permutations, some above 1, where the real ones are .02 to .27; after 600, .03 to .11 over twelve.
"""


@dataclass(frozen=True)
class PermutedReference:
    """Estimates with ratification years permuted.

    Attributes
    ----------
    n
        Number of refits.
    table
        One row for the average over countries, each class effect, contrast and SD of country effects (of
        several treaties: their mean, each, each by class, contrasts of the mean, and SDs): ``estimand, level,
        reference, mean, lb, ub`` (real), ``permuted_mean, permuted_sd, excludes_0`` (share of permuted
        intervals that exclude 0; NaN for an SD), ``p_value`` (randomisation p-value of the real mean).
    settings
        Of each refit: ``engine, chains, draws, tune``; empty if not known.
    """

    n: int
    table: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Permutation:
    """What every refit needs; countries in the design's order, years (countries,) or (countries, K)."""

    design: Design
    card: RatificationCard | TreatiesCard
    engine: Engine
    cores: int | None
    years: Array
    regime: Any
    entry: Array


def dealt_from(rng: np.random.Generator, year: Array, regime: Any, entry: Array) -> NDArray[np.int64]:
    """Deal ratification years out anew within classes.

    Parameters
    ----------
    year
        (countries,) ratification year, NaN for never; of several treaties the country's first, since what is
        feasible with that is so with the later ones.
    regime
        (countries,) class.
    entry
        (countries,) first year in which the country could ratify.

    Returns
    -------
    array (countries,)
        Position of the country whose years each gets: a uniform draw among the permutations within classes
        that give no country a year before its entry.
    """
    out = np.zeros(year.size, dtype=np.int64)
    filled = np.where(np.isnan(year), np.inf, year)
    # Feasible sets are nested (later entry, fewer years), so dealing to the latest entrant first, each time
    # uniformly among what is left and feasible, gives every feasible permutation the same probability.
    for label in np.unique(regime):
        own = np.flatnonzero(regime == label)
        pool = list(own)
        for i in sorted(own, key=lambda k: -entry[k]):
            feasible = [j for j, giver in enumerate(pool) if filled[giver] >= entry[i]]
            out[i] = pool.pop(feasible[rng.integers(len(feasible))])
    return out


def _first_feasible(design: Design, year: Array) -> Array:
    """Year of entry of states that appear after the sample's first year; any year for the others."""
    index, years = design.groups[0].index, design.rows["year"].astype(float)
    first = np.full(len(design.groups[0].levels), np.inf)
    np.minimum.at(first, index, years)
    entry = np.where(first > years.min(), first, -np.inf)
    return np.fmin(entry, np.where(np.isnan(year), np.inf, year))


def check_card(card: Card) -> RatificationCard | TreatiesCard:
    """The card, if there are ratification years to permute.

    Raises
    ------
    InputError
        If it is not about ratification.
    """
    if not isinstance(card, RatificationCard | TreatiesCard):
        raise InputError(
            f"permuted reference (--reference): card {card.id} is not about ratification, so there are no "
            "ratification years to permute. Leave it out."
        )
    return card


def check_scheduler(card: Card, scheduler: Any, refits: int) -> None:
    """Refuse a cluster that does not answer, or for which a card with this many refits has no work.

    Raises
    ------
    InputError
        With what to do.
    """
    if not isinstance(card, RatificationCard | TreatiesCard) or card.fit.engine != "gibbs":
        raise InputError(
            "scheduler: on a cluster run the permuted refits of a ratification card that the exact engine "
            f"fits; card {card.id} has none. Leave the scheduler out."
        )
    if refits == 0:
        raise InputError(
            f"scheduler: no permuted refits of card {card.id} were asked for, so nothing would run there. "
            "Ask for some (reference=100, --reference 100) or leave the scheduler out."
        )
    with connected(scheduler):
        pass


def default_refits(card: Card) -> int:
    """Refits that a fit of a card gets unasked, by the engine that fits it; 0 where they would take long."""
    return REFITS if isinstance(card, RatificationCard) and card.fit.engine == "gibbs" else 0


def permuted_reference(
    result: FitResult,
    *,
    n: int,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    engine: Engine | None = None,
    scheduler: Any = None,
) -> PermutedReference:
    """Refit with permuted ratification years, ``n`` times.

    The exact engine's refits run in as many processes as there are cores, one thread each; NUTS runs in
    this one, its model compiled once (not at all if an ``engine`` brings it).  With a folder, finished refits
    are kept and a killed run resumes.  With a ``scheduler`` (:func:`bayes_hr.tasks.run_tasks`) the exact
    engine's refits run on a cluster.

    Raises
    ------
    InputError
        If the card is not about ratification, ``n`` is smaller than 2, the folder holds another job's
        results, or NUTS is to run on a cluster.
    """
    if n < 2:
        raise InputError(
            f"permuted reference: n = {n} refits; at least 2 are needed (100 or more are sensible)."
        )
    design = design_of(result)
    card = check_card(with_engine(check_card(result.card), design))
    short = (SHORT_OF_TREATIES if isinstance(card, TreatiesCard) else SHORT)[card.fit.engine]
    card = card.replace(fit=short)
    apart = engine is None and card.fit.engine == "gibbs"
    if scheduler is not None and not apart:
        raise InputError(
            f"permuted reference: card {card.id} is fitted by NUTS, whose compiled model cannot be sent to a "
            "cluster. Leave the scheduler out."
        )
    years, regime = _years(result)
    engine = engine or engine_of(card, design)
    entry = _first_feasible(design, _first(years))
    permutation = _Permutation(design, card, engine, 1 if apart else None, years, regime, entry)
    context = hashlib.sha256(repr((result.provenance["signature"], short)).encode()).hexdigest()
    results = run_tasks(
        functools.partial(refit, permutation=permutation),
        {f"permutation-{i:04d}": i for i in range(n)},
        folder=folder,
        workers=min(usable_cores(), n) if apart else 1,
        scheduler=scheduler,
        seed=seed,
        context=context,
        progress=progress,
        describe="permuted refits",
    )
    table = _compare(_estimates(result.tree), results)
    return PermutedReference(n, table, {"engine": card.fit.engine, **short})


def _years(result: FitResult) -> tuple[Array, Any]:
    """Ratification years (countries,), of several treaties (countries, K), and classes (countries,).

    Where classes change, a country counts as of the first that it has a score for: later ones may follow from
    ratification.
    """
    rows = result.tree["constant_data"].dataset
    if isinstance(result.card, TreatiesCard):
        names = result.card.treatment.names
        by_treaty = [own for _, own in treaty_facts(rows, names).groupby("treaty", sort=False)]
        years = np.stack([own["ratification_year"].to_numpy(float) for own in by_treaty], axis=1)
        return years, by_treaty[0]["regime"].to_numpy(str)
    facts = country_facts(rows)
    return facts["ratification_year"].to_numpy(float), facts["first_class"].to_numpy(str)


def _first(years: Array) -> Array:
    """Year of a country's first ratification of any treaty (countries,), NaN for never."""
    return years if years.ndim == 1 else np.asarray(np.fmin.reduce(years, axis=1))


def refit(_: Any, seed: int, *, permutation: _Permutation) -> dict[str, Any]:
    """Estimates with years dealt out by a seed; a task."""
    p = permutation
    dealt = p.years[dealt_from(np.random.default_rng(seed), _first(p.years), p.regime, p.entry)]
    with_years = with_treaty_years if p.years.ndim == 2 else with_ratification_years
    changed = with_years(p.design, dealt, p.card.treatment.lag)
    settings = settings_of(p.card.replace(fit={"seed": seed % 2**32}))
    settings = replace(settings, cores=p.cores or settings.cores)
    return _estimates(p.engine.sample(changed, settings))


def _estimates(tree: Any) -> dict[str, Any]:
    """Mean and interval of each effect, contrast and SD of effects."""
    posterior, rows = tree["posterior"].dataset, tree["constant_data"].dataset
    parts = (_of_treaties if "treaty" in posterior.dims else _of_one)(posterior, rows)
    out = []
    for name, levels, references, draws in parts:
        lower, upper = interval(draws)
        for k, (level, reference) in enumerate(zip(levels, references, strict=True)):
            out.append([name, level, reference, draws[:, :, k].mean(), lower[k], upper[k]])
    return {"rows": [[*row[:3], *(float(v) for v in row[3:])] for row in out]}


def _of_treaties(posterior: Any, rows: Any) -> list[Part]:
    """Of several treaties: their mean, each, each by class, contrasts of the mean, and SDs."""
    found = treaties_estimands(posterior, rows, ("mean", "treaty", "treaty_regime", "contrast"))
    parts: list[Part] = []
    for e in found:
        kept = [
            k for k, level in enumerate(e.levels) if e.by in {"treaty", "treaty_regime"} or AMONG in level
        ]
        levels, references = ([names[k] for k in kept] for names in (e.levels, e.references))
        parts.append((e.estimand, levels, references, e.draws[:, :, kept]))
    named = {"sd_tau": f"{SD}treaties", "sd_tau_regime": f"{SD}classes around a treaty"}
    spreads = {(label, ""): posterior[name].values for name, label in named.items() if name in posterior}
    for term in (*treaties_in(posterior), "common"):
        if term in posterior["country_term"].values:
            key = (f"{SD}country effects", "any treaty" if term == "common" else term)
            spreads[key] = posterior["sd_country"].sel(country_term=term).values
    return parts + [(name, [level], [""], draws[:, :, None]) for (name, level), draws in spreads.items()]


def _of_one(posterior: Any, rows: Any) -> list[Part]:
    """Of one treaty: average over countries, each class effect, contrast and the SD of country effects."""
    classes = tuple(str(v) for v in posterior["regime"].values)
    contrast = pairwise(classes, posterior["tau"].values)
    parts: list[Part] = [("tau", classes, ("",) * len(classes), posterior["tau"].values)]
    if contrast.levels:
        average = average_effects(posterior, country_facts(rows))
        parts.insert(0, ("average", average.levels[:1], ("",), average.draws[:, :, :1]))
        parts.append(("contrast", contrast.levels, contrast.references, contrast.draws))
    if "ratified" in posterior["country_term"].values:
        spread = posterior["sd_country"].sel(country_term="ratified").values[:, :, None]
        parts.append((f"{SD}country effects", ("",), ("",), spread))
    return parts


def _compare(real: dict[str, Any], permuted: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["estimand", "level", "reference", "mean", "lb", "ub"]
    table = pd.DataFrame(real["rows"], columns=columns)
    means = np.array([[row[3] for row in r["rows"]] for r in permuted])
    excludes = np.array([[row[4] > 0 or row[5] < 0 for row in r["rows"]] for r in permuted])
    spread = table["estimand"].str.startswith(SD).to_numpy()
    beyond = np.where(
        spread, means >= table["mean"].to_numpy(), np.abs(means) >= table["mean"].abs().to_numpy()
    )
    table["permuted_mean"], table["permuted_sd"] = means.mean(0), means.std(0, ddof=1)
    table["excludes_0"] = np.where(spread, np.nan, excludes.mean(0))
    table["p_value"] = (1 + beyond.sum(0)) / (1 + len(permuted))
    table["ci_prob"] = CI_PROB
    return table
