"""Folding: outcomes become cells, a column at a time.

Nothing is counted as the events come by. Each event leaves one 64-bit number that names its cell,
its kind and its duration bin; at the flush one sort counts them all. That is a quarter of the cost
of a dictionary of counters, and a flush lasts a second, so a few hundred thousand numbers are all
that ever waits.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from streams.config import ErrorRule, Settings
from streams.domain.series import UNKNOWN
from streams.formats.instants import Bool, Float64, Int64
from streams.formats.outcome_contract import OutcomeData
from streams.formats.outcome_json import OutcomeBatch
from streams.stages.numbering import SeriesLayout, SeriesNumbers, key_reader
from streams.windows.cells import CellTable, SparseCounts
from streams.windows.cutting import drop_unused
from streams.windows.durations import bin_of
from streams.windows.merging import empty_table, select

SERIES_KEPT = 100_000
"""Series whose numbers are kept from flush to flush; beyond that they are numbered anew."""
_CODES_CACHED = 4096
_NUMBER_BITS = 31
_NUMBER = (1 << _NUMBER_BITS) - 1
"""A cell is one integer: window (31 bits), late (1 bit), series (31 bits)."""
_SUCCESS, _FAILURE, _CANCELLED, _CALLER = range(4)
_KINDS = 4
_NO_BIN = -(2**15)
"""No bin: the least 16-bit number."""


class Fold:
    """The cells of one flush, while they grow.

    Args:
        settings: Dimensions, error rules, window length and counts partitions.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._dimensions = settings.ingest.dimensions
        self._read_key = key_reader(self._dimensions)
        self._is_callers = lru_cache(_CODES_CACHED)(_classifier(settings.ingest.error_rules))
        self._numbers = self._number_anew()
        self.clear()

    def clear(self) -> None:
        """Forget all cells."""
        self._cells: list[Int64] = []
        self._kinds: list[npt.NDArray[np.int8]] = []
        self._bins: list[npt.NDArray[np.int16]] = []
        self._errors: Counter[tuple[int, str]] = Counter()
        self._distinct = np.empty(0, np.int64)
        self._unmerged: list[Int64] = []
        if len(self._numbers) > SERIES_KEPT:
            self._numbers = self._number_anew()

    def number(self, events: Sequence[OutcomeData]) -> Int64:
        """Give the number of the series of each outcome; numbers last until `clear`."""
        numbers = map(self._numbers.__getitem__, map(self._read_key, events))
        return np.fromiter(numbers, np.int64, len(events))

    def add(self, batch: OutcomeBatch, windows: Int64, late: Bool) -> Counter[str]:
        """Count N outcomes.

        Args:
            batch: The outcomes.
            windows: (N,) window of each.
            late: (N,) whether its window is closed.

        Returns:
            How many there are of each outcome, and of `caller_fault`, which are in no outcome.
        """
        cells = ((windows * 2 + late) << _NUMBER_BITS) + batch.series
        kinds = np.zeros(len(cells), np.int8)
        tally: Counter[str] = Counter()
        for place, event in zip(batch.others_at.tolist(), batch.others, strict=True):
            kinds[place], name = self._judge(event, int(cells[place]))
            tally[name] += 1
        tally["success"] = len(cells) - tally.total()
        self._cells.append(cells)
        self._unmerged.append(cells)
        self._kinds.append(kinds)
        self._bins.append(_duration_bins(batch.times - batch.started, kinds))
        return tally

    def size(self, enough: int) -> int:
        """Give the number of cells, or of error codes in them if that is more.

        Args:
            enough: Below this the answer may be too high, never too low; from it on it is exact.
        """
        bound = len(self._distinct) + sum(map(len, self._unmerged))
        if bound >= enough and self._unmerged:
            cells = np.sort(np.concatenate([self._distinct, *self._unmerged]))
            self._distinct = cells[np.concatenate([[True], cells[1:] != cells[:-1]])]
            self._unmerged = []
            bound = len(self._distinct)
        return max(bound, len(self._errors))

    def tables(self) -> list[CellTable]:
        """Give the cells of each counts partition, as `merge` would order them."""
        count = self._settings.topics.counts_partitions
        if not self._cells:
            return [empty_table(self._dimensions)] * count
        layout = self._numbers.layout()
        cells = np.concatenate(self._cells)
        table, ranks = self._table((cells & ~_NUMBER) | layout.ranks[cells & _NUMBER], layout)
        partitions = layout.partitions[ranks]
        return [drop_unused(select(table, partitions == partition)) for partition in range(count)]

    def _table(self, cells: Int64, layout: SeriesLayout) -> tuple[CellTable, Int64]:
        """Give the table of the cells that events left (series by rank), and each row's rank."""
        order = np.argsort(cells)
        cells = cells[order]
        begins = np.concatenate([[True], cells[1:] != cells[:-1]])
        rows, distinct = np.cumsum(begins) - 1, cells[begins]
        kinds = np.concatenate(self._kinds)[order]
        counts = np.bincount(rows * _KINDS + kinds, minlength=_KINDS * len(distinct))
        by_kind = counts.astype(np.int64).reshape(-1, _KINDS)
        ranks, when = distinct & _NUMBER, distinct >> _NUMBER_BITS
        table = CellTable(
            dimensions=self._dimensions,
            values=layout.values,
            codes=tuple(codes[ranks] for codes in layout.codes),
            windows=when >> 1,
            late=(when & 1).astype(np.bool_),
            trials=by_kind[:, _SUCCESS] + by_kind[:, _FAILURE],
            failures=by_kind[:, _FAILURE],
            cancelled=by_kind[:, _CANCELLED],
            caller_faults=by_kind[:, _CALLER],
            error_codes=self._error_codes(distinct, layout),
            durations=_durations(rows, np.concatenate(self._bins)[order]),
        )
        return table, ranks

    def _error_codes(self, cells: Int64, layout: SeriesLayout) -> SparseCounts:
        """Give the error codes of distinct, ascending cells."""
        if not self._errors:
            return SparseCounts.none()
        labels = tuple(sorted({label for _, label in self._errors}))
        place = {label: position for position, label in enumerate(labels)}
        of_cell = np.array([cell for cell, _ in self._errors], np.int64)
        of_cell = (of_cell & ~_NUMBER) | layout.ranks[of_cell & _NUMBER]
        rows = np.searchsorted(cells, of_cell).astype(np.int32)
        names = np.array([place[label] for _, label in self._errors], np.int32)
        order = np.lexsort((names, rows))
        counts = np.array(list(self._errors.values()), np.int64)
        return SparseCounts(rows[order], names[order], counts[order], labels)

    def _number_anew(self) -> SeriesNumbers:
        settings = self._settings
        partitions = settings.topics.counts_partitions
        return SeriesNumbers(len(self._dimensions), settings.group_positions, partitions)

    def _judge(self, event: OutcomeData, cell: int) -> tuple[int, str]:
        """Give the kind of an outcome that is no success and its name in the statistics."""
        if event.outcome == "cancelled":
            return _CANCELLED, event.outcome
        label = event.error_code or ("timeout" if event.outcome == "timeout" else UNKNOWN)
        if event.fault == "caller" or (event.fault is None and self._is_callers(label)):
            return _CALLER, "caller_fault"
        self._errors[cell, label] += 1
        return _FAILURE, event.outcome


def _classifier(rules: Sequence[ErrorRule]) -> Callable[[str], bool]:
    def is_callers(label: str) -> bool:
        matching = (rule.fault for rule in rules if fnmatchcase(label, rule.code))
        return next(matching, "platform") == "caller"

    return is_callers


def _duration_bins(seconds: Float64, kinds: npt.NDArray[np.int8]) -> npt.NDArray[np.int16]:
    """Give the duration bin of each operation that finished and did not start after its end."""
    bins = np.full(len(seconds), _NO_BIN, np.int16)
    timed = (seconds >= 0) & (kinds <= _FAILURE)  # NaN is no duration
    bins[timed] = bin_of(seconds[timed])
    return bins


def _durations(rows: Int64, bins: npt.NDArray[np.int16]) -> SparseCounts:
    """Count the bins of each row; rows are ascending."""
    timed = bins != _NO_BIN
    if not timed.any():
        return SparseCounts.none()
    width = 1 << 16
    packed = rows[timed] * width + (bins[timed].astype(np.int64) - _NO_BIN)
    distinct, counts = np.unique(packed, return_counts=True)
    names = (distinct % width + _NO_BIN).astype(np.int32)
    return SparseCounts((distinct // width).astype(np.int32), names, counts.astype(np.int64))
