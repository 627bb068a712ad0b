"""Which series are alive, and which are too small to be judged soon by themselves."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers, Snapshot

_UNSEEN: Final = int(np.iinfo(np.int64).min)
_FIRST_HOURS: Final = 2
"""Hours that a series is watched before it is called small."""
_MEMORY_HOURS: Final = 24.0
"""Hours that the mean volume looks back: all of a day, however it swings."""
_GROWN: Final = 4.0
"""A small series stays one until its volume is so many times what made it small, so that one at the
border does not go in and out of the sums."""


@dataclass(frozen=True, slots=True)
class Smallness:
    """What counts as small.

    Attributes:
        below: Mean operations an hour below which a series is small.
        windows_per_hour: Windows of an hour, at least 1.
    """

    below: float
    windows_per_hour: int


class Census:
    """Volume of every series, hour by hour.

    Attributes:
        operations: Operations in the present hour, shape [S].
        volume: Mean operations an hour, shape [S].
        hours: Hours that the mean is of, at most a day's, shape [S].
        last: Latest window with operations, shape [S].
        small: Whether the series is small, shape [S].
        hour: Index of the present hour, or None before the first window.
    """

    def __init__(self, smallness: Smallness) -> None:
        self._smallness = smallness
        self.hour: int | None = None
        self.operations: Floats = np.zeros(0)
        self.volume: Floats = np.zeros(0)
        self.hours: Floats = np.zeros(0)
        self.last: Integers = np.zeros(0, dtype=np.int64)
        self.small: Flags = np.zeros(0, dtype=np.bool_)

    def add(self, count: int) -> None:
        """Append series that have not been seen."""
        self.operations = np.concatenate((self.operations, np.zeros(count)))
        self.volume = np.concatenate((self.volume, np.zeros(count)))
        self.hours = np.concatenate((self.hours, np.zeros(count)))
        self.last = np.concatenate((self.last, np.full(count, _UNSEEN)))
        self.small = np.concatenate((self.small, np.zeros(count, dtype=np.bool_)))

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        self.operations, self.volume = self.operations[rows], self.volume[rows]
        self.hours, self.last, self.small = self.hours[rows], self.last[rows], self.small[rows]

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {
            "started": int(self.hour is not None),
            "hour": self.hour or 0,
            "operations": self.operations.copy(),
            "volume": self.volume.copy(),
            "hours": self.hours.copy(),
            "last": self.last.copy(),
            "small": self.small.copy(),
        }

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self.hour = int(state["hour"]) if state["started"] else None
        self.operations = np.array(state["operations"], dtype=np.float64)
        self.volume = np.array(state["volume"], dtype=np.float64)
        self.hours = np.array(state["hours"], dtype=np.float64)
        self.last = np.array(state["last"], dtype=np.int64)
        self.small = np.array(state["small"], dtype=np.bool_)

    def begins_hour(self, window: int) -> bool:
        """Count the hours that ended before a window; say whether any did.

        Windows come in ascending order; those left out had no operations.
        """
        hour = window // self._smallness.windows_per_hour
        if self.hour is None or hour == self.hour:
            self.hour = hour
            return False
        self._close(hour - self.hour)
        self.hour = hour
        return True

    def count(self, window: int, trials: Integers) -> None:
        """Take in the operations of one window, shape [S]."""
        self.operations += trials
        self.last[trials > 0] = window

    def silent(self, since: int) -> Flags:
        """Say which series had operations once, but none from window `since` on, shape [S]."""
        silent: Flags = (self.last != _UNSEEN) & (self.last < since)
        return silent

    def _close(self, elapsed: int) -> None:
        seen = self.last != _UNSEEN
        self.hours = np.minimum(self.hours + np.where(seen, elapsed, 0), _MEMORY_HOURS)
        share = np.minimum(elapsed / np.maximum(self.hours, 1.0), 1.0)
        self.volume += np.where(seen, share * (self.operations / elapsed - self.volume), 0.0)
        self.operations[:] = 0.0
        below = self._smallness.below
        known = self.hours >= _FIRST_HOURS
        stays = self.small & (self.volume < _GROWN * below)
        self.small = known & (stays | (self.volume < below))
