"""Tables of the data of a convergence fit: phases, and the IGOs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.convergence.vocabulary import MEANS, PHASES
from bayes_hr.reporting.tables import CODE, NUMBER, TEXT, Table

if TYPE_CHECKING:
    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content

MOST_IGOS: Final = 80
"""IGOs that the table lists; of more, those with the most dyads."""


def key_facts(content: Content) -> list[tuple[str, str]]:
    """Figures under the verdict."""
    merge, dyads = content.design.merge, content.dyads
    before, after = (int((dyads[phase] > 0).sum()) for phase in ("before", "after"))
    share = f" ({100 * before / max(len(dyads), 1):.0f}\u00a0%)"
    rows = [
        (f"rows {words}", fmt.count(dyads[phase].sum()))
        for phase, words in {**PHASES, "gap": "between spells"}.items()
        if dyads[phase].any() or phase != "gap"
    ]
    return [
        *rows,
        ("states", fmt.count(dyads["ccode"].nunique())),
        ("IGOs", fmt.count(dyads["igo"].nunique())),
        ("dyads (state and IGO)", fmt.count(len(dyads))),
        ("with a before", fmt.count(before) + share),
        ("that exit", fmt.count(after)),
        ("years", f"{merge.years[0]}–{merge.years[1]}"),
        ("co-members' mean", "as given" if content.own_data else MEANS[content.card.igo.mean]),
    ]


def phases_table(content: Content) -> Table:
    """Rows, dyads, states and IGOs of each phase."""
    dyads = content.dyads
    rows = []
    for phase, words in {**PHASES, "gap": "between two spells"}.items():
        own = dyads[dyads[phase] > 0]
        if len(own):
            keys = (own[phase].sum(), len(own), own["ccode"].nunique(), own["igo"].nunique())
            rows.append((words, *(fmt.count(v) for v in keys)))
    columns = (
        ("Phase", TEXT),
        ("Rows", NUMBER),
        ("Dyads", NUMBER),
        ("States", NUMBER),
        ("IGOs", NUMBER),
    )
    note = (
        "A dyad is a pair of a state and an IGO; a row is one of its years. What a phase has few dyads of "
        "rests on those few."
    )
    return Table("phases", "Phases of membership and what they rest on", columns, tuple(rows), note)


def igos_table(content: Content) -> Table:
    """Each IGO with its dyads, those with a before, those that exit."""
    dyads = content.dyads.assign(with_before=content.dyads["before"] > 0, exits=content.dyads["after"] > 0)
    sums = ["rows", "with_before", "exits", "founder", "left_censored"]
    found = dyads.groupby(["igo", "igo_name", "igo_type"], as_index=False).agg(
        dyads=("dyad", "size"), **{name: (name, "sum") for name in sums}
    )
    found = found.sort_values(["dyads", "igo"], ascending=[False, True], kind="stable")
    total, shown = len(found), found.head(MOST_IGOS)
    rows = tuple(
        (
            str(r.igo_name),
            str(r.igo),
            str(r.igo_type),
            fmt.count(r.dyads),
            *(fmt.count(getattr(r, n)) for n in sums),
        )
        for r in shown.itertuples()
    )
    columns = (
        ("IGO", TEXT),
        ("Code", CODE),
        ("Type", TEXT),
        ("Dyads", NUMBER),
        ("Rows", NUMBER),
        ("Dyads with a before", NUMBER),
        ("that exit", NUMBER),
        ("founders", NUMBER),
        ("entry not dated", NUMBER),
    )
    more = f" The {len(rows)} with most dyads, of {fmt.count(total)}." if total > len(rows) else ""
    note = (
        "Founders entered in the IGO's first year and have no before; entry not dated: member already when "
        f"the records begin.{more}"
    )
    return Table("igos", "IGOs and what they rest on", columns, rows, note)


def mean_rule(content: Content) -> str:
    """How distance is measured, and what counts as a member, in a sentence or two."""
    igo = content.card.igo
    if content.own_data:
        return "Distances, phases and entries are those of the user's own data."
    mean = {
        "leave_one_out": "of the other members, the state itself left out",
        "inclusive": "of all members, the state itself among them once it is one",
        "frozen": "of those who were members in the year of entry, the state itself left out",
    }[igo.mean]
    kinds = {1: "full", 2: "associate", 3: "observer"}
    member = " or ".join(kinds[m] for m in igo.membership)
    window = (
        ""
        if igo.window is None
        else f" Only rows from {igo.window[0]} years before to {igo.window[1]} years after entry or exit are "
        "kept."
    )
    scored = " Scores are standardised within each year first." if igo.standardise == "year" else ""
    return (
        f"Distance is that of a state's score from the mean {mean}, where at least {igo.min_others} others "
        f"have a score; members are {member} members; years in membership count from the {igo.entry} "
        f"entry.{scored}{window}"
    )
