"""Staged exposure: which share of which series runs a release, from which moment on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.timeline import Timeline

_DIGITS = 6
"""Exposures of groups are rounded, so that groups that run the same are told the same."""


@dataclass(frozen=True, slots=True, eq=False)
class ExposureStep:
    """One step of a rollout.

    Attributes:
        bin: When it took effect, in bins since the start of the history; may be fractional, and
            negative when it was before the history.
        series: bool[S], the series which the step's scope touches.
        exposure: Share of that scope which runs the release from then on, 0 after a rollback.
    """

    bin: float
    series: NDArray[np.bool_]
    exposure: float

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: The exposure is no share, or the bin is not finite.
        """
        if not 0.0 <= self.exposure <= 1.0:
            raise ValueError(f"exposure must lie in [0, 1], not {self.exposure}")
        if not np.isfinite(self.bin):
            raise ValueError(f"bin must be finite, not {self.bin}")


@dataclass(frozen=True, slots=True, eq=False)
class ReleaseExposure:
    """All steps of one release.

    Attributes:
        steps: In time order; a later step overwrites earlier ones on the series it touches.
        declared: bool[S], the union of the scopes of its steps.
        first_seen: Bin of its first step.
        prior_odds: What is known beforehand against a release like any other, 1/10 to 10.
    """

    steps: tuple[ExposureStep, ...]
    declared: NDArray[np.bool_]
    first_seen: float
    prior_odds: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An exposure step carried over to whole bins and to groups of series.

    Attributes:
        bin: The first whole bin that runs the new exposure (nearest bin edge).
        groups: bool[A], the groups it touches.
        exposure: The share from then on.
    """

    bin: int
    groups: NDArray[np.bool_]
    exposure: float


def onto_groups(
    release: ReleaseExposure, members: NDArray[np.intp], weights: NDArray[np.float64]
) -> tuple[Step, ...]:
    """Carry a release's steps over to groups of series.

    A group of which a part runs the release has the mean exposure of its operations.

    Args:
        release: The release.
        members: intp[S], the group of each series, 0 to A - 1.
        weights: float64[S], operations of each series.

    Returns:
        Its steps in time order, at the nearest edge of a bin; one for each exposure that groups
        change to.
    """
    # A series without operations must not make the mean of its group undefined.
    weights = weights + 1e-9
    whole = np.bincount(members, weights)
    exposure, now = np.zeros(members.size), np.zeros(whole.size)
    found: list[Step] = []
    for step in sorted(release.steps, key=lambda step: step.bin):
        exposure[step.series] = step.exposure
        means = np.bincount(members, weights * exposure) / whole
        later = np.round(means, _DIGITS)
        changed = later != now
        at = int(np.floor(step.bin + 0.5))
        found.extend(
            Step(at, changed & (later == share), share)
            for share in np.unique(later[changed]).tolist()
        )
        now = later
    return tuple(found)


def widened(steps: Sequence[Step], regions: NDArray[np.intp]) -> tuple[Step, ...]:
    """Let every step touch everything in the regions it touches.

    Args:
        steps: Steps of one release.
        regions: intp[A], the region of each group.

    Returns:
        The same steps as if the declared strata had been too narrow.
    """
    return tuple(
        Step(step.bin, np.isin(regions, regions[step.groups]), step.exposure) for step in steps
    )


def exposure_matrix(
    steps: Sequence[Step], lags: NDArray[np.int64], timeline: Timeline
) -> NDArray[np.float64]:
    """Lay a release's exposure out over groups and spans.

    Args:
        steps: Steps of one release, in time order.
        lags: int64[A], bins by which each group follows the steps.
        timeline: The T spans.

    Returns:
        float64[A, T], the share of each group that runs the release in each span.
    """
    exposure = np.zeros((lags.size, timeline.spans))
    spans = np.arange(timeline.spans)
    for step in steps:
        rows = np.flatnonzero(step.groups)
        began = spans >= timeline.nearest(step.bin + lags[rows])[:, None]
        exposure[rows] = np.where(began, step.exposure, exposure[rows])
    return exposure
