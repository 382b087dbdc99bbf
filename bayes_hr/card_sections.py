"""The sections of a card: outcome, treatment, groups and the rest, each a strict table of its own."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bayes_hr.constants import LOGISTIC_SD
from bayes_hr.data.regime_sources import REGIME_SOURCES, RegimeSource
from bayes_hr.data.regimes import BY_YEAR, TRAILING

LATENT_SD: Final = {"ordered_probit": 1.0, "probit": 1.0, "ordered_logit": LOGISTIC_SD, "logit": LOGISTIC_SD}
"""Likelihoods of ordered categories of a latent outcome, and the SD of its residuals."""


class Section(BaseModel):
    """A table of a card: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def with_tuples(data: Any) -> Any:
    """A table with its lists as tuples; anything else is left for the checks to refuse."""
    if not isinstance(data, dict):
        return data
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}


class Outcome(Section):
    """The dependent variable.

    ``scale`` is the unit in which the card's priors are written, in outcome units: a number (1.0 for
    a latent score, which is on a standard-normal scale by construction) or ``"sd"``, the standard
    deviation of the outcome over the rows used.  ``centre`` is where the prior of the intercept is
    centred: a number or ``"mean"``, the mean over the rows used.  The numbers are recorded and reported.

    ``likelihood = "ordered_probit"`` or ``"ordered_logit"`` is for ordered categories (whole numbers, at most
    12), ``"probit"`` or ``"logit"`` for exactly two.  They are parts of a latent outcome, whose residuals are
    standard normal (SD 1) or standard logistic (SD pi / sqrt 3 = 1.81).  That SD is the unit of the priors,
    so that the same priors say the same of the categories under both: ``scale`` is 1 or 1.81 and ``centre``
    0, whatever a card says.  A logit's scales of effects are 1.81 times those written in the card, and its
    log gaps of cut-points log 1.81 = .595 higher.

    ``cut_points = "by_year"`` lets the thresholds between ordered categories move over the years, as random
    walks with mean deviation zero (:mod:`bayes_hr.moving_cuts`): a changing standard of accountability.  They
    absorb whatever moves all countries alike in a year, so that there are no year effects beside them.
    """

    name: str
    likelihood: Literal["gaussian", "student_t", "ordered_probit", "probit", "ordered_logit", "logit"] = (
        "gaussian"
    )
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["sd"] = "sd"
    centre: Annotated[float, Field(allow_inf_nan=False)] | Literal["mean"] = "mean"
    label: str = ""
    higher_is_better: bool = True
    cut_points: Literal["fixed", "by_year"] = "fixed"

    @model_validator(mode="before")
    @classmethod
    def _latent_scale(cls, data: Any) -> Any:
        latent = LATENT_SD.get(str(data.get("likelihood"))) if isinstance(data, dict) else None
        return data if latent is None else {**data, "scale": latent, "centre": 0.0}

    @model_validator(mode="after")
    def _cut_points_of_categories(self) -> Self:
        if self.moving and not self.ordinal:
            raise ValueError(
                f'cut_points = "by_year" is not offered for likelihood = "{self.likelihood}", which has no '
                'categories: take "ordered_probit" or "ordered_logit" ("probit" or "logit" for two), or '
                "leave it out"
            )
        return self

    @property
    def moving(self) -> bool:
        """Whether the cut-points between ordered categories move over the years."""
        return self.cut_points == "by_year"

    @property
    def ordinal(self) -> bool:
        """Whether the outcome is ordered categories."""
        return self.likelihood in LATENT_SD

    @property
    def link(self) -> str:
        """Distribution of a latent outcome's residuals: ``"probit"`` or ``"logit"``; empty without one."""
        return self.likelihood.removeprefix("ordered_") if self.ordinal else ""

    @property
    def effect_scale(self) -> str:
        """What effects are measured in."""
        return f"latent {self.link} scale" if self.ordinal else self.label or self.name


class Treatment(Section):
    """The treaty; ``D = 1`` from ``lag`` full years after ratification on.

    ``mundlak`` puts the country means of D by class beside it, so that effects are those within countries.
    """

    name: str
    lag: Annotated[int, Field(ge=0, le=20)] = 1
    pooling: Literal["none", "partial"] = "none"
    mundlak: bool = False


