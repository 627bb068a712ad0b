"""Series numbers: while events are folded a series is a number; the flush gives its values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from streams.domain.series import UNKNOWN, SeriesKey, partition_of
from streams.formats.outcome_contract import FIELDS, OutcomeData
from streams.windows.cells import Int32

RawKey = tuple[str | None, ...]
"""The values of one series as they were sent."""


def key_reader(dimensions: Sequence[str]) -> Callable[[OutcomeData], RawKey]:
    """Give the function that reads an outcome's dimensions, as fast as they allow."""
    if len(dimensions) > 1 and FIELDS.issuperset(dimensions):
        return attrgetter(*dimensions)

    def read(event: OutcomeData) -> RawKey:
        return tuple(
            getattr(event, name) if name in FIELDS else event.attributes.get(name)
            for name in dimensions
        )

    return read


@dataclass(frozen=True, slots=True)
class SeriesLayout:
    """S series in the order of their keys.

    Attributes:
        values: For each dimension its distinct values, sorted.
        codes: For each dimension (S,) positions in `values`, by rank.
        partitions: (S,) counts partitions, by rank.
        ranks: (S,) rank of each series, by number.
    """

    values: tuple[tuple[str, ...], ...]
    codes: tuple[Int32, ...]
    partitions: Int32
    ranks: Int32


class SeriesNumbers(dict[RawKey, int]):
    """Numbers series in the order in which they appear; `numbers[raw]` gives a new one its number.

    Args:
        dimensions: How many dimensions there are.
        group_positions: Positions of the grouping dimensions.
        partitions: Number of counts partitions.
    """

    def __init__(self, dimensions: int, group_positions: Sequence[int], partitions: int) -> None:
        super().__init__()
        self._group_positions = group_positions
        self._counts_partitions = partitions
        self._numbers: dict[SeriesKey, int] = {}
        self._values: list[dict[str, int]] = [{} for _ in range(dimensions)]
        self._codes: list[list[int]] = [[] for _ in range(dimensions)]
        self._partitions: list[int] = []
        self._shared: dict[str | None, str | None] = {}
        self._layout: SeriesLayout | None = None

    def __missing__(self, raw: RawKey) -> int:
        """Number what has not been seen; missing, null and empty values are one value, unknown."""
        key: SeriesKey = tuple(value or UNKNOWN for value in raw)
        number = self._numbers.get(key)
        if number is None:
            number = self._append(key)
        # One object per value: ten thousand keys of their own strings would not stay in the cache.
        self[tuple(self._shared.setdefault(value, value) for value in raw)] = number
        return number

    def layout(self) -> SeriesLayout:
        """Give all series in the order of their keys."""
        if self._layout is None:
            self._layout = self._lay_out()
        return self._layout

    def _append(self, key: SeriesKey) -> int:
        self._layout = None
        for value, values, codes in zip(key, self._values, self._codes, strict=True):
            codes.append(values.setdefault(value, len(values)))
        self._partitions.append(partition_of(key, self._group_positions, self._counts_partitions))
        number = self._numbers[key] = len(self._numbers)
        return number

    def _lay_out(self) -> SeriesLayout:
        values, columns = [], []
        for places, codes in zip(self._values, self._codes, strict=True):
            names = sorted(places)
            position = np.empty(len(names), np.int32)
            position[[places[name] for name in names]] = np.arange(len(names))
            values.append(tuple(names))
            columns.append(position[np.array(codes, np.intp)])
        order = np.lexsort(columns[::-1])
        ranks = np.empty(len(order), np.int32)
        ranks[order] = np.arange(len(order))
        return SeriesLayout(
            values=tuple(values),
            codes=tuple(column[order] for column in columns),
            partitions=np.array(self._partitions, np.int32)[order],
            ranks=ranks,
        )
