"""Values become outcomes, alone or in CloudEvents, or are refused with a reason."""

import base64
import json
from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pytest
from jsonschema import Draft202012Validator
from outcome_events import LONG_AFTER, SOURCE, START, event, flush_of, ingest

from streams.config import IngestSettings, Settings
from streams.domain.outcomes import DeadLetterReason
from streams.formats.outcome_contract import OutcomeData
from streams.formats.outcome_json import OutcomeBatch, Rejections, decode_outcomes
from streams.stages.ingest import RecordBatch

Headers = list[tuple[str, bytes | None]]

ENVELOPE = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/fleet/west",
    "type": "opwatch.operation.outcome.v1",
}
BINARY: Headers = [(f"ce_{name}", text.encode()) for name, text in ENVELOPE.items()]
STRUCTURED: Headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
DATA = {"operation": "create", "outcome": "success", "region": "westus"}
TIME = "2021-10-13T06:00:00Z"


def number(events: Sequence[OutcomeData]) -> npt.NDArray[np.int64]:
    return np.zeros(len(events), np.int64)


def decode(value: bytes | None, headers: Headers | None = None) -> tuple[OutcomeBatch, Rejections]:
    return decode_outcomes([value], None if headers is None else [headers], 1_048_576, number)


def refused(value: bytes | None, headers: Headers | None = None) -> tuple[DeadLetterReason, str]:
    batch, rejections = decode(value, headers)
    assert not len(batch.rows)
    ((row, rejection),) = rejections
    assert row == 0
    return rejection.reason, rejection.detail


def structured(**attributes: object) -> bytes:
    whole = {**ENVELOPE, "time": TIME, "data": DATA, **attributes}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (None, DeadLetterReason.EMPTY, "null"),
        (b"", DeadLetterReason.EMPTY, "no bytes"),
        (b" \n", DeadLetterReason.EMPTY, "no bytes"),
        (event()[:-5], DeadLetterReason.MALFORMED, "truncated"),
        (event() + b"," + event("2"), DeadLetterReason.MALFORMED, "trailing"),
        (b"\xef\xbb\xbf" + event(), DeadLetterReason.MALFORMED, "byte 0"),
        (event().replace(b"westus", b"\xff"), DeadLetterReason.MALFORMED, "utf-8"),
        (event(error_message="?").replace(b"?", b"\xff"), DeadLetterReason.MALFORMED, "utf-8"),
        (event(resource_id="?").replace(b"?", b"\\ud800"), DeadLetterReason.MALFORMED, ""),
        (event(x=float("nan")), DeadLetterReason.MALFORMED, "invalid character"),
        (event(x="?").replace(b'"?"', b"[" * 100_000), DeadLetterReason.MALFORMED, "deeply"),
        (b"[]", DeadLetterReason.INVALID, "object"),
        (b"17", DeadLetterReason.INVALID, "object"),
        (event(outcome="exploded"), DeadLetterReason.INVALID, "$.outcome"),
        (event(outcome="Success"), DeadLetterReason.INVALID, "$.outcome"),
        (event(region=7), DeadLetterReason.INVALID, "$.region"),
        (event(region=None), DeadLetterReason.INVALID, "region"),
        (event(region="r" * 129), DeadLetterReason.INVALID, "$.region"),
        (event(""), DeadLetterReason.INVALID, "$.id"),
        (event("i" * 257), DeadLetterReason.INVALID, "$.id"),
        (event(fault="nobody"), DeadLetterReason.INVALID, "$.fault"),
        (event(attributes={"cluster": 7}), DeadLetterReason.INVALID, "$.attributes"),
        (event(attributes={"cluster": "c" * 257}), DeadLetterReason.INVALID, "$.attributes"),
        (
            event(time="2021-10-13T06:00:00"),
            DeadLetterReason.INVALID,
            "time: '2021-10-13T06:00:00'",
        ),
        (event(time=1634104800), DeadLetterReason.INVALID, "$.time"),
        (event(started="2021-10-13 yesterday"), DeadLetterReason.INVALID, "started: "),
        (event(time="0001-01-01T00:00:00Z"), DeadLetterReason.TIME_OUT_OF_RANGE, "0001"),
        (event(time="1969-12-31T23:59:59.999Z"), DeadLetterReason.TIME_OUT_OF_RANGE, "1969"),
        (event(time="2100-01-01T00:00:00Z"), DeadLetterReason.TIME_OUT_OF_RANGE, "2100"),
        (event(time="9999-12-31T23:59:59Z"), DeadLetterReason.TIME_OUT_OF_RANGE, "9999"),
    ],
)
def test_a_bad_value_is_refused_with_the_reason(
    value: bytes | None, reason: DeadLetterReason, said: str
) -> None:
    given, detail = refused(value)
    assert given is reason
    assert said in detail
    assert 0 < len(detail) <= 300


