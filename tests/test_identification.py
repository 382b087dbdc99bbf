"""Identification: contraction, power scaling and residual shares against what is known exactly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_hr.checks import identification as ident
from bayes_hr.checks import residual_share as rs
from bayes_hr.checks.result import PASS, REVIEW
from bayes_hr.errors import InputError

TERMS = ("before", "before_slope", "during", "during_slope", "after", "after_slope")


def dyad_rows(
    seed: int, *, n: int = 24, exits: bool = True, years: tuple[int, int] = (1960, 1989)
) -> pd.DataFrame:
    """Unbalanced dyads of six states with random entries and exits; some have no before, some lose years."""
    rng = np.random.default_rng(seed)
    parts = []
    for d in range(n):
        start, end = years[0] + rng.integers(0, 8), years[1] - rng.integers(0, 6)
        entry = start if d % 4 == 0 else start + int(rng.integers(2, 12))
        last = int(rng.integers(entry + 3, end - 1)) if exits and d % 3 == 0 and entry + 3 < end - 1 else end
        year = np.arange(start, end + 1)
        year = year[rng.random(year.size) > 0.1]
        phase = np.select([year < entry, year <= last], ["before", "during"], "after")
        k = np.where(phase == "after", year - last, year - entry) / 10.0
        own = {
            "ccode": d % 6,
            "igo": f"I{d // 6}",
            "dyad": f"{d % 6}:I{d // 6}",
            "entry": entry,
            "last": last,
        }
        parts.append(pd.DataFrame({**own, "igo_type": "political", "year": year, "phase": phase, "k": k}))
    return pd.concat(parts).sample(frac=1.0, random_state=seed).reset_index(drop=True)


def columns_of(frame: pd.DataFrame) -> dict[str, Any]:
    out = {}
    for phase in ("before", "during", "after"):
        inside = (frame["phase"] == phase).to_numpy()
        if inside.any():
            out[phase] = inside.astype(float)
            out[f"{phase}_slope"] = np.where(inside, frame["k"], 0.0)
    return out


def design_of(frame: pd.DataFrame, *, gamma: Any = None, dyads: bool = True, years: bool = True) -> Any:
    """The parts of a Design that residual shares read."""
    columns = columns_of(frame)
    terms = [
        SimpleNamespace(
            name="beta", coords={"term": tuple(columns)}, columns=np.stack([*columns.values()], 1)
        )
    ]
    if gamma is not None:
        terms.append(SimpleNamespace(name="gamma", columns=gamma))
    if years:
        terms.append(SimpleNamespace(name="year_effect", index=pd.factorize(frame["year"], sort=True)[0]))
    dyad = SimpleNamespace(name="dyad", index=pd.factorize(frame["dyad"])[0])
    state_year = pd.factorize(frame["ccode"] * 10_000 + frame["year"])[0]
    return SimpleNamespace(
        n=len(frame),
        population=terms,
        groups=(dyad,) if dyads else (),
        rows={c: frame[c].to_numpy(None if frame[c].dtype.kind in "if" else object) for c in frame},
        serial=SimpleNamespace(index=state_year, loading=np.ones(len(frame))),
        term=lambda name: next(t for t in terms if t.name == name),
        group=lambda _: dyad,
    )


def dummies(values: Any) -> Any:
    return pd.get_dummies(pd.Series(np.asarray(values)), dtype=float).to_numpy()


def left(column: Any, others: list[Any]) -> Any:
    """Brute force: residual of a dense least squares."""
    X = np.column_stack(others)
    return column - X @ np.linalg.lstsq(X, column, rcond=1e-10)[0]


def dense_share(column: Any, others: list[Any], frame: pd.DataFrame, factor: Any) -> float:
    dyads = dummies(frame["dyad"])
    full = left(column, [dyads, dummies(factor), *others])
    return float(np.sum(full**2) / np.sum(left(column, [dyads]) ** 2))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return dyad_rows(2)


def test_shares_against_dense_least_squares(frame: pd.DataFrame) -> None:
    """Every estimand, with its own reparametrisation written out by hand."""
    x = columns_of(frame)
    gamma = np.random.default_rng(1).normal(size=(len(frame), 2)) + x["during_slope"][:, None]
    spell = frame[frame["phase"] == "after"].drop_duplicates("dyad").eval("(last - entry) / 10").mean()
    k = x["before_slope"] + x["during_slope"] + x["after_slope"]
    by_hand = {
        "kink_entry": (
            "during_slope",
            x["during_slope"],
            {"before_slope": x["before_slope"] + x["during_slope"]},
        ),
        "kink_exit": (
            "after_slope",
            x["after_slope"],
            {"during_slope": x["during_slope"] + x["after_slope"]},
        ),
        "jump_entry": ("during", x["during"], {"before": x["before"] + x["during"]}),
        "jump_exit": (
            "after",
            x["after"],
            {"during": x["during"] + x["after"], "during_slope": x["during_slope"] + spell * x["after"]},
        ),
        "slope_before": ("before_slope", k, {}),
        "slope_during": ("during_slope", k, {}),
        "slope_after": ("after_slope", k, {}),
    }
    for extra in (None, gamma):
        found = rs.residual_shares(design_of(frame, gamma=extra))
        assert list(found) == list(by_hand)
        for name, (place, own, changed) in by_hand.items():
            others = [v for t, v in {**x, **changed}.items() if t != place]
            others += [] if extra is None else list(extra.T)
            expected = dense_share(own, others, frame, frame["year"])
            assert found[name] == pytest.approx(expected, rel=1e-6, abs=1e-10), name
            assert 0 <= found[name] <= 1


def test_state_years_against_dense_least_squares(frame: pd.DataFrame) -> None:
    x = columns_of(frame)
    found = rs.residual_shares(design_of(frame), state_years=True)
    others = [v for t, v in x.items() if t not in {"during_slope", "before_slope"}]
    common = x["before_slope"] + x["during_slope"]
    cell = frame["ccode"] * 10_000 + frame["year"]
    expected = dense_share(x["during_slope"], [*others, common], frame, cell)
    assert found["kink_entry"] == pytest.approx(expected, rel=1e-6)
    assert found["kink_entry"] < rs.residual_shares(design_of(frame))["kink_entry"]


def test_without_exits_absolute_slopes_are_not_identified_at_all() -> None:
    """Years since entry are calendar years minus a dyad constant: only the kink is left."""
    frame = dyad_rows(3, exits=False)
    found = rs.residual_shares(design_of(frame))
    assert found["slope_during"] == found["slope_before"] == 0.0
    assert found["kink_entry"] > 0.01
    assert found["jump_entry"] > 0.05
    assert "jump_exit" not in found
    aliased = rs.aliased_columns(design_of(frame))
    assert aliased == ("during = -1 before", "during_slope = -1 before_slope")


def test_without_dyad_and_year_effects_everything_is_identified(frame: pd.DataFrame) -> None:
    design = design_of(frame, dyads=False, years=False)
    found = rs.residual_shares(design)
    x = columns_of(frame)
    mean = [np.ones(len(frame))]
    k = x["before_slope"] + x["during_slope"] + x["after_slope"]
    full = left(k, [v for t, v in x.items() if t != "during_slope"] + mean)
    assert found["slope_during"] == pytest.approx(np.sum(full**2) / np.sum(left(k, mean) ** 2))
    assert rs.aliased_columns(design) == ("after = -1 before -1 during",)


def test_aliased_columns_of_one_phase() -> None:
    """A level that never changes within a dyad is the dyad's intercept."""
    frame = dyad_rows(5, exits=False).query("phase == 'during'").reset_index(drop=True)
    design = design_of(frame)
    assert rs.aliased_columns(design) == ("during = 0", "during_slope = 0")
    assert rs.residual_shares(design) == {"slope_during": 0.0}


