"""Memberships written as text, and the dyad-years made of them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_hr.data.igo_dyads import ConvergenceOptions, dyad_years

KEYS = ["ccode", "igo", "year"]


def lives(*codes: tuple[int, str, str], start: int = 2000) -> pd.DataFrame:
    """Memberships as text, a letter a year: . none, F full, A associate, O observer, ? missing, x no IGO."""
    letters = {".": 0, "F": 1, "A": 2, "O": 3, "?": -9, "x": -1}
    rows = [(c, j, start + t, letters[x]) for c, j, text in codes for t, x in enumerate(text) if x != " "]
    return pd.DataFrame(rows, columns=[*KEYS, "code"])


def flat_scores(memberships: pd.DataFrame) -> pd.DataFrame:
    keys = memberships[["ccode", "year"]].drop_duplicates()
    return keys.assign(score=keys["ccode"] * (1 + keys["year"] % 7 / 10), score_sd=0.1).reset_index(drop=True)


def life(memberships: pd.DataFrame, ccode: int, igo: str = "A", **options: Any) -> pd.DataFrame:
    chosen = ConvergenceOptions(**{"min_others": 1, **options})
    frame, _ = dyad_years(memberships, flat_scores(memberships), chosen)
    return frame[(frame["ccode"] == ccode) & (frame["igo"] == igo)].set_index("year")


def letters_of(frame: pd.DataFrame) -> str:
    return "".join(frame["phase"].str[0])


def ready() -> pd.DataFrame:
    """Twelve dyad-years with all columns of the contract."""
    table = lives((2, "A", "..F.FF.."), (2, "B", "FFFFFF.."), (20, "A", "FFFFFFFF"), (20, "B", "FFFFFFFF"))
    return dyad_years(table, flat_scores(table), ConvergenceOptions(min_others=1))[0]
