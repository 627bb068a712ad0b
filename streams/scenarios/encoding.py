"""Drawn events as JSON lines of the outcome and release contracts."""

from collections.abc import Iterable

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from streams.domain.outcomes import Fault
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.domain.time import format_instant
from streams.scenarios.tables import Tables
from streams.scenarios.traffic import MINUTE_MS, OUTCOMES, Events

_Column = NDArray[np.object_]

_WITHOUT_RESOURCE = 0
_WITHOUT_CORRELATION = 1
_WITHOUT_START = 2
_WITHOUT_ATTRIBUTES = range(3, 9)
"""Values of the field `gap`, of 20, at which an event leaves an optional field out."""


class _OutcomeLine(msgspec.Struct, frozen=True):
    """One outcome event; the order of the fields is their order in the line."""

    id: str
    time: str
    operation: str
    outcome: str
    region: str
    zone: str | None
    os: str
    vm_type: str
    resource_type: str
    resource_id: str | UnsetType
    correlation_id: str | UnsetType
    started: str | UnsetType
    error_code: str | UnsetType
    error_message: str | UnsetType
    fault: Fault | UnsetType
    attributes: dict[str, str] | UnsetType


class _ReleaseLine(msgspec.Struct, frozen=True):
    """One release event."""

    id: str
    time: str
    release: str
    component: str | None
    version: str | None
    action: ReleaseAction
    stage: str | None
    scope: dict[str, tuple[str, ...]]
    exposure: float
    url: str | None


class OutcomeEncoder:
    """Encodes the events of one scenario.

    Args:
        tables: Of the scenario.
        seed: Of the scenario; part of every id.
    """

    def __init__(self, tables: Tables, seed: int) -> None:
        fleet = tables.fleet
        self._seed = seed
        self._outcomes = _column(outcome.value for outcome in OUTCOMES)
        self._regions = _column(fleet.region_names)
        self._os = _column(share.value for share in fleet.os)
        self._vm_types = _column(share.value for share in fleet.vm_types)
        self._operations = _column(kind.name for kind in fleet.operations)
        self._resource_types = _column(share.value for share in fleet.resource_types)
        self._zones = _column(tables.zones)
        self._attributes = _column({"cluster": name} for name in tables.clusters)
        # The last entry is what NO_ERROR, position -1, finds.
        self._codes = _column([*(kind.code for kind in tables.errors), UNSET])
        self._messages = _column([*(kind.message or UNSET for kind in tables.errors), UNSET])
        self._faults = _column([*(kind.fault or UNSET for kind in tables.errors), UNSET])
        self._moments = _column(f"{ms // 1000:02d}.{ms % 1000:03d}Z" for ms in range(MINUTE_MS))
        self._encode = msgspec.json.Encoder().encode

    def lines(self, events: Events) -> list[bytes]:
        """Encode events of one minute, each as one JSON object without a line end.

        Args:
            events: At least the minute's events, all with event times in the same minute.
        """
        if not len(events):
            return []
        minute = int(events["time"][0]) // MINUTE_MS
        names = f"{self._seed:x}-{minute:x}-"
        gap = events["gap"]
        columns = (
            [f"{names}{number:x}" for number in events["number"].tolist()],
            self._instants(events["time"]).tolist(),
            self._operations[events["operation"]].tolist(),
            self._outcomes[events["outcome"]].tolist(),
            self._regions[events["region"]].tolist(),
            self._zones[events["zone"]].tolist(),
            self._os[events["os"]].tolist(),
            self._vm_types[events["vm_type"]].tolist(),
            self._resource_types[events["resource_type"]].tolist(),
            _without(
                _column(f"vm-{number:05x}" for number in events["resource"].tolist()),
                gap == _WITHOUT_RESOURCE,
            ),
            _without(
                _column(f"c{names}{number:x}" for number in events["origin"].tolist()),
                gap == _WITHOUT_CORRELATION,
            ),
            _without(self._instants(events["time"] - events["duration"]), gap == _WITHOUT_START),
            self._codes[events["error"]].tolist(),
            self._messages[events["error"]].tolist(),
            self._faults[events["error"]].tolist(),
            _without(self._attributes[events["cluster"]], np.isin(gap, list(_WITHOUT_ATTRIBUTES))),
        )
        return list(map(self._encode, map(_OutcomeLine, *columns)))

    def _instants(self, times: NDArray[np.int64]) -> _Column:
        """Write milliseconds since the epoch as RFC 3339: minutes formatted, the rest by table."""
        minutes = times // MINUTE_MS
        first = int(minutes.min())
        texts = _column(
            format_instant(minute * 60.0)[: len("2021-10-13T06:27:")]
            for minute in range(first, int(minutes.max()) + 1)
        )
        instants: _Column = texts[minutes - first] + self._moments[times - minutes * MINUTE_MS]
        return instants


def release_line(event: ReleaseEvent) -> bytes:
    """Encode a release event as one JSON object without a line end."""
    return msgspec.json.encode(
        _ReleaseLine(
            id=event.id,
            time=format_instant(event.time),
            release=event.release,
            component=event.component,
            version=event.version,
            action=event.action,
            stage=event.stage,
            scope=dict(event.scope),
            exposure=event.exposure,
            url=event.url,
        )
    )


def _column(values: Iterable[object]) -> _Column:
    """Make an array of Python objects, shape (values,), even of what looks like sequences."""
    items = list(values)
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column


def _without(column: _Column, missing: NDArray[np.bool_]) -> list[object]:
    """Give a column as a list in which missing values are left out of the event."""
    kept = column.copy()
    kept[missing] = UNSET
    values: list[object] = kept.tolist()
    return values
