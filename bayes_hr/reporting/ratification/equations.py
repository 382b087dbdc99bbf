r"""Model R in mathematics: LaTeX from card and design."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bayes_hr.data.regimes import BY_YEAR
from bayes_hr.reporting.prior_lines import prior_of
from bayes_hr.reporting.ratification import dynamics, mundlak, standard

if TYPE_CHECKING:
    from bayes_hr.cards import Card as AnyCard
    from bayes_hr.cards import RatificationCard as Card
    from bayes_hr.reporting.ratification.content import RatificationContent as Content

SYMBOL = {
    "alpha": r"\alpha",
    "cut_first": "c_1",
    "log_gap": "g_j",
    "sd_cutpoint_shift": "s_w",
    "sd_gap_shift": "s_v",
    "beta": r"\beta_r",
    "gamma": r"\gamma_k",
    "tau": r"\tau_r",
    "sd_tau": r"s_\tau",
    "sd_year_effect": "s_f",
    "sd_year_step": "s_f",
    "sd_country.intercept": "s_a",
    "sd_country.ratified": "s_b",
    "corr_country": "R",
    "sigma": r"\sigma",
    "rho": r"\rho",
    "phi": r"\phi",
    "first_outcome": r"\delta",
    "mundlak": r"\omega_k",
    "kappa": r"\kappa",
    "nu": r"\nu",
}
"""Symbol of each parameter, by its key in the card's priors (``year_effect`` depends on the card)."""


def equations(content: Content) -> list[tuple[str, str]]:
    """The model, as (what it is, LaTeX) for each line."""
    card, several = content.card, len(content.classes) > 1
    lines = [
        *outcome(content),
        ("Linear predictor", linear_predictor(card, several=several)),
        *mundlak.equation(card, several=several),
        (f"Ratification of {card.treatment.name}", treatment(card)),
        ("Country effects", country(card)),
    ]
    if _pooled(card):
        lines.append(("Class effects, partially pooled", r"\tau_r \sim \mathrm{Normal}(\mu_\tau,\, s_\tau)"))
    lines += year_effects(card, _f(card, several=several))
    return [(what, _of_years(card, line)) for what, line in [*lines, *errors(card)]]


def _of_years(card: Card, line: str) -> str:
    """A line of LaTeX with the class of the country in that year, where classes change."""
    return line.replace("r(i)", "r(it)") if card.regime.rule == BY_YEAR else line


def outcome(content: Content) -> list[tuple[str, str]]:
    """The outcome, or the latent one whose parts are its categories."""
    cuts = content.design.error.cuts
    if cuts is None:
        return [("Outcome of country i in year t", r"y_{it} = \eta_{it} + e_{it}")]
    K = len(cuts.categories)
    ends = rf"c_0 = -\infty,\ c_{{{K}}} = \infty"
    lines = [
        ("Latent outcome of country i in year t", r"y^{*}_{it} = \eta_{it} + e_{it}"),
        ("Its category", rf"y_{{it}} = v_j \text{{ if }} c_{{j-1}} < y^{{*}}_{{it}} \le c_j, \quad {ends}"),
    ]
    last = "" if K == 3 else rf", \dots, {K - 2}"
    gaps = rf"c_{{j+1}} = c_j + \exp(g_j), \quad j = 1{last}"
    moving = standard.equation(content)
    if moving:  # each row has the cut-points of its year
        lines[1] = (lines[1][0], lines[1][1].replace("c_{j-1}", "c_{t,j-1}").replace("c_j", "c_{t,j}"))
    lines += [("Their means" if moving else "Cut-points", gaps)] if K > 2 else []
    return [*lines, *moving]


def _pooled(card: Card) -> bool:
    return card.treatment.pooling == "partial"


def _f(card: Card, *, several: bool) -> str:
    return "f_{r(i)}(t)" if card.time.by == "regime" and several else "f(t)"


def linear_predictor(card: Card, *, several: bool) -> str:
    """The terms that this card has, and no other."""
    terms = card.groups[0].terms
    parts = [] if card.outcome.ordinal else [r"\alpha"]
    parts += [r"\beta_{r(i)}"] if several else []
    parts += [r"x_{it}^{\top}\gamma"] if card.population else []
    parts += [_f(card, several=several)] if card.time.effects != "none" else []
    parts += ["a_i"] if "intercept" in terms else []
    parts += [r"g_i\, (t - \bar{t}) / 10"] if "trend" in terms else []
    parts += [*dynamics.predictor_parts(card), *mundlak.predictor_part(card)]
    tau = r"\tau_{r(i)}" if several else r"\tau"
    parts += [rf"({tau} + b_i)\, D_{{it}}" if "ratified" in terms else rf"{tau}\, D_{{it}}"]
    return r"\eta_{it} = " + " + ".join(parts)


def treatment(card: Card) -> str:
    """D as the card has it."""
    lag = card.treatment.lag
    since = rf"T_i + {lag}" if lag else "T_i"
    return rf"D_{{it}} = 1 \text{{ if }} t \ge {since}, \text{{ else }} 0"


_LETTERS: Final = {"intercept": "a", "ratified": "b", "trend": "g"}


def country(card: Card) -> str:
    """Distribution of the country effects."""
    group = card.groups[0]
    letters = [_LETTERS[term] for term in group.terms]
    if group.correlated and len(letters) > 1:
        effects, spreads = (", ".join(shape.format(v) for v in letters) for shape in ("{}_i", "s_{}"))
        return rf"({effects}) \sim \mathrm{{MVNormal}}(0,\, S R S), \quad S = \mathrm{{diag}}({spreads})"
    return r", \quad ".join(rf"{v}_i \sim \mathrm{{Normal}}(0,\, s_{v})" for v in letters)


