"""Evidence cards: why a release is, or is not, more probable than no known release.

The log posterior odds of a release against "none" are split exactly. The cells of the data go to
one row each, with the log likelihood ratio between the best single explanation of either side.
What the averages over all explanations add is the row on freedom, the priors are the last row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from detectors.attribution.cells import Groups
from detectors.attribution.exposure import Step, exposure_matrix
from detectors.attribution.likelihood import log_ratio
from detectors.attribution.none_hypothesis import NoneFit
from detectors.attribution.release_fits import ReleaseFit


class EvidenceKind(Enum):
    """Rows of an evidence card."""

    ONSET_AGAINST_EXPOSURE = "onset_against_exposure"
    EXPOSED_BUT_HEALTHY = "exposed_but_healthy"
    UNEXPOSED_BUT_FAILING = "unexposed_but_failing"
    DOSE_RESPONSE = "dose_response"
    OTHER_STRATA = "other_strata"
    FREEDOM = "freedom"
    PRIOR = "prior"


_AGAINST = frozenset(
    {
        EvidenceKind.ONSET_AGAINST_EXPOSURE,
        EvidenceKind.EXPOSED_BUT_HEALTHY,
        EvidenceKind.UNEXPOSED_BUT_FAILING,
        EvidenceKind.OTHER_STRATA,
    }
)
"""Rows that can clear a release. That what ran it failed, too, would only confuse its owner."""
_REASONS = 2
"""More reasons convince nobody more."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row of an evidence card.

    Attributes:
        kind: What was compared.
        log_likelihood_ratio: Nats in favour of the release, negative against it.
        figures: The counts and times behind it.
    """

    kind: EvidenceKind
    log_likelihood_ratio: float
    figures: Mapping[str, float | int]


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What all evidence cards of one ranking share.

    Attributes:
        groups: The fleet.
        baseline: float64[A, T], baseline failure probability.
        dispersion: Pearson's phi.
        onset: First span of the incident.
        bin_seconds: Length of a bin.
        none: The explanation without a release.
        none_effects: float64[A, T], what that explanation adds to each cell.
        failing: bool[R], regions that fail in the incident's scope after its onset.
    """

    groups: Groups
    baseline: NDArray[np.float64]
    dispersion: float
    onset: int
    bin_seconds: float
    none: NoneFit
    none_effects: NDArray[np.float64]
    failing: NDArray[np.bool_]


def failing_regions(
    groups: Groups, baseline: NDArray[np.float64], onset: int, dispersion: float
) -> NDArray[np.bool_]:
    """Tell which regions fail in the incident's scope from its onset on.

    Args:
        groups: The fleet.
        baseline: float64[A, T], baseline failure probability.
        onset: First span of the incident.
        dispersion: Pearson's phi.

    Returns:
        bool[R]: an excess of more than three standard deviations.
    """
    inside = groups.in_scope
    expected = (groups.trials * baseline)[inside, onset:].sum(axis=1)
    observed = groups.failures[inside, onset:].sum(axis=1)
    count = groups.region_count
    regions = groups.regions[inside]
    excess = np.bincount(regions, observed - expected, count)
    mean = np.bincount(regions, expected, count)
    failing: NDArray[np.bool_] = excess > 3.0 * np.sqrt(dispersion * (mean + 1.0))
    return failing


def evidence_card(
    setting: Setting,
    fit: ReleaseFit,
    steps: tuple[Step, ...],
    log_odds: float,
    log_prior_odds: float,
) -> tuple[Evidence, ...]:
    """Split a release's log posterior odds against "none" into rows.

    Args:
        setting: What all cards share.
        fit: The release's explanation.
        steps: Its steps as they were.
        log_odds: Log posterior odds against all forms of "none".
        log_prior_odds: Log prior odds against all forms of "none".

    Returns:
        One row of each kind; their log likelihood ratios add up to `log_odds`.
    """
    groups = setting.groups
    gain = _gain(setting, fit.effect_matrix(groups))
    exposure = exposure_matrix(steps, np.zeros(groups.regions.size, np.int64), groups.timeline)
    rows = []
    for kind, cells in _buckets(setting, exposure > 0.0).items():
        figures = _counts(setting, cells)
        ratio = float(gain[cells].sum())
        if kind is EvidenceKind.ONSET_AGAINST_EXPOSURE:
            # What naming the moment is worth: the step names it, "none" has to guess it.
            ratio += fit.log_lag_prior - setting.none.log_onset_prior
            figures |= _timing(setting, steps)
        elif kind is EvidenceKind.DOSE_RESPONSE:
            figures |= {"largest_exposure": float(exposure[cells].max(initial=0.0))}
        rows.append(Evidence(kind, ratio, figures))
    rest = log_odds - log_prior_odds - sum(row.log_likelihood_ratio for row in rows)
    rows.append(Evidence(EvidenceKind.FREEDOM, rest, {}))
    rows.append(
        Evidence(EvidenceKind.PRIOR, log_prior_odds, {"prior_odds": float(np.exp(log_prior_odds))})
    )
    return tuple(rows)


