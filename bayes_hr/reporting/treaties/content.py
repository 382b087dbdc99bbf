"""Everything that the report shows of a fit of several treaties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bayes_hr.estimands.treaties import classes_in, country_facts, treaties_in
from bayes_hr.reporting.content import Content, gathered

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from bayes_hr.cards import TreatiesCard
    from bayes_hr.checks.reference import PermutedReference
    from bayes_hr.fits import Fit


@dataclass(frozen=True, kw_only=True)
class TreatiesContent(Content):
    """What there is to show of several treaties.

    Attributes
    ----------
    treaties, classes
        In the order of the model.
    facts
        One row for each treaty and country (:func:`bayes_hr.estimands.treaties.country_facts`).
    reference
        Permuted-ratification reference, if it was run.
    separation, ranking
        Tables of the fit; ``ranking`` is None if a draw is not finite.
    """

    meaning: ClassVar[Mapping[str, str]] = {
        "alpha": "level in the reference class",
        "beta": "level of a class against the reference class",
        "gamma": "controls, per standard deviation",
        "tau": "mean effect over treaties",
        "sd_tau": "spread of the treaties' effects",
        "sd_tau_regime": "spread of classes around a treaty's effect",
        "year_effect": "year effects",
        "sd_year_effect": "spread of the year effects",
        "sd_year_step": "yearly step of the year effects",
        "sd_country.intercept": "spread of country levels",
        "sd_country.common": "spread of countries' own responses to any treaty",
        "corr_country": "correlation of country level and own response",
        "sigma": "yearly shock",
        "rho": "persistence of shocks",
        "nu": "tails of the shocks (degrees of freedom)",
    }
    shown_by: ClassVar[tuple[str, ...]] = ("mean", "treaty", "treaty_regime", "contrast")
    choice: ClassVar[str] = "ratification"
    units: ClassVar[str] = "country"
    panel_arguments: ClassVar[str] = ', name="treaties"'

    card: TreatiesCard
    treaties: tuple[str, ...]
    classes: tuple[str, ...]
    facts: pd.DataFrame
    reference: PermutedReference | None
    separation: pd.DataFrame
    ranking: pd.DataFrame | None

    @property
    def prior_keys(self) -> dict[str, str]:
        """One prior of the card serves the SDs of country effects of all treaties."""
        keys = super().prior_keys
        if len(self.classes) == 1:
            keys.pop("sd_tau_regime", None)
        if keys.pop("sd_country.treaties", None) is not None:
            keys |= {f"sd_country.{name}": "sd_country.treaties" for name in self.treaties}
        return keys


def gather(fit: Fit) -> TreatiesContent:
    """Compute what the report shows."""
    posterior, rows = fit.data["posterior"].dataset, fit.data["constant_data"].dataset
    names = treaties_in(posterior)
    return TreatiesContent(
        **gathered(fit),
        treaties=names,
        classes=classes_in(posterior, rows),
        facts=country_facts(rows, names),
        reference=fit.reference,
        separation=fit.tables["separation"],
        ranking=fit.tables.get("ranking"),
    )
