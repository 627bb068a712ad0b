"""How large a change is: the level after it, with an interval."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import betaincinv

from detectors.arrays import Counts

_TAIL: Final = 0.05
"""Probability beyond either end of a 90 % interval."""


@dataclass(frozen=True, slots=True)
class Level:
    """A failure probability that was observed.

    Attributes:
        ratio: Failures of operations, 0 to 1.
        low: Lower end of the 90 % interval.
        high: Upper end of the 90 % interval.
    """

    ratio: float
    low: float
    high: float


def observed_level(counts: Counts, rho: float) -> Level:
    """Measure the failure probability over some windows.

    The interval is that of Jeffreys (Brown, Cai & DasGupta, Statistical Science 16, 2001), from the
    5 % to the 95 % quantile of Beta(k + 1/2, n - k + 1/2), with counts deflated by the
    overdispersion. It does not know that the windows were chosen because they looked changed, so
    right after an alarm it lies a little too far out.

    Args:
        counts: Operations and failures, shape [2, W]; at least one operation.
        rho: Overdispersion of the series.
    """
    trials, failures = counts.astype(np.float64)
    weight = 1.0 / (1.0 + np.maximum(trials - 1.0, 0.0) * rho)
    failed, succeeded = float(weight @ failures), float(weight @ (trials - failures))
    low, high = betaincinv(failed + 0.5, succeeded + 0.5, np.array([_TAIL, 1.0 - _TAIL])).tolist()
    ratio = float(failures.sum() / trials.sum())
    return Level(ratio, min(low, ratio), max(high, ratio))
