"""Membership and score tables as checked, sorted plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.data.igo_options import IGO_TYPES, one_of
from bayes_hr.data.igo_spells import ABSENT, CODES
from bayes_hr.data.merge import DropStep
from bayes_hr.data.messages import listed, nearest
from bayes_hr.data.user_frames import numbers, whole_numbers
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Records:
    """A membership table, sorted by state, IGO and year, without rows of IGOs that do not exist.

    Attributes
    ----------
    state, igo, year : numpy.ndarray of int32, shape (n_records,)
        Place in `ccodes`; place in `codes`; calendar year.
    code : numpy.ndarray of int8, shape (n_records,)
        Membership code (:data:`bayes_hr.data.igo_spells.CODES` but -1).
    ccodes : numpy.ndarray of int64, shape (n_states,)
        COW numbers, ascending.
    codes, names, types : list of str, length n_igos
        Code (ascending), name and type of each IGO.
    nonexistent : int
        Rows with code -1, which are left out.
    start : int
        First year of the table, rows with code -1 included: an IGO that is there from then on may be older.
    imputed : numpy.ndarray of bool, shape (n_records,), or None
        Whether the code was filled in between two records; None: not asked for.
    """

    state: np.ndarray
    igo: np.ndarray
    year: np.ndarray
    code: np.ndarray
    ccodes: np.ndarray
    codes: list[str]
    names: list[str]
    types: list[str]
    nonexistent: int
    start: int
    imputed: np.ndarray | None = None


@dataclass(frozen=True)
class Scores:
    """Scores on a grid of the states and years of some records.

    Attributes
    ----------
    mean, sd : numpy.ndarray of float, shape (n_states, n_years)
        Score and its SD; NaN where there is none.
    countries : list of str, length n_states
        Names.
    first : int
        Calendar year of the first column.
    """

    mean: np.ndarray
    sd: np.ndarray
    countries: list[str]
    first: int


@dataclass
class Ledger:
    """Rows dropped so far, with reasons.

    Attributes
    ----------
    countries : list of str
        Name of each state.
    steps : list of DropStep
        In order.
    """

    countries: list[str]
    steps: list[DropStep] = field(default_factory=list)

    def drop(self, state: np.ndarray, gone: np.ndarray, reason: str) -> np.ndarray:
        """Count the rows that go, and return those that stay.

        Parameters
        ----------
        state : numpy.ndarray of int, shape (n_rows,)
            State of each row.
        gone : numpy.ndarray of bool, shape (n_rows,)
            Rows that go.
        reason : str
            Why, for people.

        Returns
        -------
        numpy.ndarray of bool, shape (n_rows,)
        """
        lost = np.bincount(state[gone], minlength=len(self.countries))
        if lost.any():
            left = np.bincount(state[~gone], minlength=len(self.countries))
            worst = [i for i in np.argsort(-lost, kind="stable") if lost[i]]
            detail = listed((f"{self.countries[i]}: {lost[i]}" for i in worst), 5)
            self.steps.append(
                DropStep(reason, int(lost.sum()), int(((lost > 0) & (left == 0)).sum()), detail)
            )
        return ~gone


def records(memberships: pd.DataFrame, *, imputed: bool = False) -> Records:
    """A membership table as checked arrays; the order of its rows and its dtypes do not matter.

    Parameters
    ----------
    memberships : pandas.DataFrame
        As :func:`bayes_hr.data.igo_dyads.dyad_years` takes it.
    imputed : bool
        Whether the column ``imputed`` is needed.

    Returns
    -------
    Records

    Raises
    ------
    InputError
        If a column is missing, a value is missing or not valid, or a state-IGO-year is there twice.
    """
    _need(memberships, ("ccode", "igo", "year", "code"), "memberships")
    code = whole_numbers(memberships, "code").to_numpy()
    wrong = ~np.isin(code, CODES)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"memberships: code {code[row]} in row {row} is not valid; 0 none, 1 full, 2 associate, "
            "3 observer, -9 missing, -1 the IGO does not exist"
        )
    exists = code != ABSENT
    ccodes, state = np.unique(whole_numbers(memberships, "ccode").to_numpy(), return_inverse=True)
    codes, igo = _coded(memberships["igo"], "igo")
    year = whole_numbers(memberships, "year").to_numpy()
    names = _per_igo(memberships, "igo_name", igo, codes)
    types = _per_igo(memberships, "igo_type", igo, ["unclassified"] * len(codes))
    for kind in set(types):
        one_of("memberships: igo_type", kind, IGO_TYPES)
    first, span = (int(year.min()), int(np.ptp(year)) + 1) if len(year) else (0, 1)
    key = (state.astype(np.int64) * len(codes) + igo) * span + (year - first)
    order = slice(None) if (np.diff(key) > 0).all() else np.argsort(key, kind="stable")
    key = key[order]
    twice = np.flatnonzero(np.diff(key) == 0)
    if twice.size:
        where, when = divmod(int(key[twice[0]]), span)
        label = f"{ccodes[where // len(codes)]}-{codes[where % len(codes)]}-{first + when}"
        raise InputError(
            f"memberships: {twice.size} duplicate state-IGO-year(s), the first {label}; keep one row of each"
        )
    kept = exists[order]
    return Records(
        state=state[order][kept].astype(np.int32),
        igo=igo[order][kept].astype(np.int32),
        year=year[order][kept].astype(np.int32),
        code=code[order][kept].astype(np.int8),
        ccodes=ccodes,
        codes=codes,
        names=names,
        types=types,
        nonexistent=int((~exists).sum()),
        start=first,
        imputed=_imputed(memberships)[order][kept] if imputed else None,
    )


def score_grid(scores: pd.DataFrame, found: Records, years: tuple[int, int], *, standardise: bool) -> Scores:
    """A score table on the grid of states and years.

    Parameters
    ----------
    scores : pandas.DataFrame
        As :func:`bayes_hr.data.igo_dyads.dyad_years` takes it.
    found : Records
        Its states are the rows of the grid.
    years : tuple of int
        First and last year of the grid.
    standardise : bool
        Whether each year's scores, over all states of the table, get mean 0 and SD 1.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        If a column is missing, a value is not valid, a country-year is there twice, or a year that is to be
        standardised has fewer than two different scores.
    """
    import pandas as pd

    ccode, year = (whole_numbers(scores, column).to_numpy() for column in ("ccode", "year"))
    table = pd.DataFrame({"ccode": ccode, "year": year})
    twice = table.duplicated()
    if twice.any():
        row = table[twice].iloc[0]
        raise InputError(
            f"scores: duplicate country-year {row['ccode']}-{row['year']} (ccode-year); keep one row of each"
        )
    table["score"] = numbers(scores, "score").to_numpy()
    table["score_sd"] = numbers(scores, "score_sd").to_numpy() if "score_sd" in scores.columns else np.nan
    if standardise:
        table = _standardised(table[table["score"].notna() & table["year"].between(*years)])
    place = np.searchsorted(found.ccodes, table["ccode"])
    known = (place < len(found.ccodes)) & table["year"].between(*years).to_numpy()
    known[known] = found.ccodes[place[known]] == table["ccode"].to_numpy()[known]
    shape = (len(found.ccodes), years[1] - years[0] + 1)
    mean, sd = np.full(shape, np.nan), np.full(shape, np.nan)
    at = (place[known], table["year"].to_numpy()[known] - years[0])
    mean[at], sd[at] = table["score"].to_numpy()[known], table["score_sd"].to_numpy()[known]
    return Scores(mean, sd, _countries(scores, ccode, found.ccodes), years[0])


def covered_years(found: Records, scores: pd.DataFrame) -> tuple[int, int]:
    """First and last year that both the records and the scores have.

    Raises
    ------
    InputError
        If there is none, or a column of `scores` is missing.
    """
    _need(scores, ("ccode", "year", "score"), "scores")
    if not found.year.size:
        raise InputError("memberships: no row with an IGO that exists (code -1 means that it does not)")
    scored = whole_numbers(scores, "year")[numbers(scores, "score").notna()]
    if scored.empty:
        raise InputError("scores: no row has a score")
    first = max(int(found.year.min()), int(scored.min()))
    last = min(int(found.year.max()), int(scored.max()))
    if first > last:
        raise InputError(
            f"memberships ({found.year.min()}-{found.year.max()}) and scores "
            f"({scored.min()}-{scored.max()}) have no year in common"
        )
    return first, last


def births_of(found: Records, births: Mapping[str, int] | pd.Series | None) -> tuple[np.ndarray, np.ndarray]:
    """Birth year of each IGO, and whether it is known.

    Without `births` it is the IGO's first year on record, known unless the whole table starts in that year.

    Parameters
    ----------
    found : Records
    births : mapping of str to int, optional
        Birth years by IGO code; IGOs that it lacks are treated as if it were not given.

    Returns
    -------
    birth : numpy.ndarray of int64, shape (n_igos,)
    known : numpy.ndarray of bool, shape (n_igos,)
    """
    birth, _ = lifetimes(found)
    known = birth > found.start
    given = {} if births is None else {str(code): int(year) for code, year in births.items()}
    for place, code in enumerate(found.codes):
        if code in given:
            birth[place], known[place] = given[code], True
    return birth, known


def lifetimes(found: Records) -> tuple[np.ndarray, np.ndarray]:
    """First and last year on record of each IGO.

    Returns
    -------
    first, last : numpy.ndarray of int64, shape (n_igos,)
        An IGO without any record of its existence has a first year after every other.
    """
    first = np.full(len(found.codes), np.iinfo(np.int32).max, dtype=np.int64)
    last = np.full(len(found.codes), np.iinfo(np.int32).min, dtype=np.int64)
    # Records are sorted by state, IGO and year: each dyad's first and last record are enough.
    changes = np.flatnonzero((np.diff(found.state) != 0) | (np.diff(found.igo) != 0))
    heads, tails = np.append(0, changes + 1), np.append(changes, found.igo.size - 1)
    np.minimum.at(first, found.igo[heads], found.year[heads])
    np.maximum.at(last, found.igo[tails], found.year[tails])
    return first, last


def chosen_igos(found: Records, igos: tuple[str, ...], types: tuple[str, ...]) -> np.ndarray:
    """Which IGOs are asked for.

    Returns
    -------
    numpy.ndarray of bool, shape (n_igos,)

    Raises
    ------
    InputError
        If a code is unknown (names the nearest), or no IGO is left.
    """
    for code in igos:
        if code not in found.codes:
            raise InputError(f"igos: unknown IGO code {code!r}; {nearest(code, found.codes)}")
    named = np.isin(found.codes, igos) if igos else np.ones(len(found.codes), dtype=bool)
    typed = np.isin(found.types, types) if types else np.ones(len(found.codes), dtype=bool)
    if not (named & typed).any():
        raise InputError(f"no IGO is left: igos {listed(igos, 9) or 'all'}, types {listed(types) or 'all'}")
    return named & typed


def _need(table: object, columns: tuple[str, ...], what: str) -> None:
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        raise InputError(f"{what}: a pandas DataFrame is needed; got {type(table).__name__}")
    for column in columns:
        if column not in table.columns:
            raise InputError(f"{what}: missing column {column!r}; {nearest(column, map(str, table.columns))}")


def _coded(column: pd.Series, name: str) -> tuple[list[str], np.ndarray]:
    """Distinct texts, ascending, and the place of each row's."""
    import pandas as pd

    if column.isna().any():
        row = int(column.isna().to_numpy().argmax())
        raise InputError(f"column {name!r} is missing in row {row} (counting from 0)")
    if isinstance(column.dtype, pd.CategoricalDtype):
        place, values = column.cat.codes.to_numpy(), column.cat.categories
    else:
        place, values = pd.factorize(column)
    labels, again = np.unique(np.asarray([str(value) for value in values], dtype=object), return_inverse=True)
    used = np.zeros(len(labels), dtype=bool)
    used[again[place]] = True
    shift = np.cumsum(used) - 1
    return [str(label) for label in labels[used]], shift[again[place]].astype(np.int32)