def test_a_value_too_large_is_refused_unread() -> None:
    settings = Settings(ingest=IngestSettings(maximum_event_bytes=1024))
    huge, fitting = b"{" * 1025, event("2", error_message="m" * 800)
    flush = flush_of([event("1"), huge, fitting, None], settings)
    assert [(one.offset, one.reason) for one in flush.dead_letters] == [
        (1, DeadLetterReason.TOO_LARGE),
        (3, DeadLetterReason.EMPTY),
    ]
    assert flush.dead_letters[0].value == huge
    assert flush.statistics.records == 4


def test_bad_values_do_not_disturb_their_neighbours() -> None:
    values = [event(str(row)) if row % 7 else b"{" for row in range(1500)]
    batch, rejections = decode_outcomes(values, None, 1024, number)
    assert batch.rows.tolist() == [row for row in range(1500) if row % 7]
    assert list(batch.ids) == [str(row) for row in range(1500) if row % 7]
    assert [row for row, _ in rejections] == [row for row in range(1500) if row % 7 == 0]


def test_what_looks_like_two_errors_that_cancel_each_other_is_three_dead_letters() -> None:
    flush = flush_of([event("1") + b"," + event("2"), b"", event("3")[:-1], b"}"])
    assert len(flush.dead_letters) == 4


def test_unknown_fields_are_passed_over_and_of_equal_keys_the_last_counts() -> None:
    value = event("first", future={"deep": [1, {"er": None}]})
    batch, _ = decode(value[:-1] + b', "id": "last"}')
    assert list(batch.ids) == ["last"]


def test_the_typed_decoder_agrees_with_the_contract() -> None:
    schema = json.loads((files("streams") / "schemas" / "outcome.schema.json").read_text())
    validator = Draft202012Validator(schema)
    samples: list[dict[str, object]] = []
    whole = json.loads(event("e", 0, zone="1", os="linux", fault="caller", started=TIME))
    for name, rule in schema["properties"].items():
        limit = rule.get("maxLength")
        texts: list[object] = [None, 7, {}, [], "", "success", TIME]
        if limit:
            texts += ["x" * limit, "é" * limit, "x" * (limit + 1)]
        if name in {"time", "started"}:
            texts = [None, 7, {}, [], TIME]  # the schema checks no format
        samples += [{**whole, name: text} for text in texts]
        samples.append({key: value for key, value in whole.items() if key != name})
    samples += [{**whole, "attributes": one} for one in ({"a": "b"}, {"a": None}, {"a": "x" * 257})]
    for sample in samples:
        batch, _ = decode(json.dumps(sample).encode())
        assert bool(len(batch.rows)) == validator.is_valid(sample), sample


def test_a_binary_cloudevent_is_known_by_its_source_and_id() -> None:
    data = json.dumps({**DATA, "id": "other", "time": TIME}).encode()
    batch, rejections = decode(data, [*BINARY, ("content-type", b"application/json")])
    assert not rejections
    assert list(batch.ids) == [("/fleet/west", "e1")]
    assert batch.times.tolist() == [START]


def test_a_structured_cloudevent_says_the_same() -> None:
    capitals: Headers = [("Content-Type", b"Application/CloudEvents+JSON")]
    for headers in (STRUCTURED, capitals):
        batch, rejections = decode(structured(), headers)
        assert not rejections
        assert list(batch.ids) == [("/fleet/west", "e1")]
        assert batch.times.tolist() == [START]


def test_data_of_a_structured_cloudevent_may_be_base64() -> None:
    encoded = base64.b64encode(json.dumps(DATA).encode()).decode()
    batch, _ = decode(structured(data=None, data_base64=encoded), STRUCTURED)
    assert len(batch.rows) == 1


