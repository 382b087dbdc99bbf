"""Model C as matrices: a panel small enough to write every matrix down.

Tolerances: none but rounding. Matrices hold 0, 1 and tenths, equal to 1e-12; a derivative by central
differences with step 1e-5 agrees to 1e-5.
"""

from __future__ import annotations

import operator
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytensor
import pytest
import xarray as xr
from drawn import small_convergence
from dyads import ROWS, TERMS, X, card_of, design_of, frame_of, panel_of
from pytensor.compile.mode import Mode

from bayes_hr.cards import load_card
from bayes_hr.convergence_design import build, phase_columns
from bayes_hr.data.merge import DropStep, MergeReport
from bayes_hr.data.panel import Panel
from bayes_hr.design import Design, rank_deficient
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.errors import InputError
from bayes_hr.priors import Prior
from bayes_hr.pymc_models import build_model

EXACT = 1e-12
PYTHON = Mode(linker="py", optimizer=None)


def arrays(design: Design) -> dict[str, np.ndarray]:
    """All numbers of a design."""
    out = {"y": design.y, "unit": design.error.order.unit, "gap": design.error.order.gap}
    out |= {f"x_{t.name}": t.matrix() for t in design.population}
    for g in design.groups:
        out |= {f"z_{g.name}": g.Z, f"index_{g.name}": g.index}
    if design.serial is not None:
        s = design.serial
        out |= {"serial": s.index, "loading": s.loading, "s_unit": s.order.unit, "s_gap": s.order.gap}
    out |= {f"view_{v.name}": v.index for v in design.views}
    return out | design.rows


def assert_same(a: Design, b: Design) -> None:
    assert a.coords() == b.coords()
    ours, theirs = arrays(a), arrays(b)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(theirs[name], values, rtol=EXACT, atol=EXACT, err_msg=name)
        else:
            assert values.tolist() == theirs[name].tolist(), name


# ---------------------------------------------------------------- exact matrices


def test_every_matrix_of_a_small_panel() -> None:
    design = design_of()
    kept = [row for row in ROWS if row[3] != "gap"]
    assert design.y == pytest.approx([abs(row[-1]) for row in kept], abs=EXACT)
    assert [t.name for t in design.population] == ["beta", "year_effect"]
    beta, year = design.population
    assert beta.dims == ("term",)
    np.testing.assert_allclose(beta.columns, X, atol=EXACT)
    assert year.index is not None
    assert (2000 + year.index).tolist() == [row[2] for row in kept]
    state, igo, dyad = design.groups
    assert [g.name for g in design.groups] == ["state", "igo", "dyad"]
    for g in (state, igo):
        assert g.terms == TERMS
        np.testing.assert_allclose(g.Z, X, atol=EXACT)
        assert g.corr == Prior("lkj", (2.0,))
    assert state.index.tolist() == [0] * 8 + [1] * 6
    assert igo.index.tolist() == [0] * 5 + [1] * 3 + [0] * 3 + [1] * 3
    assert dyad.index.tolist() == [0] * 5 + [1] * 3 + [2] * 3 + [3] * 3
    assert dyad.Z.tolist() == [[1.0]] * 14
    assert dyad.corr is None


def test_coords_are_plain_labels() -> None:
    assert design_of().coords() == {
        "term": TERMS,
        "year": (2000, 2001, 2002, 2003, 2004),
        "state": (2, 20),
        "state_term": TERMS,
        "state_term_bis": TERMS,
        "igo": ("A", "B"),
        "igo_term": TERMS,
        "igo_term_bis": TERMS,
        "dyad": ("2:A", "2:B", "20:A", "20:B"),
        "dyad_term": ("intercept",),
        "dyad_term_bis": ("intercept",),
    }
    assert all(type(label) in {int, str} for labels in design_of().coords().values() for label in labels)


