"""The archive of a worker: closed windows from their topic into files, each once.

A part is written whole before the offset behind it is committed, so a worker that is killed at any
moment loses nothing; what it wrote and did not commit is removed by whoever goes on. The judge is
not involved: it has done its part when the window is in Kafka.
"""

import io
import tempfile
from collections import Counter
from pathlib import Path
from threading import Event
from typing import BinaryIO, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from streams.adapters.archive import ArchiveStore
from streams.adapters.kafka.window_log import Logged, WindowLog
from streams.config import Settings
from streams.domain.errors import OpwatchError, OutsideSystemError
from streams.ports import Clock
from streams.replay.archive_layout import (
    ArchiveFile,
    DayFiles,
    day_of,
    days_of,
    file_of,
    mergeable,
    unfinished,
)
from streams.replay.archive_tables import ArchivedMessage, DayReader, part_tables, write_merged
from streams.windows.closed_codec import decode_closed

log = structlog.get_logger("opwatch.archive")

MOST_ROWS = 200_000
"""Rows kept before they are written sooner: some 50 MB."""

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between two attempts: twice as long after each that failed."""


class ArchiveObserver(Protocol):
    """Hears how the archive grows."""

    def archived(self, partition: int, windows: int) -> None:
        """Hear that closed windows of a counts partition are in the archive."""
        ...

    def archive_failed(self) -> None:
        """Hear of an attempt that failed and is made again."""
        ...


class ArchiveAt:
    """The files of an archive; see `streams.replay.archived_windows.ArchiveFiles`."""

    def __init__(self, store: ArchiveStore) -> None:
        """Take the files of a store."""
        self._store = store
        self.address = store.address

    def files(self) -> list[ArchiveFile]:
        """Give all files of the archive; what else lies there is passed over."""
        return [file for name in self._store.names() if (file := file_of(name))]

    def opened(self, file: ArchiveFile) -> BinaryIO:
        """Open a file for reading."""
        return self._store.opened(file.name)


class Archiver:
    """Writes the archive until told to stop; a failing store delays it and nothing else."""

    def __init__(
        self, settings: Settings, store: ArchiveStore, observer: ArchiveObserver, clock: Clock
    ) -> None:
        """Describe it; neither Kafka nor the store is spoken to before `run`.

        Args:
            settings: The installation's settings.
            store: Where the archive lies.
            observer: Hears how it grows.
            clock: Processing time.
        """
        self._settings = settings
        self._store = store
        self._files = ArchiveAt(store)
        self._observer = observer
        self._clock = clock
        self._topic = ""
        self._pending: list[ArchivedMessage] = []
        self._rows = 0
        self._next: int | None = None
        self._is_tidy = False
        self._due = self._merge_due = self._again_at = float("-inf")
        self._pause = 0.0
        self._newest: int | None = None

    def run(self, stop: Event) -> None:
        """Read and write until `stop` is set; what is not written by then is read again.

        Raises:
            OutsideSystemError: Kafka does not answer.
        """
        with WindowLog(self._settings, "archive", self._changed) as window_log:
            self._topic = window_log.identity()
            while not stop.is_set():
                if self._pause:  # nothing more is taken before what there is can be written
                    window_log.wait()
                else:
                    self._take(window_log.read())
                if self._next is not None and self._clock.now() >= self._again_at:
                    self._do(window_log)

    def _changed(self, next_offset: int | None) -> None:
        """Forget what was read: the partition comes, or goes."""
        self._pending, self._rows = [], 0
        self._next, self._is_tidy = next_offset, False

    def _take(self, logged: list[Logged]) -> None:
        every = self._settings.archive.every.total_seconds()
        for one in logged:
            if not self._pending:
                self._due = self._clock.now() + every
            try:
                closed = decode_closed(one.value)
            except msgspec.DecodeError as error:
                topic = self._settings.topics.named("windows")
                raise OutsideSystemError(
                    f"message {one.offset} of topic {topic} is no closed window: {error}"
                ) from error
            self._pending.append(ArchivedMessage(one.offset, closed))
            self._rows += len(closed.cells)
            if closed.window is not None:
                self._newest = max(closed.window, self._newest or 0)

    def _do(self, window_log: WindowLog) -> None:
        """Write and merge what is due."""
        now = self._clock.now()
        try:
            if not self._is_tidy:
                self._tidy()
            if self._pending and (now >= self._due or self._rows >= MOST_ROWS):
                self._write(window_log)
            if self._newest is not None and now >= self._merge_due:
                self._merge(day_of(self._newest, self._settings.windows.seconds))
                self._merge_due = now + self._settings.archive.merge_every.total_seconds()
        except OpwatchError as error:
            self._failed(error)
        else:
            if self._pause:
                log.info("archive_works_again", archive=self._store.address)
            self._pause = 0.0

    def _failed(self, error: OpwatchError) -> None:
        self._observer.archive_failed()
        if not self._pause:
            log.warning("archive_failed", error=str(error), consequence="it is tried again")
        self._pause = min(max(2 * self._pause, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
        self._again_at = self._clock.now() + self._pause

    def _tidy(self) -> None:
        """Remove what a writer left that did not come to commit it."""
        self._store.tidy(self._clock.now())
        # Where Kafka has forgotten what was committed, that is all that can be read again.
        left = unfinished(self._files.files(), self._topic, self._next or 0)
        self._store.delete(one.name for one in left)
        self._is_tidy = True

    def _write(self, window_log: WindowLog) -> None:
        for file, table in part_tables(self._pending, self._topic).items():
            self._store.write(file.name, _parquet(table))
        next_offset = self._pending[-1].offset + 1
        if not window_log.commit(next_offset):
            self._changed(None)
            return
        self._next = next_offset
        windows = Counter(
            one.closed.partition for one in self._pending if one.closed.window is not None
        )
        for partition, count in sorted(windows.items()):
            self._observer.archived(partition, count)
        self._pending, self._rows = [], 0

    def _merge(self, today: int) -> None:
        """Merge the files of days that are over."""
        through = (self._next or 0) - 1
        written = [
            one for one in self._files.files() if one.topic == self._topic and one.last <= through
        ]
        for day in mergeable(days_of(written), today):
            self._merge_day(day, ArchiveFile(day.day, self._topic, None, through))

    def _merge_day(self, day: DayFiles, target: ArchiveFile) -> None:
        dimensions, seconds = self._settings.ingest.dimensions, self._settings.windows.seconds
        if day.parts:
            reader = DayReader([day], self._files.opened, dimensions, seconds)
            with tempfile.TemporaryDirectory(prefix="opwatch-archive-") as folder:
                path = Path(folder) / "windows.parquet"
                with path.open("wb") as file:
                    rows = (some for _, some in reader.slices(*day.bounds))
                    write_merged(rows, file, dimensions, seconds)
                self._store.put(target.name, path)
            merged = [one.name for one in day.read if one != target]
        else:
            merged = []
        self._store.delete([*merged, *(one.name for one in day.obsolete)])


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
