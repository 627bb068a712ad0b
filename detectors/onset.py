"""When a change began: exact maximum likelihood over the latest windows, with an interval."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers

INTERVAL_DROP: Final = 2.5
"""Onsets whose log-likelihood is at most this far below the best form the 90 % interval. See
`locate`."""
_CERTAIN: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Onset:
    """Estimated beginnings of changes, as positions on the given time axis, each of shape [R].

    Attributes:
        best: Most likely first changed window.
        low: Earliest window of the 90 % interval.
        high: Latest window of the 90 % interval.
    """

    best: Integers
    low: Integers
    high: Integers


def locate(
    trials: Floats, failures: Floats, before: Floats, first: Integers, *, rising: Flags
) -> Onset:
    """Find the onset of a change to an unknown level that lasts to the last window.

    Statistic: g(t) = N KL(K / N, p) with N, K the (overdispersion-deflated) operations and failures
    from window t to the last, p the failure probability before, and KL the Bernoulli divergence:
    the log-likelihood ratio maximised over the level after the change, computed for **every** t,
    not on a grid. The onset is its maximum over windows with operations in which the level moved in
    the given direction. It is the first changed window, so it lies at or before the window that
    raised the alarm, whose number plays no part.

    Interval: all t with g(t) >= max g - 2.5. A likelihood interval with the chi-square cut (1.35
    for 90 %) is too narrow, because the likelihood of a change point is no parabola (Hinkley,
    Biometrika 57, 1970; Siegmund, Annals of Statistics 16, 1988); the cut is set by simulation over
    the cells of the tests.

    Args:
        trials: Operations, shape [T, R], deflated by 1 + (n - 1) rho.
        failures: Failed operations, shape [T, R], deflated alike.
        before: Failure probability before the change, shape [R].
        first: First position at which the change may have begun, shape [R].
        rising: Whether failures became more frequent, shape [R].

    Returns:
        The onset per column; the last window if no window qualifies.
    """
    known = np.clip(before, _CERTAIN, 1.0 - _CERTAIN)
    operations = np.cumsum(trials[::-1], axis=0)[::-1]
    failed = np.cumsum(failures[::-1], axis=0)[::-1]
    level = np.clip(failed / np.maximum(operations, _CERTAIN), _CERTAIN, 1.0 - _CERTAIN)
    gain = operations * (
        level * np.log(level / known) + (1.0 - level) * np.log((1.0 - level) / (1.0 - known))
    )
    positions = np.arange(trials.shape[0])[:, np.newaxis]
    possible = (trials > 0) & (positions >= first) & ((level > known) == rising)
    gain = np.where(possible, gain, -np.inf)
    best = np.argmax(gain, axis=0)
    top = gain[best, np.arange(gain.shape[1])]
    last = trials.shape[0] - 1
    found = np.isfinite(top)
    inside = possible & (gain >= np.where(found, top, 0.0) - INTERVAL_DROP)
    low = np.argmax(inside, axis=0)
    high = last - np.argmax(inside[::-1], axis=0)
    return Onset(
        np.where(found, best, last), np.where(found, low, last), np.where(found, high, last)
    )
