"""The blocks of a crossed design: against a dense multivariate normal, the PyMC row model, and its posterior.

Tolerances: values are exact up to rounding (1e-8 of some hundreds); finite differences carry 1e-5.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crossed import crossed_design, effect_columns, serial_covariance
from scipy.stats import multivariate_normal

from bayes_hr.engines.block_model import BlockModel
from bayes_hr.engines.blocks import BlockDensity
from bayes_hr.engines.covariance import covariance, size
from bayes_hr.engines.nuts import NutsEngine
from bayes_hr.engines.settings import SamplerSettings
from bayes_hr.engines.signed import SignedDensity
from bayes_hr.engines.unit_blocks import draw, moments
from bayes_hr.errors import InputError
from bayes_hr.forms import blocks_of, chosen_form
from bayes_hr.simulation import ParameterDraw, draw_unit_years

CASES = {
    "all": {},
    "no state-years": {"serial": False},
    "signs and negative rho": {"signs": True, "seed": 3},
    "independent terms": {"correlated": False, "terms": 2, "seed": 5},
    "extreme correlations": {"corr": "lkj(0.5)", "serial": False, "seed": 7},
}
SIGMA, SD = 0.25, 0.4


def factors_of(model: BlockModel, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [
        np.linalg.cholesky(0.1 * np.atleast_2d(np.cov(rng.standard_normal((len(g.terms), 9)))))
        for g in model.groups
    ]


def rho_of(name: str) -> float:
    return -0.7 if "negative" in name else 0.8


def dense(model: BlockModel, factors: list[np.ndarray], rho: float) -> np.ndarray:
    """Covariance of the rows, in design order."""
    design = model.design
    columns = effect_columns(model, factors)
    out = SIGMA**2 * np.eye(design.n) + columns @ columns.T
    if design.serial is not None:
        K = serial_covariance(design, SD, rho)[np.ix_(design.serial.index, design.serial.index)]
        out += design.serial.loading[:, None] * design.serial.loading * K
    return out


@pytest.mark.parametrize("name", CASES)
def test_integrated_density_is_that_of_the_dense_normal(name: str) -> None:
    model = BlockModel.of(crossed_design(**CASES[name]))
    factors, r = factors_of(model), model.design.y - 1.0
    value = moments(r[model.units.rows], model.units, model.padded(factors), SIGMA, SD, rho_of(name))[0]
    exact = multivariate_normal(np.zeros(r.size), dense(model, factors, rho_of(name))).logpdf(r)
    assert value - 0.5 * r.size * np.log(2 * np.pi) == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_that_of_finite_differences(name: str) -> None:
    density = BlockDensity.of(crossed_design(**CASES[name]))
    x = np.random.default_rng(0).normal(0.0, 0.5, density.size)
    _, gradient = density(x)
    step = 1e-5 * np.eye(density.size)
    numeric = [(density(x + h)[0] - density(x - h)[0]) / 2e-5 for h in step]
    np.testing.assert_allclose(gradient, numeric, atol=1e-5 * np.abs(gradient).max())


@pytest.mark.parametrize("name", ["all", "signs and negative rho"])
def test_draws_have_the_conditional_moments(name: str) -> None:
    design = crossed_design(**CASES[name])
    model, rng = BlockModel.of(design), np.random.default_rng(4)
    factors, r, rho = factors_of(model), design.y - 1.0, rho_of(name)
    V = dense(model, factors, rho)
    own = factors[0]
    first = design.groups[0].index == 0
    cross = np.zeros((len(own), design.n))
    cross[:, first] = own @ own.T @ design.groups[0].Z[first].T
    mean = cross @ np.linalg.solve(V, r)
    cov = own @ own.T - cross @ np.linalg.solve(V, cross.T)
    igo = design.groups[1]
    shared = np.zeros((2, design.n))
    shared[:, igo.index == 0] = factors[2] @ factors[2].T @ igo.Z[igo.index == 0].T
    igo_mean = shared @ np.linalg.solve(V, r)
    K = serial_covariance(design, SD, rho)[:, design.serial.index] * design.serial.loading
    years_mean = K @ np.linalg.solve(V, r)
    draws, igos, years = [], [], []
    for _ in range(4000):
        shapes = model.units.block.shape, (model.units.wide_block.size, 1), model.units.gap.size
        noise = [rng.standard_normal(shape) for shape in shapes]
        c, w, s = draw(r[model.units.rows], model.units, model.padded(factors), SIGMA, SD, rho, *noise)
        draws.append(c[0, : len(own)])
        igos.append(w[:2])
        years.append(s)
    error = 5.0 / np.sqrt(4000)
    assert np.abs(np.mean(draws, axis=0) - mean).max() < error * np.sqrt(np.diag(cov).max())
    assert np.abs(np.cov(np.array(draws).T) - cov).max() < 2 * error * np.diag(cov).max()
    assert np.abs(np.mean(igos, axis=0) - igo_mean).max() < error * np.abs(factors[2]).max()
    assert np.abs(np.mean(years, axis=0) - years_mean).max() < error * SD


def test_unit_years_given_the_rest_have_the_conditional_moments() -> None:
    design = crossed_design()
    at = ParameterDraw({}, {}, sigma=SIGMA, rho=0.8, nu=None, sd_serial=SD)
    r, rng = design.y - 1.0, np.random.default_rng(8)
    K = serial_covariance(design, SD, 0.8)
    H = np.zeros((design.n, len(K)))
    H[np.arange(design.n), design.serial.index] = design.serial.loading
    gain = K @ H.T @ np.linalg.inv(H @ K @ H.T + SIGMA**2 * np.eye(design.n))
    mean, cov = gain @ r, K - gain @ H @ K
    draws = np.array([draw_unit_years(rng, design, at, r) for _ in range(4000)])
    assert np.abs(draws.mean(0) - mean).max() < 5 * SD / np.sqrt(4000)
    assert np.abs(np.cov(draws.T) - cov).max() < 10 * SD**2 / np.sqrt(4000)


@pytest.mark.parametrize("name", ["no state-years", "signs and negative rho", "extreme correlations"])
def test_density_is_the_row_models_with_the_effects_integrated_out(name: str) -> None:
    """log p(y, theta) = log p(y, theta, effects) - log p(effects | y, theta), whatever the effects are.

    The left side is the hand-written density, the joint one is PyMC's, the conditional a dense Gaussian:
    so priors, Jacobians and likelihood all agree.
    """
    design = crossed_design(**CASES[name])
    density = BlockDensity.of(design)
    x = np.random.default_rng(2).normal(0.0, 0.3, density.size)
    assert integrated_by_hand(density, x) == pytest.approx(joint_less_conditional(density, x), abs=1e-6)


def integrated_by_hand(density: BlockDensity, x: np.ndarray) -> float:
    """The density without the Jacobians of its coordinates."""
    at, serial = density.target.mean.size, density.design.serial is not None
    logits = [] if not serial else [x[at + 2]]
    years = [np.log(density.expand(x)["sd_state_year"])] if serial else []
    logs, k = [x[at], *years], at + 1 + 2 * serial
    for g in density.design.groups:
        q = len(g.terms)
        logs += list(x[k : k + q])
        logits += list(x[k + q : k + size(g)])
        k += size(g)
    share = 1.0 / (1.0 + np.exp(-np.array(logits)))
    jacobian = np.sum(logs) + np.sum(np.log(share * (1 - share)))
    scale = np.log(np.abs(np.diag(density.target.whitening))).sum()
    if serial:
        lower, upper = density.design.serial.rho.values
        jacobian += np.log(upper - lower)
    return density(x)[0] - jacobian - scale


def joint_less_conditional(density: BlockDensity, x: np.ndarray) -> float:
    """The same from PyMC's joint density of the row form and the dense conditional of the effects."""
    from bayes_hr.pymc_models import build_model

    design = density.design
    parameters = density.expand(x)
    rng = np.random.default_rng(3)
    values = {"coefficient": np.concatenate([np.ravel(parameters[t.name]) for t in design.population])}
    values["sigma"] = parameters["sigma"]
    at = density.target.mean.size + 1 + 2 * (design.serial is not None)
    z = {g.name: rng.standard_normal((len(g.levels), len(g.terms))) for g in design.groups}
    for g in design.groups:
        point = covariance(g, x[at : at + size(g)])
        at += size(g)
        for k, term in enumerate(g.terms):
            values[f"sd_{g.name}_{term}"] = point.sd[k]
            values[f"z_{g.name}_{term}"] = z[g.name][:, k]
        if g.corr is not None:
            for i in range(1, len(g.terms)):
                values |= {f"partial_{g.name}_{i}{j}": (point.partial[i, j] + 1) / 2 for j in range(i)}
    s = np.zeros(0)
    if design.serial is not None:
        s = 0.3 * rng.standard_normal(design.serial.order.first.size)
        values |= {"sd_state_year": parameters["sd_state_year"], "rho": parameters["rho"], "z_state_year": s}
    joint = joint_density(build_model(design, "rows"), values)
    return joint - conditional_density(density, parameters, z, s)


