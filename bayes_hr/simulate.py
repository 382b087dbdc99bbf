"""Simulated worlds with known truth (public as ``bayes_hr.simulate``)."""

from bayes_hr.data.convergence_worlds import (
    CONVERGENCE_WORLDS,
    ConvergenceWorld,
    ModelTruth,
    ScoreTruth,
    convergence,
)
from bayes_hr.data.worlds import WORLDS, Truth, World, ratification
from bayes_hr.estimands.truth import beside_truth, truth_table

__all__ = [
    "CONVERGENCE_WORLDS",
    "WORLDS",
    "ConvergenceWorld",
    "ModelTruth",
    "ScoreTruth",
    "Truth",
    "World",
    "beside_truth",
    "convergence",
    "ratification",
    "truth_table",
]
