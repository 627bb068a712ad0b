"""The stages as the worker runs them: a partition's messages in, messages for other topics out."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

import msgspec

from streams.config import Settings
from streams.domain.change_points import ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.ports import OutgoingMessage, ReleaseSource
from streams.stages.incident_state import IncidentsState
from streams.stages.incidents import Incidents
from streams.stages.judge import Judge
from streams.windows.closed import ClosedWindow
from streams.windows.closed_codec import decode_closed, encode_closed
from streams.windows.codec import decode_block


class JudgeObserver(Protocol):
    """Hears what the judges of this process do."""

    def judge_resumed(self, partition: int, judge: Judge, /) -> None:
        """Hear that a judge takes a partition over, with what is known of it."""
        ...

    def judged(self, partition: int, judge: Judge, windows: Sequence[ClosedWindow], /) -> None:
        """Hear what a judge has closed, before it is written."""
        ...


class IncidentsObserver(Protocol):
    """Hears what the incidents stage does."""

    def incidents_resumed(self, stage: Incidents, /) -> None:
        """Hear that the stage is taken over, with the incidents that are open."""
        ...

    def built(
        self, stage: Incidents, closed: ClosedWindow, records: Sequence[IncidentRecord], /
    ) -> None:
        """Hear what came of a closed window, before it is written."""
        ...


def incident_line(record: IncidentRecord) -> bytes:
    """Give a record as one line of JSON, without the line end; live and replayed the same."""
    return msgspec.json.encode(record.record())


def change_point_line(point: ChangePoint) -> bytes:
    """Give a change point as one line of JSON, without the line end."""
    return msgspec.json.encode(point.record())


class JudgePartition:
    """A judge behind its counts partition."""

    def __init__(
        self, settings: Settings, partition: int, snapshot: bytes | None, observer: JudgeObserver
    ) -> None:
        """Start from a snapshot, or without any knowledge.

        Raises:
            SnapshotError: The snapshot cannot be used.
        """
        self._topics = settings.topics
        self._partition = partition
        self._observer = observer
        self._judge = (
            Judge(settings, partition)
            if snapshot is None
            else Judge.resume(settings, partition, snapshot)
        )
        observer.judge_resumed(partition, self._judge)

    def take(self, value: bytes) -> Sequence[OutgoingMessage]:
        """Take in one counts block and give closed windows and change points."""
        closed = self._judge.on_block(decode_block(value))
        self._observer.judged(self._partition, self._judge, closed)
        return [message for window in closed for message in self._messages(window)]

    def snapshot(self) -> bytes:
        """Give the whole state."""
        return self._judge.snapshot()

    def _messages(self, window: ClosedWindow) -> list[OutgoingMessage]:
        topic = self._topics.named("change-points")
        changes = [
            OutgoingMessage(
                topic, line, key=hashlib.blake2b(line, digest_size=12).hexdigest().encode()
            )
            for line in map(change_point_line, window.change_points)
        ]
        windows = self._topics.named("windows")
        return [OutgoingMessage(windows, encode_closed(window), partition=0), *changes]


class IncidentsPartition:
    """The incidents stage behind the windows topic."""

    def __init__(
        self,
        settings: Settings,
        snapshot: bytes | None,
        releases: ReleaseSource,
        observer: IncidentsObserver,
    ) -> None:
        """Start from a snapshot, or without any knowledge.

        Raises:
            SnapshotError: The snapshot cannot be used.
        """
        self._settings = settings
        self._releases = releases
        self._observer = observer
        state = None if snapshot is None else IncidentsState.resume(settings, snapshot)
        self._stage = Incidents(settings, state)
        observer.incidents_resumed(self._stage)

    def take(self, value: bytes) -> Sequence[OutgoingMessage]:
        """Take in one closed window after all releases published by now; give incident records."""
        self._stage.add_releases(self._releases.drain())
        closed = decode_closed(value)
        records = self._stage.on_closed(closed)
        self._observer.built(self._stage, closed, records)
        topic = self._settings.topics.named("incidents")
        return [
            OutgoingMessage(topic, incident_line(record), key=record.incident.encode())
            for record in records
        ]

    def snapshot(self) -> bytes:
        """Give the whole state."""
        return self._stage.state.snapshot(self._settings)
