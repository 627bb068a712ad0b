"""CloudEvents 1.0 around an event, by the Kafka protocol binding.

Structured: the header `content-type` starts with `application/cloudevents` and the value holds
everything. Binary: headers `ce_*` hold the attributes and the value is the data. A record without
either is a plain event.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from streams.domain.outcomes import DeadLetterReason
from streams.formats.rejections import Rejection, explain, reject

Headers = Sequence[tuple[str, bytes | None]]

VERSION = "1.0"
MAXIMUM_ID = 256
MAXIMUM_SOURCE = 1024
_PREFIX = "ce_"
_CONTENT_TYPE = "content-type"
_STRUCTURED = b"application/cloudevents"
_STRUCTURED_JSON = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A CloudEvent whose data is JSON.

    Attributes:
        source: Who sent it; with `id` it identifies the event.
        id: Unique within the source.
        type: What the data is.
        time: Time of the envelope, if given, as sent.
        data: The event, as JSON bytes.
    """

    source: str
    id: str
    type: str
    time: str | None
    data: bytes


class _Structured(msgspec.Struct, frozen=True):
    specversion: str | None = None
    id: str | None = None
    source: str | None = None
    type: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    data_base64: str | None = None


_decode_structured = msgspec.json.Decoder(_Structured).decode


def has_envelope(headers: Headers | None) -> bool:
    """Say whether headers announce a CloudEvent."""
    return bool(headers) and any(
        name[:3].lower() == _PREFIX
        or (name.lower() == _CONTENT_TYPE and (value or b"").lower().startswith(_STRUCTURED))
        for name, value in headers or ()
    )


def open_envelope(value: bytes | None, headers: Headers | None) -> Envelope | Rejection | None:
    """Take the event out of its envelope.

    Args:
        value: Value of the record.
        headers: Headers of the record, if any; of two with the same name the last one counts.

    Returns:
        The envelope, None where there is none, or why it is refused. A null value in binary mode is
        a tombstone and holds no event.
    """
    if not has_envelope(headers):
        return None
    if value is None:
        return reject(DeadLetterReason.EMPTY, "the value is null")
    attributes = {}
    for name, content in headers or ():
        lower = name.lower()
        if content is not None and (lower.startswith(_PREFIX) or lower == _CONTENT_TYPE):
            try:
                attributes[lower] = content.decode()
            except UnicodeDecodeError as error:
                return reject(DeadLetterReason.INVALID, f"header {lower[:64]!r}: {error}")
    content_type = attributes.get(_CONTENT_TYPE, "").lower()
    if not content_type.startswith(_STRUCTURED.decode()):
        return _binary(attributes, value)
    if _media_type(content_type) != _STRUCTURED_JSON:
        return reject(DeadLetterReason.UNSUPPORTED, f"content-type {content_type!r}")
    return open_structured(value)


def open_structured(value: bytes) -> Envelope | Rejection:
    """Take the event out of a value that is a whole CloudEvent, whatever the headers say."""
    try:
        whole = _decode_structured(value)
    except (ValueError, RecursionError) as error:
        return explain(error, value)
    data: bytes | Rejection
    if whole.data_base64 is not None:
        try:
            data = base64.b64decode(whole.data_base64, validate=True)
        except (binascii.Error, ValueError) as error:
            return reject(DeadLetterReason.INVALID, f"data_base64: {error}")
    else:
        data = b"" if isinstance(whole.data, msgspec.UnsetType) else bytes(whole.data)
    attributes = {
        "ce_specversion": whole.specversion,
        "ce_id": whole.id,
        "ce_source": whole.source,
        "ce_type": whole.type,
        "ce_time": whole.time,
        _CONTENT_TYPE: whole.datacontenttype,
    }
    return _binary({name: text for name, text in attributes.items() if text is not None}, data)


def _binary(attributes: Mapping[str, str], data: bytes) -> Envelope | Rejection:
    for name in ("ce_specversion", "ce_id", "ce_source", "ce_type"):
        if not attributes.get(name):
            return reject(DeadLetterReason.INVALID, f"the CloudEvent lacks {name[3:]}")
    if attributes["ce_specversion"] != VERSION:
        version = attributes["ce_specversion"]
        return reject(DeadLetterReason.UNSUPPORTED, f"CloudEvents version {version!r}")
    content_type = _media_type(attributes.get(_CONTENT_TYPE, "application/json"))
    if not (content_type.endswith("+json") or content_type in {"application/json", "text/json"}):
        return reject(DeadLetterReason.UNSUPPORTED, f"data of type {content_type!r}")
    for name, limit in (("ce_id", MAXIMUM_ID), ("ce_source", MAXIMUM_SOURCE)):
        if len(attributes[name]) > limit:
            return reject(DeadLetterReason.INVALID, f"{name[3:]} is longer than {limit} characters")
    if not data.strip():
        return reject(DeadLetterReason.EMPTY, "the CloudEvent has no data")
    return Envelope(
        source=attributes["ce_source"],
        id=attributes["ce_id"],
        type=attributes["ce_type"],
        time=attributes.get("ce_time"),
        data=data,
    )


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
