"""Names of the archive's files tell what is in them, and which of them are to be read."""

import pytest

from streams.replay.archive_layout import (
    ArchiveFile,
    day_of,
    days_of,
    file_of,
    mergeable,
    unfinished,
)

DAY = 18_913  # 2021-10-13
TOPIC, OTHER = "5c1f09d2", "00000000"


def part(first: int, last: int, day: int = DAY, topic: str = TOPIC) -> ArchiveFile:
    return ArchiveFile(day, topic, first, last)


def merged(through: int, day: int = DAY) -> ArchiveFile:
    return ArchiveFile(day, TOPIC, None, through)


def test_a_name_says_day_topic_and_offsets_and_is_read_again() -> None:
    name = "day=2021-10-13/part-5c1f09d2-00000000000000001200-00000000000000001259.parquet"
    assert part(1200, 1259).name == name
    assert merged(5759).name == "day=2021-10-13/windows-5c1f09d2-00000000000000005759.parquet"
    for file in (part(1200, 1259), merged(5759)):
        assert file_of(file.name) == file


@pytest.mark.parametrize(
    "name",
    [
        "readme.md",
        "day=2021-10-13/notes.parquet",
        "day=2021-13-13/windows-5c1f09d2-00000000000000005759.parquet",
        "day=2021-10-13/part-5c1f09d2-1-2.parquet",
        "day=2021-10-13/.being-written-00",
        "old/day=2021-10-13/windows-5c1f09d2-00000000000000005759.parquet",
    ],
)
def test_what_else_lies_there_is_no_file_of_the_archive(name: str) -> None:
    assert file_of(name) is None


def test_a_day_begins_at_midnight() -> None:
    assert [day_of(window, 60) for window in (DAY * 1440 - 1, DAY * 1440)] == [DAY - 1, DAY]


def test_what_is_in_the_merged_file_is_not_read_again() -> None:
    (day,) = days_of([part(0, 9), part(10, 19), part(15, 24), merged(19), merged(9)])
    assert day.merged == merged(19)
    assert day.parts == (part(15, 24),)
    assert day.read == (merged(19), part(15, 24))
    assert set(day.obsolete) == {merged(9), part(0, 9), part(10, 19)}


def test_topics_have_offsets_of_their_own() -> None:
    days = days_of([part(0, 9), merged(9), part(0, 9, topic=OTHER), part(0, 9, DAY + 1)])
    assert [(one.day, one.topic, len(one.read)) for one in days] == [
        (DAY, OTHER, 1),
        (DAY, TOPIC, 1),
        (DAY + 1, TOPIC, 1),
    ]


def test_parts_behind_the_committed_offset_are_unfinished_whatever_their_day() -> None:
    files = [part(0, 9), part(10, 19), part(10, 14, DAY - 1), part(10, 19, topic=OTHER), merged(9)]
    assert unfinished(files, TOPIC, 10) == [part(10, 19), part(10, 14, DAY - 1)]


def test_days_that_are_over_are_merged_once_and_again_when_something_came_late() -> None:
    over = days_of([part(0, 9, DAY - 2), part(0, 9, DAY - 1), merged(9, DAY - 1), part(0, 9)])
    assert [one.day for one in mergeable(over, DAY)] == [DAY - 2, DAY - 1]
    done = days_of([merged(9, DAY - 2), merged(9, DAY - 1), part(12, 20, DAY - 1)])
    assert [one.day for one in mergeable(done, DAY)] == [DAY - 1]
