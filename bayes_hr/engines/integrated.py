r"""The integrated log density and its gradient, by hand: what NUTS evaluates some 80,000 times.

The same density as the PyMC model in its integrated form (:mod:`bayes_hr.pymc_models.errors`), on the same
unconstrained coordinates; ``tests/test_integrated.py`` holds the value against PyMC's and the gradient
against finite differences.  A fresh machine compiles this in seconds, and that model in far longer.

With quasi-differenced rows :math:`r, Z` of a group, :math:`A = Z'Z`, :math:`b = Z'r`, group covariance
:math:`LL'`, :math:`s = \sigma^{-2}`, :math:`B = I + s L'AL` and :math:`m = s L B^{-1} L'b` (the conditional
mean of the group's effects), a group contributes :math:`-\frac12 s r'r - \frac12 \log|B| + \frac12 s b'm`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from scipy import special

from bayes_hr.forms import coefficient_priors, integrable, whitening_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bayes_hr.design import Design, GroupTerm, PopulationTerm
    from bayes_hr.kernels import Whitening

    Array = NDArray[np.float64]
    Index = NDArray[np.int64]


def supports(design: Design) -> bool:
    """Whether the density is written for this design; if not, the PyMC model is compiled instead.

    One group term that is the errors' unit, at most two varying coefficients, no partially pooled terms, and
    no indexed term (year effects) but the last.
    """
    group = design.groups[0]
    return (
        integrable(design)
        and np.array_equal(group.index, design.error.order.unit)
        and len(group.terms) <= 2
        and all(t.sd is None for t in design.population)
        and all(t.index is None for t in design.population[:-1])
    )


_JIT = numba.njit(cache=True, nogil=True, error_model="numpy")


@_JIT
def _errors(y, X, b_X, index, b_index):
    """Outcome minus population part, (n,)."""
    e = np.empty(y.size)
    for t in range(y.size):
        eta = b_index[index[t]]
        for j in range(b_X.size):
            eta += X[t, j] * b_X[j]
        e[t] = y[t] - eta
    return e


@_JIT
def _back(g_e, X, index, n_index):
    """Gradients in the dense and in the indexed coefficients from that in the errors."""
    g_X, g_index = np.zeros(X.shape[1]), np.zeros(n_index)
    for t in range(g_e.size):
        g_index[index[t]] -= g_e[t]
        for j in range(X.shape[1]):
            g_X[j] -= X[t, j] * g_e[t]
    return g_X, g_index


@_JIT
def _product(a, b):
    """Matrix product of small matrices, without BLAS."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for k in range(a.shape[1]):
                out[i, j] += a[i, k] * b[k, j]
    return out


@_JIT
def _inverse(B):
    """Inverse and log determinant of a 1 x 1 or 2 x 2 matrix."""
    out = np.empty_like(B)
    if B.shape[0] == 1:
        out[0, 0] = 1.0 / B[0, 0]
        return out, np.log(B[0, 0])
    det = B[0, 0] * B[1, 1] - B[0, 1] * B[1, 0]
    out[0, 0], out[1, 1] = B[1, 1] / det, B[0, 0] / det
    out[0, 1] = out[1, 0] = -B[0, 1] / det
    return out, np.log(det)


@_JIT
def _group(A, b, c, L, s):
    """One group: value, conditional mean m (q, 1) and covariance K of its effects, gradients in L and s."""
    T = _product(A, L)
    inverse, log_det = _inverse(np.eye(len(L)) + s * _product(L.T, T))
    h = s * _product(inverse, _product(L.T, b))
    m = _product(L, h)
    K = _product(_product(L, inverse), L.T)
    Am = _product(A, m)
    bm = np.sum(b * m)
    g_L = s * (_product(b - Am, h.T) - _product(T, inverse))
    g_s = bm - 0.5 * (c + np.sum(A * K) + np.sum(m * Am))
    return 0.5 * s * (bm - c) - 0.5 * log_det, m, K, g_L, g_s