def test_rows_keep_what_estimands_need() -> None:
    design = design_of()
    expected = {"ccode", "country_name", "dyad", "igo", "igo_name", "igo_type", "year", "phase", "k"}
    assert set(design.rows) == expected | {"entry", "last", "founder", "left_censored", "has_before"}
    assert design.rows["has_before"].tolist() == [True] * 5 + [False] * 6 + [True] * 3
    assert design.rows["dyad"].tolist()[5:9] == ["2:B", "2:B", "2:B", "20:A"]
    assert design.rows["country_name"][0] == "United States"
    assert design.rows["entry"].tolist()[8:11] == [2000, 2002, 2002]
    assert design.rows["k"] == pytest.approx(X[:, 1] + X[:, 3] + X[:, 5])
    assert design.attrs == {"family": "convergence", "outcome": "distance", "mean": "leave_one_out"}
    assert design.headline == ("beta", 3, "slope during membership, per decade")
    assert [v.name for v in design.views] == ["state", "IGO", "year", "phase of an IGO"]
    assert design.views[3].labels == ("A after", "A before", "A during", "B before", "B during")


def test_order_of_rows_and_of_state_years() -> None:
    design = design_of()
    assert design.error.unit == "dyad"
    assert np.flatnonzero(design.error.order.first).tolist() == [0, 5, 8, 11]
    assert design.error.order.gap.tolist() == [0, 1, 1, 1, 1, 0, 1, 2, 0, 2, 1, 0, 1, 1]
    serial = design.serial
    assert serial is not None
    assert (serial.name, serial.unit) == ("state_year", "state")
    # The first state has 2000-2004; the second 2000 to 2003, 2001 by way of B.
    assert serial.index.tolist() == [0, 1, 2, 3, 4, 0, 1, 3, 5, 7, 8, 6, 7, 8]
    assert serial.order.unit.tolist() == [0] * 5 + [1] * 4
    assert serial.order.gap.tolist() == [0, 1, 1, 1, 1, 0, 1, 1, 1]
    assert serial.loading.tolist() == [1.0] * 14


def test_years_that_a_state_lacks_are_gaps_of_its_own_year() -> None:
    design = design_of(where="year != 2001 and year != 2002")
    assert design.serial is not None
    assert design.serial.order.gap.tolist() == [0, 3, 1, 0, 3]


# ---------------------------------------------------------------- options


def test_gap_rows_are_dropped_and_counted() -> None:
    merge = design_of().merge
    assert (merge.rows_in, merge.rows_used) == (15, 14)
    assert [(step.reason, step.rows) for step in merge.steps] == [
        ("between two spells of membership (igo.gap)", 1)
    ]


def test_gap_rows_can_be_kept_with_a_level_of_their_own() -> None:
    design = design_of(igo={"gap": "keep"})
    assert design.n == 15
    assert not design.merge.steps
    beta = design.term("beta")
    assert beta.coords["term"] == (*TERMS, "gap")  # one gap row: there is no slope in it
    assert beta.columns[:, 6].tolist() == [0.0] * 9 + [1.0] + [0.0] * 5
    assert beta.columns[9, :6].tolist() == [0.0] * 6
    assert beta.priors[6] == beta.priors[2], "the prior of a gap's level is that during membership"
    assert design.group("state").terms == TERMS, "what varies is as the card says"


def test_only_dyads_that_are_seen_before_entry() -> None:
    design = design_of(igo={"dyads": "with_before"})
    assert design.coords()["dyad"] == ("2:A", "20:B")
    assert design.rows["has_before"].all()
    assert [(step.reason.split(" (")[0], step.rows) for step in design.merge.steps] == [
        ("between two spells of membership", 1),
        ("dyad without a year before entry", 6),
    ]


