"""A stage store in memory, under the same contract suite as the one in Kafka."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from streams.domain.errors import OutsideSystemError
from streams.ports import KeptState, OutgoingMessage


@dataclass
class Memory:
    """What outlives the stores of one stage partition.

    Attributes:
        input: The stage's input; a value's offset is its place.
        output: What has been written.
        snapshot: The newest snapshot and the first offset it does not cover.
        written: First offset whose output has not been written.
        owner: Number of the store that was opened last.
        log: Calls of the stores, in their order.
    """

    input: list[bytes] = field(default_factory=list)
    output: list[OutgoingMessage] = field(default_factory=list)
    snapshot: tuple[bytes | None, int] = (None, 0)
    written: int = 0
    owner: int = 0
    log: list[str] = field(default_factory=list)


class MemoryStageStore:
    """One store; a later one shuts it out.

    Args:
        memory: What outlives it.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._number = 0

    def open(self) -> KeptState:
        """Shut out whoever had the partition before, and read what it left."""
        self._memory.owner += 1
        self._number = self._memory.owner
        self._memory.log.append("open")
        snapshot, next_offset = self._memory.snapshot
        return KeptState(snapshot, next_offset, max(self._memory.written, next_offset))

    def read(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Give the stage's input again, with offsets: from one to before another, or to the end."""
        self._memory.log.append(f"read {first}")
        yield from list(enumerate(self._memory.input))[first:]

    def write(self, messages: Sequence[OutgoingMessage], next_offset: int) -> None:
        """Write output and remember the input it covers, both or neither."""
        self._assert_owner()
        self._memory.log.append(f"write {next_offset}")
        self._memory.output += messages
        self._memory.written = next_offset

    def keep(self, snapshot: bytes, next_offset: int) -> None:
        """Keep a snapshot and the input it covers, both or neither."""
        self._assert_owner()
        self._memory.log.append(f"keep {next_offset}")
        self._memory.snapshot = (snapshot, next_offset)

    def close(self) -> None:
        """Give the partition up."""
        self._memory.log.append("close")

    def _assert_owner(self) -> None:
        if self._number != self._memory.owner:
            raise OutsideSystemError("another store has taken over")
