"""The report of a calibration: bands, coverage, and what they mean."""

from bayes_hr.reporting.calibration.page import rows_taken, write_report
from bayes_hr.reporting.calibration.plots import ecdf_picture

__all__ = ["ecdf_picture", "rows_taken", "write_report"]
