r"""Model C in mathematics: LaTeX from card and design, with only the terms that the card has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayes_hr.convergence_design import SIGNED
from bayes_hr.reporting.prior_lines import prior_of

if TYPE_CHECKING:
    from bayes_hr.reporting.convergence.content import ConvergenceContent as Content

Lines = list[tuple[str, str]]
GROUPS = {"state": ("u", "i", "S_u", "R_u"), "igo": ("w", "j", "S_w", "R_w")}
"""Letter, index, SDs and correlations of the deviations of each group."""


def equations(content: Content) -> Lines:
    """The model, as (what it is, LaTeX) for each line."""
    return [
        (
            f"{'Gap' if content.card.outcome.name == SIGNED else 'Distance'} of state i in IGO j, year t",
            outcome(content),
        ),
        ("Model", predictor(content)),
        *phase_lines(content),
        *group_lines(content),
        *serial_lines(content),
        *_pooled_years(content),
        ("Errors", _errors(content)),
        *estimand_lines(content),
    ]


def outcome(content: Content) -> str:
    """Distance from the co-members' mean, as the card has it."""
    mean = {
        "leave_one_out": r"\frac{1}{n_{ijt}} \sum_{k \in M_{jt},\, k \ne i} \theta_{kt}",
        "inclusive": r"\frac{1}{|M_{jt}|} \sum_{k \in M_{jt}} \theta_{kt}",
        "frozen": r"\frac{1}{n_{ijt}} \sum_{k \in M_{j,\mathrm{entry}},\, k \ne i} \theta_{kt}",
    }[content.card.igo.mean]
    mean = "m_{ijt}" if content.own_data else mean
    if content.card.outcome.name == SIGNED:
        return rf"d_{{ijt}} = o_{{ij}} \left( \theta_{{it}} - {mean} \right)"
    return rf"d_{{ijt}} = \left| \theta_{{it}} - {mean} \right|"


def _terms(content: Content) -> list[str]:
    return [str(t) for t in content.design.term("beta").coords["term"]]


def _phases(content: Content) -> list[str]:
    return [t for t in _terms(content) if not t.endswith("_slope")]


def predictor(content: Content) -> str:
    """The terms that this card has, and no other."""
    design, card = content.design, content.card
    all_terms = _terms(content)
    groups = {g.name: g.terms for g in design.groups}
    whole = [n for n in GROUPS if n in groups and list(groups[n]) == all_terms]
    inside = [r"\beta", *(f"{GROUPS[n][0]}_{GROUPS[n][1]}" for n in whole)]
    parts = [rf"x_{{ijt}}^{{\top}}({' + '.join(inside)})" if len(inside) > 1 else r"x_{ijt}^{\top}\beta"]
    for name in (n for n in GROUPS if n in groups and n not in whole):
        letter, index = GROUPS[name][:2]
        parts.append(rf"x_{{ijt}}^{{({letter})\top}} {letter}_{index}")
    parts += ["v_{ij}"] if "dyad" in groups else []
    parts += ["f_t"] if card.time.effects != "none" else []
    if design.serial is not None:
        parts.append(r"\ell_{ijt}\, s_{it}" if card.state_years.loading == "sign" else "s_{it}")
    parts += [r"z_{it}^{\top}\gamma"] if card.population else []
    return r"d_{ijt} = " + " + ".join([*parts, "e_{ijt}"])


def phase_lines(content: Content) -> Lines:
    """Columns of x: a level and a slope for each phase that occurs."""
    terms = _terms(content)
    letter = {"before": "B", "during": "D", "after": "A", "gap": "G"}
    columns = []
    for phase in _phases(content):
        columns.append(f"{letter[phase]}_{{ijt}}")
        if f"{phase}_slope" in terms:
            columns.append(f"{letter[phase]}_{{ijt}} k_{{ijt}}")
    out = [("Level and slope of each phase", rf"x_{{ijt}} = ({r',\; '.join(columns)})")]
    out.append(("Decades since entry", r"k_{ijt} = (t - \mathrm{entry}_{ij}) / 10"))
    if "after" in terms:
        out.append(
            ("Decades since the last member year, after exit", r"k_{ijt} = (t - \mathrm{last}_{ij}) / 10")
        )
    return out


def group_lines(content: Content) -> Lines:
    """Distributions of the deviations of states, IGOs and dyads."""
    out = []
    for group in content.design.groups:
        if group.name == "dyad":
            out.append(("Dyads", r"v_{ij} \sim \mathrm{Normal}(0,\, s_v)"))
            continue
        letter, index, spread, corr = GROUPS[group.name]
        what = {"state": "States' deviations", "igo": "IGOs' deviations"}[group.name]
        if group.corr is not None:
            line = rf"{letter}_{index} \sim \mathrm{{MVNormal}}(0,\, {spread} {corr} {spread})"
        else:
            line = rf"{letter}_{{{index}q}} \sim \mathrm{{Normal}}(0,\, s_{{{letter} q}})"
        out.append((what, line))
    return out


