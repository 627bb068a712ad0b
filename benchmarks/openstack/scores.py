"""What opwatch said about a fault, against what was injected."""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.openstack.design import Trial
from benchmarks.openstack.fleet import PlacedRun
from streams.domain.change_points import ChangeKind, ChangePoint
from streams.domain.incidents import IncidentRecord
from streams.domain.releases import ReleaseAction, ReleaseEvent

AGES = (15, 30)
"""Minutes after an incident was raised at which its ranking is looked at."""

WINDOW = 60.0
"""Length of a window in seconds: an onset is told as the start of its window."""

Exposed = Mapping[str, float]
"""Region -> instant from which it runs the culprit, in seconds since the epoch."""


class Cause(enum.Enum):
    """What a ranking holds for the most probable cause."""

    CULPRIT = "culprit"
    HARMLESS = "harmless release"
    NONE = "no release"


@dataclass(frozen=True, slots=True)
class Said:
    """What is scored of an incident record; instants in seconds since the epoch.

    Attributes:
        incident: Which one.
        raised: When the record was written.
        onset: When the incident began, by the record.
        regions: Regions called affected.
        operations: Operations in the scope; None where they do not matter.
        probabilities: Of each release, 0 to 1.
        none: Probability that no release did it, 0 to 1.
    """

    incident: str
    raised: float
    onset: float
    regions: frozenset[str]
    operations: frozenset[str] | None
    probabilities: Mapping[str, float]
    none: float

    @classmethod
    def by(cls, record: IncidentRecord) -> Self:
        """Take it from a record."""
        operations = record.scope.get("operation")
        return cls(
            incident=record.incident,
            raised=record.raised,
            onset=record.onset,
            regions=frozenset(one.region for one in record.regions),
            operations=None if operations is None else frozenset(operations),
            probabilities={one.release: one.probability for one in record.candidates},
            none=record.no_release_probability,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """One trial: what was injected, and what opwatch said.

    Attributes:
        records: What the incident records of the trial say, in order.
        change_points: Change points of the trial.
        injected: Faulty runs, in the order in which they started.
        operations: All operations there are.
        exposed: Region -> instant from which it runs the culprit.
        onset: Instant of the culprit's first step.
        horizon: Instant by which the fault has to be found.
        culprit: Name of the faulty release, registered or not.
        steps: Release events that opwatch was told.
    """

    records: tuple[Said, ...]
    change_points: tuple[ChangePoint, ...]
    injected: tuple[PlacedRun, ...]
    operations: frozenset[str]
    exposed: Exposed
    onset: float
    horizon: float
    culprit: str
    steps: tuple[ReleaseEvent, ...]


@dataclass(frozen=True, slots=True)
class FoundScope:
    """An incident's scope against the injected failures.

    Attributes:
        covered: Share of the injected failures that lie in it, 0 to 1.
        healthy_regions: Regions called affected that did not run the culprit.
        healthy_operations: Operations in it of which no injected one failed.
    """

    covered: float
    healthy_regions: int
    healthy_operations: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a record says about the cause.

    Attributes:
        cause: The most probable one.
        right: Probability of the right one, 0 to 1: of the culprit, or of "no release" where the
            culprit is not registered.
    """

    cause: Cause
    right: float


@dataclass(frozen=True, slots=True)
class Found:
    """What was made of a fault that was found.

    Attributes:
        delay: Minutes from the culprit's first step until the incident was raised.
        verdicts: At each of `AGES`.
        latest_start: What the release with the latest step before the onset is.
        scope: At the last of `AGES`.
    """

    delay: float
    verdicts: tuple[Verdict, ...]
    latest_start: Cause
    scope: FoundScope


@dataclass(frozen=True, slots=True)
class TrialScore:
    """One trial in figures.

    Attributes:
        trial: Which one.
        found: None if the fault was not found in time.
        faulty_runs: Faulty runs with an outcome until it was found, or until the horizon.
        failed_runs: Those of them that had a failure.
        repeated: Further incidents with regions that ran the culprit.
        unrelated: Further incidents without.
        other_kinds: Kinds of change other than success ratios told of regions that ran the culprit.
    """

    trial: Trial
    found: Found | None
    faulty_runs: int
    failed_runs: int
    repeated: int
    unrelated: int
    other_kinds: frozenset[ChangeKind]


def first_sign(
    records: Iterable[Said], exposed: Exposed, onset: float, horizon: float
) -> Said | None:
    """Give the first record that tells of a fault.

    Args:
        records: In order.
        exposed: Region -> instant from which it runs the culprit.
        onset: Instant of the culprit's first step. An incident from before is another one.
        horizon: Instant after which it is too late.
    """
    before = set()
    for record in records:
        if record.raised <= onset:
            before.add(record.incident)
        elif record.raised <= horizon and record.incident not in before and _hits(record, exposed):
            return record
    return None


def score(trial: Trial, evidence: Evidence) -> TrialScore:
    """Score one trial."""
    seen = first_sign(evidence.records, evidence.exposed, evidence.onset, evidence.horizon)
    until = seen.raised if seen else evidence.horizon
    outcomes = [list(_outcomes((run,), until)) for run in evidence.injected]
    others = {
        one.incident: one
        for one in evidence.records
        if seen is None or one.incident != seen.incident
    }
    repeated = sum(_hits(record, evidence.exposed) for record in others.values())
    return TrialScore(
        trial=trial,
        found=_found(trial, evidence, seen) if seen else None,
        faulty_runs=sum(bool(one) for one in outcomes),
        failed_runs=sum(any(failed for *_, failed in one) for one in outcomes),
        repeated=repeated,
        unrelated=len(others) - repeated,
        other_kinds=frozenset(_other_kinds(evidence)),
    )


def first_cause(record: Said) -> str | None:
    """Give the release that a record holds for the most probable cause; None for "no release"."""
    probabilities = record.probabilities
    best = max(sorted(probabilities), key=lambda one: probabilities[one], default=None)
    return None if best is None or probabilities[best] <= record.none else best


def latest_start(steps: Iterable[ReleaseEvent], instant: float) -> str | None:
    """Give the release whose last step up to an instant is the latest; None without any.

    Args:
        steps: Release events. A completion is no step: it exposes nothing anew.
        instant: In seconds since the epoch.
    """
    known = [
        step
        for step in steps
        if step.action is not ReleaseAction.COMPLETED and step.time <= instant
    ]
    newest = max(known, key=lambda step: (step.time, step.release), default=None)
    return newest.release if newest else None


def _found(trial: Trial, evidence: Evidence, seen: Said) -> Found:
    mine = [one for one in evidence.records if one.incident == seen.incident]
    at_ages = [_as_of(mine, seen.raised + 60.0 * age) for age in AGES]
    last = at_ages[-1]
    wanted = evidence.culprit if trial.registered else None
    newest = latest_start(evidence.steps, last.onset + WINDOW)
    return Found(
        delay=(seen.raised - evidence.onset) / 60.0,
        verdicts=tuple(
            Verdict(_cause(first_cause(record), evidence.culprit), _probability(record, wanted))
            for record in at_ages
        ),
        latest_start=_cause(newest, evidence.culprit),
        scope=_scope(evidence, last),
    )


def _as_of(records: Sequence[Said], instant: float) -> Said:
    return [record for record in records if record.raised <= instant][-1]


def _cause(release: str | None, culprit: str) -> Cause:
    if release is None:
        return Cause.NONE
    return Cause.CULPRIT if release == culprit else Cause.HARMLESS


def _probability(record: Said, release: str | None) -> float:
    return record.none if release is None else record.probabilities.get(release, 0.0)


def _hits(record: Said, exposed: Exposed) -> bool:
    """Tell whether a region that runs the culprit is called affected."""
    return any(exposed.get(name, record.raised) < record.raised for name in record.regions)


def _outcomes(runs: Iterable[PlacedRun], until: float) -> Iterator[tuple[str, str, bool]]:
    """Give region, operation and failure of each outcome of some runs up to an instant."""
    for run in runs:
        for one in run.run.operations:
            if run.start + one.finished <= until:
                yield run.region, one.operation, one.failed


def _scope(evidence: Evidence, record: Said) -> FoundScope:
    failed = [
        (region, operation)
        for region, operation, failed in _outcomes(evidence.injected, record.raised)
        if failed
    ]
    operations = evidence.operations if record.operations is None else record.operations
    inside = sum(
        region in record.regions and operation in operations for region, operation in failed
    )
    healthy = [
        name
        for name in record.regions
        if evidence.exposed.get(name, record.raised) >= record.raised
    ]
    return FoundScope(
        covered=inside / max(len(failed), 1),
        healthy_regions=len(healthy),
        healthy_operations=len(operations - {operation for _, operation in failed}),
    )


def _other_kinds(evidence: Evidence) -> Iterator[ChangeKind]:
    for point in evidence.change_points:
        region = point.series.get("region", "")
        exposed = evidence.exposed.get(region, point.raised) < point.raised
        if point.kind is not ChangeKind.SUCCESS_RATIO and exposed:
            yield point.kind
