"""The latest windows of every series: a ring of one count."""

from typing import Final

import numpy as np

from detectors.arrays import MAXIMUM_COUNT, Counts, Integers, Snapshot

_FIRST_CAPACITY: Final = 64


class CountRing:
    """Operations of the last `windows` windows, 4 bytes a window and series.

    Attributes:
        size: Number of series.
        latest: Index of the latest window written, or None.
    """

    def __init__(self, windows: int) -> None:
        self._windows = windows
        self._counts: Counts = np.zeros((windows, _FIRST_CAPACITY), dtype=np.int32)
        self.size = 0
        self.latest: int | None = None

    def add(self, count: int) -> None:
        """Append series without operations; room doubles, so that adding one by one stays cheap."""
        capacity, needed = self._counts.shape[1], self.size + count
        if needed > capacity:
            room = np.zeros((self._windows, max(2 * capacity, needed)), dtype=np.int32)
            room[:, : self.size] = self._counts[:, : self.size]
            self._counts = room
        self.size = needed

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        kept = np.zeros((self._windows, max(rows.size, _FIRST_CAPACITY)), dtype=np.int32)
        kept[:, : rows.size] = self._counts[:, rows]
        self._counts, self.size = kept, int(rows.size)

    def check(self, window: int, operations: Integers) -> None:
        """Refuse what cannot be written.

        Raises:
            ValueError: Wrong shape or type, counts outside 0 to 2^31 - 1, or a window that does not
                follow; the message names the field, the row and the value.
        """
        if operations.shape != (self.size,) or not np.issubdtype(operations.dtype, np.integer):
            raise ValueError(
                f"operations: {operations.dtype} of shape {operations.shape}, "
                f"not integers ({self.size},)"
            )
        wrong = np.flatnonzero((operations < 0) | (operations > MAXIMUM_COUNT))
        if wrong.size:
            row = int(wrong[0])
            raise ValueError(f"operations[{row}] = {operations[row]}: outside 0 to 2147483647")
        if self.latest is not None and window <= self.latest:
            raise ValueError(f"window = {window}: must be above {self.latest}, the window before")

    def write(self, window: int, operations: Integers) -> None:
        """Write a window later than all before; windows left out in between hold zeros."""
        if self.latest is not None:
            skipped = np.arange(max(self.latest + 1, window - self._windows + 1), window)
            self._counts[skipped % self._windows] = 0
        self._counts[window % self._windows, : self.size] = operations
        self.latest = window

    def read(self, window: int) -> Counts:
        """Give the operations of one window, shape [S]; zeros if it is not kept."""
        if self.latest is None or not self.latest - self._windows < window <= self.latest:
            return np.zeros(self.size, dtype=np.int32)
        view: Counts = self._counts[window % self._windows, : self.size]
        return view

    def stretch(self, row: int, windows: Integers) -> Counts:
        """Give the operations of one series in some windows that are kept, shape [W]."""
        counts: Counts = self._counts[windows % self._windows, row]
        return counts

    def oldest(self, window: int) -> int:
        """Give the first window that is kept when `window` is the latest."""
        return window - self._windows + 1

    def state(self) -> Snapshot:
        """Give the state as plain data; counts by time, in the smallest type that holds them."""
        if self.latest is None:
            return {"started": 0, "size": self.size}
        slots = np.arange(self.oldest(self.latest), self.latest + 1) % self._windows
        counts = self._counts[slots, : self.size]
        return {
            "started": 1,
            "size": self.size,
            "latest": self.latest,
            "counts": counts.astype(np.min_scalar_type(int(counts.max(initial=0)))),
        }

    def restore(self, state: Snapshot) -> None:
        """Go on from a state; ValueError if it holds another number of windows."""
        self.latest, self.size = None, 0
        self.add(int(state["size"]))
        if not state["started"]:
            return
        counts = np.array(state["counts"], dtype=np.int32)
        if counts.shape[0] != self._windows:
            raise ValueError(f"counts: {counts.shape[0]} windows, not {self._windows}")
        self.latest = int(state["latest"])
        slots = np.arange(self.oldest(self.latest), self.latest + 1) % self._windows
        self._counts[slots, : self.size] = counts
