"""Country-years with the ratification of several treaties: our panel, and the check of a user's own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bayes_hr.data.country_year import ratification_panel, ratification_sources
from bayes_hr.data.merge import MergeReport, missing_notes
from bayes_hr.data.messages import listed
from bayes_hr.data.panel import Panel
from bayes_hr.data.regimes import BY_YEAR
from bayes_hr.data.treaties import get_treaty, treaty_conflicts, treaty_years
from bayes_hr.data.treatment import without_unknown
from bayes_hr.data.user_treaties import LEAST, PREFIX, SINGLE, with_years_since
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

CORE: Final = ("CERD", "ICCPR", "ICESCR", "CEDAW", "CAT", "CRC")
"""The six core treaties in the order in which they opened (1965 to 1990)."""


def treaties_panel(
    *,
    treaties: Sequence[str] = CORE,
    outcome: str = "hrps_v402",
    regime_source: str = "polity5",
    regime_rule: str = "before_treaty",
    regime_window: tuple[int, int] | None = None,
    democracy: float | None = None,
    autocracy: float | None = None,
    start: int | None = None,
    end: int | None = None,
    controls: Sequence[str] | None = None,
    lags: Mapping[str, int] | None = None,
    means: Sequence[str] = (),
) -> Panel:
    """Country-years with the ratification years of several treaties.

    Columns as :func:`bayes_hr.data.country_year.ratification_panel`, but in place of ``ratified``,
    ``ratification_year`` and ``years_since``, for each treaty ``ratification_year_<treaty>`` (missing: never)
    and ``years_since_<treaty>`` (negative before, missing if never).

    Rows in which it is unknown of *any* of the treaties whether the state had ratified are dropped and
    counted.

    Parameters
    ----------
    treaties : sequence of str
        Keys of :data:`bayes_hr.data.treaties.TREATIES`, two or more.
    regime_rule : str
        ``"before_treaty"``: history up to the year before the *first* of the treaties opened, so that no
        class depends on what came after any of them.  ``"window"`` and ``"whole_history"`` as for one
        treaty.  ``"before_ratification"`` is not offered: a country has as many ratifications as treaties.
    outcome, regime_source, regime_window, democracy, autocracy, start, end, controls, lags, means
        As in :func:`bayes_hr.data.country_year.ratification_panel`.

    Returns
    -------
    Panel

    Raises
    ------
    InputError
        If fewer than two treaties are named, one is named twice or unknown, or another option is wrong.
    DataUnavailableError
        If a source cannot be read.
    """
    names = _checked(treaties)
    if regime_rule == "before_ratification":
        raise InputError(
            "regime rule 'before_ratification' is not offered with several treaties: a country has one "
            "ratification for each. Use 'before_treaty' (before the first of them opened) or 'window'."
        )
    if regime_rule == BY_YEAR:
        raise InputError(
            f"regime rule {BY_YEAR!r} is not offered with several treaties, whose effects by class need "
            "classes that countries keep. Use 'before_treaty' (before the first of them opened) or 'window'."
        )
    first = min(names, key=lambda name: get_treaty(name).opened)
    one = ratification_panel(
        treaty=first,
        outcome=outcome,
        regime_source=regime_source,
        regime_rule=regime_rule,
        regime_window=regime_window,
        democracy=democracy,
        autocracy=autocracy,
        start=start,
        end=end,
        controls=controls,
        lags=lags,
        means=means,
    )
    frame, merge = _with_years(one, [name for name in names if name != first], first)
    options = {key: value for key, value in one.options.items() if key != "treaty"}
    options["treaties"] = list(names)
    frame = with_years_since(_ordered(frame, names), names)
    sources = treaties_sources(**options)
    return Panel("treaties", frame, merge, sources, options).validate()


def treaties_sources(*, treaties: Any, **options: Any) -> tuple[str, ...]:
    """Ids of the sources of a panel with these options of :func:`treaties_panel`; reads none of them.

    Raises
    ------
    InputError
        As :func:`treaties_panel`.
    """
    found = [s for name in _checked(treaties) for s in ratification_sources(treaty=name, **options)]
    return tuple(dict.fromkeys(found))


def _checked(treaties: Sequence[str]) -> tuple[str, ...]:
    """The names of two or more treaties, each once."""
    if isinstance(treaties, str) or len(treaties) < LEAST:
        raise InputError(
            f"treaties: {treaties!r} must name two treaties or more; for one take "
            "load_panel('ratification', treaty=...)."
        )
    for name in treaties:
        get_treaty(name)
    twice = sorted({name for name in treaties if list(treaties).count(name) > 1})
    if twice:
        raise InputError(f"treaties: {listed(twice)} named twice; name each treaty once.")
    return tuple(treaties)


def _with_years(one: Panel, others: Sequence[str], first: str) -> tuple[pd.DataFrame, MergeReport]:
    """The rows of a panel of one treaty with the years of the others, less those where one is unknown."""
    frame = one.frame.rename(columns={"ratification_year": f"{PREFIX}{first}"})
    frame = frame.drop(columns=[name for name in SINGLE if name in frame.columns])
    merge = one.merge
    for name in others:
        dates = treaty_years(name)
        frame, steps = without_unknown(frame, dates, name)
        years = dates[["ccode", "ratification_year"]].rename(columns={"ratification_year": f"{PREFIX}{name}"})
        frame = frame.merge(years, on="ccode", how="left", validate="m:1")
        unlisted = sorted(set(frame["ccode"]) - set(dates["ccode"]))
        names = frame.drop_duplicates("ccode").set_index("ccode")["country"].loc[unlisted]
        differ = treaty_conflicts(name)["ccode"].isin(set(frame["ccode"])).sum()
        notes = (
            f"{name}: states that no source lists, taken as never ratified: {listed(names, 15) or 'none'}",
            f"{name}: {differ} countries on which the sources differ; "
            f"bayes_hr.data.treaties.treaty_conflicts({name!r}) has each, and the rule",
        )
        merge = merge.extend(frame, *steps, notes=notes)
    missing = [note for note in missing_notes(frame, one.covariates) if note not in merge.notes]
    return frame, merge.with_notes(*missing)


def _ordered(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Keys, outcome and the years in the card's order before the rest."""
    years = [f"{PREFIX}{name}" for name in names]
    at = list(frame.columns).index("regime")
    before = [c for c in frame.columns[:at] if c not in years]
    after = [c for c in frame.columns[at:] if c not in years]
    return frame[[*before, *years, *after]]


def treaties_of(panel: Panel) -> tuple[str, ...]:
    """Names of a panel's treaties, by its columns.

    Raises
    ------
    InputError
        If the panel is of another kind.
    """
    if panel.name != "treaties":
        raise InputError(
            f"a panel of several treaties is needed, not one of kind {panel.name!r}. Use "
            "load_panel('treaties') or Panel.from_frame(..., name='treaties')."
        )
    return tuple(c.removeprefix(PREFIX) for c in panel.frame.columns if c.startswith(PREFIX))
