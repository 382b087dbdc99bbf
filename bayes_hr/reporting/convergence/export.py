"""Tables and figures of a convergence fit for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.reporting import tables_model
from bayes_hr.reporting.convergence import (
    plots_checks,
    plots_curve,
    plots_effects,
    tables,
    tables_claims,
    tables_data,
    tables_levels,
)
from bayes_hr.reporting.convergence.content import ConvergenceContent as Content
from bayes_hr.reporting.convergence.content import gather
from bayes_hr.reporting.export import files_from, write_export

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bayes_hr.fits import Fit
    from bayes_hr.reporting.figures import Picture
    from bayes_hr.reporting.tables import Table


def export_tables(fit: Fit, folder: Path) -> Path:
    """Write the tables and figures of a fit for a paper.

    ``.csv``: estimates in full precision with the columns of the contract (``states.csv`` and ``igos.csv``
    with ranks; a flagged level has none), the curve, hypotheses, identification. ``.tex``: the report's
    tables with booktabs rules. ``.pdf`` and ``.svg``: the report's figures. ``README.txt``: the verdict, its
    reasons, and what each file is. Everything is made before anything is written.

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
    return files_from(
        content,
        frames=frames(content),
        papers=paper_tables(content),
        pictures=paper_pictures(content),
    )


def frames(content: Content) -> dict[str, pd.DataFrame]:
    """Estimates and tables in full precision, by file name."""
    effects = content.effects
    out = {
        "estimates": effects[effects["by"] == "all"].reset_index(drop=True),
        "types": effects[effects["by"] == "igo_type"].reset_index(drop=True),
        "hypotheses": content.hypotheses,
        "identification": content.identification,
        "curve": content.curve,
        "curve-relative": content.shape,
        "sensitivity": content.sensitivity,
    }
    for by, name in (("state", "states"), ("igo", "igos")):
        if (effects["by"] == by).any():
            out[name] = tables_levels.level_frame(content, by)
    return {**{name: frame for name, frame in out.items() if len(frame)}, "parameters": content.parameters}


def paper_tables(content: Content) -> list[Table]:
    """Tables as the report has them."""
    out = [tables.kind_table(content, kind) for kind, _ in tables.kinds_of(content)]
    kinds = [k for k in ("signature", "inequality") if _has_kind(content, k)]
    out += [tables_claims.hypotheses_table(content, kind) for kind in kinds]
    out += [tables_claims.identification_table(content)] if len(content.identification) else []
    out += [tables.sensitivity_table(content)] if len(content.sensitivity) else []
    out += [mechanical] if (mechanical := tables.mechanical_table(content)) else []
    out += [tables.type_table(content)] if (content.effects["by"] == "igo_type").any() else []
    for by in tables_levels.BY:
        there = [name for name in tables_levels.LISTED if not content.of(name, by).empty]
        out += [tables_levels.ranked_table(content, name, by) for name in there]
        out += [tables_levels.unranked_table(content, by)] if there else []
    out += [tables.curve_table(content)] if len(content.curve) else []
    out += [tables_data.phases_table(content), tables_data.igos_table(content)]
    return [*out, tables_model.parameters_table(content), tables_model.priors_table(content)]


def _has_kind(content: Content, kind: str) -> bool:
    return not content.hypotheses.empty and bool((content.hypotheses["kind"] == kind).any())


def paper_pictures(content: Content) -> list[Picture]:
    """The report's figures; none if a draw is not finite."""
    if not content.finite:
        return []
    kinds = [kind for kind, _ in tables.kinds_of(content)]
    out = [*plots_curve.curve_pictures(content), *(plots_effects.kind_picture(content, k) for k in kinds)]
    out += [plots_effects.hypotheses_picture(content)] if len(content.hypotheses) else []
    out += [plots_effects.sensitivity_picture(content)] if len(content.sensitivity) else []
    if (content.effects["by"] == "igo_type").any():
        out += [plots_effects.kind_picture(content, kind, "igo_type") for kind in kinds]
    for by in tables_levels.BY:
        there = tuple(name for name in tables_levels.LISTED if not content.of(name, by).empty)
        out += plots_effects.level_pictures(content, by, there)
    return [*out, *plots_checks.check_pictures(content)]
