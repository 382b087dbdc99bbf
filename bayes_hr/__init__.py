"""Bayesian hierarchical models for human-rights data."""
