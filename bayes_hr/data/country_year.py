"""The country-year panel of Model R: scores, ratification, regime class and controls."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bayes_hr.data.controls import CONTROLS, Control, polity2
from bayes_hr.data.crosswalk import country_names, state_years
from bayes_hr.data.merge import DropStep, MergeReport, drop_rows, missing_notes
from bayes_hr.data.merge_parts import Duplicate, SourceMatch
from bayes_hr.data.messages import listed, nearest
from bayes_hr.data.panel import Panel
from bayes_hr.data.parsed import read_source
from bayes_hr.data.regimes import FIRST_YEAR, REGIMES, check_regime_options, classify
from bayes_hr.data.treaties import get_treaty, treaty_conflicts, treaty_years
from bayes_hr.data.treatment import with_treatment, without_unknown
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES: Final = {"hrps_v402": "hrps_v402", "cirights_torture": "cirights"}
"""Outcomes on offer, each a column of its source, and the id of that source. Higher is better protection."""

CZECHOSLOVAKIA: Final = 315
"""COW number of Czechoslovakia (to 1992)."""

SERBIA: Final = 345
"""COW number of Yugoslavia, Serbia and Montenegro, and Serbia."""

REGIME_SOURCES: Final = ("polity5",)
"""Sources of regime scores on offer."""

_COLUMNS: Final = ("ccode", "year", "country", "ratified", "ratification_year", "years_since", "regime")


@dataclass(frozen=True)
class RegimeOptions:
    """How regime classes are made; see :func:`bayes_hr.data.regimes.classify`."""

    rule: str
    window: tuple[int, int] | None
    democracy: float
    autocracy: float


def ratification_panel(
    *,
    treaty: str = "CAT",
    outcome: str = "hrps_v402",
    regime_source: str = "polity5",
    regime_rule: str = "before_treaty",
    regime_window: tuple[int, int] | None = None,
    democracy: float = 8,
    autocracy: float = 3,
    start: int | None = None,
    end: int | None = None,
) -> Panel:
    """Country-years of the COW state system that have a score.

    Columns: ``ccode`` (COW number), ``year``, ``country``, the outcome (``hrps_v402``: posterior mean of the
    latent score, 1946-2021, with its ``hrps_v402_sd``; ``cirights_torture``: 0, 1 or 2, 1981-2020; higher is
    better), ``ratified`` (1 from the year of ratification on),
    ``ratification_year`` (missing: never), ``years_since`` (negative before), ``regime``, and the controls
    ``log_gdppc`` (natural log of thousand international dollars per head), ``log_population`` (natural log
    of thousands), ``conflict`` (1 if the government fought an intrastate conflict in the year), ``polity2``
    (-10 to 10). Rows whose controls are missing are kept.

    Parameters
    ----------
    treaty : str
        Key of :data:`bayes_hr.data.treaties.TREATIES`. Rows in which it is unknown whether the state had
        ratified are dropped and counted (:func:`bayes_hr.data.treaties.treaty_years`).
    outcome : str
        One of :data:`OUTCOMES`.
    regime_source : str
        One of :data:`REGIME_SOURCES`.
    regime_rule, regime_window, democracy, autocracy
        As in :func:`bayes_hr.data.regimes.classify`.
    start, end : int, optional
        First and last year; default: all.

    Returns
    -------
    Panel

    Raises
    ------
    InputError
        If an option is wrong, or no row is left.
    DataUnavailableError
        If a source cannot be read.
    """
    options: dict[str, object] = {
        "outcome": outcome,
        "treaty": treaty,
        "regime_source": regime_source,
        "regime_rule": regime_rule,
        "regime_window": None if regime_window is None else list(regime_window),
        "democracy": democracy,
        "autocracy": autocracy,
        "start": start,
        "end": end,
    }
    regime = RegimeOptions(regime_rule, regime_window, democracy, autocracy)
    _check_options(treaty, outcome, regime_source, regime, (start, end))
    frame, rows_in, steps, notes, scored = _scored_states(outcome, start, end)
    dates = treaty_years(treaty)
    frame, unknown = without_unknown(frame, dates, treaty)
    steps += unknown
    frame, treaty_notes = _add_treaty(frame, dates, treaty)
    frame, regime_notes = _add_regime(frame, polity2(), dates, treaty, regime)
    notes += treaty_notes + regime_notes
    matches = [scored, *_treaty_matches(frame, dates)]
    for control in CONTROLS:
        frame, match = _add_control(frame, control)
        matches.append(match)
    controls = [control.name for control in CONTROLS]
    own = [outcome, *(c for c in (f"{outcome}_sd",) if c in frame.columns)]
    frame = frame[[*_COLUMNS[:3], *own, *_COLUMNS[3:], *controls]]
    frame = frame.sort_values(["ccode", "year"]).reset_index(drop=True)
    merge = MergeReport.of(rows_in, frame, steps, [*notes, *missing_notes(frame, controls)])
    merge = replace(merge, matches=tuple(matches), duplicates=_treaty_duplicates(frame, treaty))
    merge = merge.with_missing(frame, [*own[1:], *controls])
    return Panel("ratification", frame, merge, _sources(outcome, treaty, regime_source), options).validate()


def _sources(outcome: str, treaty: str, regime_source: str) -> tuple[str, ...]:
    codes = ("cowstates", "codelist")
    used = (
        OUTCOMES[outcome],
        *get_treaty(treaty).sources,
        regime_source,
        *(c.source for c in CONTROLS),
        *codes,
    )
    return tuple(dict.fromkeys(used))


def _check_options(
    treaty: str,
    outcome: str,
    regime_source: str,
    regime: RegimeOptions,
    years: tuple[int | None, int | None],
) -> None:
    get_treaty(treaty)
    if outcome not in OUTCOMES:
        raise InputError(f"unknown outcome {outcome!r}; {nearest(str(outcome), OUTCOMES)}")
    if regime_source not in REGIME_SOURCES:
        raise InputError(
            f"unknown regime source {regime_source!r}; {nearest(str(regime_source), REGIME_SOURCES)}"
        )
    check_regime_options(regime.rule, regime.window, regime.democracy, regime.autocracy)
    start, end = years
    if start is not None and end is not None and start > end:
        raise InputError(f"start ({start}) is after end ({end})")


def _scored_states(
    outcome: str, start: int | None, end: int | None
) -> tuple[pd.DataFrame, int, list[DropStep], list[str], SourceMatch]:
    """Scores of states in the system within the years asked for; rows read, steps, notes and match."""
    scores = read_source(OUTCOMES[outcome])
    scores = scores.assign(country=scores["ccode"].map(country_names()))
    first, last = int(scores["year"].min()), int(scores["year"].max())
    states = state_years(first, last)
    frame = scores.merge(states, on=["ccode", "year"], how="left", validate="1:1", indicator=True)
    start, end = first if start is None else start, last if end is None else end
    steps: list[DropStep] = []
    for reason, test in (
        ("not in the COW state system in that year", lambda rows: rows["_merge"] == "left_only"),
        (f"{outcome} missing", lambda rows: rows[outcome].isna()),
        (f"outside the years {start}-{end}", lambda rows: ~rows["year"].between(start, end)),
    ):
        mask = test(frame)
        if mask.any():
            frame, step = drop_rows(frame, mask, reason)
            steps.append(step)
    if frame.empty:
        raise InputError(f"ratification panel: no row in {start}-{end}; {outcome} covers {first}-{last}")
    match = SourceMatch.of(OUTCOMES[outcome], outcome, scores, states, country_names())
    return frame.drop(columns="_merge"), len(scores), steps, _score_notes(scores, states, outcome), match


def _score_notes(scores: pd.DataFrame, states: pd.DataFrame, outcome: str) -> list[str]:
    names = country_names()
    both = states.merge(scores, on=["ccode", "year"], how="left", validate="1:1", indicator=True)
    unscored = both[both["_merge"] == "left_only"].groupby("ccode")["year"]
    gaps = [f"{names.loc[ccode]} {years.min()}-{years.max()}: {len(years)}" for ccode, years in unscored]
    return [
        f"{outcome}: {_recoded(scores, outcome)}",
        f"{outcome}: states of the system without a score: {listed(gaps, 10) or 'none'}",
    ]


def _recoded(scores: pd.DataFrame, outcome: str) -> str:
    """What the reader of a source has put under another COW number."""
    if outcome == "cirights_torture":
        serbia = int(((scores["ccode"] == SERBIA) & (scores["year"] >= 2006)).sum())
        return f"{serbia} country-years of Serbia from 2006 on, which the file keeps under 342, are 345 here"
    recoded = int((scores["ccode"] == CZECHOSLOVAKIA).sum())
    return f"{recoded} country-years of Czechoslovakia, which the file keeps under 316, are 315 here"


def _add_treaty(frame: pd.DataFrame, dates: pd.DataFrame, treaty: str) -> tuple[pd.DataFrame, list[str]]:
    years = dates[["ccode", "ratification_year"]]
    merged = frame.merge(years, on="ccode", how="left", validate="m:1")
    names = country_names()
    unlisted = [names.loc[ccode] for ccode in sorted(set(frame["ccode"]) - set(dates["ccode"]))]
    used = dates[dates["ccode"].isin(set(frame["ccode"])) & dates["ratification_year"].notna()]
    by_source = [f"{source}: {n}" for source, n in used.groupby("source").size().items()]
    notes = [
        f"{treaty}: ratification years by source: {listed(by_source, 9)}",
        f"{treaty}: states that no source lists, taken as never ratified: {listed(unlisted, 15) or 'none'}",
    ]
    return with_treatment(merged), notes


def _add_regime(
    frame: pd.DataFrame, scores: pd.DataFrame, dates: pd.DataFrame, treaty: str, options: RegimeOptions
) -> tuple[pd.DataFrame, list[str]]:
    classes = classify(
        scores,
        rule=options.rule,
        treaty_opened=get_treaty(treaty).opened,
        ratification_years=dict(zip(dates["ccode"], dates["ratification_year"], strict=True)),
        window=options.window,
        democracy=options.democracy,
        autocracy=options.autocracy,
    )
    merged = frame.merge(classes[["ccode", "regime"]], on="ccode", how="left", validate="m:1")
    merged["regime"] = merged["regime"].fillna("no score")
    per_country = merged.groupby("ccode")["regime"].first()
    counts = per_country.value_counts()
    unscored = per_country.index[per_country == "no score"]
    late = scores[scores["polity2"].notna() & scores["ccode"].isin(unscored) & (scores["year"] >= FIRST_YEAR)]
    window = f"{classes['window_start'].min()}-{classes['window_end'].max()}"
    notes = [
        f"regime ({options.rule}, {window}): countries by class: "
        + listed((f"{name}: {counts.get(name, 0)}" for name in REGIMES), 9),
        f"regime: {late['ccode'].nunique()} of the {len(unscored)} countries without a score in the window "
        "have scores outside it (mostly states born later; they do not inherit a predecessor's class)",
    ]
    return merged, notes


def _treaty_matches(frame: pd.DataFrame, dates: pd.DataFrame) -> list[SourceMatch]:
    """States with a date that are in the panel, and those that are not, by source of the date."""
    dated = dates[dates["ratification_year"].notna()]
    return [
        SourceMatch.of(str(source), "ratification_year", states[["ccode"]], frame, country_names())
        for source, states in dated.groupby("source")
    ]


def _treaty_duplicates(frame: pd.DataFrame, treaty: str) -> tuple[Duplicate, ...]:
    """Countries of the panel on which the sources of a treaty's dates differ."""
    found = treaty_conflicts(treaty).astype({"rule": "str"})
    sources = get_treaty(treaty).sources
    out = []
    for row in found[found["ccode"].isin(set(frame["ccode"]))].itertuples():
        years = zip(sources, (row.exact_year, row.status_year), strict=True)
        given = [f"{year:.0f} ({source})" for source, year in years if not math.isnan(year)]
        kept = "no year kept" if math.isnan(row.kept_year) else f"{row.kept_year:.0f} kept"
        out.append(Duplicate(treaty, int(row.ccode), row.country, kept, " and ".join(given), row.rule))
    return tuple(out)


def _add_control(frame: pd.DataFrame, control: Control) -> tuple[pd.DataFrame, SourceMatch]:
    values, covers = control.values()
    merged = frame.merge(values, on=["ccode", "year"], how="left", validate="1:1")
    if control.absent is not None:
        within = merged["year"].between(*covers) & merged[control.name].isna()
        merged[control.name] = merged[control.name].mask(within, control.absent)
    return merged, SourceMatch.of(control.source, control.name, values, frame, country_names())
