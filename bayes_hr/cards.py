"""Cards: one published question, written down in TOML, with every default said out loud.

A card is strict: an unknown key is an error that names the nearest valid one.  The ``spec.toml``
which a fit writes is the same card with all defaults filled in, and is itself a valid card.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bayes_hr.constants import SCHEMA_VERSION
from bayes_hr.errors import InputError
from bayes_hr.prior_defaults import complete_priors, default_priors

ESTIMANDS: Final = ("regime", "contrast", "country", "average")
TERMS: Final = ("intercept", "ratified")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _with_tuples(data: Any) -> Any:
    """A table with its lists as tuples; anything else is left for the checks to refuse."""
    if not isinstance(data, dict):
        return data
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}


class Outcome(_Section):
    """The dependent variable.

    ``scale`` is the unit in which the card's priors are written, in outcome units: a number (1.0 for
    a latent score, which is on a standard-normal scale by construction) or ``"sd"``, the standard
    deviation of the outcome over the rows used.  ``centre`` is where the prior of the intercept is
    centred: a number or ``"mean"``, the mean over the rows used.  The numbers are recorded and reported.
    """

    name: str
    likelihood: Literal["gaussian", "student_t"] = "gaussian"
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["sd"] = "sd"
    centre: Annotated[float, Field(allow_inf_nan=False)] | Literal["mean"] = "mean"
    label: str = ""
    higher_is_better: bool = True


class Treatment(_Section):
    """The treaty; ``D = 1`` from ``lag`` full years after ratification on."""

    name: str
    lag: Annotated[int, Field(ge=0, le=20)] = 1
    pooling: Literal["none", "partial"] = "none"


class Regime(_Section):
    """How countries are put into regime classes; see :mod:`bayes_hr.data.regimes`."""

    source: Literal["polity5"] = "polity5"
    rule: Literal["before_treaty", "before_ratification", "whole_history", "window"] = "before_treaty"
    window: tuple[int, int] | None = None
    democracy: int = 8
    autocracy: int = 3

    @model_validator(mode="before")
    @classmethod
    def _window_from_list(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("window"), list):
            return {**data, "window": tuple(data["window"])}
        return data

    @model_validator(mode="after")
    def _window_belongs_to_rule(self) -> Self:
        if (self.rule == "window") != (self.window is not None):
            raise ValueError('window = [first, last] goes with rule = "window", and only with it')
        if self.window is not None and self.window[0] > self.window[1]:
            raise ValueError("window must be [first year, last year]")
        if self.autocracy >= self.democracy:
            raise ValueError("autocracy (highest polity2 of an autocracy) must be below democracy")
        return self


class Group(_Section):
    """Varying intercepts and slopes by group.

    ``centred`` chooses the parametrisation per term when the effects are sampled: ``"auto"`` (not
    centred), one boolean, or one for each term.  It does not change the model.
    """

    name: str
    terms: tuple[Literal["intercept", "ratified"], ...] = TERMS
    correlated: bool = True
    centred: Literal["auto"] | bool | tuple[bool, ...] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _tuples_from_lists(cls, data: Any) -> Any:
        return _with_tuples(data)

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if not self.terms or len(set(self.terms)) != len(self.terms):
            raise ValueError("terms must name each varying coefficient once")
        if isinstance(self.centred, tuple) and len(self.centred) != len(self.terms):
            raise ValueError(f"centred has {len(self.centred)} entries for {len(self.terms)} terms")
        return self

    @property
    def centred_terms(self) -> tuple[bool, ...]:
        """Parametrisation of each term; ``"auto"`` is not centred."""
        if isinstance(self.centred, tuple):
            return self.centred
        return (self.centred is True,) * len(self.terms)


def _covariate(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Covariate(_Section):
    """A control; standardised over the rows used (mean and SD are recorded), lagged within country.

    ``mediator`` tags a control that ratification may itself change.
    """

    name: str
    lag: Annotated[int, Field(ge=0, le=20)] = 0
    standardise: bool = True
    mediator: bool = False

    @property
    def label(self) -> str:
        """Coordinate of its coefficient, e.g. ``log_gdppc_lag1``."""
        return f"{self.name}_lag{self.lag}" if self.lag else self.name


class Time(_Section):
    """Year effects: separate for each regime class by default, each with its own weak prior.

    ``unpooled`` gives every effect a normal prior of fixed scale (weakly regularised fixed effects);
    ``pooled`` estimates the common SD instead.
    """

    effects: Literal["unpooled", "pooled", "none"] = "unpooled"
    by: Literal["regime", "all"] = "regime"


class ErrorModel(_Section):
    """Errors: AR(1) within country (gaps handled exactly) or independent."""

    kind: Literal["ar1", "iid"] = "ar1"


class Rope(_Section):
    """Region of practical equivalence, in outcome units."""

    lower: float = -0.1
    upper: float = 0.1
    scale: Literal["outcome"] = "outcome"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.lower < self.upper:
            raise ValueError("lower must be below upper")
        return self


class FitSettings(_Section):
    """How the posterior is drawn; all of it is recorded with the fit.

    ``form``: ``integrated`` takes the country effects out of the sampling exactly and draws them
    afterwards; ``rows`` samples them; ``auto`` integrates where that is exact.
    """

    engine: Literal["auto", "gibbs", "nuts"] = "auto"
    sampler: Literal["nutpie", "pymc"] = "nutpie"
    form: Literal["auto", "integrated", "rows"] = "auto"
    chains: Annotated[int, Field(ge=1, le=64)] = 4
    draws: Annotated[int, Field(ge=10)] = 1500
    tune: Annotated[int, Field(ge=10)] = 600
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 20261122
    target_accept: Annotated[float, Field(gt=0.5, lt=1)] = 0.9


class Verdict(_Section):
    """Thresholds of a PASS; a card may tighten them, never loosen them."""

    r_hat: Annotated[float, Field(gt=1, le=1.01)] = 1.01
    ess: Annotated[int, Field(ge=400)] = 400


class Card(_Section):
    """A question, its data, its model, its priors and how it is fitted.

    Every section is described by its own class; ``priors`` maps a parameter to a prior in text form,
    in units of ``outcome.scale`` (see :mod:`bayes_hr.priors`).
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
    question: Annotated[str, Field(min_length=10)]
    family: Literal["ratification"] = "ratification"
    panel: Literal["ratification", "simulated"] = "ratification"
    where: str = ""
    outcome: Outcome
    treatment: Treatment
    regime: Regime = Regime()
    groups: tuple[Group, ...] = (Group(name="country"),)
    population: tuple[Annotated[Covariate, BeforeValidator(_covariate)], ...] = ()
    time: Time = Time()
    error: ErrorModel = ErrorModel()
    priors: dict[str, str | dict[str, str]] = {}
    estimands: tuple[Literal["regime", "contrast", "country", "average"], ...] = ESTIMANDS
    rope: Rope = Rope()
    fit: FitSettings = FitSettings()
    verdict: Verdict = Verdict()
    caution: str = ""
    sources: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _tuples_from_lists(cls, data: Any) -> Any:
        return _with_tuples(data)

    @model_validator(mode="after")
    def _groups_and_priors(self) -> Self:
        names = [g.name for g in self.groups]
        if names != ["country"]:
            raise ValueError(
                'groups must hold exactly one entry with name = "country" in a ratification card'
            )
        labels = [c.label for c in self.population]
        if len(set(labels)) != len(labels):
            raise ValueError(f"population names a control twice: {', '.join(labels)}")
        object.__setattr__(self, "priors", complete_priors(self))
        return self

    def to_toml(self) -> str:
        """The card with every default spelled out, as TOML that reads back to an equal card."""
        import tomli_w

        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True), multiline_strings=False)

    def replace(self, **changes: Any) -> Card:
        """Return a changed card, checked anew; a section takes a dict of its changed keys.

        Example: ``card.replace(fit={"draws": 500}, error={"kind": "iid"})``.  Default priors are those
        of the changed model; the card's own priors stay.
        """
        data = self.model_dump(mode="json", exclude_none=True)
        default = default_priors(self)
        data["priors"] = {key: prior for key, prior in self.priors.items() if prior != default[key]}
        for key, value in changes.items():
            section = data.get(key)
            data[key] = (
                {**section, **value} if isinstance(section, dict) and isinstance(value, dict) else value
            )
        return parse_card(data, where=f"card {self.id}, changed")


def parse_card(data: dict[str, Any], *, where: str) -> Card:
    """Check the contents of a card.

    Raises
    ------
    InputError
        One message that lists every key that is wrong, and the nearest valid key where there is one.
    """
    try:
        return Card.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(_explain(e) for e in error.errors())
        raise InputError(f"{where}: {problems}.") from error


def _explain(error: Any) -> str:
    """One pydantic error in a reader's words."""
    unknown = error["type"] == "extra_forbidden"
    path = [p for p in error["loc"][:-1] if not _is_branch(p)]
    path += [p for p in error["loc"][-1:] if unknown or not _is_branch(p)]
    key = ".".join(str(part) for part in path) or "card"
    if unknown:
        valid = _valid_keys(path[:-1])
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
        and re.search(r"^(constrained-float|float|bool|str)$|^[a-z-]+\[", part) is not None
    )


def _valid_keys(path: list[Any]) -> list[str]:
    """Keys that the section at ``path`` knows."""
    model: Any = Card
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
