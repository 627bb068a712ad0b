"""State of the incidents stage, and how it is kept and read back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from streams.config import Settings
from streams.domain.causes import CauseDetails
from streams.domain.incidents import Candidate, IncidentRecord, IncidentStatus
from streams.domain.relations import RelatedIncident, Relation
from streams.stages.alignment import Alignment
from streams.stages.history import Bool, History
from streams.stages.region_counts import RegionCounts
from streams.stages.relations import Outline
from streams.stages.snapshots import fingerprint, pack, unpack
from streams.stages.tracking import Degradation, ErrorCounts, TrackedIncident, TrackedRegion
from streams.windows.closed_codec import decode_closed, encode_closed

STAGE = "incidents"


def incidents_fingerprint(settings: Settings) -> str:
    """Give the digest of everything that shapes the stage's state."""
    return fingerprint(
        settings.ingest.dimensions,
        settings.windows.model_dump_json(),
        settings.detectors.shaping(),
        settings.incidents.model_dump_json(),
        settings.topics.counts_partitions,
    )


@dataclass(slots=True)
class IncidentsState:
    """Everything the stage remembers but the release log, which is read again from its topic.

    Attributes:
        history: Counts of the last hours.
        alignment: Pieces of windows that not all partitions have closed.
        tracked: Incidents that are open, or resolved so lately that they may relapse.
        pending: Degradations that no incident explains yet.
        past: Incidents that are not followed any more, but may still be linked to.
        told: Newest record of every incident that is not resolved, as the contract has it.
    """

    history: History
    alignment: Alignment
    tracked: list[TrackedIncident] = field(default_factory=list)
    pending: list[Degradation] = field(default_factory=list)
    past: list[Outline] = field(default_factory=list)
    told: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def regions(self) -> tuple[str, ...]:
        """Give the names of the regions, in the order of their codes."""
        return self.history.values[self.history.dimensions.index("region")]

    def note(self, record: IncidentRecord) -> None:
        """Remember a record as the newest of its incident, as long as that is not resolved."""
        if record.status is IncidentStatus.RESOLVED:
            self.told.pop(record.incident, None)
        else:
            self.told[record.incident] = record.record()

    def explained(self, since: int, besides: TrackedIncident | None = None) -> Bool:
        """Give the (S,) mask of the series that incidents explain, one incident aside.

        Args:
            since: First window that counts: whoever had resolved by then explains nothing.
            besides: The incident that is left out, with all that it explains itself.
        """
        history = self.history
        mask = np.zeros(len(history), np.bool_)
        for incident in self.tracked:
            lasted = incident.resolved is None or incident.resolved > since
            if incident is not besides and lasted:
                mask |= history.matches(incident.scope)
        return mask if besides is None else mask & ~history.matches(besides.scope)

    @classmethod
    def fresh(cls, settings: Settings) -> "IncidentsState":
        """Give the state of a stage that has seen nothing."""
        length = int(settings.incidents.history.total_seconds()) // settings.windows.seconds
        history = History(settings.ingest.dimensions, max(length, 120))
        return cls(history, Alignment(settings.topics.counts_partitions))

    def snapshot(self, settings: Settings) -> bytes:
        """Give the whole state as plain data."""
        content = {
            "history": self.history.snapshot(),
            "through": sorted(self.alignment.through.items()),
            "waiting": [encode_closed(piece) for piece in self.alignment.waiting],
            "tracked": [_incident_content(incident) for incident in self.tracked],
            "pending": self.pending,
            "past": self.past,
            "told": self.told,
        }
        return pack(STAGE, incidents_fingerprint(settings), content)

    @classmethod
    def resume(cls, settings: Settings, data: bytes) -> "IncidentsState":
        """Go on from a snapshot.

        Raises:
            SnapshotError: The snapshot is damaged or was made under other settings.
        """
        content = unpack(STAGE, incidents_fingerprint(settings), data)
        state = cls.fresh(settings)
        length = state.history.length
        state.history = History.resume(settings.ingest.dimensions, length, content["history"])
        state.alignment.through = dict(content["through"])
        state.alignment.waiting = [decode_closed(piece) for piece in content["waiting"]]
        state.tracked = [_incident(one) for one in content["tracked"]]
        state.pending = _degradations(content["pending"])
        state.past = msgspec.convert(content["past"], list[Outline])
        # Snapshots from before there were any have none: the next record of each brings it.
        state.told = dict(content.get("told", {}))
        return state


_PLAIN = (
    "id",
    "opened",
    "onset",
    "onset_low",
    "onset_high",
    "baseline",
    "none_probability",
    "resolved",
    "revision",
    "written",
    "facts",
    "ranked",
    "ranked_events",
    "degradations",
    "primary",
)


def _incident_content(incident: TrackedIncident) -> dict[str, Any]:
    return {
        **{name: getattr(incident, name) for name in _PLAIN},
        "scope": {name: list(values) for name, values in incident.scope.items()},
        "counts": incident.counts.snapshot(),
        "regions": {
            name: [one.onset, one.recovered, one.relapses] for name, one in incident.regions.items()
        },
        "errors": [incident.errors.before, incident.errors.since],
        "candidates": list(incident.candidates),
        "causes": incident.causes,
        "related": list(incident.related),
        "parted": incident.parted,
    }


def _incident(content: dict[str, Any]) -> TrackedIncident:
    before, since = content["errors"]
    plain = {name: content[name] for name in _PLAIN}
    plain["degradations"] = _degradations(plain["degradations"])
    return TrackedIncident(
        **plain,
        scope={name: tuple(values) for name, values in content["scope"].items()},
        counts=RegionCounts.resume(content["counts"]),
        regions={name: TrackedRegion(*one) for name, one in content["regions"].items()},
        errors=ErrorCounts(before, since),
        candidates=msgspec.convert(content["candidates"], tuple[Candidate, ...]),
        causes=msgspec.convert(content["causes"], CauseDetails),
        related=msgspec.convert(content["related"], tuple[RelatedIncident, ...]),
        parted=msgspec.convert(content["parted"], Relation | None),
    )


def _degradations(content: list[tuple[list[str], int, int]]) -> list[Degradation]:
    return [Degradation(tuple(key), onset, raised) for key, onset, raised in content]
