"""What goes into the metric store: of source partitions, of judges, of incidents.

A partition's samples are replaced and taken back as a whole, so that nothing of it remains when
another worker has it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from streams import telemetry
from streams.adapters.prometheus import Column, MetricStore
from streams.config import Settings
from streams.domain.outcomes import DeadLetterReason, SourcePartition
from streams.domain.series import OTHER, SeriesKey, partition_of
from streams.incident_samples import INCIDENT_METRICS, incident_samples
from streams.stages.records import PartitionPosition
from streams.stages.totals import Totals
from streams.window_samples import OUTCOMES, series_states, window_gauges
from streams.windows.cells import Bool, CellTable
from streams.windows.closed import ClosedWindow

Counts = dict[tuple[str, ...], int]
"""Counts by the values of a metric's labels."""

READ_METRICS = (
    telemetry.RECORDS_READ,
    telemetry.DUPLICATES,
    telemetry.LATE,
    telemetry.DEAD_LETTERS,
)
"""What ingest says of a source partition."""

JUDGED_METRICS = (
    telemetry.WATERMARK,
    telemetry.SERIES,
    telemetry.THRESHOLD,
    telemetry.WINDOWS_CLOSED,
    telemetry.CHANGE_POINTS,
    telemetry.FAILURES_BY_CODE,
    telemetry.OVERFLOWED,
)
"""What a judge says of its partition beside what it says of the series."""

GAUGES, COUNTERS = "gauges", "counters"
"""Tables of a partition's series: as they were in the newest window, and since the beginning."""


class PartitionSamples:
    """Sets the samples of partitions and incidents; any thread may call it."""

    def __init__(self, settings: Settings, store: MetricStore) -> None:
        """Set nothing yet.

        Args:
            settings: The installation's settings.
            store: Where the samples go.
        """
        self._settings = settings
        self._store = store

    def read(self, positions: Mapping[SourcePartition, PartitionPosition]) -> None:
        """Say what has become of the records of some source partitions."""
        for source, position in positions.items():
            label, found = str(source.partition), position.totals
            letters: Counts = {
                (source.topic, reason.value, label): found.dead_letters.get(reason, 0)
                for reason in DeadLetterReason
            }
            counters: dict[telemetry.Metric, Counts] = {
                telemetry.RECORDS_READ: {(source.topic, label): found.records},
                telemetry.DUPLICATES: {(label,): found.duplicates},
                telemetry.LATE: {(label,): found.late},
                telemetry.DEAD_LETTERS: letters,
            }
            self._set(source.partition, counters)

    def forget_read(self, partition: int) -> None:
        """Take back what was said of a source partition."""
        self._set(partition, {metric: {} for metric in READ_METRICS})

    def watermark(self, partition: int, instant: float | None) -> None:
        """Say how far a judge is; None while that is not known."""
        marks = {} if instant is None else {(str(partition),): instant}
        self._store.set_series(telemetry.WATERMARK, list(marks), marks.values(), partition)

    def totals(self, partition: int, totals: Totals) -> None:
        """Say what a counts partition has seen since it began."""
        label = str(partition)
        codes: Counts = {(*of, label): n for of, n in totals.served_failures().items()}
        counters: dict[telemetry.Metric, Counts] = {
            telemetry.WINDOWS_CLOSED: {(label,): totals.windows},
            telemetry.CHANGE_POINTS: {(*of, label): n for of, n in totals.change_points.items()},
            telemetry.FAILURES_BY_CODE: codes,
            telemetry.OVERFLOWED: {(name, label): n for name, n in totals.overflowed.items()},
        }
        self._set(partition, counters)
        columns = [
            Column(telemetry.OPERATIONS, counts, (outcome, label))
            for outcome, counts in zip(OUTCOMES, totals.served_operations().T, strict=True)
        ]
        self._store.tables.put((COUNTERS, partition), list(totals.rows), columns)

    def series(self, partition: int, window: ClosedWindow) -> None:
        """Say how the series of a counts partition are in its newest window."""
        keys = window.cells.keys()
        owned = self._owned(partition, window.cells, keys)
        columns = [
            Column(metric, np.where(owned, values, np.nan))
            for metric, values in window_gauges(window)
        ]
        self._store.tables.put((GAUGES, partition), keys, columns)
        label = str(partition)
        states: Counts = {(label, state): n for state, n in series_states(window).items()}
        self._set(partition, {telemetry.SERIES: states})
        if window.threshold is not None:
            self._store.set_series(telemetry.THRESHOLD, [(label,)], [window.threshold], partition)

    def forget_judge(self, partition: int) -> None:
        """Take back what was said of a counts partition."""
        self._set(partition, {metric: {} for metric in JUDGED_METRICS})
        for table in (GAUGES, COUNTERS):
            self._store.tables.drop((table, partition))

    def incidents(self, incidents: Mapping[str, Mapping[str, Any]]) -> None:
        """Say how the open incidents are, all of them, as their newest records have it."""
        samples = [sample for one in incidents.values() for sample in incident_samples(one)]
        self._store.set(telemetry.INCIDENTS_OPEN, len(incidents))
        for metric in INCIDENT_METRICS:
            own = {labels: value for kind, labels, value in samples if kind is metric}
            self._store.set_series(metric, list(own), own.values())

    def _set(self, partition: int, counters: Mapping[telemetry.Metric, Counts]) -> None:
        for metric, counts in counters.items():
            self._store.set_series(metric, list(counts), counts.values(), partition)

    def _owned(self, partition: int, cells: CellTable, keys: Sequence[SeriesKey]) -> Bool:
        """Tell which series are of this partition alone: `__other__` may be in several."""
        positions, count = self._settings.group_positions, self._settings.topics.counts_partitions
        if not any(OTHER in cells.values[position] for position in positions):
            return np.ones(len(keys), np.bool_)
        owners = [partition_of(key, positions, count) for key in keys]
        return np.array([owner == partition for owner in owners], np.bool_)
