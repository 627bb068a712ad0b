"""The release log from Kafka: read whole, without a consumer group."""

from collections.abc import Callable, Sequence
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.adapters.kafka.clients import REQUEST_SECONDS, consumer_settings
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
        topic = settings.topics.releases
        try:
            listed = self._consumer.list_topics(topic, timeout=REQUEST_SECONDS)
        except KafkaException as error:
            raise self._failure(error) from error
        self._next = dict.fromkeys(sorted(listed.topics[topic].partitions), 0)
        self._consumer.assign([TopicPartition(topic, one, 0) for one in self._next])

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
            while any(self._next[partition] < end for partition, end in ends.items()):
                for message in self._consumer.consume(BATCH, POLL_SECONDS):
                    event = self._event(message, ends)
                    if event is not None:
                        events.append(event)
        except KafkaException as error:
            raise self._failure(error) from error
        return events

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()
        self._asker.close()

    def _ends(self) -> dict[int, int]:
        ends = {}
        for partition in self._next:
            where = TopicPartition(self._settings.topics.releases, partition)
            first, end = self._asker.get_watermark_offsets(where, timeout=REQUEST_SECONDS)
            self._next[partition] = max(self._next[partition], first)
            ends[partition] = end
        return ends

    def _event(self, message: Message, ends: dict[int, int]) -> ReleaseEvent | None:
        error, partition = message.error(), cast("int", message.partition())
        if error is None:
            self._next[partition] = cast("int", message.offset()) + 1
            return self._decode(message)
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name
            raise KafkaException(error)
        # The end may lie behind what is readable: transaction markers take up offsets too.
        self._next[partition] = max(self._next[partition], ends[partition])
        return None

    def _failure(self, error: KafkaException) -> OutsideSystemError:
        return OutsideSystemError(
            f"cannot read topic {self._settings.topics.releases} of Kafka at "
            f"{self._settings.kafka.bootstrap}: {error.args[0].str()}"
        )
