"""Arrivals: whatever comes in, in whatever portions, goes out once, in order, in time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.scenarios.arrivals import Arrivals

PORTIONS = st.lists(st.lists(st.integers(0, 999), max_size=20), max_size=6)


@given(portions=PORTIONS, ends=st.lists(st.integers(0, 999), max_size=5).map(sorted))
def test_everything_arrives_once_in_order_and_not_before_its_time(
    portions: list[list[int]], ends: list[int]
) -> None:
    arrivals, added = Arrivals(), []
    for number, times in enumerate(portions):
        lines = [f"{time}/{number}/{index}".encode() for index, time in enumerate(times)]
        arrivals.add(np.array(times, dtype=np.int64), lines)
        added += list(zip(times, lines, strict=True))
    given_out = []
    for end in ends:
        arrived = arrivals.until(end)
        assert all(int(line.split(b"/")[0]) < end for line in arrived)
        given_out += arrived
    given_out += arrivals.until(1000)
    assert len(arrivals) == 0
    # sorted() is stable: events of the same millisecond keep the order they were added in.
    assert given_out == [line for _, line in sorted(added, key=lambda pair: pair[0])]
