"""Cell tables merge by addition, into one order that depends on their content alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from streams.windows.cells import Bool, CellTable, Int32, Int64, SparseCounts


def empty_table(dimensions: tuple[str, ...]) -> CellTable:
    """Give a table without cells."""
    nothing = np.empty(0, np.int64)
    return CellTable(
        dimensions=dimensions,
        values=tuple(() for _ in dimensions),
        codes=tuple(np.empty(0, np.int32) for _ in dimensions),
        windows=nothing,
        late=np.empty(0, np.bool_),
        trials=nothing,
        failures=nothing,
        cancelled=nothing,
        caller_faults=nothing,
        error_codes=SparseCounts.none(),
        durations=SparseCounts.none(),
    )


def merge(tables: Sequence[CellTable], dimensions: tuple[str, ...]) -> CellTable:
    """Add tables up: one row per window, punctuality and series key, in that order.

    Args:
        tables: Tables over the same dimensions; none, one or many, in any order.
        dimensions: Names of the dimensions, for the case of no table at all.

    Returns:
        The same table for the same cells, however they were cut and ordered.
    """
    filled = [table for table in tables if len(table)]
    if not filled:
        return empty_table(dimensions)
    columns = [
        _unify([(table.values[position], table.codes[position]) for table in filled])
        for position in range(len(dimensions))
    ]
    values = tuple(names for names, _ in columns)
    codes = tuple(recoded for _, recoded in columns)
    windows = np.concatenate([table.windows for table in filled])
    late = np.concatenate([table.late for table in filled])
    order, rows, firsts = _group(windows, late, codes, [len(names) for names in values])
    size = len(firsts)
    kept = order[firsts]
    starts = np.cumsum([0, *(len(table) for table in filled)])
    return CellTable(
        dimensions=dimensions,
        values=values,
        codes=tuple(column[kept] for column in codes),
        windows=windows[kept],
        late=late[kept],
        trials=_total([table.trials for table in filled], rows, size),
        failures=_total([table.failures for table in filled], rows, size),
        cancelled=_total([table.cancelled for table in filled], rows, size),
        caller_faults=_total([table.caller_faults for table in filled], rows, size),
        error_codes=_merge_sparse([table.error_codes for table in filled], starts, rows),
        durations=_merge_sparse([table.durations for table in filled], starts, rows),
    )


def select(table: CellTable, rows: Bool | Int64) -> CellTable:
    """Keep some rows of a table, in their order.

    Args:
        table: The table.
        rows: (N,) mask, or ascending row numbers.
    """
    picked = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    position = np.full(len(table), -1, np.int32)
    position[picked] = np.arange(len(picked), dtype=np.int32)
    return replace(
        table,
        codes=tuple(column[picked] for column in table.codes),
        windows=table.windows[picked],
        late=table.late[picked],
        trials=table.trials[picked],
        failures=table.failures[picked],
        cancelled=table.cancelled[picked],
        caller_faults=table.caller_faults[picked],
        error_codes=_select_sparse(table.error_codes, position),
        durations=_select_sparse(table.durations, position),
    )


def stretch(table: CellTable, low: int, high: int) -> CellTable:
    """Keep the rows from `low` to before `high`; cheap, as nothing is copied."""
    rows = slice(low, high)
    return replace(
        table,
        codes=tuple(column[rows] for column in table.codes),
        windows=table.windows[rows],
        late=table.late[rows],
        trials=table.trials[rows],
        failures=table.failures[rows],
        cancelled=table.cancelled[rows],
        caller_faults=table.caller_faults[rows],
        error_codes=_stretch_sparse(table.error_codes, low, high),
        durations=_stretch_sparse(table.durations, low, high),
    )


def replace_values(table: CellTable, position: int, keep: Bool, substitute: str) -> CellTable:
    """Put one value in the place of all values of a dimension that are not kept.

    Args:
        table: The table; the result may hold a series twice until it is merged.
        position: Which dimension.
        keep: (len(values),) which of its values stay.
        substitute: What stands for the others.
    """
    names = table.values[position]
    renamed = [
        name if kept else substitute for name, kept in zip(names, keep.tolist(), strict=True)
    ]
    distinct = tuple(sorted(set(renamed)))
    place = {name: code for code, name in enumerate(distinct)}
    mapping = np.array([place[name] for name in renamed], np.int32)
    values, codes = list(table.values), list(table.codes)
    values[position], codes[position] = distinct, mapping[table.codes[position]]
    return replace(table, values=tuple(values), codes=tuple(codes))


def _unify(columns: Sequence[tuple[tuple[str, ...], Int32]]) -> tuple[tuple[str, ...], Int32]:
    """Bring one dimension of several tables, each (values, codes), to common values.

    Returns:
        The values in use, sorted, and all rows' codes in them.
    """
    used = [
        np.flatnonzero(np.bincount(codes, minlength=len(names))).tolist()
        for names, codes in columns
    ]
    distinct = {
        names[code] for (names, _), present in zip(columns, used, strict=True) for code in present
    }
    values = tuple(sorted(distinct))
    place = {name: code for code, name in enumerate(values)}
    recoded = []
    for (names, codes), present in zip(columns, used, strict=True):
        mapping = np.zeros(len(names), np.int32)
        mapping[present] = [place[names[code]] for code in present]
        recoded.append(mapping[codes])
    return values, np.concatenate(recoded)


def _group(
    windows: Int64, late: Bool, codes: Sequence[Int32], sizes: Sequence[int]
) -> tuple[Int64, Int64, Int64]:
    """Sort rows by window, late and codes.

    Returns:
        The order, the group of each row as it came, and each group's first place in the order.
    """
    columns: list[Int64] = [windows - windows.min(), late.astype(np.int64)]
    columns += [column.astype(np.int64) for column in codes]
    radices = [int(columns[0].max()) + 1, 2, *sizes]
    span = 1
    for radix in radices:
        span *= radix
    if span < 2**62:
        packed = columns[0]
        for column, radix in zip(columns[1:], radices[1:], strict=True):
            packed = packed * radix + column
        order = np.argsort(packed, kind="stable")
        changed = np.diff(packed[order]) != 0
    else:
        order = np.lexsort(columns[::-1])
        changed = np.any([np.diff(column[order]) != 0 for column in columns], axis=0)
    begins = np.concatenate([[True], changed])
    rows = np.empty(len(order), np.int64)
    rows[order] = np.cumsum(begins) - 1
    return order, rows, np.flatnonzero(begins)


def _total(columns: Sequence[Int64], rows: Int64, size: int) -> Int64:
    total = np.zeros(size, np.int64)
    np.add.at(total, rows, np.concatenate(columns))
    return total


def _merge_sparse(parts: Sequence[SparseCounts], starts: Int64, rows: Int64) -> SparseCounts:
    """Add up what is named.

    Args:
        parts: The tables' counts.
        starts: For each table the number of rows before it, and the number of all rows.
        rows: The merged row of each row.
    """
    if not any(len(part.rows) for part in parts):
        return SparseCounts.none()
    labels, of_name = _unify_names(parts)
    of_row = np.concatenate(
        [rows[part.rows + start] for part, start in zip(parts, starts[:-1], strict=True)]
    )
    counts = np.concatenate([part.counts for part in parts])
    lowest = int(of_name.min())
    radix = int(of_name.max()) - lowest + 1
    packed, inverse = np.unique(of_row * radix + (of_name - lowest), return_inverse=True)
    total = np.zeros(len(packed), np.int64)
    np.add.at(total, inverse, counts)
    return SparseCounts(
        (packed // radix).astype(np.int32),
        (packed % radix + lowest).astype(np.int32),
        total,
        labels,
    )


def _unify_names(parts: Sequence[SparseCounts]) -> tuple[tuple[str, ...], Int64]:
    """Give the labels in use, sorted, and all counts' names in them; bin numbers stay."""
    if not any(part.labels for part in parts):
        return (), np.concatenate([part.names for part in parts]).astype(np.int64)
    labels, names = _unify([(part.labels, part.names) for part in parts])
    return labels, names.astype(np.int64)


def _select_sparse(part: SparseCounts, position: Int32) -> SparseCounts:
    if not len(part.rows):
        return SparseCounts.none()
    rows = position[part.rows]
    kept = rows >= 0
    if not part.labels:
        return SparseCounts(rows[kept], part.names[kept], part.counts[kept])
    used = np.unique(part.names[kept])
    mapping = np.zeros(len(part.labels), np.int32)
    mapping[used] = np.arange(len(used), dtype=np.int32)
    labels = tuple(part.labels[code] for code in used.tolist())
    return SparseCounts(rows[kept], mapping[part.names[kept]], part.counts[kept], labels)


def _stretch_sparse(part: SparseCounts, low: int, high: int) -> SparseCounts:
    begin, end = np.searchsorted(part.rows, [low, high]).tolist()
    rows = (part.rows[begin:end] - low).astype(np.int32)
    return SparseCounts(rows, part.names[begin:end], part.counts[begin:end], part.labels)
