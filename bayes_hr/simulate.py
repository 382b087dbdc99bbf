"""Simulated worlds with known truth (public as ``bayes_hr.simulate``)."""

from bayes_hr.data.worlds import WORLDS, Truth, World, ratification
from bayes_hr.estimands.truth import beside_truth, truth_table

__all__ = ["WORLDS", "Truth", "World", "beside_truth", "ratification", "truth_table"]
