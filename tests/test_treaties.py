"""Several treaties at once: known effects come back, and what cannot be told apart is said or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import treaties as world
from scipy import stats
from test_gibbs import Dense, points
from test_models import evaluator, point_of, row_logp

import bayes_hr
from bayes_hr.api import Fit
from bayes_hr.cards import load_card
from bayes_hr.checks.treaties import POOR, separation, separation_check
from bayes_hr.data.panel import Panel
from bayes_hr.data.user_treaties import PREFIX
from bayes_hr.design import rank_deficient
from bayes_hr.design_io import from_dataset, to_dataset
from bayes_hr.engines.country_year import CountryYear
from bayes_hr.errors import InputError
from bayes_hr.estimands.treaties import AMONG, class_weights, ranking
from bayes_hr.fitting import with_engine
from bayes_hr.pymc_models import build_model
from bayes_hr.treaties_design import build


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return bayes_hr.fit(world.card(), world.panel(), progress=lambda *_: None)


def true_effect(treaty: str, regime: str) -> float:
    return world.TAU[treaty] + world.BY_CLASS.get((treaty, regime), 0.0)


def test_the_exact_engine_fits_it(fitted: Fit) -> None:
    assert fitted.data.attrs["engine"] == "gibbs"
    by_name = {c.name: c.status for c in fitted.check().checks}
    assert by_name["mixing"] in {"PASS", "REVIEW"}, fitted.check().to_text()  # few draws, for speed
    assert by_name["design rank"] == "PASS"
    assert by_name["telling treaties apart"] == "PASS"


def test_known_effects_come_back_by_treaty_and_class(fitted: Fit) -> None:
    found = fitted.effects("treaty_regime").set_index("level")
    assert len(found) == len(world.NAMES) * len(world.CLASSES)
    for treaty in world.NAMES:
        for regime in world.CLASSES:
            row = found.loc[f"{treaty}: {regime}"]
            assert abs(row["mean"] - true_effect(treaty, regime)) < 3 * row["sd"] + 0.02
            assert row["sd"] < 0.08


def test_a_treatys_effect_is_averaged_by_country_years_of_each_class(fitted: Fit) -> None:
    rows, posterior = fitted.data["constant_data"].dataset, fitted.data["posterior"].dataset
    weights = class_weights(rows, world.NAMES, world.CLASSES)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    frame = world.frame()
    under = frame[frame["year"] - frame[f"{PREFIX}A"] >= 1]
    assert weights[0, 1] == pytest.approx((under["regime"] == "transition").mean())
    by_hand = posterior["tau"].sel(treaty="A") + sum(
        w * posterior["tau_regime"].sel(treaty="A", regime=r)
        for w, r in zip(weights[0], world.CLASSES, strict=True)
    )
    effect = fitted.effects("treaty").set_index("level")
    assert effect.loc["A", "mean"] == pytest.approx(float(by_hand.mean()))
    mean = fitted.effects("mean").set_index("level")
    assert mean.loc[AMONG, "mean"] == pytest.approx(effect["mean"].mean())


def test_contrasts_are_of_each_treaty_and_of_their_mean(fitted: Fit) -> None:
    found = fitted.effects("contrast").set_index(["level", "reference"])
    row = found.loc[("A: transition", "stable autocracy")]
    assert row["lb"] < 0.8 < row["ub"]
    assert (f"{AMONG}: transition", "stable autocracy") in found.index


def test_ranks_come_with_probabilities(fitted: Fit) -> None:
    table = fitted.tables["ranking"].set_index("treaty")
    shares = table[[f"p_rank_{j}" for j in (1, 2, 3)]].to_numpy()
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert table.loc["A", "p_largest"] > 0.95
    assert table.loc["B", "p_smallest"] > 0.95
    assert table.loc["A", "rank_ub"] == 1


def test_ranks_by_hand() -> None:
    draws = np.array([[[0.3, 0.1], [0.1, 0.3], [0.3, 0.2], [0.3, 0.0]]])
    table = ranking(("A", "B"), draws)
    assert table["p_largest"].tolist() == [0.75, 0.25]
    assert table["rank_mean"].tolist() == [1.25, 1.75]
    assert table["rank_lb"].tolist() == [1, 1]
    assert table["rank_ub"].tolist() == [2, 2]


def test_country_effects_add_the_countrys_own(fitted: Fit) -> None:
    found = Fit(fitted.result).data  # the same draws
    card = fitted.card.replace(estimands=["country"])
    again = Fit(bayes_hr.fitting.FitResult(found, card, fitted.result.provenance))
    table = again.effects("country").set_index("level")
    assert len(table) == 60 * len(world.NAMES)
    posterior = found["posterior"].dataset
    b = posterior["u_country"].sel(country=2, country_term="C")
    own = posterior["tau"].sel(treaty="C") + posterior["tau_regime"].sel(treaty="C", regime="transition") + b
    assert table.loc["C: COW 2 (2)", "mean"] == pytest.approx(float(own.mean()))


def test_saved_and_loaded_without_loss(fitted: Fit, tmp_path: Path) -> None:
    loaded = bayes_hr.load_fit(fitted.save(tmp_path / "fit"))
    pd.testing.assert_frame_equal(loaded.effects(), fitted.effects())
    pd.testing.assert_frame_equal(loaded.tables["separation"], fitted.tables["separation"], check_dtype=False)
    assert loaded.check().status == fitted.check().status
    assert (tmp_path / "fit" / "ranking.csv").is_file()


def test_the_report_says_what_matters(fitted: Fit, tmp_path: Path) -> None:
    text = fitted.report(tmp_path / "report.html").read_text("utf-8")
    for words in (
        "How far the treaties can be told apart",
        "The largest effect is that of A with probability",
        "P(rank 3)",
        "Treaty by regime class, partially pooled",
        "averaged over the classes by their shares of the country-years under the treaty",
        "Permuted-ratification reference",
    ):
        assert words in text
    folder = bayes_hr.questions.question_of(fitted.card).export_tables(fitted, tmp_path / "paper")
    ranks = pd.read_csv(folder / "ranking.csv")
    assert list(ranks["treaty"]) == list(world.NAMES)
    assert {"separation.csv", "treaties.csv", "treaty-regimes.csv", "ranking.tex"} <= {
        p.name for p in folder.iterdir()
    }


# The design


def test_the_design_is_model_t() -> None:
    rows = world.frame()
    design = build(world.card(), world.panel())
    D = np.stack([rows["year"] - rows[f"{PREFIX}{t}"] >= 1 for t in world.NAMES], axis=1).astype(float)
    tau, by_class = design.term("tau"), design.term("tau_regime")
    np.testing.assert_array_equal(tau.columns, D)
    assert (tau.dims, by_class.dims) == (("treaty",), ("treaty", "regime"))
    assert tau.sd is not None
    assert by_class.sd is not None
    assert (tau.prior is None, by_class.prior is None) == (False, True)
    columns = by_class.columns.reshape(len(D), 3, 2)
    member = np.stack([rows["regime"] == c for c in world.CLASSES], axis=1)
    np.testing.assert_array_equal(columns, D[:, :, None] * member[:, None, :])
    np.testing.assert_array_equal(design.groups[0].Z, np.c_[np.ones(len(D)), D])
    assert design.groups[0].terms == ("intercept", *world.NAMES)
    assert design.groups[0].corr is None
    assert not rank_deficient(design), "deviations of classes are not judged against the treaties"


def test_countries_may_respond_to_every_treaty_alike() -> None:
    card = world.card(groups=[{"name": "country", "terms": ["intercept", "common"]}])
    design = build(card, world.panel())
    D = design.term("tau").columns
    np.testing.assert_array_equal(design.groups[0].Z, np.c_[np.ones(len(D)), D.sum(axis=1)])
    assert design.groups[0].corr is not None, "level and response, as of one treaty"
    assert with_engine(card, design).fit.engine == "gibbs"


def test_a_design_travels_with_its_fit() -> None:
    design = build(world.card(), world.panel())
    again = from_dataset(to_dataset(design), design.y, design.merge)
    for name in ("tau", "tau_regime"):
        np.testing.assert_array_equal(again.term(name).columns, design.term(name).columns)
        assert again.term(name).coords == design.term(name).coords


def test_one_class_has_no_departures_of_classes() -> None:
    design = build(world.card(), world.panel(world.frame().drop(columns="regime")))
    assert "tau_regime" not in {t.name for t in design.population}


def small_design():
    rows = world.frame()
    return build(
        world.card(error={"kind": "ar1"}, time={"effects": "unpooled", "by": "regime"}),
        world.panel(rows[(rows["ccode"] <= 8) & (rows["year"] % 3 > 0) & (rows["year"] < 2008)]),
    )


def test_the_exact_engines_density_is_that_of_a_dense_normal() -> None:
    """All coefficients integrated out: treaties pooled with a mean, classes around 0, AR(1) with gaps."""
    design = small_design()
    model = CountryYear.of(design)
    for x in points(model):
        assert model.log_density(x) == pytest.approx(Dense(design, x).log_density, rel=1e-8)


def test_the_pymc_model_is_the_definition() -> None:
    """Treaties are mean plus spread, classes spread alone; given them, rows are a dense normal."""
    design = small_design()
    model = build_model(design, "integrated")
    names = ("tau", "mu_tau", "sd_tau", "z_tau", "tau_regime", "sd_tau_regime", "z_tau_regime")
    scalars = ("sigma", "rho", "sd_country", "alpha", "beta", "year_effect")
    theta = dict(
        zip(
            (*names, *scalars, "rows"),
            evaluator(model, [*(model[n] for n in (*names, *scalars)), row_logp(model)])(point_of(model)),
            strict=True,
        )
    )
    assert theta["tau"] == pytest.approx(theta["mu_tau"] + theta["sd_tau"] * theta["z_tau"])
    spread = (theta["sd_tau_regime"] * theta["z_tau_regime"]).reshape(3, 2)
    assert theta["tau_regime"] == pytest.approx(spread)
    mean = sum(t.predict(np.ravel(theta[t.name])) for t in design.population)
    group, unit, year = design.groups[0], design.error.order.unit, design.rows["year"]
    S = np.diag(theta["sd_country"] ** 2)
    same = unit[:, None] == unit
    errors = theta["rho"] ** np.abs(year[:, None] - year) * theta["sigma"] ** 2 / (1 - theta["rho"] ** 2)
    V = np.where(same, group.Z @ S @ group.Z.T + errors, 0.0)
    assert theta["rows"] == pytest.approx(stats.multivariate_normal(mean, V).logpdf(design.y), rel=1e-7)


# How far they can be told apart


def twins() -> pd.DataFrame:
    """C is ratified with B, but for three countries."""
    rows = world.frame().copy()
    rows[f"{PREFIX}C"] = rows[f"{PREFIX}C"].where(rows["ccode"] <= 3, rows[f"{PREFIX}B"])
    return rows


def test_the_residual_share_is_that_of_a_regression() -> None:
    design = build(world.card(time={"effects": "unpooled", "by": "regime"}), world.panel())
    table = separation(design).set_index("treaty")
    D, country = design.term("tau").columns, design.groups[0].index
    years = design.term("year_effect").matrix()
    others = np.c_[np.eye(country.max() + 1)[country], years, D[:, 1:]]
    left = D[:, 0] - others @ np.linalg.lstsq(others, D[:, 0], rcond=None)[0]
    assert table.loc["A", "share"] == pytest.approx(left @ left / (len(D) * D[:, 0].var()), rel=1e-8)


def test_treaties_ratified_together_are_a_review() -> None:
    table = separation(build(world.card(), world.panel(twins()))).set_index("treaty")
    assert table.loc[["B", "C"], "flag"].tolist() == [POOR, POOR]
    assert table.loc["A", "flag"] == ""
    assert table.loc["B", "closest"] == "C"
    check = separation_check(table.reset_index())
    assert check.status == "REVIEW"
    assert "told apart poorly: B, C" in check.text
    assert "mean" in check.advice


# What is refused, before any sampling


def changed(**columns: object) -> pd.DataFrame:
    return world.frame().assign(**columns)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (changed(**{f"{PREFIX}B": np.nan}), "no country has ratified B"),
        (changed(**{f"{PREFIX}B": 1970.0}), "every row used is after ratification of B"),
        (changed(**{f"{PREFIX}B": world.frame()[f"{PREFIX}A"]}), "A and B are ratified in the same years"),
        (
            changed(**{f"{PREFIX}B": np.where(world.frame()["ccode"] < 9, 1970.0, np.nan)}),
            "no country ratifies B within",
        ),
        (world.frame().drop(columns=f"{PREFIX}C"), f"no column '{PREFIX}C'; its treaties are A, B"),
    ],
)
def test_treaties_without_a_comparison_are_refused(rows: pd.DataFrame, said: str) -> None:
    with pytest.raises(InputError, match=said):
        build(world.card(), world.panel(rows))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            world.frame().drop(columns=[f"{PREFIX}B", f"{PREFIX}C"]),
            f"need a column '{PREFIX}<treaty>' for each",
        ),
        (changed(**{f"{PREFIX}B": world.frame()["year"]}), f"'{PREFIX}B' must be the same in all rows"),
        (changed(**{f"{PREFIX}B": 1990.5}), f"'{PREFIX}B' must hold whole years"),
        (changed(**{f"{PREFIX}B": "soon"}), f"'{PREFIX}B' must hold numbers"),
    ],
)
def test_a_users_table_is_checked(rows: pd.DataFrame, said: str) -> None:
    with pytest.raises(InputError, match=said):
        world.panel(rows)


def test_a_users_own_names_and_columns() -> None:
    theirs = world.frame().rename(columns={f"{PREFIX}A": "joined_a", "ccode": "cow"}).assign(ratified=1)
    columns = {"ccode": "cow", f"{PREFIX}A": "joined_a"}
    panel = Panel.from_frame(theirs, outcome="score", name="treaties", columns=columns)
    assert panel.covariates == ()
    assert {"years_since_A", "years_since_B", "years_since_C"} <= set(panel.frame.columns)
    row = panel.frame.iloc[0]
    assert row["years_since_B"] == row["year"] - row[f"{PREFIX}B"]
    assert any("columns of one treaty" in note for note in panel.merge.notes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"treatment": {"names": ["A"]}}, 'two treaties or more; for one take family = "ratification"'),
        ({"treatment": {"names": ["A", "A"]}}, "each treaty once"),
        ({"treatment": {"names": ["A", "B/C"]}}, "'B/C' cannot be the name of a treaty"),
        ({"outcome": {"name": "score", "likelihood": "ordered_probit"}}, "one treaty at a time"),
        ({"regime": {"rule": "before_ratification"}}, "before the first of them opened"),
        ({"groups": [{"name": "country", "correlated": True}]}, "correlated = false"),
        ({"groups": [{"name": "country", "terms": ["ratified"]}]}, "there is no 'ratified'"),
    ],
)
def test_a_card_that_is_not_offered_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        world.card(**changes)


def test_a_panel_of_one_treaty_is_refused() -> None:
    rows = world.frame().rename(columns={f"{PREFIX}A": "ratification_year"})
    with pytest.raises(InputError, match="panel of several treaties"):
        bayes_hr.fit(world.card(), Panel.from_frame(rows, outcome="score"))


# The real panel


@pytest.mark.real_data
def test_the_shipped_card_on_the_real_panel() -> None:
    card = load_card("many_treaties_hrps")
    question = bayes_hr.questions.question_of(card)
    panel = question.panel(card)[0]
    years = panel.frame.drop_duplicates("ccode").set_index("ccode")
    assert years.loc[155, f"{PREFIX}CAT"] == 1988, "Chile"
    assert years.loc[2, f"{PREFIX}CERD"] == 1994, "United States"
    assert np.isnan(years.loc[2, f"{PREFIX}ICESCR"])
    design = question.build(card, panel)
    assert (design.n, design.merge.countries, design.merge.years) == (8_057, 175, (1967, 2018))
    assert not rank_deficient(design)
    table = separation(design).set_index("treaty")
    assert table.loc[["ICCPR", "ICESCR"], "flag"].tolist() == [POOR, POOR], "ratified together"
    assert (table.drop(["ICCPR", "ICESCR"])["flag"] == "").all()
    assert table.loc["ICCPR", "closest"] == "ICESCR"


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"treaties": ["CAT"]}, "two treaties or more"),
        ({"treaties": ["CAT", "CATT"]}, "unknown treaty 'CATT'"),
        ({"treaties": ["CAT", "CAT"]}, "CAT named twice"),
        ({"regime_rule": "before_ratification"}, "one ratification for each"),
    ],
)
def test_panels_that_cannot_be_are_refused(options: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        bayes_hr.load_panel("treaties", **options)
