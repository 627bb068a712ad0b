"""Random draws that give the same values on every machine.

One PCG64 stream per purpose and minute, so that what one minute holds depends on the seed and that
minute alone: not on where the scenario begins, on what goes wrong in it, or on which minutes were
drawn before.

Quantiles come from tables made with scalar functions and rounded; numpy's vectorised logarithms and
cosines differ in the last bit from one instruction set to another.
"""

import enum
import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_TABLE_SIZE = 4096
"""Quantiles in a table: the tails beyond 1/8192 are cut off, which bounds every draw."""


class Purpose(enum.IntEnum):
    """What a random stream is for; the numbers are part of the output's definition."""

    FLEET = 0
    TRAFFIC = 1
    INCIDENT = 2


def stream(seed: int, purpose: Purpose, minute: int = 0) -> np.random.Generator:
    """Open the random stream of a purpose and minute.

    Args:
        seed: Of the scenario, not negative.
        purpose: What is drawn from it.
        minute: Minutes since the epoch, for streams that belong to a minute.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(purpose.value, minute))
    return np.random.Generator(np.random.PCG64(sequence))


def log_normal_table(median: float, spread: float) -> NDArray[np.float64]:
    """Tabulate a log-normal distribution.

    Args:
        median: Of the distribution, any unit.
        spread: Standard deviation of its logarithm.

    Returns:
        Equally likely values, ascending, shape (4096,), same unit as the median, rounded to 6
        digits.
    """
    normal = NormalDist()
    return np.array(
        [
            round(median * math.exp(spread * normal.inv_cdf((index + 0.5) / _TABLE_SIZE)), 6)
            for index in range(_TABLE_SIZE)
        ]
    )


def from_table(
    random: np.random.Generator, table: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """Draw from a table of equally likely values; shape (size,)."""
    return table[random.integers(0, len(table), size)]


def cumulative(weights: Sequence[float]) -> NDArray[np.float64]:
    """Turn weights into the upper bounds of their parts of [0, 1); shape (len(weights),)."""
    total = math.fsum(weights)
    bounds = np.array([math.fsum(weights[: end + 1]) / total for end in range(len(weights))])
    bounds[-1] = 1.0
    return bounds


def pick(random: np.random.Generator, bounds: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """Draw positions with the probabilities of `cumulative` weights; shape (size,)."""
    return np.searchsorted(bounds, random.random(size), side="right")
