"""Explanations of failures by one release at given doses: how alike its regions have to be."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Groups
from detectors.attribution.exposure import Step, exposure_matrix
from detectors.attribution.lags import LagGrid
from detectors.attribution.likelihood import EFFECTS, log_integral, log_sum
from detectors.attribution.settings import AttributionSettings
from detectors.attribution.unit_mixture import susceptible

_COMMON_EFFECT = np.log(0.5)
"""All regions show one effect after one delay."""
_COMMON_LAG = np.log(0.25)
"""Each region reacts or does not, and as badly as it likes, after one delay."""
_OWN_LAG = np.log(0.25)
"""Each region also has a delay of its own: stages begin when they begin."""


@dataclass(frozen=True, slots=True, eq=False)
class ReleaseFit:
    """The evidence for a release and its best single explanation.

    Attributes:
        log_likelihood: Log of the likelihood averaged over all explanations, against quiet.
        steps: The release's steps, exposure scaled to its largest.
        groups: bool[A], where it does harm.
        lags: int64[R], bins by which each region's failures follow the steps.
        effects: float64[R], failure probability at the release's largest exposure.
        log_lag_prior: Log prior of the common delay, 0 when regions have their own.
    """

    log_likelihood: float
    steps: tuple[Step, ...]
    groups: NDArray[np.bool_]
    lags: NDArray[np.int64]
    effects: NDArray[np.float64]
    log_lag_prior: float

    def effect_matrix(self, groups: Groups) -> NDArray[np.float64]:
        """Return float64[A, T], the failure probability this explanation adds to each cell."""
        exposure = exposure_matrix(self.steps, self.lags[groups.regions], groups.timeline)
        effect: NDArray[np.float64] = exposure * self.effects[groups.regions][:, None]
        effect[~self.groups] = 0.0
        return effect


def fits_of(
    steps: tuple[Step, ...],
    inside: NDArray[np.bool_],
    sums: NDArray[np.float64],
    log_prior: float,
    lags: LagGrid,
    settings: AttributionSettings,
) -> Iterator[ReleaseFit]:
    """Fit a release in one node of the lattice, in three ways in which regions may differ.

    Args:
        steps: Its steps, doses in place of exposures.
        inside: bool[A], the groups of the node that it touches.
        sums: float64[R, L, G], tempered log likelihoods of the regions by delay and effect.
        log_prior: Of the node and the doses.
        lags: The L delays.
        settings: Shares of regions that react.
    """
    regions = sums.shape[0]
    own = np.argmax(sums, axis=2)
    common = sums.sum(axis=0)
    each = lags.log_prior + log_integral(common)
    at = int(np.argmax(each))
    evidence = log_prior + _COMMON_EFFECT + float(log_sum(each))
    effect = np.full(regions, EFFECTS[np.argmax(common[at])])
    lag = np.full(regions, lags.bins[at])
    yield ReleaseFit(evidence, steps, inside, lag, effect, float(lags.log_prior[at]))

    marginal = log_integral(sums)
    each = lags.log_prior + susceptible(marginal, settings.susceptible_shares)
    at = int(np.argmax(each))
    evidence = log_prior + _COMMON_LAG + float(log_sum(each))
    effect = np.where(marginal[:, at] > 0.0, EFFECTS[own[:, at]], 0.0)
    lag = np.full(regions, lags.bins[at])
    yield ReleaseFit(evidence, steps, inside, lag, effect, float(lags.log_prior[at]))

    weighed = marginal + lags.log_prior
    delay = np.argmax(weighed, axis=1)
    free = log_sum(weighed, axis=1)
    evidence = log_prior + _OWN_LAG + float(susceptible(free, settings.susceptible_shares))
    effect = np.where(free > 0.0, EFFECTS[own[np.arange(regions), delay]], 0.0)
    yield ReleaseFit(evidence, steps, inside, lags.bins[delay], effect, 0.0)