class Treaties(Section):
    """Several treaties; ``D_k = 1`` from ``lag`` full years after ratification of treaty k on."""

    names: tuple[str, ...]
    lag: Annotated[int, Field(ge=0, le=20)] = 1

    @model_validator(mode="before")
    @classmethod
    def _tuples_from_lists(cls, data: Any) -> Any:
        return with_tuples(data)

    @model_validator(mode="after")
    def _several(self) -> Self:
        if len(self.names) < 2:
            raise ValueError(
                'names must hold two treaties or more; for one take family = "ratification" with '
                'treatment = {name = "..."}'
            )
        if len(set(self.names)) != len(self.names):
            raise ValueError("names must hold each treaty once")
        odd = [n for n in self.names if set(n) & set("/:[],") or n in {"", "intercept", "common"}]
        if odd:
            raise ValueError(
                f"names: {odd[0]!r} cannot be the name of a treaty, since names become labels of effects: "
                'leave out / : [ ] and commas, and do not call it "intercept" or "common"'
            )
        return self


class Regime(Section):
    """How countries are put into regime classes; see :mod:`bayes_hr.data.regimes`.

    Cut-offs that are left out are the source's own (:data:`bayes_hr.data.regime_sources.REGIME_SOURCES`);
    the card that a fit writes has the numbers.
    """

    source: Literal["polity5", "row", "polyarchy", "bmr"] = "polity5"
    rule: Literal["before_treaty", "before_ratification", "whole_history", "window", "time_varying"] = (
        "before_treaty"
    )
    window: tuple[int, int] | None = None
    trailing: Annotated[int, Field(ge=1, le=50)] = TRAILING
    democracy: int | float = 8
    autocracy: int | float = 3

    @model_validator(mode="before")
    @classmethod
    def _window_from_list(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("window"), list):
            return {**data, "window": tuple(data["window"])}
        return data

    @model_validator(mode="before")
    @classmethod
    def _cut_offs_of_the_source(cls, data: Any) -> Any:
        if not isinstance(data, dict) or (source := _regime_source(data)) is None:
            return data
        return {"democracy": source.democracy, "autocracy": source.autocracy, **data}

    @model_validator(mode="after")
    def _window_belongs_to_rule(self) -> Self:
        if (self.rule == "window") != (self.window is not None):
            raise ValueError('window = [first, last] goes with rule = "window", and only with it')
        if self.window is not None and self.window[0] > self.window[1]:
            raise ValueError("window must be [first year, last year]")
        if self.trailing != TRAILING and self.rule != BY_YEAR:
            raise ValueError(f'trailing goes with rule = "{BY_YEAR}", and only with it')
        REGIME_SOURCES[self.source].cut_offs(self.democracy, self.autocracy)
        return self


def _regime_source(section: dict[str, Any]) -> RegimeSource | None:
    """The source that a regime section names; None if it is not one, which is for the checks to refuse."""
    source = section.get("source", "polity5")
    return REGIME_SOURCES.get(source) if isinstance(source, str) else None


def own_cut_offs(regime: dict[str, Any]) -> dict[str, Any]:
    """A regime section as JSON types, without the cut-offs that its source has by default."""
    default = Regime(source=regime["source"]).model_dump(include={"democracy", "autocracy"})
    return {k: v for k, v in regime.items() if k not in default or v != default[k]}


class Group(Section):
    """Varying intercepts and slopes by group.

    ``centred`` chooses the parametrisation per term when the effects are sampled: ``"auto"`` (not
    centred), one boolean, or one for each term.  It does not change the model.
    """

    name: str
    terms: tuple[str, ...] = ()
    correlated: bool = True
    centred: Literal["auto"] | bool | tuple[bool, ...] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _tuples_from_lists(cls, data: Any) -> Any:
        return with_tuples(data)

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if len(set(self.terms)) != len(self.terms):
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


def as_covariate(value: Any) -> Any:
    """A control given by its name alone, as a table."""
    return {"name": value} if isinstance(value, str) else value


class Covariate(Section):
    """A control; standardised over the rows used (mean and SD are recorded), lagged within country.

    ``mediator`` tags a control that ratification may itself change.  ``mundlak`` puts its country mean beside
    it, so that its coefficient is that within countries.
    """

    name: str
    lag: Annotated[int, Field(ge=0, le=20)] = 0
    standardise: bool = True
    mediator: bool = False
    mundlak: bool = False

    @property
    def label(self) -> str:
        """Coordinate of its coefficient, e.g. ``log_gdppc_lag1``."""
        return f"{self.name}_lag{self.lag}" if self.lag else self.name


