"""Thresholds at which methods give the same number of false alarms."""

from typing import Final

import numpy as np

from detectors.arrays import Floats

WINDOWS_PER_FALSE_ALARM: Final = 43_200
"""One false alarm of a series in 30 days of minutes: what every method is held to."""


def calibrated_threshold(
    statistic: Floats, windows_per_false_alarm: float = WINDOWS_PER_FALSE_ALARM
) -> float:
    """Find the threshold that gives the wanted rate of false alarms, from streams in control.

    Estimator: false alarms of a chart that has settled come as a Poisson process, so that P(no
    alarm in m windows) = exp(-m / A). The threshold is the quantile exp(-m / A) of the maximum of
    the statistic over m windows, one maximum a series. With S series some S m / A of them lie
    beyond it, which is what its precision rests on: the realised rate has a relative standard error
    of about 1 / sqrt(S m / A).

    Args:
        statistic: Running statistic in control, settled, shape [m, S].
        windows_per_false_alarm: A.

    Returns:
        The smallest observed maximum that is not exceeded too often; alarm where the statistic
        **reaches** it. Infinite without series.
    """
    if not statistic.size:
        return float("inf")
    windows = statistic.shape[0]
    share = float(np.exp(-windows / windows_per_false_alarm))
    maxima = statistic.max(axis=0)
    return float(np.nextafter(np.quantile(maxima, share, method="inverted_cdf"), np.inf))
