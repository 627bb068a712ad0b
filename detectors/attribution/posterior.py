"""Probabilities of all concurrent releases, and of none of them, as the cause of an incident.

Model: a release adds a failure probability e to the operations that run it, after a delay, in part
of its scope and of its regions; "none" adds one from a bin nobody announced. The likelihood is
averaged over what is unknown (effect, delay, dose, strata, susceptible regions; onset, region), so
a flexible explanation pays for its freedom: a step that coincides with the onset earns about
log(number of bins) nats without any tuned decay. Log likelihoods are divided by Pearson's
dispersion phi (McCullagh & Nelder, Generalized Linear Models, 2nd edition, section 4.5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Cells, Groups, collapse
from detectors.attribution.control import baseline, dispersion_after, dispersion_before
from detectors.attribution.evidence import (
    Evidence,
    Setting,
    evidence_card,
    failing_regions,
)
from detectors.attribution.experiment import Experiment, next_experiment
from detectors.attribution.exposure import (
    ReleaseExposure,
    Step,
    exposure_matrix,
    onto_groups,
)
from detectors.attribution.lags import lags_of
from detectors.attribution.likelihood import EFFECTS, cell_log_ratios, log_sum, suffix_sums
from detectors.attribution.none_hypothesis import (
    NoneFit,
    explain_without,
    freest_effects,
    strata_sums,
)
from detectors.attribution.pairs import PairFit, explain_pairs
from detectors.attribution.priors import form_priors, log_pair_prior, log_priors
from detectors.attribution.release_fits import ReleaseFit
from detectors.attribution.release_hypothesis import explain
from detectors.attribution.settings import AttributionSettings, NoneForm
from detectors.attribution.ties import Parting, parting, ties
from detectors.attribution.timeline import timeline_around

__all__ = ["AttributionSettings", "Cells", "NoneForm", "Pair", "Ranking", "rank"]

_CONTROL_SECONDS = 3600.0
"""A step this long before the onset, or after it, disqualifies what it touches as a control."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two releases at once.

    Attributes:
        releases: Their indices, ascending.
        probability: Posterior probability that both are at work and together are the cause.
    """

    releases: tuple[int, int]
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The verdict on one incident.

    Attributes:
        probabilities: float64[K], posterior probability of each release. What a pair earns is
            shared by the two, half and half.
        none_probability: That of no known release; all sum to 1.
        none_forms: How `none_probability` divides among its forms.
        pairs: Pairs of releases that were worth a trial, most probable first.
        ties: Groups of release indices that the data cannot tell apart, ascending inside a group.
        partings: Where the first of each group and another one part, as far as they do.
        evidence: For each release an exact split of its log posterior odds against "none", alone.
        experiment: What to try next; None if there is nothing to try.
        dispersion: What log likelihoods were divided by: Pearson's phi over the learning rate.
    """

    probabilities: NDArray[np.float64]
    none_probability: float
    none_forms: Mapping[NoneForm, float]
    pairs: tuple[Pair, ...]
    ties: tuple[tuple[int, ...], ...]
    partings: tuple[Parting, ...]
    evidence: tuple[tuple[Evidence, ...], ...]
    experiment: Experiment | None
    dispersion: float


