"""Two releases at once: where one of them is not at work, another may be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Groups
from detectors.attribution.exposure import Step
from detectors.attribution.lags import Lags
from detectors.attribution.likelihood import cell_log_ratios, suffix_sums
from detectors.attribution.none_hypothesis import strata_sums
from detectors.attribution.release_fits import ReleaseFit
from detectors.attribution.release_hypothesis import explain
from detectors.attribution.settings import AttributionSettings

_FIRST = 2
_SECOND = 6
"""So many of the releases that explain most are tried as either of a pair."""
_ALONE_NATS = 5.0
"""What explains less than this by itself explains nothing that another one leaves."""
_LEFT_NATS = 15.0
"""A pair is not worth its time where no region leaves this much unexplained."""


@dataclass(frozen=True, slots=True)
class PairFit:
    """The evidence for two releases together.

    Attributes:
        first: Index of the one that was fitted first.
        second: Index of the one that was fitted to what is left.
        log_likelihood: Log of their average likelihood, against quiet.
    """

    first: int
    second: int
    log_likelihood: float


def explain_pairs(
    groups: Groups,
    baseline: NDArray[np.float64],
    steps: Sequence[Sequence[Step]],
    fits: Sequence[ReleaseFit],
    floor: float,
    lags: Lags,
    dispersion: float,
    settings: AttributionSettings,
) -> tuple[PairFit, ...]:
    """Fit a second release to what fails where the best explanation by a first one does no harm.

    The likelihood of the pair is that of the first, averaged over all its explanations, times that
    of the second in all other groups. Where the first is at work the second gets no credit: the
    size of an effect changes over hours, and any step would explain some of that.

    Args:
        groups: The fleet.
        baseline: float64[A, T], failure probability without any cause.
        steps: Steps of each of the K releases.
        fits: Their explanations one by one.
        floor: Log likelihood of the best explanation without a release.
        lags: Delays and their prior.
        dispersion: Pearson's phi.
        settings: Priors.

    Returns:
        Each pair once, in the order that explains more; none where nothing is left to explain.
    """
    best: dict[tuple[int, int], PairFit] = {}
    scores = np.array([fit.log_likelihood for fit in fits])
    seconds = _best(scores, _SECOND)
    for first in _best(scores, _FIRST):
        effects = fits[first].effect_matrix(groups)
        elsewhere = (effects.max(axis=1, initial=0.0) == 0.0).astype(np.float64)[:, None]
        counts = (groups.trials * elsewhere, groups.failures * elsewhere)
        suffix = suffix_sums(cell_log_ratios(*counts, baseline)) / dispersion
        left = max(float(sums.max()) for sums in strata_sums(groups, suffix))
        if left < _LEFT_NATS:
            continue
        others = [second for second in seconds if second != first]
        rest = floor - fits[first].log_likelihood
        more = explain(groups, suffix, [steps[one] for one in others], lags, rest, settings)
        for second, fit in zip(others, more, strict=True):
            total = fits[first].log_likelihood + fit.log_likelihood
            names = (min(first, second), max(first, second))
            if names not in best or total > best[names].log_likelihood:
                best[names] = PairFit(first, second, total)
    return tuple(best[names] for names in sorted(best))


def _best(scores: NDArray[np.float64], count: int) -> list[int]:
    """Give those that explain most; exact copies of the last of them are as good as it is."""
    least = max(float(np.sort(scores)[-count:].min(initial=np.inf)), _ALONE_NATS)
    return [int(index) for index in np.flatnonzero(scores >= least)]
