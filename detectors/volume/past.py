"""The recent past of single series: what came, what was expected, and when that changed."""

from dataclasses import dataclass

import numpy as np

from detectors.arrays import Floats
from detectors.volume.dispersion import VolumeDispersion
from detectors.volume.onset import VolumeOnset, locate_collapse, locate_return
from detectors.volume.profile import VolumeProfile
from detectors.volume.ring import CountRing


@dataclass(frozen=True, slots=True)
class Change:
    """When a change began, and how large it is.

    Attributes:
        onset: Its beginning.
        share: Operations since then over the expected ones, 0 or more.
    """

    onset: VolumeOnset
    share: float


@dataclass(frozen=True, slots=True)
class Past:
    """Reads the parts of a bank, and changes none of them."""

    ring: CountRing
    profile: VolumeProfile
    dispersion: VolumeDispersion

    def course(self, row: int, first: int, last: int) -> tuple[Floats, Floats]:
        """Give operations and expected operations from a kept window to another, each [W]."""
        windows = np.arange(first, last + 1)
        operations = self.ring.stretch(row, windows).astype(np.float64)
        return operations, self.profile.course(row, windows)

    def collapse(self, row: int, since: int, window: int) -> Change:
        """Find the collapse that a series is in.

        Args:
            row: The series.
            since: First window in which it may have begun.
            window: The latest window.
        """
        first = max(since, self.ring.oldest(window))
        found = locate_collapse(*self._deflated(row, first, window), first)
        return Change(found, self._share(row, found.best, window))

    def comeback(self, row: int, since: int, window: int) -> Change:
        """Find the end of a collapse; arguments as above."""
        first = max(since, self.ring.oldest(window))
        found = locate_return(*self._deflated(row, first, window), first)
        return Change(found, self._share(row, found.best, window))

    def _deflated(self, row: int, first: int, last: int) -> tuple[Floats, Floats]:
        """Give the course, divided by 1 + d m: what it weighs against independent arrivals."""
        operations, expected = self.course(row, first, last)
        scale = 1.0 + float(self.dispersion.estimate()[0][row]) * expected
        return operations / scale, expected / scale

    def _share(self, row: int, first: int, last: int) -> float:
        operations, expected = self.course(row, first, last)
        return float(operations.sum()) / max(float(expected.sum()), 1e-12)
