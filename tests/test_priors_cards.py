"""Priors and cards: what a card says is what is sampled, and nothing else is accepted.

Tolerances. Draws against a density: 4,000 draws and a Kolmogorov-Smirnov test; every seed is fixed, so that
p > 1e-3 is no gamble, while a wrong scale (SD for variance, rate for mean) gives p < 1e-12. Log densities of
SciPy and PyMC: 1e-6, since PyTensor evaluates the logarithm of constants such as 2 in single precision.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bayes_hr.cards import Card, list_cards, load_card, parse_card
from bayes_hr.data.sources import SOURCES
from bayes_hr.errors import InputError
from bayes_hr.prior_defaults import default_priors, reason
from bayes_hr.priors import KINDS, Prior, lkj_cholesky, parse_prior
from bayes_hr.row_filter import matching_rows

P_MIN = 1e-3
DRAWS = 4000
BASE: dict[str, Any] = {
    "id": "small",
    "question": "Does ratification help here?",
    "outcome": {"name": "score"},
    "treatment": {"name": "CAT"},
}


def card(**changes: Any) -> Card:
    return parse_card({**BASE, **changes}, where="card small")


# ---------------------------------------------------------------- priors

DENSITIES: dict[str, Any] = {
    "normal(-1, 0.5)": stats.norm(-1, 0.5),
    "half_normal(2)": stats.halfnorm(scale=2),
    "exponential(3)": stats.expon(scale=3),  # 3 is the mean, not the rate
    "gamma(2, 0.1)": stats.gamma(2, scale=10),  # 0.1 is the rate
    "uniform(-1, 0.5)": stats.uniform(-1, 1.5),
}


class HalfStudentT:
    """SciPy has no folded t."""

    def __init__(self, nu: float, sigma: float) -> None:
        self.t = stats.t(nu, scale=sigma)

    def cdf(self, x: Any) -> Any:
        return 2 * self.t.cdf(x) - 1

    def ppf(self, q: Any) -> Any:
        return self.t.ppf((1 + q) / 2)

    def logpdf(self, x: Any) -> Any:
        return self.t.logpdf(x) + np.log(2)


DENSITIES["half_student_t(3, 2)"] = HalfStudentT(3, 2)


@pytest.mark.parametrize("text", DENSITIES)
def test_draws_and_pymc_have_the_density_that_the_card_names(text: str) -> None:
    import pymc as pm

    prior, truth = parse_prior(text, where="here"), DENSITIES[text]
    draws = prior.rvs(np.random.default_rng(1), DRAWS)
    assert stats.kstest(draws, truth.cdf).pvalue > P_MIN
    at = truth.ppf(np.array([0.01, 0.2, 0.5, 0.8, 0.99]))
    logp = pm.logp(prior.pymc_dist(), at).eval(mode="FAST_COMPILE")
    assert logp == pytest.approx(truth.logpdf(at), abs=1e-6)


@pytest.mark.parametrize("text", [*DENSITIES, "lkj(2)"])
def test_scaling_multiplies_what_has_the_unit_of_the_outcome(text: str) -> None:
    prior = parse_prior(text, where="here")
    scaled = prior.scaled(10.0)
    for name, before, after in zip(KINDS[prior.kind].arguments, prior.values, scaled.values, strict=True):
        assert after == before * (10.0 if name in {"mu", "sigma", "mean"} else 1.0), name
    free = prior.kind in {"gamma", "uniform", "lkj"}
    assert (scaled == prior) == free
    if not free:
        draws = scaled.rvs(np.random.default_rng(2), DRAWS)
        assert stats.kstest(draws / 10.0, DENSITIES[text].cdf).pvalue > P_MIN


def test_prior_adds_a_named_variable_to_the_open_model() -> None:
    import pymc as pm

    with pm.Model() as model:
        parse_prior("exponential(3)", where="here").to_pymc("sigma")
    assert [v.name for v in model.free_RVs] == ["sigma"]
    value = model.compile_logp(mode="FAST_COMPILE", jacobian=False)({"sigma_log__": np.log(1.7)})
    assert value == pytest.approx(stats.expon(scale=3).logpdf(1.7), abs=1e-6)


def test_spacing_does_not_matter_and_numbers_have_names() -> None:
    assert parse_prior("  normal( 0 ,.5 ) ", where="x") == Prior("normal", (0.0, 0.5))
    prior = parse_prior("half_student_t(3, 2)", where="x")
    assert (prior["nu"], prior["sigma"], prior.typical) == (3, 2, 2)
    assert prior.latex == r"\mathrm{HalfStudentT}(3,\,2)"


FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@given(mu=FINITE, sigma=POSITIVE)
def test_text_of_a_prior_reads_back_to_the_same_numbers(mu: float, sigma: float) -> None:
    prior = Prior("normal", (mu, sigma))
    assert parse_prior(str(prior), where="x") == prior


def test_lkj_has_no_draws_of_its_own() -> None:
    with pytest.raises(ValueError, match="lkj_cholesky"):
        Prior("lkj", (2.0,)).rvs(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0.5", "is not a prior"),
        ("normal", "is not a prior"),
        ("normal(0, 0.5", "is not a prior"),
        ("normal(0, (0.5))", "is not a prior"),
        ("normal(0, 0.5); import os", "is not a prior"),
        ("nromal(0, 1)", "Did you mean 'normal'"),
        ("cauchy(0, 1)", "'cauchy' is not offered here"),
        ("normal(0, a)", "not a number"),
        ("normal(0,)", "not a number"),
        ("normal()", "not a number"),
        ("normal(0)", r"form normal\(mu, sigma\)"),
        ("normal(0, 1, 2)", r"form normal\(mu, sigma\)"),
        ("normal(0, inf)", "finite"),
        ("normal(nan, 1)", "finite"),
        ("normal(0, 0)", "sigma = 0"),
        ("half_normal(-1)", "sigma = -1"),
        ("half_student_t(0, 1)", "nu = 0"),
        ("exponential(-2)", "mean = -2"),
        ("gamma(2, 0)", "beta = 0"),
        ("lkj(0)", "eta = 0"),
        ("uniform(1, 1)", "lower < upper"),
    ],
)
def test_a_bad_prior_says_where_and_why(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        parse_prior(text, where="card x, priors.tau")
    assert str(caught.value).startswith("card x, priors.tau: ")


@pytest.mark.parametrize("eta", [0.5, 1.0, 2.0, 5.0])
def test_lkj_of_two_is_a_beta_on_minus_one_to_one(eta: float) -> None:
    r = lkj_cholesky(np.random.default_rng(3), eta, 2, DRAWS)[:, 1, 0]
    assert stats.kstest((r + 1) / 2, stats.beta(eta, eta).cdf).pvalue > P_MIN


@pytest.mark.parametrize("n", [3, 4])
def test_every_correlation_of_an_lkj_matrix_has_the_same_beta_law(n: int) -> None:
    eta = 2.0
    L = lkj_cholesky(np.random.default_rng(4), eta, n, DRAWS)
    corr = L @ np.swapaxes(L, 1, 2)
    assert np.diagonal(corr, axis1=1, axis2=2) == pytest.approx(1.0, abs=1e-12)
    assert np.triu(L, 1) == pytest.approx(0.0, abs=0.0)
    assert (np.diagonal(L, axis1=1, axis2=2) > 0).all()
    b = eta + (n - 2) / 2  # Lewandowski, Kurowicka & Joe (2009), section 3
    for i in range(n):
        for j in range(i):
            assert stats.kstest((corr[:, i, j] + 1) / 2, stats.beta(b, b).cdf).pvalue > P_MIN, (i, j)


def test_lkj_of_three_has_the_determinant_of_its_density() -> None:
    """|R| is the product of 1 - partial**2: independent Betas, whose law the marginals do not fix."""
    eta, rng = 1.5, np.random.default_rng(5)
    L = lkj_cholesky(rng, eta, 3, DRAWS)
    b = np.array([eta + 0.5, eta + 0.5, eta])
    # E(1 - p**2) = 2b / (2b + 1) for p = 2 Beta(b, b) - 1, and the partial correlations are independent.
    expected = np.prod(2 * b / (2 * b + 1))
    det = np.prod(np.diagonal(L, axis1=1, axis2=2), axis=1) ** 2
    assert abs(det.mean() - expected) < 4 * det.std() / np.sqrt(DRAWS)


# ---------------------------------------------------------------- cards: strict

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    # what is wrong: (changes, key that the message names, what it says)
    "top level": ({"popultion": []}, "popultion", "did you mean 'population'"),
    "hyphen": ({"schema-version": 1}, "schema-version", "did you mean 'schema_version'"),
    "section": ({"fit": {"chain": 4}}, "fit.chain", "did you mean 'chains'"),
    "hyphen below": ({"fit": {"target-accept": 0.9}}, "fit.target-accept", "did you mean 'target_accept'"),
    "in group": ({"groups": [{"name": "country", "centered": True}]}, "groups.0.centered", "'centred'"),
    "in control": ({"population": [{"name": "x", "lags": 1}]}, "population.0.lags", "'lag'"),
    "no near key": ({"rope": {"zzzz": 1}}, "rope.zzzz", "valid keys here: lower, upper, scale"),
    "version": ({"schema_version": 2}, "schema_version", "should be 1"),
    "id": ({"id": "No Spaces"}, "id", "match pattern"),
    "question": ({"question": "?"}, "question", "at least 10"),
    "family": ({"family": "survival"}, "family", "must be one of"),
    "where": ({"where": 3}, "where", "valid string"),
    "outcome kind": ({"outcome": "score"}, "outcome", "valid dictionary"),
    "outcome list": ({"outcome": ["score"]}, "outcome", "valid dictionary"),
    "outcome name": ({"outcome": {}}, "outcome.name", "missing"),
    "likelihood": ({"outcome": {"name": "s", "likelihood": "poisson"}}, "outcome.likelihood", "gaussian"),
    "scale": ({"outcome": {"name": "s", "scale": "std"}}, "outcome.scale", "'sd'"),
    "scale 0": ({"outcome": {"name": "s", "scale": 0}}, "outcome.scale", "greater than 0"),
    "scale bool": ({"outcome": {"name": "s", "scale": True}}, "outcome.scale", "number"),
    "scale inf": ({"outcome": {"name": "s", "scale": float("inf")}}, "outcome.scale", "finite"),
    "centre nan": ({"outcome": {"name": "s", "centre": float("nan")}}, "outcome.centre", "finite"),
    "lag": ({"treatment": {"name": "CAT", "lag": -1}}, "treatment.lag", "greater than or equal to 0"),
    "lag text": ({"treatment": {"name": "CAT", "lag": "1"}}, "treatment.lag", "integer"),
    "pooling": ({"treatment": {"name": "CAT", "pooling": "full"}}, "treatment.pooling", "partial"),
    "window alone": ({"regime": {"window": [1990, 2000]}}, "regime", 'goes with rule = "window"'),
    "window missing": ({"regime": {"rule": "window"}}, "regime", "window"),
    "window order": ({"regime": {"rule": "window", "window": [2000, 1990]}}, "regime", "first year, last"),
    "window three": ({"regime": {"rule": "window", "window": [1, 2, 3]}}, "regime.window", "at most 2"),
    "cut-offs": ({"regime": {"autocracy": 9}}, "regime", "below democracy"),
    "no group": ({"groups": []}, "groups", "exactly one"),
    "group": ({"groups": [{"name": "region"}]}, "groups", "country"),
    "group text": ({"groups": ["country"]}, "groups.0", "valid dictionary"),
    "groups text": ({"groups": "country"}, "groups", "valid tuple"),
    "term": ({"groups": [{"name": "country", "terms": ["slope"]}]}, "groups.country.terms", "ratified"),
    "no term": ({"groups": [{"name": "country", "terms": []}]}, "groups", "each varying coefficient once"),
    "term twice": (
        {"groups": [{"name": "country", "terms": ["intercept", "intercept"]}]},
        "groups.0",
        "each varying coefficient once",
    ),
    "centred length": ({"groups": [{"name": "country", "centred": [True]}]}, "groups.0", "1 entries for 2"),
    "centred text": ({"groups": [{"name": "country", "centred": "yes"}]}, "groups.0.centred", "'auto'"),
    "control number": ({"population": [1]}, "population.0", "valid dictionary"),
    "control twice": ({"population": ["x", "x"]}, "population", "twice: x, x"),
    "time": ({"time": {"effects": "linear"}}, "time.effects", "'pooled'"),
    "error": ({"error": {"kind": "ar2"}}, "error.kind", "'iid'"),
    "estimand": ({"estimands": ["regimes"]}, "estimands.0", "'regime'"),
    "rope": ({"rope": {"lower": 1.0}}, "rope", "lower must be below upper"),
    "rope nan": ({"rope": {"lower": float("nan")}}, "rope", "lower must be below upper"),
    "draws": ({"fit": {"draws": 1}}, "fit.draws", "greater than or equal to 10"),
    "draws float": ({"fit": {"draws": 100.5}}, "fit.draws", "integer"),
    "draws text": ({"fit": {"draws": "100"}}, "fit.draws", "integer"),
    "seed": ({"fit": {"seed": -1}}, "fit.seed", "greater than or equal to 0"),
    "target": ({"fit": {"target_accept": 1.0}}, "fit.target_accept", "less than 1"),
    "loose R-hat": ({"verdict": {"r_hat": 1.05}}, "verdict.r_hat", "1.01"),
    "loose ESS": ({"verdict": {"ess": 100}}, "verdict.ess", "400"),
    "source": ({"sources": [1]}, "sources.0", "valid string"),
    "prior number": ({"priors": {"tau": 1}}, "priors.tau", "valid string"),
    "prior list": ({"priors": {"tau": ["normal(0, 1)"]}}, "priors.tau", "valid string"),
    "priors text": ({"priors": "flat"}, "priors", "valid dictionary"),
    "prior name": ({"priors": {"tua": "normal(0, 1)"}}, "priors.tua", "did you mean 'tau'"),
    "prior of a part the model lacks": ({"priors": {"nu": "gamma(2, 1)"}}, "priors.nu", "no such parameter"),
    "prior of no control": ({"priors": {"gamma": "normal(0, 1)"}}, "priors.gamma", "no such parameter"),
    "prior family": ({"priors": {"tau": "half_normal(1)"}}, "priors.tau", "Did you mean 'normal'"),
    "prior form": ({"priors": {"tau": "normal(0"}}, "priors.tau", "is not a prior"),
    "prior table": ({"priors": {"tau": {"a": "normal(0, 1)"}}}, "priors.tau", "not a table"),
    "prior no table": (
        {"priors": {"sd_country": "half_normal(1)"}},
        "priors.sd_country",
        "intercept, ratified",
    ),
    "prior term": ({"priors": {"sd_country": {"slope": "half_normal(1)"}}}, "priors.sd_country", "ratified"),
    "prior scale": (
        {"priors": {"sd_country": {"ratified": "half_normal(-1)"}}},
        "priors.sd_country.ratified",
        "greater than 0",
    ),
    "lkj": ({"priors": {"corr_country": "uniform(-1, 1)"}}, "priors.corr_country", "lkj"),
    "rho": ({"priors": {"rho": "uniform(-2, 1)"}}, "priors.rho", "stationary"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_card_names_the_key_and_what_would_do(kind: str) -> None:
    changes, key, says = BAD[kind]
    with pytest.raises(InputError) as caught:
        card(**changes)
    message = str(caught.value)
    assert message.startswith("card small: ")
    assert key in message
    assert says in message
    assert "\n" not in message


def test_every_wrong_key_is_listed_at_once() -> None:
    with pytest.raises(InputError) as caught:
        card(fit={"chain": 4, "draws": 1}, tretment={})
    assert all(key in str(caught.value) for key in ("fit.chain", "fit.draws", "tretment"))


@pytest.mark.parametrize("key", ["id", "question", "outcome", "treatment"])
def test_what_has_no_default_must_be_given(key: str) -> None:
    with pytest.raises(InputError, match=f"key '{key}' is missing"):
        parse_card({k: v for k, v in BASE.items() if k != key}, where="card small")


def test_files_that_are_no_card(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Did you mean 'cat_hrps'"):
        load_card("cat_hrsp")
    with pytest.raises(InputError, match="cannot be read"):
        load_card(tmp_path / "absent.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        load_card(tmp_path / "folder.toml")
    for name, content, says in [
        ("bytes", b"\xff\xfe\x00", "cannot be read"),
        ("cut", b'id = "sma', "not valid TOML"),
        ("empty", b"", "'id' is missing"),
        ("twice", b'id = "a"\nid = "b"', "not valid TOML"),
    ]:
        path = tmp_path / f"{name}.toml"
        path.write_bytes(content)
        with pytest.raises(InputError, match=says) as caught:
            load_card(path)
        assert str(path) in str(caught.value)


# ---------------------------------------------------------------- cards: defaults said out loud


def test_every_default_is_written_down() -> None:
    written = tomllib.loads(card().to_toml())
    assert written["treatment"] == {"name": "CAT", "lag": 1, "pooling": "none", "mundlak": False}
    assert written["error"] == {"kind": "ar1", "measurement_sd": ""}
    assert written["time"] == {"effects": "unpooled", "by": "regime"}
    assert written["regime"]["rule"] == "before_treaty"
    assert written["fit"]["chains"] == 4
    assert written["groups"] == [
        {"name": "country", "terms": ["intercept", "ratified"], "correlated": True, "centred": "auto"}
    ]
    assert written["priors"] == {
        "alpha": "normal(0, 2.5)",
        "beta": "normal(0, 2)",
        "tau": "normal(0, 0.5)",
        "year_effect": "normal(0, 0.5)",
        "sd_country": {"intercept": "half_normal(1)", "ratified": "half_normal(0.5)"},
        "corr_country": "lkj(2)",
        "sigma": "half_normal(0.5)",
        "rho": "uniform(-1, 1)",
    }


def test_priors_are_those_of_the_model_and_no_others() -> None:
    student = card(
        outcome={"name": "score", "likelihood": "student_t"},
        error={"kind": "iid"},
        time={"effects": "pooled"},
        treatment={"name": "CAT", "pooling": "partial"},
        population=["gdp"],
        groups=[{"name": "country", "terms": ["intercept"]}],
    )
    assert set(student.priors) == {
        "alpha", "beta", "gamma", "tau", "sd_tau", "sd_year_effect", "sd_country", "sigma", "nu",
    }  # fmt: skip
    assert student.priors["sd_country"] == {"intercept": "half_normal(1)"}
    none = card(time={"effects": "none"}, groups=[{"name": "country", "correlated": False}])
    assert not {"year_effect", "sd_year_effect", "corr_country"} & set(none.priors)


def test_every_default_prior_has_a_reason() -> None:
    cards = [
        card(population=["gdp"]),
        card(
            outcome={"name": "score", "likelihood": "student_t"},
            treatment={"name": "CAT", "pooling": "partial"},
            time={"effects": "pooled"},
        ),
    ]
    for one in cards:
        for key, prior in default_priors(one).items():
            names = [f"{key}.{term}" for term in prior] if isinstance(prior, dict) else [key]
            assert all(reason(name) for name in names), names


def test_a_given_prior_keeps_every_digit() -> None:
    given_card = card(priors={"tau": "normal(0.123456789, 1234567.5)"})
    assert given_card.priors["tau"] == "normal(0.123456789, 1234567.5)"


def test_a_partly_given_table_keeps_the_other_default() -> None:
    changed = card(priors={"sd_country": {"ratified": "exponential(0.2)"}})
    assert changed.priors["sd_country"] == {"intercept": "half_normal(1)", "ratified": "exponential(0.2)"}


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LAG = st.integers(0, 20)
COVARIATES = st.lists(
    st.fixed_dictionaries(
        {"name": TEXT}, optional={"lag": LAG, "standardise": st.booleans(), "mediator": st.booleans()}
    ),
    max_size=3,
    unique_by=lambda c: c["name"] + (f"_lag{c['lag']}" if c.get("lag") else ""),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "where": TEXT,
        "caution": TEXT,
        "question": TEXT.map(lambda t: t + "is it so? ok"),
        "outcome": st.fixed_dictionaries(
            {"name": TEXT},
            optional={
                "likelihood": st.sampled_from(["gaussian", "student_t"]),
                "scale": st.just("sd") | st.floats(1e-12, 1e12) | st.integers(1, 9),
                "centre": st.just("mean") | st.floats(allow_nan=False, allow_infinity=False),
                "higher_is_better": st.booleans(),
            },
        ),
        "treatment": st.fixed_dictionaries(
            {"name": TEXT}, optional={"lag": LAG, "pooling": st.sampled_from(["none", "partial"])}
        ),
        "regime": st.sampled_from([{}, {"rule": "window", "window": [1990, 2000]}, {"democracy": 6}]),
        "groups": st.fixed_dictionaries(
            {"name": st.just("country")},
            optional={"correlated": st.booleans(), "centred": st.sampled_from(["auto", True, [True, False]])},
        ).map(lambda g: [g]),
        "population": COVARIATES,
        "time": st.fixed_dictionaries({"effects": st.sampled_from(["unpooled", "pooled", "none"])}),
        "error": st.fixed_dictionaries({"kind": st.sampled_from(["ar1", "iid"])}),
        "priors": st.fixed_dictionaries(
            {},
            optional={
                "tau": st.builds("normal({!r}, {!r})".format, FINITE, POSITIVE),
                "sigma": st.builds("exponential({!r})".format, POSITIVE),
                "sd_country": st.just({"ratified": "half_student_t(3, 0.1)"}),
            },
        ),
        "rope": st.sampled_from([{}, {"lower": 0}, {"lower": float("-inf")}]),
        "estimands": st.lists(st.sampled_from(["regime", "contrast"]), max_size=2),
        "fit": st.fixed_dictionaries({}, optional={"seed": st.integers(0, 2**32 - 1)}),
        "references": st.lists(TEXT, max_size=2),
    },
)


@settings(max_examples=80, deadline=None)
@given(options=OPTIONS)
def test_a_card_written_as_toml_reads_back_equal(options: dict[str, Any]) -> None:
    one = card(**options)
    again = parse_card(tomllib.loads(one.to_toml()), where="spec.toml")
    assert again == one
    assert again.to_toml() == one.to_toml()
    assert one.replace() == one


def test_replace_changes_keys_and_takes_the_new_models_defaults() -> None:
    one = card(priors={"tau": "normal(0, 0.2)"}, fit={"draws": 500})
    other = one.replace(error={"kind": "iid"}, fit={"tune": 300}, priors={"sigma": "exponential(1)"})
    assert "rho" in one.priors
    assert "rho" not in other.priors
    assert (other.fit.draws, other.fit.tune) == (500, 300)
    assert (other.priors["tau"], other.priors["sigma"]) == ("normal(0, 0.2)", "exponential(1)")
    assert one.fit.tune == 600, "the first card is as it was"
    assert other.replace(error={"kind": "ar1"}).priors["rho"] == "uniform(-1, 1)"


def test_replace_checks_anew() -> None:
    with pytest.raises(InputError, match=r"card small, changed: fit\.draws"):
        card().replace(fit={"draws": 1})
    with pytest.raises(InputError, match="did you mean 'error'"):
        card().replace(eror={"kind": "iid"})
    with pytest.raises(InputError, match=r"priors\.rho"):
        card(priors={"rho": "uniform(0, 1)"}).replace(error={"kind": "iid"})


def test_a_card_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        card().where = "year > 3"  # type: ignore[misc]


# ---------------------------------------------------------------- shipped cards


@pytest.mark.parametrize("name", list_cards())
def test_shipped_cards_are_valid_and_their_sources_known(name: str) -> None:
    shipped = load_card(name)
    assert shipped.id == name
    assert set(shipped.sources) <= set(SOURCES)
    assert bool(shipped.sources) == (shipped.panel != "simulated"), "real data must be cited"
    assert parse_card(tomllib.loads(shipped.to_toml()), where="spec") == shipped


def test_the_main_card_carries_the_defaults_of_the_science() -> None:
    main = load_card("cat_hrps")
    assert main.error.kind == "ar1"
    assert (main.time.effects, main.time.by) == ("unpooled", "regime")
    assert main.regime.rule == "before_treaty"
    assert {c.name for c in main.population if c.mediator} == {"conflict"}


# ---------------------------------------------------------------- row filter


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ccode": [2, 20, 200],
            "year": [1990, 1991, 1992],
            "regime": ["a", "b", "no  score"],
            "gdp": [1.0, np.nan, 3.0],
        }
    )


@pytest.mark.parametrize(
    ("where", "keep"),
    [
        ("", [1, 1, 1]),
        ("  \n", [1, 1, 1]),
        ("1990 < year <= 1992", [0, 1, 1]),
        ("  year > 1990  ", [0, 1, 1]),
        ("(year > 1990\n and year < 1992)", [0, 1, 0]),
        ("year in [1990, 1991] and not ccode == 2", [0, 1, 0]),
        ("ccode not in (2, 20)", [0, 0, 1]),
        ("year == 1990 or year == 1992 and regime == 'a'", [1, 0, 0]),
        ("regime != 'no  score'", [1, 1, 0]),
        ("regime == '@gdp' or regime == 'it\\'s'", [0, 0, 0]),
        ("gdp > 2", [0, 0, 1]),
        ("gdp == gdp", [1, 0, 1]),
        ("-year < -1990", [0, 1, 1]),
    ],
)
def test_the_filter_keeps_what_it_says(frame: pd.DataFrame, where: str, keep: list[int]) -> None:
    assert matching_rows(frame, where).tolist() == [bool(k) for k in keep]


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("__import__('os').system('true')", "not allowed"),
        ("(lambda: 1)() == 1", "not allowed"),
        ("year.__class__ == 1", "not allowed"),
        ("year.map(print) == 1", "not allowed"),
        ("[y for y in year] == 1", "not allowed"),
        ("f'{year}' == '1'", "not allowed"),
        ("{'a': year} == 1", "not allowed"),
        ("gdp[0] > 1", "not allowed"),
        ("year ** 99999999 > 1", "not allowed"),
        ("year + 1 > 1", "not allowed"),
        ("year & 1", "not allowed"),
        ("year is None", "not allowed"),
        ("(year := 3) > 1", "not allowed"),
        ("@frame > 1", "cannot be read"),
        ("`year` > 1", "cannot be read"),
        ("year = 3", "cannot be read"),
        ("year > 1; gdp > 1", "cannot be read"),
        ("import os", "cannot be read"),
        ("\x00", "cannot be read"),
        ("yeer > 1", "Did you mean 'year'"),
        ("pi > 1", "no column 'pi'"),
        ("__builtins__ == 1", "no column '__builtins__'"),
        ("frame == 1", "no column 'frame'"),
        ("year", "not a comparison"),
        ("True", "not a comparison"),
        ("1 < 2", "not a comparison"),
        ("regime < 3", "does not fit the columns"),
        ("not regime", "not a comparison"),
        ("year and gdp", "not a comparison"),
        ("year > 1 and regime", "not a comparison"),
        ("year in 5", "does not fit the columns"),
        ("'a' in regime", "does not fit the columns"),
        ("year == [1990]", "does not fit the columns"),
        ("year in [[1990]]", "does not fit the columns"),
        ("year == (gdp > 1)", "does not fit the columns"),
        ("year == None", "not allowed"),
        ("year == ...", "not allowed"),
        ("not 1990 < 1990 and year > 1", "not a comparison"),
        ("-regime == 'a'", "does not fit the columns"),
    ],
)
def test_the_filter_refuses_everything_else(frame: pd.DataFrame, where: str, says: str) -> None:
    before = frame.copy()
    with pytest.raises(InputError, match=says):
        matching_rows(frame, where)
    pd.testing.assert_frame_equal(frame, before)


TOKENS = st.sampled_from(
    [
        *("year", "gdp", "regime", "1990", "'a'", "<", "<=", "==", "!=", "in", "not", "and", "or", "(", ")"),
        *("[", "]", ",", "-", "None", "True", ".", "@", "~", "\n", "lambda", ":", "=", "...", "b'x'", "#"),
        *("`", "is", "if", "else"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(where=st.lists(TOKENS, max_size=9).map(" ".join) | TEXT)
def test_any_text_gives_rows_or_one_clear_error(where: str) -> None:
    frame = pd.DataFrame({"year": [1990, 1991], "gdp": [1.0, np.nan], "regime": ["a", "b"]})
    try:
        keep = matching_rows(frame, where)
    except InputError:
        return
    assert keep.dtype == bool
    assert len(keep) == 2
