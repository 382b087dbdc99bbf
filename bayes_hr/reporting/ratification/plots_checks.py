"""Figures of checks of a ratification fit: classes over the years, what the data taught the model."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.estimands.summary import interval
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.plots_checks import autocorrelation_picture, spread_picture
from bayes_hr.reporting.prior_lines import prior_of
from bayes_hr.reporting.ratification.colours import colour_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bayes_hr.reporting.plots_checks import Lesson
    from bayes_hr.reporting.ratification.content import RatificationContent as Content

    Array = NDArray[np.float64]


def check_pictures(content: Content) -> list[Picture]:
    """Figures of the predictive checks that were made."""
    out = []
    if (shocks := content.check("residual autocorrelation")) is not None:
        ordinal = content.design.error.cuts is not None
        out.append(autocorrelation_picture(shocks, "latent residuals" if ordinal else "yearly shocks"))
    if (cells := content.check("class-year mean")) is not None:
        out.append(class_year_picture(cells, content))
    if (spreads := content.check("country SD")) is not None:
        out.append(spread_picture(spreads, one="country", many="countries"))
    return out


def class_year_picture(table: pd.DataFrame, content: Content) -> Picture:
    """Mean outcome by class and year against the model's predictive band."""
    split = table["level"].str.rsplit(" ", n=1, expand=True)
    found = table.assign(regime=split[0], year=split[1].astype(int)).sort_values("year")
    with fig.style():
        figure, axes = _class_panels(content, height=2.4)
        for axis, label in zip(axes, content.classes, strict=False):
            own = found[found["regime"] == label]
            colour = colour_of(label, content.classes)
            axis.fill_between(own["year"], own["lb"], own["ub"], color=colour, alpha=0.22, lw=0)
            axis.plot(own["year"], own["observed"], color=colour, lw=1.8)
            out = own[own["outside"]]
            axis.plot(out["year"], out["observed"], "o", ms=5, mfc="white", mec=fig.ALERT, mew=1.6)
            _panel_title(axis, label, colour)
        figure.supylabel(textwrap.fill(fig.shortened(content.outcome_scale, 80), 36), fontsize=9.5)
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


def year_effects_picture(content: Content) -> Picture | None:
    """Expected outcome without ratification by class and year, controls at their means."""
    level = baseline(content)
    if level is None:
        return None
    years = content.posterior["year"].values
    with fig.style():
        figure, axes = _class_panels(content, height=2.2)
        for k, (axis, label) in enumerate(zip(axes, content.classes, strict=False)):
            colour = colour_of(label, content.classes)
            lower, upper = interval(level[:, :, k])
            axis.fill_between(years, lower, upper, color=colour, alpha=0.22, lw=0)
            axis.plot(years, level[:, :, k].mean(axis=(0, 1)), color=colour, lw=1.8)
            _panel_title(axis, label, colour)
        figure.supylabel(textwrap.fill(fig.shortened(content.scale, 80), 36), fontsize=9.5)
    caption = (
        "The paths that the model takes out before it looks for an effect: expected outcome of a class by "
        "year, without ratification, controls at their means (posterior mean and 89 % interval)."
    )
    if content.card.dynamics.lagged_outcome:
        caption += f" Given an outcome of {content.design.centre:.2g} the year before."
    if content.design.error.cuts is not None:
        caption += " On the latent scale, measured from the first cut-point."
    return Picture("fig-years", figure, caption, caption)


def baseline(content: Content) -> Array | None:
    """Level alpha + beta_r + f_r(t), (chain, draw, class, year); None without year effects.

    Ordered categories have minus the first cut-point in place of alpha.
    """
    posterior = content.posterior
    if "year_effect" not in posterior:
        return None
    effect = posterior["year_effect"].values
    n = len(content.classes)
    path = effect if effect.ndim == 4 else np.repeat(effect[:, :, None, :], n, axis=2)
    level = posterior["alpha"].values if "alpha" in posterior else -posterior["cutpoint"].values[:, :, 0]
    out = path + level[:, :, None, None]
    if "beta" in posterior:
        out[:, :, 1:, :] += posterior["beta"].values[:, :, :, None]
    return np.asarray(out)


_PLURAL: Final = {"intercept": "levels", "ratified": "effects", "trend": "trends"}


def lessons(content: Content) -> list[Lesson]:
    """The class effects, the spread of country effects, and steps of cut-points, each with its prior."""
    out: list[Lesson] = []
    if content.card.treatment.pooling == "none":
        prior = prior_of(content, "tau")
        for k, label in enumerate(content.classes):
            draws = content.posterior["tau"].values[:, :, k].ravel()
            out.append((f"effect: {label}", prior, draws, colour_of(label, content.classes)))
    spread = content.posterior["sd_country"]
    for term in [str(t) for t in spread["country_term"].values]:
        prior = prior_of(content, f"sd_country.{term}")
        name = f"SD of country {_PLURAL.get(term, term)}"
        out.append((name, prior, spread.sel(country_term=term).values.ravel(), fig.INK))
    for step in ("sd_cutpoint_shift", "sd_gap_shift"):
        if step in content.posterior:
            name = f"SD of the {content.meaning[step]}"
            out.append((name, prior_of(content, step), content.posterior[step].values.ravel(), fig.INK))
    return out
