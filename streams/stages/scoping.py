"""Where an incident happens and since when: its scope and onset, read from the history."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detectors.onset import locate
from detectors.scope import ScopeSettings, smallest_scope
from streams.stages.history import Bool, Float64, History, Int64
from streams.stages.region_counts import RegionCounts
from streams.stages.tracking import TrackedIncident

SPLIT = 20.0
"""Nats by which two scopes must explain failures better than one: about what it takes to write the
second one's description down (see `detectors.scope`) in a lattice of some hundred series."""

HEALTHY = 5.0
"""Nats from which a series is surely healthy; by chance, one of 150 failing ones looks like it."""

BUSIEST = 2
"""Values of each dimension, those with the most excess failures, that a scope is split by."""


@dataclass(frozen=True, slots=True)
class FoundScope:
    """A scope (dimension -> values), and its log-likelihood ratio against no change."""

    values: dict[str, tuple[str, ...]]
    ratio: float


@dataclass(frozen=True, slots=True)
class _Counts:
    """Sums over the windows that count, of all S series: each (S,), codes (S, D)."""

    trials: Int64
    failures: Int64
    baseline: Float64
    codes: Int64


@dataclass(frozen=True, slots=True)
class _Found:
    """A scope as a (D,) tuple of sets of codes, None where a dimension does not matter.

    `inside` (S,) are its series.
    """

    codes: tuple[frozenset[int] | None, ...]
    inside: Bool
    ratio: float


def frozen_baseline(history: History, onset: int, now: int) -> Float64:
    """Give the (S,) baseline from before an onset; where a series had none, its newest."""
    before = history.baseline_at(onset - 1)
    return np.where(np.isnan(before), np.nan_to_num(history.baseline_at(now)), before)


def find_scope(
    history: History, baseline: Float64, first: int, last: int, excluded: Bool
) -> FoundScope:
    """Find the smallest scope that explains the failures of some windows.

    A scope is a product of sets of values, so the smallest one around two things that fail at the
    same time holds a lot that is healthy. Where two parts of it explain the failures better by
    `SPLIT`, the one that explains more is the scope, and the other is left to another incident.

    Args:
        history: Counts of all series.
        baseline: (S,) failure probability in control.
        first: First window that counts.
        last: Last window that counts.
        excluded: (S,) series that another incident explains.
    """
    stretch = history.stretch(first, last)
    counts = _Counts(
        stretch.trials.sum(axis=1), stretch.failures.sum(axis=1), baseline, history.codes
    )
    whole = _smallest(counts, ~excluded)
    best, gain = whole, SPLIT
    if _health_inside(counts, whole.inside) > SPLIT:
        for part in _parts(counts, whole.inside):
            one = _smallest(counts, part)
            other = _smallest(counts, whole.inside & ~one.inside)
            if one.ratio + other.ratio - whole.ratio > gain:
                gain = one.ratio + other.ratio - whole.ratio
                best = max(one, other, key=lambda found: found.ratio)
    return FoundScope(_named(history, best), best.ratio)


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


def _smallest(counts: _Counts, allowed: Bool) -> _Found:
    """Find the smallest scope among the allowed series alone."""
    if not allowed.any():
        return _Found(tuple(None for _ in counts.codes.T), allowed, 0.0)
    codes = counts.codes[allowed]
    found = smallest_scope(
        counts.trials[allowed],
        counts.failures[allowed],
        counts.trials[allowed] * counts.baseline[allowed],
        codes,
        (codes.max(axis=0) + 1).tolist(),
        ScopeSettings(),
    )
    values = _without_others(counts.codes, found.values, allowed)
    return _Found(values, _inside(counts.codes, values) & allowed, found.log_likelihood_ratio)


def _without_others(
    codes: Int64, values: tuple[frozenset[int] | None, ...], allowed: Bool
) -> tuple[frozenset[int] | None, ...]:
    """Name what tells the allowed series of a scope from the others, which it had not seen."""
    inside = _inside(codes, values)
    named = []
    for column, chosen in zip(codes.T, values, strict=True):
        mine = frozenset(column[inside & allowed].tolist())
        named.append(chosen if mine == frozenset(column[inside].tolist()) else mine)
    return tuple(named)


def _inside(codes: Int64, values: tuple[frozenset[int] | None, ...]) -> Bool:
    inside = np.ones(len(codes), np.bool_)
    for column, chosen in zip(codes.T, values, strict=True):
        if chosen is not None:
            inside &= np.isin(column, sorted(chosen))
    return inside


def _health_inside(counts: _Counts, inside: Bool) -> float:
    """Give how many nats the surely healthy series of a scope speak against it."""
    trials, failures = counts.trials[inside], counts.failures[inside]
    usual = np.clip(counts.baseline[inside], 1e-6, 1 - 1e-6)
    level = np.clip(failures.sum() / max(int(trials.sum()), 1), 1e-6, 1 - 1e-6)
    health = failures * np.log(usual / level)
    health += (trials - failures) * np.log((1 - usual) / (1 - level))
    return float(health[health > HEALTHY].sum())


def _parts(counts: _Counts, inside: Bool) -> Iterator[Bool]:
    """Give the parts of a scope in which one dimension has one of its busiest values."""
    excess = np.where(inside, counts.failures - counts.trials * counts.baseline, 0.0)
    for column in counts.codes.T:
        sums = np.bincount(column, excess)
        occurring = np.unique(column[inside])
        if len(occurring) > 1:
            order = np.argsort(-sums[occurring], kind="stable")
            for code in occurring[order[:BUSIEST]].tolist():
                yield inside & (column == code)


def _named(history: History, found: _Found) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(sorted(names[code] for code in chosen))
        for name, names, chosen in zip(history.dimensions, history.values, found.codes, strict=True)
        if chosen is not None
    }
