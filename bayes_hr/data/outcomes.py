"""The outcomes of the ratification panel: what each measures, its scale and its source.

Every outcome runs from worse to better protection, on the scale of its authors; where theirs runs the other
way it is reversed, and the number in the file is kept in ``<outcome>_original``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from bayes_hr.data.messages import nearest
from bayes_hr.errors import InputError


@dataclass(frozen=True)
class Outcome:
    """One outcome.

    Attributes
    ----------
    name : str
        Column in the panel.
    label : str
        What it measures, for people.
    source : str
        Id of its source.
    kind : {"continuous", "ordinal"}
        Whether its values are numbers or ordered categories.
    scale : str
        Its range in words; higher is better protection.
    column : str
        Its column in the file.
    categories : mapping of int to str
        What each value of an ordinal outcome means, worst first; empty for a continuous one.
    reversed : bool
        Whether the file's numbers run the other way.
    codes : mapping of int to str
        Special codes of the file and what they mean; such rows are missing.
    """

    name: str
    label: str
    source: str
    kind: Literal["continuous", "ordinal"]
    scale: str
    column: str
    categories: Mapping[int, str] = field(default_factory=dict)
    reversed: bool = False
    codes: Mapping[int, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, str, str]:
        """Columns that it may have in a panel: the outcome, its posterior SD, the number in the file."""
        return self.name, f"{self.name}_sd", f"{self.name}_original"

    @property
    def note_columns(self) -> tuple[str, str]:
        """Columns of its source for notes: special codes, rows of the file per country-year."""
        return f"{self.name}_code", f"{self.name}_rows"


CIRI_CODES: Final = {-66: "no information", -77: "interregnum", -999: "missing"}
"""Special codes of the CIRI data; the file of CIRIGHTS that is read here has blanks in their place."""

PTS_CODES: Final = {
    66: "not rated as a state of its own",
    77: "no such state in the year",
    88: "no report on it",
    99: "report not rated",
}
"""Reasons in ``NA_Status`` for a missing rating, as read from where they stand: the codebook is not with the
file (77 before a state's birth and after its end, 88 for the USA in the State Department's reports)."""

_PRACTICE: Final = {0: "frequent", 1: "occasional", 2: "none"}
_PRISONERS: Final = {0: "many", 1: "few", 2: "none"}

# Gibney et al., levels 5 to 1, after Gastil (1980), Freedom in the World
_TERROR: Final = {
    1: "terror has expanded to the whole population (level 5)",
    2: "murders, disappearances and torture are a common part of life (level 4)",
    3: "extensive political imprisonment, execution or brutality may be common (level 3)",
    4: "limited political imprisonment, few persons affected (level 2)",
    5: "secure rule of law, torture rare or exceptional (level 1)",
}
_HATHAWAY: Final = {1: "worst (5 in the file)", 2: "4", 3: "3", 4: "2", 5: "best (1 in the file)"}


def _latent(version: str, years: str) -> Outcome:
    return Outcome(
        name=f"hrps_v{version.replace('.', '')}",
        label=f"latent human-rights protection score v{version} ({years})",
        source=f"hrps_v{version.replace('.', '')}",
        kind="continuous",
        scale="posterior mean of the latent score, about -4 to 5, with its posterior SD",
        column="theta_mean",
    )


def _ciri(right: str, label: str, column: str, categories: Mapping[int, str]) -> Outcome:
    return Outcome(
        name=f"cirights_{right}",
        label=f"CIRIGHTS {label}",
        source="cirights",
        kind="ordinal",
        scale=f"0 (worst) to {max(categories)} (best)",
        column=column,
        categories=categories,
        codes=CIRI_CODES,
    )


def _terror(letter: str, reports: str) -> Outcome:
    return Outcome(
        name=f"pts_{letter.lower()}",
        label=f"Political Terror Scale, reports of {reports}",
        source="pts",
        kind="ordinal",
        scale="1 (worst) to 5 (best): six minus the level",
        column=f"PTS_{letter}",
        categories=_TERROR,
        reversed=True,
        codes=PTS_CODES,
    )


def _vdem(column: str, label: str, scale: str) -> Outcome:
    return Outcome(column, label, "vdem_subset", "continuous", scale, column)


_ALL: Final = (
    _latent("4.02", "1946-2021"),
    _latent("3.01", "1946-2017"),
    _ciri("torture", "torture by agents of the state", "tort", _PRACTICE),
    _ciri("disappearance", "disappearances", "disap", _PRACTICE),
    _ciri("killing", "political and other extrajudicial killings", "kill", _PRACTICE),
    _ciri("imprisonment", "political imprisonment", "polpris", _PRISONERS),
    _ciri(
        "physint",
        "physical integrity index (sum of the four)",
        "physint_sum",
        {0: "worst in all four", **{k: str(k) for k in range(1, 8)}, 8: "best in all four"},
    ),
    _terror("A", "Amnesty International"),
    _terror("H", "Human Rights Watch"),
    _terror("S", "the US State Department"),
    Outcome(
        name="hathaway_torture",
        label="Hathaway's torture scale",
        source="hathaway",
        kind="ordinal",
        scale="1 (worst) to 5 (best): six minus the number in the file",
        column="torture",
        categories=_HATHAWAY,
        reversed=True,
    ),
    _vdem("v2cltort", "V-Dem freedom from torture", "measurement model's interval scale, about -3.3 to 3.7"),
    _vdem("v2x_clphy", "V-Dem physical violence index (freedom from killings and torture)", "0 to 1"),
)

OUTCOMES: Final[dict[str, Outcome]] = {outcome.name: outcome for outcome in _ALL}
"""Outcomes on offer, by name."""


def get_outcome(name: str) -> Outcome:
    """The outcome of that name.

    Raises
    ------
    InputError
        If there is none; names the nearest.
    """
    if name not in OUTCOMES:
        raise InputError(f"unknown outcome {name!r}; {nearest(str(name), OUTCOMES)}")
    return OUTCOMES[name]
