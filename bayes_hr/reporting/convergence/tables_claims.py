"""Tables of what can be claimed: hypotheses with Bayes factors, and what identifies each estimand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bayes_hr.checks.identification import CONTRACTION_LIMIT, SENSITIVITY_LIMIT
from bayes_hr.checks.residual_share import SHARE_LIMIT
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.convergence.vocabulary import QUANTITIES, UNIT, hypothesis_name
from bayes_hr.reporting.convergence.words import chance, evidence, factor
from bayes_hr.reporting.tables import CODE, NUMBER, STATUS, TEXT, Table

if TYPE_CHECKING:
    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content

_MINUS: Final = {"-": fmt.MINUS, "<=": "≤"}


def hypotheses_table(content: Content, kind: str) -> Table:
    """Inequalities, or joint signatures, with prior and posterior probability and Bayes factor."""
    found = content.hypotheses[content.hypotheses["kind"] == kind]
    rows = tuple(
        (
            hypothesis_name(str(r["hypothesis"])),
            chance(float(r["probability"]), float(r["mcse"])),
            chance(float(r["prior_probability"]), float(r["prior_mcse"])),
            factor(r),
            evidence(r),
            str(r["statement"]),
            condition(str(r["condition"])),
        )
        for _, r in found.iterrows()
    )
    columns = (
        ("Hypothesis", TEXT),
        ("Probability", NUMBER),
        ("Prior probability", NUMBER),
        ("Bayes factor (89\u00a0%)", NUMBER),
        ("The data speak", TEXT),
        ("It says that", TEXT),
        ("Condition", CODE),
    )
    caption = {
        "inequality": "Each hypothesis as an inequality",
        "signature": "Joint signatures: instrumental, intrinsic, both, neither",
    }[kind]
    return Table(f"hypotheses-{kind}", caption, columns, rows, hypotheses_note(content))


def condition(text: str) -> str:
    """A condition with true minus and inequality signs."""
    for plain, shown in _MINUS.items():
        text = text.replace(f"{plain} ", f"{shown} ") if plain == "<=" else text.replace(plain, shown)
    return text


def hypotheses_note(content: Content) -> str:
    """Thresholds, and how to read probability and Bayes factor."""
    least = content.card.thresholds
    return (
        f"Smallest changes that count: {least.slope:g} {UNIT} per decade for slopes and kinks, "
        f"{least.jump:g} {UNIT} for jumps. Probability: share of the draws that fulfil the condition, ± its "
        "Monte Carlo error where that is .005 or more. Bayes factor: posterior odds over prior odds, of the "
        "statement against its negation; its interval is for Monte Carlo error alone, and it is only a bound "
        "(above, below) where every draw or none fulfils the condition. It answers to the prior: a statement "
        "that something is close to zero is the less probable beforehand the wider the prior, so a wide "
        "prior alone makes its Bayes factor large. What is said of exits comes from the dyads that exit."
    )


def identification_table(content: Content) -> Table:
    """Contraction, power-scaling sensitivity, residual share, and the flag."""
    rows = tuple(
        (
            QUANTITIES[r.estimand].label if r.estimand in QUANTITIES else str(r.estimand),
            fmt.number(r.prior_sd, content.digits),
            fmt.number(r.posterior_sd, content.digits),
            fmt.number(r.contraction),
            fmt.number(r.psense_prior),
            fmt.number(r.psense_likelihood),
            _share(r.residual_share),
            str(r.flag),
            str(r.text),
        )
        for r in content.identification.itertuples()
    )
    columns = (
        ("Quantity", TEXT),
        ("Prior SD", NUMBER),
        ("Posterior SD", NUMBER),
        ("Contraction", NUMBER),
        ("Moves with the prior", NUMBER),
        ("Moves with the data", NUMBER),
        ("Residual share", NUMBER),
        ("Flag", STATUS),
        ("Reasons", TEXT),
    )
    note = (
        "Contraction: 1 − posterior variance / prior variance; below "
        f"{CONTRACTION_LIMIT:g} the prior weighs more than the data. Moves with the prior, with the data: "
        "power-scaling sensitivity (Kallioinen et al. 2023), how far the posterior moves if the prior or the "
        f"likelihood is weighed a little more or less; from {SENSITIVITY_LIMIT:g} on it matters. Residual "
        "share: what the other columns of the design, dyads and years included, leave of the quantity's own "
        f"column; under {100 * SHARE_LIMIT:g}\u00a0% the estimate leans on the model's form and priors. Each "
        "of the three alone misleads."
    )
    return Table("identification", "What the data say of each quantity", columns, rows, note)


def _share(value: float) -> str:
    return fmt.NONE if math.isnan(value) else f"{fmt.number(100 * value, 1)}\u00a0%"
