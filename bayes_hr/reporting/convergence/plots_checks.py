"""Figures of checks of a convergence fit, and of what the data taught the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_hr.estimands.summary import interval
from bayes_hr.priors import Prior
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting.convergence.vocabulary import COLOURS, QUANTITIES
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.plots_checks import autocorrelation_picture, spread_picture
from bayes_hr.reporting.prior_lines import prior_of

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content
    from bayes_hr.reporting.plots_checks import Lesson

MOST_PHASES = 60
"""Phases of IGOs that the figure shows; of more, those furthest off."""

LEARNED = ("kink_entry", "kink_exit", "jump_entry", "slope_before", "slope_during", "slope_after")
"""Estimands whose prior is normal: differences of coefficients with normal priors."""


def check_pictures(content: Content) -> list[Picture]:
    """Figures of the predictive checks that were made."""
    out = []
    if (shocks := content.check("residual autocorrelation")) is not None:
        out.append(autocorrelation_picture(shocks))
    if (years := content.check("year mean")) is not None:
        out.append(year_picture(years))
    if (phases := content.check("phase of an IGO mean")) is not None:
        out.append(phase_picture(phases))
    if (spreads := content.check("state SD")) is not None:
        out.append(spread_picture(spreads, one="state", many="states"))
    return out


def year_picture(table: pd.DataFrame) -> Picture:
    """Mean outcome of each year against the model's predictive band."""
    found = table.assign(year=table["level"].astype(int)).sort_values("year")
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 2.6)
        axis.fill_between(found["year"], found["lb"], found["ub"], color="#9aa4af", alpha=0.4, lw=0)
        axis.plot(found["year"], found["observed"], color=fig.INK, lw=1.8)
        out = found[found["outside"].astype(bool)]
        axis.plot(out["year"], out["observed"], "o", ms=5, mfc="white", mec=fig.ALERT, mew=1.6)
        axis.grid(axis="y")
        axis.set_ylabel("mean distance")
    caption = (
        "Mean distance of each year: the data (line) and the model's 98 % predictive band. Red circles: "
        f"years outside it ({len(out)} of {len(found)})."
    )
    return Picture("fig-years-mean", figure, caption, caption)


def phase_picture(table: pd.DataFrame) -> Picture:
    """Mean outcome of each phase of each IGO against its predictive interval."""
    split = table["level"].str.rsplit(" ", n=1, expand=True)
    found = table.assign(igo=split[0], phase=split[1])
    off = (found["observed"] - (found["lb"] + found["ub"]) / 2).abs() / (found["ub"] - found["lb"])
    shown = found.loc[off.sort_values(ascending=False, kind="stable").index[:MOST_PHASES]]
    shown = shown.sort_values("observed").reset_index(drop=True)
    at = np.arange(len(shown))
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 3.4)
        for phase, colour in COLOURS.items():
            part = shown[shown["phase"] == phase]
            if part.empty:
                continue
            where = part.index.to_numpy()
            axis.vlines(where, part["lb"], part["ub"], color=colour, lw=2.4, alpha=0.45)
            axis.plot(where, part["observed"], "o", ms=4, color=colour, label=phase)
        out = shown["outside"].to_numpy(bool)
        if out.any():
            ring: dict[str, Any] = {"ms": 6, "mfc": "none", "mec": fig.ALERT, "mew": 1.6}
            axis.plot(at[out], shown["observed"][out], "D", **ring, label="outside")
        axis.set_xticks(at, shown["igo"], rotation=90, fontsize=7.5)
        axis.set_ylabel("mean distance")
        axis.legend(frameon=False, fontsize=9, loc="upper left", ncols=4)
        axis.margins(y=0.16)
    most = f" The {len(shown)} furthest off are shown." if len(shown) < len(found) else ""
    caption = (
        "Mean distance of each phase of each IGO: the data (dot) and the model's 98 % predictive interval. "
        f"{int(found['outside'].sum())} of {len(found)} lie outside.{most}"
    )
    return Picture("fig-igo-phases", figure, caption, caption)


def year_effects_picture(content: Content) -> Picture | None:
    """Year effects: what all distances share in a year."""
    if "year_effect" not in content.posterior:
        return None
    effect = content.posterior["year_effect"].transpose("chain", "draw", "year")
    lower, upper = interval(effect.values)
    years = effect["year"].values
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 2.6)
        axis.axhline(0, color=fig.QUIET, lw=0.9)
        axis.fill_between(years, lower, upper, color="#9aa4af", alpha=0.4, lw=0)
        axis.plot(years, effect.values.mean(axis=(0, 1)), color=fig.INK, lw=1.8)
        axis.grid(axis="y")
        axis.set_ylabel("score units")
    caption = (
        "Year effects, which all dyads share: world-wide compression or fanning that the model takes out "
        "before it looks at membership (posterior mean and 89 % interval). Their trend and the common slope "
        "of the phases trade off; the priors decide between them."
    )
    return Picture("fig-years", figure, caption, caption)


def lessons(content: Content) -> list[Lesson]:
    """Kinks, jump at entry, slopes and the spreads of slopes, each with its prior."""
    from bayes_hr.estimands.convergence import contrasts

    out: list[Lesson] = []
    terms = tuple(str(t) for t in content.design.term("beta").coords["term"])
    weights = contrasts(terms, np.nan)
    for name in LEARNED:
        if name in content.quantities and name in weights and not content.of(name, "all").empty:
            priors = {t: prior_of(content, f"beta.{t}") for t in weights[name]}
            mean = sum(w * priors[t]["mu"] for t, w in weights[name].items())
            sd = float(np.sqrt(sum((w * priors[t]["sigma"]) ** 2 for t, w in weights[name].items())))
            quantity = QUANTITIES[name]
            draws = content.draws(name, "all")[:, 0]
            out.append((quantity.label, Prior("normal", (float(mean), sd)), draws, COLOURS[quantity.phase]))
    for group, who in (("state", "states"), ("igo", "IGOs")):
        key = f"sd_{group}.during_slope"
        if key in content.prior_keys:
            spread = content.posterior[f"sd_{group}"].sel({f"{group}_term": "during_slope"})
            name = f"SD of {who}' slopes during"
            out.append((name, prior_of(content, key), spread.values.ravel(), fig.INK))
    if content.design.serial is not None:
        draws = content.posterior["sd_state_year"].values.ravel()
        out.append(("SD of state-years", prior_of(content, "sd_state_year"), draws, fig.INK))
    return out
