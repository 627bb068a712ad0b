"""Where every series stands: learning, judged, or with an open alarm."""

from typing import Final

import numpy as np
import numpy.typing as npt

from detectors.arrays import Flags, Integers, Snapshot

NEVER: Final = int(np.iinfo(np.int64).min)
"""Stands for "no window yet" and lies before every window."""
FOREVER: Final = int(np.iinfo(np.int64).max)
"""Stands for "no window" where the earliest counts, and lies after every window."""
DEGRADED: Final = 1
IMPROVED: Final = -1


class Lifecycle:
    """State of the series' lives, one entry per series, each of shape [S].

    Attributes:
        alarmed: 0 no alarm, +1 a degradation is open, -1 an improvement is being learned.
        learning: Not judged yet.
        first: First window with operations since learning began.
        opened: Window that raised the open degradation.
        since: First window in which the change that is looked for may have begun.
        learn_from: Windows before this one never enter the baseline (again).
        held: First window that waits to enter the level, because the series looks changed.
    """

    def __init__(self) -> None:
        self.alarmed: npt.NDArray[np.int8] = np.zeros(0, dtype=np.int8)
        self.learning: Flags = np.zeros(0, dtype=np.bool_)
        self.first: Integers = np.zeros(0, dtype=np.int64)
        self.opened: Integers = np.zeros(0, dtype=np.int64)
        self.since: Integers = np.zeros(0, dtype=np.int64)
        self.learn_from: Integers = np.zeros(0, dtype=np.int64)
        self.held: Integers = np.zeros(0, dtype=np.int64)

    def add(self, count: int) -> None:
        """Append series that are learning and have not been seen."""
        never = np.full(count, NEVER)
        self.alarmed = np.concatenate((self.alarmed, np.zeros(count, dtype=np.int8)))
        self.learning = np.concatenate((self.learning, np.ones(count, dtype=np.bool_)))
        self.first = np.concatenate((self.first, never))
        self.opened = np.concatenate((self.opened, never))
        self.since = np.concatenate((self.since, never))
        self.learn_from = np.concatenate((self.learn_from, never))
        self.held = np.concatenate((self.held, np.full(count, FOREVER)))

    def keep(self, rows: Integers) -> None:
        """Drop all other series."""
        self.alarmed, self.learning = self.alarmed[rows], self.learning[rows]
        self.first, self.opened = self.first[rows], self.opened[rows]
        self.since, self.learn_from = self.since[rows], self.learn_from[rows]
        self.held = self.held[rows]

    def state(self) -> Snapshot:
        """Give the state as plain data."""
        return {
            "alarmed": self.alarmed.copy(),
            "learning": self.learning.copy(),
            "first": self.first.copy(),
            "opened": self.opened.copy(),
            "since": self.since.copy(),
            "learn_from": self.learn_from.copy(),
            "held": self.held.copy(),
        }

    def restore(self, state: Snapshot) -> None:
        """Go on from a state."""
        self.alarmed = np.array(state["alarmed"], dtype=np.int8)
        self.learning = np.array(state["learning"], dtype=np.bool_)
        self.first = np.array(state["first"], dtype=np.int64)
        self.opened = np.array(state["opened"], dtype=np.int64)
        self.since = np.array(state["since"], dtype=np.int64)
        self.learn_from = np.array(state["learn_from"], dtype=np.int64)
        self.held = np.array(state["held"], dtype=np.int64)

    @property
    def degraded(self) -> Flags:
        """Series with an open degradation."""
        degraded: Flags = self.alarmed == DEGRADED
        return degraded

    @property
    def judged(self) -> Flags:
        """Series that are tested for a change."""
        judged: Flags = ~self.learning & (self.alarmed == 0)
        return judged

    def graduate(self, window: int, seen: Flags, informed: Flags, warm_up: int) -> None:
        """Note first operations, and end the learning of series that know or have waited enough.

        Args:
            window: Index of this window.
            seen: Series with operations in this window.
            informed: Series whose baseline is informative.
            warm_up: Windows after which a series is judged in any case.
        """
        self.first[seen & (self.first == NEVER)] = window
        started = self.first != NEVER
        waited = started & (self.first <= window - warm_up)
        ready = self.learning & started & (informed | waited)
        self.learning[ready] = False
        self.alarmed[ready & (self.alarmed == IMPROVED)] = 0

    def degrade(self, row: int, window: int, onset: int) -> None:
        """Open a degradation; its recovery can begin after its onset."""
        self.alarmed[row] = DEGRADED
        self.opened[row] = window
        self.since[row] = onset + 1
        self.held[row] = FOREVER

    def recover(self, row: int, onset: int, learn_from: int) -> None:
        """Close a degradation."""
        self.alarmed[row] = 0
        self.since[row] = onset
        self.learn_from[row] = learn_from

    def improve(self, row: int, onset: int) -> None:
        """Let a series that became better learn anew from the onset on."""
        self._learn_anew(row, onset)
        self.alarmed[row] = IMPROVED

    def accept(self, row: int, onset: int) -> None:
        """Let a series whose level somebody accepted learn anew from the onset on."""
        self._learn_anew(row, onset)
        self.alarmed[row] = 0

    def _learn_anew(self, row: int, onset: int) -> None:
        self.learning[row] = True
        self.first[row] = onset
        self.since[row] = onset
        self.learn_from[row] = onset
        self.held[row] = FOREVER
