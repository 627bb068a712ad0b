"""Messages into and out of a Kafka, for tests: plain, synchronous, complete."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

SECONDS = 30.0
MAXIMUM_BYTES = 16_000_000


def produce(
    bootstrap: str,
    topic: str,
    values: Iterable[bytes | None],
    partition: int = 0,
    time: float | None = None,
) -> None:
    """Produce values in their order and wait until they are there.

    Args:
        bootstrap: Address of the broker.
        topic: Where to.
        values: The values.
        partition: Where to.
        time: The records' time in seconds since the epoch; None for now.
    """
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "message.max.bytes": MAXIMUM_BYTES,
            # Without it a retry, such as while a topic's leader is being found, changes the order.
            "enable.idempotence": True,
        }
    )
    for value in values:
        producer.produce(topic, value, partition=partition, timestamp=int((time or 0) * 1000))
    assert producer.flush(SECONDS) == 0
    producer.close()


def produce_and_abort(bootstrap: str, topic: str, values: Iterable[bytes]) -> None:
    """Produce values in a transaction that is aborted: they take up offsets, and nobody is it."""
    with open_transaction(bootstrap, topic, values):
        pass


@contextmanager
def open_transaction(bootstrap: str, topic: str, values: Iterable[bytes]) -> Iterator[None]:
    """Produce values in a transaction that stays open as long as the context, then aborts."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "transactional.id": f"aborting-{uuid.uuid4().hex}"}
    )
    producer.init_transactions(SECONDS)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=0)
    assert producer.flush(SECONDS) == 0
    yield
    producer.abort_transaction(SECONDS)
    producer.close()


def committed(bootstrap: str, topic: str, partitions: Sequence[int] = (0,)) -> list[Message]:
    """Read the committed messages of some partitions to their present end."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"reader-{uuid.uuid4().hex}",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    messages: list[Message] = []
    ended: set[int | None] = set()
    while len(ended) < len(partitions):
        message = consumer.poll(SECONDS)
        assert message is not None, f"{topic} does not end"
        error = message.error()
        if error is None:
            messages.append(message)
        else:
            assert error.code() == KafkaError._PARTITION_EOF, error  # noqa: SLF001 - its public name
            ended.add(message.partition())
    consumer.close()
    return sorted(messages, key=lambda one: (one.partition() or 0, one.offset() or 0))


def headers_of(message: Message) -> dict[str, str]:
    """Give a message's headers as text."""
    headers = cast("list[tuple[str, bytes]]", message.headers() or [])
    return {name: value.decode() for name, value in headers}
