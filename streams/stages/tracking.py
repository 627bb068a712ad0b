"""What is known of one incident while it lasts; windows are indices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.domain.causes import CauseDetails
from streams.domain.incidents import Candidate, IncidentStatus
from streams.domain.relations import RelatedIncident, Relation
from streams.domain.series import ANY, SeriesKey
from streams.stages.history import Float64
from streams.stages.region_counts import RegionCounts

LOOKBACK = 60
"""Windows before the first sign in which the onset is looked for and ordinary errors are known."""

SETTLING = 30
"""Windows after the opening in which scope and onset are worked out anew in every window."""


class Degradation(NamedTuple):
    """A judged degradation of one series.

    Attributes:
        key: The series.
        onset: Window in which it began.
        raised: Window whose closing raised it.
    """

    key: SeriesKey
    onset: int
    raised: int


@dataclass(slots=True)
class TrackedRegion:
    """An affected region.

    Attributes:
        onset: First affected window.
        recovered: First recovered window, None while there is none.
        relapses: How often a recovery was taken back.
    """

    onset: int
    recovered: int | None = None
    relapses: int = 0


@dataclass(slots=True)
class ErrorCounts:
    """Failures in scope by error code, in the look-back before the onset and since the onset."""

    before: dict[str, int] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)  # one incident is never another, and arrays have no one equality
class TrackedIncident:
    """Running state of one incident.

    Attributes:
        id: Stable id.
        opened: Window whose closing raised it.
        onset: First affected window; `onset_low` and `onset_high` bound it with 90 %.
        scope: Dimension -> values.
        baseline: (S,) failure probability of each series as it was when the incident opened.
        counts: Counts in scope by region.
        degradations: What it explains, kept while its scope may still lose some of it.
        regions: Affected regions by name.
        errors: Error codes in scope.
        candidates: Newest ranking, most probable first.
        none_probability: Probability that no known release is the cause.
        causes: What else the newest ranking said.
        resolved: First window in which all regions had recovered.
        revision: Number of records written.
        written: Window of the newest record.
        facts: What the newest record said, as far as a reader would act on it.
        ranked: Window of the newest ranking.
        ranked_events: Digest of the release events that it knew.
        related: Links to earlier incidents.
        primary: Id of the incident that it is, or was, secondary impact of.
        parted: Why it no longer is.
    """

    id: str
    opened: int
    onset: int
    onset_low: int
    onset_high: int
    scope: dict[str, tuple[str, ...]]
    baseline: Float64
    counts: RegionCounts
    degradations: list[Degradation] = field(default_factory=list)
    regions: dict[str, TrackedRegion] = field(default_factory=dict)
    errors: ErrorCounts = field(default_factory=ErrorCounts)
    candidates: tuple[Candidate, ...] = ()
    none_probability: float = 1.0
    causes: CauseDetails = field(default_factory=CauseDetails)
    resolved: int | None = None
    revision: int = 0
    written: int = 0
    facts: str = ""
    ranked: int | None = None
    ranked_events: int = 0
    related: tuple[RelatedIncident, ...] = ()
    primary: str | None = None
    parted: Relation | None = None

    @property
    def is_secondary(self) -> bool:
        """Tell whether it is told in another incident's record, and has none of its own."""
        return self.primary is not None and self.parted is None

    @property
    def status(self) -> IncidentStatus:
        """Give the status of the whole."""
        if self.resolved is not None:
            return IncidentStatus.RESOLVED
        recovered = any(region.recovered is not None for region in self.regions.values())
        return IncidentStatus.RECOVERING if recovered else IncidentStatus.OPEN

    def is_settling(self, window: int) -> bool:
        """Tell whether scope and onset are still worked out anew in every window."""
        return window - self.opened <= SETTLING


def covers(
    scope: Mapping[str, tuple[str, ...]], dimensions: tuple[str, ...], key: SeriesKey
) -> bool:
    """Tell whether a series, or part of a sum of series, is in a scope (dimension -> values)."""
    return all(
        value in scope[name] or value == ANY
        for name, value in zip(dimensions, key, strict=True)
        if name in scope
    )
