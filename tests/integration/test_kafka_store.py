"""The stage store in Kafka, beyond the contract: transactions, other partitions, broken links."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaException
from kafka_messages import committed, open_transaction, produce, produce_and_abort

from servers.kafka_server import TopicMaker
from streams.adapters.kafka.store import KafkaStageStore
from streams.adapters.kafka.topics import check_topics, create_topics, planned_topics
from streams.adapters.kafka.transactions import TransactionWriter
from streams.config import KafkaSettings, Settings, TopicSettings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.ports import KeptState, OutgoingMessage


@pytest.fixture
def settings(fresh_topics: TopicMaker) -> Settings:
    """An installation with topics of its own."""
    made = Settings(
        kafka=KafkaSettings(bootstrap=fresh_topics.bootstrap, application=fresh_topics.prefix),
        topics=TopicSettings(
            outcomes=fresh_topics.name("outcomes"),
            releases=fresh_topics.name("releases"),
            prefix=fresh_topics.prefix,
            counts_partitions=2,
        ),
    )
    create_topics(made, 3)
    return made


def judge_store(settings: Settings, partition: int = 0) -> KafkaStageStore:
    return KafkaStageStore(settings, "judge", settings.topics.named("counts"), partition)


def test_partitions_and_stages_do_not_see_each_others_state(settings: Settings) -> None:
    first, second = judge_store(settings, 0), judge_store(settings, 1)
    incidents = KafkaStageStore(settings, "incidents", settings.topics.named("windows"), 0)
    for store in (first, second, incidents):
        store.open()
    first.keep(b"of partition 0", 4)
    first.write([OutgoingMessage(settings.topics.named("windows"), b"w", partition=0)], 8)
    for store in (first, second, incidents):
        store.close()
    first, second = judge_store(settings, 0), judge_store(settings, 1)
    incidents = KafkaStageStore(settings, "incidents", settings.topics.named("windows"), 0)
    assert first.open() == KeptState(b"of partition 0", 4, 8)
    assert second.open() == KeptState(None, 0, 0)
    assert incidents.open() == KeptState(None, 0, 0)
    for store in (first, second, incidents):
        store.close()


def test_input_that_was_aborted_is_never_read_and_does_not_hide_what_follows(
    settings: Settings,
) -> None:
    bootstrap, topic = settings.kafka.bootstrap, settings.topics.named("counts")
    produce(bootstrap, topic, [b"0", b"1"])
    produce_and_abort(bootstrap, topic, [b"aborted", b"aborted too"])  # offsets 2 to 4
    produce(bootstrap, topic, [b"5"])
    produce_and_abort(bootstrap, topic, [b"last of all"])
    store = judge_store(settings)
    store.open()
    assert list(store.read(0)) == [(0, b"0"), (1, b"1"), (5, b"5")]
    assert list(store.read(2)) == [(5, b"5")]
    assert list(store.read(6)) == []
    with open_transaction(bootstrap, topic, [b"not yet"]):
        assert list(store.read(1)) == [(1, b"1"), (5, b"5")]
    store.close()


_DIES = """
import os, sys
from confluent_kafka import Producer
from streams.adapters.kafka.clients import producer_settings
from streams.config import KafkaSettings
bootstrap, application, snapshots = sys.argv[1:]
kafka = KafkaSettings(bootstrap=bootstrap, application=application)
producer = Producer(producer_settings(kafka, f"{application}-judge-0"))
producer.init_transactions(30)
producer.begin_transaction()
header = (9).to_bytes(8, "big") + (4).to_bytes(8, "big") + (0).to_bytes(4, "big")
producer.produce(snapshots, header + b"half", key=b"judge/0/0", partition=0)
producer.flush(30)
os._exit(0)
"""


def test_a_snapshot_whose_writer_died_before_the_end_is_never_seen(settings: Settings) -> None:
    store = judge_store(settings)
    store.open()
    store.keep(b"whole", 3)
    store.close()
    arguments = [settings.kafka.bootstrap, settings.kafka.application]
    snapshots = settings.topics.named("judge-snapshots")
    subprocess.run([sys.executable, "-c", _DIES, *arguments, snapshots], check=True)  # noqa: S603
    successor = judge_store(settings)
    assert successor.open() == KeptState(b"whole", 3, 3)
    successor.close()


def test_output_goes_where_it_is_meant_to_with_key_and_headers(settings: Settings) -> None:
    store = judge_store(settings)
    store.open()
    windows, points = settings.topics.named("windows"), settings.topics.named("change-points")
    store.write(
        [
            OutgoingMessage(windows, b"w", partition=0, headers=(("a", b"1"),)),
            OutgoingMessage(points, b"p", key=b"k"),
            OutgoingMessage(points, None, key=b"k"),
        ],
        1,
    )
    store.close()
    (window,) = committed(settings.kafka.bootstrap, windows)
    assert (window.value(), window.key(), window.headers()) == (b"w", None, [("a", b"1")])
    values = [(one.key(), one.value()) for one in committed(settings.kafka.bootstrap, points)]
    assert values == [(b"k", b"p"), (b"k", None)]


def test_closing_aborts_what_is_under_way_and_lets_nobody_wait(settings: Settings) -> None:
    windows = settings.topics.named("windows")

    def interrupted() -> Iterator[OutgoingMessage]:
        yield OutgoingMessage(windows, b"x", partition=0)
        time.sleep(1)  # until it is on its way, and the transaction open
        yield OutgoingMessage(windows, bytes(17 * 1024 * 1024))

    writer = TransactionWriter(settings.kafka, "interrupted")
    writer.open()
    with pytest.raises(KafkaException):
        writer.write(interrupted())
    writer.close()
    # Were the transaction still open, nobody could read beyond its beginning.
    produce(settings.kafka.bootstrap, windows, [b"after"])
    assert [one.value() for one in committed(settings.kafka.bootstrap, windows)] == [b"after"]


def test_output_that_cannot_be_written_is_an_outside_error_and_leaves_nothing(
    settings: Settings,
) -> None:
    windows = settings.topics.named("windows")
    store = judge_store(settings)
    store.open()
    with pytest.raises(OutsideSystemError, match=r"stage judge, partition 0 cannot write"):
        store.write([OutgoingMessage(windows, bytes(17 * 1024 * 1024), partition=0)], 1)
    store.close()
    successor = judge_store(settings)
    assert successor.open() == KeptState(None, 0, 0)
    successor.close()


def test_a_broker_that_is_not_there_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.adapters.kafka.transactions.REQUEST_SECONDS", 0.5)
    nowhere = settings.model_copy(
        update={"kafka": settings.kafka.model_copy(update={"bootstrap": "127.0.0.1:1"})}
    )
    store = judge_store(nowhere)
    with pytest.raises(OutsideSystemError, match=r"open its state in Kafka at 127\.0\.0\.1:1: "):
        store.open()
    store.close()


def test_input_that_does_not_come_is_an_error_and_not_its_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(settings.kafka.bootstrap, settings.topics.named("counts"), [b"0", b"1"])
    store = judge_store(settings)
    store.open()
    reading = store.read(0)
    assert next(reading) == (0, b"0")
    # Less than the messages that wait in the client's queue take to be looked at.
    monkeypatch.setattr("streams.adapters.kafka.store.REQUEST_SECONDS", 0.0)
    store._consumer.unassign()  # noqa: SLF001 - as if the broker said nothing more
    with pytest.raises(OutsideSystemError, match="cannot read its input"):
        next(reading)
    store.close()


def test_every_topic_is_made_as_it_is_planned_and_checked(settings: Settings) -> None:
    assert check_topics(settings) == []
    assert create_topics(settings) == []
    other = settings.model_copy(
        update={"topics": settings.topics.model_copy(update={"counts_partitions": 5})}
    )
    counts, snapshots = settings.topics.named("counts"), settings.topics.named("judge-snapshots")
    assert [problem.split(":")[0] for problem in check_topics(other)] == [
        f"topic {counts} has 2 partitions, not 5",
        f"topic {snapshots} has 2 partitions, not 5",
    ]
    foreign = settings.model_copy(
        update={"topics": settings.topics.model_copy(update={"prefix": "nobody."})}
    )
    missing = [plan.name for plan in planned_topics(foreign) if plan.name.startswith("nobody.")]
    assert [problem.split()[1] for problem in check_topics(foreign)] == missing


def test_topics_the_broker_refuses_are_named(settings: Settings) -> None:
    greedy = settings.topics.model_copy(update={"replication": 7, "prefix": "greedy."})
    with pytest.raises(OutsideSystemError, match=r"refused to create topic .*replication"):
        create_topics(settings.model_copy(update={"topics": greedy}))


def test_client_settings_that_do_not_exist_are_the_operators_fault(settings: Settings) -> None:
    kafka = settings.kafka.model_copy(update={"client": {"no.such.setting": "1"}})
    with pytest.raises(OperatorError, match=r"kafka\.client.*no\.such\.setting"):
        check_topics(settings.model_copy(update={"kafka": kafka}))
