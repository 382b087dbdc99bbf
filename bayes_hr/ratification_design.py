r"""Model R as a design: card and ratification panel in, matrices out.

For country i in year t, regime class r,

.. math:: \eta_{it} = \alpha + a_r + x_{it}'\gamma + f_r(t) + a_i + (\tau_r + b_i) D_{it},
          \qquad (a_i, b_i) \sim N(0, \Sigma),

(and, where the card asks for it, each country's own trend :math:`g_i` per decade beside :math:`a_i, b_i`, and
the outcome of the year before, :mod:`bayes_hr.dynamic_design`, or country means,
:mod:`bayes_hr.mundlak_design`),
with :math:`D_{it} = 1` from ``lag`` full years after ratification on; ordered categories have cut-points in
place of :math:`\alpha`.  The estimands are the class effects
:math:`\tau_r`, their contrasts and the country effects :math:`\tau_{r(i)} + b_i` (Simmons 2009, *Mobilizing
for Human Rights*, https://doi.org/10.1017/CBO9780511811340).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bayes_hr.compressed_design import CELL, check_card, repeats_of, standardised, with_cells
from bayes_hr.data.merge import ROWS
from bayes_hr.data.messages import listed
from bayes_hr.data.regimes import BY_YEAR
from bayes_hr.design import Design, ErrorStructure, GroupTerm, PopulationTerm, View, view
from bayes_hr.design_parts import (
    CardPriors,
    check_categories,
    controls_term,
    cut_points,
    filtered,
    lagged,
    need_numbers,
    scale_of,
    unused_categories,
    without_missing,
)
from bayes_hr.dynamic_design import dynamic_terms, lag_checks, with_lagged_outcome
from bayes_hr.errors import InputError
from bayes_hr.kernels import RowOrder, row_order
from bayes_hr.mundlak_design import mundlak_terms, with_treatment
from bayes_hr.walks import STEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.cards import RatificationCard as Card
    from bayes_hr.data.merge import MergeReport
    from bayes_hr.data.panel import Panel
    from bayes_hr.repeats import Repeats

    Array = NDArray[np.float64]

ONE_CLASS = "all countries"
CLASS_ORDER = ("stable autocracy", "transition", "stable democracy")


def build(card: Card, panel: Panel) -> Design:
    """Turn a card and a panel into the design of Model R.

    Rows that a card's filter or a missing control takes away are counted in ``design.merge``.

    Raises
    ------
    InputError
        A column that the card needs is missing or not numeric, no rows are left, the outcome or the
        treatment does not vary, a contrast is asked for with a single regime class, or an ordinal outcome
        holds something else than categories.
    """
    _check_panel_is_the_cards(card, panel)
    if panel.compressed is not None:
        check_card(card, panel.compressed)
    frame = _with_columns(card, panel)
    frame, merge = _used_rows(card, frame, panel.merge)
    repeats = repeats_of(card, panel, frame)
    _check_identified(card, frame)
    notes = []
    if card.outcome.ordinal:
        check_categories(card, frame[card.outcome.name].to_numpy(float))
        notes = unused_categories(panel.frame[card.outcome.name], frame[card.outcome.name])
    return _assemble(card, frame, merge.with_notes(*notes), repeats)


def with_ratification_years(design: Design, years: Array, lag: int) -> Design:
    """The same design with other ratification years (NaN: never), one for each country in level order.

    Shapes do not change, so a compiled model takes the new arrays as data.
    """
    group = design.groups[0]
    treated = (design.rows["year"] - years[group.index] >= lag).astype(float)
    tau = design.term("tau")
    member = np.stack([design.rows["regime_class"] == c for c in tau.coords["regime"]], axis=1)
    population = tuple(
        replace(t, columns=member * treated[:, None]) if t.name == "tau" else t for t in design.population
    )
    population = with_treatment(
        population,
        index=group.index,
        regime=design.rows["regime_class"],
        treated=treated,
        weights=None if design.repeats is None else design.repeats.rows,
    )
    Z = group.Z.copy()
    if "ratified" in group.terms:
        Z[:, group.terms.index("ratified")] = treated
    rows = {**design.rows, "treated": treated, "ratification_year": years[group.index]}
    return replace(design, population=population, groups=(replace(group, Z=Z),), rows=rows)


def _assemble(card: Card, frame: pd.DataFrame, merge: MergeReport, repeats: Repeats | None) -> Design:
    """Matrices, indices and priors from the rows used."""
    y = frame[card.outcome.name].to_numpy(float)
    unit, centre = scale_of(card, y, repeats)
    ordinal = card.outcome.ordinal
    codes, levels = pd.factorize(frame["ccode"], sort=True)
    order = row_order(codes.astype(np.int64), frame["year"].to_numpy(np.int64))
    priors = CardPriors(card, unit, centre)
    population, scales = _population(card, frame, priors, repeats)
    population += dynamic_terms(card, frame, priors, centre)
    population += _means(card, frame, population, priors=priors, order=order, repeats=repeats)
    y, cuts = cut_points(card, y, frame["year"].to_numpy(np.int64), priors) if ordinal else (y, None)
    return Design(
        y=y,
        population=tuple(population),
        groups=(_country(card, frame, order, tuple(int(v) for v in levels), priors),),
        error=ErrorStructure(
            kind=card.error.kind,
            likelihood=card.outcome.likelihood if cuts is None else f"ordered_{cuts.link}",
            unit="country",
            order=order,
            sigma=None if ordinal else priors("sigma"),
            rho=priors("rho") if card.error.kind == "ar1" else None,
            nu=priors("nu") if card.outcome.likelihood == "student_t" else None,
            cuts=cuts,
            measurement_sd=_measurement_sd(card, frame),
        ),
        rows={
            "ccode": frame["ccode"].to_numpy(np.int64),
            "country_name": frame["country"].to_numpy(object),
            "year": frame["year"].to_numpy(np.int64),
            "regime_class": frame["regime"].to_numpy(object),
            "treated": frame["_D"].to_numpy(float),
            "ratification_year": frame["ratification_year"].to_numpy(float),
        },
        unit=unit,
        centre=centre,
        standardised=scales,
        merge=merge,
        attrs={"family": card.family, "treatment": card.treatment.name, "outcome": card.outcome.name},
        views=_views(frame, ordinary=repeats is None, ordinal=ordinal),
        headline=("tau", 0, "effect of ratification in a class"),
        repeats=standardised(repeats, scales),
    )


def _means(
    card: Card,
    frame: pd.DataFrame,
    population: list[PopulationTerm],
    *,
    priors: CardPriors,
    order: RowOrder,
    repeats: Repeats | None,
) -> list[PopulationTerm]:
    """Country means beside the columns that a card wants split."""
    return mundlak_terms(
        card,
        population,
        priors,
        index=order.unit,
        regime=frame["regime"].to_numpy(str),
        treated=frame["_D"].to_numpy(float),
        weights=None if repeats is None else repeats.rows,
    )


def _measurement_sd(card: Card, frame: pd.DataFrame) -> Array | None:
    """Known SD of each row's outcome (n,), if the card names a column of them."""
    name = card.error.measurement_sd
    if not name:
        return None
    sd = frame[name].to_numpy(float)
    if not (np.isfinite(sd) & (sd > 0)).all():
        row = frame.iloc[int(np.argmin(np.where(np.isfinite(sd), sd, -np.inf)))]
        raise InputError(
            f"card {card.id}: error.measurement_sd: {name!r} must be positive in every row; it is "
            f"{row[name]:g} in {row['country']} {row['year']}. Leave such rows out with `where`, or give "
            "their true SD."
        )
    return sd


