"""Store of one stage partition: output, snapshots and the input they cover, in Kafka transactions.

A transactional id per stage and partition shuts out a predecessor that does not know it has been
replaced. What has been written is remembered as the committed offset of a consumer group nobody is
a member of; a snapshot lies in a compacted topic, in chunks. After a crash a stage goes on from its
snapshot and repeats its steps silently up to what has been written: every output is there exactly
once.
"""

import struct
from collections.abc import Iterator, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.adapters.kafka.clients import REQUEST_SECONDS, consumer_settings
from streams.adapters.kafka.offsets import readable_range
from streams.adapters.kafka.transactions import TransactionWriter, reason
from streams.config import Settings
from streams.domain.errors import OutsideSystemError
from streams.ports import KeptState, OutgoingMessage

CHUNK_BYTES = 900_000
"""Below Kafka's default limit of a message, so that a topic somebody made by hand works too."""

_HEADER = struct.Struct(">qqi")


class KafkaStageStore:
    """One partition of one stage."""

    def __init__(self, settings: Settings, stage: str, input_topic: str, partition: int) -> None:
        """Create the clients; nothing is sent before `open`.

        Args:
            settings: The installation's settings.
            stage: Name of the stage.
            input_topic: Topic the stage reads.
            partition: Its partition, of which the stage keeps state.
        """
        self._settings = settings
        self._stage = stage
        self._input = TopicPartition(input_topic, partition)
        name = f"{settings.kafka.application}-{stage}"
        self._group = f"{name}-written"
        self._writer = TransactionWriter(settings.kafka, f"{name}-{partition}")
        self._consumer = Consumer(consumer_settings(settings.kafka, self._group))
        # A topic for each stage: what another stage left undone must not hide this one's newest
        # snapshot.
        self._snapshots = TopicPartition(settings.topics.named(f"{stage}-snapshots"), partition)

    def open(self) -> KeptState:
        """Shut out whoever had the partition before, and read what it left.

        Raises:
            OutsideSystemError: Kafka does not answer.
        """
        try:
            self._writer.open()
            written = self._written_offset()
            next_offset, snapshot = self._newest_snapshot()
        except KafkaException as error:
            raise self._failure("open its state", error) from error
        return KeptState(snapshot, next_offset, max(written, next_offset))

    def read(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Give the stage's input again, with offsets: from one to the end.

        Raises:
            OutsideSystemError: Kafka does not answer.
        """
        try:
            for message in self._messages(self._input, first):
                offset, value = message.offset(), message.value()
                if offset is not None and value is not None:
                    yield offset, value
        except KafkaException as error:
            raise self._failure("read its input", error) from error

    def write(self, messages: Sequence[OutgoingMessage], next_offset: int) -> None:
        """Write output and remember the input it covers, both or neither.

        Raises:
            OutsideSystemError: The transaction failed, or another worker has taken over.
        """
        offset = TopicPartition(self._input.topic, self._input.partition, next_offset)
        try:
            self._writer.write(messages, [offset], self._consumer.consumer_group_metadata())
        except KafkaException as error:
            raise self._failure("write its output", error) from error

    def keep(self, snapshot: bytes, next_offset: int) -> None:
        """Keep a snapshot and the input it covers, both or neither.

        Raises:
            OutsideSystemError: The transaction failed, or another worker has taken over.
        """
        where, stage = self._snapshots, f"{self._stage}/{self._input.partition}"
        try:
            self._writer.write(
                OutgoingMessage(
                    where.topic, value, f"{stage}/{number}".encode(), partition=where.partition
                )
                for number, value in enumerate(_chunks(snapshot, next_offset))
            )
        except KafkaException as error:
            raise self._failure("keep its snapshot", error) from error

    def close(self) -> None:
        """Give the partition up; what was under way is aborted."""
        self._writer.close()
        self._consumer.close()

    def _written_offset(self) -> int:
        (committed,) = self._consumer.committed([self._input], timeout=REQUEST_SECONDS)
        if committed.error is not None:
            raise KafkaException(committed.error)
        return max(committed.offset, 0)

    def _newest_snapshot(self) -> tuple[int, bytes | None]:
        """Read the snapshot topic's partition; give (next offset, snapshot)."""
        prefix = f"{self._stage}/{self._input.partition}/".encode()
        chunks: dict[int, tuple[int, int, bytes]] = {}
        for message in self._messages(self._snapshots, 0):
            key, value = message.key(), message.value()
            if key is not None and value is not None and key.startswith(prefix):
                next_offset, size, number = _HEADER.unpack_from(value)
                chunks[number] = (next_offset, size, value[_HEADER.size :])
        if 0 not in chunks:
            return 0, None
        next_offset, size, _ = chunks[0]
        parts = [chunks[number][2] for number in sorted(chunks) if chunks[number][0] == next_offset]
        return next_offset, b"".join(parts)[:size]

    def _messages(self, where: TopicPartition, first: int) -> Iterator[Message]:
        """Give a partition's committed messages from an offset to the end."""
        oldest, end = readable_range(self._consumer, where)
        first = max(first, oldest)
        if first >= end:
            return
        self._consumer.assign([TopicPartition(where.topic, where.partition, first)])
        try:
            while True:
                message = self._consumer.poll(REQUEST_SECONDS)
                if message is None:  # what is missing must not pass for what is not there
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - public
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                        return
                    raise KafkaException(error)
                if (message.offset() or 0) >= end:
                    return
                yield message
        finally:
            self._consumer.unassign()

    def _failure(self, what: str, error: KafkaException) -> OutsideSystemError:
        return OutsideSystemError(
            f"stage {self._stage}, partition {self._input.partition} cannot {what} in Kafka at "
            f"{self._settings.kafka.bootstrap}: {reason(error)}"
        )


def _chunks(snapshot: bytes, next_offset: int) -> Iterator[bytes]:
    for number, begin in enumerate(range(0, max(len(snapshot), 1), CHUNK_BYTES)):
        header = _HEADER.pack(next_offset, len(snapshot), number)
        yield header + snapshot[begin : begin + CHUNK_BYTES]
