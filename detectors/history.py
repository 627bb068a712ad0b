"""The latest windows of every series: a ring of counts."""

from typing import Final

import numpy as np

from detectors.arrays import Counts, Integers, Snapshot

_FIRST_CAPACITY: Final = 64


class History:
    """Operations and failures of the last `windows` windows.

    Kept as 32-bit counts: 8 bytes a window and series. A window that was not written holds zeros.

    Attributes:
        size: Number of series.
        latest: Index of the latest window written, or None.
    """

    def __init__(self, windows: int) -> None:
        self._windows = windows
        self._counts: Counts = np.zeros((2, windows, _FIRST_CAPACITY), dtype=np.int32)
        self.size = 0
        self.latest: int | None = None

    def add(self, count: int) -> None:
        """Append series without operations; room doubles, so that adding one by one stays cheap."""
        capacity = self._counts.shape[2]
        if self.size + count > capacity:
            room = np.zeros(
                (2, self._windows, max(2 * capacity, self.size + count)), dtype=np.int32
            )
            room[:, :, : self.size] = self._counts[:, :, : self.size]
            self._counts = room
        self.size += count

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        kept = np.zeros((2, self._windows, max(rows.size, _FIRST_CAPACITY)), dtype=np.int32)
        kept[:, :, : rows.size] = self._counts[:, :, rows]
        self._counts, self.size = kept, int(rows.size)

    def write(self, window: int, trials: Integers, failures: Integers) -> None:
        """Write a window later than all before; windows left out in between hold zeros."""
        if self.latest is not None:
            skipped = np.arange(max(self.latest + 1, window - self._windows + 1), window)
            self._counts[:, skipped % self._windows] = 0
        slot = window % self._windows
        self._counts[0, slot, : self.size] = trials
        self._counts[1, slot, : self.size] = failures
        self.latest = window

    def read(self, window: int) -> Counts:
        """Give trials and failures of one window, shape [2, S]; zeros if it is not kept."""
        if self.latest is None or not self.latest - self._windows < window <= self.latest:
            return np.zeros((2, self.size), dtype=np.int32)
        view: Counts = self._counts[:, window % self._windows, : self.size]
        return view

    def stretch(self, first: int, last: int, rows: Integers) -> Counts:
        """Give the counts of some series over the windows `first` to `last` inclusive.

        Args:
            first: First window, at least `latest` - `windows` + 1.
            last: Last window, at most `latest`.
            rows: Row indices, shape [R].

        Returns:
            Trials and failures in the order of time, shape [2, last - first + 1, R].
        """
        slots = np.arange(first, last + 1) % self._windows
        counts: Counts = self._counts[:, slots[:, np.newaxis], rows[np.newaxis]]
        return counts

    def state(self) -> Snapshot:
        """Give the state as plain data; counts by time, in the smallest type that holds them."""
        if self.latest is None:
            return {"started": 0, "size": self.size}
        rows = np.arange(self.size)
        counts = self.stretch(self.oldest(self.latest), self.latest, rows)
        largest = int(counts.max(initial=0))
        return {
            "started": 1,
            "size": self.size,
            "latest": self.latest,
            "counts": counts.astype(np.min_scalar_type(largest)),
        }

    def restore(self, state: Snapshot) -> None:
        """Go on from a state; ValueError if it holds another number of windows."""
        self.latest, self.size = None, 0
        self.add(int(state["size"]))
        if not state["started"]:
            return
        counts = np.array(state["counts"], dtype=np.int32)
        if counts.shape[1] != self._windows:
            raise ValueError(
                f"counts: {counts.shape[1]} windows in the snapshot, not {self._windows}"
            )
        self.latest = int(state["latest"])
        slots = np.arange(self.oldest(self.latest), self.latest + 1) % self._windows
        self._counts[:, slots, : self.size] = counts

    def oldest(self, window: int) -> int:
        """Give the first window that is kept when `window` is the latest."""
        return window - self._windows + 1
