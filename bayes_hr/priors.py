"""Prior distributions as a card writes them: ``normal(0, 0.5)``, ``half_normal(1)``, ``lkj(2)``.

A prior is data: its name and its numbers.  Both engines, the prior predictive check and the report
start from the same object, so a density cannot mean one thing in PyMC and another elsewhere.
Scales are in units of the card's ``outcome.scale`` (see :mod:`bayes_hr.cards`).
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bayes_hr.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PATTERN: Final = re.compile(r"^\s*([a-z_]+)\s*\(([^()]*)\)\s*$")


@dataclass(frozen=True)
class _Kind:
    """What a family of priors needs: names of its numbers, which must be positive, which carry the scale."""

    arguments: tuple[str, ...]
    positive: tuple[str, ...]
    scaled: tuple[str, ...]
    latex: str


KINDS: Final[dict[str, _Kind]] = {
    "normal": _Kind(("mu", "sigma"), ("sigma",), ("mu", "sigma"), r"\mathrm{Normal}"),
    "half_normal": _Kind(("sigma",), ("sigma",), ("sigma",), r"\mathrm{HalfNormal}"),
    "half_student_t": _Kind(("nu", "sigma"), ("nu", "sigma"), ("sigma",), r"\mathrm{HalfStudentT}"),
    "exponential": _Kind(("mean",), ("mean",), ("mean",), r"\mathrm{Exponential}"),
    "gamma": _Kind(("alpha", "beta"), ("alpha", "beta"), (), r"\mathrm{Gamma}"),
    "uniform": _Kind(("lower", "upper"), (), (), r"\mathrm{Uniform}"),
    "lkj": _Kind(("eta",), ("eta",), (), r"\mathrm{LKJ}"),
}
POSITIVE_KINDS: Final = ("half_normal", "half_student_t", "exponential")
_DENSITIES: Final = ("half_normal", "exponential", "half_student_t", "gamma")


def log_density(code: int, first: float, last: float, x: float) -> tuple[float, float]:
    """Log density of a positive parameter and its derivative, of a prior as :attr:`Prior.coded`.

    Plain arithmetic, so that numba compiles it as it stands: every engine has the one definition.
    """
    if code == 0:
        value = 0.5 * math.log(2.0 / math.pi) - math.log(last) - 0.5 * (x / last) ** 2
        return value, -x / last**2
    if code == 1:
        return -math.log(last) - x / last, -1.0 / last
    if code == 2:
        ratio = (x / last) ** 2
        value = math.lgamma((first + 1) / 2) - math.lgamma(first / 2) - 0.5 * math.log(first * math.pi)
        value += math.log(2.0) - math.log(last) - (first + 1) / 2 * math.log1p(ratio / first)
        return value, -(first + 1) * x / (last**2 * (first + ratio))
    value = first * math.log(last) - math.lgamma(first) + (first - 1.0) * math.log(x) - last * x
    return value, (first - 1.0) / x - last


@dataclass(frozen=True)
class Prior:
    """One prior distribution.

    Attributes
    ----------
    kind
        Name of the family, a key of ``KINDS``.  ``exponential`` is parametrised by its mean and
        ``gamma`` by shape and rate; ``lkj`` is a prior on a correlation matrix.
    values
        Its numbers, in the order of ``KINDS[kind].arguments``.
    """

    kind: str
    values: tuple[float, ...]

    def __str__(self) -> str:
        """Write the prior the way a card does."""
        return f"{self.kind}({', '.join(map(_exact, self.values))})"

    def __getitem__(self, argument: str) -> float:
        """Return one of its numbers by name."""
        return self.values[KINDS[self.kind].arguments.index(argument)]

    @property
    def latex(self) -> str:
        """The prior as LaTeX."""
        numbers = r",\,".join(f"{v:g}" for v in self.values)
        return f"{KINDS[self.kind].latex}({numbers})"

    @property
    def typical(self) -> float:
        """A typical size of a positive parameter under this prior (its scale)."""
        return self.values[-1]

    def scaled(self, unit: float) -> Prior:
        """Return the same prior in outcome units, for a card's unit of scale."""
        kind = KINDS[self.kind]
        pairs = zip(kind.arguments, self.values, strict=True)
        return Prior(self.kind, tuple(v * unit if name in kind.scaled else v for name, v in pairs))

    def rvs(self, rng: np.random.Generator, size: int | tuple[int, ...] = ()) -> NDArray[np.float64]:
        """Draw from the prior (not offered for ``lkj``: see :func:`lkj_cholesky`)."""
        v = self.values
        match self.kind:
            case "normal":
                return np.asarray(rng.normal(v[0], v[1], size))
            case "half_normal":
                return np.asarray(np.abs(rng.normal(0.0, v[0], size)))
            case "half_student_t":
                return np.asarray(v[1] * np.abs(rng.standard_t(v[0], size)))
            case "exponential":
                return np.asarray(rng.exponential(v[0], size))
            case "gamma":
                return np.asarray(rng.gamma(v[0], 1.0 / v[1], size))
            case "uniform":
                return np.asarray(rng.uniform(v[0], v[1], size))
        raise ValueError(f"{self} is a prior on a correlation matrix; use lkj_cholesky")

    def log_density(self, x: float) -> tuple[float, float]:
        """Log density of a positive parameter and its derivative, at ``x`` > 0.

        Raises
        ------
        ValueError
            For a family that is neither one of ``POSITIVE_KINDS`` nor ``gamma``.
        """
        return log_density(*self.coded, x)

    @property
    def coded(self) -> tuple[int, float, float]:
        """Family as a number, first and last argument: the prior as :func:`log_density` takes it.

        Raises
        ------
        ValueError
            For a family that is neither one of ``POSITIVE_KINDS`` nor ``gamma``.
        """
        if self.kind not in _DENSITIES:
            raise ValueError(f"{self} is not a prior of a positive parameter")
        return _DENSITIES.index(self.kind), self.values[0], self.values[-1]

    def to_pymc(self, name: str, **kwargs: Any) -> Any:
        """Create the PyMC variable of this prior in the open model context."""
        return self._pymc_class()(name, **self._pymc_arguments(), **kwargs)

    def pymc_dist(self, **kwargs: Any) -> Any:
        """Return the PyMC distribution without adding it to a model."""
        return self._pymc_class().dist(**self._pymc_arguments(), **kwargs)

    def _pymc_class(self) -> Any:
        import pymc as pm

        return {
            "normal": pm.Normal,
            "half_normal": pm.HalfNormal,
            "half_student_t": pm.HalfStudentT,
            "exponential": pm.Exponential,
            "gamma": pm.Gamma,
            "uniform": pm.Uniform,
        }[self.kind]

    def _pymc_arguments(self) -> dict[str, float]:
        named = dict(zip(KINDS[self.kind].arguments, self.values, strict=True))
        return {"scale": named["mean"]} if self.kind == "exponential" else named


