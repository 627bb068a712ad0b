"""Cell tables for tests, written row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from streams.windows.cells import CellTable, SparseCounts
from streams.windows.merging import merge


@dataclass(frozen=True, slots=True)
class Cell:
    """One row: a series in a window, and what happened in it."""

    window: int
    key: tuple[str, ...]
    trials: int = 0
    failures: int = 0
    late: bool = False
    cancelled: int = 0
    caller_faults: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    durations: Mapping[int, int] = field(default_factory=dict)


def cell_table(dimensions: tuple[str, ...], cells: Sequence[Cell]) -> CellTable:
    """Give the table of the cells, in any order; equal ones are added up."""
    return merge([_single(dimensions, cell) for cell in cells], dimensions)


def _single(dimensions: tuple[str, ...], cell: Cell) -> CellTable:
    labels = tuple(sorted(cell.errors))
    bins = sorted(cell.durations)
    return CellTable(
        dimensions=dimensions,
        values=tuple((value,) for value in cell.key),
        codes=tuple(np.zeros(1, np.int32) for _ in dimensions),
        windows=np.array([cell.window], np.int64),
        late=np.array([cell.late]),
        trials=np.array([cell.trials], np.int64),
        failures=np.array([cell.failures], np.int64),
        cancelled=np.array([cell.cancelled], np.int64),
        caller_faults=np.array([cell.caller_faults], np.int64),
        error_codes=SparseCounts(
            np.zeros(len(labels), np.int32),
            np.arange(len(labels), dtype=np.int32),
            np.array([cell.errors[label] for label in labels], np.int64),
            labels,
        ),
        durations=SparseCounts(
            np.zeros(len(bins), np.int32),
            np.array(bins, np.int32),
            np.array([cell.durations[number] for number in bins], np.int64),
        ),
    )
