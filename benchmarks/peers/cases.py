"""The cases of the comparison: rows and priors, written once, so that every peer reads the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayes_hr
from bayes_hr.cards import Card
from bayes_hr.design import Design
from bayes_hr.questions import question_of

FORMULA = "y ~ 0 + class + tau + controls + (1 + D | country)"
"""Intercepts and effects of ratification by class, standardised controls, correlated country effects."""


def card_of(case: str) -> Card:
    """The card of a case: no year effects, which not every peer could carry with these priors."""
    if case == "ordered":
        return bayes_hr.load_card("cat_torture_cirights").replace(time={"effects": "none"})
    kind = {"iid": "iid", "ar1": "ar1"}[case]
    return bayes_hr.load_card("cat_hrps").replace(time={"effects": "none"}, error={"kind": kind})


def design_of(case: str) -> tuple[Card, Design]:
    """Card and design of a case on the public data."""
    card = card_of(case)
    question: Any = question_of(card)
    panel, _ = question.panel(card)
    return card, question.build(card, panel)


def write(case: str, folder: Path) -> dict[str, Any]:
    """Write ``rows.csv`` and ``case.json`` and return the latter: columns, and the priors of this package."""
    card, design = design_of(case)
    frame = pd.DataFrame({"y": design.y, "country": design.rows["ccode"], "year": design.rows["year"]})
    columns: list[str] = []
    priors: dict[str, tuple[float, float]] = {}
    for term in design.population:
        X = term.matrix()
        for k, (label, prior) in enumerate(zip(term.labels, term.each_prior, strict=True)):
            if term.name == "alpha":
                priors["Intercept"] = (prior["mu"], prior["sigma"])
                continue
            name = f"x{len(columns)}"
            columns.append(name)
            frame[name], priors[name] = X[:, k], (prior["mu"], prior["sigma"])
            frame.attrs[name] = label
    frame["D"] = design.groups[0].Z[:, 1]
    found = {
        "case": case,
        "rows": design.n,
        "countries": len(design.groups[0].levels),
        "columns": columns,
        "labels": dict(frame.attrs),
        "priors": priors,
        "sd": [str(p) for p in design.groups[0].sd],
        "sigma": str(design.error.sigma) if design.error.sigma else "",
        "ordered": design.error.cuts is not None,
        "ar1": design.error.rho is not None,
        "card": card.id,
    }
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "rows.csv", index=False)
    (folder / "case.json").write_text(json.dumps(found, indent=1))
    return found


def number(prior: str) -> float:
    """The scale of a one-number prior, ``half_normal(0.5)``."""
    return float(np.float64(prior.split("(")[1].rstrip(")").split(",")[-1]))
