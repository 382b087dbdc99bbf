"""Tables of the model and of how it was computed: priors, parameters, checks, settings, versions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bayes_hr.card_sections import LATENT_SD
from bayes_hr.prior_defaults import default_priors, reason
from bayes_hr.reporting import formats as fmt
from bayes_hr.reporting.prior_lines import flat_priors, flattened, prior_key, prior_of, prior_text
from bayes_hr.reporting.tables import CODE, NUMBER, STATUS, TEXT, Table

if TYPE_CHECKING:
    import pandas as pd

    from bayes_hr.cards import Card
    from bayes_hr.checks.result import Verdict
    from bayes_hr.reporting.content import Content


def priors_table(content: Content) -> Table:
    """Every prior with its scale and the reason for it."""
    card, design = content.card, content.design
    given, default = flat_priors(card), flattened(default_priors(card))
    rows = []
    for key, source in content.prior_keys.items():
        own = given[source] != default[source]
        why = f"chosen by this card; the default is {default[source]}" if own else reason(source, card.family)
        rows.append((content.meaning.get(key, key), source, prior_text(prior_of(content, key)), why))
    columns = (
        ("Parameter", TEXT),
        ("Key in the card", CODE),
        (f"Prior, {'on the latent scale' if card.outcome.ordinal else 'in outcome units'}", TEXT),
        ("Reason", TEXT),
    )
    unit = (
        f"The card writes its priors in a unit of {design.unit:.3g} on the outcome ({_unit_words(card)}), "
        f"with the level centred at {fmt.number(design.centre, 3)} ({_centre_words(card)})."
    )
    if card.outcome.ordinal:
        unit = _latent_words(card)
    note = f"{unit} Normal(mean, SD); HalfNormal(scale)."
    return Table("priors", "Priors", columns, tuple(rows), note)


def _latent_words(card: Card) -> str:
    """What a unit of the priors is, of ordered categories."""
    if card.outcome.link == "probit":
        return "The unit is the residual SD of the latent outcome."
    unit = LATENT_SD[card.outcome.likelihood]
    sd = f"{unit:.3g}"
    return (
        f"The card writes its priors in residual SDs of the latent outcome, {sd} (π/√3) on the logit scale: "
        f"here scales are the card's times {sd}, and the logs of gaps between cut-points the card's plus "
        f"{math.log(unit):.3f}."
    )


def _unit_words(card: Card) -> str:
    return "the SD of the outcome over the rows used" if card.outcome.scale == "sd" else "stated in the card"


def _centre_words(card: Card) -> str:
    return "the mean over the rows used" if card.outcome.centre == "mean" else "stated in the card"


def parameters_table(content: Content) -> Table:
    """Coefficients and hyperparameters: prior in words beside the posterior."""
    known = content.prior_keys
    rows = []
    for r in content.parameters.itertuples():
        key = prior_key(str(r.level), known)
        prior = prior_text(prior_of(content, key)) if key in known else fmt.NONE
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
        (f"May be changed by {content.choice}", TEXT),
    )
    note = "Each control is (value − mean) / SD over the rows used, so its coefficient is a change per SD."
    return Table("standardised", "Controls and how they were standardised", columns, rows, note)


def checks_table(verdict: Verdict) -> Table:
    """Every check with its status."""
    rows = tuple((c.name, c.status, c.text, c.advice) for c in verdict.checks)
    columns = (("Check", TEXT), ("Status", STATUS), ("Found", TEXT), ("What to do", TEXT))
    return Table("checks", "All checks", columns, rows, "The verdict is that of the worst check.")


def sampling_table(content: Content) -> Table:
    """R-hat, ESS and Monte Carlo error of each effect but those of single countries and the like."""
    shown = content.effects[content.effects["by"].isin(content.shown_by)]
    rows = tuple(_sampling_row(content, r) for r in shown.itertuples())
    columns = (
        ("Estimand", TEXT),
        ("R-hat", NUMBER),
        ("ESS, bulk", NUMBER),
        ("ESS, tail", NUMBER),
        ("Monte Carlo SE of the mean", NUMBER),
    )
    note = (
        f"Those of every {content.units} effect are in effects.csv; the worst of all stands in the check of "
        "mixing."
    )
    return Table("sampling", "How well each estimand was sampled", columns, rows, note)


def _sampling_row(content: Content, r: Any) -> tuple[str, ...]:
    cells = (fmt.number(r.r_hat, 3), fmt.count(r.ess_bulk), fmt.count(r.ess_tail))
    return (content.row_name(r), *cells, fmt.number(r.mcse_mean, content.digits + 2))


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
        *([("target acceptance", f"{fit.target_accept:g}")] if engine["engine"] == "nuts" else []),
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
