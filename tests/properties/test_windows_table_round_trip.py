"""Any cells written to a windows table come back, in any order of rows and any cut into batches."""

from random import Random

import pyarrow as pa
from cell_tables import Cell, cell_table
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.replay.windows_table import (
    archive_rows,
    from_arrow,
    merge_rows,
    split_late,
    to_arrow,
)
from streams.windows.blocks import CountsBlock
from streams.windows.cells import CellTable
from streams.windows.codec import encode_block

DIMENSIONS = ("region", "os")

counts = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 5), max_size=3)


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    """Draw a cell, in time or late."""
    trials = draw(st.integers(1, 20))
    return Cell(
        window=draw(st.integers(0, 4)),
        key=(draw(st.sampled_from(["eu", "us", "é"])), draw(st.sampled_from(["l", "w"]))),
        trials=trials,
        failures=draw(st.integers(0, trials)),
        late=draw(st.booleans()),
        cancelled=draw(st.integers(0, 3)),
        caller_faults=draw(st.integers(0, 3)),
        errors=draw(counts),
        durations=draw(st.dictionaries(st.integers(-9, 9), st.integers(1, 5), max_size=3)),
    )


@settings(deadline=None)  # the first example pays for loading Arrow
@given(st.lists(cells(), max_size=12), st.randoms(use_true_random=False), st.integers(1, 5))
def test_what_is_written_is_read_in_any_order_and_cut(
    drawn: list[Cell], random: Random, size: int
) -> None:
    table = cell_table(DIMENSIONS, drawn)
    rows = archive_rows(table)
    written = to_arrow(rows, 60)
    order = list(range(len(written)))
    random.shuffle(order)
    shuffled = written.take(pa.array(order, pa.int64())).combine_chunks()
    parts = [
        from_arrow(batch, DIMENSIONS, 60, "w") for batch in shuffled.to_batches(max_chunksize=size)
    ]
    again = merge_rows(parts, DIMENSIONS)
    assert to_arrow(again, 60).to_pylist() == written.to_pylist()
    # What came late is told apart as it was, down to its error codes and durations.
    assert _bytes(split_late(again)) == _bytes(table)


def _bytes(table: CellTable) -> bytes:
    return encode_block(CountsBlock(60, (), table))
