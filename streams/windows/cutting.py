"""Cutting a table into pieces that fit into one message each.

Rows are not enough of a measure: values and error codes come from senders, who may send long ones,
or thousands of error codes in one cell. A message that the broker refuses would stop the stream for
good.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import compress

import numpy as np

from streams.windows.cells import CellTable, Int32, SparseCounts
from streams.windows.durations import ENTRY_BYTES
from streams.windows.merging import select

MAXIMUM_ROWS = 4096
MAXIMUM_BYTES = 512 * 1024
"""Estimated, before compression: half of what a broker takes by default (1 MB)."""
_ROW_BYTES = 64
_COUNT_BYTES = 8


def cut(table: CellTable) -> tuple[CellTable, ...]:
    """Cut a table into tables of at most 4096 rows and about 512 KB that add up to it.

    Args:
        table: A table as `merge` gives it.

    Returns:
        At least one table, in the order of the rows. Only a single row with more error codes than
        fit is spread over several tables; the first of them has its counts.
    """
    if len(table) <= MAXIMUM_ROWS and _bytes(table) <= MAXIMUM_BYTES:
        return (table,)
    return tuple(_pieces(table))


def drop_unused(table: CellTable) -> CellTable:
    """Drop the values and error codes that no row has; the rows stay as they are."""
    values, codes = [], []
    for names, column in zip(table.values, table.codes, strict=True):
        kept, places = _used(names, column)
        values.append(kept)
        codes.append(places)
    labels, names_of = _used(table.error_codes.labels, table.error_codes.names)
    errors = replace(table.error_codes, labels=labels, names=names_of)
    return replace(table, values=tuple(values), codes=tuple(codes), error_codes=errors)


def _used(names: tuple[str, ...], column: Int32) -> tuple[tuple[str, ...], Int32]:
    """Give the names that a column refers to, and the column referring to them alone."""
    used = np.zeros(len(names), np.bool_)
    used[column] = True
    places = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return tuple(compress(names, used.tolist())), places[column]


def _pieces(table: CellTable) -> Iterator[CellTable]:
    if len(table) <= MAXIMUM_ROWS and _bytes(table) <= MAXIMUM_BYTES:
        yield table
    elif len(table) > 1:
        # Whole blocks first, so that a big table gives full ones; then halves, for rows that are
        # too fat.
        step = MAXIMUM_ROWS if len(table) > MAXIMUM_ROWS else (len(table) + 1) // 2
        for start in range(0, len(table), step):
            rows = np.arange(start, min(start + step, len(table)))
            yield from _pieces(drop_unused(select(table, rows)))
    elif len(table.error_codes.rows) > 1:
        yield from _pieces(_part(table, slice(None, len(table.error_codes.rows) // 2), first=True))
        yield from _pieces(_part(table, slice(len(table.error_codes.rows) // 2, None), first=False))
    else:
        yield table


def _part(table: CellTable, names: slice, *, first: bool) -> CellTable:
    """Keep some error codes of a table of one row; its counts only in the first part."""
    codes = table.error_codes
    kept = SparseCounts(codes.rows[names], codes.names[names], codes.counts[names], codes.labels)
    part = replace(table, error_codes=kept)
    if not first:
        nothing = np.zeros(1, np.int64)
        part = replace(
            part,
            trials=nothing,
            failures=nothing,
            cancelled=nothing,
            caller_faults=nothing,
            durations=SparseCounts.none(),
        )
    return drop_unused(select(part, np.arange(1)))


def _bytes(table: CellTable) -> int:
    """Estimate the size of an encoded table, in bytes."""
    texts = sum(len(value.encode()) for values in table.values for value in values)
    sizes = np.array([len(label.encode()) for label in table.error_codes.labels], np.int64)
    codes = int(sizes[table.error_codes.names].sum()) if len(sizes) else 0
    codes += _COUNT_BYTES * len(table.error_codes.rows)
    return _ROW_BYTES * len(table) + texts + codes + ENTRY_BYTES * len(table.durations.rows)
