"""The page that all reports share: one self-contained HTML file, written whole or not at all.

A family brings its template, which fills the blocks of ``templates/report.html.j2``, and the values for it;
what is here knows no family.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bayes_hr.errors import InputError
from bayes_hr.reporting import tables_data, tables_model, words
from bayes_hr.reporting.files import write_file
from bayes_hr.reporting.mathematics import mathml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bayes_hr.reporting.content import Content
    from bayes_hr.reporting.figures import Picture

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


LAST: Final = (
    ("data", "Data"),
    ("model", "Model"),
    ("checks", "Checks"),
    ("reproduce", "Reproduce"),
    ("references", "References"),
    ("limitations", "Limitations"),
)
"""Key and title of the sections that every report ends with."""


def write_report(path: Path, make: Callable[[], str]) -> Path:
    """Write the report of a fit.

    Parameters
    ----------
    path
        The HTML file; replaced if it exists, and left as it was if anything goes wrong.
    make
        Gives the page as text (the family's part).

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    if path.is_dir():
        raise InputError(f"report {path}: is a folder. Give the name of a file, e.g. {path / 'report.html'}.")
    write_file(path, make().encode(), what="report")
    return path


def render(template: str, values: dict[str, Any]) -> str:
    """The page as text: a family's template and everything that it needs."""
    environment = Environment(
        loader=PackageLoader("bayes_hr.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["linked"] = linked
    return environment.get_template(template).render(values)


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


def shared_values(content: Content) -> dict[str, Any]:
    """What the template needs of any family: verdict, data, checks, how to reproduce, references."""
    return {
        "content": content,
        "css": Markup(files("bayes_hr.reporting").joinpath("templates/report.css").read_text("utf-8")),
        "verdict_line": words.verdict_line(content.verdict),
        "opening": words.opening(content.verdict),
        "rules": words.rules(content.card),
        "data": data_section(content),
        "reproduce": reproduce_section(content),
        "references": references_section(content),
    }


def data_section(content: Content) -> dict[str, Any]:
    """Rows, notes and sources."""
    return {
        "rows": tables_data.rows_table(content.design.merge),
        "notes": content.design.merge.remarks,
        "sources": tables_data.sources_table(content),
        "origin": tables_data.origin(content),
    }


def model_section(
    content: Content,
    *,
    equations: list[tuple[str, str]],
    glossary: list[tuple[str, str]],
    priors: list[str],
    pictures: list[Picture],
) -> dict[str, Any]:
    """Equations (what, LaTeX), symbols (LaTeX, what) and priors (LaTeX) of a family; tables; its figures."""
    return {
        "equations": [(what, mathml(latex)) for what, latex in equations],
        "glossary": [(mathml(latex, block=False), what) for latex, what in glossary],
        "priors": [mathml(latex, block=False) for latex in priors],
        "priors_table": tables_model.priors_table(content),
        "standardised": tables_model.standardised_table(content),
        "parameters": tables_model.parameters_table(content),
        "pictures": pictures,
    }


def checks_section(content: Content, pictures: list[Picture]) -> dict[str, Any]:
    """All checks, a family's figures of them, and the prior predictive table."""
    return {
        "table": tables_model.checks_table(content.verdict),
        "pictures": pictures,
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
    own = not content.simulated and not content.provenance["panel"]["sources"]
    version, more = content.provenance["versions"]["bayes-hr"], content.panel_arguments
    shell = f"pip install bayes-hr=={version}\nbayes-hr fit spec.toml --out DIR{' --panel FILE' * own}"
    panel = f', bayes_hr.Panel.from_file("FILE", outcome="{content.card.outcome.name}"{more})' if own else ""
    lines = [
        "import bayes_hr",
        f'fit = bayes_hr.fit("spec.toml"{panel}, out="DIR")',
        "print(fit.check().to_text())",
    ]
    return shell, "\n".join(lines)


def references_section(content: Content) -> dict[str, Any]:
    """The card's references, those of the methods, and BibTeX of the sources."""
    return {"list": [*content.card.references, *STATISTICS], "bibtex": tables_data.bibtex(content)}
