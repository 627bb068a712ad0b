"""The release log in Kafka: everything published, once, in time, and the bad ones set aside."""

import json
from collections.abc import Iterator

import pytest
from kafka_messages import open_transaction, produce, produce_and_abort
from structlog.testing import capture_logs

from servers.kafka_server import TopicMaker
from streams.adapters.kafka.releases import EVERY_SECONDS, KafkaReleases
from streams.config import KafkaSettings, Settings, TopicSettings
from streams.domain.errors import OutsideSystemError
from streams.wiring.worker import decode_message


class Later:
    """A clock by which every look comes long enough after the last."""

    def __init__(self, step: float = 2 * EVERY_SECONDS) -> None:
        self._now = 0.0
        self._step = step

    def now(self) -> float:
        """Give a later time at each call."""
        self._now += self._step
        return self._now


def release(name: str) -> bytes:
    return json.dumps(
        {"id": name, "time": "2021-10-13T06:00:00Z", "release": name, "action": "started"}
    ).encode()


@pytest.fixture
def settings(fresh_topics: TopicMaker) -> Settings:
    """An installation whose releases topic has three partitions."""
    (topic,) = fresh_topics("releases", partitions=3)
    return Settings(
        kafka=KafkaSettings(bootstrap=fresh_topics.bootstrap, application=fresh_topics.prefix),
        topics=TopicSettings(releases=topic),
    )


@pytest.fixture
def releases(settings: Settings) -> Iterator[KafkaReleases]:
    source = KafkaReleases(settings, decode_message, Later())
    yield source
    source.close()


def publish(settings: Settings, *names: str, partition: int = 0) -> None:
    values = [release(name) for name in names]
    produce(settings.kafka.bootstrap, settings.topics.releases, values, partition)


def names(source: KafkaReleases) -> list[str]:
    return sorted(event.release for event in source.drain())


def test_nothing_published_is_nothing_given(releases: KafkaReleases) -> None:
    assert names(releases) == []
    assert names(releases) == []


def test_everything_published_so_far_is_given_once_across_partitions(
    settings: Settings, releases: KafkaReleases
) -> None:
    for partition in range(3):
        publish(settings, f"a{partition}", f"b{partition}", partition=partition)
    assert names(releases) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert names(releases) == []


def test_what_is_published_before_a_look_is_given_by_that_look(
    settings: Settings, releases: KafkaReleases
) -> None:
    # Every look but the first finds the client's word that the end had been reached before.
    for number in range(20):
        publish(settings, f"r{number}", partition=number % 3)
        assert names(releases) == [f"r{number}"]


def test_looking_again_too_soon_gives_nothing_and_loses_nothing(settings: Settings) -> None:
    source = KafkaReleases(settings, decode_message, Later(EVERY_SECONDS * 0.6))
    publish(settings, "first")
    assert names(source) == ["first"]
    publish(settings, "second")
    assert names(source) == []
    assert names(source) == ["second"]
    source.close()


def test_what_was_aborted_is_not_given_and_holds_nothing_up(
    settings: Settings, releases: KafkaReleases
) -> None:
    bootstrap, topic = settings.kafka.bootstrap, settings.topics.releases
    produce_and_abort(bootstrap, topic, [release("never")])
    assert names(releases) == []
    publish(settings, "after")
    produce_and_abort(bootstrap, topic, [release("never either")])
    assert names(releases) == ["after"]
    with open_transaction(bootstrap, topic, [release("undecided")]):
        assert names(releases) == []


def test_bad_releases_are_set_aside_with_their_coordinates(
    settings: Settings, releases: KafkaReleases
) -> None:
    bad = [b"{", None, b"\xff", b'{"id": 1}', b"[]"]
    produce(settings.kafka.bootstrap, settings.topics.releases, [release("good"), *bad], 2)
    with capture_logs() as logs:
        assert names(releases) == ["good"]
    assert [(one["event"], one["partition"], one["offset"]) for one in logs] == [
        ("release_set_aside", 2, offset) for offset in range(1, 6)
    ]
    assert all(one["topic"] == settings.topics.releases and one["reason"] for one in logs)


def test_a_broker_that_is_not_there_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.adapters.kafka.releases.REQUEST_SECONDS", 0.5)
    kafka = settings.kafka.model_copy(update={"bootstrap": "127.0.0.1:1"})
    nowhere = settings.model_copy(update={"kafka": kafka})
    expected = rf"cannot read topic {settings.topics.releases} of Kafka at 127\.0\.0\.1:1: "
    with pytest.raises(OutsideSystemError, match=expected):
        KafkaReleases(nowhere, decode_message, Later())


def test_releases_that_do_not_come_are_an_error_and_no_endless_wait(
    settings: Settings, releases: KafkaReleases, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, "unseen")
    releases._consumer.unassign()  # noqa: SLF001 - as if the broker said nothing more
    monkeypatch.setattr("streams.adapters.kafka.releases.REQUEST_SECONDS", 1.0)
    with pytest.raises(OutsideSystemError, match="nothing came for 1 s"):
        releases.drain()
