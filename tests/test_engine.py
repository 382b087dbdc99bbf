"""The NUTS engine on one small simulated world, compiled once for the whole session (40 to 80 s).

Tolerances. Recovery: |truth - posterior mean| < 4 posterior SDs; one world cannot prove calibration, but
a wrong unit, sign or class is off by far more. Agreement of posteriors: |z| < 4 with Monte Carlo errors of
both sides by ArviZ, some 120 means and 5 % and 95 % quantiles, seeds fixed (p(|z| > 4) is 6e-5 each).
Same seed, netCDF: bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pytest
import xarray as xr

from bayes_hr.api import Fit
from bayes_hr.cards import Card, load_card
from bayes_hr.data.panel import Panel
from bayes_hr.data.worlds import World
from bayes_hr.design import Design
from bayes_hr.engines.covariance import covariance_factor
from bayes_hr.engines.nuts import NutsEngine, _shape_key, _wait
from bayes_hr.engines.settings import SamplerSettings
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build, with_ratification_years

Z_MAX = 4.0
HYPER = ["sigma", "rho", "sd_country", "corr_country"]


@dataclass
class Sampled:
    """A world, its card and design, the engine that has compiled it, and a good posterior."""

    world: World
    card: Card
    panel: Panel
    design: Design
    engine: NutsEngine
    settings: SamplerSettings
    tree: xr.DataTree


def settings_of(**changes: Any) -> SamplerSettings:
    few = {"sampler": "nutpie", "form": "auto", "chains": 4, "draws": 1000, "tune": 500, "seed": 3}
    return SamplerSettings(**{**few, "target_accept": 0.9, "cores": 2, **changes})


@pytest.fixture(scope="session")
def sampled(small_world: World, small_fit: Fit, small_engine: NutsEngine) -> Sampled:
    """The small world sampled for longer, by what `small_fit` has compiled."""
    card, panel, settings = load_card("demo_ratification"), simulated_panel(small_world), settings_of()
    design = build(card, panel)
    tree = small_engine.sample(design, settings)
    return Sampled(small_world, card, panel, design, small_engine, settings, tree)


def posterior(tree: xr.DataTree) -> xr.Dataset:
    return tree["posterior"].dataset


def z_of_truth(draws: xr.DataArray, truth: Any) -> np.ndarray:
    at = ("chain", "draw")
    return np.abs((draws.mean(at) - truth) / draws.std(at)).to_numpy()


def free_entries(data: xr.Dataset) -> xr.Dataset:
    """Without the diagonal of the correlation, which is constant, and its mirrored half."""
    r = data["corr_country"].sel(country_term="intercept", country_term_bis="ratified", drop=True)
    return data.drop_vars("corr_country").assign(r=r)


def assert_agree(a: xr.DataTree, b: xr.DataTree, names: list[str]) -> None:
    """Means, 5 % and 95 % quantiles of two posteriors agree within Monte Carlo error."""
    one, two = (free_entries(posterior(t)[[*names, "corr_country"]]) for t in (a, b))
    for summary, kwargs in [("mean", {}), ("quantile", {"prob": 0.05}), ("quantile", {"prob": 0.95})]:
        for name in one.data_vars:
            values, errors = [], []
            for data in (one, two):
                x = data[name]
                errors.append(az.mcse(x, method=summary, **kwargs).to_numpy())
                over = ("chain", "draw")
                centre = x.mean(over) if summary == "mean" else x.quantile(kwargs["prob"], over)
                values.append(centre.to_numpy())
            z = np.abs(values[0] - values[1]) / np.hypot(*errors)
            assert np.max(z) < Z_MAX, (name, summary, kwargs, z)


# ---------------------------------------------------------------- recovery


def test_the_world_is_sampled_well(sampled: Sampled) -> None:
    data = free_entries(posterior(sampled.tree))
    assert float(az.rhat(data).to_array().max()) < 1.02
    assert float(az.ess(data[["tau", "rho", "sigma", "sd_country", "r"]]).to_array().min()) > 400
    assert int(sampled.tree["sample_stats"]["diverging"].sum()) == 0


def test_truths_are_recovered(sampled: Sampled) -> None:
    truth, draws = sampled.world.truth, posterior(sampled.tree)
    tau = [truth.tau[r] for r in draws["regime"].values]
    assert (z_of_truth(draws["tau"], tau) < Z_MAX).all()
    assert z_of_truth(draws["rho"], truth.rho) < Z_MAX
    assert z_of_truth(draws["sigma"], truth.sigma) < Z_MAX
    assert (z_of_truth(draws["sd_country"], list(truth.sd_country)) < Z_MAX).all()
    scale = sampled.design.standardised
    gamma = [truth.gamma[name] * scale[name][1] for name in draws["covariate"].values]
    assert (z_of_truth(draws["gamma"], gamma) < Z_MAX).all()


def test_the_effect_is_found_where_it_is(sampled: Sampled) -> None:
    tau = posterior(sampled.tree)["tau"]
    positive = (tau > 0).mean(("chain", "draw"))
    assert positive.sel(regime="transition") > 0.99
    for regime in ("stable autocracy", "stable democracy"):
        assert 0.02 < positive.sel(regime=regime) < 0.98


def test_country_effects_are_drawn_from_their_conditional(sampled: Sampled) -> None:
    """Integrated effects b_i: within 4 SDs of the truth; from the prior for a country that never switches."""
    truth, draws = sampled.world.truth, posterior(sampled.tree)
    table = truth.countries.set_index("ccode").loc[draws["country"].values]
    b = draws["u_country"].sel(country_term="ratified")
    assert (z_of_truth(b, table["b"].to_numpy()) < Z_MAX).all()
    never = table.index[table["status"] == "never"]
    assert len(never) > 0
    sd = draws["sd_country"].sel(country_term="ratified")
    for ccode in never:
        # E[b^2] = E[sd^2] where the country's own rows say nothing of b but through the correlation
        ratio = float(b.sel(country=ccode).std() / np.sqrt((sd**2).mean()))
        assert 0.7 < ratio < 1.15


def test_a_correlation_that_rounds_to_one_has_a_factor(sampled: Sampled) -> None:
    draws = posterior(sampled.tree).isel(chain=[0], draw=[0]).copy(deep=True)
    draws["corr_country"][:] = 1.0
    at = {str(name): values.values[0, 0] for name, values in draws.data_vars.items()}
    factor = covariance_factor(sampled.design.groups[0], at)
    sd = draws["sd_country"].values[0, 0]
    assert factor @ factor.T == pytest.approx(np.outer(sd, sd), rel=1e-9)


# ---------------------------------------------------------------- seeds, swapped data


def test_same_seed_same_draws_on_one_core_or_two(sampled: Sampled) -> None:
    few = settings_of(chains=2, draws=40, tune=60)
    first, second = (sampled.engine.sample(sampled.design, few) for _ in range(2))
    alone = sampled.engine.sample(sampled.design, replace(few, cores=1))
    other = sampled.engine.sample(sampled.design, replace(few, seed=4))
    xr.testing.assert_identical(posterior(first), posterior(second))
    xr.testing.assert_identical(posterior(first), posterior(alone))
    xr.testing.assert_identical(first["sample_stats"].dataset, second["sample_stats"].dataset)
    for name in ("tau", "u_country"):
        assert (posterior(other)[name] != posterior(first)[name]).all()
    chains = posterior(first)["tau"]
    assert (chains.isel(chain=0) != chains.isel(chain=1)).all()


@pytest.fixture(scope="session")
def swapped_design(sampled: Sampled) -> Design:
    """Another outcome and other ratification years on the same rows."""
    design, rng = sampled.design, np.random.default_rng(11)
    years = rng.choice([1993.0, 1996.0, 1999.0, np.nan], size=len(design.groups[0].levels))
    other = with_ratification_years(design, years, lag=1)
    shift = (
        0.8
        * (design.rows["regime_class"] == "stable democracy")
        * (other.rows["treated"] - design.rows["treated"])
    )
    return replace(other, y=design.y + shift)


@pytest.fixture(scope="session")
def fresh_rows(swapped_design: Design) -> xr.DataTree:
    """The swapped data by a fresh compilation of the definition: rows, country effects sampled."""
    return NutsEngine("nutpie", "rows").sample(swapped_design, settings_of(form="rows", draws=1500))


def test_swapped_data_need_no_compilation_and_give_the_posterior_of_a_fresh_row_model(
    sampled: Sampled, swapped_design: Design, fresh_rows: xr.DataTree
) -> None:
    engine = sampled.engine
    compiled = engine._compiled
    swapped = engine.sample(swapped_design, sampled.settings)
    assert engine._compiled is compiled
    assert swapped.attrs["compile_seconds"] < 2
    assert swapped.attrs["form"] == "integrated"
    assert fresh_rows.attrs["form"] == "rows"
    assert (swapped["observed_data"]["y"].to_numpy() == swapped_design.y).all()
    assert_agree(swapped, fresh_rows, ["alpha", "beta", "gamma", "tau", "year_effect", "sigma", "rho",
                                       "sd_country", "u_country"])  # fmt: skip
    before, after = (posterior(t)["tau"].mean(("chain", "draw")) for t in (sampled.tree, swapped))
    assert abs(float((before - after).max())) > 0.1, "other data, other answer"
    again = engine.sample(sampled.design, sampled.settings)
    xr.testing.assert_identical(posterior(again), posterior(sampled.tree))


def test_what_is_compiled_in_asks_for_another_compilation(sampled: Sampled) -> None:
    card, panel, design = sampled.card, sampled.panel, sampled.design
    key = _shape_key(design, "integrated")
    assert _shape_key(build(card, panel), "integrated") == key
    assert _shape_key(replace(design, y=design.y + 1), "integrated") == key
    changed: list[dict[str, Any]] = [
        {"priors": {"tau": "normal(0, 0.4)"}},
        {"priors": {"tau": "normal(0, 0.500000001)"}},
        {"priors": {"sigma": "exponential(1)"}},
        {"priors": {"rho": "uniform(0, 1)"}},
        {"priors": {"corr_country": "lkj(1)"}},
        {"priors": {"sd_country": {"ratified": "half_normal(0.1)"}}},
        {"outcome": {"centre": 0.1}},
        {"outcome": {"likelihood": "student_t"}},
        {"error": {"kind": "iid"}},
        {"time": {"by": "all"}},
        {"time": {"effects": "pooled"}},
        {"treatment": {"pooling": "partial"}},
        {"where": "year > 1991"},
        {"where": "ccode > 1001"},
        {"population": ["log_gdppc"]},
        {"groups": [{"name": "country", "correlated": False}]},
        {"groups": [{"name": "country", "centred": True}]},
    ]
    keys = [_shape_key(build(card.replace(**c), panel), "integrated") for c in changed]
    assert key not in keys
    assert len(set(keys)) == len(keys)
    assert _shape_key(design, "rows") != key


# ---------------------------------------------------------------- the tree


def test_the_tree_has_the_names_of_the_contract(sampled: Sampled, fresh_rows: xr.DataTree) -> None:
    n_years, n_countries = 15, 30
    expected = {
        "alpha": ((), ()),
        "beta": (("term",), (2,)),
        "gamma": (("covariate",), (3,)),
        "tau": (("regime",), (3,)),
        "year_effect": (("regime", "year"), (3, n_years)),
        "u_country": (("country", "country_term"), (n_countries, 2)),
        "sd_country": (("country_term",), (2,)),
        "corr_country": (("country_term", "country_term_bis"), (2, 2)),
        "sigma": ((), ()),
        "rho": ((), ()),
    }
    for tree, draws in ((sampled.tree, 1000), (fresh_rows, 1500)):
        assert set(tree.children) == {"posterior", "sample_stats", "observed_data", "constant_data"}
        data = posterior(tree)
        assert {str(n): (v.dims[2:], v.shape[2:]) for n, v in data.data_vars.items()} == expected
        assert all(v.dims[:2] == ("chain", "draw") for v in data.data_vars.values())
        assert (data.sizes["chain"], data.sizes["draw"]) == (4, draws)
        for dim, labels in sampled.design.coords().items():
            assert data[dim].values.tolist() == list(labels), dim
        assert np.issubdtype(data["country"].dtype, np.integer)
        assert np.issubdtype(data["year"].dtype, np.integer)
        corr = data["corr_country"].to_numpy()
        assert np.diagonal(corr, axis1=2, axis2=3) == pytest.approx(1.0)
        assert corr == pytest.approx(np.swapaxes(corr, 2, 3))
        stats = tree["sample_stats"].dataset
        assert {
            "diverging",
            "energy",
            "tree_depth",
            "reached_max_treedepth",
            "n_steps",
            "acceptance_rate",
        } <= set(stats.data_vars)
        assert all(v.dims == ("chain", "draw") for v in stats.data_vars.values())
        rows = tree["constant_data"].dataset
        assert {"ccode", "year", "regime_class", "treated", "x_gamma", "x_tau", "z_country"} <= set(
            rows.data_vars
        )
        assert rows.sizes["obs"] == sampled.design.n
        assert (tree.attrs["engine"], tree.attrs["sampler"]) == ("nuts", "nutpie")


def test_the_tree_survives_netcdf(sampled: Sampled, tmp_path: Path) -> None:
    tree = sampled.tree
    tree.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as again:
        for group in tree.children:
            before, after = tree[group].dataset, again[group].dataset.load()
            assert set(before.variables) == set(after.variables)
            for name in before.variables:
                assert before[name].dims == after[name].dims
                assert before[name].to_numpy().tolist() == after[name].to_numpy().tolist() or (
                    np.array_equal(before[name].to_numpy(), after[name].to_numpy(), equal_nan=True)
                ), name
        assert {k: v for k, v in again.attrs.items() if k in tree.attrs} == tree.attrs


# ---------------------------------------------------------------- progress and interruption


def test_progress_is_told_from_the_callers_thread_and_ends_complete(sampled: Sampled) -> None:
    import threading

    heard: list[tuple[int, int, int]] = []
    sampled.engine.sample(
        sampled.design,
        settings_of(chains=2, draws=50, tune=50),
        lambda done, total: heard.append((done, total, threading.get_ident())),
    )
    assert heard[-1][:2] == (200, 200)
    assert [h[0] for h in heard] == sorted(h[0] for h in heard)
    assert {h[2] for h in heard} == {threading.get_ident()}


def test_an_interruption_cancels_the_chains_and_is_passed_on() -> None:
    class Background:
        cancelled = False
        is_finished = False

        def wait(self, timeout: float | None = None) -> None:
            raise KeyboardInterrupt

        def cancel(self) -> None:
            self.cancelled = True

    background = Background()
    with pytest.raises(KeyboardInterrupt):
        _wait(background, {"done": 0}, 10, None)
    assert background.cancelled


# ---------------------------------------------------------------- PyMC's own sampler


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", ["gaussian", "student_t"])
def test_pymc_samples_the_same_posterior(sampled: Sampled, likelihood: str) -> None:
    card = sampled.card.replace(outcome={"likelihood": likelihood})
    design = build(card, sampled.panel)
    ours = NutsEngine("nutpie").sample(design, settings_of())
    theirs = NutsEngine("pymc").sample(design, settings_of(sampler="pymc", chains=2, draws=1000))
    assert set(posterior(ours).data_vars) == set(posterior(theirs).data_vars)
    assert set(ours["sample_stats"].data_vars) == set(theirs["sample_stats"].data_vars)
    for name in posterior(ours).data_vars:
        assert posterior(ours)[name].dims == posterior(theirs)[name].dims
    assert_agree(ours, theirs, ["tau", "sigma", "rho", "sd_country", "gamma"])
