r"""Design -> ``pm.Model``.

The row likelihood is the definition (:mod:`bayes_hr.pymc_models.errors`, and
:mod:`bayes_hr.pymc_models.ordinal` for ordered categories).  With Gaussian errors and one
group term whose groups do not share an error unit, the group effects can be integrated out exactly
(``form="integrated"``): the sampler then moves only population terms and hyperparameters, where there is
no funnel, and the group effects are drawn afterwards from their exact conditional
(:func:`bayes_hr.kernels.draw_group_effects`).  ``tests/test_models.py`` proves both forms equal.

Unpooled population coefficients form one vector ``coefficient`` with independent normal priors, sampled
in coordinates in which a nominal posterior is standard normal (:mod:`bayes_hr.pymc_models.geometry`);
``alpha``, ``beta``, ``gamma``, ``tau`` and ``year_effect`` are its parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm

from bayes_hr.errors import InputError
from bayes_hr.forms import chosen_form, coefficient_priors, whitening_of
from bayes_hr.pymc_models.errors import add_row_likelihood, integrated_logp
from bayes_hr.pymc_models.geometry import Whitened, weighted_sum
from bayes_hr.pymc_models.groups import group_contribution, group_factor, sampled_effects
from bayes_hr.pymc_models.ordinal import add_category_likelihood, cut_points
from bayes_hr.pymc_models.serial import unit_years
from bayes_hr.walks import in_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design, PopulationTerm
    from bayes_hr.priors import Prior

    Array = NDArray[np.float64]


def model_data(design: Design) -> dict[str, Array]:
    """Arrays that may be swapped in a compiled model of the same shape (permuted treatment, new outcome)."""
    design = in_components(design)
    data = {"y_data": design.y}
    data |= {f"x_{t.name}": t.matrix() for t in design.population if t.index is None}
    return data | {f"z_{g.name}": g.Z for g in design.groups}


def build_model(design: Design, form: str = "auto") -> pm.Model:
    """Write a design as a PyMC model.

    Parameters
    ----------
    design
        Matrices, indices and priors.
    form
        ``"rows"`` samples the group effects; ``"integrated"`` integrates them out exactly;
        ``"auto"`` integrates where that is exact.

    Returns
    -------
    pymc.Model
        Free variables as described in this module, deterministics under the names of the contract, with
        dims and coords (of effects that are a random walk: its components, :mod:`bayes_hr.walks`).  Nothing
        is sampled or compiled.

    Raises
    ------
    InputError
        If ``integrated`` is asked for where it is not exact, or the rows are compressed.
    """
    if design.repeats is not None:
        raise InputError(
            'compressed rows have no model of rows; take engine = "gibbs", which is exact for them, or a '
            "panel of rows (Panel.from_frame)."
        )
    design = in_components(design)
    form = chosen_form(design, form, "pymc")
    coords = {dim: list(labels) for dim, labels in design.coords().items()}
    with pm.Model(coords={**coords, "obs": np.arange(design.n)}) as model:
        data = {name: pm.Data(name, values) for name, values in model_data(design).items()}
        mean = _population_mean(design, data)
        sigma = design.error.sigma.to_pymc("sigma") if design.error.sigma else None
        rho = design.error.rho.to_pymc("rho") if design.error.rho else None
        factors = {g.name: group_factor(g) for g in design.groups}
        if form == "integrated":
            group = design.groups[0]
            logp = integrated_logp(
                design,
                residual=data["y_data"] - mean,
                Z=data[f"z_{group.name}"],
                factor=factors[group.name],
                sigma=sigma,
                rho=rho,
            )
            pm.Potential("row_loglik", logp)
        else:
            for group in design.groups:
                u = sampled_effects(group, *factors[group.name])
                mean = mean + group_contribution(group, u, data[f"z_{group.name}"])
            if design.serial is not None:
                rho, mean = None, mean + unit_years(design.serial)
            if design.error.cuts is None:
                add_row_likelihood(design, data["y_data"], mean, sigma, rho)
            else:
                cuts = design.error.cuts
                add_category_likelihood(data["y_data"], mean, cut_points(cuts), cuts)
    return model


def _population_mean(design: Design, data: dict[str, Any]) -> Any:
    """Population part of eta, (n,), with the coefficients added to the open model."""
    mean, scale = coefficient_priors(design)
    transform = Whitened(whitening_of(design))
    coefficient = pm.Normal("coefficient", mean, scale, shape=mean.size, transform=transform)
    eta: Any = 0.0
    at = 0
    for term in design.population:
        if term.sd is None:
            part = coefficient[at : at + term.size]
            at += term.size
        else:
            part = _pooled(term, term.sd)
        shaped = part.reshape(term.shape) if term.dims else part[0]
        pm.Deterministic(term.name, shaped, dims=term.dims or None)
        dense = term.index is None
        eta = eta + (weighted_sum(data[f"x_{term.name}"], part, term.size) if dense else part[term.index])
    return eta


def _pooled(term: PopulationTerm, sd: Prior) -> Any:
    """Partially pooled coefficients, (k,): mean + sd * standard normal."""
    spread = sd.to_pymc(f"sd_{term.name}")
    z = pm.Normal(f"z_{term.name}", 0.0, 1.0, shape=term.size)
    return (term.prior.to_pymc(f"mu_{term.name}") if term.prior else 0.0) + spread * z
