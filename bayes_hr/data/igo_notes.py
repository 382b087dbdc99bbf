"""What the merge report of dyad-years says beside its counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.data.igo_options import SD_COLUMNS, ConvergenceOptions
from bayes_hr.data.igo_spells import PHASES
from bayes_hr.data.merge import missing_notes
from bayes_hr.data.messages import listed

if TYPE_CHECKING:
    import pandas as pd

SPIKE: Final = 2.0
"""A year's entries are a spike if they are that many times the mean of the two years on either side."""

LEAST_SPIKE: Final = 20
"""Fewest entries of a year that is called a spike."""


@dataclass(frozen=True)
class Facts:
    """What the rows themselves no longer tell.

    Attributes
    ----------
    years : tuple of int
        Covered years.
    death : dict of str to int
        Last year on record of each IGO.
    nonexistent : int
        Rows with code -1.
    unsure_entry, unsure_exit : int
        Dyads whose entry or exit is next to a missing code.
    unscored : list of str
        States with records and without any score.
    member_rows, missing, filled : int
        Records of ever-members in the covered years; those with a missing code; those of them that count as
        membership.
    """

    years: tuple[int, int]
    death: dict[str, int]
    nonexistent: int
    unsure_entry: int
    unsure_exit: int
    unscored: list[str]
    member_rows: int
    missing: int
    filled: int


def mechanical_jump(frame: pd.DataFrame, mean: str) -> tuple[float, float, int]:
    """How much of its distance a state that never moves would lose at entry to an inclusive mean.

    With n others d_inclusive = n / (n + 1) d_leave_one_out, so counting the state in its own mean takes
    1 / (n + 1) of the distance at the moment of entry, whatever the state does.

    Parameters
    ----------
    frame : pandas.DataFrame
        Dyad-years.
    mean : str
        Which mean they have: ``"inclusive"``, ``"leave_one_out"`` or ``"frozen"``.

    Returns
    -------
    share : float
        Mean of 1 / (n + 1) over the entry years of dyads with a row before entry.
    size : float
        Mean of the leave-one-out distance times 1 / (n + 1) over the same rows, on the score's scale.
    entries : int
        How many such rows there are; without any, `share` and `size` are NaN.
    """
    key = dyad_key(frame)
    before = np.isin(key, np.unique(key[(frame["phase"] == "before").to_numpy()]))
    at = before & (frame["phase"] == "during").to_numpy() & (frame["year"] == frame["entry"]).to_numpy()
    n = frame["n_others"].to_numpy()[at]
    if not n.size:
        return float("nan"), float("nan"), 0
    distance = frame["distance"].to_numpy()[at]
    alone = distance * (n + 1) / n if mean == "inclusive" else distance
    return float((1 / (n + 1)).mean()), float((alone / (n + 1)).mean()), int(n.size)


def dyad_key(frame: pd.DataFrame) -> np.ndarray:
    """A whole number per dyad, the same in all its rows; shape (n_rows,)."""
    import pandas as pd

    igo = pd.factorize(frame["igo"])[0].astype(np.int64)
    return frame["ccode"].to_numpy() * (igo.max(initial=0) + 1) + igo


def notes(frame: pd.DataFrame, options: ConvergenceOptions, facts: Facts) -> list[str]:
    """Remarks on dyad-years for the merge report.

    Parameters
    ----------
    frame : pandas.DataFrame
        Dyad-years, at least one.
    options : ConvergenceOptions
        How they were made.
    facts : Facts
        What the rows no longer tell.

    Returns
    -------
    list of str
    """
    dyads = _dyads(frame)
    said = [
        _sizes(frame, dyads),
        _without_before(dyads, facts),
        _entries(dyads),
        _missing(facts),
        _exits(dyads),
        _jump(frame, options),
        _deaths(dyads, facts),
    ]
    said += missing_notes(frame, [c for c in ("score_sd", *SD_COLUMNS) if c in frame.columns])
    if facts.unscored:
        said.append(f"states with memberships and without any score: {listed(facts.unscored, 10)}")
    if facts.nonexistent:
        said.append(f"{facts.nonexistent:,} records say that the IGO does not exist (-1); they are not rows")
    return said


