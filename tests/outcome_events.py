"""Outcome events for tests, and what a run of ingest comes to, in a form that can be compared."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streams.config import Settings
from streams.domain.outcomes import SourcePartition
from streams.domain.time import format_instant, parse_instant
from streams.stages.ingest import Flush, Ingest, RecordBatch
from streams.windows.cells import CellTable
from streams.windows.codec import decode_block, encode_block

SOURCE = SourcePartition("vm-operations", 0)
START = parse_instant("2021-10-13T06:00:00Z")
LONG_AFTER = START + 1e6
"""A processing time at which nothing of these tests is ahead."""

Cell = tuple[int, bool, tuple[str, ...]]
"""Window, late, series key."""


def event(
    event_id: str = "e", second: float = 0.0, outcome: str = "success", **fields: object
) -> bytes:
    """Write a plain event of `second` seconds after `START`; a field of None is left out."""
    record = {
        "id": event_id,
        "time": format_instant(START + second),
        "operation": "create",
        "outcome": outcome,
        "region": "westus",
        **fields,
    }
    return json.dumps({name: value for name, value in record.items() if value is not None}).encode()


def records(
    values: Sequence[bytes | None], first: int = 0, source: SourcePartition = SOURCE
) -> RecordBatch:
    """Make consecutive records without headers and times."""
    return RecordBatch(source, values, range(first, first + len(values)))


def ingest(settings: Settings | None = None, *sources: SourcePartition) -> Ingest:
    """Make a stage that has just been given its partitions."""
    wanted = sources or (SOURCE,)
    counted = Counter(source.topic for source in wanted)
    stage = Ingest(settings or Settings(), partitions_of=counted)
    for source in wanted:
        stage.assign(source, None)
    return stage


def flush_of(values: Sequence[bytes | None], settings: Settings | None = None) -> Flush:
    """Process records at once and flush."""
    stage = ingest(settings)
    stage.process(records(values), LONG_AFTER)
    return stage.flush()


@dataclass
class Totals:
    """What flushes add up to."""

    trials: Counter[Cell] = field(default_factory=Counter)
    failures: Counter[Cell] = field(default_factory=Counter)
    cancelled: Counter[Cell] = field(default_factory=Counter)
    caller_faults: Counter[Cell] = field(default_factory=Counter)
    error_codes: Counter[tuple[Cell, str]] = field(default_factory=Counter)
    durations: Counter[tuple[Cell, int]] = field(default_factory=Counter)

    def add(self, table: CellTable) -> None:
        """Add a table's cells."""
        numbers = zip(table.windows.tolist(), table.late.tolist(), table.keys(), strict=True)
        cells = list(numbers)
        for name in ("trials", "failures", "cancelled", "caller_faults"):
            for cell, count in zip(cells, getattr(table, name).tolist(), strict=True):
                if count:
                    getattr(self, name)[cell] += count
        codes, bins = table.error_codes, table.durations
        for row, code, count in zip(codes.rows, codes.names, codes.counts, strict=True):
            self.error_codes[cells[row], codes.labels[code]] += int(count)
        for row, number, count in zip(bins.rows, bins.names, bins.counts, strict=True):
            self.durations[cells[row], int(number)] += int(count)


def totals_of(flushes: Iterable[Flush]) -> Totals:
    """Add up the blocks of flushes, each after a journey through its bytes."""
    totals = Totals()
    for flush in flushes:
        for blocks in flush.blocks.values():
            for block in blocks:
                totals.add(decode_block(encode_block(block)).cells)
    return totals
