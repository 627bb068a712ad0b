"""Recordings: what a replay starts from, wherever it lies; outcome events or closed windows.

Whoever gives one knows the range of event time that is wanted, and gives at least what is in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from streams.domain.outcomes import SourcePartition
from streams.stages.records import RecordBatch
from streams.windows.cells import CellTable


@dataclass(frozen=True, slots=True)
class RecordedEvents:
    """Some consecutive records of one source partition.

    Attributes:
        batch: The records.
        done: How much of the partition is read, in the unit of `OutcomeRecording.size`.
    """

    batch: RecordBatch
    done: int


@dataclass(frozen=True, slots=True)
class RecordedWindows:
    """Cells of closed windows.

    Attributes:
        cells: Counts; `late` where they came after their window had closed.
        complete_before: All punctual cells of windows that begin before this have been given, in
            seconds since the epoch; None while that is not known.
        done: How much is read, in the unit of `WindowRecording.size`.
    """

    cells: CellTable
    complete_before: float | None
    done: int


class OutcomeRecording(Protocol):
    """Recorded outcome events, partition by partition as a live worker sees them."""

    @property
    def sources(self) -> Sequence[SourcePartition]:
        """Give the source partitions; they are all of one topic."""
        ...

    @property
    def size(self) -> int:
        """Give how much there is to read, about, in any unit."""
        ...

    def read(self, source: SourcePartition, watermark: float) -> RecordedEvents | None:
        """Give the next records of a partition, None at its end.

        Args:
            source: The partition.
            watermark: No earlier event is expected of it any more, in seconds since the epoch; it
                may end when that is well behind the range that is wanted.
        """
        ...

    def place(self, source: SourcePartition, offset: int) -> Mapping[str, str | int]:
        """Say where a record lies, for people."""
        ...


@runtime_checkable
class WindowRecording(Protocol):
    """Recorded closed windows."""

    @property
    def size(self) -> int:
        """Give how much there is to read, about, in any unit."""
        ...

    def windows(self) -> Iterator[RecordedWindows]:
        """Give the cells; a window and series may come in several pieces."""
        ...


Recording = OutcomeRecording | WindowRecording
