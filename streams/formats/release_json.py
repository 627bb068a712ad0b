"""Release events, version 1 of their contract: bytes to values, alone or in a CloudEvent."""

from typing import Annotated, Literal

import msgspec

from streams.domain.outcomes import DeadLetterReason
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.domain.time import EARLIEST, LATEST
from streams.formats.cloudevents import Envelope, Headers, open_envelope, open_structured
from streams.formats.instants import instant
from streams.formats.rejections import Rejection, explain, reject

EVENT_TYPE = "opwatch.release.v1"
_MARK = b'"specversion"'

_Text = Annotated[str, msgspec.Meta(max_length=256)]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class _ReleaseData(msgspec.Struct, frozen=True, kw_only=True):
    id: _Id | None = None
    time: str | None = None
    release: _Id
    action: Literal[
        "started", "progressed", "completed", "paused", "resumed", "rolled_back", "cancelled"
    ]
    component: _Text | None = None
    version: _Text | None = None
    stage: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    scope: dict[str, list[str]] = {}
    exposure: Annotated[float, msgspec.Meta(ge=0, le=1)] | msgspec.UnsetType = msgspec.UNSET
    url: str | None = None
    off_system: bool = False


class _Release(_ReleaseData, frozen=True, kw_only=True):
    id: _Id
    time: str


_decode_release = msgspec.json.Decoder(_Release).decode
_decode_data = msgspec.json.Decoder(_ReleaseData).decode


def decode_release(value: bytes | None, headers: Headers | None = None) -> ReleaseEvent | Rejection:
    """Decode one release event.

    Args:
        value: Value of the record.
        headers: Headers of the record, if any.

    Returns:
        The event, or why it is refused. The id of a CloudEvent is its source and id, with a space
        between. A rollback that does not say its exposure leaves none; any other step, as the
        contract says, all.
    """
    envelope = open_envelope(value, headers)
    if envelope is not None:
        return envelope if isinstance(envelope, Rejection) else _from_envelope(envelope)
    if value is None:
        return reject(DeadLetterReason.EMPTY, "the value is null")
    try:
        event = _decode_release(value)
    except (ValueError, RecursionError) as error:
        if isinstance(error, msgspec.ValidationError) and _MARK in value:
            whole = open_structured(value)
            return whole if isinstance(whole, Rejection) else _from_envelope(whole)
        return explain(error, value)
    return _event(event, event.id, event.time)


def _from_envelope(envelope: Envelope) -> ReleaseEvent | Rejection:
    if envelope.type != EVENT_TYPE:
        return reject(DeadLetterReason.UNSUPPORTED, f"CloudEvent of type {envelope.type!r}")
    try:
        data = _decode_data(envelope.data)
    except (ValueError, RecursionError) as error:
        return explain(error, envelope.data)
    time = data.time if data.time is not None else envelope.time
    if time is None:
        return reject(DeadLetterReason.INVALID, "neither the data nor the CloudEvent has a time")
    return _event(data, f"{envelope.source} {envelope.id}", time)


def _event(data: _ReleaseData, event_id: str, time: str) -> ReleaseEvent | Rejection:
    try:
        seconds = instant(time)
    except ValueError as error:
        return reject(DeadLetterReason.INVALID, f"time: {error}")
    if not EARLIEST <= seconds < LATEST:
        return reject(DeadLetterReason.TIME_OUT_OF_RANGE, f"time {time!r}")
    action = ReleaseAction(data.action)
    exposure = data.exposure
    if isinstance(exposure, msgspec.UnsetType):
        exposure = 0.0 if action is ReleaseAction.ROLLED_BACK else 1.0
    return ReleaseEvent(
        id=event_id,
        time=seconds,
        release=data.release,
        action=action,
        scope={name: tuple(values) for name, values in sorted(data.scope.items())},
        exposure=exposure,
        component=data.component,
        version=data.version,
        stage=data.stage,
        url=data.url,
        off_system=data.off_system,
    )