def sentence(evidence: Evidence, name: str) -> str:
    """Say what a row of evidence means.

    Args:
        evidence: The row.
        name: The release, as readers know it.

    Returns:
        One sentence in plain English, without the nats.
    """
    figures = evidence.figures
    match evidence.kind:
        case EvidenceKind.ONSET_AGAINST_EXPOSURE:
            return _onset_sentence(figures, name)
        case EvidenceKind.EXPOSED_BUT_HEALTHY | EvidenceKind.DOSE_RESPONSE:
            return _exposed_sentence(evidence.kind, figures, name)
        case EvidenceKind.UNEXPOSED_BUT_FAILING:
            return _unexposed_sentence(figures, name)
        case EvidenceKind.OTHER_STRATA:
            return f"Outside the scope of the incident: {_tally(figures)}."
        case EvidenceKind.FREEDOM:
            return f"How freely {name}, and an unregistered cause, had to be fitted to the data."
        case EvidenceKind.PRIOR:
            return f"Before the data the odds of {name} were {figures['prior_odds']:.2g} to 1."


def exoneration(card: Sequence[Evidence], name: str) -> str:
    """Say why a release is not the cause, by the strongest evidence against it.

    Args:
        card: Its evidence card.
        name: The release, as its owner knows it.

    Returns:
        One to three sentences in plain English.
    """
    against = sorted(
        (row for row in card if row.kind in _AGAINST and row.log_likelihood_ratio < -1.0),
        key=lambda row: row.log_likelihood_ratio,
    )
    if not against:
        return f"Nothing that was seen needs {name} as its cause: another explanation fits better."
    return " ".join(sentence(row, name) for row in against[:_REASONS])


def _onset_sentence(figures: Mapping[str, float | int], name: str) -> str:
    early = f" Before that, what ran it saw {_tally(figures)}." if figures["trials"] else ""
    if "step_to_onset_seconds" not in figures:
        return f"No step of {name} came before the onset of the failures.{early}"
    minutes = figures["step_to_onset_seconds"] / 60.0
    return f"The last step of {name} came {minutes:.0f} minutes before the onset.{early}"


def _exposed_sentence(kind: EvidenceKind, figures: Mapping[str, float | int], name: str) -> str:
    if kind is EvidenceKind.EXPOSED_BUT_HEALTHY:
        if not figures["trials"]:
            return f"No region of the incident that ran {name} stayed healthy."
        return f"{_regions(figures)} ran {name} and stayed healthy: {_tally(figures)}."
    if not figures["trials"]:
        return f"No failing region ran {name}."
    dose = f"at up to {figures['largest_exposure']:.0%} exposure"
    return f"{_regions(figures)} that ran {name} {dose} failed: {_tally(figures)}."


def _unexposed_sentence(figures: Mapping[str, float | int], name: str) -> str:
    if not figures["trials"]:
        return f"Everything in the scope of the incident ran {name}."
    verb = "failed" if _fails(figures) else "was healthy"
    return f"What did not run {name} {verb}: {_tally(figures)}."


def _regions(figures: Mapping[str, float | int]) -> str:
    return "1 region" if figures["regions"] == 1 else f"{figures['regions']} regions"


def _tally(figures: Mapping[str, float | int]) -> str:
    return (
        f"{figures['failures']} of {figures['trials']} operations failed, "
        f"{figures['expected_failures']:.1f} expected"
    )


def _fails(figures: Mapping[str, float | int]) -> bool:
    expected = figures["expected_failures"]
    return figures["failures"] > expected + 3.0 * float(np.sqrt(expected + 1.0))


def _gain(setting: Setting, effects: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[A, T], nats by which the release explains each cell better than "none"."""
    gain = np.zeros(effects.shape)
    seen = setting.groups.trials > 0.0
    seen &= (effects > 0.0) | (setting.none_effects > 0.0)
    data = (setting.groups.trials[seen], setting.groups.failures[seen], setting.baseline[seen])
    gain[seen] = log_ratio(*data, effects[seen]) - log_ratio(*data, setting.none_effects[seen])
    gain /= setting.dispersion
    return gain


def _buckets(setting: Setting, exposed: NDArray[np.bool_]) -> dict[EvidenceKind, NDArray[np.bool_]]:
    """Sort every cell into exactly one row."""
    groups = setting.groups
    inside = np.broadcast_to(groups.in_scope[:, None], exposed.shape)
    later = np.broadcast_to(np.arange(groups.spans) >= setting.onset, exposed.shape)
    failing = np.broadcast_to(setting.failing[groups.regions][:, None], exposed.shape)
    now = inside & later
    return {
        EvidenceKind.ONSET_AGAINST_EXPOSURE: inside & ~later,
        EvidenceKind.EXPOSED_BUT_HEALTHY: now & exposed & ~failing,
        EvidenceKind.UNEXPOSED_BUT_FAILING: now & ~exposed,
        EvidenceKind.DOSE_RESPONSE: now & exposed & failing,
        EvidenceKind.OTHER_STRATA: ~inside,
    }


def _counts(setting: Setting, cells: NDArray[np.bool_]) -> dict[str, float | int]:
    groups = setting.groups
    busy = (cells & (groups.trials > 0.0)).any(axis=1)
    return {
        "trials": int(groups.trials[cells].sum()),
        "failures": int(groups.failures[cells].sum()),
        "expected_failures": float((groups.trials * setting.baseline)[cells].sum()),
        "regions": int(np.unique(groups.regions[busy]).size),
    }


def _timing(setting: Setting, steps: tuple[Step, ...]) -> dict[str, float | int]:
    """Seconds between the onset and the last step before it that touched the incident."""
    onset = int(setting.groups.timeline.edges[setting.onset])
    before = [
        step.bin
        for step in steps
        if step.bin <= onset and bool((step.groups & setting.groups.in_scope).any())
    ]
    if not before:
        return {}
    return {"step_to_onset_seconds": (onset - max(before)) * setting.bin_seconds}
