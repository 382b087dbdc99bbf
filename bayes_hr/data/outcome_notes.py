"""What a merge report says of an outcome: numbers changed, scales turned, scores missing and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.data.crosswalk import country_names
from bayes_hr.data.messages import listed
from bayes_hr.data.outcomes import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

CZECHOSLOVAKIA: Final = 315
"""COW number of Czechoslovakia (to 1992)."""

SERBIA: Final = 345
"""COW number of Yugoslavia, Serbia and Montenegro, and Serbia."""

RUSSIA: Final = 365
"""COW number of the Soviet Union and Russia."""


def score_notes(scores: pd.DataFrame, states: pd.DataFrame, outcome: str) -> list[str]:
    """Remarks on the scores of one outcome.

    Parameters
    ----------
    scores : pandas.DataFrame
        The outcome's source: ``ccode, year``, the outcome, and perhaps its ``_code`` and ``_rows``.
    states : pandas.DataFrame
        ``ccode, year`` of the state system.
    outcome : str
        Key of :data:`bayes_hr.data.outcomes.OUTCOMES`.

    Returns
    -------
    list of str
    """
    names = country_names()
    both = states.merge(scores, on=["ccode", "year"], how="left", validate="1:1", indicator=True)
    unscored = both[both["_merge"] == "left_only"].groupby("ccode")["year"]
    gaps = [f"{names.loc[ccode]} {years.min()}-{years.max()}: {len(years)}" for ccode, years in unscored]
    blank = both[(both["_merge"] == "both") & both[outcome].isna()]
    notes = [_recoded(scores, outcome), *_turned(outcome), *_missing(blank, outcome)]
    notes.append(f"states of the system without a score: {listed(gaps, 10) or 'none'}")
    return [f"{outcome}: {note}" for note in notes]


def _recoded(scores: pd.DataFrame, outcome: str) -> str:
    """What the reader of a source has put under another COW number."""
    source = OUTCOMES[outcome].source
    if source == "cirights":
        serbia = int(((scores["ccode"] == SERBIA) & (scores["year"] >= 2006)).sum())
        return f"{serbia} country-years of Serbia from 2006 on, which the file keeps under 342, are 345 here"
    if source == "pts":
        return _terror_rows(scores, outcome)
    if source in {"hrps_v402", "hrps_v301"}:
        recoded = int((scores["ccode"] == CZECHOSLOVAKIA).sum())
        return f"{recoded} country-years of Czechoslovakia, which the file keeps under 316, are 315 here"
    return "the file has COW numbers, and none is changed"


def _terror_rows(scores: pd.DataFrame, outcome: str) -> str:
    rated = scores[scores[outcome].notna()]
    soviet = int(((rated["ccode"] == RUSSIA) & (rated["year"] < 1992)).sum())
    serbia = int(((rated["ccode"] == SERBIA) & (rated["year"] > 2006)).sum())
    twice = rated[rated[f"{outcome}_rows"] > 1]
    years = [f"{country_names().loc[c]} {y}" for c, y in zip(twice["ccode"], twice["year"], strict=True)]
    return (
        f"{soviet} country-years of the Soviet Union and {serbia} of Serbia from 2007 on, which the file "
        f"gives no COW number, are 365 and 345 here; {len(twice)} country-years are rated in two rows, of "
        f"which that of the state that goes on is kept: {listed(years, 9) or 'none'}"
    )


def _turned(outcome: str) -> list[str]:
    known = OUTCOMES[outcome]
    if not known.reversed:
        return []
    return [
        f"six minus {known.column} of the file, where higher is worse; that is kept in {outcome}_original"
    ]


def _missing(blank: pd.DataFrame, outcome: str) -> list[str]:
    """Rows of states of the system that are in the file without a score, by special code."""
    if blank.empty:
        return []
    known = OUTCOMES[outcome].codes
    column = f"{outcome}_code"
    counts = blank[column].value_counts().sort_index() if column in blank.columns else {}
    reasons = [f"{code:.0f} ({known[int(code)]}): {n}" for code, n in counts.items()]
    reasons += [f"blank: {n}" for n in (len(blank) - sum(counts),) if n]
    return [f"in the file without a score, by its code: {listed(reasons, 9)}"]
