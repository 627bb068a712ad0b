"""The windows table: closed windows as a Parquet table, the archive that a replay can start from.

One row per window and series with at least one operation, ordered by window and series. To the
columns of the contract it adds `late_trials`, `late_failures` and so on: how much of the row came
after the window was closed, so that a replay from the table gives the detectors what they saw the
first time. A table without these columns has nothing that came late.

`duration_sketch` holds pairs of a little-endian int32 bin number and an int64 count, bins
ascending.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from sys import intern

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.domain.errors import OperatorError
from streams.domain.series import UNKNOWN
from streams.replay.columns import integer_column, is_text, required_column, text_column
from streams.windows.cells import CellTable, Int32, Int64, SparseCounts
from streams.windows.merging import empty_table, merge, select

_BIN = np.dtype([("bin", "<i4"), ("count", "<i8")])


_LATE = "late_"
"""What the names of the columns for what came late begin with."""

WINDOW_START = "window_start"
"""Name of the column of times."""

_COUNTS = ("trials", "failures", "cancelled", "caller_faults")


@dataclass(frozen=True, slots=True)
class ArchiveRows:
    """N rows of the windows table.

    Attributes:
        cells: Counts, those that came late included; `late` is nowhere set.
        late: Of these counts what came late, for the rows that have any; `late` is nowhere set.
    """

    cells: CellTable
    late: CellTable

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.cells)

    @property
    def late_trials(self) -> Int64:
        """Give (N,) how many of the trials came late."""
        return _aligned(self).trials

    @property
    def late_failures(self) -> Int64:
        """Give (N,) how many of the failures came late."""
        return _aligned(self).failures


def schema(dimensions: Sequence[str]) -> pa.Schema:
    """Give the columns of the windows table."""
    counts = [
        *(pa.field(name, pa.int64(), nullable=False) for name in _COUNTS),
        pa.field("error_codes", pa.map_(pa.string(), pa.int64()), nullable=False),
        pa.field("duration_sketch", pa.binary(), nullable=False),
    ]
    return pa.schema(
        [
            pa.field(WINDOW_START, pa.timestamp("us", tz="UTC"), nullable=False),
            *(pa.field(name, pa.string(), nullable=False) for name in dimensions),
            *counts,
            *(field.with_name(f"{_LATE}{field.name}") for field in counts),
        ]
    )


def archive_rows(table: CellTable) -> ArchiveRows:
    """Give the rows of cells, late ones among them: one per window and series."""
    if not table.late.any():
        return ArchiveRows(table, empty_table(table.dimensions))
    rows = ArchiveRows(_punctual(table), _punctual(select(table, table.late)))
    return merge_rows([rows], table.dimensions)


def merge_rows(parts: Sequence[ArchiveRows], dimensions: tuple[str, ...]) -> ArchiveRows:
    """Add rows up: one per window and series, in that order."""
    return ArchiveRows(
        merge([part.cells for part in parts], dimensions),
        merge([part.late for part in parts], dimensions),
    )


def select_rows(rows: ArchiveRows, mask: npt.NDArray[np.bool_]) -> ArchiveRows:
    """Keep some rows, in their order."""
    cells = select(rows.cells, mask)
    return ArchiveRows(cells, _filled(select(_aligned(rows), mask)))


def split_late(rows: ArchiveRows) -> CellTable:
    """Give rows back as cells: what came in time, and what came late."""
    late = rows.late
    if not len(late):
        return rows.cells
    punctual = _filled(_without_zeros(merge([rows.cells, _negative(late)], late.dimensions)))
    return merge([punctual, replace(late, late=np.ones(len(late), np.bool_))], late.dimensions)


def _punctual(table: CellTable) -> CellTable:
    return replace(table, late=np.zeros(len(table), np.bool_))


def _aligned(rows: ArchiveRows) -> CellTable:
    """Give a table with the rows of `cells` and the counts of `late`."""
    nothing = np.zeros(len(rows), np.int64)
    blank = replace(
        rows.cells,
        trials=nothing,
        failures=nothing,
        cancelled=nothing,
        caller_faults=nothing,
        error_codes=SparseCounts.none(),
        durations=SparseCounts.none(),
    )
    return merge([blank, rows.late], blank.dimensions) if len(rows.late) else blank


def _filled(table: CellTable) -> CellTable:
    """Keep the rows that count any operation."""
    present = (table.trials + table.cancelled + table.caller_faults) > 0
    return table if present.all() else select(table, present)


def _negative(table: CellTable) -> CellTable:
    return replace(
        table,
        trials=-table.trials,
        failures=-table.failures,
        cancelled=-table.cancelled,
        caller_faults=-table.caller_faults,
        error_codes=replace(table.error_codes, counts=-table.error_codes.counts),
        durations=replace(table.durations, counts=-table.durations.counts),
    )


def _without_zeros(table: CellTable) -> CellTable:
    """Drop the named counts of which nothing is left."""

    def left(part: SparseCounts) -> SparseCounts:
        kept = part.counts != 0
        return SparseCounts(part.rows[kept], part.names[kept], part.counts[kept], part.labels)

    return replace(table, error_codes=left(table.error_codes), durations=left(table.durations))


def to_arrow(rows: ArchiveRows, window_seconds: int) -> pa.Table:
    """Give rows as an Arrow table with the columns of `schema`."""
    cells = rows.cells
    starts = cells.windows * (window_seconds * 1_000_000)
    names = [
        pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(values, pa.string())).cast(
            pa.string()
        )
        for codes, values in zip(cells.codes, cells.values, strict=True)
    ]
    columns = [
        pa.array(starts, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        *names,
        *_counts_to_arrow(cells),
        *_counts_to_arrow(_aligned(rows)),
    ]
    return pa.Table.from_arrays(columns, schema=schema(cells.dimensions))


def from_arrow(
    batch: pa.RecordBatch, dimensions: tuple[str, ...], window_seconds: int, origin: str
) -> ArchiveRows:
    """Read rows of a windows table.

    Args:
        batch: Rows in any order.
        dimensions: The configured dimensions; each must be a column.
        window_seconds: Length of the windows.
        origin: What to call the table in an error.

    Returns:
        One row per window and series.

    Raises:
        OperatorError: A column is missing or of another type, or a row cannot be.
    """
    values, codes = [], []
    for name in dimensions:
        distinct, column = _coded(text_column(batch, name, origin))
        values.append(distinct)
        codes.append(column)
    windows = window_indices(batch, window_seconds, origin)
    cells, late = (
        CellTable(
            dimensions=dimensions,
            values=tuple(values),
            codes=tuple(codes),
            windows=windows,
            late=np.zeros(len(batch), np.bool_),
            **_counts_from_arrow(batch, prefix, origin),
            error_codes=_error_codes_from_arrow(batch, f"{prefix}error_codes", origin),
            durations=_durations_from_arrow(batch, f"{prefix}duration_sketch", origin),
        )
        for prefix in ("", _LATE)
    )
    _check_counts(cells, late, origin)
    return merge_rows([ArchiveRows(cells, _filled(late))], dimensions)


def _counts_to_arrow(cells: CellTable) -> list[pa.Array]:
    return [
        *(pa.array(getattr(cells, name)) for name in _COUNTS),
        _error_codes_to_arrow(cells.error_codes, len(cells)),
        _durations_to_arrow(cells.durations, len(cells)),
    ]


def _counts_from_arrow(batch: pa.RecordBatch, prefix: str, origin: str) -> dict[str, Int64]:
    required = () if prefix else ("trials", "failures")
    return {
        name: integer_column(batch, f"{prefix}{name}", origin, required=name in required)
        for name in _COUNTS
    }


def _coded(column: pa.Array) -> tuple[tuple[str, ...], Int32]:
    """Give the distinct values of a text column, sorted, and each row's position in them."""
    encoded = pc.fill_null(column, UNKNOWN).dictionary_encode()
    # One object for each name: series are looked up by their names, again and again.
    names = [intern(name) for name in encoded.dictionary.to_pylist()]
    distinct = tuple(sorted(names))
    place = {name: code for code, name in enumerate(distinct)}
    mapping = np.array([place[name] for name in names], np.int32)
    return distinct, mapping[encoded.indices.to_numpy(zero_copy_only=False)]


