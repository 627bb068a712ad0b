"""Events in the order of their arrival."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Arrivals:
    """Holds encoded events until they arrive.

    Events of the same millisecond keep the order they were added in.
    """

    def __init__(self) -> None:
        self._times: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._lines: NDArray[np.object_] = np.empty(0, dtype=object)

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, times: NDArray[np.int64], lines: Sequence[bytes]) -> None:
        """Take events in.

        Args:
            times: When each arrives, milliseconds since the epoch, shape (lines,).
            lines: The events.
        """
        added = np.empty(len(lines), dtype=object)
        added[:] = lines
        self._times = np.concatenate([self._times, times])
        self._lines = np.concatenate([self._lines, added])

    def until(self, end: int) -> list[bytes]:
        """Give out, in order, what arrives before `end`, in milliseconds since the epoch."""
        order = np.argsort(self._times, kind="stable")
        self._times, self._lines = self._times[order], self._lines[order]
        cut = int(np.searchsorted(self._times, end))
        arrived: list[bytes] = self._lines[:cut].tolist()
        self._times, self._lines = self._times[cut:], self._lines[cut:]
        return arrived
