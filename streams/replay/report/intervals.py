"""How intervals are written: of counts and of instants."""

from datetime import datetime

from streams.replay.report.document import Text
from streams.replay.report.sources import RecordSources
from streams.replay.report.wording import count


def count_interval(
    interval: tuple[float, float] | None, sources: RecordSources, *path: str | int
) -> Text:
    """Write an interval of counts, such as `90 %: 45 to 50`, or nothing."""
    if interval is None:
        return ()
    low, high = interval
    return (
        "90\u00a0%: ",
        sources.figure(count(low), *path, 0),
        " to ",
        sources.figure(count(high), *path, 1),
    )


def time_interval(
    interval: tuple[datetime, datetime] | None, sources: RecordSources, *path: str | int
) -> Text:
    """Write from when to when, such as `2021-10-13 06:26 to 06:28`, or nothing."""
    if interval is None:
        return ()
    low, high = (end.timestamp() for end in interval)
    return (sources.moment(low, *path, 0), " to ", sources.moment(high, *path, 1, since=low))
