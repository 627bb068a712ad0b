"""Closed windows survive the journey through bytes."""

import math

import numpy as np
from cell_tables import Cell, cell_table
from hypothesis import given
from hypothesis import strategies as st

from detectors.detections import Direction
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.windows.closed import ClosedWindow
from streams.windows.closed_codec import decode_closed, encode_closed
from streams.windows.merging import merge

DIMENSIONS = ("region", "os")
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
EVIDENCE = st.just(math.nan) | st.floats(0, allow_infinity=True)
POINTS = st.builds(
    ChangePoint,
    series=st.fixed_dictionaries({"region": st.text(), "os": st.text()}),
    direction=st.sampled_from(Direction),
    onset=NUMBERS,
    raised=NUMBERS,
    baseline_ratio=NUMBERS,
    ratio=NUMBERS,
    statistic=NUMBERS,
    threshold=NUMBERS,
    kind=st.sampled_from(ChangeKind),
    error_code=st.none() | st.text(),
    quantile=st.none() | st.floats(0, 1),
    onset_interval=st.none() | st.tuples(NUMBERS, NUMBERS),
    ratio_interval=st.none() | st.tuples(NUMBERS, NUMBERS),
)
CELLS = st.builds(
    Cell,
    window=st.integers(0, 2**40),
    key=st.tuples(st.text(min_size=1, max_size=3), st.text(min_size=1, max_size=3)),
    trials=st.integers(0, 2**40),
    failures=st.integers(0, 2**40),
    errors=st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 9), max_size=2),
)


@given(
    cells=st.lists(CELLS, max_size=6),
    points=st.lists(POINTS, max_size=3),
    window=st.none() | st.integers(0, 2**40),
    data=st.data(),
)
def test_a_closed_window_is_the_same_after_its_journey(
    cells: list[Cell], points: list[ChangePoint], window: int | None, data: st.DataObject
) -> None:
    table = cell_table(DIMENSIONS, cells)
    size = len(table)
    closed = ClosedWindow(
        partition=3,
        closed_through=7,
        window=window,
        window_seconds=60,
        cells=table,
        baseline=np.array(data.draw(st.lists(NUMBERS, min_size=size, max_size=size)), np.float64),
        learning=np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), bool),
        alarmed=np.array(
            data.draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=size, max_size=size)), np.int8
        ),
        rho=np.array(data.draw(st.lists(NUMBERS, min_size=size, max_size=size)), np.float64),
        statistic=np.array(data.draw(st.lists(EVIDENCE, min_size=size, max_size=size)), np.float64),
        change_points=tuple(points),
        threshold=data.draw(st.none() | NUMBERS),
    )
    again = decode_closed(encode_closed(closed))
    assert (again.partition, again.closed_through, again.window) == (3, 7, window)
    assert again.change_points == closed.change_points
    assert again.cells.keys() == table.keys()
    assert again.cells.trials.tolist() == table.trials.tolist()
    np.testing.assert_array_equal(again.baseline, closed.baseline)
    np.testing.assert_array_equal(again.learning, closed.learning)
    np.testing.assert_array_equal(again.alarmed, closed.alarmed)
    np.testing.assert_array_equal(again.rho, closed.rho)
    np.testing.assert_array_equal(again.statistic, closed.statistic)
    assert again.threshold == closed.threshold
    assert again.learning.dtype == np.bool_
    assert again.alarmed.dtype == np.int8
    assert encode_closed(again) == encode_closed(closed)
    assert len(merge([again.cells], DIMENSIONS)) == size
