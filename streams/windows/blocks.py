"""Counts blocks: what ingest tells the judge, one message per flush and counts partition."""

from dataclasses import dataclass

from streams.domain.outcomes import SourcePartition
from streams.windows.cells import CellTable


@dataclass(frozen=True, slots=True)
class SourceProgress:
    """How far one source partition has been read.

    Attributes:
        source: The partition.
        partitions: How many partitions its topic has; the judge waits for all of them.
        first_offset: First offset this block covers.
        next_offset: First offset it does not cover.
        watermark: No earlier event time is expected any more, in seconds since the epoch; None
            before the first event.
        latest: Latest event time seen, in seconds since the epoch; None before the first event.
        idle: The partition sends nothing: it must not hold the windows open.
    """

    source: SourcePartition
    partitions: int
    first_offset: int
    next_offset: int
    watermark: float | None
    latest: float | None
    idle: bool


@dataclass(frozen=True, slots=True)
class CountsBlock:
    """Cells of one counts partition, and the progress they bring the sources to.

    Attributes:
        window_seconds: Length of the windows the cells are of.
        sources: Progress; empty in all but the last block of a flush, because only then all its
            cells are there.
        cells: The counts; may be empty.
    """

    window_seconds: int
    sources: tuple[SourceProgress, ...]
    cells: CellTable
