"""What would have been expected without the incident, and how noisy that expectation is."""

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Groups, region_sums
from detectors.attribution.likelihood import CEILING, FLOOR
from detectors.attribution.timeline import Timeline

_LARGEST_CORRECTION = 3.0
"""A baseline that is wrong by more than this is an incident of its own, not a drift."""
_LEAST_CONTROL = 20.0
"""Expected failures below which units outside an incident cannot measure a fleet-wide drift."""
_SMOOTHING_SECONDS = 1800.0
_BLOCK_SECONDS = 1800.0


def baseline(
    groups: Groups, controls: NDArray[np.bool_], onset: int, pseudo: float, bin_seconds: float
) -> NDArray[np.float64]:
    """Correct the expected failures by differences within groups and over time.

    Difference in differences: a group's ratio of observed to expected failures before the onset
    corrects the group; the ratio among the controls corrects each moment. Both are shrunk towards
    one by `pseudo` failures.

    Args:
        groups: The fleet.
        controls: bool[A], groups outside the incident and not exposed to anything that stepped
            around its onset.
        onset: First span of the incident.
        pseudo: Pseudo failures.
        bin_seconds: Length of a bin.

    Returns:
        float64[A, T], baseline failure probability inside (0, 1).
    """
    before = slice(0, max(onset, 0))
    group_ratio = _shrunk(
        groups.failures[:, before].sum(axis=1), groups.expected[:, before].sum(axis=1), pseudo
    )
    expected = groups.expected * group_ratio[:, None]
    half = round(_SMOOTHING_SECONDS / bin_seconds / 2.0)
    expected *= _time_ratio(
        groups.failures[controls], expected[controls], pseudo, groups.timeline, half
    )
    overall = expected.sum() / max(groups.trials.sum(), 1.0)
    ratio = np.full(groups.trials.shape, overall)
    np.divide(expected, groups.trials, out=ratio, where=groups.trials > 0.0)
    clipped: NDArray[np.float64] = np.clip(ratio, FLOOR, CEILING)
    return clipped


def dispersion_before(
    groups: Groups, baseline_ratio: NDArray[np.float64], onset: int, bin_seconds: float
) -> float:
    """Estimate Pearson's dispersion phi from the history before the onset.

    Chi-square over degrees of freedom at three levels: group and span; region and span; region and
    half hour. Noise that a region shares, or that lasts, shows at the coarser levels and is what
    imitates an incident, so the largest counts. Within a level the median over regions counts: an
    earlier incident in some regions is not noise.

    Args:
        groups: The fleet.
        baseline_ratio: float64[A, T], baseline failure probability.
        onset: First span of the incident.
        bin_seconds: Length of a bin.

    Returns:
        At least 1.
    """
    if onset < 1:
        return 1.0
    failures, trials = groups.failures[:, :onset], groups.trials[:, :onset]
    mean = trials * baseline_ratio[:, :onset]
    variance = mean * (1.0 - baseline_ratio[:, :onset])
    arrays = [failures - mean, variance]
    count = groups.region_count
    levels = [_chi_square(arrays[0], arrays[1], groups.regions, count)]
    arrays = [region_sums(array, groups.regions, count) for array in arrays]
    levels.append(_chi_square(arrays[0], arrays[1], np.arange(count), count))
    block = max(round(_BLOCK_SECONDS / bin_seconds), 1)
    starts = np.flatnonzero(np.diff(groups.timeline.edges[:onset] // block, prepend=-1))
    arrays = [np.add.reduceat(array, starts, axis=1) for array in arrays]
    levels.append(_chi_square(arrays[0], arrays[1], np.arange(count), count))
    return max(1.0, *levels)


def dispersion_after(
    groups: Groups,
    baseline_ratio: NDArray[np.float64],
    effects: NDArray[np.float64],
    members: NDArray[np.bool_],
) -> float:
    """Estimate phi of the failing regions around the freest fit to each of them.

    Failing operations are rarely binomial: retries, ramps and bad minutes make the failure ratio
    swing. Evidence about which hypothesis fits the swings best is not evidence about the cause.

    Args:
        groups: The fleet.
        baseline_ratio: float64[A, T], baseline failure probability.
        effects: float64[R, T], each region's own best effect, 0 before its own onset and in
            regions that do not fail.
        members: bool[A], the groups that fail where a region fails.

    Returns:
        Median over failing regions of chi-square over degrees of freedom, at least 1.
    """
    effect = effects[groups.regions[members]]
    ratio = baseline_ratio[members]
    probability = ratio + (1.0 - ratio) * effect
    active = effect > 0.0
    trials = np.where(active, groups.trials[members], 0.0)
    residual = np.where(active, groups.failures[members], 0.0) - trials * probability
    regions, count = groups.regions[members], groups.region_count
    variance = region_sums(trials * probability * (1.0 - probability), regions, count)
    level = _chi_square(region_sums(residual, regions, count), variance, np.arange(count), count)
    return max(1.0, level)


def _shrunk(
    failures: NDArray[np.float64], expected: NDArray[np.float64], pseudo: float
) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = (failures + pseudo) / (expected + pseudo)
    return np.clip(ratio, 1.0 / _LARGEST_CORRECTION, _LARGEST_CORRECTION)


def _time_ratio(
    failures: NDArray[np.float64],
    expected: NDArray[np.float64],
    pseudo: float,
    timeline: Timeline,
    half: int,
) -> NDArray[np.float64]:
    """float64[T], observed over expected failures of the controls, `half` bins to either side."""
    if expected.sum() < _LEAST_CONTROL:
        return np.ones(failures.shape[1])
    edges = timeline.edges
    first = np.searchsorted(edges, edges[:-1] - half)
    last = np.searchsorted(edges, np.minimum(edges[1:] + half, edges[-1]))
    sums = np.zeros((2, edges.size))
    np.cumsum(np.stack((failures.sum(axis=0), expected.sum(axis=0))), axis=1, out=sums[:, 1:])
    observed, mean = sums[:, last] - sums[:, first]
    return _shrunk(observed, mean, pseudo)


def _chi_square(
    residual: NDArray[np.float64],
    variance: NDArray[np.float64],
    regions: NDArray[np.intp],
    count: int,
) -> float:
    """Median over regions of mean squared Pearson residual; 1 where there is nothing to see."""
    seen = variance > 0.0
    squares = np.divide(residual**2, variance, out=np.zeros_like(variance), where=seen)
    total = region_sums(squares.sum(axis=1), regions, count)
    degrees = region_sums(seen.sum(axis=1).astype(np.float64), regions, count)
    # Ten degrees of freedom tame the estimate of a region that was hardly seen.
    enough = degrees > 0.0
    return (
        float(np.median((total[enough] + 10.0) / (degrees[enough] + 10.0))) if enough.any() else 1.0
    )
