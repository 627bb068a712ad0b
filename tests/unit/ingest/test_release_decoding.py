"""Values become release events, alone or in CloudEvents, or are refused with a reason."""

import json

import pytest
from outcome_events import START

from streams.domain.outcomes import DeadLetterReason
from streams.domain.releases import ReleaseAction, ReleaseEvent
from streams.formats.rejections import Rejection
from streams.formats.release_json import decode_release

TIME = "2021-10-13T06:00:00Z"
ENVELOPE = {
    "specversion": "1.0",
    "id": "7",
    "source": "/deployer",
    "type": "opwatch.release.v1",
    "time": TIME,
}
DATA = {"release": "r1", "action": "progressed"}


def release(**fields: object) -> bytes:
    record = {"id": "s1", "time": TIME, **DATA, **fields}
    return json.dumps({name: value for name, value in record.items() if value is not None}).encode()


def test_a_whole_step_is_read() -> None:
    value = release(
        component="agent",
        version="1.2",
        stage="ring1",
        scope={"region": ["westus", "eastus"], "os": ["windows"]},
        exposure=0.25,
        url="https://deployer/7",
        extra=1,
    )
    assert decode_release(value) == ReleaseEvent(
        id="s1",
        time=START,
        release="r1",
        action=ReleaseAction.PROGRESSED,
        scope={"os": ("windows",), "region": ("westus", "eastus")},
        exposure=0.25,
        component="agent",
        version="1.2",
        stage="ring1",
        url="https://deployer/7",
    )


@pytest.mark.parametrize(
    ("action", "exposure", "read"),
    [("started", None, 1.0), ("rolled_back", None, 0.0), ("rolled_back", 0.5, 0.5)],
)
def test_a_step_touches_everything_unless_it_says_otherwise_or_rolls_back(
    action: str, exposure: float | None, read: float
) -> None:
    event = decode_release(release(action=action, exposure=exposure))
    assert isinstance(event, ReleaseEvent)
    assert event.exposure == read
    assert event.scope == {}


@pytest.mark.parametrize(("said", "expected"), [(None, False), (False, False), (True, True)])
def test_a_step_outside_the_staged_release_system_says_so(
    said: bool | None,  # noqa: FBT001 - a value of the event
    expected: bool,  # noqa: FBT001
) -> None:
    event = decode_release(release(off_system=said))
    assert isinstance(event, ReleaseEvent)
    assert event.off_system is expected


def test_a_cloudevent_lends_its_identity_and_time() -> None:
    headers = [(f"ce_{name}", text.encode()) for name, text in ENVELOPE.items()]
    binary = decode_release(json.dumps(DATA).encode(), headers)
    structured = decode_release(
        json.dumps({**ENVELOPE, "data": DATA}).encode(),
        [("content-type", b"application/cloudevents+json")],
    )
    unannounced = decode_release(json.dumps({**ENVELOPE, "data": DATA}).encode())
    assert isinstance(binary, ReleaseEvent)
    assert (binary.id, binary.time) == ("/deployer 7", START)
    assert binary == structured == unannounced


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (None, DeadLetterReason.EMPTY, "null"),
        (b"", DeadLetterReason.EMPTY, "no bytes"),
        (b"{", DeadLetterReason.MALFORMED, "truncated"),
        (b"[" * 100_000, DeadLetterReason.INVALID, "array"),
        (release(action="exploded"), DeadLetterReason.INVALID, "$.action"),
        (release(release=""), DeadLetterReason.INVALID, "$.release"),
        (release(exposure=1.01), DeadLetterReason.INVALID, "$.exposure"),
        (release(exposure="all"), DeadLetterReason.INVALID, "$.exposure"),
        (release(scope={"region": "westus"}), DeadLetterReason.INVALID, "$.scope"),
        (release(time="2021-10-13T06:00:00"), DeadLetterReason.INVALID, "offset"),
        (release(time="9999-01-01T00:00:00Z"), DeadLetterReason.TIME_OUT_OF_RANGE, "9999"),
        (
            json.dumps({**ENVELOPE, "type": "other", "data": DATA}).encode(),
            DeadLetterReason.UNSUPPORTED,
            "other",
        ),
        (json.dumps({**ENVELOPE, "data": {}}).encode(), DeadLetterReason.INVALID, "release"),
        (json.dumps({**ENVELOPE, "id": 7}).encode(), DeadLetterReason.INVALID, "id"),
        (
            json.dumps({**ENVELOPE, "time": None, "data": DATA}).encode(),
            DeadLetterReason.INVALID,
            "time",
        ),
    ],
)
def test_a_bad_value_is_refused_with_the_reason(
    value: bytes | None, reason: DeadLetterReason, said: str
) -> None:
    refused = decode_release(value)
    assert isinstance(refused, Rejection)
    assert refused.reason is reason
    assert said in refused.detail


def test_a_tombstone_in_an_envelope_is_empty() -> None:
    refused = decode_release(None, [("ce_id", b"7")])
    assert isinstance(refused, Rejection)
    assert refused.reason is DeadLetterReason.EMPTY
