"""Figures of effects of ratification: classes, contrasts, countries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.plots import HOW_TO_READ, EffectRow, caterpillar, forest, truth_of
from bayes_hr.reporting.ratification.colours import colour_of
from bayes_hr.reporting.ratification.tables import switchers

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.reporting.ratification.content import RatificationContent as Content


def effect_rows(content: Content, estimand: str) -> list[EffectRow]:
    """Rows of a forest plot from the effects table and its draws."""
    table, draws = content.of(estimand), content.draws(estimand)
    rows = []
    for k, r in enumerate(table.itertuples()):
        label = content.row_name(r)
        told = f"{fmt.signed(r.mean, content.digits)}  [{fmt.interval(r.lb, r.ub, content.digits)}]"
        colour = colour_of(str(r.level), content.classes)
        truth = truth_of(content.truth, estimand, str(r.level), str(r.reference))
        rows.append(EffectRow(label, colour, draws[:, k], r.mean, r.lb, r.ub, told, truth))
    return rows


def effect_picture(content: Content, estimand: str, *, key: str, title: str) -> Picture:
    """Forest plot of one estimand."""
    rows = effect_rows(content, estimand)
    rope = (content.card.rope.lower, content.card.rope.upper)
    truth = "; black diamond: truth" if any(r.truth is not None for r in rows) else ""
    caption = f"{title}. {HOW_TO_READ} ({fmt.interval(*rope)}){truth}."
    alt = f"{title}. " + "; ".join(f"{r.label} {r.told}" for r in rows)
    xlabel = f"change in {fig.shortened(content.scale, 60)}"
    return Picture(key, forest(rows, rope=rope, xlabel=xlabel), caption, alt)


def country_pictures(content: Content) -> list[Picture]:
    """One figure per regime class: countries that ratify, sorted by total effect, all on the same scale."""
    found = switchers(content)
    inner = np.quantile(content.draws("total"), [0.25, 0.75], axis=0)
    levels = list(content.of("total")["level"])
    at = [levels.index(level) for level in found["level"]]
    found = found.assign(q25=inner[0, at], q75=inner[1, at], name=found["country"])
    if content.truth is not None:
        truth = content.truth[content.truth["estimand"] == "total"].set_index("level")["truth"]
        found = found.assign(truth=truth.reindex(found["level"]).to_numpy())
    out = []
    for label in content.classes:
        own = found[found["regime"] == label]
        if len(own):
            out.append(_country_picture(content, own, label, (found["lb"].min(), found["ub"].max())))
    return out


def _country_picture(content: Content, own: pd.DataFrame, label: str, limits: tuple[float, float]) -> Picture:
    tau = content.of("tau").set_index("level")["mean"]
    figure = caterpillar(
        own,
        colour=colour_of(label, content.classes),
        rope=(content.card.rope.lower, content.card.rope.upper),
        centre=float(tau[label]) if label in tau.index else None,
        limits=limits,
        title=f"{label} ({len(own)})",
        xlabel="total effect",
    )
    ends = own.iloc[[0, -1]]
    told = "; ".join(f"{r.country} {fmt.signed(r.mean, content.digits)}" for r in ends.itertuples())
    alt = (
        f"Total effects of {len(own)} countries that ratify, class {label}; largest and smallest "
        f"mean: {told}."
    )
    number = content.classes.index(label)
    return Picture(f"fig-countries-{number}", figure, label, alt)
