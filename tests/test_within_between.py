"""Within and between (Mundlak): effects within countries where levels are related to controls and timing."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lagged_worlds import PHI, card_with

import bayes_hr
from bayes_hr.api import Fit
from bayes_hr.cards import load_card
from bayes_hr.data.panel import Panel
from bayes_hr.design import Design, rank_deficient
from bayes_hr.design_io import from_dataset, terms_of, to_dataset
from bayes_hr.errors import InputError
from bayes_hr.estimands.probabilities import _predictors
from bayes_hr.estimands.ratification import country_facts, total_effects
from bayes_hr.estimands.within_between import within_and_between
from bayes_hr.mundlak_design import PRODUCT
from bayes_hr.questions import question_of
from bayes_hr.ratification_design import build, with_ratification_years

YEARS = np.arange(1990, 2000)
GAMMA, KAPPA = 0.3, 1.5


@cache
def world(
    *, rich_are_better: float = 1.0, early_are_better: float = 0.0, early_gain: float = 0.0, seed: int = 3
) -> pd.DataFrame:
    """150 countries, ten years; richer ones and (if asked) early ratifiers have higher levels or gains.

    The true effect of x is .3 within countries and 1.3 between them; ratification has none on average.
    """
    rng = np.random.default_rng(seed)
    n = 150
    joined = rng.integers(1991, 2000, n).astype(float)
    share = (2000 - joined) / 10
    rich = rng.standard_normal(n)
    level = rich_are_better * rich + early_are_better * (share - share.mean()) + 0.3 * rng.standard_normal(n)
    gain = early_gain * (share - share.mean())
    rows = []
    for c in range(n):
        x = rich[c] + rng.standard_normal(YEARS.size)
        y = GAMMA * x + level[c] + gain[c] * (joined[c] <= YEARS) + 1.5 * rng.standard_normal(YEARS.size)
        rows.append(
            pd.DataFrame({"ccode": c + 1, "year": YEARS, "score": y, "x": x, "ratification_year": joined[c]})
        )
    return pd.concat(rows, ignore_index=True)


def card(
    *, split: bool = True, terms: tuple[str, ...] = ("intercept",), **changes: Any
) -> bayes_hr.cards.Card:
    """Without a lag; ``split`` puts the country means of x and of ratification into the model."""
    given: dict[str, Any] = {
        "dynamics": {},
        "groups": [{"name": "country", "terms": list(terms)}],
        "population": [{"name": "x", "standardise": False, "mundlak": split}],
        "treatment": {"name": "treaty", "lag": 0, "mundlak": split},
        "time": {"effects": "unpooled", "by": "all"},
        "estimands": ["regime", "country", "average", *(["between"] if split else [])],
    }
    return card_with(**{**given, **changes})


def panel_of(frame: pd.DataFrame) -> Panel:
    return Panel.from_frame(frame, outcome="score", covariates=["x"])


@cache
def fitted(*, split: bool, better: float = 0.0, gain: float = 0.0, varies: bool = False) -> Fit:
    frame = world(early_are_better=better, early_gain=gain)
    terms = ("intercept", "ratified") if varies else ("intercept",)
    # The true kappa is three SDs of its default prior: a wide one, so that the data speak alone.
    priors = {"kappa": "normal(0, 3)"} if split and varies else {}
    return bayes_hr.fit(card(split=split, terms=terms, priors=priors), panel_of(frame), reference=0)


def gamma_of(fit: Fit) -> pd.Series:
    return fit.effects("parameter").set_index("level").loc["gamma[x]"]


# What is found where levels are related to controls, or to who ratifies when


def test_a_control_related_to_levels_misleads_without_its_mean_and_not_with_it() -> None:
    plain, split = (gamma_of(fitted(split=s)) for s in (False, True))
    assert plain["mean"] - GAMMA > 3 * plain["sd"]
    assert abs(split["mean"] - GAMMA) < 2.5 * split["sd"] < 0.15


def test_levels_of_early_ratifiers_pass_for_an_effect_without_means_and_not_with_them() -> None:
    frame = world(rich_are_better=0.0, early_are_better=3.0)
    plain, split = (
        bayes_hr.fit(card(split=s), panel_of(frame), reference=0).effects("regime").iloc[0]
        for s in (False, True)
    )
    assert plain["mean"] > 3 * plain["sd"]
    assert abs(split["mean"]) < 2.5 * split["sd"] < 0.35


def test_gains_of_early_ratifiers_are_found_as_such() -> None:
    """An early ratifier gains more: the effect at the mean share stays none, kappa is the slope by share."""
    fit = fitted(split=True, gain=KAPPA, varies=True)
    kappa, effect = fit.effects("parameter").set_index("level").loc["kappa"], fit.effects("regime").iloc[0]
    assert abs(kappa["mean"] - KAPPA) < 2.5 * kappa["sd"] < KAPPA, "away from 0, and near the truth"
    assert abs(effect["mean"]) < 2.5 * effect["sd"]
    totals = fit.effects("country").query("estimand == 'total'")["mean"].to_numpy()
    joined = world(early_gain=KAPPA).groupby("ccode")["ratification_year"].first().to_numpy()
    assert np.corrcoef(totals, -joined)[0, 1] > 0.8


def test_in_a_balanced_panel_they_are_the_fixed_effects_estimates() -> None:
    """Mundlak (1978): the same numbers; weak priors move them by a fraction of a posterior SD."""
    frame = world(early_are_better=3.0)
    within = frame[["score", "x"]].assign(D=(frame["year"] >= frame["ratification_year"]).astype(float))
    within = within - within.groupby(frame["ccode"]).transform("mean")
    within = within - within.groupby(frame["year"]).transform("mean")
    slope, *_ = np.linalg.lstsq(within[["x", "D"]].to_numpy(), within["score"].to_numpy(), rcond=None)
    fit = fitted(split=True, better=3.0)
    gamma, tau = gamma_of(fit), fit.effects("regime").iloc[0]
    # Monte Carlo error of 1,600 draws: a thirtieth of a posterior SD.  The priors (SD 2) of the differences
    # pull these, 3 in truth with an SD of .4, by 4 %, and a tenth of that stays with tau.
    assert abs(gamma["mean"] - slope[0]) < 0.15 * gamma["sd"]
    assert abs(tau["mean"] - slope[1]) < 0.25 * tau["sd"]


def test_between_is_within_and_the_difference() -> None:
    table = fitted(split=True).effects("between").set_index("estimand")
    mean = {name: table.loc[name, "mean"].to_numpy() for name in ("within", "difference", "between")}
    np.testing.assert_allclose(mean["within"] + mean["difference"], mean["between"])
    row = table[table["level"] == "x"].loc["between"]
    # The mean of ten x is the rich's own plus noise of SD .32: 1 / (1 + .1) of its effect of 1 is left.
    assert row["lb"] < GAMMA + 1 / 1.1 < row["ub"]


def test_with_a_lag_phi_and_the_control_are_right_too() -> None:
    rng = np.random.default_rng(8)
    n = 150
    rich, joined = rng.standard_normal(n), rng.integers(1991, 2000, n).astype(float)
    level = rich + 0.2 * rng.standard_normal(n)
    y = (level + GAMMA * rich) / (1 - PHI) + rng.standard_normal(n)
    rows = []
    for year in range(1989, 2000):
        x = rich + rng.standard_normal(n)
        y = PHI * y + level + GAMMA * x + rng.standard_normal(n)
        rows.append(pd.DataFrame({"ccode": np.arange(n) + 1, "year": year, "score": y, "x": x}))
    frame = pd.concat(rows).assign(ratification_year=lambda f: joined[f["ccode"] - 1])
    fit = bayes_hr.fit(
        card(dynamics={"lagged_outcome": True}, estimands=["regime"]), panel_of(frame), reference=0
    )
    found = fit.effects("parameter").set_index("level")
    truth = {"gamma[x]": GAMMA, "phi": PHI}
    for name, value in truth.items():
        assert abs(found.loc[name, "mean"] - value) < 2.5 * found.loc[name, "sd"] < 0.1
    # Where a country started tells part of how rich it is; its mean of x tells the rest.
    assert found.loc["mundlak[x]", "lb"] > 0


# Columns


def two_classes() -> pd.DataFrame:
    """Six countries in two classes, seen in different years; one never ratifies, one always has."""
    rng = np.random.default_rng(0)
    joined = [1992, 1995, np.nan, 1993, 1980, 1997]
    rows = [
        (c + 1, year, "AB"[c // 3], rng.standard_normal(), rng.standard_normal(), joined[c])
        for c in range(6)
        for year in range(1990 + c % 3, 2000)
    ]
    return pd.DataFrame(rows, columns=["ccode", "year", "regime", "score", "x", "ratification_year"])


def built(frame: pd.DataFrame, **changes: Any) -> Design:
    return build(card(terms=("intercept", "ratified"), **changes), panel_of(frame))


def test_products_are_columns_of_their_own_then_averaged() -> None:
    frame = two_classes()
    design = built(frame)
    frame = frame.assign(D=(frame["year"] >= frame["ratification_year"]).astype(float))
    mean = frame.groupby("ccode")[["D", "x"]].transform("mean")
    first = mean.assign(regime=frame["regime"], ccode=frame["ccode"]).drop_duplicates("ccode")
    switching = first[(first["D"] > 0) & (first["D"] < 1)].groupby("regime")["D"].mean()
    centred = mean["D"] - frame["regime"].map(switching)
    term = design.term("mundlak")
    assert term.coords["country_mean"] == ("x", "ratified: A", "ratified: B", PRODUCT)
    product = (frame["D"] * centred).groupby(frame["ccode"]).transform("mean")
    expected = [
        mean["x"],
        mean["D"] * (frame["regime"] == "A"),
        mean["D"] * (frame["regime"] == "B"),
        product,
    ]
    np.testing.assert_allclose(term.columns, np.stack(expected, axis=1), atol=1e-12)
    np.testing.assert_allclose(design.term("kappa").columns[:, 0], frame["D"] * centred)
    assert not rank_deficient(design)


def test_other_ratification_years_give_the_design_of_a_panel_with_these_years() -> None:
    frame, years = two_classes(), np.array([1995.0, np.nan, 1992.0, 1980.0, 1997.0, 1993.0])
    moved = with_ratification_years(built(frame), years, 0)
    anew = built(frame.assign(ratification_year=years[frame["ccode"] - 1]))
    for name in ("mundlak", "kappa", "tau", "gamma"):
        np.testing.assert_allclose(moved.term(name).matrix(), anew.term(name).matrix(), atol=1e-12)
    assert not np.allclose(moved.term("mundlak").matrix(), built(frame).term("mundlak").matrix())


def test_a_class_whose_countries_share_one_share_has_no_mean() -> None:
    frame = two_classes()
    frame = frame.assign(ratification_year=frame["ratification_year"].where(frame["regime"] == "A"))
    labels = built(frame).term("mundlak").coords["country_mean"]
    assert "ratified: A" in labels
    assert "ratified: B" not in labels


def test_compressed_rows_have_the_means_of_all_rows() -> None:
    rng = np.random.default_rng(1)
    frame = two_classes().loc[rng.integers(0, 51, 400)]
    frame = frame.assign(x=rng.standard_normal(400), score=rng.standard_normal(400)).reset_index(drop=True)
    # Countries have many rows in one year and few in another, so that means of cells would be others.
    frame = frame.assign(ratified=(frame["year"] >= frame["ratification_year"]).astype(int))
    frame = frame.drop(columns=["ratification_year", "regime"])
    cells = bayes_hr.compress_chunks([frame], outcome="score", covariates=["x"])
    design = build(card(), Panel.from_compressed(cells))
    columns, at = design.term("mundlak").columns, {}
    for row, country in enumerate(design.rows["ccode"]):
        at[int(country)] = columns[row]
    known = frame.groupby("ccode")[["x", "ratified"]].mean()
    np.testing.assert_allclose(np.array([at[c] for c in known.index]), known.to_numpy())


def test_a_saved_design_keeps_kappa_and_the_means() -> None:
    design = built(two_classes())
    again = from_dataset(to_dataset(design), design.y, design.merge)
    for name in ("kappa", "mundlak"):
        np.testing.assert_array_equal(again.term(name).matrix(), design.term(name).matrix())


def test_effects_of_rows_are_those_of_their_countries() -> None:
    """What probabilities take out of a ratified row is its country's total effect, kappa and all."""
    fit = fitted(split=True, gain=KAPPA, varies=True)
    posterior, rows = fit.data["posterior"].dataset, fit.data["constant_data"].dataset
    chosen = np.flatnonzero(rows["treated"].values > 0)
    _, effect = _predictors(posterior, terms_of(rows), chosen, np.arange(5))
    total, _ = total_effects(posterior, country_facts(rows))
    np.testing.assert_allclose(effect, total[0, :5][:, rows["index_country"].values[chosen]], atol=1e-9)


