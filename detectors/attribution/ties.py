"""Releases that the data cannot tell apart."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


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
