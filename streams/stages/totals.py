"""What a counts partition has seen since it began: the counters of its metrics.

They belong to the partition, not to the process that happens to judge it: they lie in its snapshot
and go on from there, so that they never fall, and what is repeated after a crash counts once.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import repeat
from typing import Any

import numpy as np

from detectors.detections import Direction
from streams.config import Settings
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.series import OTHER, UNKNOWN, SeriesKey
from streams.window_samples import OUTCOMES, failure_counts, operation_counts, overflow_counts
from streams.windows.cardinality import admit
from streams.windows.cells import Bool, CellTable, Int64

_ALWAYS = 2
"""The first outcomes, success and failure, are served of every series."""

CodeInRegion = tuple[str, str]
"""A region and an error code."""


class Totals:
    """Adds closed windows up; what came late is not in them.

    What it holds is bounded: series are forgotten with the judge, codes in a region after
    `detectors.forget_after` without a failure. Whatever comes again after that begins at 0.

    A counter that begins is served as 0 for a window first (`served_operations`,
    `served_failures`): Prometheus sees no increase from nothing, and a new error code or a failing
    series would show one window too late and too small.

    Attributes:
        rows: Row of every series in `operations`.
        operations: (S, 4) operations by series and outcome, in the order of `OUTCOMES`.
        failures: Failures by region and error code.
        windows: Closed windows that had any operation.
        change_points: Change points by kind and direction.
        overflowed: Operations counted under `__other__`, by the dimension that was full.
    """

    def __init__(self, settings: Settings) -> None:
        """Start at 0, also of what has not happened: an increase from nothing is not seen."""
        silence = settings.detectors.forget_after.total_seconds()
        self._forget_after = int(silence) // settings.windows.seconds
        self._most_codes = settings.detectors.error_codes
        self._seen: dict[CodeInRegion, int] = {}
        self._begun: Bool = np.zeros((0, len(OUTCOMES)), np.bool_)
        self._begun_codes: set[CodeInRegion] = set()
        self.rows: dict[SeriesKey, int] = {}
        self.operations: Int64 = np.zeros((0, len(OUTCOMES)), np.int64)
        self.failures: dict[CodeInRegion, int] = {}
        self.windows = 0
        kinds = (ChangeKind.SUCCESS_RATIO.value, *settings.detectors.kinds)
        self.change_points = {(kind, way.value): 0 for kind in kinds for way in Direction}
        self.overflowed = dict.fromkeys((*settings.ingest.dimensions, "series"), 0)

    def add(self, window: int, cells: CellTable, series: AbstractSet[SeriesKey]) -> None:
        """Count a closed window.

        Args:
            window: Its index.
            cells: Its cells, each series once.
            series: All series that the judge still knows, those of the cells among them.
        """
        self.windows += 1
        self._count_operations(cells)
        if len(self.rows) > len(series):
            self._keep(series)
        self._count_failures(window, failure_counts(cells))
        for name, count in overflow_counts(cells).items():
            self.overflowed[name] += count

    def add_changes(self, points: Iterable[ChangePoint]) -> None:
        """Count change points."""
        for point in points:
            self.change_points[point.kind.value, point.direction.value] += 1

    def served_operations(self) -> Int64:
        """Give operations by series and outcome as they are served, shape (S, 4).

        -1 stands for no sample: cancelled operations and failures of callers are only served of
        series that have any.
        """
        served = np.where(self._begun, 0, self.operations)
        served[:, _ALWAYS:][self.operations[:, _ALWAYS:] == 0] = -1
        return served

    def served_failures(self) -> dict[CodeInRegion, int]:
        """Give failures by region and error code as they are served."""
        return self.failures | dict.fromkeys(self._begun_codes & self.failures.keys(), 0)

    def state(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {
            "series": list(self.rows),
            "operations": self.operations,
            "failures": [[*key, count, self._seen[key]] for key, count in self.failures.items()],
            "windows": self.windows,
            "change_points": [[*key, count] for key, count in self.change_points.items()],
            "overflowed": list(self.overflowed.items()),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.rows = {tuple(key): row for row, key in enumerate(state["series"])}
        self.operations = np.array(state["operations"], np.int64)
        self._begun = np.zeros(self.operations.shape, np.bool_)
        self.failures, self._seen = {}, {}
        for region, code, count, seen in state["failures"]:
            self.failures[region, code], self._seen[region, code] = count, seen
        self.windows = state["windows"]
        for kind, direction, count in state["change_points"]:
            self.change_points[kind, direction] = count
        self.overflowed |= dict(state["overflowed"])

    def _count_operations(self, cells: CellTable) -> None:
        keys = cells.keys()
        rows = np.array(list(map(self.rows.get, keys, repeat(-1))), np.int64)
        for place in np.flatnonzero(rows < 0).tolist():
            rows[place] = self.rows.setdefault(keys[place], len(self.rows))
        before = self.operations
        self.operations = np.zeros((len(self.rows), len(OUTCOMES)), np.int64)
        self.operations[: len(before)] = before
        self.operations[rows] += np.stack(operation_counts(cells), axis=1)
        self._begun = self.operations > 0
        self._begun[: len(before), :_ALWAYS] = False
        self._begun[: len(before), _ALWAYS:] &= before[:, _ALWAYS:] == 0

    def _keep(self, series: AbstractSet[SeriesKey]) -> None:
        kept = [(key, row) for key, row in self.rows.items() if key in series]
        rows = np.array([row for _, row in kept], np.int64)
        self.operations, self._begun = self.operations[rows], self._begun[rows]
        self.rows = {key: row for row, (key, _) in enumerate(kept)}

    def _count_failures(self, window: int, found: Mapping[CodeInRegion, int]) -> None:
        if found.keys() - self.failures.keys():
            self._forget_codes(window)
        codes = self._bounded({code for _, code in found})
        before = set(self.failures)
        for (region, code), count in sorted(found.items()):
            key = region, codes[code]
            self.failures[key] = self.failures.get(key, 0) + count
            self._seen[key] = window
        self._begun_codes = self.failures.keys() - before

    def _forget_codes(self, window: int) -> None:
        oldest = window - self._forget_after
        self._seen = {key: seen for key, seen in self._seen.items() if seen >= oldest}
        self.failures = {key: self.failures[key] for key in self._seen}

    def _bounded(self, codes: AbstractSet[str]) -> dict[str, str]:
        """Give the name under which each code is counted: its own as long as there is room."""
        known = {code for _, code in self.failures} - {OTHER, UNKNOWN}
        new = codes - known - {OTHER, UNKNOWN}
        taken = known | set(admit(new, self._most_codes - len(known))) | {UNKNOWN}
        return {code: code if code in taken else OTHER for code in codes}