def joint_density(model: object, values: dict[str, np.ndarray]) -> float:
    point = {}
    for rv in model.free_RVs:
        transform = model.rvs_to_transforms[rv]
        value = np.asarray(values[rv.name], dtype=float)
        if transform is not None:
            value = transform.forward(value, *rv.owner.inputs).eval()
        point[model.rvs_to_values[rv].name] = value
    return float(model.compile_logp(jacobian=False)(point))


def conditional_density(
    density: BlockDensity, parameters: dict[str, np.ndarray], z: dict[str, np.ndarray], s: np.ndarray
) -> float:
    """Log density of all z's and of the unit-years given outcome and parameters."""
    from bayes_hr.engines.covariance import covariance_factor

    design, model = density.design, density.model
    b = [parameters[t.name] for t in design.population]
    eta = sum(t.predict(np.ravel(v)) for t, v in zip(design.population, b, strict=True))
    columns = effect_columns(model, [covariance_factor(g, parameters) for g in model.groups])
    precision, effects = np.eye(columns.shape[1]), np.concatenate([z[g.name].ravel() for g in model.groups])
    if design.serial is not None:
        own = np.zeros((design.n, s.size))
        own[np.arange(design.n), design.serial.index] = design.serial.loading
        K = serial_covariance(design, float(parameters["sd_state_year"]), float(parameters["rho"]))
        columns, effects = np.c_[columns, own], np.r_[effects, s]
        zero = np.zeros((len(precision), len(K)))
        precision = np.block([[precision, zero], [zero.T, np.linalg.inv(K)]])
    s2 = float(parameters["sigma"]) ** 2
    precision = precision + columns.T @ columns / s2
    mean = np.linalg.solve(precision, columns.T @ (design.y - eta) / s2)
    return float(multivariate_normal(mean, np.linalg.inv(precision)).logpdf(effects))


