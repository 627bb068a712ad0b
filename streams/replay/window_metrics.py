"""What the metrics of a replay are at the end of each window, as the live worker would serve them.

In the order of the windows, while they close. What came late is counted when it came; the counts of
operations, which have it in its window, are written at the end: `operation_metrics`.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from detectors.detections import Direction
from streams.config import Settings
from streams.domain.outcomes import DeadLetterReason
from streams.replay.sample_files import Heads, SampleFile, SeriesNumbers
from streams.stages.alignment import Alignment
from streams.stages.records import IngestStatistics
from streams.telemetry import (
    CHANGE_POINTS,
    DEAD_LETTERS,
    DUPLICATES,
    LATE,
    RECORDS_READ,
    SERIES,
    SUCCESS_RATIO,
    THRESHOLD,
    WATERMARK,
    WINDOWS_CLOSED,
    Kind,
    Metric,
    label_text,
    number_text,
)
from streams.window_samples import SERIES_GAUGES, series_states, window_gauges
from streams.windows.closed import ClosedWindow

FEW = (
    SERIES,
    CHANGE_POINTS,
    THRESHOLD,
    RECORDS_READ,
    DUPLICATES,
    LATE,
    DEAD_LETTERS,
    WATERMARK,
    WINDOWS_CLOSED,
)
"""Metrics that have few samples in each window."""

LONGEST_SILENCE = 60
"""Windows without any operation that have samples all the same: metrics go on while a fleet rests,
but between two days of a recording there need not be a month of them."""

Labels = tuple[str, ...]


def windows_between(before: int | None, window: int) -> Iterator[int]:
    """Give the empty windows between two that are not, most of them where they are very many."""
    if before is None:
        return
    yield from range(before + 1, min(window, before + 1 + LONGEST_SILENCE))
    if window - 1 > before + LONGEST_SILENCE:
        yield window - 1


class WindowMetrics:
    """Writes the metrics that are known when a window closes, each into a file of its own."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Begin the files.

        Args:
            folder: Where to keep them.
            settings: The installation's settings.

        Raises:
            OSError: They cannot be written.
        """
        self._seconds = settings.windows.seconds
        names = SUCCESS_RATIO.label_names(settings.ingest.dimensions)
        self._series = SeriesNumbers(names)
        self._heads = {metric: Heads(metric.name, self._series) for metric in SERIES_GAUGES}
        self.files = {
            metric: SampleFile(folder / f"{metric.name}.part", metric)
            for metric in (*SERIES_GAUGES, *FEW)
        }
        self._alignment = Alignment(settings.topics.counts_partitions)
        self._values = {metric: _first_values(metric, settings) for metric in FEW}
        self._topic = settings.topics.outcomes
        self._coming: defaultdict[int, list[tuple[Metric, Labels, int]]] = defaultdict(list)
        self._last: int | None = None

    def add_read(self, found: IngestStatistics) -> None:
        """Count what has been read: before the windows that it closes."""
        now = -1 if self._last is None else self._last
        counted = [
            (RECORDS_READ, (self._topic,), found.records),
            (DUPLICATES, (), found.duplicates),
            *(
                (DEAD_LETTERS, (self._topic, reason.value), count)
                for reason, count in found.dead_letters.items()
            ),
        ]
        self._coming[now] += [one for one in counted if one[2]]

    def add_closed(self, closed: ClosedWindow) -> None:
        """Take a closed window, or late outcomes.

        Raises:
            OSError: A file cannot be written.
        """
        through = closed.closed_through
        for point in closed.change_points:
            change = (CHANGE_POINTS, (point.kind.value, point.direction.value), 1)
            self._coming[through].append(change)
        if closed.window is None and len(closed.cells):
            cells = closed.cells
            late = int((cells.trials + cells.cancelled + cells.caller_faults).sum())
            self._coming[through + 1].append((LATE, (), late))
        for window, pieces in self._alignment.add(closed):
            for empty in windows_between(self._last, window):
                self._step(empty)
            self._close(window, pieces)

    def finish(self) -> None:
        """Write what came after the last window, and close the files.

        Raises:
            OSError: A file cannot be written.
        """
        if self._last is not None and self._coming:
            self._step(max(self._last + 1, *self._coming))
        for file in self.files.values():
            file.close()

    def _close(self, window: int, pieces: tuple[ClosedWindow, ...]) -> None:
        self._write_series(window, pieces)
        for piece in pieces:
            partition = str(piece.partition)
            for state, count in series_states(piece).items():
                self._values[SERIES][partition, state] = count
            if piece.threshold is not None:
                self._values[THRESHOLD][partition,] = piece.threshold
            self._coming[window].append((WINDOWS_CLOSED, (partition,), 1))
        self._step(window)

    def _write_series(self, window: int, pieces: tuple[ClosedWindow, ...]) -> None:
        numbers = np.concatenate([self._series.of_cells(piece.cells) for piece in pieces])
        gauges = [dict(window_gauges(piece)) for piece in pieces]
        for metric in SERIES_GAUGES:
            values = np.concatenate([one[metric] for one in gauges])
            known = ~np.isnan(values)
            heads = self._heads[metric].of(numbers[known])
            self.files[metric].write(heads, values[known], self._end(window))

    def _step(self, window: int) -> None:
        """Write the metrics with few samples, at the end of a window."""
        if self._last is None:
            self._write_few(self._end(window) - self._seconds, (Kind.COUNTER,))
        for due in [one for one in self._coming if one <= window]:
            for metric, labels, count in self._coming.pop(due):
                self._values[metric][labels] += count
        for labels in self._values[WATERMARK]:
            self._values[WATERMARK][labels] = self._end(window)
        self._write_few(self._end(window), (Kind.COUNTER, Kind.GAUGE))
        self._last = window

    def _write_few(self, instant: int, kinds: tuple[Kind, ...]) -> None:
        for metric, values in self._values.items():
            if metric.kind in kinds:
                self.files[metric].write_text(
                    f"{_head(metric, labels)} {number_text(float(value))} {instant}\n"
                    for labels, value in sorted(values.items())
                )

    def _end(self, window: int) -> int:
        return (window + 1) * self._seconds


def _head(metric: Metric, labels: Labels) -> str:
    return f"{metric.name}{{{label_text(metric.labels, labels)}}}" if labels else metric.name


def _first_values(metric: Metric, settings: Settings) -> dict[Labels, float]:
    """Give what is there before the first window: Prometheus sees no increase from nothing."""
    topic = settings.topics.outcomes
    partitions: list[Labels] = [
        (str(number),) for number in range(settings.topics.counts_partitions)
    ]
    kinds = ("success_ratio", *settings.detectors.kinds)
    known: dict[Metric, list[Labels]] = {
        CHANGE_POINTS: [(kind, direction.value) for kind in kinds for direction in Direction],
        RECORDS_READ: [(topic,)],
        DUPLICATES: [()],
        LATE: [()],
        DEAD_LETTERS: [(topic, reason.value) for reason in DeadLetterReason],
        WATERMARK: partitions,
        WINDOWS_CLOSED: partitions,
    }
    return dict.fromkeys(known.get(metric, []), 0.0)
