"""The country-year panel of Model R: scores, ratification, regime class and controls."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from bayes_hr.data.controls import Control, Wanted
from bayes_hr.data.crosswalk import country_names, state_years
from bayes_hr.data.merge import DropStep, MergeReport, drop_rows, missing_notes
from bayes_hr.data.merge_parts import Duplicate, SourceMatch
from bayes_hr.data.messages import listed
from bayes_hr.data.outcome_notes import score_notes
from bayes_hr.data.outcomes import OUTCOMES, Outcome, get_outcome
from bayes_hr.data.panel import Panel
from bayes_hr.data.parsed import read_source
from bayes_hr.data.regime_sources import RegimeSource, get_regime_source
from bayes_hr.data.regimes import (
    BY_YEAR,
    FIRST_YEAR,
    NO_SCORE,
    REGIMES,
    TRAILING,
    check_regime_options,
    classify,
    classify_by_year,
)
from bayes_hr.data.treaties import get_treaty, treaty_conflicts, treaty_years
from bayes_hr.data.treatment import with_treatment, without_unknown
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

_COLUMNS: Final = ("ccode", "year", "country", "ratified", "ratification_year", "years_since", "regime")


@dataclass(frozen=True)
class RegimeOptions:
    """How regime classes are made; see :func:`bayes_hr.data.regimes.classify`."""

    source: RegimeSource
    rule: str
    window: tuple[int, int] | None
    democracy: float
    autocracy: float
    trailing: int

    def recorded(self) -> dict[str, object]:
        """What a panel says of them, beside the source."""
        return {
            "regime_rule": self.rule,
            "regime_window": None if self.window is None else list(self.window),
            **({"regime_trailing": self.trailing} if self.rule == BY_YEAR else {}),
            "democracy": self.democracy,
            "autocracy": self.autocracy,
        }


def ratification_panel(
    *,
    treaty: str = "CAT",
    outcome: str = "hrps_v402",
    regime_source: str = "polity5",
    regime_rule: str = "before_treaty",
    regime_window: tuple[int, int] | None = None,
    regime_trailing: int = TRAILING,
    democracy: float | None = None,
    autocracy: float | None = None,
    start: int | None = None,
    end: int | None = None,
    controls: Sequence[str] | None = None,
    lags: Mapping[str, int] | None = None,
    means: Sequence[str] = (),
) -> Panel:
    """Country-years of the COW state system that have a score.

    Columns: ``ccode`` (COW number), ``year``, ``country``, the outcome (higher is better; units and years in
    :data:`bayes_hr.data.outcomes.OUTCOMES`; with ``<outcome>_sd`` if the source has one, and with
    ``<outcome>_original`` if its own numbers are reversed here), ``ratified`` (1 from the year of
    ratification on),
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
        A key of :data:`bayes_hr.data.outcomes.OUTCOMES`.
    regime_source : str
        Key of :data:`bayes_hr.data.regime_sources.REGIME_SOURCES`: ``"polity5"`` (polity2, -10 to 10),
        ``"row"`` (Regimes of the World, 0 to 3), ``"polyarchy"`` (V-Dem, 0 to 1) or ``"bmr"`` (0 or 1).
        The control ``polity2`` is Polity's whatever the source of classes.
    regime_rule, regime_window
        As in :func:`bayes_hr.data.regimes.classify`; or ``"time_varying"``: a class for each year, from the
        `regime_trailing` years before it (:func:`bayes_hr.data.regimes.classify_by_year`).
    regime_trailing : int
        Length of that window.
    democracy, autocracy : float, optional
        Cut-offs on the scale of the source; default: the source's own (polity5: 8 and 3).
    start, end : int, optional
        First and last year; default: all.
    controls : sequence of str, optional
        Names in :data:`bayes_hr.data.controls.KNOWN`; default: the four above.
    lags, means
        Lagged controls and country means, as in :class:`bayes_hr.data.controls.Wanted`.

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
    _check_options(treaty, outcome, (start, end))
    wanted = Wanted.of(controls, lags, means)
    cut_offs = democracy, autocracy
    regime = _regime_options(regime_source, regime_rule, regime_window, cut_offs, regime_trailing)
    options: dict[str, object] = {
        "outcome": outcome,
        "treaty": treaty,
        "regime_source": regime_source,
        **regime.recorded(),
        "start": start,
        "end": end,
        **wanted.options(),
    }
    frame, rows_in, steps, notes, scored = _scored_states(OUTCOMES[outcome], start, end)
    dates = treaty_years(treaty)
    frame, unknown = without_unknown(frame, dates, treaty)
    steps += unknown
    frame, treaty_notes = _add_treaty(frame, dates, treaty)
    frame, regime_notes = _add_regime(frame, dates, treaty, regime)
    notes += treaty_notes + regime_notes
    matches = [scored, *_treaty_matches(frame, dates)]
    for control in wanted.controls:
        frame, match = _add_control(frame, control, wanted.lags.get(control.name))
        matches.append(match)
    for name in wanted.means:
        frame[f"{name}_mean"] = frame.groupby("ccode")[name].transform("mean")
    own = [column for column in OUTCOMES[outcome].columns if column in frame.columns]
    frame = frame[[*_COLUMNS[:3], *own, *_COLUMNS[3:], *wanted.columns]]
    frame = frame.sort_values(["ccode", "year"]).reset_index(drop=True)
    merge = MergeReport.of(rows_in, frame, steps, [*notes, *missing_notes(frame, wanted.columns)])
    twice = [found for control in wanted.controls if control.twice for found in control.twice(frame)]
    merge = replace(merge, matches=tuple(matches), duplicates=(*_treaty_duplicates(frame, treaty), *twice))
    merge = merge.with_missing(frame, [*own[1:], *wanted.columns])
    return Panel("ratification", frame, merge, ratification_sources(**options), options).validate()


