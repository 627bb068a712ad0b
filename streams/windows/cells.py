"""Cells: counts of outcomes by window and series, as columns.

A cell table is what ingest folds events into, what travels between the stages, and what the archive
keeps. Tables merge by addition: the sum over any way of cutting a stream into batches is the same.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SparseCounts:
    """Counts of something named, for the rows that have any.

    Attributes:
        rows: (M,) row of the table each count belongs to, ascending.
        names: (M,) positions in `labels` (error codes), or the bin numbers themselves where
            `labels` is empty.
        counts: (M,) how often.
        labels: Distinct names, sorted.
    """

    rows: Int32
    names: Int32
    counts: Int64
    labels: tuple[str, ...] = ()

    @classmethod
    def none(cls) -> "SparseCounts":
        """Give the counts of a table in which nothing is named."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class CellTable:
    """N cells: one per window, series and punctuality, ordered by window, late, and series key.

    Attributes:
        dimensions: Names of the D dimensions.
        values: For each dimension its distinct values, sorted.
        codes: For each dimension (N,) positions in `values`.
        windows: (N,) window indices.
        late: (N,) whether the cell holds outcomes whose window was closed.
        trials: (N,) success + failure + timeout.
        failures: (N,) failure + timeout.
        cancelled: (N,) cancelled operations, in none of the above.
        caller_faults: (N,) failures that are the caller's, in none of the above.
        error_codes: Error codes of the failures.
        durations: Duration bins of the finished operations (see `streams.windows.durations`).
    """

    dimensions: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    codes: tuple[Int32, ...]
    windows: Int64
    late: Bool
    trials: Int64
    failures: Int64
    cancelled: Int64
    caller_faults: Int64
    error_codes: SparseCounts
    durations: SparseCounts

    def __len__(self) -> int:
        """Give the number of cells."""
        return len(self.windows)

    def keys(self) -> list[tuple[str, ...]]:
        """Give the series key of every row."""
        columns = [
            map(values.__getitem__, codes.tolist())
            for values, codes in zip(self.values, self.codes, strict=True)
        ]
        return list(zip(*columns, strict=True)) if len(self) else []
