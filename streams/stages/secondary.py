"""Secondary impact: a weaker degradation that comes with an incident is told there, not paged.

Why the rule is as it is: docs/decisions/0010-secondary-impact.md.
"""

import enum
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import betaincinv

from streams.config import Dependency
from streams.domain.relations import Relation
from streams.stages.history import Float64
from streams.stages.impacts import dispersion, impact
from streams.stages.incident_state import IncidentsState
from streams.stages.region_counts import RegionCounts
from streams.stages.relations import overlap
from streams.stages.spans import Spans
from streams.stages.tracking import TrackedIncident

WEAKER = 0.5
"""Secondary impact adds at most this part of what the incident adds to the failure probability."""

OUTGROWN = 0.75
"""The same once it is attached: an estimate that wanders must not detach it."""

FOOTPRINT = 2 / 3
"""Part of the incident's regions that it must be in, where there are several."""

TELL = 5.0
"""Nats from which a region has it, or surely has not: odds of 150 to 1."""

PATIENCE = 10
"""Windows for which a degradation may wait to be told from secondary impact."""

RECENT = 10
"""Windows, at least, from which it is read whether attached impact has grown or goes on."""


_TAIL = 0.05


class Verdict(enum.Enum):
    """What a new degradation is."""

    OWN = "own"
    SECONDARY = "secondary"
    UNDECIDED = "undecided"


def primary_of(
    candidate: TrackedIncident,
    state: IncidentsState,
    window: int,
    spans: Spans,
    dependencies: Sequence[Dependency],
) -> tuple[Verdict, str | None]:
    """Judge whether a new incident is secondary impact, and of which open one.

    Args:
        candidate: What would be a new incident, followed up to the window.
        state: The state of the stage.
        window: The window just closed.
        spans: Durations in windows.
        dependencies: What is known to depend on what.
    """
    verdicts = [
        (_judge(candidate, primary, state, window, spans, dependencies), primary.id)
        for primary in state.tracked
        if primary.resolved is None and not primary.is_secondary
    ]
    for wanted in (Verdict.SECONDARY, Verdict.UNDECIDED):
        found = next((one for one in verdicts if one[0] is wanted), None)
        if found:
            return found
    return Verdict.OWN, None


def part(state: IncidentsState, window: int, spans: Spans) -> None:
    """Make incidents of their own of attached impact that outgrows or outlasts its incident."""
    by_id = {incident.id: incident for incident in state.tracked}
    for incident in state.tracked:
        if incident.is_secondary and incident.resolved is None:
            primary = by_id.get(incident.primary or "")
            incident.parted = _why_parted(incident, primary, state.regions, window, spans)


def _why_parted(
    incident: TrackedIncident,
    primary: TrackedIncident | None,
    names: tuple[str, ...],
    window: int,
    spans: Spans,
) -> Relation | None:
    if primary is None or primary.resolved is not None:
        late = primary is None or window - (primary.resolved or 0) >= spans.outlast_after
        return Relation.OUTLASTS if late and _goes_on(incident, names, window, spans) else None
    recent = incident.counts.since(max(incident.onset, window - RECENT + 1))
    rows = [row for row, name in enumerate(names) if name in incident.regions]
    least, _ = _added(recent, rows, dispersion(incident.counts, rows, incident.onset))
    spread = not set(incident.regions) <= set(primary.regions)
    stronger = least > OUTGROWN * impact(primary, names).added_probability
    return Relation.OUTGROWS if spread or stronger else None


def _goes_on(incident: TrackedIncident, names: tuple[str, ...], window: int, spans: Spans) -> bool:
    """Tell whether it surely fails still: not every recovery can be proved as soon as it is there.

    Statistic, summed over its regions that have not recovered: that of `_footprint`.
    """
    added = impact(incident, names).added_probability
    recent = incident.counts.since(window - max(spans.outlast_after, RECENT) + 1)
    rows = [
        row
        for row, name in enumerate(names)
        if name in incident.regions and incident.regions[name].recovered is None
    ]
    trials, failures, expected = (
        part[rows].sum(axis=1).astype(np.float64)
        for part in (recent.trials, recent.failures, recent.expected)
    )
    busy = trials > 0
    return float(_nats(trials[busy], failures[busy], expected[busy], added).sum()) >= TELL


