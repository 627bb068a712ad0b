"""Where every series of the volume bank stands: learning, judged, or with an open collapse."""

from typing import Final

import numpy as np

from detectors.arrays import Flags, Integers, Snapshot
from detectors.lifecycle import NEVER

_AT_ONCE: Final = 256
"""Series whose learning ends in one window: the past of each is read then, some 0.3 ms, and after a
cold start all of a fleet have waited equally long."""


class VolumeLife:
    """State of the series' lives, one entry per series, each of shape [S].

    Attributes:
        learning: Not judged yet.
        open: A collapse is open.
        first: First window with operations since learning began.
        last: Latest window with operations.
        opened: Window that raised the open collapse.
        since: First window in which the change that is looked for may have begun.
        learn_from: Windows before this one never enter what is expected (again).
        active: Latest window with an operation of any series; NEVER before the first.
        lit_from: First window after the bank last stood still.
    """

    def __init__(self) -> None:
        self.learning: Flags = np.zeros(0, dtype=np.bool_)
        self.open: Flags = np.zeros(0, dtype=np.bool_)
        self.first: Integers = np.zeros(0, dtype=np.int64)
        self.last: Integers = np.zeros(0, dtype=np.int64)
        self.opened: Integers = np.zeros(0, dtype=np.int64)
        self.since: Integers = np.zeros(0, dtype=np.int64)
        self.learn_from: Integers = np.zeros(0, dtype=np.int64)
        self.active = NEVER
        self.lit_from = NEVER

    def add(self, count: int) -> None:
        """Append series that are learning and have not been seen."""
        never = np.full(count, NEVER)
        self.learning = np.concatenate((self.learning, np.ones(count, dtype=np.bool_)))
        self.open = np.concatenate((self.open, np.zeros(count, dtype=np.bool_)))
        for name in ("first", "last", "opened", "since", "learn_from"):
            setattr(self, name, np.concatenate((getattr(self, name), never)))

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        self.learning, self.open = self.learning[rows], self.open[rows]
        self.first, self.last, self.opened = self.first[rows], self.last[rows], self.opened[rows]
        self.since, self.learn_from = self.since[rows], self.learn_from[rows]

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {
            "learning": self.learning.copy(),
            "open": self.open.copy(),
            "first": self.first.copy(),
            "last": self.last.copy(),
            "opened": self.opened.copy(),
            "since": self.since.copy(),
            "learn_from": self.learn_from.copy(),
            "active": self.active,
            "lit_from": self.lit_from,
        }

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self.learning = np.array(state["learning"], dtype=np.bool_)
        self.open = np.array(state["open"], dtype=np.bool_)
        self.first = np.array(state["first"], dtype=np.int64)
        self.last = np.array(state["last"], dtype=np.int64)
        self.opened = np.array(state["opened"], dtype=np.int64)
        self.since = np.array(state["since"], dtype=np.int64)
        self.learn_from = np.array(state["learn_from"], dtype=np.int64)
        self.active = int(state["active"])
        self.lit_from = int(state["lit_from"])

    @property
    def judged(self) -> Flags:
        """Series that are tested for a collapse."""
        judged: Flags = ~self.learning & ~self.open
        return judged

    def see(self, window: int, seen: Flags, dark: int) -> bool:
        """Note which series have operations; tell whether the bank goes on.

        Args:
            window: Index of this window.
            seen: Series with operations.
            dark: Windows without any operation after which the bank stands still.
        """
        self.first[seen & (self.first == NEVER)] = window
        self.last[seen] = window
        before = self.active
        if seen.any():
            self.active = window
            if before == NEVER or window > before + dark:
                self.lit_from = window
        return self.active != NEVER and window <= self.active + dark

    def learns(self, window: int) -> Flags:
        """Give the series that a window enters the expectation of."""
        started = (self.first != NEVER) & (window >= self.first)
        learns: Flags = started & ~self.open & (window >= self.learn_from)
        return learns

    def graduate(self, window: int, learning: int) -> Integers:
        """End the learning of series whose first operation is `learning` windows ago; name them."""
        waited = self.learning & (self.first != NEVER) & (self.first <= window - learning)
        ready = np.flatnonzero(waited)[:_AT_ONCE]
        self.learning[ready] = False
        # Before its first operation a series was not silent: it was not there.
        self.since[ready] = np.maximum(self.since[ready], self.first[ready])
        return ready

    def collapse(self, row: int, window: int, onset: int) -> None:
        """Open a collapse; its end can begin after its onset."""
        self.open[row] = True
        self.opened[row] = window
        self.since[row] = onset + 1

    def recover(self, row: int, onset: int) -> None:
        """Close a collapse; the series is learned again from the return on."""
        self.open[row] = False
        self.since[row] = onset
        self.learn_from[row] = onset

    def forget(self, rows: Integers) -> None:
        """Begin anew with series whose collapse has become normal."""
        self.open[rows] = False
        self.learning[rows] = True
        self.first[rows] = NEVER
