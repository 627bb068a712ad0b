"""Ingest on Apache Kafka: every record through exactly one door, exactly once, whatever happens."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from ingest_worker import IngestWorker, Seen, doors, installation, progress, totals
from kafka_messages import committed, headers_of, produce, produce_and_abort
from outcome_events import START, event
from structlog.testing import capture_logs

from servers.kafka_server import TopicMaker
from streams.adapters.kafka.ingest import MOST_ABORTS
from streams.adapters.kafka.transactions import TransactionWriter
from streams.config import Settings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.stages.ingest import Flush

SERIES = ("westus", "unknown", "unknown", "create")
WINDOW = int(START // 60)

BAD: Mapping[str, tuple[bytes | None, str]] = {
    "truncated": (event("b1")[:-7], "malformed"),
    "wrong type": (event("b2", region=7), "invalid"),
    "missing field": (event("b3", region=None), "invalid"),
    "unknown outcome": (event("b4", outcome="exploded"), "invalid"),
    "time without offset": (event("b5", time="2021-10-13T06:00:00"), "invalid"),
    "year 1": (event("b6", time="0001-01-01T00:00:00Z"), "time_out_of_range"),
    "year 9999": (event("b7", time="9999-12-31T23:59:59Z"), "time_out_of_range"),
    "ahead of its record": (event("b8", time="2099-01-01T00:00:00Z"), "time_ahead"),
    "ten megabytes": (event("b9", error_message="m" * 10_000_000), "too_large"),
    "empty": (b"", "empty"),
    "null": (None, "empty"),
    "invalid UTF-8": (event("b10").replace(b"westus", b"\xff\xfe"), "malformed"),
    "NaN": (event("b11", duration=float("nan")), "malformed"),
    "deep nesting": (event("b12", x="?").replace(b'"?"', b"[" * 100_000), "malformed"),
    "no JSON": (b"\x00\x01\x02", "malformed"),
    "a list": (b"[" + event("b13") + b"]", "invalid"),
}
ODD = [
    event("o1", unknown={"field": [1, 2, {"deep": None}]}),
    event("o2")[:-1] + b', "region": "westus"}',
]


def produce_to(settings: Settings, *values: bytes | None, partition: int = 0) -> None:
    produce(settings.kafka.bootstrap, settings.topics.outcomes, values, partition)


def events(first: int, last: int, second: float = 0.0) -> list[bytes]:
    return [event(f"e{number}", second) for number in range(first, last)]


@contextmanager
def refused_dead_letters(settings: Settings) -> Iterator[None]:
    """Make the broker refuse dead letters of more than 200 bytes."""
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap})

    def alter(limit: int) -> None:
        entry = ConfigEntry(
            "max.message.bytes", str(limit), incremental_operation=AlterConfigOpType.SET
        )
        resource = ConfigResource(
            ResourceType.TOPIC,
            settings.topics.named("dead-letters"),
            incremental_configs=[entry],
        )
        for altered in admin.incremental_alter_configs([resource]).values():
            altered.result(30)

    alter(200)
    yield
    alter(1_000_000)


def test_every_record_goes_through_exactly_one_door(fresh_topics: TopicMaker) -> None:
    settings = installation(fresh_topics)
    bad = [value for value, _ in BAD.values()]
    good = [
        *events(0, 50),
        *(event(f"f{n}", outcome="failure", error_code="E1") for n in range(7)),
        event("t", outcome="timeout"),
        event("c", outcome="cancelled"),
        event("u", outcome="failure", fault="caller"),
        *ODD,
    ]
    produce_to(settings, *good[:10], *bad, *good[10:], *events(0, 50))  # the last are duplicates
    produce_to(settings, *bad, event("later", 600.0), event("late", 1.0), partition=1)
    with IngestWorker(settings) as worker:
        count = len(good) + 50 + 2 * len(bad) + 2
        worker.seen.wait(lambda seen: seen.records == count)
    assert worker.error is None
    assert doors(worker.seen.flushes) == {
        "counted": len(good) + 2,
        "duplicate": 50,
        "dead letter": 2 * len(bad),
    }
    counted = totals(settings)
    on_time, late = (WINDOW, False, SERIES), (WINDOW, True, SERIES)
    assert counted.trials == {on_time: 60, late: 1, (WINDOW + 10, False, SERIES): 1}
    assert counted.failures == {on_time: 8}
    assert counted.cancelled == {on_time: 1}
    assert counted.caller_faults == {on_time: 1}
    assert counted.error_codes[on_time, "E1"] == 7
    _assert_dead_letters(settings, {0: 10, 1: 0})
    (kept,) = committed(settings.kafka.bootstrap, settings.topics.named("late"))
    assert kept.value() == event("late", 1.0)
    assert headers_of(kept) == {
        "opwatch-topic": settings.topics.outcomes,
        "opwatch-partition": "1",
        "opwatch-offset": str(len(bad) + 1),
        "opwatch-window": str(WINDOW),
    }


def _assert_dead_letters(settings: Settings, first_offsets: Mapping[int, int]) -> None:
    """Check that the bad values are kept once each, with coordinates, reason and bytes."""
    letters = {}
    for message in committed(settings.kafka.bootstrap, settings.topics.named("dead-letters")):
        headers = headers_of(message)
        assert headers.pop("opwatch-detail")
        assert headers.pop("opwatch-topic") == settings.topics.outcomes
        where = int(headers.pop("opwatch-partition")), int(headers.pop("opwatch-offset"))
        assert where not in letters
        letters[where] = message.value(), headers.pop("opwatch-reason")
        assert not headers
    assert letters == {
        (partition, first + place): expected
        for partition, first in first_offsets.items()
        for place, expected in enumerate(BAD.values())
    }


def test_what_was_counted_before_a_restart_is_not_counted_again(fresh_topics: TopicMaker) -> None:
    settings = installation(fresh_topics)
    produce_to(settings, *events(0, 100))
    with IngestWorker(settings, "first") as first:
        first.seen.wait(lambda seen: seen.records == 100)
    produce_to(settings, *events(50, 110))  # half of them known from before the restart
    with IngestWorker(settings, "second") as second:
        second.seen.wait(lambda seen: seen.records == 60)
    assert (first.error, second.error) == (None, None)
    assert doors(second.seen.flushes) == {"counted": 10, "duplicate": 50, "dead letter": 0}
    begun = sum(one.totals.records for one in second.seen.begun.values())
    assert begun == 100
    newest = [one for flush in second.seen.flushes for one in flush.positions.items()]
    reached = (second.seen.begun | dict(newest)).values()
    assert sum(one.totals.records for one in reached) == 160
    assert sum(one.totals.duplicates for one in reached) == 50
    assert second.seen.positions == {}  # nothing is left of what it has given up
    assert totals(settings).trials == {(WINDOW, False, SERIES): 110}
    reach = [(one.first_offset, one.next_offset) for one in progress(settings)]
    assert reach[0][0] == 0
    assert reach[-1][1] == 160
    assert all(before[1] == after[0] for before, after in pairwise(reach))


def test_a_partition_that_falls_silent_is_told_so_and_told_when_it_speaks_again(
    fresh_topics: TopicMaker,
) -> None:
    settings = installation(fresh_topics, idle_after=0.5)
    produce_to(settings, event("1"))
    with IngestWorker(settings) as worker:
        worker.seen.wait(lambda seen: seen.records == 1)
        # Two more positions: partition 0 after its event, and partition 1 that never had one.
        worker.seen.wait(lambda seen: sum(len(one.positions) for one in seen.flushes) == 3)
        produce_to(settings, event("2", 1.0))
        worker.seen.wait(lambda seen: seen.records == 2)
    told = [(one.source.partition, one.next_offset, one.idle) for one in progress(settings)]
    assert sorted(told[1:3]) == [(0, 1, True), (1, 0, True)]
    assert told[0] == (0, 1, False)
    assert told[3] == (0, 2, False)


def test_lag_is_zero_when_everything_is_read_even_behind_aborted_events(
    fresh_topics: TopicMaker,
) -> None:
    settings = installation(fresh_topics)
    produce_to(settings, *events(0, 5))
    produce_to(settings, *events(5, 8), partition=1)
    produce_and_abort(settings.kafka.bootstrap, settings.topics.outcomes, [b"never"])
    with IngestWorker(settings) as worker:
        worker.seen.wait(lambda seen: seen.records == 8)
    produce_to(settings, *events(8, 9), partition=1)
    # Nothing new in partition 0: its lag is known from where the last worker got to.
    with IngestWorker(settings) as worker:
        worker.seen.wait(lambda seen: seen.records == 1)
        produce_to(settings, *events(9, 10), partition=1)
        worker.seen.wait(lambda seen: seen.records == 2)
    assert worker.seen.lag == {0: 0, 1: 0}


def test_a_worker_shut_out_by_its_namesake_ends_and_loses_nothing(
    fresh_topics: TopicMaker,
) -> None:
    settings = installation(fresh_topics)
    produce_to(settings, *events(0, 20))
    with IngestWorker(settings, "same") as worker:
        worker.seen.wait(lambda seen: seen.records == 20)
        namesake = TransactionWriter(settings.kafka, f"{settings.kafka.application}-ingest-same")
        namesake.open()
        produce_to(settings, *events(20, 50))
        error = worker.died()
        namesake.close()
    assert isinstance(error, OutsideSystemError)
    assert f"ingest cannot go on with Kafka at {settings.kafka.bootstrap}: " in str(error)
    with IngestWorker(settings, "same") as successor:
        successor.seen.wait(lambda seen: seen.records == 30)
    assert totals(settings).trials == {(WINDOW, False, SERIES): 50}


def test_a_transaction_that_must_be_aborted_is_done_again_and_counts_once(
    fresh_topics: TopicMaker,
) -> None:
    settings = installation(fresh_topics)
    produce_to(settings, *events(0, 20))
    with IngestWorker(settings) as worker:
        worker.seen.wait(lambda seen: seen.records == 20)
        with refused_dead_letters(settings):
            produce_to(settings, *events(10, 30), b"{" * 1000, event("late", -120.0))
            worker.seen.wait(lambda seen: seen.aborts >= 2)
            assert totals(settings).trials == {(WINDOW, False, SERIES): 20}
        worker.seen.wait(lambda seen: seen.records == 42)
    assert worker.error is None
    late = (WINDOW - 2, True, SERIES)
    assert totals(settings).trials == {(WINDOW, False, SERIES): 30, late: 1}
    bootstrap = settings.kafka.bootstrap
    letters = committed(bootstrap, settings.topics.named("dead-letters"))
    assert [one.value() for one in letters] == [b"{" * 1000]


def test_transactions_that_never_succeed_end_the_worker(fresh_topics: TopicMaker) -> None:
    settings = installation(fresh_topics)
    with refused_dead_letters(settings), IngestWorker(settings) as worker:
        produce_to(settings, b"{" * 1000)
        error = worker.died()
    assert isinstance(error, OutsideSystemError)
    assert worker.seen.aborts == MOST_ABORTS


def test_a_flush_that_fails_while_partitions_are_given_up_is_left_to_the_next_owner(
    fresh_topics: TopicMaker,
) -> None:
    settings = installation(fresh_topics, flush_interval=3600.0)
    produce_to(settings, *events(0, 10), b"{" * 1000)
    produce_to(settings, *events(10, 20), b"[" * 1000, partition=1)
    with IngestWorker(settings, "a") as first:
        first.wait_until_read(22)
        with refused_dead_letters(settings), IngestWorker(settings, "b") as second:
            first.seen.wait(lambda seen: seen.aborts == 1)
            first.wait_until_read(11)
            second.wait_until_read(11)
            assert (first.seen.aborts, first.seen.records) == (1, 0)
    # Both end with a flush; the second's was refused when the first one's was not yet.
    with IngestWorker(settings, "c") as third:
        third.wait_until_read(22)
    assert totals(settings).trials == {(WINDOW, False, SERIES): 20}
    letters = committed(settings.kafka.bootstrap, settings.topics.named("dead-letters"))
    assert sorted(one.value() or b"" for one in letters) == [b"[" * 1000, b"{" * 1000]


def test_workers_that_come_and_go_share_the_partitions_and_count_once(
    fresh_topics: TopicMaker,
) -> None:
    settings = installation(fresh_topics, partitions=4)

    def produce_round(number: int) -> None:
        for partition in range(4):
            first = 1000 * number + 100 * partition
            produce_to(settings, *events(first, first + 50), partition=partition)

    first, second = Seen(), Seen()
    with IngestWorker(settings, "a", first) as leaving:
        produce_round(0)
        first.wait(lambda seen: seen.records == 200)
        with IngestWorker(settings, "b", second) as staying:
            second.wait(lambda seen: seen.batches > 0)  # told of the ends of what it was given
            produce_round(1)
            second.wait(lambda seen: seen.records >= 50)
            first.wait(lambda seen: seen.records >= 250)
            assert leaving.end() is None
            produce_round(2)
            second.wait(lambda seen: first.records + seen.records == 600)
        assert staying.error is None
    assert totals(settings).trials == {(WINDOW, False, SERIES): 600}


class Sleepy(Seen):
    """Sleeps through the first flush, longer than the group waits."""

    def flushed(self, flush: Flush, lag: Mapping[int, int]) -> None:
        """Hear of a committed flush."""
        super().flushed(flush, lag)
        if len(self.flushes) == 1:
            time.sleep(8)


def test_a_worker_that_slept_too_long_comes_back_to_its_partitions(
    fresh_topics: TopicMaker,
) -> None:
    settings = installation(fresh_topics)
    client = {"max.poll.interval.ms": "6000"}
    kafka = settings.kafka.model_copy(update={"client": client})
    impatient = settings.model_copy(update={"kafka": kafka})
    produce_to(settings, *events(0, 10))
    with capture_logs() as logs, IngestWorker(impatient, seen=Sleepy()) as worker:
        worker.seen.wait(lambda seen: seen.records == 10)
        produce_to(settings, *events(10, 30))
        worker.seen.wait(lambda seen: seen.records == 30)
    assert worker.error is None
    assert "left_the_group" in [one["event"] for one in logs]
    assert totals(settings).trials == {(WINDOW, False, SERIES): 30}


def _set_offset(settings: Settings, offset: int, metadata: str | None) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka.bootstrap,
            "group.id": f"{settings.kafka.application}-ingest",
        }
    )
    where = TopicPartition(settings.topics.outcomes, 0, offset)
    if metadata is not None:
        where = TopicPartition(settings.topics.outcomes, 0, offset, metadata)
    consumer.commit(offsets=[where], asynchronous=False)
    consumer.close()


def test_an_offset_set_by_hand_is_where_ingest_goes_on(fresh_topics: TopicMaker) -> None:
    settings = installation(fresh_topics)
    produce_to(settings, *events(0, 10))
    _set_offset(settings, 7, None)
    with capture_logs() as logs, IngestWorker(settings) as worker:
        worker.seen.wait(lambda seen: seen.records == 3)
    assert [(one["event"], one["offset"]) for one in logs] == [("offset_set_by_hand", 7)]
    assert totals(settings).trials == {(WINDOW, False, SERIES): 3}


def test_an_offset_that_somebody_else_committed_ends_the_worker(fresh_topics: TopicMaker) -> None:
    settings = installation(fresh_topics)
    _set_offset(settings, 7, json.dumps({"of": "another program"}))
    with IngestWorker(settings) as worker:
        error = worker.died()
    assert isinstance(error, OperatorError)
    assert f"consumer group {settings.kafka.application}-ingest, partition 0 of " in str(error)


def test_a_broker_that_is_not_there_is_named(
    fresh_topics: TopicMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.adapters.kafka.transactions.REQUEST_SECONDS", 0.5)
    settings = installation(fresh_topics)
    kafka = settings.kafka.model_copy(update={"bootstrap": "127.0.0.1:1"})
    with IngestWorker(settings.model_copy(update={"kafka": kafka})) as worker:
        error = worker.died()
    assert isinstance(error, OutsideSystemError)
    assert str(error).startswith("ingest cannot go on with Kafka at 127.0.0.1:1: ")
