"""The report of a comparison: one card under several choices."""

from bayes_hr.reporting.comparison.page import effect_name, write_report

__all__ = ["effect_name", "write_report"]
