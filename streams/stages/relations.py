"""How an incident relates to earlier ones: what its reader should know about them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from streams.domain.relations import RelatedIncident, Relation
from streams.domain.releases import ReleaseEvent
from streams.domain.time import window_of
from streams.stages.spans import Spans
from streams.stages.tracking import TrackedIncident

SLACK = 2
"""Windows by which an effect may seem to precede its cause, as both instants are estimates."""

MOST = 5
"""Links of one incident: those that say most, and of these the latest."""

_ORDER = tuple(Relation)


@dataclass(frozen=True, slots=True)
class Outline:
    """What of an incident its links need.

    Attributes:
        id: Its id.
        onset: First affected window.
        resolved: First window in which all regions had recovered, None while they have not.
        scope: Dimension -> values.
        recovered: Affected region -> its first recovered window, None while there is none.
    """

    id: str
    onset: int
    resolved: int | None
    scope: Mapping[str, tuple[str, ...]]
    recovered: Mapping[str, int | None]

    @classmethod
    def of(cls, incident: TrackedIncident) -> "Outline":
        """Take the outline of an incident as it is now."""
        regions = sorted(incident.regions.items())
        return cls(
            id=incident.id,
            onset=incident.onset,
            resolved=incident.resolved,
            scope=incident.scope,
            recovered={name: region.recovered for name, region in regions},
        )


def relate(
    incident: TrackedIncident,
    earlier: Sequence[Outline],
    rollbacks: Sequence[ReleaseEvent],
    spans: Spans,
) -> tuple[RelatedIncident, ...]:
    """Give an incident's links, at most one to each incident that was opened earlier.

    All that they depend on is told in the records of the two incidents, so that they change when
    these do and not for reasons of their own.

    Args:
        incident: The incident.
        earlier: Incidents that were opened before it, in that order.
        rollbacks: Steps by which releases were taken back.
        spans: Durations in windows.
    """
    mine = Outline.of(incident)
    found = []
    for other in earlier:
        parted = incident.parted if other.id == incident.primary else None
        link = _parted(other, parted) if parted else _link(mine, other, rollbacks, spans)
        if link is not None:
            found.append((_ORDER.index(link.relation), -other.onset, other.id, link))
    return tuple(link for *_, link in sorted(found, key=lambda one: one[:3])[:MOST])


def overlap(one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether two scopes (dimension -> values) can have a series in common."""
    return all(set(values) & set(other.get(name, values)) for name, values in one.items())


def _link(
    mine: Outline, other: Outline, rollbacks: Sequence[ReleaseEvent], spans: Spans
) -> RelatedIncident | None:
    shared = [name for name in mine.recovered if name in other.recovered]
    if shared and mine.onset > other.onset:
        mitigated = max(_mitigations(mine, other, shared, rollbacks, spans), default=None)
        if mitigated is not None:
            _, at, what = mitigated
            statement = f"Began {_minutes(mine.onset - at, spans)} after {what}."
            return RelatedIncident(other.id, Relation.AFTER_MITIGATION, statement)
        recovered = [
            at
            for at in other.recovered.values()
            if at is not None and -SLACK <= mine.onset - at <= spans.related_within
        ]
        if recovered:
            lag = _minutes(mine.onset - max(recovered), spans)
            statement = f"Began {lag} after a recovery in {other.id}, also in {_listed(shared)}."
            return RelatedIncident(other.id, Relation.FOLLOWS, statement)
    if _lasted(other, mine.onset) and _lasted(mine, other.onset):
        statement = f"Goes on at the same time as {other.id}, in another scope."
        return RelatedIncident(other.id, Relation.CONCURRENT, statement)
    return None


def _parted(other: Outline, why: Relation) -> RelatedIncident:
    end = "does not end with it" if why is Relation.OUTLASTS else "is too much for that"
    return RelatedIncident(other.id, why, f"Began as secondary impact of {other.id}, and {end}.")


def _mitigations(
    mine: Outline,
    other: Outline,
    shared: Sequence[str],
    rollbacks: Iterable[ReleaseEvent],
    spans: Spans,
) -> Iterator[tuple[bool, int, str]]:
    """Give the mitigations in shared regions that are recent enough.

    Yields:
        Whether it is a rollback, which says more than the recovery it brings; its window; what it
        was.
    """
    for name in shared:
        recovered = other.recovered[name]
        if recovered is not None and _is_recent(mine.onset - recovered, spans):
            yield False, recovered, f"{name} recovered in {other.id}"
    for event in rollbacks:
        at = window_of(event.time, spans.seconds)
        touched = [name for name in shared if name in event.scope.get("region", shared)]
        concerned = touched and at >= other.onset and overlap(event.scope, other.scope)
        if concerned and _is_recent(mine.onset - at, spans):
            yield True, at, f"the rollback of {event.release} in {_listed(touched)} for {other.id}"


def _is_recent(lag: int, spans: Spans) -> bool:
    return -SLACK <= lag <= spans.mitigation_within


def _lasted(outline: Outline, window: int) -> bool:
    return outline.resolved is None or outline.resolved > window


def _minutes(lag: int, spans: Spans) -> str:
    minutes = max(lag, 0) * spans.seconds // 60
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    """Name regions, or the first two of many."""
    named = 3
    if len(names) <= named:
        return ", ".join(names)
    return f"{names[0]}, {names[1]} and {len(names) - 2} more regions"
