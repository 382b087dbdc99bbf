"""Tables of the data: rows in, dropped and used; sources with citation and licence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.data.bibtex import merged
from bayes_hr.data.sources import SOURCES
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.tables import CODE, NUMBER, TEXT, Table

if TYPE_CHECKING:
    from bayes_hr.data.merge import MergeReport
    from bayes_hr.data.sources import Source
    from bayes_hr.reporting.content import Content


def rows_table(merge: MergeReport) -> Table:
    """Rows in, dropped for each reason, used."""
    dropped = [
        (
            f"dropped: {step.reason}",
            f"{fmt.MINUS}{fmt.count(step.rows)}",
            fmt.count(step.countries) if step.countries else fmt.NONE,
            step.detail,
        )
        for step in merge.steps
    ]
    used = f"{fmt.count(merge.countries)} countries, {merge.years[0]} to {merge.years[1]}"
    rows = (
        ("rows in", fmt.count(merge.rows_in), "", ""),
        *dropped,
        ("rows used", fmt.count(merge.rows_used), "", used),
    )
    columns = (("Step", TEXT), ("Rows", NUMBER), ("Countries lost entirely", NUMBER), ("Which", TEXT))
    return Table("rows", "Rows in, dropped with reasons, used", columns, rows)


def sources_of(content: Content) -> list[Source]:
    """Registered sources that the panel was made from."""
    return [SOURCES[s] for s in content.provenance["panel"]["sources"] if s in SOURCES]


def sources_table(content: Content) -> Table:
    """Each source with what is read of it, whom to cite and its licence."""
    rows = tuple(
        (s.title, s.covers, s.citation, s.licence, file_at(s.repo_path)) for s in sources_of(content)
    )
    columns = (
        ("Source", TEXT),
        ("Read", TEXT),
        ("Citation", TEXT),
        ("Licence or terms", TEXT),
        ("File (repository @ commit: path)", CODE),
    )
    note = (
        "Each file is read at the commit named and checked against its SHA-256. The files are other "
        "people's work."
    )
    restricted = [s.title for s in sources_of(content) if s.licence.startswith("CC BY-NC-SA")]
    if restricted:
        note += (
            " Non-commercial, share alike (CC BY-NC-SA): "
            f"{'; '.join(restricted)}. The files, and tables made of them such as this panel's rows, may be "
            "used and passed on for non-commercial purposes only, with credit and under the same licence."
        )
    return Table("sources", "Sources, whom to cite, and licences", columns, rows, note)


def file_at(repo_path: str) -> str:
    """``owner/repo @ commit: path`` with the commit's first ten digits."""
    owner, repo, commit, path = repo_path.split("/", 3)
    return f"{owner}/{repo} @ {commit[:10]}: {path}"


def origin(content: Content) -> str:
    """Where the rows come from if no public source is named."""
    if content.simulated:
        return content.simulated_rows
    return "The user's own data; no public source was read."


def bibtex(content: Content) -> str:
    """BibTeX of the sources, each entry once."""
    return merged(source.bibtex for source in sources_of(content))
