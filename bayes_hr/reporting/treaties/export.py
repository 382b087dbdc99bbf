"""Tables and figures of a fit of several treaties for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.reporting import reference, tables_model
from bayes_hr.reporting.export import files_from, write_export
from bayes_hr.reporting.treaties import plots
from bayes_hr.reporting.treaties.content import TreatiesContent as Content
from bayes_hr.reporting.treaties.content import gather
from bayes_hr.reporting.treaties.page import effect_sections

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bayes_hr.fits import Fit


def export_tables(fit: Fit, folder: Path) -> Path:
    """Write the tables and figures of a fit for a paper.

    ``.csv``: effects in full precision with the columns of the contract, ``ranking.csv`` and
    ``separation.csv``. ``.tex``: the report's tables with booktabs rules. ``.pdf`` and ``.svg``: the report's
    figures. ``README.txt``: the verdict, its reasons, and what each file is. Everything is made before
    anything is written.

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
    return write_export(folder, lambda: files_of(gather(fit)))


def files_of(content: Content) -> dict[str, bytes]:
    """Every file of an export: name and bytes."""
    sections = effect_sections(content)
    papers = [table for _, _, _, found in sections for table in found]
    pictures = [picture for _, _, found, _ in sections for picture in found]
    if content.reference is not None and content.finite:
        pictures.append(reference.picture(content.reference, content, {}))
    return files_from(
        content,
        frames=frames(content),
        papers=[*papers, tables_model.parameters_table(content), tables_model.priors_table(content)],
        pictures=[*pictures, *(plots.check_pictures(content) if content.finite else [])],
    )


def frames(content: Content) -> dict[str, pd.DataFrame]:
    """Effects in full precision, by file name."""
    names = {"mean": "mean", "treaty": "treaties", "treaty_regime": "treaty-regimes"}
    names |= {"contrast": "contrasts", "total": "countries"}
    out = {name: content.of(key) for key, name in names.items() if not content.of(key).empty}
    ranks = {} if content.ranking is None else {"ranking": content.ranking}
    return {**out, **ranks, "separation": content.separation, "parameters": content.parameters}
