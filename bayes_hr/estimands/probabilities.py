r"""What ratification did to an ordinal outcome: average changes of the probabilities of its categories.

Probit and logit coefficients depend on what else is in the model (and on their residuals' SD), so they are
not compared across outcomes; these are.
For a ratified row with linear predictor :math:`\eta_{it}`, of which :math:`\tau_{r(i)} + b_i` is due to
ratification, the change of :math:`P(y \ge k)` is

.. math:: F(\eta_{it} - c_k) - F(\eta_{it} - \tau_{r(i)} - b_i - c_k),

with F the standard normal or logistic distribution function and, where cut-points move, :math:`c_k` those of
the row's year, averaged over the ratified rows, the country's level and effect being in (average partial
effects: Wooldridge 2010, *Econometric Analysis of Cross Section and Panel Data*, 2nd ed., section 15.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.design_io import terms_of
from bayes_hr.estimands.summary import EstimandDraws
from bayes_hr.ordinal import LINKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.design import CutPoints, GroupTerm, Label, PopulationTerm

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]
    Terms = tuple[tuple[PopulationTerm, ...], tuple[GroupTerm, ...], CutPoints | None]

ALL_ROWS: Final = "all ratified rows"
_CHUNK: Final = 250
"""Draws whose linear predictors are held at a time."""


def events(categories: Sequence[Label]) -> tuple[str, ...]:
    """Names of what has a probability: ``P(y >= k)`` from the second category on, then each ``P(y = k)``."""
    return (*(f"P(y >= {c})" for c in categories[1:]), *(f"P(y = {c})" for c in categories))


def exceedance_changes(eta: Array, effect: Array, cutpoints: Array, link: str = "probit") -> Array:
    """Change of P(y >= k) of each row that its effect makes.

    Parameters
    ----------
    eta, effect
        (..., n) linear predictor with the effect in it, and the effect, latent scale.
    cutpoints
        (..., K - 1), the same for all rows; or (..., n, K - 1), each row's own.
    link
        A name of :data:`bayes_hr.ordinal.LINKS`.

    Returns
    -------
    array of shape (..., n, K - 1)
        For k = 1 to K - 1.
    """
    same = cutpoints.ndim == eta.ndim
    at = eta[..., :, None] - (cutpoints[..., None, :] if same else cutpoints)
    cdf = LINKS[link].cdf
    return np.asarray(cdf(at) - cdf(at - effect[..., :, None]))


def event_changes(exceedance: Array) -> Array:
    """Changes of all :func:`events` (..., 2 K - 1) from those of P(y >= k) (..., K - 1)."""
    edge = np.zeros((*exceedance.shape[:-1], 1))
    each = -np.diff(np.concatenate([edge, exceedance, edge], axis=-1), axis=-1)
    return np.concatenate([exceedance, each], axis=-1)


def probability_effects(posterior: xr.Dataset, rows: xr.Dataset, facts: pd.DataFrame) -> EstimandDraws:
    """Average changes over the ratified rows, overall and by regime class.

    Parameters
    ----------
    posterior
        Draws, with ``cutpoint``.
    rows
        The design as its fit carries it (:func:`bayes_hr.design_io.to_dataset`).
    facts
        Countries in the order of the posterior's coordinate
        (:func:`bayes_hr.estimands.ratification.country_facts`).

    Returns
    -------
    EstimandDraws
        ``by = "probability"``: levels are classes (and all ratified rows), references the events.
    """
    terms = terms_of(rows)
    categories = () if terms[2] is None else terms[2].categories
    chosen = np.flatnonzero(rows["treated"].values > 0)
    regime = rows["regime_class"].values[chosen].astype(str)
    classes = [str(r) for r in posterior["regime"].values if (regime == str(r)).any()]
    parts = [(ALL_ROWS, np.ones(chosen.size, bool))]
    parts += [(label, regime == label) for label in classes] if posterior.sizes["regime"] > 1 else []
    weights = np.stack([own / own.sum() for _, own in parts])
    draws = event_changes(_averages(posterior, terms, chosen, weights))
    names = events(categories)
    each = [_note(label, int(own.sum()), facts) for label, own in parts]
    return EstimandDraws(
        "probability",
        "probability",
        tuple(label for label, _ in parts for _ in names),
        names * len(parts),
        tuple(note for note in each for _ in names),
        draws.reshape(*draws.shape[:2], -1),
        "probability",
    )


def _note(label: str, n: int, facts: pd.DataFrame) -> str:
    """How many rows and countries an average rests on."""
    own = facts if label == ALL_ROWS else facts[facts["class_treated"].map(lambda rows: label in rows)]
    ratified = int((own["treated_rows"] > 0).sum())
    note = f"{n:,} ratified rows of {ratified} countries"
    return note if (own["status"] == "switches").any() else f"{note}: effect from the prior"


def _averages(posterior: xr.Dataset, terms: Terms, chosen: Index, weights: Array) -> Array:
    """Weighted averages (chain, draw, part, K - 1) of the changes of P(y >= k) over chosen rows."""
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    cuts = terms[2]
    link = "probit" if cuts is None else cuts.link
    out = []
    for start in range(0, chains * draws, _CHUNK):
        at = np.arange(start, min(start + _CHUNK, chains * draws))
        eta, effect = _predictors(posterior, terms, chosen, at)
        change = exceedance_changes(eta, effect, _cutpoints(posterior, cuts, chosen, at), link)
        out.append(np.einsum("pn,snk->spk", weights, change))
    return np.concatenate(out).reshape(chains, draws, len(weights), -1)


def _cutpoints(posterior: xr.Dataset, cuts: CutPoints | None, chosen: Index, at: Index) -> Array:
    """Some draws of the cut-points of chosen rows: (draws, K - 1), or (draws, chosen, K - 1) by year."""
    if cuts is None or cuts.walk is None:
        return _at(posterior, "cutpoint", at)
    return _at(posterior, "cutpoint_year", at)[:, cuts.walk.index[chosen], :]


def _at(posterior: xr.Dataset, name: str, at: Index) -> Array:
    """Some draws of a variable, (draws, ...), chains one after the other."""
    values = posterior[name].values
    return np.asarray(values.reshape(-1, *values.shape[2:])[at])


def _predictors(posterior: xr.Dataset, terms: Terms, chosen: Index, at: Index) -> tuple[Array, Array]:
    """Linear predictor of chosen (ratified) rows, and the part of it that is due to ratification."""
    population, groups, _ = terms
    eta, effect = np.zeros((at.size, chosen.size)), np.zeros((at.size, chosen.size))
    for term in population:
        b = _at(posterior, term.name, at).reshape(at.size, -1)
        own = b[:, term.index[chosen]] if term.index is not None else b @ term.columns[chosen].T
        eta += own
        effect += own if term.name in {"tau", "kappa"} else 0.0
    for group in groups:
        u = _at(posterior, f"u_{group.name}", at)[:, group.index[chosen]]
        parts = u * group.Z[chosen]
        eta += parts.sum(axis=2)
        for k, name in enumerate(group.terms):
            effect += parts[:, :, k] if name == "ratified" else 0.0
    return eta, effect
