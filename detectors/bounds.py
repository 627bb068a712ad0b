"""What a window of a series in control may look like: the central range of its failures."""

from typing import Final

import numpy as np
from scipy.special import betaincinv, ndtr

from detectors.arrays import Floats, Integers
from detectors.eprocess import log_rising
from detectors.posterior import beta_quantile

DEVIATIONS: Final = 2.5758293035489004
"""Normal deviations that leave 0.5 % on either side: the central 99 %."""
_FEW: Final = 24.0
"""Failures up to which probabilities are added up one by one; the sums of a window of 10,000 series
take milliseconds, and beyond the beta distribution is as good."""
_PLAIN: Final = 1.0
"""Pseudo-failures from which `beta_quantile` is good; below, the exact inverse is worth its time.
"""


def failures_in_control(
    trials: Integers, ratios: Floats, rho: Floats, deviations: float = DEVIATIONS
) -> tuple[Floats, Floats]:
    """Give the failures that a window in control has at least and at most, but for rare ones.

    Failures of a window are beta-binomial: n operations, failure probability p, intra-class
    correlation rho (Skellam, "A probability distribution derived from the binomial distribution",
    Journal of the Royal Statistical Society B 10, 1948). Few failures: the probabilities are added
    up by their recurrence, exactly. Many: quantiles of the beta distribution that has the mean and
    the variance p (1 - p) (rho + (1 - rho) / n) of the ratio, rounded.

    Args:
        trials: Operations, shape [S].
        ratios: Failure probability in control, shape [S], 0 to 1.
        rho: Intra-class correlation of the outcomes of one window, shape [S], inside (0, 1).
        deviations: Normal deviations of the quantiles; the default leaves 0.5 % on either side.

    Returns:
        The lower and the upper quantile, whole numbers of shape [S].
    """
    tail = float(ndtr(-deviations))
    n = trials.astype(np.float64)
    spread = np.sqrt(n * ratios * (1.0 - ratios) * (1.0 + np.maximum(n - 1.0, 0.0) * rho))
    certain = ratios >= 1.0
    few = ~certain & (n * ratios + deviations * spread <= _FEW)
    many = ~few & ~certain
    low, high = np.zeros((2, n.size))
    low[few], high[few] = _counted(n[few], ratios[few], rho[few], tail)
    low[many], high[many] = _matched(n[many], ratios[many], rho[many], deviations, tail)
    low[certain] = high[certain] = n[certain]
    return low, high


def _counted(n: Floats, ratios: Floats, rho: Floats, tail: float) -> tuple[Floats, Floats]:
    """Add probabilities up until both quantiles are passed.

    P(k + 1) / P(k) = (n - k) (a + k) / ((k + 1) (b + n - k - 1)), a and b those of the mixing beta
    distribution.
    """
    precision = (1.0 - rho) / rho
    a, b = ratios * precision, (1.0 - ratios) * precision
    low, high = np.zeros((2, n.size))
    rows = np.arange(n.size, dtype=np.int64)
    term = np.exp(log_rising(b, n) - log_rising(a + b, n))
    reached = term.copy()
    left, successes = n.copy(), b + n - 1.0
    failed = 0.0
    while rows.size:
        low[rows] += reached <= tail
        going = (reached < 1.0 - tail) & (left > 0.0)
        high[rows] += going
        rows = rows[going]
        a, term, reached, left, successes = (
            one[going] for one in (a, term, reached, left, successes)
        )
        term *= left * (a + failed) / ((failed + 1.0) * successes)
        reached += term
        left -= 1.0
        successes -= 1.0
        failed += 1.0
    return np.minimum(low, n), high


def _matched(
    n: Floats, ratios: Floats, rho: Floats, deviations: float, tail: float
) -> tuple[Floats, Floats]:
    """Take the quantiles of a beta distribution with the mean and the variance of the ratio."""
    matched = rho + (1.0 - rho) / n
    precision = (1.0 - matched) / matched
    alpha, beta = ratios * precision, (1.0 - ratios) * precision
    plain = np.minimum(alpha, beta) >= _PLAIN
    found = []
    for side, share in ((-deviations, tail), (deviations, 1.0 - tail)):
        quantile = np.empty(n.size)
        quantile[plain] = beta_quantile(alpha[plain], beta[plain], side)
        quantile[~plain] = betaincinv(alpha[~plain], beta[~plain], share)
        found.append(np.rint(n * quantile))
    return found[0], found[1]
