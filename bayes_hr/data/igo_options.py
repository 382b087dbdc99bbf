"""Columns of the convergence panel, what can be chosen for its rows, and the checks of each choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from bayes_hr.data.messages import listed, nearest
from bayes_hr.errors import InputError

COLUMNS: Final = (
    "ccode",
    "country",
    "igo",
    "igo_name",
    "igo_type",
    "year",
    "phase",
    "k",
    "entry",
    "last",
    "score",
    "score_sd",
    "igo_mean",
    "n_others",
    "distance",
    "gap_signed",
    "founder",
    "left_censored",
    "exits",
)
"""Columns of dyad-years, in order."""

FLAG_COLUMNS: Final = ("imputed", "entry_inexact")
"""Columns that ``accuracy = "flag"`` adds."""

SD_COLUMNS: Final = ("igo_mean_sd", "gap_signed_sd", "distance_sd")
"""Columns that ``uncertainty = True`` adds."""

EXTRA_COLUMNS: Final = (*SD_COLUMNS, *FLAG_COLUMNS)
"""Columns of dyad-years that are there on request, in order."""

MEANS: Final = ("leave_one_out", "inclusive", "frozen")
ENTRIES: Final = ("latest", "first")
DISTANCES: Final = ("absolute", "signed")
STANDARDISE: Final = ("none", "year")
ACCURACY: Final = ("all", "flag", "recorded")
CONTROLS: Final = ("none", "never_joined")
IGO_TYPES: Final = ("political", "social", "economic", "unclassified")
MEMBER_CODES: Final = {1: "full", 2: "associate", 3: "observer"}
"""Membership codes that can count as membership."""

OUTCOME_OF: Final = {"absolute": "distance", "signed": "gap_signed"}
"""Outcome column for each choice of ``distance``."""


@dataclass(frozen=True)
class ConvergenceOptions:
    """How dyad-years are made.

    Attributes
    ----------
    mean : str
        ``"leave_one_out"``: mean of the other members of the year. ``"inclusive"``: the state is left in
        while it is a member (which fakes a fall at entry; the merge report says by how much).
        ``"frozen"``: mean of the year's scores over the *other* states that were members in the row's entry
        year, whether or not they still are; rows before entry use the members of the entry year too, rows
        after exit those of the last spell's entry year.
    min_others : int
        Fewest scored others; rows with fewer are dropped.
    membership : tuple of int
        Codes that count as membership (1 full, 2 associate, 3 observer), of the state itself and of those
        it is compared with. Other known codes count as not being a member.
    entry : str
        What ``k`` counts from after a re-entry: ``"latest"`` (the spell's own start) or ``"first"``.
    distance : str
        Which column is the outcome: ``"absolute"`` (``distance``) or ``"signed"`` (``gap_signed``). Both
        columns are always there.
    standardise : str
        ``"year"``: scores are standardised within each year over all scored states, before any mean.
    igos, types : tuple of str
        IGO codes and IGO types to keep; empty: all. Means do not depend on them.
    start, end : int, optional
        First and last year to keep. Phases come from the whole record.
    window : tuple of int, optional
        Keep rows from that many years before to that many years after an entry or exit: (before, after).
        An entry that cannot be dated (``left_censored``) has no window. Rows of phase "never" have none and
        stay.
    before : bool
        Keep rows before entry.
    accuracy : str
        What to do with rows whose membership was filled in between two records (``imputed`` in the
        memberships): ``"all"`` keeps them, ``"flag"`` keeps them and adds :data:`FLAG_COLUMNS`,
        ``"recorded"`` drops and counts them. Phases and entry years come from the whole record all the same:
        an entry dated from such records stays as uncertain as it was.
    uncertainty : bool
        Add :data:`SD_COLUMNS`, see :mod:`bayes_hr.data.igo_uncertainty`.
    controls : str
        ``"never_joined"``: add states of the members' region that never joined, as rows of phase "never";
        see :mod:`bayes_hr.data.igo_controls`.
    region_share : float
        Least share of an IGO's member-years that must be of the control's region, above 0 and at most 1.
    """

    mean: str = "leave_one_out"
    min_others: int = 5
    membership: tuple[int, ...] = (1,)
    entry: str = "latest"
    distance: str = "absolute"
    standardise: str = "none"
    igos: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    window: tuple[int, int] | None = None
    before: bool = True
    accuracy: str = "all"
    uncertainty: bool = False
    controls: str = "none"
    region_share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what no data could make valid; sequences become tuples.

        Raises
        ------
        InputError
            At the first wrong value; names the nearest valid one.
        """
        for name, valid in (
            ("mean", MEANS),
            ("entry", ENTRIES),
            ("distance", DISTANCES),
            ("standardise", STANDARDISE),
            ("accuracy", ACCURACY),
            ("controls", CONTROLS),
        ):
            one_of(name, getattr(self, name), valid)
        for name in ("igos", "types"):
            object.__setattr__(self, name, texts(name, getattr(self, name)))
        for kind in self.types:
            one_of("types", kind, IGO_TYPES)
        object.__setattr__(self, "membership", _membership(self.membership))
        _whole("min_others", self.min_others, 1)
        for name in ("start", "end"):
            if getattr(self, name) is not None:
                _whole(name, getattr(self, name), None)
        if self.start is not None and self.end is not None and self.start > self.end:
            raise InputError(f"start ({self.start}) is after end ({self.end})")
        object.__setattr__(self, "window", _window(self.window))
        for name in ("before", "uncertainty"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} must be True or False; got {getattr(self, name)!r}")
        _share(self.region_share)
        if self.controls != "none" and self.mean == "frozen":
            raise InputError(
                f"controls={self.controls!r} with mean='frozen': a state that never joined has no entry year "
                "to freeze the members at; take mean='leave_one_out'"
            )

    @property
    def outcome(self) -> str:
        """Name of the outcome column."""
        return OUTCOME_OF[self.distance]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, with the outcome column."""
        plain = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}
        return {"outcome": self.outcome, **plain}


def one_of(name: str, value: object, valid: Iterable[str]) -> None:
    """Refuse a value that is not among `valid`.

    Raises
    ------
    InputError
        Names the nearest.
    """
    options = list(valid)
    if value not in options:
        raise InputError(f"{name}: unknown value {value!r}; {nearest(str(value), options)}")


def texts(name: str, value: object) -> tuple[str, ...]:
    """A text or several as a tuple without repeats.

    Raises
    ------
    InputError
        If it is something else.
    """
    if isinstance(value, str):
        return (value,)
    items: list[Any] = list(value) if isinstance(value, Iterable) else [None]
    if not all(isinstance(item, str) for item in items):
        raise InputError(f"{name} must be a list of texts; got {value!r}")
    return tuple(dict.fromkeys(items))


def _membership(value: object) -> tuple[int, ...]:
    codes = [value] if isinstance(value, int) else value
    valid = ", ".join(f"{code} {name}" for code, name in MEMBER_CODES.items())
    if not isinstance(codes, Iterable) or isinstance(codes, str) or not (found := list(codes)):
        raise InputError(f"membership must be one or more of {valid}; got {value!r}")
    wrong = [code for code in found if isinstance(code, bool) or code not in MEMBER_CODES]
    if wrong:
        raise InputError(f"membership: {listed(wrong)} cannot count as membership; valid: {valid}")
    return tuple(sorted({int(code) for code in found}))


def _whole(name: str, value: object, least: int | None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
        limit = "" if least is None else f" of {least} or more"
        raise InputError(f"{name} must be a whole number{limit}; got {value!r}")


def _share(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise InputError(f"region_share must be a number above 0 and at most 1; got {value!r}")


def _window(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable) or len(pair := list(value)) != 2:
        raise InputError(f"window must be two numbers of years (before, after); got {value!r}")
    for years in pair:
        _whole("window (years before, years after)", years, 0)
    return pair[0], pair[1]
