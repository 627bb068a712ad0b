"""Counts of an incident's scope by region and window: what impact and recovery are read from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Number = TypeVar("Number", np.int64, np.float64)


@dataclass(slots=True)
class RegionCounts:
    """R regions over T consecutive windows.

    Attributes:
        first: Index of the first window.
        trials: (R, T).
        failures: (R, T).
        expected: (R, T) failures expected under the baseline as it was at the onset.
    """

    first: int
    trials: Int64
    failures: Int64
    expected: Float64

    @property
    def last(self) -> int:
        """Give the index of the last window."""
        windows: int = self.trials.shape[1]
        return self.first + windows - 1

    @classmethod
    def pooled(
        cls,
        first: int,
        trials: Int64,
        failures: Int64,
        expected: Float64,
        regions: Int64,
        count: int,
    ) -> "RegionCounts":
        """Pool series by region.

        Args:
            first: Index of the first window.
            trials: (S, T) of the series in scope.
            failures: (S, T).
            expected: (S, T).
            regions: (S,) region of each series.
            count: Number of regions.
        """
        shape = (count, trials.shape[1])
        sums = cls(first, np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape))
        np.add.at(sums.trials, regions, trials)
        np.add.at(sums.failures, regions, failures)
        np.add.at(sums.expected, regions, expected)
        return sums

    def extend(self, other: "RegionCounts") -> None:
        """Append later windows; windows between the two are empty, regions may have been added."""
        gap = other.first - self.last - 1
        count = other.trials.shape[0]
        self.trials = np.concatenate([_widen(self.trials, count, gap), other.trials], axis=1)
        self.failures = np.concatenate([_widen(self.failures, count, gap), other.failures], axis=1)
        self.expected = np.concatenate([_widen(self.expected, count, gap), other.expected], axis=1)

    def since(self, window: int) -> "RegionCounts":
        """Give the counts from a window on."""
        skip = max(window - self.first, 0)
        return RegionCounts(
            self.first + skip,
            self.trials[:, skip:],
            self.failures[:, skip:],
            self.expected[:, skip:],
        )

    def snapshot(self) -> dict[str, object]:
        """Give the counts as plain data."""
        return {
            "first": self.first,
            "trials": self.trials,
            "failures": self.failures,
            "expected": self.expected,
        }

    @classmethod
    def resume(cls, content: Mapping[str, Any]) -> "RegionCounts":
        """Go on from a snapshot."""
        return cls(content["first"], content["trials"], content["failures"], content["expected"])


def _widen(counts: npt.NDArray[Number], regions: int, windows: int) -> npt.NDArray[Number]:
    return np.pad(counts, ((0, regions - counts.shape[0]), (0, windows)))
