"""Controls of the country-year panel, each from one source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_hr.data.crosswalk import gw_to_cow
from bayes_hr.data.parsed import read_source

if TYPE_CHECKING:
    import pandas as pd

INTRASTATE: Final = ("intrastate", "internationalized")
"""UCDP types 3 and 4: a government against rebels, without and with foreign troops."""


@dataclass(frozen=True)
class Control:
    """A control variable.

    Attributes
    ----------
    name : str
        Column in the panel.
    label : str
        What it is, with its unit.
    source : str
        Source id.
    read : callable
        Returns ``ccode, year, <name>`` without missing values.
    absent : float or None
        Value of a country-year within the source's years that the source does not list; None: missing.
    mediator : bool
        Whether ratification may change it, so that a companion fit leaves it out.
    """

    name: str
    label: str
    source: str
    read: Callable[[], pd.DataFrame]
    absent: float | None = None
    mediator: bool = False

    def values(self) -> tuple[pd.DataFrame, tuple[int, int]]:
        """Values without missing ones, and the first and last year they cover."""
        frame = self.read()
        frame = frame[frame[self.name].notna()]
        return frame, (int(frame["year"].min()), int(frame["year"].max()))


def log_gdppc() -> pd.DataFrame:
    """Natural log of GDP per capita, thousand international dollars (V-Dem's ``e_gdppc``).

    Fariss, Anders, Markowitz & Barnum (2022).

    https://doi.org/10.1177/00220027211054432
    """
    frame = _positive(read_source("vdem_subset"), "e_gdppc")
    return _logged(frame, "e_gdppc", "log_gdppc")


def log_population() -> pd.DataFrame:
    """Natural log of total population in thousands (COW National Material Capabilities)."""
    frame = _positive(read_source("cow_nmc"), "tpop")
    return _logged(frame, "tpop", "log_population")


def conflict() -> pd.DataFrame:
    """1 where the state's government fought an intrastate conflict of 25 or more battle deaths in the year.

    Counted for the government side only, wherever UCDP lists one; foreign troops on its side do not count.
    https://doi.org/10.1177/0022343302039005007
    """
    frame = read_source("ucdp_acd")
    frame = frame[frame["type"].isin(INTRASTATE)]
    rows = frame[["year"]].assign(ccode=gw_to_cow(frame), conflict=1.0)
    return rows.drop_duplicates(["ccode", "year"])[["ccode", "year", "conflict"]]


def polity2() -> pd.DataFrame:
    """Polity5 ``polity2`` (-10 to 10), missing where Polity has none."""
    return read_source("polity5")[["ccode", "year", "polity2"]]


CONTROLS: Final = (
    Control("log_gdppc", "log GDP per capita (thousand international dollars)", "vdem_subset", log_gdppc),
    Control("log_population", "log population (thousands)", "cow_nmc", log_population),
    Control(
        "conflict", "intrastate armed conflict in the year (0/1)", "ucdp_acd", conflict, 0.0, mediator=True
    ),
    Control("polity2", "polity2 (-10 to 10)", "polity5", polity2, mediator=True),
)
"""The controls of the panel."""


def _positive(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame[frame[column] > 0]


def _logged(frame: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    import numpy as np

    return frame[["ccode", "year"]].assign(**{name: np.log(frame[column])})
