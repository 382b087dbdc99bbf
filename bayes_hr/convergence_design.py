r"""Model C as a design: card and convergence panel in, matrices out.

For state i, IGO j, year t, with :math:`d_{ijt}` the distance between the state's score and the mean of its
co-members,

.. math:: d_{ijt} = X_{ijt}'(\beta + u_i + w_j) + v_{ij} + f_t + s_{it} + x_{it}'\gamma + e_{ijt},

where X holds a level and a slope for each of *before*, *during* and *after* membership (slopes per decade
from entry, from entry, and from the last member year: negative is convergence in every phase),
:math:`u_i \sim N(0, \Sigma_{state})`, :math:`w_j \sim N(0, \Sigma_{igo})`, :math:`v_{ij} \sim N(0, s_v^2)`,
and :math:`s_{it}` is the state's own year, AR(1) within the state: it stands for what moves all of the
state's distances at once, so that its some 50 memberships a year do not count as 50 observations.  In the
style of Weyrauch & Steinert (2021), *Instrumental or intrinsic?*, https://doi.org/10.1007/s11558-021-09413-5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from bayes_hr.cards import PHASE_TERMS, PHASES
from bayes_hr.data.merge import DropStep, drop_rows
from bayes_hr.design import Design, ErrorStructure, GroupTerm, PopulationTerm, SerialTerm, View, view
from bayes_hr.design_parts import (
    CardPriors,
    controls_term,
    filtered,
    lagged,
    need_numbers,
    need_rows,
    scale_of,
    without_missing,
)
from bayes_hr.errors import InputError
from bayes_hr.kernels import row_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.cards import ConvergenceCard
    from bayes_hr.data.merge import MergeReport
    from bayes_hr.data.panel import Panel

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

SIGNED: Final = "gap_oriented"
"""Outcome: the signed gap, turned so that its mean before entry is positive in every dyad."""

KEPT: Final = ("igo", "igo_name", "igo_type", "year", "phase", "k", "entry", "last")


def build(card: ConvergenceCard, panel: Panel) -> Design:
    """Turn a card and a panel into the design of Model C.

    Rows that the card's filter, gaps in membership or a missing value take away are counted in
    ``design.merge``.

    Raises
    ------
    InputError
        A column that the card needs is missing or not numeric, no rows are left, a phase that slopes need is
        empty, or the outcome does not vary.
    """
    _check_panel_is_the_cards(card, panel)
    _check_no_controls(card, panel)
    frame, steps = _used_rows(card, _with_columns(card, panel))
    _check_identified(card, frame)
    return _assemble(card, frame, panel.merge.extend(frame, *steps))


def _check_panel_is_the_cards(card: ConvergenceCard, panel: Panel) -> None:
    """Refuse a panel that was built with other options than the card's.

    Of a user's own rows only the kind of mean is compared, where the panel says it: the report states it.
    """
    known = card.igo.options if panel.sources else {"mean": card.igo.mean} if "mean" in panel.options else {}
    for name, value in known.items():
        wanted = list(value) if isinstance(value, tuple) else value
        found = panel.options.get(name)
        found = list(found) if isinstance(found, tuple) else found
        if found != wanted:
            raise InputError(
                f"card {card.id} asks for {name} = {wanted!r}, but the panel was built with {found!r}. "
                f"Leave the panel out (the card builds its own), or use load_panel(..., {name}={wanted!r})."
            )


def _check_no_controls(card: ConvergenceCard, panel: Panel) -> None:
    """Refuse states that never joined: Model C has no phase for them."""
    never = int((panel.frame["phase"] == "never").sum())
    if never:
        raise InputError(
            f"card {card.id}: the panel holds {never:,} rows of phase 'never' (controls='never_joined'), "
            "which Model C has no term for. Build it with controls='none', or leave the panel out (the card "
            "builds its own)."
        )


def _with_columns(card: ConvergenceCard, panel: Panel) -> pd.DataFrame:
    """The panel's rows with names, the oriented gap and lagged controls as columns."""
    frame = panel.frame.sort_values(["ccode", "igo", "year"]).reset_index(drop=True)
    signed = card.outcome.name == SIGNED
    outcome = "gap_signed" if signed else card.outcome.name
    needed = [outcome, "k", "entry", "last", *(c.name for c in card.population)]
    if card.state_years.effects != "none" and card.state_years.loading == "sign":
        needed.append("gap_signed")
    need_numbers(card, panel, frame, needed)
    for name, default in (("country", "ccode"), ("igo_name", "igo")):
        if name not in frame.columns:
            frame[name] = frame[default].astype(str)
    if "igo_type" not in frame.columns:
        frame["igo_type"] = "unclassified"
    frame["dyad"] = frame["ccode"].astype(str) + ":" + frame["igo"].astype(str)
    if signed:
        before = frame["gap_signed"].where(frame["phase"] == "before").groupby(frame["dyad"]).mean()
        frame[SIGNED] = np.sign(frame["dyad"].map(before)) * frame["gap_signed"]
    for control in card.population:
        frame[f"_x_{control.label}"] = lagged(frame, control.name, control.lag)
    return frame


