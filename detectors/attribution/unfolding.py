"""Effects that take a while to reach their full size: caches run dry, hosts pick a change up.

A growing effect is read in a few steps, so that its log likelihood is made of the same sums over
time as that of an effect that is there at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.exposure import Step
from detectors.attribution.likelihood import dose_weights
from detectors.attribution.settings import AttributionSettings
from detectors.attribution.timeline import Timeline

_DOSES = (1.0 / 6.0, 1.0 / 2.0, 5.0 / 6.0, 1.0)
"""Mean of a linear rise over its first, second and last third, and after it."""


@dataclass(frozen=True, slots=True)
class Unfolding:
    """One way for effects to unfold.

    Attributes:
        bins: How long they grow; 0 if they are there at once.
        log_prior: Its prior.
    """

    bins: int
    log_prior: float


def unfoldings(settings: AttributionSettings) -> tuple[Unfolding, ...]:
    """Give every way of the settings for effects to unfold, the one at once first."""
    total = sum(weight for _, weight in settings.unfolding)
    return tuple(
        Unfolding(round(seconds / settings.bin_seconds), float(np.log(weight / total)))
        for seconds, weight in settings.unfolding
    )


def unfolded_sums(
    suffix: NDArray[np.float64], timeline: Timeline, bins: int
) -> NDArray[np.float64]:
    """Give the sums of an effect that grows: each piece of time is read at its share of it.

    Args:
        suffix: float64[..., T + 1, G], log likelihood ratios of an effect that is there at once
            from each edge on, summed to the newest span.
        timeline: The T spans.
        bins: How long effects grow; 0 if they are there at once.
    """
    if not bins:
        return suffix
    starts = [timeline.nearest(timeline.edges + delay) for delay in _delays(bins)]
    total = suffix[..., starts[-1], :].copy()
    for dose, begin, end in zip(_DOSES[:-1], starts[:-1], starts[1:], strict=True):
        total += (suffix[..., begin, :] - suffix[..., end, :]) @ dose_weights(dose).T
    return total


def unfolded_steps(steps: Sequence[Step], bins: int) -> tuple[Step, ...]:
    """Let every change of exposure grow: what results are steps again, more of them.

    Args:
        steps: Steps of one release in time order, at least one.
        bins: How long effects grow; 0 if they are there at once.
    """
    if not bins:
        return tuple(steps)
    times = np.array([step.bin for step in steps])
    states = np.zeros((len(steps) + 1, steps[0].groups.size))
    for index, step in enumerate(steps):
        states[index + 1] = np.where(step.groups, step.exposure, states[index])
    rises, delays = np.diff(_DOSES, prepend=0.0), _delays(bins)
    found: list[Step] = []
    now = states[0]
    for moment in sorted({int(time) + delay for time in times for delay in delays}):
        later = np.zeros_like(now)
        for rise, delay in zip(rises.tolist(), delays, strict=True):
            later += rise * states[np.searchsorted(times, moment - delay, side="right")]
        later = np.round(later, 9)
        found.extend(
            Step(moment, (later == exposure) & (later != now), exposure)
            for exposure in np.unique(later[later != now]).tolist()
        )
        now = later
    return tuple(found)


def _delays(bins: int) -> list[int]:
    pieces = len(_DOSES) - 1
    return [round(bins * piece / pieces) for piece in range(pieces + 1)]
