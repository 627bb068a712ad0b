"""Volume collapse: series, and regions as a whole, in which operations stop arriving."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np

from detectors.arrays import Integers
from detectors.detections import Direction
from detectors.volume.bank import VolumeBank, VolumeDetection, VolumeSettings
from streams.config import Settings
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.series import SeriesKey
from streams.domain.time import window_end, window_start
from streams.stages.kinds.places import Place, Pools, group_of, named, pool, region_positions
from streams.windows.cells import CellTable

_RETIRED_S: Final = 14 * 86_400
"""Silence after which a series is not watched any more: well after its collapse was forgotten."""


def volume_settings(settings: Settings) -> VolumeSettings:
    """Give the volume bank's settings: the promise is this kind's own."""
    return VolumeSettings(
        window_seconds=settings.windows.seconds,
        false_alarms_per_day=settings.detectors.false_alarms_per_day,
        shares=settings.topics.counts_partitions,
        learning_seconds=int(settings.detectors.volume_learning.total_seconds()),
    )


class VolumeChanges:
    """Watches the volume of every series and of every region's sum in a shrinkage group.

    All that arrives counts: success, failure, timeout, cancelled and caller faults. While a sum has
    collapsed, its series are not told one by one.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._volume = volume_settings(settings)
        self._bank = VolumeBank(self._volume)
        self._positions = region_positions(settings)
        self._pools = Pools(self._positions)
        self._rows: dict[Place, int] = {}
        self._groups: dict[Place, int] = {}
        self._open: dict[Place, int] = {}
        self._told: set[Place] = set()

    def on_window(
        self, window: int, keys: list[SeriesKey], table: CellTable
    ) -> list[tuple[int, list[ChangePoint]]]:
        """Take in a closed window.

        Args:
            window: Its index.
            keys: Series of its cells.
            table: Its cells.

        Returns:
            What it and the windows left out before it raised, window by window.
        """
        self._retire(window)
        numbers = self._pools.numbers(keys)
        used, above = np.unique(numbers, return_inverse=True)
        sums = [self._pools.places[number] for number in used.tolist()]
        self._admit(keys)
        self._admit(sorted(set(sums) - self._rows.keys(), key=str))
        arrived = table.trials + table.cancelled + table.caller_faults
        operations = np.zeros(self._bank.size, np.int64)
        operations[list(map(self._rows.__getitem__, sums))] = np.bincount(above, arrived)
        operations[list(map(self._rows.__getitem__, keys))] = arrived
        return self._step(window, operations)

    def on_silence(self, through: int) -> list[tuple[int, list[ChangePoint]]]:
        """Take in that nothing came up to and including a window; see `on_window`."""
        if self._bank.latest is None or through <= self._bank.latest:
            return []
        return self._step(through, np.zeros(self._bank.size, np.int64))

    def state(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {
            "bank": self._bank.snapshot(),
            "rows": list(self._rows),
            "groups": list(self._groups),
            "open": list(self._open.items()),
            "told": sorted(self._told, key=str),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._bank = VolumeBank.resume(self._volume, state["bank"])
        self._rows = {tuple(place): row for row, place in enumerate(state["rows"])}
        self._groups = {tuple(group): number for number, group in enumerate(state["groups"])}
        self._open = {tuple(place): window for place, window in state["open"]}
        self._told = {tuple(place) for place in state["told"]}

    def _admit(self, places: Sequence[Place]) -> None:
        if self._rows.keys() >= set(places):
            return
        new = [place for place in places if place not in self._rows]
        groups = []
        for place in new:
            group = group_of(self._settings, place)
            groups.append(self._groups.setdefault(group, len(self._groups)))
            self._rows[place] = len(self._rows)
        if new:
            self._bank.add(np.array(groups, np.int64))

    def _retire(self, window: int) -> None:
        """Drop what has been silent for long."""
        last = self._bank.last_seen()
        kept = np.flatnonzero(last >= window - _RETIRED_S // self._settings.windows.seconds)
        if kept.size == last.size:
            return
        places = list(self._rows)
        self._bank.keep(kept)
        self._rows = {places[old]: row for row, old in enumerate(kept.tolist())}
        self._open = {place: at for place, at in self._open.items() if place in self._rows}
        self._told &= self._rows.keys()

    def _step(self, window: int, operations: Integers) -> list[tuple[int, list[ChangePoint]]]:
        detections = self._bank.step(window, operations).detections
        if not detections:
            return []
        places = list(self._rows)
        found = [(places[one.row], one) for one in detections]
        raised = groupby(found, key=lambda pair: pair[1].window)
        told = [(at, self._tell(at, list(pairs))) for at, pairs in raised]
        return [(at, points) for at, points in told if points]

    def _tell(self, window: int, found: list[tuple[Place, VolumeDetection]]) -> list[ChangePoint]:
        """Give the change points of a window, without those that a sum says already."""
        for place, one in found:
            if one.direction is Direction.DEGRADED:
                self._open[place] = window
        told = [(place, one) for place, one in found if self._speaks(place, one, window)]
        for place, one in found:
            if one.direction is Direction.RECOVERED:
                self._open.pop(place, None)
                self._told.discard(place)
        self._told |= {place for place, one in told if one.direction is Direction.DEGRADED}
        return [self._change_point(place, one) for place, one in told]

    def _speaks(self, place: Place, found: VolumeDetection, window: int) -> bool:
        if found.direction is Direction.RECOVERED:
            return place in self._told
        above = pool(place, self._positions)
        since = self._open.get(above) if above != place else None
        return since is None or window > since + self._volume.forget

    def _change_point(self, place: Place, found: VolumeDetection) -> ChangePoint:
        seconds = self._settings.windows.seconds
        return ChangePoint(
            series=named(self._settings, place),
            direction=found.direction,
            onset=window_start(found.onset, seconds),
            raised=window_end(found.window, seconds),
            baseline_ratio=1.0,
            ratio=min(found.share, 1.0),
            statistic=found.statistic,
            threshold=found.threshold,
            kind=ChangeKind.VOLUME,
            onset_interval=(
                window_start(found.onset_low, seconds),
                window_start(found.onset_high, seconds),
            ),
        )
