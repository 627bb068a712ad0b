"""Incidents: what a reader of a page gets, in the words of the incident contract."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from streams.domain.causes import CauseDetails, ToldApart
from streams.domain.relations import RelatedIncident
from streams.domain.surroundings import Surroundings
from streams.domain.time import format_instant

Scope = Mapping[str, tuple[str, ...]]
"""Dimension -> values, sorted; a dimension that is absent does not matter."""


class IncidentStatus(enum.Enum):
    """Where an incident is in its life."""

    OPEN = "open"
    RECOVERING = "recovering"
    RESOLVED = "resolved"


class RegionStatus(enum.Enum):
    """How a region of an incident is at the moment."""

    AFFECTED = "affected"
    RECOVERED = "recovered"
    NO_TRAFFIC = "no_traffic"
    """Nothing arrives where something should: neither failing nor healthy."""


@dataclass(frozen=True, slots=True)
class Impact:
    """How bad: operations in the affected scope and regions from onset to recovery.

    Attributes:
        operations: How many there were.
        failures: How many of them failed.
        expected_failures: How many would have failed under the baseline.
        excess_interval: 90 % interval of the failures beyond the ordinary ones.
    """

    operations: int
    failures: int
    expected_failures: float
    excess_interval: tuple[int, int]

    @property
    def added_probability(self) -> float:
        """Give the probability that the incident fails an operation that would have succeeded."""
        excess = self.failures - self.expected_failures
        return max(excess, 0.0) / max(self.operations - self.expected_failures, 1.0)

    def totals(self) -> dict[str, object]:
        """Give the counts as they stand in the records of incidents and of their regions."""
        return {
            "operations": self.operations,
            "failures": self.failures,
            "expected_failures": round(self.expected_failures, 3),
            "excess_failures": round(self.failures - self.expected_failures, 3),
            "excess_interval": list(self.excess_interval),
        }

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract; no operations at all are perfect health."""
        operations = max(self.operations, 1)
        return {
            **self.totals(),
            "baseline_success_ratio": round(1 - self.expected_failures / operations, 6),
            "success_ratio": round(1 - self.failures / operations, 6),
        }


@dataclass(frozen=True, slots=True)
class AffectedRegion:
    """One region of an incident; instants in seconds since the epoch.

    Attributes:
        region: Its name.
        onset: Since when it fails.
        recovered: Since when it does not any more; None while it does.
        recovered_interval: 90 % interval of that.
        status: How it is at the moment.
        relapses: How often a recovery of it was taken back.
        impact: From its onset to its recovery.
    """

    region: str
    onset: float
    recovered: float | None
    recovered_interval: tuple[float, float] | None
    status: RegionStatus
    relapses: int
    impact: Impact

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        recovered, interval = self.recovered, self.recovered_interval
        return {
            "region": self.region,
            "status": self.status.value,
            "onset": format_instant(self.onset),
            "recovered": None if recovered is None else format_instant(recovered),
            "recovered_interval": interval and [format_instant(end) for end in interval],
            "relapses": self.relapses,
            **self.impact.totals(),
        }


@dataclass(frozen=True, slots=True)
class SecondaryImpact:
    """A weaker degradation outside an incident's scope that came with it.

    Attributes:
        scope: Where it is.
        regions: The regions it is in, sorted.
        onset: Since when, in seconds since the epoch.
        resolved: Since when it is over; None while it is not.
        impact: How bad.
    """

    scope: Scope
    regions: tuple[str, ...]
    onset: float
    resolved: float | None
    impact: Impact

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {
            "scope": {name: list(values) for name, values in sorted(self.scope.items())},
            "regions": list(self.regions),
            "onset": format_instant(self.onset),
            "resolved": None if self.resolved is None else format_instant(self.resolved),
            "impact": self.impact.record(),
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
    """A release that could explain the incident.

    Attributes:
        release: Its name.
        component: What it deploys, if known.
        probability: Posterior probability that it is the cause, 0 to 1.
        tied_with: Releases that the data cannot tell from it.
        evidence: Its evidence card.
        told_apart: Where it and those that are tied with it differ, as far as they do.
        exoneration: For its owner, why it is not the cause; None unless it is cleared.
    """

    release: str
    component: str | None
    probability: float
    tied_with: tuple[str, ...]
    evidence: tuple[EvidenceStatement, ...]
    told_apart: tuple[ToldApart, ...] = ()
    exoneration: str | None = None

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {
            "release": self.release,
            "component": self.component,
            "probability": self.probability,
            "tied_with": list(self.tied_with),
            "told_apart": [one.record() for one in self.told_apart],
            "cleared": self.exoneration is not None,
            "exoneration": self.exoneration,
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
    causes: CauseDetails
    related: tuple[RelatedIncident, ...]
    secondary: tuple[SecondaryImpact, ...]
    surroundings: Surroundings

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract, in a fixed order of fields."""
        resolved = None if self.resolved is None else format_instant(self.resolved)
        experiment = self.causes.experiment
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
            "no_release_forms": dict(self.causes.none_forms),
            "release_pairs": [pair.record() for pair in self.causes.pairs],
            "next_experiment": experiment and experiment.record(),
            "related": [other.record() for other in self.related],
            "secondary": [one.record() for one in self.secondary],
            **self.surroundings.record(),
        }
