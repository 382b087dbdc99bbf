"""Simulated worlds: shape, and every number of the truth against the rows.

Tolerances: sums of a handful of doubles of size 1 agree to 1e-12; moments of n simulated units to five
standard errors.
"""

import json
from collections.abc import Callable

import numpy as np
import pytest

from bayes_hr.data.regimes import REGIMES
from bayes_hr.data.worlds import COVARIATES, WORLDS, World, ar1_errors, ratification
from bayes_hr.errors import InputError

EXACT = 1e-12


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {name: ratification(name, seed=3) for name in WORLDS}


def per_row(world: World, column: str) -> np.ndarray:
    countries = world.truth.countries.set_index("ccode")
    return countries.loc[world.frame["ccode"], column].to_numpy()


@pytest.mark.parametrize("name", WORLDS)
def test_shape_is_realistic(worlds: dict[str, World], name: str) -> None:
    world = worlds[name]
    frame, countries = world.frame, world.truth.countries
    sd = ["score_sd"] if name == "noisy_scores" else []
    expected = ["ccode", "year", "country", "score", *sd, "ratification_year", "regime", *COVARIATES]
    assert list(frame.columns) == expected
    assert frame["ccode"].nunique() == 120
    assert frame["ccode"].min() == 1001
    assert not frame.duplicated(["ccode", "year"]).any()
    assert frame[["ccode", "year"]].equals(frame[["ccode", "year"]].sort_values(["ccode", "year"]))
    assert frame["year"].between(1985, 2014).all()
    assert frame.drop(columns="ratification_year").notna().all(axis=None)
    assert 3000 < len(frame) < 120 * 30
    assert 0.8 < frame["score"].std() < 2
    assert set(frame["conflict"]) == {0.0, 1.0}
    status = countries["status"].value_counts(normalize=True)
    assert 0.03 < status["never"] < 0.2
    assert 0.03 < status["always"] < 0.08
    first_ten = countries["ratification_year"].between(1985, 1994).sum()
    assert first_ten > countries["ratification_year"].between(1995, 2014).sum()


def test_panel_is_unbalanced_with_gaps(worlds: dict[str, World]) -> None:
    span = worlds["transition_only"].frame.groupby("ccode")["year"].agg(["min", "max", "size"])
    assert (span["min"] > 1985).sum() == round(0.15 * 120)
    gap = span["max"] - span["min"] + 1 - span["size"]
    assert 5 <= (gap > 0).sum() <= 10
    assert gap.max() <= 3


@pytest.mark.parametrize("name", WORLDS)
def test_score_is_rebuilt_from_the_truth(worlds: dict[str, World], name: str) -> None:
    world = worlds[name]
    frame, truth = world.frame, world.truth
    since = frame["year"] - frame["ratification_year"]
    treated = (since >= truth.lag).to_numpy()
    f = truth.f.stack()[list(zip(frame["regime"], frame["year"], strict=True))].to_numpy()
    eta = truth.alpha + f + per_row(world, "a") + frame["regime"].map(truth.class_intercept).to_numpy()
    eta = eta + sum(value * frame[name] for name, value in truth.gamma.items())
    eta = eta + (frame["regime"].map(truth.tau).to_numpy() + per_row(world, "b")) * treated
    np.testing.assert_allclose(truth.rows["eta"], eta, atol=EXACT)
    np.testing.assert_array_equal(truth.rows["treated"], treated)
    np.testing.assert_array_equal(truth.rows[["ccode", "year"]], frame[["ccode", "year"]])
    parts = truth.rows[["eta", "outside", "error", "measurement"]].sum(axis=1)
    if truth.cutpoints_by_year is None:
        np.testing.assert_allclose(frame["score"], parts, atol=EXACT)
    else:
        edges = truth.cutpoints_by_year.loc[frame["year"]].to_numpy()
        np.testing.assert_array_equal(frame["score"], 1 + (parts.to_numpy()[:, None] > edges).sum(axis=1))


def test_effect_of_ratified_rows_is_the_truth() -> None:
    """The same seed without an effect differs by the effect, in the ratified rows alone."""
    with_effect = ratification("heterogeneous", seed=5)
    without = ratification("heterogeneous", seed=5, tau={}, sd_b=0)
    difference = with_effect.frame["score"] - without.frame["score"]
    treated = with_effect.truth.rows["treated"] == 1
    np.testing.assert_allclose(difference[treated], per_row(with_effect, "effect")[treated], atol=EXACT)
    assert (difference[~treated] == 0).all()


