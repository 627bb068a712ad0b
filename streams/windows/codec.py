"""Counts blocks as bytes, and cell tables as Arrow columns.

A block is one Arrow IPC stream: readable by anything that reads Arrow, columnar, and smaller than
the same cells as JSON by an order of magnitude. What is not a column (progress of the sources,
window length, version) is in the metadata of the schema. The same table gives the same bytes.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from streams.domain.errors import OperatorError, OutsideSystemError
from streams.domain.outcomes import SourcePartition
from streams.domain.series import UNKNOWN
from streams.windows.blocks import CountsBlock, SourceProgress
from streams.windows.cells import CellTable, Int32, Int64, SparseCounts
from streams.windows.durations import ENTRY_BYTES, decode_entries, encode_entries

VERSION = 1
COUNTS = ("trials", "failures", "cancelled", "caller_faults")
_HEADER = b"opwatch.counts"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")
"""6 bytes a cell instead of 73, for 0.2 µs a cell; lz4 is twice as fast and twice as big."""
_TIMESTAMP = pa.timestamp("ms", tz="UTC")


class _Progress(msgspec.Struct, array_like=True):
    topic: str
    partition: int
    partitions: int
    first_offset: int
    next_offset: int
    watermark: float | None
    latest: float | None
    idle: bool


class _Header(msgspec.Struct):
    version: int
    window_seconds: int = 0
    dimensions: tuple[str, ...] = ()
    sources: tuple[_Progress, ...] = ()


def encode_block(block: CountsBlock) -> bytes:
    """Write a counts block as an Arrow IPC stream."""
    sources = tuple(
        _Progress(
            topic=one.source.topic,
            partition=one.source.partition,
            partitions=one.partitions,
            first_offset=one.first_offset,
            next_offset=one.next_offset,
            watermark=one.watermark,
            latest=one.latest,
            idle=one.idle,
        )
        for one in block.sources
    )
    header = _Header(VERSION, block.window_seconds, block.cells.dimensions, sources)
    columns = cell_columns(block.cells, block.window_seconds)
    batch = pa.RecordBatch.from_pydict(
        dict(columns), metadata={_HEADER: msgspec.json.encode(header)}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=_OPTIONS) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def decode_block(data: bytes) -> CountsBlock:
    """Read what `encode_block` wrote.

    Raises:
        OutsideSystemError: The bytes are no counts block.
        OperatorError: A newer opwatch wrote it.
    """
    try:
        table = pa.ipc.open_stream(data).read_all()
        header = msgspec.json.decode(table.schema.metadata[_HEADER], type=_Header)
    except (pa.ArrowException, OSError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise OutsideSystemError(f"{len(data)} bytes are no counts block: {error}") from error
    if header.version != VERSION:
        raise OperatorError(
            f"a counts block has version {header.version}, this opwatch reads {VERSION}: upgrade it"
        )
    sources = tuple(
        SourceProgress(
            source=SourcePartition(one.topic, one.partition),
            partitions=one.partitions,
            first_offset=one.first_offset,
            next_offset=one.next_offset,
            watermark=one.watermark,
            latest=one.latest,
            idle=one.idle,
        )
        for one in header.sources
    )
    cells = cells_of(table, header.dimensions, header.window_seconds)
    return CountsBlock(header.window_seconds, sources, cells)


def cell_columns(table: CellTable, window_seconds: int) -> dict[str, pa.Array]:
    """Give a table as Arrow columns, named and typed as in the windows contract, plus `late`.

    Args:
        table: N cells.
        window_seconds: Length of a window.

    Returns:
        Column name -> array of N, in a fixed order.
    """
    starts = table.windows * (window_seconds * 1000)
    columns = {"window_start": pa.array(starts, pa.int64()).cast(_TIMESTAMP)}
    for name, values, codes in zip(table.dimensions, table.values, table.codes, strict=True):
        dictionary = pa.array(values, pa.string())
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), dictionary)
    columns["late"] = pa.array(table.late, pa.bool_())
    for name in COUNTS:
        columns[name] = pa.array(getattr(table, name), pa.int64())
    columns["error_codes"] = _error_codes(table.error_codes, len(table))
    columns["duration_sketch"] = _sketches(table.durations, len(table))
    return columns


def cells_of(table: pa.Table, dimensions: Sequence[str], window_seconds: int) -> CellTable:
    """Read a table from Arrow columns, such as a Parquet archive's, in the order of their rows.

    Args:
        table: N rows with `window_start`, `trials`, `failures` and the dimensions; the rest may be
            missing, and further columns are passed over.
        dimensions: Names of the dimensions.
        window_seconds: Length of a window.

    Returns:
        The cells, not merged: rows as they are, each dimension's values sorted.

    Raises:
        ValueError: A column is missing or has another type; the message names it.
    """
    size = table.num_rows
    decoded = [_dimension(_column(table, name), name) for name in dimensions]
    starts = _cast(_column(table, "window_start"), _TIMESTAMP, "window_start").cast(pa.int64())
    counts = {
        name: _integers(table, name, size, required=name in {"trials", "failures"})
        for name in COUNTS
    }
    late = np.zeros(size, np.bool_)
    if "late" in table.column_names:
        late = _whole(_cast(table.column("late"), pa.bool_(), "late")).to_numpy(
            zero_copy_only=False
        )
    return CellTable(
        dimensions=tuple(dimensions),
        values=tuple(values for values, _ in decoded),
        codes=tuple(codes for _, codes in decoded),
        windows=_whole(starts).to_numpy() // (window_seconds * 1000),
        late=late,
        error_codes=_read_error_codes(table),
        durations=_read_sketches(table),
        **counts,
    )


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise ValueError(f"column {name!r} is missing; there are {', '.join(table.column_names)}")
    return table.column(name)


def _cast(column: pa.ChunkedArray, kind: pa.DataType, name: str) -> pa.ChunkedArray:
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        found = f"column {name!r} is {column.type}, wanted {kind}"
        raise ValueError(f"{found}: {error}") from error


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def _integers(table: pa.Table, name: str, size: int, *, required: bool) -> Int64:
    if name not in table.column_names and not required:
        return np.zeros(size, np.int64)
    column = _cast(_column(table, name), pa.int64(), name)
    if required and column.null_count:
        raise ValueError(f"column {name!r} has {column.null_count} nulls")
    numbers: Int64 = _whole(column.fill_null(0)).to_numpy()
    return numbers


def _dimension(column: pa.ChunkedArray, name: str) -> tuple[tuple[str, ...], Int32]:
    """Give the distinct values, sorted, and each row's position among them; nulls are unknown."""
    texts = _cast(column, pa.dictionary(pa.int32(), pa.string()), name).unify_dictionaries()
    whole = _whole(texts)
    found = [value or UNKNOWN for value in whole.dictionary.to_pylist()]
    values = tuple(sorted({*found, UNKNOWN} if whole.null_count else set(found)))
    place = {value: position for position, value in enumerate(values)}
    mapping = np.array([*(place[value] for value in found), place.get(UNKNOWN, 0)], np.int32)
    return values, mapping[whole.indices.fill_null(len(found)).to_numpy()]


