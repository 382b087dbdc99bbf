"""What stands behind rows that are cells: means over several rows with independent Gaussian errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Repeats:
    """Counts and scatter of the rows behind the cells of a design.

    Attributes
    ----------
    rows
        (n,) how many rows each cell stands for.
    scatter
        (k + 1, k + 1) sums of products of deviations from the cells' means, of the k columns of ``gamma`` and
        the outcome, over all cells, in the design's units.
    """

    rows: Array
    scatter: Array

    @property
    def total(self) -> int:
        """Rows that all cells stand for."""
        return int(self.rows.sum())

    @property
    def precision(self) -> Array:
        """(n,) SD of a row's error over that of the mean of a cell's rows."""
        return np.sqrt(self.rows)

    def mean_sd(self, values: Array, at: int) -> tuple[float, float]:
        """Mean and SD of the rows, from means (n,) of cells and the place of their scatter."""
        mean = float(np.average(values, weights=self.rows))
        squares = float(self.rows @ (values - mean) ** 2 + self.scatter[at, at])
        return mean, float(np.sqrt(squares / self.rows.sum()))
