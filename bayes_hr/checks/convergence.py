"""Did the sampler converge?  Thresholds as in contracts.md; a card may tighten them.

R-hat and ESS: Vehtari et al. (2021), doi 10.1214/20-BA1221.  E-BFMI: Betancourt (2016), arXiv 1604.00695.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.checks.result import FAIL, NOT_APPLICABLE, PASS, REVIEW, CheckResult
from bayes_hr.estimands.summary import split_r_hat

if TYPE_CHECKING:
    import xarray as xr

R_HAT_REVIEW: Final = 1.05
ESS_REVIEW: Final = 100
DIVERGENT_REVIEW: Final = 0.001
BFMI: Final = 0.3
GROUP_R_HAT: Final = 1.02
GROUP_SHARE: Final = 0.999
MORE = "Draw more (--draws, --tune), or simplify the model."


def finite(posterior: xr.Dataset) -> CheckResult:
    """No draw may be NaN or infinite."""
    bad = [str(n) for n, v in posterior.data_vars.items() if not np.isfinite(v.values).all()]
    if bad:
        text = f"{', '.join(bad)} hold values that are not finite"
        return CheckResult("finite values", FAIL, text, "Check the outcome, the controls and the priors.")
    return CheckResult("finite values", PASS, "every draw is finite")


def mixing(table: pd.DataFrame, *, r_hat: float, ess: int) -> CheckResult:
    """R-hat and ESS of every reported estimand and every hyperparameter.

    Parameters
    ----------
    table
        Columns ``level, r_hat, ess_bulk, ess_tail``, one row for each of them.
    r_hat, ess
        The card's thresholds of a PASS.
    """
    smallest = table[["ess_bulk", "ess_tail"]].min(axis=1)
    worst_r, least = float(table["r_hat"].max()), float(smallest.min())
    undefined = table["r_hat"].isna() | smallest.isna()
    if undefined.any():
        name = table["level"][undefined.idxmax()]
        return CheckResult("mixing", FAIL, f"R-hat or ESS is undefined for {name}", MORE, table)
    slowest, fewest = table["level"][table["r_hat"].idxmax()], table["level"][smallest.idxmin()]
    text = (
        f"{len(table)} reported quantities: largest R-hat {worst_r:.3f} ({slowest}), "
        f"smallest ESS {least:,.0f} ({fewest})"
    )
    if worst_r < r_hat and least >= ess:
        status = PASS
    elif worst_r < R_HAT_REVIEW and least >= ESS_REVIEW:
        status = REVIEW
    else:
        status = FAIL
    return CheckResult("mixing", status, text, "" if status == PASS else MORE, table)


def chains(posterior: xr.Dataset) -> CheckResult:
    """At least four chains."""
    n = posterior.sizes["chain"]
    if n >= 4:
        return CheckResult("chains", PASS, f"{n} chains of {posterior.sizes['draw']:,} draws")
    return CheckResult(
        "chains", REVIEW, f"{n} chain(s); four are needed for R-hat to mean much", "Use --chains 4."
    )


def divergences(statistics: xr.Dataset) -> CheckResult:
    """No divergent transition."""
    if "diverging" not in statistics:
        return CheckResult("divergences", NOT_APPLICABLE, "this engine has none")
    values = statistics["diverging"].values
    count, share = int(values.sum()), float(values.mean())
    status = PASS if count == 0 else REVIEW if share < DIVERGENT_REVIEW else FAIL
    advice = "" if status == PASS else "Raise target_accept in the card's [fit], or change centred."
    return CheckResult("divergences", status, f"{count} of {values.size:,} transitions ({share:.2%})", advice)


def tree_depth(statistics: xr.Dataset) -> CheckResult:
    """The sampler's trees do not hit their limit."""
    if "reached_max_treedepth" not in statistics:
        return CheckResult("tree depth", NOT_APPLICABLE, "this engine has no trees")
    share = float(statistics["reached_max_treedepth"].values.mean())
    if share == 0:
        return CheckResult("tree depth", PASS, "never at its limit")
    advice = "The posterior is badly scaled: check the units of the controls and the priors."
    return CheckResult("tree depth", REVIEW, f"{share:.2%} of the trees hit the limit", advice)


def energy(statistics: xr.Dataset) -> CheckResult:
    """E-BFMI above 0.3 in every chain."""
    if "energy" not in statistics:
        return CheckResult("energy", NOT_APPLICABLE, "this engine has no energy")
    values = statistics["energy"].values
    bfmi = np.mean(np.diff(values, axis=1) ** 2, axis=1) / np.var(values, axis=1)
    low = float(bfmi.min())
    if low > BFMI:
        return CheckResult("energy", PASS, f"smallest E-BFMI {low:.2f}")
    advice = "Heavy tails: tighten the priors of the SDs or draw more."
    return CheckResult("energy", REVIEW, f"smallest E-BFMI {low:.2f}, not above {BFMI}", advice)


def unreported_groups(posterior: xr.Dataset) -> CheckResult:
    """Group effects and year effects that no table shows: 99.9 % of them under R-hat 1.02."""
    names = [n for n in posterior.data_vars if str(n).startswith("u_") or n == "year_effect"]
    if not names:
        return CheckResult("group effects", NOT_APPLICABLE, "the model has none")
    flat = [posterior[n].values.reshape(*posterior[n].shape[:2], -1) for n in names]
    found = split_r_hat(np.concatenate(flat, axis=2))
    share = float(np.mean(found < GROUP_R_HAT))
    text = f"{share:.1%} of {found.size:,} have R-hat under {GROUP_R_HAT}"
    if share >= GROUP_SHARE:
        return CheckResult("group effects", PASS, text)
    return CheckResult("group effects", REVIEW if share > 0.95 else FAIL, text, MORE)


def rank(deficient: tuple[str, ...]) -> CheckResult:
    """The design has full rank."""
    if not deficient:
        return CheckResult("design rank", PASS, "every effect is identified by the rows")
    text = f"the rows cannot tell {', '.join(deficient)} apart from the rest; they come from the prior"
    advice = "Merge the classes concerned, leave a control out, or report these effects as prior only."
    return CheckResult("design rank", REVIEW, text, advice)
