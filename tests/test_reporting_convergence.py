"""The report of a convergence fit: what it says, in which order, and that nothing in it can mislead."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from test_reporting import Page, with_verdict

from bayes_hr import fitting, simulate
from bayes_hr.cards import ConvergenceCard, load_card
from bayes_hr.checks.identification import CONDITIONAL, identification_table
from bayes_hr.checks.residual_share import residual_shares
from bayes_hr.checks.result import FAIL, PASS, Verdict
from bayes_hr.convergence_design import build
from bayes_hr.data.merge import MergeReport
from bayes_hr.data.panel import Panel
from bayes_hr.engines.assemble import assemble_posterior
from bayes_hr.errors import InputError
from bayes_hr.estimands.convergence import population_draws
from bayes_hr.estimands.convergence_prior import prior_estimands
from bayes_hr.estimands.convergence_truth import truth_table
from bayes_hr.estimands.curves import curve
from bayes_hr.estimands.hypotheses import hypotheses
from bayes_hr.fits import Fit
from bayes_hr.questions.convergence import SENSITIVITY
from bayes_hr.reporting import figures, mathematics, tables_model
from bayes_hr.reporting import words as shared_words
from bayes_hr.reporting.convergence import (
    equations,
    export,
    limits,
    page,
    plots_effects,
    tables,
    tables_claims,
    tables_data,
    tables_levels,
    vocabulary,
    words,
)
from bayes_hr.reporting.convergence.content import ConvergenceContent as Content
from bayes_hr.reporting.convergence.content import _table, gather

CHAINS, DRAWS = 4, 100
CD = ("chain", "draw")


@cache
def world() -> simulate.ConvergenceWorld:
    return simulate.convergence(n_igos=4, years=(1990, 2012))


@cache
def card() -> ConvergenceCard:
    found = load_card("demo_convergence")
    assert isinstance(found, ConvergenceCard)
    return found


def draws_of(design: Any, rng: np.random.Generator) -> xr.Dataset:
    """Independent draws around the truth of the world, in the shape in which an engine gives them."""
    truth = world().truth

    def around(centre: Any, spread: float, *shape: int) -> np.ndarray:
        return np.asarray(centre) + spread * rng.standard_normal((CHAINS, DRAWS, *shape))

    values: dict[str, Any] = {}
    for term in design.population:
        if term.name == "beta":
            centre = [truth.beta.get(str(t), 0.0) for t in term.coords["term"]]
            values["beta"] = ((*CD, "term"), around(centre, 0.02, term.size))
        else:
            values[term.name] = ((*CD, *term.dims), around(0.0, 0.03, *term.shape))
        if term.sd is not None:
            values[f"sd_{term.name}"] = (CD, np.abs(around(0.2, 0.02)))
    for group in design.groups:
        q, n, dim = len(group.terms), len(group.levels), f"{group.name}_term"
        values[f"sd_{group.name}"] = ((*CD, dim), np.abs(around(0.1, 0.01, q)))
        values[f"u_{group.name}"] = ((*CD, group.name, dim), around(0.0, 0.05, n, q))
        if group.corr is not None:
            corr = np.broadcast_to(np.eye(q), (CHAINS, DRAWS, q, q)).copy()
            for i, j in zip(*np.tril_indices(q, -1), strict=True):
                corr[..., i, j] = corr[..., j, i] = around(0.0, 0.1)
            values[f"corr_{group.name}"] = ((*CD, dim, f"{dim}_bis"), corr)
    values["sigma"] = (CD, np.abs(around(0.1, 0.005)))
    if design.serial is not None:
        values["sd_state_year"] = (CD, np.abs(around(0.15, 0.01)))
        values["rho"] = (CD, around(0.9, 0.005))
    if design.error.nu is not None:
        values["nu"] = (CD, np.abs(around(8.0, 0.5)))
    return xr.Dataset(values, {"chain": np.arange(CHAINS), "draw": np.arange(DRAWS)})


def tables_of(design: Any, tree: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The tables that a fit brings, without power scaling, which takes most of their time."""
    posterior, rows = tree["posterior"].dataset, tree["constant_data"].dataset
    prior = prior_estimands(design, np.random.default_rng(2), 2000)
    return {
        "hypotheses": hypotheses(posterior, rows, prior=prior, rope=(-0.02, 0.02), rope_jump=(-0.05, 0.05)),
        "identification": identification_table(
            population_draws(posterior, rows), prior=prior, residual=residual_shares(design)
        ),
        "curve": curve(posterior, rows),
    }


