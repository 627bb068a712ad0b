"""The archive as a recording: closed windows of a range of event time, read day by day."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

import numpy as np

from streams.config import Settings
from streams.domain.errors import OperatorError
from streams.domain.time import format_instant
from streams.replay.archive_layout import DAY_S, ArchiveFile, DayFiles, days_of
from streams.replay.archive_tables import DayReader
from streams.replay.windows_table import split_late
from streams.stages.recordings import RecordedWindows
from streams.windows.ranges import TimeRange


class ArchiveFiles(Protocol):
    """Where the archive lies."""

    @property
    def address(self) -> str:
        """Give its address, for people."""
        ...

    def files(self) -> Sequence[ArchiveFile]:
        """Give all its files."""
        ...

    def opened(self, file: ArchiveFile) -> BinaryIO:
        """Open a file for reading, with seek."""
        ...


class ArchivedWindows:
    """Windows of the archive; see `WindowRecording`."""

    def __init__(self, archive: ArchiveFiles, settings: Settings, wanted: TimeRange) -> None:
        """Look for the files of the range.

        Args:
            archive: Where they lie.
            settings: For dimensions and window length.
            wanted: The range of event time.

        Raises:
            OperatorError: There is nothing in the range.
            OutsideSystemError: The archive does not answer.
        """
        self._archive = archive
        self._dimensions = settings.ingest.dimensions
        self._seconds = settings.windows.seconds
        self._start = -np.inf if wanted.start is None else wanted.start
        self._end = np.inf if wanted.end is None else wanted.end
        every = days_of(archive.files())
        chosen: dict[int, list[DayFiles]] = {}
        for one in every:
            if (one.day + 1) * DAY_S > self._start and one.day * DAY_S < self._end:
                chosen.setdefault(one.day, []).append(one)
        if not chosen:
            raise OperatorError(f"{archive.address} {_what_there_is(every)}")
        self._days = chosen
        self.size = DAY_S * len(chosen)

    def windows(self) -> Iterator[RecordedWindows]:
        """Give the cells in time order, an hour at a time."""
        for number, (day, files) in enumerate(sorted(self._days.items())):
            begin, end = day * DAY_S, (day + 1) * DAY_S
            reader = DayReader(files, self._archive.opened, self._dimensions, self._seconds)
            for until, rows in reader.slices(max(begin, self._start), min(end, self._end)):
                done = number * DAY_S + until - begin
                yield RecordedWindows(split_late(rows), float(until), done)


def _what_there_is(every: Sequence[DayFiles]) -> str:
    if not every:
        return "holds no archive: no file in it is of closed windows"
    first, last = (format_instant(float(one.day * DAY_S))[:10] for one in (every[0], every[-1]))
    return f"holds nothing of this time; it has days from {first} to {last}"
