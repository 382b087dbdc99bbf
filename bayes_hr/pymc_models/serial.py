r"""Effects of a unit's own years in PyMC: AR(1) over the unit's years, stationary, gaps exact.

:math:`s_t \mid s_{t-g} \sim N(\rho^g s_{t-g}, (1 - \rho^{2g})\, sd^2)`, the first of a unit
:math:`N(0, sd^2)`, so that ``sd`` is the SD of the effect of any year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymc as pm
import pytensor.tensor as pt

from bayes_hr.pymc_models.errors import powers

if TYPE_CHECKING:
    from bayes_hr.design import SerialTerm


def unit_years(term: SerialTerm) -> Any:
    """Contribution to eta, (n,); adds ``sd_<name>``, ``rho`` and the effects, ``z_<name>``, to the model."""
    sd, rho = term.sd.to_pymc(f"sd_{term.name}"), term.rho.to_pymc("rho")
    order = term.order
    s = pm.Flat(f"z_{term.name}", shape=order.first.size)
    weight = pt.where(order.first, 0.0, powers(rho, order.gap))
    spread = sd * pt.sqrt(1.0 - weight**2)
    shocks = s - weight * s[order.previous]
    pm.Potential(f"prior_{term.name}", pt.sum(pm.logp(pm.Normal.dist(0.0, spread), shocks)))
    return term.loading * s[term.index]
