"""Array types of the detectors, and the door at which bad counts are refused."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Counts: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]
Snapshot: TypeAlias = dict[str, npt.NDArray[np.generic] | int | float]
"""Plain data from which a detector goes on: names to arrays and numbers."""

MAXIMUM_COUNT = np.iinfo(np.int32).max
"""Counts are kept as 32-bit integers: operations of one series in one window."""


def check_counts(trials: Integers, failures: Integers, size: int) -> None:
    """Refuse counts that cannot be outcomes of operations.

    Args:
        trials: Operations per series, shape [size].
        failures: Failed operations per series, shape [size].
        size: Number of series.

    Raises:
        ValueError: Wrong shape or type, a negative count, a count beyond 32 bits, or more failures
        than
            trials; the message names the field, the row and the value.
    """
    for name, counts in (("trials", trials), ("failures", failures)):
        if counts.shape != (size,):
            raise ValueError(f"{name}: shape {counts.shape} instead of ({size},)")
        if not np.issubdtype(counts.dtype, np.integer):
            raise ValueError(f"{name}: type {counts.dtype} instead of integers")
        _refuse(name, counts, (counts < 0) | (counts > MAXIMUM_COUNT), "outside 0 to 2147483647")
    _refuse("failures", failures, failures > trials, "more than trials")


def _refuse(name: str, counts: Integers, wrong: Flags, reason: str) -> None:
    rows = np.flatnonzero(wrong)
    if rows.size:
        raise ValueError(f"{name}[{rows[0]}] = {counts[rows[0]]}: {reason}")
