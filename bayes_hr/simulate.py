"""Simulated worlds with known truth (public as ``bayes_hr.simulate``)."""

from bayes_hr.data.worlds import WORLDS, Truth, World, ratification

__all__ = ["WORLDS", "Truth", "World", "ratification"]
