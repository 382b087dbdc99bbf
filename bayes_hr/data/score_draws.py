"""Posterior draws of a latent score: a user's own, from a table, or approximate ones from its SD."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from bayes_hr.data import user_codes
from bayes_hr.data.code_years import SCHEMES
from bayes_hr.data.codes import Unmatched
from bayes_hr.data.messages import listed
from bayes_hr.data.panel_io import read_table
from bayes_hr.data.user_frames import ccodes, numbers, renamed, whole_numbers
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from bayes_hr.data.panel import Panel

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]

LARGEST_IMPLIED: Final = 0.99
"""Largest autocorrelation that :func:`implied_autocorrelation` gives."""

_WIDE: Final = re.compile(r"draw_?(\d+)")
_FORMS: Final = (
    "Give one row per country-year and draw (ccode, year, draw, value), or one per country-year with a "
    "column for each draw (ccode, year, draw_1, draw_2, ...)"
)


@dataclass(frozen=True, eq=False)  # arrays have no single truth value: compare digests
class ScoreDraws:
    """Draws of the score of n country-years, M of each.

    Attributes
    ----------
    ccode, year
        (n,) COW number and year, sorted, each pair once.
    draws
        (M,) numbers of the draws.  Draw k of one country-year belongs to draw k of every other.
    values
        (n, M) scores, on the scale of the score itself; NaN where a draw has none.
    origin
        Where they come from, for reports.
    approximate
        Whether they were made up from a mean and an SD (:func:`approximate_draws`).
    """

    ccode: Ints
    year: Ints
    draws: Ints
    values: Array
    origin: str
    approximate: bool = False

    @classmethod
    def from_frame(
        cls,
        df: pd.DataFrame,
        *,
        columns: Mapping[str, str] | None = None,
        codes: str = "cow",
        unmatched: Unmatched = "error",
        origin: str = "supplied as a table",
    ) -> Self:
        """Draws from a table, long or wide.

        Parameters
        ----------
        df : pandas.DataFrame
            Long: ``ccode, year, draw`` (a whole number) and ``value``, a row for each country-year and draw.
            Wide: ``ccode, year`` and ``draw_1, draw_2, ...``, a row for each country-year.
        columns : mapping, optional
            Canonical name to the name in `df`, e.g. ``{"value": "theta"}``.
        codes, unmatched
            Kind of country code, and what to do with one that has no COW number, as in
            :meth:`bayes_hr.data.panel.Panel.from_frame`.
        origin : str
            Where the draws come from, for reports.

        Raises
        ------
        InputError
            If a column is missing or holds something else than numbers, a country-year (and draw) stands
            twice, or there is a single draw.
        """
        coded = user_codes.coded(df, columns, codes, unmatched)
        frame = renamed(coded.frame, coded.columns, ("ccode", "year"))
        keys = frame.assign(ccode=ccodes(frame), year=whole_numbers(frame, "year"))
        table = _from_long(keys) if "draw" in frame.columns else _from_wide(keys)
        if table.shape[1] < 2:
            raise InputError(
                "draws: there is a single draw of each score; two or more are needed to see how much they "
                f"differ (20 or more are sensible). {_FORMS}"
            )
        table = table.sort_index()
        ccode, year = (table.index.get_level_values(k).to_numpy("int64") for k in ("ccode", "year"))
        return cls(ccode, year, table.columns.to_numpy("int64"), table.to_numpy("float64"), origin)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        columns: Mapping[str, str] | None = None,
        codes: str = "cow",
        unmatched: Unmatched = "error",
    ) -> Self:
        """Draws from a CSV (UTF-8), Parquet or Stata file, by suffix; otherwise :meth:`from_frame`.

        Raises
        ------
        InputError
            If the file is missing, damaged or of another kind, or its rows are wrong.
        """
        path = Path(path)
        text = None if codes == "cow" else (columns or {}).get("ccode", "ccode")
        table = read_table(path, text=text)
        try:
            return cls.from_frame(
                table, columns=columns, codes=codes, unmatched=unmatched, origin=f"supplied, {path.name}"
            )
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    def thinned(self, n: int) -> Self:
        """`n` of the draws, evenly spaced from the first to the last: neighbours in a chain are alike."""
        import numpy as np

        at = np.unique(np.linspace(0, self.draws.size - 1, n).round().astype(int))
        return replace(self, draws=self.draws[at], values=self.values[:, at])

    def at(self, ccode: Ints, year: Ints) -> Array:
        """Draws (len(ccode), M) of given country-years; NaN where there are none."""
        import numpy as np
        import pandas as pd

        mine = pd.MultiIndex.from_arrays([self.ccode, self.year])
        place = mine.get_indexer(pd.MultiIndex.from_arrays([ccode, year]))
        return np.where(place[:, None] >= 0, self.values[place], np.nan)

    def digest(self) -> str:
        """SHA-256 of country-years, numbers and values."""
        total = hashlib.sha256()
        for part in (self.ccode, self.year, self.draws, self.values):
            total.update(part.astype(part.dtype.newbyteorder("<")).tobytes())
        return total.hexdigest()


def _from_long(frame: pd.DataFrame) -> pd.DataFrame:
    """Country-years by draw, from a row for each of both."""
    if "value" not in frame.columns:
        raise InputError(
            f"draws: there is a column 'draw', but none 'value' with the scores. {_FORMS}; other names by "
            "columns={'value': '...'} (--column value=...)"
        )
    rows = frame[["ccode", "year"]].assign(draw=whole_numbers(frame, "draw"), value=numbers(frame, "value"))
    _refuse_twice(rows, ["ccode", "year", "draw"])
    import numpy as np
    import pandas as pd

    keys = pd.MultiIndex.from_frame(rows[["ccode", "year"]])
    row, units = pd.factorize(keys, sort=True)
    column, draws = pd.factorize(rows["draw"], sort=True)
    values = np.full((len(units), len(draws)), np.nan)
    values[row, column] = rows["value"]
    return pd.DataFrame(values, index=units.set_names(["ccode", "year"]), columns=draws)


def _from_wide(frame: pd.DataFrame) -> pd.DataFrame:
    """Country-years by draw, from a column for each draw."""
    names = {column: int(m[1]) for column in frame.columns if (m := _WIDE.fullmatch(column))}
    if not names:
        raise InputError(
            f"draws: no column 'draw' and no columns 'draw_1', 'draw_2', ... {_FORMS} "
            f"(columns there: {listed(frame.columns, 10)})"
        )
    if len(set(names.values())) < len(names):
        raise InputError("draws: two columns have the same number of a draw; give each draw its own")
    _refuse_twice(frame, ["ccode", "year"])
    keys = frame.set_index(["ccode", "year"]).index
    table = {number: numbers(frame, column).to_numpy() for column, number in names.items()}
    import pandas as pd

    return pd.DataFrame(table, index=keys)[sorted(table)]


def _refuse_twice(rows: pd.DataFrame, keys: list[str]) -> None:
    twice = rows.loc[rows.duplicated(keys), keys].drop_duplicates()
    if len(twice):
        first = listed(("-".join(map(str, row)) for row in twice.itertuples(index=False)), 3)
        raise InputError(
            f"draws: duplicate {'-'.join(keys)}: {first}; keep one row of each. Codes: {SCHEMES['cow']}"
        )


# Approximate draws


def implied_autocorrelation(panel: Panel) -> float:
    """The least autocorrelation of the scores' errors that their yearly changes leave room for.

    If scores were true values plus errors of the stated SDs s, the changes of a country from year to year
    would have a mean square of at least that of the errors' changes, s_t^2 + s_(t-1)^2 - 2 r s_t s_(t-1).
    Solved for r (0 if that is negative): with scores that hardly move against SDs that are large, errors
    must persist.  True changes make r larger still.  For v4.02 of the latent protection score, 1946-2021, it
    is .85 from each row's own SD, and .67 from the SD of the changes (.21) and the median SD alone (.26, thus
    changes of .37 if errors were independent): scores with large SDs hardly move.

    Raises
    ------
    InputError
        If the panel has no SDs of its outcome, or no country two years in a row.
    """
    import numpy as np

    sd = _sd(panel)
    rows = panel.frame.assign(_sd=sd).sort_values(["ccode", "year"]).dropna(subset=["_sd"])
    y, s, year, code = (rows[c].to_numpy() for c in (panel.outcome, "_sd", "year", "ccode"))
    next_year = (np.diff(year) == 1) & (np.diff(code) == 0)
    if not next_year.any():
        raise InputError("implied autocorrelation: no country has scores in two years in a row; state one")
    now, before = s[1:][next_year], s[:-1][next_year]
    room = (now**2 + before**2).sum() - (np.diff(y)[next_year] ** 2).sum()
    return float(np.clip(room / (2 * (now * before).sum()), 0.0, LARGEST_IMPLIED))


def approximate_draws(
    panel: Panel, n: int = 20, *, autocorrelation: float | None = None, seed: int = 0
) -> ScoreDraws:
    """Made-up draws of a panel's score: its mean plus its posterior SD times a standard normal deviate.

    For sensitivity only: they have the scores' own means and SDs, but not what a measurement model's
    posterior knows besides (how errors of different countries or of all years go together).

    Parameters
    ----------
    panel : Panel
        With ``<outcome>_sd``; rows without an SD get no draw.
    n : int
        How many.
    autocorrelation : float, optional
        Of the deviates of a country from one calendar year to the next (AR(1), gaps exact), 0 for independent
        ones; None takes :func:`implied_autocorrelation`.  It is fixed, never estimated: a model's own
        persistence and that of the error cannot be told apart.
    seed : int
        Of the deviates.

    Raises
    ------
    InputError
        If the panel has no SDs, or a number is impossible.
    """
    import numpy as np

    from bayes_hr.data.worlds_parts import ar1_errors

    if n < 2:
        raise InputError(f"approximate draws: n = {n}; two or more are needed (20 are sensible)")
    rho = implied_autocorrelation(panel) if autocorrelation is None else autocorrelation
    if not 0 <= rho < 1:
        raise InputError(f"approximate draws: autocorrelation = {rho!r} must be at least 0 and below 1")
    sd = _sd(panel)
    frame = panel.frame.assign(_sd=sd).sort_values(["ccode", "year"])
    ccode, year = (frame[c].to_numpy("int64") for c in ("ccode", "year"))
    rng = np.random.default_rng(seed)
    z = np.stack([ar1_errors(rng, ccode, year, rho, np.sqrt(1 - rho**2)) for _ in range(n)], axis=1)
    values = frame[panel.outcome].to_numpy(float)[:, None] + frame["_sd"].to_numpy(float)[:, None] * z
    kind = f"autocorrelation {rho:.2f} from year to year" if rho else "independent from year to year"
    implied = " (the least that its yearly changes leave room for)" if autocorrelation is None else ""
    origin = f"approximate: score plus its posterior SD times a normal deviate, {kind}{implied}, seed {seed}"
    return ScoreDraws(ccode, year, np.arange(1, n + 1), values, origin, approximate=True)


def _sd(panel: Panel) -> Array:
    """Posterior SD of each row's score (rows,)."""
    column = f"{panel.outcome}_sd"
    if panel.name == "convergence" or column not in panel.frame.columns or panel.compressed is not None:
        raise InputError(
            f"approximate draws: the panel has no column {column!r} with the posterior SD of each "
            "country-year's score. Supply draws, or a panel of country-years with that column."
        )
    sd = panel.frame[column].to_numpy(float)
    if not (sd > 0).any():
        raise InputError(f"approximate draws: column {column!r} has no positive value")
    return sd
