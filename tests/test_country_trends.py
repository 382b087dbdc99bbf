"""Countries with straight trends of their own: without them in the model, improvers look like compliers."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import bayes_hr
from bayes_hr.api import Fit
from bayes_hr.cards import load_card, parse_card
from bayes_hr.data.panel import Panel
from bayes_hr.errors import InputError
from bayes_hr.ratification_design import build

TREND = 0.35
"""SD of the true trends, per decade."""


@cache
def improvers() -> pd.DataFrame:
    """Sixty countries over thirty years: who improves ratifies, and ratifying changes nothing."""
    rng = np.random.default_rng(5)
    slope = TREND * rng.standard_normal(60)
    joined = np.where(slope > 0.0, rng.integers(1992, 2008, 60), np.nan)
    rows = [
        (c + 1, y, s * (y - 2000) / 10 + 0.3 * rng.standard_normal(), t)
        for c, (s, t) in enumerate(zip(slope, joined, strict=True))
        for y in range(1985, 2015)
    ]
    return pd.DataFrame(rows, columns=["ccode", "year", "score", "ratification_year"])


def card_with(terms: list[str]) -> dict[str, object]:
    return {
        "schema_version": 1,
        "id": "trends",
        "question": "Does ratification change a score that has trends?",
        "family": "ratification",
        "panel": "ratification",
        "outcome": {"name": "score", "label": "score", "likelihood": "gaussian", "scale": 1.0, "centre": 0.0},
        "treatment": {"name": "treaty", "lag": 0},
        "groups": [{"name": "country", "terms": terms}],
        "time": {"effects": "unpooled", "by": "all"},
        "error": {"kind": "iid"},
        "estimands": ["regime", "country", "average"],
        "fit": {"chains": 2, "draws": 400, "tune": 300, "seed": 4},
    }


@cache
def fitted(*terms: str) -> Fit:
    card = parse_card(card_with(list(terms)), where="test")
    return bayes_hr.fit(card, Panel.from_frame(improvers(), outcome="score"), reference=0)


def effect(fit: Fit) -> pd.Series:
    return fit.effects("regime").iloc[0]


def test_trends_pass_for_an_effect_where_the_model_has_none() -> None:
    without = effect(fitted("intercept", "ratified"))
    assert abs(without["mean"]) > 3 * without["sd"]


def test_with_trends_there_is_none() -> None:
    fit = fitted("intercept", "ratified", "trend")
    found = effect(fit)
    assert found["lb"] < 0 < found["ub"]
    spread = fit.effects("parameter").set_index("level").loc["sd_country[trend]"]
    assert spread["lb"] < TREND < spread["ub"]


def test_each_countrys_trend_is_its_own() -> None:
    fit = fitted("intercept", "ratified", "trend")
    slopes = fit.data["posterior"]["u_country"].sel(country_term="trend").mean(("chain", "draw")).to_numpy()
    by_country = improvers().groupby("ccode")[["year", "score"]]
    raw = by_country.apply(lambda rows: np.polyfit(rows["year"] / 10, rows["score"], 1)[0]).to_numpy()
    assert np.corrcoef(slopes, raw)[0, 1] > 0.9


def test_the_column_is_decades_from_the_mean_year() -> None:
    design = build(
        parse_card(card_with(["intercept", "ratified", "trend"]), where="test"),
        Panel.from_frame(improvers(), outcome="score"),
    )
    year = design.rows["year"]
    np.testing.assert_allclose(design.groups[0].Z[:, 2], (year - year.mean()) / 10)


def test_a_card_has_trends_only_if_it_says_so() -> None:
    data = card_with([])
    data["groups"] = [{"name": "country"}]
    assert parse_card(data, where="test").groups[0].terms == ("intercept", "ratified")
    with pytest.raises(InputError, match="trend"):
        load_card("cat_hrps").replace(groups=[{"name": "country", "terms": ["intercept", "trends"]}])


def test_the_report_says_what_trends_take_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = fitted("intercept", "ratified", "trend").report(tmp_path_factory.mktemp("report") / "report.html")
    text = path.read_text()
    assert "departures from a straight line" in text
    assert "SD of country trends" in text
    assert "own trends per decade around the years" in text
