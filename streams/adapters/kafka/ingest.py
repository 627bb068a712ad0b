"""Ingest from Kafka: a loop around the pure stage, one transaction per flush.

Counts blocks, late outcomes, dead letters and the source offsets are written in one transaction, so
that every event is counted exactly once whatever dies when. What the stage must remember beside an
offset travels as the offset's metadata; the ids of the duplicate horizon are learned again by
reading the source from a little earlier.
"""

import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from threading import Event
from typing import Protocol, cast

import structlog
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from streams.adapters.kafka.clients import REQUEST_SECONDS, consumer_settings
from streams.adapters.kafka.ingest_messages import flush_messages, record_batch
from streams.adapters.kafka.positions import committed_position
from streams.adapters.kafka.transactions import TransactionWriter, must_be_aborted, reason
from streams.config import Settings
from streams.domain.errors import OutsideSystemError
from streams.domain.outcomes import SourcePartition
from streams.ports import Clock
from streams.stages.ingest import Flush, Ingest
from streams.stages.records import PartitionPosition

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.1
"""Longest wait for messages; flushes and idle ticks are looked after in between."""

MOST_ABORTS = 10
"""Aborts in a row after which there is no hope that the next transaction fares better."""


@dataclass(slots=True)
class Cursor:
    """Where reading of one source partition stands.

    Attributes:
        next_offset: First offset that has not been counted in an earlier run; those before it only
            teach ids.
        read_until: First offset that has not been read.
        quiet_since: Processing time since when the partition's end has been reached without a
            message.
    """

    next_offset: int
    read_until: int
    quiet_since: float | None = None


class IngestObserver(Protocol):
    """Hears of what ingest does."""

    def reading(self, positions: Mapping[SourcePartition, PartitionPosition]) -> None:
        """Hear which source partitions are read from now on, all of them, and from where."""
        ...

    def flushed(self, flush: Flush, lag: Mapping[int, int]) -> None:
        """Hear of a flush that has been committed, and of the lag by source partition."""
        ...

    def aborted(self) -> None:
        """Hear of a flush that had to be given up; its input is read again."""
        ...

    def stepped(self, stage: str, seconds: float) -> None:
        """Hear how long a batch took."""
        ...


