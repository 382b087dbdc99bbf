r"""What the data say of each estimand, and what only the priors do: three figures, since each alone misleads.

- **Contraction** = 1 - posterior variance / prior variance.  Below one half the prior weighs more than the
  data.  A prior that is wide enough contracts whatever it meets.
- **Power scaling**: how far the posterior moves if the prior, or the likelihood, is raised to a power near
  1.
  Kallioinen, Paananen, Bürkner & Vehtari (2023), *Detecting and diagnosing prior and likelihood sensitivity
  with power-scaling*, arXiv 2107.14054; computed by ArviZ.
- **Residual share**: of the within-dyad variance of the estimand's column, what is left after projection on
  the other columns of the design, dyad intercepts and year effects included.  Under 5 % the estimate leans
  on the model's form and priors, however narrow it is.

With dyad and year effects, calendar time is an intercept plus a trend that every dyad shares: only slope
*differences* (kinks) are identified.  An estimand flagged here is "conditional on the priors", not wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.checks.residual_share import SHARE_LIMIT
from bayes_hr.checks.result import PASS, REVIEW, CheckResult
from bayes_hr.data.messages import listed
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Draws = Mapping[str, Array]

CONTRACTION_LIMIT: Final = 0.5
"""Below it the prior has more precision than the data (in the conjugate normal case, exactly)."""

SENSITIVITY_LIMIT: Final = 0.05
"""Power-scaling sensitivity from which the prior matters, or below which the likelihood does not."""

CONDITIONAL: Final = "conditional on the priors"
CONFLICT: Final = "possible prior-data conflict"
UNKNOWN: Final = "is not a number"
COLUMNS: Final = (
    "estimand", "prior_sd", "posterior_sd", "contraction", "psense_prior", "psense_likelihood",
    "residual_share", "flag", "text",
)  # fmt: skip


def with_before(rows: xr.Dataset) -> NDArray[np.bool_]:
    """Rows (n,) of dyads that have a row before entry: what a fit without the other dyads would keep."""
    before = rows["phase"].values.astype(str) == "before"
    dyad, labels = pd.factorize(rows["dyad"].values)
    return np.asarray((np.bincount(dyad[before], minlength=len(labels)) > 0)[dyad])


def contraction(posterior: Array, prior: Array) -> float:
    """1 - posterior variance / prior variance; negative if the posterior is wider; NaN for a point prior."""
    spread = float(np.var(prior, ddof=1))
    return 1.0 - float(np.var(posterior, ddof=1)) / spread if spread > 0 else np.nan


def power_scaling(draws: Draws, *, log_prior: Draws, log_likelihood: Draws) -> pd.DataFrame:
    """Sensitivity of each estimand to power-scaling of the prior, of each part of it, and of the likelihood.

    Kallioinen, Paananen, Bürkner & Vehtari (2023), arXiv 2107.14054: derivative of the cumulative
    Jensen-Shannon distance with respect to log2 of the power, by Pareto-smoothed importance sampling.

    Parameters
    ----------
    draws
        Estimand -> (chain, draw).
    log_prior
        Parameter -> log prior density of the draws, (chain, draw), summed over its entries.  Leave out
        group effects given their SDs: those are the model, and scaling them says nothing of the priors that
        a user chose.
    log_likelihood
        Name -> log likelihood of all rows, (chain, draw).

    Returns
    -------
    pandas.DataFrame
        Index estimand; columns ``prior``, ``likelihood``, and ``prior: <parameter>`` for each parameter.
        NaN where the draws of the estimand do not vary.

    Raises
    ------
    InputError
        If a draw or a log density is not finite.
    """
    import xarray as xr

    groups = {"prior": log_prior, "likelihood": log_likelihood}
    for array in (*draws.values(), *log_prior.values(), *log_likelihood.values()):
        if not np.isfinite(array).all():
            raise InputError("power scaling: draws or log densities are not all finite; look at the sampler.")
    dims, names = ("chain", "draw"), _varying(draws)
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({n: (dims, draws[n]) for n in names}),
            **{f"log_{k}": xr.Dataset({n: (dims, a) for n, a in g.items()}) for k, g in groups.items()},
        }
    )
    out = {k: _sensitivity(tree, k, _varying(g)) for k, g in groups.items()}
    for name in log_prior:
        out[f"prior: {name}"] = _sensitivity(tree, "prior", _varying({name: log_prior[name]}))
    return pd.DataFrame(out, index=pd.Index(names, name="estimand")).reindex(list(draws))


def _varying(group: Draws) -> list[str]:
    """Names of what varies over the draws; a flat log density moves nothing."""
    return [name for name, values in group.items() if np.ptp(values) > 0]


def _sensitivity(tree: xr.DataTree, group: str, parts: list[str]) -> dict[str, float]:
    """Sensitivity of each variable of the tree's posterior to scaling the named parts of a group."""
    import warnings

    from arviz_stats import psense

    names = [str(n) for n in tree["posterior"].data_vars]
    if not parts or not names:
        return dict.fromkeys(names, 0.0)
    with warnings.catch_warnings():
        # ArviZ says how many tail draws it smooths where there are few draws; the figure stands.
        warnings.filterwarnings("ignore", message="Number of tail draws", category=UserWarning)
        found = psense(tree, group=group, group_var_names=parts, sample_dims=["chain", "draw"])
    return {name: float(found[name]) for name in names}