@pytest.mark.slow
def test_posterior_is_that_of_the_row_model() -> None:
    """Both ways to sample the same posterior: means within Monte Carlo error, spreads within 10 %.

    Slow, and not needed once density and draws are proved exact above: a check of the whole way through.
    """
    from bayes_hr.estimands.summary import diagnostics

    design = crossed_design(10, 4, 12, terms=2)
    settings = SamplerSettings("nutpie", "auto", 4, 2000, 1000, 1, 0.95, 2)
    by_hand = NutsEngine("nutpie", "integrated").sample(design, settings)
    rows = NutsEngine("nutpie", "rows").sample(design, settings)
    assert by_hand.attrs["density"].startswith("hand-written")
    a, b = by_hand["posterior"].dataset, rows["posterior"].dataset
    assert set(a.data_vars) == set(b.data_vars)
    for name in ("beta", "sigma", "sd_state", "sd_dyad", "u_state", "u_dyad"):
        x, y = (np.reshape(p[name].values, (4, 2000, -1)) for p in (a, b))
        error = np.sqrt(sum(diagnostics(v)["mcse_mean"] ** 2 for v in (x, y)))
        z = np.abs(x.mean((0, 1)) - y.mean((0, 1))) / error
        assert z.max() < 4.5, (name, z)
        ratio = x.std((0, 1)) / y.std((0, 1))
        assert np.abs(np.median(ratio) - 1) < 0.1, name


