"""Ingest against a model that takes one event at a time, however the stream is cut."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcome_events import (
    LONG_AFTER,
    SOURCE,
    START,
    Cell,
    Totals,
    event,
    ingest,
    records,
    totals_of,
)

from streams.config import Settings, TopicSettings
from streams.domain.errors import SnapshotError
from streams.domain.outcomes import DeadLetterReason, Outcome
from streams.stages.ingest import Flush, Ingest, PartitionPosition
from streams.stages.records import SourceTotals
from streams.windows.codec import encode_block
from streams.windows.durations import RELATIVE_ERROR

HORIZON = 600
DISORDER = 30
FEW = Settings(topics=TopicSettings(counts_partitions=2))


class Model:
    """Ingest as its definition reads, one event at a time, with nothing forgotten."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.late: list[int] = []
        self.duplicates = 0
        self._latest = -math.inf
        self._seen: set[tuple[int, str]] = set()

    def take(self, offset: int, value: bytes) -> None:
        record = json.loads(value)
        time = datetime.fromisoformat(record["time"]).timestamp()
        watermark = self._latest - DISORDER
        self._latest = max(self._latest, time)
        if self._known(record["id"], time, watermark):
            self.duplicates += 1
            return
        late = (time // 60 + 1) * 60 <= watermark
        if late:
            self.late.append(offset)
        key = tuple(record.get(name) or "unknown" for name in ("region", "os", "vm_type"))
        cell = (int(time // 60), late, (*key, record["operation"]))
        self._count(cell, record, time)

    def _known(self, one: str, time: float, watermark: float) -> bool:
        generation = math.floor(time / HORIZON)
        floor = -math.inf if math.isinf(watermark) else watermark // HORIZON - 1
        if generation < floor:
            return False
        near = [other for other in range(generation - 1, generation + 2) if other >= floor]
        known = any((other, one) in self._seen for other in near)
        self._seen.add((generation, one))
        return known

    def _count(self, cell: Cell, record: dict[str, str], time: float) -> None:
        outcome = record["outcome"]
        if outcome == "cancelled":
            self.totals.cancelled[cell] += 1
            return
        if outcome != "success":
            if record.get("fault") == "caller":
                self.totals.caller_faults[cell] += 1
                return
            self.totals.failures[cell] += 1
            default = "timeout" if outcome == "timeout" else "unknown"
            self.totals.error_codes[cell, record.get("error_code") or default] += 1
        self.totals.trials[cell] += 1
        if "started" in record:
            duration = time - datetime.fromisoformat(record["started"]).timestamp()
            if duration >= 0:
                gamma = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
                self.totals.durations[cell, math.ceil(math.log(max(duration, 1e-3), gamma))] += 1


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Events whose times mostly advance, with stragglers, jumps and ids that come again."""
    count = draw(st.integers(1, 60))
    now, values = 0.0, []
    for _ in range(count):
        now += draw(st.sampled_from([0, 0.25, 7, 61, 400, 1300]))
        second = max(now - draw(st.sampled_from([0, 0, 0, 20, 95, 650, 1900])), 0)
        values.append(
            event(
                draw(st.sampled_from("abcdefgh")) + draw(st.sampled_from(["", "1"])),
                second,
                draw(st.sampled_from([one.value for one in Outcome])),
                region=draw(st.sampled_from(["westus", "eastus", ""])),
                os=draw(st.sampled_from([None, "windows"])),
                error_code=draw(st.sampled_from([None, "", "Quota"])),
                fault=draw(st.sampled_from([None, "caller", "platform"])),
                started=draw(st.sampled_from([None, "2021-10-13T06:00:03.7Z"])),
            )
        )
    return values


def cut(values: Sequence[bytes], places: Sequence[int]) -> list[range]:
    bounds = sorted({0, len(values), *(place % (len(values) + 1) for place in places)})
    return [range(start, end) for start, end in pairwise(bounds)]


def process(stage: Ingest, values: Sequence[bytes], part: range) -> None:
    stage.process(records(values[part.start : part.stop], part.start), LONG_AFTER)


def written(flush: Flush) -> tuple[object, ...]:
    """Give a flush as it is written, which can be compared."""
    blocks = {
        partition: [encode_block(block) for block in blocks]
        for partition, blocks in flush.blocks.items()
    }
    return blocks, flush.late, flush.dead_letters, flush.positions, flush.statistics


def assert_same(flushes: Sequence[Flush], model: Model) -> None:
    assert totals_of(flushes) == model.totals
    assert [one.offset for flush in flushes for one in flush.late] == model.late
    assert sum(flush.statistics.duplicates for flush in flushes) == model.duplicates


@settings(deadline=None, max_examples=60)
@given(streams(), st.lists(st.integers(0, 1000), max_size=12), st.integers(1, 4))
def test_any_cut_into_batches_and_flushes_counts_what_the_definition_says(
    values: list[bytes], places: list[int], flush_every: int
) -> None:
    model = Model()
    for offset, value in enumerate(values):
        model.take(offset, value)
    stage, flushes = ingest(FEW), []
    for number, part in enumerate(cut(values, places), 1):
        process(stage, values, part)
        if number % flush_every == 0:
            flushes.append(stage.flush())
    flushes.append(stage.flush())
    assert_same(flushes, model)


@settings(deadline=None, max_examples=60)
@given(streams(), st.lists(st.integers(0, 1000), max_size=6))
def test_a_restart_at_any_flush_goes_on_as_if_nothing_had_happened(
    values: list[bytes], places: list[int]
) -> None:
    undisturbed, restarted = ingest(FEW), ingest(FEW)
    before, after = [], []
    for part in cut(values, places):
        process(undisturbed, values, part)
        before.append(undisturbed.flush())
        process(restarted, values, part)
        after.append(restarted.flush())
        position = PartitionPosition.decode(after[-1].positions[SOURCE].encode())
        restarted = ingest(FEW)
        restarted.assign(SOURCE, position)
        known = values[position.rebuild_offset : position.next_offset]
        restarted.remember(records(known, position.rebuild_offset))
        assert not restarted.has_news
    assert [written(flush) for flush in before] == [written(flush) for flush in after]


METADATA_BYTES = 1024
"""A quarter of what Kafka takes by default."""

_PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            None,
            b"",
            b" ",
            b"null",
            b"{}",
            b"[" * 5000,
            b"\xef\xbb\xbf{}",
            event("1") + b"," + event("2"),
            event("n", started="soon"),
            event("t", time="9999-12-31T23:59:59Z"),
            event("t", time="0001-01-01T00:00:00+14:00"),
            event("u").replace(b"westus", b"\xff"),
            event("x", extra={"deep": [[[{}]]]}),
            event("x", specversion="1.0"),
        ]
    ),
    st.builds(
        lambda value, at, to: value[: at % len(value)] + to + value[at % len(value) + 1 :],
        st.builds(event, st.text(max_size=3), st.integers(0, 5000)),
        st.integers(0, 10_000),
        st.binary(max_size=2),
    ),
)
_HEADERS = st.one_of(
    st.none(),
    st.lists(
        st.tuples(
            st.sampled_from(
                ["ce_id", "ce_type", "ce_source", "ce_specversion", "content-type", "x"]
            ),
            st.one_of(
                st.none(),
                st.binary(max_size=4),
                st.sampled_from([b"1.0", b"application/cloudevents+json"]),
            ),
        ),
        max_size=5,
    ),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(_PIECES, _HEADERS), min_size=1, max_size=8), st.booleans())
def test_every_record_whatever_its_bytes_goes_through_exactly_one_door(
    pairs: list[tuple[bytes | None, list[tuple[str, bytes | None]] | None]],
    with_headers: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    stage = ingest()
    batch = records([value for value, _ in pairs])
    if with_headers:
        headers = [own for _, own in pairs]
        batch = type(batch)(SOURCE, batch.values, batch.offsets, headers)
    stage.process(batch, START)
    flush = stage.flush()
    statistics, totals = flush.statistics, totals_of([flush])
    columns = (totals.trials, totals.cancelled, totals.caller_faults)
    counted = sum(column.total() for column in columns)
    assert counted == sum(statistics.outcomes.values()) + statistics.caller_faults
    assert counted + statistics.duplicates + len(flush.dead_letters) == len(pairs)
    assert sum(statistics.dead_letters.values()) == len(flush.dead_letters)
    for letter in flush.dead_letters:
        assert letter.value == pairs[letter.offset][0]
        assert isinstance(letter.reason, DeadLetterReason)
        assert letter.detail
    position = flush.positions[SOURCE]
    assert position.next_offset == position.totals.records == len(pairs)
    assert position.totals.duplicates == statistics.duplicates
    assert position.totals.late == statistics.late
    assert +Counter(position.totals.dead_letters) == +Counter(statistics.dead_letters)
    assert PartitionPosition.decode(position.encode()) == position


def test_a_position_of_before_there_were_totals_lets_them_begin_at_0() -> None:
    assert PartitionPosition.decode("[1,7,12.5,3]") == PartitionPosition(7, 12.5, 3)


def test_a_position_fits_into_the_metadata_of_an_offset_whatever_has_happened() -> None:
    many = 2**63 - 1
    totals = SourceTotals(many, many, many, dict.fromkeys(DeadLetterReason, many))
    assert len(PartitionPosition(many, 1e300, many, totals).encode()) < METADATA_BYTES


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "[1,2]", '[1,"a",null,0]', "[3,0,null,0]", "[0,0,null,0]", "[2,0,null,0,[1]]"],
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(SnapshotError):
        PartitionPosition.decode(text)