def _imputed(memberships: pd.DataFrame) -> np.ndarray:
    """Which codes were filled in."""
    if "imputed" not in memberships.columns:
        raise InputError(
            "accuracy needs a column 'imputed' in memberships (1: the code was filled in between two "
            "records, 0: it was not); add it, or take accuracy='all'"
        )
    flag = numbers(memberships, "imputed")
    wrong = ~flag.isin([0, 1]).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"memberships: imputed must be 0 or 1; found {flag.iloc[row]} in row {row}")
    return (flag == 1).to_numpy()


def _per_igo(memberships: pd.DataFrame, column: str, igo: np.ndarray, default: list[str]) -> list[str]:
    """One text per IGO from a column that is the same in all its rows; `default` where there is none."""
    if column not in memberships.columns:
        return list(default)
    known = memberships[column].notna().to_numpy()
    labels, place = _coded(memberships.loc[known, column], column)
    pairs = np.unique(igo[known].astype(np.int64) * max(len(labels), 1) + place)
    owner, label = np.divmod(pairs, max(len(labels), 1))
    several = owner[:-1][np.diff(owner) == 0]
    if several.size:
        found = [labels[i] for i in label[owner == several[0]]]
        raise InputError(f"memberships: column {column!r} must be one per IGO; one has {listed(found)}")
    out = list(default)
    for i, text in zip(owner, label, strict=True):
        out[i] = labels[text]
    return out


def _standardised(table: pd.DataFrame) -> pd.DataFrame:
    groups = table.groupby("year")["score"]
    mean, sd = groups.transform("mean"), groups.transform("std", ddof=0)
    if not (sd > 0).all():
        year = int(table.loc[~(sd > 0), "year"].iloc[0])
        raise InputError(f"scores: {year} has fewer than two different scores; it cannot be standardised")
    return table.assign(score=(table["score"] - mean) / sd, score_sd=table["score_sd"] / sd)


def _countries(scores: pd.DataFrame, ccode: np.ndarray, ccodes: np.ndarray) -> list[str]:
    if "country" not in scores.columns:
        return [f"COW {number}" for number in ccodes]
    named = dict(zip(ccode[::-1].tolist(), scores["country"].tolist()[::-1], strict=True))
    given = {number: name for number, name in named.items() if isinstance(name, str)}
    return [given.get(int(number), f"COW {number}") for number in ccodes]
