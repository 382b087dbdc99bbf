"""The hand-written integrated density against PyMC's, value and gradient, and its group effects' algebra.

Both are double precision sums over the same rows: values agree to 1e-9 relative, gradients to 1e-7.
PyMC's graph is evaluated without compilation (py linker).
"""

from __future__ import annotations

import numpy as np
import pytest
from pytensor.compile.mode import Mode
from scipy import stats

from bayes_hr.cards import load_card
from bayes_hr.data.worlds import ratification
from bayes_hr.design import Design
from bayes_hr.engines.integrated import IntegratedDensity, supports
from bayes_hr.priors import Prior, parse_prior
from bayes_hr.pymc_models import build_model
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build

COUNTRY = {"name": "country", "terms": ["intercept", "ratified"], "correlated": True}
CASES = {
    "default": {},
    "iid": {"error": {"kind": "iid"}},
    "uncorrelated": {"groups": [{**COUNTRY, "correlated": False}]},
    "intercepts only": {"groups": [{**COUNTRY, "terms": ["intercept"]}]},
    "slopes only": {"groups": [{**COUNTRY, "terms": ["ratified"]}]},
    "years of all": {"time": {"by": "all"}},
    "no years, no controls": {"time": {"effects": "none"}, "population": []},
    "other priors": {
        "priors": {
            "sigma": "half_student_t(3, 0.7)",
            "rho": "uniform(0, 0.95)",
            "corr_country": "lkj(1.5)",
            "sd_country": {"intercept": "exponential(0.8)"},
        }
    },
}


@pytest.fixture(scope="module")
def frame_panel() -> object:
    """20 countries with gaps of one to three missing years."""
    world = ratification("heterogeneous", n_countries=20, years=(1990, 2003), seed=5)
    gone = (world.frame["year"] % 7 == 3) | (
        (world.frame["ccode"] == 1004) & world.frame["year"].between(1996, 1998)
    )
    from dataclasses import replace

    return simulated_panel(replace(world, frame=world.frame[~gone].reset_index(drop=True)))


def design_of(panel: object, changes: dict) -> Design:
    return build(load_card("demo_ratification").replace(**changes), panel)  # type: ignore[arg-type]


def point_of(model: object, density: IntegratedDensity, x: np.ndarray) -> dict[str, np.ndarray]:
    """The same point by the names of PyMC's value variables."""
    group, error = density.design.groups[0], density.design.error
    point = {"coefficient_whitened__": x[: density.mean.size]}
    rest = iter(x[density.mean.size :])
    point["sigma_log__"] = next(rest)
    if error.rho is not None:
        point["rho_interval__"] = next(rest)
    for term in group.terms:
        point[f"sd_{group.name}_{term}_log__"] = next(rest)
    if group.corr is not None:
        point[f"partial_{group.name}_10_logodds__"] = next(rest)
    return {v.name: np.asarray(point[v.name]) for v in model.value_vars}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient_are_pymcs(frame_panel: object, name: str) -> None:
    design = design_of(frame_panel, CASES[name])
    assert supports(design)
    density, model = IntegratedDensity.of(design), build_model(design, "integrated")
    mode = Mode(linker="py", optimizer=None)
    logp = model.compile_logp(mode=mode)
    for seed in (1, 2):
        x = density.initial(seed)
        value, gradient = density(x)
        assert value == pytest.approx(float(logp(point_of(model, density, x))), rel=1e-9)
        step = 1e-5 * np.eye(x.size)
        numeric = [(density(x + h)[0] - density(x - h)[0]) / 2e-5 for h in step]
        np.testing.assert_allclose(gradient, numeric, rtol=2e-5, atol=2e-4)


def test_negative_rho_and_extreme_scales(frame_panel: object) -> None:
    density = IntegratedDensity.of(design_of(frame_panel, {}))
    x = density.initial(3)
    P = density.mean.size
    for at, to in [(P + 1, -2.0), (P + 2, -12.0), (P + 3, 5.0), (P + 4, 6.0)]:
        x[at] = to
        value, gradient = density(x)
        assert np.isfinite(value)
        h = np.zeros(x.size)
        h[at] = 1e-5
        numeric = (density(x + h)[0] - density(x - h)[0]) / 2e-5
        assert gradient[at] == pytest.approx(numeric, rel=1e-4, abs=1e-4)


def test_expand_gives_the_contracts_names(frame_panel: object) -> None:
    design = design_of(frame_panel, {})
    density = IntegratedDensity.of(design)
    out = density.expand(density.initial(1))
    assert set(out) == {
        "alpha",
        "beta",
        "gamma",
        "tau",
        "year_effect",
        "sigma",
        "rho",
        "sd_country",
        "corr_country",
    }
    assert out["alpha"].shape == ()
    assert out["year_effect"].shape == design.term("year_effect").shape
    assert -1 < out["rho"] < 1
    np.testing.assert_array_equal(np.diag(out["corr_country"]), 1.0)


def test_what_it_does_not_support_goes_to_pymc(frame_panel: object) -> None:
    for changes in (
        {"outcome": {"likelihood": "student_t"}},
        {"treatment": {"pooling": "partial"}},
        {"time": {"effects": "pooled"}},
    ):
        assert not supports(design_of(frame_panel, changes))


@pytest.mark.parametrize("text", ["half_normal(0.7)", "exponential(2)", "half_student_t(3, 1.5)"])
def test_log_density_of_positive_priors(text: str) -> None:
    prior = parse_prior(text, where="test")
    exact = {
        "half_normal": stats.halfnorm(scale=0.7),
        "exponential": stats.expon(scale=2.0),
        "half_student_t": stats.t(3, scale=1.5),
    }[prior.kind]
    extra = np.log(2.0) if prior.kind == "half_student_t" else 0.0
    for x in (0.01, 0.5, 4.0):
        value, slope = prior.log_density(x)
        assert value == pytest.approx(exact.logpdf(x) + extra)
        numeric = (prior.log_density(x + 1e-6)[0] - prior.log_density(x - 1e-6)[0]) / 2e-6
        assert slope == pytest.approx(numeric, rel=1e-5, abs=1e-8)
    with pytest.raises(ValueError, match="positive"):
        Prior("uniform", (0.0, 1.0)).log_density(0.5)
