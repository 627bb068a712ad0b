"""A scenario: a fleet, its releases and what goes wrong, and the events it produces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np

from streams.domain.releases import ReleaseEvent
from streams.domain.time import format_instant
from streams.scenarios.arrivals import Arrivals
from streams.scenarios.disturbance import disturb
from streams.scenarios.encoding import OutcomeEncoder, release_line
from streams.scenarios.fleet import Fleet
from streams.scenarios.incident import Incident, RegionWindow
from streams.scenarios.releases import ReleasePlan
from streams.scenarios.tables import Tables, tables_of
from streams.scenarios.traffic import (
    MINUTE_MS,
    NOT_REDELIVERED,
    OUTCOMES,
    Events,
    draw_minute,
    is_caller_fault,
)


@dataclass(frozen=True, slots=True)
class Batch:
    """The outcome events that arrive in one minute.

    Attributes:
        minute_start: Of the arrivals, whole seconds since the epoch.
        lines: JSON objects without line ends, in order of arrival.
    """

    minute_start: int
    lines: list[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A reproducible stretch of a fleet's life.

    The outcomes of a minute depend on the fleet, the seed and that minute; those of an affected
    minute on the incident too. So two scenarios that differ in their releases alone have the same
    outcomes, and a scenario without an incident has the same as one with an incident until its
    onset.

    Attributes:
        name: From the catalogue.
        seed: Of all random draws, not negative.
        fleet: Where it happens.
        releases: Everything registered that rolls out.
        incident: What goes wrong; None for a quiet stretch.
        further: What else goes wrong, in the order of the onsets.
        start: Event time of the first minute, aware, a whole minute.
        end: Event time at which the last minute ends, aware, a whole minute.
        moved: How much later everything is told to have happened, whole minutes: the same
            operations under other times and ids.
    """

    name: str
    seed: int
    fleet: Fleet
    releases: tuple[ReleasePlan, ...]
    incident: Incident | None
    start: datetime
    end: datetime
    further: tuple[Incident, ...] = ()
    moved: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        """Refuse a stretch that is empty or begins within a minute, and a negative seed."""
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, but is {self.seed}")
        if self.start.timestamp() % 60 or self.end.timestamp() % 60 or self.end <= self.start:
            raise ValueError(f"{self.start} to {self.end} is no stretch of whole minutes")
        if self.moved % timedelta(minutes=1):
            raise ValueError(f"moved by {self.moved}, which is no whole number of minutes")
        names = [incident.name for incident in self.incidents]
        if len(set(names)) < len(names):
            raise ValueError(f"incidents of {self.name!r} share a name: {names}")
        for incident in self.incidents:
            if incident.caused_by is not None and incident.caused_by not in names:
                raise ValueError(
                    f"{incident.name!r} is caused by {incident.caused_by!r}, not one of {names}"
                )

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """All that goes wrong, in the order of the onsets."""
        return () if self.incident is None else (self.incident, *self.further)

    @property
    def minutes(self) -> range:
        """Minutes since the epoch in which operations end."""
        return range(int(self.start.timestamp()) // 60, int(self.end.timestamp()) // 60)

    def batches(self) -> Iterator[Batch]:
        """Give the outcome events minute by minute of their arrival.

        After the last minute more batches follow while late events and second deliveries are under
        way.
        """
        tables = self._tables()
        encoder, arrivals = OutcomeEncoder(tables, self.seed), Arrivals()
        later = self.moved // timedelta(minutes=1)
        for drawn in self.minutes:
            minute = drawn + later
            events = _moved(self._events(tables, drawn), later * MINUTE_MS)
            lines = encoder.lines(events)
            arrivals.add(events["arrival"], lines)
            again = np.flatnonzero(events["redelivery"] != NOT_REDELIVERED)
            arrivals.add(events["redelivery"][again], [lines[index] for index in again.tolist()])
            yield Batch(minute * 60, arrivals.until((minute + 1) * MINUTE_MS))
        minute = self.minutes.stop + later
        while len(arrivals):
            yield Batch(minute * 60, arrivals.until((minute + 1) * MINUTE_MS))
            minute += 1

    def release_events(self) -> list[bytes]:
        """Give the release events before the scenario's end, in time order.

        Each is a JSON object without a line end. They reach back to the start of each release,
        which may be days before the first outcome.
        """
        return [release_line(event) for event in self.release_steps()]

    def release_steps(self) -> list[ReleaseEvent]:
        """Give the same events as values."""
        events = [event for plan in self.releases for event in plan.events()]
        later = self.moved.total_seconds()
        return [
            replace(event, time=event.time + later)
            for event in sorted(events, key=lambda event: (event.time, event.id))
            if event.time < self.end.timestamp()
        ]

    def truth(self) -> dict[str, Any]:
        """Give what a monitor should find out, and what it should have counted. JSON-able.

        The first incident's facts stand at the top, those of all incidents in `incidents`.
        Draws the whole scenario once more, without encoding it.
        """
        return {
            "scenario": self.name,
            "seed": self.seed,
            "start": _instant(self.start + self.moved),
            "end_of_data": _instant(self.end + self.moved),
            **self._counts(),
            **(
                _NO_INCIDENT
                if self.incident is None
                else _incident_truth(self.incident, self.moved)
            ),
            "incidents": [
                {
                    "incident": incident.name,
                    "caused_by": incident.caused_by,
                    "latent_release": incident.latent_release,
                    **_incident_truth(incident, self.moved),
                }
                for incident in self.incidents
            ],
        }

    def _tables(self) -> Tables:
        effects = [effect for incident in self.incidents for effect in incident.effects]
        return tables_of(self.fleet, effects, self.seed)

    def _counts(self) -> dict[str, Any]:
        tables = self._tables()
        disorder = self.fleet.delivery.allowed_disorder // timedelta(milliseconds=1)
        totals = np.zeros(len(OUTCOMES), dtype=np.int64)
        caller_faults = duplicates = late = 0
        for minute in self.minutes:
            events = self._events(tables, minute)
            totals += np.bincount(events["outcome"], minlength=len(OUTCOMES))
            caller_faults += int(np.sum(is_caller_fault(tables, events)))
            duplicates += int(np.sum(events["redelivery"] != NOT_REDELIVERED))
            late += int(np.sum(events["arrival"] - events["time"] > disorder))
        return {
            "outcomes": int(totals.sum()) + duplicates,
            "distinct_ids": int(totals.sum()),
            "duplicates": duplicates,
            "late": late,
            "caller_faults": caller_faults,
            "totals": {
                kind.value: int(count) for kind, count in zip(OUTCOMES, totals, strict=True)
            },
        }

    def _events(self, tables: Tables, minute: int) -> Events:
        return disturb(tables, self.seed, minute, draw_minute(tables, self.seed, minute))


_NO_INCIDENT: Mapping[str, Any] = MappingProxyType(
    {"onset": None, "end": None, "scope": {}, "regions": [], "culprit": None, "effects": []}
)


def _moved(events: Events, milliseconds: int) -> Events:
    """Let events happen and arrive so much later; in place."""
    again = events["redelivery"] != NOT_REDELIVERED
    events["redelivery"][again] += milliseconds
    for name in ("time", "arrival"):
        events[name] += milliseconds
    return events


def _incident_truth(incident: Incident, moved: timedelta) -> dict[str, Any]:
    return {
        "onset": _instant(incident.onset + moved),
        "end": _instant(incident.end + moved),
        "scope": {name: list(values) for name, values in incident.scope.items()},
        "regions": [_window(window, moved) for window in incident.regions],
        "culprit": incident.culprit,
        "effects": [
            {
                "scope": {name: list(values) for name, values in effect.scope.items()},
                "regions": [_window(window, moved) for window in effect.windows],
                "failure_ratio_added": round(effect.failure_ratio, 6),
                "volume_factor": round(effect.volume_factor, 6),
                "held_back_share": effect.held_back_share,
                "error_codes": [kind.code for kind in effect.signature],
            }
            for effect in incident.effects
        ],
    }


def _window(window: RegionWindow, moved: timedelta) -> dict[str, str]:
    return {
        "region": window.region,
        "onset": _instant(window.onset + moved),
        "recovered": _instant(window.recovered + moved),
    }


def _instant(time: datetime) -> str:
    return format_instant(time.timestamp())
