"""The report of a convergence fit: the curve, kinks and jumps, hypotheses, identification, states, IGOs."""

from bayes_hr.reporting.convergence.export import export_tables
from bayes_hr.reporting.convergence.page import write_report

__all__ = ["export_tables", "write_report"]
