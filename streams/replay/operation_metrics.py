"""Counters of operations, complete: what came late is in the window it belongs to.

Each series has a sample at the end of every window from the one in which it first counts anything,
whether it grows or not, as a scrape would give it: Prometheus measures an increase between the
samples of a range.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from streams.config import Settings
from streams.domain.series import OTHER, UNKNOWN
from streams.replay.sample_files import Heads, SampleFile, SeriesNumbers
from streams.replay.window_metrics import Labels, windows_between
from streams.replay.windows_table import ArchiveRows
from streams.telemetry import FAILURES_BY_CODE, OPERATIONS, OVERFLOWED, Metric
from streams.window_samples import OUTCOMES, failure_counts, operation_counts, overflow_counts
from streams.windows.cardinality import admit
from streams.windows.cells import CellTable, Int64
from streams.windows.merging import stretch


class Totals:
    """Counts of numbered series so far, and which have begun."""

    def __init__(self, heads: Heads, file: SampleFile) -> None:
        """Start at nothing.

        Args:
            heads: Of the metric.
            file: Where the samples go.
        """
        self._heads = heads
        self._file = file
        self._totals = np.zeros(0, np.int64)
        self._begun = np.zeros(0, np.bool_)
        self._shown = np.empty(0, np.int64)

    def add(self, numbers: Int64, counts: Int64, start: int) -> None:
        """Add to some series, each at most once; one that begins has a 0 first.

        Args:
            numbers: (N,) which series.
            counts: (N,) what to add.
            start: When the window begins, in seconds since the epoch.
        """
        missing = len(self._heads.series) - len(self._totals)
        if missing:
            self._totals = np.pad(self._totals, (0, missing))
            self._begun = np.pad(self._begun, (0, missing))
        self._totals[numbers] += counts
        fresh = numbers[(counts > 0) & ~self._begun[numbers]]
        if len(fresh):
            self._begun[fresh] = True
            self._shown = np.flatnonzero(self._begun)
            self._file.write(self._heads.of(fresh), np.zeros(len(fresh), np.int64), start)

    def show(self, instant: int) -> None:
        """Write a sample of every series that has begun."""
        self._file.write(self._heads.of(self._shown), self._totals[self._shown], instant)


class OperationMetrics:
    """Writes the counters that the windows table decides, each into a file of its own."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Begin the files.

        Args:
            folder: Where to keep them.
            settings: The installation's settings.

        Raises:
            OSError: They cannot be written.
        """
        self._seconds = settings.windows.seconds
        self._codes_at_most = settings.detectors.error_codes
        self._codes: set[str] = set()
        self.files = {
            metric: SampleFile(folder / f"{metric.name}.part", metric)
            for metric in (OPERATIONS, FAILURES_BY_CODE, OVERFLOWED)
        }
        *names, _ = OPERATIONS.label_names(settings.ingest.dimensions)
        self._series = SeriesNumbers(names)
        self._operations = [
            self._totals(OPERATIONS, self._series, f'outcome="{outcome}"') for outcome in OUTCOMES
        ]
        self._by_code = SeriesNumbers(FAILURES_BY_CODE.labels)
        self._failures = self._totals(FAILURES_BY_CODE, self._by_code)
        self._dimensions = SeriesNumbers(OVERFLOWED.labels)
        self._overflow = self._totals(OVERFLOWED, self._dimensions)
        self.windows: list[int] = []
        """All windows that have samples, in order."""

    def add_rows(self, rows: ArchiveRows) -> None:
        """Write the samples of some windows.

        Args:
            rows: Whole windows, later than all before.

        Raises:
            OSError: A file cannot be written.
        """
        windows = rows.cells.windows
        begins = np.flatnonzero(np.diff(windows, prepend=-1)).tolist()
        for low, high in zip(begins, [*begins[1:], len(windows)], strict=True):
            self._add_window(int(windows[low]), stretch(rows.cells, low, high))

    def finish(self) -> None:
        """Close the files."""
        for file in self.files.values():
            file.close()

    def _totals(self, metric: Metric, series: SeriesNumbers, more: str = "") -> Totals:
        return Totals(Heads(metric.name, series, more), self.files[metric])

    def _add_window(self, window: int, cells: CellTable) -> None:
        for empty in windows_between(self.windows[-1] if self.windows else None, window):
            self._show(empty)
        start = window * self._seconds
        numbers = self._series.of_cells(cells)
        for totals, counts in zip(self._operations, operation_counts(cells), strict=True):
            totals.add(numbers, counts, start)
        _add_named(self._failures, self._by_code, self._bounded(failure_counts(cells)), start)
        overflow: dict[Labels, int] = {
            (name,): count for name, count in overflow_counts(cells).items()
        }
        _add_named(self._overflow, self._dimensions, overflow, start)
        self._show(window)

    def _show(self, window: int) -> None:
        end = (window + 1) * self._seconds
        for totals in (*self._operations, self._failures, self._overflow):
            totals.show(end)
        self.windows.append(window)

    def _bounded(self, failures: Mapping[tuple[str, str], int]) -> dict[Labels, int]:
        """Count codes for which there is no room any more as one."""
        fresh = {code for _, code in failures} - self._codes - {OTHER, UNKNOWN}
        self._codes.update(admit(fresh, self._codes_at_most - len(self._codes)))
        told: dict[Labels, int] = {}
        for (region, code), count in sorted(failures.items()):
            name = code if code in self._codes or code == UNKNOWN else OTHER
            told[region, name] = told.get((region, name), 0) + count
        return told


def _add_named(
    totals: Totals, series: SeriesNumbers, counts: Mapping[Labels, int], start: int
) -> None:
    numbers = [series.number(labels) for labels in counts]
    totals.add(np.array(numbers, np.int64), np.array(list(counts.values()), np.int64), start)
