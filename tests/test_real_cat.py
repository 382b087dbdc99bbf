"""The real CAT panel through the whole spine: row count pinned, verdict PASS or REVIEW, known findings."""

from __future__ import annotations

import numpy as np
import pytest

import bayes_hr
from bayes_hr.api import Fit

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def cat() -> Fit:
    return bayes_hr.fit("cat_hrps", draws=1000, reference=0, progress=lambda *_: None)


def test_rows_are_pinned(cat: Fit) -> None:
    merge = cat.result.provenance["merge"]
    assert (merge["rows_in"], merge["rows_used"], merge["countries"]) == (11_665, 5_680, 179)
    assert merge["years"] == [1985, 2018]
    assert merge["rows_in"] - sum(s["rows"] for s in merge["steps"]) == merge["rows_used"]


def test_verdict_is_pass_or_an_honest_review(cat: Fit) -> None:
    verdict = cat.check()
    by_name = {c.name: c.status for c in verdict.checks}
    assert verdict.status in {"PASS", "REVIEW"}
    for name in ("mixing", "group effects", "design rank"):
        assert by_name[name] == "PASS", verdict.to_text()
    for name in ("divergences", "tree depth", "energy"):
        assert by_name[name] == "not applicable", "the exact engine has none"
    assert by_name["residual autocorrelation"] == "PASS", "AR(1) errors leave none"


def test_findings_agree_with_the_trial_code(cat: Fit) -> None:
    """engine.md's trials with AR(1): rho .96, two digits; science.md: SD of country effects .24."""
    parameters = cat.effects("parameter").set_index("level")["mean"]
    assert parameters["rho"] == pytest.approx(0.966, abs=0.01)
    assert parameters["sd_country[ratified]"] == pytest.approx(0.24, abs=0.03)
    effects = cat.effects(by="regime").set_index("level")
    assert (np.abs(effects["mean"]) < 0.2).all()
    assert effects.loc["transition", "mean"] == pytest.approx(0.057, abs=0.02)


def test_never_and_always_ratifiers_are_flagged(cat: Fit) -> None:
    totals = cat.effects("country").query("estimand == 'total'").set_index("level")["note"]
    assert totals["India (750)"].startswith("never"), "India has signed, not ratified"
    assert totals["United States (2)"] == ""
    assert 15 <= totals.str.startswith("never").sum() <= 30
    assert 5 <= totals.str.startswith("ratified in all").sum() <= 15


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"treaty": "ICCPR"}, "treaty"),
        ({"regime_rule": "whole_history"}, "regime_rule"),
        ({"democracy": 7}, "democ"),
    ],
)
def test_a_panel_of_another_treaty_or_classes_is_refused(options: dict, wrong: str) -> None:
    panel = bayes_hr.load_panel("ratification", **options)
    with pytest.raises(bayes_hr.InputError, match=wrong):
        bayes_hr.fit("cat_hrps", panel)


def test_errors_of_the_latent_score_must_persist() -> None:
    """Yearly changes of .21 against .37 if independent: at least .67; more with each row's own SD."""
    panel = bayes_hr.load_panel("ratification")
    y, s, year, code = (panel.frame[c] for c in ("hrps_v402", "hrps_v402_sd", "year", "ccode"))
    change = y.diff()[(year.diff() == 1) & (code.diff() == 0)].std()
    assert 1 - (change / (np.sqrt(2) * s.median())) ** 2 == pytest.approx(0.67, abs=0.01)
    assert bayes_hr.implied_autocorrelation(panel) == pytest.approx(0.85, abs=0.01)
