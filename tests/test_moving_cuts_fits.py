"""A world whose standard moves, fitted with cut-points by year and with fixed ones.

Recovery from one simulated world: within 3 posterior SDs of the truth, seeds fixed.  The exact engine makes
the fits with fixed cut-points, so that one model is compiled.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
from moving import moving_card

from bayes_hr import fitting, simulate
from bayes_hr.api import Fit
from bayes_hr.cards import RatificationCard
from bayes_hr.data.worlds import World
from bayes_hr.estimands.truth import truth_table
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build

SHORT = {"chains": 2, "draws": 250, "tune": 200}
FIXED: dict[str, Any] = {"cut_points": "fixed"}


@cache
def strict_world() -> World:
    """No effect; the best of three categories gets harder to reach by 2 SDs of the latent error."""
    return simulate.ratification(
        "moving_cut_points", n_countries=40, years=(1990, 2005), categories=3, cut_drift=(0.0, 2.0), seed=6
    )


def fitted(card: RatificationCard) -> Fit:
    panel = simulated_panel(strict_world())
    design = build(card, panel)
    return Fit(fitting.run(card, panel, design, cores=2), truth=truth_table(strict_world().truth))


@cache
def moving() -> Fit:
    return fitted(moving_card(fit=SHORT))


@cache
def fixed(effects: str, by: str) -> Fit:
    years = {"effects": effects, "by": by}
    return fitted(moving_card(fit=SHORT).replace(outcome=FIXED, time=years))


def beside(fit: Fit) -> pd.DataFrame:
    return fit.beside_truth().set_index(["estimand", "level", "reference"])


def test_recovery() -> None:
    fit = moving()
    assert fit.data.attrs["engine"] == "nuts"
    assert fit.data["sample_stats"]["diverging"].sum() <= 4
    table = beside(fit)
    main = table.loc[["tau", "average", "probability", "standard"]]
    assert ((main["mean"] - main["truth"]).abs() < 3 * main["sd"]).all(), main[["mean", "sd", "truth"]]
    years = table.loc["cutpoint"]
    assert ((years["mean"] - years["truth"]).abs() < 3.5 * years["sd"]).all()
    assert years["covered"].mean() > 0.75
    best = table.loc[("standard", "2|3", "2005 - 1990")]
    assert best["lb"] > 0.5, "the best category became harder to reach"
    worst = table.loc[("standard", "1|2", "2005 - 1990")]
    assert worst["ub"] < best["lb"], "the worst did not, or by far less"
    gaps = fit.data["posterior"]["cutpoint_year"].diff("cut")
    assert (gaps > 0).all()


def test_fixed_cut_points_find_what_is_not_there() -> None:
    """Without year effects a decline that is not there; with them too a check that says what is missed."""
    none, common = fixed("none", "regime"), fixed("unpooled", "all")
    assert none.data.attrs["engine"] == common.data.attrs["engine"] == "gibbs"
    decline = beside(none).loc[("average", "all countries", "")]
    assert decline["truth"] == 0
    assert decline["ub"] < 0, "a decline that is not there"
    assert beside(moving()).loc[("average", "all countries", ""), "covered"]
    for fit, status in ((none, "REVIEW"), (common, "REVIEW"), (moving(), "PASS")):
        check = next(c for c in fit.check().checks if c.name == "year shares of categories")
        assert check.status == status, check.text
