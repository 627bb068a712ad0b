"""Tumbling windows of one counts partition: open cells in, closed windows out."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from streams.windows.cells import CellTable
from streams.windows.cutting import drop_unused
from streams.windows.merging import merge, select, stretch

COMPACT_ROWS = 200_000
"""Rows that come in before equal cells are added up; bounds the memory, changes no result."""


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
            The cells that came too late: those marked late by ingest, and those of windows closed
            here.
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
        closed = int(np.searchsorted(whole.windows, through, side="right"))
        self.parts = [stretch(whole, closed, len(whole))] if closed < len(whole) else []
        starts = np.flatnonzero(np.diff(whole.windows[:closed], prepend=-1)).tolist()
        # Without the names that only other open windows use: bytes must not depend on the cut.
        bounds = pairwise([*starts, closed])
        return [drop_unused(stretch(whole, low, high)) for low, high in bounds]

    @property
    def held(self) -> int:
        """Give the number of rows held."""
        return sum(map(len, self.parts))

    def merged(self) -> CellTable:
        """Give the cells of all open windows."""
        return merge(self.parts, self.dimensions)

    @property
    def crowded(self) -> bool:
        """Tell whether as much has come since cells were last added up as there was then."""
        settled = len(self.parts[0]) if self.parts else 0
        return self.held - settled > max(COMPACT_ROWS, settled)

    def _hold(self, table: CellTable) -> None:
        if len(table):
            self.parts.append(table)
