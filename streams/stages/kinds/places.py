"""Places: series, and sums of series in which some dimensions do not matter."""

from collections.abc import Iterable
from itertools import repeat
from typing import Final

import numpy as np

from streams.config import Settings
from streams.domain.series import SeriesKey
from streams.windows.cells import Int64

_KEPT: Final = 100_000
"""Series whose place is remembered; they come and go, and are asked for again when forgotten."""

Place = tuple[str | None, ...]
"""A value per dimension; None where the dimension does not matter."""


def pool(key: Place, positions: Iterable[int]) -> Place:
    """Keep the values at some positions, and let the other dimensions not matter."""
    kept = frozenset(positions)
    return tuple(value if place in kept else None for place, value in enumerate(key))


class Pools:
    """The place that each series belongs to when only some dimensions matter, by number.

    Numbers are those of the order in which places were first asked for; nothing that leaves a stage
    may depend on them.

    Attributes:
        places: The places, by number.
    """

    def __init__(self, positions: Iterable[int]) -> None:
        self._positions = tuple(positions)
        self._of_series: dict[SeriesKey, int] = {}
        self._numbers: dict[Place, int] = {}
        self.places: list[Place] = []

    def numbers(self, keys: Iterable[SeriesKey]) -> Int64:
        """Give the number of the place of each series."""
        if len(self._of_series) > _KEPT:
            self._of_series.clear()
        listed = list(keys)
        numbers = np.array(list(map(self._of_series.get, listed, repeat(-1))), np.int64)
        for place in np.flatnonzero(numbers < 0).tolist():
            numbers[place] = self._number(listed[place])
        return numbers

    def _number(self, key: SeriesKey) -> int:
        place = pool(key, self._positions)
        number = self._numbers.setdefault(place, len(self._numbers))
        if number == len(self.places):
            self.places.append(place)
        self._of_series[key] = number
        return number


def region_positions(settings: Settings) -> tuple[int, ...]:
    """Give the positions of the region and of the grouping dimensions.

    Series that are equal in these meet in one counts partition, so that one judge sees the sum.
    """
    region = settings.ingest.dimensions.index("region")
    return tuple(sorted({region, *settings.group_positions}))


def named(settings: Settings, place: Place) -> dict[str, str]:
    """Give a place as dimension -> value."""
    pairs = zip(settings.ingest.dimensions, place, strict=True)
    return {name: value for name, value in pairs if value is not None}


def group_of(settings: Settings, key: SeriesKey | Place) -> Place:
    """Give the values of the grouping dimensions."""
    return tuple(key[position] for position in settings.group_positions)
