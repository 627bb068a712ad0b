"""Times of a report: of one zone, and clear when its offset changes."""

import pytest

from streams.domain.errors import OperatorError
from streams.domain.time import parse_instant
from streams.replay.report import report_clock

SUMMER, WINTER = "2021-10-31T00:30:00Z", "2021-10-31T01:30:00Z"


def test_times_are_those_of_the_zone_to_the_minute_or_to_the_second() -> None:
    clock = report_clock("Europe/Berlin")
    assert clock.instant(parse_instant("2021-10-13T06:27:00Z")) == "2021-10-13 08:27"
    assert clock.instant(parse_instant("2021-10-13T22:27:05Z")) == "2021-10-14 00:27:05"
    assert report_clock("UTC").instant(parse_instant("2021-10-13T06:27:00Z")) == "2021-10-13 06:27"


def test_a_date_is_not_told_twice_on_one_day_of_the_zone() -> None:
    early, late = parse_instant("2021-10-13T21:30:00Z"), parse_instant("2021-10-13T22:30:00Z")
    assert report_clock("UTC").instant(late, early) == "22:30"
    assert report_clock("Europe/Berlin").instant(late, early) == "2021-10-14 00:30"


def test_where_the_offset_changes_every_time_names_its_own() -> None:
    summer, winter = parse_instant(SUMMER), parse_instant(WINTER)
    clock = report_clock("Europe/Berlin").over([summer, winter])
    assert clock.instant(summer) == "2021-10-31 02:30 UTC+02:00"
    assert clock.instant(winter) == "2021-10-31 02:30 UTC+01:00"
    assert report_clock("Europe/Berlin").over([summer]).instant(summer) == "2021-10-31 02:30"
    assert report_clock("UTC").over([summer, winter]).instant(winter) == "2021-10-31 01:30"


def test_an_axis_keeps_to_the_offset_it_begins_with() -> None:
    clock = report_clock("Asia/Kolkata")
    assert clock.shift(parse_instant(SUMMER)) == 5.5 * 3600
    assert clock.axis(parse_instant(SUMMER)) == "UTC+05:30"
    assert clock.naming(parse_instant(SUMMER)) == "Asia/Kolkata (UTC+05:30)"
    assert report_clock("UTC").naming(0.0) == report_clock("UTC").axis(0.0) == "UTC"


def test_times_for_machines_have_the_offset_of_the_zone() -> None:
    clock = report_clock("America/St_Johns")
    assert clock.exact(parse_instant("2021-10-13T06:27:00Z")) == "2021-10-13T03:57:00-02:30"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_a_zone_that_there_is_not_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(OperatorError, match="there is no such time zone"):
        report_clock(name)
