"""Tables and figures of a ratification fit for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.reporting import reference, tables_model
from bayes_hr.reporting.export import files_from, write_export
from bayes_hr.reporting.ratification import dynamics, mundlak, plots_checks, plots_effects, standard, tables
from bayes_hr.reporting.ratification.colours import colours
from bayes_hr.reporting.ratification.content import RatificationContent as Content
from bayes_hr.reporting.ratification.content import gather

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bayes_hr.fits import Fit
    from bayes_hr.reporting.figures import Picture
    from bayes_hr.reporting.tables import Table


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
    """Effects in full precision, by file name."""
    names = {"tau": "regimes", "contrast": "contrasts", "average": "averages"}
    names |= {"probability": "probabilities", "long_run": "long_run"}
    names |= {"standard": "standard", "cutpoint": "cutpoints"}
    names |= {"within": "within", "between": "between", "difference": "within_between_difference"}
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
    makers |= {"probability": tables.probability_table, "long_run": dynamics.long_run_table}
    makers |= {"between": mundlak.between_table, "standard": standard.change_table}
    out = [make(content) for key, make in makers.items() if not content.of(key).empty]
    out += [standard.years_table(content)] if "cutpoint_year" in content.posterior else []
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
        out.append(reference.picture(content.reference, content, colours(content.classes)))
    out += [standard.picture(content)] if "cutpoint_year" in content.posterior else []
    return [*out, *plots_checks.check_pictures(content)]
