"""A range of time out of Kafka: outcome events or closed windows, as recordings for a replay.

Two times must be told apart. The range that is wanted is of event time; Kafka finds offsets by the
time of the record, which its producer or the broker gave it. An event may be written long after it
happened, and, where a clock is wrong, a little before. So reading begins where records are older
than the range by as much as an event may be ahead of its record and still be counted
(`ingest.maximum_ahead`), and by as much as ids are remembered, so that what came twice is known. It
ends where both times are past the range by a margin. What is read but happened outside the range is
left out by its event time, by whoever replays it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self, cast

import msgspec
import numpy as np
from confluent_kafka import Message

from streams.adapters.kafka.ingest_messages import record_batch
from streams.adapters.kafka.time_range import Stretch, TopicStretch
from streams.config import Settings
from streams.domain.errors import OperatorError
from streams.domain.outcomes import SourcePartition
from streams.domain.time import window_start
from streams.stages.recordings import RecordedEvents, RecordedWindows
from streams.stages.settings_match import refuse_foreign
from streams.windows.cells import CellTable
from streams.windows.closed import ClosedWindow
from streams.windows.closed_codec import decode_closed
from streams.windows.merging import merge
from streams.windows.ranges import TimeRange

WINDOW_MESSAGES = 400
"""Messages of closed windows that are added up at once."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is wanted, and how long it is waited for.

    Attributes:
        start: First event time wanted, in seconds since the epoch.
        end: First event time not wanted, in seconds since the epoch.
        margin: How long after the end, in event time and in record time, reading goes on, in
            seconds: what comes later than that is missed.
    """

    start: float
    end: float
    margin: float

    @property
    def enough(self) -> float:
        """Give the time, event time and record time, at which reading ends."""
        return self.end + self.margin


class KafkaOutcomes:
    """Outcome events of a range of time, as the live worker sees them: an `OutcomeRecording`.

    A context manager, that ends the connection.
    """

    def __init__(self, settings: Settings, span: Span) -> None:
        """Find the offsets.

        Raises:
            OperatorError: There is no such topic, or it has lost some of the range.
            OutsideSystemError: Kafka does not answer.
        """
        ingest = settings.ingest
        self._topic, self._span = settings.topics.outcomes, span
        # Ids are kept for up to two horizons.
        before = ingest.maximum_ahead + 2 * ingest.duplicate_horizon
        stretch = Stretch(span.start - before.total_seconds(), span.start, span.enough)
        self._messages = TopicStretch(settings.kafka, self._topic, stretch, ingest.batch_size)
        self.sources = tuple(
            SourcePartition(self._topic, number) for number in self._messages.partitions
        )
        self._written: dict[int, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._messages.__exit__(*error)

    @property
    def size(self) -> int:
        """Give how many offsets will be read, about."""
        return self._messages.size

    def read(self, source: SourcePartition, watermark: float) -> RecordedEvents | None:
        """Give the next records of a partition; see `OutcomeRecording.read`."""
        number, enough = source.partition, self._span.enough
        if watermark >= enough and self._written.get(number, float("inf")) >= enough:
            self._messages.leave(number)
            return None
        messages = self._messages.take(number)
        if not messages:
            return None
        batch = record_batch(source, messages)
        if batch.times is not None:
            self._written[number] = batch.times[-1]
        return RecordedEvents(batch, self._messages.done(number))

    def place(self, source: SourcePartition, offset: int) -> Mapping[str, str | int]:
        """Give topic, partition and offset."""
        return {"topic": source.topic, "partition": source.partition, "offset": offset}


class KafkaWindows:
    """Closed windows of a range of time, as the judges wrote them: a `WindowRecording`.

    A context manager, that ends the connection.
    """

    def __init__(self, settings: Settings, span: Span) -> None:
        """Find the offsets.

        Raises:
            OperatorError: There is no such topic, or it has lost some of the range.
            OutsideSystemError: Kafka does not answer.
        """
        self._settings, self._span = settings, span
        self._topic = settings.topics.named("windows")
        # Where events are ahead of their records, windows close ahead of them, too.
        begin = span.start - settings.ingest.maximum_ahead.total_seconds()
        stretch = Stretch(begin, span.start, span.enough)
        self._messages = TopicStretch(settings.kafka, self._topic, stretch, WINDOW_MESSAGES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._messages.__exit__(*error)

    @property
    def size(self) -> int:
        """Give how many offsets will be read, about."""
        return self._messages.size

    def windows(self) -> Iterator[RecordedWindows]:
        """Give the cells; see `WindowRecording.windows`."""
        seconds, enough = self._settings.windows.seconds, self._span.enough
        dimensions = self._settings.ingest.dimensions
        through: dict[int, int] = {}
        for number in self._messages.partitions:
            while messages := self._messages.take(number):
                closed = [self._closed(message) for message in messages]
                for one in closed:
                    through[one.partition] = one.closed_through
                heard = len(through) == self._settings.topics.counts_partitions
                complete = window_start(min(through.values()) + 1, seconds) if heard else None
                cells = merge([self._cells(one) for one in closed], dimensions)
                yield RecordedWindows(cells, complete, self._messages.done(number))
                written = messages[-1].timestamp()[1] / 1000
                if complete is not None and complete >= enough and written >= enough:
                    self._messages.leave(number)

    def _closed(self, message: Message) -> ClosedWindow:
        where = f"offset {message.offset()} of topic {self._topic}"
        try:
            closed = decode_closed(cast("bytes", message.value()))
        except (msgspec.DecodeError, TypeError) as error:
            raise OperatorError(f"{where} is no closed window: {error}") from error
        refuse_foreign(self._settings, closed.window_seconds, closed.cells.dimensions)
        count = self._settings.topics.counts_partitions
        if closed.partition >= count:
            raise OperatorError(
                f"{where} is of counts partition {closed.partition}, but "
                f"topics.counts_partitions is {count}: replay with the settings of the worker"
            )
        return closed

    def _cells(self, closed: ClosedWindow) -> CellTable:
        """Give the cells in the range; late ones marked as such, also those the judge found."""
        wanted = TimeRange(self._span.start, self._span.end)
        cells = wanted.cells(closed.cells, closed.window_seconds)
        if closed.window is None:
            return replace(cells, late=np.ones(len(cells), np.bool_))
        return cells
