"""Ingest from Kafka: a loop around the pure stage, one transaction per flush.

Counts blocks, late outcomes, dead letters and the source offsets are written in one transaction, so
that every event is counted exactly once whatever dies when. What the stage must remember beside an
offset travels as the offset's metadata; the ids of the duplicate horizon are learned again by
reading the source from a little earlier.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Protocol, cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from streams.adapters.kafka.clients import (
    MAXIMUM_MESSAGE_BYTES,
    REQUEST_SECONDS,
    consumer_settings,
    producer_settings,
)
from streams.config import Settings
from streams.domain.errors import OutsideSystemError
from streams.domain.outcomes import DeadLetter, LateOutcome, SourcePartition
from streams.ports import Clock
from streams.stages.ingest import Flush, Ingest, PartitionPosition, RecordBatch
from streams.windows.codec import encode_block

if TYPE_CHECKING:
    from streams.formats.cloudevents import Headers

POLL_SECONDS = 0.1
"""Longest wait for messages; flushes and idle ticks are looked after in between."""

KEPT_BYTES = MAXIMUM_MESSAGE_BYTES - 65_536
"""A dead letter's value is cut here; its coordinates still lead to the whole."""


@dataclass(slots=True)
class Cursor:
    """Where reading of one source partition stands.

    Attributes:
        next_offset: First offset that has not been counted in an earlier run; those before it only
            teach ids.
        quiet_since: Processing time since when the partition's end has been reached without a
            message.
    """

    next_offset: int
    quiet_since: float | None = None


