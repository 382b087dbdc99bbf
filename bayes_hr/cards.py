"""Cards: one published question, written down in TOML, with every default said out loud.

A card is strict: an unknown key is an error that names the nearest valid one.  The ``spec.toml``
which a fit writes is the same card with all defaults filled in, and is itself a valid card.  Each family of
questions has its own kind of card; what they share is :class:`Card`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self, cast

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from bayes_hr.card_options import (
    check_controls,
    check_dynamics,
    check_mundlak,
    check_ordinal,
    check_treaties,
    split_columns,
)
from bayes_hr.card_sections import (
    LATENT_SD,
    Covariate,
    Dynamics,
    ErrorModel,
    FitSettings,
    Group,
    Igo,
    Outcome,
    Regime,
    Rope,
    Section,
    StateYears,
    Thresholds,
    Time,
    Treaties,
    Treatment,
    Verdict,
    as_covariate,
    own_cut_offs,
    with_tuples,
)
from bayes_hr.constants import SCHEMA_VERSION
from bayes_hr.errors import InputError
from bayes_hr.prior_defaults import complete_priors, default_priors

PHASES: Final = ("before", "during", "after")
PHASE_TERMS: Final = tuple(f"{phase}{kind}" for phase in PHASES for kind in ("", "_slope"))
"""Level and slope of each phase of membership, in the order of every table."""


class Card(Section):
    """A question, its data, its model, its priors and how it is fitted: what all families share.

    Every section is described by its own class; ``priors`` maps a parameter to a prior in text form,
    in units of ``outcome.scale`` (see :mod:`bayes_hr.priors`).
    """

    group_terms: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Groups that cards of this family may have, and the varying coefficients of each."""

    optional_terms: ClassVar[frozenset[str]] = frozenset()
    """Varying coefficients that a group has only if its card names them."""

    schema_version: Literal[1] = SCHEMA_VERSION
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
    question: Annotated[str, Field(min_length=10)]
    family: str
    panel: str
    where: str = ""
    outcome: Outcome
    groups: tuple[Group, ...]
    population: tuple[Annotated[Covariate, BeforeValidator(as_covariate)], ...] = ()
    time: Time = Time()
    error: ErrorModel = ErrorModel()
    priors: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    estimands: tuple[str, ...]
    rope: Rope = Rope()
    fit: FitSettings = FitSettings()
    verdict: Verdict = Verdict()
    caution: str = ""
    in_the_style_of: str = ""
    sources: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_family(cls, data: Any) -> Any:
        data = with_tuples(data)
        if isinstance(data, dict) and isinstance(data.get("groups"), tuple):
            data["groups"] = tuple(cls._with_terms(g) for g in data["groups"])
        return data

    @classmethod
    def _with_terms(cls, group: Any) -> Any:
        """A group that names no varying coefficients gets all that its family has for it."""
        if not isinstance(group, dict) or "terms" in group or group.get("name") not in cls.group_terms:
            return group
        return {**group, "terms": [t for t in cls.group_terms[group["name"]] if t not in cls.optional_terms]}

    @model_validator(mode="after")
    def _groups_and_priors(self) -> Self:
        self._check_groups()
        check_controls(self)
        object.__setattr__(self, "priors", complete_priors(self))
        return self

    @classmethod
    def _all_estimands(cls, data: dict[str, Any]) -> tuple[str, ...]:
        """What a card asks for if it does not say."""
        return tuple(cls.model_fields["estimands"].default)

    def _check_groups(self) -> None:
        """Refuse varying coefficients that the family's design does not have."""
        for group in self.groups:
            valid = self.group_terms.get(group.name, ())
            if not group.terms:
                raise ValueError("groups: terms must name each varying coefficient once")
            for term in group.terms:
                if term not in valid:
                    raise ValueError(
                        f"groups.{group.name}.terms: there is no {term!r}; valid: {', '.join(valid)}"
                    )

    def _own(self) -> dict[str, Any]:
        """The card without what it would have by default."""
        data = self.model_dump(mode="json", exclude_none=True)
        default = default_priors(self)
        data["priors"] = {key: prior for key, prior in self.priors.items() if prior != default[key]}
        if self.estimands == self._all_estimands(data):
            del data["estimands"]
        return data

    def to_toml(self) -> str:
        """The card with every default spelled out, as TOML that reads back to an equal card."""
        import tomli_w

        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True), multiline_strings=False)

    def replace(self, **changes: Any) -> Self:
        """Return a changed card, checked anew; a section takes a dict of its changed keys.

        Example: ``card.replace(fit={"draws": 500}, error={"kind": "iid"})``.  Default priors, estimands and
        regime cut-offs are those of the changed model; the card's own stay.
        """
        data = self._own()
        for key, value in changes.items():
            section = data.get(key)
            data[key] = (
                {**section, **value} if isinstance(section, dict) and isinstance(value, dict) else value
            )
        return cast("Self", parse_card(data, where=f"card {self.id}, changed"))