@pytest.mark.parametrize("name", WORLDS)
def test_truth_is_consistent_and_serialisable(worlds: dict[str, World], name: str) -> None:
    truth = worlds[name].truth
    assert list(truth.tau) == [regime for regime in REGIMES if regime in truth.tau]
    for pair, value in truth.contrasts.items():
        left, right = pair.split(" - ")
        assert value == truth.tau[left] - truth.tau[right]
    assert len(truth.contrasts) == len(truth.tau) * (len(truth.tau) - 1)
    np.testing.assert_allclose(truth.f.mean(axis=1), 0, atol=EXACT)
    switching = truth.countries.loc[truth.countries["status"] == "switches", "effect"]
    assert truth.averages["switching countries"] == pytest.approx(switching.mean())
    text = json.dumps(truth.to_dict(rows=True), allow_nan=False)
    back = json.loads(text)
    assert back["tau"] == truth.tau
    assert len(back["rows"]["eta"]) == len(worlds[name].frame)
    assert "rows" not in truth.to_dict()


def test_country_effects_have_the_stated_moments() -> None:
    world = ratification("heterogeneous", n_countries=4000, years=(1990, 1999), seed=1)
    ab = world.truth.countries[["a", "b"]].to_numpy()
    np.testing.assert_allclose(ab.std(axis=0), world.truth.sd_country, rtol=5 / np.sqrt(2 * 4000))
    assert np.corrcoef(ab.T)[0, 1] == pytest.approx(world.truth.corr, abs=5 / np.sqrt(4000))


def test_no_effect_worlds_have_none(worlds: dict[str, World]) -> None:
    for name in ("no_effect_trends", "selection_on_trend", "pre_trend", "changing_standard"):
        assert (worlds[name].truth.countries["effect"] == 0).all(), name


def test_selection_on_trend_ratifies_while_improving() -> None:
    def gain(selection: float) -> float:
        """Mean change of the own path over the three years before ratification, less that elsewhere."""
        world = ratification("selection_on_trend", seed=2, n_countries=400, selection=selection, gap_share=0)
        rows = world.truth.rows.assign(path=world.truth.rows["outside"] + world.truth.rows["error"])
        past = rows.groupby("ccode")["path"]
        change = past.shift(1) - past.shift(4)
        at = world.frame["year"] == world.frame["ratification_year"]
        return float(change[at].mean() - change[~at].mean())

    assert gain(1.0) > 0.15
    assert abs(gain(0.0)) < 0.1


def test_pre_trend_is_complete_at_ratification(worlds: dict[str, World]) -> None:
    world = worlds["pre_trend"]
    since = world.frame["year"] - world.frame["ratification_year"]
    transition = world.frame["regime"] == "transition"
    outside = world.truth.rows["outside"]
    assert (outside[transition & (since >= 0)] == 0.5).all()
    np.testing.assert_allclose(outside[transition & (since == -2)], 0.3, atol=EXACT)
    assert (outside[transition & ((since <= -5) | since.isna())] == 0).all()
    assert (outside[~transition] == 0).all()


def test_changing_standard_is_common_to_all(worlds: dict[str, World]) -> None:
    world = worlds["changing_standard"]
    drift = world.truth.rows["measurement"]
    np.testing.assert_array_equal(drift, world.truth.standard[world.frame["year"]])
    assert world.truth.standard.iloc[-1] - world.truth.standard.iloc[0] == pytest.approx(-0.8, rel=0.05)


def test_noisy_scores_have_noise_of_the_supplied_sd() -> None:
    world = ratification("noisy_scores", n_countries=2000, seed=1, gap_share=0, entry_share=0)
    z = (world.truth.rows["measurement"] / world.frame["score_sd"]).to_numpy().reshape(2000, 30)
    assert world.frame["score_sd"].median() == pytest.approx(0.26, rel=0.03)
    assert z.std() == pytest.approx(1, abs=0.03)
    assert np.mean(z[:, 1:] * z[:, :-1]) == pytest.approx(0.7, abs=0.03)


def test_tiny_class_has_two_countries_that_switch(worlds: dict[str, World]) -> None:
    countries = worlds["tiny_class"].truth.countries
    tiny = countries[countries["regime"] == "stable democracy"]
    assert len(tiny) == 2
    assert (tiny["status"] == "switches").all()


def test_never_ratifier_has_a_known_truth(worlds: dict[str, World]) -> None:
    row = worlds["never_ratifier"].truth.countries.iloc[0]
    assert (row["ccode"], row["regime"], row["status"]) == (1001, "transition", "never")
    assert "never ratifies" in row["country"]
    assert row["effect"] == pytest.approx(0.8)


