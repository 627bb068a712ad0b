"""Prior over the delay between a release's step and its first failures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.settings import AttributionSettings

_ROUNDED = -1
"""One bin early is on time, as steps are rounded to bin edges."""
_PROMPT_SECONDS = 600.0
_LATER_SECONDS = 7200.0
_COARSE_SECONDS = 300.0
_COARSEST_SECONDS = 900.0
"""Steps of the coarse grid beyond prompt delays, and where delays are rare."""
_NEAR = 30.0
"""Nats below the best delay from which a delay no longer matters."""
_FLAT = 2.0
"""Nats by which two neighbours on the coarse grid differ at least, to ask what lies between."""


@dataclass(frozen=True, slots=True, eq=False)
class LagGrid:
    """Delays in bins.

    Attributes:
        bins: int64[L], ascending.
        log_prior: float64[L], normalised.
    """

    bins: NDArray[np.int64]
    log_prior: NDArray[np.float64]

    def thinned(self, kept: NDArray[np.bool_]) -> "LagGrid":
        """Keep some delays, bool[L]; each of the others leaves its prior to the nearest of them."""
        bins = self.bins[kept]
        nearest = np.searchsorted((bins[:-1] + bins[1:]) / 2.0, self.bins)
        prior = np.bincount(nearest, np.exp(self.log_prior), bins.size)
        return LagGrid(bins, np.log(prior))


@dataclass(frozen=True, slots=True, eq=False)
class Lags:
    """The delays that are possible, and which of them are tried first.

    Attributes:
        fine: All of them.
        first: bool[L], those on the coarse grid.
    """

    fine: LagGrid
    first: NDArray[np.bool_]

    @property
    def coarse(self) -> LagGrid:
        """The coarse grid."""
        return self.fine.thinned(self.first)

    def refined(self, scores: NDArray[np.float64]) -> LagGrid:
        """Fill the coarse grid up where it matters.

        Args:
            scores: float64[C], the best log likelihood for each delay of the coarse grid.

        Returns:
            The coarse grid, and every delay between two neighbours of which one is near the best
            and that differ. Where they do not, what lies between is like them.
        """
        better = np.maximum(scores[:-1], scores[1:])
        matters = better >= scores.max() - _NEAR
        matters &= np.abs(np.diff(scores)) > _FLAT
        gap = np.cumsum(self.first) - 1
        between = np.append(matters, False)[gap]
        return self.fine.thinned(self.first | between)


def lags_of(settings: AttributionSettings) -> Lags:
    """Lay grids of delays over the bands of the settings.

    In the first band the prior halves with every bin away from no delay; in later ones, and where
    a step seems to come after its effect, it is flat.

    Args:
        settings: Bands and length of a bin.

    Returns:
        The grids.
    """
    ends = [max(round(band.until_seconds / settings.bin_seconds), 1) for band in settings.lag_bands]
    earliest = min(-round(settings.early_seconds / settings.bin_seconds), _ROUNDED)
    grid = np.arange(earliest, ends[-1] + 1)
    early = grid < _ROUNDED
    prior = np.where(early, settings.early_probability / max(int(early.sum()), 1), 0.0)
    start = _ROUNDED - 1
    for index, (band, end) in enumerate(zip(settings.lag_bands, ends, strict=True)):
        inside = (grid > start) & (grid <= end)
        weights = 0.5 ** np.abs(grid[inside]) if index == 0 else np.ones(int(inside.sum()))
        if inside.any():
            prior[inside] = band.probability * weights / weights.sum()
        start = max(end, start)
    prompt, later, step, long = (
        max(round(seconds / settings.bin_seconds), 1)
        for seconds in (_PROMPT_SECONDS, _LATER_SECONDS, _COARSE_SECONDS, _COARSEST_SECONDS)
    )
    first = (grid <= prompt) | (grid % np.where(grid <= later, step, long) == 0)
    return Lags(LagGrid(grid, np.log(prior / prior.sum())), first)
