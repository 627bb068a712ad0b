"""Drawn cases: an incident with its history and truth, and what of it is known at some minute."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers
from detectors.attribution.exposure import ExposureStep, ReleaseExposure
from detectors.attribution.posterior import Cells
from detectors.evaluation.attribution.faults import AFTER, ONSET, draw_declared, draw_fault
from detectors.evaluation.attribution.fleet import (
    MINUTES,
    REGION,
    REGIONS,
    draw_fleet,
)
from detectors.evaluation.attribution.kinds import Kind, Noise
from detectors.evaluation.attribution.outcomes import Outcomes, draw_outcomes
from detectors.evaluation.attribution.rollouts import Rollout, draw_pattern, draw_rollout

CUTS: Final = (5, 15, 30, 60)
"""Minutes after the onset at which a ranking is asked for."""
RELEASES: Final = (3, 12, 30)
"""Numbers of registered releases."""
_SPAN: Final = 36 * 60
"""Minutes over which the bystanders begin, up to the end of the history."""
_REPORTED: Final = (-0.5, 2.0)
_CLOCK_ERROR: Final = 10.0
_LATE_SHARE: Final = 0.2
_LATE_MINUTES: Final = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class ReportedStep:
    """A release event.

    Attributes:
        minute: When it says that the step took effect, in minutes since the start of the history.
        known: From when on the event is known.
        series: What the step touches, shape [S].
        share: Share of it that runs the release from then on.
    """

    minute: float
    known: float
    series: Flags
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """An incident: S series over `MINUTES` minutes, of which the last `AFTER` are in it.

    Attributes:
        kind: What caused it.
        noise: Family of noise.
        codes: Codes of the series, shape [S, D].
        outcomes: Counts of the whole history.
        releases: Events of the K registered releases.
        culprit: Index of the guilty release; None if none of them is.
        clone: Index of the release with exactly the culprit's events, if there is one.
        failing_from: First minute in which each series fails more than it should; MINUTES if
            it never does. Shape [S].
    """

    kind: Kind
    noise: Noise
    codes: Integers
    outcomes: Outcomes
    releases: tuple[tuple[ReportedStep, ...], ...]
    culprit: int | None
    clone: int | None
    failing_from: Integers

    @property
    def onset(self) -> int:
        """First minute in which anything fails."""
        return int(self.failing_from.min())

    def scope(self, minutes: int) -> Flags:
        """Give the series that have failed so many minutes after the onset, shape [S]."""
        return self.failing_from < self.onset + minutes


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What of a case is known at some minute.

    Attributes:
        cells: Counts up to that minute.
        releases: The releases of which anything is known.
        indices: Their indices in the case.
        first: Minute of the history at which the cells begin.
    """

    cells: Cells
    releases: tuple[ReleaseExposure, ...]
    indices: tuple[int, ...]
    first: int


def draw_case(generator: np.random.Generator, kind: Kind, releases: int) -> Case:
    """Draw a fleet, an incident, and its registered releases.

    Args:
        generator: Source of randomness.
        kind: What causes the incident.
        releases: Number of registered releases, K; at least 2.
    """
    fleet = draw_fleet(generator, 0.1 if kind is Kind.LOW_VOLUME else 1.0)
    shared = generator.permutation(REGIONS)
    fault = draw_fault(generator, kind, fleet, shared)
    noise = (Noise.GAMMA, Noise.RETRIES)[int(generator.integers(2))]
    harm, volume = np.zeros(fleet.volume.shape), fleet.volume.copy()
    harm[:, ONSET:] = fault.harm
    volume[:, ONSET:] *= fault.kept
    involved = [rollout for rollout in (fault.culprit, fault.dormant) if rollout is not None]
    bystanders = [
        _draw_bystander(generator, fleet.codes, shared)
        for _ in range(releases - len(involved) - (kind is Kind.CLONE))
    ]
    reported = [
        _reported(generator, rollout, skewed=kind is Kind.SKEWED_CLOCK)
        for rollout in (*involved, *bystanders)
    ]
    if kind is Kind.CLONE:
        reported.append(reported[0])
    order = generator.permutation(releases)
    places = np.argsort(order)
    return Case(
        kind=kind,
        noise=noise,
        codes=fleet.codes,
        outcomes=draw_outcomes(generator, fleet, noise, volume, harm),
        releases=tuple(reported[index] for index in order),
        culprit=int(places[0]) if kind.by_release else None,
        clone=int(places[-1]) if kind is Kind.CLONE else None,
        failing_from=_failing_from(fault.harm),
    )


def observe(case: Case, minutes: int, history: int = MINUTES) -> Observation:
    """Give what is known some minutes after the onset.

    Args:
        case: The case.
        minutes: Minutes since the onset, 1 to `AFTER`.
        history: Minutes before that moment which are kept at most.
    """
    if not 1 <= minutes <= AFTER:
        raise ValueError(f"minutes must lie in 1 to {AFTER}, not {minutes}")
    now = case.onset + minutes
    first = max(now - history, 0)
    outcomes = case.outcomes
    indices = tuple(
        index
        for index, steps in enumerate(case.releases)
        if any(step.known <= now for step in steps)
    )
    return Observation(
        cells=Cells(
            trials=outcomes.trials[:, first:now],
            failures=outcomes.failures[:, first:now],
            expected=outcomes.expected[:, first:now],
            codes=case.codes,
            region_dimension=REGION,
        ),
        releases=tuple(_exposure(case.releases[index], first, now) for index in indices),
        indices=indices,
        first=first,
    )


def _draw_bystander(generator: np.random.Generator, codes: Integers, shared: Integers) -> Rollout:
    pattern = draw_pattern(generator)
    declared = draw_declared(generator, codes)
    rollout = draw_rollout(generator, pattern, codes, shared, declared)
    return rollout.shifted(MINUTES - float(generator.uniform(0.0, _SPAN)))


def _reported(
    generator: np.random.Generator, rollout: Rollout, *, skewed: bool
) -> tuple[ReportedStep, ...]:
    """Tell of a rollout with the errors of its clock; no event is known before it happens."""
    error = float(generator.uniform(-_CLOCK_ERROR, _CLOCK_ERROR)) if skewed else 0.0
    events = []
    for step in rollout.steps:
        minute = step.minute + error + float(generator.uniform(*_REPORTED))
        known = max(step.minute, minute)
        if skewed and generator.random() < _LATE_SHARE:
            known += float(generator.exponential(_LATE_MINUTES))
        events.append(ReportedStep(minute, known, step.series, step.share))
    return tuple(events)


def _exposure(steps: tuple[ReportedStep, ...], first: int, now: int) -> ReleaseExposure:
    """Give a release as its known events tell it."""
    known = sorted((step for step in steps if step.known <= now), key=lambda step: step.minute)
    declared: Flags = np.logical_or.reduce([step.series for step in known])
    return ReleaseExposure(
        steps=tuple(ExposureStep(step.minute - first, step.series, step.share) for step in known),
        declared=declared,
        first_seen=known[0].minute - first,
    )


def _failing_from(harm: Floats) -> Integers:
    fails = harm > 0.0
    return np.where(fails.any(axis=1), ONSET + np.argmax(fails, axis=1), MINUTES)
