"""A range of event time, and the cells and the progress in it."""

import math
from dataclasses import dataclass, replace

import numpy as np

from streams.domain.time import window_end, window_start
from streams.windows.blocks import SourceProgress
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

    def progress(self, made: SourceProgress, window_seconds: int) -> SourceProgress:
        """Let progress end with the range.

        Otherwise what lies behind the range, and is left out, would pass for silence.
        """
        if self.end is None:
            return made
        last = math.ceil(self.end / window_seconds) - 1
        bound, latest = window_end(last, window_seconds), window_start(last, window_seconds)
        return replace(
            made,
            watermark=None if made.watermark is None else min(made.watermark, bound),
            latest=None if made.latest is None else min(made.latest, latest),
        )
