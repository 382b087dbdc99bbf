"""The report of a fit of several treaties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting import page as shared
from bayes_hr.reporting import reference
from bayes_hr.reporting.plots_checks import learning_picture
from bayes_hr.reporting.tables_missing import missing_section
from bayes_hr.reporting.treaties import equations, plots, tables, words
from bayes_hr.reporting.treaties.content import TreatiesContent as Content
from bayes_hr.reporting.treaties.content import gather

if TYPE_CHECKING:
    from pathlib import Path

    from bayes_hr.fits import Fit
    from bayes_hr.reporting.figures import Picture
    from bayes_hr.reporting.tables import Table

PLAN = (
    ("mean", "mean", "Mean over treaties", tables.mean_table),
    ("treaty", "by-treaty", "By treaty", tables.treaty_table),
    ("treaty_regime", "by-treaty-class", "By treaty and regime class", tables.class_table),
)
"""Estimand, key, title and table of each section of effects with a figure."""


def write_report(fit: Fit, path: Path) -> Path:
    """Write the report of a fit of several treaties (:func:`bayes_hr.reporting.page.write_report`)."""
    return shared.write_report(path, lambda: render(gather(fit)))


def render(content: Content) -> str:
    """The page as text."""
    return shared.render("treaties.html.j2", page_values(content))


def page_values(content: Content) -> dict[str, Any]:
    """Everything that the template needs."""
    sections, missing = effect_sections(content), missing_section(content.design.merge)
    data, *rest = shared.LAST
    contents = [
        ("answer", "Answer"),
        *((key, title) for key, title, _, _ in sections),
        ("reference", "Permuted-ratification reference"),
        data,
        *([("missing", "Missing values")] if missing else []),
        *rest,
    ]
    pictures = [learning_picture(plots.lessons(content))] if content.finite else []
    return {
        **shared.shared_values(content),
        "warnings": words.warnings(content.card),
        "facts": key_facts(content),
        "contents": contents,
        "headline": words.headline(content),
        "answer": words.answer(content),
        "truth": None,
        "effects": sections,
        "reference": reference_section(content),
        "ratified": tables.ratified_table(content),
        "class_rule": tables.class_rule(content),
        "missing": missing,
        "model": shared.model_section(
            content,
            equations=equations.equations(content),
            glossary=equations.glossary(content),
            priors=equations.prior_equations(content),
            pictures=pictures,
        ),
        "checks": shared.checks_section(content, plots.check_pictures(content) if content.finite else []),
        "limitations": words.limitations(content.card),
    }


def key_facts(content: Content) -> list[tuple[str, str]]:
    """A line of figures under the verdict."""
    merge = content.design.merge
    return [
        ("treaties", fmt.count(len(content.treaties))),
        ("country-years", fmt.count(content.design.n)),
        ("countries", fmt.count(merge.countries)),
        ("years", f"{merge.years[0]}–{merge.years[1]}"),
        ("ratifications within the rows", fmt.count((content.facts["status"] == "switches").sum())),
        ("regime classes", fmt.count(len(content.classes))),
    ]


def reference_section(content: Content) -> dict[str, Any] | None:
    """The permuted reference, if it was run."""
    if content.reference is None:
        return None
    return {
        "sentences": reference.sentences(content.reference, several=True),
        "picture": reference.picture(content.reference, content, {}),
        "table": reference.table(content.reference, content.digits),
    }


def effect_sections(content: Content) -> list[tuple[str, str, list[Picture], list[Table]]]:
    """Key, title, figures and tables: effects, contrasts, ranks, and how far treaties can be told apart."""
    out: list[tuple[str, str, list[Picture], list[Table]]] = []
    for estimand, key, title, make in PLAN:
        if content.of(estimand).empty:
            continue
        pictures = []
        if content.finite:
            pictures = [plots.effect_picture(content, estimand, key=f"fig-{key}", title=title)]
        out.append((key, title, pictures, [make(content)]))
    if not content.of("contrast").empty:
        out.append(("by-contrast", "Contrasts between classes", [], [tables.contrast_table(content)]))
    ranks = tables.ranking_table(content)
    if ranks is not None:
        out.append(("ranking", "Ranking, with its uncertainty", [], [ranks]))
    title = "How far the treaties can be told apart"
    return [*out, ("separation", title, [], [tables.separation_table(content)])]
