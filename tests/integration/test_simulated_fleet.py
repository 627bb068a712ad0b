"""A simulated fleet publishes to a broker: everything once, over all partitions, until stopped."""

from datetime import timedelta
from functools import cache
from threading import Event

import pytest
from confluent_kafka import Consumer, TopicPartition

from streams.adapters.embedded_broker import EmbeddedBroker
from streams.adapters.kafka import fleet
from streams.adapters.kafka.fleet import FleetProducer
from streams.adapters.system_clock import SystemClock
from streams.config import KafkaSettings, Settings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.scenarios.catalogue import build
from streams.scenarios.generate import Scenario
from streams.scenarios.live import Live, all_history

PARTITIONS = 3


@cache
def scenario() -> Scenario:
    """Twenty minutes with 300 operations a minute."""
    return build(
        "founding-incident",
        seed=2,
        volume=300.0,
        before=timedelta(minutes=10),
        after=timedelta(minutes=5),
        incident_duration=timedelta(minutes=5),
    )


def settings_of(broker: EmbeddedBroker) -> Settings:
    return Settings(kafka=KafkaSettings(bootstrap=broker.bootstrap))


def with_topics(broker: EmbeddedBroker) -> Settings:
    settings = settings_of(broker)
    broker.create_topics({settings.topics.outcomes: PARTITIONS, settings.topics.releases: 1})
    return settings


def read(broker: EmbeddedBroker, topic: str, partition: int, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "reader"})
    consumer.assign([TopicPartition(topic, partition, 0)])
    messages = consumer.consume(count, timeout=30)
    consumer.close()
    return [message.value() or b"" for message in messages]


def test_a_scenario_is_published_once_in_turn_over_the_partitions() -> None:
    with EmbeddedBroker() as broker:
        settings = with_topics(broker)
        producer = FleetProducer(settings, SystemClock())
        assert producer.publish(all_history(scenario()), Event())
        expected = [line for batch in scenario().batches() for line in batch.lines]
        assert producer.sent == len(expected)
        for partition in range(PARTITIONS):
            own = expected[partition::PARTITIONS]
            assert read(broker, settings.topics.outcomes, partition, len(own)) == own
        steps = scenario().release_events()
        assert read(broker, settings.topics.releases, 0, len(steps)) == steps


class StoppingClock:
    """A clock that stands, an hour before anything is due, and stops the fleet that looks often."""

    def __init__(self, time: float, stop: Event) -> None:
        self._time, self._stop, self._looks = time, stop, 0

    def now(self) -> float:
        """Give the time."""
        self._looks += 1
        if self._looks == 3:
            self._stop.set()
        return self._time


def test_what_is_to_come_waits_for_its_time_and_history_does_not() -> None:
    since = scenario().start + timedelta(minutes=10)
    stop = Event()
    clock = StoppingClock(since.timestamp() - 3600, stop)
    history = sum(
        len(batch.lines) for batch in scenario().batches() if batch.minute_start < since.timestamp()
    )
    with EmbeddedBroker() as broker:
        producer = FleetProducer(with_topics(broker), clock)
        assert not producer.publish(Live(scenario(), since.timestamp(), 1.0), stop)
    # The last one of a minute stands at its end.
    assert producer.sent == history - 1


def test_a_fleet_that_is_far_ahead_waits_for_its_readers() -> None:
    with EmbeddedBroker() as broker:
        producer = FleetProducer(with_topics(broker), SystemClock())
        stop, asked = Event(), list[int]()

        def is_full(sent: int) -> bool:
            asked.append(sent)
            if len(asked) == 3:
                stop.set()
            return True

        assert not producer.publish(all_history(scenario()), stop, is_full)
        assert len(set(asked)) == 1
        assert producer.sent <= asked[0]


def test_missing_topics_are_told_with_what_to_do() -> None:
    with (
        EmbeddedBroker() as broker,
        pytest.raises(OperatorError, match=r"no topic vm-operations .*opwatch topics create"),
    ):
        FleetProducer(settings_of(broker), SystemClock())


def test_a_broker_that_goes_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "REQUEST_SECONDS", 1.0)
    with EmbeddedBroker() as broker:
        producer = FleetProducer(with_topics(broker), SystemClock())
    with pytest.raises(OutsideSystemError, match=r"to Kafka at 127\.0\.0\.1:\d+: it took nothing"):
        producer.publish(all_history(scenario()), Event())
