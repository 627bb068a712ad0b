"""Names of the archive's files, and what they say: which windows are in which.

A day of event time is a folder. While it lasts, files are added to it, each with what the topic of
closed windows held for that day between two of its offsets; later they are merged into one that has
all up to an offset:

    day=2021-10-13/part-5c1f09d2-00000000000000001200-00000000000000001259.parquet
    day=2021-10-13/windows-5c1f09d2-00000000000000005759.parquet

The eight digits stand for the topic, whose offsets they are: one made anew has others.

What a file holds follows from its name, whoever writes it and however often. So a writer that was
killed, or does not know yet that another has taken over, may leave a file too many, but a reader
that looks at the offsets has every message once.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DAY_S = 86_400

_NAME = re.compile(
    r"day=(?P<day>\d{4}-\d\d-\d\d)/"
    r"(?:part-(?P<part>[0-9a-f]{8})-(?P<first>\d{20})-(?P<last>\d{20})"
    r"|windows-(?P<merged>[0-9a-f]{8})-(?P<through>\d{20}))\.parquet"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class ArchiveFile:
    """One file of the archive.

    Attributes:
        day: Its day, as days since 1970-01-01.
        topic: Stands for the topic of closed windows.
        first: First offset it covers; None for a merged file, which covers all up to `last`.
        last: Last offset it covers.
    """

    day: int
    topic: str
    first: int | None
    last: int

    @property
    def name(self) -> str:
        """Give its path inside the archive."""
        date = (_EPOCH + timedelta(days=self.day)).strftime("%Y-%m-%d")
        if self.first is None:
            return f"day={date}/windows-{self.topic}-{self.last:020d}.parquet"
        return f"day={date}/part-{self.topic}-{self.first:020d}-{self.last:020d}.parquet"


def file_of(name: str) -> ArchiveFile | None:
    """Read a path inside the archive; None for what is no file of it."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        date = datetime.strptime(found["day"], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    day = (date - _EPOCH).days
    if found["merged"]:
        return ArchiveFile(day, found["merged"], None, int(found["through"]))
    return ArchiveFile(day, found["part"], int(found["first"]), int(found["last"]))


@dataclass(frozen=True, slots=True)
class DayFiles:
    """The files of one day and topic that are to be read.

    Attributes:
        day: The day, as days since 1970-01-01.
        topic: Stands for the topic of closed windows.
        merged: The merged file; None where there is none yet.
        parts: The parts that hold what is not in the merged file, ordered by their offsets.
        obsolete: Files of which all is in the merged file.
    """

    day: int
    topic: str
    merged: ArchiveFile | None
    parts: tuple[ArchiveFile, ...]
    obsolete: tuple[ArchiveFile, ...]

    @property
    def read(self) -> tuple[ArchiveFile, ...]:
        """Give the files to read, the merged one first."""
        return self.parts if self.merged is None else (self.merged, *self.parts)

    @property
    def bounds(self) -> tuple[float, float]:
        """Give the first instant of the day and the first after it, in seconds since the epoch."""
        return float(self.day * DAY_S), float((self.day + 1) * DAY_S)


def days_of(files: Iterable[ArchiveFile]) -> list[DayFiles]:
    """Choose what is to be read of each day and topic, in their order."""
    groups: dict[tuple[int, str], list[ArchiveFile]] = {}
    for file in files:
        groups.setdefault((file.day, file.topic), []).append(file)
    return [_chosen(day, topic, group) for (day, topic), group in sorted(groups.items())]


def _chosen(day: int, topic: str, files: Iterable[ArchiveFile]) -> DayFiles:
    merged = [one for one in files if one.first is None]
    newest = max(merged, key=lambda one: one.last, default=None)
    through = -1 if newest is None else newest.last
    parts = [one for one in files if one.first is not None]
    return DayFiles(
        day,
        topic,
        newest,
        tuple(sorted((one for one in parts if one.last > through), key=_range)),
        tuple(
            [one for one in merged if one is not newest]
            + [one for one in parts if one.last <= through]
        ),
    )


def _range(file: ArchiveFile) -> tuple[int, int]:
    return file.first or 0, file.last


def unfinished(files: Iterable[ArchiveFile], topic: str, next_offset: int) -> list[ArchiveFile]:
    """Give the parts that a writer left without having committed that they are written.

    Args:
        files: All files.
        topic: Stands for the topic of closed windows.
        next_offset: First offset that is read from now on.
    """
    return [
        one
        for one in files
        if one.topic == topic and one.first is not None and one.first >= next_offset
    ]


def mergeable(days: Iterable[DayFiles], before: int) -> list[DayFiles]:
    """Give the days that are over and have more than one file.

    Args:
        days: All days.
        before: First day that is not over, as days since 1970-01-01.
    """
    return [one for one in days if one.day < before and (one.parts or one.obsolete)]


def day_of(window: int, window_seconds: int) -> int:
    """Give the day in which a window begins, as days since 1970-01-01."""
    return window * window_seconds // DAY_S
