"""Figures of checks: does the model produce data like ours, and what did the data teach it?"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_hr.checks.predictive import AUTOCORRELATION_LIMIT
from bayes_hr.estimands.summary import interval
from bayes_hr.priors import Prior
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.plots_effects import density
from bayes_hr.reporting.tables_model import flat_priors, in_outcome_units

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bayes_hr.reporting.content import Content

    Array = NDArray[np.float64]


def check_pictures(content: Content) -> list[Picture]:
    """Figures of the predictive checks that were made."""
    out = []
    if (shocks := content.check("residual autocorrelation")) is not None:
        out.append(autocorrelation_picture(shocks))
    if (cells := content.check("class-year mean")) is not None:
        out.append(class_year_picture(cells, content))
    if (spreads := content.check("country SD")) is not None:
        out.append(country_spread_picture(spreads))
    return out


def autocorrelation_picture(table: pd.DataFrame) -> Picture:
    """Autocorrelation of the yearly shocks, in the data and as the model replicates it."""
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
            color=fig.CLASS_COLOURS["stable autocracy"],
            alpha=0.85,
            label="in the data",
        )
        axis.set_xlabel("lag-1 autocorrelation of the yearly shocks")
        axis.set_yticks([])
        axis.spines["left"].set_visible(False)
        axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0.17, 1.0))
    told = f"{np.nanmean(observed):+.2f} in the data, {np.nanmean(again):+.2f} replicated"
    caption = (
        "Autocorrelation left in the yearly shocks, one value for each posterior draw. Dashed: the limits "
        "of a PASS. If the data lie far to the right, errors persist more than the model knows, and "
        "intervals are too narrow."
    )
    return Picture("fig-autocorrelation", figure, caption, f"Histogram of the lag-1 autocorrelation: {told}.")


def class_year_picture(table: pd.DataFrame, content: Content) -> Picture:
    """Mean outcome by class and year against the model's predictive band."""
    split = table["level"].str.rsplit(" ", n=1, expand=True)
    found = table.assign(regime=split[0], year=split[1].astype(int)).sort_values("year")
    with fig.style():
        figure, axes = _class_panels(content, height=2.4)
        for axis, label in zip(axes, content.classes, strict=False):
            own = found[found["regime"] == label]
            colour = fig.colour_of(label, content.classes)
            axis.fill_between(own["year"], own["lb"], own["ub"], color=colour, alpha=0.22, lw=0)
            axis.plot(own["year"], own["observed"], color=colour, lw=1.8)
            out = own[own["outside"]]
            axis.plot(out["year"], out["observed"], "o", ms=5, mfc="white", mec=fig.ALERT, mew=1.6)
            _panel_title(axis, label, colour)
        figure.supylabel(textwrap.fill(fig.shortened(content.scale, 80), 36), fontsize=9.5)
    caption = (
        "Mean outcome of each class and year: the data (line) and the model's 98 % predictive band. Red "
        f"circles: years outside it ({int(found['outside'].sum())} of {len(found)})."
    )
    return Picture("fig-class-years", figure, caption, caption)


