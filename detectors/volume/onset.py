"""When volume collapsed, or came back: maximum likelihood over the latest windows."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Floats, Integers

INTERVAL_DROP: Final = 2.5
"""Onsets whose log-likelihood is at most this far below the best form the 90 % interval, as in
`detectors.onset`: the likelihood of a change point is no parabola, 1.35 is too narrow."""
_NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class VolumeOnset:
    """Estimated beginning of a change, as window indices.

    Attributes:
        best: Most likely first changed window.
        low: Earliest window of the 90 % interval.
        high: Latest window of the 90 % interval.
    """

    best: int
    low: int
    high: int


def locate_collapse(operations: Floats, expected: Floats, first: int) -> VolumeOnset:
    """Find the first low window of a collapse that lasts to the last window.

    Statistic: g(t) = N ln(N / M) - N + M with N operations and M expected ones from window t to the
    last: the Poisson log-likelihood ratio of "some share of the expected volume" against all of it,
    maximised over the share, for every t. Units: window indices. The number of the window that
    raised the alarm plays no part.

    Args:
        operations: Operations by window, shape [T], deflated by 1 + d m.
        expected: Expected operations, shape [T], deflated alike.
        first: Index of the first of these windows.
    """
    seen = np.cumsum(operations[::-1])[::-1]
    mean = np.cumsum(expected[::-1])[::-1]
    gain = _gain(seen, mean) - seen + mean
    return _interval(np.where((seen < mean) & (expected > 0), gain, -np.inf), first)


def locate_return(operations: Floats, expected: Floats, first: int) -> VolumeOnset:
    """Find the first window after a collapse: the split into two levels that fits best.

    Statistic: the Poisson log-likelihood of one share of the expected volume before t and another,
    higher one from t on, both free. Arguments as in `locate_collapse`.
    """
    seen, mean = np.cumsum(operations), np.cumsum(expected)
    seen_before, mean_before = seen - operations, mean - expected
    seen_after, mean_after = seen[-1] - seen_before, mean[-1] - mean_before
    gain = _gain(seen_before, mean_before) + _gain(seen_after, mean_after)
    higher = seen_after * mean_before > seen_before * mean_after
    return _interval(np.where(higher, gain, -np.inf), first)


def _gain(seen: Floats, mean: Floats) -> Floats:
    ratio = np.maximum(seen, _NOTHING) / np.maximum(mean, _NOTHING)
    gain: Floats = seen * np.log(ratio)
    return gain


def _interval(gain: Floats, first: int) -> VolumeOnset:
    best = int(np.argmax(gain))
    if not np.isfinite(gain[best]):
        last = first + gain.size - 1
        return VolumeOnset(last, last, last)
    inside: Integers = np.flatnonzero(gain >= gain[best] - INTERVAL_DROP)
    return VolumeOnset(first + best, first + int(inside[0]), first + int(inside[-1]))
