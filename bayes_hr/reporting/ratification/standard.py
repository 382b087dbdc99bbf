"""What a report says of cut-points that move over the years: a changing standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.estimands.standard import ALL_CUTS
from bayes_hr.estimands.summary import interval
from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.ratification.colours import CLASS_COLOURS, OTHERS
from bayes_hr.reporting.tables import NUMBER, TEXT, Table

if TYPE_CHECKING:
    from bayes_hr.cards import RatificationCard as Card
    from bayes_hr.reporting.ratification.content import RatificationContent as Content

TITLE: Final = "A changing standard"

_COLOURS: Final = (*CLASS_COLOURS.values(), *OTHERS)


def equation(content: Content) -> list[tuple[str, str]]:
    """Cut-points of each year, as (what it is, LaTeX); nothing where they stand still."""
    cuts = content.design.error.cuts
    if cuts is None or cuts.walk is None:
        return []
    walk = r"w_t - w_{t-h} \sim \mathrm{Normal}(0,\, \sqrt{h}\, s_w), \quad \sum_t w_t = 0"
    if cuts.walk.gap is None:
        return [
            ("Cut-point of year t", r"c_{t} = c_1 + w_t"),
            ("Its walk, h years from one to the next", walk),
        ]
    at = r"c_{t,j} = c_j + w_t + \sum_{l<j} (G_{t,l} - G_l) - m_t"
    gap = r"G_{t,l} = G_l\, \frac{\exp(v_{t,l})}{\frac{1}{T} \sum_u \exp(v_{u,l})}, \quad G_l = c_{l+1} - c_l"
    steps = r"v_{t,l} - v_{t-h,l} \sim \mathrm{Normal}(0,\, \sqrt{h}\, s_v), \quad \sum_t v_{t,l} = 0"
    return [
        ("Cut-points of year t", at),
        ("Their gaps", gap),
        ("Walk of all, h years from one to the next", walk),
        ("Walks of the gaps", steps),
    ]


def symbols(content: Content) -> list[tuple[str, str]]:
    """What they stand for: (LaTeX, words)."""
    cuts = content.design.error.cuts
    if cuts is None or cuts.walk is None:
        return []
    out = [
        ("c_j", "mean of a cut-point over the years"),
        ("w_t", "move of all cut-points of a year: a year effect with its sign turned"),
    ]
    if cuts.walk.gap is not None:
        out.append((r"v_{t,l}", "moves of the logs of the gaps: what no year effect can do"))
        out.append(
            ("m_t", "mean over j of the sum before it, so that w moves the mean of a year's cut-points")
        )
    return out


def warning() -> tuple[str, str]:
    """The box before the answer: what cut-points by year take out, and what they leave in."""
    return (
        "A changing standard: years of all countries together",
        "Cut-points move over the years in place of year effects. They take out what all countries share in "
        "a year, and nothing of what one regime class does alone, which can pass for an effect. Hold the "
        'card with outcome.cut_points = "fixed" and year effects by class beside it (bayes-hr compare does).',
    )


def limitations(card: Card) -> list[str]:
    """What cut-points say of years and countries: that they stand still, or what they absorb."""
    if not card.outcome.ordinal:
        return []
    scale = (
        "Effects on the latent scale depend on what else the model holds fixed, so compare the changes of "
        "probabilities across outcomes, never these."
    )
    if not card.outcome.moving:
        return [
            "A category is taken to mean the same in every year and country: the cut-points do not move. "
            f"{scale}"
        ]
    return [
        "A category is taken to mean the same in every country in a year, but not in every year: the "
        "cut-points move. Whatever moves all countries alike in a year, true change included, is counted as "
        f"a move of the standard, and is in no effect. {scale}",
        "Classes have no years of their own beside the cut-points: where one class improves more than "
        "another for other reasons, that can pass for an effect of ratification. Hold the same card with "
        'outcome.cut_points = "fixed" and year effects by class beside it.',
    ]


def section(content: Content) -> dict[str, Any] | None:
    """Words, picture and tables of the cut-points over the years; None where they stand still."""
    if "cutpoint_year" not in content.posterior:
        return None
    return {
        "title": TITLE,
        "sentences": sentences(content),
        "picture": picture(content) if content.finite else None,
        "changes": None if content.of("standard").empty else change_table(content),
        "years": years_table(content),
    }


def sentences(content: Content) -> list[str]:
    """How the standard moved, how much of it is not common to all cut-points, and what cannot be told."""
    treaty = content.card.treatment.name
    told = [" ".join([*_changes(content), _extremes(content)])]
    several = "sd_gap_shift" in content.posterior
    move = "A move that all cut-points make together" if several else "A move of the cut-point"
    text = (
        "A rise is a stricter standard: what lies above the cut-point is harder to reach. "
        f"{move} in a year cannot be told from a change of practice in all countries in that year: such a "
        "common change is absorbed here, be it the standard's, the world's, or that of a time in which "
        f"nearly all ratify {treaty}. It is in no effect on this page."
    )
    if several:
        text += (
            " What moves the cut-points apart can only be the standard, or spread between countries that the "
            "model lacks."
        )
    told.append(text)
    if several:
        together, apart = (
            content.posterior[name].values.mean() for name in ("sd_cutpoint_shift", "sd_gap_shift")
        )
        told.append(
            f"Yearly steps have the SD {fmt.number(together, 2)} for all cut-points together, and "
            f"{fmt.number(apart, 2)} for the logs of the gaps between them (posterior means; where the "
            "second is near zero, year effects beside fixed cut-points would do as well)."
        )
    return told


def _changes(content: Content) -> list[str]:
    """Change of each cut-point from the first year to the last."""
    found, digits = content.of("standard"), content.digits
    out = []
    for k, row in enumerate(found.itertuples()):
        what = "the mean of all cut-points" if row.level == ALL_CUTS else f"cut-point {row.level}"
        last, first = row.reference.split(" - ")
        when = "" if k else f"from {first} to {last} "
        start = f"{when}{what} moved"
        out.append(
            f"{start[0].upper()}{start[1:]} by {fmt.signed(row.mean, digits)} "
            f"({fmt.percent(row.ci_prob)} interval {fmt.interval(row.lb, row.ub, digits)}; probability of a "
            f"rise {fmt.probability(row.p_gt_0)})."
        )
    return out


def _extremes(content: Content) -> str:
    """The years between which the mean of a year's cut-points moved most: ends alone may hide it."""
    mean = content.posterior["cutpoint_year"].values.mean(axis=3)
    years, centre = content.posterior["year"].values, mean.mean(axis=(0, 1))
    low, high = int(centre.argmin()), int(centre.argmax())
    between = mean[:, :, high] - mean[:, :, low]
    lower, upper = interval(between)
    return (
        f"Over all cut-points the standard was lowest in {years[low]} and highest in {years[high]}, "
        f"{fmt.number(float(between.mean()), content.digits)} apart "
        f"({fmt.interval(float(lower), float(upper), content.digits)}; the two years are chosen by looking, "
        f"so that noise alone would show some distance). Unit: {content.scale}."
    )


