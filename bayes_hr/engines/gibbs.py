"""The exact engine for linear-Gaussian structure: no model is compiled and no gradient is taken.

Coefficients given the hyperparameters are one Gaussian, drawn jointly; hyperparameters are drawn with
coefficients integrated out wherever that is cheap.  Two shapes of design:

- one group term (country-years): :mod:`.country_year`;
- several nested and crossed group terms, effects of a unit's years (state x IGO): :mod:`.crossed`.

The priors and the posterior are those of the PyMC model; what is not exact here is refused by name.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from bayes_hr.engines.assemble import assemble_posterior
from bayes_hr.engines.chains import run_chains
from bayes_hr.engines.country_year import CountryYear
from bayes_hr.errors import InputError
from bayes_hr.forms import blocks_of, one_group
from bayes_hr.walks import in_components, with_effects

if TYPE_CHECKING:
    from bayes_hr.design import Design
    from bayes_hr.engines.chains import Model
    from bayes_hr.engines.settings import Progress, SamplerSettings


def refusal(design: Design) -> str | None:
    """Why this engine is not exact for a design; None where it is."""
    why = _errors_refused(design)
    if why is not None or one_group(design):
        return why
    blocks = blocks_of(design)
    if blocks is None:
        return (
            "it has several group terms, and errors that are not Gaussian and independent given the effects"
        )
    if not any(np.array_equal(group.index, blocks.unit) for group in design.groups):
        return "no group term has the units of the unit-years as its levels"
    if any(t.sd is not None for t in design.population):
        return "it has several group terms, and a partially pooled population term"
    return None


def _errors_refused(design: Design) -> str | None:
    """Why the errors alone are not for this engine; None if they are."""
    error, measured = design.error, design.error.measurement_sd is not None
    if design.repeats is not None and (error.likelihood, error.kind, measured) != ("gaussian", "iid", False):
        return "its rows are compressed, which says all of them for independent Gaussian errors only"
    if error.cuts is not None and error.cuts.walk is not None:
        return (
            "cut-points that move over the years have no exact conditional here (fixed ones have: "
            'outcome.cut_points = "fixed", with year effects)'
        )
    if error.link == "logit":
        return (
            "a cumulative logit has no exact conditional here (an ordered probit has: outcome.likelihood = "
            '"ordered_probit", or "probit" for two categories)'
        )
    if error.likelihood == "student_t" and (error.rho is not None or measured):
        why = "measured with error" if measured else "that are AR(1)"
        return f"Student-t errors {why} have no Gaussian form"
    return None


def prepared_model(design: Design) -> Model:
    """The chains' model of a design that is not refused; rows are added up, nothing is sampled."""
    design = in_components(design)
    if one_group(design):
        return CountryYear.of(design)
    from bayes_hr.engines.crossed import Crossed  # sparse algebra, which country-years do without

    blocks = blocks_of(design)
    if blocks is None:
        raise ValueError("the design is refused: see refusal()")
    return Crossed.of(design, blocks)


@dataclass(frozen=True)
class GibbsEngine:
    """Draws by exact conditionals and slices.

    Attributes
    ----------
    folder
        Where chains under way are saved, so that an interrupted fit goes on; None keeps nothing.
    """

    folder: Path | None = None

    def sample(
        self, design: Design, settings: SamplerSettings, progress: Progress | None = None
    ) -> xr.DataTree:
        """Draw from the posterior of a design.

        Returns
        -------
        xarray.DataTree
            As every engine: ``posterior``, ``sample_stats``, ``observed_data``, ``constant_data``.

        Raises
        ------
        InputError
            If this engine is not exact for the design.
        """
        why = refusal(design)
        if why is not None:
            raise InputError(f'engine "gibbs" cannot fit this card: {why}. Use engine = "nuts".')
        with threadpool_limits(1):  # matrices are small: more threads slow them down, and round differently
            return self._sample(design, settings, progress)

    def _sample(self, design: Design, settings: SamplerSettings, progress: Progress | None) -> xr.DataTree:
        started = time.perf_counter()
        model = prepared_model(design)
        prepared = time.perf_counter()
        raw = run_chains(model, settings, progress, self.folder)
        sampled = time.perf_counter()
        bulk = {name: raw.pop(name) for name in sorted(model.bulk)}
        names = {
            name: (("chain", "draw", *(f"{name}_{k}" for k in range(v.ndim - 2))), v)
            for name, v in raw.items()
        }
        coords = {"chain": np.arange(settings.chains), "draw": np.arange(settings.draws)}
        draws = with_effects(design, xr.Dataset(names, coords))
        tree = assemble_posterior(design, draws, {}, seed=settings.seed, bulk=bulk)
        tree.attrs |= {
            "engine": "gibbs",
            "sampler": "gibbs",
            "form": "integrated",
            "density": "cross-products, equal to the PyMC model",
            "compile_seconds": 0.0,
            "prepare_seconds": prepared - started,
            "sample_seconds": sampled - prepared,
        }
        return tree
