"""The report: one self-contained HTML page, written whole or not at all."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bayes_hr.errors import InputError
from bayes_hr.reporting import equations as maths
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting import plots_checks, plots_effects, tables, tables_data, tables_model, words
from bayes_hr.reporting.content import Content, gather
from bayes_hr.reporting.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from bayes_hr.api import Fit
    from bayes_hr.reporting.figures import Picture
    from bayes_hr.reporting.tables import Table

STATISTICS: Final = (
    "Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. & Bürkner, P.-C. (2021). Rank-normalization, "
    "folding, and localization: an improved R-hat for assessing convergence of MCMC. Bayesian Analysis, "
    "16(2), 667-718. doi:10.1214/20-BA1221",
    "Lewandowski, D., Kurowicka, D. & Joe, H. (2009). Generating random correlation matrices based on "
    "vines and extended onion method. Journal of Multivariate Analysis, 100(9), 1989-2001. "
    "doi:10.1016/j.jmva.2009.04.008",
    "Kruschke, J. K. (2018). Rejecting or accepting parameter values in Bayesian estimation. Advances in "
    "Methods and Practices in Psychological Science, 1(2), 270-280. doi:10.1177/2515245918771304",
)
"""Methods behind the diagnostics, the correlation prior, and the region of practical equivalence."""

_ADDRESS: Final = re.compile(r"\bdoi:\s?(10\.\d{4,9}/[^\s;,()]+)|\b(https://[^\s;,()<>\"']+)")


def write_report(fit: Fit, path: Path) -> Path:
    """Write the report of a fit.

    Parameters
    ----------
    fit
        A finished or loaded fit.
    path
        The HTML file; replaced if it exists, and left as it was if anything goes wrong.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    if path.is_dir():
        raise InputError(f"report {path}: is a folder. Give the name of a file, e.g. {path / 'report.html'}.")
    write_file(path, render(gather(fit)).encode(), what="report")
    return path


