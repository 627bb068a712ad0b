"""The windows of a replay on disk: taken as they close, given back complete and in order."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from streams.config import Settings
from streams.replay.windows_table import (
    ArchiveRows,
    archive_rows,
    from_arrow,
    merge_rows,
    schema,
    select_rows,
    to_arrow,
)
from streams.windows.cells import CellTable
from streams.windows.merging import select

_GROUP_ROWS = 100_000
"""Rows of a row group, at least: about 20 MB in memory, and well compressed."""

_PARTS = 1_000
"""Tables kept before they are added up: many small ones weigh more than their rows."""


class WindowArchive:
    """Spools closed windows to disk in time order; stragglers stay in memory until the end."""

    def __init__(self, spool: Path, settings: Settings) -> None:
        """Open the spool.

        Args:
            spool: A file to keep the windows in until `finish`.
            settings: For dimensions and window length.

        Raises:
            OSError: The file cannot be written.
        """
        self._dimensions = settings.ingest.dimensions
        self._seconds = settings.windows.seconds
        self._schema = schema(self._dimensions)
        self._spool = spool
        self._writer = pq.ParquetWriter(spool, self._schema, compression="zstd")
        self._begun: list[ArchiveRows] = []
        self._newest: int | None = None
        self._written_through: int | None = None
        self._stragglers: list[ArchiveRows] = []
        self._begun_rows = 0

    def add(self, table: CellTable) -> None:
        """Take cells of closed windows, late ones among them."""
        past = table.late
        if self._written_through is not None:
            past = past | (table.windows <= self._written_through)
        if past.any():
            self._keep(self._stragglers, archive_rows(select(table, past)))
            table = select(table, ~past)
        if not len(table):
            return
        if self._newest is not None and int(table.windows.min()) > self._newest:
            self._write_begun(at_least=_GROUP_ROWS)
        self._keep(self._begun, archive_rows(table))
        self._begun_rows += len(table)
        self._newest = max(int(table.windows.max()), self._newest or 0)

    def finish(self, target: Path) -> Iterator[ArchiveRows]:
        """Write the windows table.

        Args:
            target: The Parquet file.

        Yields:
            All its rows, whole windows in time order.

        Raises:
            OSError: A file cannot be written.
        """
        self._write_begun(at_least=1)
        self._writer.close()
        stragglers = merge_rows(self._stragglers, self._dimensions)
        with (
            pq.ParquetFile(self._spool) as spool,
            pq.ParquetWriter(target, self._schema, compression="zstd") as writer,
        ):
            for group in range(spool.num_row_groups):
                rows = self._read(spool.read_row_group(group))
                due = stragglers.cells.windows <= rows.cells.windows[-1]
                rows = merge_rows([rows, select_rows(stragglers, due)], self._dimensions)
                stragglers = select_rows(stragglers, ~due)
                writer.write_table(to_arrow(rows, self._seconds))
                yield rows
            if len(stragglers):
                writer.write_table(to_arrow(stragglers, self._seconds))
                yield stragglers

    def close(self) -> None:
        """Close the spool; may be called again."""
        self._writer.close()

    def _keep(self, parts: list[ArchiveRows], rows: ArchiveRows) -> None:
        parts.append(rows)
        if len(parts) > _PARTS:
            parts[:] = [merge_rows(parts, self._dimensions)]

    def _write_begun(self, at_least: int) -> None:
        if self._begun_rows < at_least:
            return
        rows = merge_rows(self._begun, self._dimensions)
        self._writer.write_table(to_arrow(rows, self._seconds))
        self._written_through = self._newest
        self._begun, self._begun_rows = [], 0

    def _read(self, table: pa.Table) -> ArchiveRows:
        (batch,) = table.combine_chunks().to_batches()
        return from_arrow(batch, self._dimensions, self._seconds, str(self._spool))
