"""What every family's design is made of: priors in outcome units, controls, and rows dropped with reasons."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from bayes_hr.data.merge import DropStep, drop_rows
from bayes_hr.data.messages import listed
from bayes_hr.design import CutPoints, PopulationTerm
from bayes_hr.errors import InputError
from bayes_hr.moving_cuts import CutWalk
from bayes_hr.prior_defaults import LOG_GAP, scaled_prior
from bayes_hr.priors import Prior, parse_prior
from bayes_hr.row_filter import matching_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from bayes_hr.cards import Card
    from bayes_hr.data.panel import Panel
    from bayes_hr.repeats import Repeats

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


def scale_of(card: Card, y: Array, repeats: Repeats | None = None) -> tuple[float, float]:
    """Scale unit and centre of a card's priors, in outcome units; over all rows, if `y` is of cells."""
    mean, sd = mean_sd(y, repeats, -1)
    unit = sd if card.outcome.scale == "sd" else float(card.outcome.scale)
    centre = mean if card.outcome.centre == "mean" else float(card.outcome.centre)
    return unit, centre


def mean_sd(values: Array, repeats: Repeats | None, at: int) -> tuple[float, float]:
    """Mean and SD of the rows, from values (n,) of cells and place ``at`` of their scatter."""
    if repeats is None:
        return float(np.mean(values)), float(np.std(values))
    return repeats.mean_sd(values, at)


MAX_CATEGORIES: Final = 12
"""Ordered categories of an outcome; more are better taken as a number."""


def check_categories(card: Card, y: Array) -> None:
    """Refuse an outcome that is no ordered categories, for a card that says it is.

    Raises
    ------
    InputError
        If a value is not a whole number, there are more than :data:`MAX_CATEGORIES` of them, or, with
        ``likelihood = "probit"`` or ``"logit"``, not exactly two.
    """
    name, likelihood = card.outcome.name, card.outcome.likelihood
    where = f'card {card.id}: outcome {name!r} with likelihood = "{likelihood}"'
    values = np.unique(y)
    broken = values[values != np.round(values)]
    if broken.size:
        raise InputError(
            f"{where} must hold whole numbers, one for each category; it has "
            f"{listed(map(_number, broken), 3)}. "
            'Number the categories from the lowest, or use likelihood = "gaussian".'
        )
    if values.size > MAX_CATEGORIES:
        raise InputError(
            f"{where} has {values.size} different values in the rows used; at most {MAX_CATEGORIES} "
            'categories can be told apart. Merge categories, or use likelihood = "gaussian".'
        )
    if likelihood in {"probit", "logit"} and values.size != 2:
        raise InputError(
            f"{where} must have two categories; the rows used have {values.size}: "
            f'{listed(map(_number, values), 12)}. Use likelihood = "ordered_{likelihood}".'
        )


def unused_categories(panel: pd.Series, used: pd.Series) -> list[str]:
    """A remark on the categories that the panel has and the rows used have not; none if there are none."""
    lost = sorted(set(panel.dropna().astype(float)) - set(used.astype(float)))
    if not lost:
        return []
    return [f"{used.name}: {listed(map(_number, lost), 12)} in no row used; the model has no such category"]


def _number(value: float) -> str:
    return f"{value:g}"


def cut_points(card: Card, y: Array, year: Index, priors: CardPriors) -> tuple[Array, CutPoints]:
    """Codes 0 to K - 1 (n,) of an ordinal outcome's values, and the cut-points between its categories.

    Raises
    ------
    InputError
        If cut-points are to move over the years (n,) of the rows, and there is one year only.
    """
    values, codes = np.unique(y, return_inverse=True)
    default = parse_prior(LOG_GAP, where="default prior")  # two categories have no gap
    log_gap = priors("log_gap") if "log_gap" in card.priors else default
    categories = tuple(int(v) for v in values)
    walk = _cut_walk(card, year, priors, gaps=values.size > 2) if card.outcome.moving else None
    return codes.astype(float), CutPoints(priors("cut_first"), log_gap, categories, card.outcome.link, walk)


def _cut_walk(card: Card, year: Index, priors: CardPriors, *, gaps: bool) -> CutWalk:
    """How cut-points move over the years of the rows (n,); two categories have no gap that could."""
    years, index = np.unique(year, return_inverse=True)
    if years.size < 2:
        raise InputError(
            f'card {card.id}: outcome.cut_points = "by_year" needs rows of two years or more; all are of '
            f'{years[0]}. Take outcome.cut_points = "fixed", or more years in `where`.'
        )
    gap = priors("sd_gap_shift") if gaps else None
    return CutWalk(tuple(years.tolist()), priors("sd_cutpoint_shift"), gap, index.astype(np.int64))


