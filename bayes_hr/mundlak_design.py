r"""Country means among the columns of a design, so that effects are those within countries (Mundlak 1978).

Country effects are taken as unrelated to the other columns, which they seldom are: rich countries respect
rights more, and those that ratify early are others than those that never do.  With the mean of a column
over the rows of its country beside it, what differs between countries loads on the mean, and the column's
own coefficient is that of changes within countries (Mundlak 1978, *On the pooling of time series and cross
section data*, Econometrica 46, doi 10.2307/1913646).  With :math:`\bar D_i` the share of a country's rows
that are treated, and :math:`m_r` its mean over the countries of class r that switch,

.. math:: \eta_{it} = \dots + \bar x_i'\omega_x + \omega_r \bar D_i
          + \kappa (\bar D_i - m_{r(i)}) D_{it} + \omega_\kappa (\bar D_i - m_{r(i)}) \bar D_i,

the last two where effects of ratification vary by country: :math:`\bar D_i D_{it}` lets them depend on the
share, as the first lets levels.  Products (D by class, D by share) are columns of their own, averaged after
multiplying.  All means are over the rows used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.design import PopulationTerm
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from bayes_hr.cards import RatificationCard as Card
    from bayes_hr.design_parts import CardPriors

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

RATIFIED: Final = "ratified: "
"""Start of the label of a class's mean of D."""

PRODUCT: Final = "ratified x share"
"""Label of the mean of D times the country's share of treated rows."""


def country_means(values: Array, index: Index, weights: Array | None = None) -> Array:
    """Means (countries,) of values (n,); weighted where rows stand for several."""
    weights = np.ones(values.size) if weights is None else weights
    return np.asarray(np.bincount(index, weights * values) / np.bincount(index, weights))


def class_shares(share: Array, regime: NDArray[Any]) -> dict[str, float]:
    """Mean share of treated rows of each class, over its countries that switch (all, where none does).

    Parameters
    ----------
    share, regime
        (countries,) share of a country's rows that are treated, and its class.
    """
    out = {}
    for label in np.unique(regime):
        own = share[regime == label]
        switching = own[(own > 0) & (own < 1)]
        out[str(label)] = float(np.mean(switching if switching.size else own))
    return out


def centred_shares(share: Array, regime: NDArray[Any]) -> Array:
    """Shares (countries,) less the :func:`class_shares` of their classes."""
    mean = class_shares(share, regime)
    return share - np.array([mean[str(r)] for r in regime])


def mundlak_terms(
    card: Card,
    population: Sequence[PopulationTerm],
    priors: CardPriors,
    *,
    index: Index,
    regime: NDArray[Any],
    treated: Array,
    weights: Array | None,
) -> list[PopulationTerm]:
    """Terms ``mundlak`` and, where effects vary by country, ``kappa``; none if the card asks for no means.

    Parameters
    ----------
    population
        The terms so far, with ``gamma`` in standardised columns.
    index, regime, treated
        (n,) country, class and treatment of each row.
    weights
        (n,) rows that each row stands for; None where a row is a row.

    Raises
    ------
    InputError
        If a control does not vary within countries or its means not between them, or no class has countries
        that differ in their share of treated rows.
    """
    labels, columns = _control_means(card, population, index, weights)
    out = []
    if card.treatment.mundlak:
        varies = "ratified" in card.groups[0].terms
        found = _treatment_columns(index, regime, treated, weights)
        classes = next(t for t in population if t.name == "tau").coords["regime"]
        kept = [f"{RATIFIED}{r}" for r in classes if np.ptp(found[f"{RATIFIED}{r}"][regime == r]) > 0]
        if not kept:
            raise InputError(
                f"card {card.id}: treatment.mundlak needs countries of a class that differ in the share of "
                "their rows after ratification, and there are none. Leave it out."
            )
        kept += [PRODUCT] if varies else []
        labels, columns = [*labels, *kept], [*columns, *(found[k] for k in kept)]
        if varies:
            slope = _slope(index, regime, treated, weights)
            out.append(PopulationTerm("kappa", (), {}, priors("kappa"), slope[:, None]))
    if labels:
        means = PopulationTerm(
            "mundlak",
            ("country_mean",),
            {"country_mean": tuple(labels)},
            priors("mundlak"),
            np.stack(columns, 1),
        )
        out.insert(0, means)
    return out


def with_treatment(
    population: tuple[PopulationTerm, ...],
    *,
    index: Index,
    regime: NDArray[Any],
    treated: Array,
    weights: Array | None,
) -> tuple[PopulationTerm, ...]:
    """The same terms with the means of another treatment (n,); those of controls stay."""
    found = _treatment_columns(index, regime, treated, weights)

    def changed(term: PopulationTerm) -> PopulationTerm:
        if term.name == "kappa":
            return replace(term, columns=_slope(index, regime, treated, weights)[:, None])
        if term.name != "mundlak":
            return term
        labels = [str(label) for label in term.coords["country_mean"]]
        old = term.columns.T
        return replace(term, columns=np.stack([found.get(k, old[i]) for i, k in enumerate(labels)], axis=1))

    return tuple(changed(term) for term in population)


def _control_means(
    card: Card, population: Sequence[PopulationTerm], index: Index, weights: Array | None
) -> tuple[list[str], list[Array]]:
    """Labels and columns (n,) of the means of the controls that are to be split."""
    labels, columns = [], []
    for k, control in enumerate(card.population):
        if not control.mundlak:
            continue
        x = next(t for t in population if t.name == "gamma").columns[:, k]
        mean = country_means(x, index, weights)
        if np.abs(x - mean[index]).max() < 1e-9 and weights is None:
            raise InputError(
                f"card {card.id}: control {control.label!r} is the same in all rows of a country, so that it "
                "has nothing within countries. Write mundlak = false for it."
            )
        if np.ptp(mean) < 1e-9:
            raise InputError(
                f"card {card.id}: control {control.label!r} has the same mean in every country, so that it "
                "has nothing between countries. Write mundlak = false for it."
            )
        labels.append(control.label)
        columns.append(mean[index])
    return labels, columns


def _country_shares(
    index: Index, regime: NDArray[Any], treated: Array, weights: Array | None
) -> tuple[Array, Array]:
    """Share of treated rows of each row's country (n,), and the same less that of its class."""
    share = country_means(treated, index, weights)
    _, first = np.unique(index, return_index=True)
    return share[index], centred_shares(share, regime[first])[index]


def _treatment_columns(
    index: Index, regime: NDArray[Any], treated: Array, weights: Array | None
) -> dict[str, Array]:
    """Every column (n,) of means of D: by class, and of its product with the share."""
    share, centred = _country_shares(index, regime, treated, weights)
    by_class = {f"{RATIFIED}{r}": share * (regime == r) for r in np.unique(regime)}
    return {**by_class, PRODUCT: centred * share}


def _slope(index: Index, regime: NDArray[Any], treated: Array, weights: Array | None) -> Array:
    """D times the centred share of the row's country, (n,)."""
    return np.asarray(treated * _country_shares(index, regime, treated, weights)[1])
