"""The report of a convergence fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bayes_hr.reporting import page as shared
from bayes_hr.reporting.convergence import (
    equations,
    limits,
    plots_checks,
    plots_curve,
    plots_effects,
    tables,
    tables_claims,
    tables_data,
    tables_levels,
    words,
)
from bayes_hr.reporting.convergence.content import ConvergenceContent as Content
from bayes_hr.reporting.convergence.content import gather
from bayes_hr.reporting.plots_checks import learning_picture

if TYPE_CHECKING:
    from pathlib import Path

    from bayes_hr.fits import Fit

REFERENCES = (
    "Kass, R. E. & Raftery, A. E. (1995). Bayes factors. Journal of the American Statistical Association, "
    "90(430), 773-795. doi:10.1080/01621459.1995.10476572",
    "Kallioinen, N., Paananen, T., Bürkner, P.-C. & Vehtari, A. (2024). Detecting and diagnosing prior and "
    "likelihood sensitivity with power-scaling. Statistics and Computing, 34, 57. "
    "doi:10.1007/s11222-023-10366-5",
)
"""Methods that only this report uses."""


def write_report(fit: Fit, path: Path) -> Path:
    """Write the report of a convergence fit (:func:`bayes_hr.reporting.page.write_report`)."""
    return shared.write_report(path, lambda: render(gather(fit)))


def render(content: Content) -> str:
    """The page as text."""
    return shared.render("convergence.html.j2", page_values(content))


def page_values(content: Content) -> dict[str, Any]:
    """Everything that the template needs."""
    values = shared.shared_values(content)
    values["references"]["list"] += REFERENCES
    values["rules"] = words.rules(content.card)
    levels = [section for by in tables_levels.BY if (section := level_section(content, by))]
    types = type_section(content)
    return {
        **values,
        "warnings": limits.warnings(content),
        "facts": tables_data.key_facts(content),
        "contents": contents(content, levels, types=types is not None),
        "headline": words.headline(content),
        "answer": words.answer(content),
        "truth": None if content.truth is None else tables.truth_table(content, content.truth),
        "curve": curve_section(content),
        "kinds": kind_sections(content),
        "hypotheses": hypotheses_section(content),
        "identification": identification_section(content),
        "types": types,
        "levels": levels,
        "phases": tables_data.phases_table(content),
        "igos": tables_data.igos_table(content),
        "mean_rule": tables_data.mean_rule(content),
        "model": model_section(content),
        "checks": shared.checks_section(
            content, plots_checks.check_pictures(content) if content.finite else []
        ),
        "limitations": limits.limitations(content),
    }


def contents(content: Content, levels: list[dict[str, Any]], *, types: bool) -> list[tuple[str, str]]:
    """Key and title of each section."""
    out = [("answer", "Answer"), ("curve", "Before, during, after")]
    out += [(f"{kind}s", title) for kind, title in tables.kinds_of(content)]
    out += [("hypotheses", "Hypotheses"), ("identification", "Identification")]
    out += [("types", "By type")] if types else []
    return [*out, *((section["key"], section["title"]) for section in levels), *shared.LAST]


def curve_section(content: Content) -> dict[str, Any]:
    """The curve, and its figures at a few years."""
    return {
        "pictures": plots_curve.curve_pictures(content) if content.finite else [],
        "table": tables.curve_table(content) if len(content.curve) else None,
    }


def kind_sections(content: Content) -> list[dict[str, Any]]:
    """Kinks, jumps, slopes."""
    return [
        {
            "key": f"{kind}s",
            "title": words.kind_title(content, kind, title),
            "picture": plots_effects.kind_picture(content, kind) if content.finite else None,
            "table": tables.kind_table(content, kind),
            "mechanical": tables.mechanical_table(content) if kind == "jump" else None,
        }
        for kind, title in tables.kinds_of(content)
    ]


def hypotheses_section(content: Content) -> dict[str, Any] | None:
    """Inequalities and joint signatures."""
    table = content.hypotheses
    if table.empty:
        return None
    kinds = [k for k in ("signature", "inequality") if (table["kind"] == k).any()]
    return {
        "picture": plots_effects.hypotheses_picture(content) if content.finite else None,
        "tables": [tables_claims.hypotheses_table(content, kind) for kind in kinds],
    }


def identification_section(content: Content) -> dict[str, Any]:
    """What identifies each estimand, and the estimates with and without dyads that have no before."""
    there, both = not content.identification.empty, len(content.sensitivity) > 0
    return {
        "sentences": words.identification_sentences(content),
        "table": tables_claims.identification_table(content) if there else None,
        "sensitivity": tables.sensitivity_table(content) if both else None,
        "picture": plots_effects.sensitivity_picture(content) if both and content.finite else None,
        "absent": words.no_sensitivity(content),
    }


def type_section(content: Content) -> dict[str, Any] | None:
    """By type of IGO, if the card asks for it and there are several."""
    kinds = [k for k, _ in tables.kinds_of(content)]
    own = content.effects[content.effects["by"] == "igo_type"]
    if own["level"].nunique() < 2:
        return None
    pictures = [plots_effects.kind_picture(content, k, "igo_type") for k in kinds] if content.finite else []
    return {"pictures": pictures, "table": tables.type_table(content)}


def level_section(content: Content, by: str) -> dict[str, Any] | None:
    """By state or by IGO: caterpillars, ranked tables, and those that are flagged."""
    there = tuple(n for n in tables_levels.LISTED if not content.of(n, by).empty)
    if not there:
        return None
    one, many = tables_levels.BY[by]
    ranked = [tables_levels.ranked_table(content, name, by) for name in there]
    return {
        "key": f"by-{by}",
        "title": f"By {one if by == 'igo' else one.lower()}",
        "many": many,
        "other": "IGO" if by == "state" else "state",
        "pictures": plots_effects.level_pictures(content, by, there) if content.finite else [],
        "cut": any(len(t.rows) > plots_effects.MOST for t in ranked),
        "ranked": [t for t in ranked if t.rows],
        "unranked": tables_levels.unranked_table(content, by),
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
