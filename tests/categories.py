"""Worlds of ordered categories, their cards and designs, and fits of them that nobody sampled."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import xarray as xr
from drawn import drawn_tree
from pytensor.compile.mode import Mode

from bayes_hr import fitting, simulate
from bayes_hr.api import Fit
from bayes_hr.cards import RatificationCard, parse_card
from bayes_hr.data.worlds import World
from bayes_hr.design import Design
from bayes_hr.estimands.truth import truth_table
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build
from bayes_hr.simulation import ParameterDraw, linear_predictor, prior_draws, simulate_outcome

IID = {"kind": "iid"}
PYTHON = Mode(linker="py", optimizer=None)


@cache
def world(k: int = 3, n: int = 30) -> World:
    return simulate.ratification(n_countries=n, years=(1990, 2009), categories=k, seed=4)


def card_of(likelihood: str = "ordered_probit", **changes: Any) -> RatificationCard:
    base: dict[str, Any] = {
        "id": "small",
        "question": "Does ratification help here?",
        "panel": "simulated",
        "outcome": {"name": "score", "likelihood": likelihood},
        "treatment": {"name": "simulated treaty"},
        "population": ["log_gdppc", "conflict"],
        "error": IID,
    }
    card = parse_card({**base, **changes}, where="card small")
    assert isinstance(card, RatificationCard)
    return card


@cache
def design_of(k: int = 3, by: str = "regime") -> Design:
    likelihood = "probit" if k == 2 else "ordered_probit"
    return build(card_of(likelihood, time={"by": by}), simulated_panel(world(k)))


def truth_draw(k: int = 3, link: str = "probit") -> tuple[Design, ParameterDraw]:
    """A design with an outcome from its own model, and the parameters of that outcome."""
    design = build(
        card_of(link if k == 2 else f"ordered_{link}"),
        simulated_panel(simulate.ratification(n_countries=80, categories=k, seed=2)),
    )
    draw = next(prior_draws(design, np.random.default_rng(3), 1))
    draw = replace(draw, cutpoints=np.linspace(-0.5, 0.8, k - 1))
    return replace(design, y=simulate_outcome(np.random.default_rng(5), design, draw)), draw


def as_posterior(draw: ParameterDraw, design: Design) -> xr.Dataset:
    data: dict[str, Any] = {}
    for term in design.population:
        value = draw.population[term.name].reshape(term.shape)
        data[term.name] = (("chain", "draw", *term.dims), np.broadcast_to(value, (4, 10, *value.shape)))
    u, cut = draw.groups["country"], draw.cutpoints
    assert cut is not None
    data["u_country"] = (("chain", "draw", "country", "country_term"), np.broadcast_to(u, (4, 10, *u.shape)))
    data["cutpoint"] = (("chain", "draw", "cut"), np.broadcast_to(cut, (4, 10, cut.size)))
    return xr.Dataset(data)


def natural(model: Any, names: list[str], point: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Values of named variables of a PyMC model at a point of its sampler's coordinates."""
    variables = model.replace_rvs_by_values([model[n] for n in names])
    f = model.compile_fn(variables, inputs=model.value_vars, mode=PYTHON, on_unused_input="ignore")
    return dict(zip(names, f(point), strict=True))


@cache
def drawn_fit(k: int = 3, link: str = "probit") -> Fit:
    """A fit whose draws come from the prior."""
    card = card_of(link if k == 2 else f"ordered_{link}", fit={"engine": "nuts"})
    panel = simulated_panel(world(k))
    design = build(card, panel)
    tree = drawn_tree(design)
    provenance = fitting._provenance(card, panel, design, tree)
    return Fit(fitting.FitResult(tree, card, provenance), truth=truth_table(world(k).truth))


def with_and_without(design: Design, draw: ParameterDraw) -> tuple[np.ndarray, np.ndarray]:
    """Linear predictor of each row (n,), and less the effect of ratification, term by term."""
    tau = design.term("tau")
    class_of = np.array([tau.coords["regime"].index(r) for r in design.rows["regime_class"]])
    b = draw.groups["country"][design.groups[0].index, 1]
    eta = linear_predictor(design, draw)
    return eta, eta - (draw.population["tau"][class_of] + b) * (design.rows["treated"] == 1)
