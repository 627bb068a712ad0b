"""Ports: what the stages' drivers need from the outside world, as protocols and plain values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.domain.releases import ReleaseEvent


class Clock(Protocol):
    """Processing time."""

    def now(self) -> float:
        """Give the processing time in seconds since the epoch."""
        ...


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message a stage wants written.

    Attributes:
        topic: Full name of the topic.
        value: The message.
        key: Its key, by which a compacted topic keeps the newest; None for none.
        partition: Where it goes; None lets the key decide.
        headers: Its headers.
    """

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class KeptState:
    """What is known of an earlier run of a stage.

    Attributes:
        snapshot: The newest snapshot, None where there is none.
        next_offset: First input offset the snapshot does not cover.
        written_offset: First input offset whose output has not been written yet.
    """

    snapshot: bytes | None
    next_offset: int
    written_offset: int


class StageStore(Protocol):
    """Where one partition of a stage writes its output, exactly once, and keeps its state."""

    def open(self) -> KeptState:
        """Shut out whoever had the partition before, and read what it left."""
        ...

    def read(self, first: int) -> Iterable[tuple[int, bytes]]:
        """Give the stage's input again, with offsets: from one to the end."""
        ...

    def write(self, messages: Sequence[OutgoingMessage], next_offset: int) -> None:
        """Write output and remember the input it covers, both or neither."""
        ...

    def keep(self, snapshot: bytes, next_offset: int) -> None:
        """Keep a snapshot and the input it covers, both or neither."""
        ...

    def close(self) -> None:
        """Give the partition up."""
        ...


class ReleaseSource(Protocol):
    """The release log as it grows."""

    def drain(self) -> Iterable[ReleaseEvent]:
        """Give the events that have been published since the last call."""
        ...

    def close(self) -> None:
        """Stop reading."""
        ...


@dataclass(frozen=True, slots=True)
class TimedSeries:
    """Samples of one series of metrics.

    Attributes:
        labels: (name, value) of each label, the metric's name as `__name__` among them, sorted.
        values: The values, in time order.
        instants: Their times, in milliseconds since the epoch.
    """

    labels: tuple[tuple[str, str], ...]
    values: tuple[float, ...]
    instants: tuple[int, ...]
