"""The windows table: closed windows as a Parquet table, the archive that a replay can start from.

One row per window and series with at least one operation, ordered by window and series. To the
columns of the contract it adds `late_trials` and `late_failures`: how many of the row's trials and
failures came after the window was closed, so that a replay from the table gives the detectors what
they saw the first time.

`duration_sketch` holds pairs of a little-endian int32 bin number and an int64 count, bins
ascending.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.domain.errors import OperatorError
from streams.domain.series import UNKNOWN
from streams.replay.columns import integer_column, is_text, required_column, text_column
from streams.windows.cells import CellTable, Int32, Int64, SparseCounts
from streams.windows.merging import merge, select

_BIN = np.dtype([("bin", "<i4"), ("count", "<i8")])


@dataclass(frozen=True, slots=True)
class ArchiveRows:
    """N rows of the windows table.

    Attributes:
        cells: Counts, those that came late included; `late` is nowhere set.
        late_trials: (N,) how many of the trials came late.
        late_failures: (N,) how many of the failures came late.
    """

    cells: CellTable
    late_trials: Int64
    late_failures: Int64

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.cells)


def schema(dimensions: Sequence[str]) -> pa.Schema:
    """Give the columns of the windows table."""
    return pa.schema(
        [
            pa.field("window_start", pa.timestamp("us", tz="UTC"), nullable=False),
            *(pa.field(name, pa.string(), nullable=False) for name in dimensions),
            pa.field("trials", pa.int64(), nullable=False),
            pa.field("failures", pa.int64(), nullable=False),
            pa.field("cancelled", pa.int64(), nullable=False),
            pa.field("caller_faults", pa.int64(), nullable=False),
            pa.field("error_codes", pa.map_(pa.string(), pa.int64()), nullable=False),
            pa.field("duration_sketch", pa.binary(), nullable=False),
            pa.field("late_trials", pa.int64(), nullable=False),
            pa.field("late_failures", pa.int64(), nullable=False),
        ]
    )


def archive_rows(table: CellTable) -> ArchiveRows:
    """Give the rows of cells, late ones among them: one per window and series."""
    rows = ArchiveRows(
        cells=replace(table, late=np.zeros(len(table), np.bool_)),
        late_trials=np.where(table.late, table.trials, 0),
        late_failures=np.where(table.late, table.failures, 0),
    )
    return merge_rows([rows], table.dimensions)


def merge_rows(parts: Sequence[ArchiveRows], dimensions: tuple[str, ...]) -> ArchiveRows:
    """Add rows up: one per window and series, in that order."""
    cells = merge([part.cells for part in parts], dimensions)
    # What is no count of the cells is added up as if it were: the same keys give the same rows.
    late = merge([_late_as_counts(part) for part in parts], dimensions)
    return ArchiveRows(cells, late.trials, late.failures)


def select_rows(rows: ArchiveRows, mask: npt.NDArray[np.bool_]) -> ArchiveRows:
    """Keep some rows, in their order."""
    return ArchiveRows(
        select(rows.cells, mask),
        rows.late_trials[mask],
        rows.late_failures[mask],
    )


def split_late(rows: ArchiveRows) -> CellTable:
    """Give rows back as cells: what came in time, and what came late.

    Cancelled operations, caller faults, error codes and durations are not told apart in the table;
    they go with what came in time.
    """
    cells = rows.cells
    late = rows.late_trials > 0
    punctual = replace(
        cells, trials=cells.trials - rows.late_trials, failures=cells.failures - rows.late_failures
    )
    if not late.any():
        return punctual
    tardy = select(cells, late)
    nothing = np.zeros(len(tardy), np.int64)
    tardy = replace(
        tardy,
        late=np.ones(len(tardy), np.bool_),
        trials=rows.late_trials[late],
        failures=rows.late_failures[late],
        cancelled=nothing,
        caller_faults=nothing,
        error_codes=SparseCounts.none(),
        durations=SparseCounts.none(),
    )
    present = (punctual.trials + punctual.cancelled + punctual.caller_faults) > 0
    return merge([select(punctual, present), tardy], cells.dimensions)


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
        *map(pa.array, (cells.trials, cells.failures, cells.cancelled, cells.caller_faults)),
        _error_codes_to_arrow(cells.error_codes, len(cells)),
        _durations_to_arrow(cells.durations, len(cells)),
        pa.array(rows.late_trials),
        pa.array(rows.late_failures),
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
    counts = {
        name: integer_column(batch, name, origin, required=name in {"trials", "failures"})
        for name in (
            "trials",
            "failures",
            "cancelled",
            "caller_faults",
            "late_trials",
            "late_failures",
        )
    }
    _check_counts(counts, origin)
    cells = CellTable(
        dimensions=dimensions,
        values=tuple(values),
        codes=tuple(codes),
        windows=_windows(batch, window_seconds, origin),
        late=np.zeros(len(batch), np.bool_),
        trials=counts["trials"],
        failures=counts["failures"],
        cancelled=counts["cancelled"],
        caller_faults=counts["caller_faults"],
        error_codes=_error_codes_from_arrow(batch, origin),
        durations=_durations_from_arrow(batch, origin),
    )
    rows = ArchiveRows(cells, counts["late_trials"], counts["late_failures"])
    return merge_rows([rows], dimensions)


def _late_as_counts(rows: ArchiveRows) -> CellTable:
    """Carry late counts in the places of counts."""
    nothing = np.zeros(len(rows), np.int64)
    return replace(
        rows.cells,
        trials=rows.late_trials,
        failures=rows.late_failures,
        cancelled=nothing,
        caller_faults=nothing,
        error_codes=SparseCounts.none(),
        durations=SparseCounts.none(),
    )


def _coded(column: pa.Array) -> tuple[tuple[str, ...], Int32]:
    """Give the distinct values of a text column, sorted, and each row's position in them."""
    encoded = pc.fill_null(column, UNKNOWN).dictionary_encode()
    names = encoded.dictionary.to_pylist()
    distinct = tuple(sorted(names))
    place = {name: code for code, name in enumerate(distinct)}
    mapping = np.array([place[name] for name in names], np.int32)
    return distinct, mapping[encoded.indices.to_numpy(zero_copy_only=False)]