def window_indices(batch: pa.RecordBatch, window_seconds: int, origin: str) -> Int64:
    """Give (N,) the window of each row.

    Raises:
        OperatorError: The column is missing or of another type, or a row has no start of a window.
    """
    column = required_column(batch, WINDOW_START, origin)
    if not pa.types.is_timestamp(column.type) or column.null_count:
        found = f"{column.null_count} nulls" if column.null_count else str(column.type)
        raise OperatorError(
            f"{origin}: column 'window_start' must be a timestamp in UTC, is {found}"
        )
    microseconds = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy()
    windows, rest = np.divmod(microseconds, window_seconds * 1_000_000)
    if rest.any():
        odd = column[int(np.flatnonzero(rest)[0])]
        raise OperatorError(
            f"{origin}: window_start {odd} is not the start of a window of {window_seconds} s; "
            "set [windows] length to that of the table"
        )
    return np.asarray(windows, np.int64)


def _check_counts(cells: CellTable, late: CellTable, origin: str) -> None:
    pairs = [
        (("trials", cells.trials), ("failures", cells.failures)),
        *(
            ((name, getattr(cells, name)), (f"{_LATE}{name}", getattr(late, name)))
            for name in _COUNTS
        ),
    ]
    for (whole, counts), (share, part) in pairs:
        wrong = np.flatnonzero((part < 0) | (part > counts))
        if len(wrong):
            row = int(wrong[0])
            raise OperatorError(f"{origin}: {share} is {part[row]} where {whole} is {counts[row]}")


