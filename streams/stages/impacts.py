"""How bad an incident is, in all and region by region, and how its regions are now."""

import math
from collections.abc import Iterable

import numpy as np
from scipy.special import gammaincinv

from streams.domain.incidents import AffectedRegion, Impact, RegionStatus
from streams.domain.time import window_start
from streams.stages.region_counts import RegionCounts
from streams.stages.regions import RECOVERY
from streams.stages.tracking import TrackedIncident, TrackedRegion

HELD = 20.0
"""Windows whose worth of independent operations the measured dispersion is held to."""

SILENT = 5.0
"""Operations that should have come meanwhile before a region counts as without traffic: all of them
are missing by chance once in 150 times."""

NEARBY = 15
"""Windows around a recovery in which its beginning is looked for, and its level before measured."""

_TAILS = np.array([0.05, 0.95])


def impact(incident: TrackedIncident, names: tuple[str, ...]) -> Impact:
    """Sum up operations and failures of the affected regions from onset to recovery."""
    regions = incident.regions
    return _impact(
        incident, [(row, regions[name]) for row, name in enumerate(names) if name in regions]
    )


def affected_regions(
    incident: TrackedIncident, names: tuple[str, ...], seconds: int
) -> tuple[AffectedRegion, ...]:
    """Give the affected regions in the order of their onsets.

    Args:
        incident: The incident.
        names: Names of the regions, in the order of its counts.
        seconds: Length of a window.
    """
    ordered = sorted(incident.regions.items(), key=lambda item: (item[1].onset, item[0]))
    return tuple(
        _affected_region(incident, names.index(name), name, region, seconds)
        for name, region in ordered
    )


def status(counts: RegionCounts, row: int, region: TrackedRegion) -> RegionStatus:
    """Tell how a region is: no operations say neither that it fails nor that it does not."""
    if region.recovered is not None:
        return RegionStatus.RECOVERED
    busy = np.flatnonzero(counts.trials[row])
    quiet = counts.trials.shape[1] - 1 - int(busy[-1]) if busy.size else 0
    usual = float(counts.trials[row].sum()) / max(counts.trials.shape[1] - quiet, 1)
    silent = quiet >= RECOVERY.lull_windows and quiet * usual >= SILENT
    return RegionStatus.NO_TRAFFIC if silent else RegionStatus.AFFECTED


def recovered_interval(counts: RegionCounts, row: int, region: TrackedRegion) -> tuple[int, int]:
    """Give the 90 % interval of a region's first recovered window.

    Statistic: the binomial likelihood of every split into the level just before the recovery and
    the baseline, divided by the dispersion that `RecoverySettings` expects of degraded operations;
    equal tails, flat prior over the windows near the estimate.

    Args:
        counts: Counts of the incident.
        row: The region's row in them.
        region: The region, recovered.
    """
    recovered = counts.last if region.recovered is None else region.recovered
    first = max(region.onset, recovered - NEARBY, counts.first)
    near = slice(first - counts.first, recovered + NEARBY - counts.first)
    trials, failures = counts.trials[row, near], counts.failures[row, near]
    before = slice(0, recovered - first)
    level = (failures[before].sum() + 0.5) / (trials[before].sum() + 1.0)
    usual = np.clip(counts.expected[row, near] / np.maximum(trials, 1), 1e-6, level)
    gain = failures * np.log(usual / level) + (trials - failures) * np.log(
        (1 - usual) / (1 - level)
    )
    # A split before a window counts that window and all later ones as recovered.
    splits = np.cumsum(gain[::-1])[::-1] / RECOVERY.dispersion
    weights = np.where(trials > 0, np.exp(splits - splits.max()), 0.0)
    ends = np.searchsorted(np.cumsum(weights) / max(float(weights.sum()), 1e-300), _TAILS)
    low, high = (first + int(end) for end in ends)
    return min(low, recovered), max(high, recovered)


def dispersion(counts: RegionCounts, rows: Iterable[int], onset: int) -> float:
    """Give Pearson's phi of a sum of regions in the windows before an onset, at least 1."""
    chosen, before = list(rows), slice(0, max(onset - counts.first, 0))
    trials, failures, expected = (
        part[chosen, before].sum(axis=0).astype(np.float64)
        for part in (counts.trials, counts.failures, counts.expected)
    )
    variance = expected * (1.0 - expected / np.maximum(trials, 1.0))
    known = variance > 0
    squares = (failures[known] - expected[known]) ** 2 / variance[known]
    return max((float(squares.sum()) + HELD) / (int(known.sum()) + HELD), 1.0)


def excess_interval(failures: int, expected: float, phi: float) -> tuple[int, int]:
    """Give the 90 % interval of the failures beyond the ordinary ones.

    How many failed is known; how many of them would have failed anyway is not. That number is taken
    to be gamma distributed, with the mean expected and `phi` times its variance, and rounded
    outwards. An error of the baseline itself is not in the interval: it is learned from far more
    operations.

    Args:
        failures: Failed operations.
        expected: Failures expected under the baseline.
        phi: How much more ordinary failures scatter than independent ones.
    """
    if expected <= 0:
        return failures, failures
    least, most = (phi * gammaincinv(expected / phi, _TAILS)).tolist()
    return failures - math.ceil(most), failures - math.floor(least)


def _affected_region(
    incident: TrackedIncident, row: int, name: str, region: TrackedRegion, seconds: int
) -> AffectedRegion:
    recovered, counts = region.recovered, incident.counts
    interval = None
    if recovered is not None:
        low, high = recovered_interval(counts, row, region)
        interval = window_start(low, seconds), window_start(high, seconds)
    return AffectedRegion(
        region=name,
        onset=window_start(region.onset, seconds),
        recovered=None if recovered is None else window_start(recovered, seconds),
        recovered_interval=interval,
        status=status(counts, row, region),
        relapses=region.relapses,
        impact=_impact(incident, [(row, region)]),
    )


def _impact(incident: TrackedIncident, affected: list[tuple[int, TrackedRegion]]) -> Impact:
    counts = incident.counts
    operations, failures, expected = 0, 0, 0.0
    for row, region in affected:
        end = counts.last + 1 if region.recovered is None else region.recovered
        lasted = slice(max(region.onset - counts.first, 0), max(end - counts.first, 0))
        operations += int(counts.trials[row, lasted].sum())
        failures += int(counts.failures[row, lasted].sum())
        expected += float(counts.expected[row, lasted].sum())
    phi = dispersion(counts, (row for row, _ in affected), incident.onset)
    return Impact(operations, failures, expected, excess_interval(failures, expected, phi))
