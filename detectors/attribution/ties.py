"""Releases that the data cannot tell apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Groups, region_sums
from detectors.attribution.exposure import Step, exposure_matrix


@dataclass(frozen=True, slots=True)
class Parting:
    """Where and when the exposures of two tied releases part.

    Attributes:
        releases: Their indices, in the order asked for.
        region: Index of the region: its code's place among the codes that occur.
        bin: Bin from which on they differ there.
        exposures: Largest share of the region that ran each of them from then on.
    """

    releases: tuple[int, int]
    region: int
    bin: int
    exposures: tuple[float, float]


def parting(
    groups: Groups, steps: Sequence[Sequence[Step]], releases: tuple[int, int]
) -> Parting | None:
    """Find where two releases differ most, by the operations that saw only one of them.

    Args:
        groups: The fleet.
        steps: Steps of all releases.
        releases: Indices of the two.

    Returns:
        Where they part; None if all that is known of them is the same.
    """
    lags = np.zeros(groups.regions.size, np.int64)
    first, second = (exposure_matrix(steps[one], lags, groups.timeline) for one in releases)
    differ = first != second
    operations = (groups.trials * np.abs(first - second)).sum(axis=1)
    weight = region_sums(operations + differ.any(axis=1), groups.regions, groups.region_count)
    region = int(np.argmax(weight))
    if weight[region] == 0.0:
        return None
    rows = (groups.regions == region) & differ.any(axis=1)
    span = int(np.flatnonzero(differ[rows].any(axis=0))[0])
    return Parting(
        releases=releases,
        region=region,
        bin=int(groups.timeline.edges[span]),
        exposures=(float(first[rows, span:].max()), float(second[rows, span:].max())),
    )


def ties(
    exposures: NDArray[np.float64],
    trials: NDArray[np.float64],
    baseline: NDArray[np.float64],
    effect: float,
    order: Sequence[int],
    nats: float,
) -> tuple[tuple[int, ...], ...]:
    """Group releases whose predictions differ by fewer than some nats.

    Two releases are told apart by sum n KL(p || p'), the log likelihood ratio to expect if one of
    them is the cause, here the smaller direction of the two. The most probable release not yet in
    a group gathers its ties, so groups do not grow by chains.

    Args:
        exposures: float64[K, C], exposure in each cell relative to the release's largest.
        trials: float64[C], operations divided by the dispersion.
        baseline: float64[C], failure probability without any cause.
        effect: Failure probability added at full exposure.
        order: Releases, most probable first.
        nats: Least difference that tells two releases apart.

    Returns:
        Groups of at least two release indices, ascending within a group. A release that touched
        nothing here is in none.
    """
    groups: list[tuple[int, ...]] = []
    left = [index for index in order if exposures[index].any()]
    weight = np.sqrt(trials) * (1.0 - baseline) * effect
    scaled = exposures * weight
    # Pinsker's inequality KL >= 2 (p - p')**2 spares most pairs the logarithms.
    squares = np.einsum("kc,kc->k", scaled, scaled)
    bound = 2.0 * (squares[:, None] + squares[None, :] - 2.0 * (scaled @ scaled.T))
    while left:
        first, *left = left
        near = [
            other
            for other in left
            if bound[first, other] < nats
            and _divergence(exposures[[first, other]], trials, baseline, effect) < nats
        ]
        left = [other for other in left if other not in near]
        if near:
            groups.append(tuple(sorted((first, *near))))
    return tuple(groups)


def _divergence(
    exposures: NDArray[np.float64],
    trials: NDArray[np.float64],
    baseline: NDArray[np.float64],
    effect: float,
) -> float:
    differ = exposures[0] != exposures[1]
    first, second = baseline[differ] + (1.0 - baseline[differ]) * effect * exposures[:, differ]
    weight = trials[differ]

    def directed(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
        each = p * np.log(p / q) + (1.0 - p) * np.log((1.0 - p) / (1.0 - q))
        return float(weight @ each)

    return min(directed(first, second), directed(second, first))
