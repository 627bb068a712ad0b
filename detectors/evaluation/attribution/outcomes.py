"""Counts: what is seen of a fleet, in control or not, under one of two families of noise."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Floats, Integers
from detectors.evaluation.attribution.fleet import MINUTES, OS, REGION, REGIONS, Fleet
from detectors.evaluation.attribution.kinds import Noise

_MOST: Final = 0.5
"""No healthy operation fails more often than this, whatever the noise."""
_KNOT_MINUTES: Final = 60
_ROUNDS: Final = 2
_BAD_MINUTES_PER_DAY: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Counts of S series over the minutes of the history, and what the baseline expects.

    Attributes:
        trials: Operations, shape [S, MINUTES].
        failures: Failed operations, shape [S, MINUTES].
        expected: Failures expected of so many operations, shape [S, MINUTES].
    """

    trials: Integers
    failures: Integers
    expected: Floats


def draw_outcomes(
    generator: np.random.Generator, fleet: Fleet, noise: Noise, volume: Floats, harm: Floats
) -> Outcomes:
    """Draw what is seen.

    Args:
        generator: Source of randomness.
        fleet: The fleet in control.
        noise: Family of noise.
        volume: Expected operations, shape [S, MINUTES]; those of the fleet unless callers gave up.
        harm: Failure probability that the fault adds, shape [S, MINUTES].
    """
    trials = generator.poisson(volume)
    if noise is Noise.GAMMA:
        healthy = fleet.ratio * _wander(generator)[fleet.codes[:, REGION]]
        healthy *= generator.gamma(10.0, 0.1, healthy.shape)
        failures = generator.binomial(trials, _with_harm(healthy, harm))
        return Outcomes(trials, failures, trials * fleet.known)
    healthy = _with_bad_minutes(generator, fleet)
    return _retried(generator, trials, _with_harm(healthy, harm), fleet.known)


def _with_harm(healthy: Floats, harm: Floats) -> Floats:
    return 1.0 - (1.0 - np.minimum(healthy, _MOST)) * (1.0 - harm)


def _wander(generator: np.random.Generator) -> Floats:
    """Give the factor by which each region slowly goes up and down, shape [REGIONS, MINUTES]."""
    knots = generator.normal(0.0, 0.15, (REGIONS, MINUTES // _KNOT_MINUTES + 1))
    at, minutes = np.arange(knots.shape[1]) * _KNOT_MINUTES, np.arange(MINUTES)
    return np.exp([np.interp(minutes, at, row) for row in knots])


def _with_bad_minutes(generator: np.random.Generator, fleet: Fleet) -> Floats:
    """Let now and then a region, or one of its operating systems, fail for one to three minutes."""
    ratio = fleet.ratio.copy()
    for region in range(REGIONS):
        for _ in range(int(generator.poisson(_BAD_MINUTES_PER_DAY))):
            rows = fleet.codes[:, REGION] == region
            if generator.integers(2):
                rows &= fleet.codes[:, OS] == generator.integers(2)
            start = int(generator.integers(MINUTES))
            length = int(generator.integers(1, 4))
            ratio[rows, start : start + length] *= generator.lognormal(np.log(4.0), 0.5)
    return ratio


def _retried(
    generator: np.random.Generator, trials: Integers, ratio: Floats, known: Floats
) -> Outcomes:
    """Repeat some of what failed within the minute; what failed once is likelier to fail again."""
    share, stubborn = generator.uniform(0.3, 0.8), generator.uniform(0.1, 0.4)
    failed = generator.binomial(trials, ratio)
    operations, failures = trials.copy(), failed.copy()
    expected_operations, expected_failed = np.ones(known.shape), known
    expected_failures = known.copy()
    for _ in range(_ROUNDS):
        repeated = generator.binomial(failed, share)
        failed = generator.binomial(repeated, ratio + (1.0 - ratio) * stubborn)
        operations += repeated
        failures += failed
        expected_operations = expected_operations + share * expected_failed
        expected_failed = share * expected_failed * (known + (1.0 - known) * stubborn)
        expected_failures = expected_failures + expected_failed
    return Outcomes(operations, failures, operations * expected_failures / expected_operations)