class CardPriors:
    """Priors of a card in outcome units, by key and, where a key has several, by term."""

    def __init__(self, card: Card, unit: float, centre: float) -> None:
        self._card, self._unit, self._centre = card, unit, centre

    def __call__(self, key: str, term: str | None = None, *, level: bool = False) -> Prior:
        """A prior; that of a ``level`` of the outcome is shifted by the card's centre."""
        text = self._card.priors[key]
        chosen = text[term] if isinstance(text, dict) and term is not None else str(text)
        prior = parse_prior(chosen, where=f"card {self._card.id}, priors.{key}")
        scaled = scaled_prior(key, prior, self._unit)
        if level:
            return Prior("normal", (scaled["mu"] + self._centre, scaled["sigma"]))
        return scaled


def need_numbers(card: Card, panel: Panel, frame: pd.DataFrame, names: Iterable[str]) -> None:
    """Refuse a panel without a column that the card needs, or with text in it.

    Raises
    ------
    InputError
        With the nearest column there is.
    """
    for name in names:
        if name not in frame.columns:
            if name in panel.unused:
                raise InputError(f"card {card.id}: column {name!r} must hold numbers, and it holds text.")
            near = difflib.get_close_matches(name, list(frame.columns), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"card {card.id}: the panel has no column {name!r}; it has {', '.join(frame.columns)}.{hint}"
            )
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise InputError(f"card {card.id}: column {name!r} must hold numbers, not {frame[name].dtype}.")


def lagged(frame: pd.DataFrame, name: str, lag: int) -> Array:
    """Value of a country-year column ``lag`` calendar years before; missing if that year is."""
    past = frame[["ccode", "year", name]].drop_duplicates(["ccode", "year"])
    past = past.assign(year=past["year"] + lag)
    merged = frame[["ccode", "year"]].merge(past, on=["ccode", "year"], how="left", validate="m:1")
    return merged[name].to_numpy(float)


def dropped(frame: pd.DataFrame, mask: pd.Series, reason: str) -> tuple[pd.DataFrame, DropStep]:
    """Drop rows; the step names the countries that are lost entirely."""
    left, step = drop_rows(frame, mask, reason)
    gone = sorted(set(frame["country"]) - set(left["country"]))
    names = f"countries lost: {', '.join(gone)}" if gone else "no country lost"
    return left, DropStep(step.reason, step.rows, step.countries, names)


def filtered(card: Card, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[DropStep]]:
    """Rows that the card's ``where`` keeps."""
    keep = matching_rows(frame, card.where)
    if keep.all():
        return frame, []
    frame, step = dropped(frame, ~keep, f"outside the card's filter: {card.where}")
    return need_rows(card, frame, [step]), [step]


def without_missing(
    card: Card, frame: pd.DataFrame, columns: Iterable[tuple[str, str]]
) -> tuple[pd.DataFrame, list[DropStep]]:
    """Rows that have every needed value; ``columns`` are pairs of what to call it and the column."""
    steps: list[DropStep] = []
    for label, column in columns:
        missing = frame[column].isna()
        if missing.any():
            frame, step = dropped(frame, missing, f"{label} missing")
            steps.append(step)
    return need_rows(card, frame, steps), steps


def need_rows(card: Card, frame: pd.DataFrame, steps: Iterable[DropStep]) -> pd.DataFrame:
    """The rows, if there are any.

    Raises
    ------
    InputError
        If none are left, with what took them.
    """
    if frame.empty:
        told = "; ".join(f"{s.reason}: {s.rows}" for s in steps)
        raise InputError(
            f"card {card.id}: no rows are left ({told}). Check `where`, the controls and the years."
        )
    return frame


def controls_term(
    card: Card, frame: pd.DataFrame, prior: Prior | None, repeats: Repeats | None = None
) -> tuple[PopulationTerm | None, dict[str, tuple[float, float]]]:
    """Coefficients of the controls (columns ``_x_<label>``), and each one's mean and SD.

    Raises
    ------
    InputError
        If a control has one value in the rows used.
    """
    standardised: dict[str, tuple[float, float]] = {}
    columns = []
    for k, control in enumerate(card.population):
        x = frame[f"_x_{control.label}"].to_numpy(float)
        centre, scale = mean_sd(x, repeats, k) if control.standardise else (0.0, 1.0)
        constant_in_cells = repeats is None or repeats.scatter[k, k] == 0.0
        if x.min() == x.max() and constant_in_cells:  # rounding can leave a constant a tiny SD
            raise InputError(f"card {card.id}: control {control.label!r} has one value in the rows used.")
        standardised[control.label] = (centre, scale)
        columns.append((x - centre) / scale)
    if not columns:
        return None, standardised
    labels: dict[str, tuple[str | int, ...]] = {"covariate": tuple(standardised)}
    return PopulationTerm("gamma", ("covariate",), labels, prior, np.stack(columns, 1)), standardised
