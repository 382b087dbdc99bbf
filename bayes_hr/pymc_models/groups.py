r"""Group terms in PyMC: covariance factor, sampled effects per term centred or not.

With :math:`L` the Cholesky factor of the correlation matrix and standard-normal :math:`z`, term k of a
group's effects is :math:`u_k = s_k (\sum_{j \le k} L_{kj} z_j)`.  A centred term samples :math:`u_k` from its
conditional normal given the earlier terms, a non-centred one samples :math:`z_k`: the same joint density.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymc as pm
import pytensor.tensor as pt

if TYPE_CHECKING:
    from bayes_hr.design import GroupTerm

Factor = tuple[list[Any], list[list[Any]]]


def group_factor(group: GroupTerm) -> Factor:
    """SDs (q) and rows of the correlation Cholesky factor (q x q, lower), added to the open model.

    The correlation has an LKJ prior through its partial correlations, which are independent Betas on
    (-1, 1): Lewandowski, Kurowicka & Joe (2009), doi 10.1016/j.jmva.2009.04.008.
    """
    q, dim = len(group.terms), f"{group.name}_term"
    sd = [p.to_pymc(f"sd_{group.name}_{t}") for p, t in zip(group.sd, group.terms, strict=True)]
    pm.Deterministic(f"sd_{group.name}", pt.stack(sd), dims=dim)
    lower: list[list[Any]] = [[pt.constant(1.0)]]
    for i in range(1, q):
        left: Any = pt.constant(1.0)
        row = []
        for j in range(i):
            partial = _partial_correlation(group, i, j)
            row.append(partial * pt.sqrt(left))
            left = left * (1.0 - partial**2)
        lower.append([*row, pt.sqrt(left)])
    if group.corr is not None:
        L = pt.stack([pt.stack([*row, *[pt.constant(0.0)] * (q - len(row))]) for row in lower])
        corr = pt.sum(L[:, None, :] * L[None, :, :], axis=2)
        pm.Deterministic(f"corr_{group.name}", corr, dims=(dim, f"{dim}_bis"))
    return sd, lower


def _partial_correlation(group: GroupTerm, i: int, j: int) -> Any:
    if group.corr is None:
        return pt.constant(0.0)
    b = group.corr["eta"] + (len(group.terms) - 2 - j) / 2.0
    return 2.0 * pm.Beta(f"partial_{group.name}_{i}{j}", b, b) - 1.0


def sampled_effects(group: GroupTerm, sd: list[Any], lower: list[list[Any]]) -> Any:
    """Effects (groups, q), sampled term by term; adds ``u_<group>`` to the open model."""
    z: list[Any] = []
    u: list[Any] = []
    for k, term in enumerate(group.terms):
        shift = sum((lower[k][j] * z[j] for j in range(k)), start=pt.zeros(len(group.levels)))
        if group.centred[k]:
            u_k = pm.Normal(f"u_{group.name}_{term}", sd[k] * shift, sd[k] * lower[k][k], dims=group.name)
            z.append((u_k / sd[k] - shift) / lower[k][k])
        else:
            z.append(pm.Normal(f"z_{group.name}_{term}", 0.0, 1.0, dims=group.name))
            u_k = sd[k] * (shift + lower[k][k] * z[k])
        u.append(u_k)
    return pm.Deterministic(f"u_{group.name}", pt.stack(u, axis=1), dims=(group.name, f"{group.name}_term"))


def group_contribution(group: GroupTerm, u: Any, Z: Any) -> Any:
    """Contribution of a group term to eta, (n,)."""
    return pt.sum(Z * u[group.index], axis=1)