@_JIT
def _rows(e, Z, start, code, phi, d_phi, w, d_w, L, s):
    """Value and gradient of the row part; see the module's docstring.

    ``code`` (n,) points each row at its transition (0: first row): weight ``phi`` on the previous error,
    inverse SD ``w`` and their derivatives in rho.  Returns the value without constants and the
    gradients in e (n,), L (q, q), s and rho.
    """
    n, q = Z.shape
    value, g_s, g_rho = 0.0, 0.0, 0.0
    g_e, g_L = np.zeros(n), np.zeros((q, q))
    log_w, ratio = np.log(w), d_w / w
    r, W = np.empty(n), np.empty((n, q))
    for g in range(start.size - 1):
        A, b, c = np.zeros((q, q)), np.zeros((q, 1)), 0.0
        for t in range(start[g], start[g + 1]):
            k, before = code[t], max(t - 1, start[g])
            value += log_w[k]
            r[t] = (e[t] - phi[k] * e[before]) * w[k]
            c += r[t] * r[t]
            for i in range(q):
                W[t, i] = (Z[t, i] - phi[k] * Z[before, i]) * w[k]
                b[i, 0] += W[t, i] * r[t]
            for i in range(q):
                for j in range(q):
                    A[i, j] += W[t, i] * W[t, j]
        more, m, K, more_L, more_s = _group(A, b, c, L, s)
        value, g_L, g_s = value + more, g_L + more_L, g_s + more_s
        for t in range(start[g], start[g + 1]):
            k, before = code[t], max(t - 1, start[g])
            eps = r[t]
            for i in range(q):
                eps -= W[t, i] * m[i, 0]
            g_e[t] -= s * w[k] * eps
            g_e[before] += s * phi[k] * w[k] * eps
            g_rho += ratio[k] - s * eps * (ratio[k] * r[t] - d_phi[k] * e[before] * w[k])
            for i in range(q):
                slope = m[i, 0] * eps
                for j in range(q):
                    slope -= K[i, j] * W[t, j]
                g_rho += s * slope * (ratio[k] * W[t, i] - d_phi[k] * Z[before, i] * w[k])
    return value, g_e, g_L, g_s, g_rho


@dataclass(frozen=True)
class IntegratedDensity:
    """Log density of a design on unconstrained coordinates.

    Coordinates, in order: whitened coefficients (P), log sigma, logit of rho within its range (AR(1) only),
    log SDs (q), logit of the partial correlation (correlated terms only).
    """

    design: Design
    whitening: Whitening
    mean: Array
    scale: Array
    X: Array
    index: Index
    n_index: int
    start: Index
    code: Index
    gaps: Index
    constant: float

    @classmethod
    def of(cls, design: Design) -> IntegratedDensity:
        """Prepare the arrays; nothing is compiled or sampled."""
        order = design.error.order
        gaps, code = np.unique(np.where(order.first, 0, order.gap), return_inverse=True)
        X = np.ascontiguousarray(np.hstack([t.columns for t in design.population if t.index is None]))
        last = design.population[-1]
        index, n_index = (np.zeros(design.n, np.int64), 1) if last.index is None else (last.index, last.size)
        mean, scale = coefficient_priors(design)
        whitening = whitening_of(design)
        constant = np.log(np.abs(np.diag(whitening.matrix))).sum() - np.log(scale).sum()
        constant -= 0.5 * (scale.size + design.n) * np.log(2 * np.pi)
        return cls(
            design=design,
            whitening=whitening,
            mean=mean,
            scale=scale,
            X=X,
            index=index,
            n_index=n_index,
            start=np.r_[np.flatnonzero(order.first), design.n],
            code=code,
            gaps=gaps,
            constant=float(constant),
        )

    @property
    def size(self) -> int:
        """Number of coordinates."""
        group = self.design.groups[0]
        return (
            self.mean.size
            + 1
            + (self.design.error.rho is not None)
            + len(group.sd)
            + (group.corr is not None)
        )

    def _parts(self, x: Array) -> tuple[Array, float, float, Array, float]:
        """Coefficients, log sigma, rho's logit, log SDs, correlation's logit (NaN where there is none)."""
        P, q = self.mean.size, len(self.design.groups[0].sd)
        at = P + 1 + (self.design.error.rho is not None)
        rho = float(x[P + 1]) if self.design.error.rho is not None else np.nan
        corr = float(x[at + q]) if self.design.groups[0].corr is not None else np.nan
        return self.whitening.centre + self.whitening.matrix @ x[:P], float(x[P]), rho, x[at : at + q], corr

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Log density, up to no constant, and its gradient at ``x`` (size,).

        Where the sampler's first wild steps leave the range of floating point, the value is not finite,
        which the sampler takes as a divergence.
        """
        with np.errstate(all="ignore"):
            return self._evaluate(x)

    def _evaluate(self, x: Array) -> tuple[float, Array]:
        theta, log_sigma, logit_rho, log_sd, logit_corr = self._parts(x)
        sigma, sd = np.exp(log_sigma), np.exp(log_sd)
        s, rho, slope = sigma**-2.0, 0.0, 0.0
        z = (theta - self.mean) / self.scale
        value = self.constant + log_sigma + log_sd.sum() - 0.5 * z @ z
        if self.design.error.sigma is None:
            raise ValueError("Gaussian errors have a prior of sigma")
        prior, d_sigma = self.design.error.sigma.log_density(sigma)
        value += prior
        if self.design.error.rho is not None:
            lower, upper = self.design.error.rho.values
            share = special.expit(logit_rho)
            rho, slope = lower + (upper - lower) * share, (upper - lower) * share * (1 - share)
            value += np.log(share) + np.log1p(-share)
        L, partial, prior_corr, d_corr = _factor(self.design.groups[0], sd, logit_corr)
        k, group, n = self.X.shape[1], self.design.groups[0], self.design.n
        by_index = theta[k:] if theta.size > k else np.zeros(1)
        e = _errors(self.design.y, self.X, theta[:k], self.index, by_index)
        phi, d_phi, w, d_w = _transitions(self.gaps, rho)
        rows, g_e, g_L, g_s, g_rho = _rows(e, group.Z, self.start, self.code, phi, d_phi, w, d_w, L, s)
        g_X, g_index = _back(g_e, self.X, self.index, self.n_index)
        value += rows + prior_corr + 0.5 * n * np.log(s)
        g_theta = np.r_[g_X, g_index][: theta.size]
        gradient = [(g_theta - z / self.scale) @ self.whitening.matrix]
        gradient.append(np.array([1.0 + d_sigma * sigma - 2.0 * s * (g_s + 0.5 * n / s)]))
        if self.design.error.rho is not None:
            gradient.append(np.array([g_rho * slope + 1.0 - 2.0 * share]))
        densities = [p.log_density(v) for p, v in zip(group.sd, sd, strict=True)]
        value += sum(d[0] for d in densities)
        gradient.append(1.0 + np.array([d[1] for d in densities]) * sd + (g_L * L).sum(1))
        if not np.isnan(logit_corr):
            root = np.sqrt(1.0 - partial**2)
            d_partial = sd[1] * (g_L[1, 0] - g_L[1, 1] * partial / root)
            gradient.append(np.array([d_partial * 0.5 * (1.0 - partial**2) + d_corr]))
        return float(value), np.concatenate(gradient)

    def expand(self, x: Array) -> dict[str, Array]:
        """Parameters under the names of the contract at ``x``."""
        theta, log_sigma, logit_rho, log_sd, logit_corr = self._parts(x)
        group, at, out = self.design.groups[0], 0, {}
        for term in self.design.population:
            out[term.name] = _shaped(term, theta[at : at + term.size])
            at += term.size
        out["sigma"] = np.array(np.exp(log_sigma))
        if self.design.error.rho is not None:
            lower, upper = self.design.error.rho.values
            out["rho"] = np.array(lower + (upper - lower) * special.expit(logit_rho))
        out[f"sd_{group.name}"] = np.exp(log_sd)
        if group.corr is not None:
            partial = 2.0 * special.expit(logit_corr) - 1.0
            out[f"corr_{group.name}"] = np.array([[1.0, partial], [partial, 1.0]])
        return out

    def initial(self, seed: int) -> Array:
        """An overdispersed start: coordinates uniform on (-1, 1), scales around the outcome's unit."""
        x = np.random.default_rng(seed).uniform(-1.0, 1.0, self.size)
        x[self.mean.size] += np.log(self.design.unit)
        return x


