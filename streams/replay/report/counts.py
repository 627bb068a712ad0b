"""Counts of a replay's windows as a report needs them: by region and window, within a scope."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.domain.time import window_start
from streams.replay.windows_table import ArchiveRows
from streams.windows.cells import Bool, CellTable, Int64

Float64 = npt.NDArray[np.float64]

REGION = "region"

_EXPOSURE_STEPS = 10**6
"""Exposed trials are added up as whole numbers of this fraction."""

_WIDTHS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440)
"""Windows that a point may stand for: at windows of a minute, what people count time in."""


@dataclass(frozen=True, slots=True)
class RegionWindows:
    """Counts by region and window.

    Attributes:
        regions: Names of the R regions, sorted.
        first: Index of the first of the W windows, which follow each other without gaps.
        seconds: Length of a window.
        counts: (4, R, W) trials and failures, those that came late included, and how many of both
            came late.
        exposed: (K, R, W) trials by the share of them that ran each of K releases.
    """

    regions: tuple[str, ...]
    first: int
    seconds: int
    counts: Int64
    exposed: Float64

    def select(self, regions: Sequence[str]) -> "RegionWindows":
        """Keep some regions, in the order given; one that has no operations is left out."""
        places = [self.regions.index(region) for region in regions if region in self.regions]
        kept = tuple(self.regions[place] for place in places)
        return RegionWindows(
            kept, self.first, self.seconds, self.counts[:, places], self.exposed[:, places]
        )

    def between(self, start: float, end: float | None) -> "RegionWindows":
        """Keep the windows that begin in [start, end), in seconds since the epoch."""
        starts = self.starts()
        inside = starts >= start if end is None else (starts >= start) & (starts < end)
        places = np.flatnonzero(inside)
        first = self.first + (int(places[0]) if len(places) else 0)
        return RegionWindows(
            self.regions, first, self.seconds, self.counts[:, :, places], self.exposed[:, :, places]
        )

    def starts(self) -> Float64:
        """Give the (W,) starts of the windows, in seconds since the epoch."""
        windows = self.first + np.arange(self.counts.shape[2])
        return np.asarray(windows * float(self.seconds), np.float64)

    def binned(self, most: int) -> "RegionWindows":
        """Add up neighbouring windows until there are at most so many."""
        wide = self.counts.shape[2]
        width = bin_width(wide, most)
        if width == 1:
            return self
        lead = self.first % width
        edges = np.unique(np.maximum(np.arange(0, wide + lead, width) - lead, 0))
        return RegionWindows(
            self.regions,
            self.first // width,
            self.seconds * width,
            np.add.reduceat(self.counts, edges, axis=2),
            np.add.reduceat(self.exposed, edges, axis=2),
        )


def bin_width(windows: int, most: int) -> int:
    """Give how many windows one point stands for, so that there are at most about so many."""
    fitting = (width for width in _WIDTHS if windows <= width * most)
    return next(fitting, -(-windows // most))


@dataclass(slots=True)
class ScopeCounter:
    """Adds up what is in a scope while the windows pass by.

    Attributes:
        scope: Dimension -> values; an absent dimension, or one that is not watched, does not
            matter.
        seconds: Length of a window.
        first: First window to take; None for all.
        last: Last window to take; None for all.
        releases: For each of K releases its steps, in time order.
    """

    scope: Mapping[str, Sequence[str]]
    seconds: int
    first: int | None = None
    last: int | None = None
    releases: Sequence[Sequence[ReleaseEvent]] = ()
    _parts: list["_Part"] = field(default_factory=list)

    def add_rows(self, rows: ArchiveRows) -> None:
        """Add whole windows."""
        self._add(rows.cells, late=False)
        self._add(rows.late, late=True)

    def _add(self, cells: CellTable, *, late: bool) -> None:
        if not len(cells):
            return
        chosen = matching(cells, self.scope) & (cells.trials > 0)
        if self.first is not None:
            chosen &= cells.windows >= self.first
        if self.last is not None:
            chosen &= cells.windows <= self.last
        places = np.flatnonzero(chosen)
        if not len(places):
            return
        windows, trials = cells.windows[places], cells.trials[places]
        oldest, wide = int(windows.min()), int(windows.max() - windows.min()) + 1
        regions, codes = _column(cells, REGION)
        slots = codes[places] * wide + (windows - oldest)
        shape = (len(regions), wide)
        counts = np.zeros((4, *shape), np.int64)
        for place, column in enumerate((trials, cells.failures[places]), 2 if late else 0):
            counts[place] = np.rint(_sums(slots, column, shape))
        exposed = np.zeros((len(self.releases), *shape))
        for place, steps in enumerate(self.releases if not late else ()):
            # Whole numbers, so that the sums do not depend on how the rows are cut into batches.
            share = exposure(cells, places, steps, self.seconds)
            exposed[place] = _sums(slots, np.rint(trials * share * _EXPOSURE_STEPS), shape)
        self._parts.append(_Part(regions, oldest, counts, exposed))

    def counted(self) -> RegionWindows:
        """Give what has been added up."""
        parts = self._parts
        regions = tuple(sorted({region for part in parts for region in part.present()}))
        first = min((part.first for part in parts), default=0)
        end = max((part.first + part.counts.shape[2] for part in parts), default=0)
        counts = np.zeros((4, len(regions), end - first), np.int64)
        exposed = np.zeros((len(self.releases), len(regions), end - first))
        for part in parts:
            present = part.present()
            into = [regions.index(region) for region in present]
            of = [part.regions.index(region) for region in present]
            span = slice(part.first - first, part.first - first + part.counts.shape[2])
            counts[:, into, span] += part.counts[:, of]
            if len(self.releases):
                exposed[:, into, span] += part.exposed[:, of]
        return RegionWindows(regions, first, self.seconds, counts, exposed / _EXPOSURE_STEPS)


@dataclass(frozen=True, slots=True)
class _Part:
    """Sums of one call: (4, R, W) counts and (K, R, W) exposed trials of R regions."""

    regions: tuple[str, ...]
    first: int
    counts: Int64
    exposed: Float64

    def present(self) -> list[str]:
        """Give the regions that have any operations."""
        busy = np.asarray(self.counts.any(axis=(0, 2)), np.bool_).tolist()
        return [region for region, there in zip(self.regions, busy, strict=True) if there]


def matching(cells: CellTable, scope: Mapping[str, Sequence[str]]) -> Bool:
    """Give the (N,) mask of the cells in a scope; a dimension not watched is passed over."""
    chosen = np.ones(len(cells), np.bool_)
    for name, values, codes in zip(cells.dimensions, cells.values, cells.codes, strict=True):
        if name in scope:
            wanted = set(scope[name])
            chosen &= np.array([value in wanted for value in values], np.bool_)[codes]
    return chosen


def exposure(
    cells: CellTable, places: Int64, steps: Sequence[ReleaseEvent], seconds: int
) -> Float64:
    """Give the (M,) share of some cells, 0 to 1, that runs a release in the middle of its window.

    Args:
        cells: N cells.
        places: (M,) rows of the cells to look at.
        steps: Of one release, in time order; a later one replaces an earlier one where it reaches.
        seconds: Length of a window.
    """
    shares = np.zeros(len(places))
    middles = (cells.windows[places] + 0.5) * seconds
    latest = float(middles.max(initial=-np.inf))
    for step in steps:
        if step.time < latest:
            touched = matching(cells, step.scope)[places] & (middles > step.time)
            shares[touched] = share_after(step)
    return shares


def share_after(step: ReleaseEvent) -> float:
    """Give the share of its scope that runs a release after a step, 0 to 1."""
    return 0.0 if step.action is ReleaseAction.ROLLED_BACK else step.exposure


def span_of(counts: RegionWindows) -> tuple[float, float]:
    """Give the start of the first window and the end of the last, in seconds since the epoch."""
    begin = window_start(counts.first, counts.seconds)
    return begin, begin + counts.counts.shape[2] * counts.seconds


def _column(cells: CellTable, name: str) -> tuple[tuple[str, ...], Int64]:
    position = cells.dimensions.index(name)
    return cells.values[position], cells.codes[position].astype(np.int64)


def _sums(slots: Int64, weights: npt.NDArray[np.generic], shape: tuple[int, int]) -> Float64:
    summed = np.bincount(slots, weights, shape[0] * shape[1])
    return np.asarray(summed, np.float64).reshape(shape)