def fit_of(card: ConvergenceCard, panel: Panel, truth: pd.DataFrame | None = None) -> Fit:
    """A fit that nobody sampled."""
    design = build(card, panel)
    tree = assemble_posterior(design, draws_of(design, np.random.default_rng(1)), {}, seed=1)
    tree.attrs |= {"engine": "nuts", "sampler": "none", "form": "rows"}
    tree.attrs |= {"compile_seconds": 1.0, "sample_seconds": 2.0}
    provenance = fitting._provenance(card, panel, design, tree)
    return Fit(fitting.FitResult(tree, card, provenance), truth=truth, extra=tables_of(design, tree))


@cache
def demo() -> Fit:
    return fit_of(card(), world().panel, truth_table(world()))


@cache
def content() -> Content:
    return gather(demo())


@cache
def html() -> str:
    return page.render(content())


def panel_of(frame: pd.DataFrame) -> Panel:
    """The world's panel with other rows."""
    return replace(world().panel, frame=frame, merge=MergeReport.of(len(frame), frame, ()))


def phases(*kept: str) -> pd.DataFrame:
    """The world's rows of some phases."""
    return world().frame[world().frame["phase"].isin(kept)].reset_index(drop=True)


def variant(frame: pd.DataFrame | None = None, **changes: Any) -> Content:
    """What the report has of another card, or of other rows, judged to pass."""
    panel = world().panel if frame is None else panel_of(frame)
    return gather(with_verdict_kept(fit_of(card().replace(**changes), panel), PASS))