class KafkaIngest:
    """Reads the source topic and writes counts blocks until told to stop."""

    def __init__(
        self,
        settings: Settings,
        worker: str,
        clock: Clock,
        observer: IngestObserver,
    ) -> None:
        """Describe ingest; Kafka is not spoken to before `run`.

        Args:
            settings: The installation's settings.
            worker: Name of this worker, part of its transactional id.
            clock: Processing time.
            observer: Hears of every flush.
        """
        self.settings = settings
        self._worker = worker
        self._clock = clock
        self._observer = observer
        self._group = f"{settings.kafka.application}-ingest"
        self._consumer: Consumer
        self._writer: TransactionWriter
        self._stage = Ingest(settings, partitions_of={})
        self._cursors: dict[int, Cursor] = {}
        self._aborts = 0

    def run(self, stop: Event) -> None:
        """Read, fold and flush until `stop` is set; what has been folded is flushed at the end.

        Raises:
            OutsideSystemError: Kafka refuses or does not answer; nothing half-done remains.
            OperatorError: A committed offset of the group was not written by ingest.
        """
        kafka = self.settings.kafka
        try:
            with ExitStack() as clients:
                # Closed last: closing the consumer gives its partitions up, with a last flush.
                self._writer = TransactionWriter(kafka, f"{self._group}-{self._worker}")
                clients.callback(self._writer.close)
                self._consumer = Consumer(consumer_settings(kafka, self._group))
                clients.callback(self._consumer.close)
                self._writer.open()
                self._follow(stop)
        except KafkaException as error:
            message = f"ingest cannot go on with Kafka at {kafka.bootstrap}: {reason(error)}"
            raise OutsideSystemError(message) from error

    def _follow(self, stop: Event) -> None:
        """Read the source topic as a member of the group."""
        topic = self.settings.topics.outcomes
        listed = self._consumer.list_topics(topic, timeout=REQUEST_SECONDS)
        count = len(listed.topics[topic].partitions)
        self._stage = Ingest(self.settings, partitions_of={topic: count})
        self._consumer.subscribe(
            [topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )
        try:
            self._loop(stop)
            self._flush()
        except BaseException:
            self._forget()  # so that giving the partitions up does not flush what went wrong
            raise

    def _loop(self, stop: Event) -> None:
        ingest = self.settings.ingest
        interval = ingest.flush_interval.total_seconds()
        due = time.monotonic() + interval
        while not stop.is_set():
            messages = self._consumer.consume(ingest.batch_size, POLL_SECONDS)
            if messages:
                begun = self._clock.now()
                self._take(messages)
                self._observer.stepped("ingest", self._clock.now() - begun)
            self._mark_idle()
            if time.monotonic() >= due or self._stage.pending_cells >= ingest.flush_cells:
                if not self._flush():
                    self._begin_again()
                due = time.monotonic() + interval

    def _take(self, messages: Sequence[Message]) -> None:
        """Give a batch to the stage, partition by partition."""
        now = self._clock.now()
        ends: dict[int, int] = {}
        if any(map(Message.error, messages)):
            messages, ends = self._without_events(messages)
        by_partition: dict[int, list[Message]] = {}
        # A batch comes in runs of one partition: nothing is looked at message by message.
        for partition, run in groupby(messages, Message.partition):
            by_partition.setdefault(cast("int", partition), []).extend(run)
        # A partition that was taken away while the batch was on its way is somebody else's now.
        for partition, taken in sorted(by_partition.items()):
            if partition in self._cursors:
                self._give(partition, taken, now)
        for partition in ends.keys() & self._cursors.keys():
            # Behind the last message there may be markers of transactions: they are read too.
            self._cursors[partition].read_until = ends[partition]
            self._cursors[partition].quiet_since = now

    def _without_events(self, messages: Sequence[Message]) -> tuple[list[Message], dict[int, int]]:
        """Give the messages that are records, and the partitions whose end is behind them."""
        records: list[Message] = []
        ends: dict[int, int] = {}
        for message in messages:
            error, partition = message.error(), cast("int", message.partition())
            if error is None:
                records.append(message)
                ends.pop(partition, None)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                ends[partition] = cast("int", message.offset())
            elif error.code() == KafkaError._MAX_POLL_EXCEEDED:  # noqa: SLF001 - its public name
                # The machine slept, or this process did: the group takes the worker back.
                log.warning("left_the_group", reason=error.str())
            else:
                raise KafkaException(error)
        return records, ends

    def _give(self, partition: int, taken: list[Message], now: float) -> None:
        """Give one partition's messages to the stage; those counted before only teach their ids."""
        source, cursor = self._source(partition), self._cursors[partition]
        cursor.quiet_since = None
        cursor.read_until = cast("int", taken[-1].offset()) + 1
        offsets = cast("list[int]", list(map(Message.offset, taken)))
        known = bisect_left(offsets, cursor.next_offset)
        if known:
            self._stage.remember(record_batch(source, taken[:known]))
        if known < len(taken):
            self._stage.process(record_batch(source, taken[known:]), now)

    def _mark_idle(self) -> None:
        """Tell the stage of partitions that have been at their end for a while."""
        patience = self.settings.ingest.idle_after.total_seconds()
        now = self._clock.now()
        for partition, cursor in self._cursors.items():
            if cursor.quiet_since is not None and now - cursor.quiet_since >= patience:
                self._stage.set_idle(self._source(partition), idle=True)

    def _flush(self) -> bool:
        """Write what has been folded; give False when it had to be given up instead.

        Raises:
            KafkaException: Trying again has no point.
        """
        if not self._stage.has_news:
            return True
        flush = self._stage.flush()
        offsets = [
            TopicPartition(
                source.topic, source.partition, position.next_offset, metadata=position.encode()
            )
            for source, position in flush.positions.items()
        ]
        messages = flush_messages(flush, self.settings.topics)
        try:
            self._writer.write(messages, offsets, self._consumer.consumer_group_metadata())
        except KafkaException as error:
            self._aborts += 1
            if self._aborts > MOST_ABORTS or not must_be_aborted(error):
                raise
            self._writer.abort()
            self._observer.aborted()
            self._forget()
            return False
        self._aborts = 0
        self._observer.flushed(flush, self._lag())
        return True

    def _begin_again(self) -> None:
        """Read again from where the last committed flush ended."""
        assigned = self._consumer.assignment()
        self._consumer.unassign()
        self._assigned(self._consumer, assigned)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Go on with partitions from where the last flush, of whatever worker, ended."""
        self._cursors = {}
        begin, positions = [], {}
        for known in consumer.committed(partitions, timeout=REQUEST_SECONDS) if partitions else []:
            if known.error is not None:
                raise KafkaException(known.error)
            position = committed_position(known, self._group)
            source = self._source(known.partition)
            positions[source] = position or PartitionPosition(0, None, 0)
            self._stage.assign(source, position)
            first = position.rebuild_offset if position else OFFSET_BEGINNING
            next_offset = position.next_offset if position else 0
            self._cursors[known.partition] = Cursor(next_offset, next_offset)
            begin.append(TopicPartition(known.topic, known.partition, first))
        consumer.assign(begin)
        self._observer.reading(positions)

    def _revoked(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._flush()
        self._forget()

    def _lost(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._forget()

    def _forget(self) -> None:
        self._stage.revoke_all()
        self._cursors = {}
        self._observer.reading({})

    def _source(self, partition: int) -> SourcePartition:
        return SourcePartition(self.settings.topics.outcomes, partition)

    def _lag(self) -> dict[int, int]:
        """Give the number of unread messages by source partition, as last heard from the broker."""
        lag = {}
        for partition, cursor in sorted(self._cursors.items()):
            where = TopicPartition(self.settings.topics.outcomes, partition)
            first, end = self._consumer.get_watermark_offsets(where, cached=True)
            lag[partition] = max(end - max(cursor.read_until, first), 0)
        return lag