def _offsets(rows: Int32, size: int) -> Int32:
    """Give where each row's entries begin, and where the last one's end."""
    counts = np.bincount(rows, minlength=size)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)


def _rows(offsets: Int32) -> Int32:
    counts = np.diff(offsets)
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def _error_codes(codes: SparseCounts, size: int) -> pa.Array:
    labels = pa.array(codes.labels, pa.string())
    names = labels.take(pa.array(codes.names, pa.int32()))
    counts = pa.array(codes.counts, pa.int64())
    return pa.MapArray.from_arrays(pa.array(_offsets(codes.rows, size)), names, counts)


def _sketches(durations: SparseCounts, size: int) -> pa.Array:
    offsets = pa.py_buffer(_offsets(durations.rows, size) * np.int32(ENTRY_BYTES))
    entries = pa.py_buffer(encode_entries(durations.names, durations.counts))
    return pa.Array.from_buffers(pa.binary(), size, [None, offsets, entries])


def _read_error_codes(table: pa.Table) -> SparseCounts:
    if "error_codes" not in table.column_names:
        return SparseCounts.none()
    kind = pa.map_(pa.string(), pa.int64())
    column = _whole(_cast(table.column("error_codes"), kind, "error_codes"))
    first, last = column.offsets[0].as_py(), column.offsets[-1].as_py()
    names = column.keys.slice(first, last - first).dictionary_encode()
    if not len(names):
        return SparseCounts.none()
    found: Mapping[int, str] = dict(enumerate(names.dictionary.to_pylist()))
    labels = tuple(sorted(found.values()))
    place = {label: position for position, label in enumerate(labels)}
    mapping = np.array([place[label] for label in found.values()], np.int32)
    rows, positions = _rows(column.offsets.to_numpy()), mapping[names.indices.to_numpy()]
    order = np.lexsort((positions, rows))
    counts = column.items.slice(first, last - first).fill_null(0).to_numpy()
    return SparseCounts(rows[order], positions[order], counts[order], labels)


def _read_sketches(table: pa.Table) -> SparseCounts:
    if "duration_sketch" not in table.column_names:
        return SparseCounts.none()
    column = _cast(table.column("duration_sketch"), pa.binary(), "duration_sketch")
    sketches = _whole(column.fill_null(b""))
    if not len(sketches):
        return SparseCounts.none()
    _, offsets, data = sketches.buffers()
    places = np.frombuffer(offsets, np.int32, len(sketches) + 1, 4 * sketches.offset)
    sizes = np.diff(places)
    if (sizes % ENTRY_BYTES).any():
        raise ValueError(f"column 'duration_sketch': sizes are no multiples of {ENTRY_BYTES}")
    bins, counts = decode_entries(memoryview(data)[places[0] : places[-1]])
    rows = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes // ENTRY_BYTES)
    return SparseCounts(rows, bins, counts)
