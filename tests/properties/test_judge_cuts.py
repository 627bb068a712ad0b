"""The judge: the same outcomes give the same bytes, however they are cut, mixed or interrupted."""

from collections.abc import Sequence

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_fleets import DIMENSIONS, SETTINGS, WARM_UP, Fault, fleet, progress

from streams.config import TopicSettings
from streams.domain.outcomes import SourcePartition
from streams.stages.judge import Judge
from streams.windows.blocks import CountsBlock
from streams.windows.closed_codec import encode_closed
from streams.windows.merging import empty_table, merge, select

ONE = SETTINGS.model_copy(update={"topics": TopicSettings(counts_partitions=1)})
BROKEN = Fault(first=WARM_UP + 5, last=WARM_UP + 12, ratio=0.5, scope={"os": ("windows",)})
TABLES = fleet(WARM_UP + 25, [BROKEN], volume=15)
SOURCES = [SourcePartition("vm-operations", number) for number in range(3)]
SLOW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def windows_of(judge: Judge, blocks: Sequence[CountsBlock]) -> list[bytes]:
    closed = [one for block in blocks for one in judge.on_block(block)]
    return [encode_closed(one) for one in closed if one.window is not None]


def plain() -> list[CountsBlock]:
    return [
        CountsBlock(60, (progress(window + 1, window),), table)
        for window, table in enumerate(TABLES)
    ]


REFERENCE = windows_of(Judge(ONE, 0), plain())


def test_the_fleet_of_these_properties_breaks_and_heals() -> None:
    judge = Judge(ONE, 0)
    points = [
        point.direction.value
        for block in plain()
        for one in judge.on_block(block)
        for point in one.change_points
    ]
    assert points.count("degraded") >= 5
    assert "recovered" in points


@SLOW
@given(sizes=st.lists(st.integers(1, 40), min_size=1), seed=st.integers(0, 2**32))
def test_any_cut_of_the_input_into_blocks_gives_the_same_windows(
    sizes: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    blocks, first, turn = [], 0, 0
    while first < len(TABLES):
        part = TABLES[first : first + sizes[turn % len(sizes)]]
        first, turn = first + len(part), turn + 1
        table = merge(part, DIMENSIONS)
        mask = random.random(len(table)) < 0.5
        blocks.append(CountsBlock(60, (), select(table, mask)))
        blocks.append(CountsBlock(60, (progress(first, first - 1),), select(table, ~mask)))
    assert windows_of(Judge(ONE, 0), blocks) == REFERENCE


@SLOW
@given(data=st.data())
def test_any_interleaving_of_source_partitions_gives_the_same_windows(data: st.DataObject) -> None:
    owners = np.random.default_rng(5)
    streams: list[list[CountsBlock]] = [[] for _ in SOURCES]
    for window, table in enumerate(TABLES):
        owner = owners.integers(len(SOURCES), size=len(table))
        for number, source in enumerate(SOURCES):
            done = progress(window + 1, window, source, len(SOURCES))
            part = select(table, owner == number)
            streams[number].append(CountsBlock(60, (done,), part))
    blocks = []
    while any(streams):
        waiting = [number for number, stream in enumerate(streams) if stream]
        number = data.draw(st.sampled_from(waiting))
        taken = data.draw(st.integers(1, 30))
        blocks += streams[number][:taken]
        del streams[number][:taken]
    assert windows_of(Judge(ONE, 0), blocks) == REFERENCE


@SLOW
@given(cuts=st.sets(st.integers(0, len(TABLES)), max_size=6))
def test_a_judge_that_is_stopped_anywhere_goes_on_as_if_it_had_not_been(cuts: set[int]) -> None:
    judge, closed = Judge(ONE, 0), []
    for number, block in enumerate(plain()):
        if number in cuts:
            judge = Judge.resume(ONE, 0, judge.snapshot())
        closed += windows_of(judge, [block])
    assert closed == REFERENCE


@SLOW
@given(data=st.data())
def test_windows_close_once_in_time_order_and_never_go_back(data: st.DataObject) -> None:
    news = st.builds(
        lambda source, offset, through, idle: progress(
            offset, through, SOURCES[source], 2, idle=idle
        ),
        st.integers(0, 1),
        st.integers(0, 5),
        st.none() | st.integers(0, 20),
        st.booleans(),
    )
    judge, through = Judge(ONE, 0), -1
    seen: list[int] = []
    nothing = empty_table(DIMENSIONS)
    for one in data.draw(st.lists(news, max_size=12)):
        table = TABLES[data.draw(st.integers(0, 20))] if data.draw(st.booleans()) else nothing
        for closed in judge.on_block(CountsBlock(60, (one,), table)):
            assert closed.closed_through >= through
            through = closed.closed_through
            if closed.window is not None:
                seen.append(closed.window)
    assert seen == sorted(set(seen))
