"""The few numbers and names that every part must agree on."""

from __future__ import annotations

import math
from typing import Final

SCHEMA_VERSION: Final = 1
"""Version of the card schema, of ``summary.json`` and of ``provenance.json``."""

CI_PROB: Final = 0.89
"""Probability of every reported interval (the ArviZ default)."""

CI_KIND: Final = "eti"
"""Kind of every reported interval: equal-tailed."""

LOGISTIC_SD: Final = math.pi / math.sqrt(3.0)
"""Standard deviation of the standard logistic distribution."""
