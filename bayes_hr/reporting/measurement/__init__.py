"""The report of measurement error: one card with and without it."""

from bayes_hr.reporting.measurement.page import limits, write_report

__all__ = ["limits", "write_report"]
