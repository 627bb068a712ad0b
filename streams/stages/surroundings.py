"""What is not affected by an incident: beside its scope, dimension by dimension."""

from collections.abc import Sequence

import numpy as np

from detectors.odds import shift_odds
from detectors.recovery import surplus
from streams.domain.incidents import Impact
from streams.domain.series import OTHER
from streams.domain.surroundings import OutsideValue, Surroundings
from streams.stages.history import Bool, Float64, History, Int64
from streams.stages.regions import RECOVERY
from streams.stages.tracking import TrackedIncident

HEALTHY = 5.0
"""Nats from which a value is surely healthy: 150 to 1 against half the incident's effect."""

FAILING = 2.71
"""Log-likelihood ratio from which a level is no longer near its baseline: a value that fails by
itself is neither unaffected nor unknown, but another incident's or secondary. See
`detectors.recovery`."""

MOST = 20
"""Values of one dimension in a list; the others are summed up."""


def surroundings(
    incident: TrackedIncident, history: History, window: int, impact: Impact
) -> Surroundings:
    """Judge the values that a scope leaves out, by what they did while it failed.

    A value is judged over the windows in which its region was failing; a region that is not
    affected over those in which any region was. Too little traffic is no sign of health.

    Args:
        incident: The incident.
        history: Counts of all series; what of the incident is not kept any more is left out.
        window: The window just closed.
        impact: Of the incident, which tells how strong its effect is.
    """
    counts = _counts(incident, history, window)
    regions = tuple(incident.regions)
    unaffected: dict[str, tuple[OutsideValue, ...]] = {}
    unknown: dict[str, tuple[OutsideValue, ...]] = {}
    for position, name in enumerate(history.dimensions):
        if name != "region" and name not in incident.scope:
            continue
        beside = {key: values for key, values in incident.scope.items() if key != name}
        if name != "region":
            beside["region"] = regions
        mine = regions if name == "region" else incident.scope[name]
        outside = history.matches(beside) & ~history.matches({name: mine})
        codes = history.codes[:, position]
        sums = _sums(counts, codes, outside, len(history.values[position]))
        occurring = np.unique(codes[outside])
        values = _values(history.values[position], sums, occurring, impact.added_probability / 2)
        for chosen, told in zip(_split(values), (unaffected, unknown), strict=True):
            if chosen:
                told[name] = _bounded(chosen)
    return Surroundings(unaffected, unknown)


def _counts(incident: TrackedIncident, history: History, window: int) -> Float64:
    """Give (3, S) operations, failures and expected failures while the scope failed."""
    end = window if incident.resolved is None else incident.resolved - 1
    stretch = history.stretch(incident.onset, end)
    during = _during(incident, history, stretch.first, stretch.trials.shape[1])
    failing_at = during[history.codes[:, history.dimensions.index("region")]]
    trials = (stretch.trials * failing_at).sum(axis=1)
    failures = (stretch.failures * failing_at).sum(axis=1)
    return np.stack([trials, failures, trials * incident.baseline])


def _during(incident: TrackedIncident, history: History, first: int, length: int) -> Bool:
    """Give (R, T) when each region's operations tell whether something beside the scope fails."""
    names = history.values[history.dimensions.index("region")]
    windows = first + np.arange(length)
    during = np.zeros((len(names), length), np.bool_)
    for row, name in enumerate(names):
        region = incident.regions.get(name)
        if region is not None:
            ended = region.recovered is not None and windows >= region.recovered
            during[row] = (windows >= region.onset) & ~np.asarray(ended)
    anywhere = during.any(axis=0)
    others = [row for row, name in enumerate(names) if name not in incident.regions]
    during[others] = anywhere
    return during


def _sums(counts: Float64, codes: Int64, rows: Bool, size: int) -> Float64:
    """Give (3, V) operations, failures and expected failures of each value over some series."""
    return np.stack([np.bincount(codes[rows], part[rows], size) for part in counts])


def _values(names: Sequence[str], sums: Float64, codes: Int64, added: float) -> list[OutsideValue]:
    """Give the values that do not fail themselves, busiest first."""
    trials, failures, expected = sums[:, codes]
    usual = np.clip(expected / np.maximum(trials, 1.0), 1e-6, 0.5)
    level = 1.0 - (1.0 - usual) * (1.0 - np.clip(added, 1e-6, 1.0 - 1e-6))
    health = failures * np.log(usual / level)
    health += (trials - failures) * np.log((1.0 - usual) / (1.0 - level))
    near = shift_odds(usual, np.array(RECOVERY.near_odds))
    calm = surplus(trials, failures, near) <= FAILING
    found = [
        OutsideValue(
            names[code], int(trials[at]), int(failures[at]), float(expected[at]), float(health[at])
        )
        for at, code in enumerate(codes.tolist())
        if calm[at]
    ]
    return sorted(found, key=lambda one: (-one.operations, one.value))


def _split(values: Sequence[OutsideValue]) -> tuple[list[OutsideValue], list[OutsideValue]]:
    healthy = [one for one in values if one.health >= HEALTHY]
    return healthy, [one for one in values if one.health < HEALTHY]


def _bounded(values: Sequence[OutsideValue]) -> tuple[OutsideValue, ...]:
    if len(values) <= MOST:
        return tuple(values)
    kept, rest = values[: MOST - 1], values[MOST - 1 :]
    summed = OutsideValue(
        OTHER,
        sum(one.operations for one in rest),
        sum(one.failures for one in rest),
        sum(one.expected_failures for one in rest),
        min(one.health for one in rest),
    )
    return (*kept, summed)
