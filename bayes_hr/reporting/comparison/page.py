"""The page of a comparison: the finding under each choice, what moved it, and what that cannot say."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from bayes_hr.checks.result import FAIL
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting import page as shared
from bayes_hr.reporting.comparison.plots import Wording, choices_picture
from bayes_hr.reporting.tables import NUMBER, STATUS, TEXT, Table, effect_cells, effect_columns

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bayes_hr.comparison import Comparison
    from bayes_hr.reporting.comparison.plots import Beside
    from bayes_hr.reporting.figures import Picture

TITLES: Final = {
    "average": "Averages over countries",
    "regime": "By regime class",
    "contrast": "Contrasts between classes",
    "long_run": "In the long run",
    "probability": "Probabilities of the categories",
    "standard": "Moves of the cut-points",
    "between": "Within and between countries",
    "mean": "Mean over treaties",
    "treaty": "By treaty",
    "treaty_regime": "By treaty and regime class",
    "all": "All dyads and by type",
    "igo_type": "By type of organisation",
}
"""Kinds of effects (``by``) and the titles of their sections."""

DRAWN: Final = ("average", "regime", "contrast", "all", "mean", "treaty")
"""Kinds that get a figure; others have too many effects."""

LIMITS: Final = (
    "The choices are those that were thought of, changed one at a time. How many of them agree is not a "
    "probability, and choices that were not tried may matter more.",
    "An interval under one choice takes that choice as right. What differs between choices comes on top.",
    "Other controls and classes change which country-years are used (see the rows of each fit), so estimates "
    "may differ because the sample does.",
)

REFERENCES: Final = (
    "Steegen, S., Tuerlinckx, F., Gelman, A. & Vanpaemel, W. (2016). Increasing transparency through a "
    "multiverse analysis. Perspectives on Psychological Science, 11(5), 702-712. "
    "doi:10.1177/1745691616658637",
)

DIFFERENCES: Final = ("contrast", "long_run")
"""Estimands whose reference is what the level is compared with."""

SPLIT: Final = ("within", "between", "difference")
"""Estimands of one and the same level."""

_EFFECT: Final = ["estimand", "level", "reference"]


def write_report(found: Comparison, path: Path) -> Path:
    """Write the report of a comparison (:func:`bayes_hr.reporting.page.write_report`)."""
    return shared.write_report(path, lambda: render(found))


def render(found: Comparison) -> str:
    """The page as text."""
    css = files("bayes_hr.reporting").joinpath("templates/report.css").read_text("utf-8")
    counted = found.stability
    return shared.render(
        "comparison.html.j2",
        {
            "css": Markup(css),
            "version": version("bayes-hr"),
            "subject": found.card.id,
            "question": found.card.question,
            "failed": failed(found),
            "answer": answer(found, counted),
            "fits": fits_table(found.fits),
            "stability": stability_table(found, counted),
            "sections": [section(found, by, Wording()) for by in dict.fromkeys(found.table["by"])],
            "left_out": [f"{label}: {why}" for label, why in found.left_out.items()],
            "limits": LIMITS,
            "references": REFERENCES,
        },
    )


def answer(found: Comparison, counted: pd.DataFrame) -> list[str]:
    """What the choices do to each contrast, or to each effect where there are no contrasts, in sentences."""
    kinds = counted["by"].tolist()
    chosen = counted[counted["by"] == ("contrast" if "contrast" in kinds else kinds[0])]
    out = [_sentence(row, len(found.fits)) for row in chosen.itertuples()]
    other = found.fits.loc[found.fits["unit"] != found.fits["unit"].iloc[0], "choice"].tolist()
    if other:
        out.append(f"Not counted, because the outcome has another unit: {fmt.joined(other)}.")
    return out


def failed(found: Comparison) -> str:
    """Which fits must not be read, in a sentence; empty if all may."""
    labels = found.fits.loc[found.fits["verdict"] == FAIL, "choice"].tolist()
    return f"Not counted, and not to be read: {fmt.joined(labels)}." if labels else ""


def _sentence(row: Any, fits: int) -> str:
    name = effect_name(row.estimand, row.level, row.reference)
    interval = fmt.interval(row.own_lb, row.own_ub, 2)
    first = f"{name}: {fmt.signed(row.own_mean, 2)} ({interval}) as the card has it"
    if row.of == 0:
        return f"{first}; no fit that may be read has it."
    text = (
        f"{first}; means from {fmt.signed(row.lowest, 2)} to {fmt.signed(row.highest, 2)} over {row.of} of "
        f"{fits} fits, of the same sign in {row.same_sign}; the interval excludes 0 in {row.excludes_0}."
    )
    return f"{text} What moves it most: {row.furthest}." if row.furthest else text


def effect_name(estimand: str, level: str, reference: str) -> str:
    """What an effect is called: ``transition − stable autocracy``, ``all ratified rows: P(y >= 2)``."""
    name = level or estimand
    if reference:
        name += f" − {reference}" if estimand in DIFFERENCES else f": {reference}"
    return f"{name}, {estimand}" if estimand in SPLIT else name


def section(found: Beside, by: str, words: Wording) -> tuple[str, str, Picture | None, Table]:
    """Key, title, figure and table of one kind of effect."""
    rows = found.table[found.table["by"] == by]
    title = TITLES.get(by, by)
    grouped = [
        (effect_name(*(str(v) for v in effect)), own)
        for effect, own in rows.groupby(_EFFECT, sort=False, dropna=False)
    ]
    picture = choices_picture(found, title, f"fig-{by}", grouped, words=words) if by in DRAWN else None
    table = effects_table(found, f"effects-{by}", f"{title} {words.beside}", grouped, words=words)
    return f"by-{by}", title, picture, table


def effects_table(
    found: Beside, key: str, caption: str, grouped: list[tuple[str, pd.DataFrame]], *, words: Wording
) -> Table:
    """Every effect of a kind under every choice."""
    rows = [
        (name, str(row.choice), *effect_cells(row, 2), str(row.verdict))
        for name, own in grouped
        for row in own.itertuples()
    ]
    prob = float(found.table["ci_prob"].iloc[0])
    columns = (("Effect", TEXT), (words.column, TEXT), *effect_columns(prob), ("Verdict", STATUS))
    rope = found.card.rope
    note = (
        "P(> 0): probability of an effect above zero. P(negligible): probability of an effect in the card's "
        f"region of practical equivalence ({fmt.interval(rope.lower, rope.upper)}, of the outcome)."
    )
    return Table(key, caption, columns, tuple(rows), note)


def fits_table(fits: pd.DataFrame, column: str = "Choice") -> Table:
    """Rows, verdict and diagnostics of each fit."""
    rows = tuple(
        (
            str(r.choice),
            fmt.count(r.rows),
            fmt.count(r.countries),
            str(r.verdict),
            fmt.number(r.r_hat, 3),
            fmt.count(r.ess_bulk),
            str(r.checks) or fmt.NONE,
        )
        for r in fits.itertuples()
    )
    columns = (
        (column, TEXT),
        ("Rows", NUMBER),
        ("Countries", NUMBER),
        ("Verdict", STATUS),
        ("Largest R-hat", NUMBER),
        ("Smallest bulk ESS", NUMBER),
        ("Checks behind it", TEXT),
    )
    note = "R-hat and ESS are of the effects on this page; the verdict is of the whole fit."
    return Table("fits", "The fits", columns, rows, note)


def stability_table(found: Comparison, counted: pd.DataFrame) -> Table:
    """How each effect of the card's own fit fares under the other choices."""
    rows = tuple(
        (
            effect_name(r.estimand, r.level, r.reference),
            TITLES.get(r.by, r.by),
            fmt.signed(r.own_mean, 2),
            fmt.interval(r.own_lb, r.own_ub, 2),
            f"{fmt.signed(r.lowest, 2)} to {fmt.signed(r.highest, 2)}",
            f"{r.same_sign} of {r.of}",
            f"{r.excludes_0} of {r.of}",
            str(r.furthest) or fmt.NONE,
        )
        for r in counted.itertuples()
    )
    columns = (
        ("Effect", TEXT),
        ("Kind", TEXT),
        ("Mean", NUMBER),
        ("Interval", NUMBER),
        ("Means over the choices", NUMBER),
        ("Same sign", NUMBER),
        ("Interval excludes 0", NUMBER),
        ("Moved most by", TEXT),
    )
    note = (
        f"Mean (of a long-run effect: median) and interval are the card's own; {len(found.fits)} fits, "
        "the card's included."
    )
    return Table("stability", "Each effect over the choices", columns, rows, note)
