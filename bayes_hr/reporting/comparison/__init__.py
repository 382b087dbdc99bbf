"""The report of a comparison: one card under several choices."""

from bayes_hr.reporting.comparison.page import write_report

__all__ = ["write_report"]
