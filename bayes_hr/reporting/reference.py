"""What reports say of the permuted-ratification reference: words, figure and table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.checks.reference import SD
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.tables import NUMBER, TEXT, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bayes_hr.checks.reference import PermutedReference
    from bayes_hr.reporting.content import Content

DEALT: Final = {
    False: "Ratification years were dealt out anew {n} times across the countries of a class{first}, among "
    "years in which a country could ratify, and the model was fitted again.",
    True: "{n} times each country was given the ratification years of another country of its class, of all "
    "treaties together, where it could have ratified in them, and the model was fitted again. Treaties are "
    "ratified as close to each other as they are, but what they go with is chance.",
}


def sentences(reference: PermutedReference, *, several: bool = False, changing: bool = False) -> list[str]:
    """What the reference says, with its own limits; of several treaties or of one.

    ``changing``: classes of countries change, and the first one counts.
    """
    n, found = reference.n, reference.table
    spread = found["estimand"].str.startswith(SD)
    effects = found[~spread]
    excluded = float(effects["excludes_0"].mean())
    prob = float(effects["ci_prob"].iloc[0])
    out = [
        DEALT[several].format(n=n, first=" (the first that they had)" if changing else "")
        + " What it then finds, it finds without any effect of ratification."
        f"{_refit_settings(reference.settings)}",
        f"{fmt.percent(round(100 * excluded) / 100)} of the permuted {fmt.percent(prob)} intervals exclude "
        f"zero; well-calibrated intervals would do so in {fmt.percent(round(1 - prob, 4))} of cases.",
    ]
    if spread.any() and not several:
        row = found[spread].iloc[0]
        out.append(
            f"The SD of country effects is {row['mean']:.2f} with the real years and "
            f"{row['permuted_mean']:.2f} on average with permuted ones, which have no effect to find."
        )
    if n < 100:
        out.append(
            f"With {n} refits the smallest possible p-value is {fmt.probability(1.0 / (n + 1))}: a first "
            "look, not a test. 100 refits or more are needed to quote one."
        )
    return out


def _refit_settings(settings: dict[str, Any]) -> str:
    """How each refit was run, if it is known."""
    if not settings:
        return ""
    engine = {"gibbs": "the exact engine", "nuts": "NUTS"}[settings["engine"]]
    chains = "one chain" if settings["chains"] == 1 else f"{settings['chains']} chains"
    return (
        f" Each refit is short ({engine}, {chains} of {settings['draws']} draws after "
        f"{settings['tune']} of warm-up): enough for a mean and an interval, not for a verdict of its own."
    )


def picture(reference: PermutedReference, content: Content, colours: Mapping[str, str]) -> Picture:
    """Real estimates, levels in their colours, against the spread of permuted ones.

    Effects by treaty and class are in the table alone.
    """
    shown = reference.table[reference.table["estimand"] != "treaty_regime"]
    names = [_name(r) for r in shown.itertuples()]
    at = np.arange(len(shown))[::-1]
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 0.42 * len(shown) + 1.1)
        axis.axvline(0, color=fig.QUIET, lw=0.9, zorder=1)
        centre, spread = shown["permuted_mean"].to_numpy(float), shown["permuted_sd"].to_numpy(float)
        least = np.where(shown["estimand"].str.startswith(SD), 0.0, -np.inf)
        low = np.maximum(centre - 2 * spread, least)
        axis.hlines(at, low, centre + 2 * spread, color="#c3c9d0", lw=11, zorder=2)
        axis.plot(centre, at, "|", ms=12, mew=2, color=fig.QUIET, zorder=3)
        for y, row in zip(at, shown.itertuples(), strict=True):
            colour = colours.get(str(row.level), fig.INK)
            axis.plot([row.lb, row.ub], [y, y], color=colour, lw=1.6, zorder=4)
            axis.plot([row.mean], [y], "o", ms=6.5, mfc="white", mec=colour, mew=1.8, zorder=5)
        axis.set_yticks(at, [fig.shortened(n, 40) for n in names])
        axis.set_ylim(-0.7, len(shown) - 0.3)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_xlabel(f"change in {fig.shortened(content.scale, 60)}")
    caption = (
        f"Real estimates (dot and 89 % interval) against {reference.n} refits with permuted ratification "
        "years (grey: mean of the permuted estimates and two standard deviations to each side; of an SD, not "
        "below 0)."
    )
    alt = "; ".join(
        f"{n}: real {fmt.signed(r.mean, content.digits)}, permuted "
        f"{fmt.signed(r.permuted_mean, content.digits)}"
        for n, r in zip(names, shown.itertuples(), strict=True)
    )
    return Picture("fig-reference", figure, caption, alt)


def table(reference: PermutedReference, digits: int) -> Table:
    """Real estimates beside those with permuted ratification years."""
    rows = tuple(
        (
            _name(r),
            fmt.signed(r.mean, digits),
            fmt.interval(r.lb, r.ub, digits),
            fmt.signed(r.permuted_mean, digits),
            fmt.number(r.permuted_sd, digits),
            fmt.NONE if np.isnan(r.excludes_0) else fmt.percent(round(100 * r.excludes_0) / 100),
            fmt.p_value(r.p_value),
        )
        for r in reference.table.itertuples()
    )
    columns = (
        ("Quantity", TEXT),
        ("Real mean", NUMBER),
        (f"Real {fmt.percent(float(reference.table['ci_prob'].iloc[0]))} interval", NUMBER),
        ("Permuted mean", NUMBER),
        ("SD of permuted means", NUMBER),
        ("Permuted intervals that exclude 0", NUMBER),
        ("Randomisation p", NUMBER),
    )
    caption = f"Real estimates beside {reference.n} refits with permuted ratification years"
    note = (
        "Randomisation p: share of permuted means at least as far from zero (for an SD: as large), "
        "counting the real one."
    )
    return Table("reference", caption, columns, rows, note)


def _name(row: Any) -> str:
    if row.estimand.startswith(SD):
        return f"{row.estimand}: {row.level}" if row.level else str(row.estimand)
    if row.estimand == "average":
        return f"average: {row.level}"
    return f"{row.level} − {row.reference}" if row.reference else str(row.level)
