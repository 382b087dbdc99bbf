"""Tables and figures for a paper, of any family: CSV and LaTeX, PDF and SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.errors import InputError
from bayes_hr.reporting import tables
from bayes_hr.reporting.figures import saved
from bayes_hr.reporting.files import write_file
from bayes_hr.reporting.formats import MINUS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from bayes_hr.reporting.content import Content
    from bayes_hr.reporting.figures import Picture
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


def write_export(folder: Path, make: Callable[[], dict[str, bytes]]) -> Path:
    """Write the tables and figures of a fit for a paper; everything is made before anything is written.

    Parameters
    ----------
    folder
        Made if it is not there; files of the same name are replaced, others are left alone.
    make
        Gives name and bytes of every file.

    Raises
    ------
    InputError
        If the folder is a file or cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"export {folder}: is a file, not a folder. Give the name of a folder.")
    for name, content in make().items():
        write_file(folder / name, content, what="export")
    return folder


def files_from(
    content: Content, *, frames: dict[str, pd.DataFrame], papers: list[Table], pictures: list[Picture]
) -> dict[str, bytes]:
    """Every file of an export: name and bytes; ``README.txt`` says what each is, the verdict first."""
    out: dict[str, bytes] = {}
    for key, frame in frames.items():
        out[f"{key}.csv"] = frame.to_csv(index=False).encode()
    for table in papers:
        out[f"{table.key}.tex"] = latex(table, status=content.verdict.status).encode()
    for picture in pictures:
        out |= {f"{picture.key}.{kind}": saved(picture.figure, kind) for kind in ("pdf", "svg")}
    return {"README.txt": readme(content, list(out)).encode(), **out}


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
