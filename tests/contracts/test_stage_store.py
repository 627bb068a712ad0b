"""What every stage store promises, the one in Kafka and the one in memory alike."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pytest
from kafka_messages import committed, produce
from memory_store import Memory, MemoryStageStore

from servers.kafka_server import TopicMaker
from streams.adapters.kafka.store import KafkaStageStore
from streams.adapters.kafka.topics import create_topics
from streams.config import KafkaSettings, Settings, TopicSettings
from streams.domain.errors import OutsideSystemError
from streams.ports import KeptState, OutgoingMessage, StageStore

PARTITION = 1


class World(Protocol):
    """A stage partition's surroundings."""

    def store(self) -> StageStore:
        """Make one more store of the same partition."""

    def feed(self, values: Sequence[bytes]) -> None:
        """Append to the stage's input."""

    def output(self) -> list[bytes | None]:
        """Give what has been written."""


class MemoryWorld:
    def __init__(self) -> None:
        self._memory = Memory()

    def store(self) -> StageStore:
        return MemoryStageStore(self._memory)

    def feed(self, values: Sequence[bytes]) -> None:
        self._memory.input += values

    def output(self) -> list[bytes | None]:
        return [message.value for message in self._memory.output]


class KafkaWorld:
    def __init__(self, topics: TopicMaker) -> None:
        self._settings = Settings(
            kafka=KafkaSettings(bootstrap=topics.bootstrap, application=topics.prefix),
            topics=TopicSettings(
                outcomes=topics.name("outcomes"),
                releases=topics.name("releases"),
                prefix=topics.prefix,
                counts_partitions=2,
            ),
        )
        create_topics(self._settings, 1)
        self._input = topics.name("counts")
        self._stores: list[StageStore] = []

    def store(self) -> StageStore:
        store = KafkaStageStore(self._settings, "judge", self._input, PARTITION)
        self._stores.append(store)
        return store

    def feed(self, values: Sequence[bytes]) -> None:
        produce(self._settings.kafka.bootstrap, self._input, values, PARTITION)

    def output(self) -> list[bytes | None]:
        topic = self._settings.topics.named("windows")
        return [one.value() for one in committed(self._settings.kafka.bootstrap, topic)]

    def close(self) -> None:
        for store in self._stores:
            store.close()


@pytest.fixture(params=["memory", "kafka"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    kafka = KafkaWorld(request.getfixturevalue("fresh_topics"))
    yield kafka
    kafka.close()


@pytest.fixture
def opened(world: World) -> Callable[[], tuple[StageStore, KeptState]]:
    """Makes and opens a store."""

    def open_one() -> tuple[StageStore, KeptState]:
        store = world.store()
        return store, store.open()

    return open_one


Opened = Callable[[], tuple[StageStore, KeptState]]


def message_for(world: World, value: bytes) -> list[OutgoingMessage]:
    prefix = world._settings.topics.prefix if isinstance(world, KafkaWorld) else ""  # noqa: SLF001
    return [OutgoingMessage(f"{prefix}windows", value, partition=0)]


def test_a_store_opened_for_the_first_time_knows_nothing(opened: Opened) -> None:
    _, state = opened()
    assert state == KeptState(None, 0, 0)


def test_what_has_been_written_and_kept_is_known_to_the_next_store(
    world: World, opened: Opened
) -> None:
    first, _ = opened()
    first.write(message_for(world, b"a"), 3)
    first.keep(b"snapshot", 5)
    first.write(message_for(world, b"b"), 9)
    second, state = opened()
    assert state == KeptState(b"snapshot", 5, 9)
    assert world.output() == [b"a", b"b"]
    second.write(message_for(world, b"c"), 10)
    assert opened()[1] == KeptState(b"snapshot", 5, 10)


def test_what_a_snapshot_covers_counts_as_written(opened: Opened) -> None:
    store, _ = opened()
    store.keep(b"snapshot", 7)
    assert opened()[1] == KeptState(b"snapshot", 7, 7)


def test_the_newest_snapshot_replaces_all_before_it_whatever_their_sizes(opened: Opened) -> None:
    store, _ = opened()
    large = bytes(range(256)) * 10_000  # several chunks in Kafka
    for next_offset, snapshot in enumerate([b"small", large, b"", large[:1_000_000], b"x"], 1):
        store.keep(snapshot, next_offset)
        store, state = opened()
        assert state == KeptState(snapshot, next_offset, next_offset)


def test_reading_gives_exactly_the_input_from_an_offset_to_the_end(
    world: World, opened: Opened
) -> None:
    world.feed([b"0", b"1", b"2", b"3"])
    store, _ = opened()
    assert list(store.read(0)) == [(0, b"0"), (1, b"1"), (2, b"2"), (3, b"3")]
    assert list(store.read(2)) == [(2, b"2"), (3, b"3")]
    assert list(store.read(4)) == []
    world.feed([b"4"])
    assert list(store.read(4)) == [(4, b"4")]


def test_a_later_store_shuts_an_earlier_one_out(world: World, opened: Opened) -> None:
    first, _ = opened()
    first.keep(b"old", 1)
    second, _ = opened()
    with pytest.raises(OutsideSystemError):
        first.write(message_for(world, b"zombie"), 2)
    with pytest.raises(OutsideSystemError):
        first.keep(b"zombie", 2)
    second.write(message_for(world, b"new"), 4)
    assert world.output() == [b"new"]
    assert opened()[1] == KeptState(b"old", 1, 4)
