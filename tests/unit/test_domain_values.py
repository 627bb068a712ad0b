"""What the processor talks about: instants, windows, partitions, and the words of the contracts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.domain.incidents import Impact
from streams.domain.series import partition_of
from streams.domain.time import (
    LATEST,
    format_instant,
    parse_instant,
    window_end,
    window_of,
    window_start,
)


def test_instants_are_written_in_utc_with_milliseconds_only_where_there_are_any() -> None:
    assert format_instant(1_634_106_420.0) == "2021-10-13T06:27:00Z"
    assert format_instant(1_634_106_420.25) == "2021-10-13T06:27:00.250Z"
    assert format_instant(0.9996) == "1970-01-01T00:00:01Z"


def test_an_instant_without_an_offset_is_refused_with_how_to_write_it() -> None:
    with pytest.raises(ValueError, match="has no offset: write it as"):
        parse_instant("2021-10-13T06:27:00")
    assert parse_instant("2021-10-13T08:27:00+02:00") == 1_634_106_420.0


@given(milliseconds=st.integers(0, int(LATEST) * 1000))
def test_instants_survive_being_written_and_read(milliseconds: int) -> None:
    assert parse_instant(format_instant(milliseconds / 1000)) == milliseconds / 1000


@given(seconds=st.floats(0, LATEST, allow_nan=False), length=st.integers(10, 3600))
def test_every_instant_is_in_one_half_open_window(seconds: float, length: int) -> None:
    window = window_of(seconds, length)
    assert window_start(window, length) <= seconds < window_end(window, length)
    assert window_end(window, length) == window_start(window + 1, length)


def test_series_of_one_group_meet_in_one_partition_that_never_changes() -> None:
    keys = [("east", "windows"), ("west", "windows"), ("east", "linux")]
    assert [partition_of(key, (1,), 3) for key in keys] == [2, 2, 1]
    assert {partition_of(key, (), 7) for key in keys} == {0}


def test_the_impact_of_no_operations_is_perfect_health() -> None:
    record = Impact(0, 0, 0.0, (0, 0)).record()
    assert record["success_ratio"] == record["baseline_success_ratio"] == 1
    assert record["excess_failures"] == 0
