"""The report of a fit of several treaties: each given the others, their ranking, and how far they part."""

from bayes_hr.reporting.treaties.export import export_tables
from bayes_hr.reporting.treaties.page import write_report

__all__ = ["export_tables", "write_report"]
