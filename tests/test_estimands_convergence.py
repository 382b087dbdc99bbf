"""Estimands of Model C against brute force on hand-made draws, hypotheses against normal probabilities."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from bayes_hr.errors import InputError
from bayes_hr.estimands import convergence as c
from bayes_hr.estimands.convergence_prior import prior_estimands
from bayes_hr.estimands.curves import COLUMNS as CURVE
from bayes_hr.estimands.curves import curve
from bayes_hr.estimands.hypotheses import COLUMNS, SIGNATURE, bayes_factor, hypotheses
from bayes_hr.estimands.summary import effects_table
from bayes_hr.priors import Prior

TERMS = ("before", "before_slope", "during", "during_slope", "after", "after_slope")
STATES = {2: "USA", 20: "Canada", 200: "United Kingdom", 380: "Sweden"}
IGOS = {
    "COE": ("Council of Europe", "political"),
    "NATO": ("North Atlantic Treaty Organization", "political"),
    "OPEC": ("Petroleum Exporting Countries", "economic"),
}
# State, IGO, first year seen, entry, last member year, last year seen.
DYADS = [
    (2, "COE", 1960, 1970, 2000, 2000),
    (2, "NATO", 1950, 1960, 1985, 1995),
    (20, "NATO", 1970, 1970, 1992, 1999),
    (200, "COE", 1960, 1965, 2000, 2000),
    (200, "NATO", 1955, 1965, 1975, 1990),
    (380, "COE", 1980, 1980, 2000, 2000),
    (380, "OPEC", 1975, 1980, 2000, 2000),
]
SPELLS = {(2, "NATO"): 2.5, (20, "NATO"): 2.2, (200, "NATO"): 1.0}


def rows_of(dyads: list[tuple[int, str, int, int, int, int]]) -> xr.Dataset:
    """Per-row facts of Model C, in the dtypes of a design."""
    parts = []
    for ccode, igo, start, entry, last, end in dyads:
        year = np.arange(start, end + 1)
        phase = np.select([year < entry, year <= last], ["before", "during"], "after")
        k = np.where(phase == "after", year - last, year - entry) / 10.0
        name, kind = IGOS[igo]
        own = {"ccode": ccode, "igo": igo, "entry": entry, "last": last, "dyad": f"{ccode}:{igo}"}
        names = {"country_name": STATES[ccode], "igo_name": name, "igo_type": kind}
        parts.append(pd.DataFrame({**own, **names, "year": year, "phase": phase, "k": k}))
    frame = pd.concat(parts).sample(frac=1.0, random_state=1)
    text = {"igo", "dyad", "country_name", "igo_name", "igo_type", "phase"}
    return xr.Dataset({n: ("obs", frame[n].to_numpy(object if n in text else None)) for n in frame})


def posterior_of(
    rng: np.random.Generator, *, chains: int = 2, draws: int = 50, **terms: tuple[str, ...]
) -> xr.Dataset:
    """Draws of every coefficient; ``state`` and ``igo`` say which of their terms vary."""
    state, igo = terms.get("state", TERMS), terms.get("igo", TERMS)
    cd = ("chain", "draw")
    return xr.Dataset(
        {
            "beta": ((*cd, "term"), rng.normal(size=(chains, draws, 6))),
            "u_state": ((*cd, "state", "state_term"), rng.normal(size=(chains, draws, 4, len(state)))),
            "u_igo": ((*cd, "igo", "igo_term"), rng.normal(size=(chains, draws, 3, len(igo)))),
        },
        {
            "term": list(TERMS),
            "state": list(STATES),
            "igo": list(IGOS),
            "state_term": list(state),
            "igo_term": list(igo),
        },
    )


@pytest.fixture(scope="module")
def rows() -> xr.Dataset:
    return rows_of(DYADS)


@pytest.fixture(scope="module")
def posterior() -> xr.Dataset:
    return posterior_of(np.random.default_rng(4))


def coefficient(posterior: xr.Dataset, term: str, state: int | None = None, igo: str | None = None) -> Any:
    """Brute force: beta plus the named deviations."""
    out = posterior["beta"].sel(term=term).values
    if state is not None and term in posterior["state_term"].values:
        out = out + posterior["u_state"].sel(state=state, state_term=term).values
    if igo is not None and term in posterior["igo_term"].values:
        out = out + posterior["u_igo"].sel(igo=igo, igo_term=term).values
    return out


def jump(posterior: xr.Dataset, state: int | None, igo: str | None, spell: float) -> Any:
    at = lambda term: coefficient(posterior, term, state, igo)  # noqa: E731
    return at("after") - (at("during") + at("during_slope") * spell)


def found(posterior: xr.Dataset, rows: xr.Dataset, *wanted: str) -> dict[tuple[str, str], Any]:
    out = c.convergence_estimands(posterior, rows, wanted)
    return {(e.estimand, e.by): e for e in out}


def draws_at(estimand: Any, level: str) -> Any:
    return estimand.draws[:, :, estimand.levels.index(level)]


def test_population_values_kinks_first(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    out = c.convergence_estimands(posterior, rows, ("all",))
    assert [e.estimand for e in out] == list(c.ESTIMANDS)
    assert c.ESTIMANDS[:2] == ("kink_entry", "kink_exit")
    b = {t: coefficient(posterior, t) for t in TERMS}
    expected = {
        "kink_entry": b["during_slope"] - b["before_slope"],
        "kink_exit": b["after_slope"] - b["during_slope"],
        "jump_entry": b["during"] - b["before"],
        "slope_before": b["before_slope"],
        "slope_during": b["during_slope"],
        "slope_after": b["after_slope"],
    }
    by = {e.estimand: e for e in out}
    for name, values in expected.items():
        np.testing.assert_allclose(draws_at(by[name], "all dyads"), values, rtol=1e-12)
        assert "average state in the average IGO" in by[name].notes[0]


def test_jump_at_exit_by_brute_force(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    """Each exiting dyad with its own coefficients and spell; then averages of these."""
    single = {k: jump(posterior, *k, spell) for k, spell in SPELLS.items()}
    out = found(posterior, rows, "all", "state", "igo", "igo_type")
    all_dyads = out["jump_exit", "all"]
    assert all_dyads.levels == ("all dyads",)
    np.testing.assert_allclose(draws_at(all_dyads, "all dyads"), sum(single.values()) / 3, rtol=1e-10)
    assert "3 dyads that exit; spells of 19.0 years" in all_dyads.notes[0]
    np.testing.assert_allclose(
        draws_at(out["jump_exit", "state"], "United Kingdom (200)"), single[200, "NATO"], rtol=1e-10
    )
    nato = "North Atlantic Treaty Organization (NATO)"
    for by, level in (("igo", nato), ("igo_type", "political")):
        np.testing.assert_allclose(
            draws_at(out["jump_exit", by], level), sum(single.values()) / 3, rtol=1e-10
        )


def test_after_from_the_dyads_that_exit_alone(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    e = found(posterior, rows, "all")["slope_after", "all"]
    mean = sum(coefficient(posterior, "after_slope", *k) for k in SPELLS) / 3
    np.testing.assert_allclose(draws_at(e, "dyads that exit"), mean, rtol=1e-10)
    draws = c.population_draws(posterior, rows)
    np.testing.assert_allclose(draws["slope_after_exiting"], mean, rtol=1e-10)
    step = sum(coefficient(posterior, "after", *k) - coefficient(posterior, "during", *k) for k in SPELLS) / 3
    np.testing.assert_allclose(draws["step_exiting"], step, rtol=1e-10)


def test_states_and_igos_have_their_own_values(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    out = found(posterior, rows, "state", "igo")
    at = lambda term: coefficient(posterior, term, 380, None)  # noqa: E731
    np.testing.assert_allclose(
        draws_at(out["kink_entry", "state"], "Sweden (380)"), at("during_slope") - at("before_slope")
    )
    np.testing.assert_allclose(
        draws_at(out["jump_entry", "igo"], "Council of Europe (COE)"),
        coefficient(posterior, "during", None, "COE") - coefficient(posterior, "before", None, "COE"),
    )


def test_types_are_means_over_their_igos(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    e = found(posterior, rows, "igo_type")["slope_during", "igo_type"]
    own = [coefficient(posterior, "during_slope", None, igo) for igo in ("COE", "NATO")]
    np.testing.assert_allclose(draws_at(e, "political"), (own[0] + own[1]) / 2, rtol=1e-10)
    np.testing.assert_allclose(draws_at(e, "economic"), coefficient(posterior, "during_slope", None, "OPEC"))
    assert dict(zip(e.levels, e.notes, strict=True)) == {"economic": "1 IGO", "political": "2 IGOs"}


def test_what_rows_do_not_say_is_flagged(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    out = found(posterior, rows, "state", "igo", "igo_type")
    notes = {k: dict(zip(e.levels, e.notes, strict=True)) for k, e in out.items()}
    assert notes["kink_entry", "state"]["Canada (20)"] == f"no rows before entry: {c.POOLED}"
    assert notes["slope_during", "state"]["Canada (20)"] == ""
    assert notes["kink_exit", "state"]["Sweden (380)"] == f"no rows after exit: {c.POOLED}"
    assert notes["kink_exit", "state"]["Canada (20)"] == ""
    assert notes["jump_exit", "igo"]["Council of Europe (COE)"] == f"no rows after exit: {c.POOLED}"
    assert notes["jump_exit", "igo_type"]["economic"] == f"1 IGO; no rows after exit: {c.POOLED}"
    sweden = draws_at(out["jump_exit", "state"], "Sweden (380)")
    np.testing.assert_allclose(sweden, jump(posterior, 380, None, 1.9), rtol=1e-10)


def test_a_missing_phase_leaves_its_estimands_out(posterior: xr.Dataset) -> None:
    no_exit = rows_of([d for d in DYADS if (d[0], d[1]) not in SPELLS])
    seen = posterior.sel(state=[2, 200, 380], igo=["COE", "OPEC"])
    out = c.convergence_estimands(seen, no_exit, c.WANTED)
    assert {e.by for e in out} == set(c.WANTED)
    names = {e.estimand for e in out}
    assert names == {"kink_entry", "jump_entry", "slope_before", "slope_during"}
    no_before = rows_of([(s, i, entry, entry, last, end) for s, i, _, entry, last, end in DYADS])
    names = {e.estimand for e in c.convergence_estimands(posterior, no_before, ("all",))}
    assert names == {"kink_exit", "jump_exit", "slope_during", "slope_after"}


def test_terms_that_do_not_vary(rows: xr.Dataset) -> None:
    """States vary in the level during and its slope only: the rest is not repeated state by state."""
    posterior = posterior_of(np.random.default_rng(8), state=("during", "during_slope"), igo=("after",))
    out = found(posterior, rows, "all", "state", "igo")
    assert ("slope_before", "state") not in out
    assert ("slope_during", "igo") not in out
    kink = draws_at(out["kink_entry", "state"], "USA (2)")
    expected = coefficient(posterior, "during_slope", 2) - coefficient(posterior, "before_slope")
    np.testing.assert_allclose(kink, expected)
    single = sum(jump(posterior, *k, spell) for k, spell in SPELLS.items()) / 3
    np.testing.assert_allclose(draws_at(out["jump_exit", "all"], "all dyads"), single, rtol=1e-10)


def test_without_group_effects_there_is_nothing_by_group(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    bare = posterior[["beta"]]
    out = c.convergence_estimands(bare, rows, c.WANTED)
    assert {e.by for e in out} == {"all"}
    by = {e.estimand: e for e in out}
    mean_spell = jump(bare.assign_coords(state_term=[], igo_term=[]), None, None, 1.9)
    np.testing.assert_allclose(by["jump_exit"].draws[:, :, 0], mean_spell, rtol=1e-10)


def test_unknown_wanted_names_the_nearest(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"no 'states'.*state"):
        c.convergence_estimands(posterior, rows, ("states",))


def test_they_fit_the_effects_table(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    table = effects_table(c.convergence_estimands(posterior, rows, c.WANTED), scale="", rope=(-0.1, 0.1))
    assert not table.duplicated(["estimand", "level", "reference"]).any()
    assert table[["mean", "sd", "lb", "ub"]].notna().all(axis=None)


# Curves


def test_the_curve_is_the_model_and_its_steps_are_the_jumps(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    table = curve(posterior, rows)
    assert tuple(table.columns) == CURVE
    assert set(table["level"]) == {"all dyads", "political", "economic"}
    mean = table.set_index(["level", "anchor", "phase", "years"])["mean"]
    ten = (coefficient(posterior, "during") + coefficient(posterior, "during_slope")).mean()
    assert mean["all dyads", "entry", "during", 10] == pytest.approx(ten)
    draws = c.population_draws(posterior, rows)
    for anchor, first, then in (("entry", "before", "during"), ("exit", "during", "after")):
        step = mean["all dyads", anchor, then, 0] - mean["all dyads", anchor, first, 0]
        assert step == pytest.approx(draws[f"jump_{anchor}"].mean())
    opec = coefficient(posterior, "before", None, "OPEC") - 0.3 * coefficient(
        posterior, "before_slope", None, "OPEC"
    )
    assert mean["economic", "entry", "before", -3] == pytest.approx(opec.mean())
    assert ("economic", "exit") not in {k[:2] for k in mean.index}


def test_a_relative_curve_starts_at_zero(posterior: xr.Dataset, rows: xr.Dataset) -> None:
    table = curve(posterior, rows, relative=True).query("phase == 'during' and years == 0")
    assert len(table) == 5  # three levels at entry, two at exit
    np.testing.assert_allclose(table[["mean", "lb", "ub"]], 0.0, atol=1e-12)


def test_curve_intervals_hold_the_right_share(rows: xr.Dataset) -> None:
    """Level N(0, 1), slope 0: the 89 % interval is +-1.598; tolerance three Monte Carlo errors."""
    posterior = posterior_of(np.random.default_rng(2), chains=4, draws=2000)
    posterior["beta"].loc[{"term": "during_slope"}] = 0.0
    row = curve(posterior, rows).query("level == 'all dyads' and anchor == 'entry' and phase == 'during'")
    half = stats.norm.ppf(0.5 + 0.89 / 2)
    np.testing.assert_allclose(row["ub"], half, atol=0.1)
    np.testing.assert_allclose(row["lb"], -half, atol=0.1)


# Hypotheses

MEANS = dict(zip(TERMS, (0.5, -0.1, 0.4, -0.2, 0.3, 0.05), strict=True))


@pytest.fixture(scope="module")
def normal() -> xr.Dataset:
    """Independent N(mean, 0.1) coefficients and no deviations: every probability is known."""
    rng = np.random.default_rng(11)
    out = posterior_of(rng, chains=4, draws=5000)
    out["u_state"][:] = 0.0
    out["u_igo"][:] = 0.0
    out["beta"][:] = rng.normal([MEANS[t] for t in TERMS], 0.1, (4, 5000, 6))
    return out


def prior_of(size: int = 20_000) -> dict[str, Any]:
    """Independent N(0, 1) draws of every quantity."""
    rng = np.random.default_rng(5)
    names = (*c.ESTIMANDS, "kink_exit_exiting", "slope_after_exiting", "step_exiting")
    return {n: rng.normal(size=size) for n in names}


@pytest.fixture(scope="module")
def table(normal: xr.Dataset, rows: xr.Dataset) -> pd.DataFrame:
    return hypotheses(normal, rows, prior=prior_of(), rope=(-0.02, 0.02), rope_jump=(-0.05, 0.05)).set_index(
        "hypothesis"
    )


def test_probabilities_against_the_normal_distribution(table: pd.DataFrame) -> None:
    """20,000 independent draws: tolerance four Monte Carlo errors at most (0.014)."""
    cdf, spell = stats.norm.cdf, 1.9
    jump_mean = MEANS["after"] - MEANS["during"] - spell * MEANS["during_slope"]
    jump_sd = 0.1 * np.sqrt(2 + spell**2)
    rises = 1 - cdf((0.05 - jump_mean) / jump_sd)
    grows = 1 - cdf((0.02 - 0.05) / 0.1)
    inside = cdf((0.05 - jump_mean) / jump_sd) - cdf((-0.05 - jump_mean) / jump_sd)
    expected = {
        "pre_membership_alignment": cdf((-0.02 + 0.1) / 0.1),
        "entry_alignment": cdf((-0.05 + 0.1) / (0.1 * np.sqrt(2))),
        "gradual_alignment": cdf((-0.02 + 0.2) / 0.1),
        "gradual_alignment_kink": cdf((-0.02 + 0.1) / (0.1 * np.sqrt(2))),
        "reversion_jump": rises,
        "reversion_slope": grows,
        "reversion": 1 - (1 - rises) * (1 - grows),
        "persistence_full": inside * (1 - grows),
        "instrumental": cdf((-0.02 + 0.1) / 0.1) * (1 - (1 - rises) * (1 - grows)),
    }
    for name, value in expected.items():
        assert table.loc[name, "probability"] == pytest.approx(value, abs=0.014), name
    prior = stats.norm.cdf(-0.02)
    assert table.loc["gradual_alignment", "prior_probability"] == pytest.approx(prior, abs=0.014)


def test_monte_carlo_error_of_independent_draws(table: pd.DataFrame) -> None:
    row = table.loc["pre_membership_alignment"]
    p = row["probability"]
    assert row["mcse"] == pytest.approx(np.sqrt(p * (1 - p) / 20_000), rel=0.15)
    p0 = row["prior_probability"]
    assert row["prior_mcse"] == pytest.approx(np.sqrt(p0 * (1 - p0) / 20_000))


def test_bayes_factors_are_odds_over_odds(table: pd.DataFrame) -> None:
    assert ("hypothesis", *table.columns) == COLUMNS
    for _, row in table.iterrows():
        p, p0 = row["probability"], row["prior_probability"]
        assert row["bayes_factor"] == pytest.approx((p / (1 - p)) / (p0 / (1 - p0)))
        assert row["bayes_factor_lb"] < row["bayes_factor"] < row["bayes_factor_ub"]
        assert row["note"] == ""


def test_signatures_add_up(table: pd.DataFrame) -> None:
    for column in ("probability", "prior_probability"):
        p = table[column]
        for kind in ("", "_kink"):
            total = p["instrumental"] + p[f"intrinsic{kind}"] - p[f"both{kind}"] + p[f"neither{kind}"]
            assert total == pytest.approx(1.0)
        assert p["persistence"] == pytest.approx(p["persistence_full"] + p["persistence_partial"])
    assert (table["kind"] == SIGNATURE).sum() == 7
    assert 0 < table.loc["both", "probability"] < table.loc["instrumental", "probability"]


@pytest.mark.parametrize(
    ("values", "true"),
    [
        # Distance falls before, and all of it is back after exit.
        ((0.5, -0.2, 0.5, 0.0, 1.0, 0.0), {"instrumental", "reversion", "reversion_jump"}),
        # It falls during membership only, and stays: after(0) = 0.5 - 0.2 x 1.9.
        ((0.5, 0.0, 0.5, -0.2, 0.12, 0.0), {"intrinsic", "intrinsic_kink", "persistence_full"}),
        # It falls before and during; on leaving half of what membership brought is lost.
        ((0.5, -0.2, 0.5, -0.2, 0.3, 0.0), {"instrumental", "intrinsic", "both", "persistence_partial"}),
        # Nothing happens.
        ((0.5, 0.0, 0.5, 0.0, 0.5, 0.0), {"neither", "neither_kink", "persistence_full"}),
    ],
)
def test_signatures_of_certain_worlds(rows: xr.Dataset, values: tuple[float, ...], true: set[str]) -> None:
    """Coefficients without uncertainty: each statement is true or false."""
    posterior = posterior_of(np.random.default_rng(1))
    for name in ("u_state", "u_igo"):
        posterior[name][:] = 0.0
    posterior["beta"][:] = np.array(values)
    out = hypotheses(posterior, rows, prior=prior_of(500), rope=(-0.02, 0.02)).set_index("hypothesis")
    assert set(out["probability"]) <= {0.0, 1.0}
    holds = set(out.index[out["probability"] == 1.0])
    assert true <= holds
    signatures = {"instrumental", "intrinsic", "both", "neither"}
    assert holds & signatures == true & signatures


def test_every_draw_or_none_is_said(rows: xr.Dataset, normal: xr.Dataset) -> None:
    prior = prior_of(1000) | {"slope_before": np.linspace(0.1, 1.0, 1000)}
    sure = normal.copy(deep=True)
    sure["beta"].loc[{"term": "during_slope"}] -= 9.0
    out = hypotheses(sure, rows, prior=prior, rope=(-0.02, 0.02)).set_index("hypothesis")
    gradual, before = out.loc["gradual_alignment"], out.loc["pre_membership_alignment"]
    assert gradual["probability"] == 1.0
    assert gradual["bayes_factor"] == np.inf
    assert np.isfinite(gradual["bayes_factor_lb"])
    assert gradual["bayes_factor_lb"] > 100
    assert gradual["note"].startswith("every posterior draw of some")
    assert np.isnan(gradual["mcse"])
    assert before["bayes_factor"] == np.inf
    assert before["note"] == "no prior draw of some 1000 effective ones fulfils it"


def test_bayes_factor_interval_covers_its_monte_carlo_error() -> None:
    """Truth 4: of 400 estimates from 200 binomial draws each, the 89 % interval covers 85 to 93 %."""
    rng = np.random.default_rng(3)
    p, p0 = 0.8, 0.5
    hits = rng.binomial(200, p, 400) / 200, rng.binomial(200, p0, 400) / 200
    bounds = np.array([bayes_factor(a, 200, b, 200)[1:] for a, b in zip(*hits, strict=True)])
    covered = np.mean((bounds[:, 0] < 4.0) & (bounds[:, 1] > 4.0))
    assert 0.85 < covered < 0.93


def test_bayes_factor_without_a_value() -> None:
    factor, lower, upper = bayes_factor(0.0, 100, 0.0, 100)
    assert np.isnan(factor)
    assert lower < 1 < upper
    assert np.isnan(bayes_factor(np.nan, 100, 0.5, 100)).all()


def test_a_broken_draw_is_not_a_false_statement(rows: xr.Dataset, normal: xr.Dataset) -> None:
    broken = normal.copy(deep=True)
    broken["beta"][0, 0, TERMS.index("before_slope")] = np.nan
    out = hypotheses(broken, rows, prior=prior_of(100), rope=(-0.02, 0.02)).set_index("hypothesis")
    assert np.isnan(out.loc["pre_membership_alignment", "probability"])
    assert "not all finite" in out.loc["pre_membership_alignment", "note"]
    assert np.isfinite(out.loc["gradual_alignment", "probability"])


def test_phases_without_rows_leave_their_hypotheses_out(normal: xr.Dataset) -> None:
    no_exit = rows_of([d for d in DYADS if (d[0], d[1]) not in SPELLS])
    out = hypotheses(normal, no_exit, prior=prior_of(100), rope=(-0.02, 0.02))
    assert set(out["hypothesis"]) == {
        "pre_membership_alignment",
        "entry_alignment",
        "gradual_alignment",
        "gradual_alignment_kink",
    }


def test_bad_thresholds_and_missing_priors(rows: xr.Dataset, normal: xr.Dataset) -> None:
    with pytest.raises(InputError, match="rope_jump"):
        hypotheses(normal, rows, prior=prior_of(10), rope=(-0.1, 0.1), rope_jump=(0.1, 0.2))
    prior = prior_of(10)
    del prior["jump_exit"]
    with pytest.raises(InputError, match="lack jump_exit"):
        hypotheses(normal, rows, prior=prior, rope=(-0.1, 0.1))


# Prior draws


def fake_design(rows: xr.Dataset, *, eta: float | None) -> Any:
    """The parts of a Design that the prior needs."""
    beta = SimpleNamespace(
        name="beta",
        coords={"term": TERMS},
        size=6,
        prior=None,
        priors=tuple(Prior("normal", (0.1 * i, 0.2)) for i in range(6)),
    )
    sd = tuple(Prior("half_normal", (0.3,)) for _ in TERMS)
    corr = None if eta is None else Prior("lkj", (eta,))
    groups = tuple(
        SimpleNamespace(name=n, levels=tuple(levels), terms=TERMS, sd=sd, corr=corr)
        for n, levels in (("state", STATES), ("igo", IGOS), ("dyad", ("2:COE",)))
    )
    values = {str(n): rows[n].values for n in rows.data_vars}
    return SimpleNamespace(term=lambda _: beta, groups=groups, rows=values)


@pytest.mark.parametrize("eta", [None, 2.0])
def test_prior_draws_have_the_moments_of_the_priors(rows: xr.Dataset, eta: float | None) -> None:
    """Variance of the mean jump: beta's part plus sd^2 / dyads-sharing weights; 20,000 draws, 5 % tolerance.

    E sd^2 = 0.3^2, and LKJ correlations have mean 0.  The jump's weights over (after, during, during_slope)
    are (1, -1, -spell); NATO is in all three exiting dyads, each state in one.
    """
    draws = prior_estimands(fake_design(rows, eta=eta), np.random.default_rng(6), 20_000)
    assert set(draws) == {*c.ESTIMANDS, "kink_exit_exiting", "slope_after_exiting", "step_exiting"}
    assert {v.shape for v in draws.values()} == {(20_000,)}
    assert draws["kink_entry"].mean() == pytest.approx(0.2, abs=0.01)
    assert draws["kink_entry"].var() == pytest.approx(2 * 0.2**2, rel=0.05)
    spells = np.array(list(SPELLS.values()))
    own = np.sum(2 + spells**2) / 9
    shared = 2 + spells.mean() ** 2
    assert draws["jump_exit"].mean() == pytest.approx(0.4 - 0.2 - 1.9 * 0.3, abs=0.02)
    expected = 0.2**2 * shared + 0.3**2 * (own + shared)
    assert draws["jump_exit"].var() == pytest.approx(expected, rel=0.05)


def test_prior_draws_know_the_correlation(rows: xr.Dataset) -> None:
    """With eta tiny, correlations are near -1 or 1, and a difference of effects has heavier tails."""
    plain = prior_estimands(fake_design(rows, eta=None), np.random.default_rng(6), 20_000)["step_exiting"]
    tied = prior_estimands(fake_design(rows, eta=0.05), np.random.default_rng(6), 20_000)["step_exiting"]
    assert stats.kurtosis(tied) > stats.kurtosis(plain) + 0.3


def test_prior_draws_do_not_depend_on_who_else_is_there(rows: xr.Dataset) -> None:
    """States and IGOs that no exiting dyad belongs to are not drawn; population values are beta's alone."""
    draws = prior_estimands(fake_design(rows, eta=2.0), np.random.default_rng(7), 50)
    again = prior_estimands(fake_design(rows_of(DYADS[1:]), eta=2.0), np.random.default_rng(7), 50)
    for name, values in draws.items():
        np.testing.assert_allclose(values, again[name], rtol=1e-12)
