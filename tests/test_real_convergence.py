"""The shipped convergence cards on the real files: rows by phase, states, IGOs and dyads, pinned."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_hr.cards import load_card
from bayes_hr.design import Design, rank_deficient
from bayes_hr.errors import InputError
from bayes_hr.fitting import check_size, with_engine
from bayes_hr.questions import question_of

pytestmark = pytest.mark.real_data


def design_of(card_id: str) -> Design:
    card = load_card(card_id)
    question = question_of(card)
    panel, truth = question.panel(card)
    assert truth is None
    return question.build(card, panel)


def test_the_regional_card() -> None:
    design = design_of("igo_convergence_regional")
    phases, counts = np.unique(design.rows["phase"].astype(str), return_counts=True)
    assert dict(zip(phases.tolist(), counts.tolist(), strict=True)) == {
        "after": 255,
        "before": 1746,
        "during": 9877,
    }
    assert {g.name: len(g.levels) for g in design.groups} == {"state": 162, "igo": 10, "dyad": 280}
    assert design.serial is not None
    assert design.serial.order.first.size == 7701
    assert rank_deficient(design) == ()
    assert [s.reason for s in design.merge.steps][-1].startswith("between two spells")
    check_size(load_card("igo_convergence_regional"), design)


def test_cards_of_all_igos_take_the_exact_engine() -> None:
    card = load_card("igo_convergence_political")
    design = design_of("igo_convergence_political")
    assert design.n == 91_246
    assert with_engine(card, design).fit.engine == "gibbs"
    check_size(card, design)
    with pytest.raises(InputError, match="too many for NUTS"):
        check_size(card.replace(fit={"engine": "nuts"}), design)
