"""Ways of choosing a release that the ranking has to beat, on the same counts and events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from detectors.arrays import Flags, Floats, Integers
from detectors.attribution.exposure import ReleaseExposure
from detectors.attribution.posterior import Cells
from detectors.evaluation.attribution.locating import Located


class Baseline(Enum):
    """A way of choosing a release."""

    LATEST_START = "latest start"
    """The release whose last step before the onset is the latest."""
    DIFFERENCES = "difference in differences"
    """The release after whose steps the failure ratio rose most against what it had not reached."""
    VOTE_AND_VETO = "vote and veto"
    """The release after whose steps faults came that had not been there before."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a baseline may look at.

    Attributes:
        cells: Counts in one-minute bins, S series by T bins.
        releases: The known releases.
        located: Estimated scope and onset.
    """

    cells: Cells
    releases: Sequence[ReleaseExposure]
    located: Located


def choices(evidence: Evidence) -> Mapping[Baseline, int | None]:
    """Let every baseline choose a release; None where it finds nothing that speaks for any."""
    return {baseline: _best(score(evidence)) for baseline, score in _SCORES.items()}


_TOLD_LATE: Final = 2.0
"""Minutes by which events are told late; without them the latest start misses every second step."""


def latest_start(evidence: Evidence) -> Floats:
    """Score each release by the bin of its last step up to the onset, shape [K]."""
    onset = evidence.located.onset + _TOLD_LATE
    last = [
        max((step.bin for step in release.steps if step.bin <= onset), default=-np.inf)
        for release in evidence.releases
    ]
    return np.array(last, dtype=np.float64)


_WINDOW: Final = 60
"""Minutes before and after a step in which failure ratios are compared."""


def difference_in_differences(evidence: Evidence) -> Floats:
    """Score each release by how much more failures rose where it came than where it had not been.

    Statistic: z = D / sqrt(Var D), where D is the sum, over the moments at which series were first
    reached, of their operations times (change of their failure ratio minus the change of the ratio
    in series not reached by the end of the comparison), an hour after against an hour before, in
    the incident's strata (for software changes: Zhang et al., CoNEXT 2015).

    Args:
        evidence: Counts, releases and the located incident.

    Returns:
        Shape [K].
    """
    cells = evidence.cells
    strata = _strata(cells, evidence.located.scope)
    trials, failures = (_running(counts) for counts in (cells.trials, cells.failures))
    scores = [
        _differences(trials, failures, strata, _first_exposed(release, strata.size))
        for release in evidence.releases
    ]
    return np.array(scores, dtype=np.float64)


_BLOCK: Final = 5
"""Minutes in which faults are counted together: one minute of one series holds too few."""
_SIGMAS: Final = 3.0
_VOTES: Final = ((60, 1.0), (24 * 60, 0.5), (72 * 60, 0.25))
"""Minutes after a deployment in which faults are votes, and the weights of their scores."""
_VETO: Final = 72 * 60
"""Minutes before a deployment in which faults are vetoes."""
_LEAST_SHARE: Final = 0.5
"""Share of the failing series that a release must have reached, or it comes last."""
_DECAY: Final = 48 * 60.0
"""Minutes in which the score of an old release falls by a factor of e."""


def vote_and_veto(evidence: Evidence) -> Floats:
    """Score each release by the faults after its deployment against those before it.

    Statistic: exp(-age / 48 h) sum_i w_i log((P_i - B + 1) / (B + 1)) over the windows with
    P_i > B, where P_i are the faults of the series it reached within 1, 24 and 72 hours of being
    reached, B those in the 72 hours before, age the time from its first step to the incident's
    onset; if it reached less than half of the failing series, it comes after all that reached more
    (after Li et al., Gandalf, NSDI 2020). A fault is a failure in excess of what was expected, in
    five minutes of a series of the incident's strata that exceed it by three standard deviations.
    The window between two deployments is left out: hardly a release here is deployed twice. A
    series that was reached before the history begins has no vote, since nothing can veto it.

    Args:
        evidence: Counts, releases and the located incident.

    Returns:
        Shape [K].
    """
    scope, onset = evidence.located.scope, evidence.located.onset // _BLOCK
    faults = _faults(evidence.cells) * _strata(evidence.cells, scope)[:, np.newaxis]
    running = _running(faults)
    failing = scope & (faults[:, onset:].sum(axis=1) > 0)
    scores = []
    for release in evidence.releases:
        first = np.floor(_first_exposed(release, failing.size) / _BLOCK)
        reached = failing & (first < faults.shape[1])
        share = int(reached.sum()) / max(int(failing.sum()), 1)
        score = _votes(running, first)
        age = max(evidence.located.onset - release.first_seen, 0.0)
        scores.append(score * np.exp(-age / _DECAY) if share >= _LEAST_SHARE else share - 1.0)
    return np.array(scores, dtype=np.float64)


_SCORES: Final[Mapping[Baseline, Callable[[Evidence], Floats]]] = {
    Baseline.LATEST_START: latest_start,
    Baseline.DIFFERENCES: difference_in_differences,
    Baseline.VOTE_AND_VETO: vote_and_veto,
}


def _best(scores: Floats) -> int | None:
    """Give the release with the highest score, the first among equals; None without any."""
    return int(np.argmax(scores)) if scores.size and scores.max() > -np.inf else None


def _strata(cells: Cells, scope: Flags) -> Flags:
    """Give the series like those of a scope, in whatever region, shape [S]."""
    inside = np.ones(scope.size, dtype=np.bool_)
    for dimension, column in enumerate(cells.codes.T):
        if dimension != cells.region_dimension:
            inside &= np.isin(column, column[scope])
    return inside


def _first_exposed(release: ReleaseExposure, series: int) -> Floats:
    """Give the first bin in which each series runs a release, infinite if none; shape [S]."""
    first = np.full(series, np.inf)
    for step in release.steps:
        if step.exposure > 0.0:
            reached = np.floor(step.bin + 0.5)
            first[step.series] = np.minimum(first[step.series], reached)
    return first


def _running(counts: Integers | Floats) -> Floats:
    """Give running sums with a zero in front, shape [S, T + 1]."""
    sums = np.zeros((counts.shape[0], counts.shape[1] + 1))
    np.cumsum(counts, axis=1, out=sums[:, 1:])
    return sums


def _differences(trials: Floats, failures: Floats, strata: Flags, first: Floats) -> float:
    """Give the score of one release from running sums [S, T + 1] and first exposed bins [S]."""
    bins = trials.shape[1] - 1
    total = variance = 0.0
    for moment in np.unique(first[strata & (first > 0) & (first < bins)]).astype(int).tolist():
        end = min(moment + _WINDOW, bins)
        edges = (max(moment - _WINDOW, 0), moment, end)
        reached = _change(trials, failures, strata & (first == moment), edges)
        control = _change(trials, failures, strata & (first >= end), edges)
        if reached.operations == 0.0:
            continue
        total += reached.operations * (reached.rise - control.rise)
        variance += reached.operations**2 * (reached.variance + control.variance)
    return total / float(np.sqrt(variance)) if total > 0.0 else -np.inf


@dataclass(frozen=True, slots=True)
class _Change:
    """Change of a failure ratio, its variance, and the operations after it; 0 if unknown."""

    rise: float
    variance: float
    operations: float


def _change(trials: Floats, failures: Floats, rows: Flags, edges: tuple[int, int, int]) -> _Change:
    """Compare the ratio of some series between the edges of two neighbouring stretches."""
    before, after = np.diff(trials[rows][:, edges].sum(axis=0)).tolist()
    failed_before, failed_after = np.diff(failures[rows][:, edges].sum(axis=0)).tolist()
    if not before or not after:
        return _Change(0.0, 0.0, 0.0)
    # Pooled and shrunk a little, so that no failures at all still leave some doubt.
    ratio = (failed_before + failed_after + 0.5) / (before + after + 1.0)
    variance = ratio * (1.0 - ratio) * (1.0 / before + 1.0 / after)
    return _Change(failed_after / after - failed_before / before, variance, after)


def _faults(cells: Cells) -> Floats:
    """Give the failures in excess where they are conspicuous, shape [S, ceil(T / 5)]."""
    starts = np.arange(0, cells.trials.shape[1], _BLOCK)
    expected = np.add.reduceat(cells.expected, starts, axis=1)
    excess = np.add.reduceat(cells.failures, starts, axis=1) - expected
    # A quarter of a failure keeps one failure of a quiet series from being conspicuous.
    return np.where(excess > _SIGMAS * np.sqrt(expected + 0.25), excess, 0.0)


def _votes(running: Floats, first: Floats) -> float:
    """Give the sum of the votes' scores, without decay."""
    blocks = running.shape[1] - 1
    rows = np.flatnonzero((first > 0) & (first < blocks))
    at = first[rows].astype(int)

    def between(begin: Integers, end: Integers) -> float:
        low, high = np.clip(begin, 0, blocks), np.clip(end, 0, blocks)
        return float((running[rows, high] - running[rows, low]).sum())

    before = between(at - _VETO // _BLOCK, at)
    score = 0.0
    for minutes, weight in _VOTES:
        after = between(at, at + minutes // _BLOCK)
        if after > before:
            score += weight * float(np.log((after - before + 1.0) / (before + 1.0)))
    return score