def _labels(content: Content) -> list[str]:
    return [str(v) for v in content.posterior["cut"].values]


def picture(content: Content) -> Picture:
    """Every cut-point over the years with its 89 % interval, and its mean over the years."""
    values = content.posterior["cutpoint_year"].values
    years, labels = content.posterior["year"].values, _labels(content)
    mean, (lower, upper) = values.mean(axis=(0, 1)), interval(values)
    with fig.style():
        figure, (axis,) = fig.new_figure(7.6, 2.2 + 0.7 * len(labels))
        axis.grid(axis="y")
        for k, label in enumerate(labels):
            colour = _COLOURS[k % len(_COLOURS)]
            axis.axhline(mean[:, k].mean(), color=colour, lw=0.9, ls=(0, (4, 3)), zorder=1)
            axis.fill_between(years, lower[:, k], upper[:, k], color=colour, alpha=0.22, lw=0)
            axis.plot(years, mean[:, k], color=colour, lw=1.8)
            at = (years[-1], mean[-1, k])
            axis.annotate(
                label, at, xytext=(6, 0), textcoords="offset points", color=colour, va="center", fontsize=10
            )
        axis.set_xlim(years[0], years[-1])
        axis.set_ylabel(f"cut-point on the {fig.shortened(content.scale, 40)}")
    caption = (
        f"Cut-points between neighbouring categories ({_example(content)}) in each year: posterior mean and "
        "89 % interval; dashed: mean over the years. Higher: a stricter standard, or a worsening that all "
        "countries share."
    )
    ends = "; ".join(
        f"{label}: {fmt.signed(mean[0, k], content.digits)} in {years[0]}, "
        f"{fmt.signed(mean[-1, k], content.digits)} in {years[-1]}"
        for k, label in enumerate(labels)
    )
    return Picture("fig-standard", figure, caption, f"Cut-points over the years. {ends}")


def _example(content: Content) -> str:
    low, high = _labels(content)[0].split("|")
    return f"{low}|{high}: between categories {low} and {high}"


def change_table(content: Content) -> Table:
    """Change of each cut-point from the first year to the last."""
    found = content.of("standard")
    rows = tuple(
        (
            str(r.level),
            fmt.signed(r.mean, content.digits),
            fmt.number(r.sd, content.digits),
            fmt.interval(r.lb, r.ub, content.digits),
            fmt.probability(r.p_gt_0),
        )
        for r in found.itertuples()
    )
    columns = (
        ("Cut-point", TEXT),
        ("Mean", NUMBER),
        ("SD", NUMBER),
        (f"{fmt.percent(float(found['ci_prob'].iloc[0]))} interval", NUMBER),
        ("P(stricter)", NUMBER),
    )
    last, first = str(found["reference"].iloc[0]).split(" - ")
    note = f"Unit: {content.scale}. P(stricter): probability that it is higher in {last} than in {first}."
    return Table("standard", f"Moves of the cut-points from {first} to {last}", columns, rows, note)


def years_table(content: Content) -> Table:
    """Every cut-point in every year: mean and interval."""
    values = content.posterior["cutpoint_year"].values
    mean, (lower, upper) = values.mean(axis=(0, 1)), interval(values)
    digits = content.digits
    rows = tuple(
        (
            str(int(year)),
            *(
                f"{fmt.number(mean[t, k], digits)} ({fmt.interval(lower[t, k], upper[t, k], digits)})"
                for k in range(mean.shape[1])
            ),
        )
        for t, year in enumerate(np.asarray(content.posterior["year"].values))
    )
    columns = (("Year", TEXT), *((label, NUMBER) for label in _labels(content)))
    note = (
        f"Posterior mean and 89 % interval. Unit: {content.scale}. Deviations from the means over the years "
        "are in effects.csv (cutpoint)."
    )
    return Table("cutpoints", "Cut-points in each year", columns, rows, note)
