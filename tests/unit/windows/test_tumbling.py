"""Open windows: [start, end), closed in time order, and never opened again."""

import pytest
from cell_tables import Cell, cell_table
from outcome_events import Totals

from streams.windows import tumbling
from streams.windows.blocks import CountsBlock
from streams.windows.cells import CellTable
from streams.windows.codec import encode_block
from streams.windows.merging import merge
from streams.windows.tumbling import OpenWindows

DIMENSIONS = ("region",)


def cells(*windows: int, late: bool = False, region: str = "east") -> CellTable:
    rows = [
        Cell(window, (region,), 1, 1, late=late, errors={f"E{window}": 1}) for window in windows
    ]
    return cell_table(DIMENSIONS, rows)


def test_windows_close_one_by_one_in_time_order_up_to_the_one_asked_for() -> None:
    windows = OpenWindows(DIMENSIONS)
    windows.fold(cells(7, 5))
    windows.fold(cells(5, 6))
    closed = windows.close(6)
    assert [(table.windows.tolist(), table.trials.tolist()) for table in closed] == [
        ([5], [2]),
        ([6], [1]),
    ]
    assert windows.held == 1
    assert [table.windows.tolist() for table in windows.close(7)] == [[7]]
    assert windows.held == 0


def test_a_closed_window_has_the_same_bytes_whatever_was_open_beside_it() -> None:
    alone, beside = OpenWindows(DIMENSIONS), OpenWindows(DIMENSIONS)
    alone.fold(cells(5))
    beside.fold(merge([cells(5), cells(6, region="west")], DIMENSIONS))
    (here,), (there,) = alone.close(5), beside.close(5)
    assert there.values == here.values == (("east",),)
    assert there.error_codes.labels == here.error_codes.labels == ("E5",)
    bytes_of = [encode_block(CountsBlock(60, (), table)) for table in (here, there)]
    assert bytes_of[0] == bytes_of[1]


def test_error_codes_go_with_the_window_they_are_of() -> None:
    windows = OpenWindows(DIMENSIONS)
    windows.fold(cells(5, 6, 7))
    windows.close(5)
    windows.fold(cells(7))
    totals = Totals()
    for table in windows.close(7):
        totals.add(table)
    assert totals.error_codes == {
        ((6, False, ("east",)), "E6"): 1,
        ((7, False, ("east",)), "E7"): 2,
    }


def test_cells_of_a_closed_window_are_given_back_and_not_counted_again() -> None:
    windows = OpenWindows(DIMENSIONS)
    windows.close(6)
    assert windows.fold(cells(6, 7)).windows.tolist() == [6]
    assert windows.merged().windows.tolist() == [7]


def test_cells_marked_late_are_given_back_even_if_their_window_is_open() -> None:
    windows = OpenWindows(DIMENSIONS)
    assert windows.fold(cells(9, late=True)).trials.tolist() == [1]
    assert windows.held == 0


def test_cells_in_time_leave_nothing_to_set_aside() -> None:
    windows = OpenWindows(DIMENSIONS, closed_through=3)
    assert len(windows.fold(cells(4))) == 0


def test_closing_never_goes_back() -> None:
    windows = OpenWindows(DIMENSIONS)
    windows.fold(cells(5))
    windows.close(5)
    assert windows.close(5) == []
    assert windows.close(2) == []
    assert windows.closed_through == 5


def test_closing_windows_in_which_nothing_happened_gives_no_table() -> None:
    windows = OpenWindows(DIMENSIONS)
    assert windows.close(5) == []
    assert windows.closed_through == 5


def test_a_crowd_is_as_much_again_as_was_last_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tumbling, "COMPACT_ROWS", 3)
    windows = OpenWindows(DIMENSIONS)
    assert not windows.crowded
    windows.fold(cells(*range(5)))
    assert not windows.crowded
    windows.fold(cells(*range(5)))
    assert not windows.crowded
    windows.fold(cells(1))
    assert windows.crowded
