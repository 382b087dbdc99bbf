"""A design with blocks at one point: its likelihood, and its group effects given the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bayes_hr.engines.covariance import covariance_factor
from bayes_hr.engines.unit_blocks import draw, moments, residual
from bayes_hr.engines.unit_rows import UnitRows, unit_rows
from bayes_hr.forms import blocks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bayes_hr.design import Design, GroupTerm
    from bayes_hr.forms import Blocks

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


@dataclass(frozen=True)
class BlockModel:
    """Rows in unit order, and what each takes of the population coefficients.

    Attributes
    ----------
    design, blocks, units
        The design, its blocks, and its rows by unit.
    y
        (n,) outcome.
    values, position
        (n, m) columns of the population terms of each row, and their coefficients' positions.
    """

    design: Design
    blocks: Blocks
    units: UnitRows
    y: Array
    values: Array
    position: Index

    @classmethod
    def of(cls, design: Design) -> BlockModel:
        """Arrange a design.

        Raises
        ------
        ValueError
            If the design has no blocks (:func:`bayes_hr.forms.blocks_of`).
        """
        blocks = blocks_of(design)
        if blocks is None:
            raise ValueError("this design has no blocks to integrate out")
        units = unit_rows(design, blocks)
        return cls(design, blocks, units, design.y[units.rows], *_sparse_rows(design, units.rows))

    @property
    def groups(self) -> list[GroupTerm]:
        """Groups in the order of the kernels: those within units, then those that cut across them."""
        return [self.design.groups[g] for g in (*self.blocks.inner, *self.blocks.outer)]

    def padded(self, factors: list[Array]) -> Array:
        """Cholesky factors of the groups' covariances as one array (groups, q, q), zero-padded."""
        out = np.zeros((len(factors), *(max(map(len, factors)),) * 2))
        for position, own in enumerate(factors):
            out[position, : len(own), : len(own)] = own
        return out

    def residual(self, b: Array) -> Array:
        """Rows with the population terms at ``b`` taken off, (n,), in unit order."""
        return np.asarray(residual(self.y, self.values, self.position, b))

    def _arguments(self, at: Mapping[str, Array]) -> tuple[Array, UnitRows, Array, float, float, float]:
        """What the kernels take, at parameters under the contract's names."""
        r = self.residual(np.concatenate([np.ravel(at[t.name]) for t in self.design.population]))
        serial = self.design.serial
        sd, rho = (1.0, 0.0) if serial is None else (float(at[f"sd_{serial.name}"]), float(at["rho"]))
        factors = self.padded([covariance_factor(g, at) for g in self.groups])
        return r, self.units, factors, float(at["sigma"]), sd, rho

    def log_likelihood(self, at: Mapping[str, Array]) -> float:
        """Log density of all rows with all group effects and unit-years integrated out, at one draw."""
        value = moments(*self._arguments(at))[0]
        return float(value - 0.5 * self.design.n * np.log(2 * np.pi))

    def effects(self, rng: np.random.Generator, at: Mapping[str, Array]) -> dict[str, Array]:
        """One exact draw of all group effects, given one draw of the rest.

        Returns
        -------
        dict
            ``u_<group>`` (levels, q) of each group.
        """
        units = self.units
        noise = [
            rng.standard_normal(s) for s in (units.block.shape, (units.wide_block.size, 1), units.gap.size)
        ]
        own, w, _ = draw(*self._arguments(at), *noise)
        out, start = {}, 0
        for position, group in enumerate(self.groups):
            u = np.zeros((len(group.levels), len(group.terms)))
            if position < len(self.blocks.inner):
                columns = units.group == position
                u[units.level[columns], units.term[columns]] = own[columns]
            else:
                u[:] = w[start : start + u.size].reshape(u.shape)
                start += u.size
            out[f"u_{group.name}"] = u
        return out


def _sparse_rows(design: Design, rows: Index) -> tuple[Array, Index]:
    """Columns of the population terms of each row, and their coefficients' positions, both (n, m)."""
    values, position, at = [], [], 0
    for term in design.population:
        if term.index is None:
            values.append(term.columns[rows])
            position.append(np.tile(np.arange(at, at + term.size), (design.n, 1)))
        else:
            values.append(np.ones((design.n, 1)))
            position.append(at + term.index[rows, None])
        at += term.size
    return np.ascontiguousarray(np.hstack(values)), np.ascontiguousarray(np.hstack(position))
