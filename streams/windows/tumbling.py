"""Tumbling windows of one counts partition: open cells in, closed windows out."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from streams.windows.cells import CellTable
from streams.windows.merging import merge, select, stretch

COMPACT_ROWS = 200_000
"""Rows held before equal cells are added up; bounds the memory of the open windows, changes no result."""


@dataclass(slots=True)
class OpenWindows:
    """Running state: what has come for windows that are not closed.

    Attributes:
        dimensions: Names of the dimensions.
        parts: Tables not yet added up.
        closed_through: Newest closed window; None before the first closes.
    """

    dimensions: tuple[str, ...]
    parts: list[CellTable] = field(default_factory=list)
    closed_through: int | None = None

    def fold(self, table: CellTable) -> CellTable:
        """Add a table to the open windows.

        Returns:
            The cells that came too late: those marked late by ingest, and those of windows closed here.
        """
        past = table.late
        if self.closed_through is not None:
            past = past | (table.windows <= self.closed_through)
        if not past.any():
            self._hold(table)
            return select(table, past)
        self._hold(select(table, ~past))
        return select(table, past)

    def close(self, through: int) -> list[CellTable]:
        """Close all windows up to and including one.

        Returns:
            One table per closed window that has any cells, in time order.
        """
        if self.closed_through is not None and through <= self.closed_through:
            return []
        self.closed_through = through
        whole = self.merged()
        # Merged tables are sorted by window, so that every window is a stretch of rows.
        bounds = [0, *(np.flatnonzero(np.diff(whole.windows)) + 1).tolist(), len(whole)]
        tables = [stretch(whole, low, high) for low, high in pairwise(bounds) if low < high]
        self.parts = [table for table in tables if table.windows[0] > through]
        return [table for table in tables if table.windows[0] <= through]

    @property
    def held(self) -> int:
        """Give the number of rows held."""
        return sum(map(len, self.parts))

    def merged(self) -> CellTable:
        """Give the cells of all open windows."""
        return merge(self.parts, self.dimensions)

    def _hold(self, table: CellTable) -> None:
        if len(table):
            self.parts.append(table)
        if len(self.parts) > 1 and self.held > COMPACT_ROWS:
            self.parts = [merge(self.parts, self.dimensions)]

