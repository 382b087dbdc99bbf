r"""The lagged outcome in a design of country-years.

.. math:: \eta_{it} = \dots + \phi\, (y_{i,t-1} - c) + \delta\, (y_{i0} - c),

c the design's centre, :math:`y_{i,t-1}` the outcome of the calendar year before (a row without it is dropped)
and :math:`y_{i0}` that of the year before the country's first row used: with the country effects conditional
on it, the likelihood is that of the later years given the first (Wooldridge 2005, *Simple solutions to the
initial conditions problem in dynamic, nonlinear panel data models with unobserved heterogeneity*, Journal of
Applied Econometrics 20, doi 10.1002/jae.770).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.design import PopulationTerm
from bayes_hr.design_parts import lagged

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.cards import RatificationCard as Card
    from bayes_hr.design_parts import CardPriors

LAGGED: Final = "_y_lag"
"""Column of a frame with the outcome of the year before."""


def with_lagged_outcome(card: Card, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows (before any filter, so that the first year kept has it) with last year's outcome."""
    if not card.dynamics.lagged_outcome:
        return frame
    return frame.assign(**{LAGGED: lagged(frame, card.outcome.name, 1)})


def lag_checks(card: Card) -> list[tuple[str, str]]:
    """What to call the lagged outcome where it is missing, and its column; none without one."""
    return [(f"{card.outcome.name} of the year before", LAGGED)] if card.dynamics.lagged_outcome else []


def dynamic_terms(card: Card, frame: pd.DataFrame, priors: CardPriors, centre: float) -> list[PopulationTerm]:
    """Terms ``phi`` and ``first_outcome`` of the card, for the rows used, sorted by country and year."""
    terms = []
    if card.dynamics.lagged_outcome:
        before = frame[LAGGED].to_numpy(float) - centre
        terms.append(PopulationTerm("phi", (), {}, priors("phi"), before[:, None]))
    if card.dynamics.initial_outcome:
        first = frame.groupby("ccode")[LAGGED].transform("first").to_numpy(float) - centre
        terms.append(PopulationTerm("first_outcome", (), {}, priors("first_outcome"), first[:, None]))
    return terms
