"""Which windows enter the baselines, and when."""

import numpy as np

from detectors.arrays import Flags
from detectors.baseline import Baseline
from detectors.history import History
from detectors.lifecycle import FOREVER, Lifecycle
from detectors.settings import BankSettings


def leaving(latest: int, window: int, holdback: int) -> range:
    """Give the written windows that leave a hold-back when `window` follows `latest`."""
    return range(latest - holdback, min(latest, window - 1 - holdback) + 1)


class Teaching:
    """Lets windows enter the baselines of a bank, and takes them out again.

    - A window enters after the hold-back, so that a ramp is judged by what was before it.
    - Series with an open degradation learn nothing.
    - While a series looks changed its level waits; if the suspicion passes, the windows that waited
      enter as if they had never waited. None waits longer than the ring holds it.
    - A change takes back what has entered since its onset.

    Keeps no state of its own.
    """

    def __init__(
        self, settings: BankSettings, baseline: Baseline, history: History, life: Lifecycle
    ) -> None:
        self._holdback = settings.holdback_windows
        self._baseline = baseline
        self._history = history
        self._life = life

    def mature(self, window: int, suspicious: Flags) -> None:
        """Let the windows enter that leave the hold-back when `window` begins.

        Args:
            window: The window about to be judged.
            suspicious: Series that look changed, shape [S].
        """
        latest, frozen = self._history.latest, self._life.degraded
        if latest is None:
            return
        left = leaving(latest, window, self._holdback)
        for old in left:
            waits = suspicious & (self._life.held > self._history.oldest(latest))
            self._baseline.fade(old - 1, old, frozen)
            self._learn(old, ~frozen & (self._life.learn_from <= old), waits)
            self._baseline.settle(old, old)
        self._baseline.fade(left[-1], window - 1 - self._holdback, frozen)
        self._baseline.settle(latest + 1, window - 1 - self._holdback)

    def withdraw(self, row: int, window: int, onset: int) -> None:
        """Take what entered since an onset out of a baseline; let enter what waited before it."""
        last = window - 1 - self._holdback
        held = min(int(self._life.held[row]), last + 1)
        first = max(onset, int(self._life.learn_from[row]))
        self._enter(row, held, min(onset - 1, last), last, 1)
        self._enter(row, first, held - 1, last, -1)

    def relearn(self, row: int, window: int, onset: int) -> None:
        """Let a baseline consist of the windows from the onset on."""
        last = window - 1 - self._holdback
        self._baseline.restart(row)
        self._enter(row, onset, last, last, 1)

    def _learn(self, old: int, may: Flags, waits: Flags) -> None:
        life = self._life
        for row in np.flatnonzero(may & ~waits & (life.held < FOREVER)).tolist():
            self._enter(row, int(life.held[row]), old - 1, old, 1)
            life.held[row] = FOREVER
        life.held[may & waits & (life.held == FOREVER)] = old
        trials, failures = self._history.read(old)
        rows = np.flatnonzero((trials > 0) & may)
        counts = trials[rows].astype(float), failures[rows].astype(float)
        self._baseline.learn(old, rows, *counts, waits[rows])

    def _enter(self, row: int, first: int, last: int, now: int, sign: int) -> None:
        """Add windows `first` to `last` to the baseline of a series, or take them out again.

        What is older than the ring stays where it is.
        """
        latest = self._history.latest
        first = first if latest is None else max(first, self._history.oldest(latest))
        if first > last:
            return
        counts = self._history.stretch(first, last, np.array([row]))[:, :, 0].astype(np.float64)
        self._baseline.amend(row, first, now, sign * counts)
