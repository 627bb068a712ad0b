"""Ingest: records in; counts blocks, late outcomes, dead letters and positions out.

Every record goes through exactly one door: it is counted (on time or late), it is a duplicate, or
it is a dead letter. Which one depends on the records before it in its partition, and on the ids the
worker remembers; never on how records are cut into batches or flushes, and never on a clock where
the record's own time is known.

Watermark: a source partition's is the latest event time seen in that partition minus the allowed
disorder. An event is late if the end of its window is not after the watermark as it was before the
event. Duplicates move the watermark, dead letters do not: an event too far ahead of its record's
time would otherwise close every window.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streams.config import Settings
from streams.domain.outcomes import (
    DeadLetter,
    DeadLetterReason,
    LateOutcome,
    Outcome,
    SourcePartition,
)
from streams.formats.instants import Float64, Int64
from streams.formats.outcome_json import OutcomeBatch, decode_outcomes
from streams.formats.rejections import Rejection
from streams.stages.duplicates import DuplicateFilter
from streams.stages.folding import Fold
from streams.stages.records import (
    Flush,
    IngestStatistics,
    PartitionPosition,
    RecordBatch,
    SourceTotals,
)
from streams.windows.blocks import CountsBlock, SourceProgress
from streams.windows.cells import CellTable
from streams.windows.cutting import cut

__all__ = ["Flush", "Ingest", "IngestStatistics", "PartitionPosition", "RecordBatch"]


@dataclass(slots=True)
class _Source:
    """Running state of one source partition."""

    next_offset: int
    flushed_offset: int
    latest: float | None
    tally: Counter[str]
    dead_letters: Counter[DeadLetterReason]
    idle: bool = False
    news: bool = False

    @classmethod
    def at(cls, start: PartitionPosition) -> "_Source":
        """Go on from a position."""
        totals = start.totals
        tally = Counter(records=totals.records, duplicates=totals.duplicates, late=totals.late)
        dead_letters = Counter(totals.dead_letters)
        return cls(start.next_offset, start.next_offset, start.latest, tally, dead_letters)

    def totals(self) -> SourceTotals:
        """Give what has become of its records."""
        tally = self.tally
        return SourceTotals(
            tally["records"], tally["duplicates"], tally["late"], dict(self.dead_letters)
        )


class Ingest:
    """The ingest stage of one worker.

    Args:
        settings: Sections ingest, windows and topics.
        partitions_of: How many partitions each source topic has.
    """

    def __init__(self, settings: Settings, *, partitions_of: Mapping[str, int]) -> None:
        self._settings = settings
        self._partitions_of = dict(partitions_of)
        self._disorder = settings.ingest.allowed_disorder.total_seconds()
        self._ahead = settings.ingest.maximum_ahead.total_seconds()
        self._fold = Fold(settings)
        self.revoke_all()

    def assign(self, source: SourcePartition, position: PartitionPosition | None) -> None:
        """Take a partition over, from a position or from the beginning.

        Feed the records from its `rebuild_offset` to its `next_offset` to `remember` before the
        first flush.
        """
        self._sources[source] = _Source.at(position or PartitionPosition(0, None, 0))

    def revoke_all(self) -> None:
        """Forget all partitions and everything that is not flushed."""
        self._sources: dict[SourcePartition, _Source] = {}
        self._duplicates = DuplicateFilter(self._settings.ingest.duplicate_horizon.total_seconds())
        self._start_afresh()

    def remember(self, batch: RecordBatch) -> None:
        """Learn the ids of records that were processed before; nothing is counted.

        Args:
            batch: Records between the `rebuild_offset` and the `next_offset` of the assigned
                position.
        """
        state = self._sources[batch.source]
        events, _ = self._decode(batch)
        if state.latest is None or not len(events.rows):
            return
        # Whatever is later than the latest event was refused when it came: it was too far ahead.
        known = (events.times <= state.latest) & ~self._too_far_ahead(events, batch, None)
        events = events.keep(known)
        watermarks = np.full(len(events.rows), state.latest - self._disorder)
        self._duplicates.duplicates(batch, events, watermarks)

    def process(self, batch: RecordBatch, now: float) -> None:
        """Process records.

        Args:
            batch: Records that follow those processed before.
            now: Processing time in seconds since the epoch: what "too far ahead" means for records
                without times.
        """
        if not batch.values:
            return
        state = self._sources[batch.source]
        events, rejections = self._decode(batch)
        far = self._too_far_ahead(events, batch, now)
        for place in np.flatnonzero(far).tolist():
            detail = "more than maximum_ahead after its record's time"
            why = Rejection(DeadLetterReason.TIME_AHEAD, detail)
            rejections.append((int(events.rows[place]), why))
        self._set_aside(batch, state, rejections)
        self._count(batch, state, events.keep(~far))
        self._records += len(batch.values)
        state.tally["records"] += len(batch.values)
        state.next_offset = batch.offsets[-1] + 1
        state.idle, state.news = False, True

    def set_idle(self, source: SourcePartition, idle: bool) -> None:  # noqa: FBT001 - the state itself
        """Record that a partition sends nothing (it does not hold windows open), or does again."""
        state = self._sources[source]
        if state.idle != idle:
            state.idle, state.news = idle, True

    @property
    def pending_cells(self) -> int:
        """Cells, late outcomes and dead letters that wait; exact from `flush_cells` cells on."""
        cells = self._fold.size(self._settings.ingest.flush_cells)
        return cells + len(self._late) + len(self._dead_letters)

    @property
    def has_news(self) -> bool:
        """Whether there is anything to flush: records, or a change of idleness."""
        return any(state.news for state in self._sources.values())

    def flush(self) -> Flush:
        """Give everything since the last flush, and start afresh."""
        moved = sorted(source for source, state in self._sources.items() if state.news)
        progress = tuple(self._progress(source) for source in moved)
        flush = Flush(
            blocks={
                partition: self._blocks(table, progress)
                for partition, table in enumerate(self._fold.tables())
            },
            late=tuple(sorted(self._late, key=lambda one: (one.source, one.offset))),
            dead_letters=tuple(
                sorted(self._dead_letters, key=lambda one: (one.source, one.offset))
            ),
            positions={source: self._position(source) for source in moved},
            statistics=self._statistics(),
        )
        for source in moved:
            state = self._sources[source]
            state.flushed_offset, state.news = state.next_offset, False
        self._start_afresh()
        return flush

    def _start_afresh(self) -> None:
        self._fold.clear()
        self._late: list[LateOutcome] = []
        self._dead_letters: list[DeadLetter] = []
        self._tally: Counter[str] = Counter()
        self._records = self._late_count = self._duplicate_count = 0

    def _decode(self, batch: RecordBatch) -> tuple[OutcomeBatch, list[tuple[int, Rejection]]]:
        limit = self._settings.ingest.maximum_event_bytes
        return decode_outcomes(batch.values, batch.headers, limit, self._fold.number)

    def _too_far_ahead(
        self, events: OutcomeBatch, batch: RecordBatch, now: float | None
    ) -> npt.NDArray[np.bool_]:
        """Say which events are further ahead of their record, or of now, than is accepted."""
        if batch.times is not None:
            records = np.fromiter(batch.times, np.float64, len(batch.times))
            return events.times > records[events.rows] + self._ahead
        if now is not None:
            return events.times > now + self._ahead
        return np.zeros(len(events.rows), np.bool_)

    def _set_aside(
        self, batch: RecordBatch, state: _Source, rejections: list[tuple[int, Rejection]]
    ) -> None:
        for row, why in rejections:
            offset, value = batch.offsets[row], batch.values[row]
            letter = DeadLetter(batch.source, offset, why.reason, why.detail, value)
            self._dead_letters.append(letter)
            state.dead_letters[why.reason] += 1

    def _count(self, batch: RecordBatch, state: _Source, events: OutcomeBatch) -> None:
        """Count what is no duplicate, and move the partition's watermark over all events."""
        if not len(events.rows):
            return
        before = self._watermarks_before(state, events.times)
        duplicates = self._duplicates.duplicates(batch, events, before)
        state.latest = max(float(events.times.max()), state.latest or 0.0)
        self._forget_ids()
        if duplicates:
            self._duplicate_count += len(duplicates)
            state.tally["duplicates"] += len(duplicates)
            fresh = np.ones(len(events.rows), np.bool_)
            fresh[duplicates] = False
            events, before = events.keep(fresh), before[fresh]
        if not len(events.rows):
            return
        length = self._settings.windows.seconds
        windows = np.floor_divide(events.times, length).astype(np.int64)
        late = (windows + 1) * length <= before
        self._tally.update(self._fold.add(events, windows, late))
        if late.any():
            state.tally["late"] += int(np.count_nonzero(late))
            self._keep_late(batch, events.rows[late], windows[late])

    def _keep_late(self, batch: RecordBatch, rows: Int64, windows: Int64) -> None:
        self._late_count += len(rows)
        for row, window in zip(rows.tolist(), windows.tolist(), strict=True):
            value = batch.values[row] or b""  # a decoded value is never null
            self._late.append(LateOutcome(batch.source, batch.offsets[row], window, value))

    def _watermarks_before(self, state: _Source, times: Float64) -> Float64:
        """Give the partition's watermark as it was before each event; -inf before its first one."""
        start = -np.inf if state.latest is None else state.latest
        latest = np.maximum.accumulate(np.concatenate([[start], times[:-1]]))
        return latest - self._disorder

    def _forget_ids(self) -> None:
        live = [one.latest for one in self._sources.values() if not one.idle]
        known = [latest for latest in live if latest is not None]
        if known:
            self._duplicates.forget_before(min(known) - self._disorder)

    def _position(self, source: SourcePartition) -> PartitionPosition:
        state = self._sources[source]
        rebuild = self._duplicates.rebuild_offset(source, state.next_offset)
        return PartitionPosition(state.next_offset, state.latest, rebuild, state.totals())

    def _progress(self, source: SourcePartition) -> SourceProgress:
        state = self._sources[source]
        return SourceProgress(
            source=source,
            partitions=self._partitions_of[source.topic],
            first_offset=state.flushed_offset,
            next_offset=state.next_offset,
            watermark=None if state.latest is None else state.latest - self._disorder,
            latest=state.latest,
            idle=state.idle,
        )

    def _blocks(
        self, table: CellTable, progress: tuple[SourceProgress, ...]
    ) -> tuple[CountsBlock, ...]:
        *first, last = cut(table)
        seconds = self._settings.windows.seconds
        return (
            *(CountsBlock(seconds, (), piece) for piece in first),
            CountsBlock(seconds, progress, last),
        )

    def _statistics(self) -> IngestStatistics:
        reasons = Counter(letter.reason for letter in self._dead_letters)
        return IngestStatistics(
            records=self._records,
            outcomes={outcome: self._tally[outcome.value] for outcome in Outcome},
            caller_faults=self._tally["caller_fault"],
            late=self._late_count,
            duplicates=self._duplicate_count,
            dead_letters={reason: reasons[reason] for reason in DeadLetterReason},
        )
