"""Tables of a convergence fit: kinks, jumps and slopes, types, the curve, companions, truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bayes_hr.estimands.convergence import ALL
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.convergence.limits import mechanical_jump
from bayes_hr.reporting.convergence.vocabulary import KINDS, PHASES, QUANTITIES, UNIT, UNITS
from bayes_hr.reporting.tables import NUMBER, STATUS, TEXT, Table, coverage

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content

KIND_NAMES: Final = {
    "all": "overall estimates",
    "igo_type": "estimates by type of IGO",
    "state": "estimates by state",
    "igo": "estimates by IGO",
}
"""Kinds of effects (``by``) -> what to call several of them."""

SHOWN_YEARS: Final = {"entry": (-20, -10, -5, 0, 5, 10, 20, 30), "exit": (-10, -5, 0, 5, 10)}
"""Years of the curve that the table shows."""


def effect_columns(ci_prob: float) -> tuple[tuple[str, str], ...]:
    """Columns of every table of estimates; below zero is convergence."""
    return (
        ("Mean", NUMBER),
        ("SD", NUMBER),
        (f"{fmt.percent(ci_prob)} interval", NUMBER),
        ("P(< 0)", NUMBER),
        ("P(negligible)", NUMBER),
    )


def effect_cells(row: Any, digits: int) -> tuple[str, ...]:
    """Cells of :func:`effect_columns`."""
    return (
        fmt.signed(row.mean, digits),
        fmt.number(row.sd, digits),
        fmt.interval(row.lb, row.ub, digits),
        fmt.probability(1.0 - row.p_gt_0),
        fmt.probability(row.p_rope),
    )


def rope_note(content: Content, kind: str = "") -> str:
    """What the columns mean, in a table of one kind of quantity or of all."""
    slope, jump = content.card.thresholds.slope, content.card.thresholds.jump
    per_decade, at_once = fmt.interval(-slope, slope), fmt.interval(-jump, jump)
    limits = at_once if kind == "jump" else per_decade if kind else f"{per_decade} (jumps: {at_once})"
    unit = f"Unit: {UNITS[kind != 'jump']}" if kind else f"Kinks and slopes: {UNITS[True]}; jumps: {UNIT}"
    return (
        f"{unit}. The scale: {content.scale}. P(< 0): probability "
        f"that the number is negative, which is convergence. P(negligible): probability of a value between "
        f"{limits} (region of practical equivalence)."
    )


def kind_table(content: Content, kind: str) -> Table:
    """Kinks, jumps or slopes of all dyads, and of those that exit."""
    rows = tuple(
        (
            QUANTITIES[name].label,
            str(row.level),
            *effect_cells(row, content.digits),
            QUANTITIES[name].definition,
            str(row.note),
        )
        for name in content.quantities
        if QUANTITIES[name].kind == kind
        for row in content.of(name, "all").itertuples()
    )
    columns = (
        ("Quantity", TEXT),
        ("Of", TEXT),
        *effect_columns(float(content.effects["ci_prob"].iloc[0])),
        ("What it is", TEXT),
        ("Rests on", TEXT),
    )
    caption = {
        "kink": "Kinks: changes of slope from one phase to the next",
        "jump": "Jumps: changes of level at entry and at exit",
        "slope": "Slopes in each phase",
    }[kind]
    return Table(f"{kind}s", caption, columns, rows, rope_note(content, kind))


def type_table(content: Content) -> Table:
    """Every estimand by type of IGO."""
    rows = tuple(
        (
            QUANTITIES[name].label,
            str(row.level),
            *effect_cells(row, content.digits),
            str(row.note),
        )
        for name in content.quantities
        for row in content.of(name, "igo_type").itertuples()
    )
    columns = (
        ("Quantity", TEXT),
        ("Type of IGO", TEXT),
        *effect_columns(float(content.effects["ci_prob"].iloc[0])),
        ("Rests on", TEXT),
    )
    caption = "Kinks, jumps and slopes by type of IGO"
    note = f"Mean over the IGOs of a type, for the average state. {rope_note(content)}"
    return Table("types", caption, columns, rows, note)


def curve_table(content: Content) -> Table:
    """The curve of all dyads at a few years."""
    found = content.curve[content.curve["by"] == "all"]
    rows = tuple(
        (
            {"entry": "since entry", "exit": "since the last member year"}[str(r.anchor)],
            _year(r.years),
            PHASES.get(str(r.phase), str(r.phase)),
            fmt.number(r.mean, content.digits),
            fmt.interval(r.lb, r.ub, content.digits),
        )
        for r in found.itertuples()
        if int(r.years) in SHOWN_YEARS[str(r.anchor)]
    )
    prob = fmt.percent(float(found["ci_prob"].iloc[0])) if len(found) else ""
    columns = (
        ("Years", TEXT),
        ("Year", NUMBER),
        ("Phase", TEXT),
        ("Mean", NUMBER),
        (f"{prob} interval", NUMBER),
    )
    note = (
        "Year 0 stands twice, just before and just after; the difference is the jump. Around exit: mean over "
        "the dyads that exit."
    )
    return Table("curve", "The curve at a few years", columns, rows, note)


def _year(value: float) -> str:
    return f"{fmt.MINUS if value < 0 else '+' if value > 0 else ''}{abs(int(value))}"


def sensitivity_table(content: Content) -> Table:
    """Estimates with and without the dyads that have no year before entry."""
    found = content.sensitivity
    rows = tuple(
        (
            f"{QUANTITIES[name].label}{'' if row.level == ALL else f', {row.level}'}",
            str(row.sample),
            *effect_cells(row, content.digits),
        )
        for name in QUANTITIES
        for row in _paired(found, name).itertuples()
    )
    columns = (
        ("Quantity", TEXT),
        ("Sample", TEXT),
        *effect_columns(float(found["ci_prob"].iloc[0])),
    )
    caption = "Estimates with and without the dyads that have no year before entry"
    note = (
        "Where the two differ by more than their intervals, the dyads without a before (founders, members "
        f"from the start of the records) drive the estimate. {rope_note(content)}"
    )
    return Table("sensitivity", caption, columns, rows, note)


def _paired(found: pd.DataFrame, name: str) -> pd.DataFrame:
    """Rows of one estimand, samples of a level beside each other."""
    own = found[found["estimand"] == name]
    return own.sort_values("level", kind="stable")


def mechanical_table(content: Content) -> Table | None:
    """The jump at entry beside the one that an inclusive mean makes by itself."""
    found = mechanical_jump(content)
    estimate = content.of("jump_entry", "all")
    if content.card.igo.mean != "inclusive" or found is None or estimate.empty:
        return None
    row, prob = estimate.iloc[0], fmt.percent(float(estimate["ci_prob"].iloc[0]))
    share, size = found
    cells = (
        fmt.signed(row["mean"], 3),
        fmt.interval(row["lb"], row["ub"], 3),
        fmt.signed(-size, 3),
        fmt.signed(row["mean"] + size, 3),
        fmt.interval(row["lb"] + size, row["ub"] + size, 3),
    )
    columns = (
        ("Quantity", TEXT),
        ("Estimate", NUMBER),
        (f"{prob} interval", NUMBER),
        ("By arithmetic alone", NUMBER),
        ("What is left", NUMBER),
        (f"{prob} interval", NUMBER),
    )
    note = (
        "By arithmetic alone: with n other members the mean that counts the state itself takes the share "
        f"1/(n + 1) of its distance at entry, here {100 * share:.1f}\u00a0% on average. What is left treats "
        "this average as known; the leave-one-out mean needs no such correction."
    )
    caption = "Jump at entry beside the mechanical jump of an inclusive mean"
    return Table("mechanical", caption, columns, (("Jump at entry", *cells),), note)


def truth_table(content: Content, truth: pd.DataFrame) -> Table:
    """Overall estimates beside the truth of the simulated world."""
    shown = truth[truth["by"] == "all"]
    rows = tuple(
        (
            content.row_name(r),
            fmt.signed(r.truth, content.digits),
            fmt.signed(r.mean, content.digits),
            fmt.interval(r.lb, r.ub, content.digits),
            "yes" if r.covered else "no",
        )
        for r in shown.itertuples()
    )
    prob = fmt.percent(float(truth["ci_prob"].iloc[0])) if len(truth) else ""
    columns = (
        ("Quantity", TEXT),
        ("Truth", NUMBER),
        ("Estimate", NUMBER),
        (f"{prob} interval", NUMBER),
        ("Covered", STATUS),
    )
    note = coverage(truth, KIND_NAMES, "by") if len(truth) else ""
    return Table("truth", "Truth beside estimate", columns, rows, note)


def kinds_of(content: Content) -> list[tuple[str, str]]:
    """Kinds of estimands that there are, with their titles, kinks first."""
    there = {QUANTITIES[name].kind for name in content.quantities if not content.of(name, "all").empty}
    return [(kind, title) for kind, title in KINDS.items() if kind in there]
