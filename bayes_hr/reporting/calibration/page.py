"""The page of a calibration: verdict, figure, table, how it was made and what it cannot say."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting import page as shared
from bayes_hr.reporting.calibration.plots import ecdf_picture
from bayes_hr.reporting.tables import CODE, NUMBER, STATUS, TEXT, Table
from bayes_hr.reporting.tables_model import checks_table

if TYPE_CHECKING:
    from pathlib import Path

    from bayes_hr.calibration.result import Calibration

VERDICT: Final = {
    "PASS": "The engine's posteriors are as they should be, as far as this many worlds can show.",
    "REVIEW": "No quantity is out of its band; read the reasons below before relying on it.",
    "FAIL": "In worlds whose truth is known, the engine's posteriors are not what they claim to be.",
}

REFERENCES: Final = (
    "Talts, S., Betancourt, M., Simpson, D., Vehtari, A. & Gelman, A. (2018). Validating Bayesian inference "
    "algorithms with simulation-based calibration. https://arxiv.org/abs/1804.06788",
    "Säilynoja, T., Bürkner, P.-C. & Vehtari, A. (2022). Graphical test for discrete uniformity and its "
    "applications in goodness-of-fit evaluation and multiple sample comparison. Statistics and Computing, "
    "32. doi:10.1007/s11222-022-10090-6",
    "Modrák, M., Moon, A. H., Kim, S., Bürkner, P., Huurre, N., Faltejsková, K., Gelman, A. & Vehtari, A. "
    "(2025). Simulation-based calibration checking for Bayesian computation: the choice of test quantities "
    "shapes sensitivity. Bayesian Analysis, 20(2). doi:10.1214/23-BA1404",
)


def write_report(found: Calibration, path: Path) -> Path:
    """Write the report of a calibration (:func:`bayes_hr.reporting.page.write_report`)."""
    return shared.write_report(path, lambda: render(found))


def render(found: Calibration) -> str:
    """The page as text."""
    verdict = found.verdict
    css = files("bayes_hr.reporting").joinpath("templates/report.css").read_text("utf-8")
    return shared.render(
        "calibration.html.j2",
        {
            "css": Markup(css),
            "version": version("bayes-hr"),
            "subject": found.subject,
            "question": f"Is the engine calibrated for {found.subject}?",
            "asked": found.facts.get("question", ""),
            "verdict": verdict,
            "verdict_line": VERDICT[verdict.status],
            "facts": key_facts(found),
            "method": method(found),
            "picture": ecdf_picture(found),
            "table": quantities_table(found),
            "checks": checks_table(verdict),
            "sampling": sampling_table(found),
            "settings": settings_table(found),
            "command": command(found),
            "limits": limits(found),
            "references": REFERENCES,
        },
    )


def key_facts(found: Calibration) -> list[tuple[str, str]]:
    """A line of figures under the verdict."""
    facts = found.facts
    out = [
        ("worlds", fmt.count(found.worlds)),
        ("quantities", fmt.count(len(found.table))),
        ("out of band", fmt.count((~found.table["in_band"]).sum())),
        ("engine", str(facts["engine"].get("engine", fmt.NONE))),
        ("seconds a world", fmt.number(facts["seconds_per_world"], 1)),
    ]
    if "rows" in facts:
        out.append(("units, rows", f"{fmt.count(facts['units'][0])}, {fmt.count(facts['rows'][0])}"))
    return out


def method(found: Calibration) -> list[str]:
    """What was done, in sentences."""
    first = (
        f"In each of {found.worlds} worlds the true value of every parameter was drawn from its prior and an "
        "outcome simulated on the rows; the engine fitted it without knowing the truth. If its draws come "
        f"from the posterior, the rank of the truth among {found.ranked} independent draws is uniform over "
        "worlds, and an interval covers the truth as often as it says. The real outcome is not used."
    )
    return [first, *([rows_taken(found)] if "rows" in found.facts else [])]


def rows_taken(found: Calibration) -> str:
    """Which rows the worlds stand on, in a sentence."""
    facts = found.facts
    (some, units), (few, rows) = facts["units"], facts["rows"]
    many = {"country": "countries", "state": "states"}[facts["unit"]]
    if few == rows:
        return f"The worlds stand on all {fmt.count(rows)} rows of the card, {fmt.count(units)} {many}."
    return (
        f"The worlds stand on {fmt.count(few)} of the card's {fmt.count(rows)} rows: {fmt.count(some)} of "
        f"{fmt.count(units)} {many} at random, with at most {facts['rows_per_unit']} rows each."
    )


def quantities_table(found: Calibration) -> Table:
    """Band, p-value, coverage and bias of every quantity."""
    rows = tuple(
        (
            str(r.quantity),
            str(r.kind),
            "PASS" if r.in_band else "FAIL",
            fmt.p_value(r.p_value),
            fmt.percent(round(100 * r.coverage_50) / 100),
            fmt.percent(round(100 * r.coverage_89) / 100),
            fmt.signed(r.bias_z, 1),
            fmt.number(r.z_sd, 2),
            fmt.number(r.contraction, 2),
        )
        for r in found.table.itertuples()
    )
    names = [f"{fmt.percent(p)} interval covers" for p in found.probs]
    columns = (
        ("Quantity", CODE),
        ("Kind", TEXT),
        ("Band", STATUS),
        ("p", NUMBER),
        *((name, NUMBER) for name in names),
        ("Bias z", NUMBER),
        ("SD of z", NUMBER),
        ("Contraction", NUMBER),
    )
    bands = [
        f"{fmt.percent(p)} intervals in {100 * low:.0f} to {100 * high:.0f}\u00a0% of the worlds"
        for p, (low, high) in ((p, found.coverage_band(p)) for p in found.probs)
    ]
    note = (
        f"Band: whether the ranks stay in the simultaneous band of probability {found.level:.4f} (1 − .05 / "
        f"{len(found.table)}); p: probability that uniform ranks stray as far, anywhere. If calibrated, each "
        f"quantity is, with that probability, covered by {fmt.joined(bands)}. Bias z: mean of (posterior "
        "mean − truth) / posterior SD, times √worlds, and SD of z: near 0 ± 2 and 1. Contraction: "
        "share of the prior variance that the rows explain; near 0 they say little and ranks test little."
    )
    return Table("calibration", "Ranks, coverage and bias by quantity", columns, rows, note)


def sampling_table(found: Calibration) -> Table:
    """ESS and R-hat of every quantity over the worlds."""
    rows = tuple(
        (
            str(r.quantity),
            fmt.count(r.least_ess),
            fmt.count(r.few_draws),
            fmt.number(r.largest_r_hat, 3),
            fmt.count(r.not_converged),
        )
        for r in found.table.itertuples()
    )
    columns = (
        ("Quantity", CODE),
        ("Smallest bulk ESS", NUMBER),
        (f"Worlds under {found.needed}", NUMBER),
        ("Largest R-hat", NUMBER),
        ("Worlds above 1.05", NUMBER),
    )
    note = f"A rank needs {found.ranked} independent draws, so a bulk ESS of {found.needed} before thinning."
    return Table("sampling", "How well each quantity was sampled", columns, rows, note)


def settings_table(found: Calibration) -> Table:
    """Engine, settings, seed and rows."""
    facts = found.facts
    pairs = {**facts.get("settings", {}), **facts["engine"], "seed": facts["seed"]}
    rows = tuple((str(name), str(value)) for name, value in pairs.items())
    return Table("settings", "Engine and settings", (("Setting", CODE), ("Value", TEXT)), rows)


def command(found: Calibration) -> str:
    """What to type to get the same calibration; empty for a design without a card."""
    facts = found.facts
    if "card" not in facts:
        return ""
    given = {"worlds": found.worlds, "units": facts["units"][0], "rows-per-unit": facts["rows_per_unit"]}
    fit = facts["settings"]
    given |= {name: fit[name] for name in ("engine", "chains", "draws", "tune")} | {"seed": facts["seed"]}
    options = " ".join(f"--{name} {value}" for name, value in given.items())
    return f"bayes-hr calibrate {facts['card']}{' --panel FILE' * facts['own_rows']} {options}"


def limits(found: Calibration) -> list[str]:
    """What a calibration does not say."""
    lower, upper = found.ecdf_band()
    width = max(float(upper.max()), float(-lower.min()))
    return [
        "It says whether the engine draws from the posterior of this model. Whether the model is right for "
        "the real outcome is another question: see the checks in the report of a fit.",
        f"With {found.worlds} worlds and {len(found.table)} quantities, a rank distribution may be off by up "
        f"to {fmt.probability(width)} somewhere without leaving its band. More worlds see smaller errors.",
        "Truths come from the priors, so the worlds are those that the priors hold possible, on these rows. "
        "An engine may still fail where the priors hardly ever lead, or on more rows.",
    ]
