"""Check a user's own dyad-years: the rows of a convergence panel, one clear message per mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from bayes_hr.data.igo_notes import dyad_key
from bayes_hr.data.igo_options import COLUMNS, IGO_TYPES, OUTCOME_OF
from bayes_hr.data.igo_spells import PHASES
from bayes_hr.data.messages import listed, nearest
from bayes_hr.data.user_frames import (
    Checked,
    ccodes,
    countries,
    covariate_names,
    numbers,
    outcome_values,
    renamed,
    whole_numbers,
)
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

NEEDED: Final = ("ccode", "igo", "year", "phase", "entry", "last")
"""Columns that must be there, beside the outcome."""

TOLERANCE: Final = 1e-6
"""How far a column may be from what follows from others."""

_MEASURES: Final = ("score", "score_sd", "igo_mean", "n_others")
_FLAGS: Final = ("founder", "left_censored", "exits")


def check(
    df: pd.DataFrame,
    *,
    outcome: str,
    columns: Mapping[str, str] | None = None,
    covariates: Sequence[str] | None = None,
) -> Checked:
    """Canonical names, plain dtypes, and everything that must hold of a row or dyad.

    Parameters
    ----------
    df, outcome, columns, covariates
        As in :meth:`bayes_hr.data.panel.Panel.from_frame`.

    Returns
    -------
    Checked

    Raises
    ------
    InputError
        At the first mistake.
    """
    import pandas as pd

    frame = renamed(df, columns or {}, NEEDED)
    if outcome not in {*frame.columns, *_follows(frame)}:
        renamed(df, columns or {}, (outcome,))  # raises, and names the nearest column
    out = pd.DataFrame({"ccode": ccodes(frame), "igo": _texts(frame, "igo")})
    out["year"] = whole_numbers(frame, "year")
    _no_duplicates(out)
    out["country"] = countries(frame, out)
    out["igo_name"] = _texts(frame, "igo_name") if "igo_name" in frame.columns else out["igo"]
    out["igo_type"], notes = _types(frame, out)
    out["phase"] = _texts(frame, "phase", PHASES)
    out["entry"], out["last"] = whole_numbers(frame, "entry"), whole_numbers(frame, "last")
    out["k"] = _time(frame, out)
    for column in _MEASURES:
        if column in frame.columns:
            out[column] = (whole_numbers if column == "n_others" else numbers)(frame, column)
    _distances(frame, out)
    fixed = [column for column in COLUMNS if column not in OUTCOME_OF.values()]
    out[outcome] = outcome_values(out if outcome in out.columns else frame, outcome, fixed)
    for flag in _FLAGS:
        out[flag], note = _flag(frame, out, flag)
        notes += note
    kept = covariate_names(frame, {*COLUMNS, outcome}, covariates)
    for column in kept:
        out[column] = numbers(frame, column)
    order = [column for column in dict.fromkeys((*COLUMNS, outcome, *kept)) if column in out.columns]
    unused = tuple(column for column in frame.columns if column not in out.columns)
    if unused:
        notes.append(f"columns that are not used (text, or not asked for): {listed(unused, 20)}")
    return Checked(out, order, tuple(kept), tuple(notes), unused)


def check_identified(frame: pd.DataFrame, outcome: str) -> None:
    """Refuse rows from which nothing about membership can be learned.

    Raises
    ------
    InputError
        If the outcome is constant, or no row is during membership.
    """
    if frame[outcome].nunique() < 2:
        raise InputError(f"column {outcome!r} has the same value in every row ({frame[outcome].iloc[0]})")
    if not (frame["phase"] == "during").any():
        raise InputError("no row is during membership (phase 'during')")


def _key(keys: pd.DataFrame, row: int) -> str:
    ccode, igo, year = (keys[column].iloc[row] for column in ("ccode", "igo", "year"))
    return f"ccode {ccode}, IGO {igo}, {year} (row {row}, counting from 0)"


def _texts(frame: pd.DataFrame, column: str, valid: Sequence[str] | None = None) -> pd.Series:
    values = frame[column]
    if values.isna().any():
        row = int(values.isna().to_numpy().argmax())
        raise InputError(f"column {column!r} is missing in row {row} (counting from 0)")
    texts = values.astype("object").astype("str")
    wrong = ~texts.isin(valid) if valid is not None else texts == ""
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        hint = nearest(texts.iloc[row], valid) if valid is not None else "give a code"
        raise InputError(f"column {column!r}: {texts.iloc[row]!r} in row {row} is not valid; {hint}")
    return texts


def _no_duplicates(keys: pd.DataFrame) -> None:
    twice = keys[keys.duplicated(["ccode", "igo", "year"])].drop_duplicates()
    if len(twice):
        rows = zip(twice["ccode"], twice["igo"], twice["year"], strict=True)
        found = listed((f"{c}-{j}-{y}" for c, j, y in rows), 3)
        raise InputError(f"duplicate row(s) (ccode-igo-year): {found}; keep one row of each")


def _types(frame: pd.DataFrame, keys: pd.DataFrame) -> tuple[pd.Series, list[str]]:
    import pandas as pd

    if "igo_type" not in frame.columns:
        same = pd.Series("unclassified", index=keys.index, dtype="str")
        return same, ["igo_type: no such column; all IGOs are 'unclassified'"]
    types = _texts(frame, "igo_type", IGO_TYPES)
    pairs = keys[["igo"]].assign(igo_type=types).drop_duplicates()
    several = pairs.loc[pairs["igo"].duplicated(), "igo"]
    if len(several):
        raise InputError(f"igo_type must be the same in all rows of an IGO; differs for {listed(several)}")
    return types, []


def _time(frame: pd.DataFrame, out: pd.DataFrame) -> pd.Series:
    """Decades, after phases and years are seen to fit each other."""
    year, entry, last = (out[column] for column in ("year", "entry", "last"))
    fits = {
        "before": (year < entry, "year < entry"),
        "during": ((entry <= year) & (year <= last), "entry <= year <= last"),
        "gap": ((entry <= last) & (last < year), "entry <= last < year"),
        "after": ((entry <= last) & (last < year), "entry <= last < year"),
    }
    for phase, (right, rule) in fits.items():
        wrong = (out["phase"] == phase) & ~right
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise InputError(
                f"phase {phase!r} needs {rule}; not so for {_key(out, row)}: entry {entry.iloc[row]}, "
                f"last {last.iloc[row]}"
            )
    k = (year - entry).where(out["phase"] != "after", year - last) / 10
    if "k" in frame.columns:
        _agree(numbers(frame, "k"), k, out, "k", "(year - entry) / 10, after exit (year - last) / 10")
    return k


def _follows(frame: pd.DataFrame) -> set[str]:
    """Outcomes that can be computed from other columns."""
    if {"score", "igo_mean"} <= set(frame.columns):
        return {"gap_signed", "distance"}
    return {"distance"} if "gap_signed" in frame.columns else set()


def _distances(frame: pd.DataFrame, out: pd.DataFrame) -> None:
    """Add gap and distance from score and mean, or from each other, and compare with those given."""
    if {"score", "igo_mean"} <= set(out.columns):
        gap = out["score"] - out["igo_mean"]
        if "gap_signed" in frame.columns:
            _agree(numbers(frame, "gap_signed"), gap, out, "gap_signed", "score - igo_mean")
        out["gap_signed"] = gap
    elif "gap_signed" in frame.columns:
        out["gap_signed"] = numbers(frame, "gap_signed")
    if "distance" in frame.columns:
        out["distance"] = numbers(frame, "distance")
        if "gap_signed" in out.columns:
            # A distance that was drawn from a Gaussian model may be negative: only its size is compared.
            _agree(out["distance"].abs(), out["gap_signed"].abs(), out, "distance", "|gap_signed|")
    elif "gap_signed" in out.columns:
        out["distance"] = out["gap_signed"].abs()


def _agree(given: pd.Series, follows: pd.Series, out: pd.DataFrame, column: str, rule: str) -> None:
    wrong = (given - follows).abs() > TOLERANCE * (1 + follows.abs())
    wrong |= given.isna() & follows.notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise InputError(
            f"column {column!r} must be {rule}; found {given.iloc[row]}, not {follows.iloc[row]}, for "
            f"{_key(out, row)}. Correct it or leave it out"
        )


def _flag(frame: pd.DataFrame, out: pd.DataFrame, flag: str) -> tuple[pd.Series, list[str]]:
    """A truth value per dyad: given, or for exits whether there are rows after, otherwise assumed false."""
    import pandas as pd

    key = dyad_key(out)
    after = np.isin(key, np.unique(key[(out["phase"] == "after").to_numpy()]))
    if flag not in frame.columns:
        if flag == "exits":
            return pd.Series(after), []
        return pd.Series(np.zeros(len(out), dtype=bool)), [
            f"{flag}: no such column; taken as false throughout"
        ]
    values = numbers(frame, flag)
    if not values.isin([0, 1]).all():
        row = int((~values.isin([0, 1])).to_numpy().argmax())
        raise InputError(f"column {flag!r} must be true or false; found {values.iloc[row]} in row {row}")
    if (values.groupby(key).transform("min") != values.groupby(key).transform("max")).any():
        varies = values.groupby(key).transform("min") != values.groupby(key).transform("max")
        raise InputError(
            f"column {flag!r} must be the same in all rows of a dyad; differs for "
            f"{_key(out, int(varies.to_numpy().argmax()))}"
        )
    if flag == "exits" and (after & (values == 0)).any():
        row = int((after & (values == 0)).to_numpy().argmax())
        raise InputError(f"exits is false, but there are rows after exit, for {_key(out, row)}")
    return values.astype(bool), []