def _offsets(part: SparseCounts, rows: int) -> pa.Array:
    counts = np.bincount(part.rows, minlength=rows) if rows else np.empty(0, np.int64)
    return pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))


def _error_codes_to_arrow(part: SparseCounts, rows: int) -> pa.Array:
    names = pa.array(part.labels, pa.string()).take(pa.array(part.names))
    return pa.MapArray.from_arrays(_offsets(part, rows), names, pa.array(part.counts))


def _durations_to_arrow(part: SparseCounts, rows: int) -> pa.Array:
    pairs = np.empty(len(part.rows), _BIN)
    pairs["bin"], pairs["count"] = part.names, part.counts
    offsets = pc.multiply(_offsets(part, rows), pa.scalar(_BIN.itemsize, pa.int32()))
    buffers = [None, offsets.buffers()[1], pa.py_buffer(pairs.tobytes())]
    return pa.Array.from_buffers(pa.binary(), rows, buffers)


def _error_codes_from_arrow(batch: pa.RecordBatch, name: str, origin: str) -> SparseCounts:
    if name not in batch.schema.names:
        return SparseCounts.none()
    column = batch.column(name)
    kind = column.type
    if not (
        pa.types.is_map(kind) and is_text(kind.key_type) and pa.types.is_integer(kind.item_type)
    ):
        raise OperatorError(f"{origin}: column '{name}' must be map<string, int64>, is {kind}")
    offsets = column.offsets.to_numpy()
    rows = np.repeat(np.arange(len(batch), dtype=np.int32), np.diff(offsets))
    if not len(rows):
        return SparseCounts.none()
    span = slice(int(offsets[0]), int(offsets[-1]))
    labels, names = _coded(column.keys[span].cast(pa.string()))
    counts = pc.fill_null(column.items[span].cast(pa.int64()), 0).to_numpy()
    return SparseCounts(rows, names, np.asarray(counts, np.int64), labels)


def _durations_from_arrow(batch: pa.RecordBatch, name: str, origin: str) -> SparseCounts:
    if name not in batch.schema.names:
        return SparseCounts.none()
    column = batch.column(name)
    if not pa.types.is_binary(column.type):
        raise OperatorError(f"{origin}: column '{name}' must be binary, is {column.type}")
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    if (lengths % _BIN.itemsize).any():
        raise OperatorError(f"{origin}: column '{name}' holds something else than bins and counts")
    filled = pc.fill_null(column, b"")
    _, ends, content = filled.buffers()
    ends = np.frombuffer(ends, np.int32)[filled.offset : filled.offset + len(filled) + 1]
    within = memoryview(content)[ends[0] : ends[-1]] if len(filled) and content else b""
    pairs = np.frombuffer(within, _BIN)
    rows = np.repeat(np.arange(len(batch), dtype=np.int32), lengths // _BIN.itemsize)
    return SparseCounts(rows, pairs["bin"].astype(np.int32), pairs["count"].astype(np.int64))
