r"""Model T in mathematics: LaTeX from card and design."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.reporting.prior_lines import prior_of
from bayes_hr.reporting.ratification.equations import errors, year_effects

if TYPE_CHECKING:
    from bayes_hr.reporting.treaties.content import TreatiesContent as Content

_SYMBOL = {
    "alpha": r"\alpha",
    "beta": r"\beta_r",
    "gamma": r"\gamma_j",
    "tau": r"\mu_\tau",
    "sd_tau": r"s_\tau",
    "sd_tau_regime": r"s_{\tau r}",
    "sd_year_effect": "s_f",
    "sd_year_step": "s_f",
    "sd_country.intercept": "s_a",
    "sd_country.common": "s_b",
    "corr_country": "R",
    "sigma": r"\sigma",
    "rho": r"\rho",
    "nu": r"\nu",
}


def equations(content: Content) -> list[tuple[str, str]]:
    """The model, as (what it is, LaTeX) for each line."""
    card, several = content.card, len(content.classes) > 1
    lag = f" + {card.treatment.lag}" if card.treatment.lag else ""
    treated = rf"D_{{kit}} = 1 \text{{ if }} t \ge T_{{ik}}{lag}, \text{{ else }} 0"
    lines = [
        ("Outcome of country i in year t", r"y_{it} = \eta_{it} + e_{it}"),
        ("Linear predictor", linear_predictor(content)),
        ("Ratification of treaty k", treated),
        ("Treaties, partially pooled", r"\tau_k \sim \mathrm{Normal}(\mu_\tau,\, s_\tau)"),
    ]
    if several:
        law = r"\tau_{kr} \sim \mathrm{Normal}(0,\, s_{\tau r})"
        lines.append(("Treaty by regime class, partially pooled", law))
    lines.append(("Country effects", country(content)))
    return [*lines, *year_effects(card, _f(content)), *errors(card)]


def country(content: Content) -> str:
    """Distribution of the country effects."""
    group = content.card.groups[0]
    letters = {"intercept": ("a_i", "s_a"), "common": ("b_i", "s_b"), "treaties": ("b_{ik}", "s_{b_k}")}
    found = [letters[t] for t in group.terms]
    if group.correlated and len(found) > 1:
        effects, spreads = (", ".join(part) for part in zip(*found, strict=True))
        return rf"({effects}) \sim \mathrm{{MVNormal}}(0,\, S R S), \quad S = \mathrm{{diag}}({spreads})"
    return r", \quad ".join(rf"{v} \sim \mathrm{{Normal}}(0,\, {sd})" for v, sd in found)


def _f(content: Content) -> str:
    return "f_{r(i)}(t)" if content.card.time.by == "regime" and len(content.classes) > 1 else "f(t)"


def linear_predictor(content: Content) -> str:
    """The terms that this card has, and no other."""
    card, several = content.card, len(content.classes) > 1
    terms = card.groups[0].terms
    parts = [r"\alpha"]
    parts += [r"\beta_{r(i)}"] if several else []
    parts += [r"x_{it}^{\top}\gamma"] if card.population else []
    parts += [_f(content)] if card.time.effects != "none" else []
    parts += ["a_i"] if "intercept" in terms else []
    effect = r"\tau_k" + (r" + \tau_{k,r(i)}" if several else "")
    effect += "".join(
        f" + {letter}" for t, letter in (("common", "b_i"), ("treaties", "b_{ik}")) if t in terms
    )
    return r"\eta_{it} = " + " + ".join(parts) + rf" + \sum_k \left({effect}\right) D_{{kit}}"


def prior_equations(content: Content) -> list[str]:
    """One LaTeX line for each prior, in outcome units."""
    several = len(content.classes) > 1
    spreads = {f"sd_country.{name}": rf"s_{{b,\mathrm{{{_plain(name)}}}}}" for name in content.treaties}
    symbols = {**_SYMBOL, **spreads, "year_effect": _f(content).replace("r(i)", "r")}
    keys = [key for key in content.prior_keys if several or key != "beta"]
    return [rf"{symbols.get(key, key)} \sim {prior_of(content, key).latex}" for key in keys]


def _plain(name: str) -> str:
    """Letters and digits of a treaty's name, for a subscript."""
    return "".join(c if c.isalnum() else "-" for c in name)


def glossary(content: Content) -> list[tuple[str, str]]:
    """What the symbols stand for: (LaTeX, words)."""
    card, classes = content.card, content.classes
    several, terms = len(classes) > 1, card.groups[0].terms
    out = [
        ("y_{it}", card.outcome.label or card.outcome.name),
        ("k", f"treaties: {', '.join(content.treaties)}"),
        ("T_{ik}", "year in which the country ratified treaty k (never: D stays 0)"),
        (r"\tau_k", "effect of treaty k, given the others"),
        (r"\mu_\tau", "mean effect of treaties like these, towards which each is pulled"),
    ]
    if several:
        out.append((r"\tau_{k,r(i)}", "departure of the country's class from the effect of treaty k"))
        out.append((r"\beta_{r(i)}", f"level of the country's class; 0 in the reference class, {classes[0]}"))
    if card.population:
        out.append((r"x_{it}", f"controls: {', '.join(c.label for c in card.population)}"))
    if card.time.effects != "none":
        by = "of each class" if card.time.by == "regime" and several else "common to all"
        out.append((_f(content), f"one effect for each year, {by}"))
    if "intercept" in terms:
        out.append(("a_i", "the country's own level"))
    if "common" in terms:
        out.append(("b_i", "the country's own response to any treaty, beside that of its class"))
    if card.groups[0].correlated and len(terms) > 1:
        words = "correlation matrix of the country's coefficients; the diagonal matrix S holds their SDs"
        out.append(("R", words))
    if "treaties" in terms:
        words = "the country's deviation from the effect of treaty k in its class; an SD for each treaty"
        out.append(("b_{ik}", words))
    return out