def with_verdict_kept(fit: Fit, status: str) -> Fit:
    """The same fit, judged otherwise, with its tables."""
    judged = with_verdict(fit, status)
    out = replace(judged, extra=fit.extra)
    out.__dict__["_verdict"] = judged.__dict__["_verdict"]
    return out


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without figures, which take most of its time."""
    monkeypatch.setattr(Content, "finite", False)


def test_page_nests_and_every_link_inside_it_leads_somewhere() -> None:
    parsed = Page(html())
    ids = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {str(a["href"])[1:] for t, a in parsed.tags if t == "a" and str(a["href"]).startswith("#")}
    assert targets <= set(ids)


def test_page_asks_the_network_for_nothing() -> None:
    parsed = Page(html())
    assert not {"script", "link", "iframe", "object", "embed", "img", "base"} & {t for t, _ in parsed.tags}
    for tag, attributes in parsed.tags:
        for name, value in attributes.items():
            if not (tag == "a" and name == "href") and name not in {"aria-label", "content"}:
                assert "//" not in str(value), f"<{tag} {name}={value}>"
    assert "default-src 'none'" in html()


def test_page_is_accessible_and_small() -> None:
    parsed = Page(html())
    tags = [t for t, _ in parsed.tags]
    assert tags.count("table") == tags.count("caption")
    assert tags.count("h1") == 1
    pictures = [a for t, a in parsed.tags if t == "svg"]
    assert len(pictures) > 12
    assert all(a.get("role") == "img" and a.get("aria-label") for a in pictures)
    assert len(html().encode()) < 3_000_000


def test_order_of_the_page() -> None:
    keys = ["question", "verdict", "answer", "curve", "kinks", "jumps", "slopes", "hypotheses"]
    keys += ["identification", "types", "by-state", "by-igo", "data", "model", "checks", "reproduce"]
    at = [html().index(f'id="{key}"') for key in [*keys, "references", "limitations"]]
    assert at == sorted(at)


def test_key_facts() -> None:
    rows, facts = demo().data["constant_data"].dataset, dict(tables_data.key_facts(content()))
    phase = rows["phase"].values.astype(str)
    assert facts["rows before entry"] == f"{(phase == 'before').sum():,}"
    assert facts["rows during membership"] == f"{(phase == 'during').sum():,}"
    assert facts["dyads (state and IGO)"] == f"{len(set(rows['dyad'].values.tolist())):,}"
    exits = set(rows["dyad"].values[phase == "after"].tolist())
    assert facts["that exit"] == str(len(exits))
    before = len(set(rows["dyad"].values[phase == "before"].tolist()))
    assert facts["with a before"].startswith(f"{before} (")
    assert facts["co-members' mean"] == "leave-one-out"


def test_kinks_come_first_and_slopes_are_conditional() -> None:
    titles = [title for title, _ in words.answer(content())]
    assert titles == [
        "How to read the numbers",
        "Kinks",
        "Jumps",
        "Slopes, conditional on the priors",
        "Instrumental or intrinsic?",
    ]
    told = Page(html()).text
    assert "the data identify only differences between slopes" in told
    assert "relative to the state's other IGOs of the same year" in told
    assert "not what membership causes" in told
    assert "significant" not in told.lower()
    assert "In the style of Weyrauch & Steinert (2021)" in told
    assert "replication" not in told.lower().replace("pseudo-replication", "")


def row(estimand: str, mean: float, p_gt_0: float, p_rope: float, **more: Any) -> Any:
    found = {"level": "all dyads", "note": "", "lb": mean - 0.04, "ub": mean + 0.04, "ci_prob": 0.89}
    found |= {"estimand": estimand, "mean": mean, "p_gt_0": p_gt_0, "p_rope": p_rope}
    return SimpleNamespace(**{**found, **more})


def test_the_sentence_of_a_clear_kink() -> None:
    assert words.sentence(row("kink_entry", -0.1, 0.001, 0.004), noun="distance", digits=2) == (
        "Kink at entry (slope during membership minus slope before entry): −0.10 score units per decade "
        "(89\u00a0% interval −0.14 to −0.06; probability below zero >.99; probability of a negligible change "
        "<.01): very strong evidence that distance falls faster, or grows less, during membership than "
        "before entry; it is not negligible."
    )


def test_the_sentence_of_an_unclear_jump() -> None:
    told = words.sentence(row("jump_entry", 0.0, 0.48, 0.28), noun="distance", digits=2)
    assert told.endswith(
        "score units (89\u00a0% interval −0.04 to 0.04; probability below zero .52; probability of a "
        "negligible change .28): no clear sign of a change in either direction; the data do not settle "
        "whether it is negligible."
    )


def test_the_sentence_of_the_opposite_sign() -> None:
    exits = {"note": "mean over the 31 dyads that exit; spells of 9.3 years on average"}
    told = words.sentence(row("jump_exit", 0.1, 0.98, 0.03, **exits), noun="distance", digits=2)
    assert told.startswith("Jump at exit, mean over the 31 dyads that exit (level just after exit minus")
    assert told.endswith("strong evidence that distance jumps up on leaving; it is not negligible.")
    told = words.sentence(
        row("slope_during", 0.1, 0.95, 0.1), noun="distance", digits=2, flag="conditional on the priors"
    )
    assert "some evidence that distance grows in the course of membership" in told
    assert told.endswith("Flagged: conditional on the priors.")


def test_a_value_that_is_no_number_is_said() -> None:
    nan = float("nan")
    told = words.sentence(row("kink_entry", nan, nan, nan, lb=nan, ub=nan), noun="distance", digits=2)
    assert "nothing can be said of its direction" in told
    assert "nan" not in told


def bayes(factor: float, lower: float, upper: float) -> dict[str, float]:
    return {"bayes_factor": factor, "bayes_factor_lb": lower, "bayes_factor_ub": upper}


@pytest.mark.parametrize(
    ("found", "shown", "said"),
    [
        (bayes(30.0, 25.0, 36.0), "30 (25 to 36)", "strong evidence for it"),
        (bayes(30.0, 12.0, 75.0), "30 (12 to 75)", "positive evidence for it"),
        (bayes(2.0, 1.5, 2.7), "2.0 (1.5 to 2.7)", "for it, barely worth a mention"),
        (bayes(0.05, 0.04, 0.06), "0.050 (0.040 to 0.060)", "positive evidence against it"),
        (bayes(1.1, 0.8, 1.5), "1.1 (0.80 to 1.5)", "neither for nor against it"),
        (bayes(float("inf"), 160.0, 9e4), "above 160", "very strong evidence for it"),
        (bayes(0.0, 1e-5, 0.002), "below 0.002", "very strong evidence against it"),
        (bayes(0.0, 1e-5, 3.0), "below 3.0", "neither for nor against it"),
        (bayes(float("nan"), float("nan"), float("nan")), "–", "the draws do not tell"),
    ],
)
def test_bayes_factors_in_words(found: dict[str, float], shown: str, said: str) -> None:
    assert words.factor(found) == shown
    assert words.evidence(found) == said


def test_probabilities_with_their_monte_carlo_error() -> None:
    assert words.chance(0.18, 0.016) == ".18 ± .02"
    assert words.chance(0.46, 0.003) == ".46"
    assert words.chance(1.0, float("nan")) == ">.99"
    assert words.chance(float("nan"), float("nan")) == "–"


def test_the_rules_are_printed() -> None:
    told = dict(words.rules(card()))
    assert told["probability of the side named at least .97 and below .99"] == "strong evidence"
    assert told["probability of a negligible change below .05"] == "it is not negligible"
    assert told["Bayes factor, or its inverse, above 20 and up to 150"] == "strong evidence"
    assert all(condition in Page(html()).text for condition in told)


def test_numbers_are_those_of_the_tables() -> None:
    shown = Page(html()).text
    for found in demo().effects("all").itertuples():
        assert words.figures(found, content().digits).replace("\u00a0", " ") in shown
    for _, found in demo().tables["hypotheses"].iterrows():
        assert words.factor(found) in shown
    assert content().hypotheses["hypothesis"].map(vocabulary.HYPOTHESES).notna().all()


def test_every_number_of_the_answer_has_its_interval() -> None:
    for title, told in words.answer(content())[1:4]:
        assert all(re.search(r"interval −?[\d.]+ to −?[\d.]+", t) for t in told), title


def test_the_headline_counts_what_is_strong() -> None:
    told = words.headline(content())
    rows = [r for n in ("kink_entry", "kink_exit") for r in content().of(n, "all").itertuples()]
    strong = [r for r in rows if r.level == "all dyads" and not 0.03 <= r.p_gt_0 <= 0.97]
    assert f"{len(strong) or 'none'} of 2 kinks" in told


def test_flagged_levels_are_listed_and_not_ranked() -> None:
    for by in ("state", "igo"):
        for estimand in tables_levels.LISTED:
            table = content().of(estimand, by)
            flagged = set(table.loc[table["note"] != "", "level"])
            ranked = {r[0] for r in tables_levels.ranked_table(content(), estimand, by).rows}
            assert not flagged & ranked
            assert flagged | ranked == set(table["level"])
    states = content().of("kink_entry", "state")
    assert (states["note"] != "").any()
    listed = {r[0] for r in tables_levels.unranked_table(content(), "state").rows}
    assert listed == set(states.loc[states["note"] != "", "level"])
    frame = tables_levels.level_frame(content(), "state")
    assert frame.loc[frame["note"] != "", "rank"].isna().all()
    kinks = frame[(frame["estimand"] == "kink_entry") & (frame["note"] == "")].sort_values("rank")
    assert kinks["mean"].is_monotonic_increasing


def test_identification_flags_are_shown() -> None:
    table = content().identification
    assert (table["flag"] == CONDITIONAL).any()
    shown = tables_claims.identification_table(content())
    assert [r[7] for r in shown.rows] == table["flag"].tolist()
    assert all(r[4] == "–" for r in shown.rows)  # no power scaling: not a number, and not nothing
    assert "s-conditional-on-the-priors" in html()
    clean = table.assign(flag="", text="")
    assert (
        "No estimand is flagged"
        in words.identification_sentences(replace(content(), identification=clean))[0]
    )


@pytest.mark.usefixtures("no_figures")
def test_tables_that_are_not_there_are_said_to_be_missing() -> None:
    none = pd.DataFrame()
    text = page.render(replace(content(), hypotheses=none, identification=none, curve=none))
    told = Page(text).text
    assert "This fit brings no table of hypotheses" in told
    assert "This fit brings no table of identification" in told
    assert words.hypothesis_sentences(replace(content(), hypotheses=none)) == []


def test_tables_from_a_file_are_as_they_were(tmp_path: Path) -> None:
    for name, table in demo().tables.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        read = _table({name: pd.read_csv(tmp_path / f"{name}.csv")}, name)
        pd.testing.assert_frame_equal(read, _table({name: table}, name), check_dtype=False)


def companions() -> pd.DataFrame:
    own = demo().effects("all")
    other = own.assign(mean=own["mean"] + 0.05, lb=own["lb"] + 0.05, ub=own["ub"] + 0.05)
    return pd.concat(
        [own.assign(sample="all dyads"), other.assign(sample="dyads with a before")], ignore_index=True
    )


def test_estimates_without_dyads_that_have_no_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Not made here" in words.no_sensitivity(content())
    fit = replace(demo(), extra={**demo().extra, SENSITIVITY: companions()})
    both = replace(content(), sensitivity=_table(fit.extra, SENSITIVITY))
    shown = tables.sensitivity_table(both)
    assert [r[1] for r in shown.rows[:2]] == ["all dyads", "dyads with a before"]
    assert len(shown.rows) == 2 * len(demo().effects("all"))
    assert plots_effects.sensitivity_picture(both).svg.startswith("<svg")
    monkeypatch.setattr(Content, "finite", False)
    assert "Not made here" not in Page(page.render(both)).text


def test_fail_stands_above_every_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "inline_svg", lambda *_, **__: "")
    judged = with_verdict_kept(demo(), FAIL).check()
    text = page.render(replace(content(), verdict=judged))
    parsed = Page(text)
    first = re.search(r"\d", parsed.text)
    assert first is not None
    assert parsed.text.index("FAIL") < first.start()
    assert text.index('class="banner"') < text.index("<h1")
    captions = re.findall(r"<(?:caption|figcaption)>(.*?)</", text, re.S)
    warned = [c for c in captions if "FAIL – do not use" in c]
    assert len(warned) >= len(captions) - 11  # data, phases, IGOs, priors, checks, settings, versions
    section = text.split('id="answer">The answer in words</h2>')[1].split("</section>")[0]
    assert Page(f"<div>{section}</div>").text.startswith(shared_words.opening(Verdict(FAIL, ())))
    assert "FAIL" not in html().replace(shared_words.VERDICT[FAIL], "")


def test_draws_that_are_not_finite_still_make_a_page_and_an_export() -> None:
    fit = fit_of(card(), world().panel)
    fit.data["posterior"]["beta"].values[0, 0, 0] = np.nan
    broken = gather(fit)
    text = page.render(broken)
    assert Page(text).text.startswith("FAIL")
    assert "nothing can be said of its direction" in text
    assert export.paper_pictures(broken) == []
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", Page(text).text.lower())


@pytest.mark.usefixtures("no_figures")
def test_cautions_stand_before_the_answer() -> None:
    assert limits.warnings(content()) == []
    found = variant(
        time={"effects": "none"},
        state_years={"effects": "none"},
        groups=[{"name": "state"}, {"name": "igo"}],
        caution="Of this card.",
    )
    assert [title.split(":")[0] for title, _ in limits.warnings(found)] == [
        "No year effects",
        "No state-year effects",
        "No dyad intercepts",
        "Caution of this card",
    ]
    text = page.render(found)
    assert text.index("world trends pass for convergence") < text.index('id="answer"')
    assert "the data identify only differences between slopes" not in text
    assert "total alignment" in words.reading(found)[-1]
    assert "Slopes" in [title for title, _ in words.answer(found)]


def test_the_mechanical_jump_stands_beside_the_estimate() -> None:
    inclusive = simulate.convergence("inclusive_mean", n_igos=4, years=(1990, 2012))
    changed = card().replace(igo={"mean": "inclusive"})
    design = build(changed, inclusive.panel)
    found = replace(content(), card=changed, design=design)
    jump = limits.mechanical_jump(found)
    assert jump is not None
    assert jump[1] == pytest.approx(-inclusive.truth.mechanical_jump, abs=0.002)  # printed with 3 decimals
    shown = tables.mechanical_table(found)
    assert shown is not None
    estimate = float(found.of("jump_entry", "all")["mean"].iloc[0])
    assert shown.rows[0][3] == f"−{jump[1]:.3f}"
    assert float(shown.rows[0][4].replace("−", "-")) == pytest.approx(estimate + jump[1], abs=0.001)
    assert "1/(n + 1)" in shown.note
    assert "Inclusive mean" in limits.warnings(found)[0][0]
    assert tables.mechanical_table(content()) is None
    silent = replace(design, merge=replace(design.merge, notes=()))
    assert tables.mechanical_table(replace(found, design=silent)) is None
    assert (
        "by arithmetic" not in limits.inclusive_text(replace(found, design=silent)).split("leave-one-out")[1]
    )


@pytest.mark.usefixtures("no_figures")
def test_without_exits_nothing_is_said_of_what_comes_after() -> None:
    found = variant(phases("before", "during"))
    assert found.quantities == ["kink_entry", "jump_entry", "slope_before", "slope_during"]
    told = Page(page.render(found)).text
    assert "No dyad in these rows exits" in told
    assert "No signature can be judged" in told
    assert "Jump at exit" not in told
    assert "Persistence" not in told


def test_only_members_without_a_before_or_after_make_a_page() -> None:
    found = variant(phases("during"))
    assert found.quantities == ["slope_during"]
    Page(page.render(found))


@pytest.mark.parametrize(
    ("changes", "expected", "absent"),
    [
        (
            {},
            ["x i j t ⊤ (β + u i + w j) + v i j + f t + s i t + e i j t", "LKJ", "MVNormal"],
            ["StudentT", "γ"],
        ),
        ({"state_years": {"effects": "none"}}, ["v i j"], ["s i t", "ρ"]),
        ({"state_years": {"loading": "sign"}}, ["ℓ i j t s i t", "Their sign"], []),
        ({"time": {"effects": "none"}}, [], ["one effect for each year", "+ f t"]),
        ({"time": {"effects": "pooled"}}, ["Year effects", "s f"], []),
        ({"groups": [{"name": "state"}, {"name": "igo"}]}, ["u i"], ["v i j"]),
        (
            {
                "groups": [
                    {"name": "state", "terms": ["before", "during"]},
                    {"name": "igo", "correlated": False},
                ]
            },
            ["β + w j", "u i"],
            ["R w"],
        ),
        ({"outcome": {"likelihood": "student_t"}}, ["StudentT(ν"], []),
        ({"population": ["n_others"]}, ["γ"], []),
        ({"igo": {"gap": "keep"}}, ["G i j t"], []),
        ({"outcome": {"name": "gap_oriented"}}, ["Gap of state i", "o i j"], []),
    ],
)
def test_the_mathematics_is_that_of_the_card(
    changes: dict[str, Any], expected: list[str], absent: list[str]
) -> None:
    changed = card().replace(**changes)
    found = replace(content(), card=changed, design=build(changed, world().panel))
    lines = [f"{what} {mathematics.mathml(latex)}" for what, latex in equations.equations(found)]
    lines += [mathematics.mathml(latex) for latex in equations.prior_equations(found)]
    lines += [f"{mathematics.mathml(latex)} {what}" for latex, what in equations.glossary(found)]
    told = re.sub(r"\s*([(),])\s*", r"\1", Page("".join(lines)).text)
    for part in expected:
        assert re.sub(r"\s*([(),])\s*", r"\1", part) in told
    for part in absent:
        assert part not in told


@pytest.mark.parametrize("changes", [{}, {"igo": {"gap": "keep"}}, {"time": {"effects": "pooled"}}])
def test_priors_are_those_of_the_design(changes: dict[str, Any]) -> None:
    changed = card().replace(**changes)
    design = build(changed, world().panel)
    found = replace(content(), card=changed, design=design)
    rows = tables_model.priors_table(found).rows
    beta = design.term("beta")
    shown = {r[0]: r[2] for r in rows}
    for term, prior in zip(beta.coords["term"], beta.priors, strict=True):
        told = f"Normal({prior['mu']:.3g}, {prior['sigma']:.3g})"
        assert shown[found.meaning[f"beta.{term}"]] == told
    assert all(r[3] for r in rows), "every prior has a reason"
    assert len({r[0] for r in rows}) == len(rows)


def test_priors_of_phases_without_rows_are_left_out() -> None:
    design = build(card(), panel_of(phases("before", "during")))
    keys = replace(content(), design=design).prior_keys
    assert "beta.before" in keys
    assert not [k for k in keys if ".after" in k]


def test_truth_stands_beside_the_estimate() -> None:
    shown = tables.truth_table(content(), content().truth)
    truth = dict(r[:2] for r in shown.rows)
    expected = world().truth.expected["kink_entry"]
    assert float(truth["Kink at entry"].replace("−", "-")) == pytest.approx(expected, abs=0.001)
    assert "estimates by state" in shown.note


def test_names_cannot_break_the_page() -> None:
    bad = '<script>alert("x")</script> & $\\frac$'
    frame = world().frame.copy()
    frame["igo_name"] = frame["igo_name"].where(frame["igo"] != frame["igo"].iloc[0], bad)
    frame["country"] = frame["country"].where(frame["ccode"] != frame["ccode"].iloc[0], "中国" * 30)
    parsed = Page(page.render(variant(frame)))
    assert "script" not in {t for t, _ in parsed.tags}
    assert bad in parsed.text
    assert "中国" in parsed.text


def test_labels_of_levels() -> None:
    assert vocabulary.level_name("Sweden (380)") == "Sweden"
    assert vocabulary.level_name("Council of Europe (COE)") == "Council of Europe"
    long = vocabulary.level_name("Common Market for Eastern and Southern Africa (COMESA)")
    assert long.endswith("… (COMESA)")
    assert len(long) <= 23
    assert vocabulary.level_name("European Union (EU) (EU)") == "European Union"
    assert vocabulary.level_name("political") == "political"


def test_a_caterpillar_of_many_shows_both_ends() -> None:
    many = pd.DataFrame({"mean": np.arange(300.0)})
    shown = plots_effects.shown_levels(many)["mean"].tolist()
    assert len(shown) == plots_effects.MOST
    assert shown[0] == 0
    assert shown[-1] == 299
    assert len(plots_effects.shown_levels(many.head(200))) == 200


def test_limitations_name_what_goes_wrong() -> None:
    told = " ".join(limits.limitations(content()))
    for part in ("Identification", "Pseudo-replication", "Mechanical convergence", "Global compression"):
        assert part in told
    for part in ("Composition", "Folding", "founders", "Exits are few", "In the style of", "simulated"):
        assert part in told
    assert "five-yearly" not in told  # simulated rows are not from the Correlates of War
    real = replace(content(), card=load_card("igo_convergence_regional"))
    sources = {**real.provenance, "panel": {**real.provenance["panel"], "sources": ["cow_igo_state_year"]}}
    assert "five-yearly" not in " ".join(limits.limitations(replace(real, provenance=sources)))  # from 1990
    merge = replace(real.design.merge, years=(1946, 2014))
    early = replace(real, provenance=sources, design=replace(real.design, merge=merge))
    assert "five-yearly before 1965" in " ".join(limits.limitations(early))


def test_own_data_are_called_so() -> None:
    own = Panel.from_frame(world().frame, outcome="distance", name="convergence")
    found = gather(with_verdict_kept(fit_of(card().replace(panel="convergence"), own), PASS))
    assert found.own_data
    assert dict(tables_data.key_facts(found))["co-members' mean"] == "as given"
    assert "m_{ijt}" in equations.outcome(found)
    shared = page.page_values(replace(found, estimands=found.estimands))
    assert 'name="convergence"' in shared["reproduce"]["python"]


@pytest.mark.usefixtures("no_figures")
def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "gather", lambda _: content())
    target = tmp_path / "new" / "report.html"
    assert demo().report(target) == target
    assert [p.name for p in target.parent.iterdir()] == ["report.html"]
    with pytest.raises(InputError, match="is a folder"):
        demo().report(tmp_path)


def test_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = export.paper_pictures
    monkeypatch.setattr(export, "gather", lambda _: content())
    monkeypatch.setattr(export, "paper_pictures", lambda c: every(c)[:1])
    folder = demo().export(tmp_path / "paper")
    found = pd.read_csv(folder / "estimates.csv", keep_default_na=False)
    pd.testing.assert_series_equal(found["mean"], demo().effects("all")["mean"])
    names = {p.name for p in folder.iterdir()}
    assert {"states.csv", "igos.csv", "types.csv", "hypotheses.csv", "identification.csv"} <= names
    assert {"kinks.tex", "hypotheses-signature.tex", "curve.csv", "parameters.tex"} <= names
    for tex in folder.glob("*.tex"):
        text = tex.read_text("utf-8")
        assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 1
        assert "−" not in text
    assert (folder / "fig-curve.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "README.txt").read_text("utf-8").startswith("Verdict: ")


def test_export_has_every_figure_once() -> None:
    keys = [p.key for p in export.paper_pictures(content())]
    assert keys[:6] == [
        "fig-curve",
        "fig-curve-relative",
        "fig-curve-types",
        "fig-kinks",
        "fig-jumps",
        "fig-slopes",
    ]
    assert {"fig-hypotheses", "fig-state-kink-entry", "fig-igo-slope-during"} <= set(keys)
    assert len(keys) == len(set(keys))