def _class_panels(content: Content, *, height: float) -> tuple[Any, list[Axes]]:
    """A grid of panels, one for each class, two to a row."""
    n = len(content.classes)
    columns = min(n, 2)
    rows = -(-n // columns)
    figure, axes = fig.new_figure(7.6, height * rows, rows=rows, columns=columns, sharex=True, sharey=True)
    for spare in axes[n:]:
        spare.set_axis_off()
    for axis in axes[:n]:
        axis.grid(axis="y")
    return figure, axes


def _panel_title(axis: Axes, label: str, colour: str) -> None:
    axis.set_title(fig.shortened(label, 34), fontsize=10.5, color=colour, loc="left", fontweight="bold")


def country_spread_picture(table: pd.DataFrame) -> Picture:
    """SD over time within each country against its predictive interval, widest misses named."""
    own = table.sort_values("observed").reset_index(drop=True)
    at = np.arange(len(own))
    out = own["outside"].to_numpy(bool)
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 3.4)
        axis.vlines(at, own["lb"], own["ub"], color="#c3c9d0", lw=2.2)
        axis.plot(at[~out], own["observed"][~out], "o", ms=3, color=fig.INK, label="data, inside")
        axis.plot(at[out], own["observed"][out], "D", ms=4, color=fig.ALERT, label="data, outside")
        axis.set_xticks([])
        axis.set_xlabel("countries, by their SD in the data")
        axis.set_ylabel("SD over time")
        axis.legend(frameon=False, fontsize=9, loc="upper left")
    caption = (
        "How much each country's outcome varies over the years: the data and the model's 98 % predictive "
        f"interval. {int(out.sum())} of {len(own)} lie outside; a share well above 2 % asks whether all "
        f"countries have the same size of shock.{_furthest(own)}"
    )
    return Picture("fig-country-sd", figure, caption, caption)


def _furthest(own: pd.DataFrame, count: int = 5) -> str:
    """Name the countries furthest above their interval."""
    excess = own["observed"] - own["ub"]
    worst = [str(own["level"][k]) for k in excess[excess > 0].nlargest(count).index]
    return f" Furthest above: {fmt.joined(worst)}." if worst else ""


def year_effects_picture(content: Content) -> Picture | None:
    """Expected outcome without ratification by class and year, controls at their means."""
    level = baseline(content)
    if level is None:
        return None
    years = content.posterior["year"].values
    with fig.style():
        figure, axes = _class_panels(content, height=2.2)
        for k, (axis, label) in enumerate(zip(axes, content.classes, strict=False)):
            colour = fig.colour_of(label, content.classes)
            lower, upper = interval(level[:, :, k])
            axis.fill_between(years, lower, upper, color=colour, alpha=0.22, lw=0)
            axis.plot(years, level[:, :, k].mean(axis=(0, 1)), color=colour, lw=1.8)
            _panel_title(axis, label, colour)
        figure.supylabel(textwrap.fill(fig.shortened(content.scale, 80), 36), fontsize=9.5)
    caption = (
        "The paths that the model takes out before it looks for an effect: expected outcome of a class by "
        "year, without ratification, controls at their means (posterior mean and 89 % interval)."
    )
    return Picture("fig-years", figure, caption, caption)


def baseline(content: Content) -> Array | None:
    """Level alpha + beta_r + f_r(t), (chain, draw, class, year); None without year effects."""
    posterior = content.posterior
    if "year_effect" not in posterior:
        return None
    effect = posterior["year_effect"].values
    n = len(content.classes)
    path = effect if effect.ndim == 4 else np.repeat(effect[:, :, None, :], n, axis=2)
    out = path + posterior["alpha"].values[:, :, None, None]
    if "beta" in posterior:
        out[:, :, 1:, :] += posterior["beta"].values[:, :, :, None]
    return np.asarray(out)


def learning_picture(content: Content) -> Picture:
    """Prior and posterior of the class effects and of the spread of country effects."""
    parts = _learned(content)
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


def _learned(content: Content) -> list[tuple[str, Prior, Array, str]]:
    given = flat_priors(content.card)
    unit, centre = content.design.unit, content.design.centre
    out = []
    if content.card.treatment.pooling == "none":
        prior = in_outcome_units("tau", given["tau"], unit=unit, centre=centre)
        for k, label in enumerate(content.classes):
            draws = content.posterior["tau"].values[:, :, k].ravel()
            out.append((f"effect: {label}", prior, draws, fig.colour_of(label, content.classes)))
    spread = content.posterior["sd_country"]
    for term in [str(t) for t in spread["country_term"].values]:
        key = f"sd_country.{term}"
        prior = in_outcome_units(key, given[key], unit=unit, centre=centre)
        name = "SD of country effects" if term == "ratified" else "SD of country levels"
        out.append((name, prior, spread.sel(country_term=term).values.ravel(), fig.INK))
    return out


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
