"""Tables and figures for a paper: CSV and LaTeX, PDF and SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.errors import InputError
from bayes_hr.reporting import plots_checks, plots_effects, tables, tables_model
from bayes_hr.reporting.content import Content, gather
from bayes_hr.reporting.figures import Picture, saved
from bayes_hr.reporting.files import write_file
from bayes_hr.reporting.formats import MINUS

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bayes_hr.api import Fit
    from bayes_hr.reporting.tables import Table

_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    MINUS: "$-$",
    "–": "--",
    "…": r"\ldots{}",
    "\u00a0": "~",
}


def export_tables(fit: Fit, folder: Path) -> Path:
    """Write the tables and figures of a fit for a paper.

    ``.csv``: effects in full precision with the columns of the contract (``countries.csv`` with class,
    ratification year, status and rank; a country that never or always ratifies has no rank). ``.tex``: the
    report's tables with booktabs rules. ``.pdf`` and ``.svg``: the report's figures. ``README.txt``: the
    verdict, its reasons, and what each file is. Everything is made before anything is written.

    Parameters
    ----------
    fit
        A finished or loaded fit.
    folder
        Made if it is not there; files of the same name are replaced, others are left alone.

    Raises
    ------
    InputError
        If the folder is a file or cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"export {folder}: is a file, not a folder. Give the name of a folder.")
    for name, content in files_of(gather(fit)).items():
        write_file(folder / name, content, what="export")
    return folder


def files_of(content: Content) -> dict[str, bytes]:
    """Every file of an export: name and bytes."""
    out: dict[str, bytes] = {}
    for key, frame in frames(content).items():
        out[f"{key}.csv"] = frame.to_csv(index=False).encode()
    for table in paper_tables(content):
        out[f"{table.key}.tex"] = latex(table, status=content.verdict.status).encode()
    for picture in paper_pictures(content):
        out |= {f"{picture.key}.{kind}": saved(picture.figure, kind) for kind in ("pdf", "svg")}
    return {"README.txt": readme(content, list(out)).encode(), **out}


def frames(content: Content) -> dict[str, pd.DataFrame]:
    """Effects in full precision, by file name."""
    names = {"tau": "regimes", "contrast": "contrasts", "average": "averages"}
    out = {name: content.of(key) for key, name in names.items() if not content.of(key).empty}
    if not content.of("total").empty:
        out["countries"] = country_frame(content)
    return {**out, "parameters": content.parameters}


def country_frame(content: Content) -> pd.DataFrame:
    """Total effects with the facts of each country; ranks for those that switch only."""
    ranks = tables.switchers(content)[["level", "rank", "rank_lb", "rank_ub"]]
    both = content.of("total").merge(content.facts, on="level", how="left", validate="1:1")
    both = both.merge(ranks, on="level", how="left", validate="1:1")
    whole = dict.fromkeys(("rank", "rank_lb", "rank_ub", "ratification_year"), "Int64")
    return both.astype(whole).sort_values(["rank", "country"], kind="stable").reset_index(drop=True)


def paper_tables(content: Content) -> list[Table]:
    """Tables of effects and parameters, as the report has them."""
    makers = {"tau": tables.regime_table, "contrast": tables.contrast_table, "average": tables.average_table}
    out = [make(content) for key, make in makers.items() if not content.of(key).empty]
    if not content.of("total").empty:
        out += [tables.country_table(content), tables.unranked_table(content)]
    return [*out, tables_model.parameters_table(content), tables_model.priors_table(content)]


def paper_pictures(content: Content) -> list[Picture]:
    """The report's figures; none if a draw is not finite."""
    if not content.finite:
        return []
    titles = {"tau": "By regime class", "contrast": "Contrasts", "average": "Averages"}
    out = [
        plots_effects.effect_picture(content, key, key=f"fig-{title.lower().replace(' ', '-')}", title=title)
        for key, title in titles.items()
        if not content.of(key).empty
    ]
    if not content.of("total").empty:
        out += plots_effects.country_pictures(content)
    if content.reference is not None:
        out.append(plots_effects.reference_picture(content.reference, content))
    return [*out, *plots_checks.check_pictures(content)]


def readme(content: Content, names: list[str]) -> str:
    """Verdict first, then what is here."""
    lines = [
        f"Verdict: {content.verdict.status}",
        *(f"- {reason}" for reason in content.verdict.reasons),
        "",
        content.card.question,
        f"Card {content.card.id}, bayes_hr {content.provenance['versions']['bayes-hr']}, "
        f"{content.provenance['created']}.",
        "The .tex tables need \\usepackage{booktabs,longtable}.",
        "",
        *names,
    ]
    return "\n".join(lines) + "\n"


def latex(table: Table, *, status: str) -> str:
    r"""A table as LaTeX: a ``longtable`` with booktabs rules, so that long ones break across pages."""
    spec = "".join("r" if kind == tables.NUMBER else "l" for _, kind in table.columns)
    head = " & ".join(rf"\textbf{{{escaped(title)}}}" for title, _ in table.columns)
    warning = "FAIL -- do not use. " if status == "FAIL" else ""
    rows = [" & ".join(escaped(text) for text in row) + r" \\" for row in table.rows]
    lines = [
        f"% bayes_hr; verdict {status}; needs \\usepackage{{booktabs,longtable}}",
        rf"\begin{{longtable}}{{{spec}}}",
        rf"\caption{{{warning}{escaped(table.caption)}}}\label{{tab:{table.key}}}\\",
        r"\toprule",
        rf"{head} \\",
        r"\midrule\endhead",
        *rows,
        r"\bottomrule",
        r"\end{longtable}",
    ]
    if table.note:
        lines.append(rf"{{\footnotesize {escaped(table.note)}}}")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text for LaTeX."""
    return "".join(_LATEX.get(character, character) for character in text)
