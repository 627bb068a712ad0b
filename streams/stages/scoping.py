"""Where an incident happens and since when: its scope and onset, read from the history."""

import numpy as np

from detectors.onset import locate
from detectors.scope import ScopeSettings, smallest_scope
from streams.stages.history import Bool, Float64, History
from streams.stages.region_counts import RegionCounts
from streams.stages.tracking import TrackedIncident


def frozen_baseline(history: History, onset: int, now: int) -> Float64:
    """Give the (S,) baseline from before an onset; where a series had none, its newest."""
    before = history.baseline_at(onset - 1)
    return np.where(np.isnan(before), np.nan_to_num(history.baseline_at(now)), before)


def find_scope(
    history: History, baseline: Float64, first: int, last: int, excluded: Bool
) -> tuple[dict[str, tuple[str, ...]], float]:
    """Find the smallest scope that explains the failures of some windows.

    Args:
        history: Counts of all series.
        baseline: (S,) failure probability in control.
        first: First window that counts.
        last: Last window that counts.
        excluded: (S,) series that another incident explains.

    Returns:
        Dimension -> values, and the log-likelihood ratio of the scope against no change.
    """
    stretch = history.stretch(first, last)
    trials = np.where(excluded, 0, stretch.trials.sum(axis=1))
    failures = np.where(excluded, 0, stretch.failures.sum(axis=1))
    values = history.values
    found = smallest_scope(
        trials,
        failures,
        trials * baseline,
        history.codes,
        [len(names) for names in values],
        ScopeSettings(),
    )
    scope = {
        name: tuple(sorted(names[code] for code in codes))
        for name, names, codes in zip(history.dimensions, values, found.values, strict=True)
        if codes is not None
    }
    return scope, found.log_likelihood_ratio


def locate_onset(
    history: History, mask: Bool, baseline: Float64, first: int, last: int
) -> tuple[int, int, int]:
    """Find since when a scope fails.

    Args:
        history: Counts of all series.
        mask: (S,) series in the scope.
        baseline: (S,) failure probability in control.
        first: First window it may be.
        last: Last window that counts.

    Returns:
        The most likely window, and the first and last of its 90 % interval.
    """
    stretch = history.stretch(first, last, mask)
    trials = stretch.trials.sum(axis=0)
    failures = stretch.failures.sum(axis=0)
    expected = float(stretch.trials.sum(axis=1) @ baseline[mask])
    found = locate(
        trials[:, np.newaxis].astype(np.float64),
        failures[:, np.newaxis].astype(np.float64),
        np.array([expected / max(int(trials.sum()), 1)]),
        np.zeros(1, np.int64),
        rising=np.ones(1, np.bool_),
    )
    places = (found.best, found.low, found.high)
    best, low, high = (stretch.first + int(place[0]) for place in places)
    return best, low, high


def pool(history: History, incident: TrackedIncident, first: int, last: int) -> RegionCounts:
    """Pool the incident's scope by region over some windows."""
    mask = history.matches(incident.scope)
    stretch = history.stretch(first, last, mask)
    region = history.dimensions.index("region")
    return RegionCounts.pooled(
        stretch.first,
        stretch.trials,
        stretch.failures,
        stretch.trials * incident.baseline[mask, np.newaxis],
        history.codes[mask, region],
        len(history.values[region]),
    )
