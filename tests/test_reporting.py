"""The report: what it says, that it says FAIL first, and that it is one page that needs nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_hr import fitting, simulate
from bayes_hr.api import Fit
from bayes_hr.cards import Card, load_card
from bayes_hr.checks.reference import PermutedReference
from bayes_hr.checks.result import FAIL, PASS, CheckResult, Verdict
from bayes_hr.data.merge import DropStep
from bayes_hr.data.panel import Panel
from bayes_hr.engines.assemble import assemble_posterior
from bayes_hr.errors import InputError
from bayes_hr.estimands.truth import truth_table
from bayes_hr.questions.ratification import simulated_panel
from bayes_hr.ratification_design import build
from bayes_hr.reporting import export as shared_export
from bayes_hr.reporting import (
    figures,
    formats,
    mathematics,
    plots_checks,
    prior_lines,
    reference,
    tables_model,
)
from bayes_hr.reporting import page as shared_page
from bayes_hr.reporting import words as shared_words
from bayes_hr.reporting.ratification import equations, export, page, tables, words
from bayes_hr.reporting.ratification.content import RatificationContent as Content
from bayes_hr.reporting.ratification.content import gather

CHAINS, DRAWS = 4, 150
pictures = export.paper_pictures
VOID = {"meta", "br", "hr", "img", "input", "link"}


def draws_of(design: Any, rng: np.random.Generator) -> xr.Dataset:
    """Independent draws around plausible values, in the shape in which an engine gives them."""

    def around(centre: Any, spread: float, *shape: int) -> np.ndarray:
        return np.asarray(centre) + spread * rng.standard_normal((CHAINS, DRAWS, *shape))

    values: dict[str, Any] = {}
    for term in design.population:
        values[term.name] = (("chain", "draw", *term.dims), around(0.1, 0.05, *term.shape))
        if term.sd is not None:
            values[f"sd_{term.name}"] = (("chain", "draw"), np.abs(around(0.2, 0.02)))
            values[f"mu_{term.name}"] = (("chain", "draw"), around(0.1, 0.05))
    (group,) = design.groups
    q, n = len(group.terms), len(group.levels)
    dim = f"{group.name}_term"
    values[f"sd_{group.name}"] = (("chain", "draw", dim), np.abs(around(0.3, 0.02, q)))
    values[f"u_{group.name}"] = (("chain", "draw", group.name, dim), around(0.0, 0.2, n, q))
    if group.corr is not None:
        corr = np.broadcast_to(np.eye(q), (CHAINS, DRAWS, q, q)).copy()
        corr[..., 0, 1] = corr[..., 1, 0] = around(0.0, 0.1)
        values[f"corr_{group.name}"] = (("chain", "draw", dim, f"{dim}_bis"), corr)
    values["sigma"] = (("chain", "draw"), np.abs(around(0.5, 0.02)))
    if design.error.rho is not None:
        values["rho"] = (("chain", "draw"), around(0.8, 0.01))
    if design.error.nu is not None:
        values["nu"] = (("chain", "draw"), np.abs(around(8.0, 0.5)))
    return xr.Dataset(values, {"chain": np.arange(CHAINS), "draw": np.arange(DRAWS)})


def fit_of(card: Card, panel: Panel, truth: pd.DataFrame | None = None) -> Fit:
    """A fit that nobody sampled."""
    design = build(card, panel)
    tree = assemble_posterior(design, draws_of(design, np.random.default_rng(1)), {}, seed=1)
    tree.attrs |= {"engine": "nuts", "sampler": "none", "form": "rows"}
    tree.attrs |= {"compile_seconds": 1.0, "sample_seconds": 2.0}
    provenance = fitting._provenance(card, panel, design, tree)
    return Fit(fitting.FitResult(tree, card, provenance), truth=truth)


def with_verdict(fit: Fit, status: str) -> Fit:
    """The same fit, judged otherwise."""
    reason = "" if status == PASS else "Draw more."
    out = Fit(fit.result, fit.reference, fit.truth)
    out.__dict__["_verdict"] = Verdict(status, (CheckResult("mixing", status, "largest R-hat 1.7", reason),))
    return out


@cache
def world() -> simulate.World:
    return simulate.ratification(n_countries=24, years=(1995, 2010))


@cache
def demo() -> Fit:
    return fit_of(load_card("demo_ratification"), simulated_panel(world()), truth_table(world().truth))


@cache
def content() -> Content:
    return gather(demo())


@cache
def html() -> str:
    return page.render(content())


def variant(**changes: Any) -> Content:
    """Card and design with other sections, which is all that mathematics and priors look at."""
    card = load_card("demo_ratification").replace(**changes)
    return replace(content(), card=card, design=build(card, simulated_panel(world())))


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without figures, which take most of its time."""
    monkeypatch.setattr(Content, "finite", False)