def _exact(value: float) -> str:
    """The shortest text that reads back to the same number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def parse_prior(text: str, *, where: str, allowed: tuple[str, ...] = tuple(KINDS)) -> Prior:
    """Read a prior from a card.

    Parameters
    ----------
    text
        For example ``"normal(0, 0.5)"``.
    where
        Card and key, for the error message.
    allowed
        Families that make sense for this parameter.

    Raises
    ------
    InputError
        If it is not of that form, of an unknown or unsuitable family, or has a number out of range.
    """
    match = _PATTERN.match(text)
    if match is None:
        raise InputError(f"{where}: {text!r} is not a prior. Write it like normal(0, 0.5) or half_normal(1).")
    kind, inner = match.groups()
    if kind not in allowed:
        near = difflib.get_close_matches(kind, allowed, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InputError(f"{where}: {kind!r} is not offered here; use one of {', '.join(allowed)}.{hint}")
    spec = KINDS[kind]
    try:
        values = tuple(float(part) for part in inner.split(","))
    except ValueError:
        raise InputError(
            f"{where}: {text!r} has something that is not a number between the brackets."
        ) from None
    form = f"{kind}({', '.join(spec.arguments)})"
    if len(values) != len(spec.arguments) or not all(math.isfinite(v) for v in values):
        raise InputError(f"{where}: {text!r} must have the form {form}, with finite numbers.")
    for name, value in zip(spec.arguments, values, strict=True):
        if name in spec.positive and value <= 0:
            raise InputError(f"{where}: {text!r} has {name} = {value:g}; it must be greater than 0.")
    if kind == "uniform" and not values[0] < values[1]:
        raise InputError(f"{where}: {text!r} needs lower < upper.")
    return Prior(kind, values)


def lkj_cholesky(rng: np.random.Generator, eta: float, n: int, size: int) -> NDArray[np.float64]:
    """Draw Cholesky factors of LKJ correlation matrices by the C-vine (partial correlations are Betas).

    Lewandowski, Kurowicka & Joe (2009), *Generating random correlation matrices based on vines and
    extended onion method*, J. Multivariate Analysis 100 (9), doi 10.1016/j.jmva.2009.04.008.

    Returns
    -------
    array of shape (size, n, n)
        Lower-triangular factors; each times its transpose has a unit diagonal.
    """
    out = np.zeros((size, n, n))
    out[:, 0, 0] = 1.0
    for i in range(1, n):
        left = np.ones(size)
        for j in range(i):
            b = eta + (n - 2 - j) / 2.0
            partial = 2.0 * rng.beta(b, b, size) - 1.0
            out[:, i, j] = partial * np.sqrt(left)
            left *= 1.0 - partial**2
        out[:, i, i] = np.sqrt(left)
    return out
