r"""Model T as a design: several treaties at once, their effects partially pooled.

For country i in year t, regime class r, treaties k,

.. math:: \eta_{it} = \alpha + a_r + x_{it}'\gamma + f_r(t) + a_i
          + \sum_k (\tau_k + \tau_{kr} + b_{ik}) D_{kit},
          \qquad \tau_k \sim N(\mu_\tau, s_\tau^2), \quad \tau_{kr} \sim N(0, s_{\tau r}^2), \quad
          b_{ik} \sim N(0, s_{b_k}^2),

with :math:`D_{kit} = 1` from ``lag`` full years after ratification of treaty k on.  All but the treaties is
Model R (:mod:`bayes_hr.ratification_design`), which builds it here too.

Country effects are those that the card's group names.  ``treaties``, the default, are :math:`b_{ik}`, with
an SD for each treaty, independent of each other and of the rest (countries ratify in clusters, so data say
next to nothing of their K(K + 1)/2 correlations).  ``common`` is :math:`b_i` in their place or beside them: a
country's own response, the same to every treaty that it is under.  Without either, the differences between
countries would pass for certainty about :math:`\tau_k`; with ``common`` alone, so would what countries have
of one treaty and not of the others (on the real panel the SDs of :math:`b_{ik}` go from .02 to .27).

Partial pooling is part of the question: treaties are ratified together, and a prior that knows no likeness of
theirs would let a pair that the data cannot tell apart run to opposite extremes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr import ratification_design
from bayes_hr.cards import RatificationCard, parse_card
from bayes_hr.data.many_treaties import treaties_of
from bayes_hr.data.panel import Panel
from bayes_hr.data.treatment import with_treatment
from bayes_hr.data.user_treaties import COLUMNS, PREFIX
from bayes_hr.design import GroupTerm, PopulationTerm
from bayes_hr.design_parts import CardPriors
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bayes_hr.cards import TreatiesCard
    from bayes_hr.design import Design
    from bayes_hr.priors import Prior

    Array = NDArray[np.float64]

_OWN: Final = {"family", "panel", "treatment", "groups", "estimands", "priors"}
"""Sections that a card of several treaties does not share with Model R."""

_NOT_BASE: Final = {"sd_country", "corr_country", "sd_tau_regime"}
"""Priors of parameters that Model R has not, where countries have levels only."""


def build(card: TreatiesCard, panel: Panel) -> Design:
    """Turn a card and a panel of several treaties into the design of Model T.

    Raises
    ------
    InputError
        As :func:`bayes_hr.ratification_design.build`; a treaty of the card is not in the panel, nobody or
        everybody ratified it in the rows used, or two treaties have the same dummy; the rows are compressed.
    """
    _check_panel(card, panel)
    base = ratification_design.build(_base_card(card), _base_panel(card, panel))
    years = _years(card, panel, base)
    D = np.stack([base.rows["year"] - years[:, k] >= card.treatment.lag for k in range(years.shape[1])], 1)
    _check_identified(card, base, D)
    return _with_treaties(card, base, D.astype(float), years)


def _check_panel(card: TreatiesCard, panel: Panel) -> None:
    """Refuse compressed rows, a panel of another kind, and one without a treaty of the card."""
    if panel.compressed is not None:
        raise InputError(
            f"card {card.id}: compressed rows have one treaty. Take a panel of country-years "
            "(Panel.from_frame(..., name='treaties')), or a card of family \"ratification\"."
        )
    found = treaties_of(panel)
    for name in card.treatment.names:
        if name not in found:
            raise InputError(
                f"card {card.id}: the panel has no column '{PREFIX}{name}'; its treaties are "
                f"{', '.join(found) or 'none'}. Add the column (missing = never ratified), or take "
                f"{name} out of treatment.names."
            )


def _base_card(card: TreatiesCard) -> RatificationCard:
    """The card of Model R for the first treaty alone; the rest of the model is the same."""
    data = card.model_dump(mode="json", exclude_none=True, exclude=_OWN)
    spread = card.priors["sd_country"]
    keep = {key: prior for key, prior in card.priors.items() if key not in _NOT_BASE}
    if isinstance(spread, dict) and "intercept" in spread:
        keep["sd_country"] = {"intercept": spread["intercept"]}
    found = parse_card(
        {
            **data,
            "family": "ratification",
            "panel": "ratification",
            "treatment": {"name": card.treatment.names[0], "lag": card.treatment.lag, "pooling": "partial"},
            "groups": [{"name": "country", "terms": ["intercept"], "correlated": False}],
            "estimands": ["regime"],
            "priors": keep,
        },
        where=f"card {card.id}",
    )
    if not isinstance(found, RatificationCard):
        raise TypeError("a card of family ratification")
    return found


def _base_panel(card: TreatiesCard, panel: Panel) -> Panel:
    """The panel with the years of the first treaty alone."""
    frame = panel.frame.assign(ratification_year=panel.frame[f"{PREFIX}{card.treatment.names[0]}"])
    frame = with_treatment(frame[[c for c in frame.columns if not c.startswith(COLUMNS)]])
    return Panel("ratification", frame, panel.merge, (), panel.options)


def _years(card: TreatiesCard, panel: Panel, base: Design) -> Array:
    """Ratification year of each treaty in each row used (n, K); NaN: never."""
    columns = [f"{PREFIX}{name}" for name in card.treatment.names]
    by_country = panel.frame.drop_duplicates("ccode").set_index("ccode")[columns]
    return by_country.loc[base.rows["ccode"]].to_numpy(float)


def _check_identified(card: TreatiesCard, base: Design, D: NDArray[np.bool_]) -> None:
    """Refuse what no model could tell apart."""
    names, countries = card.treatment.names, base.groups[0].index
    for k, name in enumerate(names):
        if not D[:, k].any():
            raise InputError(
                f"card {card.id}: no country has ratified {name} in the {len(D)} rows used. Take it out of "
                "treatment.names, or take later years in `where`."
            )
        if D[:, k].all():
            raise InputError(
                f"card {card.id}: every row used is after ratification of {name}; nothing to compare. Take "
                "it out of treatment.names, or take earlier years in `where`."
            )
        switches = sum(np.ptp(D[countries == c, k].astype(int)) > 0 for c in np.unique(countries))
        if not switches:
            raise InputError(
                f"card {card.id}: no country ratifies {name} within the {len(D)} rows used: some did before, "
                "some never, which country levels absorb. Take it out of treatment.names, or take more years."
            )
        for other, earlier in enumerate(names[:k]):
            if np.array_equal(D[:, k], D[:, other]):
                raise InputError(
                    f"card {card.id}: {earlier} and {name} are ratified in the same years by every country "
                    "in the rows used; no model can tell them apart. Keep one of them in treatment.names."
                )


def _with_treaties(card: TreatiesCard, base: Design, D: Array, years: Array) -> Design:
    """The design with the terms, country effects and rows of all treaties."""
    names, term = card.treatment.names, base.term("tau")
    priors = CardPriors(card, base.unit, base.centre)
    classes = term.coords["regime"]
    dims: dict[str, tuple[str | int, ...]] = {"treaty": names}
    own = PopulationTerm("tau", ("treaty",), dims, term.prior, D, sd=term.sd)
    parts = [own]
    if len(classes) > 1:
        both = {**dims, "regime": classes}
        columns = _by_class(D, base.rows["regime_class"], classes)
        spread = priors("sd_tau_regime")
        parts.append(PopulationTerm("tau_regime", ("treaty", "regime"), both, None, columns, sd=spread))
    population = [p for t in base.population for p in (parts if t.name == "tau" else [t])]
    rows = {k: v for k, v in base.rows.items() if k not in {"treated", "ratification_year"}}
    return replace(
        base,
        population=tuple(population),
        groups=(_country(card, base.groups[0], D, priors),),
        rows={**rows, **_rows(names, D, years)},
        attrs={"family": card.family, "treatment": ", ".join(names), "outcome": card.outcome.name},
        headline=("tau", 0, f"effect of {names[0]}"),
    )


def with_treaty_years(design: Design, years: Array, lag: int) -> Design:
    """The same design with other ratification years (countries, K), NaN: never; countries in level order.

    Shapes do not change, so a compiled model takes the new arrays as data.
    """
    group, names = design.groups[0], [str(name) for name in design.term("tau").coords["treaty"]]
    own = years[group.index]
    D = (design.rows["year"][:, None] - own >= lag).astype(float)
    columns = {"tau": D}
    if any(t.name == "tau_regime" for t in design.population):
        classes = design.term("tau_regime").coords["regime"]
        columns["tau_regime"] = _by_class(D, design.rows["regime_class"], classes)
    Z = group.Z.copy()
    for k, term in enumerate(group.terms):
        if term == "common":
            Z[:, k] = D.sum(axis=1)
        elif term in names:
            Z[:, k] = D[:, names.index(term)]
    return replace(
        design,
        population=tuple(
            replace(t, columns=columns[t.name]) if t.name in columns else t for t in design.population
        ),
        groups=(replace(group, Z=Z),),
        rows={**design.rows, **_rows(names, D, own)},
    )


def _by_class(D: Array, regime: NDArray[np.str_], classes: Sequence[str | int]) -> Array:
    """Columns of each treaty in each class, (n, K R)."""
    member = np.stack([regime == c for c in classes], axis=1).astype(float)
    return (D[:, :, None] * member[:, None, :]).reshape(len(D), -1)


def _rows(names: Sequence[str], D: Array, years: Array) -> dict[str, Array]:
    """What the rows say of each treaty: its dummy and the country's ratification year."""
    treated = {f"treated_{name}": D[:, k] for k, name in enumerate(names)}
    return {**treated, **{f"{PREFIX}{name}": years[:, k] for k, name in enumerate(names)}}


def _country(card: TreatiesCard, base: GroupTerm, D: Array, priors: CardPriors) -> GroupTerm:
    """Country levels, and the countries' own effects: one for all treaties, or one of each."""
    group, names = card.groups[0], card.treatment.names
    columns = {"intercept": np.ones((len(D), 1)), "common": D.sum(axis=1, keepdims=True), "treaties": D}
    terms: list[str] = []
    sd: list[Prior] = []
    centred: list[bool] = []
    for term, centre in zip(group.terms, group.centred_terms, strict=True):
        labels = names if term == "treaties" else (term,)
        terms += labels
        sd += [priors("sd_country", term)] * len(labels)
        centred += [centre] * len(labels)
    correlated = group.correlated and len(terms) > 1
    return replace(
        base,
        terms=tuple(terms),
        Z=np.hstack([columns[term] for term in group.terms]),
        sd=tuple(sd),
        corr=priors("corr_country") if correlated else None,
        centred=tuple(centred),
    )