def test_oriented_gap_is_positive_before_entry() -> None:
    design = design_of(outcome={"name": "gap_oriented", "scale": 1.0, "centre": 0.0})
    assert design.coords()["dyad"] == ("2:A", "20:B")
    assert design.y == pytest.approx([1.0, 0.8, 0.6, 0.7, 0.9, 0.4, 0.3, -0.2], abs=EXACT)
    assert [(step.reason, step.rows) for step in design.merge.steps][1:] == [("gap_oriented missing", 6)]
    assert design.attrs["outcome"] == "gap_oriented"


def test_sign_of_the_gap_as_loading() -> None:
    design = design_of(state_years={"loading": "sign"})
    assert design.serial is not None
    assert design.serial.loading.tolist() == [1.0] * 5 + [-1.0] * 8 + [1.0]


def test_without_state_years() -> None:
    design = design_of(state_years={"effects": "none"})
    assert design.serial is None
    assert design.error.rho is None
    assert "rho" not in card_of(state_years={"effects": "none"}).priors


def test_year_effects_pooled_or_none() -> None:
    pooled = design_of(time={"effects": "pooled"}).term("year_effect")
    assert (pooled.prior, pooled.sd) == (None, Prior("half_normal", (0.5,)))
    assert [t.name for t in design_of(time={"effects": "none"}).population] == ["beta"]


def test_fewer_varying_terms_leave_the_population_whole() -> None:
    groups = [{"name": "state", "terms": ["during", "during_slope"]}, {"name": "igo", "terms": ["during"]}]
    design = design_of(groups=groups)
    assert design.term("beta").coords["term"] == TERMS
    assert [(g.name, g.terms) for g in design.groups] == [
        ("state", ("during", "during_slope")),
        ("igo", ("during",)),
    ]
    np.testing.assert_allclose(design.group("state").Z, X[:, 2:4], atol=EXACT)
    assert design.group("igo").corr is None


def test_phases_that_do_not_occur_have_no_columns() -> None:
    design = design_of(where="phase != 'after' and igo != 'C'")
    assert design.term("beta").coords["term"] == TERMS[:4]
    assert design.group("igo").terms == TERMS[:4]
    only = phase_columns(np.array(["during"] * 3), np.array([0.1, 0.1, 0.1]), gap=False)
    assert list(only) == ["during"], "one value of k makes no slope"


def test_controls_are_lagged_within_the_state_and_standardised() -> None:
    gdp = frame_of()["ccode"] + (frame_of()["year"] - 2000) ** 2
    design = design_of(panel_of(gdp=gdp), population=[{"name": "gdp", "lag": 1}])
    assert design.rows["year"].min() == 2001
    # The value of the year before, of the same state: 2002 of the first state stands in A alone.
    raw = {2: {2001: 2, 2002: 3, 2003: 6, 2004: 11}, 20: {2002: 21, 2003: 24, 2001: 20}}
    x = np.array([raw[c][y] for c, y in zip(design.rows["ccode"], design.rows["year"], strict=True)], float)
    gamma = design.term("gamma")
    assert gamma.coords == {"covariate": ("gdp_lag1",)}
    assert gamma.columns[:, 0] == pytest.approx((x - x.mean()) / x.std(), abs=EXACT)
    assert design.standardised == {"gdp_lag1": (pytest.approx(x.mean()), pytest.approx(x.std()))}
    assert ("gdp_lag1 missing", 3) in [(step.reason, step.rows) for step in design.merge.steps]


# ---------------------------------------------------------------- priors


def test_priors_are_in_outcome_units() -> None:
    design = design_of(outcome={"name": "distance", "scale": 2.0, "centre": 0.7})
    assert (design.unit, design.centre) == (2.0, 0.7)
    beta = design.term("beta")
    assert beta.prior is None
    assert list(beta.priors[::2]) == [Prior("normal", (0.7, 1.0))] * 3, "levels lie around the centre"
    assert list(beta.priors[1::2]) == [Prior("normal", (0.0, 0.4))] * 3, "slopes around 0"
    assert design.term("year_effect").prior == Prior("normal", (0.0, 2.0))
    for name in ("state", "igo"):
        sd = design.group(name).sd
        assert sd == (Prior("half_normal", (1.0,)), Prior("half_normal", (0.4,))) * 3
    assert design.group("dyad").sd == (Prior("half_normal", (1.0,)),)
    assert design.error.sigma == Prior("half_normal", (1.0,))
    assert design.serial is not None
    assert (design.serial.sd, design.serial.rho) == (
        Prior("half_normal", (1.0,)),
        Prior("uniform", (-1.0, 1.0)),
    )


