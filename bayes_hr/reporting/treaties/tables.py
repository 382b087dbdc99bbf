"""Tables of several treaties: effects, ranks, how far they can be told apart, and who ratified what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_hr.checks.residual_share import SHARE_LIMIT
from bayes_hr.checks.treaties import OWED_LIMIT
from bayes_hr.constants import CI_PROB
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.ratification.tables_data import regime_rule
from bayes_hr.reporting.tables import NUMBER, TEXT, Table, effect_cells, effect_columns, rope_note

if TYPE_CHECKING:
    from bayes_hr.reporting.treaties.content import TreatiesContent as Content

GIVEN = "Each effect is given the other treaties"


def _effects(
    content: Content, estimand: str, key: str, *, caption: str, heading: str, note: str = ""
) -> Table:
    found = content.of(estimand)
    noted = bool((found["note"] != "").any())
    rows = tuple(
        (content.row_name(r), *effect_cells(r, content.digits), *((r.note,) if noted else ()))
        for r in found.itertuples()
    )
    columns = (
        (heading, TEXT),
        *effect_columns(float(found["ci_prob"].iloc[0])),
        *((("Rests on", TEXT),) if noted else ()),
    )
    return Table(key, caption, columns, rows, f"{note} {rope_note(content)}".strip())


def mean_table(content: Content) -> Table:
    """Mean over the treaties, and of treaties like these."""
    return _effects(content, "mean", "mean", caption="Mean effect over treaties", heading="Mean")


def treaty_table(content: Content) -> Table:
    """Effect of each treaty."""
    note = (
        f"{GIVEN}, averaged over the classes by their shares of the country-years under the treaty, without "
        "the countries' own deviations."
    )
    caption = "Change that goes with ratification of each treaty, given the others"
    return _effects(content, "treaty", "treaties", caption=caption, heading="Treaty", note=note)


def class_table(content: Content) -> Table:
    """Effect of each treaty in each class."""
    caption = "Change that goes with each treaty, by regime class"
    heading, note = "Treaty: class", f"{GIVEN}."
    return _effects(content, "treaty_regime", "treaty-regimes", caption=caption, heading=heading, note=note)


def contrast_table(content: Content) -> Table:
    """Differences between classes, of each treaty and on average."""
    caption = "Differences between regime classes, of each treaty and of their mean"
    return _effects(content, "contrast", "contrasts", caption=caption, heading="Contrast")


def ranking_table(content: Content) -> Table | None:
    """How probable each rank of each treaty is; never a rank alone."""
    if content.ranking is None:
        return None
    K = len(content.treaties)
    ranked = content.ranking.sort_values("rank_mean", kind="stable")
    rows = tuple(
        (
            str(row["treaty"]),
            fmt.probability(float(row["p_largest"])),
            fmt.probability(float(row["p_smallest"])),
            fmt.number(float(row["rank_mean"]), 1),
            f"{row['rank_lb']:.0f} to {row['rank_ub']:.0f}",
            *(fmt.probability(float(row[f"p_rank_{j}"])) for j in range(1, K + 1)),
        )
        for _, row in ranked.iterrows()
    )
    columns = (
        ("Treaty", TEXT),
        ("P(largest)", NUMBER),
        ("P(smallest)", NUMBER),
        ("Mean rank", NUMBER),
        (f"{fmt.percent(CI_PROB)} of rank", NUMBER),
        *((f"P(rank {j})", NUMBER) for j in range(1, K + 1)),
    )
    note = (
        f"Rank 1 is the largest effect of {K}. If nothing were known, each probability would be "
        f"{fmt.probability(1 / K)} and the interval 1 to {K}: ranks whose interval is that wide say nothing."
    )
    return Table("ranking", "How probable each rank of each treaty's effect is", columns, rows, note)


def separation_table(content: Content) -> Table:
    """What is left of each dummy once everything else is taken out."""
    rows = tuple(_separation_row(r) for r in content.separation.itertuples())
    columns = (
        ("Treaty", TEXT),
        ("Left within countries", NUMBER),
        ("and within class-years", NUMBER),
        ("and given the other treaties: residual share", NUMBER),
        ("Owed to the other treaties", NUMBER),
        ("Most alike", TEXT),
        ("Correlation", NUMBER),
        ("Remark", TEXT),
    )
    note = (
        "Shares of the variance of the treaty's dummy D, from who ratified when alone; controls are taken "
        "out with the other treaties. Owed to the other treaties: of what is left within countries and "
        "class-years, the part that they explain. Most alike: the treaty whose dummy correlates most, "
        f"after countries and class-years. A residual share under {fmt.percent(SHARE_LIMIT)}, or more than "
        f"{fmt.percent(OWED_LIMIT)} owed to the others, makes the verdict REVIEW: such an effect leans on "
        "the pooling and on the model's form."
    )
    return Table("separation", "How far the treaties can be told apart", columns, rows, note)


def _separation_row(r: Any) -> tuple[str, ...]:
    shares = (r.share_country, r.share_years, r.share, r.owed_to_others)
    cells = (fmt.percent(round(float(v), 3)) for v in shares)
    return (str(r.treaty), *cells, str(r.closest), fmt.number(float(r.closest_r), 2), str(r.flag))


def ratified_table(content: Content) -> Table:
    """Who ratified what within the rows used, by treaty and class."""
    rows = []
    for treaty in content.treaties:
        for label in content.classes:
            own = content.facts[(content.facts["treaty"] == treaty) & (content.facts["regime"] == label)]
            status = [fmt.count((own["status"] == s).sum()) for s in ("switches", "never", "always")]
            under = (fmt.count(own["rows"].sum()), fmt.count(own["treated_rows"].sum()))
            rows.append((f"{treaty}: {label}", fmt.count(len(own)), *status, *under))
    columns = (
        ("Treaty: class", TEXT),
        ("Countries", NUMBER),
        ("ratify within the rows", NUMBER),
        ("never", NUMBER),
        ("always", NUMBER),
        ("Rows", NUMBER),
        ("Rows with D = 1", NUMBER),
    )
    caption = "Who ratified what, by regime class"
    return Table("ratified", caption, columns, tuple(rows), class_rule(content))


def class_rule(content: Content) -> str:
    """How countries were put into classes; in a sentence."""
    if not content.provenance["panel"]["sources"]:
        return "Classes as given in the data's own column 'regime'."
    return regime_rule(content.card.regime, "the first of these treaties")