def test_no_score_class_when_asked() -> None:
    frame = ratification(no_score=0.2, seed=1).frame
    sizes = frame.groupby("regime")["ccode"].nunique()
    assert sizes["no score"] == 24
    assert sizes.sum() == 120


def test_same_seed_same_world() -> None:
    one, same, other = (ratification("student_t", seed=seed) for seed in (4, 4, 5))
    assert one.frame.equals(same.frame)
    assert one.truth.to_dict(rows=True) == same.truth.to_dict(rows=True)
    assert not one.frame["score"].equals(other.frame["score"])


def test_worlds_of_a_seed_share_their_countries(worlds: dict[str, World]) -> None:
    one, other = worlds["transition_only"], worlds["student_t"]
    shared = ["ccode", "year", "ratification_year", "regime", *COVARIATES]
    assert one.frame[shared].equals(other.frame[shared])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ratification("transition-only"), "'transition-only'; did you mean 'transition_only'"),
        (lambda: ratification(sigm=1), "unknown setting 'sigm'; did you mean 'sigma'"),
        (
            lambda: ratification(tau={"transitional": 1}),
            "tau has no 'transitional'; did you mean 'transition'",
        ),
        (lambda: ratification(tau=0.5), "tau = 0.5 must be a mapping"),
        (lambda: ratification(tau={"transition": "big"}), "must be a finite number"),
        (lambda: ratification(rho=1), "rho = 1 must be between"),
        (lambda: ratification(sigma="a"), "sigma = 'a' must be a finite number"),
        (lambda: ratification(nu=1), "nu = 1 must be more than 2"),
        (lambda: ratification(hazard=(0.1, 1)), "hazard"),
        (lambda: ratification(n_countries=3), "n_countries = 3"),
        (lambda: ratification(years=(2000, 1990)), "years"),
        (lambda: ratification(seed=-1), "seed = -1"),
        (lambda: ratification(class_counts={"transition": 500}), "class_counts"),
        (lambda: ratification("never_ratifier", shares={"stable democracy": 1}), "one transition country"),
    ],
)
def test_bad_settings_say_what_to_do(call: Callable[[], World], message: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert message in str(error.value)


@pytest.mark.parametrize("nu", [None, 8.0])
def test_ar1_errors_have_the_exact_covariance_over_gaps(nu: float | None) -> None:
    rho, sigma, n = 0.8, 0.5, 40_000
    years = np.array([1990, 1991, 1994, 2001])
    e = ar1_errors(np.random.default_rng(1), np.repeat(np.arange(n), 4), np.tile(years, n), rho, sigma, nu=nu)
    variance = sigma**2 / (1 - rho**2) * (1 if nu is None else nu / (nu - 2))
    expected = variance * rho ** np.abs(years[:, None] - years[None, :])
    found = e.reshape(n, 4)
    tolerance = 5 * variance * np.sqrt(2 / n) * (1 if nu is None else 1.5)
    np.testing.assert_allclose(found.T @ found / n, expected, atol=tolerance)


def test_ar1_errors_are_independent_between_units_and_keep_the_order_of_rows() -> None:
    unit, year = np.repeat([7, 3], 3), np.tile([2000, 2001, 2005], 2)
    shuffle = np.array([4, 0, 5, 2, 1, 3])
    e = ar1_errors(np.random.default_rng(2), unit, year, 0.9, 1.0)
    again = ar1_errors(np.random.default_rng(2), unit[shuffle], year[shuffle], 0.9, 1.0)
    np.testing.assert_array_equal(e[shuffle], again)
    draws = ar1_errors(np.random.default_rng(3), np.arange(20_000), np.full(20_000, 2000), 0.9, 1.0)
    assert abs(np.mean(draws[::2] * draws[1::2])) < 5 * (1 / 0.19) / np.sqrt(10_000)
    assert ar1_errors(np.random.default_rng(4), [], [], 0.5, 1.0).size == 0


def test_ar1_errors_refuse_what_cannot_be() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(InputError, match="-1 < rho < 1"):
        ar1_errors(rng, [1], [2000], 1.0, 1.0)
    with pytest.raises(InputError, match="same year twice"):
        ar1_errors(rng, [1, 1], [2000, 2000], 0.5, 1.0)
    with pytest.raises(InputError, match="one of each per row"):
        ar1_errors(rng, [1, 2], [2000], 0.5, 1.0)