def test_own_priors_of_one_term() -> None:
    priors = {"beta": {"during_slope": "normal(-0.1, 0.05)"}, "sd_igo": {"after": "half_normal(0.1)"}}
    design = design_of(priors=priors, outcome={"name": "distance", "scale": 2.0, "centre": 0.0})
    assert design.term("beta").priors[3] == Prior("normal", (-0.2, 0.1))
    assert design.term("beta").priors[1] == Prior("normal", (0.0, 0.4))
    assert design.group("igo").sd[4] == Prior("half_normal", (0.2,))


def test_scale_and_centre_of_the_rows_used() -> None:
    design = design_of(outcome={"name": "distance", "scale": "sd", "centre": "mean"})
    assert (design.unit, design.centre) == (pytest.approx(design.y.std()), pytest.approx(design.y.mean()))
    assert design.n == 14


def test_heavy_tails() -> None:
    error = design_of(outcome={"name": "distance", "likelihood": "student_t"}).error
    assert (error.kind, error.likelihood, error.nu) == ("iid", "student_t", Prior("gamma", (2.0, 0.1)))


# ---------------------------------------------------------------- panels


def test_names_that_are_missing() -> None:
    panel = panel_of()
    bare = panel.frame.drop(columns=["country", "igo_name", "igo_type"])
    design = build(card_of(), Panel("convergence", bare, panel.merge, (), panel.options))
    assert set(design.rows["country_name"]) == {"2", "20"}
    assert set(design.rows["igo_name"]) == {"A", "B"}
    assert set(design.rows["igo_type"]) == {"unclassified"}
    assert design.views[0].labels == ("2 (2)", "20 (20)")
    np.testing.assert_allclose(design.term("beta").columns, X, atol=EXACT)


def test_panel_built_with_other_options_than_the_cards() -> None:
    panel = panel_of()
    options = {**card_of().igo.options, "igos": [], "types": [], "membership": [1]}
    ours = Panel("convergence", panel.frame, panel.merge, ("hrps_v402",), options)
    assert build(card_of(), ours).n == 14
    for name, value in {"mean": "inclusive", "min_others": 3, "igos": ["A"], "window": [5, 5]}.items():
        other = Panel("convergence", panel.frame, panel.merge, ("hrps_v402",), {**options, name: value})
        with pytest.raises(InputError, match=f"card small asks for {name} = .*was built with"):
            build(card_of(), other)


