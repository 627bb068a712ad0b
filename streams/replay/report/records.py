"""What a report reads: incident records, change points and release steps, with their lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from streams.domain.errors import OperatorError
from streams.domain.releases import ReleaseEvent

INCIDENTS = "incidents.jsonl"
CHANGE_POINTS = "change_points.jsonl"
RELEASES = "releases.jsonl"
WINDOWS = "windows.parquet"

_T = TypeVar("_T")


class Impact(msgspec.Struct, frozen=True):
    """How bad: counts from onset to recovery; ratios from 0 to 1."""

    operations: int
    failures: int
    expected_failures: float
    excess_failures: float
    baseline_success_ratio: float
    success_ratio: float
    excess_interval: tuple[float, float] | None = None


class Region(msgspec.Struct, frozen=True):
    """One affected region; the contract promises no more than its name and onset."""

    region: str
    onset: datetime
    status: str = ""
    recovered: datetime | None = None
    recovered_interval: tuple[datetime, datetime] | None = None
    relapses: int = 0
    operations: int | None = None
    failures: int | None = None
    expected_failures: float | None = None
    excess_failures: float | None = None
    excess_interval: tuple[float, float] | None = None


class RisenError(msgspec.Struct, frozen=True):
    """An error code that rose."""

    error_code: str
    failures: int
    share: float | None = None


class Evidence(msgspec.Struct, frozen=True):
    """One row of an evidence card; nats for the release."""

    kind: str
    statement: str
    log_likelihood_ratio: float | None = None


class ToldApart(msgspec.Struct, frozen=True):
    """Where two releases that are tied differ most."""

    release: str
    region: str
    time: datetime
    exposures: tuple[float, float]


class Candidate(msgspec.Struct, frozen=True):
    """A release that could explain the incident."""

    release: str
    probability: float
    component: str | None = None
    tied_with: tuple[str, ...] = ()
    told_apart: tuple[ToldApart, ...] = ()
    cleared: bool = False
    exoneration: str | None = None
    evidence: tuple[Evidence, ...] = ()


class Pair(msgspec.Struct, frozen=True):
    """Two releases that may be the cause together."""

    releases: tuple[str, str]
    probability: float


class Experiment(msgspec.Struct, frozen=True):
    """What to try next."""

    statement: str


class Related(msgspec.Struct, frozen=True):
    """An earlier incident."""

    incident: str
    relation: str
    statement: str


class Secondary(msgspec.Struct, frozen=True):
    """A weaker degradation that came with the incident."""

    scope: dict[str, tuple[str, ...]]
    onset: datetime
    impact: Impact
    regions: tuple[str, ...] = ()
    resolved: datetime | None = None


class Outside(msgspec.Struct, frozen=True):
    """A value beside the scope."""

    value: str
    operations: int
    failures: int
    expected_failures: float | None = None


class Incident(msgspec.Struct, frozen=True):
    """One revision of an incident; what the contract leaves optional may be missing."""

    incident: str
    revision: int
    status: str
    raised: datetime
    onset: datetime
    scope: dict[str, tuple[str, ...]]
    impact: Impact
    candidates: tuple[Candidate, ...]
    no_release_probability: float
    onset_interval: tuple[datetime, datetime] | None = None
    resolved: datetime | None = None
    regions: tuple[Region, ...] = ()
    errors: tuple[RisenError, ...] = ()
    no_release_forms: dict[str, float] = {}
    release_pairs: tuple[Pair, ...] = ()
    next_experiment: Experiment | None = None
    related: tuple[Related, ...] = ()
    secondary: tuple[Secondary, ...] = ()
    unaffected: dict[str, tuple[Outside, ...]] = {}
    unknown: dict[str, tuple[Outside, ...]] = {}


class ChangePoint(msgspec.Struct, frozen=True):
    """One judged change in one series."""

    series: dict[str, str]
    direction: str
    onset: datetime
    raised: datetime
    baseline_ratio: float
    ratio: float
    kind: str = "success_ratio"
    error_code: str | None = None
    quantile: float | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of an incident and the line of `incidents.jsonl` that it stands in."""

    line: int
    raw: Mapping[str, Any]
    record: Incident


@dataclass(frozen=True, slots=True)
class RaisedPoint:
    """A change point and the line of `change_points.jsonl` that it stands in."""

    line: int
    record: ChangePoint


@dataclass(frozen=True, slots=True)
class Step:
    """A release step and the line of `releases.jsonl` that it stands in."""

    line: int
    event: ReleaseEvent


def read_incidents(records: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Revision, ...]]:
    """Give the revisions of each incident, in the order of the lines.

    Raises:
        OperatorError: A record is no incident record.
    """
    found: dict[str, list[Revision]] = {}
    for line, raw in enumerate(records, 1):
        record = _read(raw, Incident, f"{INCIDENTS}, line {line}")
        found.setdefault(record.incident, []).append(Revision(line, raw, record))
    return {incident: tuple(revisions) for incident, revisions in found.items()}


def read_change_points(records: Sequence[Mapping[str, Any]]) -> tuple[RaisedPoint, ...]:
    """Give all change points.

    Raises:
        OperatorError: A record is no change point.
    """
    return tuple(
        RaisedPoint(line, _read(raw, ChangePoint, f"{CHANGE_POINTS}, line {line}"))
        for line, raw in enumerate(records, 1)
    )


def read_steps(events: Sequence[ReleaseEvent]) -> tuple[Step, ...]:
    """Give the steps in time order; of several with one id the last one holds."""
    last = {event.id: Step(line, event) for line, event in enumerate(events, 1)}
    return tuple(sorted(last.values(), key=lambda step: (step.event.time, step.event.id)))


def _read(raw: Mapping[str, Any], kind: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise OperatorError(
            f"{where}: {error}; replay again, or report with the version that wrote it"
        ) from error
