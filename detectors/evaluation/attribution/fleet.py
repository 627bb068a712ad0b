"""The healthy fleet: which series there are, how busy they are and how often they fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers

CARDINALITIES: Final = (20, 2, 3, 4)
"""Numbers of regions, operating systems, VM types and operations."""
REGION, OS, VM_TYPE, OPERATION = range(4)
REGIONS: Final = CARDINALITIES[REGION]

MINUTES: Final = 1440
"""Length of the history in minutes, which is also the day of every season."""
OPERATIONS_PER_MINUTE: Final = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """A fleet in control, S series over the minutes of the history.

    Attributes:
        codes: Region, operating system, VM type and operation of each series, shape [S, 4].
        volume: Expected operations, shape [S, MINUTES].
        ratio: Mean failure probability of an operation, shape [S, MINUTES].
        known: What the baseline takes it for: wrong by about a tenth in each series, and with half
            the season. Shape [S, MINUTES].
    """

    codes: Integers
    volume: Floats
    ratio: Floats
    known: Floats


def series_codes(cardinalities: Sequence[int] = CARDINALITIES) -> Integers:
    """Give the codes of all series, each combination of values once, shape [S, D].

    Args:
        cardinalities: Number of values of each dimension.
    """
    axes = np.meshgrid(*map(np.arange, cardinalities), indexing="ij")
    return np.stack(axes, axis=-1).reshape(-1, len(cardinalities)).astype(np.int64)


def draw_fleet(generator: np.random.Generator, busyness: float = 1.0) -> Fleet:
    """Draw a fleet.

    Args:
        generator: Source of randomness.
        busyness: Factor on the usual number of operations.
    """
    codes = series_codes()
    days = np.arange(MINUTES) / MINUTES
    phase = generator.random() + generator.normal(0.0, 0.15, REGIONS)
    angle = 2.0 * np.pi * (days + phase[codes[:, REGION], np.newaxis])
    base = np.clip(generator.lognormal(np.log(0.01), 0.5, len(codes)), 0.001, 0.08)[:, np.newaxis]
    swing = generator.uniform(0.1, 0.3)
    error = generator.lognormal(0.0, 0.1, len(codes))[:, np.newaxis]
    return Fleet(
        codes=codes,
        volume=busyness
        * _sizes(generator, codes)[:, np.newaxis]
        * (1.0 + generator.uniform(0.2, 0.6) * np.sin(angle)),
        ratio=base * (1.0 + swing * np.cos(angle)),
        known=base * error * (1.0 + swing / 2.0 * np.cos(angle)),
    )


def within(codes: Integers, dimension: int, values: Integers) -> Flags:
    """Give the series that have one of the values in a dimension, shape [S]."""
    inside: Flags = np.isin(codes[:, dimension], values)
    return inside


def _sizes(generator: np.random.Generator, codes: Integers) -> Floats:
    """Give the mean operations a minute of each series, shape [S].

    The largest of twenty regions is about ten times as busy as the smallest.
    """
    sizes = generator.lognormal(0.0, 0.2, len(codes))
    for dimension, values in enumerate(CARDINALITIES):
        spread = 0.62 if dimension == REGION else 0.4
        sizes *= generator.lognormal(0.0, spread, values)[codes[:, dimension]]
    share: Floats = OPERATIONS_PER_MINUTE * sizes / sizes.sum()
    return share