def test_nothing_depends_on_how_rows_are_stored() -> None:
    panel = panel_of()
    before = panel.digest()
    design = build(card_of(), panel)
    assert panel.digest() == before
    shuffled = panel.frame.sample(frac=1, random_state=1)
    assert_same(design, build(card_of(), Panel("convergence", shuffled, panel.merge, (), panel.options)))
    types = {"ccode": "int16", "igo": "category", "year": "float64", "phase": "object", "distance": "str"}
    own = Panel.from_frame(shuffled.astype(types), name="convergence", outcome="distance")
    assert_same(design, build(card_of(), own))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"state_years": {"loading": "sign"}, "igo": {"gap": "keep"}},
        {
            "state_years": {"effects": "none"},
            "time": {"effects": "pooled"},
            "groups": [{"name": "igo"}, {"name": "state", "correlated": False}],
        },
        {
            "outcome": {"name": "distance", "likelihood": "student_t"},
            "time": {"effects": "none"},
            "population": ["gdp"],
        },
    ],
    ids=["default", "signs and gap", "without state-years", "heavy tails and a control"],
)
def test_saved_and_restored_design_is_the_same(changes: dict[str, Any], tmp_path: Path) -> None:
    design = design_of(panel_of(gdp=np.arange(15.0)), **changes)
    to_dataset(design).to_netcdf(tmp_path / "rows.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "rows.nc", engine="h5netcdf") as rows:
        again = from_dataset(rows.load(), design.y, design.merge)
    assert_same(design, again)
    for a, b in zip(design.population, again.population, strict=True):
        for name in ("name", "dims", "coords", "prior", "sd", "priors"):
            assert getattr(a, name) == getattr(b, name), (a.name, name)
    for g, h in zip(design.groups, again.groups, strict=True):
        assert (g.name, g.sd, g.corr, g.centred) == (h.name, h.sd, h.corr, h.centred)
    for name in ("kind", "likelihood", "unit", "sigma", "rho", "nu"):
        assert getattr(design.error, name) == getattr(again.error, name), name
    if design.serial is not None:
        assert again.serial is not None
        assert (design.serial.sd, design.serial.rho) == (again.serial.sd, again.serial.rho)
    for name in ("unit", "centre", "standardised", "nuisance", "attrs", "headline"):
        assert getattr(design, name) == getattr(again, name), name


def test_merge_report_goes_on_from_that_of_the_panel() -> None:
    panel = panel_of()
    merge = MergeReport.of(20, panel.frame, [DropStep("never a member", 5, 0)], ["a note"])
    design = build(card_of(where="year < 2004"), Panel("convergence", panel.frame, merge, (), panel.options))
    assert [(step.reason, step.rows) for step in design.merge.steps] == [
        ("never a member", 5),
        ("outside the card's filter: year < 2004", 1),
        ("between two spells of membership (igo.gap)", 1),
    ]
    assert design.merge.notes == ("a note",)
    assert design.merge.rows_used == design.n == 13


# ---------------------------------------------------------------- what engines make of it


def test_no_coefficient_of_the_demo_is_aliased_with_another() -> None:
    design = build(load_card("demo_convergence"), small_convergence().panel)
    assert rank_deficient(design) == ()


def test_slope_that_a_year_effect_takes_up_is_named() -> None:
    """2004 has one row, the second after exit: its year effect and the slope cannot be told apart."""
    assert rank_deficient(design_of()) == ("beta[after_slope]",)
    assert rank_deficient(design_of(time={"effects": "none"})) == ()


@pytest.mark.parametrize("loading", ["common", "sign"])
def test_row_model_has_finite_density_and_gradient(loading: str) -> None:
    """At the initial point; beside it the gradient against central differences of the density."""
    terms = {"state": ["during", "during_slope"], "igo": ["during"], "dyad": ["intercept"]}
    groups = [{"name": name, "terms": own} for name, own in terms.items()]
    model = build_model(design_of(state_years={"loading": loading}, groups=groups), "rows")
    # One after the other: PyTensor's Python mode cannot add more than 32 numbers at once.
    logp = reduce(operator.add, [part.sum() for part in model.logp(sum=False)])
    gradients = [g.ravel() for g in pytensor.grad(logp, model.value_vars)]
    f = model.compile_fn([logp, pytensor.tensor.concatenate(gradients)], mode=PYTHON)
    start = model.initial_point()
    value, gradient = f(start)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    rng = np.random.default_rng(1)
    point = {k: v + 0.1 * rng.standard_normal(v.shape) for k, v in start.items()}
    direction = {k: rng.standard_normal(v.shape) for k, v in start.items()}
    _, gradient = f(point)
    ends = [f({k: v + h * direction[k] for k, v in point.items()})[0] for h in (1e-5, -1e-5)]
    slope = gradient @ np.concatenate([np.ravel(direction[v.name]) for v in model.value_vars])
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5)
