"""Simulation-based calibration: exact bands, exact and wrong samplers of a conjugate toy, resuming, CLI.

The toy is a design with one normal mean (alpha ~ N(0, 1); sigma uniform within .1 % of 1, so known in effect)
whose posterior is drawn directly; its ranks go the way of any engine's.  Seeds are fixed.  Monte Carlo
tolerances are four standard errors of the numbers that each test states.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from crossed import crossed_design

import bayes_hr
from bayes_hr import fitting
from bayes_hr.calibration import of_card
from bayes_hr.calibration.bands import (
    binomial_band,
    counts_below,
    probability_inside,
    simultaneous_band,
    uniformity_p_value,
)
from bayes_hr.calibration.of_card import CardSampler, calibrate
from bayes_hr.calibration.quantities import JOINT, quantities
from bayes_hr.calibration.result import ALPHA, CALIBRATION, Calibration
from bayes_hr.calibration.running import job_of, run
from bayes_hr.calibration.small_designs import small_design, some_rows
from bayes_hr.calibration.truths import draw_truth, joint, with_outcome
from bayes_hr.calibration.worlds import ranks, simulated_world
from bayes_hr.cards import Card, load_card
from bayes_hr.data.merge import MergeReport
from bayes_hr.data.worlds import World
from bayes_hr.design import CutPoints, Design, ErrorStructure, PopulationTerm
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.errors import InputError, TaskFailureError
from bayes_hr.fitting import resolved_card
from bayes_hr.kernels import row_order
from bayes_hr.priors import Prior, parse_prior
from bayes_hr.progress import silent
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.simulation import prior_draws
from bayes_hr.storage import atomic_folder

ROWS, WORLDS = 5, 100
Run = Callable[..., tuple[int, str, str]]


def prior(text: str) -> Prior:
    return parse_prior(text, where="test")


def toy_design() -> Design:
    order = row_order(np.arange(ROWS), np.zeros(ROWS, int))
    return Design(
        y=np.full(ROWS, np.nan),
        population=(PopulationTerm("alpha", (), {}, prior("normal(0, 1)"), np.ones((ROWS, 1))),),
        groups=(),
        error=ErrorStructure("iid", "gaussian", "country", order, prior("uniform(0.999, 1.001)"), None, None),
        rows={"ccode": np.arange(ROWS), "year": np.zeros(ROWS, int)},
        unit=1.0,
        centre=0.0,
        standardised={},
        merge=MergeReport(ROWS, (), ROWS, ROWS, (0, 0)),
    )


@dataclass(frozen=True)
class Conjugate:
    """Independent draws from the posterior of the toy, with its SD and mean made wrong on request."""

    narrow: float = 1.0
    shift: float = 0.0
    prior_only: bool = False
    log: str = ""
    stop_after: int = 10**9

    def __call__(self, design: Design, seed: int) -> xr.DataTree:
        if self.log:
            with Path(self.log).open("a") as stream:
                stream.write(f"{seed}\n")
            if len(Path(self.log).read_text().split()) > self.stop_after:
                raise KeyboardInterrupt
        rng = np.random.default_rng(seed)
        variance = 1.0 / (1.0 + design.n)
        mean, sd = (0.0, 1.0) if self.prior_only else (variance * design.y.sum(), np.sqrt(variance))
        alpha = mean + self.shift * sd + self.narrow * sd * rng.standard_normal((2, 180))
        draws = {"alpha": (("chain", "draw"), alpha)}
        draws["sigma"] = (("chain", "draw"), rng.uniform(0.999, 1.001, (2, 180)))
        return xr.DataTree.from_dict({"posterior": xr.Dataset(draws)})


def calibrated(sample: Conjugate, worlds: int = WORLDS, **options: object) -> Calibration:
    return run(toy_design(), sample, worlds=worlds, seed=3, progress=silent, **options)


# Bands


def test_probability_inside_is_that_of_all_outcomes_counted() -> None:
    n, bins = 4, 3
    outcomes = np.array(list(itertools.product(range(bins), repeat=n)))
    lower, upper = np.array([0, 2]), np.array([2, 4])
    counts = np.array([counts_below(o, bins) for o in outcomes])
    share = np.mean(((counts >= lower) & (counts <= upper)).all(1))
    assert probability_inside(lower, upper, n) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize("n", [40, 200])
def test_the_band_holds_uniform_ranks_as_often_as_it_says(n: int) -> None:
    prob = 0.9
    lower, upper = simultaneous_band(n, 100, prob)
    exact = probability_inside(lower, upper, n)
    assert prob <= exact < prob + 0.03, "the smallest band of its kind that reaches it"
    rng, sets = np.random.default_rng(1), 4000
    counts = np.array([counts_below(rng.integers(0, 100, n), 100) for _ in range(sets)])
    share = np.mean(((counts >= lower) & (counts <= upper)).all(1))
    assert abs(share - exact) < 4 * np.sqrt(exact * (1 - exact) / sets)


def test_the_p_value_leaves_the_band_exactly_at_its_level() -> None:
    rng, n, alpha = np.random.default_rng(2), 60, 0.2
    lower, upper = simultaneous_band(n, 100, 1 - alpha)
    for k in range(200):
        sample = rng.integers(0, 100, n) if k % 2 else np.minimum(rng.binomial(110, 0.5, n), 99)
        counts = counts_below(sample, 100)
        inside = bool(np.all((counts >= lower) & (counts <= upper)))
        assert inside == (uniformity_p_value(sample, 100) > alpha)


def test_binomial_band() -> None:
    assert binomial_band(200, 0.5, 0.95) == (86 / 200, 114 / 200)


# Ranks


def test_ranks_of_truths_between_and_beside_draws() -> None:
    draws = np.arange(198.0).reshape(2, 99, 1) + np.zeros(3)
    rng = np.random.default_rng(0)
    assert ranks(draws, np.array([-1.0, 98.5, 500.0]), rng).tolist() == [0, 49, 99]


def test_ties_are_broken_at_random() -> None:
    draws, truth = np.zeros((2, 100, 4000)), np.zeros(4000)
    found = ranks(draws, truth, np.random.default_rng(0))
    assert uniformity_p_value(found, 100) > 0.01
    assert (found.min(), found.max()) == (0, 99)


def test_too_few_draws_and_draws_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="98 posterior draws"):
        ranks(np.zeros((2, 49, 1)), np.zeros(1), np.random.default_rng(0))
    with pytest.raises(ValueError, match="not finite"):
        simulated_world(0, 1, design=toy_design(), sample=Conjugate(shift=np.nan))


# Truths and quantities


def test_truths_are_those_of_the_prior_draws() -> None:
    """Means of squares over 2,000 draws of either, for each population term, group effect and error."""
    design, n = crossed_design(), 2000

    def squares(draws: list) -> np.ndarray:
        parts = [
            [np.mean(v**2) for v in (*d.population.values(), *d.groups.values(), d.sigma, d.rho, d.sd_serial)]
            for d in draws
        ]
        return np.array(parts)

    ours = squares([draw_truth(design, np.random.default_rng(i)).draw for i in range(n)])
    theirs = squares(list(prior_draws(design, np.random.default_rng(n), n)))
    error = np.sqrt(ours.var(0) / n + theirs.var(0) / n)
    assert np.all(np.abs(ours.mean(0) - theirs.mean(0)) < 4 * error)


def test_hyperparameters_of_a_truth_are_those_of_its_effects() -> None:
    group = crossed_design().groups[0]
    wide = replace(group, levels=tuple(range(20_000)))
    truth = draw_truth(replace(crossed_design(), groups=(wide,)), np.random.default_rng(1)).values
    sd, corr = truth["sd_state"], truth["corr_state"]
    assert np.allclose(np.cov(truth["u_state"].T), sd[:, None] * corr * sd, atol=0.05 * sd.max() ** 2)
    assert np.allclose(np.diag(corr), 1.0)


def test_partially_pooled_terms_have_their_mean_and_sd() -> None:
    term = PopulationTerm(
        "tau",
        ("regime",),
        {"regime": tuple(range(5000))},
        prior("normal(0, 1)"),
        np.zeros((ROWS, 5000)),
        sd=prior("half_normal(1)"),
    )
    truth = draw_truth(replace(toy_design(), population=(term,)), np.random.default_rng(0)).values
    assert abs(truth["tau"].mean() - truth["mu_tau"]) < 4 * truth["sd_tau"] / np.sqrt(5000)
    assert truth["tau"].std() == pytest.approx(float(truth["sd_tau"]), rel=0.05)


def test_quantities_of_a_crossed_design() -> None:
    design = crossed_design()
    listed = quantities(design)
    labels = [q.label for q in listed]
    assert len(set(labels)) == len(labels)
    assert {"beta[before]", "sd_state[before]", "corr_igo[before, before_slope]"} <= set(labels)
    assert {"sd_state_year", "rho", "sigma", JOINT} <= set(labels)
    assert {"u_state[10, before]", "u_state[12, before]", "u_state[14, before]"} <= set(labels)
    years = [q for q in listed if q.kind == "year effect"]
    assert [q.index for q in years] == [(0,), (4,), (7,)], "of eight, the first, the middle and the last"


def test_the_joint_quantity_is_the_density_of_the_rows() -> None:
    from scipy import stats

    years = np.array([0, 1, 3, 0, 2])
    error = ErrorStructure(
        "ar1",
        "gaussian",
        "country",
        row_order(np.array([0, 0, 0, 1, 1]), years),
        prior("half_normal(1)"),
        prior("uniform(-1, 1)"),
        None,
    )
    design = replace(toy_design(), error=error)
    values = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        truth = draw_truth(design, rng)
        world = with_outcome(design, truth, rng)
        gap = np.abs(years[:, None] - years).astype(float)
        gap[:3, 3:] = gap[3:, :3] = np.inf
        d = truth.draw
        covariance = d.sigma**2 / (1 - d.rho**2) * np.where(np.isinf(gap), 0.0, d.rho ** np.minimum(gap, 9))
        exact = stats.multivariate_normal(np.full(ROWS, d.population["alpha"][0]), covariance).logpdf(world.y)
        values.append(joint(world, d) - exact)
    assert values[0] == pytest.approx(values[1])


def test_ordered_categories_have_cut_points_and_an_exact_joint_quantity() -> None:
    from scipy import stats

    cuts = CutPoints(prior("normal(0, 1)"), prior("normal(0, 0.5)"), ("low", "middle", "high"))
    error = replace(toy_design().error, likelihood="ordered_probit", sigma=None, cuts=cuts)
    design = replace(toy_design(), error=error)
    labels = [q.label for q in quantities(design)]
    assert labels == ["alpha", "cutpoint[low|middle]", "cutpoint[middle|high]", JOINT]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        truth = draw_truth(design, rng)
        world = with_outcome(design, truth, rng)
        assert set(world.y) <= {0.0, 1.0, 2.0}
        edges = np.r_[-np.inf, truth.values["cutpoint"], np.inf] - truth.values["alpha"]
        p = np.diff(stats.norm.cdf(edges))[world.y.astype(int)]
        assert joint(world, truth.draw) == pytest.approx(np.log(p).sum())


# Samplers, right and wrong


def test_an_exact_sampler_is_in_band_and_covers() -> None:
    found = calibrated(Conjugate())
    assert found.passed
    assert found.verdict.status == "PASS", found.verdict.to_text()
    assert found.table["quantity"].tolist() == ["alpha", "sigma", JOINT]
    assert found.ranks.shape == (WORLDS, 3)
    low, high = found.coverage_band(0.89)
    assert low < 0.89 < high
    assert found.table["coverage_89"].between(low, high).all()
    assert (found.table["bias_z"].abs() < 3).all()
    assert found.table["contraction"][0] == pytest.approx(1 - 1 / 6, abs=0.05)
    assert found.level == 1 - ALPHA / 3


@pytest.mark.parametrize(
    ("wrong", "out", "sees"),
    [
        (Conjugate(narrow=0.6), "alpha", lambda row: row["coverage_89"] < 0.8 and row["z_sd"] > 1.3),
        (Conjugate(shift=0.5), "alpha", lambda row: row["bias_z"] > 5),
        (Conjugate(prior_only=True), JOINT, lambda row: row["p_value"] < 1e-6),
    ],
    ids=["too narrow", "biased", "the prior"],
)
def test_wrong_samplers_are_out_of_band(wrong: Conjugate, out: str, sees: Callable[[object], bool]) -> None:
    found = calibrated(wrong, worlds=60)
    rows = found.table.set_index("quantity")
    assert not found.passed
    assert found.verdict.status == "FAIL"
    assert not rows.loc[out, "in_band"]
    assert sees(rows.loc[out])
    assert rows.loc["sigma", "in_band"], "what is right stays in its band"
    if wrong.prior_only:
        assert rows.loc["alpha", "in_band"], "parameters alone cannot find this"


def test_slow_mixing_and_chains_apart_are_counted() -> None:
    class Slow(Conjugate):
        def __call__(self, design: Design, seed: int) -> xr.DataTree:
            tree = super().__call__(design, seed)
            alpha = tree["posterior"]["alpha"].values
            alpha[:, :] = np.repeat(alpha[:, ::12], 12, axis=1) + np.array([[0.0], [5.0]])
            return tree

    found = calibrated(Slow(), worlds=4)
    row = found.table.set_index("quantity").loc["alpha"]
    assert (row["few_draws"], row["not_converged"]) == (4, 4)
    assert found.facts["worlds_with_few_draws"] == 4
    text = found.verdict.to_text()
    assert "too few independent draws (bulk ESS under 198) in 4 of 4 worlds" in text
    assert "R-hat above 1.05 in 4 of 4 worlds" in text


# The task runner


def test_a_killed_run_goes_on_where_it_ended(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "worlds"
    with pytest.raises(KeyboardInterrupt):
        calibrated(Conjugate(log=str(log), stop_after=4), worlds=8, folder=folder)
    assert len(list(folder.glob("task-*.json"))) == 4
    log.unlink()
    found = calibrated(Conjugate(log=str(log)), worlds=8, folder=folder)
    assert len(log.read_text().split()) == 4, "only what was unfinished"
    assert found.ranks.equals(calibrated(Conjugate(), worlds=8).ranks)
    more = calibrated(Conjugate(log=str(log)), worlds=9, folder=folder)
    assert len(log.read_text().split()) == 5
    assert more.ranks[:8].equals(found.ranks)
    with pytest.raises(InputError, match="another job"):
        calibrated(Conjugate(), worlds=8, folder=folder, context="other settings")


def test_a_world_that_fails_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    with pytest.raises(TaskFailureError, match="3 of 3 worlds tasks failed"):
        calibrated(Conjugate(shift=np.inf), worlds=3, folder=tmp_path)


def test_the_job_is_the_design_without_its_outcome() -> None:
    design = crossed_design()
    assert job_of(design, "") == job_of(replace(design, y=design.y + 1.0), "")
    assert job_of(design, "") != job_of(design, "nuts")
    error = replace(design.error, sigma=prior("half_normal(0.7)"))
    assert job_of(design, "") != job_of(replace(design, error=error), "")


def test_the_time_is_foretold_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bayes_hr"):
        calibrated(Conjugate(), worlds=5)
    told = [r.getMessage() for r in caplog.records]
    assert len([t for t in told if "for the other 4 (workers: 1)" in t]) == 1


# Saved and reported


def test_saved_with_figure_and_page(tmp_path: Path) -> None:
    found = calibrated(Conjugate(narrow=0.6), worlds=120)
    out = found.save(tmp_path / "out")
    assert {path.name for path in out.iterdir()} == CALIBRATION.files
    told = json.loads((out / "calibration.json").read_text())
    assert (told["passed"], told["worlds"], told["verdict"]) == (False, 120, "FAIL")
    assert len(told["quantities"]) == 3
    assert len((out / "ranks.csv").read_text().splitlines()) == 121
    page = (out / "report.html").read_text()
    assert "<script" not in page
    assert 'src="http' not in page
    for text in ("<h1", "FAIL", "alpha", "Talts", "fig-ecdf", "may be off by up to"):
        assert text in page
    assert (out / "ecdf.svg").read_text().count("<svg") == 1
    (out / "notes.txt").write_text("mine")
    found.save(out)
    assert (out / "notes.txt").read_text() == "mine"


def test_neither_a_fit_nor_a_calibration_replaces_the_other(tmp_path: Path) -> None:
    found = calibrated(Conjugate(), worlds=3)
    with atomic_folder(tmp_path / "fit") as work:
        (work / "provenance.json").write_text("{}")
    with pytest.raises(InputError, match="no calibration of ours"):
        found.save(tmp_path / "fit")
    found.save(tmp_path / "calibration")
    with pytest.raises(InputError, match="no fit of ours"), atomic_folder(tmp_path / "calibration"):
        pass


# A card


def test_rows_of_a_few_units() -> None:
    unit = np.repeat([4, 7, 9], [3, 20, 20])
    rng = np.random.default_rng(0)
    together = some_rows(unit, units=3, rows=5, run=True, rng=rng)
    assert np.bincount(unit[together])[[4, 7, 9]].tolist() == [3, 5, 5]
    assert np.all(np.diff(together[unit[together] == 9]) == 1)
    apart = some_rows(unit, units=2, rows=5, run=False, rng=rng)
    assert len(np.unique(unit[apart])) == 2
    assert np.all(np.diff(apart) > 0)


def test_a_small_design_keeps_lags_and_priors_of_the_card(small_world: World) -> None:
    card = load_card("demo_ratification").replace(
        population=[{"name": "log_gdppc", "lag": 1}], where="year >= 1992"
    )
    small = small_design(card, simulated_panel(small_world), units=12, rows=6, seed=1)
    assert small.units == (12, 30)
    assert small.rows[0] == small.design.n == 72, "no row is lost to a lag within the subset"
    assert np.mean(small.design.error.order.gap <= 1) > 0.9, "AR(1) errors: a run of rows"
    assert small.design.rows["year"].min() >= 1992
    again = small_design(card, simulated_panel(small_world), units=12, rows=6, seed=1)
    assert job_of(small.design, "") == job_of(again.design, "")


def test_a_small_design_of_dyads() -> None:
    card = load_card("demo_convergence")
    panel = bayes_hr.simulate.convergence(seed=1).panel
    small = small_design(card, panel, units=8, rows=12, seed=0)
    assert small.unit == "state"
    assert small.design.n == 96
    assert len(np.unique(small.design.rows["dyad"])) > 8, "rows of several IGOs"


@pytest.fixture
def toy_engine(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Draws from the prior in place of sampling; notes the seeds that were asked for."""
    seeds: list[int] = []

    def sample(self: NutsEngine, design: Design, settings: object, progress: object = None) -> xr.DataTree:
        seeds.append(settings.seed)
        rng = np.random.default_rng(settings.seed)
        draws = [draw_truth(design, rng).values for _ in range(120)]
        data = {
            name: ((("chain", "draw"), *(f"{name}_{i}" for i in range(value.ndim))), value)
            for name, value in draws[0].items()
        }
        stacked = {
            name: (("chain", "draw", *dims[1:]), np.stack([d[name] for d in draws])[None])
            for name, (dims, _) in data.items()
        }
        return xr.DataTree.from_dict({"posterior": xr.Dataset(stacked)})

    monkeypatch.setattr(NutsEngine, "sample", sample)
    monkeypatch.setattr(of_card, "_ENGINES", {})
    return seeds