def year_effects(card: AnyCard, symbol: str) -> list[tuple[str, str]]:
    """Distribution of year effects whose spread, or whose steps' spread, is estimated."""
    f = symbol.replace("r(i)", "r")
    if card.time.effects == "pooled":
        return [("Year effects", rf"{f} \sim \mathrm{{Normal}}(0,\, s_f)")]
    if card.time.effects != "random_walk":
        return []
    before = f.replace("(t)", "(t - g)")
    steps = rf"{f} - {before} \sim \mathrm{{Normal}}(0,\, \sqrt{{g}}\, s_f), \quad \sum_t {f} = 0"
    return [("Year effects, a random walk (g years to the year before)", steps)]


def errors(card: AnyCard) -> list[tuple[str, str]]:
    """Errors: shocks, their persistence, the first year, and gaps; then those of the measurement."""
    if card.outcome.ordinal:
        law = {"probit": "Normal", "logit": "Logistic"}[card.outcome.link]
        return [("Errors, independent", rf"e_{{it}} \sim \mathrm{{{law}}}(0,\, 1)")]
    if not card.error.measurement_sd:
        return _model_errors(card)
    measured = r"\tilde{y}_{it} = y_{it} + m_{it}, \quad m_{it} \sim \mathrm{Normal}(0,\, s_{it})"
    return [*_model_errors(card), (f"Measured outcome, SD s in {card.error.measurement_sd}", measured)]


def _model_errors(card: AnyCard) -> list[tuple[str, str]]:
    student = card.outcome.likelihood == "student_t"

    def law(scale: str) -> str:
        return (
            rf"\mathrm{{StudentT}}(\nu,\, 0,\, {scale})" if student else rf"\mathrm{{Normal}}(0,\, {scale})"
        )

    if card.error.kind == "iid":
        return [("Errors, independent", rf"e_{{it}} \sim {law(r'\sigma')}")]
    stationary = r"\sigma / \sqrt{1 - \rho^2}"
    out = [
        (
            "Errors, AR(1) within country",
            rf"e_{{it}} = \rho\, e_{{i,t-1}} + \varepsilon_{{it}}, \quad \varepsilon_{{it}} \sim "
            rf"{law(r'\sigma')}",
        ),
        ("First year of a country", rf"e_{{i,\mathrm{{first}}}} \sim {law(stationary)}"),
    ]
    if student:
        return out
    gap = (
        r"e_{it} \mid e_{i,t-g} \sim \mathrm{Normal}\left(\rho^g e_{i,t-g},\, "
        r"\sigma \sqrt{(1 - \rho^{2g}) / (1 - \rho^2)}\right)"
    )
    return [*out, ("After a gap of g years", gap)]


def prior_equations(content: Content) -> list[str]:
    """One LaTeX line for each prior, in outcome units."""
    several = len(content.classes) > 1
    symbols = {**SYMBOL, "year_effect": _f(content.card, several=several).replace("r(i)", "r")}
    symbols |= {"tau": r"\mu_\tau"} if _pooled(content.card) else {} if several else {"tau": r"\tau"}
    lines = []
    for key in content.prior_keys:
        if key == "beta" and not several:
            continue
        lines.append(rf"{symbols.get(key, key)} \sim {prior_of(content, key).latex}")
    return lines


_CUTS: Final = {
    "probit": "cut-points between them, in units of the SD of the latent error",
    "logit": "cut-points between them, on the scale of the latent error (standard logistic: SD π/√3 = 1.81)",
}


def glossary(content: Content) -> list[tuple[str, str]]:
    """What the symbols stand for: (LaTeX, words)."""
    card, classes = content.card, content.classes
    out = [("y_{it}", card.outcome.label or card.outcome.name)]
    cuts = content.design.error.cuts
    if cuts is not None:
        out.append(("v_j", f"its categories in order: {', '.join(map(str, cuts.categories))}"))
        out.append(("c_{t,j}" if cuts.walk else "c_j", _CUTS[cuts.link]))
        out += standard.symbols(content)
    out.append(("T_i", f"year in which the country ratified {card.treatment.name} (never: D stays 0)"))
    if len(classes) > 1:
        out.append((r"\beta_{r(i)}", f"level of the country's class; 0 in the reference class, {classes[0]}"))
        out.append((r"\tau_{r(i)}", "effect of ratification in the country's class: the estimand by regime"))
    if card.population:
        out.append((r"x_{it}", f"controls: {', '.join(c.label for c in card.population)}"))
    out += [*dynamics.symbols(content), *mundlak.symbols(content)]
    if card.time.effects != "none":
        by = "of each class" if card.time.by == "regime" and len(classes) > 1 else "common to all"
        out.append((_f(card, several=len(classes) > 1), f"one effect for each year, {by}"))
    if "intercept" in card.groups[0].terms:
        out.append(("a_i", "the country's own level"))
    if "ratified" in card.groups[0].terms:
        out.append(("b_i", "the country's deviation from the effects of its class or classes"))
    if "trend" in card.groups[0].terms:
        out.append(("g_i", "the country's own trend per decade, beside the years of its class"))
    if card.groups[0].correlated and len(card.groups[0].terms) > 1:
        out.append(
            ("R", "correlation matrix of the country's coefficients; the diagonal matrix S holds their SDs")
        )
    return [(_of_years(card, symbol), words) for symbol, words in out]
