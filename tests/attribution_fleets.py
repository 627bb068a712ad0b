"""Simulated fleets for attribution, drawn from another family than the model assumes.

Failures are overdispersed by minute and wander by region; the day has a season the baseline only
half knows; faults follow a saturating dose, hit regions unevenly and spare some; rollouts share a
region order; their events are reported up to two minutes off.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Cells
from detectors.attribution.exposure import ExposureStep, ReleaseExposure

REGIONS, OSES, OPERATIONS = 20, 2, 3
MINUTES = 1440


class Cause(Enum):
    """What caused the incident."""

    RELEASE = "release"
    REGION = "region"
    EVERYTHING = "everything"
    UPSTREAM = "upstream"
    UNREGISTERED_ROLLOUT = "unregistered_rollout"


@dataclass(frozen=True, slots=True, eq=False)
class Incident:
    """A fleet, its releases and the truth.

    Attributes:
        cells: One-minute bins that end when the ranking is asked for.
        releases: The registered releases.
        scope: bool[S], strata that fail, in every region that fails.
        onset: First failing bin.
        culprit: Index of the guilty release; None if no registered release is.
    """

    cells: Cells
    releases: tuple[ReleaseExposure, ...]
    scope: NDArray[np.bool_]
    onset: int
    culprit: int | None


_Rollout = list[tuple[float, NDArray[np.bool_], float]]
"""Steps as (minute, series, exposure), in time order."""


def fleet_codes() -> NDArray[np.int64]:
    """int64[S, 3]: region, os, operation."""
    axes = (np.arange(REGIONS), np.arange(OSES), np.arange(OPERATIONS))
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    return grid.astype(np.int64)


def simulate(
    seed: int, cause: Cause, *, releases: int, minutes_after: int, volume: float = 3.0
) -> Incident:
    """Draw a fleet and an incident.

    Args:
        seed: Seed of everything random.
        cause: What went wrong.
        releases: Number of registered releases.
        minutes_after: Minutes from the onset to the end of the history.
        volume: Operations per minute of the median series.

    Returns:
        The incident.
    """
    rng = np.random.default_rng(seed)
    codes = fleet_codes()
    order = rng.permutation(REGIONS)
    rollouts = [_rollout(rng, codes, order) for _ in range(releases)]
    culprit, harm = _harm(rng, cause, codes, rollouts, order)
    onset = int(np.flatnonzero(harm.any(axis=0))[0])
    end = min(onset + minutes_after, MINUTES)
    begin = max(end - MINUTES // 2, 0)
    trials, failures, expected = _outcomes(rng, codes, harm, volume)
    window = slice(begin, end)
    return Incident(
        cells=Cells(
            trials[:, window], failures[:, window], expected[:, window], codes, region_dimension=0
        ),
        releases=tuple(_reported(rng, rollout, begin, end) for rollout in rollouts),
        scope=_strata(codes, harm),
        onset=onset - begin,
        culprit=culprit,
    )


def latest_start(incident: Incident) -> int:
    """Name the release whose last step before the onset is the latest: the baseline to beat."""
    last = [
        max((step.bin for step in release.steps if step.bin <= incident.onset), default=-np.inf)
        for release in incident.releases
    ]
    return int(np.argmax(last))


def coarser(incident: Incident, minutes: int) -> Incident:
    """The same incident in longer bins; minutes that fill no bin are cut at the old end."""
    bins = incident.cells.trials.shape[1] // minutes
    cut = incident.cells.trials.shape[1] - bins * minutes

    def summed(counts: NDArray[np.int64]) -> NDArray[np.int64]:
        total: NDArray[np.int64] = counts[:, cut:].reshape(-1, bins, minutes).sum(axis=2)
        return total

    cells = incident.cells
    expected = cells.expected[:, cut:].reshape(-1, bins, minutes).sum(axis=2)
    return Incident(
        cells=Cells(summed(cells.trials), summed(cells.failures), expected, cells.codes, 0),
        releases=tuple(
            ReleaseExposure(
                tuple(
                    ExposureStep((step.bin - cut) / minutes, step.series, step.exposure)
                    for step in release.steps
                ),
                release.declared,
                (release.first_seen - cut) / minutes,
            )
            for release in incident.releases
        ),
        scope=incident.scope,
        onset=(incident.onset - cut) // minutes,
        culprit=incident.culprit,
    )


def _rollout(
    rng: np.random.Generator, codes: NDArray[np.int64], shared: NDArray[np.int64]
) -> _Rollout:
    """A staged rollout in nearly the shared region order, or everywhere at once."""
    strata = [codes[:, 1] == 0, codes[:, 1] == 1, np.ones(codes.shape[0], dtype=np.bool_)]
    touched = strata[rng.choice(3, p=[0.3, 0.2, 0.5])]
    if rng.random() < 0.2:
        return [(float(rng.uniform(0, MINUTES)), touched, 1.0)]
    order = shared.copy()
    for first in np.flatnonzero(rng.random(REGIONS - 1) < 0.2):
        order[[first, first + 1]] = order[[first + 1, first]]
    steps: _Rollout = []
    at = float(rng.uniform(-600, MINUTES - 60))
    for stage in np.split(order, [1, 3, 7, 13]):
        last = at
        for region in stage:
            start = at + float(rng.uniform(0, 20))
            here = touched & (codes[:, 0] == region)
            for share in (0.1, 0.5, 1.0) if rng.random() < 0.5 else (1.0,):
                steps.append((start, here, share))
                last = max(last, start)
                start += float(rng.uniform(5, 30))
        at = last + float(rng.uniform(20, 300))
    return sorted(steps, key=lambda step: step[0])


def _exposure(rollout: _Rollout, series: int, lag: float) -> NDArray[np.float64]:
    exposure = np.zeros((series, MINUTES))
    for at, touched, share in rollout:
        first = int(np.clip(np.ceil(at + lag), 0, MINUTES))
        exposure[np.flatnonzero(touched)[:, None], np.arange(first, MINUTES)] = share
    return exposure


def _harm(
    rng: np.random.Generator,
    cause: Cause,
    codes: NDArray[np.int64],
    rollouts: list[_Rollout],
    order: NDArray[np.int64],
) -> tuple[int | None, NDArray[np.float64]]:
    """The culprit and float64[S, minutes], the failure probability it adds."""
    effect = float(np.exp(rng.uniform(np.log(0.04), np.log(0.7))))
    sizes = effect * rng.uniform(0.6, 1.3, REGIONS)[codes[:, 0]]
    stratum = codes[:, 1] == 0 if rng.random() < 0.5 else np.ones(codes.shape[0], dtype=np.bool_)
    start = int(rng.integers(400, MINUTES - 90))
    later = np.arange(MINUTES) >= start
    culprit = None
    dose: NDArray[np.float64]
    match cause:
        case Cause.RELEASE:
            suspects = [
                index for index, steps in enumerate(rollouts) if 300 < steps[0][0] < MINUTES - 90
            ]
            culprit = int(rng.choice(suspects)) if suspects else 0
            if not suspects:
                rollouts[0] = [(float(start), np.ones(codes.shape[0], dtype=np.bool_), 1.0)]
            lag = float(rng.choice([0.0, 0.0, 0.0, 10.0, 45.0]))
            dose = _exposure(rollouts[culprit], codes.shape[0], lag) ** 0.7
            if not (dose[stratum] > 0.0).any():
                stratum = ~stratum
            spared = rng.random(REGIONS)[codes[:, 0]] < (0.2 if rng.random() < 0.3 else 0.0)
            if not (dose[stratum & ~spared] > 0.0).any():
                spared[:] = False
            dose *= (stratum & ~spared)[:, None]
        case Cause.REGION:
            dose = np.outer(stratum & (codes[:, 0] == rng.integers(REGIONS)), later) * 1.0
        case Cause.EVERYTHING:
            dose = np.outer(stratum, later) * 1.0
        case Cause.UPSTREAM:
            reached = rng.permutation(REGIONS)[: int(rng.integers(2, 9))]
            dose = np.outer(stratum & np.isin(codes[:, 0], reached), later) * 1.0
        case Cause.UNREGISTERED_ROLLOUT:
            rollout = _rollout(rng, codes, order)
            shift = start - rollout[0][0]
            dose = _exposure(
                [(at + shift, s & stratum, 1.0) for at, s, _ in rollout], len(codes), 0
            )
            if not dose.any():
                dose = np.outer(stratum, later) * 1.0
    return culprit, np.clip(dose * sizes[:, None], 0.0, 0.9)


def _outcomes(
    rng: np.random.Generator, codes: NDArray[np.int64], harm: NDArray[np.float64], volume: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    series = codes.shape[0]
    day = 2.0 * np.pi * (np.arange(MINUTES) / MINUTES + rng.random())
    sizes = rng.lognormal(0.0, 0.8, REGIONS)[codes[:, 0]] * rng.lognormal(0.0, 0.4, series)
    trials = rng.poisson(volume * sizes[:, None] * (1.0 + 0.4 * np.sin(day)))
    base = np.clip(rng.lognormal(np.log(0.01), 0.5, series), 0.001, 0.08)
    season = 1.0 + 0.15 * np.cos(day)
    noise = rng.gamma(10.0, 0.1, (series, MINUTES))
    slow = np.repeat(rng.standard_normal((REGIONS, MINUTES // 30)), 30, axis=1)
    wander = np.exp(0.12 * slow)[codes[:, 0]]
    healthy = np.clip(base[:, None] * season * noise * wander, 0.0, 0.3)
    failures = rng.binomial(trials, 1.0 - (1.0 - healthy) * (1.0 - harm))
    known = base * rng.lognormal(0.0, 0.1, series)
    expected = trials * known[:, None] * (1.0 + 0.07 * np.cos(day))
    return trials.astype(np.int64), failures.astype(np.int64), expected


def _strata(codes: NDArray[np.int64], harm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Strata that ever fail, in the regions that ever fail."""
    failing = harm.any(axis=1)
    strata: NDArray[np.bool_] = np.isin(codes[:, 1], codes[failing, 1])
    return strata & np.isin(codes[:, 0], codes[failing, 0])


def _reported(rng: np.random.Generator, rollout: _Rollout, begin: int, end: int) -> ReleaseExposure:
    """A rollout as its events tell it by the end of the history."""
    declared = np.logical_or.reduce([touched for _, touched, _ in rollout])
    steps = tuple(
        ExposureStep(at - begin + float(rng.uniform(-0.5, 2.0)), touched, share)
        for at, touched, share in rollout
        if at < end
    )
    return ReleaseExposure(steps, declared, steps[0].bin if steps else float(end - begin))