def test_a_structured_cloudevent_needs_no_header() -> None:
    batch, _ = decode(structured())
    assert list(batch.ids) == [("/fleet/west", "e1")]


def test_the_time_of_the_data_wins_over_the_envelopes() -> None:
    late = "2021-10-13T06:01:00Z"
    batch, _ = decode(structured(data={**DATA, "time": late}), STRUCTURED)
    assert batch.times.tolist() == [START + 60]


def test_equal_ids_of_two_sources_are_two_events() -> None:
    stage = ingest()
    values = [structured(), structured(source="/fleet/east"), structured(), event("e1")]
    headers: list[Headers | None] = [STRUCTURED, STRUCTURED, STRUCTURED, None]
    stage.process(RecordBatch(SOURCE, values, range(4), headers), LONG_AFTER)
    assert stage.flush().statistics.duplicates == 1


def test_headers_of_others_do_not_make_a_cloudevent() -> None:
    headers: Headers = [
        ("traceparent", b"\xff"),
        ("content-type", b"application/json"),
        ("x", None),
    ]
    batch, _ = decode(event("plain"), headers)
    assert list(batch.ids) == ["plain"]


@pytest.mark.parametrize(
    ("value", "headers", "reason", "said"),
    [
        (None, BINARY, DeadLetterReason.EMPTY, "null"),
        (b" ", BINARY, DeadLetterReason.EMPTY, "data"),
        (b"{}", BINARY, DeadLetterReason.INVALID, "operation"),
        (b"{", BINARY, DeadLetterReason.MALFORMED, "truncated"),
        (json.dumps(DATA).encode(), BINARY, DeadLetterReason.INVALID, "time"),
        (b"{}", BINARY[1:], DeadLetterReason.INVALID, "specversion"),
        (b"{}", BINARY[:1], DeadLetterReason.INVALID, "id"),
        (b"{}", [*BINARY, ("ce_id", b"")], DeadLetterReason.INVALID, "id"),
        (b"{}", [*BINARY, ("ce_id", b"\xff")], DeadLetterReason.INVALID, "ce_id"),
        (b"{}", [*BINARY, ("ce_id", b"x" * 257)], DeadLetterReason.INVALID, "256"),
        (b"{}", [*BINARY, ("ce_source", b"x" * 1025)], DeadLetterReason.INVALID, "1024"),
        (b"{}", [*BINARY, ("ce_specversion", b"0.3")], DeadLetterReason.UNSUPPORTED, "0.3"),
        (b"{}", [*BINARY, ("ce_type", b"other.v1")], DeadLetterReason.UNSUPPORTED, "other.v1"),
        (
            b"Obj",
            [*BINARY, ("content-type", b"avro/binary")],
            DeadLetterReason.UNSUPPORTED,
            "avro/binary",
        ),
        (
            b"[]",
            [("content-type", b"application/cloudevents-batch+json")],
            DeadLetterReason.UNSUPPORTED,
            "batch",
        ),
        (structured(data=None), STRUCTURED, DeadLetterReason.EMPTY, "data"),
        (structured(data="text"), STRUCTURED, DeadLetterReason.INVALID, "object"),
        (structured(data_base64="!"), STRUCTURED, DeadLetterReason.INVALID, "data_base64"),
        (structured(time="noon"), STRUCTURED, DeadLetterReason.INVALID, "noon"),
        (structured(time=None), STRUCTURED, DeadLetterReason.INVALID, "time"),
        (structured(id=7), STRUCTURED, DeadLetterReason.INVALID, "$.id"),
        (structured(type="other.v2"), None, DeadLetterReason.UNSUPPORTED, "other.v2"),
        (structured(id=7), None, DeadLetterReason.INVALID, "$.id"),
        (b"{", STRUCTURED, DeadLetterReason.MALFORMED, "truncated"),
    ],
)
def test_a_bad_cloudevent_is_refused_with_the_reason(
    value: bytes | None, headers: Headers | None, reason: DeadLetterReason, said: str
) -> None:
    given, detail = refused(value, headers)
    assert given is reason
    assert said in detail
