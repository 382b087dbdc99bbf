"""Model R as matrices: a panel small enough to write every matrix down.

Tolerances: none but rounding. Matrices hold 0, 1 and standardised controls, equal to 1e-12.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_hr.cards import Card, parse_card
from bayes_hr.data.merge import MergeReport
from bayes_hr.data.panel import Panel
from bayes_hr.design import Design, rank_deficient
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.errors import InputError
from bayes_hr.priors import Prior
from bayes_hr.ratification_design import build, with_ratification_years

NEVER = np.nan
EXACT = 1e-12


def small_card(**changes: Any) -> Card:
    base: dict[str, Any] = {
        "id": "small",
        "question": "Does ratification help here?",
        "outcome": {"name": "score", "scale": 1.0, "centre": 0.0},
        "treatment": {"name": "CAT"},
    }
    return parse_card({**base, **changes}, where="card small")


def small_frame() -> pd.DataFrame:
    """Three countries; 20 skips 2002 and 2003, 200 never ratifies."""
    rows = [
        # ccode, year, score, ratification year, regime, gdp
        (2, 2000, 0.1, 2001, "stable democracy", 1.0),
        (2, 2001, 0.2, 2001, "stable democracy", 2.0),
        (2, 2002, 0.4, 2001, "stable democracy", 4.0),
        (20, 2000, -0.3, 2004, "transition", 0.5),
        (20, 2001, -0.1, 2004, "transition", 0.7),
        (20, 2004, 0.3, 2004, "transition", 0.9),
        (20, 2005, 0.6, 2004, "transition", 1.1),
        (200, 2001, -1.0, NEVER, "transition", 3.0),
        (200, 2002, -1.2, NEVER, "transition", 5.0),
    ]
    columns = ["ccode", "year", "score", "ratification_year", "regime", "gdp"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["country"] = frame["ccode"].map({2: "United States", 20: "Canada", 200: "United Kingdom"})
    return frame


def design_of(card: Card | None = None, frame: pd.DataFrame | None = None) -> Design:
    frame = small_frame() if frame is None else frame
    return build(card or small_card(), Panel.from_frame(frame, outcome="score"))


# ---------------------------------------------------------------- exact matrices


def test_every_matrix_of_a_small_panel() -> None:
    design = design_of()
    assert design.n == 9
    assert [t.name for t in design.population] == ["alpha", "beta", "tau", "year_effect"]
    assert design.y.tolist() == [0.1, 0.2, 0.4, -0.3, -0.1, 0.3, 0.6, -1.0, -1.2]
    assert design.term("alpha").columns.tolist() == [[1.0]] * 9
    # classes run from autocracy to democracy, the first present is the reference
    assert design.term("beta").columns.ravel().tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    treated = [0, 0, 1, 0, 0, 0, 1, 0, 0]  # one full year after ratification
    assert design.rows["treated"].tolist() == treated
    assert design.term("tau").columns.tolist() == [
        [0, 0], [0, 0], [0, 1], [0, 0], [0, 0], [0, 0], [1, 0], [0, 0], [0, 0],
    ]  # fmt: skip
    year = design.term("year_effect")
    assert year.columns.size == 0
    assert year.index is not None
    # 2 classes by 5 years (2000, 2001, 2002, 2004, 2005), C order
    assert year.index.tolist() == [5, 6, 7, 0, 1, 3, 4, 1, 2]
    assert year.matrix().sum(axis=1).tolist() == [1.0] * 9
    assert year.predict(np.arange(10.0)).tolist() == year.index.tolist()
    (country,) = design.groups
    assert country.levels == (2, 20, 200)
    assert country.index.tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert country.Z.tolist() == [[1, d] for d in treated]
    order = design.error.order
    assert order.unit.tolist() == country.index.tolist()
    assert order.first.tolist() == [1, 0, 0, 1, 0, 0, 0, 1, 0]
    assert order.gap.tolist() == [0, 1, 1, 0, 1, 3, 1, 0, 1]
    assert order.previous.tolist() == [0, 0, 1, 3, 3, 4, 5, 7, 7]


def test_dims_and_coords() -> None:
    card = small_card(population=["gdp"])
    design = design_of(card)
    dims = {t.name: t.dims for t in design.population}
    assert dims == {
        "alpha": (),
        "beta": ("term",),
        "gamma": ("covariate",),
        "tau": ("regime",),
        "year_effect": ("regime", "year"),
    }
    assert design.coords() == {
        "term": ("regime: stable democracy",),
        "covariate": ("gdp",),
        "regime": ("transition", "stable democracy"),
        "year": (2000, 2001, 2002, 2004, 2005),
        "country": (2, 20, 200),
        "country_term": ("intercept", "ratified"),
        "country_term_bis": ("intercept", "ratified"),
    }
    assert all(type(v) in {int, str} for labels in design.coords().values() for v in labels)
    year = design.term("year_effect")
    assert (year.shape, year.size) == ((2, 5), 10)
    assert year.labels[0] == "year_effect[transition, 2000]"
    assert year.labels[-1] == "year_effect[stable democracy, 2005]"
    assert design.term("alpha").labels == ["alpha"]
    assert design.rows["ccode"].tolist() == [2, 2, 2, 20, 20, 20, 20, 200, 200]
    assert design.rows["country_name"][0] == "United States"
    assert design.attrs == {"family": "ratification", "treatment": "CAT", "outcome": "score"}


def test_options_of_the_card_reach_the_design() -> None:
    card = small_card(
        time={"effects": "pooled", "by": "all"},
        treatment={"name": "CAT", "pooling": "partial"},
        error={"kind": "iid"},
        outcome={"name": "score", "likelihood": "student_t"},
        groups=[
            {
                "name": "country",
                "terms": ["ratified", "intercept"],
                "correlated": False,
                "centred": [True, False],
            }
        ],
    )
    design = design_of(card)
    year = design.term("year_effect")
    assert (year.dims, year.prior, year.sd) == (("year",), None, Prior("half_normal", (0.5 * design.unit,)))
    assert year.index is not None
    assert year.index.tolist() == [0, 1, 2, 0, 1, 3, 4, 1, 2]
    assert design.term("tau").sd == Prior("half_normal", (0.25 * design.unit,))
    (country,) = design.groups
    assert country.terms == ("ratified", "intercept")
    assert country.Z[:, 1].tolist() == [1.0] * 9
    assert [p.values[0] / design.unit for p in country.sd] == pytest.approx([0.5, 1.0])
    assert country.corr is None
    assert country.centred == (True, False)
    assert (design.error.kind, design.error.likelihood, design.error.rho) == ("iid", "student_t", None)
    assert design.error.nu == Prior("gamma", (2.0, 0.1))
    bare = design_of(small_card(time={"effects": "none"}))
    assert [t.name for t in bare.population] == ["alpha", "beta", "tau"]


def test_priors_are_in_outcome_units_and_centred_where_the_card_says() -> None:
    frame = small_frame()
    frame["score"] = 100 + 10 * frame["score"]
    sd = design_of(small_card(outcome={"name": "score"}, population=["gdp"]), frame)
    assert sd.unit == pytest.approx(frame["score"].std(ddof=0))
    assert sd.centre == pytest.approx(frame["score"].mean())
    alpha = sd.term("alpha").prior
    assert alpha is not None
    assert alpha.values == pytest.approx((sd.centre, 2.5 * sd.unit))
    tau, gamma = sd.term("tau").prior, sd.term("gamma").prior
    assert tau is not None
    assert gamma is not None
    assert tau.values == gamma.values == pytest.approx((0, 0.5 * sd.unit))
    assert sd.error.sigma.values == pytest.approx((0.5 * sd.unit,))
    assert sd.error.rho == Prior("uniform", (-1.0, 1.0)), "a correlation has no unit"
    assert sd.groups[0].corr == Prior("lkj", (2.0,))
    fixed = design_of(small_card(outcome={"name": "score", "scale": 2, "centre": 50}), frame)
    alpha = fixed.term("alpha").prior
    assert alpha is not None
    assert alpha.values == (50.0, 5.0)


@pytest.mark.parametrize("lag", [0, 1])
def test_treatment_starts_lag_full_years_after_ratification(lag: int) -> None:
    frame = small_frame()
    expected = (frame["year"] - frame["ratification_year"] >= lag).astype(float)
    design = design_of(small_card(treatment={"name": "CAT", "lag": lag}))
    assert design.rows["treated"].tolist() == expected.tolist()
    assert expected.sum() == {0: 4, 1: 2}[lag]


def test_a_lag_longer_than_the_panel_leaves_no_treatment() -> None:
    with pytest.raises(InputError, match="no country has ratified"):
        design_of(small_card(treatment={"name": "CAT", "lag": 5}))


def test_lag_of_a_control_is_in_calendar_years_and_a_gap_gives_missing() -> None:
    design = design_of(small_card(population=[{"name": "gdp", "lag": 1, "standardise": False}]))
    # first years and 2004 of country 20 (no row in 2003) have no value one year before
    keys = list(zip(design.rows["ccode"], design.rows["year"], strict=True))
    assert keys == [(2, 2001), (2, 2002), (20, 2001), (20, 2005), (200, 2002)]
    assert design.term("gamma").columns.ravel().tolist() == [1.0, 2.0, 0.5, 0.9, 3.0]
    assert design.coords()["covariate"] == ("gdp_lag1",)
    assert design.error.order.gap.tolist() == [0, 1, 0, 4, 0], "rows dropped become gaps"
    (step,) = design.merge.steps
    assert (step.reason, step.rows, step.countries) == ("gdp_lag1 missing", 4, 0)
    assert step.detail == "no country lost"


def test_a_lagged_control_looks_behind_the_filter() -> None:
    card = small_card(population=[{"name": "gdp", "lag": 1, "standardise": False}], where="year >= 2001")
    design = design_of(card)
    assert design.term("gamma").columns.ravel().tolist() == [1.0, 2.0, 0.5, 0.9, 3.0]
    assert [s.reason for s in design.merge.steps] == [
        "outside the card's filter: year >= 2001",
        "gdp_lag1 missing",
    ]
    assert [s.rows for s in design.merge.steps] == [2, 2]


def test_the_same_control_may_enter_at_two_lags() -> None:
    design = design_of(small_card(population=["gdp", {"name": "gdp", "lag": 1}]))
    assert design.coords()["covariate"] == ("gdp", "gdp_lag1")


def test_controls_are_standardised_over_the_rows_used() -> None:
    design = design_of(small_card(population=["gdp"], where="year <= 2002"))
    x = small_frame().query("year <= 2002")["gdp"].to_numpy()
    assert design.standardised == {"gdp": pytest.approx((x.mean(), x.std()))}
    assert design.term("gamma").columns.ravel() == pytest.approx((x - x.mean()) / x.std(), abs=EXACT)


def test_dropped_rows_are_counted_with_reasons_and_add_up() -> None:
    frame = small_frame()
    frame.loc[[1, 7, 8], "gdp"] = np.nan
    frame.loc[0, "score"] = np.nan
    design = design_of(small_card(population=["gdp"], where="year != 2005 or ccode == 20"), frame)
    told = [(s.reason, s.rows, s.countries, s.detail) for s in design.merge.steps]
    assert told[0][:2] == ("score missing", 1)
    assert told[1] == ("gdp missing", 3, 1, "countries lost: United Kingdom")
    assert (design.merge.rows_in, design.merge.rows_used, design.n) == (9, 5, 5)
    assert design.groups[0].levels == (2, 20), "a country without rows has no effect"


def test_classes_run_from_autocracy_to_democracy_and_others_follow() -> None:
    frame = small_frame()
    frame["regime"] = frame["ccode"].map({2: "no score", 20: "stable democracy", 200: "stable autocracy"})
    design = design_of(frame=frame)
    assert design.coords()["regime"] == ("stable autocracy", "stable democracy", "no score")
    assert design.term("tau").columns.sum(axis=0).tolist() == [0, 1, 1]


def test_one_class_is_fine_where_no_contrast_is_asked_for() -> None:
    card = small_card(estimands=["regime", "country"])
    design = design_of(card, small_frame().drop(columns="regime"))
    assert [t.name for t in design.population] == ["alpha", "tau", "year_effect"]
    assert len(design.coords()["regime"]) == 1


# ---------------------------------------------------------------- rank


def wide_frame() -> pd.DataFrame:
    """Six countries of two classes over six years, with switchers in both."""
    rng = np.random.default_rng(1)
    first = {1: 2002, 2: 2003, 3: NEVER, 4: 2001, 5: 2004, 6: NEVER}
    rows = [
        (c, y, rng.normal(), r, "transition" if c <= 3 else "stable democracy", rng.normal())
        for c, r in first.items()
        for y in range(2000, 2006)
    ]
    return pd.DataFrame(rows, columns=["ccode", "year", "score", "ratification_year", "regime", "gdp"])


def test_a_design_of_full_rank_names_nothing() -> None:
    assert rank_deficient(design_of(small_card(population=["gdp"]), wide_frame())) == ()


def test_a_class_without_ratifiers_is_named() -> None:
    frame = wide_frame()
    frame.loc[frame["ccode"] <= 3, "ratification_year"] = NEVER
    assert rank_deficient(design_of(frame=frame)) == ("tau[transition]",)


def test_a_class_that_always_was_treated_is_named() -> None:
    frame = wide_frame()
    frame.loc[frame["ccode"] > 3, "ratification_year"] = 1990
    assert rank_deficient(design_of(frame=frame)) == ("tau[stable democracy]",)


def test_a_class_whose_countries_ratify_together_is_lost_in_its_year_effects() -> None:
    frame = wide_frame()
    frame.loc[frame["ccode"] > 3, "ratification_year"] = 2002
    assert rank_deficient(design_of(frame=frame)) == ("tau[stable democracy]",)
    together = design_of(small_card(time={"effects": "unpooled", "by": "all"}), frame)
    assert rank_deficient(together) == ()


def test_collinear_controls_are_named() -> None:
    frame = wide_frame()
    frame["twice"] = 2 * frame["gdp"] + 1
    frame["trend"] = frame["year"].astype(float)
    card = small_card(population=["gdp", "twice", "trend"])
    assert rank_deficient(design_of(card, frame)) == ("gamma[twice]", "gamma[trend]")


def test_nearly_collinear_is_not_collinear() -> None:
    frame = wide_frame()
    frame["near"] = frame["gdp"] + 1e-4 * np.random.default_rng(2).normal(size=len(frame))
    assert rank_deficient(design_of(small_card(population=["gdp", "near"]), frame)) == ()


# ---------------------------------------------------------------- bad input


def broken(kind: str) -> tuple[Card, Panel]:
    """A card and a panel that do not go together."""
    frame, card = wide_frame(), small_card(population=["gdp"])
    panel = Panel.from_frame(frame, outcome="score")
    if kind == "no outcome":
        return card.replace(outcome={"name": "scoer"}), panel
    if kind == "no control":
        return card.replace(population=["gpd"]), panel
    if kind == "text control":
        text = panel.frame.assign(gdp="rich")
        return card, Panel("ratification", text, panel.merge, (), panel.options)
    changes: dict[str, Any] = {
        "no ratifier": {"where": "ccode in [3, 6]"},
        "always": {"where": "ccode == 4 and year > 2003 or ccode == 1 and year > 2003"},
        "no rows": {"where": "year > 2050"},
        "one class": {"where": "ccode <= 3"},
        "filter": {"where": "yaer > 2000"},
    }
    if kind in changes:
        return card.replace(**changes[kind]), panel
    if kind == "constant outcome":
        return card.replace(where="year != 2000 or ccode != 1"), _with(panel, score=[9.0] + [1.0] * 35)
    if kind == "constant control":
        return card, _with(panel, gdp=0.1)
    if kind == "constant, not standardised":
        return card.replace(population=[{"name": "gdp", "standardise": False}]), _with(panel, gdp=0.1)
    if kind == "missing control":
        return card, _with(panel, gdp=np.nan)
    assert kind == "class moves"
    moving = np.where(panel.frame["year"] > 2003, "no score", panel.frame["regime"])
    return card, _with(panel, regime=moving)


def _with(panel: Panel, **columns: Any) -> Panel:
    return Panel("ratification", panel.frame.assign(**columns), panel.merge, (), panel.options)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("no outcome", "no column 'scoer'.*Did you mean 'score'"),
        ("no control", "no column 'gpd'.*Did you mean 'gdp'"),
        ("text control", "'gdp' must hold numbers"),
        ("no ratifier", "no country has ratified CAT in the 12 rows used"),
        ("always", "every row used is after ratification of CAT"),
        ("no rows", "no rows are left .outside the card's filter: year > 2050: 36."),
        ("one class", "one class .'transition'."),
        ("filter", "Did you mean 'year'"),
        ("constant outcome", "outcome 'score' has one value"),
        ("constant control", "control 'gdp' has one value"),
        ("constant, not standardised", "control 'gdp' has one value"),
        ("missing control", "no rows are left .gdp missing: 36."),
        ("class moves", "one class per country; it changes for ccode 1"),
    ],
)
def test_what_no_model_could_estimate_is_refused(kind: str, says: str) -> None:
    card, panel = broken(kind)
    with pytest.raises(InputError, match=says):
        build(card, panel)


# ---------------------------------------------------------------- nothing depends on how rows are stored


def arrays(design: Design) -> dict[str, np.ndarray]:
    """All numbers of a design."""
    out = {"y": design.y, "unit": design.error.order.unit, "gap": design.error.order.gap}
    out |= {f"x_{t.name}": t.matrix() for t in design.population}
    out |= {f"z_{g.name}": g.Z for g in design.groups}
    return out | design.rows


def assert_same(a: Design, b: Design, tolerance: float = 0.0) -> None:
    assert a.coords() == b.coords()
    for name, values in arrays(a).items():
        other = arrays(b)[name]
        if values.dtype == object:
            assert values.tolist() == other.tolist(), name
        else:
            np.testing.assert_allclose(other, values, rtol=tolerance, atol=tolerance, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(
    order=st.permutations(range(9)),
    types=st.fixed_dictionaries(
        {
            "ccode": st.sampled_from(["int16", "int64", "float64", "Int64", "object"]),
            "year": st.sampled_from(["int32", "uint16", "float64", "Int64"]),
            "ratification_year": st.sampled_from(["float32", "float64", "Int64", "object"]),
            "regime": st.sampled_from(["object", "str", "category"]),
            "gdp": st.sampled_from(["float64", "Float64", "object"]),
        }
    ),
    columns=st.permutations(range(7)),
)
def test_order_and_dtype_of_the_frame_do_not_matter(
    order: list[int], types: dict[str, str], columns: list[int]
) -> None:
    card = small_card(population=["gdp"])
    frame = small_frame().iloc[list(order), list(columns)].astype(types)
    assert_same(design_of(card), design_of(card, frame))


def test_building_does_not_touch_the_panel() -> None:
    panel = Panel.from_frame(small_frame(), outcome="score")
    before = panel.digest(), panel.frame.copy()
    build(small_card(population=["gdp"], where="year > 2000"), panel)
    assert panel.digest() == before[0]
    pd.testing.assert_frame_equal(panel.frame, before[1])


def test_a_shuffled_panel_object_gives_the_same_design() -> None:
    panel = Panel.from_frame(small_frame(), outcome="score")
    shuffled = Panel(panel.name, panel.frame.sample(frac=1, random_state=1), panel.merge, (), panel.options)
    card = small_card(population=[{"name": "gdp", "lag": 1}])
    assert_same(build(card, panel), build(card, shuffled))


# ---------------------------------------------------------------- saved and permuted


def test_a_design_is_rebuilt_from_what_a_fit_saves(tmp_path: Any) -> None:
    import xarray as xr

    for population in ([], ["gdp"], [{"name": "gdp", "lag": 1, "standardise": False}]):
        card = small_card(population=population, outcome={"name": "score"})
        design = design_of(card)
        path = tmp_path / "rows.nc"
        to_dataset(design).to_netcdf(path, engine="h5netcdf")
        with xr.open_dataset(path, engine="h5netcdf") as rows:
            again = from_dataset(rows.load(), design.y, design.merge)
        assert_same(design, again, tolerance=EXACT)
        assert again.unit == design.unit
        assert again.term("alpha").prior == design.term("alpha").prior
        assert isinstance(again.merge, MergeReport)


def test_other_ratification_years_give_the_design_of_that_panel() -> None:
    frame = wide_frame()
    card = small_card(population=["gdp"])
    years = {1: 2004, 2: NEVER, 3: 2001, 4: 2003, 5: 2000, 6: 2002}
    permuted = frame.assign(ratification_year=frame["ccode"].map(years))
    design = design_of(card, frame)
    ours = with_ratification_years(design, np.array(list(years.values()), dtype=float), lag=1)
    assert_same(design_of(card, permuted), ours)
    assert design.rows["treated"].tolist() == design_of(card, frame).rows["treated"].tolist()
