"""Controls of the country-year panel, each from one source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_hr.data.crosswalk import gw_to_cow
from bayes_hr.data.messages import nearest
from bayes_hr.data.parsed import read_source
from bayes_hr.errors import InputError

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


def gdppc_wdi() -> pd.DataFrame:
    """Natural log of GDP per capita, constant US dollars (World Bank and others), 1950-2017."""
    frame = _positive(read_source("isa_gdp"), "gdppc")
    frame = frame.assign(ccode=gw_to_cow(frame)).drop_duplicates(["ccode", "year"])
    return _logged(frame, "gdppc", "log_gdppc_wdi")


def interstate() -> pd.DataFrame:
    """1 where the state is a first party to an interstate conflict of 25 or more deaths in the year."""
    frame = read_source("ucdp_acd")
    frame = frame[frame["type"] == "interstate"]
    rows = frame[["year"]].assign(ccode=gw_to_cow(frame), interstate_conflict=1.0)
    return rows.drop_duplicates(["ccode", "year"])[["ccode", "year", "interstate_conflict"]]


def judicial_independence() -> pd.DataFrame:
    """Latent judicial independence from 0 to 1, posterior mean (Linzer & Staton 2015), 1948-2012.

    https://doi.org/10.1086/682150
    """
    frame = read_source("lji").rename(columns={"lji": "judicial_independence"})
    return frame[["ccode", "year", "judicial_independence"]]


def high_court() -> pd.DataFrame:
    """V-Dem's high-court independence (``v2juhcind``, a measurement model's interval scale)."""
    return read_source("vdem_subset")[["ccode", "year", "v2juhcind"]]


def durability() -> pd.DataFrame:
    """Polity5 ``durable``: years since the last change of three points or more, or since 1800."""
    return read_source("polity5")[["ccode", "year", "durable"]].rename(columns={"durable": "durability"})


def igo_count() -> pd.DataFrame:
    """Number of IGOs of which the state is a full member (COW IGO v3); missing codes count as 0."""
    from bayes_hr.data.igo import MEMBERSHIP_SOURCE

    table = read_source(MEMBERSHIP_SOURCE)[["ccode", "year", "code"]]
    counts = (table["code"] == 1).groupby([table["ccode"], table["year"]]).sum()
    return counts.rename("igo_count").astype("float64").reset_index()


CONTROLS: Final = (
    Control("log_gdppc", "log GDP per capita (thousand international dollars)", "vdem_subset", log_gdppc),
    Control("log_population", "log population (thousands)", "cow_nmc", log_population),
    Control(
        "conflict", "intrastate armed conflict in the year (0/1)", "ucdp_acd", conflict, 0.0, mediator=True
    ),
    Control("polity2", "polity2 (-10 to 10)", "polity5", polity2, mediator=True),
)
"""The controls that every panel has."""

MORE: Final = (
    Control("log_gdppc_wdi", "log GDP per capita (constant US dollars)", "isa_gdp", gdppc_wdi),
    Control(
        "interstate_conflict",
        "interstate conflict in the year (0/1)",
        "ucdp_acd",
        interstate,
        0.0,
        mediator=True,
    ),
    Control(
        "judicial_independence",
        "latent judicial independence (0 to 1): a treaty works through courts",
        "lji",
        judicial_independence,
        mediator=True,
    ),
    Control(
        "v2juhcind",
        "V-Dem high-court independence (interval scale): a treaty works through courts",
        "vdem_subset",
        high_court,
        mediator=True,
    ),
    Control(
        "durability",
        "years since the last regime change (Polity): change may follow ratification",
        "polity5",
        durability,
        mediator=True,
    ),
    Control("igo_count", "IGOs of which the state is a full member", "cow_igo_state_year", igo_count),
)
"""Controls on demand."""

KNOWN: Final[dict[str, Control]] = {control.name: control for control in (*CONTROLS, *MORE)}
"""Every control on offer, by name."""


@dataclass(frozen=True)
class Wanted:
    """Which controls a panel has, with lags and country means.

    Attributes
    ----------
    controls : tuple of Control
        In the order of the columns.
    lags : dict of str to int
        Control to calendar years: a further column ``<name>_lag<years>`` with the country's value so many
        years before, from the source itself; missing where that year is.
    means : tuple of str
        Controls whose country means over the panel's rows that have a value are a further column,
        ``<name>_mean`` (Mundlak). A design may drop rows after that.
    """

    controls: tuple[Control, ...]
    lags: dict[str, int]
    means: tuple[str, ...]

    @classmethod
    def of(
        cls, controls: Sequence[str] | None, lags: Mapping[str, int] | None, means: Sequence[str]
    ) -> Wanted:
        """Check names and lags; None takes :data:`CONTROLS`.

        Raises
        ------
        InputError
            If a control is unknown (names the nearest) or not chosen, or a lag is no whole number of years.
        """
        names = [control.name for control in CONTROLS] if controls is None else list(controls)
        lags = dict(lags or {})
        for option, text in (("controls", controls), ("means", means)):
            if isinstance(text, str):
                raise InputError(f"{option}: a list of names is needed, not {text!r}")
        for option, given in (("controls", names), ("lags", lags), ("means", means)):
            for name in given:
                if name not in KNOWN:
                    raise InputError(f"{option}: unknown control {name!r}; {nearest(str(name), KNOWN)}")
                if name not in names:
                    raise InputError(
                        f"{option}: {name!r} is not among the panel's controls; add it to controls"
                    )
        for name, years in lags.items():
            if not isinstance(years, int) or isinstance(years, bool) or years < 1:
                raise InputError(f"lags: {name!r} = {years!r} is no whole number of years from 1 on")
        return cls(tuple(KNOWN[name] for name in dict.fromkeys(names)), lags, tuple(means))

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in order."""
        lagged = [f"{name}_lag{years}" for name, years in self.lags.items()]
        return [*(c.name for c in self.controls), *lagged, *(f"{name}_mean" for name in self.means)]

    def options(self) -> dict[str, object]:
        """What differs from the default, as JSON types: a default panel keeps the options it always had."""
        names = [control.name for control in self.controls]
        out: dict[str, object] = {} if self.controls == CONTROLS else {"controls": names}
        out |= {"lags": self.lags} if self.lags else {}
        return out | ({"means": list(self.means)} if self.means else {})


def _positive(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame[frame[column] > 0]


def _logged(frame: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    import numpy as np

    return frame[["ccode", "year"]].assign(**{name: np.log(frame[column])})
