"""Is the engine calibrated?  Simulation-based calibration and coverage, on worlds drawn from the priors."""