def _check_panel_is_the_cards(card: Card, panel: Panel) -> None:
    """Refuse a panel of another question, or one of ours for another treaty or other regime classes."""
    if panel.name != "ratification":
        raise InputError(
            f"card {card.id} needs a ratification panel (one row per country and year), not one of kind "
            f"{panel.name!r}. Use load_panel('ratification') or Panel.from_frame(...)."
        )
    if not panel.sources:
        return
    regime = card.regime
    wanted = {
        "treaty": card.treatment.name,
        "regime_source": regime.source,
        "regime_rule": regime.rule,
        "regime_window": list(regime.window) if regime.window else None,
        "democracy": regime.democracy,
        "autocracy": regime.autocracy,
        **({"regime_trailing": regime.trailing} if regime.rule == BY_YEAR else {}),
    }
    for name, value in wanted.items():
        found = panel.options.get(name)
        found = list(found) if isinstance(found, tuple) else found
        if found != value:
            raise InputError(
                f"card {card.id} asks for {name} = {value!r}, but the panel was built with {found!r}. "
                f"Leave the panel out (the card builds its own), or use load_panel(..., {name}={value!r})."
            )


def _with_columns(card: Card, panel: Panel) -> pd.DataFrame:
    """The panel's rows with treatment and lagged controls as columns."""
    frame = with_cells(panel.frame.sort_values(["ccode", "year"]).reset_index(drop=True), panel)
    measurement = [name for name in (card.error.measurement_sd,) if name]
    need_numbers(card, panel, frame, [card.outcome.name, *measurement, *(c.name for c in card.population)])
    if "country" not in frame.columns:
        frame["country"] = frame["ccode"].astype(str)
    if "regime" not in frame.columns:
        frame["regime"] = ONE_CLASS
    frame["_D"] = (frame["years_since"] >= card.treatment.lag).astype(float)
    for control in card.population:
        frame[f"_x_{control.label}"] = lagged(frame, control.name, control.lag)
    return with_lagged_outcome(card, frame)


