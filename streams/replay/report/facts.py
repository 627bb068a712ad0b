"""What a report says, before any words: one incident after the other, from records and counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import bdtrc

from streams.domain.releases import ReleaseEvent
from streams.domain.time import window_of
from streams.replay.report.counts import RegionWindows, ScopeCounter, share_after, span_of
from streams.replay.report.records import Incident, RaisedPoint, Region, Revision, Step

LEAD_S = 3600.0
"""How much of the time before an incident, and after it, is shown."""

SHOWN_CANDIDATES = 3
"""Releases whose exposure is drawn."""

HINDSIGHT = 1e-6
"""So improbable must the failures be by chance alone to count as the earliest evidence."""


@dataclass(frozen=True, slots=True)
class Earliest:
    """The first moment at which the counts proved the failure to someone who knew where to look.

    Attributes:
        time: End of the window, in seconds since the epoch.
        operations: From the onset until then, in the scope.
        failures: Of these.
        expected: Failures under the baseline.
    """

    time: float
    operations: int
    failures: int
    expected: float


@dataclass(frozen=True, slots=True)
class RegionCounts:
    """A region's counts in the windows table, from its onset to its recovery.

    Attributes:
        region: As the record has it.
        operations: In time.
        failures: Of these.
        late: Operations that came late, in neither of the above.
    """

    region: Region
    operations: int
    failures: int
    late: int


@dataclass(frozen=True, slots=True)
class Course:
    """A release through an incident.

    Attributes:
        release: Its name.
        steps: All its steps, in time order.
        shares: (start, end, share) of the incident's scope that ran it, without gaps; 0 to 1.
    """

    release: str
    steps: tuple[Step, ...]
    shares: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """One incident.

    Attributes:
        number: From 1, in the order of the pages.
        revisions: All of it that was written; the first is the page, the last one holds.
        affected: Counts of the scope in the affected regions.
        everywhere: Counts of the scope in all regions, the affected ones first.
        regions: Counts by affected region.
        earliest: Earliest evidence, in hindsight; None where the counts never prove it.
        points: Change points in its scope while it was shown, in the order they were raised.
        courses: The likeliest releases.
    """

    number: int
    revisions: tuple[Revision, ...]
    affected: RegionWindows
    everywhere: RegionWindows
    regions: tuple[RegionCounts, ...]
    earliest: Earliest | None
    points: tuple[RaisedPoint, ...]
    courses: tuple[Course, ...]

    @property
    def page(self) -> Incident:
        """The first revision: what the page said."""
        return self.revisions[0].record

    @property
    def last(self) -> Incident:
        """The revision that holds."""
        return self.revisions[-1].record


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """A whole replay.

    Attributes:
        seconds: Length of a window.
        disorder: Allowed disorder in seconds: how much later than by event time anything is known.
        fleet: Counts of everything.
        incidents: In the order of their pages.
        points: All change points.
        steps: All release steps, in time order.
    """

    seconds: int
    disorder: float
    fleet: RegionWindows
    incidents: tuple[IncidentFacts, ...]
    points: tuple[RaisedPoint, ...]
    steps: tuple[Step, ...]


def counter_of(record: Incident, steps: Sequence[Step], seconds: int) -> ScopeCounter:
    """Give what adds up an incident's scope in all regions, with some time around it."""
    end = record.resolved
    return ScopeCounter(
        scope={name: values for name, values in record.scope.items() if name != "region"},
        seconds=seconds,
        first=window_of(record.onset.timestamp() - LEAD_S, seconds),
        last=None if end is None else window_of(end.timestamp() + LEAD_S, seconds),
        releases=[
            steps_of(steps, candidate.release) for candidate in record.candidates[:SHOWN_CANDIDATES]
        ],
    )


def steps_of(steps: Sequence[Step], release: str) -> list[ReleaseEvent]:
    """Give the events of a release, in time order."""
    return [step.event for step in steps if step.event.release == release]


def incident_facts(
    number: int,
    revisions: tuple[Revision, ...],
    counted: RegionWindows,
    points: Sequence[RaisedPoint],
    steps: Sequence[Step],
) -> IncidentFacts:
    """Put together what is known of an incident.

    Args:
        number: From 1.
        revisions: All of it that was written.
        counted: Of its scope, in all regions.
        points: All change points.
        steps: All release steps, in time order.
    """
    record = revisions[-1].record
    named = [region.region for region in record.regions]
    others = [region for region in counted.regions if region not in named]
    affected = counted.select(named) if named else counted
    return IncidentFacts(
        number=number,
        revisions=revisions,
        affected=affected,
        everywhere=counted.select([*_by_recovery(record), *others]),
        regions=tuple(_region_counts(region, affected) for region in record.regions),
        earliest=_earliest(record, affected),
        points=tuple(point for point in points if _belongs(point, record, counted)),
        courses=_courses(record, affected, steps),
    )


