"""Does a lagged outcome say what it seems to?  Its persistence, and where the country effects start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.checks.result import PASS, REVIEW, CheckResult
from bayes_hr.estimands.long_run import NEARLY_ONE

if TYPE_CHECKING:
    import xarray as xr

NEAR_LIMIT: Final = 0.05
"""Largest P(phi > .98) that still passes: beyond it the long run is not the data's to say."""


def nickell_bias(phi: float, years: float) -> float:
    r"""Approximate bias of phi by the within estimator, :math:`-(1 + \phi) / (T - 1)`.

    Nickell (1981), *Biases in dynamic models with fixed effects*, Econometrica 49 (6), equation 19, for T
    years that are not few; doi 10.2307/1911408.
    """
    return -(1.0 + phi) / (years - 1.0)


def average_years(rows: xr.Dataset) -> float:
    """Rows for each country, on average."""
    index = rows["index_country"].values
    return float(index.size / (index.max() + 1))


def lagged_outcome(posterior: xr.Dataset, rows: xr.Dataset) -> CheckResult:
    """Whether phi is away from 1, and whether the country effects are conditional on the first outcome.

    REVIEW if not: a warning on what the model is, so never a FAIL.

    Parameters
    ----------
    posterior
        Draws, with ``phi``, and ``first_outcome`` if the model has it.
    rows
        The design as its fit carries it.
    """
    phi, years = posterior["phi"].values, average_years(rows)
    mean, near = float(phi.mean()), float((phi > NEARLY_ONE).mean())
    text = f"phi {mean:.3f}, P(phi > {NEARLY_ONE:g}) = {near:.2f}; {years:.1f} years a country on average"
    if years > 1:
        text += f" (fixed effects would have a Nickell bias of about {nickell_bias(mean, years):+.3f})"
    advice = []
    if near > NEAR_LIMIT:
        text += "; the outcome is nearly a random walk"
        advice.append(
            "Read the short-run effects: the long run is not seen in these years, and follows from the prior "
            "and the linear form. Compare with AR(1) errors without a lagged outcome."
        )
    if "first_outcome" not in posterior:
        text += "; country effects are taken as unrelated to where a country started"
        advice.append(
            "Country effects that depend on it make phi too large: set dynamics.initial_outcome = true."
        )
    return CheckResult("lagged outcome", REVIEW if advice else PASS, text, " ".join(advice))
