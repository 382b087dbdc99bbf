"""Figures of checks: does the model produce data like ours, and what did the data teach it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.checks.predictive import AUTOCORRELATION_LIMIT
from bayes_hr.priors import Prior
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.plots import density

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Lesson = tuple[str, Prior, Array, str]


def autocorrelation_picture(table: pd.DataFrame, shocks: str = "yearly shocks") -> Picture:
    """Autocorrelation of the shocks, in the data and as the model replicates it."""
    observed, again = table["observed"].to_numpy(float), table["replicated"].to_numpy(float)
    with fig.style():
        figure, (axis,) = fig.new_figure(6.4, 2.5)
        ends = np.nanquantile(np.concatenate([again, observed, [-0.25, 0.25]]), [0, 1])
        bins = [float(b) for b in np.linspace(float(ends[0]), float(ends[1]), 120)]
        for limit in (-AUTOCORRELATION_LIMIT, AUTOCORRELATION_LIMIT):
            axis.axvline(limit, color=fig.ALERT, lw=1.2, ls=(0, (4, 3)))
        axis.hist(again, bins=bins, histtype="stepfilled", color="#9aa4af", label="replicated by the model")
        axis.hist(
            observed,
            histtype="stepfilled",
            bins=bins,
            color=fig.ACCENT,
            alpha=0.85,
            label="in the data",
        )
        axis.set_xlabel(f"lag-1 autocorrelation of the {shocks}")
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0.17, 1.0))
    told = f"{np.nanmean(observed):+.2f} in the data, {np.nanmean(again):+.2f} replicated"
    caption = (
        f"Autocorrelation left in the {shocks}, one value for each posterior draw. Dashed: the limits "
        "of a PASS. If the data lie far to the right, errors persist more than the model knows, and "
        "intervals are too narrow."
    )
    return Picture("fig-autocorrelation", figure, caption, f"Histogram of the lag-1 autocorrelation: {told}.")


def spread_picture(table: pd.DataFrame, *, one: str, many: str) -> Picture:
    """SD within each country (or whatever ``one`` is) against its predictive interval, misses named."""
    own = table.sort_values("observed").reset_index(drop=True)
    at = np.arange(len(own))
    out = own["outside"].to_numpy(bool)
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 3.4)
        axis.vlines(at, own["lb"], own["ub"], color="#c3c9d0", lw=2.2)
        axis.plot(at[~out], own["observed"][~out], "o", ms=3, color=fig.INK, label="data, inside")
        axis.plot(at[out], own["observed"][out], "D", ms=4, color=fig.ALERT, label="data, outside")
        axis.set_xticks([])
        axis.set_xlabel(f"{many}, by their SD in the data")
        axis.set_ylabel("SD over time")
        axis.legend(frameon=False, fontsize=9, loc="upper left")
    caption = (
        f"How much each {one}'s outcome varies over the years: the data and the model's 98 % predictive "
        f"interval. {int(out.sum())} of {len(own)} lie outside; a share well above 2 % asks whether all "
        f"{many} have the same size of shock.{_furthest(own)}"
    )
    return Picture(f"fig-{one.lower()}-sd", figure, caption, caption)


def _furthest(own: pd.DataFrame, count: int = 5) -> str:
    """Name those furthest above their interval."""
    excess = own["observed"] - own["ub"]
    worst = [str(own["level"][k]) for k in excess[excess > 0].nlargest(count).index]
    return f" Furthest above: {fmt.joined(worst)}." if worst else ""


def learning_picture(parts: list[Lesson]) -> Picture:
    """Prior and posterior of a few parameters: name, prior, draws and colour of each."""
    columns = min(len(parts), 3)
    rows = -(-len(parts) // columns)
    with fig.style():
        figure, axes = fig.new_figure(7.6, 1.75 * rows + 0.3, rows=rows, columns=columns)
        for axis, (name, prior, draws, colour) in zip(axes, parts, strict=False):
            _prior_and_posterior(axis, prior, draws, colour)
            axis.set_title(fig.shortened(name, 30), fontsize=9.5, loc="left")
        for spare in axes[len(parts) :]:
            spare.set_axis_off()
    caption = (
        "What the data taught the model: prior (dashed) and posterior (filled). Where both agree, the data "
        "said little."
    )
    alt = (
        caption
        + " "
        + "; ".join(f"{n}: posterior SD {d.std():.2f}, prior SD {_prior_sd(p):.2f}" for n, p, d, _ in parts)
    )
    return Picture("fig-learning", figure, caption, alt)


def _prior_and_posterior(axis: Axes, prior: Prior, draws: Array, colour: str) -> None:
    sample = prior.rvs(np.random.default_rng(0), 4000)
    low, high = np.quantile(sample, [0.01, 0.99])
    low, high = min(low, draws.min()), max(high, draws.max())
    low = max(low, 0.0) if (sample >= 0).all() else low
    grid = np.linspace(low, high, 240)
    curve = density(draws, grid)
    area = np.trapezoid(curve, grid)
    axis.fill_between(grid, curve / area if area > 0 else curve, color=colour, alpha=0.35, lw=0)
    axis.plot(grid, prior_density(prior, grid), color=fig.INK, lw=1.3, ls=(0, (4, 2)))
    axis.set_yticks([])
    axis.set_ylim(bottom=0)
    axis.spines["left"].set_visible(False)


def prior_density(prior: Prior, grid: Array) -> Array:
    """Density of a prior on a grid."""
    from scipy import stats

    v = prior.values
    frozen = {
        "normal": lambda: stats.norm(v[0], v[-1]),
        "half_normal": lambda: stats.halfnorm(0, v[0]),
        "exponential": lambda: stats.expon(0, v[0]),
        "gamma": lambda: stats.gamma(v[0], scale=1 / v[-1]),
        "uniform": lambda: stats.uniform(v[0], v[-1] - v[0]),
    }
    if prior.kind == "half_student_t":
        return np.asarray(np.where(grid >= 0, 2 * stats.t(v[0], 0, v[1]).pdf(grid), 0.0))
    return np.asarray(frozen[prior.kind]().pdf(grid))


def _prior_sd(prior: Prior) -> float:
    return float(prior.rvs(np.random.default_rng(0), 4000).std())
