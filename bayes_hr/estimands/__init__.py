"""Estimands: pure functions of draws.  Nothing here knows which engine drew them."""
