"""The report of a ratification fit: regime classes, contrasts, countries, the permuted reference."""

from bayes_hr.reporting.ratification.export import export_tables
from bayes_hr.reporting.ratification.page import write_report

__all__ = ["export_tables", "write_report"]