def test_between_countries_is_the_slope_of_levels_in_the_share() -> None:
    """Numerically: what eta, averaged over a country's rows, gains per unit of its share, at the mean."""
    fit = fitted(split=True, gain=KAPPA, varies=True)
    posterior = fit.data["posterior"].dataset.mean(("chain", "draw")).expand_dims(["chain", "draw"])
    facts = country_facts(fit.data["constant_data"].dataset)
    parts = within_and_between(posterior, facts)
    found = {e.estimand: e.draws[0, 0, e.levels.index("ratified: all")] for e in parts}
    m = float((facts["treated_rows"] / facts["rows"]).mean())
    tau, kappa = float(posterior["tau"].values[0, 0, 0]), float(posterior["kappa"].values[0, 0])
    own, product = (
        float(posterior["mundlak"].sel(country_mean=k).values[0, 0]) for k in ("ratified: all", PRODUCT)
    )

    def level(share: float) -> float:
        return tau * share + own * share + (kappa + product) * (share - m) * share

    assert found["between"] == pytest.approx((level(m + 1e-5) - level(m - 1e-5)) / 2e-5, abs=1e-6)
    assert found["within"] == tau


# Reference, report, errors


def test_the_permuted_reference_finds_none() -> None:
    table = fitted(split=True, better=3.0).permuted_reference(10, seed=1).reference
    assert table is not None
    row = table.table.set_index("estimand").loc["tau"]
    assert abs(row["permuted_mean"]) < 3 * row["permuted_sd"] / np.sqrt(10) + 0.05


