"""Does the fitted model produce data like ours?  Posterior and prior predictive checks.

Rows are simulated with country effects at their posterior draws and fresh AR(1) errors; ordered categories
are compared by their codes, their shares, and the autocorrelation of the latent outcome that they imply.  A
miss beyond
the sizes stated here asks for a REVIEW; predictive checks alone never FAIL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.checks.result import NOT_APPLICABLE, PASS, REVIEW, CheckResult
from bayes_hr.data.messages import listed
from bayes_hr.kernels import lag_one_autocorrelation
from bayes_hr.ordinal import latent_autocorrelation
from bayes_hr.simulation import (
    ParameterDraw,
    innovations,
    linear_predictor,
    posterior_draws,
    prior_draws,
    row_cutpoints,
    simulate_outcome,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr
    from numpy.typing import NDArray

    from bayes_hr.design import Design, View

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]

AUTOCORRELATION_LIMIT: Final = 0.2
"""Largest lag-1 autocorrelation of the yearly shocks, in absolute value, that still passes."""

TAIL_LIMIT: Final = 2.0
"""Shocks beyond 3 SD may be this many times as frequent as the model says (and at least 0.5 % more)."""

GROUP_LIMIT: Final = 0.05
"""Share of countries, or of class-years, that may lie outside its 98 % predictive interval.

More is allowed where the model's own replicates stray as far (errors persist, so neighbouring years
leave their intervals together): the limit is then the 99 % quantile over replicates.
"""

SHARE_LIMIT: Final = 0.01
"""Distance of a category's share from its 98 % predictive interval that still passes."""

SHARES: Final = "category shares"

BY_PART: Final = "shares of categories"
"""Statistic of a view: the share of each category in each of its parts."""

FEWEST: Final = 40
"""Draws of a design with very many rows: a 98 % interval of fewer would say nothing."""

DRAWS: Final = 200


@dataclass(frozen=True)
class Replicates:
    """Simulated and observed statistics.

    Attributes
    ----------
    statistics
        Name -> (observed per draw or once, replicated), both (draws, k).
    labels
        Name -> k labels, of the design's views.
    categories
        Labels of the outcome's ordered categories; empty for other outcomes.
    cells
        Whether rows are country-years that stand for many rows.
    moving
        Whether cut-points move over the years.
    """

    statistics: dict[str, tuple[Array, Array]]
    labels: dict[str, list[str]]
    categories: tuple[str, ...] = ()
    cells: bool = False
    moving: bool = False


