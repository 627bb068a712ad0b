"""How well the failures are explained without any known release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Groups, region_sums
from detectors.attribution.exposure import Step, exposure_matrix
from detectors.attribution.likelihood import EFFECTS, GRID, log_integral, log_sum
from detectors.attribution.settings import AttributionSettings, NoneForm
from detectors.attribution.unfolding import unfolded_steps, unfolded_sums, unfoldings
from detectors.attribution.unit_mixture import susceptible

_FAILING_NATS = 10.0
"""A region with this log likelihood ratio certainly fails; weaker ones tell nothing of noise."""
_UNREGISTERED = 0.4
"""Share of lone regions that fail by a rollout nobody registered: it begins where others begin."""
_REACHED = 0.95
"""Share of the regions that something global reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class NoneFit:
    """The evidence for each form of "none" and the best single explanation.

    Attributes:
        log_likelihoods: Log of each form's average likelihood, against quiet.
        form: The form of the best single explanation.
        groups: bool[A], where that one does harm.
        onsets: int64[R], from which span on.
        effects: float64[R], failure probability added there.
        log_onset_prior: Log prior of one common onset, 0 when there is none.
        unfold_bins: How long effects grow, in bins.
        best_at_once: Log likelihood of the best form with effects that are there at once.
    """

    log_likelihoods: Mapping[NoneForm, float]
    form: NoneForm
    groups: NDArray[np.bool_]
    onsets: NDArray[np.int64]
    effects: NDArray[np.float64]
    log_onset_prior: float
    unfold_bins: int
    best_at_once: float

    def effect_matrix(self, groups: Groups) -> NDArray[np.float64]:
        """Return float64[A, T], the failure probability this explanation adds to each cell."""
        begins = groups.timeline.edges[self.onsets][groups.regions]
        step = (Step(0, self.groups, 1.0),)
        grown = exposure_matrix(unfolded_steps(step, self.unfold_bins), begins, groups.timeline)
        return grown * self.effects[groups.regions][:, None]


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """One form in one node of the lattice; its score includes their priors."""

    score: float
    form: NoneForm
    groups: NDArray[np.bool_]
    onsets: NDArray[np.int64]
    effects: NDArray[np.float64]
    log_onset_prior: float
    unfold_bins: int = 0