def _used_rows(card: ConvergenceCard, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[DropStep]]:
    """Filter, gaps, missing values, dyads without a before: what goes is counted."""
    frame, steps = filtered(card, frame)
    gap = frame["phase"] == "gap"
    if card.igo.gap == "drop" and gap.any():
        frame, step = drop_rows(frame, gap, "between two spells of membership (igo.gap)")
        steps.append(step)
    columns = [(card.outcome.name, card.outcome.name), *((c.label, f"_x_{c.label}") for c in card.population)]
    frame, more = without_missing(card, frame, columns)
    steps += more
    has_before = (frame["phase"] == "before").groupby(frame["dyad"]).transform("any")
    frame["has_before"] = has_before
    if card.igo.dyads == "with_before" and not has_before.all():
        frame, step = drop_rows(frame, ~has_before, "dyad without a year before entry (igo.dyads)")
        steps.append(step)
    return need_rows(card, frame, steps), steps


def _check_identified(card: ConvergenceCard, frame: pd.DataFrame) -> None:
    """Refuse what no model could estimate."""
    if frame[card.outcome.name].nunique() < 2:
        raise InputError(f"card {card.id}: outcome {card.outcome.name!r} has one value in the rows used.")
    if not (frame["phase"] == "during").any():
        raise InputError(f"card {card.id}: no row used is during membership; nothing to compare.")
    unknown = sorted(set(frame["phase"]) - {*PHASES, "gap"})
    if unknown:
        raise InputError(
            f"card {card.id}: column 'phase' holds {unknown[0]!r}; it must be before, during, gap or after."
        )
    for name in ("state", "igo"):
        column = "ccode" if name == "state" else "igo"
        if frame[column].nunique() < 2:
            raise InputError(
                f"card {card.id}: the rows used hold one {name} ({frame[column].iloc[0]}); effects that vary "
                f"by {name} need at least two. Widen igo.organisations or `where`."
            )


def phase_columns(phase: NDArray[Any], k: Array, *, gap: bool) -> dict[str, Array]:
    """Level (1 in the phase) and slope (k in the phase) of each phase that occurs, (n,) each.

    ``k`` is in decades, negative before entry, so that a negative slope means convergence in every phase.
    """
    out: dict[str, Array] = {}
    for name in (*PHASES, *(("gap",) if gap else ())):
        inside = phase == name
        if inside.any():
            out[name] = inside.astype(float)
            if np.unique(k[inside]).size > 1:
                out[f"{name}_slope"] = np.where(inside, k, 0.0)
    return out


def _assemble(card: ConvergenceCard, frame: pd.DataFrame, merge: MergeReport) -> Design:
    """Matrices, indices and priors from the rows used."""
    y = frame[card.outcome.name].to_numpy(float)
    unit, centre = scale_of(card, y)
    priors = CardPriors(card, unit, centre)
    columns = phase_columns(
        frame["phase"].to_numpy(str), frame["k"].to_numpy(float), gap=card.igo.gap == "keep"
    )
    population, standardised = _population(card, frame, columns, priors)
    dyad, _ = pd.factorize(frame["dyad"])  # rows are sorted by state, then IGO
    year = frame["year"].to_numpy(np.int64)
    return Design(
        y=y,
        population=population,
        groups=tuple(_groups(card, frame, columns, priors)),
        error=ErrorStructure(
            kind="iid",
            likelihood=card.outcome.likelihood,
            unit="dyad",
            order=row_order(dyad.astype(np.int64), year),
            sigma=priors("sigma"),
            rho=None,
            nu=priors("nu") if card.outcome.likelihood == "student_t" else None,
        ),
        rows=_rows(frame),
        unit=unit,
        centre=centre,
        standardised=standardised,
        merge=merge,
        nuisance=("year_effect",),
        attrs={"family": card.family, "outcome": card.outcome.name, "mean": card.igo.mean},
        serial=_state_years(card, frame, priors),
        views=_views(frame),
        headline=("beta", list(columns).index("during_slope"), "slope during membership, per decade")
        if "during_slope" in columns
        else None,
    )