def _affordable(design: Design, draws: int) -> int:
    """Fewer draws of very many rows: each simulates all of them."""
    return min(draws, max(FEWEST, draws * 50_000 // design.n))


def replicate(design: Design, posterior: xr.Dataset, *, seed: int, draws: int = DRAWS) -> Replicates:
    """Simulate the rows anew ``draws`` times; compare statistics of the design's views, and of shocks."""
    rng = np.random.default_rng([seed, 2])
    y = design.y
    found: dict[str, list[tuple[Array, Array]]] = {}
    for draw in posterior_draws(design, posterior, _affordable(design, draws)):
        eta = linear_predictor(design, draw)
        again = simulate_outcome(rng, design, draw, eta)
        pairs = {
            f"{view.name} {statistic}": _both(_statistic(design, statistic), y, again, view.index)
            for view in design.views
            for statistic in view.statistics
        }
        shocks = _shock_statistics if draw.cutpoints is None else _category_statistics
        own, new = (shocks(rng, design, draw, v, eta) for v in (y, again))
        pairs |= {name: (own[name], new[name]) for name in own}
        for name, pair in pairs.items():
            found.setdefault(name, []).append(pair)
    stacked = {n: (np.array([p[0] for p in v]), np.array([p[1] for p in v])) for n, v in found.items()}
    labels = {f"{v.name} {s}": _labels(design, v, s) for v in design.views for s in v.statistics}
    moving = design.error.cuts is not None and design.error.cuts.walk is not None
    return Replicates(stacked, labels, _categories(design), cells=design.repeats is not None, moving=moving)


def _labels(design: Design, view: View, statistic: str) -> list[str]:
    """Names of a statistic's values: the view's parts, or each category in each of them."""
    if statistic != BY_PART:
        return list(view.labels)
    return [f"{category} in {part}" for part in view.labels for category in _categories(design)]


def _categories(design: Design) -> tuple[str, ...]:
    """Labels of ordered categories; none for other outcomes."""
    return () if design.error.cuts is None else tuple(str(c) for c in design.error.cuts.categories)


def _shares(design: Design, y: Array) -> Array:
    """Share of the rows in each category, (K,), for codes of categories."""
    return np.bincount(y.astype(np.int64), minlength=len(_categories(design))) / y.size


def _means(values: Array, index: Index) -> Array:
    return np.asarray(np.bincount(index, values) / np.bincount(index))


def _spreads(values: Array, index: Index) -> Array:
    mean = _means(values, index)
    return np.asarray(np.sqrt(_means((values - mean[index]) ** 2, index)))


def _both(
    statistic: Callable[[Array, Index], Array], y: Array, again: Array, part: Index
) -> tuple[Array, Array]:
    return statistic(y, part), statistic(again, part)


def _shares_by_part(codes: Array, part: Index, K: int) -> Array:
    """Share of each of K categories in each part, (parts x K,), categories of a part together."""
    flat = np.bincount(part * K + codes.astype(np.int64), minlength=K * (int(part.max()) + 1))
    count = flat.reshape(-1, K)
    return np.asarray((count / count.sum(axis=1, keepdims=True)).ravel())


_STATISTICS: Final = {"mean": _means, "SD": _spreads}


def _statistic(design: Design, name: str) -> Callable[[Array, Index], Array]:
    """A statistic of values (n,) by part (n,); where rows are cells, the mean is that of the rows behind."""
    if name == BY_PART:
        K = len(_categories(design))
        return lambda v, part: _shares_by_part(v, part, K)
    if design.repeats is None:
        return _STATISTICS[name]
    rows = design.repeats.rows
    return {"mean": lambda v, part: np.bincount(part, rows * v) / np.bincount(part, rows)}[name]


def _shock_statistics(
    rng: np.random.Generator, design: Design, draw: ParameterDraw, y: Array, eta: Array
) -> dict[str, Array]:
    """Autocorrelation and tails of the yearly shocks of an outcome (n,), each (1,)."""
    shocks = innovations(rng, design, draw, y, eta)
    autocorrelation = np.array([lag_one_autocorrelation(shocks, design.error.order)])
    return {"shock autocorrelation": autocorrelation, "shocks beyond 3 SD": _beyond(draw, shocks)}


def _category_statistics(
    _: np.random.Generator, design: Design, draw: ParameterDraw, y: Array, eta: Array
) -> dict[str, Array]:
    """Autocorrelation of the latent residuals (1,), and shares of the categories (K,), for codes (n,)."""
    rho = latent_autocorrelation(y, eta, row_cutpoints(design, draw), design.error.order, design.error.link)
    return {"shock autocorrelation": np.array([rho]), SHARES: _shares(design, y)}


def _beyond(draw: ParameterDraw, shocks: Array) -> Array:
    return np.array([np.mean(np.abs(shocks) > 3.0 * (1.0 if draw.nu is None else _t_spread(draw.nu)))])


def _t_spread(nu: float) -> float:
    """SD of a t distribution (its 97.5 % quantile over 1.96 where the variance does not exist)."""
    from scipy import stats

    return float(np.sqrt(nu / (nu - 2.0))) if nu > 2.1 else float(stats.t.ppf(0.975, nu) / 1.96)


def predictive_checks(replicates: Replicates) -> list[CheckResult]:
    """Judge the replicates: shocks' autocorrelation and tails (or shares of categories), and each view."""
    return [
        _autocorrelation(replicates),
        _tails(replicates),
        *([_category_shares(replicates)] if replicates.categories else []),
        *(_group(replicates, name) for name in replicates.labels),
    ]


_PERSISTENT: Final = (
    "Intervals are too narrow: the dynamics are richer than the card's. In a ratification card use "
    'error.kind = "ar1" if it does not.'
)
_PERSISTENT_CATEGORIES: Final = (
    "Intervals are too narrow: the latent outcome persists from year to year, and its errors are taken as "
    "independent. Compare with a Gaussian outcome with AR(1) errors."
)
_SHARED: Final = (
    "Something moves all rows of a country-year together, which rows with independent errors do not allow: "
    'intervals are too narrow. Fit the means of country-years (Panel.from_frame) with error.kind = "ar1" '
    "beside this."
)


_STANDARD: Final = (
    "What it takes to be in a category seems to change over the years, which cut-points that stand still do "
    'not allow, nor year effects repair: compare with outcome.cut_points = "by_year" (time.effects = "none").'
)


def _autocorrelation(replicates: Replicates) -> CheckResult:
    observed, again = replicates.statistics["shock autocorrelation"]
    value, usual = float(np.nanmean(observed)), float(np.nanstd(again))
    what = "latent residuals" if replicates.categories else _shocks(replicates)
    text = f"lag-1 autocorrelation of the {what} {value:+.2f} (the model's own: 0 +- {usual:.2f})"
    table = pd.DataFrame({"observed": observed[:, 0], "replicated": again[:, 0]})
    if abs(value) <= AUTOCORRELATION_LIMIT:
        return CheckResult("residual autocorrelation", PASS, text, table=table)
    advice = _PERSISTENT_CATEGORIES if replicates.categories else _PERSISTENT
    advice = _SHARED if replicates.cells else advice
    text = f"{text}; limit {AUTOCORRELATION_LIMIT}"
    return CheckResult("residual autocorrelation", REVIEW, text, advice, table)


def _shocks(replicates: Replicates) -> str:
    return "errors of country-years' means" if replicates.cells else "yearly shocks"


def _category_shares(replicates: Replicates) -> CheckResult:
    observed, again = replicates.statistics[SHARES]
    lower, upper = np.quantile(again, [0.01, 0.99], axis=0)
    distance = np.maximum(lower - observed[0], observed[0] - upper)
    outside = distance > SHARE_LIMIT
    table = pd.DataFrame(
        {
            "level": list(replicates.categories),
            "observed": observed[0],
            "lb": lower,
            "ub": upper,
            "outside": outside,
        }
    )
    text = f"{outside.sum()} of {len(outside)} shares more than {SHARE_LIMIT:g} outside their 98 % interval"
    if not outside.any():
        return CheckResult(SHARES, PASS, text, table=table)
    named = listed((c for c, out in zip(replicates.categories, outside, strict=True) if out), 8)
    advice = "Cut-points do not reproduce the categories: look at their priors, and at rare categories."
    return CheckResult(SHARES, REVIEW, f"{text} ({named})", advice, table)


def _tails(replicates: Replicates) -> CheckResult:
    if replicates.categories:
        return CheckResult("tails", NOT_APPLICABLE, "ordered categories have no tails")
    observed, again = replicates.statistics["shocks beyond 3 SD"]
    value, expected = float(observed.mean()), float(again.mean())
    text = f"{value:.2%} of the {_shocks(replicates)} lie beyond 3 SD; the model expects {expected:.2%}"
    table = pd.DataFrame({"observed": observed[:, 0], "replicated": again[:, 0]})
    if value <= max(TAIL_LIMIT * expected, expected + 0.005):
        return CheckResult("tails", PASS, text, table=table)
    advice = 'A few sudden changes weigh heavily: compare with outcome.likelihood = "student_t".'
    advice = _SHARED if replicates.cells else advice
    return CheckResult("tails", REVIEW, text, advice, table)


def _group(replicates: Replicates, name: str) -> CheckResult:
    observed, again = replicates.statistics[name]
    lower, upper = np.quantile(again, [0.01, 0.99], axis=0)
    outside = (observed[0] < lower) | (observed[0] > upper)
    labels = replicates.labels[name]
    table = pd.DataFrame(
        {"level": labels, "observed": observed[0], "lb": lower, "ub": upper, "outside": outside}
    )
    share = float(outside.mean())
    usual = float(np.quantile(((again < lower) | (again > upper)).mean(axis=1), 0.99))
    named = listed((label for label, out in zip(labels, outside, strict=True) if out), 8)
    text = f"{outside.sum()} of {len(labels)} outside their 98 % predictive interval"
    if share <= max(GROUP_LIMIT, usual):
        return CheckResult(name, PASS, text, table=table)
    advice = "Look at the rows named here: a missing control, a break in the data, or a wrong scale."
    advice = _STANDARD if name.endswith(BY_PART) and not replicates.moving else advice
    return CheckResult(name, REVIEW, f"{text} ({named})", advice, table)


def prior_predictive(design: Design, *, seed: int, draws: int = DRAWS) -> pd.DataFrame:
    """What the priors alone say of the data: quantiles of simple statistics beside the observed ones.

    Returns
    -------
    pandas.DataFrame
        Rows: SD of the outcome and its range, or the shares of its ordered categories; SD of the means of the
        design's first view and SD within its parts, and the design's headline coefficient; columns
        ``observed, q05, q50, q95``.
    """
    rng = np.random.default_rng([seed, 3])
    main = design.views[0]
    many = f"{main.name[:-1]}ies" if main.name.endswith("y") else f"{main.name}s"
    names = [f"share of category {c}" for c in _categories(design)]
    names = names or ["SD of the outcome", "largest minus smallest outcome"]
    names += [f"SD of {main.name} means", f"SD within {many}"]
    if design.repeats is not None:
        names = [f"{name} (means of cells)" for name in names]
    rows = []
    for draw in prior_draws(design, rng, _affordable(design, draws)):
        y = simulate_outcome(rng, design, draw)
        rows.append([*_outcome_statistics(design, y, main.index), *_headline(design, draw)])
    if design.headline is not None:
        names.append(design.headline[2])
    quantiles = np.quantile(np.array(rows), [0.05, 0.5, 0.95], axis=0)
    observed = [*_outcome_statistics(design, design.y, main.index), *([np.nan] if design.headline else [])]
    return pd.DataFrame(
        {"observed": observed, "q05": quantiles[0], "q50": quantiles[1], "q95": quantiles[2]},
        index=pd.Index(names, name="statistic"),
    )


def _headline(design: Design, draw: ParameterDraw) -> list[float]:
    if design.headline is None:
        return []
    term, at, _ = design.headline
    return [float(draw.population[term][at])]


def _outcome_statistics(design: Design, y: Array, part: Index) -> list[float]:
    means = _means(y, part)
    whole = [float(y.std()), float(np.ptp(y))] if design.error.cuts is None else _shares(design, y).tolist()
    return [*whole, float(means.std()), float((y - means[part]).std())]