def _by_recovery(record: Incident) -> list[str]:
    """Give the affected regions: who was well first stands first."""
    regions = sorted(
        record.regions,
        key=lambda one: (
            one.recovered.timestamp() if one.recovered else np.inf,
            one.onset.timestamp(),
            one.region,
        ),
    )
    return [one.region for one in regions]


def _region_counts(region: Region, affected: RegionWindows) -> RegionCounts:
    end = region.recovered.timestamp() if region.recovered else None
    own = affected.select([region.region]).between(region.onset.timestamp(), end)
    trials, failures, late, late_failures = own.counts.sum(axis=(1, 2)).tolist()
    return RegionCounts(region, trials - late, failures - late_failures, late)


def _earliest(record: Incident, affected: RegionWindows) -> Earliest | None:
    """Look for the first window by which the failures since the onset cannot be chance."""
    since = affected.between(record.onset.timestamp(), None)
    trials, failures, late, late_failures = since.counts.sum(axis=1)
    operations = np.cumsum(trials - late)
    failed = np.cumsum(failures - late_failures)
    baseline = 1 - record.impact.baseline_success_ratio
    chance = np.where(failed > 0, bdtrc(np.maximum(failed - 1, 0), operations, baseline), 1.0)
    proven = np.flatnonzero(chance < HINDSIGHT)
    if not len(proven):
        return None
    place = int(proven[0])
    return Earliest(
        time=float(since.starts()[place]) + since.seconds,
        operations=int(operations[place]),
        failures=int(failed[place]),
        expected=float(operations[place]) * baseline,
    )


def _belongs(point: RaisedPoint, record: Incident, counted: RegionWindows) -> bool:
    """Tell whether a change of a success ratio is in an incident's scope, regions and time."""
    series, begin = point.record.series, point.record.onset.timestamp()
    first, last = span_of(counted)
    if point.record.kind != "success_ratio" or not first <= begin < last:
        return False
    regions = {region.region for region in record.regions}
    if regions and series.get("region") not in {None, *regions}:
        return False
    return all(series.get(name) in {None, *values} for name, values in record.scope.items())


def _courses(
    record: Incident, affected: RegionWindows, steps: Sequence[Step]
) -> tuple[Course, ...]:
    courses = []
    for number, candidate in enumerate(record.candidates[:SHOWN_CANDIDATES]):
        own = tuple(step for step in steps if step.event.release == candidate.release)
        moments = [step.event.time for step in own]
        courses.append(Course(candidate.release, own, _shares(affected, number, moments)))
    return tuple(courses)


def _shares(
    affected: RegionWindows, number: int, moments: Sequence[float]
) -> tuple[tuple[float, float, float], ...]:
    """Give how much of the operations ran a release: from step to step, equal ones joined."""
    begin, end = span_of(affected)
    edges = [begin, *sorted({moment for moment in moments if begin < moment < end}), end]
    starts = affected.starts()
    trials = np.concatenate([[0], np.cumsum(affected.counts[0].sum(axis=0))])
    exposed = np.concatenate([[0], np.cumsum(affected.exposed[number].sum(axis=0))])
    found: list[tuple[float, float, float]] = []
    for start, stop in pairwise(edges):
        low, high = np.searchsorted(starts, (start, stop)).tolist()
        count = int(trials[high] - trials[low])
        share = round(float(exposed[high] - exposed[low]) / count, 2) if count else None
        if found and (share is None or share == found[-1][2]):
            found[-1] = (found[-1][0], stop, found[-1][2])
        else:
            found.append((start, stop, share or 0.0))
    return tuple(found)


def lowered(course: Course) -> Step | None:
    """Give the first step that took a release back, as far as it was."""
    level: dict[tuple[tuple[str, tuple[str, ...]], ...], float] = {}
    for step in course.steps:
        place, share = tuple(step.event.scope.items()), share_after(step.event)
        if share < level.get(place, 0.0) or (share == 0.0 and level):
            return step
        level[place] = share
    return None
