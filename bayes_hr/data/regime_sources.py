"""Where regime scores come from: one entry per source, with its scale and its own cut-offs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_hr.data.controls import polity2
from bayes_hr.data.crosswalk import state_years, vdem_to_cow
from bayes_hr.data.messages import nearest
from bayes_hr.data.parsed import read_source
from bayes_hr.data.regimes import check_cut_offs
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

BEFORE_MEMBERSHIP: Final = ((260, 1949, 1954), (265, 1949, 1953))
"""COW number, first and last year: the two German states, years before they enter the COW system."""


@dataclass(frozen=True)
class RegimeSource:
    """A source of regime scores.

    Attributes
    ----------
    id : str
        Value of ``regime_source``.
    label : str
        What the scores are, for notes and reports.
    column : str
        Column with the score; higher is more democratic.
    scale : tuple of float
        Lowest and highest possible score.
    democracy, autocracy : float
        Default cut-offs: a stable democracy never falls below the first, a stable autocracy never rises above
        the second.
    reason : str
        Why these cut-offs, with the work they come from.
    sources : tuple of str
        Ids in :data:`bayes_hr.data.sources.SOURCES`, the scores' own first.
    read : callable
        Returns ``ccode, year, <column>``, one row per country-year; the score may be missing.
    """

    id: str
    label: str
    column: str
    scale: tuple[float, float]
    democracy: float
    autocracy: float
    reason: str
    sources: tuple[str, ...]
    read: Callable[[], pd.DataFrame]

    def cut_offs(self, democracy: float | None, autocracy: float | None) -> tuple[float, float]:
        """The cut-offs to use: those given, this source's own for None.

        Raises
        ------
        InputError
            If the autocracy cut-off is not below the democracy cut-off, or one is off the scale.
        """
        chosen = (
            self.democracy if democracy is None else democracy,
            self.autocracy if autocracy is None else autocracy,
        )
        try:
            check_cut_offs(*chosen, self.scale)
        except InputError as error:
            own = f"those of {self.id!r} by default: democracy {self.democracy}, autocracy {self.autocracy}"
            raise InputError(f"{error} ({own})") from error
        return chosen


def row() -> pd.DataFrame:
    """Regimes of the World class, 0 to 3, of states (:func:`of_states`)."""
    return _vdem("ert", "row")


def polyarchy() -> pd.DataFrame:
    """V-Dem electoral democracy index, 0 to 1, of states (:func:`of_states`)."""
    return _vdem("vdem_simple", "polyarchy")


def bmr() -> pd.DataFrame:
    """Boix, Miller & Rosato: 1 democracy, 0 not, of states (:func:`of_states`)."""
    return of_states(read_source("bmr")[["ccode", "year", "bmr"]])


def of_states(scores: pd.DataFrame) -> pd.DataFrame:
    """Country-years in the COW state system, and those of :data:`BEFORE_MEMBERSHIP`.

    V-Dem scores colonies and occupied countries too: a colony's score says nothing of the state that came
    after it, and the occupation of Japan (to 1951) would make it a transition.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns ``ccode`` and ``year``.

    Returns
    -------
    pandas.DataFrame
        The rows of states, sorted by country and year.
    """
    import pandas as pd

    states = state_years(int(scores["year"].min()), int(scores["year"].max()))
    early = [(ccode, y) for ccode, first, last in BEFORE_MEMBERSHIP for y in range(first, last + 1)]
    rows = pd.concat([states, pd.DataFrame(early, columns=["ccode", "year"])])
    kept = scores.merge(rows, on=["ccode", "year"], how="inner", validate="1:1")
    return kept.sort_values(["ccode", "year"]).reset_index(drop=True)


def _vdem(source_id: str, column: str) -> pd.DataFrame:
    frame = read_source(source_id)
    frame = frame.assign(ccode=vdem_to_cow(frame)).dropna(subset=["ccode"]).astype({"ccode": "int64"})
    return of_states(frame[["ccode", "year", column]])


_ALL: Final = (
    RegimeSource(
        id="polity5",
        label="Polity5 scores (polity2)",
        column="polity2",
        scale=(-10, 10),
        democracy=8,
        autocracy=3,
        reason="stable at both ends: stricter than the usual line of 6 (Kasuya & Mori 2022, "
        "https://doi.org/10.1080/13569775.2021.1993564), with room between the two; classes in the style of "
        "Simmons (2009), https://doi.org/10.1017/CBO9780511811340",
        sources=("polity5",),
        read=polity2,
    ),
    RegimeSource(
        id="row",
        label="Regimes of the World classes (row, 0 to 3)",
        column="row",
        scale=(0, 3),
        democracy=2,
        autocracy=1,
        reason="the authors' own line: 0 and 1 are closed and electoral autocracy, 2 and 3 electoral and "
        "liberal democracy; Lührmann, Tannenberg & Lindberg (2018), https://doi.org/10.17645/pag.v6i1.1214",
        sources=("ert", "codelist_panel", "cowstates"),
        read=row,
    ),
    RegimeSource(
        id="polyarchy",
        label="V-Dem electoral democracy scores (polyarchy, 0 to 1)",
        column="polyarchy",
        scale=(0, 1),
        democracy=0.5,
        autocracy=0.39,
        reason="0.5 is the usual line, which Regimes of the World draws; 0.39 is where the index agrees best "
        "with dichotomous measures; scores between the two are in dispute. Kasuya & Mori (2022), "
        "https://doi.org/10.1080/13569775.2021.1993564",
        sources=("vdem_simple", "codelist_panel", "cowstates"),
        read=polyarchy,
    ),
    RegimeSource(
        id="bmr",
        label="Boix-Miller-Rosato codes (bmr, 0 or 1)",
        column="bmr",
        scale=(0, 1),
        democracy=1,
        autocracy=0,
        reason="dichotomous by construction; Boix, Miller & Rosato (2013), "
        "https://doi.org/10.1177/0010414012463905",
        sources=("bmr", "cowstates"),
        read=bmr,
    ),
)

REGIME_SOURCES: Final[dict[str, RegimeSource]] = {source.id: source for source in _ALL}
"""Sources of regime scores on offer, by id."""


def get_regime_source(source_id: str) -> RegimeSource:
    """The source of that id.

    Raises
    ------
    InputError
        If there is none; names the nearest.
    """
    if source_id not in REGIME_SOURCES:
        raise InputError(f"unknown regime source {source_id!r}; {nearest(str(source_id), REGIME_SOURCES)}")
    return REGIME_SOURCES[source_id]