def _shaped(term: PopulationTerm, part: Array) -> Array:
    return part.reshape(term.shape)


def _factor(group: GroupTerm, sd: Array, logit: float) -> tuple[Array, float, float, float]:
    """Covariance factor L, partial correlation, its log density with Jacobian, and that one's slope."""
    if group.corr is None:
        return np.diag(sd), 0.0, 0.0, 0.0
    eta = group.corr["eta"]
    share = float(special.expit(logit))
    partial = 2.0 * share - 1.0
    value = eta * (np.log(share) + np.log1p(-share)) - float(special.betaln(eta, eta))
    L = np.array([[sd[0], 0.0], [sd[1] * partial, sd[1] * np.sqrt(1.0 - partial**2)]])
    return L, partial, value, eta * (1.0 - 2.0 * share)


def _transitions(gaps: Index, rho: float) -> tuple[Any, ...]:
    """Weight, its slope in rho, inverse SD over sigma and its slope, by distinct gap (0: a first row)."""
    phi = np.where(gaps == 0, 0.0, rho ** gaps.astype(float) if rho >= 0 else np.float_power(rho, gaps))
    d_phi = np.where(gaps == 0, 0.0, gaps * np.power(rho, np.maximum(gaps - 1, 0)))
    left = 1.0 - rho**2
    explained = np.where(gaps == 0, 1.0, 1.0 - phi**2)
    d_explained = -2.0 * phi * d_phi
    w = np.sqrt(left / explained)
    return phi, d_phi, w, 0.5 * w * (-2.0 * rho / left - d_explained / explained)
