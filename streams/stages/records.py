"""What goes into ingest and what comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from streams.domain.errors import SnapshotError
from streams.domain.outcomes import (
    DeadLetter,
    DeadLetterReason,
    LateOutcome,
    Outcome,
    SourcePartition,
)
from streams.windows.blocks import CountsBlock

POSITION_VERSION = 2
OLDEST_POSITION = 1
"""Without totals: they begin at 0."""


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """N consecutive records of one source partition, in the order of their offsets.

    Attributes:
        source: The partition.
        values: (N,) values.
        offsets: (N,) ascending; gaps are allowed, transactions and compaction leave some.
        headers: (N,) headers of each record; None where no record has any.
        times: (N,) record times, in seconds since the epoch; None where they are not known.
    """

    source: SourcePartition
    values: Sequence[bytes | None]
    offsets: Sequence[int]
    headers: Sequence[Sequence[tuple[str, bytes | None]] | None] | None = None
    times: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class SourceTotals:
    """What has become of the records of a source partition since its first one.

    Attributes:
        records: Records processed.
        duplicates: Events whose id had been counted.
        late: Outcomes whose window was closed when they came.
        dead_letters: Records set aside, by reason; only those that there are.
    """

    records: int = 0
    duplicates: int = 0
    late: int = 0
    dead_letters: Mapping[DeadLetterReason, int] = field(default_factory=dict)


class _Position(msgspec.Struct, array_like=True, frozen=True):
    """A position as text; totals came with version 2."""

    version: int
    next_offset: int
    latest: float | None
    rebuild_offset: int
    totals: tuple[int, int, int, dict[DeadLetterReason, int]] = (0, 0, 0, {})


@dataclass(frozen=True, slots=True)
class PartitionPosition:
    """What has to be remembered beside an offset, to go on exactly as if nothing had happened.

    Attributes:
        next_offset: First offset not yet processed.
        latest: Latest event time seen, in seconds since the epoch; None before the first event.
        rebuild_offset: First offset to read again so that all ids still remembered are known.
        totals: What has become of the records before `next_offset`.
    """

    next_offset: int
    latest: float | None
    rebuild_offset: int
    totals: SourceTotals = field(default_factory=SourceTotals)

    def encode(self) -> str:
        """Write the position as a short text, fit for the metadata of a Kafka offset.

        A few hundred bytes; Kafka's `offset.metadata.max.bytes` is 4,096 by default.
        """
        found = self.totals
        dead_letters = dict(sorted(found.dead_letters.items(), key=lambda one: one[0].value))
        totals = (found.records, found.duplicates, found.late, dead_letters)
        position = _Position(
            POSITION_VERSION, self.next_offset, self.latest, self.rebuild_offset, totals
        )
        return msgspec.json.encode(position).decode()

    @classmethod
    def decode(cls, text: str) -> "PartitionPosition":
        """Read what `encode` wrote.

        Raises:
            SnapshotError: The text is something else, such as the empty metadata of an offset set
                by hand.
        """
        try:
            found = msgspec.json.decode(text, type=_Position)
        except msgspec.DecodeError as error:
            raise SnapshotError(f"{text[:100]!r} is no position of ingest: {error}") from error
        if not OLDEST_POSITION <= found.version <= POSITION_VERSION:
            raise SnapshotError(f"position of version {found.version}, known is {POSITION_VERSION}")
        totals = SourceTotals(*found.totals)
        return cls(found.next_offset, found.latest, found.rebuild_offset, totals)


@dataclass(frozen=True, slots=True)
class IngestStatistics:
    """What became of the records of one flush.

    `records` is the sum of outcomes, caller faults, duplicates and dead letters.

    Attributes:
        records: Records processed.
        outcomes: Events counted, by outcome; without caller faults.
        caller_faults: Failures counted as the caller's.
        late: How many of the outcomes and caller faults were late.
        duplicates: Events whose id had been counted.
        dead_letters: Records set aside, by reason.
    """

    records: int
    outcomes: Mapping[Outcome, int]
    caller_faults: int
    late: int
    duplicates: int
    dead_letters: Mapping[DeadLetterReason, int]


@dataclass(frozen=True, slots=True)
class Flush:
    """Everything that has to be written in one transaction.

    Attributes:
        blocks: Blocks of every counts partition, at least one each; `sources` only in the last.
        late: Late outcomes, by source and offset.
        dead_letters: Records set aside, by source and offset.
        positions: Position of every source partition that moved or changed its idleness.
        statistics: What became of the records.
    """

    blocks: Mapping[int, tuple[CountsBlock, ...]]
    late: tuple[LateOutcome, ...]
    dead_letters: tuple[DeadLetter, ...]
    positions: Mapping[SourcePartition, PartitionPosition]
    statistics: IngestStatistics