def identification_table(
    posterior: Draws,
    *,
    prior: Draws,
    residual: Mapping[str, float],
    sensitivity: pd.DataFrame | None = None,
    residual_state_years: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """One row for each estimand of the population: what tells it, and how sure that is.

    Parameters
    ----------
    posterior
        Estimand -> (chain, draw), of :func:`bayes_hr.estimands.convergence.population_draws`.
    prior
        Estimand -> (draws,), of :func:`bayes_hr.estimands.convergence_prior.prior_estimands`.
    residual
        Estimand -> residual share, of :func:`bayes_hr.checks.residual_share.residual_shares`; the table has
        its estimands in its order.
    sensitivity
        From :func:`power_scaling`; None if the engine keeps no log densities (columns are NaN, and the text
        says so).
    residual_state_years
        The residual shares with free state-year effects, where the design has state-year effects: the text
        says so if they are under 5 %.  The model's are shrunken, so this alone is no flag.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`.  ``flag`` is empty, :data:`CONDITIONAL` (residual share under 5 %,
        contraction under 0.5, or sensitive to the prior and not to the likelihood) or :data:`CONFLICT`
        (sensitive to both, and not conditional); ``text`` gives the reasons.

    Raises
    ------
    InputError
        If draws of an estimand are missing.
    """
    rows = []
    for name, share in residual.items():
        if name not in posterior or name not in prior:
            raise InputError(f"identification: there are no posterior or prior draws of {name}.")
        if sensitivity is not None and name not in sensitivity.index:
            raise InputError(f"identification: the power-scaling table has no row for {name}.")
        at = None if sensitivity is None else sensitivity.loc[name]
        numbers = {
            "prior_sd": float(np.std(prior[name], ddof=1)),
            "posterior_sd": float(np.std(posterior[name], ddof=1)),
            "contraction": contraction(posterior[name], prior[name]),
            "psense_prior": np.nan if at is None else float(at["prior"]),
            "psense_likelihood": np.nan if at is None else float(at["likelihood"]),
            "residual_share": float(share),
        }
        flag, text = _judged(numbers, at)
        free = (residual_state_years or {}).get(name, np.inf)
        if free < SHARE_LIMIT <= share:
            text += f"{'; ' if text else ''}{free:.1%} of its column left if state-year effects were free"
        rows.append({"estimand": name, **numbers, "flag": flag, "text": text})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _judged(row: Mapping[str, float], at: pd.Series | None) -> tuple[str, str]:
    """Flag and text of one row; what is not known is said, since a comparison with NaN is False."""
    reasons, more = [], []
    if row["residual_share"] < SHARE_LIMIT:
        reasons.append(f"the other columns leave {row['residual_share']:.1%} of its column")
    if row["contraction"] < CONTRACTION_LIMIT:
        wider = ", wider than the prior" if row["contraction"] < 0 else ""
        reasons.append(f"contraction {row['contraction']:.2f}{wider}")
    prior, likelihood = row["psense_prior"], row["psense_likelihood"]
    moved = f"moves with the prior ({prior:.2f}{_most(at)})"
    if prior >= SENSITIVITY_LIMIT > likelihood:
        reasons.append(f"{moved} and not with the likelihood ({likelihood:.2f})")
    both = prior >= SENSITIVITY_LIMIT and likelihood >= SENSITIVITY_LIMIT
    if both:
        more.append(f"{moved} and with the likelihood ({likelihood:.2f})")
    if at is None:
        more.append("power scaling not available for this engine")
    known = row if at is not None else {k: v for k, v in row.items() if not k.startswith("psense")}
    more += [f"{name} {UNKNOWN}" for name, value in known.items() if not np.isfinite(value)]
    flag = CONDITIONAL if reasons else CONFLICT if both else ""
    return flag, "; ".join([*reasons, *more])


def _most(at: pd.Series | None) -> str:
    """The parameter to whose prior an estimand is most sensitive."""
    parts = (
        {} if at is None else {str(k)[7:]: float(v) for k, v in at.items() if str(k).startswith("prior: ")}
    )
    return f", most that of {max(parts, key=lambda k: parts[k])}" if len(parts) > 1 else ""


def identification_check(table: pd.DataFrame, aliased: tuple[str, ...] = ()) -> CheckResult:
    """PASS, or REVIEW where a kink or a jump is conditional on the priors; it never FAILs.

    Slopes by themselves always lean on the priors of the year effects: they are named, which is no reason for
    a REVIEW of what the report puts first.

    Parameters
    ----------
    table
        From :func:`identification_table`.
    aliased
        From :func:`bayes_hr.checks.residual_share.aliased_columns`: told, and of itself no reason for a
        REVIEW.
    """
    told = (
        f" (columns that dyad and year effects leave unidentified: {listed(aliased, 6)})" if aliased else ""
    )
    notes = []
    for flag in (CONDITIONAL, CONFLICT):
        names = table.loc[table["flag"] == flag, "estimand"].tolist()
        if names:
            notes.append(f"{flag}: {', '.join(names)}")
    unknown = table.loc[table["text"].str.contains(UNKNOWN, regex=False), "estimand"].tolist()
    if unknown:
        notes.append(f"not fully judged: {', '.join(unknown)}")
    slopes = table["estimand"].str.startswith("slope")
    if not notes or (not unknown and (slopes | (table["flag"] == "")).all()):
        first = f"all {len(table)} estimands" if not notes else "kinks and jumps; " + "; ".join(notes)
        return CheckResult("identification", PASS, f"the data identify {first}{told}", table=table)
    advice = (
        "Report kinks and jumps first; give flagged estimands together with their priors, and compare fits "
        "with other priors, and with and without dyads that have no year before entry."
    )
    return CheckResult("identification", REVIEW, "; ".join(notes) + told, advice, table)
