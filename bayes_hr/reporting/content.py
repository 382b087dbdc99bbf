"""What a report of any question shows of a fit, computed once; the rest of this room only formats it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bayes_hr.checks.result import FAIL
from bayes_hr.estimands.truth import beside_truth
from bayes_hr.fitting import design_of
from bayes_hr.reporting.formats import digits_for
from bayes_hr.reporting.prior_lines import flat_priors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.cards import Card
    from bayes_hr.checks.result import Verdict
    from bayes_hr.design import Design
    from bayes_hr.estimands.summary import EstimandDraws
    from bayes_hr.fits import Fit


@dataclass(frozen=True, kw_only=True)
class Content:
    """What there is to show; each family adds what is its own.

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
    prior_predictive
        What the priors alone say.
    truth
        Effects beside the truth of a simulated world, if it is one.
    digits
        Decimals of effects.
    """

    meaning: ClassVar[Mapping[str, str]] = {}
    """What each parameter is, in a few words, by its key in the card's priors."""

    shown_by: ClassVar[tuple[str, ...]] = ()
    """Kinds of effects (``by``) that the table of sampling lists one by one."""

    choice: ClassVar[str] = ""
    """What states choose, and controls may be changed by: ``ratification``, ``membership``."""

    simulated_rows: ClassVar[str] = ""
    """What the rows of a simulated world are, in a sentence."""

    units: ClassVar[str] = ""
    """Whose effects are too many to list: ``country``."""

    panel_arguments: ClassVar[str] = ""
    """Further arguments with which Python reads a user's own file."""

    card: Card
    provenance: dict[str, Any]
    design: Design
    verdict: Verdict
    estimands: tuple[EstimandDraws, ...]
    posterior: xr.Dataset
    effects: pd.DataFrame
    parameters: pd.DataFrame
    prior_predictive: pd.DataFrame
    truth: pd.DataFrame | None
    digits: int

    @property
    def failed(self) -> bool:
        """Whether no number may be used."""
        return self.verdict.status == FAIL

    @property
    def finite(self) -> bool:
        """Whether every effect is a number, so that figures can be drawn."""
        return bool(np.isfinite(self.effects[["median", "lb", "ub"]].to_numpy(float)).all())

    @property
    def scale(self) -> str:
        """What effects are measured in."""
        return self.card.outcome.effect_scale

    @property
    def outcome_scale(self) -> str:
        """What the outcome itself is measured in: the codes of its categories where it is ordinal."""
        outcome = self.card.outcome
        name = outcome.label or outcome.name
        return f"{name}, categories counted from 0" if outcome.ordinal else name

    @property
    def simulated(self) -> bool:
        """Whether the rows come from a simulated world."""
        return self.card.panel == "simulated"

    @property
    def prior_keys(self) -> dict[str, str]:
        """Parameters that have a prior -> the key of that prior in the card."""
        return {key: key for key in flat_priors(self.card)}

    def of(self, estimand: str, by: str | None = None) -> pd.DataFrame:
        """Rows of one estimand in the effects table (empty if the card does not ask for it)."""
        keep = self.effects["estimand"] == estimand
        if by is not None:
            keep &= self.effects["by"] == by
        return self.effects[keep].reset_index(drop=True)

    def draws(self, estimand: str, by: str | None = None) -> NDArray[np.float64]:
        """(chain x draw, k) draws of one estimand."""
        found = next(e for e in self.estimands if e.estimand == estimand and by in {None, e.by})
        return found.draws.reshape(-1, found.draws.shape[2])

    def check(self, name: str) -> pd.DataFrame | None:
        """Figures behind a check, if it was made."""
        tables = [c.table for c in self.verdict.checks if c.name == name and not c.table.empty]
        return tables[0] if tables else None

    def row_name(self, row: Any) -> str:
        """What a row of the effects table is called: ``transition``, ``transition − stable democracy``."""
        if row.estimand == "probability":
            return f"{row.level}: {row.reference.replace('>=', '≥')}"
        if row.by in {"standard", "cutpoint"}:
            return f"cut-point {row.level}, {row.reference.replace(' - ', ' − ')}"
        if row.by == "between":
            return f"{row.level}: {row.estimand}"
        return f"{row.level} − {row.reference}" if row.reference else str(row.level)

    def is_level(self, key: str) -> bool:
        """Whether a parameter is a level of the outcome, whose prior is centred where the card says."""
        return key == "alpha"


def gathered(fit: Fit) -> dict[str, Any]:
    """The fields of :class:`Content`, from a fit of any family."""
    design = design_of(fit.result)
    effects = fit.effects()
    effects.loc[~np.isfinite(effects["median"].astype(float)), ["p_gt_0", "p_rope"]] = np.nan
    return {
        "card": fit.card,
        "provenance": fit.result.provenance,
        "design": design,
        "verdict": fit.check(),
        "estimands": tuple(fit.estimands),
        "posterior": fit.data["posterior"].dataset,
        "effects": effects,
        "parameters": fit.effects(by="parameter"),
        "prior_predictive": fit.prior_predictive(),
        "truth": None if fit.truth is None else beside_truth(effects, fit.truth),
        "digits": digits_for(float(np.std(design.y)) if design.error.cuts is None else design.unit),
    }
