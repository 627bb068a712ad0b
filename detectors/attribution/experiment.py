"""The next experiment: which release to take back where, to learn the most in the least time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Groups, region_sums
from detectors.attribution.release_fits import ReleaseFit

_TELLING_NATS = 4.6
"""Log likelihood ratio that settles a question: odds of 100 to 1."""
_RECENT_SECONDS = 1800.0
"""Operations of this long tell how many will come."""
_LEAST_PROBABILITY = 0.02
"""A release less probable than this is not worth an experiment."""
_LONGEST_SECONDS = 21_600.0
"""Nobody waits longer for an answer: the release is no longer at work, or hardly."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """Take one release back in one region, and watch.

    Attributes:
        release: Index of the release.
        region: Index of the region: its code's place among the codes that occur.
        seconds: How long until the failures there tell, with odds of 100 to 1, whether it was the
            cause, at the present number of operations.
        information: Nats by which the uncertainty about the cause is expected to shrink.
    """

    release: int
    region: int
    seconds: float
    information: float


def next_experiment(
    groups: Groups,
    baseline: NDArray[np.float64],
    fits: Sequence[ReleaseFit],
    probabilities: NDArray[np.float64],
    dispersion: float,
    bin_seconds: float,
) -> Experiment | None:
    """Choose the release whose part in the incident is least certain, and the quickest region.

    Whether a release is the cause is one bit with the entropy of its probability; taking it back
    in a region answers it as soon as operations there can tell healed from failing: their number
    times the Kullback-Leibler divergence of the two reaches some nats.

    Args:
        groups: The fleet.
        baseline: float64[A, T], failure probability without any cause.
        fits: The explanations by each of the K releases.
        probabilities: float64[K].
        dispersion: Pearson's phi.
        bin_seconds: Length of a bin.

    Returns:
        The experiment; None if no probable release is at work anywhere.
    """
    found = []
    for release in np.flatnonzero(probabilities >= _LEAST_PROBABILITY).tolist():
        rates = _telling_rates(groups, baseline, fits[release], dispersion, bin_seconds)
        region = int(np.argmax(rates))
        if rates[region] > 0.0:
            information = _entropy(float(probabilities[release]))
            seconds = _TELLING_NATS / float(rates[region])
            if seconds <= _LONGEST_SECONDS:
                found.append(Experiment(release, region, seconds, information))
    return max(found, key=lambda one: (one.information, -one.release), default=None)


def _telling_rates(
    groups: Groups,
    baseline: NDArray[np.float64],
    fit: ReleaseFit,
    dispersion: float,
    bin_seconds: float,
) -> NDArray[np.float64]:
    """float64[R], nats per second by which healed and failing would differ in each region."""
    edges = groups.timeline.edges
    first = int(np.searchsorted(edges, edges[-1] - round(_RECENT_SECONDS / bin_seconds)))
    first = min(first, groups.spans - 1)
    lasted = float(edges[-1] - edges[first]) * bin_seconds
    operations = groups.trials[:, first:].sum(axis=1) / lasted
    healed = baseline[:, -1]
    failing = 1.0 - (1.0 - healed) * (1.0 - fit.effect_matrix(groups)[:, -1])
    nats = healed * np.log(healed / failing)
    nats += (1.0 - healed) * np.log((1.0 - healed) / (1.0 - failing))
    return region_sums(operations * nats / dispersion, groups.regions, groups.region_count)


def _entropy(probability: float) -> float:
    """Entropy of a yes or no, in nats; 0 at the ends."""
    inside = min(max(probability, 1e-12), 1.0 - 1e-12)
    return float(-inside * np.log(inside) - (1.0 - inside) * np.log1p(-inside))
