"""Rollouts as they truly happen: which share of which series runs a release from when on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers
from detectors.evaluation.attribution.fleet import REGION, within
from detectors.evaluation.attribution.kinds import Pattern

_RINGS: Final = (0.05, 0.15, 0.35, 0.65, 1.0)
"""Share of the regions that have been reached after each ring."""
_SWAPPED: Final = 0.15
"""Chance that two neighbours in the shared order change places."""
_CANARY_SHARES: Final = (0.1, 0.5, 1.0)
_GROWING_SHARES: Final = (0.01, 0.1, 0.5, 1.0)

PATTERNS: Final = (
    (Pattern.SHARED_RINGS, 0.5),
    (Pattern.RANDOM_RINGS, 0.12),
    (Pattern.GROWING, 0.1),
    (Pattern.CANARY_THEN_ALL, 0.08),
    (Pattern.AT_ONCE, 0.06),
    (Pattern.PAUSED, 0.07),
    (Pattern.ROLLED_BACK, 0.07),
)
"""How often releases are rolled out in which way."""


@dataclass(frozen=True, slots=True, eq=False)
class RolloutStep:
    """One step.

    Attributes:
        minute: When it takes effect, in minutes since the start of the history.
        series: What it touches, shape [S].
        share: Share of it that runs the release from then on.
    """

    minute: float
    series: Flags
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """All steps of a release, in time order."""

    steps: tuple[RolloutStep, ...]

    def shifted(self, minutes: float) -> "Rollout":
        """Give the same rollout some minutes later."""
        return Rollout(
            tuple(
                RolloutStep(step.minute + minutes, step.series, step.share) for step in self.steps
            )
        )

    def first_reached(self, lag: Floats, series: Flags) -> float:
        """Give the first moment, lag included, at which any of some series is exposed.

        Args:
            lag: Minutes from a step to its effect, shape [S].
            series: Which series count, shape [S].

        Returns:
            Minutes since the start of the history; infinite if the rollout never reaches them.
        """
        moments = [
            step.minute + float(lag[step.series & series].min())
            for step in self.steps
            if step.share > 0.0 and (step.series & series).any()
        ]
        return min(moments, default=float("inf"))

    def exposure(self, lag: Floats, minutes: Integers) -> Floats:
        """Give the share of each series that shows the release in each minute.

        Args:
            lag: Minutes from a step to its effect, shape [S].
            minutes: The minutes asked for, shape [T].

        Returns:
            Shape [S, T].
        """
        exposure = np.zeros((lag.size, minutes.size))
        for step in self.steps:
            rows = np.flatnonzero(step.series)
            exposure[rows] = np.where(
                minutes >= (step.minute + lag[rows])[:, np.newaxis], step.share, exposure[rows]
            )
        return exposure


def draw_pattern(generator: np.random.Generator) -> Pattern:
    """Draw how a release is rolled out."""
    weights = [weight for _, weight in PATTERNS]
    return PATTERNS[int(generator.choice(len(PATTERNS), p=weights))][0]


def draw_rollout(
    generator: np.random.Generator,
    pattern: Pattern,
    codes: Integers,
    shared: Integers,
    declared: Flags,
) -> Rollout:
    """Draw a rollout whose first step is at minute 0.

    Args:
        generator: Source of randomness.
        pattern: How it is rolled out.
        codes: Codes of the series, shape [S, D].
        shared: The order of regions that most releases share, shape [R].
        declared: The scope it is rolled out to, shape [S].
    """
    shares = _CANARY_SHARES if generator.integers(2) else (1.0,)
    places = [declared & within(codes, REGION, np.array([region])) for region in range(shared.size)]
    order = generator.permutation(shared.size)
    if pattern in {Pattern.SHARED_RINGS, Pattern.PAUSED, Pattern.ROLLED_BACK}:
        order = _swapped(generator, shared)
    ordered = [places[region] for region in order]
    match pattern:
        case Pattern.SHARED_RINGS | Pattern.RANDOM_RINGS:
            steps = _rings(generator, ordered, shares)
        case Pattern.GROWING:
            steps = _staged(generator, declared, _GROWING_SHARES, 0.0, (20.0, 300.0))
        case Pattern.CANARY_THEN_ALL:
            steps = _staged(generator, ordered[0], shares, 0.0)
            rest = declared & ~ordered[0]
            steps += _staged(generator, rest, (1.0,), _gap(generator, steps))
        case Pattern.AT_ONCE:
            steps = [RolloutStep(0.0, declared, 1.0)]
        case Pattern.PAUSED:
            steps = _rings(generator, ordered, shares, paused=int(generator.integers(1, 4)))
        case Pattern.ROLLED_BACK:
            steps = _rolled_back(generator, ordered, shares)
    steps.sort(key=lambda step: step.minute)
    return Rollout(tuple(steps)).shifted(-steps[0].minute)


def _swapped(generator: np.random.Generator, order: Integers) -> Integers:
    swapped = order.copy()
    for first in np.flatnonzero(generator.random(order.size - 1) < _SWAPPED):
        swapped[[first, first + 1]] = swapped[[first + 1, first]]
    return swapped


def _staged(
    generator: np.random.Generator,
    series: Flags,
    shares: Sequence[float],
    start: float,
    between: tuple[float, float] = (5.0, 30.0),
) -> list[RolloutStep]:
    """Reach some series by growing shares."""
    waits = generator.uniform(*between, len(shares))
    minutes = start + np.cumsum(waits) - waits[0]
    return [
        RolloutStep(float(minute), series, share)
        for minute, share in zip(minutes, shares, strict=True)
    ]


def _gap(generator: np.random.Generator, steps: Sequence[RolloutStep]) -> float:
    """Give when the next ring begins: half an hour to five hours after the last step."""
    return max(step.minute for step in steps) + float(generator.uniform(30.0, 300.0))


def _rings(
    generator: np.random.Generator,
    ordered: Sequence[Flags],
    shares: Sequence[float],
    start: float = 0.0,
    paused: int | None = None,
) -> list[RolloutStep]:
    """Go through the regions ring by ring, those of a ring within twenty minutes.

    Args:
        generator: Source of randomness.
        ordered: The series of each region, in the order of the rollout.
        shares: Shares in which a region is reached.
        start: When the first ring begins.
        paused: Ring before which the rollout rests for three to twelve hours.
    """
    steps: list[RolloutStep] = []
    minute = start
    ends = _ring_ends(len(ordered))
    for ring, (first, last) in enumerate(pairwise((0, *ends))):
        if ring == paused:
            minute += float(generator.uniform(180.0, 720.0))
        for series in ordered[first:last]:
            begin = minute + float(generator.uniform(0.0, 20.0))
            steps += _staged(generator, series, shares, begin)
        minute = _gap(generator, steps)
    return steps


def _ring_ends(regions: int) -> list[int]:
    """Give how many regions have been reached after each ring."""
    return [max(round(share * regions), 1) for share in _RINGS]


def _rolled_back(
    generator: np.random.Generator, ordered: Sequence[Flags], shares: Sequence[float]
) -> list[RolloutStep]:
    """Take the rollout back after one to three rings, and begin it anew hours later."""
    whole = _rings(generator, ordered, shares)
    reached = _ring_ends(len(ordered))[int(generator.integers(3))]
    touched: Flags = np.logical_or.reduce(ordered[:reached])
    begun = [step for step in whole if (step.series & touched).any()]
    back = max(step.minute for step in begun) + float(generator.uniform(10.0, 90.0))
    again = back + float(generator.uniform(60.0, 600.0))
    return [
        *begun,
        RolloutStep(back, touched, 0.0),
        *_rings(generator, ordered, shares, start=again),
    ]