def _dyads(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per dyad: keys, first and last entry, last year, rows by phase, flags."""
    key = dyad_key(frame)
    phase = frame["phase"].to_numpy()
    table = frame[["ccode", "igo", "igo_type", "founder", "left_censored", "exits"]].copy()
    table["key"] = key
    table = table.drop_duplicates("key").set_index("key")
    place = table.index.get_indexer(key)
    for name in PHASES:
        table[name] = np.bincount(place[phase == name], minlength=len(table))
    grouped = frame[["entry", "last", "year"]].groupby(key, sort=False)
    table["entry"] = grouped["entry"].min().reindex(table.index)
    table["last"] = grouped["last"].max().reindex(table.index)
    table["first_year"] = grouped["year"].min().reindex(table.index)
    return table


def _sizes(frame: pd.DataFrame, dyads: pd.DataFrame) -> str:
    phases = listed((f"{name} {int(dyads[name].sum()):,}" for name in PHASES), 9)
    states, igos = dyads["ccode"].nunique(), dyads["igo"].nunique()
    share = (dyads["before"] > 0).mean()
    return (
        f"{len(frame):,} rows: {phases}; {len(dyads):,} dyads of {states} states and {igos} IGOs; "
        f"{share:.1%} of the dyads have a row before entry"
    )


def _without_before(dyads: pd.DataFrame, facts: Facts) -> str:
    none = dyads[dyads["before"] == 0]
    censored = none["left_censored"]
    founders = none["founder"] & ~censored
    rest = len(none) - int(censored.sum()) - int(founders.sum())
    return (
        f"dyads without a row before entry: {int(founders.sum()):,} founders (members in the IGO's birth "
        f"year), {int(censored.sum()):,} left-censored (already members in {facts.years[0]}, or codes "
        f"missing until entry; entry is a bound), {rest:,} others (mostly members from the state's first "
        "year on, or earlier rows dropped)"
    )


def _entries(dyads: pd.DataFrame) -> str:
    dated = dyads.loc[~dyads["left_censored"] & ~dyads["founder"], "entry"]
    if dated.empty:
        return "entries: none is dated"
    return f"dated entries after the IGO's birth: {len(dated):,}; spikes: {_spikes(dated)}"


def _spikes(years: pd.Series) -> str:
    """Years with far more entries or exits than those beside them, with both numbers."""
    counts = years.value_counts().sort_index()
    counts = counts.reindex(range(int(counts.index.min()) - 2, int(counts.index.max()) + 3), fill_value=0)
    around = (counts.shift(2) + counts.shift(1) + counts.shift(-1) + counts.shift(-2)) / 4
    high = counts[(counts >= LEAST_SPIKE) & (counts >= SPIKE * around)]
    found = [f"{year}: {n} (beside it {around[year]:.0f})" for year, n in high.items()]
    return listed(found, 12) or "none"


def _missing(facts: Facts) -> str:
    return (
        f"membership code missing (-9) in {facts.missing:,} of the {facts.member_rows:,} records of "
        f"ever-members ({facts.missing / max(facts.member_rows, 1):.1%}): {facts.filled:,} lie between two "
        f"known years of membership and count as membership, {facts.missing - facts.filled:,} are dropped; "
        f"next to a missing code are the entries of {facts.unsure_entry:,} dyads and the exits of "
        f"{facts.unsure_exit:,}, which may be off by those years"
    )


def _exits(dyads: pd.DataFrame) -> str:
    after = dyads[dyads["after"] > 0]
    if after.empty:
        return "exits: no dyad has a row after exit; nothing after membership can be learned"
    kinds = listed((f"{kind} {n}" for kind, n in after["igo_type"].value_counts().items()), 9)
    largest = listed((f"{igo} {n}" for igo, n in after["igo"].value_counts().items()), 5)
    spell = (after["last"] - after["entry"] + 1).mean()
    return (
        f"thin exits: {len(after):,} dyads ({len(after) / len(dyads):.1%}) have rows after exit ({kinds}; "
        f"most in {largest}), {after['after'].mean():.1f} rows each; from first entry to exit {spell:.1f} "
        f"years on average; spikes of last years: {_spikes(after['last'])}. What follows an exit rests on "
        "these alone, and who exits is not chance"
    )


def _jump(frame: pd.DataFrame, options: ConvergenceOptions) -> str:
    share, size, entries = mechanical_jump(frame, options.mean)
    if not entries:
        return "mechanical jump of an inclusive mean: no entry with a row before it"
    text = (
        f"a state that never moves loses {share:.1%} of its distance ({size:.3f}) at entry, on average over "
        f"{entries:,} entry years, because 1/(n + 1) of the mean becomes its own score"
    )
    if options.mean == "inclusive":
        return f"MECHANICAL JUMP: the mean is inclusive: {text}. Part of any fall at entry is this"
    return f"mechanical jump, which this {options.mean} mean avoids: with an inclusive mean {text}"


def _deaths(dyads: pd.DataFrame, facts: Facts) -> str:
    death = dyads["igo"].map(facts.death)
    dead = death < facts.years[1]
    ended = dead & (dyads["last"] == death)
    return (
        f"{dyads.loc[dead, 'igo'].nunique()} IGOs end before {facts.years[1]}; {int(ended.sum()):,} dyads "
        "were members to the end, which is not an exit"
    )
