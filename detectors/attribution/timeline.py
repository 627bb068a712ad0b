"""Spans of time that are long before the onset of an incident and short from it on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BIN_BY_BIN_BEFORE_SECONDS = 1800.0
"""Bins stay apart from here on: a step that coincides with the onset tells releases apart, and one
that is rounded while operations fail or heal would contradict its own effect."""
_MIDDLE_REACH_SECONDS = 10_800.0
_MIDDLE_SECONDS = 300.0
_LONG_SECONDS = 900.0
"""Hours away from the onset an explanation that is wrong by minutes is wrong by hours anyway."""


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Consecutive spans over a history of bins.

    Attributes:
        edges: int64[T + 1], ascending, in bins since the start of the history; span t holds the
            bins edges[t] to edges[t + 1] - 1.
    """

    edges: NDArray[np.int64]

    @property
    def spans(self) -> int:
        """Number of spans, T."""
        return self.edges.size - 1

    @property
    def log_shares(self) -> NDArray[np.float64]:
        """float64[T], log of each span's share of the history: the prior of a moment in it."""
        shares: NDArray[np.float64] = np.log(np.diff(self.edges) / self.edges[-1])
        return shares

    def nearest(self, moments: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the index of the edge nearest to each moment in bins, 0 to T."""
        middles = (self.edges[:-1] + self.edges[1:]) / 2.0
        return np.searchsorted(middles, moments, side="right")

    def sums(
        self, counts: NDArray[np.int64] | NDArray[np.float64]
    ) -> NDArray[np.int64] | NDArray[np.float64]:
        """Sum counts[..., bins] into [..., T]."""
        return np.add.reduceat(counts, self.edges[:-1], axis=-1)


def timeline_around(onset: int, bins: int, bin_seconds: float) -> Timeline:
    """Lay out the spans of a history.

    Args:
        onset: First bin of the incident; it begins a span.
        bins: Length of the history.
        bin_seconds: Length of a bin; spans are never shorter.

    Returns:
        Spans of one bin from half an hour before the onset on, of five minutes up to three hours
        before it, of a quarter of an hour before that.
    """

    def length(seconds: float) -> int:
        return max(round(seconds / bin_seconds), 1)

    middle, long = length(_MIDDLE_SECONDS), length(_LONG_SECONDS)
    first = onset - length(_BIN_BY_BIN_BEFORE_SECONDS)
    reach = length(_MIDDLE_REACH_SECONDS)
    pieces = (
        np.arange(first, bins),
        np.arange(first, onset - reach, -middle),
        np.arange(onset - reach, -long, -long),
    )
    edges = np.unique(np.concatenate((*pieces, [0, bins])))
    return Timeline(edges[(edges >= 0) & (edges <= bins)].astype(np.int64))
