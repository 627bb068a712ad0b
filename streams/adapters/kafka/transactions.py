"""Transactions: messages and the offsets they cover are written both or neither."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from confluent_kafka import KafkaException, Producer, TopicPartition

from streams.adapters.kafka.clients import REQUEST_SECONDS, producer_settings
from streams.config import KafkaSettings
from streams.ports import OutgoingMessage

CLOSE_SECONDS = 5.0
"""Patience with the broker when a writer is closed; it ends the transaction by itself later."""


class TransactionWriter:
    """A transactional producer; of those with the same name only the newest may write."""

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        """Create the producer; nothing is sent before `open`.

        Args:
            kafka: Where Kafka is.
            name: The transactional id.
        """
        self._producer = Producer(producer_settings(kafka, name))
        self._begun = False

    def open(self) -> None:
        """Shut out every earlier writer of the same name, and abort what it left undone.

        Raises:
            KafkaException: Kafka refuses or does not answer.
        """
        self._producer.init_transactions(REQUEST_SECONDS)

    def write(
        self,
        messages: Iterable[OutgoingMessage],
        offsets: Sequence[TopicPartition] = (),
        group: object = None,
    ) -> None:
        """Write messages, and commit offsets for a group, in one transaction.

        Args:
            messages: What to write.
            offsets: What to commit.
            group: What `consumer_group_metadata` of the group's consumer gives.

        Raises:
            KafkaException: Nothing has been written; `must_be_aborted` says whether one may go on.
        """
        self._producer.begin_transaction()
        self._begun = True
        for message in messages:
            self._send(message)
        if offsets:
            self._producer.send_offsets_to_transaction(list(offsets), group, REQUEST_SECONDS)
        self._producer.commit_transaction(REQUEST_SECONDS)
        self._begun = False

    def abort(self) -> None:
        """Give up what has been written since the last commit.

        Raises:
            KafkaException: Kafka refuses or does not answer.
        """
        self._producer.abort_transaction(REQUEST_SECONDS)
        self._begun = False

    def close(self) -> None:
        """Abort what is under way, if anything is, and free the connections.

        Without the abort readers would have to wait for the transaction's timeout.
        """
        if self._begun:
            with suppress(KafkaException):  # shut out, or Kafka is gone: nothing is left to do
                self._producer.abort_transaction(CLOSE_SECONDS)
        # The client's own close complains of a producer that has been shut out; letting go does
        # not.
        del self._producer

    def _send(self, message: OutgoingMessage) -> None:
        # -1 lets the key decide.
        partition = -1 if message.partition is None else message.partition
        headers: list[tuple[str, str | bytes | None]] = list(message.headers)
        while True:
            try:
                self._producer.produce(
                    message.topic,
                    value=message.value,
                    key=message.key,
                    partition=partition,
                    headers=headers,
                )
            except BufferError:  # the queue is full: make room
                self._producer.flush(REQUEST_SECONDS)
            else:
                return


def must_be_aborted(error: KafkaException) -> bool:
    """Say whether a transaction failed in a way that an abort mends."""
    return bool(error.args[0].txn_requires_abort())


def reason(error: KafkaException) -> str:
    """Give what Kafka's client says went wrong, for the end of a sentence."""
    return str(error.args[0].str())
