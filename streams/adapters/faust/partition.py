"""One partition of a stage: skips what is covered, writes what is new, keeps snapshots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from streams.domain.errors import SnapshotError
from streams.ports import Clock, OutgoingMessage, StageStore

log = structlog.get_logger(__name__)


class PartitionStage(Protocol):
    """A stage as its partition sees it: bytes in, messages out."""

    def take(self, value: bytes) -> Sequence[OutgoingMessage]:
        """Take in one input message and give the output it leads to."""
        ...

    def snapshot(self) -> bytes:
        """Give the whole state."""
        ...


StageFactory = Callable[[bytes | None], PartitionStage]
"""Makes a stage from its newest snapshot, or without any knowledge."""


class StepObserver(Protocol):
    """Hears how the partitions of the stages get on."""

    def stepped(self, stage: str, seconds: float) -> None:
        """Hear that a stage has taken a message, and how long it took."""
        ...

    def kept(self, stage: str, partition: int) -> None:
        """Hear that a snapshot has been kept."""
        ...


@dataclass(frozen=True, slots=True)
class StageWiring:
    """How the partitions of a stage are made.

    Attributes:
        name: Name of the stage.
        topic: Topic it reads.
        make: Makes the stage of a partition from its newest snapshot.
        store: Makes the store of a partition.
        observer: Hears how it gets on.
    """

    name: str
    topic: str
    make: Callable[[int, bytes | None], PartitionStage]
    store: Callable[[int], StageStore]
    observer: StepObserver


class PartitionRunner:
    """Runs a stage over one partition's messages, each exactly once as seen from outside."""

    def __init__(self, wiring: StageWiring, partition: int, clock: Clock, every: float) -> None:
        """Take the partition over from whoever had it.

        Args:
            wiring: How to make the stage and its store.
            partition: Which partition.
            clock: Processing time.
            every: Processing time between snapshots, in seconds.
        """
        self._name, self._partition = wiring.name, partition
        self._observer = wiring.observer
        self._clock = clock
        self._every = every
        self._store = wiring.store(partition)
        kept = self._store.open()
        try:
            self._stage = wiring.make(partition, kept.snapshot)
            self._next = kept.next_offset
        except SnapshotError as error:
            # Settings have changed: the state starts anew, but nothing that was written is written
            # again.
            log.warning(
                "snapshot_unusable", stage=wiring.name, partition=partition, reason=str(error)
            )
            self._stage = wiring.make(partition, None)
            self._next = kept.written_offset
        self._written = kept.written_offset
        self._kept_at = clock.now()
        self._kept_next = self._next
        self._caught_up = False

    def catch_up(self, until: int | None = None) -> None:
        """Process what lies between the snapshot and an offset, or the end.

        Done before the first message: where Faust goes on after a restart or a rebalance need not
        be where the snapshot ends.
        """
        for offset, value in self._store.read(self._next, until):
            self._process(offset, value)
        self._caught_up = True

    def take(self, offset: int, value: bytes) -> None:
        """Process one message, unless it has been processed before."""
        if not self._caught_up:
            self.catch_up(offset)
        if offset >= self._next:
            self._process(offset, value)

    def keep(self) -> None:
        """Keep a snapshot of what has been processed."""
        if self._next > self._kept_next:
            self._store.keep(self._stage.snapshot(), self._next)
            self._kept_next = self._next
            self._observer.kept(self._name, self._partition)
        self._kept_at = self._clock.now()

    def close(self) -> None:
        """Give the partition up."""
        self._store.close()

    def _process(self, offset: int, value: bytes) -> None:
        begun = self._clock.now()
        messages = self._stage.take(value)
        self._observer.stepped(self._name, self._clock.now() - begun)
        self._next = offset + 1
        if messages and offset >= self._written:
            self._store.write(messages, self._next)
            self._written = self._next
        if self._clock.now() - self._kept_at >= self._every:
            self.keep()
