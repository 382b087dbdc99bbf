"""Pairs of a state and an IGO of its own region that it never joined, as controls.

A pair is a control if the state has no full, associate or observer membership in any year on record
(whatever codes count as membership), and its region holds at least a stated share of the member-years of the
IGO in the covered years. Its rows are the years in which its code is known, it has a score and the IGO has
enough scored members; they are compared with the mean of all members, have phase "never", and neither
``k`` nor ``entry`` nor ``last``. Whether such a state could have joined is for the user to judge.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.data.igo_options import MEMBER_CODES
from bayes_hr.data.igo_spells import Spells
from bayes_hr.data.messages import listed
from bayes_hr.data.user_frames import whole_numbers
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.data.igo_records import Records

NEVER: Final = 4
"""Number of the phase "never" in the grids."""


def regions_of(scores: pd.DataFrame, found: Records) -> np.ndarray:
    """Region of each state of some records, as a number; -1 where there is none.

    Parameters
    ----------
    scores : pandas.DataFrame
        ``ccode`` and ``region`` (text, one per state; missing: not known).

    Returns
    -------
    numpy.ndarray of int64, shape (n_states,)

    Raises
    ------
    InputError
        If there is no such column, or a state has several regions.
    """
    import pandas as pd

    if "region" not in scores.columns:
        raise InputError(
            "controls='never_joined' needs the regions: a column 'region' in scores, one per state"
        )
    pairs = pd.DataFrame({"ccode": whole_numbers(scores, "ccode"), "region": scores["region"]}).dropna()
    pairs = pairs.drop_duplicates()
    twice = pairs.loc[pairs["ccode"].duplicated(keep=False)]
    if len(twice):
        ccode = twice["ccode"].iloc[0]
        several = listed(twice.loc[twice["ccode"] == ccode, "region"])
        raise InputError(f"scores: region must be one per state; ccode {ccode} has {several}")
    place, _ = pd.factorize(pairs["region"])
    return pd.Series(place, index=pairs["ccode"]).reindex(found.ccodes).fillna(-1).to_numpy(dtype=np.int64)


def control_pairs(
    found: Records, kept: np.ndarray, *, membership: tuple[int, ...], region: np.ndarray, share: float
) -> np.ndarray:
    """Which pairs are controls.

    Parameters
    ----------
    found : Records
    kept : numpy.ndarray of int
        Places of the records of the covered years.
    membership : tuple of int
        Codes that count as membership, for the IGO's member-years.
    region : numpy.ndarray of int, shape (n_states,)
        As :func:`regions_of` returns it.
    share : float
        Least share of the IGO's member-years that are of the state's region; those of states whose region is
        not known count as of another.

    Returns
    -------
    numpy.ndarray of bool, shape (n_states, n_igos)
    """
    shape = (len(found.ccodes), len(found.codes))
    linked = np.zeros(shape, dtype=bool)
    some = np.isin(found.code, list(MEMBER_CODES))
    linked[found.state[some], found.igo[some]] = True
    inside = kept[np.isin(found.code[kept], membership)]
    n_regions = int(region.max(initial=-1)) + 1
    # The last column is for members without a region.
    cell = found.igo[inside].astype(np.int64) * (n_regions + 1) + region[found.state[inside]] % (
        n_regions + 1
    )
    years = np.bincount(cell, minlength=shape[1] * (n_regions + 1)).reshape(shape[1], -1)
    shares = years[:, :n_regions] / np.maximum(years.sum(axis=1, keepdims=True), 1)
    near = np.zeros(shape, dtype=bool)
    near[region >= 0] = shares.T[region[region >= 0]] >= share
    return near & ~linked


def with_controls(spell: Spells, code: np.ndarray, joined: np.ndarray) -> Spells:
    """Spells of the dyads that joined, with rows of phase "never" for the others between them.

    Parameters
    ----------
    spell : Spells
        Of the dyads that joined, in order.
    code : numpy.ndarray of int8, shape (n_dyads, n_years)
        Codes of all.
    joined : numpy.ndarray of bool, shape (n_dyads,)

    Returns
    -------
    Spells
        Of all; where `joined` is false years are -1, flags false and the phase :data:`NEVER` or, without a
        known code, -1.
    """
    whole: dict[str, Any] = {}
    for column in fields(Spells):
        part = getattr(spell, column.name)
        blank = False if part.dtype == bool else -1
        whole[column.name] = np.full((joined.size, *part.shape[1:]), blank, dtype=part.dtype)
        whole[column.name][joined] = part
    whole["phase"][~joined] = np.where(code[~joined] >= 0, NEVER, -1)
    return Spells(**whole)


def control_note(frame: pd.DataFrame, share: float) -> str:
    """What the merge report says of the rows of phase "never"; `frame` holds only these."""
    pairs = frame[["ccode", "igo", "igo_type"]].drop_duplicates(["ccode", "igo"])
    kinds = listed((f"{kind} {n:,}" for kind, n in pairs["igo_type"].value_counts().items()), 9)
    return (
        f"controls: {len(frame):,} rows of phase 'never', {len(pairs):,} pairs ({kinds or 'none'}) of "
        f"{pairs['ccode'].nunique()} states and {pairs['igo'].nunique()} IGOs that they never joined, with "
        f"at least {share:.0%} of the IGO's member-years in the state's region; k, entry and last are missing"
    )
