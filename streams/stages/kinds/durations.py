"""Durations: operations that have become slower than they were when they were first watched."""

from collections import Counter
from typing import Any, Final

import numpy as np

from detectors.bank import Bank, BankSettings, Detection
from streams.config import Settings
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.series import SeriesKey
from streams.stages.change_points import change_point
from streams.stages.kinds.places import Place, group_of, named
from streams.windows.cells import CellTable, Int32, Int64

QUANTILES: Final = (0.5, 0.95)
WARM_UP_WINDOWS: Final = 120
"""Windows with durations after which the thresholds of a series may be fixed, as in the bank."""
WARM_UP_DURATIONS: Final = 400
"""... and durations: with so many, 20 lie above the 95 % quantile, which is then known to 1 point
(standard error sqrt(0.05 * 0.95 / 400))."""


def duration_settings(settings: Settings) -> BankSettings:
    """Give the settings of the bank of durations: the promise is this kind's own.

    Durations follow load and size of what is asked for, so that a change of the odds by less than
    half counts as none.
    """
    return BankSettings(
        window_seconds=settings.windows.seconds,
        false_alarms_per_day=settings.detectors.false_alarms_per_day,
        shares=settings.topics.counts_partitions,
        materiality_odds=1.5,
        prior_failure_ratio=0.2,
        ring_windows=360,
    )


class DurationChanges:
    """Watches, per series and quantile, how many operations are slower than a fixed duration.

    The durations of a series' warm-up are added up; then the bin that holds each quantile is its
    threshold for good, and "slower than that bin" is a failure in the sense of a `Bank`. A shift of
    the quantile shows as a shift of that share, and nothing has to be assumed of the distribution.

    Blind spots: a shift by less than a bin (10 %); what was slow from the start; the time of day,
    as far as the season of the bank does not follow it.

    Attributes:
        sketches: Durations by bin, and windows, of series whose thresholds are not fixed.
        thresholds: Bin of each quantile, by series, in the order of the bank's rows.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bank_settings = duration_settings(settings)
        self._bank = Bank(self._bank_settings)
        self.sketches: dict[SeriesKey, tuple[Counter[int], int]] = {}
        self.thresholds: dict[SeriesKey, tuple[int, ...]] = {}
        self._groups: dict[tuple[Place, float], int] = {}

    def on_window(self, window: int, keys: list[SeriesKey], table: CellTable) -> list[ChangePoint]:
        """Take in a closed window; arguments as of the other kinds."""
        timed, slow = self._counts(keys, table)
        step = self._bank.step(window, timed, slow)
        self._learn(keys, table)
        known = list(self.thresholds)
        return [
            self._change_point(known[one.row // len(QUANTILES)], one) for one in step.detections
        ]

    def state(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {
            "bank": self._bank.snapshot(),
            "sketches": [
                (key, sorted(bins.items()), windows)
                for key, (bins, windows) in self.sketches.items()
            ],
            "thresholds": list(self.thresholds.items()),
            "groups": list(self._groups),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._bank = Bank.resume(self._bank_settings, state["bank"])
        self.sketches = {
            tuple(key): (Counter(dict(bins)), windows) for key, bins, windows in state["sketches"]
        }
        self.thresholds = {tuple(key): tuple(bins) for key, bins in state["thresholds"]}
        self._groups = {
            (tuple(group), quantile): number
            for number, (group, quantile) in enumerate(state["groups"])
        }

    def _counts(self, keys: list[SeriesKey], table: CellTable) -> tuple[Int64, Int64]:
        """Count durations, and slow ones, by row of the bank."""
        places = {key: place for place, key in enumerate(self.thresholds)}
        place = np.array([places.get(key, -1) for key in keys], np.int64)
        limits = np.array(list(self.thresholds.values()), np.int64).reshape(-1, len(QUANTILES))
        found = table.durations
        at, bins, counts = place[found.rows], found.names, found.counts
        at, bins, counts = at[at >= 0], bins[at >= 0], counts[at >= 0]
        timed = np.zeros(limits.shape, np.int64)
        slow = np.zeros(limits.shape, np.int64)
        np.add.at(timed, at, counts[:, np.newaxis])
        np.add.at(slow, at, counts[:, np.newaxis] * (bins[:, np.newaxis] > limits[at]))
        return timed.reshape(-1), slow.reshape(-1)

    def _learn(self, keys: list[SeriesKey], table: CellTable) -> None:
        """Add to the warm-up of series, and fix the thresholds of those that have had enough."""
        found = table.durations
        starts = np.searchsorted(found.rows, np.arange(len(keys) + 1))
        for row, key in enumerate(keys):
            part = slice(int(starts[row]), int(starts[row + 1]))
            if key not in self.thresholds and part.start < part.stop:
                self._warm_up(key, found.names[part], found.counts[part])

    def _warm_up(self, key: SeriesKey, names: Int32, counts: Int64) -> None:
        bins, windows = self.sketches.get(key, (Counter(), 0))
        for name, count in zip(names.tolist(), counts.tolist(), strict=True):
            bins[name] += count
        if windows + 1 < WARM_UP_WINDOWS or bins.total() < WARM_UP_DURATIONS:
            self.sketches[key] = bins, windows + 1
            return
        self.sketches.pop(key, None)
        ordered = sorted(bins)
        share = np.cumsum([bins[name] for name in ordered]) / bins.total()
        self.thresholds[key] = tuple(
            ordered[int(np.searchsorted(share, quantile))] for quantile in QUANTILES
        )
        group = group_of(self._settings, key)
        numbers = [
            self._groups.setdefault((group, quantile), len(self._groups)) for quantile in QUANTILES
        ]
        self._bank.add(np.array(numbers, np.int64))

    def _change_point(self, key: SeriesKey, found: Detection) -> ChangePoint:
        return change_point(
            found,
            named(self._settings, key),
            self._settings.windows.seconds,
            ChangeKind.DURATION,
            quantile=QUANTILES[found.row % len(QUANTILES)],
        )
