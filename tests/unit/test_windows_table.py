"""The windows table: what is written is read again, and what cannot be is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from cell_tables import Cell, cell_table

from streams.domain.errors import OperatorError
from streams.replay.windows_table import ArchiveRows, archive_rows, from_arrow, split_late, to_arrow
from streams.windows.blocks import CountsBlock
from streams.windows.cells import CellTable
from streams.windows.codec import encode_block

DIMENSIONS = ("region", "os")
EU, US = ("eu", "linux"), ("us", "windows")
START = datetime(2021, 10, 13, 6, 27, tzinfo=UTC)
WINDOW = int(START.timestamp()) // 60


def _rows(cells: Sequence[Cell]) -> ArchiveRows:
    table = cell_table(DIMENSIONS, cells)
    return archive_rows(table)


def _read(table: pa.Table) -> CellTable:
    (batch,) = table.combine_chunks().to_batches()
    return split_late(from_arrow(batch, DIMENSIONS, 60, "w.parquet"))


def test_a_row_has_the_columns_of_the_contract() -> None:
    cell = Cell(
        *(WINDOW, EU, 10, 4, False, 2, 1),
        errors={"Timeout": 3, "Allocation": 1},
        durations={-1: 6, 4: 4},
    )
    (row,) = to_arrow(_rows([cell]), 60).to_pylist()
    assert row.pop("duration_sketch") == (
        (-1).to_bytes(4, "little", signed=True)
        + (6).to_bytes(8, "little")
        + (4).to_bytes(4, "little")
        + (4).to_bytes(8, "little")
    )
    assert row == {
        "window_start": START,
        "region": "eu",
        "os": "linux",
        "trials": 10,
        "failures": 4,
        "cancelled": 2,
        "caller_faults": 1,
        "error_codes": [("Allocation", 1), ("Timeout", 3)],
        "late_trials": 0,
        "late_failures": 0,
        "late_cancelled": 0,
        "late_caller_faults": 0,
        "late_error_codes": [],
        "late_duration_sketch": b"",
    }


def test_late_outcomes_count_in_the_row_of_their_window_and_are_told_apart() -> None:
    cells = [Cell(WINDOW, EU, 10, 4), Cell(WINDOW, EU, 3, 2, late=True), Cell(WINDOW, US, 1)]
    table = to_arrow(_rows(cells), 60)
    assert table.column("trials").to_pylist() == [13, 1]
    assert table.column("failures").to_pylist() == [6, 0]
    assert table.column("late_trials").to_pylist() == [3, 0]
    assert table.column("late_failures").to_pylist() == [2, 0]
    again = _read(table)
    assert again.late.tolist() == [False, False, True]
    assert again.trials.tolist() == [10, 1, 3]
    assert again.failures.tolist() == [4, 0, 2]


def test_all_that_came_late_is_told_apart_again() -> None:
    punctual = Cell(*(WINDOW, EU, 10, 4, False, 2, 1), errors={"a": 3, "b": 1}, durations={1: 9})
    tardy = Cell(*(WINDOW, EU, 3, 2, True, 1, 5), errors={"b": 1, "c": 1}, durations={1: 1, 2: 2})
    alone = Cell(*(WINDOW, US, 0, 0, True, 0, 1))
    table = cell_table(DIMENSIONS, [punctual, tardy, alone])
    again = _read(to_arrow(archive_rows(table), 60))
    assert encode_block(CountsBlock(60, (), again)) == encode_block(CountsBlock(60, (), table))


def test_a_row_of_late_outcomes_alone_gives_no_punctual_cell() -> None:
    again = _read(to_arrow(_rows([Cell(WINDOW, EU, 3, 2, late=True)]), 60))
    assert again.late.tolist() == [True]


def test_rows_of_the_same_window_and_series_add_up() -> None:
    table = to_arrow(_rows([Cell(WINDOW, EU, 10, 4, errors={"x": 4})]), 60)
    again = _read(pa.concat_tables([table, table]))
    assert again.trials.tolist() == [20]
    assert again.error_codes.counts.tolist() == [8]


def test_a_table_of_the_required_columns_alone_is_enough() -> None:
    table = pa.table(
        {
            "failures": pa.array([1], pa.int32()),
            "trials": pa.array([2], pa.uint16()),
            "os": pa.array([None], pa.string()),
            "region": pa.array(["eu"]).dictionary_encode(),
            "window_start": pa.array([START], pa.timestamp("ms")),
        }
    )
    cells = _read(table)
    assert cells.keys() == [("eu", "unknown")]
    assert (cells.windows[0], cells.trials[0], cells.failures[0]) == (WINDOW, 2, 1)
    assert len(cells.error_codes.rows) == len(cells.durations.rows) == 0


def _broken(**columns: pa.Array) -> pa.Table:
    table = to_arrow(_rows([Cell(WINDOW, EU, 10, 4)]), 60)
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (_broken().drop_columns(["os"]), "column 'os' is missing"),
        (_broken().drop_columns(["trials"]), "column 'trials' is missing"),
        (_broken(region=pa.array([1])), "column 'region' must be a string, is int64"),
        (_broken(trials=pa.array([1.5])), "column 'trials' must be int64, is double"),
        (_broken(trials=pa.array([None], pa.int64())), "column 'trials' has 1 nulls"),
        (_broken(failures=pa.array([11])), "failures is 11 where trials is 10"),
        (_broken(failures=pa.array([-1])), "failures is -1 where trials is 10"),
        (_broken(late_trials=pa.array([11])), "late_trials is 11 where trials is 10"),
        (_broken(window_start=pa.array(["x"])), "'window_start' must be a timestamp in UTC, is s"),
        (
            _broken(window_start=pa.array([None], pa.timestamp("us", tz="UTC"))),
            "'window_start' must be a timestamp in UTC, is 1 nulls",
        ),
        (
            _broken(window_start=pa.array([START.replace(second=30)])),
            "is not the start of a window of 60 s",
        ),
        (_broken(error_codes=pa.array(["x"])), "'error_codes' must be map<string, int64>, is str"),
        (_broken(duration_sketch=pa.array(["x"])), "'duration_sketch' must be binary, is string"),
        (_broken(duration_sketch=pa.array([b"12345"])), "something else than bins and counts"),
    ],
)
def test_a_table_that_cannot_be_is_refused_by_name_and_column(
    table: pa.Table, expected: str
) -> None:
    with pytest.raises(OperatorError) as caught:
        _read(table)
    assert str(caught.value).startswith("w.parquet: ")
    assert expected in str(caught.value)
