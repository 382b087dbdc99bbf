"""Figures of kinks, jumps and slopes: overall, by type, state and IGO; hypotheses; companions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.estimands.convergence import ALL
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.convergence.tables_levels import BY, ranked
from bayes_hr.reporting.convergence.vocabulary import (
    COLOURS,
    KINDS,
    QUANTITIES,
    TYPES,
    UNITS,
    hypothesis_name,
    level_name,
)
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.plots import HOW_TO_READ, EffectRow, caterpillar, forest, truth_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content

MOST: Final = 200
"""Levels that a caterpillar shows; of more, the first and last half as many."""


def rope_of(content: Content, *, jump: bool = False) -> tuple[float, float]:
    """Region of practical equivalence: of changes per decade, or of jumps."""
    limit = content.card.thresholds.jump if jump else content.card.thresholds.slope
    return (-limit, limit)


def axis_label(*, per_decade: bool) -> str:
    """What a horizontal axis measures."""
    return f"{UNITS[per_decade]}  (← converging, diverging →)"


def kind_picture(content: Content, kind: str, by: str = "all") -> Picture:
    """Densities and intervals of kinks, jumps or slopes."""
    rows = [
        row
        for name in content.quantities
        if QUANTITIES[name].kind == kind
        for row in effect_rows(content, name, by)
    ]
    per_decade = kind != "jump"
    rope = rope_of(content, jump=kind == "jump")
    truth = "; black diamond: truth" if any(r.truth is not None for r in rows) else ""
    title = KINDS[kind] if by == "all" else f"{KINDS[kind]} by type of IGO"
    caption = f"{title}. {HOW_TO_READ} ({fmt.interval(*rope)}){truth}. Negative: converging."
    alt = f"{title}. " + "; ".join(f"{r.label} {r.told}" for r in rows)
    figure = forest(rows, rope=rope, xlabel=axis_label(per_decade=per_decade))
    key = f"fig-{kind}s" if by == "all" else f"fig-types-{kind}s"
    return Picture(key, figure, caption, alt)


def effect_rows(content: Content, name: str, by: str) -> list[EffectRow]:
    """Rows of a forest plot for one estimand."""
    table, draws = content.of(name, by), content.draws(name, by)
    rows = []
    for k, r in enumerate(table.itertuples()):
        quantity = QUANTITIES[name]
        label = quantity.where if r.level == ALL else f"{quantity.where}, {r.level}"
        told = f"{fmt.signed(r.mean, content.digits)}  [{fmt.interval(r.lb, r.ub, content.digits)}]"
        truth = truth_of(content.truth, name, str(r.level), str(r.reference))
        rows.append(EffectRow(label, COLOURS[quantity.phase], draws[:, k], r.mean, r.lb, r.ub, told, truth))
    if by == "igo_type":
        order = {t: i for i, t in enumerate(TYPES)}
        rows.sort(key=lambda row: order.get(row.label.rpartition(", ")[2], len(order)))
    return rows


def level_pictures(content: Content, by: str, estimands: tuple[str, ...]) -> list[Picture]:
    """A caterpillar for each estimand: levels that are not flagged, most negative on top."""
    out = []
    for name in estimands:
        found = ranked(content, name, by)
        if len(found):
            out.append(_level_picture(content, found, name, by))
    return out


def shown_levels(found: pd.DataFrame) -> pd.DataFrame:
    """All levels, or the first and last if there are too many for a figure."""
    import pandas as pd

    if len(found) <= MOST:
        return found
    return pd.concat([found.head(MOST // 2), found.tail(MOST // 2)], ignore_index=True)


def _level_picture(content: Content, found: pd.DataFrame, name: str, by: str) -> Picture:
    quantity, overall = QUANTITIES[name], content.of(name, "all")
    own = shown_levels(found)
    own = own.assign(name=[level_name(str(v)) for v in own["level"]])
    if content.truth is not None:
        truth = content.truth[(content.truth["estimand"] == name) & (content.truth["by"] == by)]
        own = own.assign(truth=truth.set_index("level")["truth"].reindex(own["level"]).to_numpy())
    part = "" if len(own) == len(found) else f"{len(own)} of "
    many = f"{part}{len(found)} {BY[by][1]}"
    figure = caterpillar(
        own,
        colour=COLOURS[quantity.phase],
        rope=rope_of(content, jump=not quantity.per_decade),
        centre=float(overall.loc[overall["level"] == ALL, "mean"].iloc[0]) if len(overall) else None,
        limits=(float(own["lb"].min()), float(own["ub"].max())),
        title=f"{quantity.label} ({part}{len(found)})",
        xlabel=UNITS[quantity.per_decade],
    )
    ends = own.iloc[[0, -1]]
    told = "; ".join(
        f"{r.name} {fmt.signed(r.mean, content.digits)} ({fmt.interval(r.lb, r.ub, content.digits)})"
        for r in ends.itertuples()
    )
    alt = f"{quantity.label} of {many}; most negative and most positive mean: {told}."
    return Picture(f"fig-{by}-{name.replace('_', '-')}", figure, quantity.label, alt)


def hypotheses_picture(content: Content) -> Picture:
    """Probability of each hypothesis before and after the data."""
    table = content.hypotheses.iloc[::-1].reset_index(drop=True)
    at = np.arange(len(table))
    prior, after = (table[c].to_numpy(float) for c in ("prior_probability", "probability"))
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 0.31 * len(table) + 1.0)
        axis.hlines(at, prior, after, color="#c3c9d0", lw=2.2, zorder=2)
        axis.plot(
            prior, at, "o", ms=6.5, mfc="white", mec=fig.QUIET, mew=1.6, zorder=3, label="under the priors"
        )
        axis.plot(after, at, "o", ms=7, color=COLOURS["during"], zorder=4, label="after the data")
        names = [fig.shortened(hypothesis_name(str(h)), 50) for h in table["hypothesis"]]
        axis.set_yticks(at, names, fontsize=9)
        axis.set_xlim(-0.03, 1.03)
        axis.set_ylim(-0.7, len(table) - 0.3)
        axis.grid(axis="x")
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        split = int((table["kind"] == "signature").sum())
        if 0 < split < len(table):
            axis.axhline(split - 0.5, color=fig.QUIET, lw=0.8, ls=(0, (4, 3)))
        axis.set_xlabel("probability")
        axis.legend(frameon=False, fontsize=9, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    caption = (
        "Probability of each hypothesis under the priors alone and after the data. Single inequalities above "
        "the dashed line, joint signatures below it. What moves little was settled by the priors."
    )
    alt = "; ".join(
        f"{hypothesis_name(str(r.hypothesis))}: {fmt.probability(r.prior_probability)} before, "
        f"{fmt.probability(r.probability)} after"
        for r in table.iloc[::-1].itertuples()
    )
    return Picture("fig-hypotheses", figure, caption, alt)


def sensitivity_picture(content: Content) -> Picture:
    """Estimates of each sample beside each other."""
    found = content.sensitivity[content.sensitivity["level"] == ALL]
    names = [n for n in QUANTITIES if (found["estimand"] == n).any()]
    samples = [str(s) for s in dict.fromkeys(content.sensitivity["sample"])]
    marks = dict(zip(samples, ((COLOURS["during"], "o"), (COLOURS["before"], "s")), strict=False))
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 0.5 * len(names) + 1.1)
        axis.axvspan(*rope_of(content), color=fig.ROPE, lw=0, zorder=0)
        axis.axvline(0, color=fig.QUIET, lw=0.9, zorder=1)
        for k, name in enumerate(reversed(names)):
            for m, (sample, look) in enumerate(marks.items()):
                rows = found[(found["estimand"] == name) & (found["sample"] == sample)]
                for r in rows.itertuples():
                    _interval(axis, r, k + 0.15 - 0.3 * m, look, sample if k == 0 else None)
        labels = [QUANTITIES[n].label for n in reversed(names)]
        axis.set_yticks(range(len(names)), labels)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_xlabel("score units (kinks and slopes: per decade)")
        axis.legend(frameon=False, fontsize=9, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    caption = (
        "Estimates (mean, 89 % interval) with all dyads, and with those alone that have a year before entry."
    )
    alt = "; ".join(
        f"{QUANTITIES[r.estimand].label}, {r.sample}: {fmt.signed(r.mean, content.digits)} "
        f"({fmt.interval(r.lb, r.ub, content.digits)})"
        for r in found.itertuples()
        if r.estimand in QUANTITIES
    )
    return Picture("fig-sensitivity", figure, caption, alt)


def _interval(axis: Axes, row: Any, at: float, look: tuple[str, str], label: str | None) -> None:
    colour, mark = look
    axis.plot([row.lb, row.ub], [at, at], color=colour, lw=1.8, solid_capstyle="butt", zorder=3)
    axis.plot([row.mean], [at], mark, ms=6, mfc="white", mec=colour, mew=1.8, zorder=4, label=label)
