"""A recording through the stages of the live worker: what comes of it goes to a sink."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from streams.config import Settings
from streams.domain.change_points import ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.domain.outcomes import DeadLetter, SourcePartition
from streams.domain.releases import ReleaseEvent
from streams.domain.series import partition_of
from streams.domain.time import window_start
from streams.replay.pipeline import Pipeline, in_order
from streams.replay.request import Progress, ReplaySummary
from streams.stages.ingest import Ingest
from streams.stages.recordings import OutcomeRecording, Recording, WindowRecording
from streams.stages.records import IngestStatistics
from streams.windows.blocks import CountsBlock, SourceProgress
from streams.windows.cells import CellTable, Int64
from streams.windows.closed import ClosedWindow
from streams.windows.merging import empty_table, select
from streams.windows.ranges import TimeRange

_WINDOWS = SourcePartition("windows", 0)
"""Stands for recorded windows where the judges expect a source partition."""


class ReplaySink(Protocol):
    """Takes what a replay finds."""

    def add_read(self, found: IngestStatistics) -> None:
        """Take what became of records that were read, before the windows that they close."""
        ...

    def add_closed(self, closed: ClosedWindow) -> None:
        """Take a closed window, or late outcomes."""
        ...

    def add_incident(self, record: IncidentRecord) -> None:
        """Take an incident record, in the order they are written."""
        ...

    def add_change_point(self, point: ChangePoint) -> None:
        """Take a change point; they come at the end, ordered by time, series and kind."""
        ...

    def add_dead_letter(self, letter: DeadLetter, place: Mapping[str, str | int]) -> None:
        """Take a record that can never be counted, and where it lies."""
        ...


@dataclass(slots=True)
class _Tally:
    """What has been read and found so far."""

    events: int = 0
    duplicates: int = 0
    late: int = 0
    dead_letters: int = 0
    windows: set[int] = field(default_factory=set)
    change_points: list[ChangePoint] = field(default_factory=list)
    incidents: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Drive:
    """One way of a recording through the stages.

    Attributes:
        settings: The installation's settings.
        wanted: The range of event time.
        sink: Takes what is found.
        progress: Hears how far it is.
        now: Processing time, in seconds since the epoch: it bounds how far ahead events may be that
            have no record time.
    """

    settings: Settings
    wanted: TimeRange
    sink: ReplaySink
    progress: Progress
    now: float

    def run(self, recording: Recording, releases: Iterable[ReleaseEvent]) -> ReplaySummary:
        """Run a recording through the stages.

        Args:
            recording: Outcome events or closed windows.
            releases: The release log.

        Raises:
            OperatorError: What is recorded is not what it should be.
            OutsideSystemError: The recording could not be read, or the sink not write.
        """
        tally = _Tally()

        def on_window(closed: ClosedWindow) -> None:
            self.sink.add_closed(closed)
            tally.change_points += closed.change_points
            if closed.window is not None:
                tally.windows.add(closed.window)

        def on_incident(record: IncidentRecord) -> None:
            self.sink.add_incident(record)
            tally.incidents.add(record.incident)

        pipeline = Pipeline(self.settings, on_window, on_incident)
        pipeline.add_releases(releases)
        if isinstance(recording, WindowRecording):
            steps = self._windows(recording, pipeline, tally)
        else:
            steps = self._outcomes(recording, pipeline, tally)
        for done in steps:
            self.progress.advance(done, recording.size, tally.events, len(tally.windows))
        for point in in_order(tally.change_points):
            self.sink.add_change_point(point)
        return ReplaySummary(
            events=tally.events,
            duplicates=tally.duplicates,
            late=tally.late,
            dead_letters=tally.dead_letters,
            windows=len(tally.windows),
            change_points=len(tally.change_points),
            incidents=len(tally.incidents),
        )

    def _outcomes(
        self, recording: OutcomeRecording, pipeline: Pipeline, tally: _Tally
    ) -> Iterator[int]:
        """Run events through ingest, always of the partition furthest behind; yields what is done.

        A live worker reads its partitions at about the same event time, too.
        """
        sources = recording.sources
        ingest = Ingest(self.settings, partitions_of={one.topic: len(sources) for one in sources})
        for source in sources:
            ingest.assign(source, None)
        watermarks = dict.fromkeys(sources, float("-inf"))
        done = dict.fromkeys(sources, 0)
        reading = set(sources)
        while reading:
            source = min(reading, key=lambda one: (watermarks[one], one))
            read = recording.read(source, watermarks[source])
            if read is None:
                ingest.set_idle(source, idle=True)
                reading.remove(source)
            else:
                done[source] = read.done
                ingest.process(read.batch, self.now)
            watermarks.update(self._flush(recording, ingest, pipeline, tally))
            yield sum(done.values())

    def _flush(
        self, recording: OutcomeRecording, ingest: Ingest, pipeline: Pipeline, tally: _Tally
    ) -> dict[SourcePartition, float]:
        """Hand on what has been folded; give the watermarks of the partitions that moved."""
        flush = ingest.flush()
        found = flush.statistics
        self.sink.add_read(found)
        tally.events += found.records
        tally.duplicates += found.duplicates
        tally.late += found.late
        tally.dead_letters += len(flush.dead_letters)
        for letter in flush.dead_letters:
            self.sink.add_dead_letter(letter, recording.place(letter.source, letter.offset))
        pipeline.take(
            {
                partition: [self._within(block) for block in blocks]
                for partition, blocks in flush.blocks.items()
            }
        )
        # As they are, not as the range cuts them off: whoever is furthest behind is read next.
        moved = (progress for block in flush.blocks[0] for progress in block.sources)
        return {one.source: one.watermark for one in moved if one.watermark is not None}

    def _within(self, block: CountsBlock) -> CountsBlock:
        """Keep the windows that begin in the range asked for."""
        seconds = block.window_seconds
        sources = tuple(self.wanted.progress(one, seconds) for one in block.sources)
        return CountsBlock(seconds, sources, self.wanted.cells(block.cells, seconds))

    def _windows(
        self, recording: WindowRecording, pipeline: Pipeline, tally: _Tally
    ) -> Iterator[int]:
        """Run windows through the judges; yields what is done."""
        seconds = self.settings.windows.seconds
        latest: float | None = None
        rows = 0
        for recorded in recording.windows():
            cells = recorded.cells
            rows += len(cells)
            tally.events += _operations(cells)
            tally.late += _operations(select(cells, cells.late)) if cells.late.any() else 0
            if len(cells):
                newest = window_start(int(cells.windows.max()), seconds)
                latest = newest if latest is None else max(latest, newest)
            before = recorded.complete_before
            made = SourceProgress(_WINDOWS, 1, 0, rows, before, latest, idle=False)
            done = self.wanted.progress(made, seconds)
            pipeline.take(self._partitioned(cells, done))
            yield recorded.done
        end = SourceProgress(_WINDOWS, 1, 0, rows, None, latest, idle=True)
        pipeline.take(self._partitioned(empty_table(self.settings.ingest.dimensions), end))

    def _partitioned(
        self, cells: CellTable, source: SourceProgress
    ) -> dict[int, list[CountsBlock]]:
        """Split cells by counts partition, as ingest does."""
        seconds, count = self.settings.windows.seconds, self.settings.topics.counts_partitions
        owners = owners_of(cells, self.settings.group_positions, count)
        return {
            partition: [CountsBlock(seconds, (source,), select(cells, owners == partition))]
            for partition in range(count)
        }


def owners_of(cells: CellTable, positions: tuple[int, ...], partitions: int) -> Int64:
    """Give the (N,) counts partition of each cell, worked out once for each shrinkage group."""
    groups = np.zeros(len(cells), np.int64)
    for position in positions:
        groups = groups * len(cells.values[position]) + cells.codes[position]
    _, firsts, group = np.unique(groups, return_index=True, return_inverse=True)
    columns = list(zip(cells.values, cells.codes, strict=True))
    keys = [tuple(values[codes[row]] for values, codes in columns) for row in firsts.tolist()]
    owners = [partition_of(key, positions, partitions) for key in keys]
    return np.array(owners, np.int64)[group]


def _operations(cells: CellTable) -> int:
    return int(cells.trials.sum() + cells.cancelled.sum() + cells.caller_faults.sum())
