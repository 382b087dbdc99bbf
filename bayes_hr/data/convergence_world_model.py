"""Outcomes of simulated convergence worlds drawn from Model C itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from bayes_hr.data import convergence_world_parts as parts
from bayes_hr.data.convergence_world_settings import FIRST_CCODE, TERMS, ConvergenceSettings
from bayes_hr.data.convergence_world_truth import ModelTruth, exits_with_truth, model_expected, sign_of

Streams = Mapping[str, np.random.Generator]
PARTS: Final = ("phases", "dyad", "year_effect", "state_year", "error")
"""What the distance of a model world is the sum of."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Drawn:
    """Coefficients and effects of a world.

    Attributes
    ----------
    corr : pandas.DataFrame
        Correlations of the deviations, terms by terms.
    beta : pandas.Series
        Population coefficients by term.
    u, w : pandas.DataFrame
        Deviations of states and of IGOs, by term.
    v : pandas.DataFrame
        Dyad intercepts, states by IGOs.
    year : pandas.Series
        Year effects.
    state_year : numpy.ndarray, shape (n, T)
        State-year effects.
    """

    corr: pd.DataFrame
    beta: pd.Series
    u: pd.DataFrame
    w: pd.DataFrame
    v: pd.DataFrame
    year: pd.Series
    state_year: np.ndarray


def draw_model_world(
    rng: Streams,
    settings: ConvergenceSettings,
    frame: pd.DataFrame,
    *,
    n: int,
    igos: Sequence[str],
    calendar: np.ndarray,
) -> tuple[pd.DataFrame, ModelTruth]:
    """Replace the distance by draws from Model C; gap and mean are made to fit it.

    ``gap_signed`` (sign of the scores' own gap times the drawn distance) and ``igo_mean`` (score less gap)
    keep their identities with the distance, and are no longer those of the simulated scores. The model is
    Gaussian, so that a distance can be negative. Levels are chosen to make that rare: 7 rows in 100,000 of
    the demo-sized default world (200 seeds; none in nine worlds of ten), 1 in 1,000 of a real-sized one,
    whose spells are long. Gap rows have the level of *before* and no slope.

    Parameters
    ----------
    rng : mapping of str to numpy.random.Generator
        Streams ``state, igo, dyad, years, state_years, errors``.
    settings : ConvergenceSettings
        Parameters.
    frame : pandas.DataFrame
        Rows, as :func:`bayes_hr.data.igo_dyads.dyad_years` made them.
    n : int
        Number of states.
    igos : sequence of str
        Codes of all IGOs.
    calendar : ndarray of int, shape (T,)
        Years.

    Returns
    -------
    frame : pandas.DataFrame
    truth : ModelTruth

    Raises
    ------
    InputError
        If the settings' correlations are not those of any distribution.
    """
    drawn = _draw(rng, settings, n, igos, calendar)
    rows = _rows(rng["errors"], settings.sigma, frame, drawn)
    distance = rows[list(PARTS)].sum(axis=1)
    gap = np.where(frame["gap_signed"] < 0, -1.0, 1.0) * distance
    frame = frame.assign(distance=distance, gap_signed=gap, igo_mean=frame["score"] - gap)
    return frame, _truth(settings, frame, drawn, rows)


def _draw(
    rng: Streams, settings: ConvergenceSettings, n: int, igos: Sequence[str], calendar: np.ndarray
) -> _Drawn:
    """Everything but the errors, also of states and IGOs without rows."""
    s, J = settings, len(igos)
    corr = parts.coefficient_matrix(s)
    terms = pd.Index(TERMS, name="term")
    states, codes = pd.Index(np.arange(n) + FIRST_CCODE, name="ccode"), pd.Index(list(igos), name="igo")
    u = parts.draw_coefficients(rng["state"], by_term(s.sd_state), corr, n)
    w = parts.draw_coefficients(rng["igo"], by_term(s.sd_igo), corr, J)
    years = parts.year_walk(rng["years"], calendar.size, s.year_sd)
    return _Drawn(
        corr=pd.DataFrame(corr, terms, terms),
        beta=pd.Series(by_term(s.beta), terms),
        u=pd.DataFrame(u, states, terms),
        w=pd.DataFrame(w, codes, terms),
        v=pd.DataFrame(rng["dyad"].normal(0, s.sd_dyad, (n, J)), states, codes),
        year=pd.Series(years, pd.Index(calendar, name="year"), name="year_effect"),
        state_year=parts.state_year_effects(rng["state_years"], n, calendar.size, s.sd_state_year, s.rho),
    )


def _rows(rng: np.random.Generator, sigma: float, frame: pd.DataFrame, drawn: _Drawn) -> pd.DataFrame:
    """The parts of each distance."""
    state, igo = drawn.u.index.get_indexer(frame["ccode"]), drawn.w.index.get_indexer(frame["igo"])
    time = drawn.year.index.get_indexer(frame["year"])
    X = parts.phase_matrix(frame["phase"].to_numpy(str), frame["k"].to_numpy(float))
    own = drawn.beta.to_numpy() + drawn.u.to_numpy()[state] + drawn.w.to_numpy()[igo]
    return frame[["ccode", "igo", "year"]].assign(
        phases=(X * own).sum(axis=1),
        dyad=drawn.v.to_numpy()[state, igo],
        year_effect=drawn.year.to_numpy()[time],
        state_year=drawn.state_year[state, time],
        error=rng.normal(0, sigma, len(frame)),
    )


def _truth(
    settings: ConvergenceSettings, frame: pd.DataFrame, drawn: _Drawn, rows: pd.DataFrame
) -> ModelTruth:
    exits = exits_with_truth(frame, drawn.beta, drawn.u, drawn.w)
    beta = {str(term): float(value) for term, value in drawn.beta.items()}
    expected = model_expected(beta, exits)
    dyads = [f"{ccode}:{igo}" for ccode in drawn.v.index for igo in drawn.v.columns]
    reached = beta["during"] + beta["during_slope"] * float(exits["spell"].mean())
    return ModelTruth(
        expected=expected,
        sign=sign_of(expected),
        mechanical_jump=0.0,
        beta=beta,
        sd_state=dict(zip(TERMS, by_term(settings.sd_state).tolist(), strict=True)),
        sd_igo=dict(zip(TERMS, by_term(settings.sd_igo).tolist(), strict=True)),
        corr=drawn.corr,
        sd_dyad=settings.sd_dyad,
        sigma=settings.sigma,
        sd_state_year=settings.sd_state_year,
        rho=settings.rho,
        year_effect=drawn.year,
        u_state=drawn.u,
        u_igo=drawn.w,
        u_dyad=pd.Series(drawn.v.to_numpy().ravel(), dyads, name="u_dyad"),
        exits=exits,
        jump_exit_beta=beta["after"] - reached,
        rows=rows,
    )


def by_term(values: Mapping[str, float]) -> np.ndarray:
    """Values in the order of TERMS, (6,), 0 for terms not named."""
    return np.array([float(values.get(term, 0.0)) for term in TERMS])