class IngestObserver(Protocol):
    """Hears of what ingest does."""

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
        """Describe the clients; nothing is read yet.

        Args:
            settings: The installation's settings.
            worker: Name of this worker, part of its transactional id.
            clock: Processing time.
            observer: Hears of every flush.
        """
        kafka = settings.kafka
        self.settings = settings
        self._clock = clock
        self._observer = observer
        self._consumer = Consumer(consumer_settings(kafka, f"{kafka.application}-ingest"))
        name = f"{kafka.application}-ingest-{worker}"
        self._producer = Producer(producer_settings(kafka, name))
        self._stage = Ingest(settings, partitions_of={})
        self._cursors: dict[int, Cursor] = {}

    def run(self, stop: Event) -> None:
        """Read, fold and flush until `stop` is set; what has been folded is flushed at the end.

        Raises:
            OutsideSystemError: Kafka refuses or does not answer; nothing half-done remains.
        """
        kafka, topic = self.settings.kafka, self.settings.topics.outcomes
        try:
            self._producer.init_transactions(REQUEST_SECONDS)
            listed = self._consumer.list_topics(topic, timeout=REQUEST_SECONDS)
            self._stage = Ingest(
                self.settings, partitions_of={topic: len(listed.topics[topic].partitions)}
            )
            self._consumer.subscribe(
                [topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
            self._loop(stop)
            self._flush()
        except KafkaException as error:
            message = f"ingest cannot go on with Kafka at {kafka.bootstrap}: {error.args[0].str()}"
            raise OutsideSystemError(message) from error
        finally:
            self._consumer.close()

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
                self._flush()
                due = time.monotonic() + interval

    def _take(self, messages: Sequence[Message]) -> None:
        """Give a batch to the stage, partition by partition."""
        now = self._clock.now()
        by_partition: dict[int, list[Message]] = {}
        ended: set[int] = set()
        for message in messages:
            error, partition = message.error(), cast("int", message.partition())
            if error is None:
                by_partition.setdefault(partition, []).append(message)
                ended.discard(partition)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                ended.add(partition)
            elif error.fatal() or not error.retriable():
                raise KafkaException(error)
        # A partition that was taken away while the batch was on its way is somebody else's now.
        for partition, taken in sorted(by_partition.items()):
            if partition in self._cursors:
                self._cursors[partition].quiet_since = None
                self._give(partition, taken, now)
        for partition in ended & self._cursors.keys():
            self._cursors[partition].quiet_since = now

    def _give(self, partition: int, taken: list[Message], now: float) -> None:
        """Give one partition's messages to the stage; those counted before only teach their ids."""
        source = SourcePartition(self.settings.topics.outcomes, partition)
        known = [
            one for one in taken if cast("int", one.offset()) < self._cursors[partition].next_offset
        ]
        if known:
            self._stage.remember(_batch(source, known))
        if len(known) < len(taken):
            self._stage.process(_batch(source, taken[len(known) :]), now)

    def _mark_idle(self) -> None:
        """Tell the stage of partitions that have been at their end for a while."""
        patience = self.settings.ingest.idle_after.total_seconds()
        now = self._clock.now()
        for partition, cursor in self._cursors.items():
            if cursor.quiet_since is not None and now - cursor.quiet_since >= patience:
                source = SourcePartition(self.settings.topics.outcomes, partition)
                self._stage.set_idle(source, idle=True)

    def _flush(self) -> None:
        if not self._stage.has_news:
            return
        flush = self._stage.flush()
        try:
            self._producer.begin_transaction()
            self._produce(flush)
            offsets = [
                TopicPartition(
                    source.topic,
                    source.partition,
                    position.next_offset,
                    metadata=position.encode(),
                )
                for source, position in flush.positions.items()
            ]
            self._producer.send_offsets_to_transaction(
                offsets, self._consumer.consumer_group_metadata(), REQUEST_SECONDS
            )
            self._producer.commit_transaction(REQUEST_SECONDS)
        except KafkaException as error:
            self._give_back(error)
            return
        self._observer.flushed(flush, self._lag())

    def _give_back(self, error: KafkaException) -> None:
        """Undo a flush that failed and read its input again from where the last one ended."""
        if not error.args[0].txn_requires_abort():
            raise error
        self._producer.abort_transaction(REQUEST_SECONDS)
        self._observer.aborted()
        self._stage.revoke_all()
        assigned = self._consumer.assignment()
        self._consumer.unassign()
        self._assigned(self._consumer, assigned)

    def _produce(self, flush: Flush) -> None:
        topics = self.settings.topics
        counts = topics.named("counts")
        for partition, blocks in sorted(flush.blocks.items()):
            for block in blocks:
                self._send(counts, encode_block(block), (), partition)
        for late in flush.late:
            self._send(topics.named("late"), late.value, _late_headers(late))
        for letter in flush.dead_letters:
            value = None if letter.value is None else letter.value[:KEPT_BYTES]
            self._send(topics.named("dead-letters"), value, _dead_letter_headers(letter))

    def _send(
        self,
        topic: str,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        partition: int = 0,
    ) -> None:
        try:
            self._producer.produce(topic, value=value, headers=list(headers), partition=partition)
        except BufferError:
            self._producer.flush(REQUEST_SECONDS)
            self._send(topic, value, headers, partition)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Go on with partitions from where the last flush, of whatever worker, ended."""
        self._cursors = {}
        begin = []
        for known in consumer.committed(partitions, timeout=REQUEST_SECONDS) if partitions else []:
            source = SourcePartition(known.topic, known.partition)
            position = PartitionPosition.decode(known.metadata or "") if known.offset >= 0 else None
            self._stage.assign(source, position)
            self._cursors[known.partition] = Cursor(position.next_offset if position else 0)
            first = position.rebuild_offset if position else OFFSET_BEGINNING
            begin.append(TopicPartition(known.topic, known.partition, first))
        consumer.assign(begin)

    def _revoked(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._flush()
        self._stage.revoke_all()
        self._cursors = {}

    def _lost(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._stage.revoke_all()
        self._cursors = {}

    def _lag(self) -> dict[int, int]:
        """Give the number of unread messages by source partition, as last heard from the broker."""
        lag = {}
        for one in self._consumer.position(self._consumer.assignment()):
            _, end = self._consumer.get_watermark_offsets(one, cached=True)
            lag[one.partition] = max(end - max(one.offset, 0), 0)
        return lag


def _batch(source: SourcePartition, messages: Sequence[Message]) -> RecordBatch:
    # The client's types allow for messages that are errors; these are none.
    headers = cast("list[Headers | None]", [message.headers() for message in messages])
    return RecordBatch(
        source=source,
        values=[message.value() for message in messages],
        offsets=cast("list[int]", [message.offset() for message in messages]),
        headers=headers if any(headers) else None,
        times=[message.timestamp()[1] / 1000 for message in messages],
    )


def _late_headers(late: LateOutcome) -> tuple[tuple[str, bytes], ...]:
    return (*_coordinates(late.source, late.offset), ("opwatch-window", str(late.window).encode()))


def _dead_letter_headers(letter: DeadLetter) -> tuple[tuple[str, bytes], ...]:
    return (
        *_coordinates(letter.source, letter.offset),
        ("opwatch-reason", letter.reason.value.encode()),
        ("opwatch-detail", letter.detail.encode()),
    )


def _coordinates(source: SourcePartition, offset: int) -> tuple[tuple[str, bytes], ...]:
    return (
        ("opwatch-topic", source.topic.encode()),
        ("opwatch-partition", str(source.partition).encode()),
        ("opwatch-offset", str(offset).encode()),
    )
