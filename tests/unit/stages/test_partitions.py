"""The stages behind their topics: bytes in, messages out, the same after a restart."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from small_fleets import BEGIN_OF_TROUBLE, SETTINGS, Fault, blocks_of, fleet, progress, release, run

from streams.domain.incidents import IncidentRecord, IncidentStatus
from streams.domain.releases import ReleaseEvent
from streams.ports import OutgoingMessage
from streams.stages.incidents import Incidents
from streams.stages.judge import Judge
from streams.stages.partitions import (
    IncidentsPartition,
    JudgePartition,
    change_point_line,
    incident_line,
)
from streams.windows.closed import ClosedWindow
from streams.windows.codec import encode_block

BROKEN = Fault(
    first=BEGIN_OF_TROUBLE, last=BEGIN_OF_TROUBLE + 10, ratio=0.5, scope={"os": ("windows",)}
)
TABLES = fleet(BEGIN_OF_TROUBLE + 20, [BROKEN])
RELEASES = [release("culprit", BEGIN_OF_TROUBLE - 0.5, os=("windows",))]


class Published:
    """A release log that is read piece by piece."""

    def __init__(self, events: Iterable[ReleaseEvent]) -> None:
        self.waiting = list(events)

    def drain(self) -> Iterable[ReleaseEvent]:
        events, self.waiting = self.waiting, []
        return events

    def close(self) -> None:
        self.waiting = []


class Heard:
    """An observer that notes what it hears."""

    def __init__(self) -> None:
        self.windows: list[ClosedWindow] = []
        self.records: list[IncidentRecord] = []
        self.resumed: list[dict[str, Mapping[str, Any]]] = []

    def judge_resumed(self, partition: int, judge: Judge) -> None:
        """Hear of a judge."""

    def judged(self, _: int, __: Judge, windows: Sequence[ClosedWindow]) -> None:
        self.windows += windows

    def incidents_resumed(self, stage: Incidents) -> None:
        self.resumed.append(dict(stage.state.told))

    def built(self, _: Incidents, __: ClosedWindow, records: Sequence[IncidentRecord]) -> None:
        self.records += records


NOBODY = Heard()


@cache
def blocks() -> list[tuple[int, bytes]]:
    return [
        (partition, encode_block(block))
        for window, table in enumerate(TABLES)
        for partition, several in blocks_of(SETTINGS, table, (progress(window, window),)).items()
        for block in several
    ]


@cache
def judged(restart_every: int = 10**9) -> tuple[OutgoingMessage, ...]:
    judges = [JudgePartition(SETTINGS, number, None, NOBODY) for number in range(3)]
    messages: list[OutgoingMessage] = []
    for number, (partition, block) in enumerate(blocks(), start=1):
        messages += judges[partition].take(block)
        if number % restart_every == 0:
            judges = [
                JudgePartition(SETTINGS, place, judge.snapshot(), NOBODY)
                for place, judge in enumerate(judges)
            ]
    return tuple(messages)


def built(messages: Iterable[OutgoingMessage], restart_at: int = -1) -> list[OutgoingMessage]:
    source = Published(RELEASES)
    stage = IncidentsPartition(SETTINGS, None, source, NOBODY)
    windows = [one.value or b"" for one in messages if one.topic == "opwatch.windows"]
    written: list[OutgoingMessage] = []
    for number, window in enumerate(windows):
        if number == restart_at:
            again = Published(RELEASES)
            stage = IncidentsPartition(SETTINGS, stage.snapshot(), again, NOBODY)
        written += stage.take(window)
    return written


def test_closed_windows_and_change_points_go_to_their_topics() -> None:
    messages = judged()
    assert {one.topic for one in messages} == {"opwatch.windows", "opwatch.change-points"}
    windows = [one for one in messages if one.topic == "opwatch.windows"]
    assert {one.partition for one in windows} == {0}
    points = [one for one in messages if one.topic == "opwatch.change-points"]
    keys = [one.key for one in points]
    assert len(keys) == len(set(keys)) > 9
    assert {one.partition for one in points} == {None}


def test_messages_are_the_same_after_restarts() -> None:
    assert judged(restart_every=50) == judged()


def test_incident_records_are_keyed_by_their_incident() -> None:
    written = built(judged())
    assert {one.topic for one in written} == {"opwatch.incidents"}
    for one in written:
        assert one.key == msgspec.json.decode(one.value or b"")["incident"].encode()


def test_records_are_the_same_live_restarted_and_replayed() -> None:
    messages = judged()
    live = [one.value for one in built(messages)]
    restarted = [one.value for one in built(messages, restart_at=3 * (BEGIN_OF_TROUBLE + 5))]
    replayed = run(TABLES, RELEASES)
    assert len(live) > 1
    assert live == restarted == [incident_line(one) for one in replayed.records]
    points = [one.value for one in messages if one.topic == "opwatch.change-points"]
    assert sorted(points, key=str) == sorted(
        map(change_point_line, replayed.change_points), key=str
    )


def test_observers_hear_of_everything_before_it_is_written() -> None:
    heard = Heard()
    stage = JudgePartition(SETTINGS, 1, None, heard)
    written = [
        message
        for partition, block in blocks()[:30]
        if partition == 1
        for message in stage.take(block)
    ]
    assert len(heard.windows) == len(written) == 10
    incidents = IncidentsPartition(SETTINGS, None, Published(RELEASES), heard)
    messages = judged()
    told = [
        one
        for message in messages
        if message.topic == "opwatch.windows"
        for one in incidents.take(message.value or b"")
    ]
    assert [incident_line(record) for record in heard.records] == [one.value for one in told]


def test_a_stage_that_is_resumed_knows_the_newest_record_of_every_open_incident() -> None:
    heard = Heard()
    stage = IncidentsPartition(SETTINGS, None, Published(RELEASES), heard)
    assert heard.resumed == [{}]
    for message in judged():
        if message.topic == "opwatch.windows":
            before = len(heard.records)
            stage.take(message.value or b"")
            for record in heard.records[before:]:
                again = Heard()
                IncidentsPartition(SETTINGS, stage.snapshot(), Published([]), again)
                (told,) = again.resumed
                resolved = record.status is IncidentStatus.RESOLVED
                assert told.get(record.incident) == (None if resolved else record.record())
    assert {record.status for record in heard.records} >= {
        IncidentStatus.OPEN,
        IncidentStatus.RESOLVED,
    }
