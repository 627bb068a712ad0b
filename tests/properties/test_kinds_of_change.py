"""Volume, error codes, durations: the same words however the input is cut or interrupted."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from kinds_of_change import DIMENSIONS, block, fleet, nothing, settings

from streams.domain.change_points import ChangeKind
from streams.stages.judge import Judge
from streams.windows.blocks import CountsBlock
from streams.windows.merging import merge, select

ALL = settings("volume", "error_code", "duration", false_alarms_per_day=50.0)
SILENT = range(176, 184)
"""Windows in which nothing at all happens."""


def _course(window: int, key: tuple[str, ...]) -> Mapping[str, object]:
    if window in SILENT or (key[0] == "west" and 90 <= window < 110):
        return {"volume": 0}
    east = key[0] == "east" and window >= 120
    errors = {"Busy": 0.01, "Quota": 0.03} if east else {"Busy": 0.04, "Quota": 0.001}
    slow = key[0] == "north" and window >= 190
    return {"volume": 80, "errors": errors, "seconds": 60.0 if slow else 20.0}


TABLES = fleet(205, _course)
SLOW = limits(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def plain() -> list[CountsBlock]:
    return [block(table, window) for window, table in enumerate(TABLES)]


def words(judge: Judge, blocks: Iterable[CountsBlock]) -> list[tuple[object, ...]]:
    """Give what is said of windows with cells, and of empty ones that say something."""
    closed = [one for given in blocks for one in judge.on_block(given)]
    return [
        (one.window, one.closed_through, one.cells.keys(), one.change_points)
        for one in closed
        if one.window is not None or one.change_points
    ]


REFERENCE = words(Judge(ALL, 0), plain())


def test_every_kind_speaks_in_the_fleet_of_these_properties() -> None:
    judge = Judge(ALL, 0)
    told = [
        point
        for given in plain()
        for closed in judge.on_block(given)
        for point in closed.change_points
    ]
    assert {ChangeKind.VOLUME, ChangeKind.ERROR_CODE, ChangeKind.DURATION} <= {
        point.kind for point in told
    }
    assert len(REFERENCE) > len(TABLES) - len(SILENT), "the silence tells of itself"


@SLOW
@given(sizes=st.lists(st.integers(1, 40), min_size=1), seed=st.integers(0, 2**32))
def test_any_cut_of_the_input_into_blocks_gives_the_same_words(
    sizes: Sequence[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    blocks, first, turn = [], 0, 0
    while first < len(TABLES):
        part = TABLES[first : first + sizes[turn % len(sizes)]]
        first, turn = first + len(part), turn + 1
        table = merge(part, DIMENSIONS)
        mask = random.random(len(table)) < 0.5
        blocks.append(CountsBlock(block(nothing(), 0).window_seconds, (), select(table, mask)))
        blocks.append(block(select(table, ~mask), first - 1))
    assert words(Judge(ALL, 0), blocks) == REFERENCE


@SLOW
@given(cuts=st.sets(st.integers(0, len(TABLES)), max_size=8))
def test_a_judge_that_is_stopped_anywhere_goes_on_with_the_same_words(cuts: set[int]) -> None:
    judge, told = Judge(ALL, 0), []
    for number, given_block in enumerate(plain()):
        if number in cuts:
            judge = Judge.resume(ALL, 0, judge.snapshot())
        told += words(judge, [given_block])
    assert told == REFERENCE
