"""What a partial exposure may do: the share of hosts that changed is not that of operations."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.exposure import Step

_MOST_LEVELS = 16
"""A ramp in finer steps than this is read in so many, for time."""

_PROPORTIONAL, _SATURATING, _FROM_LOWEST, _FROM_TOP = 0.3, 0.3, 0.2, 0.2
"""Prior of the readings. A fault that needs one bad host out of several saturates; one in a shared
template shows in full as soon as a certain stage is reached."""


def levels_of(steps: Sequence[Step]) -> NDArray[np.float64]:
    """Return float64[V], the positive exposures that steps take, lowest first, a few at most."""
    distinct = np.unique([step.exposure for step in steps if step.exposure > 0.0])
    if distinct.size <= _MOST_LEVELS:
        return distinct.astype(np.float64)
    return np.geomspace(distinct[0], distinct[-1], _MOST_LEVELS)


def level_index(exposure: float, levels: NDArray[np.float64]) -> int:
    """Return the index of the level nearest to an exposure; -1 for no exposure."""
    if exposure <= 0.0:
        return -1
    return int(np.argmin(np.abs(np.log(levels / exposure))))


def readings(levels: NDArray[np.float64]) -> list[tuple[float, NDArray[np.float64]]]:
    """Read levels of exposure as doses, relative to the effect at the highest of them.

    Args:
        levels: float64[V], ascending.

    Returns:
        Prior weight and float64[V] doses of each reading: in proportion, saturating, all at once
        from the lowest level on, or from the highest on.
    """
    if levels.size < 2:  # noqa: PLR2004 - one level has one reading
        return [(1.0, np.ones(levels.size))]
    share = levels / levels[-1]
    return [
        (_PROPORTIONAL, share),
        (_SATURATING, np.sqrt(share)),
        (_FROM_LOWEST, np.ones(levels.size)),
        (_FROM_TOP, (share == 1.0).astype(np.float64)),
    ]
