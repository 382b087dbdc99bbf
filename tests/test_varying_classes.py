"""Regime classes that change over the years: a row has the class of its year, a country an average."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from plain_cards import plain_card

import bayes_hr
from bayes_hr.api import Fit
from bayes_hr.cards import RatificationCard, load_card
from bayes_hr.checks.reference import permuted_reference
from bayes_hr.data.compressed import compress
from bayes_hr.data.panel import Panel
from bayes_hr.design import Design
from bayes_hr.engines.gibbs import GibbsEngine
from bayes_hr.errors import InputError
from bayes_hr.estimands.ratification import class_effects, country_facts, total_effects
from bayes_hr.progress import silent
from bayes_hr.questions import question_of
from bayes_hr.ratification_design import build, with_ratification_years

CLASSES = ("stable autocracy", "transition", "stable democracy")
TAU = {"stable autocracy": -0.3, "transition": 0.6, "stable democracy": 0.1}
LEVEL = {"stable autocracy": -0.5, "transition": 0.0, "stable democracy": 0.8}


@cache
def frame() -> pd.DataFrame:
    """Fifty countries over thirty years; most move from one class to the next, some back again."""
    rng = np.random.default_rng(12)
    rows = []
    for c in range(50):
        level, joined = 0.5 * rng.standard_normal(), float(rng.integers(1988, 2012))
        joined = joined if rng.uniform() < 0.85 else np.nan
        moves = np.sort(rng.integers(1985, 2030, 3))
        for year in range(1985, 2015):
            regime = (*CLASSES, CLASSES[1])[int((year >= moves).sum())] if c % 5 else CLASSES[c % 3]
            mean = level + LEVEL[regime] + TAU[regime] * (year - joined >= 1)
            rows.append((c + 1, year, mean + 0.3 * rng.standard_normal(), joined, regime))
    columns = ["ccode", "year", "score", "ratification_year", "regime"]
    return pd.DataFrame(rows, columns=columns)


def card(**changes: Any) -> RatificationCard:
    own: dict[str, Any] = {"regime": {"rule": "time_varying"}, "time": {"effects": "unpooled", "by": "all"}}
    return plain_card(**{**own, **changes})


def panel() -> Panel:
    return Panel.from_frame(frame(), outcome="score")


@cache
def fitted() -> Fit:
    return bayes_hr.fit(card(), panel(), reference=3)


def test_effects_of_the_classes_of_the_day_are_found() -> None:
    effects = fitted().effects("regime").set_index("level")
    for regime, truth in TAU.items():
        row = effects.loc[regime]
        assert abs(row["mean"] - truth) < 3 * row["sd"], regime
        assert row["sd"] < 0.08
    levels = fitted().effects("parameter").set_index("level")["mean"]
    gap = LEVEL["stable democracy"] - LEVEL["stable autocracy"]
    assert levels["beta[regime: stable democracy]"] == pytest.approx(gap, abs=0.15)


def test_a_class_taken_as_fixed_would_mislead() -> None:
    """The class of the first year, kept: what rows of the other classes say is put down to it."""
    first = frame().groupby("ccode")["regime"].transform("first")
    fixed = Panel.from_frame(frame().assign(regime=first), outcome="score")
    kept = bayes_hr.fit(card(regime={"rule": "before_treaty"}), fixed, reference=0)
    wrong = kept.effects("regime").set_index("level").loc["stable autocracy"]
    assert wrong["mean"] - TAU["stable autocracy"] > 3 * wrong["sd"]


def test_a_countrys_effect_is_averaged_over_its_treated_rows() -> None:
    posterior, rows = (fitted().data[name].dataset for name in ("posterior", "constant_data"))
    facts = country_facts(rows)
    total, deviation = total_effects(posterior, facts)
    treated = frame().assign(D=lambda f: f["year"] - f["ratification_year"] >= 1)
    for k, code in enumerate(facts["ccode"]):
        own = treated[treated["ccode"] == code]
        own = own[own["D"]] if own["D"].any() else own
        shares = own["regime"].value_counts(normalize=True)
        expected = sum(posterior["tau"].sel(regime=r).values * s for r, s in shares.items())
        np.testing.assert_allclose(total[:, :, k] - deviation[:, :, k], expected, atol=1e-12)
    assert (facts["status"] == "never").any()
    moved = facts["class_rows"].map(len) > 1
    assert 20 < moved.sum() < len(facts)
    notes = class_effects(posterior, facts).notes
    ever = frame().groupby("regime")["ccode"].nunique()
    assert [int(n.split(" ")[0]) for n in notes] == ever.loc[posterior["regime"].values].tolist()


def told(regimes: list[str], treated: list[int], code: int = 1) -> dict[str, Any]:
    """Rows of one country as a fit carries them."""
    n = len(regimes)
    values = {"ccode": [code] * n, "country_name": ["A"] * n, "regime_class": regimes, "treated": treated}
    return values | {"ratification_year": [2000.0] * n}


def facts_of(*countries: dict[str, Any]) -> pd.DataFrame:
    rows = {name: [value for c in countries for value in c[name]] for name in countries[0]}
    return country_facts(xr.Dataset({name: ("obs", values) for name, values in rows.items()}))


def test_which_class_a_country_counts_as() -> None:
    a, t, d = CLASSES
    facts = facts_of(
        told(["no score", a, a, a, t, d, d, t], [0, 0, 0, 0, 1, 1, 1, 1], 1),
        told([t, t, d], [0, 0, 0], 2),
        told(["no score"] * 2, [0, 1], 3),
    )
    assert facts["path"].tolist() == [f"no score → {a} → {t} → {d} → {t}", f"{t} → {d}", "no score"]
    assert facts["regime"].tolist() == [t, t, "no score"], "of most treated rows, of most rows without any"
    assert facts["first_class"].tolist() == [a, t, "no score"], (
        "years are dealt out by the first with a score"
    )
    assert facts.loc[0, "class_treated"] == {t: 2, d: 2}


def test_a_class_without_a_year_before_is_flagged() -> None:
    """All countries enter the last class when they ratify, and leave the first one."""
    a, _, d = CLASSES
    facts = facts_of(*(told([a, a, d, d], [0, 0, 1, 1], code) for code in range(1, 11)))
    tau = xr.DataArray(np.zeros((1, 2, 2)), dims=("chain", "draw", "regime"), coords={"regime": [a, d]})
    notes = class_effects(xr.Dataset({"tau": tau}), facts).notes
    assert all("effect from the prior" in note for note in notes)
    more = facts_of(*(told([a, d, d, d], [0, 0, 1, 1], code) for code in range(1, 11)))
    assert ["from the prior" in note for note in class_effects(xr.Dataset({"tau": tau}), more).notes] == [
        True,
        False,
    ]


def test_other_years_meet_the_class_of_their_row() -> None:
    design = build(card(), panel())
    years = np.full(50, 2000.0)
    found = with_ratification_years(design, years, 1)
    D = design.rows["year"] >= 2001
    for k, regime in enumerate(found.term("tau").coords["regime"]):
        expected = D & (design.rows["regime_class"] == regime)
        np.testing.assert_array_equal(found.term("tau").columns[:, k], expected.astype(float))


def test_years_are_dealt_out_within_first_classes() -> None:
    seen: list[Design] = []

    class Engine(GibbsEngine):
        def sample(self, design: Design, *_: Any, **__: Any) -> Any:
            seen.append(design)
            return fitted().result.tree

    permuted_reference(fitted().result, n=4, engine=Engine(), progress=silent)
    own = frame().groupby("ccode")[["regime", "ratification_year"]].first()
    for design in seen:
        rows = pd.DataFrame({name: design.rows[name] for name in ("ccode", "ratification_year")})
        dealt = rows.groupby("ccode")["ratification_year"].first()
        assert not dealt.equals(own["ratification_year"])
        for regime in CLASSES:
            of_class = own["regime"] == regime
            years = (part[of_class].fillna(0).sort_values() for part in (own["ratification_year"], dealt))
            assert np.array_equal(*years), regime


def test_the_report_says_that_classes_change(tmp_path: Any) -> None:
    fitted().save(tmp_path / "fit")
    text = (tmp_path / "fit" / "report.html").read_text()
    assert "Regime classes change over the years, and ratification may itself change them" in text
    assert "stable autocracy → transition" in text
    assert "Countries stand with the class of most of these years" in text
    assert fitted().reference is not None
    assert "all countries" in fitted().reference.table["level"].tolist()
    fixed = frame().assign(regime=np.where(frame()["ccode"] % 2, "transition", "stable autocracy"))
    kept = bayes_hr.fit(card(), Panel.from_frame(fixed, outcome="score"), reference=0)
    text = kept.report(tmp_path / "fixed.html").read_text()
    assert "Regime classes change over the years" not in text, "where none does, whatever the card allows"
    assert "Countries stand with the class" not in text


def test_what_needs_fixed_classes_is_refused() -> None:
    with pytest.raises(InputError, match=r"it changes for ccode .*rule = .time_varying"):
        build(card(regime={"rule": "before_treaty"}), panel())
    with pytest.raises(InputError, match=r"treatment.mundlak needs classes that countries keep"):
        card(treatment={"name": "treaty", "lag": 1, "mundlak": True})
    with pytest.raises(InputError, match="not offered with several treaties"):
        load_card("many_treaties_hrps").replace(regime={"rule": "time_varying"})
    with pytest.raises(InputError, match='trailing goes with rule = "time_varying"'):
        card(regime={"rule": "whole_history", "trailing": 5})
    months = pd.concat([frame().assign(month=m, regime="transition") for m in (1, 2)], ignore_index=True)
    compressed = Panel.from_compressed(compress(months, outcome="score"))
    with pytest.raises(InputError, match='rule = "time_varying" needs rows'):
        build(card(), compressed)


def test_choices_of_a_card_with_its_own_window_run() -> None:
    own = load_card("cat_hrps").replace(regime={"rule": "time_varying", "trailing": 5})
    choices = question_of(own).choices(own, False)
    rules = {own.replace(**changes).regime.rule for changes in choices.values()}
    assert {"before_treaty", "before_ratification", "whole_history"} < rules


@pytest.mark.real_data
def test_the_real_panel_has_classes_of_each_year() -> None:
    panel = bayes_hr.load_panel("ratification", regime_rule="time_varying", start=1985, end=2018)
    brazil = panel.frame[panel.frame["ccode"] == 140].set_index("year")["regime"]
    assert brazil[1986] == "transition", (
        "of the ten years before, 1975 to 1984 were authoritarian and 1985 was not"
    )
    assert brazil[2000] == "stable democracy"
    assert any("countries change class" in note for note in panel.merge.notes)
    short = bayes_hr.load_panel(
        "ratification", regime_rule="time_varying", regime_trailing=1, start=1985, end=2018
    )
    assert short.frame["regime"].eq("transition").mean() < panel.frame["regime"].eq("transition").mean()
    own = load_card("cat_hrps").replace(regime={"rule": "time_varying"})
    assert len(build(own, panel).rows["regime_class"]) > 5000
    with pytest.raises(InputError, match=r"regime_trailing = 10.* built with 1"):
        build(own, short)
