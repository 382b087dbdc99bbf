"""What comes out of ordinal fits: probabilities against brute force, truths, report, recovery, real scores.

Recovery from one simulated world: within 3 posterior SDs of the truth, seeds fixed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from categories import card_of, design_of, drawn_fit, with_and_without, world
from scipy import stats

import bayes_hr
from bayes_hr import fitting, simulate
from bayes_hr.api import Fit, panel_of
from bayes_hr.cards import RatificationCard, load_card
from bayes_hr.data.parsed import read_source
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.errors import InputError
from bayes_hr.estimands.probabilities import ALL_ROWS, event_changes, events, exceedance_changes
from bayes_hr.estimands.truth import beside_truth, truth_table
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build
from bayes_hr.reporting.ratification import equations
from bayes_hr.reporting.ratification.content import gather
from bayes_hr.reporting.tables_model import priors_table
from bayes_hr.simulation import posterior_draws


def test_events_and_their_changes() -> None:
    assert events((0, 1, 2)) == ("P(y >= 1)", "P(y >= 2)", "P(y = 0)", "P(y = 1)", "P(y = 2)")
    change = event_changes(np.array([0.3, 0.1]))
    assert change == pytest.approx([0.3, 0.1, -0.3, 0.2, 0.1])
    assert change[2:].sum() == pytest.approx(0), "probabilities go on summing to 1"
    one = exceedance_changes(np.array([0.5]), np.array([0.2]), np.array([-0.1, 1.0]))
    assert one[0] == pytest.approx(stats.norm.cdf([0.6, -0.5]) - stats.norm.cdf([0.4, -0.7]))


@pytest.mark.parametrize("k", [2, 3])
def test_changes_of_probabilities_against_a_direct_computation(k: int) -> None:
    fit, design = drawn_fit(k), design_of(k)
    estimand = next(e for e in fit.estimands if e.by == "probability")
    treated, regime = design.rows["treated"] == 1, design.rows["regime_class"]
    posterior = fit.data["posterior"].dataset
    for at, draw in enumerate(posterior_draws(design, posterior, 120)):
        eta, without = with_and_without(design, draw)
        assert draw.cutpoints is not None
        edges = np.r_[-np.inf, draw.cutpoints, np.inf]
        P = [np.diff(stats.norm.cdf(edges[:, None] - e), axis=0) for e in (eta, without)]
        change = P[0] - P[1]
        for i, (level, event) in enumerate(zip(estimand.levels, estimand.references, strict=True)):
            rows = treated if level == ALL_ROWS else treated & (regime == level)
            category = int(event.rstrip(")").split()[-1]) - 1
            own = change[category:].sum(0) if ">=" in event else change[category]
            assert estimand.draws[at // 30, at % 30, i] == pytest.approx(own[rows].mean(), abs=1e-12)
        if at == 5:
            break
    assert estimand.levels[: 2 * k - 1] == (ALL_ROWS,) * (2 * k - 1)
    n, countries = treated.sum(), len(np.unique(design.rows["ccode"][treated]))
    assert estimand.notes[0] == f"{n} ratified rows of {countries} countries"


def test_scales_and_ropes_of_the_effects_table() -> None:
    fit = drawn_fit()
    table = fit.effects()
    scales = table.groupby("estimand")["scale"].unique().map(list).to_dict()
    assert scales.pop("probability") == ["probability"]
    assert set(map(tuple, scales.values())) == {("latent probit scale",)}
    ropes = table.set_index("estimand")[["rope_lower", "rope_upper"]]
    assert ropes.loc["probability"].drop_duplicates().to_numpy().tolist() == [[-0.05, 0.05]]
    assert ropes.loc["tau"].drop_duplicates().to_numpy().tolist() == [[-0.1, 0.1]]
    assert set(fit.effects("parameter")["level"]) >= {"cutpoint[1|2]", "cutpoint[2|3]"}
    assert "sigma" not in set(fit.effects("parameter")["level"])
    draws = fit.draws("probability")
    assert draws["estimand"].values[0] == f"probability: {ALL_ROWS}, P(y >= 2)"
    assert len(set(draws["estimand"].values)) == draws.sizes["estimand"]
    own = table[table["estimand"] == "probability"]
    keys = own.set_index(["level", "reference"])
    assert keys.loc[(ALL_ROWS, "P(y = 3)"), "mean"] == pytest.approx(
        keys.loc[(ALL_ROWS, "P(y >= 3)"), "mean"]
    )


def test_truth_of_an_ordinal_world() -> None:
    made = world()
    truth = made.truth
    assert (truth.rho, truth.sigma) == (0, 1)
    assert truth.cutpoints is not None
    latent = truth.rows[["eta", "outside", "error", "measurement"]].sum(axis=1)
    assert np.array_equal(np.searchsorted(truth.cutpoints, latent) + 1, made.frame["score"])
    shares = made.frame["score"].value_counts(normalize=True)
    assert shares.to_numpy() == pytest.approx(1 / 3, abs=0.01)
    assert json.loads(json.dumps(truth.to_dict()))["cutpoints"] == pytest.approx(truth.cutpoints)
    beside = drawn_fit().beside_truth()
    changes = beside[beside["estimand"] == "probability"]
    assert len(changes) == 4 * 5, "three classes and all rows, two events of at least and three of exactly"
    best = changes.set_index(["level", "reference"])["truth"]
    assert best["transition", "P(y >= 2)"] > 0.05
    assert abs(best["stable autocracy", "P(y >= 2)"]) < 0.05
    assert world(3).truth.tau == simulate.ratification(n_countries=30, years=(1990, 2009), seed=4).truth.tau


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"categories": 1}, "categories = 1 must be a whole number from 2 to 12"),
        ({"categories": 13}, "categories = 13"),
        ({"categories": 2.5}, "categories = 2.5"),
        ({"categories": 3, "rho": 0.5}, "rho = 0.5 must be 0 where there are categories"),
        ({"categories": 3, "sigma": 0.3}, "sigma = 0.3 must be 1"),
        ({"categories": 3, "nu": 4.0}, "nu = 4.0 must be None"),
        ({"categories": 3, "measurement_sd": 0.2}, "measurement_sd = 0.2 must be 0"),
    ],
)
def test_worlds_that_are_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate.ratification(**overrides)


# ---------------------------------------------------------------- fit, report, terminal


def test_verdict_report_and_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = drawn_fit()
    assert {c.name for c in fit.check().checks} >= {"category shares", "tails"}
    page = fit.report(tmp_path / "report.html").read_text("utf-8")
    for words in (
        "latent probit scale",
        "Probabilities of the categories",
        "cut-points do not move",
        "hold a Gaussian outcome",
        "Its category",
        "P(y ≥ 2)",
        "first cut-point",
    ):
        assert words in page, words
    assert "Use a card with error.kind" not in page
    fit.export(tmp_path / "paper")
    assert len(pd.read_csv(tmp_path / "paper" / "probabilities.csv")) == 20
    saved = fit.save(tmp_path / "fit")
    again = bayes_hr.load_fit(saved)
    pd.testing.assert_frame_equal(again.effects(), fit.effects())
    from bayes_hr.cli import main

    main(["summary", str(saved), "--by", "probability"])
    out, err = capsys.readouterr()
    assert not err
    assert f"{ALL_ROWS}: P(y >= 2)" in out
    assert "Scale: probability. ROPE: -0.05 to 0.05." in out


def test_equations_have_no_intercept_no_sigma_and_gaps_only_where_there_are_any() -> None:
    three, two = gather(drawn_fit(3)), gather(drawn_fit(2))
    for content in (three, two):
        latex = [line for _, line in equations.equations(content)] + equations.prior_equations(content)
        assert not any(r"\alpha" in line or r"\sigma" in line for line in latex)
        assert r"e_{it} \sim \mathrm{Normal}(0,\, 1)" in latex
        assert r"c_1 \sim \mathrm{Normal}(0,\,1.5)" in latex
    assert ("Cut-points", r"c_{j+1} = c_j + \exp(g_j), \quad j = 1") in equations.equations(three)
    assert "Cut-points" not in dict(equations.equations(two))
    assert not any("g_j" in line for line in equations.prior_equations(two))
    assert "log of the gap between neighbouring cut-points" in {r[0] for r in priors_table(three).rows}
    assert "residual SD of the latent outcome" in priors_table(two).note


# ---------------------------------------------------------------- recovery


def recovered(k: int) -> pd.DataFrame:
    made = world(k)
    card = card_of(
        "probit" if k == 2 else "ordered_probit",
        time={"by": "all"},
        population=["log_gdppc", "log_population", "conflict"],
        fit={"engine": "nuts", "chains": 2, "draws": 400, "tune": 400},
    )
    panel = simulated_panel(made)
    design = build(card, panel)
    fit = Fit(fitting.run(card, panel, design, engine=NutsEngine()))
    assert fit.data.attrs["form"] == "rows"
    assert fit.data["sample_stats"]["diverging"].sum() <= 4
    cut = fit.data["posterior"]["cutpoint"]
    assert (cut.diff("cut") > 0).all()
    if k > 2:
        gap = cut.diff("cut").values.ravel()
        truth = np.diff(np.array(made.truth.cutpoints))[0]
        assert abs(gap.mean() - truth) < 3 * gap.std()
    table = beside_truth(fit.effects(), truth_table(made.truth))
    return table.set_index(["estimand", "level", "reference"])


def check_recovery(k: int) -> None:
    table = recovered(k)
    main = table[table.index.get_level_values(0).isin(["tau", "contrast", "average", "probability"])]
    assert ((main["mean"] - main["truth"]).abs() < 3 * main["sd"]).all(), main[["mean", "sd", "truth"]]
    assert main.loc[("tau", "transition", ""), "p_gt_0"] > 0.9
    assert table.loc["total"]["covered"].mean() > 0.7


def test_recovery_of_three_categories() -> None:
    check_recovery(3)


@pytest.mark.slow
def test_recovery_of_two_categories() -> None:
    check_recovery(2)


# ---------------------------------------------------------------- the real panel


@pytest.mark.real_data
def test_torture_of_cirights() -> None:
    scores = read_source("cirights")
    assert scores["cirights_torture"].value_counts().sort_index().tolist() == [2651, 2690, 1381]
    serbia = scores[scores["ccode"] == 345].set_index("year")["cirights_torture"]
    assert serbia.index.tolist() == list(range(1981, 2021))
    assert serbia[2016] == 2.0
    assert 342 not in set(scores["ccode"])
    card = load_card("cat_torture_cirights")
    assert isinstance(card, RatificationCard)
    assert "too narrow" in card.caution
    design = build(card, panel_of(card))
    assert (design.merge.rows_in, design.n, design.merge.countries) == (7_529, 5_320, 177)
    assert design.merge.years == (1985, 2018)
    assert design.error.cuts is not None
    assert design.error.cuts.categories == (0, 1, 2)
    assert any(s.reason == "cirights_torture missing" and s.rows == 600 for s in design.merge.steps)
