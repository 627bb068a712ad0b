"""The topic of closed windows as a log to be written down elsewhere: read by one worker at a time.

The members of a consumer group of its own share its only partition: one of them reads, and another
goes on from the committed offset when that one is gone.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from streams.adapters.kafka.clients import REQUEST_SECONDS, admin_settings, consumer_settings
from streams.adapters.kafka.offsets import readable_range
from streams.adapters.kafka.transactions import reason
from streams.config import Settings
from streams.domain.errors import OutsideSystemError

POLL_SECONDS = 0.5
BATCH = 200
"""Messages taken at once: each is a window of a counts partition."""

MISSED = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError._STATE,  # noqa: SLF001 - librdkafka's public name
        KafkaError._NO_OFFSET,  # noqa: SLF001
        KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001
    }
)
"""A commit that fails so comes too late: somebody else has the partition."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A message of the log."""

    offset: int
    value: bytes


class WindowLog:
    """Reads the topic of closed windows; a context manager."""

    def __init__(
        self, settings: Settings, group: str, on_change: Callable[[int | None], None]
    ) -> None:
        """Join the group.

        Args:
            settings: The installation's settings.
            group: What the log is read for.
            on_change: Told, whenever the partition comes to this worker, of the first offset it
                will read: where the last one committed, or where the topic begins. Told None when
                it goes: what was read and not committed is somebody else's then, or comes again.
        """
        self._settings = settings
        self._topic = settings.topics.named("windows")
        self._on_change = on_change
        self._consumer = Consumer(
            consumer_settings(settings.kafka, f"{settings.kafka.application}-{group}")
        )
        self._consumer.subscribe(
            [self._topic], on_assign=self._assigned, on_revoke=self._gone, on_lost=self._gone
        )
        self._has_it = False
        self._held: list[Message] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._consumer.close()

    def identity(self) -> str:
        """Give eight hexadecimal digits that stand for the topic: made anew, it has others.

        Raises:
            OutsideSystemError: Kafka does not answer.
        """
        try:
            admin = AdminClient(admin_settings(self._settings.kafka))
            asked = admin.describe_topics(
                TopicCollection([self._topic]), request_timeout=REQUEST_SECONDS
            )
            identity = str(asked[self._topic].result(REQUEST_SECONDS).topic_id)
        except KafkaException as error:
            raise self._failure(error) from error
        return hashlib.blake2b(identity.encode(), digest_size=4).hexdigest()

    def read(self) -> list[Logged]:
        """Give the next messages, none when none come for a moment.

        Raises:
            OutsideSystemError: Kafka does not answer.
        """
        try:
            messages = [*self._held, *self._consumer.consume(BATCH, POLL_SECONDS)]
            self._held = []
            found = [one for one in messages if self._is_record(one)]
        except KafkaException as error:
            raise self._failure(error) from error
        if not self._has_it:  # it was taken away while they were on their way
            return []
        return [Logged(cast("int", one.offset()), one.value() or b"") for one in found]

    def wait(self) -> None:
        """Stay a member of the group for a moment without reading on.

        Raises:
            OutsideSystemError: Kafka does not answer.
        """
        held = self._consumer.assignment()
        try:
            self._consumer.pause(held)
            # What was under way already comes all the same.
            self._held += self._consumer.consume(1, POLL_SECONDS)
            now = self._consumer.assignment()
            self._consumer.resume([one for one in held if one in now])
        except KafkaException as error:
            raise self._failure(error) from error

    def commit(self, next_offset: int) -> bool:
        """Remember that all messages before an offset are written down.

        Returns:
            False where somebody else has the partition by now.

        Raises:
            OutsideSystemError: Kafka does not answer.
        """
        where = TopicPartition(self._topic, 0, next_offset)
        try:
            self._consumer.commit(offsets=[where], asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() in MISSED:
                return False
            raise self._failure(error) from error
        return True

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        begin = []
        for known in consumer.committed(partitions, timeout=REQUEST_SECONDS) if partitions else []:
            first = known.offset
            if first < 0:
                first, _ = readable_range(consumer, TopicPartition(known.topic, known.partition))
            begin.append(TopicPartition(known.topic, known.partition, first))
            self._has_it, self._held = True, []
            self._on_change(first)
        consumer.assign(begin)

    def _gone(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._has_it, self._held = False, []
        self._on_change(None)

    def _is_record(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() in {
            KafkaError._PARTITION_EOF,  # noqa: SLF001 - librdkafka's public names
            KafkaError._MAX_POLL_EXCEEDED,  # noqa: SLF001 the group takes this worker back
        }:
            return False
        raise KafkaException(error)

    def _failure(self, error: KafkaException) -> OutsideSystemError:
        return OutsideSystemError(
            f"the archive cannot read topic {self._topic} of Kafka at "
            f"{self._settings.kafka.bootstrap}: {reason(error)}"
        )