def test_the_report_has_equation_words_and_table(tmp_path: Path) -> None:
    fit = fitted(split=True, gain=KAPPA, varies=True)
    text = fit.report(tmp_path / "report.html").read_text()
    for told in (
        "Mundlak 1978",
        "<dt>Country means</dt>",
        "mean share of the countries of the class that switch",
        "Wooldridge 2019",
    ):
        assert told in text
    table = text.split('id="table-between"')[1].split("</table>")[0]
    assert table.count("<tr>") == 3
    assert "Difference" in table
    plain = fitted(split=False).report(tmp_path / "plain.html").read_text()
    assert "Mundlak" not in plain
    exported = fit.export(tmp_path / "paper")
    assert list(pd.read_csv(exported / "between.csv")["level"]) == ["x", "ratified: all"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"groups": [{"name": "country", "terms": ["ratified"]}]}, "intercept"),
        ({"terms": ("intercept", "trend")}, 'take "trend" out'),
        ({"dynamics": {"lagged_outcome": True, "initial_outcome": False}}, "initial_outcome = true"),
        ({"split": False, "estimands": ["between"]}, "mundlak = true"),
        ({"population": [{"name": "x", "mundlack": True}]}, "mundlak"),
    ],
)
def test_what_means_do_not_go_with_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        card(**changes)