def strata_sums(groups: Groups, suffix: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Sum the log likelihood ratios of each region in each node of the lattice.

    Args:
        groups: The fleet.
        suffix: float64[A, T + 1, G].

    Returns:
        For each node float64[R, T + 1, G], for an onset at each edge.
    """
    return tuple(
        region_sums(suffix[node.groups], groups.regions[node.groups], groups.region_count)
        for node in groups.strata
    )


def freest_effects(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit each region alone, with its own onset and effect.

    Args:
        sums: float64[R, T + 1, G] of one node.

    Returns:
        float64[R, T], the effect from the region's onset on; 0 in regions that do not fail.
    """
    regions, bins = sums.shape[0], sums.shape[1] - 1
    flat = sums[:, :-1].reshape(regions, bins * GRID)
    best = np.argmax(flat, axis=1)
    failing = flat[np.arange(regions), best] > _FAILING_NATS
    onset, effect = np.divmod(best, GRID)
    active = failing[:, None] & (np.arange(bins) >= onset[:, None])
    return np.where(active, EFFECTS[effect][:, None], 0.0)


def explain_without(
    groups: Groups,
    sums: Sequence[NDArray[np.float64]],
    begun: NDArray[np.float64],
    dispersion: float,
    settings: AttributionSettings,
) -> NoneFit:
    """Average the likelihood of each form of "none" over onset, effect, region and strata.

    Args:
        groups: The fleet.
        sums: For each node of the lattice float64[R, T + 1, G].
        begun: float64[R], how many known rollouts began in each region.
        dispersion: What log likelihoods are divided by.
        settings: Priors.

    Returns:
        The evidence for each form.
    """
    weights = np.array([2.0**-node.depth for node in groups.strata])
    log_weights = np.log(weights / weights.sum())
    candidates = [_quiet(groups)]
    moments = groups.timeline.log_shares
    places = _places(begun)
    for way in unfoldings(settings):
        for node, values, weight in zip(groups.strata, sums, log_weights, strict=True):
            log_weight = float(weight) + way.log_prior
            grown = unfolded_sums(values / dispersion, groups.timeline, way.bins)[:, :-1]
            found = _forms(node.groups, grown, log_weight, moments, places, settings)
            candidates += [replace(one, unfold_bins=way.bins) for one in found]
    log_likelihoods = {
        form: float(log_sum(np.array([c.score for c in candidates if c.form is form])))
        for form in NoneForm
    }
    shares = dict(settings.none_forms)
    best = max(candidates, key=lambda c: c.score + np.log(shares[c.form]))
    return NoneFit(
        log_likelihoods,
        best.form,
        best.groups,
        best.onsets,
        best.effects,
        best.log_onset_prior,
        best.unfold_bins,
        max(one.score for one in candidates if one.unfold_bins == 0),
    )


def _places(begun: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log prior of a lone region: any of them, or one where rollouts use to begin."""
    every = np.full(begun.size, 1.0 / begun.size)
    usual = begun / begun.sum() if begun.any() else every
    places: NDArray[np.float64] = np.log((1.0 - _UNREGISTERED) * every + _UNREGISTERED * usual)
    return places


def _quiet(groups: Groups) -> _Candidate:
    regions = groups.region_count
    onsets = np.zeros(regions, dtype=np.int64)
    return _Candidate(0.0, NoneForm.QUIET, groups.strata[0].groups, onsets, np.zeros(regions), 0.0)


def _forms(
    members: NDArray[np.bool_],
    sums: NDArray[np.float64],
    log_weight: float,
    moments: NDArray[np.float64],
    places: NDArray[np.float64],
    settings: AttributionSettings,
) -> list[_Candidate]:
    """All loud forms in one node.

    Args:
        members: bool[A], the node.
        sums: float64[R, T, G], tempered log likelihoods.
        log_weight: Log prior of the node.
        moments: float64[T], log prior of an onset in each span.
        places: float64[R], log prior of a lone region.
        settings: Priors.
    """
    regions, spans, _ = sums.shape
    unit = np.arange(regions)
    own = np.argmax(sums, axis=2)
    marginal = log_integral(sums)
    weighed = marginal + moments

    placed = weighed + places[:, None]
    alone, at_alone = np.divmod(int(np.argmax(placed)), spans)
    one = float(log_sum(placed, axis=(0, 1)))
    one_effects = np.where(unit == alone, EFFECTS[own[alone, at_alone]], 0.0)

    common = sums.sum(axis=0)
    equal = log_integral(common)
    different = susceptible(marginal, ((_REACHED, 1.0),))
    everything = np.logaddexp(equal, different) - np.log(2.0) + moments
    at = int(np.argmax(everything))
    same = np.full(regions, EFFECTS[np.argmax(common[at])])
    reached = same if equal[at] >= different[at] else _reacting(marginal, own, at)

    partial = susceptible(marginal, settings.reached_shares) + moments
    at_partial = int(np.argmax(partial))

    free = log_sum(weighed, axis=1)
    begins = np.argmax(weighed, axis=1)
    spread = float(susceptible(free, (*settings.reached_shares, (_REACHED, 0.25))))
    spread_effects = np.where(free > 0.0, EFFECTS[own[unit, begins]], 0.0)

    def at_once(
        score: float, form: NoneForm, span: int, effects: NDArray[np.float64]
    ) -> _Candidate:
        onsets = np.full(regions, span, dtype=np.int64)
        prior = float(moments[span])
        return _Candidate(score + log_weight, form, members, onsets, effects, prior)

    return [
        at_once(one, NoneForm.ONE_REGION, at_alone, one_effects),
        at_once(float(log_sum(everything)), NoneForm.EVERYTHING, at, reached),
        at_once(
            float(log_sum(partial)),
            NoneForm.UPSTREAM,
            at_partial,
            _reacting(marginal, own, at_partial),
        ),
        _Candidate(
            spread + log_weight,
            NoneForm.SPREADING,
            members,
            begins.astype(np.int64),
            spread_effects,
            0.0,
        ),
    ]


def _reacting(marginal: NDArray[np.float64], own: NDArray[np.intp], at: int) -> NDArray[np.float64]:
    return np.where(marginal[:, at] > 0.0, EFFECTS[own[:, at]], 0.0)