def _windows(batch: pa.RecordBatch, window_seconds: int, origin: str) -> Int64:
    column = required_column(batch, "window_start", origin)
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


def _check_counts(counts: dict[str, Int64], origin: str) -> None:
    pairs = (("trials", "failures"), ("trials", "late_trials"), ("failures", "late_failures"))
    for whole, share in pairs:
        wrong = np.flatnonzero((counts[share] < 0) | (counts[share] > counts[whole]))
        if len(wrong):
            row = int(wrong[0])
            raise OperatorError(
                f"{origin}: {share} is {counts[share][row]} where {whole} is {counts[whole][row]}"
            )


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


def _error_codes_from_arrow(batch: pa.RecordBatch, origin: str) -> SparseCounts:
    if "error_codes" not in batch.schema.names:
        return SparseCounts.none()
    column = batch.column("error_codes")
    kind = column.type
    if not (
        pa.types.is_map(kind) and is_text(kind.key_type) and pa.types.is_integer(kind.item_type)
    ):
        raise OperatorError(f"{origin}: column 'error_codes' must be map<string, int64>, is {kind}")
    offsets = column.offsets.to_numpy()
    rows = np.repeat(np.arange(len(batch), dtype=np.int32), np.diff(offsets))
    if not len(rows):
        return SparseCounts.none()
    span = slice(int(offsets[0]), int(offsets[-1]))
    labels, names = _coded(column.keys[span].cast(pa.string()))
    counts = pc.fill_null(column.items[span].cast(pa.int64()), 0).to_numpy()
    return SparseCounts(rows, names, np.asarray(counts, np.int64), labels)


def _durations_from_arrow(batch: pa.RecordBatch, origin: str) -> SparseCounts:
    if "duration_sketch" not in batch.schema.names:
        return SparseCounts.none()
    column = batch.column("duration_sketch")
    if not pa.types.is_binary(column.type):
        raise OperatorError(f"{origin}: column 'duration_sketch' must be binary, is {column.type}")
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    if (lengths % _BIN.itemsize).any():
        raise OperatorError(
            f"{origin}: column 'duration_sketch' holds something else than bins and counts"
        )
    pairs = np.frombuffer(b"".join(value or b"" for value in column.to_pylist()), _BIN)
    rows = np.repeat(np.arange(len(batch), dtype=np.int32), lengths // _BIN.itemsize)
    return SparseCounts(rows, pairs["bin"].astype(np.int32), pairs["count"].astype(np.int64))
