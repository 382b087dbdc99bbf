"""Measurement error of a latent score: the analysis repeated for each posterior draw of it, and pooled."""