def test_projection_of_an_unconnected_panel() -> None:
    """Two sets of dyads that share no year, and dyads of one row: exact all the same."""
    a, b = dyad_rows(6, n=8, years=(1950, 1970)), dyad_rows(7, n=8, years=(1975, 1995))
    b["dyad"] = "b" + b["dyad"]
    single = a.iloc[:3].assign(dyad=["s1", "s2", "s3"], year=[2001, 2002, 1960])
    frame = pd.concat([a, b, single], ignore_index=True)
    x = np.random.default_rng(0).normal(size=(len(frame), 2))
    dyad, year = pd.factorize(frame["dyad"])[0], pd.factorize(frame["year"])[0]
    got = rs.projected(x, dyad=dyad, factor=year)
    expected = left(x, [dummies(dyad), dummies(year)])
    np.testing.assert_allclose(got, expected, atol=1e-9)


def test_shares_do_not_depend_on_row_order(frame: pd.DataFrame) -> None:
    again = rs.residual_shares(design_of(frame.sort_values(["year", "igo"]).reset_index(drop=True)))
    for name, value in rs.residual_shares(design_of(frame)).items():
        assert again[name] == pytest.approx(value, rel=1e-9)


def test_state_years_that_load_with_signs_are_refused(frame: pd.DataFrame) -> None:
    design = design_of(frame)
    design.serial.loading[0] = -1.0
    with pytest.raises(InputError, match="state_years=False"):
        rs.residual_shares(design, state_years=True)


