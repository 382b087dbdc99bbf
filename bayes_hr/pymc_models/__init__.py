"""A Design as a PyMC model: the definition of what every engine samples."""

from bayes_hr.pymc_models.build import build_model, chosen_form, model_data

__all__ = ["build_model", "chosen_form", "model_data"]