def serial_lines(content: Content) -> Lines:
    """State-years, AR(1) within the state."""
    if content.design.serial is None:
        return []
    out = [
        (
            "State-years, AR(1) within the state, over gaps of g years",
            r"s_{it} \mid s_{i,t-g} \sim \mathrm{Normal}\left(\rho^g s_{i,t-g},\, "
            r"s_s \sqrt{1 - \rho^{2g}}\right)",
        )
    ]
    if content.card.state_years.loading == "sign":
        out.append(
            ("Their sign", r"\ell_{ijt} = 1 \text{ if the score is above the mean, else } -1"),
        )
    return out


def _pooled_years(content: Content) -> Lines:
    if content.card.time.effects != "pooled":
        return []
    return [("Year effects", r"f_t \sim \mathrm{Normal}(0,\, s_f)")]


def _errors(content: Content) -> str:
    if content.card.outcome.likelihood == "student_t":
        return r"e_{ijt} \sim \mathrm{StudentT}(\nu,\, 0,\, \sigma)"
    return r"e_{ijt} \sim \mathrm{Normal}(0,\, \sigma)"


def estimand_lines(content: Content) -> Lines:
    """Kinks and jumps in the coefficients."""

    def b(term: str) -> str:
        return rf"\beta_{{{_symbol(term)}}}"

    lines = {
        "kink_entry": ("Kink at entry", f"{b('during_slope')} - {b('before_slope')}"),
        "kink_exit": ("Kink at exit", f"{b('after_slope')} - {b('during_slope')}"),
        "jump_entry": ("Jump at entry", f"{b('during')} - {b('before')}"),
        "jump_exit": (
            "Jump at exit, mean over the dyads that exit",
            rf"b_{{{_symbol('after')}}} - \left( b_{{{_symbol('during')}}} + b_{{{_symbol('during_slope')}}} "
            r"\frac{\mathrm{last}_{ij} - \mathrm{entry}_{ij}}{10} \right), \quad b = \beta + u_i + w_j",
        ),
    }
    return [lines[name] for name in content.quantities if name in lines]


def _symbol(term: str) -> str:
    """``during`` and ``during,k``: level and slope of a phase."""
    phase, _, slope = term.partition("_")
    return rf"\mathrm{{{phase}}},k" if slope else rf"\mathrm{{{phase}}}"


def symbol(key: str) -> str:
    """LaTeX of a parameter, by its key in the card's priors."""
    name, _, term = key.partition(".")
    if name == "beta":
        return rf"\beta_{{{_symbol(term)}}}"
    if name in {"sd_state", "sd_igo"}:
        return rf"s_{{{GROUPS[name.removeprefix('sd_')][0]},{_symbol(term)}}}"
    known = {
        "corr_state": "R_u",
        "corr_igo": "R_w",
        "sd_dyad": "s_v",
        "year_effect": "f_t",
        "sd_year_effect": "s_f",
        "sd_state_year": "s_s",
        "gamma": r"\gamma",
        "sigma": r"\sigma",
        "rho": r"\rho",
        "nu": r"\nu",
    }
    return known.get(name, rf"\mathrm{{{name}}}")


def prior_equations(content: Content) -> list[str]:
    """LaTeX lines of the priors in outcome units; equal priors of one kind stand in one line."""
    lines: dict[tuple[str, str], list[str]] = {}
    for key in content.prior_keys:
        lines.setdefault((key.partition(".")[0], prior_of(content, key).latex), []).append(symbol(key))
    return [rf"{r',\; '.join(names)} \sim {prior}" for (_, prior), names in lines.items()]


def glossary(content: Content) -> list[tuple[str, str]]:
    """What the symbols stand for: (LaTeX, words)."""
    design, card = content.design, content.card
    groups = {g.name: list(g.terms) for g in design.groups}
    out = [(r"\theta_{it}", "score of the state; higher is better protection")]
    if content.own_data:
        out.append(("m_{ijt}", "mean of its co-members, as given in the data"))
    else:
        out.append(("M_{jt}", "members of the IGO with a score; n are those beside the state"))
    if card.outcome.name == SIGNED:
        out.append(("o_{ij}", "sign of the dyad's mean gap before entry"))
    shown = {"before": "B", "during": "D", "after": "A", "gap": "G"}
    letters = ", ".join(shown[p] for p in _phases(content))
    out.append((letters, f"1 in the phase ({', '.join(_phases(content))}), 0 elsewhere"))
    out.append(
        ("k", "decades; negative before entry, so that a negative slope is convergence in every phase")
    )
    out.append((r"\beta", "levels and slopes of the average state in the average IGO"))
    for name, who in (("state", "the state's"), ("igo", "the IGO's")):
        if name in groups:
            letter, index = GROUPS[name][:2]
            terms = "" if groups[name] == _terms(content) else f" ({', '.join(groups[name])} only)"
            out.append((f"{letter}_{index}", f"{who} own deviations from them{terms}"))
    if "dyad" in groups:
        out.append(("v_{ij}", "level of this pair of a state and an IGO"))
    if card.time.effects != "none":
        out.append(("f_t", "one effect for each year, common to all dyads"))
    if design.serial is not None:
        out.append(("s_{it}", "what moves the state's distances to all of its IGOs in a year"))
    if card.population:
        out.append(("z_{it}", f"controls: {', '.join(c.label for c in card.population)}"))
    if any(g.corr is not None for g in design.groups):
        out.append(("S, R", "diagonal matrix of SDs and correlation matrix of the deviations"))
    return out