def ratification_sources(
    *,
    outcome: Any,
    treaty: Any,
    regime_source: Any,
    controls: Any = None,
    **_: object,
) -> tuple[str, ...]:
    """Ids of the sources of a panel with these options of :func:`ratification_panel`; reads none of them.

    Raises
    ------
    InputError
        If there is no such outcome, treaty, regime source or control.
    """
    used = (
        get_outcome(outcome).source,
        *get_treaty(treaty).sources,
        *get_regime_source(regime_source).sources,
        *(c.source for c in Wanted.of(controls, None, ()).controls),
        *("cowstates", "codelist"),
    )
    return tuple(dict.fromkeys(used))


def _regime_options(
    source_id: str,
    rule: str,
    window: tuple[int, int] | None,
    cut_offs: tuple[float | None, float | None],
    trailing: int,
) -> RegimeOptions:
    """The options with the source's own cut-offs where none are given, checked."""
    source = get_regime_source(source_id)
    democracy, autocracy = source.cut_offs(*cut_offs)
    check_regime_options(rule, window, democracy, autocracy, source.scale)
    if trailing != TRAILING and rule != BY_YEAR:
        raise InputError(f"regime_trailing goes with regime_rule {BY_YEAR!r}, and only with it")
    return RegimeOptions(source, rule, window, democracy, autocracy, trailing)


def _check_options(treaty: str, outcome: str, years: tuple[int | None, int | None]) -> None:
    get_treaty(treaty)
    get_outcome(outcome)
    start, end = years
    if start is not None and end is not None and start > end:
        raise InputError(f"start ({start}) is after end ({end})")


