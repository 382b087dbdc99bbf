"""The panel of Model C: states, their IGOs and years, from the public sources or from a user's own tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.data import igo
from bayes_hr.data.crosswalk import country_names, regions, state_years
from bayes_hr.data.igo_options import ConvergenceOptions, one_of
from bayes_hr.data.messages import nearest
from bayes_hr.data.panel import Panel
from bayes_hr.data.parsed import read_source
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

SCORES: Final = ("hrps_v402",)
"""Scores on offer; each is a source id and a column of that source. Higher is better protection."""


def convergence_panel(
    *,
    score: str = "hrps_v402",
    mean: str = "leave_one_out",
    min_others: int = 5,
    membership: Sequence[int] = (1,),
    entry: str = "latest",
    distance: str = "absolute",
    standardise: str = "none",
    igos: Sequence[str] = (),
    types: Sequence[str] = (),
    start: int | None = None,
    end: int | None = None,
    window: Sequence[int] | None = None,
    before: bool = True,
    accuracy: str = "all",
    uncertainty: bool = False,
    controls: str = "none",
    region_share: float = 0.5,
) -> Panel:
    """State-IGO-years of the COW state system, 1946-2014: distance of a score to the co-members' mean.

    Memberships are those of COW IGO v3. A dyad's rows start at the latest of 1946, the state's entry into the
    state system and the IGO's birth, and stop with the state or the IGO. Columns as
    :func:`bayes_hr.data.igo_dyads.dyad_years` returns them.

    Parameters
    ----------
    score : str
        One of :data:`SCORES`.
    mean, min_others, membership, entry, distance, standardise, types, start, end, window, before
        As in :class:`bayes_hr.data.igo_options.ConvergenceOptions`.
    accuracy, uncertainty, controls, region_share
        As there. COW flags 597 IGO-years of 1946-64 as filled in; regions are the World Bank's seven
        (:func:`bayes_hr.data.crosswalk.regions`).
    igos : sequence of str
        COW's IGO codes in capitals or as COW writes them; empty: all. See
        :func:`bayes_hr.data.igo.organisations`.

    Returns
    -------
    Panel

    Raises
    ------
    InputError
        If an option is wrong (names the nearest valid value), or no row is left.
    DataUnavailableError
        If a source cannot be read.
    """
    from bayes_hr.data.igo_dyads import dyad_years

    one_of("score", score, SCORES)
    options = ConvergenceOptions(
        mean=mean,
        min_others=min_others,
        membership=membership,  # type: ignore[arg-type] # any sequence: the options make tuples
        entry=entry,
        distance=distance,
        standardise=standardise,
        igos=_capitals(igos),
        types=types,  # type: ignore[arg-type]
        start=start,
        end=end,
        window=window,  # type: ignore[arg-type]
        before=before,
        accuracy=accuracy,
        uncertainty=uncertainty,
        controls=controls,
        region_share=region_share,
    )
    table, scores, births, outside = public_tables(score, options)
    frame, merge = dyad_years(table, scores, options, births=births)
    merge = merge.with_notes(outside, *igo.record_notes(frame))
    sources = convergence_sources(score=score, controls=options.controls)
    return Panel("convergence", frame, merge, sources, {**options.to_dict(), "score": score}).validate()


def convergence_sources(*, score: Any, controls: str = "none", **_: object) -> tuple[str, ...]:
    """Ids of the sources of a panel with these options of :func:`convergence_panel`; reads none of them.

    Raises
    ------
    InputError
        If there is no such score.
    """
    one_of("score", score, SCORES)
    regions = () if controls == "none" else ("codelist_panel",)
    return (score, igo.MEMBERSHIP_SOURCE, igo.ORGANISATION_SOURCE, "cowstates", "codelist", *regions)


def convergence_from_frames(
    memberships: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    score: str = "score",
    births: Mapping[str, int] | pd.Series | None = None,
    **options: Any,
) -> Panel:
    """A convergence panel from the user's own memberships and scores.

    Parameters
    ----------
    memberships : pandas.DataFrame
        One row per state, IGO and year in which both exist, *also* where the state is not a member: ``ccode``
        (COW number), ``igo``, ``year``, ``code`` (0 none, 1 full, 2 associate, 3 observer, -9 missing, -1 the
        IGO does not exist); optional ``igo_name`` and ``igo_type`` (political, social, economic,
        unclassified), one per IGO, and ``imputed`` (0 or 1).
    scores : pandas.DataFrame
        One row per state and year: ``ccode, year``, the score; optional its SD (``<score>_sd``),
        ``country`` and ``region``.
    score : str
        Name of the score's column.
    births : mapping of str to int, optional
        Birth year by IGO code; default: first year on record, and unknown if that is the table's first year.
    **options
        As in :class:`bayes_hr.data.igo_options.ConvergenceOptions`.

    Returns
    -------
    Panel

    Raises
    ------
    InputError
        If a table or an option is wrong, or no row is left.
    """
    from bayes_hr.data.igo_dyads import dyad_years

    valid = [field.name for field in fields(ConvergenceOptions)]
    for option in options:
        if option not in valid:
            raise InputError(f"unknown option {option!r}; {nearest(option, valid)}")
    table = own_scores(scores, score)
    chosen = ConvergenceOptions(**options)
    frame, merge = dyad_years(memberships, table, chosen, births=births)
    kept = {**chosen.to_dict(), "score": score, "origin": "user's own data"}
    return Panel("convergence", frame, merge, (), kept).validate()


def own_scores(scores: pd.DataFrame, score: str) -> pd.DataFrame:
    """A user's scores with the column `score` and its SD under the names that dyad-years need.

    Raises
    ------
    InputError
        If it is no table, or has no such column (names the nearest).
    """
    import pandas as pd

    if not isinstance(scores, pd.DataFrame):
        raise InputError(f"scores: a pandas DataFrame is needed; got {type(scores).__name__}")
    if score not in scores.columns:
        raise InputError(f"scores: missing column {score!r}; {nearest(score, map(str, scores.columns))}")
    names = {score: "score", f"{score}_sd": "score_sd"}
    others = [column for column in ("score", "score_sd") if column in scores.columns and column not in names]
    return scores.drop(columns=others).rename(columns=names)


def public_tables(
    score: str, options: ConvergenceOptions
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int], str]:
    """What the public sources give to :func:`bayes_hr.data.igo_dyads.dyad_years`.

    Parameters
    ----------
    score : str
        One of :data:`SCORES`.
    options : ConvergenceOptions
        Whether flags of filled-in records and regions are needed.

    Returns
    -------
    memberships, scores : pandas.DataFrame
    births : dict of str to int
    outside : str
        A remark on scores that are in no mean.

    Raises
    ------
    DataUnavailableError
        If a source cannot be read.
    """
    scores, outside = _scores(score)
    if options.controls != "none":
        scores = scores.assign(region=scores["ccode"].map(regions()))
    table = igo.memberships()
    if options.accuracy != "all":
        table = table.assign(imputed=igo.filled_in(table))
    return table, scores, igo.births(), outside


def _scores(score: str) -> tuple[pd.DataFrame, str]:
    """Scores of states in the system, with country names; a remark on the others."""
    table = read_source(score).rename(columns={score: "score", f"{score}_sd": "score_sd"})
    states = state_years(int(table["year"].min()), int(table["year"].max()))
    inside = table.merge(states, on=["ccode", "year"], how="inner", validate="1:1")
    note = (
        f"{score}: {len(table) - len(inside):,} of {len(table):,} scores are of country-years outside the "
        "state system; they are in no mean"
    )
    return inside.assign(country=inside["ccode"].map(country_names())), note


def _capitals(igos: object) -> Any:
    """IGO codes in capitals; what is no text is left for the options to refuse."""
    if isinstance(igos, str):
        return (igos.upper(),)
    if isinstance(igos, Sequence):
        return tuple(code.upper() if isinstance(code, str) else code for code in igos)
    return igos
