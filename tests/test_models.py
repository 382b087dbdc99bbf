"""PyMC models without sampling: densities against SciPy on dense matrices, which know nothing of the models.

Tolerances. Log densities: 1e-7 relative, since PyTensor evaluates the logarithm of some constants in single
precision (2e-9 a row) and conditioning is below 1e4. Directional derivatives: central differences with step
1e-5 have an error of about 1e-10 |f'''| + 1e-16 |f| / 1e-5, so 1e-6 relative. Integrals: adaptive quadrature
against a grid of 4,001 points over +-60 scales (t_3 leaves 1e-5 of each factor beyond it, less than 1e-9 of
their product), 1e-6; over two missing years a product rule of 26 x 26 points, 1e-3 (a lost Jacobian would be
off by a factor).

Models are evaluated by PyTensor's Python linker without rewrites: 0.1 s a model, not 40 s of compilation.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy import integrate, stats

from bayes_hr.cards import Card, parse_card
from bayes_hr.data.panel import Panel
from bayes_hr.design import Design
from bayes_hr.errors import InputError
from bayes_hr.forms import chosen_form, whitening_of
from bayes_hr.kernels import Whitening
from bayes_hr.pymc_models import build_model, model_data
from bayes_hr.pymc_models.errors import complete_years
from bayes_hr.pymc_models.geometry import Whitened
from bayes_hr.ratification_design import build, with_ratification_years

RTOL = 1e-7
PYTHON = Mode(linker="py", optimizer=None)


def card_of(**changes: Any) -> Card:
    base: dict[str, Any] = {
        "id": "small",
        "question": "Does ratification help here?",
        "outcome": {"name": "score", "scale": 1.0, "centre": 0.0},
        "treatment": {"name": "CAT"},
    }
    return parse_card({**base, **changes}, where="card small")


def frame_with_gaps() -> pd.DataFrame:
    """Five countries of two classes over seven years, with gaps of two and three years; one has one row."""
    rng = np.random.default_rng(4)
    first = {1: 2002, 2: 2004, 3: np.nan, 4: 2003, 5: 2001}
    gone = {1: [2003], 2: [2001, 2002], 3: [2001, 2005], 4: [], 5: [2000, 2001, 2002, 2004, 2005, 2006]}
    rows = [
        (c, y, rng.normal(), r, "transition" if c <= 3 else "stable democracy", rng.normal())
        for c, r in first.items()
        for y in range(2000, 2007)
        if y not in gone[c]
    ]
    return pd.DataFrame(rows, columns=["ccode", "year", "score", "ratification_year", "regime", "gdp"])


def design_of(**changes: Any) -> Design:
    frame = changes.pop("frame", None)
    panel = Panel.from_frame(frame_with_gaps() if frame is None else frame, outcome="score")
    return build(card_of(population=["gdp"], **changes), panel)


def point_of(model: pm.Model, seed: int = 0) -> dict[str, np.ndarray]:
    """A random point in the sampler's coordinates."""
    rng = np.random.default_rng(seed)
    return {k: v + 0.6 * rng.normal(size=v.shape) for k, v in model.initial_point().items()}


def evaluator(model: pm.Model, outputs: list[Any]) -> Any:
    replaced = model.replace_rvs_by_values(outputs)
    return model.compile_fn(replaced, inputs=model.value_vars, mode=PYTHON, on_unused_input="ignore")


def parameters(model: pm.Model) -> tuple[list[str], list[Any]]:
    names = [
        "alpha",
        "beta",
        "gamma",
        "tau",
        "year_effect",
        "sigma",
        "rho",
        "nu",
        "sd_country",
        "corr_country",
    ]
    names = [n for n in [*names, "u_country"] if n in model.named_vars]
    return names, [model[n] for n in names]