def test_with_before_keeps_whole_dyads(frame: pd.DataFrame) -> None:
    rows = xr.Dataset({c: ("obs", frame[c].to_numpy(object)) for c in ("dyad", "phase")})
    mask = ident.with_before(rows)
    expected = frame.groupby("dyad")["phase"].transform(lambda p: (p == "before").any())
    np.testing.assert_array_equal(mask, expected.to_numpy(bool))
    assert 0 < mask.sum() < len(mask)


def test_contraction() -> None:
    rng = np.random.default_rng(0)
    prior = rng.normal(0, 2, 40_000)
    assert ident.contraction(rng.normal(3, 1, (4, 10_000)), prior) == pytest.approx(0.75, abs=0.02)
    assert ident.contraction(rng.normal(0, 4, (4, 10_000)), prior) == pytest.approx(-3, abs=0.2)
    assert np.isnan(ident.contraction(prior[None], np.zeros(10)))


# Power scaling: theta ~ N(0, s^2), n observations with SD 1 and mean ybar; the posterior is exact.


def conjugate(s: float, n: int, ybar: float, *, draws: int = 2000) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(1)
    precision = s**-2 + n
    theta = rng.normal(n * ybar / precision, precision**-0.5, (4, draws))
    return theta, -0.5 * (theta / s) ** 2, -0.5 * n * (theta - ybar) ** 2


def test_prior_data_conflict_is_found() -> None:
    theta, prior, likelihood = conjugate(1.0, 10, 5.0)
    found = ident.power_scaling(
        {"x": theta}, log_prior={"beta": prior}, log_likelihood={"y": likelihood}
    ).loc["x"]
    assert found["prior"] > ident.SENSITIVITY_LIMIT
    assert found["likelihood"] > ident.SENSITIVITY_LIMIT


def test_a_weak_prior_is_not_felt_and_a_strong_one_drowns_the_data() -> None:
    theta, prior, likelihood = conjugate(10.0, 50, 0.3)
    weak = ident.power_scaling({"x": theta}, log_prior={"beta": prior}, log_likelihood={"y": likelihood}).loc[
        "x"
    ]
    assert weak["prior"] < 0.01
    assert weak["likelihood"] > ident.SENSITIVITY_LIMIT
    theta, prior, likelihood = conjugate(0.05, 1, 0.02)
    strong = ident.power_scaling({"x": theta}, log_prior={"b": prior}, log_likelihood={"y": likelihood}).loc[
        "x"
    ]
    assert strong["prior"] > ident.SENSITIVITY_LIMIT
    assert strong["likelihood"] < 0.01


def test_power_scaling_is_arvizs() -> None:
    """On a tree as a fit would save it: parts of the prior and pointwise likelihoods are summed."""
    from arviz_stats import psense

    theta, prior, likelihood = conjugate(1.0, 5, 1.0)
    dims = ("chain", "draw")
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"x": (dims, theta)}),
            "log_prior": xr.Dataset({"a": (dims, prior)}),
            "log_likelihood": xr.Dataset({"y": (dims, likelihood)}),
        }
    )
    ours = ident.power_scaling(
        {"x": theta}, log_prior={"a": 0.3 * prior, "b": 0.7 * prior}, log_likelihood={"y": likelihood}
    ).loc["x"]
    assert ours["prior"] == pytest.approx(float(psense(tree, group="prior")["x"]), rel=1e-6)
    assert ours["likelihood"] == pytest.approx(float(psense(tree, group="likelihood")["x"]), rel=1e-6)
    assert 0 < ours["prior: a"] < ours["prior: b"] < ours["prior"]


def test_flat_priors_and_constant_draws() -> None:
    theta, prior, likelihood = conjugate(1.0, 5, 1.0, draws=200)
    found = ident.power_scaling(
        {"x": theta, "fixed": np.ones_like(theta)},
        log_prior={"flat": np.zeros_like(prior)},
        log_likelihood={"y": likelihood},
    )
    assert found.loc["x", "prior"] == found.loc["x", "prior: flat"] == 0.0
    assert found.loc["fixed"].isna().all()
    prior[0, 0] = np.nan
    with pytest.raises(InputError, match="not all finite"):
        ident.power_scaling({"x": theta}, log_prior={"b": prior}, log_likelihood={"y": likelihood})