class Time(Section):
    """Year effects: by regime class (``regime``), or common to all rows (``all``), each with a weak prior.

    ``unpooled`` gives every effect a normal prior of fixed scale (weakly regularised fixed effects);
    ``pooled`` estimates the common SD instead; ``random_walk`` that of yearly steps (:mod:`bayes_hr.walks`).
    """

    effects: Literal["unpooled", "pooled", "random_walk", "none"] = "unpooled"
    by: Literal["regime", "all"] = "regime"


class ErrorModel(Section):
    """Errors: AR(1) within country (gaps handled exactly) or independent of each other.

    ``measurement_sd`` names a column with the known SD of each country-year's outcome, in outcome units
    (``hrps_v402_sd``): independent normal measurement error on top of the errors above.  Empty: the outcome
    is taken as measured without error.
    """

    kind: Literal["ar1", "iid"] = "ar1"
    measurement_sd: str = ""


class Dynamics(Section):
    """The outcome of the year before among the regressors, with coefficient ``phi``.

    ``initial_outcome`` (the default where there is a lagged outcome) adds the outcome of the year before a
    country's first row: persistent countries start where their own level is, so that without it the country
    effects are correlated with the lagged outcome and ``phi`` is too large (Wooldridge 2005).
    """

    lagged_outcome: bool = False
    initial_outcome: bool = False

    @model_validator(mode="before")
    @classmethod
    def _initial_with_lagged(cls, data: Any) -> Any:
        if isinstance(data, dict) and "initial_outcome" not in data:
            return {**data, "initial_outcome": data.get("lagged_outcome", False)}
        return data


class Rope(Section):
    """Region of practical equivalence, in outcome units (those of the latent outcome where it is ordinal).

    A latent outcome's are not those of its priors: .1 of a probit, whose residual SD is 1, is .18 of a logit.
    ``probability``: changes of a probability up to this size are negligible (ordinal outcomes only).
    """

    lower: float = -0.1
    upper: float = 0.1
    scale: Literal["outcome"] = "outcome"
    probability: Annotated[float, Field(gt=0, lt=1)] = 0.05

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.lower < self.upper:
            raise ValueError("lower must be below upper")
        return self


class FitSettings(Section):
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


class Verdict(Section):
    """Thresholds of a PASS; a card may tighten them, never loosen them."""

    r_hat: Annotated[float, Field(gt=1, le=1.01)] = 1.01
    ess: Annotated[int, Field(ge=400)] = 400


class Igo(Section):
    """Which organisations, and what distance to their members means; see :mod:`bayes_hr.data.igo_dyads`.

    ``organisations`` (COW codes) and ``types`` choose; both empty takes all.  ``mean``: of the other members
    (``leave_one_out``), with the state in it (``inclusive``: a mechanical fall at entry comes with it), or of
    those who were members at entry (``frozen``).  ``gap`` keeps or drops the rows between two spells of
    membership.  ``dyads = "with_before"`` takes only pairs seen before entry.
    """

    score: str = "hrps_v402"
    organisations: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    mean: Literal["leave_one_out", "inclusive", "frozen"] = "leave_one_out"
    min_others: Annotated[int, Field(ge=1, le=100)] = 5
    membership: tuple[Literal[1, 2, 3], ...] = (1,)
    entry: Literal["latest", "first"] = "latest"
    standardise: Literal["none", "year"] = "none"
    window: tuple[int, int] | None = None
    gap: Literal["drop", "keep"] = "drop"
    dyads: Literal["all", "with_before"] = "all"

    @model_validator(mode="before")
    @classmethod
    def _tuples_from_lists(cls, data: Any) -> Any:
        return with_tuples(data)

    @property
    def options(self) -> dict[str, Any]:
        """Options of the panel, by their names there."""
        return {
            "score": self.score,
            "igos": self.organisations,
            "types": self.types,
            "mean": self.mean,
            "min_others": self.min_others,
            "membership": self.membership,
            "entry": self.entry,
            "standardise": self.standardise,
            "window": self.window,
        }


class StateYears(Section):
    """A state's own year: what moves its distance to all of its IGOs at once, AR(1) over its years.

    With it, *during* measures alignment with this IGO relative to the state's other IGOs of that year;
    without it, total alignment, and intervals far too narrow.  ``loading = "sign"`` lets a shock to the
    state's score push distances up where the state is above the mean and down where it is below.
    """

    effects: Literal["ar1", "none"] = "ar1"
    loading: Literal["common", "sign"] = "common"


class Thresholds(Section):
    """Smallest changes that count, for the hypotheses: per decade for a slope, outcome units for a jump."""

    slope: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.02
    jump: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.05
