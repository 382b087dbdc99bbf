"""The before-during-after curve with its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.estimands.convergence import ALL, DECADE
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.convergence.vocabulary import COLOURS, PHASES, TYPES
from bayes_hr.reporting.figures import Picture

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content

ANCHORS: Final = {"entry": "years since entry", "exit": "years since the last year of membership"}


def curve_pictures(content: Content) -> list[Picture]:
    """Level, change since entry or exit, and the level by type; what there is."""
    out = []
    if not content.curve.empty:
        out.append(level_picture(content))
    if not content.shape.empty:
        out.append(shape_picture(content))
    if len(_types(content)) > 1:
        out.append(type_picture(content))
    return out


def level_picture(content: Content) -> Picture:
    """Distance against years around entry and around exit."""
    found = content.curve[content.curve["level"] == ALL]
    caption = (
        "Expected distance from the co-members' mean: the average state in the average IGO, all other terms "
        "of the model at zero (line and band: mean and 89 % interval). The step at year 0 "
        "is the jump, the change of slope there the kink. Right: mean over the dyads that exit, each with "
        "its own state, IGO and spell. The band holds the uncertainty of the common level, which no jump or "
        "kink has: for those see the next figure."
    )
    return _two_panels(found, key="fig-curve", caption=caption, ylabel=_label(content), content=content)


def shape_picture(content: Content) -> Picture:
    """Change since the beginning or the end of membership, where the common level cancels."""
    found = content.shape[content.shape["level"] == ALL]
    truth = _true_line(content)
    caption = (
        "The same, relative to the distance at which membership starts (left) or ends (right), draw by draw: "
        "the common level cancels, and the bands show how sure jumps and changes are. The drift that all "
        "phases share is conditional on the priors."
    )
    caption += " Dotted: truth." if truth else ""
    label = "change of distance"
    picture = _two_panels(found, key="fig-curve-relative", caption=caption, ylabel=label, content=content)
    if truth:
        with fig.style():
            for years, values in truth:
                picture.figure.axes[0].plot(years, values, color=fig.INK, lw=1.6, ls=(0, (1, 1.5)), zorder=6)
    return picture


def _true_line(content: Content) -> list[tuple[list[float], list[float]]]:
    """Truth around entry, before and during, relative to the start of membership."""
    if content.truth is None:
        return []
    truth = content.truth[content.truth["level"] == ALL].set_index("estimand")["truth"]
    if not {"jump_entry", "slope_before", "slope_during"} <= set(truth.index):
        return []
    found = content.shape[(content.shape["level"] == ALL) & (content.shape["anchor"] == "entry")]
    low, high = float(found["years"].min()), float(found["years"].max())
    start = -float(truth["jump_entry"])
    return [
        ([low, 0.0], [start + truth["slope_before"] * low / DECADE, start]),
        ([0.0, high], [0.0, truth["slope_during"] * high / DECADE]),
    ]


def _two_panels(found: pd.DataFrame, *, key: str, caption: str, ylabel: str, content: Content) -> Picture:
    """Around entry, and around exit where dyads exit."""
    anchors = [a for a in ANCHORS if (found["anchor"] == a).any()]
    spans = [np.ptp(found.loc[found["anchor"] == a, "years"]) + 6 for a in anchors]
    widths = [max(float(s), 0.55 * max(spans)) for s in spans]
    with fig.style():
        figure, axes = fig.new_figure(
            7.6, 3.6, columns=len(anchors), sharey=True, gridspec_kw={"width_ratios": widths}
        )
        for axis, anchor in zip(axes, anchors, strict=True):
            draw(axis, found[found["anchor"] == anchor])
            axis.set_xlabel(ANCHORS[anchor])
            title = {"entry": "Around entry: all dyads", "exit": "Around exit: dyads that exit"}[anchor]
            axis.set_title(title, fontsize=10.5, loc="left", fontweight="bold")
        axes[0].set_ylabel(ylabel)
        _phase_names(axes, found, anchors)
    return Picture(key, figure, caption, _told(found, content.digits))


def draw(axis: Axes, own: pd.DataFrame) -> None:
    """Line and band of each phase; a line at year 0."""
    axis.axvline(0, color=fig.QUIET, lw=0.9, zorder=1)
    axis.grid(axis="y")
    for phase, part in own.groupby("phase", sort=False):
        colour = COLOURS[str(phase)]
        axis.fill_between(part["years"], part["lb"], part["ub"], color=colour, alpha=0.2, lw=0, zorder=2)
        axis.plot(part["years"], part["mean"], color=colour, lw=2.2, zorder=3, solid_capstyle="butt")


def _phase_names(axes: list[Axes], found: pd.DataFrame, anchors: list[str]) -> None:
    """The name of each phase above its own years; room is made for it."""
    low, high = float(found["lb"].min()), float(found["ub"].max())
    pad = 0.06 * (high - low or 1.0)
    axes[0].set_ylim(low - pad, high + 3.2 * pad)
    for axis, anchor in zip(axes, anchors, strict=True):
        _name_phases(axis, found[found["anchor"] == anchor])


def _name_phases(axis: Axes, own: pd.DataFrame) -> None:
    """The names of the phases to both sides of year 0."""
    for phase, part in own.groupby("phase", sort=False):
        left = float(part["years"].mean()) < 0
        axis.annotate(
            str(phase),
            (0, 1),
            xycoords=("data", "axes fraction"),
            xytext=(-6 if left else 6, -3),
            textcoords="offset points",
            ha="right" if left else "left",
            va="top",
            color=COLOURS[str(phase)],
            fontweight="bold",
            fontsize=10,
        )


def _types(content: Content) -> list[str]:
    there = (
        [str(v) for v in content.curve.loc[content.curve["by"] == "igo_type", "level"].unique()]
        if len(content.curve)
        else []
    )
    return [t for t in TYPES if t in there] + [t for t in there if t not in TYPES]


def type_picture(content: Content) -> Picture:
    """The curve of each type of IGO, one row each."""
    types = _types(content)
    found = content.curve[content.curve["by"] == "igo_type"]
    anchors = [a for a in ANCHORS if (found["anchor"] == a).any()]
    with fig.style():
        figure, axes = fig.new_figure(
            7.6, 1.9 * len(types) + 0.5, rows=len(types), columns=len(anchors), sharex="col", sharey=True
        )
        for k, kind in enumerate(types):
            for m, anchor in enumerate(anchors):
                axis = axes[k * len(anchors) + m]
                own = found[(found["level"] == kind) & (found["anchor"] == anchor)]
                draw(axis, own)
                if own.empty:
                    axis.annotate("no dyad exits", (0.5, 0.5), xycoords="axes fraction", ha="center")
                if k == 0:
                    _name_phases(axis, own)
                if m == 0:
                    axis.set_title(kind, fontsize=10.5, loc="left", fontweight="bold")
                if k == len(types) - 1:
                    axis.set_xlabel(ANCHORS[anchor])
        figure.supylabel(_label(content), fontsize=9.5)
    caption = (
        "The same by type of IGO: mean over the IGOs of the type (left) and over their dyads that exit "
        f"(right). {_legend()}"
    )
    alt = "; ".join(f"{kind}: {_told(found[found['level'] == kind], content.digits)}" for kind in types)
    return Picture("fig-curve-types", figure, caption, alt)


def _legend() -> str:
    """Colours in words."""
    return "Amber: before entry; blue: during membership; wine red: after exit."


def _label(content: Content) -> str:
    return "oriented gap" if content.noun != "distance" else "distance (score units)"


def _told(found: pd.DataFrame, digits: int) -> str:
    """The ends of each phase of a curve, for those who do not see it."""
    parts = []
    for (anchor, phase), own in found.groupby(["anchor", "phase"], sort=False):
        first, last = own.iloc[0], own.iloc[-1]
        parts.append(
            f"{PHASES[str(phase)]} ({ANCHORS[str(anchor)]} {first['years']:.0f} to {last['years']:.0f}): "
            f"from {fmt.number(first['mean'], digits)} ({fmt.interval(first['lb'], first['ub'], digits)}) to "
            f"{fmt.number(last['mean'], digits)} ({fmt.interval(last['lb'], last['ub'], digits)})"
        )
    return "; ".join(parts)
