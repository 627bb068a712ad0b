"""Replay: recorded events or windows through the stages of the live worker."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog

from streams.config import Settings
from streams.domain.change_points import ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.domain.outcomes import SourcePartition
from streams.domain.releases import ReleaseEvent
from streams.domain.series import partition_of
from streams.domain.time import window_start
from streams.formats.release_json import decode_release
from streams.ports import Clock
from streams.replay.inputs import LineBatch, file_size, read_events, read_windows
from streams.replay.outputs import ReplayOutputs
from streams.replay.pipeline import Pipeline, in_order
from streams.replay.request import Progress, ReplayRequest, ReplaySummary
from streams.stages.ingest import Ingest, RecordBatch
from streams.windows.blocks import CountsBlock, SourceProgress
from streams.windows.cells import CellTable
from streams.windows.closed import ClosedWindow
from streams.windows.merging import empty_table, select

log = structlog.get_logger("opwatch.replay")

FILES = "files"
"""Topic that stands for the files of a replay: each file is a partition of it."""

_NEVER = int(np.iinfo(np.int64).max)


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


def replay(
    settings: Settings, request: ReplayRequest, progress: Progress, clock: Clock
) -> ReplaySummary:
    """Run files through the stages and write what comes of it.

    Args:
        settings: The installation's settings.
        request: What to read, and where to write.
        progress: Hears how far the replay is.
        clock: Processing time, which bounds how far ahead an event's time may be.

    Raises:
        OperatorError: A file is missing or not what it should be, or the folder cannot be written.
        OutsideSystemError: The disk failed.
    """
    sizes = [file_size(path) for path in _inputs(request)]
    releases = _read_releases(request.releases)
    tally = _Tally()
    with ReplayOutputs(request.out, settings) as outputs:

        def on_window(closed: ClosedWindow) -> None:
            baseline = np.where(closed.learning, np.nan, closed.baseline)
            outputs.add_window(closed.cells, baseline)
            tally.change_points += closed.change_points
            if closed.window is not None:
                tally.windows.add(closed.window)

        def on_incident(record: IncidentRecord) -> None:
            outputs.add_incident(record.record())
            tally.incidents.add(record.incident)

        pipeline = Pipeline(settings, on_window, on_incident)
        pipeline.add_releases(releases)
        if request.windows is None:
            steps = _outcomes(settings, request, pipeline, tally, clock)
        else:
            steps = _windows(settings, request, request.windows, pipeline, tally)
        for done in steps:
            progress.advance(done, sum(sizes), tally.events, len(tally.windows))
        for point in in_order(tally.change_points):
            outputs.add_change_point(point.record())
        outputs.finish()
    return ReplaySummary(
        events=tally.events,
        duplicates=tally.duplicates,
        late=tally.late,
        dead_letters=tally.dead_letters,
        windows=len(tally.windows),
        change_points=len(tally.change_points),
        incidents=len(tally.incidents),
    )


def _inputs(request: ReplayRequest) -> tuple[Path, ...]:
    return request.outcomes if request.windows is None else (request.windows,)


def _read_releases(path: Path | None) -> list[ReleaseEvent]:
    """Read release events; bad ones are logged with their line and passed over."""
    events = []
    for batch in read_events(path) if path is not None else ():
        for number, line in enumerate(batch.lines, batch.first_line):
            event = decode_release(line)
            if isinstance(event, ReleaseEvent):
                events.append(event)
            elif line.strip():
                log.warning(
                    "release_set_aside", file=str(path), line=number + 1, detail=event.detail
                )
    return events


@dataclass(slots=True)
class _File:
    """One file being read: its batches, its stand-in for a partition, and how far it is read."""

    source: SourcePartition
    batches: Iterator[LineBatch]
    watermark: float = float("-inf")
    position: int = 0


def _outcomes(
    settings: Settings, request: ReplayRequest, pipeline: Pipeline, tally: _Tally, clock: Clock
) -> Iterator[int]:
    """Run outcome files through ingest, always the one furthest behind; yields bytes read."""
    ingest = Ingest(settings, partitions_of={FILES: len(request.outcomes)})
    files = [
        _File(SourcePartition(FILES, number), read_events(path))
        for number, path in enumerate(request.outcomes)
    ]
    for file in files:
        ingest.assign(file.source, None)
    reading = list(files)
    now = clock.now()
    while reading:
        file = min(reading, key=lambda one: (one.watermark, one.source))
        batch = next(file.batches, None)
        if batch is None:
            ingest.set_idle(file.source, idle=True)
            reading.remove(file)
        else:
            file.position = batch.position
            ingest.process(_records(file.source, batch), now)
        _flush(settings, request, ingest, pipeline, tally, file)
        yield sum(one.position for one in files)


def _records(source: SourcePartition, batch: LineBatch) -> RecordBatch:
    last = batch.first_line + len(batch.lines)
    return RecordBatch(source, batch.lines, range(batch.first_line, last), None, None)


def _flush(
    settings: Settings,
    request: ReplayRequest,
    ingest: Ingest,
    pipeline: Pipeline,
    tally: _Tally,
    file: _File,
) -> None:
    flush = ingest.flush()
    found = flush.statistics
    tally.events += found.records
    tally.duplicates += found.duplicates
    tally.late += found.late
    tally.dead_letters += len(flush.dead_letters)
    for letter in flush.dead_letters:
        path = request.outcomes[letter.source.partition]
        log.warning(
            "dead_letter",
            file=str(path),
            line=letter.offset + 1,
            reason=letter.reason.value,
            detail=letter.detail,
        )
    for blocks in flush.blocks.values():
        for progress in (one for block in blocks for one in block.sources):
            if progress.source == file.source and progress.watermark is not None:
                file.watermark = progress.watermark
    pipeline.take(
        {
            partition: [_within(block, request, settings.windows.seconds) for block in blocks]
            for partition, blocks in flush.blocks.items()
        }
    )


def _within(block: CountsBlock, request: ReplayRequest, seconds: int) -> CountsBlock:
    """Keep the windows that begin in the range asked for."""
    cells = _in_range(block.cells, request, seconds)
    return CountsBlock(block.window_seconds, block.sources, cells)


def _in_range(cells: CellTable, request: ReplayRequest, seconds: int) -> CellTable:
    if request.start is None and request.end is None:
        return cells
    begins = cells.windows * seconds
    first = -np.inf if request.start is None else request.start
    last = np.inf if request.end is None else request.end
    return select(cells, (begins >= first) & (begins < last))


def _windows(
    settings: Settings, request: ReplayRequest, path: Path, pipeline: Pipeline, tally: _Tally
) -> Iterator[int]:
    """Run a windows table through the judges; yields bytes read.

    The table is read twice: first to learn how old what is still to come may be, so that windows
    close as early as they can and a long table need not be held.
    """
    seconds = settings.windows.seconds
    source = SourcePartition(FILES, 0)
    latest: float | None = None
    rows = 0
    watermarks = _watermarks((cells for cells, _ in _cells_of(settings, request, path)), seconds)
    batches = _cells_of(settings, request, path)
    for (cells, position), watermark in zip(batches, watermarks, strict=True):
        rows += len(cells)
        tally.events += int(cells.trials.sum() + cells.cancelled.sum() + cells.caller_faults.sum())
        if len(cells):
            newest = window_start(int(cells.windows.max()), seconds)
            latest = newest if latest is None else max(latest, newest)
        done = SourceProgress(source, 1, 0, rows, watermark, latest, idle=False)
        pipeline.take(_partitioned(settings, cells, (done,)))
        yield position
    end = SourceProgress(source, 1, 0, rows, None, latest, idle=True)
    pipeline.take(_partitioned(settings, empty_table(settings.ingest.dimensions), (end,)))


def _cells_of(
    settings: Settings, request: ReplayRequest, path: Path
) -> Iterator[tuple[CellTable, int]]:
    """Give the cells of a windows table in the range asked for, and how many bytes are read."""
    seconds = settings.windows.seconds
    for batch in read_windows(path, settings.ingest.dimensions, seconds):
        yield _in_range(batch.cells, request, seconds), batch.position


def _watermarks(tables: Iterable[CellTable], seconds: int) -> list[float | None]:
    """Give, for each table, the start of the oldest window that the tables after it are of."""
    oldest = [int(table.windows[~table.late].min(initial=_NEVER)) for table in tables]
    following = [_NEVER]
    for one in reversed(oldest[1:]):
        following.append(min(one, following[-1]))
    return [None if one == _NEVER else window_start(one, seconds) for one in reversed(following)]


def _partitioned(
    settings: Settings, cells: CellTable, sources: tuple[SourceProgress, ...]
) -> dict[int, list[CountsBlock]]:
    """Split cells by counts partition, as ingest does."""
    count, positions = settings.topics.counts_partitions, settings.group_positions
    keys = cells.keys()
    owners = np.array([partition_of(key, positions, count) for key in keys], np.int64)
    return {
        partition: [
            CountsBlock(settings.windows.seconds, sources, select(cells, owners == partition))
        ]
        for partition in range(count)
    }