class RatificationCard(Card):
    """Does ratification change practice, and where?  Model R (:mod:`bayes_hr.ratification_design`)."""

    group_terms: ClassVar[dict[str, tuple[str, ...]]] = {"country": ("intercept", "ratified", "trend")}
    optional_terms: ClassVar[frozenset[str]] = frozenset({"trend"})

    family: Literal["ratification"] = "ratification"
    panel: Literal["ratification", "simulated"] = "ratification"
    treatment: Treatment
    regime: Regime = Regime()
    dynamics: Dynamics = Dynamics()
    groups: tuple[Group, ...] = (Group(name="country", terms=("intercept", "ratified")),)
    estimands: tuple[
        Literal["regime", "contrast", "country", "average", "probability", "long_run", "between", "standard"],
        ...,
    ] = ("regime", "contrast", "country", "average")

    @model_validator(mode="before")
    @classmethod
    def _estimands_of_the_outcome(cls, data: Any) -> Any:
        if isinstance(data, dict) and "estimands" not in data:
            return {**data, "estimands": cls._all_estimands(data)}
        return data

    @classmethod
    def _all_estimands(cls, data: dict[str, Any]) -> tuple[str, ...]:
        """Probabilities too, of an ordinal outcome; the long run, of a lagged one; country means, if any."""
        outcome, dynamics = data.get("outcome"), data.get("dynamics")
        ordinal = isinstance(outcome, dict) and outcome.get("likelihood") in LATENT_SD
        lagged = isinstance(dynamics, dict) and dynamics.get("lagged_outcome") is True
        more = (("probability",) if ordinal else ()) + (("long_run",) if lagged else ())
        more += ("between",) if split_columns(data) else ()
        more += ("standard",) if isinstance(outcome, dict) and outcome.get("cut_points") == "by_year" else ()
        return super()._all_estimands(data) + more

    def _own(self) -> dict[str, Any]:
        """Without its source's cut-offs too: another source has others."""
        data = super()._own()
        data["regime"] = own_cut_offs(data["regime"])
        if self.dynamics.initial_outcome == self.dynamics.lagged_outcome:
            del data["dynamics"]["initial_outcome"]
        return data

    @model_validator(mode="after")
    def _outcome_and_errors(self) -> Self:
        check_dynamics(self)
        check_mundlak(self)
        check_ordinal(self)
        if self.error.measurement_sd and self.outcome.likelihood != "gaussian":
            raise ValueError(
                f'error.measurement_sd is not offered for outcome.likelihood = "{self.outcome.likelihood}": '
                'take "gaussian", or leave it out'
            )
        return self

    def _check_groups(self) -> None:
        if [g.name for g in self.groups] != ["country"]:
            raise ValueError(
                'groups must hold exactly one entry with name = "country" in a ratification card'
            )
        super()._check_groups()


class ConvergenceCard(Card):
    """Do states align with their co-members?  Model C (:mod:`bayes_hr.convergence_design`)."""

    group_terms: ClassVar[dict[str, tuple[str, ...]]] = {
        "state": PHASE_TERMS,
        "igo": PHASE_TERMS,
        "dyad": ("intercept",),
    }

    family: Literal["convergence"]
    panel: Literal["convergence", "simulated"] = "convergence"
    igo: Igo = Igo()
    state_years: StateYears = StateYears()
    groups: tuple[Group, ...] = tuple(Group(name=n, terms=t) for n, t in group_terms.items())
    time: Time = Time(by="all")
    error: ErrorModel = ErrorModel(kind="iid")
    estimands: tuple[Literal["all", "state", "igo", "igo_type"], ...] = ("all", "state", "igo", "igo_type")
    thresholds: Thresholds = Thresholds()

    @model_validator(mode="before")
    @classmethod
    def _year_effects_of_all(cls, data: Any) -> Any:
        """A section given in part keeps this family's defaults for the rest."""
        if isinstance(data, dict):
            for key, default in (("time", {"by": "all"}), ("error", {"kind": "iid"})):
                if isinstance(data.get(key), dict):
                    data = {**data, key: {**default, **data[key]}}
        return data

    def _check_groups(self) -> None:
        names = [g.name for g in self.groups]
        if len(set(names)) != len(names) or not {"state", "igo"} <= set(names) <= set(self.group_terms):
            raise ValueError('groups must hold "state" and "igo", and may hold "dyad", in a convergence card')
        if self.outcome.ordinal:
            raise ValueError(
                'outcome.likelihood must be "gaussian" or "student_t" in a convergence card: a distance has '
                "no ordered categories"
            )
        if self.time.by != "all":
            raise ValueError('time.by = "all" is the only choice in a convergence card')
        if self.time.effects == "random_walk":
            raise ValueError('time.effects must be "unpooled", "pooled" or "none" in a convergence card')
        if self.error.measurement_sd:
            raise ValueError(
                "error.measurement_sd is not offered in a convergence card: error of a score folds into its "
                "distance, and is shared by the state's dyads"
            )
        if self.error.kind != "iid":
            raise ValueError(
                'error.kind must be "iid" in a convergence card: the dependence over years is that of the '
                'state-years (state_years.effects = "ar1")'
            )
        super()._check_groups()


