"""How long a series is silent when nothing is wrong."""

from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers, Snapshot
from detectors.volume.settings import VolumeSettings

_SMALLEST: Final = 1.0
"""Lulls are taken to be at least so large: no series is known to have none."""


class Lulls:
    """The lulls of every series, measured in the operations that were expected meanwhile.

    A lull is a run of windows with less than the largest of `collapse_shares` of the expected
    volume. Of independent arrivals its size is about exponential with mean 1 whatever the volume
    and the hour, so the largest of some days is about 10; of work that comes in bursts it is as
    large as the pauses. The **second** largest of recent days counts, because one may have been an
    outage; an outage that was raised is a lull like any other.

    Evidence of a window is capped so that the threshold is out of reach within `lull_factor` times
    that size (see `caps`). Betting less is always allowed: exp(min(l, c)) has at most the mean of
    exp(l). So bursty work alarms when a pause breaks the record by far, and each time less often.

    Attributes:
        sizes: Lull under way, largest and second largest, shape [3, S].
    """

    def __init__(self, settings: VolumeSettings) -> None:
        self._low = max(settings.collapse_shares)
        self._factor = settings.lull_factor
        self._fade = float(np.exp(-1.0 / (settings.lull_memory_days * settings.windows_per_day)))
        self.sizes: Floats = np.zeros((3, 0))

    def add(self, count: int) -> None:
        """Append series without lulls."""
        self.sizes = np.concatenate((self.sizes, np.zeros((3, count))), axis=1)

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        self.sizes = self.sizes[:, rows]

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {"sizes": self.sizes.copy()}

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self.sizes = np.array(state["sizes"], dtype=np.float64)

    def learn(self, operations: Floats, expected: Floats, known: Flags) -> None:
        """Take in one window of the marked series, each argument of shape [S]."""
        now, largest, second = self.sizes
        self.sizes[1:] *= self._fade
        low = known & (operations < self._low * expected)
        over = np.where(known & ~low, now, 0.0)
        second[:] = np.maximum(second, np.minimum(largest, over))
        largest[:] = np.maximum(largest, over)
        now[:] = np.where(low, now + expected, np.where(known, 0.0, now))

    def recall(self, row: int, operations: Floats, expected: Floats) -> None:
        """Take in the past of one series, shape [T], when its expected volume becomes known."""
        low = operations < self._low * expected
        ends = np.concatenate((np.flatnonzero(~low), [low.size]))
        total = np.concatenate(([0.0], np.cumsum(np.where(low, expected, 0.0))))
        sizes = np.sort(np.diff(total[ends], prepend=0.0))
        self.sizes[0, row] = 0.0
        self.sizes[1:, row] = sizes[:-3:-1] if sizes.size > 1 else 0.0

    def caps(self, rows: Integers, expected: Floats, needed: float) -> Floats:
        """Give the largest log evidence of one window, shape [R].

        Args:
            rows: Row indices, shape [R].
            expected: Expected operations, shape [R].
            needed: Log evidence that raises an alarm.
        """
        size: Floats = np.maximum(self._factor * self.sizes[2, rows], _SMALLEST)
        return expected * needed / size
