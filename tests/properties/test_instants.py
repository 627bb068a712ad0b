"""Reading many instants at once says what reading them one by one says."""

import math
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats.instants import instant, instants

FIRST = datetime(1, 1, 2)  # noqa: DTZ001 - the zone is drawn apart
LAST = datetime(9999, 12, 30)  # noqa: DTZ001
_OFFSETS = st.one_of(
    st.just("Z"),
    st.builds(
        lambda sign, hours, minutes: f"{sign}{hours:02d}:{minutes:02d}",
        st.sampled_from("+-"),
        st.integers(0, 24),
        st.integers(0, 60),
    ),
)
_FRACTIONS = st.one_of(st.just(""), st.text("0123456789", min_size=0, max_size=10).map(".".__add__))
_TEXTS = st.builds(
    lambda year, month, day, hour, minute, second, fraction, offset: (
        f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}{fraction}{offset}"
    ),
    st.one_of(st.integers(0, 9999), st.sampled_from([1900, 1970, 2000, 2020, 2100])),
    st.integers(0, 13),
    st.integers(0, 32),
    st.integers(0, 24),
    st.integers(0, 60),
    st.integers(0, 60),
    _FRACTIONS,
    _OFFSETS,
)
_DAMAGED = st.builds(
    lambda text, at, other: text[: at % len(text)] + other + text[at % len(text) + 1 :],
    _TEXTS,
    st.integers(0, 40),
    st.characters(),
)


def one_by_one(text: str) -> float:
    try:
        return instant(text)
    except ValueError:
        return math.nan


@given(st.lists(st.one_of(_TEXTS, _DAMAGED, st.text(max_size=30)), max_size=30))
def test_many_at_once_are_as_many_one_by_one(texts: list[str]) -> None:
    expected = [one_by_one(text) for text in texts]
    found = instants(texts).tolist()
    assert [repr(value) for value in found] == [repr(value) for value in expected]


@given(
    st.lists(st.datetimes(FIRST, LAST), min_size=1, max_size=20),
    st.integers(-1439, 1439),
)
def test_what_python_writes_is_read_exactly(moments: list[datetime], minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    aware = [moment.replace(tzinfo=zone) for moment in moments]
    assert instants([one.isoformat() for one in aware]).tolist() == [
        one.timestamp() for one in aware
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2021-10-13",
        "20211013T060000Z",
        "2021-W41-3T06:00:00Z",
        "2021-10-13T06:00:00",
        "2021-10-13T06:00Z",
        "2021-10-13T06:00:00.Z",
        "2021-10-13T06:00:00+0200",
        "2021-10-13T06:00:60Z",
        "2021-02-29T06:00:00Z",
        "1900-02-29T06:00:00Z",
        "2200-02-29T06:00:00Z",
        "2021-10-13T06:00:00+24:00",
        "\uff12021-10-13T06:00:00Z",
        "0000-10-13T06:00:00Z",
        "",
    ],
)
def test_what_is_no_instant_with_an_offset_is_none(text: str) -> None:
    assert math.isnan(instants([text])[0])
    assert math.isnan(instants(["2021-10-13T06:00:00Z", text])[1])


@pytest.mark.parametrize(
    "text",
    [
        "2021-10-13T06:00:00.25Z",
        "2021-10-13t06:00:00.25z",
        "2021-10-13 06:00:00.250+00:00",
        "2021-10-13T08:30:00.2500009+02:30",
        "2021-10-12T23:00:00.25-07:00",
    ],
)
def test_every_way_to_write_an_instant_is_read(text: str) -> None:
    assert instants([text]).tolist() == [1634104800.25]
