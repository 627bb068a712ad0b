"""The last hours of all series as arrays: what scope and attribution are worked out from."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from streams.domain.series import SeriesKey
from streams.windows.cells import CellTable

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

_ROOM = 256


@dataclass(frozen=True, slots=True)
class Stretch:
    """Counts of some series over consecutive windows.

    Attributes:
        first: Index of the first window.
        trials: (R, T).
        failures: (R, T).
    """

    first: int
    trials: Int64
    failures: Int64


@dataclass(frozen=True, slots=True)
class WindowErrors:
    """Error codes of one window.

    Attributes:
        window: Index of the window.
        rows: (M,) row of the series each count is of.
        names: (M,) positions in `labels`.
        counts: (M,) failures.
        labels: Distinct error codes.
    """

    window: int
    rows: Int64
    names: Int32
    counts: Int64
    labels: tuple[str, ...]


class History:
    """Ring of the newest windows over all series, and every series' code in every dimension."""

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
        """Take in one window; windows come in ascending order, empty ones may be left out.

        Args:
            window: Index of the window.
            cells: Its N cells, each series once.
            baseline: (N,) failure probability in control.

        Returns:
            (N,) row of each cell's series.
        """
        self._forget(window)
        keys = cells.keys()
        rows = np.array(list(map(self.rows.get, keys, repeat(-1))), np.int64)
        for place in np.flatnonzero(rows < 0).tolist():
            rows[place] = self._row(keys[place])
        column = window % self.length
        self._counts[0, rows, column] = cells.trials
        self._counts[1, rows, column] = cells.failures
        self._baseline[rows, column] = baseline
        found = cells.error_codes
        if len(found.rows):
            names = np.unique(found.names, return_inverse=True)
            labels = tuple(found.labels[name] for name in names[0].tolist())
            of_row = rows[found.rows]
            errors = WindowErrors(window, of_row, names[1].astype(np.int32), found.counts, labels)
            self.errors.append(errors)
        return rows

    def stretch(self, first: int, last: int, rows: Bool | None = None) -> Stretch:
        """Give the counts from one window through another, as far as they are kept.

        Args:
            first: First window.
            last: Last window.
            rows: (S,) mask of the R series wanted; None for all.
        """
        windows = self._kept(first, last)
        counts = (
            self._counts[:, : len(self)] if rows is None else self._counts[:, : len(self)][:, rows]
        )
        trials, failures = counts[:, :, windows % self.length].astype(np.int64)
        return Stretch(int(windows[0]) if windows.size else first, trials, failures)

    def expected(self, first: int, last: int) -> Float64:
        """Give the (S, T) failures expected under each window's baseline, as far as it is kept."""
        columns = self._kept(first, last) % self.length
        expected = self._baseline[: len(self)][:, columns].astype(np.float64)
        expected *= self._counts[0, : len(self)][:, columns]
        return expected

    def baseline_at(self, window: int) -> Float64:
        """Give the (S,) newest baseline each series had by a window; NaN where it had none."""
        columns = self._kept(window - self.length, window) % self.length
        kept = self._baseline[: len(self)][:, columns]
        if not columns.size:
            return np.full(len(self), np.nan)
        last = kept.shape[1] - 1 - np.argmax(kept[:, ::-1] > 0, axis=1)
        values = kept[np.arange(len(self)), last].astype(np.float64)
        return np.where(values > 0, values, np.nan)

    def matches(self, scope: Mapping[str, tuple[str, ...]]) -> Bool:
        """Give the (S,) mask of the series that a scope (dimension -> values) touches.

        A dimension opwatch does not watch is passed over: it cannot tell series apart.
        """
        mask = np.ones(len(self), np.bool_)
        for position, name in enumerate(self.dimensions):
            if name in scope:
                known = self._values[position]
                wanted = np.zeros(len(known), np.bool_)
                wanted[[known[value] for value in scope[name] if value in known]] = True
                mask &= wanted[self.codes[:, position]]
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
            "errors": [
                [one.window, one.rows, one.names, one.counts, list(one.labels)]
                for one in self.errors
            ],
        }

    @classmethod
    def resume(
        cls, dimensions: tuple[str, ...], length: int, content: Mapping[str, Any]
    ) -> "History":
        """Go on from a snapshot."""
        history = cls(dimensions, length)
        for key in content["series"]:
            history._row(tuple(key))
        size = len(history)
        history._counts[:, :size] = content["counts"]
        history._baseline[:size] = content["baseline"]
        history.newest, history.oldest = content["newest"], content["oldest"]
        history.errors = [
            WindowErrors(window, rows, names, counts, tuple(labels))
            for window, rows, names, counts, labels in content["errors"]
        ]
        return history

    def _kept(self, first: int, last: int) -> Int64:
        """Give the windows from one through another that are kept."""
        if self.newest is None or self.oldest is None:
            return np.empty(0, np.int64)
        return np.arange(max(first, self.oldest), min(last, self.newest) + 1)

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
        self.oldest = max(window - self.length + 1, window if self.oldest is None else self.oldest)
        kept = bisect_right(self.errors, window - self.length, key=lambda one: one.window)
        del self.errors[:kept]
