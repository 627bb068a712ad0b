"""A range of event time, and the cells in it."""

from dataclasses import dataclass

import numpy as np

from streams.windows.cells import CellTable
from streams.windows.merging import select


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The windows that begin in [start, end).

    Attributes:
        start: Seconds since the epoch; None for no bound.
        end: Seconds since the epoch; None for no bound.
    """

    start: float | None = None
    end: float | None = None

    def cells(self, table: CellTable, window_seconds: int) -> CellTable:
        """Keep the cells whose window begins in the range."""
        if self.start is None and self.end is None:
            return table
        begins = table.windows * window_seconds
        first = -np.inf if self.start is None else self.start
        last = np.inf if self.end is None else self.end
        inside = (begins >= first) & (begins < last)
        return table if inside.all() else select(table, inside)
