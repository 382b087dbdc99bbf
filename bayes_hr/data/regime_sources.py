"""Sources of regime scores: column, range, and which scores make a democracy or an autocracy by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_hr.data.crosswalk import state_years
from bayes_hr.data.messages import nearest
from bayes_hr.data.parsed import read_source
from bayes_hr.data.vdem_codes import vdem_to_cow
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RegimeSource:
    """A source of regime scores, one score per country-year.

    Attributes
    ----------
    name : str
        Name by which panels refer to it.
    label : str
        What it is, for people.
    column : str
        Column of the scores; higher is more democratic.
    low, high : float
        Range of the scores.
    democracy, autocracy : float
        Default cut-offs: scores from `democracy` on are democratic, scores up to `autocracy` autocratic.
    reason : str
        Why these.
    sources : tuple of str
        Source ids: of the scores, and of what turns their country numbers into COW numbers.
    """

    name: str
    label: str
    column: str
    low: float
    high: float
    democracy: float
    autocracy: float
    reason: str
    sources: tuple[str, ...]


_ALL: Final = (
    RegimeSource(
        "polity5", "Polity5 polity2", "polity2", -10, 10, 8, 3,
        "a wide band between the two, so that the stable classes hold clear cases",
        ("polity5",),
    ),
    RegimeSource(
        "row", "Regimes of the World (0 closed, 1 electoral autocracy, 2 electoral, 3 liberal democracy)",
        "row", 0, 3, 2, 1,
        "the authors' own line between autocracies and democracies (Luehrmann, Tannenberg & Lindberg 2018)",
        ("ert", "codelist_panel"),
    ),
    RegimeSource(
        "polyarchy", "V-Dem electoral democracy index (v15)", "v2x_polyarchy", 0, 1, 0.5, 0.34,
        "democracy: what Regimes of the World asks of an electoral democracy; autocracy: the median of "
        "country-years at polity2 = 3, the cut-off of polity5",
        ("vdem_simple", "codelist_panel"),
    ),
    RegimeSource(
        "bmr", "Boix-Miller-Rosato (1 democracy, 0 not)", "bmr", 0, 1, 1, 0,
        "the coding has only these two",
        ("bmr",),
    ),
)  # fmt: skip

REGIME_SOURCES: Final[dict[str, RegimeSource]] = {source.name: source for source in _ALL}
"""Sources of regime scores on offer, by name.

``polyarchy`` comes from democracyData's V-Dem v15 and not from the v13 subset that GDP and the V-Dem outcomes
are read from: it goes three years further (2024) and has V-Dem's own country numbers, so that both V-Dem
sources take the same way to COW numbers.
"""


def get_regime_source(name: str) -> RegimeSource:
    """The source of regime scores of that name.

    Raises
    ------
    InputError
        If there is none; names the nearest.
    """
    if name not in REGIME_SOURCES:
        raise InputError(f"unknown regime source {name!r}; {nearest(str(name), REGIME_SOURCES)}")
    return REGIME_SOURCES[name]


def cut_offs(name: str, democracy: float | None, autocracy: float | None) -> tuple[float, float]:
    """Cut-offs on the scale of a source, its own where None is given.

    Parameters
    ----------
    name : str
        A key of :data:`REGIME_SOURCES`.
    democracy, autocracy : float or None
        Lowest score of a democracy, highest score of an autocracy.

    Returns
    -------
    tuple of float
        `democracy` and `autocracy`.

    Raises
    ------
    InputError
        If the source is unknown, a cut-off is outside its range, or the two overlap.
    """
    source = get_regime_source(name)
    democracy = source.democracy if democracy is None else democracy
    autocracy = source.autocracy if autocracy is None else autocracy
    if not source.low <= autocracy < democracy <= source.high:
        raise InputError(
            f"regime cut-offs: autocracy ({autocracy}) must be below democracy ({democracy}), "
            f"both from {source.low} to {source.high}, the range of {source.column} ({name})"
        )
    return democracy, autocracy


def regime_scores(name: str) -> pd.DataFrame:
    """Scores of a source by COW number: ``ccode, year`` and its column, missing where it has no score.

    Polity's country-years are those of its file. Those of the others are the years in which COW has the state
    in its system, since V-Dem also scores colonies and occupied countries, whose class a state does not
    inherit.

    Parameters
    ----------
    name : str
        A key of :data:`REGIME_SOURCES`.

    Raises
    ------
    InputError
        If the source is unknown.
    DataUnavailableError
        If a file cannot be read.
    """
    source = get_regime_source(name)
    frame = read_source(source.sources[0])
    if name == "polity5":
        return frame[["ccode", "year", source.column]]
    if "vdem" in frame.columns:
        frame = frame.assign(ccode=vdem_to_cow(frame))
        frame = frame[frame["ccode"].notna()].astype({"ccode": "int64"})
    states = state_years(int(frame["year"].min()), int(frame["year"].max()))
    frame = frame.merge(states, on=["ccode", "year"], how="inner", validate="1:1")
    return frame[["ccode", "year", source.column]].sort_values(["ccode", "year"]).reset_index(drop=True)
