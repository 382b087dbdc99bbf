"""Bayesian hierarchical models for human-rights data.

Ratification effects by country and regime, and convergence to IGO means, with honest uncertainty and a
plain verdict.  Names are loaded when first used, so that ``import bayes_hr`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayes_hr import simulate
    from bayes_hr.api import Fit, fit, load_fit
    from bayes_hr.calibration.of_card import calibrate
    from bayes_hr.cards import Card, list_cards, load_card
    from bayes_hr.comparison import Comparison, compare
    from bayes_hr.data.chunks import chunks_of_duckdb, chunks_of_parquet, parts_of_parquet
    from bayes_hr.data.codes import from_cow, to_cow
    from bayes_hr.data.compressed import Compressed, compress_chunks
    from bayes_hr.data.convergence_panel import convergence_from_frames
    from bayes_hr.data.igo_decomposition import decompose
    from bayes_hr.data.load import load_panel
    from bayes_hr.data.panel import Panel
    from bayes_hr.data.score_draws import ScoreDraws, approximate_draws, implied_autocorrelation
    from bayes_hr.errors import BayesHRError, InputError
    from bayes_hr.measurement_error.refits import fit_draws
    from bayes_hr.measurement_error.result import PooledFit
    from bayes_hr.questions.citing import cite

__all__ = [
    "BayesHRError",
    "Card",
    "Comparison",
    "Compressed",
    "Fit",
    "InputError",
    "Panel",
    "PooledFit",
    "ScoreDraws",
    "approximate_draws",
    "calibrate",
    "chunks_of_duckdb",
    "chunks_of_parquet",
    "cite",
    "compare",
    "compress_chunks",
    "convergence_from_frames",
    "decompose",
    "fit",
    "fit_draws",
    "from_cow",
    "implied_autocorrelation",
    "list_cards",
    "load_card",
    "load_fit",
    "load_panel",
    "parts_of_parquet",
    "simulate",
    "to_cow",
]
__version__ = version("bayes-hr")

_HOMES = {
    "BayesHRError": "bayes_hr.errors",
    "Card": "bayes_hr.cards",
    "Comparison": "bayes_hr.comparison",
    "Compressed": "bayes_hr.data.compressed",
    "Fit": "bayes_hr.api",
    "InputError": "bayes_hr.errors",
    "Panel": "bayes_hr.data.panel",
    "PooledFit": "bayes_hr.measurement_error.result",
    "ScoreDraws": "bayes_hr.data.score_draws",
    "approximate_draws": "bayes_hr.data.score_draws",
    "calibrate": "bayes_hr.calibration.of_card",
    "chunks_of_duckdb": "bayes_hr.data.chunks",
    "chunks_of_parquet": "bayes_hr.data.chunks",
    "cite": "bayes_hr.questions.citing",
    "compare": "bayes_hr.comparison",
    "compress_chunks": "bayes_hr.data.compressed",
    "convergence_from_frames": "bayes_hr.data.convergence_panel",
    "decompose": "bayes_hr.data.igo_decomposition",
    "fit": "bayes_hr.api",
    "fit_draws": "bayes_hr.measurement_error.refits",
    "from_cow": "bayes_hr.data.codes",
    "implied_autocorrelation": "bayes_hr.data.score_draws",
    "list_cards": "bayes_hr.cards",
    "load_card": "bayes_hr.cards",
    "load_fit": "bayes_hr.api",
    "load_panel": "bayes_hr.data.load",
    "parts_of_parquet": "bayes_hr.data.chunks",
    "to_cow": "bayes_hr.data.codes",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use."""
    if name == "simulate":
        return import_module("bayes_hr.simulate")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'bayes_hr' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Public names."""
    return sorted([*__all__, "__version__"])
