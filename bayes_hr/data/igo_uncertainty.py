"""How sure a co-members' mean and a distance are, given the SDs of the scores; plain arrays.

A score comes with its posterior SD. Taking the errors of different states in a year as independent, the mean
of n others has variance ``sum(sd_k^2) / n^2``, and the signed gap ``sd_i^2`` more. Independence is an
assumption: in a latent-variable score all states share the parameters of the items, which moves them together
and cancels from a gap in part.

Nothing here is about different rows. A state's errors in neighbouring years are strongly correlated (the
scores come from a dynamic model), and the rows of an IGO-year share their co-members: these SDs describe one
row each, and must not be used as if rows erred independently.
"""

from __future__ import annotations

import numpy as np


def mean_variance(
    *, total: np.ndarray, count: np.ndarray, own: np.ndarray, counted: np.ndarray, n_others: np.ndarray
) -> np.ndarray:
    """Variance of the mean of the others' scores.

    Parameters
    ----------
    total, count : numpy.ndarray, shape (n_rows,)
        Sum of the members' squared SDs, and how many members have one.
    own : numpy.ndarray of float, shape (n_rows,)
        The state's own squared SD; may be NaN.
    counted : numpy.ndarray of bool, shape (n_rows,)
        Whether the state itself is among those summed.
    n_others : numpy.ndarray of int, shape (n_rows,)
        Scored members other than the state, at least one.

    Returns
    -------
    numpy.ndarray of float, shape (n_rows,)
        NaN where a scored other has no SD.
    """
    summed = counted & ~np.isnan(own)
    others = np.maximum(total - np.where(summed, own, 0.0), 0.0)  # the rest of a difference of equal sums
    return np.where(count - summed == n_others, others, np.nan) / n_others**2


def folded_sd(mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """SD of ``|x|`` for ``x ~ N(mean, sd^2)``: that of the folded normal distribution.

    Far from zero it is `sd`; at zero ``sqrt(1 - 2 / pi) = 0.60`` of it. There ``|mean|`` is also far below
    the mean of ``|x|`` (see :func:`folded_mean`): the smaller SD is not a surer distance. A model of noisy
    distances had better take the signed gap and its SD.

    Parameters
    ----------
    mean, sd : numpy.ndarray of float
        Of one shape; sd >= 0, or NaN.

    Returns
    -------
    numpy.ndarray of float
    """
    below = np.sqrt(np.maximum(mean**2 + sd**2 - folded_mean(mean, sd) ** 2, 0.0))
    # Eight SDs from zero nothing is folded, and the difference of squares would only add rounding.
    return np.where(np.abs(mean) > 8 * sd, sd, np.minimum(below, sd))


def folded_mean(mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Mean of ``|x|`` for ``x ~ N(mean, sd^2)``; at least ``|mean|``.

    Parameters
    ----------
    mean, sd : numpy.ndarray of float
        Of one shape; sd >= 0, or NaN.

    Returns
    -------
    numpy.ndarray of float
    """
    from scipy.special import erf

    far = np.abs(mean) > 8 * sd
    ratio = np.divide(mean, sd, out=np.zeros(mean.shape), where=~far & (sd > 0))
    folded = sd * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + mean * erf(ratio / np.sqrt(2))
    return np.where(far, np.abs(mean), folded)


def sd_columns(
    *, gap: np.ndarray, own: np.ndarray, mean: np.ndarray, n_others: np.ndarray, inside: np.ndarray
) -> dict[str, np.ndarray]:
    """The three columns of ``uncertainty = True``.

    Parameters
    ----------
    gap : numpy.ndarray of float, shape (n_rows,)
        ``gap_signed``.
    own, mean : numpy.ndarray of float, shape (n_rows,)
        Variance of the state's score and of the mean of the others.
    n_others : numpy.ndarray of int, shape (n_rows,)
    inside : numpy.ndarray of bool, shape (n_rows,)
        Rows whose mean holds the state itself (``mean = "inclusive"``): with n others the gap, and its SD,
        are n / (n + 1) of the leave-one-out ones.

    Returns
    -------
    dict of str to numpy.ndarray
        ``igo_mean_sd``, ``gap_signed_sd`` and ``distance_sd`` (that of ``|gap|``, see :func:`folded_sd`), on
        the score's scale.
    """
    scale = np.where(inside, n_others / (n_others + 1), 1.0)
    alone = np.where(inside, own / (n_others + 1) ** 2, 0.0)
    sd = scale * np.sqrt(own + mean)
    return {
        "igo_mean_sd": np.sqrt(scale**2 * mean + alone),
        "gap_signed_sd": sd,
        "distance_sd": folded_sd(gap, sd),
    }
