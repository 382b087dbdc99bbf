"""Year effects as a random walk: the prior, both engines, and a world whose classes drift."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import treaties
import xarray as xr
from plain_cards import plain_card

import bayes_hr
from bayes_hr import walks
from bayes_hr.api import Fit
from bayes_hr.calibration.quantities import quantities
from bayes_hr.calibration.truths import draw_truth
from bayes_hr.cards import RatificationCard, load_card
from bayes_hr.data.panel import Panel
from bayes_hr.design import Design
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.engines.gibbs import GibbsEngine, prepared_model
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.engines.settings import SamplerSettings
from bayes_hr.errors import InputError
from bayes_hr.pymc_models import build_model
from bayes_hr.ratification_design import build
from bayes_hr.treaties_design import build as build_treaties

YEARS = (*range(1990, 1996), *range(1999, 2009))
CLASSES = ("stable autocracy", "transition")
TAU = {"stable autocracy": 0.0, "transition": 0.5}
LASTING = {"stable autocracy": -0.4, "transition": 0.4}
"""How far a class is from where it was, ten years on."""


@cache
def frame(countries: int = 40) -> pd.DataFrame:
    """Two classes that drift apart, some rows of each country missing, no row at all in 1996 to 1998."""
    rng = np.random.default_rng(8)
    rows = []
    for c in range(countries):
        regime, level = CLASSES[c % 2], rng.normal(0, 0.6)
        joined = float(rng.integers(1993, 2006)) if rng.uniform() < 0.8 else np.nan
        for year in YEARS:
            mean = level + LASTING[regime] * (year - 2000) / 10 + TAU[regime] * (year - joined >= 1)
            if rng.uniform() < 0.9:
                rows.append((c + 1, year, mean + 0.3 * rng.standard_normal(), joined, regime))
    columns = ["ccode", "year", "score", "ratification_year", "regime"]
    return pd.DataFrame(rows, columns=columns)


def card(**changes: Any) -> RatificationCard:
    """A prior of the step that is far too wide, so that what comes out is of the rows."""
    own: dict[str, Any] = {
        "groups": [{"name": "country", "terms": ["intercept"]}],
        "time": {"effects": "random_walk"},
        "priors": {"sd_year_step": "half_normal(1)"},
    }
    if changes.get("time", own["time"]) != own["time"]:
        del own["priors"]
    return plain_card(**{**own, **changes})


def panel() -> Panel:
    return Panel.from_frame(frame(), outcome="score")


@cache
def design() -> Design:
    return build(card(), panel())


@cache
def fitted() -> Fit:
    return bayes_hr.fit(card(), panel(), reference=2)


def test_a_walk_given_to_a_builder_is_one_too() -> None:
    """Not only through an engine: nothing reads such a design as independent effects."""
    model = build_model(design(), "rows")
    assert model["z_year_effect"].type.shape == (len(CLASSES) * (len(YEARS) - 1),)
    assert (
        prepared_model(design()).prior.mean.size == walks.in_components(design()).position("year_effect").stop
    )


def test_the_prior_is_a_walk_with_mean_zero_in_each_class() -> None:
    term, rng = design().term("year_effect"), np.random.default_rng(2)
    many = np.stack([walks.deviations(rng, term).reshape(term.shape) for _ in range(4000)])
    assert np.abs(many.mean(axis=2)).max() < 1e-12
    steps = np.diff(many, axis=2).reshape(len(many), -1)
    gaps = np.tile(np.diff(YEARS), len(CLASSES))
    assert gaps.max() == 4
    np.testing.assert_allclose(np.cov(steps.T), np.diag(gaps), atol=5 * 4 / np.sqrt(4000))


def test_components_are_the_same_model() -> None:
    whole, parts = design(), walks.in_components(design())
    term, own = whole.term("year_effect"), parts.term("year_effect")
    assert own.size == term.size - len(CLASSES)
    z = np.random.default_rng(3).standard_normal((2, 5, own.size))
    raw = xr.Dataset(
        {
            "year_effect": (("chain", "draw", "component"), z),
            "sd_year_effect": (("chain", "draw"), np.ones((2, 5))),
        }
    )
    found = walks.with_effects(whole, raw)
    assert found["year_effect"].shape == (2, 5, *term.shape)
    assert set(found.data_vars) == {"year_effect", "sd_year_step"}
    given = found["year_effect"].values[1, 3].ravel()
    np.testing.assert_allclose(term.predict(given), own.predict(z[1, 3]), atol=1e-12)


def test_both_engines_draw_from_one_posterior() -> None:
    one = fitted().data["posterior"].dataset
    settings = SamplerSettings("nutpie", "auto", 2, 800, 300, 4, 0.8, cores=2)
    two = NutsEngine("nutpie").sample(design(), settings)["posterior"].dataset
    assert set(one.data_vars) == set(two.data_vars)
    for name in ("year_effect", "sd_year_step", "tau", "alpha", "beta", "sd_country", "sigma"):
        a, b = one[name], two[name]
        assert a.dims == b.dims
        error = np.hypot(*(x.std(("chain", "draw")).values / np.sqrt(400) for x in (a, b)))
        assert (np.abs(a.mean(("chain", "draw")) - b.mean(("chain", "draw"))) < 4 * error).all(), name
        spread = a.std(("chain", "draw")) / b.std(("chain", "draw"))
        assert np.abs(np.log(spread)).max() < 0.15, name


def test_recovery_of_effects_and_of_classes_that_drift() -> None:
    found = fitted()
    effects = found.effects("regime").set_index("level")
    for regime, truth in TAU.items():
        assert abs(effects.loc[regime, "mean"] - truth) < 3 * effects.loc[regime, "sd"]
    path = found.data["posterior"]["year_effect"].mean(("chain", "draw"))
    for regime, drift in LASTING.items():
        over = path.sel(regime=regime)
        assert float(over.sel(year=2008) - over.sel(year=1990)) == pytest.approx(1.8 * drift, abs=0.25)
    step = float(found.data["posterior"]["sd_year_step"].mean())
    assert 0.02 < step < 0.12
    assert found.reference is not None
    assert found.reference.n == 2


def test_a_walk_borrows_from_neighbouring_years() -> None:
    """The whole point: effects of classes are told with less uncertainty than beside free years."""
    free = bayes_hr.fit(card(time={"effects": "unpooled"}), panel(), reference=0)
    own, other = (f.effects("regime").set_index("level")["sd"] for f in (fitted(), free))
    assert (own < other).all()


def test_the_report_has_its_mathematics_and_its_prior(tmp_path: Any) -> None:
    found = bayes_hr.load_fit(fitted().save(tmp_path / "fit"))
    assert found.result.tree["posterior"]["year_effect"].dims == ("chain", "draw", "regime", "year")
    text = (tmp_path / "fit" / "report.html").read_text()
    assert "Year effects, a random walk" in text
    assert "yearly step of the year effects" in text
    assert 'id="fig-years"' in text
    again = from_dataset(to_dataset(design()), design().y, design().merge)
    assert again.term("year_effect").walk
    assert again.term("year_effect").sd == design().term("year_effect").sd


def test_truths_from_the_prior_have_the_step_and_the_effects() -> None:
    truth = draw_truth(design(), np.random.default_rng(1))
    assert truth.values["year_effect"].shape == (2, len(YEARS))
    assert truth.values["year_effect"].sum(axis=1) == pytest.approx(0, abs=1e-12)
    names = {q.variable for q in quantities(design())}
    assert {"sd_year_step", "year_effect"} <= names
    assert "sd_year_effect" not in names


def test_priors_and_refusals() -> None:
    assert card(priors={}).priors["sd_year_step"] == "half_normal(0.1)"
    assert not {"year_effect", "sd_year_effect"} & set(card().priors)
    with pytest.raises(InputError, match="two years"):
        build(card(where="year == 2000"), panel())
    moving = {"likelihood": "ordered_probit", "cut_points": "by_year", "name": "score", "label": "score"}
    with pytest.raises(InputError, match=r'time\.effects = "random_walk"'):
        card(outcome=moving, priors={})
    with pytest.raises(InputError, match=r"time\.effects must be .* in a convergence card"):
        load_card("demo_convergence").replace(time={"effects": "random_walk"})


def test_several_treaties_and_ordered_categories_have_them_too() -> None:
    many = build_treaties(treaties.card(time={"effects": "random_walk", "by": "all"}), treaties.panel())
    rows = frame().assign(score=np.digitize(frame()["score"], (-0.5, 0.5)))
    outcome = {"name": "score", "likelihood": "ordered_probit"}
    ordinal = build(card(outcome=outcome, priors={}), Panel.from_frame(rows, outcome="score"))
    settings = SamplerSettings("nutpie", "auto", 1, 20, 20, 4, 0.9, cores=1)
    for each in (many, ordinal):
        tree = GibbsEngine().sample(each, settings)
        values = tree["posterior"]["year_effect"]
        assert np.abs(values.mean("year")).max() < 1e-10
        assert tree["posterior"]["sd_year_step"].shape == (1, 20)
