"""Part of a topic, found by time: its messages partition by partition, in batches cut by offset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, cast

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.adapters.kafka.clients import REQUEST_SECONDS, consumer_settings
from streams.adapters.kafka.offsets import readable_range
from streams.adapters.kafka.transactions import reason
from streams.config import KafkaSettings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.domain.time import format_instant

log = structlog.get_logger("opwatch.replay")

POLL_SECONDS = 0.2
"""Longest wait for messages: Ctrl-C is heard in between."""

FETCHED = 10_000
"""Messages taken from the client at once, at most."""

WAITING = 400_000
"""Messages of all partitions together that may wait for their turn, about; the partitions that are
ahead are paused."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where reading begins, and what is missed when the topic has lost it.

    Attributes:
        begin: Record time to begin with, in seconds since the epoch.
        needed: Record time from which on nothing may be missing, in seconds since the epoch.
        about: Record time at which reading will end, about, in seconds since the epoch; for the
            progress alone.
    """

    begin: float
    needed: float
    about: float


@dataclass(slots=True)
class _Partition:
    """Running state of one partition.

    Attributes:
        first: First offset.
        end: First offset that was not there when reading began.
        expected: First offset that will probably not be read.
        trimmed: Whether what lay before `first` has been deleted.
        batch_end: First offset of the next batch.
        next: First offset not yet given.
        waiting: Messages that have come and not been given.
        complete: All messages from `first` to `end` have come.
    """

    first: int
    end: int
    expected: int
    trimmed: bool
    batch_end: int
    next: int
    waiting: list[Message] = field(default_factory=list)
    complete: bool = False
    paused: bool = False


class TopicStretch:
    """Committed messages of a topic from a time on; nothing is committed, no group is joined.

    A batch holds the messages of so many offsets, so that equal topics give equal batches. A
    context manager, that ends the connection.
    """

    def __init__(self, kafka: KafkaSettings, topic: str, stretch: Stretch, batch: int) -> None:
        """Find the offsets.

        Args:
            kafka: Where Kafka is.
            topic: Name of the topic.
            stretch: From when on.
            batch: Offsets of a batch.

        Raises:
            OperatorError: There is no such topic, or it has lost what is needed.
            OutsideSystemError: Kafka does not answer.
        """
        self._kafka, self._topic, self._stretch, self._batch = kafka, topic, stretch, batch
        self._consumer = Consumer(consumer_settings(kafka, f"{kafka.application}-replay"))
        try:
            self._partitions = self._find()
            self._consumer.assign(
                [self._where(number, one.first) for number, one in self._partitions.items()]
            )
        except KafkaException as error:
            self._consumer.close()
            raise self._failure(reason(error)) from error
        except OperatorError:
            self._consumer.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    @property
    def partitions(self) -> Sequence[int]:
        """Give the numbers of the partitions."""
        return tuple(self._partitions)

    @property
    def size(self) -> int:
        """Give how many offsets will be read, about."""
        parts = self._partitions.values()
        return sum(max(one.expected, one.next) - one.first for one in parts)

    def done(self, number: int) -> int:
        """Give how many offsets of a partition have been given."""
        return self._partitions[number].next - self._partitions[number].first

    def leave(self, number: int) -> None:
        """Read no more of a partition."""
        partition = self._partitions[number]
        partition.expected = partition.end = partition.next
        partition.complete, partition.waiting = True, []
        self._pause(number, partition)

    def take(self, number: int) -> list[Message]:
        """Give the next batch of a partition; nothing at its end.

        Raises:
            OperatorError: The topic has lost what is needed.
            OutsideSystemError: Kafka does not answer.
        """
        partition = self._partitions[number]
        while partition.next < partition.end:
            self._await(number, partition)
            taken = [one for one in partition.waiting if _offset(one) < partition.batch_end]
            partition.waiting = partition.waiting[len(taken) :]
            partition.next = min(partition.batch_end, partition.end)
            partition.batch_end += self._batch
            if taken:
                return taken
            if partition.complete and not partition.waiting:
                partition.next = partition.end
        return []

    def _find(self) -> dict[int, _Partition]:
        listed = self._consumer.list_topics(self._topic, timeout=REQUEST_SECONDS).topics
        numbers = sorted(listed[self._topic].partitions)
        if not numbers:
            raise OperatorError(
                f"there is no topic {self._topic} in Kafka at {self._kafka.bootstrap}: "
                "is kafka.bootstrap right, and are the names in [topics]?"
            )
        begins = self._offsets_at(numbers, self._stretch.begin)
        expected = self._offsets_at(numbers, self._stretch.about)
        found, emptied = {}, []
        for number in numbers:
            low, high = readable_range(self._consumer, self._where(number))
            first = high if begins[number] is None else max(begins[number] or 0, low)
            about = expected[number]
            found[number] = _Partition(
                first=first,
                end=high,
                expected=high if about is None else max(about, first),
                trimmed=0 < low == first,
                batch_end=first + self._batch,
                next=first,
                complete=first >= high,
            )
            if 0 < low == high:
                emptied.append(number)
        if len(emptied) == len(numbers):
            raise self._lost(emptied[0], None)
        for number in emptied:
            # It may have been unused for long, or have lost what is wanted: nobody can tell.
            log.warning("partition_holds_nothing_any_more", topic=self._topic, partition=number)
        return found

    def _offsets_at(self, numbers: Sequence[int], at: float) -> Mapping[int, int | None]:
        """Give the first offsets whose record is no older; None where there is none."""
        times = [self._where(number, max(int(at * 1000), 0)) for number in numbers]
        found = self._consumer.offsets_for_times(times, timeout=REQUEST_SECONDS)
        for one in found:
            if one.error is not None:
                raise KafkaException(one.error)
        return {one.partition: one.offset if one.offset >= 0 else None for one in found}

    def _await(self, number: int, partition: _Partition) -> None:
        """Read on until a partition's next batch is whole."""
        silent = 0.0
        while not partition.complete and not (
            partition.waiting and _offset(partition.waiting[-1]) >= partition.batch_end
        ):
            if partition.paused:
                self._consumer.resume([self._where(number)])
                partition.paused = False
            silent = 0.0 if self._fetch() else silent + POLL_SECONDS
            if silent > REQUEST_SECONDS:
                raise self._failure(f"nothing came for {REQUEST_SECONDS:.0f} s")

    def _fetch(self) -> bool:
        """Take what has come, of any partition; say whether anything has."""
        try:
            messages = self._consumer.consume(FETCHED, POLL_SECONDS)
            for message in messages:
                self._sort_in(message)
            most = max(WAITING // len(self._partitions), 2 * self._batch)
            for number, partition in self._partitions.items():
                if len(partition.waiting) > most:
                    self._pause(number, partition)
        except KafkaException as error:
            raise self._failure(reason(error)) from error
        return bool(messages)

    def _sort_in(self, message: Message) -> None:
        error, number = message.error(), cast("int", message.partition())
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                raise KafkaException(error)
            # Behind the last message there may be markers of transactions; more than was there in
            # the beginning may have come, and is none of ours.
            self._partitions[number].complete = True
            return
        partition = self._partitions[number]
        if partition.complete:
            return
        if _offset(message) >= partition.end:
            partition.complete = True
            self._pause(number, partition)
            return
        if partition.trimmed:
            partition.trimmed = False
            _, milliseconds = message.timestamp()
            if milliseconds / 1000 > self._stretch.needed:
                raise self._lost(number, milliseconds / 1000)
        partition.waiting.append(message)

    def _pause(self, number: int, partition: _Partition) -> None:
        if not partition.paused:
            self._consumer.pause([self._where(number)])
            partition.paused = True

    def _where(self, number: int, offset: int = 0) -> TopicPartition:
        return TopicPartition(self._topic, number, offset)

    def _lost(self, number: int, oldest: float | None) -> OperatorError:
        left = "holds nothing" if oldest is None else f"begins at {format_instant(oldest)}"
        return OperatorError(
            f"partition {number} of topic {self._topic} {left}: what was written since "
            f"{format_instant(self._stretch.needed)} has been deleted in part (its retention); "
            "begin with a later --from"
        )

    def _failure(self, why: str) -> OutsideSystemError:
        return OutsideSystemError(
            f"cannot read topic {self._topic} of Kafka at {self._kafka.bootstrap}: {why}"
        )


def _offset(message: Message) -> int:
    return cast("int", message.offset())