class TreatiesCard(Card):
    """Which of several treaties goes with a change?  Model T (:mod:`bayes_hr.treaties_design`)."""

    group_terms: ClassVar[dict[str, tuple[str, ...]]] = {"country": ("intercept", "common", "treaties")}
    optional_terms: ClassVar[frozenset[str]] = frozenset({"common"})

    family: Literal["treaties"]
    panel: Literal["treaties"] = "treaties"
    treatment: Treaties
    regime: Regime = Regime()
    groups: tuple[Group, ...] = (Group(name="country", terms=("intercept", "treaties"), correlated=False),)
    estimands: tuple[Literal["mean", "treaty", "treaty_regime", "contrast", "country"], ...] = (
        "mean",
        "treaty",
        "treaty_regime",
        "contrast",
    )

    @classmethod
    def _with_terms(cls, group: Any) -> Any:
        group = super()._with_terms(group)
        many = isinstance(group, dict) and "treaties" in (group.get("terms") or ())
        return {"correlated": False, **group} if many else group

    def _own(self) -> dict[str, Any]:
        """Without its source's cut-offs too."""
        return {**(data := super()._own()), "regime": own_cut_offs(data["regime"])}

    def _check_groups(self) -> None:
        check_treaties(self)
        super()._check_groups()


FAMILIES: Final[dict[str, type[Card]]] = {
    "ratification": RatificationCard,
    "treaties": TreatiesCard,
    "convergence": ConvergenceCard,
}
"""Kinds of cards, by ``family`` (a card that names none is about ratification)."""


def parse_card(data: dict[str, Any], *, where: str) -> Card:
    """Check the contents of a card.

    Raises
    ------
    InputError
        One message that lists every key that is wrong, and the nearest valid key where there is one.
    """
    family = data.get("family", "ratification")
    if not isinstance(family, str) or family not in FAMILIES:
        near = difflib.get_close_matches(str(family), FAMILIES, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"{where}: family must be one of {', '.join(FAMILIES)} (given: {family!r}){hint}")
    try:
        return FAMILIES[family].model_validate(data)
    except ValidationError as error:
        problems = "; ".join(_explain(e, FAMILIES[family]) for e in error.errors())
        raise InputError(f"{where}: {problems}.") from error


def _explain(error: Any, kind: type[Card]) -> str:
    """One pydantic error in a reader's words."""
    unknown = error["type"] == "extra_forbidden"
    path = [p for p in error["loc"][:-1] if not _is_branch(p)]
    path += [p for p in error["loc"][-1:] if unknown or not _is_branch(p)]
    key = ".".join(str(part) for part in path) or "card"
    if unknown:
        valid = _valid_keys(path[:-1], kind)
        near = difflib.get_close_matches(str(path[-1]), valid, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"valid keys here: {', '.join(valid)}"
        return f"unknown key {key!r} ({hint})"
    if error["type"] == "missing":
        return f"key {key!r} is missing"
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    given = error.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool | list) else ""
    return f"{key}: {message}{shown}" if path else f"{message}{shown}"


def _is_branch(part: Any) -> bool:
    """Whether a part of pydantic's path is a branch of a union (``literal['sd']``), not a key of the card."""
    return (
        isinstance(part, str)
        and re.search(r"^(constrained-float|float|int|bool|str)$|^[a-z-]+\[", part) is not None
    )


def _valid_keys(path: list[Any], kind: type[Card]) -> list[str]:
    """Keys that the section at ``path`` knows."""
    model: Any = kind
    sections = {"groups": Group, "population": Covariate}
    for part in path:
        if isinstance(part, str) and part in sections:
            model = sections[part]
        elif isinstance(part, str) and part in model.model_fields:
            annotation = model.model_fields[part].annotation
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                model = annotation
    return list(model.model_fields)


def cards_folder() -> Path:
    """Folder of the shipped cards: inside the wheel, or ``models/`` at the root of a checkout."""
    inside = Path(__file__).parent / "models"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "models"


def list_cards() -> dict[str, Path]:
    """Identifiers of the shipped cards and their files."""
    return {path.stem: path for path in sorted(cards_folder().glob("*.toml"))}


def load_card(card: str | Path) -> Card:
    """Read a card by the identifier of a shipped one or by the path of a TOML file.

    Raises
    ------
    InputError
        Unknown identifier (with the nearest one), unreadable file, bad TOML, or a key that is wrong.
    """
    path = Path(card)
    shipped = list_cards()
    if str(card) in shipped:
        path = shipped[str(card)]
    elif path.suffix != ".toml":
        near = difflib.get_close_matches(str(card), shipped, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InputError(
            f"no card is called {str(card)!r}; shipped cards: {', '.join(shipped)}.{hint} "
            "A card of your own is given by the path of its .toml file."
        )
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"card {path}: cannot be read ({error}).") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"card {path}: not valid TOML ({error}).") from error
    return parse_card(data, where=f"card {path}")
