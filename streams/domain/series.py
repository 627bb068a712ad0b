"""What is watched: one series per combination of dimension values."""

import zlib
from collections.abc import Sequence

SeriesKey = tuple[str, ...]
"""The values of one series, in the order of the configured dimensions."""

OTHER = "__other__"
"""Stands for every value beyond the bound on a dimension's cardinality."""

ANY = "__any__"
"""Stands for a dimension that does not matter, in the key of a sum over series."""

UNKNOWN = "unknown"
"""Stands for a dimension that an outcome leaves out or sets to null."""


def partition_of(key: SeriesKey, group_positions: Sequence[int], partitions: int) -> int:
    """Give the counts partition of a series.

    All series of one shrinkage group meet in one partition, so that what a group knows does not
    depend on how many partitions there are. CRC-32 because it is stable over processes, releases
    and platforms, unlike `hash`.

    Args:
        key: Values of the series.
        group_positions: Positions of the grouping dimensions in the key.
        partitions: Number of counts partitions, at least 1.
    """
    group = "\x1f".join(key[position] for position in group_positions)
    return zlib.crc32(group.encode()) % partitions