def _used_rows(card: Card, frame: pd.DataFrame, merge: MergeReport) -> tuple[pd.DataFrame, MergeReport]:
    """Apply the card's filter, then drop rows without a needed value, saying which and why."""
    frame, steps = filtered(card, frame)
    measured = [name for name in (card.outcome.name, card.error.measurement_sd) if name]
    checks = [*((name, name) for name in measured), *((c.label, f"_x_{c.label}") for c in card.population)]
    checks += lag_checks(card)
    if CELL not in frame.columns:  # such tables count country-years, and cells stand for many rows
        merge = merge.with_missing(frame, dict(checks))
    frame, more = without_missing(card, frame, checks)
    return frame, merge.extend(frame, *steps, *more)


def _check_identified(card: Card, frame: pd.DataFrame) -> None:
    """Refuse what no model could estimate."""
    treaty = card.treatment.name
    if frame["_D"].max() == 0:
        raise InputError(f"card {card.id}: no country has ratified {treaty} in the {len(frame)} rows used.")
    if frame["_D"].min() == 1:
        raise InputError(
            f"card {card.id}: every row used is after ratification of {treaty}; nothing to compare."
        )
    if frame[card.outcome.name].nunique() < 2:
        raise InputError(f"card {card.id}: outcome {card.outcome.name!r} has one value in the rows used.")
    classes = frame["regime"].unique()
    if len(classes) < 2 and "contrast" in card.estimands:
        raise InputError(
            f"card {card.id}: a contrast between regime classes is asked for, but the rows used have one "
            f"class ({classes[0]!r}). Add a column 'regime', or take 'contrast' out of the card's estimands."
        )
    classes_of = frame.groupby("ccode")["regime"].nunique()
    moved = classes_of.index[classes_of > 1].tolist()
    if moved and card.regime.rule != BY_YEAR:
        raise InputError(
            f"card {card.id}: regime must be one class per country; it changes for ccode {listed(moved)}. "
            "Give each of them one class, or say in a card of one treaty that classes may change: "
            f'regime = {{rule = "{BY_YEAR}"}}.'
        )


