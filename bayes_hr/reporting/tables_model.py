"""Tables of the model and of how it was computed: priors, parameters, checks, settings, versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_hr.prior_defaults import default_priors, reason
from bayes_hr.priors import Prior, parse_prior
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.tables import CODE, NUMBER, STATUS, TEXT, Table

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.cards import Card
    from bayes_hr.checks.result import Verdict
    from bayes_hr.reporting.content import Content

MEANING = {
    "alpha": "level in the reference class",
    "beta": "level of a class against the reference class",
    "gamma": "controls, per standard deviation",
    "tau": "ratification, by class",
    "sd_tau": "spread of the class effects",
    "mu_tau": "mean of the class effects",
    "year_effect": "year effects",
    "sd_year_effect": "spread of the year effects",
    "sd_country.intercept": "spread of country levels",
    "sd_country.ratified": "spread of country effects of ratification",
    "corr_country": "correlation of country level and country effect",
    "sigma": "yearly shock",
    "rho": "persistence of shocks",
    "nu": "tails of the shocks (degrees of freedom)",
}
"""What each parameter is, in a few words."""


def flat_priors(card: Card) -> dict[str, str]:
    """Priors as text by ``key`` or ``key.term``."""
    return _flat(card.priors)


def _flat(priors: dict[str, str | dict[str, str]]) -> dict[str, str]:
    out: dict[str, str] = {}
    for key, given in priors.items():
        parts = {f"{key}.{t}": v for t, v in given.items()} if isinstance(given, dict) else {key: given}
        out |= parts
    return out


def in_outcome_units(key: str, text: str, *, unit: float, centre: float) -> Prior:
    """A card's prior in the units of the outcome, as the design has it."""
    prior = parse_prior(text, where=key)
    if key in {"rho", "nu"} or key.startswith("corr_"):
        return prior
    scaled = prior.scaled(unit)
    return Prior("normal", (scaled["mu"] + centre, scaled["sigma"])) if key == "alpha" else scaled


def prior_text(prior: Prior) -> str:
    """A prior for readers: ``Normal(0, 0.5)``."""
    name = {
        "normal": "Normal",
        "half_normal": "HalfNormal",
        "half_student_t": "HalfStudentT",
        "exponential": "Exponential, mean",
        "gamma": "Gamma",
        "uniform": "Uniform",
        "lkj": "LKJ",
    }[prior.kind]
    return f"{name}({', '.join(f'{v:.3g}' for v in prior.values)})".replace("-", fmt.MINUS)


def priors_table(content: Content) -> Table:
    """Every prior with its scale and the reason for it."""
    card, design = content.card, content.design
    default = _flat(default_priors(card))
    rows = []
    for key, text in flat_priors(card).items():
        prior = in_outcome_units(key, text, unit=design.unit, centre=design.centre)
        own = text != default[key]
        why = f"chosen by this card; the default is {default[key]}" if own else reason(key)
        rows.append((MEANING.get(key, key), key, prior_text(prior), why))
    columns = (
        ("Parameter", TEXT),
        ("Key in the card", CODE),
        ("Prior, in outcome units", TEXT),
        ("Reason", TEXT),
    )
    note = (
        f"The card writes its priors in a unit of {design.unit:.3g} on the outcome ({_unit_words(card)}), "
        f"with the level centred at {fmt.number(design.centre, 3)} ({_centre_words(card)}). Normal(mean, "
        "SD); HalfNormal(scale)."
    )
    return Table("priors", "Priors", columns, tuple(rows), note)


def _unit_words(card: Card) -> str:
    return "the SD of the outcome over the rows used" if card.outcome.scale == "sd" else "stated in the card"


def _centre_words(card: Card) -> str:
    return "the mean over the rows used" if card.outcome.centre == "mean" else "stated in the card"


def prior_key(label: str) -> str:
    """Key of a prior: ``gamma[conflict]`` has ``gamma``, ``sd_country[x]`` has ``sd_country.x``."""
    found = re.fullmatch(r"([a-z_]+)(?:\[(.*)\])?", label)
    if found is None:
        return label
    name, inner = found.groups()
    if name.startswith("mu_"):
        return name.removeprefix("mu_")
    return f"{name}.{inner}" if name.startswith("sd_") and inner else name


def parameters_table(content: Content) -> Table:
    """Coefficients and hyperparameters: prior in words beside the posterior."""
    design, given = content.design, flat_priors(content.card)
    rows = []
    for r in content.parameters.itertuples():
        key = prior_key(str(r.level))
        prior = (
            prior_text(in_outcome_units(key, given[key], unit=design.unit, centre=design.centre))
            if key in given
            else fmt.NONE
        )
        digits = content.digits + 1
        cells = (fmt.number(r.mean, digits), fmt.number(r.sd, digits), fmt.interval(r.lb, r.ub, digits))
        rows.append(
            (str(r.level), prior, *cells, fmt.count(min(r.ess_bulk, r.ess_tail)), fmt.number(r.r_hat, 3))
        )
    columns = (
        ("Parameter", CODE),
        ("Prior", TEXT),
        ("Mean", NUMBER),
        ("SD", NUMBER),
        (f"{fmt.percent(float(content.parameters['ci_prob'].iloc[0]))} interval", NUMBER),
        ("ESS", NUMBER),
        ("R-hat", NUMBER),
    )
    note = (
        "Names as in fit.nc and in the list of priors. ESS: the smaller of bulk and tail effective sample "
        "size."
    )
    return Table(
        "parameters", "Coefficients and hyperparameters, prior beside posterior", columns, tuple(rows), note
    )