def test_columns_without_a_within_or_a_between_are_refused() -> None:
    frame = two_classes()
    with pytest.raises(InputError, match="nothing within countries"):
        built(frame.assign(x=frame["ccode"] * 1.0))
    with pytest.raises(InputError, match="nothing between countries"):
        built(frame[frame["year"] >= 1992].assign(x=lambda f: f["year"] - 1990.0))
    with pytest.raises(InputError, match="share of their rows after"):
        built(frame[frame["year"] >= 1992].assign(ratification_year=1995.0))


@pytest.mark.real_data
def test_the_real_panel_has_means_of_its_rows() -> None:
    base = load_card("cat_hrps")
    population = [{**c.model_dump(), "mundlak": True} for c in base.population]
    changed = base.replace(population=population, treatment={"mundlak": True})
    question = question_of(changed)
    design = question.build(changed, question.panel(changed)[0])
    assert (design.n, design.merge.countries) == (5_680, 179)
    assert not rank_deficient(design)
    term = design.term("mundlak")
    assert len(term.coords["country_mean"]) == 3 + 4 + 1
    usa = design.rows["ccode"] == 2  # ratified in 1994, so treated from 1995 on
    at = term.coords["country_mean"].index(f"ratified: {design.rows['regime_class'][usa][0]}")
    assert np.unique(term.columns[usa, at]) == pytest.approx([24 / 34])
    gdp = design.term("gamma").columns[usa, 0].mean()
    np.testing.assert_allclose(term.columns[usa, 0], gdp)


@pytest.mark.parametrize("name", ["demo_convergence", "many_treaties_hrps"])
def test_other_families_refuse_country_means(name: str) -> None:
    with pytest.raises(InputError, match=r"mundlak = true .x. is offered in cards of one treaty only"):
        load_card(name).replace(population=[{"name": "x", "mundlak": True}])
