"""The last hours of all series as arrays: what scope, impact and attribution are worked out from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.domain.series import SeriesKey
from streams.windows.cells import CellTable

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

_ROOM = 256


@dataclass(frozen=True, slots=True)
class Stretch:
    """Counts of all series over consecutive windows.

    Attributes:
        first: Index of the first window.
        trials: (S, T).
        failures: (S, T).
        expected: (S, T) failures expected under the baseline.
    """

    first: int
    trials: Int64
    failures: Int64
    expected: Float64


@dataclass(frozen=True, slots=True)
class WindowErrors:
    """Error codes of one window: row of the series, label and count for each."""

    window: int
    rows: Int64
    labels: tuple[str, ...]
    counts: Int64


class History:
    """Ring of the newest windows over all series, and the code of every series in every dimension."""

    def __init__(self, dimensions: tuple[str, ...], length: int) -> None:
        """Start empty.

        Args:
            dimensions: Names of the dimensions.
            length: How many windows are kept.
        """
        self.dimensions = dimensions
        self.length = length
        self.rows: dict[SeriesKey, int] = {}
        self.newest: int | None = None
        self.oldest: int | None = None
        self.errors: list[WindowErrors] = []
        self._values: tuple[dict[str, int], ...] = tuple({} for _ in dimensions)
        self._codes = np.zeros((_ROOM, len(dimensions)), np.int64)
        self._counts = np.zeros((2, _ROOM, length), np.int32)
        self._baseline = np.zeros((_ROOM, length), np.float32)

    def __len__(self) -> int:
        """Give the number of series."""
        return len(self.rows)

    @property
    def codes(self) -> Int64:
        """Give the (S, D) codes of the series' values."""
        return self._codes[: len(self)]

    @property
    def values(self) -> tuple[tuple[str, ...], ...]:
        """Give, for each dimension, the values in the order of their codes."""
        return tuple(tuple(names) for names in self._values)

    def append(self, window: int, cells: CellTable, baseline: Float64) -> Int64:
        """Take in one window; windows come in ascending order, those without operations may be left out.

        Args:
            window: Index of the window.
            cells: Its N cells, each series once.
            baseline: (N,) failure probability in control.

        Returns:
            (N,) row of each cell's series.
        """
        self._forget(window)
        rows = np.array([self._row(key) for key in cells.keys()], np.int64)
        column = window % self.length
        self._counts[0, rows, column] = cells.trials
        self._counts[1, rows, column] = cells.failures
        self._baseline[rows, column] = baseline
        errors = cells.error_codes
        if len(errors.rows):
            labels = tuple(errors.labels[name] for name in errors.names.tolist())
            self.errors.append(WindowErrors(window, rows[errors.rows], labels, errors.counts))
        return rows

    def stretch(self, first: int, last: int) -> Stretch:
        """Give the counts from one window through another, as far as they are kept."""
        if self.newest is None or self.oldest is None:
            first, last = 0, -1
        else:
            first = max(first, self.oldest, self.newest - self.length + 1)
            last = min(last, self.newest)
        columns = np.arange(first, last + 1) % self.length
        size = len(self)
        trials = self._counts[0, :size][:, columns].astype(np.int64)
        failures = self._counts[1, :size][:, columns].astype(np.int64)
        return Stretch(first, trials, failures, trials * self._baseline[:size][:, columns])

    def baseline_at(self, window: int) -> Float64:
        """Give the (S,) newest baseline each series had at or before a window; NaN where it had none."""
        before = self.stretch(window - self.length, window)
        columns = np.arange(before.first, before.first + before.trials.shape[1]) % self.length
        kept = self._baseline[: len(self)][:, columns]
        found = np.full(len(self), np.nan)
        if columns.size:
            last = kept.shape[1] - 1 - np.argmax(kept[:, ::-1] > 0, axis=1)
            values = kept[np.arange(len(self)), last].astype(np.float64)
            found = np.where(values > 0, values, np.nan)
        return found

    def matches(self, scope: Mapping[str, tuple[str, ...]]) -> Bool:
        """Give the (S,) mask of the series that a scope (dimension -> values) touches.

        A dimension opwatch does not watch is passed over: it cannot tell series apart.
        """
        mask = np.ones(len(self), np.bool_)
        for position, name in enumerate(self.dimensions):
            if name in scope:
                wanted = [self._values[position][value] for value in scope[name] if value in self._values[position]]
                mask &= np.isin(self.codes[:, position], wanted)
        return mask

    def snapshot(self) -> dict[str, object]:
        """Give the whole state as plain data."""
        size = len(self)
        return {
            "series": list(self.rows),
            "newest": self.newest,
            "oldest": self.oldest,
            "counts": self._counts[:, :size],
            "baseline": self._baseline[:size],
            "errors": [[one.window, one.rows, list(one.labels), one.counts] for one in self.errors],
        }

    @classmethod
    def resume(cls, dimensions: tuple[str, ...], length: int, content: Mapping[str, Any]) -> "History":
        """Go on from a snapshot."""
        history = cls(dimensions, length)
        for key in content["series"]:
            history._row(tuple(key))
        size = len(history)
        history._counts[:, :size] = content["counts"]
        history._baseline[:size] = content["baseline"]
        history.newest, history.oldest = content["newest"], content["oldest"]
        history.errors = [
            WindowErrors(window, rows, tuple(labels), counts)
            for window, rows, labels, counts in content["errors"]
        ]
        return history

    def _row(self, key: SeriesKey) -> int:
        known = self.rows.get(key)
        if known is not None:
            return known
        row = len(self.rows)
        if row == len(self._codes):
            self._grow()
        self.rows[key] = row
        for position, value in enumerate(key):
            names = self._values[position]
            self._codes[row, position] = names.setdefault(value, len(names))
        return row

    def _grow(self) -> None:
        self._codes = np.concatenate([self._codes, np.zeros_like(self._codes)])
        self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)], axis=1)
        self._baseline = np.concatenate([self._baseline, np.zeros_like(self._baseline)])

    def _forget(self, window: int) -> None:
        """Empty the columns of the windows between the newest one and this one."""
        begin = window if self.newest is None else self.newest + 1
        begin = max(begin, window - self.length + 1)
        columns = np.arange(begin, window + 1) % self.length
        self._counts[:, :, columns] = 0
        self._baseline[:, columns] = 0
        self.newest = window
        self.oldest = window if self.oldest is None else max(self.oldest, window - self.length + 1)
        self.errors = [one for one in self.errors if one.window > window - self.length]
