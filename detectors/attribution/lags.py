"""Prior over the delay between a release's step and its first failures."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.settings import AttributionSettings

_EXACT_SECONDS = 7200.0
"""Every delay up to here is on the grid: a busy fleet rules out one that is minutes off."""
_THINNING = 0.12
"""Longer delays are rare, and the grid spares time: neighbours differ by about an eighth."""
_EARLIEST = -1
"""One bin early, as clocks differ and steps are rounded to bin edges."""


@dataclass(frozen=True, slots=True, eq=False)
class LagGrid:
    """Delays in bins.

    Attributes:
        bins: int64[L], ascending.
        log_prior: float64[L], normalised.
    """

    bins: NDArray[np.int64]
    log_prior: NDArray[np.float64]


def lag_grid(settings: AttributionSettings) -> LagGrid:
    """Lay a grid of delays over the bands of the settings.

    In the first band the prior halves with every bin away from no delay; in later ones it is flat.

    Args:
        settings: Bands and length of a bin.

    Returns:
        The grid.
    """
    ends = [max(round(band.until_seconds / settings.bin_seconds), 1) for band in settings.lag_bands]
    exact = round(_EXACT_SECONDS / settings.bin_seconds)
    grid = np.array(list(_delays(exact, ends[-1])), dtype=np.int64)
    prior = np.zeros(grid.size)
    start = _EARLIEST - 1
    for index, (band, end) in enumerate(zip(settings.lag_bands, ends, strict=True)):
        inside = (grid > start) & (grid <= end)
        widths = np.diff(grid, append=grid[-1] + 1)[inside]
        weights = 0.5 ** np.abs(grid[inside]) if index == 0 else widths.astype(np.float64)
        if inside.any():
            prior[inside] = band.probability * weights / weights.sum()
        start = max(end, start)
    return LagGrid(grid, np.log(prior / prior.sum()))


def _delays(exact: int, last: int) -> Iterator[int]:
    delay = _EARLIEST
    while delay <= last:
        yield delay
        delay += 1 if delay < exact else max(1, int(delay * _THINNING))
