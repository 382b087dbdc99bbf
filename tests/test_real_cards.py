"""Shipped ratification cards on the real panel: the rows that each uses, and countries that ratify within."""

from __future__ import annotations

import pytest

from bayes_hr.cards import load_card
from bayes_hr.design import rank_deficient
from bayes_hr.questions import question_of

pytestmark = pytest.mark.real_data

FACTS = {
    # card: rows used, countries, countries that ratify within them, categories
    "cat_pts": (5_609, 178, 144, 5),
    "cat_torture_hathaway": (2_009, 162, 93, 5),
    "iccpr_physint": (5_681, 177, 77, 9),
    "cedaw_hrps": (6_213, 175, 150, 0),
    "cat_hrps_lagged": (5_680, 179, 146, 0),
    "cat_hrps_within": (5_680, 179, 146, 0),
}


@pytest.mark.parametrize("name", FACTS)
def test_rows_of_a_card_are_pinned(name: str) -> None:
    card = load_card(name)
    question = question_of(card)
    panel = question.panel(card)[0]
    design = question.build(card, panel)
    ratified, country = design.rows["treated"], design.groups[0].index
    moved = sum(len(set(ratified[country == c])) == 2 for c in range(len(design.groups[0].levels)))
    categories = 0 if design.error.cuts is None else len(design.error.cuts.categories)
    assert (design.n, design.merge.countries, moved, categories) == FACTS[name]
    assert not rank_deficient(design)
    assert card.in_the_style_of
    if categories:
        moving = card.replace(outcome={"cut_points": "by_year"}, time={"effects": "none"})
        cuts = question.build(moving, panel).error.cuts
        assert cuts is not None
        assert cuts.walk is not None
        assert cuts.walk.years == tuple(sorted(set(design.rows["year"].tolist())))
    assert design.n + sum(step.rows for step in design.merge.steps) == design.merge.rows_in
