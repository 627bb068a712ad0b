"""The Apache Kafka that the tests start keeps the promises that the rest of the tests rely on."""

import uuid

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from servers.kafka_server import TopicMaker

SECONDS = 20.0


def _read(bootstrap: str, topic: str, *, committed: bool) -> list[bytes | None]:
    """Every value in partition 0 of ``topic`` up to its end at the time of the call."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes | None] = []
    while True:
        message: Message | None = consumer.poll(SECONDS)
        assert message is not None, "the end of the partition was not reached"
        if message.error() is not None:
            break
        values.append(message.value())
    consumer.close()
    return values


def _transactional(bootstrap: str) -> Producer:
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(SECONDS)
    return producer


def test_what_is_produced_is_consumed_in_order(fresh_topics: TopicMaker) -> None:
    (topic,) = fresh_topics("numbers")
    producer = Producer({"bootstrap.servers": fresh_topics.bootstrap})
    for number in range(1000):
        producer.produce(topic, b"%d" % number)
    assert producer.flush(SECONDS) == 0
    values = _read(fresh_topics.bootstrap, topic, committed=False)
    assert values == [b"%d" % number for number in range(1000)]


def test_an_aborted_transaction_is_invisible_to_read_committed(fresh_topics: TopicMaker) -> None:
    (topic,) = fresh_topics("transactions")
    producer = _transactional(fresh_topics.bootstrap)
    producer.begin_transaction()
    producer.produce(topic, b"bad")
    producer.flush(SECONDS)
    producer.abort_transaction(SECONDS)
    producer.begin_transaction()
    producer.produce(topic, b"good")
    producer.commit_transaction(SECONDS)
    assert _read(fresh_topics.bootstrap, topic, committed=True) == [b"good"]
    assert _read(fresh_topics.bootstrap, topic, committed=False) == [b"bad", b"good"]


def test_offsets_sent_with_a_transaction_are_committed_with_it(fresh_topics: TopicMaker) -> None:
    source, target = fresh_topics("source", "target")
    group = Consumer({"bootstrap.servers": fresh_topics.bootstrap, "group.id": uuid.uuid4().hex})
    producer = _transactional(fresh_topics.bootstrap)
    producer.begin_transaction()
    producer.produce(target, b"sum")
    offsets = [TopicPartition(source, 0, 7, metadata="settings 3")]
    producer.send_offsets_to_transaction(offsets, group.consumer_group_metadata(), SECONDS)
    producer.commit_transaction(SECONDS)
    (committed,) = group.committed([TopicPartition(source, 0)], timeout=SECONDS)
    group.close()
    assert (committed.offset, committed.metadata) == (7, "settings 3")


def test_events_with_old_timestamps_are_kept_and_found_by_time(fresh_topics: TopicMaker) -> None:
    (topic,) = fresh_topics("year-2018")
    producer = Producer({"bootstrap.servers": fresh_topics.bootstrap})
    start = 1_520_000_000_000
    for second in range(10):
        producer.produce(topic, b"x", timestamp=start + second * 1000)
    assert producer.flush(SECONDS) == 0
    consumer = Consumer({"bootstrap.servers": fresh_topics.bootstrap, "group.id": "by-time"})
    (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, start + 4500)], SECONDS)
    consumer.close()
    assert found.offset == 5
    assert len(_read(fresh_topics.bootstrap, topic, committed=False)) == 10