def values_at(model: pm.Model, point: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    names, variables = parameters(model)
    return dict(zip(names, evaluator(model, variables)(point), strict=True))


def population_mean(design: Design, theta: dict[str, np.ndarray]) -> np.ndarray:
    return sum((t.matrix() @ np.ravel(theta[t.name]) for t in design.population), start=np.zeros(design.n))


def error_covariance(design: Design, sigma: float, rho: float | None) -> np.ndarray:
    if rho is None:
        return sigma**2 * np.eye(design.n)
    unit, year = design.rows["ccode"], design.rows["year"]
    apart = np.abs(year[:, None] - year[None, :])
    return np.where(unit[:, None] == unit[None, :], sigma**2 * float(rho) ** apart / (1 - rho**2), 0.0)


def dense_logp(design: Design, theta: dict[str, np.ndarray]) -> float:
    """log p(y | theta): the country effects given if theta has them, integrated out if not."""
    mean = population_mean(design, theta)
    cov = error_covariance(design, float(theta["sigma"]), theta.get("rho"))
    (group,) = design.groups
    if "u_country" in theta:
        mean = mean + np.sum(group.Z * theta["u_country"][group.index], axis=1)
    else:
        q = len(group.terms)
        sd = np.diag(theta["sd_country"])
        Sigma = sd @ theta.get("corr_country", np.eye(q)) @ sd
        same = group.index[:, None] == group.index[None, :]
        cov = cov + np.where(same, group.Z @ Sigma @ group.Z.T, 0.0)
    return float(stats.multivariate_normal(mean, cov).logpdf(design.y))


def row_logp(model: pm.Model) -> Any:
    """Log likelihood of the rows as an expression."""
    name = "row_loglik" if "row_loglik" in model.named_vars else "y"
    return model.logp(vars=[model[name]])


# ---------------------------------------------------------------- the whole matrix is finite

FACTORS: dict[str, tuple[Any, ...]] = {
    "family": (("gaussian", "integrated"), ("gaussian", "rows"), ("student_t", "rows")),
    "error": ("ar1", "iid"),
    "years": ("unpooled", "pooled", "none"),
    "by": ("regime", "all"),
    "pooling": ("none", "partial"),
    "correlated": (True, False),
    "centred": ("auto", True, (True, False)),
    "terms": (("intercept", "ratified"), ("intercept",)),
}
ALL = [
    c
    for c in itertools.product(*FACTORS.values())
    if not (len(c[-1]) == 1 and c[-2] == (True, False)) and not (c[0][1] == "integrated" and c[-2] != "auto")
]


def covering(strength: int) -> list[tuple[Any, ...]]:
    """Few combinations that hold every combination of any `strength` options (greedy, deterministic)."""

    def parts(c: tuple[Any, ...]) -> set[Any]:
        return set(itertools.combinations(enumerate(c), strength))

    left = set().union(*map(parts, ALL))
    chosen = []
    while left:
        best = max(ALL, key=lambda c: len(parts(c) & left))
        chosen.append(best)
        left -= parts(best)
    return chosen


def name_of(c: tuple[Any, ...]) -> str:
    (likelihood, form), error, years, by, pooling, correlated, centred, terms = c
    return f"{likelihood}-{form}-{error}-{years}-{by}-{pooling}-{correlated}-{centred}-{len(terms)}"


def check_finite(combination: tuple[Any, ...]) -> None:
    (likelihood, form), error, years, by, pooling, correlated, centred, terms = combination
    design = design_of(
        outcome={"name": "score", "likelihood": likelihood},
        error={"kind": error},
        time={"effects": years, "by": by},
        treatment={"name": "CAT", "pooling": pooling},
        groups=[{"name": "country", "correlated": correlated, "centred": centred, "terms": list(terms)}],
    )
    model = build_model(design, form)
    start = model.initial_point()
    names = {v.name for v in model.value_vars}
    assert names == set(start)
    f = model.compile_fn([model.logp(), model.dlogp()], mode=PYTHON)
    for point in (start, point_of(model)):
        logp, gradient = f(point)
        assert np.isfinite(logp)
        assert np.isfinite(gradient).all()
    assert (gradient != 0).all(), "every coordinate moves the density"
    expected = {t.name for t in design.population} | {"sigma", "sd_country"}
    expected |= {"rho"} if error == "ar1" else set()
    expected |= {"nu"} if likelihood == "student_t" else set()
    expected |= {"u_country"} if form == "rows" else set()
    expected |= {"corr_country"} if correlated and len(terms) == 2 else set()
    expected |= {"sd_tau", "mu_tau"} if pooling == "partial" else set()
    expected |= {"sd_year_effect"} if years == "pooled" else set()
    assert expected <= set(model.named_vars)
    absent = {"rho", "nu", "u_country", "corr_country", "sd_tau", "mu_tau", "sd_year_effect"} - expected
    assert not absent & set(model.named_vars)


@pytest.mark.parametrize("combination", covering(2), ids=name_of)
def test_density_and_gradient_are_finite_for_every_pair_of_options(combination: tuple[Any, ...]) -> None:
    check_finite(combination)


@pytest.mark.slow
@pytest.mark.parametrize("combination", ALL, ids=name_of)
def test_density_and_gradient_are_finite_for_every_combination(combination: tuple[Any, ...]) -> None:
    check_finite(combination)


# ---------------------------------------------------------------- names, dims, coords


def test_dims_and_coords_of_the_contract() -> None:
    design = design_of(treatment={"name": "CAT", "pooling": "partial"})
    model = build_model(design, "rows")
    dims = {k: v for k, v in model.named_vars_to_dims.items() if k in {d.name for d in model.deterministics}}
    assert dims == {
        "beta": ("term",),
        "gamma": ("covariate",),
        "tau": ("regime",),
        "year_effect": ("regime", "year"),
        "sd_country": ("country_term",),
        "corr_country": ("country_term", "country_term_bis"),
        "u_country": ("country", "country_term"),
    }
    coords = {k: tuple(v) for k, v in model.coords.items() if k != "obs"}
    assert coords == design.coords()
    theta = values_at(model, model.initial_point())
    shapes = {name: np.shape(value) for name, value in theta.items()}
    assert shapes == {
        "alpha": (), "beta": (1,), "gamma": (1,), "tau": (2,), "year_effect": (2, 7), "sigma": (), "rho": (),
        "sd_country": (2,), "corr_country": (2, 2), "u_country": (5, 2),
    }  # fmt: skip


def test_coefficients_land_under_their_own_names() -> None:
    design = design_of()
    model = build_model(design, "integrated")
    theta = values_at(model, point_of(model))
    flat = np.concatenate([np.ravel(theta[t.name]) for t in design.population])
    (coefficient,) = evaluator(model, [model["coefficient"]])(point_of(model))
    assert flat == pytest.approx(coefficient, abs=0)


# ---------------------------------------------------------------- the definition: rows against dense normals


def errors_at(design: Design, rho: float | None) -> dict[str, Any]:
    return {"rho": rho} if design.error.rho is not None else {}


@pytest.mark.parametrize("form", ["rows", "integrated"])
@pytest.mark.parametrize("rho", [None, -0.9, 0.3, 0.97])
@pytest.mark.parametrize("correlated", [True, False])
def test_likelihood_is_the_dense_normal_density(form: str, rho: float | None, correlated: bool) -> None:
    design = design_of(
        error={"kind": "iid" if rho is None else "ar1"},
        groups=[{"name": "country", "correlated": correlated}],
    )
    assert set(design.error.order.gap) >= {1, 2, 3}
    model = build_model(design, form)
    point = point_of(model, seed=3)
    if rho is not None:
        point["rho_interval__"] = np.array(np.log((1 + rho) / (1 - rho)))
    theta = values_at(model, point)
    if rho is not None:
        assert theta["rho"] == pytest.approx(rho)
    ours = evaluator(model, [row_logp(model)])(point)[0]
    assert ours == pytest.approx(dense_logp(design, theta), rel=RTOL)


@pytest.mark.parametrize("error", ["ar1", "iid"])
def test_gradient_of_the_integrated_form_is_that_of_the_dense_density(error: str) -> None:
    design = design_of(error={"kind": error})
    model = build_model(design, "integrated")
    logp = row_logp(model)
    names = [v.name for v in model.value_vars]
    gradient = evaluator(model, pytensor.grad(logp, model.value_vars, disconnected_inputs="ignore"))
    theta_names, variables = parameters(model)
    theta_at = evaluator(model, variables)

    def dense(point: dict[str, np.ndarray]) -> float:
        return dense_logp(design, dict(zip(theta_names, theta_at(point), strict=True)))

    for seed in range(3):
        point, rng, step = point_of(model, seed), np.random.default_rng(seed), 1e-5
        way = {k: rng.normal(size=np.shape(v)) for k, v in point.items()}
        up = dense({k: v + step * way[k] for k, v in point.items()})
        down = dense({k: v - step * way[k] for k, v in point.items()})
        slope = sum(float(np.sum(g * way[k])) for k, g in zip(names, gradient(point), strict=True))
        assert slope == pytest.approx((up - down) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("likelihood", ["gaussian", "student_t"])
def test_iid_rows_are_independent(likelihood: str) -> None:
    design = design_of(error={"kind": "iid"}, outcome={"name": "score", "likelihood": likelihood})
    model = build_model(design, "rows")
    point = point_of(model)
    theta = values_at(model, point)
    (group,) = design.groups
    residual = (
        design.y - population_mean(design, theta) - np.sum(group.Z * theta["u_country"][group.index], 1)
    )
    law = (
        stats.norm(scale=theta["sigma"]) if "nu" not in theta else stats.t(theta["nu"], scale=theta["sigma"])
    )
    ours = evaluator(model, [row_logp(model)])(point)[0]
    assert ours == pytest.approx(law.logpdf(residual).sum(), rel=RTOL)


def test_priors_of_the_joint_density_are_those_of_the_design() -> None:
    """The joint without Jacobians less the likelihood is the sum of the card's priors, by SciPy."""
    design = design_of(
        priors={"sigma": "exponential(0.4)", "corr_country": "lkj(3)", "tau": "normal(0.1, 0.3)"}
    )
    model = build_model(design, "integrated")
    point = point_of(model, seed=5)
    theta = values_at(model, point)
    joint, rows = evaluator(model, [model.logp(jacobian=False), row_logp(model)])(point)
    partial = (theta["corr_country"][0, 1] + 1) / 2
    prior = (
        stats.norm(0, 2.5).logpdf(theta["alpha"])
        + stats.norm(0, 2).logpdf(theta["beta"]).sum()
        + stats.norm(0, 0.5).logpdf(theta["gamma"]).sum()
        + stats.norm(0.1, 0.3).logpdf(theta["tau"]).sum()
        + stats.norm(0, 0.5).logpdf(theta["year_effect"]).sum()
        + stats.halfnorm(scale=1).logpdf(theta["sd_country"][0])
        + stats.halfnorm(scale=0.5).logpdf(theta["sd_country"][1])
        + stats.beta(3, 3).logpdf(partial)
        + stats.expon(scale=0.4).logpdf(theta["sigma"])
        + stats.uniform(-1, 2).logpdf(theta["rho"])
    )
    assert joint - rows == pytest.approx(prior, rel=RTOL)


def test_partially_pooled_terms_are_mean_plus_spread() -> None:
    design = design_of(treatment={"name": "CAT", "pooling": "partial"}, time={"effects": "pooled"})
    model = build_model(design, "integrated")
    names = ["tau", "mu_tau", "sd_tau", "z_tau", "year_effect", "sd_year_effect", "z_year_effect"]
    tau, mu, sd, z, year, sd_year, z_year = evaluator(model, [model[n] for n in names])(point_of(model))
    assert tau == pytest.approx(mu + sd * z)
    assert year == pytest.approx((sd_year * z_year).reshape(2, 7))


# ---------------------------------------------------------------- centred and not


@pytest.mark.parametrize("centred", [True, (True, False), (False, True)])
def test_centred_and_non_centred_have_the_same_joint_density(centred: Any) -> None:
    terms = ("intercept", "ratified")
    groups = [{"name": "country", "centred": centred}]
    design = design_of()
    plain, other = build_model(design, "rows"), build_model(design_of(groups=groups), "rows")
    point = point_of(plain, seed=2)
    theta = values_at(plain, point)
    moved = {k: v for k, v in point.items() if not k.startswith("z_country")}
    jacobian = 0.0
    L = np.linalg.cholesky(theta["corr_country"])
    for k, term in enumerate(terms):
        if centred is True or centred[k]:
            moved[f"u_country_{term}"] = theta["u_country"][:, k]
            jacobian += 5 * np.log(theta["sd_country"][k] * L[k, k])
        else:
            moved[f"z_country_{term}"] = point[f"z_country_{term}"]
    assert values_at(other, moved)["u_country"] == pytest.approx(theta["u_country"])
    ours = evaluator(other, [other.logp()])(moved)[0]
    assert ours == pytest.approx(evaluator(plain, [plain.logp()])(point)[0] - jacobian, rel=RTOL)


def test_sampled_effects_have_the_multivariate_normal_density() -> None:
    design = design_of(groups=[{"name": "country", "centred": True}])
    model = build_model(design, "rows")
    point = point_of(model)
    theta = values_at(model, point)
    u = [model["u_country_intercept"], model["u_country_ratified"]]
    ours = evaluator(model, [model.logp(vars=u)])(point)[0]
    sd = np.diag(theta["sd_country"])
    law = stats.multivariate_normal(np.zeros(2), sd @ theta["corr_country"] @ sd)
    assert ours == pytest.approx(law.logpdf(theta["u_country"]).sum(), rel=RTOL)


# ---------------------------------------------------------------- Student-t AR(1) over gaps


def test_missing_years_are_put_back_in_their_places() -> None:
    design = design_of()
    position, first = complete_years(design.error.order)
    assert first.sum() == 5
    assert sorted(position) == list(range(position.size))
    assert position.size - design.n == int((design.error.order.gap - 1).clip(min=0).sum())
    steps = np.diff(position)[~first[1:]]
    assert (steps != 0).all()
    # years count up by one along each history
    year = np.full(position.size, -1)
    year[: design.n] = design.rows["year"]
    for at, row in enumerate(position):
        if row >= design.n:
            year[row] = year[position[at - 1]] + 1
    assert (np.diff(year[position])[~first[1:]] == 1).all()


def student_design(gap: int) -> Design:
    """One country with a gap and one without, Student-t AR(1), no year effects."""
    years = {1: [2000, 2001, 2001 + gap, 2002 + gap], 2: [2000, 2001, 2002]}
    rows = [
        (c, y, s, 2001, "transition" if c == 1 else "no score", 0.1 * y % 0.7)
        for c, values in years.items()
        for y, s in zip(values, [0.3, -0.4, 1.2, 0.8], strict=False)
    ]
    columns = ["ccode", "year", "score", "ratification_year", "regime", "gdp"]
    return design_of(
        frame=pd.DataFrame(rows, columns=columns),
        outcome={"name": "score", "likelihood": "student_t", "scale": 1.0},
        time={"effects": "none"},
        groups=[{"name": "country", "terms": ["intercept"]}],
    )


@pytest.mark.parametrize(("gap", "rho"), [(2, -0.6), (2, 0.85), (3, 0.85)])
def test_student_t_over_a_gap_integrates_to_the_density_of_the_process(gap: int, rho: float) -> None:
    design = student_design(gap)
    model = build_model(design, "rows")
    point = point_of(model, seed=1)
    point["rho_interval__"] = np.array(np.log((1 + rho) / (1 - rho)))
    point["nu_log__"] = np.array(np.log(3.0))
    theta = values_at(model, point)
    sigma, (group,) = float(theta["sigma"]), design.groups
    e = design.y - population_mean(design, theta) - theta["u_country"][group.index, 0]
    shock, start = stats.t(3.0, scale=sigma), stats.t(3.0, scale=sigma / np.sqrt(1 - rho**2))
    # Brute force: the error of each missing year on a grid, carried forward year by year.
    grid, width = np.linspace(-60 * sigma, 60 * sigma, 4001, retstep=True)
    forward = shock.pdf(grid - rho * e[1])
    for _ in range(gap - 2):
        forward = shock.pdf(grid[:, None] - rho * grid[None, :]) @ forward * width
    over_gap = np.sum(shock.pdf(e[2] - rho * grid) * forward) * width
    brute = (
        start.pdf(e[0]) * shock.pdf(e[1] - rho * e[0]) * over_gap * shock.pdf(e[3] - rho * e[2])
        * start.pdf(e[4]) * shock.pdf(e[5] - rho * e[4]) * shock.pdf(e[6] - rho * e[5])
    )  # fmt: skip

    # Ours: the potentials, integrated over the sampler's own coordinates of the missing errors.
    rows = evaluator(model, [model.logp(vars=[model["row_loglik"], model["missing_jacobian"]])])
    spread = sigma / np.sqrt(1 - rho**2)

    def density(*z: float) -> float:
        return float(np.exp(rows({**point, "z_missing": np.array(z)})[0]))

    if gap == 2:
        breaks = sorted([rho * e[1] / spread, e[2] / rho / spread])
        edge = 60 * sigma / spread
        ours = integrate.quad(density, -edge, edge, points=breaks, limit=200, epsabs=0, epsrel=1e-8)[0]
        assert ours == pytest.approx(brute, rel=1e-6)
    else:
        # two missing years: a product rule on the real plane
        nodes, weights = np.polynomial.legendre.leggauss(26)
        centre = np.array([rho * e[1], rho**2 * e[1]]) / spread
        scale = 4.0 * sigma / spread
        # z = centre + scale * tan(pi x / 2) maps the real line on (-1, 1)
        z = scale * np.tan(np.pi * nodes / 2)
        jac = weights * scale * np.pi / 2 / np.cos(np.pi * nodes / 2) ** 2
        total = sum(
            jac[i] * jac[j] * density(centre[0] + z[i], centre[1] + z[j])
            for i in range(nodes.size)
            for j in range(nodes.size)
        )
        assert total == pytest.approx(brute, rel=1e-3)


def test_without_a_gap_student_t_needs_no_missing_years() -> None:
    frame = frame_with_gaps().query("ccode in [4]")
    other = frame.assign(ccode=7, regime="transition", ratification_year=2004, score=lambda f: -f["score"])
    design = design_of(
        frame=pd.concat([frame, other]), outcome={"name": "score", "likelihood": "student_t", "scale": 1.0}
    )
    model = build_model(design, "rows")
    assert "z_missing" not in model.named_vars
    assert "missing_jacobian" not in model.named_vars


# ---------------------------------------------------------------- the sampler's coordinates


def test_whitened_coordinates_are_a_change_of_variables() -> None:
    rng = np.random.default_rng(6)
    k = 5
    whitening = Whitening(rng.normal(size=k), np.triu(rng.normal(size=(k, k))) + 2 * np.eye(k))
    transform, value = Whitened(whitening), rng.normal(size=k)
    x = pt.vector("x")
    f = pytensor.function(
        [x], [transform.forward(x), transform.backward(x), transform.log_jac_det(x)], mode=PYTHON
    )
    z = f(value)[0]
    assert whitening.centre + whitening.matrix @ z == pytest.approx(value)
    assert f(z)[1] == pytest.approx(value)
    assert f(f(value)[1])[0] == pytest.approx(value)
    assert f(z)[2].shape == (k,)
    assert f(z)[2].sum() == pytest.approx(np.linalg.slogdet(whitening.matrix)[1])


def test_the_transform_changes_the_density_by_its_determinant_and_no_more() -> None:
    design = design_of()
    model = build_model(design, "integrated")
    point = point_of(model, seed=7)
    with_, without = evaluator(
        model,
        [model.logp(vars=[model["coefficient"]], jacobian=j) for j in (True, False)],
    )(point)
    coefficient = evaluator(model, [model["coefficient"]])(point)[0]
    priors = [t.prior for t in design.population for _ in range(t.size)]
    expected = sum(
        stats.norm(p["mu"], p["sigma"]).logpdf(c) for p, c in zip(priors, coefficient, strict=True)
    )
    assert without == pytest.approx(expected, rel=RTOL)
    log_det = np.linalg.slogdet(whitening_of(design).matrix)[1]
    assert with_ - without == pytest.approx(log_det, rel=RTOL)


def test_start_of_the_sampler_is_the_prior_mean_in_the_new_coordinates() -> None:
    design = design_of()
    model = build_model(design, "integrated")
    start = evaluator(model, [model["coefficient"]])(model.initial_point())[0]
    assert start == pytest.approx(np.zeros(start.size), abs=1e-9)


# ---------------------------------------------------------------- forms and data


def test_forms() -> None:
    gaussian = design_of()
    student = design_of(outcome={"name": "score", "likelihood": "student_t"})
    assert [chosen_form(gaussian, f) for f in ("auto", "integrated", "rows")] == [
        "integrated",
        "integrated",
        "rows",
    ]
    assert [chosen_form(student, f) for f in ("auto", "rows")] == ["rows", "rows"]
    with pytest.raises(InputError, match=r"exact only for Gaussian errors.*student_t.*\"rows\" or \"auto\""):
        build_model(student, "integrated")


def test_groups_that_cut_across_units_cannot_be_integrated() -> None:
    from dataclasses import replace

    design = design_of()
    (country,) = design.groups
    by_year = replace(country, index=design.rows["year"] - 2000, levels=tuple(range(7)))
    crossed = replace(design, groups=(by_year,))
    assert chosen_form(crossed, "auto") == "rows"
    with pytest.raises(InputError, match="one group term that contains the country"):
        chosen_form(crossed, "integrated")
    two = replace(design, groups=(country, replace(country, name="again")))
    assert chosen_form(two, "auto") == "rows"


@pytest.mark.parametrize("form", ["integrated", "rows"])
def test_swapped_data_give_the_density_of_the_other_design(form: str) -> None:
    design = design_of()
    years = np.array([2004.0, np.nan, 2001.0, 2005.0, 2003.0])
    other = with_ratification_years(design, years, lag=1)
    model, fresh = build_model(design, form), build_model(other, form)
    point = point_of(fresh)
    coefficient = evaluator(fresh, [fresh["coefficient"]])(point)[0]
    map_ = whitening_of(design)
    moved = {**point, "coefficient_whitened__": np.linalg.solve(map_.matrix, coefficient - map_.centre)}
    f = evaluator(model, [model.logp(jacobian=False)])
    before = f(moved)[0]
    with model:
        pm.set_data(model_data(other))
    expected = evaluator(fresh, [fresh.logp(jacobian=False)])(point)[0]
    assert f(moved)[0] == pytest.approx(expected, rel=RTOL)
    assert before != pytest.approx(expected, rel=1e-3), "the test would pass without a swap"
