"""Input files of a replay, in batches of bounded size.

Events come as lines of JSON whatever the file is, so that a replay goes through the decoder of the
live stream.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from streams.domain.errors import OperatorError, OutsideSystemError
from streams.replay.outcome_rows import outcome_lines
from streams.replay.windows_table import (
    WINDOW_START,
    ArchiveRows,
    from_arrow,
    split_late,
    window_indices,
)
from streams.windows.cells import CellTable

EVENT_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
_CODECS = {".gz": "gzip", ".zst": "zstd"}
_CHUNK_BYTES = 4 * 1024 * 1024
_LONGEST_LINE_BYTES = 64 * 1024 * 1024
"""A line beyond this is no event but a file that is no JSON lines; memory must not grow with it."""
_ROWS = 50_000

NEVER = int(np.iinfo(np.int64).max)
"""Index of a window that is after all others."""


@dataclass(frozen=True, slots=True)
class LineBatch:
    """Some lines of a file.

    Attributes:
        first_line: Number of the first, counted from 0.
        lines: The lines, without their line ends.
        position: How many bytes of the file are read, as they are on disk.
    """

    first_line: int
    lines: list[bytes]
    position: int


@dataclass(frozen=True, slots=True)
class CellBatch:
    """Some rows of a windows table.

    Attributes:
        cells: Their counts.
        position: How many bytes of the file are read, about.
    """

    cells: CellTable
    position: int


def file_size(path: Path) -> int:
    """Give the size of an input file in bytes.

    Raises:
        OperatorError: There is no such file, or it is a folder, or cannot be looked at.
    """
    try:
        if path.is_dir():
            raise OperatorError(f"{path} is a folder, not a file")
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def read_events(path: Path) -> Iterator[LineBatch]:
    """Read outcome events, or release events from anything but Parquet.

    Args:
        path: A file with one of `EVENT_ENDINGS`.

    Yields:
        Batches in the order of the file; a row of a Parquet file is a line.

    Raises:
        OperatorError: The file is missing, unreadable, damaged, of an unknown kind or has wrong
            columns.
        OutsideSystemError: The disk failed.
    """
    size = file_size(path)
    if path.suffix == ".parquet":
        for first, batch, position in _parquet_batches(path, size):
            yield LineBatch(first, outcome_lines(batch, str(path)), position)
        return
    codec = _CODECS.get(path.suffix)
    if not (path.with_suffix("") if codec else path).name.endswith(".jsonl"):
        raise OperatorError(
            f"{path}: unknown kind of file; it must end in {', '.join(EVENT_ENDINGS)}"
        )
    with _open(path) as raw:
        first = 0
        stream = pa.CompressedInputStream(raw, codec) if codec else None
        for lines in _lines(_chunks(path, stream.read if stream else raw.read), path):
            yield LineBatch(first, lines, raw.tell())
            first += len(lines)


def read_windows(
    path: Path, dimensions: tuple[str, ...], window_seconds: int
) -> Iterator[CellBatch]:
    """Read a windows table.

    Args:
        path: A Parquet file with the columns of the windows table.
        dimensions: The configured dimensions.
        window_seconds: Length of the windows.

    Yields:
        Batches in the order of the file; a window and series may come in several.

    Raises:
        OperatorError: The file is missing, unreadable, damaged or has wrong columns.
        OutsideSystemError: The disk failed.
    """
    for rows, position in read_archive(path, dimensions, window_seconds):
        yield CellBatch(split_late(rows), position)


def read_archive(
    path: Path, dimensions: tuple[str, ...], window_seconds: int
) -> Iterator[tuple[ArchiveRows, int]]:
    """Read a windows table as it is: rows, and bytes read; see `read_windows`."""
    for _, batch, position in _parquet_batches(path, _table_size(path)):
        yield from_arrow(batch, dimensions, window_seconds, str(path)), position


def oldest_windows(path: Path, window_seconds: int, start: float, end: float) -> Iterator[int]:
    """Give, for each batch of `read_windows`, the oldest window in a range of time.

    Reads one column of many, so that looking ahead costs little. Late cells count, too: they make
    windows close later, and nothing else.

    Args:
        path: A Parquet file with the columns of the windows table.
        window_seconds: Length of the windows.
        start: First start of a window to look at, in seconds since the epoch.
        end: First start not to look at.

    Yields:
        Window indices; `NEVER` for a batch without any in the range.

    Raises:
        OperatorError: The file is missing, unreadable, damaged or has wrong columns.
        OutsideSystemError: The disk failed.
    """
    for _, batch, _ in _parquet_batches(path, _table_size(path), [WINDOW_START]):
        windows = window_indices(batch, window_seconds, str(path))
        begins = windows * window_seconds
        inside = (begins >= start) & (begins < end)
        yield int(windows[inside].min(initial=NEVER))


def _table_size(path: Path) -> int:
    size = file_size(path)
    if path.suffix != ".parquet":
        raise OperatorError(f"{path}: a windows table must be a .parquet file")
    return size


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> OperatorError:
    return OperatorError(f"cannot read {path}: {(error.strerror or str(error)).lower()}")


def _parquet_batches(
    path: Path, size: int, columns: list[str] | None = None
) -> Iterator[tuple[int, pa.RecordBatch, int]]:
    """Give (number of the first row, batch, bytes read) of a Parquet file, or of some columns."""
    try:
        with _open(path) as raw, pq.ParquetFile(raw) as file:
            total, done = file.metadata.num_rows, 0
            if not total:  # still has columns to be checked
                yield 0, pa.RecordBatch.from_pylist([], schema=file.schema_arrow), size
            for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
                yield done, batch, size * (done + len(batch)) // total
                done += len(batch)
    except pa.ArrowInvalid as error:
        raise OperatorError(f"{path} is no readable Parquet file: {_first_line(error)}") from error
    except OSError as error:
        raise OutsideSystemError(f"cannot read {path}: {_first_line(error)}") from error


def _chunks(path: Path, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Read until nothing is left."""
    while True:
        try:
            chunk = read(_CHUNK_BYTES)
        except OSError as error:
            if error.errno is not None:
                raise OutsideSystemError(f"cannot read {path}: {_first_line(error)}") from error
            # Arrow reports damaged and truncated streams as errors without a number.
            raise OperatorError(f"{path} is damaged: {_first_line(error).lower()}") from error
        if not chunk:
            return
        yield chunk


def _lines(chunks: Iterator[bytes], path: Path) -> Iterator[list[bytes]]:
    """Cut chunks into lines; the last may have no line end."""
    begun: list[bytes] = []
    for chunk in chunks:
        lines = chunk.split(b"\n")
        begun.append(lines[0])
        if len(lines) > 1:
            lines[0] = b"".join(begun)
            begun = [lines.pop()]
            yield lines
        elif sum(map(len, begun)) > _LONGEST_LINE_BYTES:
            limit = _LONGEST_LINE_BYTES // 2**20
            raise OperatorError(f"{path} has a line of more than {limit} MB: it is no JSON lines")
    rest = b"".join(begun)
    if rest:
        yield [rest]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