def rank(
    cells: Cells,
    releases: Sequence[ReleaseExposure],
    scope_series: NDArray[np.bool_],
    onset_bin: int,
    settings: AttributionSettings,
) -> Ranking:
    """Rank concurrent releases and "no known release" as the cause of an incident.

    Args:
        cells: The fleet's counts, S series by W bins; one-minute bins over a day serve well.
        releases: K candidates; none at all is allowed.
        scope_series: bool[S], the series in the incident's scope.
        onset_bin: First bin of the incident; clipped into the history.
        settings: Priors and bounds.

    Returns:
        The ranking. It depends on nothing but the arguments.

    Raises:
        ValueError: A mask does not have one entry per series.
    """
    _check(cells, releases, scope_series)
    bins = cells.trials.shape[1]
    first = int(np.clip(onset_bin, 0, bins - 1))
    timeline = timeline_around(first, bins, settings.bin_seconds)
    onset = int(np.searchsorted(timeline.edges, first))
    groups = collapse(cells, releases, scope_series, first, timeline)
    steps = [onto_groups(release, groups.members, groups.weights) for release in releases]
    controls = _controls(groups, steps, first, settings)
    ratio = baseline(groups, controls, onset, settings.control_failures, settings.bin_seconds)
    suffix = suffix_sums(cell_log_ratios(groups.trials, groups.failures, ratio))
    sums = strata_sums(groups, suffix)
    phi = settings.dispersion or (
        _dispersion(groups, ratio, sums, onset, settings) / settings.learning_rate
    )
    none = explain_without(groups, sums, _begun(groups, steps), phi, settings)
    tempered = suffix / phi
    lags = lags_of(settings)
    fits = explain(groups, tempered, steps, lags, none.best_at_once, settings)
    pair_fits = explain_pairs(groups, ratio, steps, fits, none.best_at_once, lags, phi, settings)
    posterior = _posterior(releases, fits, pair_fits, none, settings)
    setting = _setting(groups, ratio, phi, onset, none, settings)
    tied = _ties(setting, steps, posterior.releases, fits, settings)
    partings = (parting(groups, steps, (tie[0], other)) for tie in tied for other in tie[1:])
    return Ranking(
        probabilities=posterior.releases,
        none_probability=float(sum(posterior.forms.values())),
        none_forms=posterior.forms,
        pairs=posterior.pairs,
        ties=tied,
        partings=tuple(one for one in partings if one is not None),
        evidence=tuple(
            evidence_card(setting, fit, each, float(odds), float(prior))
            for fit, each, odds, prior in zip(
                fits, steps, posterior.log_odds, posterior.log_prior_odds, strict=True
            )
        ),
        experiment=next_experiment(
            groups, ratio, fits, posterior.releases, phi, settings.bin_seconds
        ),
        dispersion=phi,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Posterior:
    """Probabilities of everything.

    Attributes:
        releases: float64[K], with their halves of pairs.
        forms: Of each form of "none".
        pairs: Most probable first.
        log_odds: float64[K], log posterior odds of each release alone against "none".
        log_prior_odds: float64[K].
    """

    releases: NDArray[np.float64]
    forms: dict[NoneForm, float]
    pairs: tuple[Pair, ...]
    log_odds: NDArray[np.float64]
    log_prior_odds: NDArray[np.float64]


def _posterior(
    releases: Sequence[ReleaseExposure],
    fits: Sequence[ReleaseFit],
    pair_fits: Sequence[PairFit],
    none: NoneFit,
    settings: AttributionSettings,
) -> _Posterior:
    priors, prior_none = log_priors(releases, settings)
    scores = priors + np.array([fit.log_likelihood for fit in fits])
    shares = form_priors(settings)
    forms = np.array(
        [prior_none + np.log(share) + none.log_likelihoods[form] for form, share in shares]
    )
    together = np.array(
        [
            log_pair_prior(priors, (pair.first, pair.second), settings) + pair.log_likelihood
            for pair in pair_fits
        ]
    )
    total = float(log_sum(np.concatenate((scores, forms, together))))
    none_score = float(log_sum(forms))
    probabilities = np.exp(scores - total)
    pairs = []
    for pair, probability in zip(pair_fits, np.exp(together - total).tolist(), strict=True):
        members = (min(pair.first, pair.second), max(pair.first, pair.second))
        pairs.append(Pair(members, probability))
        probabilities[list(members)] += probability / 2.0
    return _Posterior(
        releases=probabilities,
        forms={
            form: float(np.exp(score - total))
            for (form, _), score in zip(shares, forms, strict=True)
        },
        pairs=tuple(sorted(pairs, key=lambda pair: (-pair.probability, pair.releases))),
        log_odds=scores - none_score,
        log_prior_odds=priors - prior_none,
    )


def _check(
    cells: Cells, releases: Sequence[ReleaseExposure], scope_series: NDArray[np.bool_]
) -> None:
    shape = cells.trials.shape[:1]
    if scope_series.shape != shape:
        raise ValueError(f"scope_series has shape {scope_series.shape}, not {shape}")
    for index, release in enumerate(releases):
        for mask in (release.declared, *(step.series for step in release.steps)):
            if mask.shape != shape:
                raise ValueError(f"a mask of release {index} has shape {mask.shape}, not {shape}")


def _controls(
    groups: Groups,
    steps: Sequence[Sequence[Step]],
    onset: int,
    settings: AttributionSettings,
) -> NDArray[np.bool_]:
    """bool[A], groups outside the incident's strata that nothing stepped into since its onset."""
    reach = _CONTROL_SECONDS / settings.bin_seconds
    controls = ~groups.in_scope
    for step in (step for each in steps for step in each):
        if step.bin >= onset - reach:
            controls &= ~step.groups
    return controls


def _begun(groups: Groups, steps: Sequence[Sequence[Step]]) -> NDArray[np.float64]:
    """float64[R], how many releases took their first step in each region, shared if in several."""
    begun = np.zeros(groups.region_count)
    for each in steps:
        regions = np.unique(groups.regions[each[0].groups]) if each else np.zeros(0, np.intp)
        begun[regions] += 1.0 / max(regions.size, 1)
    return begun


def _dispersion(
    groups: Groups,
    ratio: NDArray[np.float64],
    sums: Sequence[NDArray[np.float64]],
    onset: int,
    settings: AttributionSettings,
) -> float:
    node = min(1, len(sums) - 1)
    return max(
        dispersion_before(groups, ratio, onset, settings.bin_seconds),
        dispersion_after(groups, ratio, freest_effects(sums[node]), groups.strata[node].groups),
    )


def _setting(
    groups: Groups,
    ratio: NDArray[np.float64],
    phi: float,
    onset: int,
    none: NoneFit,
    settings: AttributionSettings,
) -> Setting:
    return Setting(
        groups=groups,
        baseline=ratio,
        dispersion=phi,
        onset=onset,
        bin_seconds=settings.bin_seconds,
        none=none,
        none_effects=none.effect_matrix(groups),
        failing=failing_regions(groups, ratio, onset, phi),
    )


def _ties(
    setting: Setting,
    steps: Sequence[Sequence[Step]],
    probabilities: NDArray[np.float64],
    fits: Sequence[ReleaseFit],
    settings: AttributionSettings,
) -> tuple[tuple[int, ...], ...]:
    """Compare exposures where the incident is, at the effect that explains it best."""
    groups = setting.groups
    inside = groups.in_scope
    none_lags = np.zeros(groups.regions.size, np.int64)
    exposures = np.zeros((len(steps), int(inside.sum()) * groups.spans))
    for index, each in enumerate(steps):
        top = max((step.exposure for step in each), default=0.0) or 1.0
        exposures[index] = exposure_matrix(each, none_lags, groups.timeline)[inside].ravel() / top
    effects = [float(setting.none.effects.max()), *(float(fit.effects.max()) for fit in fits)]
    best = int(
        np.argmax(
            [setting.none.log_likelihoods[setting.none.form]] + [fit.log_likelihood for fit in fits]
        )
    )
    order = np.lexsort((np.arange(len(steps)), -probabilities)).tolist()
    return ties(
        exposures,
        groups.trials[inside].ravel() / setting.dispersion,
        setting.baseline[inside].ravel(),
        max(effects[best], float(EFFECTS[0])),
        order,
        settings.tie_nats,
    )