def standardised_table(content: Content) -> Table:
    """Mean and SD by which each control was standardised."""
    mediators = {c.label for c in content.card.population if c.mediator}
    lags = {c.label: c.lag for c in content.card.population}
    rows = tuple(
        (
            label,
            str(lags.get(label, 0)),
            fmt.number(mean, 3),
            fmt.number(sd, 3),
            "yes" if label in mediators else "no",
        )
        for label, (mean, sd) in content.design.standardised.items()
    )
    columns = (
        ("Control", CODE),
        ("Lag (years)", NUMBER),
        ("Mean", NUMBER),
        ("SD", NUMBER),
        ("May be changed by ratification", TEXT),
    )
    note = "Each control is (value − mean) / SD over the rows used, so its coefficient is a change per SD."
    return Table("standardised", "Controls and how they were standardised", columns, rows, note)


def checks_table(verdict: Verdict) -> Table:
    """Every check with its status."""
    rows = tuple((c.name, c.status, c.text, c.advice) for c in verdict.checks)
    columns = (("Check", TEXT), ("Status", STATUS), ("Found", TEXT), ("What to do", TEXT))
    return Table("checks", "All checks", columns, rows, "The verdict is that of the worst check.")


def sampling_table(content: Content) -> Table:
    """R-hat, ESS and Monte Carlo error of each class effect, contrast and average."""
    shown = content.effects[content.effects["estimand"].isin(["average", "tau", "contrast"])]
    rows = tuple(_sampling_row(r, content.digits) for r in shown.itertuples())
    columns = (
        ("Estimand", TEXT),
        ("R-hat", NUMBER),
        ("ESS, bulk", NUMBER),
        ("ESS, tail", NUMBER),
        ("Monte Carlo SE of the mean", NUMBER),
    )
    note = "Those of every country effect are in effects.csv; the worst of all stands in the check of mixing."
    return Table("sampling", "How well each estimand was sampled", columns, rows, note)


def _sampling_row(r: Any, digits: int) -> tuple[str, ...]:
    name = f"{r.level} − {r.reference}" if r.reference else str(r.level)
    cells = (fmt.number(r.r_hat, 3), fmt.count(r.ess_bulk), fmt.count(r.ess_tail))
    return (name, *cells, fmt.number(r.mcse_mean, digits + 2))


def prior_predictive_table(found: pd.DataFrame, digits: int) -> Table:
    """What the priors alone say of simple statistics, beside the data."""
    rows = tuple(
        (
            str(name),
            *(fmt.number(float(v), digits) for v in (r["q05"], r["q50"], r["q95"])),
            fmt.number(float(r["observed"]), digits),
            _place(r),
        )
        for name, r in found.iterrows()
    )
    columns = (
        ("Statistic", TEXT),
        ("Prior 5 %", NUMBER),
        ("Prior median", NUMBER),
        ("Prior 95 %", NUMBER),
        ("Data", NUMBER),
        ("The data lie", TEXT),
    )
    note = (
        "Outcomes simulated from the priors alone. Priors should allow the data without being tight around "
        "them; data below the range are no conflict where the priors are only wide."
    )
    return Table(
        "prior-predictive",
        "Prior predictive: what the priors say before seeing the data",
        columns,
        rows,
        note,
    )


def _place(row: pd.Series) -> str:
    if np.isnan(row["observed"]):
        return "not observed"
    if row["observed"] < row["q05"]:
        return "below the prior's 90 % range"
    return "above the prior's 90 % range" if row["observed"] > row["q95"] else "within"


def settings_table(content: Content) -> Table:
    """How the posterior was drawn."""
    fit, found = content.card.fit, content.provenance
    engine, seconds = found["engine"], found["seconds"]
    rows = (
        ("engine", f"{engine['engine']}, sampler {engine['sampler']}, form {engine['form']}"),
        (
            "chains × draws",
            f"{fit.chains} × {fmt.count(fit.draws)}, after {fmt.count(fit.tune)} tuning draws each",
        ),
        ("target acceptance", f"{fit.target_accept:g}"),
        ("seed", str(fit.seed)),
        ("seconds to compile, to sample", f"{seconds['compile']:.0f}, {seconds['sample']:.0f}"),
        ("machine", str(found["machine"])),
        ("finished", str(found["created"])),
        (
            "signature of the card, of the data",
            ", ".join(found["signature"][k][:12] for k in ("card", "data")),
        ),
    )
    return Table("settings", "Settings of the computation", (("Setting", TEXT), ("Value", TEXT)), rows)


def versions_table(content: Content) -> Table:
    """Versions of everything that took part."""
    rows = tuple((name, str(number)) for name, number in content.provenance["versions"].items())
    return Table("versions", "Software versions", (("Package", CODE), ("Version", TEXT)), rows)
