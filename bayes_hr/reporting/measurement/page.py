"""The page of measurement error: estimates over draws of the score beside those of the score as it stands."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting import page as shared
from bayes_hr.reporting.comparison.page import TITLES, effect_name, fits_table, section
from bayes_hr.reporting.comparison.plots import Wording
from bayes_hr.reporting.tables import NUMBER, TEXT, Table

if TYPE_CHECKING:
    from pathlib import Path

    from bayes_hr.measurement_error.result import PooledFit

WORDS: Final = Wording(
    beside="with and without measurement error",
    column="Score",
    first="over draws of the score",
    others="the score as it stands, or with an independent error of known SD",
)

SHRINKAGE: Final = (
    "The score as it stands is the posterior mean of a measurement model, already shrunk towards what that "
    "model expects. Neither draws nor a known SD undo the shrinkage of a measurement model that does not "
    "know of the treatment: if ratification moves practice, scores and draws understate it alike."
)
"""What neither way of taking measurement error into account can do."""

APPROXIMATE: Final = (
    "These draws were not supplied. They were made up from each score and its posterior SD, so they have the "
    "right means and SDs but not what the measurement model's posterior knows besides; read them as a "
    "sensitivity analysis, not as that posterior. Noise that the model takes for change of the score widens "
    "intervals also where the score as it stands holds error already."
)
"""What is to be known of :func:`bayes_hr.data.score_draws.approximate_draws`."""

_LIMITS: Final = (
    "Pooling is right if draw k of one country-year belongs to draw k of every other, as in a joint "
    "posterior. The persistence of the error is that of the draws and is taken as given: it could not be "
    "told apart from the persistence of the outcome itself.",
    "Pooling a few draws gives intervals that are somewhat too narrow where much of the variance lies "
    "between draws: take more then. With four fifths of it there, in a simulated world, 89 % intervals "
    "over 6 draws covered 81 %, over 20 draws 84 %, and exact ones 88 % of the time.",
    "In a linear model, classical error of an outcome does not bias its effects; it makes them less certain. "
    "The pooled interval says how much less if the measurement model is right.",
    "An independent error of known SD, where it is shown, takes the noise out of the score; draws put the "
    "uncertainty in. The two are alternatives and need not agree.",
)

REFERENCES: Final = (
    "Treier, S. & Jackman, S. (2008). Democracy as a latent variable. American Journal of Political Science, "
    "52(1), 201-217.",
    "Crabtree, C. D. & Fariss, C. J. (2015). Uncovering patterns among latent variables: human rights and de "
    "facto judicial independence. Research & Politics, 2(3). doi:10.1177/2053168015605343",
    "Rubin, D. B. (1987). Multiple Imputation for Nonresponse in Surveys. Wiley.",
    "Zhou, X. & Reiter, J. P. (2010). A note on Bayesian inference after multiple imputation. The American "
    "Statistician, 64(2), 159-163.",
)


def write_report(found: PooledFit, path: Path) -> Path:
    """Write the report of measurement error (:func:`bayes_hr.reporting.page.write_report`)."""
    return shared.write_report(path, lambda: render(found))


def render(found: PooledFit) -> str:
    """The page as text."""
    css = files("bayes_hr.reporting").joinpath("templates/report.css").read_text("utf-8")
    kinds = found.variance["by"].drop_duplicates().tolist()
    return shared.render(
        "measurement.html.j2",
        {
            "css": Markup(css),
            "version": version("bayes-hr"),
            "subject": found.card.id,
            "question": found.card.question,
            "failed": failed(found),
            "answer": answer(found),
            "variance": variance_table(found),
            "sections": [section(found, by, WORDS) for by in kinds],
            "draws": of_the_draws(found),
            "fits": fits_table(found.fits, "Fit"),
            "limits": limits(found),
            "references": REFERENCES,
        },
    )


def failed(found: PooledFit) -> str:
    """Which fits are not pooled or must not be read, in a sentence; empty if all may."""
    return f"Not pooled, and not to be read: {fmt.joined(found.failed)}." if found.failed else ""


def answer(found: PooledFit) -> list[str]:
    """What measurement error does to each contrast, or to each effect of the first kind, in sentences."""
    kinds = found.variance["by"].tolist()
    chosen = "contrast" if "contrast" in kinds else kinds[0]
    ways = found.table["choice"].drop_duplicates().tolist()
    out = []
    for part in found.variance[found.variance["by"] == chosen].itertuples():
        same = (found.table["estimand"] == part.estimand) & (found.table["by"] == part.by)
        same &= (found.table["level"] == part.level) & (found.table["reference"] == part.reference)
        rows = found.table[same].set_index("choice")
        told = [f"{way} {_estimate(rows.loc[way])}" for way in ways if way in rows.index]
        text = f"{effect_name(part.estimand, part.level, part.reference)}: {'; '.join(told)}."
        out.append(f"{text} {_share(part)}".strip())
    return out


def _estimate(row: Any) -> str:
    return f"{fmt.signed(row['mean'], 2)} ({fmt.interval(row['lb'], row['ub'], 2)})"


def _share(part: Any) -> str:
    if not part.share >= 0:  # an estimand without a mean
        return ""
    return (
        f"The pooled SD is {fmt.number(part.wider, 2)} times that of the score as it stands; differences "
        f"between draws make up {fmt.percent(round(100 * part.share) / 100)} of the pooled variance."
    )


def variance_table(found: PooledFit) -> Table:
    """SDs with and without, and where the pooled variance comes from."""
    means = found.table.set_index(["choice", "by", "estimand", "level", "reference"])["mean"]
    pooled, plug_in = found.table["choice"].drop_duplicates().tolist()[:2]
    rows = []
    for r in found.variance.itertuples():
        key = (r.by, r.estimand, r.level, r.reference)
        rows.append(
            (
                effect_name(r.estimand, r.level, r.reference),
                TITLES.get(r.by, r.by),
                *(fmt.signed(means[way, *key], 3) for way in (pooled, plug_in)),
                *(fmt.number(v, 3) for v in (r.pooled_sd, r.plug_in_sd)),
                fmt.number(r.wider, 2),
                *(fmt.number(v, 3) for v in (r.within_sd, r.between_sd, r.total_sd)),
                fmt.percent(round(100 * r.share) / 100) if r.share >= 0 else fmt.NONE,
            )
        )
    titles = ("Mean, pooled", "Mean, as it stands", "SD, pooled", "SD, as it stands", "Ratio of SDs")
    parts = ("Within a draw", "Between draws", "Total (Rubin)", "Share between draws")
    columns = (("Effect", TEXT), ("Kind", TEXT), *((t, NUMBER) for t in (*titles, *parts)))
    n = int(found.refits["pooled"].sum())
    note = (
        f"Over {n} draws of the score. Within a draw: SD of the posterior given a draw, W its square, "
        "averaged. Between draws: SD of the posterior means, B its square. Total: root of W + (1 + 1/M) B, "
        f"which allows for M being only {n} (the pooled SD does not). Share: of (1 + 1/M) B in it; B also "
        "holds Monte Carlo error of each fit, W over its effective draws. A dash: an effect without a mean."
    )
    return Table("variance", "With and without measurement error", columns, tuple(rows), note)


def of_the_draws(found: PooledFit) -> list[str]:
    """Where the draws come from and what they are like, in sentences."""
    facts = found.facts
    used, supplied = len(facts["used"]), facts["supplied"]
    same = f"Their means correlate {fmt.number(facts['correlation'], 3)} with the score as it stands"
    out = [
        f"Origin: {facts['origin']}.",
        f"{used} of {supplied} draws were used, evenly spaced: {', '.join(map(str, facts['used']))}."
        if used < supplied
        else f"All {used} draws were used.",
        f"{same} (mean difference {fmt.signed(facts['difference'], 3)}). SD of a country-year's draws: "
        f"{fmt.number(facts['sd'])} (median); autocorrelation of their deviations from year to year: "
        f"{fmt.number(facts['autocorrelation'])}.",
        f"Priors and effects stay in the card's units: scale {fmt.number(facts['unit'], 3)} and centre "
        f"{fmt.number(facts['centre'], 3)} are those of the score as it stands, in every refit; no draw is "
        "standardised anew. A lagged outcome is that of the same draw.",
    ]
    if facts["unmatched"]:
        out.append(
            f"Draws of {fmt.count(facts['unmatched'])} country-years that the card does not use were left "
            "out."
        )
    return out


def limits(found: PooledFit) -> list[str]:
    """What the page does not say."""
    own = [APPROXIMATE] if found.facts["approximate"] else []
    return [SHRINKAGE, *own, *_LIMITS]
