"""What each family of questions brings: its panel, design, estimands, checks, tables and report pages.

Everything below this room works on designs, draws and tables of any family; everything above asks here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from bayes_hr.cards import Card
    from bayes_hr.questions.base import Question

_HOMES: Final = {
    "ratification": "bayes_hr.questions.ratification",
    "treaties": "bayes_hr.questions.treaties",
    "convergence": "bayes_hr.questions.convergence",
}


def question_of(card: Card) -> Question:
    """The question that a card asks, by its family."""
    return cast("Question", import_module(_HOMES[card.family]).QUESTION)
