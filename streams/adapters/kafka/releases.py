"""The release log from Kafka: read whole, without a consumer group."""

import time
from collections.abc import Callable, Sequence
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.adapters.kafka.clients import REQUEST_SECONDS, consumer_settings
from streams.adapters.kafka.offsets import readable_range
from streams.adapters.kafka.transactions import reason
from streams.config import Settings
from streams.domain.errors import OutsideSystemError
from streams.domain.releases import ReleaseEvent
from streams.ports import Clock

POLL_SECONDS = 0.2
BATCH = 1_000

EVERY_SECONDS = 0.2
"""Looked for again no sooner: outcomes are under way for longer before they close a window."""

Decode = Callable[[Message], ReleaseEvent | None]


class KafkaReleases:
    """Reads the releases topic from its beginning and keeps up with it."""

    def __init__(self, settings: Settings, decode: Decode, clock: Clock) -> None:
        """Start reading.

        Args:
            settings: The installation's settings.
            decode: Gives the event of a message, or None after setting a bad one aside.
            clock: Processing time.

        Raises:
            OutsideSystemError: Kafka does not answer.
        """
        self._settings = settings
        self._decode = decode
        group = f"{settings.kafka.application}-releases"
        self._clock = clock
        self._looked = float("-inf")
        self._consumer = Consumer(consumer_settings(settings.kafka, group))
        # Asked for the topic's end: on the reader's connection the question would wait behind its
        # long poll.
        self._asker = Consumer(consumer_settings(settings.kafka, group))
        try:
            self._next = self._begin(settings.topics.releases)
        except KafkaException as error:
            self.close()
            raise self._failure(reason(error)) from error

    def drain(self) -> Sequence[ReleaseEvent]:
        """Give the events up to the present end of the topic that have not been given yet.

        What was published before a window closed is known when the window is judged.

        Raises:
            OutsideSystemError: Kafka does not answer.
        """
        events: list[ReleaseEvent] = []
        if self._clock.now() - self._looked < EVERY_SECONDS:
            return events
        self._looked = self._clock.now()
        try:
            ends = self._ends()
            patient_until = time.monotonic() + REQUEST_SECONDS
            while any(self._next[partition] < end for partition, end in ends.items()):
                for message in self._consumer.consume(BATCH, POLL_SECONDS):
                    patient_until = time.monotonic() + REQUEST_SECONDS
                    event = self._event(message)
                    if event is not None:
                        events.append(event)
                if time.monotonic() > patient_until:
                    raise self._failure(f"nothing came for {REQUEST_SECONDS:.0f} s")
        except KafkaException as error:
            raise self._failure(reason(error)) from error
        return events

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()
        self._asker.close()

    def _begin(self, topic: str) -> dict[int, int]:
        listed = self._consumer.list_topics(topic, timeout=REQUEST_SECONDS)
        begin = dict.fromkeys(sorted(listed.topics[topic].partitions), 0)
        self._consumer.assign([TopicPartition(topic, one, 0) for one in begin])
        return begin

    def _ends(self) -> dict[int, int]:
        ends = {}
        for partition in self._next:
            where = TopicPartition(self._settings.topics.releases, partition)
            first, end = readable_range(self._asker, where)
            self._next[partition] = max(self._next[partition], first)
            ends[partition] = end
        return ends

    def _event(self, message: Message) -> ReleaseEvent | None:
        error = message.error()
        partition, offset = cast("int", message.partition()), cast("int", message.offset())
        if error is None:
            self._next[partition] = offset + 1
            return self._decode(message)
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name
            raise KafkaException(error)
        # Behind the last event there may be markers of transactions: they take up offsets too. The
        # end is the one reached back then; more may have been published since.
        self._next[partition] = max(self._next[partition], offset)
        return None

    def _failure(self, why: str) -> OutsideSystemError:
        return OutsideSystemError(
            f"cannot read topic {self._settings.topics.releases} of Kafka at "
            f"{self._settings.kafka.bootstrap}: {why}"
        )
