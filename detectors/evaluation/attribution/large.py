"""A ranking as large as a large provider's: what the time of one is measured on."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags, Integers
from detectors.attribution.exposure import ExposureStep, ReleaseExposure
from detectors.attribution.posterior import Cells
from detectors.evaluation.attribution.fleet import MINUTES, OS, REGION, series_codes, within

CARDINALITIES: Final = (50, 2, 10, 10)
"""10,000 series."""
BIN_MINUTES: Final = 5
RELEASES: Final = 30
_BINS: Final = MINUTES // BIN_MINUTES
_ONSET: Final = _BINS - 60 // BIN_MINUTES
_SPAN: Final = 36 * 60
_RINGS: Final = (1, 5, 15, 30)
"""Regions that have been reached after each ring but the last."""
_CANARY_SHARES: Final = (0.1, 1.0)


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
    releases = tuple(_rollout(generator, codes) for _ in range(RELEASES))
    return LargeCase(
        cells=Cells(trials, generator.binomial(trials, ratio), trials * base, codes, REGION),
        releases=releases,
        scope=failing,
        onset=_ONSET,
    )


def _rollout(generator: np.random.Generator, codes: Integers) -> ReleaseExposure:
    """Draw five rings of regions with one event each, or two where there is a canary share."""
    touched = within(codes, OS, np.array(((0,), (1,), (0, 1))[int(generator.integers(3))]))
    minute = MINUTES - float(generator.uniform(0.0, _SPAN))
    shares = _CANARY_SHARES if generator.integers(2) else (1.0,)
    steps = []
    for ring in np.split(generator.permutation(CARDINALITIES[REGION]), _RINGS):
        here = touched & within(codes, REGION, ring)
        for share in shares:
            steps.append(ExposureStep(minute / BIN_MINUTES, here, share))
            minute += float(generator.uniform(10.0, 50.0))
        minute += float(generator.uniform(20.0, 200.0))
    known = tuple(step for step in steps if step.bin < _BINS)
    return ReleaseExposure(known, touched, known[0].bin)
