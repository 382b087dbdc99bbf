"""Worlds, cards, designs and fits of cut-points that move over the years."""

from __future__ import annotations

from functools import cache
from typing import Any

from categories import card_of
from drawn import drawn_tree
from scipy import stats

from bayes_hr import fitting, simulate
from bayes_hr.api import Fit
from bayes_hr.data.worlds import World
from bayes_hr.design import Design
from bayes_hr.estimands.truth import truth_table
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build

F = {"probit": stats.norm, "logit": stats.logistic}
NO_YEARS = {"effects": "none"}


@cache
def moving_world(k: int = 4, n: int = 30) -> World:
    return simulate.ratification("moving_cut_points", n_countries=n, years=(1990, 2009), categories=k, seed=4)


def moving_card(likelihood: str = "ordered_probit", **changes: Any) -> Any:
    outcome = {"name": "score", "likelihood": likelihood, "cut_points": "by_year"}
    return card_of(likelihood, **{"outcome": outcome, "time": NO_YEARS, **changes})


@cache
def moving_design(k: int = 4, link: str = "probit") -> Design:
    return build(moving_card(link if k == 2 else f"ordered_{link}"), simulated_panel(moving_world(k)))


@cache
def moving_fit(k: int = 4) -> Fit:
    """A fit whose draws come from the prior."""
    card = moving_card("probit" if k == 2 else "ordered_probit", fit={"engine": "nuts"})
    panel, design = simulated_panel(moving_world(k)), moving_design(k)
    tree = drawn_tree(design)
    result = fitting.FitResult(tree, card, fitting._provenance(card, panel, design, tree))
    return Fit(result, truth=truth_table(moving_world(k).truth))