def _scored_states(
    outcome: Outcome, start: int | None, end: int | None
) -> tuple[pd.DataFrame, int, list[DropStep], list[str], SourceMatch]:
    """Scores of states in the system within the years asked for; rows read, steps, notes and match."""
    scores = read_source(outcome.source)
    own = [c for c in (*outcome.columns, *outcome.note_columns) if c in scores.columns]
    scores = scores[["ccode", "year", *own]].assign(country=scores["ccode"].map(country_names()))
    first, last = int(scores["year"].min()), int(scores["year"].max())
    states = state_years(first, last)
    frame = scores.merge(states, on=["ccode", "year"], how="left", validate="1:1", indicator=True)
    start, end = first if start is None else start, last if end is None else end
    steps: list[DropStep] = []
    for reason, test in (
        ("not in the COW state system in that year", lambda rows: rows["_merge"] == "left_only"),
        (f"{outcome.name} missing", lambda rows: rows[outcome.name].isna()),
        (f"outside the years {start}-{end}", lambda rows: ~rows["year"].between(start, end)),
    ):
        mask = test(frame)
        if mask.any():
            frame, step = drop_rows(frame, mask, reason)
            steps.append(step)
    if frame.empty:
        raise InputError(f"ratification panel: no row in {start}-{end}; {outcome.name} covers {first}-{last}")
    match = SourceMatch.of(outcome.source, outcome.name, scores, states, country_names())
    notes = score_notes(scores, states, outcome.name)
    return frame.drop(columns="_merge"), len(scores), steps, notes, match


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
    frame: pd.DataFrame, dates: pd.DataFrame, treaty: str, options: RegimeOptions
) -> tuple[pd.DataFrame, list[str]]:
    source = options.source
    scores = source.read()
    if options.rule == BY_YEAR:
        return _add_regime_by_year(frame, scores, options)
    classes = classify(
        scores,
        rule=options.rule,
        treaty_opened=get_treaty(treaty).opened,
        ratification_years=dict(zip(dates["ccode"], dates["ratification_year"], strict=True)),
        window=options.window,
        democracy=options.democracy,
        autocracy=options.autocracy,
        column=source.column,
        scale=source.scale,
    )
    merged = frame.merge(classes[["ccode", "regime"]], on="ccode", how="left", validate="m:1")
    merged["regime"] = merged["regime"].fillna(NO_SCORE)
    per_country = merged.groupby("ccode")["regime"].first()
    counts = per_country.value_counts()
    unscored = per_country.index[per_country == NO_SCORE]
    late = scores[
        scores[source.column].notna() & scores["ccode"].isin(unscored) & (scores["year"] >= FIRST_YEAR)
    ]
    window = f"{classes['window_start'].min()}-{classes['window_end'].max()}"
    notes = [
        f"regime: {source.label}, rule {options.rule}, {window}; stable democracy if never below "
        f"{options.democracy}, stable autocracy if never above {options.autocracy}",
        f"regime ({options.rule}, {window}): countries by class: "
        + listed((f"{name}: {counts.get(name, 0)}" for name in REGIMES), 9),
        f"regime: {late['ccode'].nunique()} of the {len(unscored)} countries without a score in the window "
        "have scores outside it (mostly states born later; they do not inherit a predecessor's class)",
    ]
    return merged, notes


def _add_regime_by_year(
    frame: pd.DataFrame, scores: pd.DataFrame, options: RegimeOptions
) -> tuple[pd.DataFrame, list[str]]:
    """The class of each country in each year, from the years just before."""
    source = options.source
    classes = classify_by_year(
        scores,
        years=options.trailing,
        democracy=options.democracy,
        autocracy=options.autocracy,
        column=source.column,
        scale=source.scale,
    )
    keys = ["ccode", "year"]
    merged = frame.merge(classes[[*keys, "regime"]], on=keys, how="left", validate="1:1")
    late = merged["year"] > classes["year"].max()
    merged["regime"] = merged["regime"].fillna(NO_SCORE)
    counts = merged["regime"].value_counts()
    classes_of = merged.groupby("ccode")["regime"].nunique()
    notes = [
        f"regime: {source.label}, the {options.trailing} years before each year; stable democracy if never "
        f"below {options.democracy} in them, stable autocracy if never above {options.autocracy}",
        f"regime ({options.rule}): country-years by class: "
        + listed((f"{name}: {counts.get(name, 0)}" for name in REGIMES), 9)
        + f"; {(classes_of > 1).sum()} of {len(classes_of)} countries change class",
        f"regime: scores end in {classes['year'].max() - 1}; {int(late.sum())} later rows have no score",
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


def _add_control(frame: pd.DataFrame, control: Control, lag: int | None) -> tuple[pd.DataFrame, SourceMatch]:
    values, covers = control.values()
    first, last = int(frame["year"].min()) - (lag or 0), int(frame["year"].max())
    there = state_years(first, last).assign(there=True)
    merged = frame
    for years in (0,) if lag is None else (0, lag):
        name = f"{control.name}_lag{years}" if years else control.name
        past = values.assign(year=values["year"] + years).rename(columns={control.name: name})
        merged = merged.merge(past, on=["ccode", "year"], how="left", validate="1:1")
        if control.absent is not None:
            then = merged[["ccode", "year"]].assign(year=merged["year"] - years)
            listed_then = then.merge(there, on=["ccode", "year"], how="left")["there"].notna()
            within = then["year"].between(*covers) & listed_then & merged[name].isna()
            merged[name] = merged[name].mask(within, control.absent)
    return merged, SourceMatch.of(control.source, control.name, values, frame, country_names())
