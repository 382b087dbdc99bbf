"""Everything that the report shows of a convergence fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from bayes_hr.convergence_design import SIGNED
from bayes_hr.estimands.convergence import ALL
from bayes_hr.estimands.curves import curve
from bayes_hr.reporting.content import Content, gathered
from bayes_hr.reporting.convergence.vocabulary import PHASES, QUANTITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bayes_hr.cards import ConvergenceCard
    from bayes_hr.fits import Fit

_TERMS = {"": "level", "_slope": "slope"}


def _meaning() -> dict[str, str]:
    """Meaning of every parameter of Model C, by its key in the card's priors."""
    out = {
        "gamma": "controls, per standard deviation",
        "year_effect": "year effects",
        "sd_year_effect": "spread of the year effects",
        "sd_dyad.intercept": "spread of dyads around what state and IGO have on average",
        "corr_state": "correlations of states' deviations",
        "corr_igo": "correlations of IGOs' deviations",
        "sd_state_year": "spread of the state-years",
        "rho": "persistence of the state-years",
        "sigma": "what is left to a state, an IGO and a year",
        "nu": "tails of the errors (degrees of freedom)",
    }
    for phase in ("before", "during", "after", "gap"):
        for suffix, what in _TERMS.items():
            where = PHASES.get(phase, "between two spells")
            out[f"beta.{phase}{suffix}"] = f"{what} {where}"
            for group, many in (("state", "states'"), ("igo", "IGOs'")):
                out[f"sd_{group}.{phase}{suffix}"] = f"spread of {many} {what}s {where}"
    return out


@dataclass(frozen=True, kw_only=True)
class ConvergenceContent(Content):
    """What there is to show of convergence.

    Attributes
    ----------
    dyads
        One row for each dyad (``ccode, igo, igo_name, igo_type, entry, founder, left_censored``), with its
        rows in each phase (``before, during, gap, after``).
    hypotheses, identification, curve, sensitivity
        Tables of the fit; empty where it has none.
    shape
        The curve relative to the distance at which membership starts or ends.
    """

    meaning: ClassVar[Mapping[str, str]] = _meaning()
    shown_by: ClassVar[tuple[str, ...]] = ("all", "igo_type")
    choice: ClassVar[str] = "membership"
    units: ClassVar[str] = "state's and IGO's"
    simulated_rows: ClassVar[str] = (
        "Simulated dyad-years with known truth; no real state and no real IGO is in them."
    )
    panel_arguments: ClassVar[str] = ', name="convergence"'

    card: ConvergenceCard
    dyads: pd.DataFrame
    hypotheses: pd.DataFrame
    identification: pd.DataFrame
    curve: pd.DataFrame
    sensitivity: pd.DataFrame
    shape: pd.DataFrame

    @property
    def noun(self) -> str:
        """What falls or grows: distance, or the oriented gap."""
        return "the oriented gap" if self.card.outcome.name == SIGNED else "distance"

    @property
    def slopes_conditional(self) -> bool:
        """Whether dyad and year effects leave only differences between slopes to the data."""
        return self.card.time.effects != "none" and any(g.name == "dyad" for g in self.card.groups)

    @property
    def own_data(self) -> bool:
        """Whether the rows are a user's own."""
        return not self.simulated and not self.provenance["panel"]["sources"]

    @property
    def quantities(self) -> list[str]:
        """Estimands that this fit has, kinks first."""
        there = set(self.effects["estimand"])
        return [name for name in QUANTITIES if name in there]

    @property
    def prior_keys(self) -> dict[str, str]:
        """Parameters of the design that have a prior -> its key in the card; none without rows."""
        design = self.design
        named = {str(t.name) for t in design.population}
        terms = {f"beta.{t}" for t in design.term("beta").coords["term"]}
        groups = {f"sd_{g.name}.{t}" for g in design.groups for t in g.terms}
        groups |= {f"corr_{g.name}" for g in design.groups if g.corr is not None}
        serial = {f"sd_{design.serial.name}", "rho"} if design.serial else set()
        known = named | terms | groups | serial | {f"sd_{n}" for n in named} | {"sigma", "nu"}
        keys = {key: key for key in super().prior_keys if key in known}
        gaps = {f"beta.gap{s}": f"beta.during{s}" for s in _TERMS if f"beta.gap{s}" in terms}
        return {**keys, **gaps}

    def is_level(self, key: str) -> bool:
        """Whether a parameter is the level of a phase."""
        return key.startswith("beta.") and not key.endswith("_slope")

    def row_name(self, row: Any) -> str:
        """``Kink at entry, political``."""
        label = QUANTITIES[row.estimand].label
        return label if row.level == ALL else f"{label}, {row.level}"

    def flag(self, estimand: str) -> tuple[str, str]:
        """Flag and reasons of the identification table for an estimand; empty where there are none."""
        if self.identification.empty:
            return "", ""
        found = self.identification[self.identification["estimand"] == estimand]
        return (str(found["flag"].iloc[0]), str(found["text"].iloc[0])) if len(found) else ("", "")


def gather(fit: Fit) -> ConvergenceContent:
    """Compute what the report shows of a convergence fit."""
    posterior, rows = fit.data["posterior"].dataset, fit.data["constant_data"].dataset
    tables = fit.tables
    return ConvergenceContent(
        **gathered(fit),
        dyads=dyads_of(rows),
        hypotheses=_table(tables, "hypotheses"),
        identification=_table(tables, "identification"),
        curve=_table(tables, "curve"),
        sensitivity=_table(tables, "sensitivity_dyads"),
        shape=curve(posterior, rows, relative=True),
    )


def _table(tables: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    """A table of the fit; empty cells of text are empty also after a CSV file made them NaN."""
    found = tables.get(name, pd.DataFrame()).copy()
    for column in ("flag", "text", "note", "reference"):
        if column in found:
            found[column] = found[column].fillna("").astype(str)
    return found


def dyads_of(rows: Any) -> pd.DataFrame:
    """One row for each dyad, with its rows in each phase."""
    names = ["dyad", "ccode", "igo", "igo_name", "igo_type", "entry", "founder", "left_censored"]
    frame = pd.DataFrame({name: rows[name].values for name in names})
    counts = pd.crosstab(frame["dyad"], rows["phase"].values.astype(str))
    counts = counts.reindex(columns=["before", "during", "gap", "after"], fill_value=0)
    first = frame.groupby("dyad", sort=False).first()
    out = first.join(counts).reset_index()
    flags = ["founder", "left_censored"]
    return out.assign(
        **{name: out[name].astype(bool) for name in flags}, rows=np.asarray(counts.sum(axis=1)[out["dyad"]])
    )
