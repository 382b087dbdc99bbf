"""Everything that the report shows of a fit, computed once; the rest of this room only formats it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_hr.checks.result import FAIL
from bayes_hr.estimands.ratification import country_facts
from bayes_hr.estimands.truth import beside_truth
from bayes_hr.fitting import design_of
from bayes_hr.reporting.formats import digits_for

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.api import Fit
    from bayes_hr.cards import Card
    from bayes_hr.checks.reference import PermutedReference
    from bayes_hr.checks.result import Verdict
    from bayes_hr.design import Design
    from bayes_hr.estimands.summary import EstimandDraws


@dataclass(frozen=True)
class Content:
    """What there is to show.

    Attributes
    ----------
    card, provenance, design
        The question and its rows.
    verdict
        Verdict with all checks and their figures.
    estimands
        Draws of what the card asks for.
    posterior
        All draws.
    effects, parameters
        Effects tables of the contract: estimands; coefficients and hyperparameters.
    facts
        One row for each country: class, ratification year, rows, status, ``level`` of the effects table.
    prior_predictive
        What the priors alone say.
    reference
        Permuted-ratification reference, if it was run.
    truth
        Effects beside the truth of a simulated world, if it is one.
    digits
        Decimals of effects.
    """

    card: Card
    provenance: dict[str, Any]
    design: Design
    verdict: Verdict
    estimands: tuple[EstimandDraws, ...]
    posterior: xr.Dataset
    effects: pd.DataFrame
    parameters: pd.DataFrame
    facts: pd.DataFrame
    prior_predictive: pd.DataFrame
    reference: PermutedReference | None
    truth: pd.DataFrame | None
    digits: int

    @property
    def failed(self) -> bool:
        """Whether no number may be used."""
        return self.verdict.status == FAIL

    @property
    def finite(self) -> bool:
        """Whether every effect is a number, so that figures can be drawn."""
        return bool(np.isfinite(self.effects[["mean", "lb", "ub"]].to_numpy(float)).all())

    @property
    def scale(self) -> str:
        """What effects are measured in."""
        return self.card.outcome.label or self.card.outcome.name

    @property
    def classes(self) -> list[str]:
        """Regime classes in the order of the model."""
        return [str(r) for r in self.posterior["regime"].values]

    def of(self, estimand: str) -> pd.DataFrame:
        """Rows of one estimand in the effects table (empty if the card does not ask for it)."""
        return self.effects[self.effects["estimand"] == estimand].reset_index(drop=True)

    def draws(self, estimand: str) -> NDArray[np.float64]:
        """(chain x draw, k) draws of one estimand."""
        found = next(e for e in self.estimands if e.estimand == estimand)
        return found.draws.reshape(-1, found.draws.shape[2])

    def check(self, name: str) -> pd.DataFrame | None:
        """Figures behind a check, if it was made."""
        tables = [c.table for c in self.verdict.checks if c.name == name and not c.table.empty]
        return tables[0] if tables else None


def gather(fit: Fit) -> Content:
    """Compute what the report shows of a fit."""
    design = design_of(fit.result)
    facts = country_facts(fit.data["constant_data"].dataset)
    facts["level"] = [f"{c} ({n})" for c, n in zip(facts["country"], facts["ccode"], strict=True)]
    effects = fit.effects()
    effects.loc[~np.isfinite(effects["mean"].astype(float)), ["p_gt_0", "p_rope"]] = np.nan
    return Content(
        card=fit.card,
        provenance=fit.result.provenance,
        design=design,
        verdict=fit.check(),
        estimands=tuple(fit.estimands),
        posterior=fit.data["posterior"].dataset,
        effects=effects,
        parameters=fit.effects(by="parameter"),
        facts=facts,
        prior_predictive=fit.prior_predictive(),
        reference=fit.reference,
        truth=None if fit.truth is None else beside_truth(effects, fit.truth),
        digits=digits_for(float(np.std(design.y))),
    )
