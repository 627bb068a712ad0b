"""Counts blocks survive the journey through bytes; foreign columns are read or refused by name."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from outcome_events import event, flush_of, totals_of

from streams.config import Settings, TopicSettings
from streams.domain.errors import OperatorError, OutsideSystemError
from streams.domain.outcomes import SourcePartition
from streams.windows.blocks import CountsBlock, SourceProgress
from streams.windows.cells import CellTable
from streams.windows.codec import cell_columns, cells_of, decode_block, encode_block
from streams.windows.cutting import MAXIMUM_BYTES, MAXIMUM_ROWS, cut
from streams.windows.merging import empty_table, merge

ONE = Settings(topics=TopicSettings(counts_partitions=1))
DIMENSIONS = ("region", "os")
STARTS = [datetime(2021, 10, 13, 6, minute, tzinfo=UTC) for minute in (0, 1, 1)]


def some_cells() -> CellTable:
    outcomes = ["success", "failure", "timeout", "cancelled"]
    values = [
        event(
            str(number),
            number * 11,
            outcomes[number % 4],
            region=f"région-{number % 5}",
            started="2021-10-13T06:00:00Z",
            error_code=f"code-{number % 3}",
        )
        for number in range(40)
    ]
    values.append(event("late", 0, "failure"))
    return flush_of(values, ONE).blocks[0][0].cells


def foreign(**columns: object) -> pa.Table:
    table = {
        "window_start": pa.array(STARTS, pa.timestamp("us", tz="UTC")),
        "region": ["b", "a", "b"],
        "os": ["x", None, "x"],
        "trials": pa.array([5, 6, 7], pa.int32()),
        "failures": [0, 1, 2],
        **columns,
    }
    return pa.table({name: column for name, column in table.items() if column is not None})


def test_a_block_is_the_same_after_its_journey() -> None:
    progress = (
        SourceProgress(
            SourcePartition("a", 1), 4, 10, 20, 1634104800.25, 1634104830.25, idle=False
        ),
        SourceProgress(SourcePartition("b", 0), 1, 0, 0, None, None, idle=True),
    )
    block = CountsBlock(60, progress, some_cells())
    again = decode_block(encode_block(block))
    assert (again.window_seconds, again.sources) == (60, progress)
    assert repr(again.cells) == repr(block.cells)
    assert again.cells.late.any()
    assert len(again.cells.error_codes.rows)
    assert len(again.cells.durations.rows)


def test_equal_blocks_are_equal_bytes() -> None:
    first, second = (encode_block(CountsBlock(60, (), some_cells())) for _ in range(2))
    assert first == second


def test_an_empty_block_carries_its_progress() -> None:
    progress = SourceProgress(SourcePartition("a", 0), 1, 3, 4, None, None, idle=False)
    again = decode_block(encode_block(CountsBlock(10, (progress,), empty_table(DIMENSIONS))))
    assert len(again.cells) == 0
    assert again.cells.dimensions == DIMENSIONS
    assert again.sources == (progress,)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff" * 100])
def test_what_is_no_block_is_refused(data: bytes) -> None:
    with pytest.raises(OutsideSystemError, match="no counts block"):
        decode_block(data)


def test_arrow_of_somebody_else_is_refused() -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, foreign().schema) as writer:
        writer.write_table(foreign())
    with pytest.raises(OutsideSystemError, match="no counts block"):
        decode_block(sink.getvalue().to_pybytes())


def test_a_block_of_a_newer_version_asks_for_an_upgrade() -> None:
    data = encode_block(CountsBlock(60, (), some_cells()))
    with pytest.raises(OperatorError, match="version 2"):
        decode_block(data.replace(b'"version":1', b'"version":2'))


def test_plain_columns_of_others_are_read_with_what_is_missing_empty() -> None:
    table = cells_of(foreign(), DIMENSIONS, 60)
    assert table.keys() == [("b", "x"), ("a", "unknown"), ("b", "x")]
    assert (np.diff(table.windows) == [1, 0]).all()
    assert table.trials.tolist() == [5, 6, 7]
    assert table.failures.tolist() == [0, 1, 2]
    assert table.cancelled.tolist() == table.caller_faults.tolist() == [0, 0, 0]
    assert not table.late.any()
    assert not len(table.error_codes.rows)
    assert not len(table.durations.rows)


def test_error_codes_of_others_may_be_null_and_in_any_order() -> None:
    codes = pa.array([[("z", 2), ("a", 1)], None, [("a", None)]], pa.map_(pa.string(), pa.int64()))
    table = cells_of(foreign(error_codes=codes), DIMENSIONS, 60)
    assert table.error_codes.labels == ("a", "z")
    assert table.error_codes.rows.tolist() == [0, 0, 2]
    assert table.error_codes.names.tolist() == [0, 1, 0]
    assert table.error_codes.counts.tolist() == [1, 2, 0]


def test_columns_survive_slicing_and_chunks() -> None:
    cells = some_cells()
    whole = pa.table(cell_columns(cells, 60))
    pieces = pa.concat_tables([whole.slice(3), whole.slice(0, 3)])
    again = cells_of(pieces, cells.dimensions, 60)
    assert repr(merge([again], cells.dimensions)) == repr(cells)
    part = cells_of(whole.slice(2, 5), cells.dimensions, 60)
    assert part.keys() == cells.keys()[2:7]
    assert part.failures.tolist() == cells.failures[2:7].tolist()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"trials": None}, "'trials' is missing"),
        ({"os": None}, "'os' is missing"),
        ({"window_start": None}, "'window_start' is missing"),
        ({"trials": ["a", "b", "c"]}, "'trials' is string"),
        ({"trials": pa.array([1, None, 2])}, "'trials' has 1 nulls"),
        ({"region": pa.array([[1], [2], [3]])}, "'region' is list"),
        ({"error_codes": [1, 2, 3]}, "'error_codes' is int64"),
        ({"duration_sketch": [b"12345", b"", None]}, "duration_sketch"),
    ],
)
def test_a_wrong_column_is_refused_by_name(columns: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        cells_of(foreign(**columns), DIMENSIONS, 60)


def test_a_table_is_cut_into_full_blocks_that_add_up_to_it() -> None:
    values = [event(str(number), 0, region=f"r{number:05d}") for number in range(10_000)]
    flush = flush_of(values, ONE)
    blocks = flush.blocks[0]
    assert [len(block.cells) for block in blocks] == [4096, 4096, 1808]
    assert [bool(block.sources) for block in blocks] == [False, False, True]
    assert all(len(block.cells.values[0]) == len(block.cells) for block in blocks)
    assert len(totals_of([flush]).trials) == 10_000


def test_long_values_make_more_and_smaller_blocks() -> None:
    values = [event(str(number), 0, region=f"{number:05d}" + "é" * 123) for number in range(4000)]
    flush = flush_of(values, ONE)
    assert len(flush.blocks[0]) == 4
    assert all(len(encode_block(block)) < MAXIMUM_BYTES for block in flush.blocks[0])
    assert len(totals_of([flush]).trials) == 4000


def test_one_cell_with_too_many_error_codes_is_spread_over_blocks() -> None:
    values = [
        event(str(number), 1, "failure", error_code=f"{number:06d}" + "é" * 250, started=None)
        for number in range(3000)
    ]
    values.append(event("timed", 1, started="2021-10-13T06:00:00Z"))
    flush = flush_of(values, ONE)
    assert len(flush.blocks[0]) == 4
    assert all(len(encode_block(block)) < 2 * MAXIMUM_BYTES for block in flush.blocks[0])
    totals = totals_of([flush])
    assert sum(totals.trials.values()) == 3001
    assert sum(totals.failures.values()) == len(totals.error_codes) == 3000
    assert sum(totals.durations.values()) == 1


def test_a_table_that_fits_is_not_touched() -> None:
    cells = some_cells()
    (piece,) = cut(cells)
    assert piece is cells
    assert len(cells) < MAXIMUM_ROWS
