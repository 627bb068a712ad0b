"""Success ratio over time within a scope: what the report draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streams.replay.windows_table import ArchiveRows
from streams.windows.cells import Int64


@dataclass(slots=True)
class Curve:
    """Totals per window of everything in a scope.

    Attributes:
        scope: Dimension -> values; an absent dimension means all its values.
        first: First window to take; None for all.
        last: Last window to take; None for all.
        windows: Windows that have any trials, ascending, one array per call of `add_rows`.
        trials: Their trials.
        failures: Their failures.
    """

    scope: Mapping[str, Sequence[str]] = field(default_factory=dict)
    first: int | None = None
    last: int | None = None
    windows: list[Int64] = field(default_factory=list)
    trials: list[Int64] = field(default_factory=list)
    failures: list[Int64] = field(default_factory=list)

    def add_rows(self, rows: ArchiveRows) -> None:
        """Add whole windows, later than all before."""
        cells = rows.cells
        if not len(cells) or not self._reaches(int(cells.windows[0]), int(cells.windows[-1])):
            return
        chosen = cells.trials > 0
        for name, values, codes in zip(cells.dimensions, cells.values, cells.codes, strict=True):
            wanted = self.scope.get(name)
            if wanted is not None:
                chosen &= np.isin(values, list(wanted))[codes]
        windows, place = np.unique(cells.windows[chosen], return_inverse=True)
        for column, into in ((cells.trials, self.trials), (cells.failures, self.failures)):
            totals = np.zeros(len(windows), np.int64)
            np.add.at(totals, place, column[chosen])
            into.append(totals)
        self.windows.append(windows)

    def points(self, most: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Give at most so many points, each over equally many neighbouring windows.

        Returns:
            (M,) window (the mean of its windows) and (M,) success ratio, 0 to 1.
        """
        windows, trials, failures = map(_joined, (self.windows, self.trials, self.failures))
        inside = np.ones(len(windows), np.bool_)
        if self.first is not None:
            inside &= windows >= self.first
        if self.last is not None:
            inside &= windows <= self.last
        windows, trials, failures = windows[inside], trials[inside], failures[inside]
        if not len(windows):
            return np.empty(0), np.empty(0)
        starts = np.arange(0, len(windows), -(-len(windows) // most))
        sizes = np.diff([*starts.tolist(), len(windows)])
        ratio = 1 - np.add.reduceat(failures, starts) / np.add.reduceat(trials, starts)
        return np.add.reduceat(windows, starts) / sizes, ratio

    def _reaches(self, first: int, last: int) -> bool:
        after = self.last is not None and first > self.last
        before = self.first is not None and last < self.first
        return not after and not before


def _joined(parts: Sequence[Int64]) -> Int64:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
