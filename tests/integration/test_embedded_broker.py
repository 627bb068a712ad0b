"""The demo's broker: what the demo relies on holds, and it is reachable from this machine only."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.adapters.embedded_broker import EmbeddedBroker, EmbeddedBrokerError

SECONDS = 20.0
LISTENING = "0A"  # state TCP_LISTEN in /proc/net/tcp
LOOPBACK = "0100007F"  # 127.0.0.1 as /proc/net/tcp writes it


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


def _listening_addresses(port: int) -> set[str]:
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = [row[1].split(":") for row in rows if row[3] == LISTENING]
    return {address for address, hexadecimal in addresses if int(hexadecimal, 16) == port}


def _consume(broker: EmbeddedBroker, topic: str, count: int, group: str) -> list[bytes | None]:
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 1000,  # how long the next member of the group has to wait
            "heartbeat.interval.ms": 200,
        }
    )
    consumer.subscribe([topic])
    messages = consumer.consume(count, SECONDS)
    consumer.commit(asynchronous=False)
    consumer.close()
    return [message.value() for message in messages]


def _write_transactions(broker: EmbeddedBroker, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": "writer"})
    producer.init_transactions(SECONDS)
    for value in values:
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.commit_transaction(SECONDS)


async def _consume_like_faust(broker: EmbeddedBroker, topic: str, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id="faust",
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        check_crcs=False,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(SECONDS):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


def test_it_listens_on_the_loopback_interface_only(broker: EmbeddedBroker) -> None:
    _, port = broker.bootstrap.split(":")
    assert _listening_addresses(int(port)) == {LOOPBACK}


def test_topics_have_the_partitions_they_were_created_with(broker: EmbeddedBroker) -> None:
    broker.create_topics({"one": 1, "seven": 7})
    topics = AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=SECONDS)
    partitions = {name: len(topic.partitions) for name, topic in topics.topics.items()}
    assert partitions == {"one": 1, "seven": 7}


def test_a_topic_that_exists_already_is_refused_by_name(broker: EmbeddedBroker) -> None:
    broker.create_topics({"counts": 1})
    with pytest.raises(EmbeddedBrokerError, match="topic 'counts' with 2 partitions"):
        broker.create_topics({"counts": 2})


def test_a_group_goes_on_after_what_it_committed(broker: EmbeddedBroker) -> None:
    broker.create_topics({"events": 1})
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(20):
        producer.produce("events", b"%d" % number)
    assert producer.flush(SECONDS) == 0
    first = _consume(broker, "events", 12, "readers")
    second = _consume(broker, "events", 8, "readers")
    assert first + second == [b"%d" % number for number in range(20)]


def test_event_times_of_the_past_survive(broker: EmbeddedBroker) -> None:
    broker.create_topics({"events": 1})
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce("events", b"x", timestamp=1_520_000_000_000)
    assert producer.flush(SECONDS) == 0
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": uuid.uuid4().hex})
    consumer.assign([TopicPartition("events", 0, 0)])
    message = consumer.poll(SECONDS)
    consumer.close()
    assert message is not None
    assert message.timestamp()[1] == 1_520_000_000_000


def test_a_faust_consumer_reads_every_transaction_past_the_markers(broker: EmbeddedBroker) -> None:
    broker.create_topics({"blocks": 1})
    values = [b"%d" % number for number in range(5)]
    _write_transactions(broker, "blocks", values)
    assert asyncio.run(_consume_like_faust(broker, "blocks", 5)) == values


def test_after_closing_nobody_listens_any_more() -> None:
    broker = EmbeddedBroker()
    _, port = broker.bootstrap.split(":")
    broker.close()
    broker.close()
    assert _listening_addresses(int(port)) == set()