def render(content: Content) -> str:
    """The page as text."""
    environment = Environment(
        loader=PackageLoader("bayes_hr.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["linked"] = linked
    return environment.get_template("report.html.j2").render(page_values(content))


def linked(text: str) -> Markup:
    """Escaped text with its DOIs and https addresses as links."""
    out, at = Markup(""), 0
    for found in _ADDRESS.finditer(text):
        shown = found.group(0).rstrip(".")
        address = found.group(2) or f"https://doi.org/{found.group(1)}"
        out += escape(text[at : found.start()]) + Markup('<a href="{}">{}</a>').format(
            address.rstrip("."), shown
        )
        at = found.start() + len(shown)
    return out + escape(text[at:])


def page_values(content: Content) -> dict[str, Any]:
    """Everything that the template needs."""
    sections = effect_sections(content)
    return {
        "content": content,
        "css": Markup(files("bayes_hr.reporting").joinpath("templates/report.css").read_text("utf-8")),
        "verdict_line": words.verdict_line(content.verdict),
        "warnings": words.warnings(content.card),
        "opening": words.opening(content.verdict),
        "facts": key_facts(content),
        "contents": contents(sections, countries="country" in content.card.estimands),
        "headline": words.headline(content),
        "answer": words.answer(content),
        "rules": words.rules(content.card),
        "truth": None if content.truth is None else tables.truth_table(content, content.truth),
        "effects": sections,
        "countries": country_section(content),
        "reference": reference_section(content),
        "data": data_section(content),
        "model": model_section(content),
        "checks": checks_section(content),
        "reproduce": reproduce_section(content),
        "references": references_section(content),
        "limitations": words.limitations(content.card, simulated=content.card.panel == "simulated"),
    }


def key_facts(content: Content) -> list[tuple[str, str]]:
    """A line of figures under the verdict."""
    merge, facts = content.design.merge, content.facts
    return [
        ("treaty", content.card.treatment.name),
        ("country-years", fmt.count(merge.rows_used)),
        ("countries", fmt.count(merge.countries)),
        ("years", f"{merge.years[0]}–{merge.years[1]}"),
        ("ratify within the rows", fmt.count((facts["status"] == "switches").sum())),
        ("regime classes", fmt.count(len(content.classes))),
    ]


def contents(
    sections: list[tuple[str, str, list[Picture], list[Table]]], *, countries: bool
) -> list[tuple[str, str]]:
    """Key and title of each section."""
    out = [("answer", "Answer"), *((key, title) for key, title, _, _ in sections)]
    out += [("by-country", "By country")] if countries else []
    return [
        *out,
        ("reference", "Permuted reference"),
        ("data", "Data"),
        ("model", "Model"),
        ("checks", "Checks"),
        ("reproduce", "Reproduce"),
        ("references", "References"),
        ("limitations", "Limitations"),
    ]


def effect_sections(content: Content) -> list[tuple[str, str, list[Picture], list[Table]]]:
    """Classes, contrasts and averages that the card asks for: key, title, figures, tables."""
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
        "sentences": words.reference_sentences(content.reference.table, content.reference.n),
        "picture": plots_effects.reference_picture(content.reference, content),
        "table": tables.reference_table(content.reference, content.digits),
    }


def data_section(content: Content) -> dict[str, Any]:
    """Rows, classes, notes and sources."""
    return {
        "rows": tables_data.rows_table(content.design.merge),
        "classes": tables_data.classes_table(content),
        "notes": content.design.merge.notes,
        "sources": tables_data.sources_table(content),
        "origin": tables_data.origin(content),
        "rule": tables_data.class_rule(content),
    }


def model_section(content: Content) -> dict[str, Any]:
    """Equations, priors and parameters."""
    pictures = []
    if content.finite:
        years = plots_checks.year_effects_picture(content)
        pictures = [plots_checks.learning_picture(content), *([years] if years else [])]
    return {
        "equations": [(what, maths.mathml(latex)) for what, latex in maths.equations(content)],
        "glossary": [(maths.mathml(latex, block=False), what) for latex, what in maths.glossary(content)],
        "priors": [maths.mathml(latex, block=False) for latex in maths.prior_equations(content)],
        "priors_table": tables_model.priors_table(content),
        "standardised": tables_model.standardised_table(content),
        "parameters": tables_model.parameters_table(content),
        "pictures": pictures,
    }


def checks_section(content: Content) -> dict[str, Any]:
    """All checks, their figures, and the prior predictive table."""
    return {
        "table": tables_model.checks_table(content.verdict),
        "pictures": plots_checks.check_pictures(content) if content.finite else [],
        "prior_predictive": tables_model.prior_predictive_table(content.prior_predictive, content.digits),
        "sampling": tables_model.sampling_table(content),
    }


def reproduce_section(content: Content) -> dict[str, Any]:
    """Commands, settings, versions and the card."""
    command, python = commands(content)
    return {
        "command": command,
        "python": python,
        "settings": tables_model.settings_table(content),
        "versions": tables_model.versions_table(content),
        "toml": content.card.to_toml(),
    }


def commands(content: Content) -> tuple[str, str]:
    """What to type to get the same fit: in a shell, in Python.

    ``spec.toml``, which stands beside ``report.html`` and below, is the card with every default and setting.
    """
    own = content.card.panel != "simulated" and not content.provenance["panel"]["sources"]
    version = content.provenance["versions"]["bayes-hr"]
    shell = f"pip install bayes-hr=={version}\nbayes-hr fit spec.toml --out DIR{' --panel FILE' * own}"
    panel = f', bayes_hr.Panel.from_file("FILE", outcome="{content.card.outcome.name}")' if own else ""
    lines = [
        "import bayes_hr",
        f'fit = bayes_hr.fit("spec.toml"{panel}, out="DIR")',
        "print(fit.check().to_text())",
    ]
    return shell, "\n".join(lines)


def references_section(content: Content) -> dict[str, Any]:
    """The card's references, those of the methods, and BibTeX of the sources."""
    return {"list": [*content.card.references, *STATISTICS], "bibtex": tables_data.bibtex(content)}
