"""Figures of several treaties: effects by treaty and by class, what the data taught the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.reporting import figures as fig
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.figures import Picture
from bayes_hr.reporting.plots import HOW_TO_READ, EffectRow, forest, truth_of
from bayes_hr.reporting.plots_checks import autocorrelation_picture, spread_picture
from bayes_hr.reporting.prior_lines import prior_of
from bayes_hr.reporting.ratification.colours import colour_of

if TYPE_CHECKING:
    from bayes_hr.reporting.plots_checks import Lesson
    from bayes_hr.reporting.treaties.content import TreatiesContent as Content


def effect_picture(content: Content, estimand: str, *, key: str, title: str) -> Picture:
    """Forest plot of one estimand; classes in their colours."""
    table, draws, rows = content.of(estimand), content.draws(estimand), []
    for k, r in enumerate(table.itertuples()):
        label, digits = content.row_name(r), content.digits
        told = f"{fmt.signed(r.mean, digits)}  [{fmt.interval(r.lb, r.ub, digits)}]"
        colour = colour_of(str(r.level).split(": ", 1)[-1], list(content.classes))
        truth = truth_of(content.truth, estimand, str(r.level), str(r.reference))
        rows.append(EffectRow(label, colour, draws[:, k], r.mean, r.lb, r.ub, told, truth))
    rope = (content.card.rope.lower, content.card.rope.upper)
    caption = f"{title}. {HOW_TO_READ} ({fmt.interval(*rope)})."
    alt = f"{title}. " + "; ".join(f"{r.label} {r.told}" for r in rows)
    xlabel = f"change in {fig.shortened(content.scale, 60)}"
    return Picture(key, forest(rows, rope=rope, xlabel=xlabel), caption, alt)


def check_pictures(content: Content) -> list[Picture]:
    """Figures of the predictive checks that were made."""
    out = []
    if (shocks := content.check("residual autocorrelation")) is not None:
        out.append(autocorrelation_picture(shocks, "yearly shocks"))
    if (spreads := content.check("country SD")) is not None:
        out.append(spread_picture(spreads, one="country", many="countries"))
    return out


def lessons(content: Content) -> list[Lesson]:
    """Mean over treaties and the spreads around it, each with its prior."""
    posterior = content.posterior
    spreads = {"sd_tau": "SD of the treaties", "sd_tau_regime": "SD of classes of a treaty"}
    out: list[Lesson] = [
        ("mean over treaties", prior_of(content, "tau"), posterior["mu_tau"].values.ravel(), fig.INK)
    ]
    for key, name in spreads.items():
        if key in posterior:
            out.append((name, prior_of(content, key), posterior[key].values.ravel(), fig.INK))
    for term in [str(t) for t in posterior["country_term"].values]:
        draws = posterior["sd_country"].sel(country_term=term).values.ravel()
        name = {"intercept": "levels", "common": "responses"}.get(term, f"effects of {term}")
        out.append((f"SD of country {name}", prior_of(content, f"sd_country.{term}"), draws, fig.INK))
    return out