def _views(frame: pd.DataFrame) -> tuple[View, ...]:
    """States, IGOs, years, and the phases of an IGO."""
    code = frame["ccode"].astype(str)
    return (
        view("state", (frame["country"] + " (" + code + ")").to_numpy(str)),
        view("IGO", frame["igo"].to_numpy(str)),
        view("year", frame["year"].to_numpy(str), ("mean",)),
        view("phase of an IGO", (frame["igo"] + " " + frame["phase"]).to_numpy(str), ("mean",)),
    )


def _rows(frame: pd.DataFrame) -> dict[str, NDArray[Any]]:
    out: dict[str, NDArray[Any]] = {
        "ccode": frame["ccode"].to_numpy(np.int64),
        "country_name": frame["country"].to_numpy(object),
        "dyad": frame["dyad"].to_numpy(object),
    }
    for name in KEPT:
        values = frame[name].to_numpy()
        out[name] = values if values.dtype.kind in "if" else frame[name].astype(str).to_numpy(object)
    for name in ("founder", "left_censored", "has_before"):
        out[name] = frame[name].to_numpy(bool) if name in frame else np.zeros(len(frame), bool)
    return out


def _population(
    card: ConvergenceCard, frame: pd.DataFrame, columns: dict[str, Array], priors: CardPriors
) -> tuple[tuple[PopulationTerm, ...], dict[str, tuple[float, float]]]:
    """Phases, controls and year effects, and how controls were standardised."""
    own = tuple(
        priors("beta", term if term in PHASE_TERMS else term.replace("gap", "during"), level="_" not in term)
        for term in columns
    )
    beta = PopulationTerm(
        "beta", ("term",), {"term": tuple(columns)}, None, np.stack([*columns.values()], 1), priors=own
    )
    gamma, standardised = controls_term(card, frame, priors("gamma") if card.population else None)
    terms = [beta, *([gamma] if gamma else [])]
    if card.time.effects != "none":
        year = frame["year"].to_numpy(np.int64)
        years = np.unique(year)
        pooled = card.time.effects == "pooled"
        terms.append(
            PopulationTerm(
                "year_effect",
                ("year",),
                {"year": tuple(int(v) for v in years)},
                None if pooled else priors("year_effect"),
                index=np.searchsorted(years, year),
                sd=priors("sd_year_effect") if pooled else None,
            )
        )
    return tuple(terms), standardised


def _groups(
    card: ConvergenceCard, frame: pd.DataFrame, columns: dict[str, Array], priors: CardPriors
) -> list[GroupTerm]:
    """Varying levels and slopes by state and by IGO, and an intercept for each dyad."""
    available = {**columns, "intercept": np.ones(len(frame))}
    out = []
    for group in card.groups:
        key = {"state": "ccode", "igo": "igo", "dyad": "dyad"}[group.name]
        codes, levels = pd.factorize(frame[key], sort=group.name != "dyad")
        terms = tuple(t for t in group.terms if t in available)
        at = [group.terms.index(t) for t in terms]
        out.append(
            GroupTerm(
                name=group.name,
                levels=tuple(int(v) if group.name == "state" else str(v) for v in levels),
                index=codes.astype(np.int64),
                terms=terms,
                Z=np.stack([available[t] for t in terms], axis=1),
                sd=tuple(priors(f"sd_{group.name}", t) for t in terms),
                corr=priors(f"corr_{group.name}") if group.correlated and len(terms) > 1 else None,
                centred=tuple(group.centred_terms[i] for i in at),
            )
        )
    return out


def _state_years(card: ConvergenceCard, frame: pd.DataFrame, priors: CardPriors) -> SerialTerm | None:
    """One effect for each state-year, AR(1) within the state."""
    if card.state_years.effects == "none":
        return None
    state, _ = pd.factorize(frame["ccode"], sort=True)
    year = frame["year"].to_numpy(np.int64)
    first = int(year.min())
    cells, index = np.unique(state * 10_000 + (year - first), return_inverse=True)
    loading = np.ones(len(frame))
    if card.state_years.loading == "sign":
        loading = np.where(frame["gap_signed"].to_numpy(float) < 0, -1.0, 1.0)
    return SerialTerm(
        name="state_year",
        unit="state",
        index=index.astype(np.int64),
        order=row_order(cells // 10_000, cells % 10_000),
        loading=loading,
        sd=priors("sd_state_year"),
        rho=priors("rho"),
    )
