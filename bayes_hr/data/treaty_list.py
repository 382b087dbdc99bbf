"""The treaties on offer: sources, opening years, and what holds of states that are no longer listed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bayes_hr.data.messages import nearest
from bayes_hr.errors import InputError

THROUGHOUT: Final = 1816
"""First year of the COW state system: unknown from then on is unknown in every year."""

LAST_YEAR: Final = {260: 1990, 265: 1990, 315: 1992, 680: 1990}
"""Last year of states that ended: West and East Germany, Czechoslovakia, South Yemen."""

UNLISTED: Final = (265, 315)
"""East Germany and Czechoslovakia: parties to treaties, but the depositary lists no date of theirs."""

YUGOSLAVIA: Final = 345
"""COW number of Yugoslavia and Serbia; a succession that is listed for Serbia is not Yugoslavia's date."""


@dataclass(frozen=True)
class Unknown:
    """Why it is not known whether a state was a party from the year `start` on."""

    start: int
    why: str


@dataclass(frozen=True)
class Treaty:
    """A treaty and where its dates come from.

    Attributes
    ----------
    id, title : str
        Short and full name.
    opened : int
        Year in which it opened for signature.
    sources : tuple of str
        Source ids: exact dates, then status by year.
    predecessors : dict of int to int
        COW number to ratification year of states that the depositary no longer lists under their own name.
    same_as : dict of int to int
        COW number of a former state to that of the state whose listed date is the former state's own.
    unknown : dict of int to Unknown
        COW numbers of states for which the listed dates do not say whether they were a party.
    status_years : bool
        Whether the years of the year-only source are years of ratification; if not, a late year says only
        that the state became a party after the exact dates end.
    """

    id: str
    title: str
    opened: int
    sources: tuple[str, str]
    predecessors: dict[int, int] = field(default_factory=dict)
    same_as: dict[int, int] = field(default_factory=dict)
    unknown: dict[int, Unknown] = field(default_factory=dict)
    status_years: bool = True


def _treaty(
    name: str,
    title: str,
    opened: int,
    *,
    predecessors: dict[int, int] | None = None,
    same_as: dict[int, int] | None = None,
    unknown: dict[int, Unknown] | None = None,
    status_years: bool = True,
) -> Treaty:
    key = name.lower().replace("-", "_")
    sources = (f"untreaties_{key}", f"hr_status_{key}")
    return Treaty(
        name, title, opened, sources, predecessors or {}, same_as or {}, unknown or {}, status_years
    )


_CAT: Final = "Convention against Torture and Other Cruel, Inhuman or Degrading Treatment or Punishment"
_CEDAW: Final = "Convention on the Elimination of All Forms of Discrimination against Women"
_ICCPR: Final = "International Covenant on Civil and Political Rights"
_GERMANY: Final = {260: 255}
_GERMANY_YEMEN: Final = {260: 255, 680: 679}
_NORTH_YEMEN: Final = Unknown(
    THROUGHOUT, "the listed date is that of Democratic Yemen; an accession of North Yemen's own is not listed"
)

_ALL: Final = (
    _treaty("CAT", _CAT, 1984, predecessors={265: 1987, 315: 1988, 345: 1991}, same_as=_GERMANY),
    _treaty("OPCAT", f"Optional Protocol to the {_CAT}", 2003),
    _treaty("ICCPR", _ICCPR, 1966, predecessors={265: 1973, 315: 1975, 345: 1971}, same_as=_GERMANY_YEMEN),
    _treaty(
        "ICCPR-OP1",
        f"Optional Protocol to the {_ICCPR}",
        1966,
        same_as=_GERMANY,
        unknown={
            51: Unknown(1997, "denounced the protocol in 1997"),
            52: Unknown(2000, "denounced the protocol in 2000"),
            110: Unknown(THROUGHOUT, "the listed date (1999) is a second accession; the first is not listed"),
        },
    ),
    _treaty(
        "ICESCR",
        "International Covenant on Economic, Social and Cultural Rights",
        1966,
        same_as=_GERMANY_YEMEN,
    ),
    _treaty(
        "CERD",
        "International Convention on the Elimination of All Forms of Racial Discrimination",
        1966,
        same_as=_GERMANY_YEMEN,
        unknown={
            678: _NORTH_YEMEN,
            713: Unknown(
                THROUGHOUT, "ratified for China by the Republic of China; the depositary no longer lists it"
            ),
        },
        status_years=False,
    ),
    _treaty("CEDAW", _CEDAW, 1980, same_as=_GERMANY_YEMEN, unknown={678: _NORTH_YEMEN}),
    _treaty("CEDAW-OP", f"Optional Protocol to the {_CEDAW}", 1999),
    _treaty("CRC", "Convention on the Rights of the Child", 1990, same_as=_GERMANY),
    _treaty(
        "CMW",
        "International Convention on the Protection of the Rights of All Migrant Workers and Members of "
        "Their Families",
        1990,
    ),
    _treaty("CRPD", "Convention on the Rights of Persons with Disabilities", 2007),
    _treaty(
        "CPED",
        "International Convention for the Protection of All Persons from Enforced Disappearance",
        2007,
    ),
)

TREATIES: Final[dict[str, Treaty]] = {treaty.id: treaty for treaty in _ALL}
"""The treaties on offer. Predecessor years: end notes of the United Nations Treaty Collection,
https://treaties.un.org/pages/Treaties.aspx?id=4&subid=A. Opening years: the year in which signing began at
the United Nations (CEDAW on 1 March 1980, CRC on 26 January 1990, OPCAT on 4 February 2003), for CAT and CMW
that of the resolution that adopted them and opened them for signature."""


def get_treaty(treaty: str) -> Treaty:
    """The treaty of that id.

    Raises
    ------
    InputError
        If there is none; names the nearest.
    """
    if treaty not in TREATIES:
        raise InputError(f"unknown treaty {treaty!r}; {nearest(str(treaty), TREATIES)}")
    return TREATIES[treaty]
