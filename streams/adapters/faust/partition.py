"""One partition of a stage: skips what is covered, writes what is new, keeps snapshots."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import structlog

from streams.domain.errors import SnapshotError
from streams.ports import Clock, KeptState, OutgoingMessage, StageStore

log = structlog.get_logger(__name__)


class PartitionStage(Protocol):
    """A stage as its partition sees it: bytes in, messages out."""

    def take(self, value: bytes) -> Sequence[OutgoingMessage]:
        """Take in one input message and give the output it leads to."""
        ...

    def snapshot(self) -> bytes:
        """Give the whole state."""
        ...


class StepObserver(Protocol):
    """Hears how the partitions of the stages get on."""

    def stepped(self, stage: str, seconds: float) -> None:
        """Hear that a stage has taken a message, and how long it took."""
        ...

    def caught_up(self, stage: str, partition: int) -> None:
        """Hear that a partition is where its predecessor was: what it says is current now."""
        ...

    def kept(self, stage: str, partition: int) -> None:
        """Hear that a snapshot has been kept."""
        ...

    def released(self, stage: str, partition: int) -> None:
        """Hear that a partition has been given up: what is known of it is not current any more."""
        ...


@dataclass(frozen=True, slots=True)
class StageWiring:
    """How the partitions of a stage are made.

    Attributes:
        name: Name of the stage.
        topic: Topic it reads.
        make: Makes the stage of a partition from its newest snapshot, or without any knowledge;
            what it enters into the stack is closed with the partition.
        store: Makes the store of a partition.
        observer: Hears how it gets on.
    """

    name: str
    topic: str
    make: Callable[[int, bytes | None, ExitStack], PartitionStage]
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

        Raises:
            OutsideSystemError: The store cannot be opened, or what the stage reads beside it.
        """
        self._name, self._partition = wiring.name, partition
        self._observer = wiring.observer
        self._clock = clock
        self._every = every
        with ExitStack() as resources:
            self._store = wiring.store(partition)
            resources.callback(self._store.close)
            kept = self._store.open()
            self._stage, self._next = self._resumed(wiring, kept, resources)
            self._resources = resources.pop_all()
        self._written = kept.written_offset
        self._kept_at = clock.now()
        self._kept_next = self._next
        self._caught_up = False
        self._whole = True

    def catch_up(self) -> None:
        """Process what lies between the snapshot and the end.

        Done before the first message: where Faust goes on after a restart or a rebalance need not
        be where the snapshot ends, nor as far as the predecessor came.
        """
        for offset, value in self._store.read(self._next):
            self._process(offset, value)
        self._caught_up = True
        self._observer.caught_up(self._name, self._partition)

    def take(self, offset: int, value: bytes) -> None:
        """Process one message, unless it has been processed before."""
        if not self._caught_up:
            self.catch_up()
        if offset >= self._next:
            self._process(offset, value)

    def keep(self) -> None:
        """Keep a snapshot of what has been processed."""
        if self._whole and self._next > self._kept_next:
            self._store.keep(self._stage.snapshot(), self._next)
            self._kept_next = self._next
            self._observer.kept(self._name, self._partition)
        self._kept_at = self._clock.now()

    def close(self) -> None:
        """Give the partition up."""
        self._resources.close()
        self._observer.released(self._name, self._partition)

    def _resumed(
        self, wiring: StageWiring, kept: KeptState, resources: ExitStack
    ) -> tuple[PartitionStage, int]:
        """Give the stage as its snapshot left it, and the first offset it has not seen."""
        try:
            return wiring.make(self._partition, kept.snapshot, resources), kept.next_offset
        except SnapshotError as error:
            # Settings have changed: the state starts anew, but nothing that was written is written
            # again.
            log.warning(
                "snapshot_unusable", stage=self._name, partition=self._partition, reason=str(error)
            )
        return wiring.make(self._partition, None, resources), kept.written_offset

    def _process(self, offset: int, value: bytes) -> None:
        # From here until the output is written, a snapshot would hold half a step for good.
        self._whole = False
        begun = self._clock.now()
        messages = self._stage.take(value)
        self._observer.stepped(self._name, self._clock.now() - begun)
        if messages and offset >= self._written:
            self._store.write(messages, offset + 1)
            self._written = offset + 1
        self._next = offset + 1
        self._whole = True
        if self._clock.now() - self._kept_at >= self._every:
            self.keep()