def _judge(
    candidate: TrackedIncident,
    primary: TrackedIncident,
    state: IncidentsState,
    window: int,
    spans: Spans,
    dependencies: Sequence[Dependency],
) -> Verdict:
    begins = candidate.onset_high >= primary.onset_low
    in_time = candidate.onset - primary.onset <= spans.secondary_within
    if not (begins and in_time and set(candidate.regions) <= set(primary.regions)):
        return Verdict.OWN
    names = state.regions
    rows = [row for row, name in enumerate(names) if name in candidate.regions]
    counts = candidate.counts.since(candidate.onset)
    limit = WEAKER * impact(primary, names).added_probability
    least, likely = _added(counts, rows, dispersion(candidate.counts, rows, candidate.onset))
    if least > limit:
        return Verdict.OWN
    if any(_states(one, candidate.scope, primary.scope) for one in dependencies):
        footprint = Verdict.SECONDARY
    else:
        footprint = _footprint(candidate, primary, state, window, likely)
    weaker = likely <= limit
    return footprint if weaker or footprint is Verdict.OWN else Verdict.UNDECIDED


def _states(
    one: Dependency,
    candidate: Mapping[str, tuple[str, ...]],
    primary: Mapping[str, tuple[str, ...]],
) -> bool:
    """Tell whether a stated dependency is of all of one scope on some of the other."""
    inside = all(
        name in candidate and set(candidate[name]) <= set(values) for name, values in one.of.items()
    )
    return inside and overlap(one.on, primary)


def _footprint(
    candidate: TrackedIncident,
    primary: TrackedIncident,
    state: IncidentsState,
    window: int,
    added: float,
) -> Verdict:
    """Tell whether it is in most regions of the incident that have such operations at all.

    Statistic, for each region: binomial log-likelihood ratio of its whole effect against none. With
    half of the effect a region still counts as having it.
    """
    history, names = state.history, state.regions
    rest = {name: values for name, values in candidate.scope.items() if name != "region"}
    mask = history.matches(rest) & ~state.explained(candidate.onset)
    mask &= history.matches({"region": tuple(primary.regions)})
    stretch = history.stretch(candidate.onset, window, mask)
    trials, failures = stretch.trials.sum(axis=1), stretch.failures.sum(axis=1)
    region = history.codes[mask, history.dimensions.index("region")]
    operations, failed, expected = (
        np.bincount(region, part, len(names)).astype(np.float64)
        for part in (trials, failures, trials * candidate.baseline[mask])
    )
    busy = operations > 0
    several = int(busy.sum())
    if several < 2:  # noqa: PLR2004 in one region everything shares the footprint
        return Verdict.OWN
    nats = _nats(operations[busy], failed[busy], expected[busy], added)
    needed = math.ceil(several * FOOTPRINT - 1e-9)
    if int((nats >= TELL).sum()) >= needed:
        return Verdict.SECONDARY
    return Verdict.OWN if int((nats > -TELL).sum()) < needed else Verdict.UNDECIDED


def _nats(trials: Float64, failures: Float64, expected: Float64, added: float) -> Float64:
    usual = np.clip(expected / trials, 1e-6, 0.5)
    level = 1.0 - (1.0 - usual) * (1.0 - min(max(added, 1e-6), 1.0 - 1e-6))
    gain: Float64 = failures * np.log(level / usual)
    return gain + (trials - failures) * np.log((1.0 - level) / (1.0 - usual))


def _added(counts: RegionCounts, rows: list[int], phi: float) -> tuple[float, float]:
    """Give the added failure probability over some regions: the low end of 90 %, and the estimate.

    Args:
        counts: Counts over the windows in question.
        rows: Rows of the regions.
        phi: Pearson's dispersion of the counts; Jeffreys's interval is of counts divided by it.
    """
    trials, failures, expected = (
        float(part[rows].sum()) for part in (counts.trials, counts.failures, counts.expected)
    )
    if trials == 0:
        return 0.0, 0.0
    usual = expected / trials
    succeeded = (trials - failures) / phi
    low = float(betaincinv(failures / phi + 0.5, succeeded + 0.5, _TAIL))
    least, likely = ((one - usual) / (1.0 - usual) for one in (low, failures / trials))
    return max(least, 0.0), max(likely, 0.0)
