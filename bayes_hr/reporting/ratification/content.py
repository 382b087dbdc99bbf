"""Everything that the report shows of a ratification fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bayes_hr.estimands.ratification import changing, country_facts
from bayes_hr.reporting.content import Content, gathered

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from bayes_hr.cards import RatificationCard
    from bayes_hr.checks.reference import PermutedReference
    from bayes_hr.fits import Fit


@dataclass(frozen=True, kw_only=True)
class RatificationContent(Content):
    """What there is to show of ratification.

    Attributes
    ----------
    facts
        One row for each country: class, ratification year, rows, status, ``level`` of the effects table.
    reference
        Permuted-ratification reference, if it was run.
    """

    meaning: ClassVar[Mapping[str, str]] = {
        "alpha": "level in the reference class",
        "cut_first": "first cut-point",
        "log_gap": "log of the gap between neighbouring cut-points",
        "sd_cutpoint_shift": "yearly step of all cut-points",
        "sd_gap_shift": "yearly step of the logs of the gaps",
        "beta": "level of a class against the reference class",
        "gamma": "controls, per standard deviation",
        "tau": "ratification, by class",
        "sd_tau": "spread of the class effects",
        "mu_tau": "mean of the class effects",
        "year_effect": "year effects",
        "sd_year_effect": "spread of the year effects",
        "sd_year_step": "yearly step of the year effects",
        "sd_country.intercept": "spread of country levels",
        "sd_country.ratified": "spread of country effects of ratification",
        "corr_country": "correlation of country level and country effect",
        "mundlak": "country means: between countries less within",
        "kappa": "effect by the share of rows after ratification",
        "sigma": "yearly shock",
        "rho": "persistence of shocks",
        "phi": "last year's outcome",
        "first_outcome": "outcome of the year before a country's first row",
        "nu": "tails of the shocks (degrees of freedom)",
    }
    shown_by: ClassVar[tuple[str, ...]] = (
        "average",
        "regime",
        "contrast",
        "long_run",
        "probability",
        "standard",
        "between",
    )
    choice: ClassVar[str] = "ratification"
    units: ClassVar[str] = "country"
    simulated_rows: ClassVar[str] = "Simulated country-years with known truth; no real country is in them."

    card: RatificationCard
    facts: pd.DataFrame
    reference: PermutedReference | None

    @property
    def prior_keys(self) -> dict[str, str]:
        """Two categories have one cut-point and no gap, whatever the card says of gaps."""
        keys, cuts = super().prior_keys, self.design.error.cuts
        two = cuts is not None and len(cuts.categories) == 2
        return {k: source for k, source in keys.items() if not (two and k in {"log_gap", "sd_gap_shift"})}

    @property
    def changing(self) -> bool:
        """Whether the class of any country changes over its rows."""
        return changing(self.facts)

    @property
    def classes(self) -> list[str]:
        """Regime classes in the order of the model."""
        return [str(r) for r in self.posterior["regime"].values]


def gather(fit: Fit) -> RatificationContent:
    """Compute what the report shows of a ratification fit."""
    facts = country_facts(fit.data["constant_data"].dataset)
    facts["level"] = [f"{c} ({n})" for c, n in zip(facts["country"], facts["ccode"], strict=True)]
    return RatificationContent(**gathered(fit), facts=facts, reference=fit.reference)
