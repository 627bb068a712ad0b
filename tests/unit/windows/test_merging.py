"""Cell tables add up; what belongs to a row stays with it."""

from dataclasses import replace

import numpy as np
from cell_tables import Cell, cell_table
from outcome_events import Totals

from streams.windows.cells import CellTable
from streams.windows.merging import empty_table, merge, replace_values, select, stretch

DIMENSIONS = ("region", "os")
CELLS = (
    Cell(1, ("east", "linux"), 5, 2, errors={"A": 1, "B": 1}, durations={3: 5}),
    Cell(1, ("west", "linux"), 4, 1, cancelled=2, errors={"B": 1}, durations={3: 1, -9: 2}),
    Cell(1, ("west", "linux"), 7, 0, late=True, caller_faults=3),
    Cell(2, ("east", "windows"), 6, 3, errors={"C": 3}, durations={900: 6}),
)


def some_table() -> CellTable:
    return cell_table(DIMENSIONS, CELLS)


def totals(table: CellTable) -> Totals:
    result = Totals()
    result.add(table)
    return result


def test_a_table_without_cells_has_no_keys_and_is_what_merging_nothing_gives() -> None:
    assert empty_table(DIMENSIONS).keys() == []
    assert len(merge([], DIMENSIONS)) == 0
    assert merge([empty_table(DIMENSIONS)], DIMENSIONS).dimensions == DIMENSIONS


def test_equal_cells_are_added_up_and_rows_come_by_window_punctuality_and_key() -> None:
    table = merge([some_table(), some_table()], DIMENSIONS)
    assert table.windows.tolist() == [1, 1, 1, 2]
    assert table.late.tolist() == [False, False, True, False]
    assert table.keys() == [
        ("east", "linux"),
        ("west", "linux"),
        ("west", "linux"),
        ("east", "windows"),
    ]
    assert table.trials.tolist() == [10, 8, 14, 12]
    assert table.cancelled.tolist() == [0, 4, 0, 0]
    assert table.caller_faults.tolist() == [0, 0, 6, 0]
    assert totals(table).error_codes[(1, False, ("east", "linux")), "B"] == 2
    assert totals(table).durations[(1, False, ("west", "linux")), -9] == 4


def test_selected_rows_keep_their_error_codes_and_durations() -> None:
    table = some_table()
    kept = totals(select(table, np.array([False, True, False, True])))
    whole = totals(table)
    wanted = {(1, False, ("west", "linux")), (2, False, ("east", "windows"))}
    assert kept.trials == {cell: count for cell, count in whole.trials.items() if cell in wanted}
    assert kept.error_codes == {
        (cell, code): count for (cell, code), count in whole.error_codes.items() if cell in wanted
    }
    assert kept.durations == {
        (cell, number): count for (cell, number), count in whole.durations.items() if cell in wanted
    }


def test_rows_may_be_selected_by_number_and_unused_error_codes_go() -> None:
    part = select(some_table(), np.array([3]))
    assert part.error_codes.labels == ("C",)
    assert part.error_codes.rows.tolist() == [0]
    assert totals(part).failures == {(2, False, ("east", "windows")): 3}


def test_a_stretch_is_the_selection_of_its_rows() -> None:
    table = some_table()
    mask = np.array([False, True, True, False])
    assert totals(stretch(table, 1, 3)) == totals(select(table, mask))


def test_error_codes_that_no_row_has_any_more_leave_a_merged_table() -> None:
    merged = merge([stretch(some_table(), 3, 4)], DIMENSIONS)
    assert merged.error_codes.labels == ("C",)
    assert merged.values == (("east",), ("windows",))


def test_replaced_values_take_their_counts_with_them() -> None:
    table = replace_values(some_table(), 0, np.array([False, True]), "__other__")
    assert table.values[0] == ("__other__", "west")
    found = totals(merge([table], DIMENSIONS))
    assert found.trials[1, False, ("__other__", "linux")] == 5
    assert found.error_codes[(2, False, ("__other__", "windows")), "C"] == 3
    assert found.durations[(2, False, ("__other__", "windows")), 900] == 6


def test_a_value_replaced_by_one_that_is_there_becomes_that_one() -> None:
    table = merge([replace_values(some_table(), 0, np.array([True, False]), "east")], DIMENSIONS)
    assert table.values[0] == ("east",)
    assert totals(table).trials[1, False, ("east", "linux")] == 9


def test_windows_too_far_apart_to_be_packed_into_one_number_sort_the_same() -> None:
    rng = np.random.default_rng(7)
    cells = [
        Cell(
            int(rng.integers(3)),
            (f"r{rng.integers(4)}", f"o{rng.integers(2)}"),
            int(rng.integers(1, 9)),
            1,
            late=bool(rng.integers(2)),
            errors={f"E{rng.integers(3)}": 1},
        )
        for _ in range(60)
    ]
    near = cell_table(DIMENSIONS, cells)
    # 2 punctualities x 4 regions x 2 systems: 2^60 windows on, packed numbers come round to 0.
    far = cell_table(DIMENSIONS, [*cells, Cell(2**60, ("r0", "o0"), 1)])
    rest = stretch(far, 0, len(near))
    assert len(far) == len(near) + 1
    assert rest.keys() == near.keys()
    assert totals(rest) == totals(near)
    assert rest.late.tolist() == near.late.tolist()


def test_merging_does_not_change_what_was_merged() -> None:
    table = some_table()
    before = totals(table)
    merge([table, replace(table, windows=table.windows + 1)], DIMENSIONS)
    assert totals(table) == before
