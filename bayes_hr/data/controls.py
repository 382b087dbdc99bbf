"""Controls of the country-year panel, each from one source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bayes_hr.data.crosswalk import country_names, gw_to_cow
from bayes_hr.data.merge_parts import Duplicate
from bayes_hr.data.messages import nearest
from bayes_hr.data.parsed import read_source
from bayes_hr.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

INTRASTATE: Final = ("intrastate", "internationalized")
"""UCDP types 3 and 4: a government against rebels, without and with foreign troops."""

_NO_PATH: Final = "taken to be no mediator, as no short way leads from a treaty on rights to it"
"""Why a control is not tagged as a mediator."""


@dataclass(frozen=True)
class Control:
    """A control variable.

    Attributes
    ----------
    name : str
        Column in the panel.
    label : str
        What it is, with its unit, and why it may be a mediator or is taken to be none.
    source : str
        Source id.
    read : callable
        Returns ``ccode, year, <name>`` without missing values.
    absent : float or None
        Value of a country-year within the source's years that the source does not list; None: missing.
    mediator : bool
        Whether ratification may change it, so that a companion fit leaves it out.
    twice : callable or None
        Of a panel's rows, returns what the source has twice and which value `read` keeps; None: nothing.
    """

    name: str
    label: str
    source: str
    read: Callable[[], pd.DataFrame]
    absent: float | None = None
    mediator: bool = False
    twice: Callable[[pd.DataFrame], tuple[Duplicate, ...]] | None = None

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
    """Natural log of GDP per capita, constant US dollars (World Bank and others), 1950-2017.

    A COW number with two Gleditsch-Ward numbers in a year (Serbia and its predecessor in 2006) keeps
    the value of the later state; :func:`gdppc_wdi_twice` says so.
    """
    frame = _isa_gdp().drop_duplicates(["ccode", "year"])
    return _logged(frame, "gdppc", "log_gdppc_wdi")


def gdppc_wdi_twice(panel: pd.DataFrame) -> tuple[Duplicate, ...]:
    """Country-years of `panel` (``ccode, year``) with two Gleditsch-Ward numbers; dollars per head."""
    frame = _isa_gdp().merge(panel[["ccode", "year"]], on=["ccode", "year"])
    both = frame[frame.duplicated(["ccode", "year"], keep=False)]
    rule = "the state that lasted to the end of the year"
    out = []
    for (ccode, year), rows in both.groupby(["ccode", "year"]):
        given = [f"{row.gdppc:,.0f} (Gleditsch-Ward {row.gwno})" for row in rows.itertuples()]
        kept = f"{given[0]} kept in {year}"
        name = str(country_names()[ccode])
        out.append(Duplicate("log_gdppc_wdi", int(ccode), name, kept, " and ".join(given), rule))
    return tuple(out)


def _isa_gdp() -> pd.DataFrame:
    """Rows with a GDP per head, by COW number and year, the later state's (renumbered in COW) first."""
    frame = _positive(read_source("isa_gdp"), "gdppc")
    frame = frame.assign(ccode=gw_to_cow(frame))
    frame = frame.assign(earlier=frame["gwno"] == frame["ccode"])
    return frame.sort_values(["ccode", "year", "earlier", "gwno"])


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
    """Number of IGOs of which the state is known to be a full member (COW IGO v3).

    A lower bound: a missing code (-9) counts as no membership, and four state-years in five have one or more
    (28 at most).
    """
    from bayes_hr.data.igo import MEMBERSHIP_SOURCE

    table = read_source(MEMBERSHIP_SOURCE)[["ccode", "year", "code"]]
    counts = (table["code"] == 1).groupby([table["ccode"], table["year"]]).sum()
    return counts.rename("igo_count").astype("float64").reset_index()


CONTROLS: Final = (
    Control(
        "log_gdppc",
        f"log GDP per capita (thousand international dollars): {_NO_PATH}",
        "vdem_subset",
        log_gdppc,
    ),
    Control("log_population", f"log population (thousands): {_NO_PATH}", "cow_nmc", log_population),
    Control(
        "conflict",
        "intrastate armed conflict in the year (0/1): repression that a treaty changes may feed rebellion",
        "ucdp_acd",
        conflict,
        0.0,
        mediator=True,
    ),
    Control(
        "polity2",
        "polity2 (-10 to 10): ratification may come with, or bring, a change of regime",
        "polity5",
        polity2,
        mediator=True,
    ),
)
"""The controls that every panel has."""

MORE: Final = (
    Control(
        "log_gdppc_wdi",
        f"log GDP per capita (constant US dollars): {_NO_PATH}",
        "isa_gdp",
        gdppc_wdi,
        twice=gdppc_wdi_twice,
    ),
    Control(
        "interstate_conflict",
        "interstate conflict in the year (0/1): a treaty may change how a state uses force",
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
    Control(
        "igo_count",
        f"IGOs of which the state is known to be a full member (a lower bound): {_NO_PATH}",
        "cow_igo_state_year",
        igo_count,
    ),
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
        years before, from the source itself; missing where that year is. Where the source lists events
        only (conflicts), a year before the state was in the COW system is missing, not 0.
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
