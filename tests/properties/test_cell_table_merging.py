"""Cell tables: any cut and any order adds up to the same table, and bounds lose nothing."""

from itertools import pairwise

import numpy as np
from cell_tables import Cell, cell_table
from hypothesis import given
from hypothesis import strategies as st

from streams.windows.blocks import CountsBlock
from streams.windows.cardinality import bound_series, bound_values
from streams.windows.cells import CellTable
from streams.windows.codec import encode_block
from streams.windows.merging import merge, select

DIMENSIONS = ("region", "os")
CELLS = st.builds(
    Cell,
    window=st.integers(0, 3),
    key=st.tuples(st.sampled_from("abcdef"), st.sampled_from("xyz")),
    trials=st.integers(0, 5),
    failures=st.integers(0, 5),
    late=st.booleans(),
    cancelled=st.integers(0, 2),
    caller_faults=st.integers(0, 2),
    errors=st.dictionaries(st.sampled_from(["E1", "E2", "E3"]), st.integers(1, 4)),
    durations=st.dictionaries(st.integers(-5, 5), st.integers(1, 4)),
)


def written(table: CellTable) -> bytes:
    return encode_block(CountsBlock(60, (), table))


@given(cells=st.lists(CELLS, max_size=25), data=st.data())
def test_any_cut_in_any_order_merges_to_the_same_table(
    cells: list[Cell], data: st.DataObject
) -> None:
    whole = cell_table(DIMENSIONS, cells)
    shuffled = data.draw(st.permutations(cells))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(cells)), max_size=4)))
    edges = [0, *cuts, len(cells)]
    parts = [cell_table(DIMENSIONS, shuffled[low:high]) for low, high in pairwise(edges)]
    again = merge(parts, DIMENSIONS)
    assert again.values == whole.values
    assert again.error_codes.labels == whole.error_codes.labels
    assert written(again) == written(whole)


@given(cells=st.lists(CELLS, min_size=1, max_size=25), data=st.data())
def test_a_table_is_the_sum_of_any_two_selections_that_make_it_up(
    cells: list[Cell], data: st.DataObject
) -> None:
    whole = cell_table(DIMENSIONS, cells)
    size = len(whole)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    assert written(merge([select(whole, ~mask), select(whole, mask)], DIMENSIONS)) == written(whole)


@given(cells=st.lists(CELLS, max_size=25), limit=st.integers(1, 4))
def test_bounds_hold_and_keep_every_count(cells: list[Cell], limit: int) -> None:
    table = cell_table(DIMENSIONS, cells)
    bounded = bound_series(bound_values(table, (set(), set()), limit), set(), limit)
    assert all(len(values) <= limit + 1 for values in bounded.values)
    assert len(set(bounded.keys())) <= limit + 1
    for name in ("trials", "failures", "cancelled", "caller_faults"):
        assert getattr(bounded, name).sum() == getattr(table, name).sum()
    assert bounded.error_codes.counts.sum() == table.error_codes.counts.sum()
    assert bounded.durations.counts.sum() == table.durations.counts.sum()