FEW = [
    "--worlds",
    "3",
    "--units",
    "6",
    "--rows-per-unit",
    "5",
    "--draws",
    "120",
    "--tune",
    "10",
    "--engine",
    "nuts",
]


@pytest.fixture
def own_card(tmp_path: Path) -> Path:
    """A card with few quantities, since figures of many take seconds."""
    card = load_card("demo_ratification").replace(id="own", time={"effects": "none"}, population=[])
    (tmp_path / "own.toml").write_text(card.to_toml())
    return tmp_path / "own.toml"


def test_the_command(
    run: Run, tmp_path: Path, own_card: Path, toy_engine: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("calibrate", own_card, *FEW)
    assert code in {0, 1}
    assert code == int("OUT" in out)
    assert "The worlds stand on 30 of the card's" in out
    assert "6 of 120 countries at random" in out
    assert "for the other 2 (workers: 1); if stopped, the same call goes on from there" in err
    folder = tmp_path / "runs/calibration-own"
    assert {path.name for path in folder.iterdir()} == CALIBRATION.files
    assert len(toy_engine) == 3
    page = (folder / "report.html").read_text()
    assert "bayes-hr calibrate own --worlds 3 --units 6 --rows-per-unit 5" in page
    run("calibrate", own_card, *FEW)
    assert len(toy_engine) == 3, "nothing is run twice"
    few = {"worlds": 3, "units": 6, "rows_per_unit": 5, "draws": 120, "tune": 10, "seed": 4, "engine": "nuts"}
    calibrate(own_card, folder=folder.parent / f".{folder.name}-worlds", progress=silent, **few)
    assert len(toy_engine) == 6, "another job has another folder"


def test_an_interrupted_command_is_exit_code_130_and_goes_on(
    run: Run, tmp_path: Path, own_card: Path, toy_engine: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    draws, out = NutsEngine.sample, tmp_path / "out"

    def interrupted(*args: object) -> xr.DataTree:
        if len(toy_engine) == 2:
            raise KeyboardInterrupt
        return draws(*args)

    monkeypatch.setattr(NutsEngine, "sample", interrupted)
    assert run("calibrate", own_card, *FEW, "--out", out)[0] == 130
    assert not out.exists()
    assert len(list(tmp_path.glob(".out-worlds/*/task-*.json"))) == 2
    monkeypatch.setattr(NutsEngine, "sample", draws)
    assert run("calibrate", own_card, *FEW, "--out", out)[0] in {0, 1}
    assert len(toy_engine) == 3


def test_out_of_band_is_exit_code_1(
    run: Run, tmp_path: Path, own_card: Path, toy_engine: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Calibration, "passed", property(lambda _: False))
    assert run("calibrate", own_card, *FEW, "--out", tmp_path / "out")[0] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--worlds", "1"], "worlds = 1 must be 2 or more"),
        (["--units", "1"], "units = 1 must be 2 or more"),
        (["--draws", "50"], "are 100 draws; ranks among 99"),
        (["--engine", "stan"], "engine"),
        (["--workers", "0"], "workers = 0"),
        (["--panel", "no.csv"], "no.csv"),
    ],
)
def test_bad_input_is_refused_before_sampling(
    run: Run, tmp_path: Path, toy_engine: list[int], options: list[str], message: str
) -> None:
    code, out, err = run("calibrate", "demo_ratification", "--out", tmp_path / "out", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert not toy_engine
    assert not (tmp_path / "out").exists()


def test_a_folder_with_a_fit_is_refused_before_sampling(
    run: Run, tmp_path: Path, toy_engine: list[int]
) -> None:
    (tmp_path / "fit").mkdir()
    (tmp_path / "fit/fit.nc").write_text("draws")
    code, _, err = run("calibrate", "demo_ratification", "--out", tmp_path / "fit", *FEW)
    assert code == 2
    assert "no calibration of ours" in err
    assert not toy_engine


def test_settings_decide_the_context_but_a_seed_does_not() -> None:
    card = resolved_card(load_card("demo_ratification"), draws=300)
    assert CardSampler(card).context == CardSampler(card.replace(fit={"seed": 5})).context
    assert CardSampler(card).context != CardSampler(card.replace(fit={"draws": 400})).context


def test_auto_is_the_engine_that_a_fit_of_all_rows_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def with_engine(card: Card, design: Design) -> Card:
        asked.append(design.n)
        raise InputError("seen")

    monkeypatch.setattr(fitting, "with_engine", with_engine)
    with pytest.raises(InputError, match="seen"):
        calibrate("demo_ratification", worlds=2, units=8, rows_per_unit=12)
    assert asked == [3403]


def test_calibrate_is_public() -> None:
    assert bayes_hr.calibrate is calibrate


def test_two_worlds_with_the_real_engine_in_two_processes(tmp_path: Path) -> None:
    """An engine sent to workers: everything can be pickled, and the number of workers does not matter."""
    options = {
        "worlds": 2,
        "units": 8,
        "rows_per_unit": 4,
        "draws": 120,
        "tune": 60,
        "progress": silent,
        "engine": "nuts",
    }
    card = load_card("demo_ratification").replace(time={"effects": "none"}, population=[])
    two = calibrate(card, **options, workers=2)
    assert two.facts["engine"]["engine"] in {"gibbs", "nuts"}
    assert two.ranks.shape[0] == 2
    assert two.ranks.equals(calibrate(card, **options, folder=tmp_path).ranks)