def test_a_design_without_shared_effects() -> None:
    """One group and its dyads, nothing that cuts across units: the density of the dense normal again."""
    design = crossed_design()
    design = replace(design, groups=(design.groups[0], design.groups[2]))
    model = BlockModel.of(design)
    factors, r = factors_of(model), design.y - 1.0
    value = moments(r[model.units.rows], model.units, model.padded(factors), SIGMA, SD, 0.8)[0]
    exact = multivariate_normal(np.zeros(r.size), dense(model, factors, 0.8)).logpdf(r)
    assert value - 0.5 * r.size * np.log(2 * np.pi) == pytest.approx(exact, abs=1e-8)


def test_which_effects_lie_in_blocks() -> None:
    design = crossed_design()
    assert (blocks_of(design).inner, blocks_of(design).outer) == ((0, 2), (1,))
    assert blocks_of(crossed_design(serial=False)).inner == (0, 2)
    assert chosen_form(design, "auto") == "integrated"
    assert chosen_form(design, "auto", "pymc") == "rows"
    with pytest.raises(InputError, match='sampler = "nutpie"'):
        chosen_form(design, "integrated", "pymc")


@pytest.mark.parametrize("name", ["all", "no state-years"])
def test_signed_sds_are_a_change_of_variables(name: str) -> None:
    """Any signs: the log density plus its Jacobian, less 2 to the number of SDs; the same parameters."""
    signed = SignedDensity.of(crossed_design(**CASES[name]))
    x = np.random.default_rng(6).normal(0.0, 0.5, signed.size)
    size = np.arcsinh(np.exp(x[signed.sd]) / signed.scale)
    value = signed.density(x)[0] - np.log(2.0 * np.tanh(size)).sum()
    for seed in range(3):
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], signed.sd.size)
        by_coordinate = dict(zip(signed.sd, signs, strict=True))
        y = x.copy()
        y[signed.sd] = signs * size
        for k, i, j in zip(signed.partial, signed.one, signed.other, strict=True):
            y[k] *= by_coordinate[i] * by_coordinate[j]
        found, gradient = signed(y)
        assert found == pytest.approx(value, abs=1e-9)
        step = 1e-6 * np.eye(signed.size)
        numeric = [(signed(y + h)[0] - signed(y - h)[0]) / 2e-6 for h in step]
        np.testing.assert_allclose(gradient, numeric, atol=1e-5 * np.abs(gradient).max())
        for name, v in signed.density.expand(x).items():
            np.testing.assert_allclose(signed.expand(y)[name], v, err_msg=name)


def test_a_signed_sd_goes_through_zero() -> None:
    """The density is continuous there: the two sides agree, and neither runs off."""
    signed = SignedDensity.of(crossed_design())
    y = np.random.default_rng(7).normal(0.0, 0.5, signed.size)
    below, above = y.copy(), y.copy()
    below[signed.sd[0]], above[signed.sd[0]] = -1e-7, 1e-7
    assert signed(below)[0] == pytest.approx(signed(above)[0], abs=1e-4)
    assert np.isfinite(signed(above)[1]).all()


def test_a_wild_step_is_no_error_but_no_number() -> None:
    density = BlockDensity.of(crossed_design())
    assert not np.isfinite(density(np.full(density.size, 400.0))[0])
