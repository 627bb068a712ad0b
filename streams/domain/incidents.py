"""Incidents: what a reader of a page gets, in the words of the incident contract."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from streams.domain.time import format_instant

Scope = Mapping[str, tuple[str, ...]]
"""Dimension -> values, sorted; a dimension that is absent does not matter."""


class IncidentStatus(enum.Enum):
    """Where an incident is in its life."""

    OPEN = "open"
    RECOVERING = "recovering"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class AffectedRegion:
    """One region of an incident; instants in seconds since the epoch, None while not recovered."""

    region: str
    onset: float
    recovered: float | None

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        recovered = None if self.recovered is None else format_instant(self.recovered)
        return {"region": self.region, "onset": format_instant(self.onset), "recovered": recovered}


@dataclass(frozen=True, slots=True)
class Impact:
    """How bad: operations in the affected scope and regions from onset to recovery."""

    operations: int
    failures: int
    expected_failures: float

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract; no operations at all are perfect health."""
        operations = max(self.operations, 1)
        return {
            "operations": self.operations,
            "failures": self.failures,
            "expected_failures": round(self.expected_failures, 3),
            "excess_failures": round(self.failures - self.expected_failures, 3),
            "baseline_success_ratio": round(1 - self.expected_failures / operations, 6),
            "success_ratio": round(1 - self.failures / operations, 6),
        }


@dataclass(frozen=True, slots=True)
class RisenError:
    """An error code that rose with the incident; `share` is of all its failures, 0 to 1."""

    error_code: str
    failures: int
    share: float

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {
            "error_code": self.error_code,
            "failures": self.failures,
            "share": round(self.share, 4),
        }


@dataclass(frozen=True, slots=True)
class EvidenceStatement:
    """One row of an evidence card: what was seen, and how many nats it speaks for the release."""

    kind: str
    statement: str
    log_likelihood_ratio: float

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {
            "kind": self.kind,
            "statement": self.statement,
            "log_likelihood_ratio": round(self.log_likelihood_ratio, 2),
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """A release that could explain the incident."""

    release: str
    component: str | None
    probability: float
    tied_with: tuple[str, ...]
    evidence: tuple[EvidenceStatement, ...]

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {
            "release": self.release,
            "component": self.component,
            "probability": self.probability,
            "tied_with": list(self.tied_with),
            "evidence": [row.record() for row in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """One state of one incident: revision after revision, the last one wins."""

    incident: str
    revision: int
    status: IncidentStatus
    raised: float
    onset: float
    onset_interval: tuple[float, float]
    resolved: float | None
    scope: Scope
    regions: tuple[AffectedRegion, ...]
    impact: Impact
    errors: tuple[RisenError, ...]
    candidates: tuple[Candidate, ...]
    no_release_probability: float

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract, in a fixed order of fields."""
        resolved = None if self.resolved is None else format_instant(self.resolved)
        return {
            "incident": self.incident,
            "revision": self.revision,
            "status": self.status.value,
            "raised": format_instant(self.raised),
            "onset": format_instant(self.onset),
            "onset_interval": [format_instant(one) for one in self.onset_interval],
            "resolved": resolved,
            "scope": {name: list(values) for name, values in sorted(self.scope.items())},
            "regions": [region.record() for region in self.regions],
            "impact": self.impact.record(),
            "errors": [error.record() for error in self.errors],
            "candidates": [candidate.record() for candidate in self.candidates],
            "no_release_probability": self.no_release_probability,
        }
