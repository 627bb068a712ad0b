"""Duplicates: an id counts once within a horizon of event time.

Event time is cut into generations as long as the horizon. Every event puts its id into its own
generation and is a duplicate if the id is known in that one or a neighbour: certainly found when
the two event times are no further apart than the horizon, never when they are two horizons apart.

What is remembered must be bounded and must not depend on how records are cut into batches. So each
event has a floor, the generation before the one of its own partition's watermark: below the floor
nothing is looked up and nothing is remembered. An event that far behind is late, is counted as
late, and is not checked. A redelivered event is thus found as long as it is no more than a horizon
behind the watermark.

Ids are remembered over all partitions of a worker; another worker does not know them. About 150
bytes an id.
"""

from collections.abc import Sequence
from itertools import compress

import numpy as np

from streams.domain.outcomes import SourcePartition
from streams.formats.instants import Float64, Int64
from streams.formats.outcome_contract import EventId
from streams.formats.outcome_json import OutcomeBatch
from streams.stages.records import RecordBatch

NO_FLOOR = -(2**53)
"""Floor of a partition that has no watermark yet: below every generation."""


class DuplicateFilter:
    """Remembers ids by generation, and from which offset on they can be learned again.

    Args:
        horizon: Length of a generation, in seconds of event time.
    """

    def __init__(self, horizon: float) -> None:
        self._horizon = horizon
        self._generations: dict[int, set[EventId]] = {}
        self._first_offsets: dict[SourcePartition, dict[int, int]] = {}

    def duplicates(
        self, batch: RecordBatch, events: OutcomeBatch, watermarks: Float64
    ) -> list[int]:
        """Find the duplicates among N events of a batch, and remember all of them.

        Args:
            batch: The records.
            events: (N,) events among them.
            watermarks: (N,) the partition's watermark before each event; -inf before the first.

        Returns:
            Positions of the duplicates among the events, ascending.
        """
        generations = np.floor(events.times / self._horizon).astype(np.int64)
        floors = self._floors(watermarks)
        checked = np.flatnonzero(generations >= floors)
        ids, rows = events.ids, events.rows
        if len(checked) < len(ids):
            ids = [ids[place] for place in checked.tolist()]
            generations, floors, rows = generations[checked], floors[checked], rows[checked]
        known = self._known(ids, generations)
        found = _in_order(ids, generations.tolist(), floors.tolist(), known) if known else []
        self._remember(batch, ids, generations, rows)
        return [int(checked[place]) for place in found]

    def rebuild_offset(self, source: SourcePartition, next_offset: int) -> int:
        """Give the first offset to read again so that all remembered ids of a partition are known.

        Args:
            source: The partition.
            next_offset: The answer if nothing of the partition is remembered.
        """
        return min(self._first_offsets.get(source, {}).values(), default=next_offset)

    def forget_before(self, watermark: float) -> None:
        """Drop what no event behind a watermark's floor or later can ask for.

        Args:
            watermark: The least watermark of all live partitions, in seconds since the epoch.
        """
        floor = int(self._floors(np.array([watermark]))[0])
        for generation in [one for one in self._generations if one < floor]:
            del self._generations[generation]
        for offsets in self._first_offsets.values():
            for generation in [one for one in offsets if one < floor]:
                del offsets[generation]

    def _floors(self, watermarks: Float64) -> Int64:
        floors = np.floor(watermarks / self._horizon) - 1
        return np.where(np.isfinite(floors), floors, NO_FLOOR).astype(np.int64)

    def _known(self, ids: Sequence[EventId], generations: Int64) -> dict[int, set[EventId]]:
        """Give the ids that may be duplicates, by generation; empty if there are none.

        Ids that occur twice in the batch are there under no generation of their own, as
        `_REPEATED`.
        """
        if not len(ids):
            return {}
        distinct = set(ids)
        low, high = int(generations.min()) - 1, int(generations.max()) + 1
        known = {
            generation: remembered & distinct
            for generation, remembered in self._generations.items()
            if low <= generation <= high and not remembered.isdisjoint(distinct)
        }
        if len(distinct) < len(ids):
            known[_REPEATED] = _repeated(ids)
        return known

    def _remember(
        self, batch: RecordBatch, ids: Sequence[EventId], generations: Int64, rows: Int64
    ) -> None:
        if not len(ids):
            return
        firsts = self._first_offsets.setdefault(batch.source, {})
        for generation in sorted(set(generations.tolist())):
            of_generation = generations == generation
            firsts.setdefault(generation, batch.offsets[rows[int(np.argmax(of_generation))]])
            members = ids if of_generation.all() else compress(ids, of_generation.tolist())
            self._generations.setdefault(generation, set()).update(members)


_REPEATED = NO_FLOOR - 1
"""No generation: marks ids that occur more than once in a batch."""


def _repeated(ids: Sequence[EventId]) -> set[EventId]:
    seen: set[EventId] = set()
    # `add` returns None, so an id is kept exactly when it has been seen before.
    return {one for one in ids if one in seen or seen.add(one)}  # type: ignore[func-returns-value]


def _in_order(
    ids: Sequence[EventId],
    generations: Sequence[int],
    floors: Sequence[int],
    known: dict[int, set[EventId]],
) -> list[int]:
    """Judge suspicious events one by one, each against what was known before it."""
    suspicious = set[EventId]().union(*known.values())
    earlier: set[tuple[int, EventId]] = set()
    found = []
    for place in [place for place, one in enumerate(ids) if one in suspicious]:
        one, generation = ids[place], generations[place]
        near = range(max(generation - 1, floors[place]), generation + 2)
        if any((other, one) in earlier or one in known.get(other, ()) for other in near):
            found.append(place)
        earlier.add((generation, one))
    return found
