"""Bounds on how many values a dimension and how many series a partition may have.

Which values are kept does not depend on the order in which they arrive: values already admitted
stay; of the new ones of a window those with the smallest checksums are admitted, as many as there
is room for. The smallest k of a union are among the smallest k of its parts, so bounding early (to
save memory) and bounding late agree.
"""

import zlib
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

import numpy as np

from streams.domain.series import OTHER, SeriesKey
from streams.windows.cells import CellTable
from streams.windows.merging import merge, replace_values


def admit(candidates: Iterable[str], room: int) -> tuple[str, ...]:
    """Choose the new values to admit: those with the smallest CRC-32, ties by name.

    Args:
        candidates: New values.
        room: How many may be admitted.
    """
    ranked = sorted(candidates, key=lambda value: (zlib.crc32(value.encode()), value))
    return tuple(ranked[: max(room, 0)])


def bound_values(table: CellTable, known: Sequence[AbstractSet[str]], limit: int) -> CellTable:
    """Put `__other__` in the place of values beyond the limit, dimension by dimension.

    Args:
        table: Cells of any windows.
        known: For each dimension the values already admitted.
        limit: How many values a dimension may have, `__other__` not counted.

    Returns:
        The table merged again, where anything had to be replaced; otherwise the table itself.
    """
    replaced = False
    for position, names in enumerate(table.values):
        new = [name for name in names if name not in known[position] and name != OTHER]
        room = limit - len(known[position] - {OTHER})
        if len(new) <= room:
            continue
        refused = set(new) - set(admit(new, room))
        keep = np.array([name not in refused for name in names], np.bool_)
        table = replace_values(table, position, keep, OTHER)
        replaced = True
    return merge([table], table.dimensions) if replaced else table


def bound_series(table: CellTable, known: AbstractSet[SeriesKey], limit: int) -> CellTable:
    """Put `__other__` in every dimension of new series beyond the limit.

    Args:
        table: Cells of any windows.
        known: Series already admitted.
        limit: How many series there may be, the one of all `__other__` not counted.

    Returns:
        The table merged again, where anything had to be replaced; otherwise the table itself.
    """
    keys = table.keys()
    if known >= set(keys):
        return table
    rest = (OTHER,) * len(table.dimensions)
    new = sorted({key for key in keys if key not in known and key != rest})
    room = limit - len(known) + (rest in known)
    if len(new) <= room:
        return table
    joined = {"\x1f".join(key): key for key in new}
    refused = set(new) - {joined[text] for text in admit(joined, room)}
    marked = np.array([key in refused for key in keys], np.bool_)
    values, codes = list(table.values), list(table.codes)
    for position, names in enumerate(values):
        values[position] = (*names, OTHER)
        codes[position] = np.where(marked, np.int32(len(names)), codes[position])
    renamed = replace(table, values=tuple(values), codes=tuple(codes))
    return merge([renamed], table.dimensions)
