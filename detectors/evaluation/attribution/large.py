"""A ranking as large as a large provider's: what the time of one is measured on."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags
from detectors.attribution.exposure import ExposureStep, ReleaseExposure
from detectors.attribution.posterior import Cells
from detectors.evaluation.attribution.faults import draw_declared
from detectors.evaluation.attribution.fleet import MINUTES, OS, REGION, series_codes
from detectors.evaluation.attribution.rollouts import draw_pattern, draw_rollout

CARDINALITIES: Final = (50, 2, 10, 10)
"""10,000 series."""
BIN_MINUTES: Final = 5
RELEASES: Final = 30
_BINS: Final = MINUTES // BIN_MINUTES
_ONSET: Final = _BINS - 60 // BIN_MINUTES
_SPAN: Final = 36 * 60


@dataclass(frozen=True, slots=True, eq=False)
class LargeCase:
    """What one ranking takes.

    Attributes:
        cells: 10,000 series over 24 hours.
        releases: Thirty of them.
        scope: Series that fail, shape [S].
        onset: First bin in which they do.
    """

    cells: Cells
    releases: tuple[ReleaseExposure, ...]
    scope: Flags
    onset: int


def draw_large(generator: np.random.Generator) -> LargeCase:
    """Draw a fleet whose first operating system has failed everywhere for an hour.

    Args:
        generator: Source of randomness.
    """
    codes = series_codes(CARDINALITIES)
    shape = (len(codes), _BINS)
    failing = codes[:, OS] == 0
    volume = 15.0 * generator.lognormal(0.0, 0.7, len(codes))
    trials = generator.poisson(np.broadcast_to(volume[:, np.newaxis], shape))
    base = np.clip(generator.lognormal(np.log(0.01), 0.5, len(codes)), 0.001, 0.1)[:, np.newaxis]
    ratio = np.broadcast_to(base, shape).copy()
    ratio[failing, _ONSET:] += 0.2
    shared = generator.permutation(CARDINALITIES[REGION])
    releases = []
    for _ in range(RELEASES):
        declared = draw_declared(generator, codes)
        rollout = draw_rollout(generator, draw_pattern(generator), codes, shared, declared)
        start = MINUTES - float(generator.uniform(0.0, _SPAN))
        steps = tuple(
            ExposureStep((start + step.minute) / BIN_MINUTES, step.series, step.share)
            for step in rollout.steps
            if start + step.minute < MINUTES
        )
        releases.append(ReleaseExposure(steps, declared, steps[0].bin))
    return LargeCase(
        cells=Cells(trials, generator.binomial(trials, ratio), trials * base, codes, REGION),
        releases=tuple(releases),
        scope=failing,
        onset=_ONSET,
    )