# The table and the check


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """A kink that the data tell, a slope on the prior's word, a jump in conflict with its prior."""
    rng = np.random.default_rng(8)
    posterior = {
        "kink_entry": rng.normal(-0.2, 0.1, (4, 500)),
        "slope_during": rng.normal(0, 0.95, (4, 500)),
        "jump_entry": rng.normal(3, 0.2, (4, 500)),
    }
    prior = {name: rng.normal(0, 1, 4000) for name in posterior}
    sensitivity = pd.DataFrame(
        {
            "prior": [0.01, 0.3, 0.2],
            "likelihood": [0.1, 0.01, 0.3],
            "prior: beta": [0.01, 0.1, 0.2],
            "prior: year_effect": [0.0, 0.25, 0.0],
        },
        index=list(posterior),
    )
    residual = {"kink_entry": 0.098, "slope_during": 0.014, "jump_entry": 0.3}
    return ident.identification_table(posterior, prior=prior, residual=residual, sensitivity=sensitivity)


def test_table_has_its_columns_and_flags(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == ident.COLUMNS
    assert table["flag"].tolist() == ["", ident.CONDITIONAL, ident.CONFLICT]
    slope = table.set_index("estimand").loc["slope_during"]
    assert slope["contraction"] == pytest.approx(1 - 0.95**2, abs=0.06)
    assert slope["text"].startswith("the other columns leave 1.4% of its column; contraction 0.")
    assert (
        "moves with the prior (0.30, most that of year_effect) and not with the likelihood" in slope["text"]
    )
    assert table.loc[0, "text"] == ""


@pytest.mark.parametrize(
    ("share", "sd", "flagged"), [(0.06, 0.5, False), (0.04, 0.1, True), (0.06, 0.8, True), (0.0, 1.2, True)]
)
def test_each_figure_alone_can_flag(share: float, sd: float, flagged: bool) -> None:
    rng = np.random.default_rng(2)
    table = ident.identification_table(
        {"kink_entry": rng.normal(0, sd, (4, 2000))},
        prior={"kink_entry": rng.normal(0, 1, 8000)},
        residual={"kink_entry": share},
    )
    assert (table.loc[0, "flag"] == ident.CONDITIONAL) == flagged
    assert ("wider than the prior" in table.loc[0, "text"]) == (sd > 1)
    assert "power scaling not available" in table.loc[0, "text"]
    assert ident.identification_check(table).status == (REVIEW if flagged else PASS)


def test_check_names_what_is_conditional_and_never_fails(table: pd.DataFrame) -> None:
    check = ident.identification_check(table, ("after = -1 before -1 during",))
    assert check.status == REVIEW
    assert "conditional on the priors: slope_during" in check.text
    assert "possible prior-data conflict: jump_entry" in check.text
    assert "after = -1 before -1 during" in check.text
    assert check.advice
    fine = ident.identification_check(table.iloc[:1])
    assert (fine.status, fine.advice) == (PASS, "")


def test_slopes_alone_are_told_and_pass(table: pd.DataFrame) -> None:
    kinks = table.assign(flag=table["flag"].where(table["estimand"].str.startswith("slope"), ""))
    check = ident.identification_check(kinks)
    assert (check.status, check.advice) == (PASS, "")
    assert "kinks and jumps; conditional on the priors: slope_during" in check.text


def test_what_is_not_a_number_does_not_pass() -> None:
    rng = np.random.default_rng(2)
    table = ident.identification_table(
        {"jump_exit": rng.normal(0, 0.1, (4, 100))},
        prior={"jump_exit": rng.normal(0, 1, 100)},
        residual={"jump_exit": np.nan},
    )
    check = ident.identification_check(table)
    assert check.status == REVIEW
    assert "not fully judged: jump_exit" in check.text


def test_free_state_years_are_told_without_a_flag() -> None:
    rng = np.random.default_rng(2)
    draws = {n: rng.normal(0, 0.1, (4, 100)) for n in ("kink_entry", "jump_entry")}
    table = ident.identification_table(
        draws,
        prior={n: rng.normal(0, 1, 100) for n in draws},
        residual={"kink_entry": 0.105, "jump_entry": 0.6},
        residual_state_years={"kink_entry": 0.025, "jump_entry": 0.2},
    )
    assert table["flag"].tolist() == ["", ""]
    assert "2.5% of its column left if state-year effects were free" in table.loc[0, "text"]
    assert "state-year" not in table.loc[1, "text"]


def test_missing_draws_are_named() -> None:
    with pytest.raises(InputError, match="draws of jump_exit"):
        ident.identification_table({}, prior={}, residual={"jump_exit": 0.1})
    draws, sensitivity = (
        np.random.default_rng(0).normal(size=(4, 9)),
        pd.DataFrame({"prior": [], "likelihood": []}),
    )
    with pytest.raises(InputError, match="no row for x"):
        ident.identification_table(
            {"x": draws}, prior={"x": draws}, residual={"x": 0.1}, sensitivity=sensitivity
        )
