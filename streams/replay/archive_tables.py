"""What is in the archive's files: rows of the windows table, and how files are merged.

A part has a row per message, window and series, with the message's offset in an extra column; a
merged file is a windows table as a replay writes it. Memory is bounded by an hour of windows, and
by what one part holds.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streams.domain.errors import OperatorError
from streams.replay.archive_layout import DAY_S, ArchiveFile, DayFiles
from streams.replay.windows_table import (
    ArchiveRows,
    archive_rows,
    from_arrow,
    merge_rows,
    schema,
    to_arrow,
)
from streams.windows.closed import ClosedWindow
from streams.windows.merging import select

OFFSET = "message_offset"
"""Column of a part: offset of the message in the topic of closed windows."""

SLICE_S = 3600
"""Event time that is merged at once."""

Open = Callable[[ArchiveFile], BinaryIO]
"""Opens a file of the archive for reading, with seek."""


@dataclass(frozen=True, slots=True)
class ArchivedMessage:
    """A message of the topic of closed windows.

    Attributes:
        offset: Its offset.
        closed: What it says.
    """

    offset: int
    closed: ClosedWindow


def part_tables(messages: Sequence[ArchivedMessage], topic: str) -> dict[ArchiveFile, pa.Table]:
    """Give the parts that hold some consecutive messages; none for those without cells.

    Args:
        messages: In the order of their offsets.
        topic: Stands for the topic.
    """
    by_day: dict[int, list[pa.Table]] = {}
    for message in messages:
        cells, seconds = message.closed.cells, message.closed.window_seconds
        days = cells.windows * seconds // DAY_S
        for day in np.unique(days).tolist():
            table = to_arrow(archive_rows(select(cells, days == day)), seconds)
            offsets = pa.array(np.full(len(table), message.offset, np.int64))
            by_day.setdefault(day, []).append(table.append_column(OFFSET, offsets))
    first, last = (messages[0].offset, messages[-1].offset) if messages else (0, 0)
    return {
        ArchiveFile(day, topic, first, last): pa.concat_tables(tables).combine_chunks()
        for day, tables in by_day.items()
    }


class DayReader:
    """Reads one day of the archive, each message once, in slices of event time."""

    def __init__(
        self, days: Iterable[DayFiles], opened: Open, dimensions: tuple[str, ...], seconds: int
    ) -> None:
        """Look at the files.

        Args:
            days: What is to be read, all of one day.
            opened: Opens a file.
            dimensions: The configured dimensions.
            seconds: Length of the windows.

        Raises:
            OperatorError: A file is no part of the archive, or of other dimensions or windows.
        """
        self._opened = opened
        self._dimensions = dimensions
        self._seconds = seconds
        self._spans: list[tuple[ArchiveFile, int, int, int]] = []
        for one in days:
            covered = -1
            for file in one.read:
                low, high = self._span(file)
                self._spans.append((file, covered, low, high))
                covered = max(covered, file.last)

    def slices(self, start: float, end: float) -> Iterator[tuple[int, ArchiveRows]]:
        """Give the rows of windows that begin in a range.

        Args:
            start: Its first instant, in seconds since the epoch.
            end: First instant after it, in seconds since the epoch.

        Yields:
            When a slice ends, and its rows: whole windows in time order. Slices without rows are
            left out.

        Raises:
            OperatorError: A file is damaged, or of other dimensions or windows.
        """
        begin = int(start // SLICE_S * SLICE_S)
        for low in range(begin, int(np.ceil(end)), SLICE_S):
            first, after = max(low, start), min(low + SLICE_S, end)
            rows = [
                self._rows(file, covered, first, after)
                for file, covered, oldest, newest in self._spans
                if oldest < after and newest >= first
            ]
            merged = merge_rows(rows, self._dimensions)
            if len(merged):
                yield low + SLICE_S, merged

    def _span(self, file: ArchiveFile) -> tuple[int, int]:
        """Give the start of the first and of the last window in a file, as its metadata say."""
        try:
            with self._opened(file) as raw, pq.ParquetFile(raw) as parquet:
                metadata = parquet.metadata
                bounds = [
                    metadata.row_group(group).column(0).statistics
                    for group in range(metadata.num_row_groups)
                ]
        except pa.ArrowInvalid as error:
            raise _damaged(file, error) from error
        low = min((one.min.timestamp() for one in bounds), default=0)
        high = max((one.max.timestamp() for one in bounds), default=-1)
        return int(low), int(high)

    def _rows(self, file: ArchiveFile, covered: int, start: float, end: float) -> ArchiveRows:
        table = self._table(file, start, end)
        if OFFSET in table.column_names:
            table = table.filter(pc.greater(table[OFFSET], covered)).drop_columns([OFFSET])
        batches = table.combine_chunks().to_batches()
        rows = [from_arrow(batch, self._dimensions, self._seconds, file.name) for batch in batches]
        return merge_rows(rows, self._dimensions)

    def _table(self, file: ArchiveFile, start: float, end: float) -> pa.Table:
        begins = pc.field("window_start")
        wanted = (begins >= _instant(start)) & (begins < _instant(end))
        try:
            with self._opened(file) as raw:
                return pq.read_table(raw, filters=wanted)
        except pa.ArrowInvalid as error:
            raise _damaged(file, error) from error


def _damaged(file: ArchiveFile, error: Exception) -> OperatorError:
    return OperatorError(f"{file.name} in the archive is damaged: {error}")


def write_merged(
    rows: Iterable[ArchiveRows], target: BinaryIO, dimensions: tuple[str, ...], seconds: int
) -> None:
    """Write the merged file of a day.

    Args:
        rows: Its rows, whole windows in time order.
        target: Where to.
        dimensions: The configured dimensions.
        seconds: Length of the windows.
    """
    with pq.ParquetWriter(target, schema(dimensions), compression="zstd") as writer:
        for some in rows:
            writer.write_table(to_arrow(some, seconds))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
