"""The report of a ratification fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting import page as shared
from bayes_hr.reporting import reference
from bayes_hr.reporting.plots_checks import learning_picture
from bayes_hr.reporting.ratification import (
    dynamics,
    equations,
    mundlak,
    plots_checks,
    plots_effects,
    standard,
    tables,
    tables_data,
    words,
)
from bayes_hr.reporting.ratification.colours import colours
from bayes_hr.reporting.ratification.content import RatificationContent as Content
from bayes_hr.reporting.ratification.content import gather
from bayes_hr.reporting.tables_missing import missing_section

if TYPE_CHECKING:
    from pathlib import Path

    from bayes_hr.fits import Fit
    from bayes_hr.reporting.figures import Picture
    from bayes_hr.reporting.tables import Table


def write_report(fit: Fit, path: Path) -> Path:
    """Write the report of a ratification fit (:func:`bayes_hr.reporting.page.write_report`)."""
    return shared.write_report(path, lambda: render(gather(fit)))


def render(content: Content) -> str:
    """The page as text."""
    return shared.render("ratification.html.j2", page_values(content))


def page_values(content: Content) -> dict[str, Any]:
    """Everything that the template needs."""
    sections, missing = effect_sections(content), missing_section(content.design.merge)
    return {
        **shared.shared_values(content),
        "warnings": words.warnings(content.card),
        "facts": key_facts(content),
        "contents": contents(
            sections,
            countries="country" in content.card.estimands,
            missing=missing is not None,
            moving=content.card.outcome.moving,
        ),
        "headline": words.headline(content),
        "answer": words.answer(content),
        "truth": None if content.truth is None else tables.truth_table(content, content.truth),
        "effects": sections,
        "countries": country_section(content),
        "standard": standard.section(content),
        "reference": reference_section(content),
        "classes": tables_data.classes_table(content),
        "class_rule": tables_data.class_rule(content),
        "missing": missing,
        "model": model_section(content),
        "checks": shared.checks_section(
            content, plots_checks.check_pictures(content) if content.finite else []
        ),
        "limitations": words.limitations(
            content.card, simulated=content.simulated, changing=content.changing
        ),
    }


def key_facts(content: Content) -> list[tuple[str, str]]:
    """A line of figures under the verdict."""
    merge, facts = content.design.merge, content.facts
    return [
        ("treaty", content.card.treatment.name),
        *_rows(content),
        ("countries", fmt.count(merge.countries)),
        ("years", f"{merge.years[0]}–{merge.years[1]}"),
        ("ratify within the rows", fmt.count((facts["status"] == "switches").sum())),
        ("regime classes", fmt.count(len(content.classes))),
    ]


def _rows(content: Content) -> list[tuple[str, str]]:
    """Country-years; beside them the rows that they stand for, where these are compressed."""
    design = content.design
    compressed = [("rows, compressed", fmt.count(design.merge.rows_used))] if design.repeats else []
    return [*compressed, ("country-years", fmt.count(design.n))]


def contents(
    sections: list[tuple[str, str, list[Picture], list[Table]]],
    *,
    countries: bool,
    missing: bool = False,
    moving: bool = False,
) -> list[tuple[str, str]]:
    """Key and title of each section."""
    out = [("answer", "Answer"), *((key, title) for key, title, _, _ in sections)]
    out += [("standard", standard.TITLE)] if moving else []
    out += [("by-country", "By country")] if countries else []
    data, *rest = shared.LAST
    return [
        *out,
        ("reference", "Permuted reference"),
        data,
        *([("missing", "Missing values")] if missing else []),
        *rest,
    ]


def effect_sections(content: Content) -> list[tuple[str, str, list[Picture], list[Table]]]:
    """Classes, contrasts, averages and probabilities that the card asks for: key, title, figures, tables."""
    plan = (
        ("tau", "by-class", "By regime class", tables.regime_table),
        ("contrast", "by-contrast", "Contrasts between classes", tables.contrast_table),
        ("average", "averages", "Averages over countries", tables.average_table),
    )
    out = []
    for estimand, key, title, make in plan:
        if content.of(estimand).empty:
            continue
        pictures = []
        if content.finite:
            pictures = [plots_effects.effect_picture(content, estimand, key=f"fig-{key}", title=title)]
        out.append((key, title, pictures, [make(content)]))
    if not content.of("long_run").empty:
        out.append(("long-run", "Long run", [], [dynamics.long_run_table(content)]))
    if not content.of("between").empty:
        out.append(("within-between", "Within and between countries", [], [mundlak.between_table(content)]))
    if not content.of("probability").empty:
        out.append(
            ("probabilities", "Probabilities of the categories", [], [tables.probability_table(content)])
        )
    return out


def country_section(content: Content) -> dict[str, Any] | None:
    """Countries that switch, ranked, and the others, flagged."""
    if content.of("total").empty:
        return None
    return {
        "pictures": plots_effects.country_pictures(content) if content.finite else [],
        "ranked": tables.country_table(content),
        "unranked": tables.unranked_table(content),
    }


def reference_section(content: Content) -> dict[str, Any] | None:
    """The permuted reference, if it was run."""
    if content.reference is None:
        return None
    return {
        "sentences": reference.sentences(content.reference, changing=content.changing),
        "picture": reference.picture(content.reference, content, colours(content.classes)),
        "table": reference.table(content.reference, content.digits),
    }


def model_section(content: Content) -> dict[str, Any]:
    """Equations, priors and parameters."""
    pictures = []
    if content.finite:
        years = plots_checks.year_effects_picture(content)
        pictures = [learning_picture(plots_checks.lessons(content)), *([years] if years else [])]
    return shared.model_section(
        content,
        equations=equations.equations(content),
        glossary=equations.glossary(content),
        priors=equations.prior_equations(content),
        pictures=pictures,
    )