def _population(
    card: Card, frame: pd.DataFrame, priors: CardPriors, repeats: Repeats | None
) -> tuple[list[PopulationTerm], dict[str, tuple[float, float]]]:
    """Population terms in the order of the docstring's equation, and how controls were standardised."""
    n = len(frame)
    classes = _class_labels(frame)
    member = (frame["regime"].to_numpy()[:, None] == np.array(classes)[None, :]).astype(float)
    terms = []
    if not card.outcome.ordinal:  # the cut-points hold the level
        terms.append(PopulationTerm("alpha", (), {}, priors("alpha", level=True), np.ones((n, 1))))
    if len(classes) > 1:
        labels = tuple(f"regime: {c}" for c in classes[1:])
        terms.append(PopulationTerm("beta", ("term",), {"term": labels}, priors("beta"), member[:, 1:]))
    gamma, scales = controls_term(card, frame, priors("gamma") if card.population else None, repeats)
    terms += [gamma] if gamma else []
    treated = member * frame["_D"].to_numpy()[:, None]
    pooled = priors("sd_tau") if card.treatment.pooling == "partial" else None
    terms.append(PopulationTerm("tau", ("regime",), {"regime": classes}, priors("tau"), treated, sd=pooled))
    if card.time.effects != "none":
        terms.append(_year_effects(card, frame, classes, priors))
    return terms, scales


def _views(frame: pd.DataFrame, *, ordinary: bool, ordinal: bool) -> tuple[View, ...]:
    """Countries in level order, class-years, and years of categories; only means, where rows are cells."""
    codes, levels = pd.factorize(frame["ccode"], sort=True)
    names = dict(zip(frame["ccode"].tolist(), frame["country"].tolist(), strict=True))
    labels = tuple(f"{names[level]} ({level})" for level in levels.tolist())
    keys = frame["regime"].astype(str) + " " + frame["year"].astype(str)
    return (
        View("country", labels, codes.astype(np.int64), ("mean", "SD") if ordinary else ("mean",)),
        view("class-year", keys.to_numpy(str), ("mean",)),
        *((view("year", frame["year"].to_numpy(str), ("shares of categories",)),) if ordinal else ()),
    )


def _class_labels(frame: pd.DataFrame) -> tuple[str, ...]:
    """Regime classes present, from autocracy to democracy, others after them."""
    present = set(frame["regime"])
    known = [c for c in CLASS_ORDER if c in present]
    return (*known, *sorted(present - set(known)))


def _year_effects(
    card: Card, frame: pd.DataFrame, classes: tuple[str, ...], priors: CardPriors
) -> PopulationTerm:
    """Effects of each year, by regime class unless the card says otherwise."""
    year = frame["year"].to_numpy(np.int64)
    years = np.unique(year)
    position = np.searchsorted(years, year)
    dims: tuple[str, ...] = ("year",)
    coords: dict[str, tuple[str | int, ...]] = {"year": tuple(int(v) for v in years)}
    if card.time.by == "regime":
        class_of = np.array([classes.index(c) for c in frame["regime"]])
        dims, coords = ("regime", "year"), {"regime": classes, **coords}
        position = class_of * years.size + position
    walk = card.time.effects == "random_walk"
    if walk and years.size < 2:
        raise InputError(f"card {card.id}: a random walk needs two years, and the rows have one.")
    spread = {"pooled": "sd_year_effect", "random_walk": STEP}.get(card.time.effects)
    return PopulationTerm(
        "year_effect",
        dims,
        coords,
        None if spread else priors("year_effect"),
        index=position,
        sd=priors(spread) if spread else None,
        walk=walk,
    )


def _country(
    card: Card, frame: pd.DataFrame, order: RowOrder, levels: tuple[int, ...], priors: CardPriors
) -> GroupTerm:
    """Varying intercepts, ratification effects and trends (in decades from the mean year) by country."""
    group, year = card.groups[0], frame["year"].to_numpy(float)
    weights = frame[ROWS].to_numpy(float) if ROWS in frame.columns else None  # of cells: the mean of all rows
    columns = {
        "intercept": np.ones(len(frame)),
        "ratified": frame["_D"].to_numpy(float),
        "trend": (year - np.average(year, weights=weights)) / 10.0,
    }
    correlated = group.correlated and len(group.terms) > 1
    return GroupTerm(
        name=group.name,
        levels=levels,
        index=order.unit,
        terms=group.terms,
        Z=np.stack([columns[t] for t in group.terms], axis=1),
        sd=tuple(priors(f"sd_{group.name}", t) for t in group.terms),
        corr=priors(f"corr_{group.name}") if correlated else None,
        centred=group.centred_terms,
    )