class Page(HTMLParser):
    """A parser that refuses tags that do not nest, and keeps what a test asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_page_nests_and_ids_are_unique() -> None:
    parsed = Page(html())
    ids = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"] for t, a in parsed.tags if t == "a" and str(a["href"]).startswith("#")}
    assert {str(t)[1:] for t in targets} <= set(ids)


def test_page_asks_the_network_for_nothing() -> None:
    parsed = Page(html())
    assert not {"script", "link", "iframe", "object", "embed", "img", "base"} & {t for t, _ in parsed.tags}
    for tag, attributes in parsed.tags:
        for name, value in attributes.items():
            if tag == "a" and name == "href":
                assert str(value).startswith(("#", "https://"))
            elif name not in {"aria-label", "content"}:
                assert "//" not in str(value), f"<{tag} {name}={value}>"
    style = html().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in html()


def test_page_is_accessible() -> None:
    parsed = Page(html())
    tags = [t for t, _ in parsed.tags]
    assert tags.count("table") == tags.count("caption")
    assert tags.count("h1") == 1
    pictures = [a for t, a in parsed.tags if t == "svg"]
    assert pictures
    assert all(a.get("role") == "img" and a.get("aria-label") for a in pictures)
    assert "@media print" in html()


def test_page_is_small() -> None:
    assert len(html().encode()) < 3_000_000


def test_order_of_the_page() -> None:
    at = [html().index(f'id="{key}"') for key in ("question", "verdict", "answer", "by-class", "by-contrast")]
    at += [html().index(f'id="{key}"') for key in ("averages", "by-country", "reference", "data", "model")]
    at += [html().index(f'id="{key}"') for key in ("checks", "reproduce", "references", "limitations")]
    assert at == sorted(at)


def test_equations_are_mathml() -> None:
    assert html().count("<math") > 10
    assert "\\sim" not in Page(html()).text


def test_fail_stands_above_every_number_and_on_every_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "inline_svg", lambda *_, **__: "")
    text = page.render(replace(content(), verdict=with_verdict(demo(), FAIL).check()))
    parsed = Page(text)
    first = re.search(r"\d", parsed.text)
    assert first is not None
    assert parsed.text.index("FAIL") < first.start()
    assert 'class="banner"' in text
    assert text.index('class="banner"') < text.index("<h1")
    captions = re.findall(r"<(?:caption|figcaption)>(.*?)</", text, re.S)
    warned = [c for c in captions if "FAIL – do not use" in c]
    assert len(warned) >= len(captions) - 9  # data, priors, checks, settings and versions are no results
    assert "FAIL" not in html().replace(shared_words.VERDICT[FAIL], "")


@pytest.mark.usefixtures("no_figures")
def test_words_begin_with_the_warning_if_the_verdict_is_fail() -> None:
    assert shared_words.opening(Verdict(PASS, ())) == ""
    text = page.render(replace(content(), verdict=with_verdict(demo(), FAIL).check()))
    section = text.split('id="answer">The answer in words</h2>')[1].split("</section>")[0]
    told = Page(f"<div>{section}</div>").text
    assert told.startswith(shared_words.opening(Verdict(FAIL, ())))


@pytest.mark.usefixtures("no_figures")
def test_iid_errors_and_cautions_are_warned_of() -> None:
    card = load_card("cat_hrps_iid")
    told = words.warnings(card)
    assert [title for title, _ in told] == [
        "Independent errors: for comparison only",
        "Caution of this card",
    ]
    assert card.caution in told[1][1]
    iid = content().card.replace(error={"kind": "iid"})
    text = page.render(replace(content(), card=iid))
    assert text.index("for comparison only") < text.index('id="answer"')
    assert "for comparison only" not in html()


def test_numbers_are_those_of_the_effects_table() -> None:
    shown, effects = Page(html()).text, demo().effects()
    for row in effects[effects["by"].isin(["regime", "contrast", "average"])].itertuples():
        assert shared_words.figures(row, content().digits).replace("\u00a0", " ") in shown
        cells = " ".join(tables.effect_cells(row, content().digits))
        assert cells.replace("\u00a0", " ") in shown


def test_never_ratifiers_are_listed_but_not_ranked() -> None:
    facts = content().facts
    never = set(facts.loc[facts["status"] != "switches", "country"])
    ranked = {row[0] for row in tables.country_table(content()).rows}
    listed = [row[0] for row in tables.unranked_table(content()).rows]
    assert never
    assert not never & ranked
    assert ranked | never == set(facts["country"])
    assert listed == sorted(never)
    frame = export.country_frame(content())
    assert frame.loc[frame["status"] != "switches", "rank"].isna().all()
    assert frame["rank"].notna().sum() == len(ranked)


def test_rank_intervals() -> None:
    draws = np.array([[3.0, 2.0, 1.0]] * 50 + [[3.0, 1.0, 2.0]] * 50)
    lower, upper = tables.rank_interval(draws, 0.89)
    assert lower.tolist() == [1, 2, 2]
    assert upper.tolist() == [1, 3, 3]


def test_names_cannot_break_the_page() -> None:
    bad = '<script>alert("x")</script> & $\\frac$'
    frame = world().frame.copy()
    frame.loc[frame["ccode"] == frame["ccode"].min(), "country"] = bad
    frame.loc[frame["ccode"] == frame["ccode"].max(), "country"] = "中国" * 30
    panel = Panel.from_frame(frame, outcome="score", covariates=["log_gdppc", "log_population", "conflict"])
    text = page.render(gather(with_verdict(fit_of(load_card("demo_ratification"), panel), PASS)))
    parsed = Page(text)
    assert "script" not in {t for t, _ in parsed.tags}
    assert bad in parsed.text
    assert "中国" in parsed.text


@pytest.mark.usefixtures("no_figures")
def test_dropped_rows_are_shown_with_reasons() -> None:
    step = DropStep("log_gdppc missing", 7, 1, "countries lost: Nowhere")
    merge = replace(content().design.merge, rows_in=content().design.merge.rows_in + 7, steps=(step,))
    text = Page(page.render(replace(content(), design=replace(content().design, merge=merge)))).text
    assert "dropped: log_gdppc missing −7 1 countries lost: Nowhere" in text


def test_truth_stands_beside_the_estimate() -> None:
    assert content().truth is not None
    shown = tables.truth_table(content(), content().truth)
    truth = world().truth
    assert dict(row[:2] for row in shown.rows)["transition"] == formats.signed(truth.tau["transition"])
    assert "country effects" in shown.note
    assert "Truth beside estimate" in html()


def test_reference_shown_or_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "bayes-hr fit demo_ratification --reference 100" in html()
    row = {"estimand": "tau", "level": "transition", "reference": "", "mean": 0.1, "lb": 0.0, "ub": 0.2}
    row |= {"permuted_mean": 0.05, "permuted_sd": 0.04, "excludes_0": 0.25, "p_value": 0.2, "ci_prob": 0.89}
    spread = {**row, "estimand": "SD of country effects", "level": "", "excludes_0": np.nan, "p_value": 1.0}
    short = {"engine": "gibbs", "chains": 2, "draws": 150, "tune": 100}
    found = PermutedReference(4, pd.DataFrame([row, spread]), short)
    known = replace(content(), reference=found)
    assert reference.picture(found, known, {}).svg.startswith("<svg")
    monkeypatch.setattr(Content, "finite", False)
    monkeypatch.setattr(figures, "inline_svg", lambda *_, **__: "")
    text = page.render(known)
    assert "Not run." not in text
    assert "a first look, not a test" in text
    assert "(the exact engine, 2 chains of 150 draws after 100 of warm-up)" in text
    assert reference.table(found, 2).rows[1][-2:] == ("–", "1.00")


@pytest.mark.usefixtures("no_figures")
def test_draws_that_are_not_finite_still_make_a_page() -> None:
    fit = fit_of(load_card("demo_ratification"), simulated_panel(world()))
    fit.data["posterior"]["tau"].values[0, 0, 0] = np.nan
    text = page.render(gather(fit))
    assert Page(text).text.startswith("FAIL")
    assert "nothing can be said of its direction" in text


@pytest.mark.parametrize(
    ("changes", "expected", "absent"),
    [
        ({}, ["Normal(0, σ)", "first"], ["StudentT"]),
        ({"outcome": {"likelihood": "student_t"}}, ["StudentT(ν"], ["gap"]),
        ({"error": {"kind": "iid"}}, ["Errors, independent"], ["ρ"]),
        ({"treatment": {"pooling": "partial"}}, ["partially pooled"], []),
        ({"time": {"effects": "none"}}, [], ["f r", "year effects"]),
        ({"time": {"effects": "pooled", "by": "all"}}, ["Year effects"], ["f r"]),
        ({"groups": [{"name": "country", "terms": ["intercept"]}]}, ["a i"], ["b i", "LKJ"]),
        ({"groups": [{"name": "country", "terms": ["ratified"]}]}, ["b i"], ["a i", "LKJ"]),
        ({"population": []}, [], ["γ"]),
    ],
)
def test_the_mathematics_is_that_of_the_card(
    changes: dict[str, Any], expected: list[str], absent: list[str]
) -> None:
    found = variant(**changes)
    lines = [f"{what} {mathematics.mathml(latex)}" for what, latex in equations.equations(found)]
    lines += [mathematics.mathml(latex) for latex in equations.prior_equations(found)]
    model = Page("".join(lines)).text
    told = re.sub(r"\s*([(),])\s*", r"\1", model).replace(",", ", ")
    for part in expected:
        assert part in told
    for part in absent:
        assert part not in told


def test_priors_in_outcome_units_with_their_reasons() -> None:
    found = variant(outcome={"scale": "sd", "centre": "mean"}, priors={"sigma": "exponential(2)"})
    rows = {row[1]: row for row in tables_model.priors_table(found).rows}
    assert rows["tau"][2] == f"Normal(0, {0.5 * found.design.unit:.3g})"
    assert "published" in rows["tau"][3]
    assert "chosen by this card; the default is half_normal(0.5)" in rows["sigma"][3]
    assert set(rows) == set(prior_lines.flat_priors(found.card))
    assert len(equations.prior_equations(found)) == len(rows)


@pytest.mark.parametrize(
    "prior", ["normal(0, 1)", "half_normal(1)", "half_student_t(3, 1)", "exponential(1)"]
)
def test_prior_densities_integrate_to_one(prior: str) -> None:
    grid = np.linspace(-60, 60, 120_001)
    parsed = prior_lines.in_outcome_units("tau", prior, unit=1.0, centre=0.0)
    assert np.trapezoid(plots_checks.prior_density(parsed, grid), grid) == pytest.approx(1, abs=1e-3)


def test_verbal_rules() -> None:
    assert words.strength(0.995) == "very strong evidence of an increase"
    assert words.strength(0.02) == "strong evidence of a decrease"
    assert words.strength(0.87) == "a weak sign of an increase"
    assert words.strength(0.6) == "no clear sign of a change in either direction"
    assert shared_words.size(0.96) == "the effect is negligible"
    assert shared_words.size(0.01) == "it is not negligible"
    told = dict(shared_words.rules(load_card("cat_hrps")))
    assert told["probability of the side named at least .97 and below .99"] == "strong evidence"
    assert told["probability of a negligible effect below .05"] == "it is not negligible"
    assert "significant" not in html().lower()


def test_the_sentence_of_a_class() -> None:
    row = SimpleNamespace(
        level="transition", note="57 countries, 45 switch", mean=0.0576, lb=-0.0234, ub=0.138
    )
    row.p_gt_0, row.p_rope, row.ci_prob = 0.871, 0.793, 0.89
    assert words.class_sentence(row, treaty="CAT", scale="latent score", digits=2) == (
        "In transition regimes ratification of CAT goes with a change of +0.06 on the latent score "
        "(89\u00a0% interval −0.02 to 0.14; probability above zero .87; probability of a negligible effect "
        ".79): a weak sign of an increase; the effect is probably negligible."
    )
    row.note = "2 countries, 0 switch: effect from the prior"
    assert "only restates the prior" in words.class_sentence(row, treaty="CAT", scale="score", digits=2)


def test_numbers() -> None:
    assert formats.number(-0.001) == "0.00"
    assert formats.signed(-1234.5, 1) == "−1,234.5"
    assert formats.signed(0.055) in {"+0.06", "+0.05"}
    assert formats.number(float("nan")) == "–"
    assert [formats.probability(p) for p in (0.001, 0.5, 0.9999)] == ["<.01", ".50", ">.99"]
    assert [formats.digits_for(s) for s in (1.4, 20, 0.05, 0)] == [2, 1, 4, 2]


def test_links_are_made_of_dois_only_after_escaping() -> None:
    out = shared_page.linked("<b> doi:10.1214/20-BA1221.")
    assert out.startswith("&lt;b&gt; ")
    assert '<a href="https://doi.org/10.1214/20-BA1221">doi:10.1214/20-BA1221</a>.' in out


@pytest.mark.usefixtures("no_figures")
def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "gather", lambda _: content())
    target = tmp_path / "new" / "report.html"
    assert demo().report(target) == target
    assert [p.name for p in target.parent.iterdir()] == ["report.html"]
    blocked = tmp_path / "file"
    blocked.write_text("mine")
    with pytest.raises(InputError, match="cannot be written"):
        demo().report(blocked / "report.html")
    with pytest.raises(InputError, match="is a folder"):
        demo().report(tmp_path)
    assert blocked.read_text() == "mine"


def test_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "gather", lambda _: content())
    monkeypatch.setattr(export, "paper_pictures", lambda c: pictures(c)[:1])
    folder = export.export_tables(demo(), tmp_path / "paper")
    regimes = pd.read_csv(folder / "regimes.csv", keep_default_na=False)
    pd.testing.assert_series_equal(regimes["mean"], demo().effects(by="regime")["mean"])
    tex = (folder / "countries.tex").read_text("utf-8")
    assert tex.count(r"\begin{longtable}") == tex.count(r"\end{longtable}") == 1
    assert "−" not in tex
    assert (folder / "fig-by-regime-class.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "README.txt").read_text("utf-8").startswith("Verdict: ")
    with pytest.raises(InputError, match="is a file"):
        export.export_tables(demo(), folder / "README.txt")


def test_export_has_every_figure_of_the_effects() -> None:
    keys = [p.key for p in export.paper_pictures(content())]
    assert keys[:3] == ["fig-by-regime-class", "fig-contrasts", "fig-averages"]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    "changes",
    [
        {"groups": [{"name": "country", "terms": ["intercept"]}], "time": {"effects": "none"}},
        {
            "treatment": {"pooling": "partial"},
            "time": {"by": "all"},
            "population": [],
            "error": {"kind": "iid"},
        },
        {"outcome": {"likelihood": "student_t"}, "estimands": ["regime"]},
    ],
)
def test_other_models_make_a_page_too(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "inline_svg", lambda *_, **__: "")
    card = load_card("demo_ratification").replace(**changes)
    Page(page.render(gather(with_verdict(fit_of(card, simulated_panel(world())), PASS))))


def test_latex_is_escaped() -> None:
    assert shared_export.escaped("a_b & 5 % <.01 −1") == r"a\_b \& 5 \% $<$.01 $-$1"
