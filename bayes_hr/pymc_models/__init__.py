"""A Design as a PyMC model: the definition of what every engine samples."""

from bayes_hr.pymc_models.build import build_model, model_data

__all__ = ["build_model", "model_data"]
